package um

import (
	"strings"
	"testing"

	"github.com/umtape/umtape/inspect"
)

// TestWhichPlayOnPhone: content tells the two operations of that name apart,
// then the path, then the answer.
func TestWhichPlayOnPhone(t *testing.T) {
	bare := soap(m("PlayOnPhone", "<DialString>1</DialString>"))
	for _, tt := range []struct {
		name, request, response, path string
		want                          Protocol
	}{
		{"entryId", playOnPhone, ewsPlaying, PathEWS, Classic},
		{"entryid", strings.ReplaceAll(playOnPhone, "entryId", "entryid"), ewsPlaying, PathEWS, Classic},
		{"ItemId", soap(m("PlayOnPhone", `<ItemId Id="AAAA"/>`)), playing, PathLegacy, EWS},
		{"itemId", soap(m("PlayOnPhone", `<itemId Id="AAAA"/>`)), playing, PathLegacy, EWS},
		{"classic path", bare, ewsPlaying, strings.ToLower(Path2007) + "?x", Classic},
		{"path of EWS", bare, playing, PathEWS, EWS},
		{"answer of EWS", bare, ewsPlaying, "/", EWS},
		{"classic answer", bare, playing, "/", Classic},
		{"no answer", bare, "", "/", Classic},
	} {
		x := exchange(tt.request, tt.response)
		x.URL = "https://um.example.com" + tt.path
		if op, ok := find(inspect.Read(x)); !ok || op.Name != "PlayOnPhone" || op.Protocol != tt.want {
			t.Errorf("%s: %s, protocol %d, %v", tt.name, op.Name, op.Protocol, ok)
		}
	}
}

// TestCheckIsBounded: of a message of many errors, or long names, there is a list
// that can be read.
func TestCheckIsBounded(t *testing.T) {
	body := soap(m("Disconnect", "<"+strings.Repeat("x", 4000)+"/>"+strings.Repeat("<stranger/>\n", 40_000)))
	x := exchange(body, fault("InvalidCallIdException"))
	x.Status = 500
	found := Check(inspect.Read(x))
	if len(found) != maxFindings+1 {
		t.Errorf("%d findings", len(found))
	}
	for _, f := range found {
		if len(f.Path) > 300 || len(f.Message) > 300 {
			t.Errorf("%s: %d bytes of path, %d of message", f.Rule.ID, len(f.Path), len(f.Message))
		}
	}
	if found := CheckExcept(inspect.Read(x), map[string]bool{"UM023": true}); len(found) != 1 || found[0].Rule.ID != "UM020" {
		t.Errorf("with UM023 off: %+v", found)
	}
	last := found[len(found)-1]
	if last.Rule.ID != "UM090" || last.Message != "and 39902 findings more in this message" { // no CallId is one too
		t.Errorf("the last finding is %s: %s", last.Rule.ID, last.Message)
	}
}

// TestWords: a finding says what is wrong where its rule alone does not, points
// at it, and quotes nothing that a message holds as a value.
func TestWords(t *testing.T) {
	const q = `<q:Disconnect><CallId xmlns="` + MessagesNS + `">` + goodID + `</CallId></q:Disconnect>`
	success := ews("DisconnectPhoneCallResponse", `ResponseClass="Success"`, "\n<ResponseCode>ErrorX</ResponseCode>")
	ended := ews("DisconnectPhoneCall", "", `<PhoneCallId Id="`+goodID+`"/>`)
	for _, tt := range []struct {
		name, request, response string
		status                  int
		want                    string
		line                    int
	}{
		{"undeclared prefix", soap(q), disconnected, 200, "Disconnect has a prefix that is not declared", 1},
		{"undeclared prefix of a child", soap(m("Disconnect", "<q:CallId>"+goodID+"</q:CallId>")), disconnected, 200, "CallId has a prefix that is not declared", 1},
		{"https child", soap(m("Disconnect", `<CallId xmlns="https`+strings.TrimPrefix(MessagesNS, "http")+`">`+goodID+"</CallId>")), disconnected, 200, "the namespace of CallId is spelled https://, as the documentation once had it", 1},
		{"empty answer", disconnect, soap(""), 200, "the Body is empty; DisconnectResponse was due", 1},
		{"answer in no namespace", disconnect, soap("<DisconnectResponse/>"), 200, "DisconnectResponse is in no namespace; it belongs in the messages namespace", 1},
		{"answer in another namespace", disconnect, soap(`<DisconnectResponse xmlns="urn:x"/>`), 200, `DisconnectResponse is in the namespace "urn:x"; it belongs in the messages namespace`, 1},
		{"inner element in no namespace", getCallInfo, strings.Replace(callInfo("Connected", "None"), "<GetCallInfoResponse>", `<GetCallInfoResponse xmlns="">`, 1), 200, "GetCallInfoResponse is in no namespace", 1},
		{"line of ResponseCode", ended, success, 200, "ResponseClass is Success and ResponseCode is not NoError", 2},
		{"exception", disconnect, fault("DialingRulesException"), 500, "DialingRulesException is no documented fault of Disconnect", 1},
		{"a number as exception", disconnect, fault("5550142"), 500, "this exception is no documented fault of Disconnect", 1},
		{"a sentence as exception", disconnect, fault("No such user bob"), 500, "this exception is no documented fault of Disconnect", 1},
		{"a long exception", disconnect, fault(strings.Repeat("E", 65)), 500, "this exception is no documented fault of Disconnect", 1},
	} {
		x := exchange(tt.request, tt.response)
		x.Status = tt.status
		found := Check(inspect.Read(x))
		if len(found) != 1 || found[0].Message != tt.want || found[0].Line != tt.line {
			t.Errorf("%s: %+v", tt.name, found)
		}
	}
}
