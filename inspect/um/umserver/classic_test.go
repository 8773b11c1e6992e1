package umserver_test

import (
	"strings"
	"testing"

	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/inspect/um/umserver"
)

const (
	entry     = "<entryId>AAAAAA==</entryId>"
	number    = "<DialString>5550142</DialString>"
	malformed = "ErrorInvalidRequest"
	badCallID = "InvalidCallIdException"
)

func TestClassicOperations(t *testing.T) {
	for _, tt := range []struct{ operation, children, want string }{
		{"Disconnect", "<CallId>" + sampleID + "</CallId>", "DisconnectResponse"},
		{"Disconnect", " <!-- the call --> <CallId><![CDATA[" + sampleID + "]]></CallId>\n", "DisconnectResponse"},
		{"GetCallInfo", "<CallId>" + sampleID + "</CallId>", "GetCallInfoResponse{GetCallInfoResponse{CallState:text EventCause:text}}"},
		{"PlayOnPhone", entry + number, "PlayOnPhoneResponse{PlayOnPhoneResponse:text}"},
		{"PlayOnPhone", "<entryId>\n AAAA\n AA==\n</entryId>" + number, "PlayOnPhoneResponse{PlayOnPhoneResponse:text}"},
		{"PlayOnPhoneGreeting", "<GreetingType>NormalCustom</GreetingType>" + number, "PlayOnPhoneGreetingResponse{PlayOnPhoneGreetingResponse:text}"},
		{"PlayOnPhoneGreeting", "<GreetingType>OofCustom</GreetingType>" + number, "PlayOnPhoneGreetingResponse{PlayOnPhoneGreetingResponse:text}"},
		{"GetUMProperties", "", "GetUMPropertiesResponse{GetUMPropertiesResponse{OofStatus:boolean MissedCallNotificationEnabled:boolean " +
			"PlayOnPhoneDialString:integer TelephoneAccessNumbers:integer TelephoneAccessFolderEmail:text}}"},
		{"IsUMEnabled", "", "IsUMEnabledResponse{IsUMEnabledResponse:boolean}"},
		{"ResetPIN", "", "ResetPINResponse"},
		{"SetMissedCallNotificationEnabled", "<status>false</status>", "SetMissedCallNotificationEnabledResponse"},
		{"SetOofStatus", "<status> 1 </status>", "SetOofStatusResponse"},
		{"SetPlayOnPhoneDialString", "<dialString>5550143</dialString>", "SetPlayOnPhoneDialStringResponse"},
		{"SetPlayOnPhoneDialString", "<dialString/>", "SetPlayOnPhoneDialStringResponse"},
		{"SetTelephoneAccessFolderEmail", "<base64FolderId>AAAAAA==</base64FolderId>", "SetTelephoneAccessFolderEmailResponse"},
	} {
		t.Run(tt.operation, func(t *testing.T) {
			c := serve(t, umserver.Options{})
			c.start("5550142")
			c.classic(tt.operation, tt.children).want(t, tt.want)
		})
	}
}

// A row that is added to the table is answered, not refused as unknown.
func TestEveryRowIsServed(t *testing.T) {
	values := map[um.Kind]string{um.Text: "5550142", um.Boolean: "true", um.Base64: "AAAA", um.CallID: sampleID, um.Greeting: "OofCustom"}
	for _, op := range um.Operations {
		c := serve(t, umserver.Options{})
		c.start("5550142")
		var b strings.Builder
		for _, f := range op.Request {
			if f.ID {
				b.WriteString(`<m:` + f.Name + ` Id="` + values[f.Kind] + `"/>`)
			} else {
				b.WriteString(`<m:` + f.Name + `>` + values[f.Kind] + `</m:` + f.Name + `>`)
			}
		}
		path := map[um.Protocol]string{um.Classic: um.PathLegacy, um.EWS: um.PathEWS}[op.Protocol]
		m := c.post(path, `<m:`+op.Name+` xmlns:m="`+um.MessagesNS+`">`+b.String()+`</m:`+op.Name+`>`).message(t)
		if m.Operation() != op.Name+"Response" {
			t.Errorf("%s (protocol %d): %s", op.Name, op.Protocol, inspect.ShapeOf(m))
		}
	}
}

