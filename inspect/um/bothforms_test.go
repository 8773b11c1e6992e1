package um

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/umtape/umtape/inspect"
)

// TestBothForms goes through the sections of PROTOCOL.md for all that they leave open,
// contradict themselves in, or have two spellings of. Both forms pass: neither is an
// error. The rarer is at most a note where the documents allow it, and a warning where
// they contradict it elsewhere: slips of theirs, and what is marked as not applicable.
func TestBothForms(t *testing.T) {
	re := strings.NewReplacer
	prefix := func(p, text string) string {
		if p == "" {
			return re("<s:", "<", "</s:", "</", "xmlns:s=", "xmlns=").Replace(text)
		}
		return re("<s:", "<"+p+":", "</s:", "</"+p+":", "xmlns:s=", "xmlns:"+p+"=", ">s:", ">"+p+":").Replace(text)
	}
	properties := properties("")
	ewsEnd := ews("DisconnectPhoneCall", "", `<PhoneCallId Id="`+goodID+`"/>`)
	ewsEnded := ews("DisconnectPhoneCallResponse", `ResponseClass="Success"`, `<ResponseCode>NoError</ResponseCode>`)
	info := phoneCallIs("Connected", "None")
	ewsPlay := ews("PlayOnPhone", "", `<ItemId Id="AAAA" ChangeKey="x"/><DialString>1</DialString>`)
	setOof := soap(m("SetOofStatus", "<status>true</status>"))
	setFolder := soap(m("SetTelephoneAccessFolderEmail", "<base64FolderId>AAAA</base64FolderId>"))
	noCall := fault("InvalidCallIdException")
	malformed := soap(`<s:Fault><faultcode xmlns:a="` + TypesNS + `">a:ErrorInvalidRequest</faultcode><faultstring xml:lang="en-US">The request is invalid.</faultstring><detail>` +
		`<e:ResponseCode xmlns:e="` + ErrorsNS + `">ErrorInvalidRequest</e:ResponseCode><e:Message xmlns:e="` + ErrorsNS + `">The request is invalid.</e:Message></detail></s:Fault>`)
	invalid2010 := soap(`<s:Fault><faultcode xmlns:a="` + TypesNS + `">a:ErrorSchemaValidation</faultcode><faultstring xml:lang="en-US">x</faultstring><detail><e:ResponseCode xmlns:e="` + ErrorsNS + `">ErrorSchemaValidation</e:ResponseCode><e:Message xmlns:e="` + ErrorsNS + `">x</e:Message>` +
		`<t:MessageXml xmlns:t="` + TypesNS + `"><t:LineNumber>1</t:LineNumber><t:LinePosition>2</t:LinePosition><t:Violation>x</t:Violation></t:MessageXml></detail></s:Fault>`)
	invalid2007 := prefix("soap11", soap(`<s:Fault><faultcode>s:Client</faultcode><faultstring>x</faultstring><detail><e:ResponseCode xmlns:e="`+ErrorsNS+`">ErrorSchemaValidation</e:ResponseCode><e:Message xmlns:e="`+ErrorsNS+`">x</e:Message><e:Line xmlns:e="`+ErrorsNS+`">1</e:Line><e:Position xmlns:e="`+ErrorsNS+`">2</e:Position></detail></s:Fault>`))
	plain := soap(`<s:Fault><faultcode>s:Client</faultcode><faultstring>Server did not recognize the value of HTTP Header SOAPAction: .</faultstring><detail/></s:Fault>`)
	soap12 := func(s string) string { return re(inspect.SOAP11NS, inspect.SOAP12NS).Replace(s) }
	fault12 := soap12(soap(`<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason><s:Text xml:lang="en">x</s:Text></s:Reason><s:Detail/></s:Fault>`))

	type form struct {
		request, response string
		status            int // 0 for 200, or 500 where a fault is answered
		url, action       string
		kind              string // content type of the response
	}
	for _, tt := range []struct {
		name  string // its section, and what
		forms []form
		want  string // of all forms but the first, which have no findings if it is ""
	}{
		{"1.1 3 base64FolderId, base64FolderID", []form{{request: setFolder, response: done("SetTelephoneAccessFolderEmail")}, {request: re("FolderId", "FolderID").Replace(setFolder), response: done("SetTelephoneAccessFolderEmail")}}, "warning UM027"},
		{"1.1 3 the namespace of CallState without its s", []form{{request: getCallInfo, response: callInfo("Connected", "None")}, {request: getCallInfo, response: re("<CallState>", `<CallState xmlns="`+strings.TrimSuffix(MessagesNS, "s")+`">`).Replace(callInfo("Connected", "None"))}}, "warning UM027"},
		{"1.1 3 true and false, 1 and 0", []form{{request: setOof, response: done("SetOofStatus")}, {request: re(">true<", ">1<").Replace(setOof), response: done("SetOofStatus")}, {request: re(">true<", ">0<").Replace(setOof), response: done("SetOofStatus")}, {request: re(">true<", "> false\n<").Replace(setOof), response: done("SetOofStatus")}}, ""},
		{"1.1 3 true and false, True and False", []form{{request: isEnabled, response: enabled}, {request: isEnabled, response: re(">true<", ">True<").Replace(enabled)}, {request: isEnabled, response: re(">true<", ">False<").Replace(enabled)}}, "warning UM035"},
		{"1.1 3 IsUMEnabled is empty, or a Boolean", []form{{request: isEnabled, response: enabled}, {request: soap(m("IsUMEnabled", "true")), response: enabled}}, "warning UM035"},
		{"1.1 3 OofStatus is in the UM properties, or not in the table", []form{{request: getProperties, response: properties}, {request: getProperties, response: re("<OofStatus>false</OofStatus>", "").Replace(properties)}}, "warning UM021"},
		{"1.1, 7 the UM properties in the order of the table, or another", []form{{request: getProperties, response: properties}, {request: getProperties, response: re("<PlayOnPhoneDialString/><TelephoneAccessNumbers/>", "<TelephoneAccessNumbers/><PlayOnPhoneDialString/>").Replace(properties)}}, "warning UM046"},
		{"1.1 4 an EntryID of the samples' size, or another", []form{{request: playOnPhone, response: playing}, {request: re(">AAAA<", ">"+strings.Repeat("AAAA", 24)+"<").Replace(playOnPhone), response: playing}}, ""},
		{"1.1 children with a prefix, and without", []form{{request: disconnect, response: disconnected}, {request: soap(`<m:Disconnect xmlns:m="` + MessagesNS + `"><m:CallId>` + goodID + `</m:CallId></m:Disconnect>`), response: soap(`<q:DisconnectResponse xmlns:q="` + MessagesNS + `"></q:DisconnectResponse>`)}}, ""},

		{"1.2 PlayOnPhone of both protocols", []form{{request: playOnPhone, response: playing}, {request: ewsPlay, response: ewsPlaying}}, ""},
		{"1.2 ChangeKey is optional", []form{{request: ewsPlay, response: ewsPlaying}, {request: re(` ChangeKey="x"`, "").Replace(ewsPlay), response: ewsPlaying}}, ""},
		{"1.2 all children of a response are optional", []form{{request: ewsEnd, response: ewsEnded}, {request: ewsEnd, response: ews("DisconnectPhoneCallResponse", `ResponseClass="Success"`, "")}, {request: ewsEnd, response: re("<ResponseCode>", "<MessageText>x</MessageText><ResponseCode>", "</ResponseCode>", "</ResponseCode><DescriptiveLinkKey>0</DescriptiveLinkKey><MessageXml><x/></MessageXml>").Replace(ewsEnded)}}, ""},
		{"1.2 Success, Warning, Error", []form{{request: ewsEnd, response: ewsEnded}, {request: ewsEnd, response: ews("DisconnectPhoneCallResponse", `ResponseClass="Warning"`, "<ResponseCode>ErrorInvalidPhoneCallId</ResponseCode>")}, {request: ewsEnd, response: ews("DisconnectPhoneCallResponse", `ResponseClass="Error"`, "<ResponseCode>ErrorInvalidPhoneCallId</ResponseCode>")}}, ""},
		{"1.2 the SIP response is optional", []form{{request: getPhoneCall, response: info}, {request: getPhoneCall, response: re("<t:SIPResponseText>OK</t:SIPResponseText><t:SIPResponseCode>200</t:SIPResponseCode>", "").Replace(info)}, {request: getPhoneCall, response: re("<t:SIPResponseText>OK</t:SIPResponseText>", "").Replace(info)}}, ""},
		{"1.2 RequestServerVersion, of any version, and ServerVersionInfo, of any form, or none", []form{
			{request: getPhoneCall, response: info},
			{request: header(TypesNS, `<t:RequestServerVersion Version="Exchange2010"/>`).Replace(getPhoneCall), response: header(TypesNS, `<t:ServerVersionInfo MajorVersion="14" MinorVersion="2" MajorBuildNumber="247" MinorBuildNumber="5" Version="Exchange2010_SP2"/>`).Replace(info)},
			{request: header(TypesNS, `<t:RequestServerVersion Version="Exchange2016"/><t:MailboxCulture>en-US</t:MailboxCulture><t:ExchangeImpersonation/>`).Replace(getPhoneCall), response: header(TypesNS, `<t:ServerVersionInfo Version="V2016_10_10"/>`).Replace(info)},
			{request: getPhoneCall, response: header(TypesNS, `<t:ServerVersionInfo Version="V2_21"/>`).Replace(info)},
		}, ""},

		{"2 all prefixes of an envelope", []form{{request: disconnect, response: disconnected}, {request: prefix("soap", disconnect), response: prefix("soap11", disconnected)}, {request: prefix("SOAP-ENV", disconnect), response: prefix("", disconnected)}, {request: prefix("", disconnect), response: prefix("env", disconnected)}}, ""},

		{"3 a CallId of GUID@host in base64, or of another form", []form{{request: disconnect, response: disconnected}, {request: re(goodID, "OWVl4NWb3N29t").Replace(disconnect), response: disconnected}, {request: re(goodID, "NDDY5uY29y9t").Replace(disconnect), response: disconnected}, {request: re(goodID, "call 17").Replace(disconnect), response: disconnected}}, "note UM033"},
		{"3 the same of EWS", []form{{request: getPhoneCall, response: info}, {request: re(goodID, "ZWMtWYtMY29t").Replace(getPhoneCall), response: info}}, "note UM033"},
		{"3.1 states that can be seen", []form{{request: getCallInfo, response: callInfo("Connecting", "None")}, {request: getCallInfo, response: callInfo("Connected", "None")}, {request: getCallInfo, response: callInfo("Disconnected", "None")}, {request: getCallInfo, response: callInfo("Disconnected", "NoAnswer")}, {request: getCallInfo, response: callInfo("Disconnected", "Other")}, {request: getCallInfo, response: callInfo("Disconnected", "UserBusy")}}, ""},
		{"3.1 states that are marked as not applicable", []form{{request: getCallInfo, response: callInfo("Connected", "None")}, {request: getCallInfo, response: callInfo("Transferring", "None")}}, "note UM045"},
		{"3.1 EventCause with a value of its twin", []form{{request: getCallInfo, response: callInfo("Disconnected", "Other")}, {request: getCallInfo, response: callInfo("Disconnected", "Unavailable")}}, "warning UM035"},
		{"3.1 causes of EWS, of which one is reached", []form{{request: getPhoneCall, response: phoneCallIs("Disconnected", "UserBusy")}, {request: getPhoneCall, response: phoneCallIs("Disconnected", "Unavailable")}, {request: getPhoneCall, response: phoneCallIs("Disconnected", "NoAnswer")}}, "note UM039"},
		{"3.2 Disconnect of a call that has ended: success, or a fault", []form{{request: disconnect, response: disconnected}, {request: disconnect, response: noCall}}, ""},

		{"4.1 the endpoints, in any case", []form{{request: disconnect, response: disconnected}, {request: disconnect, response: disconnected, url: "https://um.example.com" + PathLegacy}, {request: disconnect, response: disconnected, url: "http://um.example.com:8080" + strings.ToLower(Path2007)}, {request: disconnect, response: disconnected, url: "https://um.example.com/ews/um2007legacy.ASMX?x"}, {request: disconnect, response: disconnected, url: "https://um.example.com/behind/a/gateway"}}, ""},
		{"4.3 the content type with a charset, without, in capitals, quoted", []form{{request: disconnect, response: disconnected}, {request: disconnect, response: disconnected, kind: "text/xml"}, {request: disconnect, response: disconnected, kind: "Text/XML; Charset=UTF-8"}, {request: disconnect, response: disconnected, kind: `text/xml;charset="utf-8"`}}, ""},
		{"4.3 a 401 is XML, or HTML, or empty", []form{{request: disconnect, response: "", status: 401}, {request: disconnect, response: "<html><body>", status: 401, kind: "text/html"}, {request: "", response: "", status: 401}}, ""},
		{"4.4 SOAPAction is there, absent, empty, quoted or not", []form{{request: disconnect, response: disconnected, action: `"` + MessagesNS + `/Disconnect"`}, {request: disconnect, response: disconnected}, {request: disconnect, response: disconnected, action: `""`}, {request: disconnect, response: disconnected, action: MessagesNS + "/Disconnect"}}, ""},
		{"4.4, 1.2 the SOAPAction of the PlayOnPhone of EWS is not established", []form{{request: ewsPlay, response: ewsPlaying}, {request: ewsPlay, response: ewsPlaying, action: `"` + MessagesNS + `/PlayOnPhone"`}, {request: ewsPlay, response: ewsPlaying, action: `"` + MessagesNS + `/PlayOnPhone2"`}}, ""},

		{"5.1 ExceptionType without a prefix in its text, or with one", []form{{request: disconnect, response: noCall}, {request: disconnect, response: re(`">InvalidCallIdException`, `">a:InvalidCallIdException`).Replace(noCall)}}, "note UM051"},
		{"5.1 ExceptionType in its namespace, or in none", []form{{request: disconnect, response: noCall}, {request: disconnect, response: re("<m:ExceptionType", "<ExceptionType", "</m:", "</").Replace(noCall)}}, "note UM051"},
		{"5.1 the prefix of faultcode is declared, or not", []form{{request: disconnect, response: noCall}, {request: disconnect, response: re(` xmlns:a="`+ErrorsNS+`"`, "").Replace(noCall)}}, "warning SOAP10"},
		{"5.1 faultstring with its language and full stop, or without", []form{{request: disconnect, response: re("<faultstring>x", `<faultstring xml:lang="en-US">The call identifier isn't valid.`).Replace(noCall)}, {request: disconnect, response: re("<faultstring>x", "<faultstring>The call identifier isn't valid").Replace(noCall)}}, ""},
		{"5.1 the fault's form is not that of every version", []form{{request: disconnect, response: noCall}, {request: disconnect, response: plain}, {request: disconnect, response: re(">a:InvalidCallIdException", ">s:Client").Replace(noCall)}, {request: disconnect, response: re("<detail>", "<faultactor>x</faultactor><detail>").Replace(noCall)}}, ""},
		{"5.2 the text with a full stop, without, and a header to be understood", []form{{request: disconnect, response: malformed}, {request: disconnect, response: re("invalid.<", "invalid<").Replace(malformed)}, {request: disconnect, response: header("", `<Action s:mustUnderstand="1" xmlns="http://schemas.microsoft.com/ws/2005/05/addressing/none">*</Action>`).Replace(malformed)}}, ""},
		{"5.3 schema validation as of 2010, as of 2007, and MessageXml in either namespace", []form{{request: ewsEnd, response: invalid2010}, {request: ewsEnd, response: invalid2007}, {request: ewsEnd, response: re(`xmlns:t="`+TypesNS, `xmlns:t="`+ErrorsNS).Replace(invalid2010)}}, ""},
		{"5.4 the faults of ASP.NET", []form{{request: disconnect, response: plain}, {request: disconnect, response: re("s:Client", "s:Server", "Server did", "System.Web.Services.Protocols.SoapException: Server did").Replace(plain)}, {request: disconnect, response: re("<detail/>", `<faultactor>https://um.example.com/</faultactor><detail><ErrorCode xmlns="`+MessagesNS+`">-2146233088</ErrorCode></detail>`).Replace(plain)}, {request: disconnect, response: re("<detail/>", "").Replace(plain)}}, ""},
		{"5.5 a fault of SOAP 1.2, with 500 or 400", []form{{request: disconnect, response: noCall}, {request: disconnect, response: fault12, kind: "application/soap+xml; charset=utf-8"}, {request: disconnect, response: fault12, kind: "application/soap+xml", status: 400}}, ""},
		{"5.6 what HTTP answers", []form{{request: disconnect, response: "", status: 503}, {request: disconnect, response: "<html>", status: 404, kind: "text/html"}, {request: disconnect, response: "", status: 405}, {request: disconnect, response: "text/xml was expected", status: 415, kind: "text/plain"}, {request: disconnect, response: "", status: 456}, {request: disconnect, response: "<html>", status: 302, kind: "text/html"}}, ""},
	} {
		if !regexp.MustCompile(`^[1-6]\.?\d? ?`).MatchString(tt.name) {
			t.Errorf("%s: no section", tt.name)
		}
		for n, f := range tt.forms {
			x := exchange(f.request, f.response)
			if strings.Contains(f.response, "Fault>") {
				x.Status = 500
			}
			if f.status != 0 {
				x.Status = f.status
			}
			if f.url != "" {
				x.URL = f.url
			}
			if f.action != "" {
				x.RequestHeader["SOAPAction"] = []string{f.action}
			}
			if f.kind != "" {
				x.ResponseHeader = http.Header{"Content-Type": {f.kind}}
			}
			want := tt.want
			if n == 0 {
				want = ""
			}
			found := Check(inspect.Read(x))
			var got []string
			for _, y := range found {
				got = append(got, y.Rule.Severity.String()+" "+y.Rule.ID)
			}
			if strings.Join(got, ", ") != want {
				t.Errorf("%s: form %d: %q, want %q", tt.name, n+1, got, want)
			}
		}
	}
}
