package um

import "github.com/umtape/umtape/inspect"

// Calls checks what one exchange alone does not show: the states that calls go
// through. Its zero value is ready; it is told the exchanges of one cassette in
// their order.
type Calls struct {
	ended map[string]bool // by identifier: calls that were seen as Disconnected
}

// Check lists what is odd about an exchange after those before it.
func (c *Calls) Check(r *inspect.Reading) []inspect.Finding {
	if r.Request == nil || r.Response == nil || r.Response.Fault != nil {
		return nil
	}
	op, ok := find(r)
	if !ok {
		return nil
	}
	if op.Name == "PlayOnPhone" || op.Name == "PlayOnPhoneGreeting" {
		delete(c.ended, IDOf(r.Response)) // should a server use an identifier again
		return nil
	}
	path, state := stateIn(op, r.Response.Payload)
	id := IDOf(r.Request)
	switch s := trim(state.Value()); {
	case s == "" || id == "":
	case s == "Disconnected":
		if c.ended == nil {
			c.ended = map[string]bool{}
		}
		c.ended[id] = true
	case c.ended[id]:
		return []inspect.Finding{r.Response.Find(ruleAfterEnd, "response", path, state, "the call is not Disconnected, as it was before")}
	}
	return nil
}

// stateIn returns the element of a response that tells the state of a call, or nil.
func stateIn(op Operation, p *inspect.Element) (path string, state *inspect.Element) {
	switch op.Name {
	case "GetCallInfo":
		return "Body/GetCallInfoResponse/GetCallInfoResponse/CallState", p.Child("GetCallInfoResponse").Child("CallState")
	case "GetPhoneCallInformation":
		return "Body/GetPhoneCallInformationResponse/PhoneCallInformation/PhoneCallState", p.Child("PhoneCallInformation").Child("PhoneCallState")
	}
	return "", nil
}