func TestClassicFaults(t *testing.T) {
	for _, tt := range []struct{ name, operation, children, want string }{
		{"no_callid", "Disconnect", "", badCallID},
		{"no_callid", "GetCallInfo", "", badCallID},
		{"empty_callid", "Disconnect", "<CallId/>", badCallID},
		{"empty_callid", "GetCallInfo", "<CallId></CallId>", badCallID},
		{"wrong_callid", "Disconnect", "<CallId>no such thing</CallId>", badCallID},
		{"wrong_callid", "GetCallInfo", "<CallId>no such thing</CallId>", badCallID},
		{"unknown_callid", "GetCallInfo", "<CallId>" + unknownID + "</CallId>", badCallID},
		{"callid_over_512", "GetCallInfo", "<CallId>" + longID() + "</CallId>", badCallID},
		{"callid_over_512", "Disconnect", "<CallId>" + longID() + "</CallId>", badCallID},
		{"callid_in_white_space", "Disconnect", "<CallId> " + sampleID + "</CallId>", badCallID}, // taken verbatim
		{"wrong_casing", "Disconnect", "<callId>" + sampleID + "</callId>", malformed},
		{"repeated_callid", "Disconnect", strings.Repeat("<CallId>"+sampleID+"</CallId>", 2), malformed},
		{"unknown_child", "Disconnect", "<CallId>" + sampleID + "</CallId><Force/>", malformed},
		{"child_in_no_namespace", "Disconnect", `<CallId xmlns="">` + sampleID + "</CallId>", malformed},
		{"child_in_https", "Disconnect", `<CallId xmlns="https` + strings.TrimPrefix(um.MessagesNS, "http") + `">` + sampleID + "</CallId>", malformed},
		{"undeclared_prefix", "Disconnect", "<q:CallId>" + sampleID + "</q:CallId>", malformed},
		{"text", "Disconnect", sampleID, malformed},
		{"element_in_callid", "Disconnect", "<CallId><Id/></CallId>", malformed},
		{"attribute", "Disconnect", `<CallId Id="x">` + sampleID + "</CallId>", malformed},
		{"child_of_empty_request", "IsUMEnabled", "<status>true</status>", malformed},
		{"no_dial_string", "PlayOnPhone", entry, malformed},
		{"no_entry", "PlayOnPhone", number, malformed},
		{"wrong_order", "PlayOnPhone", number + entry, malformed},
		{"ews_content", "PlayOnPhone", `<ItemId Id="AAAA"/>` + number, malformed},
		{"lower_case", "PlayOnPhone", entry + "<dialString>5550142</dialString>", malformed},
		{"upper_case", "SetPlayOnPhoneDialString", number, malformed},
		{"empty_entry", "PlayOnPhone", "<entryId/>" + number, "InvalidObjectIdException"},
		{"entry_not_base64", "PlayOnPhone", "<entryId>AAA</entryId>" + number, "InvalidObjectIdException"},
		{"denied", "PlayOnPhone", entry + "<DialString>9005550</DialString>", "DialingRulesException"},
		{"denied", "PlayOnPhoneGreeting", "<GreetingType>OofCustom</GreetingType><DialString>9005550</DialString>", "DialingRulesException"},
		{"no_number", "PlayOnPhone", entry + "<DialString/>", "DialingRulesException"},
		{"long_number", "PlayOnPhone", entry + "<DialString>" + strings.Repeat("5", 300) + "</DialString>", "DialingRulesException"},
		{"greeting_type", "PlayOnPhoneGreeting", "<GreetingType>normalCustom</GreetingType>" + number, malformed},
		{"boolean", "SetOofStatus", "<status>True</status>", malformed},
		{"boolean", "SetMissedCallNotificationEnabled", "<status/>", malformed},
		{"documented_slip", "SetTelephoneAccessFolderEmail", "<base64FolderID>AAAA</base64FolderID>", malformed},
		{"folder_not_base64", "SetTelephoneAccessFolderEmail", "<base64FolderId>?</base64FolderId>", malformed},
		{"unknown_operation", "HangUp", "", malformed},
		{"wrong_case_operation", "disconnect", "<CallId>" + sampleID + "</CallId>", malformed},
		{"ews_operation", "DisconnectPhoneCall", `<PhoneCallId Id="` + sampleID + `"/>`, malformed},
	} {
		t.Run(tt.operation+"/"+tt.name, func(t *testing.T) {
			c := serve(t, umserver.Options{Deny: []string{"900"}})
			id := c.start("5550142")
			c.classic(tt.operation, tt.children).want(t, tt.want)
			if calls := c.Calls(); len(calls) != 1 || calls[0].ID != id || calls[0].EndedBy != "" {
				t.Errorf("a refused request left %+v", calls)
			}
		})
	}
}

