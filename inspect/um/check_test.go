package um

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/umtape/umtape/inspect"
)

const goodID = "M2YwYzZiNTItOGExZS00ZDM3LTljNTUtMWU3YTBiOWQyNGY2QHVtMDEudm9pY2UuZXhhbXBsZS5uZXQ="

// soap wraps the children of a Body.
func soap(body string) string {
	return `<s:Envelope xmlns:s="` + inspect.SOAP11NS + `"><s:Body>` + body + `</s:Body></s:Envelope>`
}

// m is an element of the messages namespace.
func m(name, content string) string {
	return `<` + name + ` xmlns="` + MessagesNS + `">` + content + `</` + name + `>`
}

func fault(exception string) string {
	return soap(`<s:Fault><faultcode xmlns:a="` + ErrorsNS + `">a:` + exception + `</faultcode><faultstring>x</faultstring><detail><m:ExceptionType xmlns:m="` + MessagesNS + `">` + exception + `</m:ExceptionType></detail></s:Fault>`)
}

// exchange is a right exchange that tests change, sent to where its request is
// served.
func exchange(request, response string) inspect.Exchange {
	path := Path2007
	if strings.Contains(request, "PhoneCallId") || strings.Contains(request, "<ItemId") {
		path = PathEWS
	}
	return inspect.Exchange{
		Method: "POST", URL: "https://um.example.com" + path, Status: 200,
		RequestHeader:  http.Header{"Content-Type": {"text/xml; charset=utf-8"}},
		ResponseHeader: http.Header{"Content-Type": {"text/xml; charset=utf-8"}},
		RequestBody:    []byte(request), ResponseBody: []byte(response),
	}
}

func ids(found []inspect.Finding) string {
	var list []string
	for _, f := range found {
		list = append(list, f.Rule.ID)
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), " ")
}

var (
	disconnect   = soap(m("Disconnect", "<CallId>"+goodID+"</CallId>"))
	disconnected = soap(m("DisconnectResponse", ""))
	getCallInfo  = soap(m("GetCallInfo", "<CallId>"+goodID+"</CallId>"))
	playOnPhone  = soap(m("PlayOnPhone", "<entryId>AAAA</entryId><DialString>5550142</DialString>"))
	playing      = soap(m("PlayOnPhoneResponse", "<PlayOnPhoneResponse>"+goodID+"</PlayOnPhoneResponse>"))
	ewsPlaying   = ews("PlayOnPhoneResponse", `ResponseClass="Success"`, `<ResponseCode>NoError</ResponseCode><PhoneCallId Id="`+goodID+`"/>`)
	isEnabled    = soap(m("IsUMEnabled", ""))
	enabled      = soap(m("IsUMEnabledResponse", "<IsUMEnabledResponse>true</IsUMEnabledResponse>"))
	getPhoneCall = ews("GetPhoneCallInformation", "", `<PhoneCallId Id="`+goodID+`"/>`)

	getProperties = soap(m("GetUMProperties", ""))
)

// properties is an answer to getProperties, with something more at its end.
func properties(more string) string {
	return soap(m("GetUMPropertiesResponse", "<GetUMPropertiesResponse><OofStatus>false</OofStatus><MissedCallNotificationEnabled>true</MissedCallNotificationEnabled>"+
		"<PlayOnPhoneDialString/><TelephoneAccessNumbers/><TelephoneAccessFolderEmail/>"+more+"</GetUMPropertiesResponse>"))
}

// phoneCallIs is an answer to getPhoneCall.
func phoneCallIs(state, cause string) string {
	return ews("GetPhoneCallInformationResponse", `ResponseClass="Success"`, `<ResponseCode>NoError</ResponseCode><PhoneCallInformation xmlns:t="`+TypesNS+`">`+
		`<t:PhoneCallState>`+state+`</t:PhoneCallState><t:ConnectionFailureCause>`+cause+`</t:ConnectionFailureCause><t:SIPResponseText>OK</t:SIPResponseText><t:SIPResponseCode>200</t:SIPResponseCode></PhoneCallInformation>`)
}

// done is the answer of an operation that returns nothing.
func done(operation string) string { return soap(m(operation+"Response", "")) }

func callInfo(state, cause string) string {
	return soap(m("GetCallInfoResponse", "<GetCallInfoResponse><CallState>"+state+"</CallState><EventCause>"+cause+"</EventCause></GetCallInfoResponse>"))
}

