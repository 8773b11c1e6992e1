package um

import (
	"fmt"
	"slices"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// Step returns the part that an exchange has in the life of a call (protocol
// reference, section 3.1): PlayOnPhone and PlayOnPhoneGreeting hand out an
// identifier, GetCallInfo polls it, Disconnect ends it, and so do their successors
// in EWS. ok is false for any other exchange.
func Step(r *inspect.Reading) (s inspect.Step, ok bool) {
	if r.Request == nil || r.Request.Payload == nil {
		return inspect.Step{}, false
	}
	op, ok := find(r)
	if !ok || op.Role == inspect.NoRole {
		return inspect.Step{}, false
	}
	s = inspect.Step{Role: op.Role, Operation: op.Name}
	named(&s, "request", r.Request)
	p, problem := answer(r, op)
	switch {
	case problem != "":
		s.Unanswered = problem
		return s, true
	case r.Response.Fault != nil:
		s.Refused = refusal(r.Response.Fault.Kind())
		return s, true
	}
	if class, _ := p.Attr("ResponseClass"); op.Protocol == EWS && class == "Error" {
		s.Refused = refusal(trim(p.Child("ResponseCode").Value()))
		return s, true
	}
	switch op.Role {
	case inspect.Starts:
		named(&s, "response", r.Response)
		if s.Call == "" {
			s.Unanswered = "no identifier in the answer"
		}
	case inspect.Polls:
		shown(&s, op, r.Response)
		s.Over = s.State == lastState
		if s.State == "" {
			s.Unanswered = "no state in the answer"
		}
	}
	return s, true
}

// named sets what a message calls the call.
func named(s *inspect.Step, part string, m *inspect.Message) {
	id, e := idIn(m)
	s.Call, s.Named = strings.Clone(id), inspect.Spot{}
	if e != nil {
		s.Named = m.Spot(part, pathTo(m, e, ""), e)
	}
}

// pathTo is the path of the payload or of a child of it, or of a child of that if below
// is not "".
func pathTo(m *inspect.Message, e *inspect.Element, below string) string {
	child := ""
	if e != m.Payload {
		child = e.Name.Local
	}
	if path, ok := usualPaths[[3]string{m.Payload.Name.Local, child, below}]; ok {
		return path
	}
	path := "Body/" + name(m.Payload)
	if e != m.Payload {
		path += "/" + name(e)
	}
	if below != "" {
		path += "/" + below
	}
	return path
}

// usualPaths are those that every other message has, so that there is one of each: a
// cassette can have a million steps, all of which are kept.
var usualPaths = func() map[[3]string]string {
	paths := map[[3]string]string{}
	add := func(steps ...string) {
		var key [3]string
		copy(key[:], steps)
		paths[key] = "Body/" + strings.Join(steps, "/")
	}
	for _, op := range Operations {
		for _, f := range op.Request {
			add(op.Name, f.Name)
		}
		add(op.Name+"Response", op.Name+"Response")
		add(op.Name+"Response", "PhoneCallId")
	}
	add("GetCallInfoResponse", "GetCallInfoResponse", "CallState")
	add("GetPhoneCallInformationResponse", "PhoneCallInformation", "PhoneCallState")
	return paths
}()

// usualWord is a state or a cause, not as a part of a message.
func usualWord(s string) string {
	for _, list := range [][]string{states, hiddenStates, failureCauses} {
		if n := slices.Index(list, s); n >= 0 {
			return list[n]
		}
	}
	return strings.Clone(s)
}

// lastState is the one that nothing leaves (section 3.1).
const lastState = "Disconnected"

// answer returns what the Body of the response to op holds, or in a few words what
// there is in its place.
func answer(r *inspect.Reading, op Operation) (p *inspect.Element, problem string) {
	switch {
	case r.Response == nil && (r.Status < 200 || r.Status > 299):
		return nil, fmt.Sprintf("HTTP status %d", r.Status)
	case r.Response == nil && r.Truncated:
		return nil, "the answer is not whole"
	case r.Response == nil:
		return nil, "the answer is no SOAP message"
	case r.Response.Payload == nil:
		return nil, "the answer is empty"
	}
	p = r.Response.Payload
	if r.Response.Fault == nil && (p.Name.Local != op.Name+"Response" || !inMessages(p.Name.Space)) {
		return nil, "the answer is that of something else"
	}
	return p, ""
}

// refusal is never "".
func refusal(kind string) string {
	if kind == "" {
		return "a fault"
	}
	return strings.Clone(kind)
}

// shown sets what the answer to a poll says of the call.
func shown(s *inspect.Step, op Operation, m *inspect.Message) {
	p := m.Payload
	names, at := [2]string{"CallState", "EventCause"}, p.Child(p.Name.Local)
	if op.Protocol == EWS {
		names, at = [2]string{"PhoneCallState", "ConnectionFailureCause"}, p.Child("PhoneCallInformation")
	}
	if at == nil {
		at = p // the inner element left out, which Check reports
	}
	state := at.Child(names[0])
	s.State, s.Cause = usualWord(trim(state.Value())), usualWord(trim(at.Child(names[1]).Value()))
	if state != nil {
		s.Shown = m.Spot("response", pathTo(m, at, names[0]), state)
	}
}

// Service tells the two operations named PlayOnPhone apart: "EWS" for the one of
// EWS, "" for anything else (section 1.2).
func Service(r *inspect.Reading) string {
	if r.Request == nil || r.Request.Payload == nil || r.Operation != "PlayOnPhone" {
		return ""
	}
	if op, ok := find(r); ok && op.Protocol == EWS {
		return "EWS"
	}
	return ""
}