// longID has the form of a CallId and more than 512 characters.
func longID() string {
	return inspect.CallID{GUID: sampleGUID, Server: strings.Repeat("a.", 200) + "net"}.Encode()
}

// The parts of the UM exception fault (protocol reference, section 5.1).
func TestExceptionFaults(t *testing.T) {
	c := serve(t, umserver.Options{Deny: []string{""}})
	for operation, want := range map[string]struct{ children, kind, reason string }{
		"Disconnect":          {"", badCallID, "The call identifier isn't valid."},
		"PlayOnPhone":         {"<entryId>?</entryId>" + number, "InvalidObjectIdException", "The object identifier isn't valid."},
		"PlayOnPhoneGreeting": {"<GreetingType>OofCustom</GreetingType>" + number, "DialingRulesException", "Dialing restrictions are preventing the phone number that was entered from being dialed."},
	} {
		f := c.classic(operation, want.children).message(t).Fault
		if f == nil || f.Code != (inspect.Name{Space: um.ErrorsNS, Local: want.kind}) || !f.Resolved || f.Reason != want.reason {
			t.Errorf("%s: %+v", operation, f)
			continue
		}
		if e := f.Detail.Child("ExceptionType"); e.Value() != want.kind || e.Name.Space != um.MessagesNS {
			t.Errorf("%s: ExceptionType is %q", operation, e.Value())
		}
	}
}

// The documented malformed fault has no header; the one seen from EWS has.
func TestMalformedFault(t *testing.T) {
	c := serve(t, umserver.Options{})
	m := c.classic("HangUp", "").message(t)
	if m.Header != nil || m.Fault.Code != (inspect.Name{Space: um.TypesNS, Local: malformed}) || m.Fault.Reason != "The request is invalid." {
		t.Errorf("header %v, fault %+v", m.Header, m.Fault)
	}
	for _, name := range []string{"ResponseCode", "Message"} {
		if e := m.Fault.Detail.Child(name); e == nil || e.Name.Space != um.ErrorsNS {
			t.Errorf("%s is %+v", name, e)
		}
	}
}

func TestSettersChangeProperties(t *testing.T) {
	c := serve(t, umserver.Options{})
	property := func(name string) string {
		return c.classic("GetUMProperties", "").message(t).Payload.Child("GetUMPropertiesResponse").Child(name).Value()
	}
	for _, tt := range []struct{ operation, arg, value, property, want string }{
		{"SetOofStatus", "status", "true", "OofStatus", "true"},
		{"SetOofStatus", "status", "0", "OofStatus", "false"},
		{"SetMissedCallNotificationEnabled", "status", "0", "MissedCallNotificationEnabled", "false"},
		{"SetMissedCallNotificationEnabled", "status", "1", "MissedCallNotificationEnabled", "true"},
		{"SetPlayOnPhoneDialString", "dialString", " +1 (555) 0143 &lt;&amp;>\t", "PlayOnPhoneDialString", " +1 (555) 0143 <&>\t"},
		{"SetPlayOnPhoneDialString", "dialString", "", "PlayOnPhoneDialString", ""},
		{"SetTelephoneAccessFolderEmail", "base64FolderId", "AAAAAA==", "TelephoneAccessFolderEmail", "AAAAAA=="},
	} {
		c.classic(tt.operation, "<"+tt.arg+">"+tt.value+"</"+tt.arg+">").want(t, tt.operation+"Response")
		if got := property(tt.property); got != tt.want {
			t.Errorf("after %s %q, %s is %q, want %q", tt.operation, tt.value, tt.property, got, tt.want)
		}
	}
	if property("TelephoneAccessNumbers") == "" {
		t.Error("no TelephoneAccessNumbers")
	}
}