func ews(name, attrs, content string) string {
	return soap(`<` + name + ` xmlns="` + MessagesNS + `" ` + attrs + `>` + content + `</` + name + `>`)
}

// header puts something into a SOAP header; the prefix t is space.
func header(space, content string) *strings.Replacer {
	if space != "" {
		space = ` xmlns:t="` + space + `"`
	}
	return strings.NewReplacer("<s:Body>", "<s:Header"+space+">"+content+"</s:Header><s:Body>")
}

// declared is a message with an XML declaration.
func declared(encoding, message string) string {
	return `<?xml version="1.0" encoding="` + encoding + `"?>` + message
}

// invalid is the fault with which a server refuses what it cannot read.
func invalid(space string) string {
	return soap(`<s:Fault><faultcode xmlns:a="` + space + `">a:ErrorInvalidRequest</faultcode><faultstring>x</faultstring><detail><e:ResponseCode xmlns:e="` + ErrorsNS + `">ErrorInvalidRequest</e:ResponseCode></detail></s:Fault>`)
}

// TestCheck has right exchanges with which no rule finds fault, and for the turns
// that rules take one that is wrong. (That each rule has its cassettes, in
// testdata/rules, is tested where cassettes are validated.)
func TestCheck(t *testing.T) {
	with := func(x inspect.Exchange, change func(x *inspect.Exchange)) inspect.Exchange {
		x.RequestHeader, x.ResponseHeader = x.RequestHeader.Clone(), x.ResponseHeader.Clone()
		change(&x)
		return x
	}
	status := func(request, response string, code int) inspect.Exchange {
		return with(exchange(request, response), func(x *inspect.Exchange) { x.Status = code })
	}
	action := func(a string) inspect.Exchange {
		return with(exchange(disconnect, disconnected), func(x *inspect.Exchange) { x.RequestHeader["SOAPAction"] = []string{a} })
	}
	replace := strings.NewReplacer
	https := func(s string) string {
		return replace("http://schemas.microsoft", "https://schemas.microsoft").Replace(s)
	}
	soap12 := func(s string) string { return replace(inspect.SOAP11NS, inspect.SOAP12NS).Replace(s) }

	for _, tt := range []struct {
		name string
		x    inspect.Exchange
		want string
	}{
		// Right.
		{"Disconnect", exchange(disconnect, disconnected), ""},
		{"Disconnect of an ended call, fault", status(disconnect, fault("InvalidCallIdException"), 500), ""},
		{"GetCallInfo", exchange(getCallInfo, callInfo("Connecting", "None")), ""},
		{"ended with a cause", exchange(getCallInfo, callInfo("Disconnected", "UserBusy")), ""},
		{"PlayOnPhone", exchange(playOnPhone, playing), ""},
		{"PlayOnPhone refused", status(playOnPhone, fault("DialingRulesException"), 500), ""},
		{"PlayOnPhone of EWS", exchange(ews("PlayOnPhone", "", `<ItemId Id="AAAA" ChangeKey="x"/><DialString>1</DialString>`),
			ews("PlayOnPhoneResponse", `ResponseClass="Success"`, `<ResponseCode>NoError</ResponseCode><PhoneCallId Id="`+goodID+`"/>`)), ""},
		{"EWS error", exchange(ews("DisconnectPhoneCall", "", `<PhoneCallId Id="`+goodID+`"/>`),
			ews("DisconnectPhoneCallResponse", `ResponseClass="Error"`, `<MessageText>x</MessageText><ResponseCode>ErrorInvalidPhoneCallId</ResponseCode><DescriptiveLinkKey>0</DescriptiveLinkKey>`)), ""},
		{"another EWS operation", with(exchange(soap(m("FindItem", "<a/>")), soap(m("FindItemResponse", "<a/>"))), func(x *inspect.Exchange) { x.URL = "https://um.example.com" + PathEWS }), ""},
		{"another service", with(exchange(soap(`<Disconnect xmlns="urn:modem"><Line>1</Line></Disconnect>`), soap(`<Done xmlns="urn:modem"/>`)), func(x *inspect.Exchange) { x.URL = "http://modem.example.com/" }), ""},
		{"not SOAP", inspect.Exchange{Method: "GET", Status: 200, ResponseBody: []byte("<html/>")}, ""},
		{"401 with HTML", with(exchange(disconnect, "<html><body>"), func(x *inspect.Exchange) { x.Status = 401 }), ""},
		{"booleans", exchange(soap(m("SetOofStatus", "<status>1</status>")), soap(m("SetOofStatusResponse", ""))), ""},
		{"no action", action(""), ""},
		{"empty action", action(`""`), ""},
		{"right action", action(`"` + MessagesNS + `/Disconnect"`), ""},
		{"right action, bare", action(MessagesNS + `/Disconnect`), ""},

		{"EWS PlayOnPhone with an unknown action", with(exchange(ews("PlayOnPhone", "", `<ItemId Id="AAAA"/><DialString>1</DialString>`), ewsPlaying), func(x *inspect.Exchange) { x.RequestHeader.Set("SOAPAction", MessagesNS+"/PlayOnPhone2") }), ""},
		{"wrapped base64", exchange(replace(">AAAA<", ">AAAA\n    AAAA<").Replace(playOnPhone), playing), ""},
		{"empty request over two lines", exchange(soap(m("IsUMEnabled", "\n")), enabled), ""},
		{"UM properties", exchange(getProperties, properties("")), ""},
		{"GetPhoneCallInformation", exchange(getPhoneCall, phoneCallIs("Disconnected", "Unavailable")), "UM039"},
		{"exception without a name", status(disconnect, replace(`">InvalidCallIdException<`, `"><`).Replace(fault("InvalidCallIdException")), 500), ""},
		{"a step of NTLM", with(exchange("", ""), func(x *inspect.Exchange) { x.Status = 401; x.RequestHeader.Set("SOAPAction", "") }), ""},
		{"multipart", with(exchange(disconnect, "--b\r\nContent-Type: application/xop+xml; type=\"text/xml\"\r\n\r\n"+disconnected+"\r\n--b--"), func(x *inspect.Exchange) { x.ResponseHeader.Set("Content-Type", "multipart/related; boundary=b") }), ""},
		{"two elements for another service", with(exchange(soap(`<a xmlns="urn:a"/><b/>`), soap(`<c xmlns="urn:a"/><b/>`)), func(x *inspect.Exchange) { x.URL = "http://axis.example.com/" }), ""},
		{"nothing for another service", with(exchange(soap(""), soap("")), func(x *inspect.Exchange) { x.URL = "http://axis.example.com/" }), ""},

		// SOAP.
		{"broken request, known by its path", exchange(disconnect[:200], "no"), "SOAP01 SOAP02"},
		{"multipart of another type", with(exchange(disconnect, "--b\r\nContent-Type: text/plain\r\n\r\n"+disconnected+"\r\n--b--"), func(x *inspect.Exchange) { x.ResponseHeader.Set("Content-Type", "multipart/related; boundary=b") }), "SOAP08"},
		{"undeclared prefix in SOAP 1.2", with(status(disconnect, soap12(soap("<s:Fault><s:Code><s:Value>q:Sender</s:Value></s:Code><s:Reason/></s:Fault>")), 400), func(x *inspect.Exchange) {
			x.ResponseHeader.Set("Content-Type", "application/soap+xml")
		}), "SOAP10"},
		{"cut response, known by its path", with(exchange(disconnect[:50], disconnected[:30]), func(x *inspect.Exchange) { x.Truncated = true }), "SOAP11"},
		{"broken request", status("<broken", fault("ErrorInvalidRequest"), 500), "SOAP01"},
		{"login page", exchange(disconnect, "<html/>"), "SOAP02"},
		{"encoded response", with(exchange(disconnect, "\x1f\x8b\x08\x00"), func(x *inspect.Exchange) { x.ResponseHeader.Set("Content-Encoding", "gzip") }), "SOAP03"},
		{"response over the limits", exchange(disconnect, strings.Repeat(" ", 64<<20+1)), "SOAP04"},
		{"fault with 200", status(disconnect, fault("InvalidCallIdException"), 200), "SOAP05"},
		{"500 without a fault", status(disconnect, disconnected, 500), "SOAP06"},
		{"no request type", with(exchange(disconnect, disconnected), func(x *inspect.Exchange) { x.RequestHeader.Del("Content-Type") }), "SOAP07"},
		{"response as HTML", with(exchange(disconnect, disconnected), func(x *inspect.Exchange) { x.ResponseHeader.Set("Content-Type", "text/html") }), "SOAP08"},
		{"https envelope", exchange(replace("http://schemas.xmlsoap.org", "https://schemas.xmlsoap.org").Replace(disconnect), disconnected), "SOAP09"},
		{"undeclared prefix", status(disconnect, replace(` xmlns:a="`+ErrorsNS+`"`, "").Replace(fault("InvalidCallIdException")), 500), "SOAP10"},
		{"truncated", with(exchange(disconnect[:50], disconnected), func(x *inspect.Exchange) { x.Truncated = true; x.RequestHeader.Set("SOAPAction", "x") }), "SOAP11"},

		{"fault without code and reason", status(disconnect, soap("<s:Fault/>"), 500), "SOAP13"},
		{"fault of SOAP 1.2", with(status(disconnect, soap12(soap("<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason/></s:Fault>")), 500), func(x *inspect.Exchange) { x.ResponseHeader.Set("Content-Type", "application/soap+xml") }), ""},
		{"success of SOAP 1.2", with(exchange(disconnect, soap12(disconnected)), func(x *inspect.Exchange) { x.ResponseHeader.Set("Content-Type", "application/soap+xml") }), "SOAP14"},
		{"PUT", with(exchange(disconnect, disconnected), func(x *inspect.Exchange) { x.Method = "PUT" }), "SOAP15"},
		{"M-POST", with(exchange(disconnect, disconnected), func(x *inspect.Exchange) { x.Method = "M-POST" }), ""},
		{"success with 404", status(disconnect, disconnected, 404), "SOAP16"},
		{"success with 202", status(disconnect, disconnected, 202), ""},
		{"two charsets", exchange(declared("iso-8859-1", disconnect), disconnected), "SOAP17"},
		{"two charsets in the answer", exchange(disconnect, declared("iso-8859-1", disconnected)), "SOAP17"},
		{"one charset, spelled twice", exchange(declared("UTF8", disconnect), declared("us-ascii", disconnected)), ""},

		// Names.
		{"https request", status(https(disconnect), fault("InvalidCallIdException"), 500), "UM001"},
		{"https child", exchange(replace("<CallId>", `<CallId xmlns="`+https(MessagesNS)+`">`).Replace(disconnect), disconnected), "UM001"},
		{"https header", exchange(replace("<s:Body>", `<s:Header><RequestServerVersion xmlns="`+https(TypesNS)+`"/></s:Header><s:Body>`).Replace(disconnect), disconnected), "UM001 UM060"},
		{"https response", exchange(disconnect, https(disconnected)), "UM002"},
		{"SOAP 1.2", with(exchange(soap12(disconnect), soap12(disconnected)), func(x *inspect.Exchange) {
			x.RequestHeader.Set("Content-Type", "application/soap+xml")
			x.ResponseHeader.Set("Content-Type", "application/soap+xml")
		}), "UM003"},
		{"unknown operation", exchange(soap(m("HangUp", "")), soap(m("HangUpResponse", ""))), "UM004"},
		{"name in lower case", exchange(soap(m("disconnect", "<CallId>"+goodID+"</CallId>")), disconnected), "UM005"},
		{"no namespace", exchange(soap("<Disconnect><CallId>"+goodID+"</CallId></Disconnect>"), disconnected), "UM006"},
		{"types namespace", exchange(replace(MessagesNS, TypesNS).Replace(disconnect), disconnected), "UM006"},
		{"undeclared prefix of the operation", exchange(replace("<Disconnect", "<q:Disconnect", "</Disconnect", "</q:Disconnect", "<CallId", `<CallId xmlns="`+MessagesNS+`"`).Replace(disconnect), disconnected), "UM006"},
		{"empty Body", exchange(soap(""), disconnected), "UM007"},
		{"empty Body by its action", with(action(MessagesNS+"/Disconnect"), func(x *inspect.Exchange) { x.URL, x.RequestBody = "http://um.example.com/", []byte(soap("")) }), "UM007"},
		{"two operations", exchange(soap(m("Disconnect", "<CallId>"+goodID+"</CallId>")+"<x/>"), disconnected), "UM008"},
		{"two answers", exchange(disconnect, soap(m("DisconnectResponse", "")+"<x/>")), "UM009"},
		{"inferred action", with(exchange(isEnabled, enabled), func(x *inspect.Exchange) { x.RequestHeader.Set("SOAPAction", "urn:x") }), "UM012"},
		{"another's documented action", with(exchange(isEnabled, enabled), func(x *inspect.Exchange) { x.RequestHeader.Set("SOAPAction", MessagesNS+"/ResetPIN") }), "UM010"},
		{"other action", action(`"` + MessagesNS + `/GetCallInfo"`), "UM010"},
		{"https action", action(https(`"` + MessagesNS + `/Disconnect"`)), "UM011"},

		{"sent to EWS", with(exchange(disconnect, disconnected), func(x *inspect.Exchange) { x.URL = "https://um.example.com" + PathEWS }), "UM013"},
		{"header", exchange(header("", "<x/>").Replace(disconnect), disconnected), "UM060"},
		{"header to be understood", exchange(header("", `<x s:mustUnderstand="1"/>`).Replace(disconnect), disconnected), "UM061"},
		{"header that need not be understood", exchange(header("", `<x s:mustUnderstand="0"/>`).Replace(disconnect), disconnected), "UM060"},
		{"header of EWS", exchange(header(TypesNS, `<t:RequestServerVersion Version="Exchange2010"/>`).Replace(getPhoneCall), phoneCallIs("Connected", "None")), ""},
		{"header of EWS in no namespace", exchange(header("", `<RequestServerVersion Version="Exchange2010"/>`).Replace(getPhoneCall), phoneCallIs("Connected", "None")), "UM062"},
		{"answered header of EWS", exchange(getPhoneCall, header("", `<ServerVersionInfo/>`).Replace(phoneCallIs("Connected", "None"))), "UM062"},
		{"answered header", exchange(disconnect, header("", `<x s:mustUnderstand="1"/>`).Replace(disconnected)), ""},
		{"version without the operations", exchange(header(TypesNS, `<t:RequestServerVersion Version="Exchange2007_SP1"/>`).Replace(getPhoneCall), phoneCallIs("Connected", "None")), "UM063"},
		{"encoded Envelope", exchange(replace("<s:Envelope", `<s:Envelope s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"`).Replace(disconnect), disconnected), "UM014"},
		{"encoded Body", exchange(replace("<s:Body", `<s:Body s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"`).Replace(disconnect), disconnected), "UM014"},
		{"encoded operation", exchange(replace("<Disconnect", `<Disconnect s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"`).Replace(disconnect), disconnected), "UM014"},
		{"encoded in no way", exchange(replace("<s:Body", `<s:Body s:encodingStyle=""`).Replace(disconnect), disconnected), ""},
		{"another header of EWS", exchange(header("", `<Action/>`).Replace(getPhoneCall), phoneCallIs("Connected", "None")), ""},

		// Children.
		{"no CallId", status(soap(m("Disconnect", "")), fault("InvalidCallIdException"), 500), "UM020"},
		{"no Id", exchange(ews("DisconnectPhoneCall", "", "<PhoneCallId/>"), ews("DisconnectPhoneCallResponse", `ResponseClass="Success"`, "")), "UM020"},
		{"no status", exchange(soap(m("SetOofStatus", "")), soap(m("SetOofStatusResponse", ""))), "UM021"},
		{"two statuses", exchange(soap(m("SetOofStatus", "<status>1</status><status>1</status>")), done("SetOofStatus")), "UM028"},
		{"two CallIds", exchange(soap(m("Disconnect", "<CallId>"+goodID+"</CallId><CallId>"+goodID+"</CallId>")), disconnected), "UM022"},
		{"stranger", exchange(soap(m("Disconnect", "<CallId>"+goodID+"</CallId><Reason/>")), disconnected), "UM023"},
		{"element in an empty request", exchange(soap(m("IsUMEnabled", "<a/>")), enabled), "UM023"},
		{"text in an empty request", exchange(soap(m("ResetPIN", "now")), done("ResetPIN")), "UM029"},
		{"text beside a child", exchange(replace("<CallId>", "x<CallId>").Replace(disconnect), disconnected), "UM029"},
		{"text beside the operation", exchange(replace("<s:Body>", "<s:Body>x").Replace(disconnect), disconnected), "UM029"},
		{"callid", exchange(soap(m("Disconnect", "<callid>"+goodID+"</callid>")), disconnected), "UM024"},
		{"CallId in no namespace", exchange(soap(m("Disconnect", `<CallId xmlns="">`+goodID+"</CallId>")), disconnected), "UM025"},
		{"order", exchange(soap(m("PlayOnPhone", "<DialString>1</DialString><entryId>AAAA</entryId>")), playing), "UM026"},
		{"base64FolderID", exchange(soap(m("SetTelephoneAccessFolderEmail", "<base64FolderID>AAAA</base64FolderID>")), soap(m("SetTelephoneAccessFolderEmailResponse", ""))), "UM027"},

		{"namespace without its s", exchange(getCallInfo, replace("<CallState>", `<CallState xmlns="`+strings.TrimSuffix(MessagesNS, "s")+`">`).Replace(callInfo("Connected", "None"))), "UM027"},

		// Values.
		{"empty CallId", status(soap(m("Disconnect", "<CallId/>")), fault("InvalidCallIdException"), 500), "UM030"},
		{"long CallId of GetCallInfo", exchange(soap(m("GetCallInfo", "<CallId>"+strings.Repeat("A", 513)+"</CallId>")), callInfo("Connected", "None")), "UM031"},
		{"long CallId of Disconnect", exchange(soap(m("Disconnect", "<CallId>"+strings.Repeat("A", 513)+"</CallId>")), disconnected), "UM032"},
		{"CallId at the limit, another form", exchange(soap(m("GetCallInfo", "<CallId>"+strings.Repeat("A", 512)+"</CallId>")), callInfo("Connected", "None")), "UM033"},
		{"not a boolean", exchange(soap(m("SetOofStatus", "<status>yes</status>")), soap(m("SetOofStatusResponse", ""))), "UM034"},
		{"not a state", exchange(getCallInfo, callInfo("Ringing", "None")), "UM034"},
		{"not a state of EWS", exchange(getPhoneCall, phoneCallIs("Ringing", "None")), "UM034"},
		{"not a cause of EWS", exchange(getPhoneCall, phoneCallIs("Disconnected", "Bored")), "UM034"},
		{"no cause of EWS", exchange(getPhoneCall, replace("<t:ConnectionFailureCause>None</t:ConnectionFailureCause>", "").Replace(phoneCallIs("Connected", "None"))), "UM020"},
		{"an unlisted cause", exchange(getCallInfo, callInfo("Disconnected", "Bored")), "UM036"},
		{"PlayOnPhone hands out nothing", exchange(playOnPhone, soap(m("PlayOnPhoneResponse", "<PlayOnPhoneResponse/>"))), "UM037"},
		{"empty identifier of DisconnectPhoneCall", exchange(ews("DisconnectPhoneCall", "", `<PhoneCallId Id=""/>`), ews("DisconnectPhoneCallResponse", `ResponseClass="Success"`, "")), "UM037"},
		{"empty entryId", exchange(replace(">AAAA<", "><").Replace(playOnPhone), playing), "UM038"},
		{"empty ItemId", exchange(ews("PlayOnPhone", "", `<ItemId Id=""/><DialString>1</DialString>`), ewsPlaying), "UM038"},
		{"content that one page has", exchange(soap(m("IsUMEnabled", "true")), enabled), "UM035"},
		{"not a greeting", exchange(soap(m("PlayOnPhoneGreeting", "<GreetingType>Custom</GreetingType><DialString>1</DialString>")), soap(m("PlayOnPhoneGreetingResponse", "<PlayOnPhoneGreetingResponse>"+goodID+"</PlayOnPhoneGreetingResponse>"))), "UM034"},
		{"True", exchange(soap(m("SetOofStatus", "<status>True</status>")), soap(m("SetOofStatusResponse", ""))), "UM035"},
		{"Unavailable", exchange(getCallInfo, callInfo("Disconnected", "Unavailable")), "UM035"},

		// Responses.
		{"other response", exchange(disconnect, callInfo("Connected", "None")), "UM040"},
		{"empty answer", exchange(disconnect, soap("")), "UM040"},
		{"answer in another namespace", exchange(disconnect, soap(`<DisconnectResponse xmlns="urn:x"/>`)), "UM040"},
		{"inner element in no namespace", exchange(isEnabled, replace("><IsUMEnabledResponse>", `><IsUMEnabledResponse xmlns="">`).Replace(enabled)), "UM025"},
		{"inner element twice", exchange(isEnabled, soap(m("IsUMEnabledResponse", strings.Repeat("<IsUMEnabledResponse>true</IsUMEnabledResponse>", 2)))), "UM022"},
		{"stranger beside the inner element", exchange(isEnabled, replace("true</IsUMEnabledResponse>", "true</IsUMEnabledResponse><a/>").Replace(enabled)), "UM023"},
		{"elements in a value", exchange(isEnabled, replace("true<", "true<a/><").Replace(enabled)), "UM023"},
		{"unlisted property", exchange(getProperties, properties("<New/>")), "UM046"},
		{"Error with NoError", exchange(ews("DisconnectPhoneCall", "", `<PhoneCallId Id="`+goodID+`"/>`), ews("DisconnectPhoneCallResponse", `ResponseClass="Error"`, "<ResponseCode>NoError</ResponseCode>")), "UM047"},
		{"many strangers", exchange(soap(m("Disconnect", "<CallId>"+goodID+"</CallId>"+strings.Repeat("<a/>", 101))), disconnected), "UM023 UM090"},
		{"not empty", exchange(disconnect, soap(m("DisconnectResponse", "<a/>"))), "UM041"},
		{"one level", exchange(soap(m("IsUMEnabled", "")), soap(m("IsUMEnabledResponse", "true"))), "UM042"},
		{"one level of a result with children", exchange(getCallInfo, soap(m("GetCallInfoResponse", "<CallState>Connected</CallState><EventCause>None</EventCause>"))), "UM042"},
		{"one level, and a stranger", exchange(getCallInfo, soap(m("GetCallInfoResponse", "<CallState>Connected</CallState><Other/>"))), "UM023 UM042"},
		{"no ResponseClass", exchange(ews("DisconnectPhoneCall", "", `<PhoneCallId Id="`+goodID+`"/>`), ews("DisconnectPhoneCallResponse", "", "")), "UM043"},
		{"Success with an error", exchange(ews("DisconnectPhoneCall", "", `<PhoneCallId Id="`+goodID+`"/>`), ews("DisconnectPhoneCallResponse", `ResponseClass="Success"`, "<ResponseCode>ErrorInvalidPhoneCallId</ResponseCode>")), "UM043"},
		{"cause too early", exchange(getCallInfo, callInfo("Connected", "UserBusy")), "UM044"},
		{"hidden state", exchange(getCallInfo, callInfo("Alerted", "None")), "UM045"},
		{"other exception", status(disconnect, fault("DialingRulesException"), 500), "UM050"},
		{"fault and detail differ", status(disconnect, replace(">a:Inv", ">a:inv").Replace(fault("InvalidCallIdException")), 500), "UM052"},
		{"code of SOAP beside an exception", status(disconnect, replace(">a:InvalidCallIdException", ">s:Client").Replace(fault("InvalidCallIdException")), 500), ""},
		{"exception in the types namespace", status(disconnect, replace(ErrorsNS, TypesNS).Replace(fault("InvalidCallIdException")), 500), "UM053"},
		{"exception in https", status(disconnect, replace(ErrorsNS, https(ErrorsNS)).Replace(fault("InvalidCallIdException")), 500), "UM002"},
		{"exception's detail in https", status(disconnect, replace(`m="`+MessagesNS, `m="`+https(MessagesNS)).Replace(fault("InvalidCallIdException")), 500), "UM002"},
		{"invalid request", status(disconnect, invalid(TypesNS), 500), ""},
		{"invalid request in the errors namespace", status(disconnect, invalid(ErrorsNS), 500), "UM054"},
		{"no CallId, and success", exchange(soap(m("Disconnect", "")), disconnected), "UM020 UM055"},
		{"exception in answer to EWS", status(getPhoneCall, fault("InvalidCallIdException"), 500), "UM056"},
		{"stranger in a frame", exchange(getPhoneCall, replace("<PhoneCallInformation", "<New/><PhoneCallInformation").Replace(phoneCallIs("Connected", "None"))), "UM048"},
		{"frame out of order", exchange(getPhoneCall, replace("<PhoneCallInformation", "<MessageText/><PhoneCallInformation").Replace(phoneCallIs("Connected", "None"))), "UM026"},
		{"frame with a repeat", exchange(getPhoneCall, replace("<PhoneCallInformation", "<ResponseCode>NoError</ResponseCode><PhoneCallInformation").Replace(phoneCallIs("Connected", "None"))), "UM022"},
		{"frame with a bad number", exchange(getPhoneCall, replace("<PhoneCallInformation", "<DescriptiveLinkKey>x</DescriptiveLinkKey><PhoneCallInformation").Replace(phoneCallIs("Connected", "None"))), "UM034"},
		{"frame with a part elsewhere", exchange(getPhoneCall, replace("<ResponseCode>", `<ResponseCode xmlns="">`).Replace(phoneCallIs("Connected", "None"))), "UM025"},
		{"success without a call", exchange(getPhoneCall, ews("GetPhoneCallInformationResponse", `ResponseClass="Success"`, "<ResponseCode>NoError</ResponseCode>")), "UM049"},
		{"hidden state of EWS", exchange(getPhoneCall, phoneCallIs("Alerted", "None")), "UM045"},
		{"cause of EWS too early", exchange(getPhoneCall, phoneCallIs("Connected", "UserBusy")), "UM044"},
		{"cause of EWS that is not shown", exchange(getPhoneCall, phoneCallIs("Disconnected", "NoAnswer")), "UM039"},
		{"rarer exception", status(disconnect, replace(`<m:ExceptionType xmlns:m="`+MessagesNS+`">`, "<ExceptionType>", "</m:", "</").Replace(fault("InvalidCallIdException")), 500), "UM051"},
	} {
		found := Check(inspect.Read(tt.x))
		if got := ids(found); got != tt.want {
			t.Errorf("%s: %q, want %q: %+v", tt.name, got, tt.want, found)
		}
		for _, f := range found {
			if f.Message == "" || strings.Contains(f.Message, goodID) || strings.Contains(f.Message, "5550142") {
				t.Errorf("%s: %s says %q", tt.name, f.Rule.ID, f.Message)
			}
			if f.Path != "" && f.Part == "" {
				t.Errorf("%s: %s has a path in no message", tt.name, f.Rule.ID)
			}
		}
	}
	last := ""
	for _, r := range Rules() {
		if r.ID <= last || r.Summary == "" || r.Reason == "" || r.Fix == "" || r.Source == "" {
			t.Errorf("%s is listed after %s, or says too little: %+v", r.ID, last, r)
		}
		last = r.ID
	}
}

