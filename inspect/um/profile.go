package um

import (
	"slices"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// Profile is the UM web service with its EWS successors, for the packages that
// take a profile.
func Profile() inspect.Profile {
	return inspect.Profile{Name: "um", CallID: IDOf, Check: Check, Rules: Rules(), Sensitive: sensitive(), SensitiveHeaders: slices.Clone(sensitiveHeaders)}
}

// IDOf returns the identifier of the call that a message names or hands out,
// verbatim: CallId of Disconnect and GetCallInfo, the text inside
// PlayOnPhoneResponse and PlayOnPhoneGreetingResponse, even where these lack
// their inner element, PhoneCallId/@Id in EWS. It is "" if there is none.
func IDOf(m *inspect.Message) string {
	id, _ := idIn(m)
	return id
}

// idIn is [IDOf] with the element that has the identifier, nil if none has.
func idIn(m *inspect.Message) (id string, e *inspect.Element) {
	p := m.Payload
	if p == nil || !inMessages(p.Name.Space) {
		return "", nil
	}
	e = p.Child("PhoneCallId")
	if id, ok := e.Attr("Id"); ok {
		return id, e
	}
	switch p.Name.Local {
	case "Disconnect", "GetCallInfo":
		e = p.Child("CallId")
	case "PlayOnPhoneResponse", "PlayOnPhoneGreetingResponse":
		if len(p.Children) == 0 && trim(p.Text) != "" {
			return p.Text, p
		}
		e = p.Child(p.Name.Local)
	default:
		return "", nil
	}
	return e.Value(), e
}

// Find returns the row of [Operations] that a request asks for. PlayOnPhone, a
// name of both protocols, is told by its content: ItemId, in any case, is EWS
// (section 1.2). The namespace counts in either spelling; ok is false if there
// is no such row.
func Find(request *inspect.Message) (op Operation, ok bool) {
	p := request.Payload
	if p == nil || !inMessages(p.Name.Space) {
		return Operation{}, false
	}
	protocol, _ := protocolOf(p)
	return row(p.Name.Local, protocol)
}

// find is Find for a whole exchange: where the content of a PlayOnPhone does not
// tell, its path does, and then what answered it.
func find(r *inspect.Reading) (op Operation, ok bool) {
	op, ok = Find(r.Request)
	if !ok || op.Name != "PlayOnPhone" || isClassicPath(r.URL) {
		return op, ok
	}
	if _, told := protocolOf(r.Request.Payload); told {
		return op, ok
	}
	answeredAsEWS := false
	if r.Response != nil {
		_, answeredAsEWS = r.Response.Payload.Attr("ResponseClass")
	}
	if answeredAsEWS || hasPath(r.URL, PathEWS) {
		return row(op.Name, EWS)
	}
	return op, ok
}

// protocolOf tells the protocol of a PlayOnPhone by its content; told is false,
// and the protocol Classic, if that does not say.
func protocolOf(playOnPhone *inspect.Element) (protocol Protocol, told bool) {
	for _, e := range playOnPhone.Children {
		switch {
		case strings.EqualFold(e.Name.Local, "ItemId"):
			return EWS, true
		case strings.EqualFold(e.Name.Local, "entryId"):
			return Classic, true
		}
	}
	return Classic, false
}

// row is the row of that name; the protocol decides where there are two.
func row(name string, protocol Protocol) (op Operation, ok bool) {
	for _, op := range Operations {
		if op.Name == name && (name != "PlayOnPhone" || op.Protocol == protocol) {
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
func isClassicPath(url string) bool { return hasPath(url, Path2007) || hasPath(url, PathLegacy) }

func hasPath(url, path string) bool {
	url, _, _ = strings.Cut(strings.ToLower(url), "?")
	return strings.HasSuffix(url, strings.ToLower(path))
}

// trim returns s without XML's white space around it.
func trim(s string) string { return strings.Trim(s, " \t\r\n") }
