package um

import (
	"strings"

	"github.com/umtape/umtape/inspect"
)

// Profile is the UM web service with its EWS successors, for the packages that
// take a profile.
func Profile() inspect.Profile {
	return inspect.Profile{Name: "um", CallID: IDOf, Check: Check, Rules: Rules()}
}

// IDOf returns the identifier of the call that a message names or hands out,
// verbatim: CallId of Disconnect and GetCallInfo, the text inside
// PlayOnPhoneResponse and PlayOnPhoneGreetingResponse, PhoneCallId/@Id in EWS.
// It is "" if there is none.
func IDOf(m *inspect.Message) string {
	p := m.Payload
	if p == nil || !inMessages(p.Name.Space) {
		return ""
	}
	if id, ok := p.Child("PhoneCallId").Attr("Id"); ok {
		return id
	}
	switch p.Name.Local {
	case "Disconnect", "GetCallInfo":
		return p.Child("CallId").Value()
	case "PlayOnPhoneResponse", "PlayOnPhoneGreetingResponse":
		return p.Child(p.Name.Local).Value()
	}
	return ""
}

// Find returns the row of [Operations] that a request asks for. PlayOnPhone, a
// name of both protocols, is told by its content: ItemId is EWS (section 1.2).
// The namespace counts in either spelling; ok is false if there is no such row.
func Find(request *inspect.Message) (op Operation, ok bool) {
	p := request.Payload
	if p == nil || !inMessages(p.Name.Space) {
		return Operation{}, false
	}
	protocol := Classic
	if p.Name.Local == "PlayOnPhone" && p.Child("ItemId") != nil {
		protocol = EWS
	}
	for _, op := range Operations {
		if op.Name == p.Name.Local && (op.Name != "PlayOnPhone" || op.Protocol == protocol) {
			return op, true
		}
	}
	return Operation{}, false
}

func inMessages(space string) bool {
	space, _ = inspect.Twin(space)
	return space == MessagesNS
}

// isClassicPath reports whether a URL is an endpoint of the classic service.
func isClassicPath(url string) bool {
	path, _, _ := strings.Cut(strings.ToLower(url), "?")
	return strings.HasSuffix(path, strings.ToLower(Path2007)) || strings.HasSuffix(path, strings.ToLower(PathLegacy))
}