// TestSamples: the shipped messages, paired as their README has them, have no
// findings but those they were made to show.
func TestSamples(t *testing.T) {
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join("../../testdata/messages", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, tt := range []struct {
		request, response string
		status            int
		want              string
	}{
		{"documented-disconnect-request.xml", "documented-disconnect-response.xml", 200, ""},
		{"documented-disconnect-request-https.xml", "documented-disconnect-response-https.xml", 200, "UM001 UM002"},
		{"disconnect-request.xml", "disconnect-response.xml", 200, ""},
		{"disconnect-request.xml", "disconnect-fault-invalid-callid.xml", 500, ""},
		{"disconnect-request.xml", "disconnect-fault-undeclared-prefix.xml", 500, "SOAP10"},
		{"disconnect-request-https-namespace.xml", "fault-malformed-request.xml", 500, "UM001"},
		{"disconnect-request.xml", "fault-asmx-unknown-soapaction.xml", 500, ""},
		{"playonphone-request.xml", "playonphone-response.xml", 200, ""},
		{"ews-disconnectphonecall-request.xml", "ews-disconnectphonecall-response-error.xml", 200, ""},
	} {
		x := exchange(read(tt.request), read(tt.response))
		x.Status = tt.status
		if got := ids(Check(inspect.Read(x))); got != tt.want {
			t.Errorf("%s, %s: %q, want %q", tt.request, tt.response, got, tt.want)
		}
	}
}

func TestIDOf(t *testing.T) {
	for _, body := range []string{
		disconnect, getCallInfo, playing,
		ews("DisconnectPhoneCall", "", `<PhoneCallId Id="`+goodID+`"/>`),
		ews("PlayOnPhoneResponse", `ResponseClass="Success"`, `<PhoneCallId Id="`+goodID+`"/>`),
		soap(m("PlayOnPhoneResponse", goodID)), // one level, as the reference pages have it
	} {
		msg, err := inspect.Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if got := IDOf(msg); got != goodID {
			t.Errorf("IDOf(%s) = %q", body, got)
		}
	}
	for _, body := range []string{disconnected, playOnPhone, soap(m("PlayOnPhoneResponse", "\n")), soap(""), soap(`<Disconnect xmlns="urn:x"><CallId>1</CallId></Disconnect>`), soap(m("Disconnect", ""))} {
		msg, err := inspect.Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if got := IDOf(msg); got != "" {
			t.Errorf("IDOf(%s) = %q", body, got)
		}
	}
}
