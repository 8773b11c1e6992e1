package um

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/umtape/umtape/inspect"
)

func TestStep(t *testing.T) {
	ewsEnd := ews("DisconnectPhoneCall", "", `<PhoneCallId Id="`+goodID+`"/>`)
	bad := ews("DisconnectPhoneCallResponse", `ResponseClass="Error"`, `<MessageText>x</MessageText><ResponseCode>ErrorInvalidPhoneCallId</ResponseCode>`)
	status := func(x inspect.Exchange, code int) inspect.Exchange {
		x.Status, x.ResponseBody = code, nil
		return x
	}
	for _, tt := range []struct {
		name string
		x    inspect.Exchange
		want string
	}{
		{"a start", exchange(playOnPhone, playing), "start PlayOnPhone goodID"},
		{"a start in EWS", exchange(ewsPlay, ewsPlaying), "start PlayOnPhone goodID"},
		{"a start refused", exchange(playOnPhone, fault("DialingRulesException")), "start PlayOnPhone refused DialingRulesException"},
		{"a start without an id", exchange(playOnPhone, soap(m("PlayOnPhoneResponse", ""))), "start PlayOnPhone unanswered no identifier in the answer"},
		{"a poll", exchange(getCallInfo, callInfo("Connecting", "None")), "poll GetCallInfo goodID Connecting None"},
		{"the last poll", exchange(getCallInfo, callInfo("Disconnected", "UserBusy")), "poll GetCallInfo goodID Disconnected UserBusy over"},
		{"a poll without the inner element", exchange(getCallInfo, soap(m("GetCallInfoResponse", "<CallState>Connected</CallState>"))), "poll GetCallInfo goodID Connected"},
		{"a poll in EWS", exchange(getPhoneCall, phoneCallIs("Disconnected", "Unavailable")), "poll GetPhoneCallInformation goodID Disconnected Unavailable over"},
		{"an end", exchange(disconnect, disconnected), "end Disconnect goodID"},
		{"an end refused", exchange(disconnect, fault("InvalidCallIdException")), "end Disconnect goodID refused InvalidCallIdException"},
		{"an end refused in EWS", exchange(ewsEnd, bad), "end DisconnectPhoneCall goodID refused ErrorInvalidPhoneCallId"},
		{"an end without an answer", status(exchange(disconnect, ""), 503), "end Disconnect goodID unanswered HTTP status 503"},
		{"an end answered by another", exchange(disconnect, callInfo("Connected", "None")), "end Disconnect goodID unanswered the answer is that of something else"},
		{"an end without an id", exchange(soap(m("Disconnect", "")), fault("InvalidCallIdException")), "end Disconnect refused InvalidCallIdException"},
		{"not of a call", exchange(isEnabled, enabled), "none"},
		{"not of the service", exchange(soap(`<Disconnect xmlns="urn:other"/>`), disconnected), "none"},
		{"nothing", exchange("", ""), "none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, ok := Step(inspect.Read(tt.x))
			got := "none"
			if ok {
				got = strings.Join(strings.Fields(fmt.Sprint(s.Role, " ", s.Operation, " ", strings.ReplaceAll(s.Call, goodID, "goodID"), " ", s.State, " ", s.Cause)), " ")
				if s.Over {
					got += " over"
				}
				if s.Refused != "" {
					got += " refused " + s.Refused
				}
				if s.Unanswered != "" {
					got += " unanswered " + s.Unanswered
				}
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// conversations are exchanges in the order in which they were had, and the rules
// about calls that they break.
var conversations = []struct {
	name string
	said []inspect.Exchange
	want string
}{
	{"a whole life", []inspect.Exchange{start, poll("Connecting"), poll("Connected"), end, poll("Connected"), poll("Disconnected")}, ""},
	{"Connected may return to Connecting", []inspect.Exchange{start, poll("Connected"), poll("Connecting"), end}, ""},
	{"no start", []inspect.Exchange{poll("Connected"), end}, "UM071"},
	{"no start in EWS", []inspect.Exchange{exchange(getPhoneCall, phoneCallIs("Disconnected", "None"))}, "UM071"},
	{"left open", []inspect.Exchange{start, poll("Connected")}, "UM073"},
	{"ended twice", []inspect.Exchange{start, end, end}, "UM072"},
	{"asked once more", []inspect.Exchange{start, poll("Disconnected"), poll("Disconnected")}, "UM072"},
	{"refused once more", []inspect.Exchange{start, poll("Disconnected"), exchange(getCallInfo, fault("InvalidCallIdException"))}, "UM072"},
	{"came back", []inspect.Exchange{start, poll("Disconnected"), poll("Connected")}, "UM070"},
	{"came back in EWS", []inspect.Exchange{exchange(ewsPlay, ewsPlaying), exchange(getPhoneCall, phoneCallIs("Disconnected", "None")), exchange(getPhoneCall, phoneCallIs("Connecting", "None"))}, "UM070"},
	{"came back without the inner element", []inspect.Exchange{start, poll("Disconnected"), exchange(getCallInfo, soap(m("GetCallInfoResponse", "<CallState>Connected</CallState>")))}, "UM070"},
	{"began again", []inspect.Exchange{start, poll("Disconnected"), start, poll("Connected"), end}, ""},
	{"another call", []inspect.Exchange{start, poll("Disconnected"), exchange(strings.Replace(getCallInfo, goodID, "other", 1), callInfo("Connected", "None"))}, "UM071"},
	{"no calls", []inspect.Exchange{exchange("", ""), exchange(disconnect[:50], ""), exchange(soap("<x/>"), soap("")), exchange(soap(m("Disconnect", "")), disconnected)}, ""},
}

var ewsPlay = ews("PlayOnPhone", "", `<ItemId Id="x"/><DialString>1</DialString>`)

var start, end = exchange(playOnPhone, playing), exchange(disconnect, disconnected)

func poll(state string) inspect.Exchange { return exchange(getCallInfo, callInfo(state, "None")) }

func checkCalls(said []inspect.Exchange) (found []inspect.Finding) {
	var moments []inspect.Moment
	for i, x := range said {
		if s, ok := Step(inspect.Read(x)); ok {
			moments = append(moments, inspect.Moment{Step: s, File: "calls.yaml", ID: i})
		}
	}
	for f := range CheckCalls(inspect.CallsOf(moments)) {
		found = append(found, f.Finding)
	}
	return found
}

func TestCheckCalls(t *testing.T) {
	for _, tt := range conversations {
		t.Run(tt.name, func(t *testing.T) {
			found := checkCalls(tt.said)
			if got := ids(found); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			for _, f := range found {
				if strings.Contains(f.Message, goodID) {
					t.Errorf("%s quotes an identifier: %s", f.Rule.ID, f.Message)
				}
				part, want := "request", `^Body/(GetCallInfo/CallId|Disconnect/CallId|GetPhoneCallInformation/PhoneCallId)$`
				switch f.Rule.ID {
				case "UM070":
					part, want = "response", `^Body/(GetCallInfoResponse(/GetCallInfoResponse)?/CallState|GetPhoneCallInformationResponse/PhoneCallInformation/PhoneCallState)$`
				case "UM073":
					part, want = "response", `^Body/PlayOnPhoneResponse/PlayOnPhoneResponse$`
				}
				if f.Part != part || !regexp.MustCompile(want).MatchString(f.Path) || f.Pos == 0 || f.Line == 0 || f.Column == 0 {
					t.Errorf("%s is at %q %q, byte %d, %d:%d", f.Rule.ID, f.Part, f.Path, f.Pos, f.Line, f.Column)
				}
			}
		})
	}
}
