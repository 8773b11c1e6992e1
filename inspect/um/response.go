package um

import (
	"slices"
	"strings"

	"github.com/umtape/umtape/inspect"
)

func (c *checker) response() {
	op, p := c.op, c.m.Payload
	if p == nil {
		c.add(ruleFit, "Body", c.m.Body, "the Body is empty; %sResponse was due", op.Name)
		return
	}
	c.oneChild(ruleManyResponses)
	if c.m.Fault != nil {
		c.fault()
		return
	}
	c.envelope()
	c.headers()
	path := "Body/" + name(p)
	switch {
	case p.Name.Local != op.Name+"Response":
		c.add(ruleFit, path, p, "%s answered a %s; %sResponse was due", name(p), op.Name, op.Name)
		return
	case !inMessages(p.Name.Space):
		c.add(ruleFit, path, p, "%s %s; it belongs in the messages namespace", name(p), where(p))
		return
	}
	switch op.Answer {
	case Empty:
		if len(p.Children) > 0 || trim(p.Text) != "" {
			c.add(ruleNotEmpty, path, p, "%s should be empty", p.Name.Local)
		}
	case Response:
		c.responseMessage(path, p)
	default:
		c.wrapped(path, p)
	}
	if len(op.Request) == 1 && op.Request[0].Name == "CallId" && !hasChild(c.r.Request.Payload, "CallId") {
		c.add(ruleNotRefused, path, p, "%s answers a %s without CallId", p.Name.Local, op.Name)
	}
}

// hasChild reports a child of that name in any case.
func hasChild(e *inspect.Element, local string) bool {
	return slices.ContainsFunc(e.Children, func(c *inspect.Element) bool { return strings.EqualFold(c.Name.Local, local) })
}

// wrapped checks a response that holds one element of its own name, in which
// the result is (section 1.1, point 1).
func (c *checker) wrapped(path string, p *inspect.Element) {
	var inner *inspect.Element
	innerPath := path + "/" + p.Name.Local
	doubled := slices.ContainsFunc(p.Children, func(e *inspect.Element) bool { return e.Name.Local == p.Name.Local })
	for _, e := range p.Children {
		switch {
		case !doubled && slices.ContainsFunc(c.op.Response, func(f Field) bool { return f.Name == e.Name.Local }):
			// the result itself, one level too high, which is one finding
		case e.Name.Local != p.Name.Local:
			c.add(ruleUnknownChild, path+"/"+name(e), e, "%s is no child of %s", name(e), p.Name.Local)
		case inner != nil:
			c.add(ruleRepeated, innerPath, e, "%s is there more than once", p.Name.Local)
		default:
			inner = e
			c.space(innerPath, e, p, MessagesNS)
		}
	}
	if inner == nil {
		c.add(ruleWrapper, path, p, "%s has no %s inside it", p.Name.Local, p.Name.Local)
		return
	}
	if c.op.Answer == Value {
		c.textOnly(innerPath, inner, c.op.Response[0])
		return
	}
	// What is in UMProperties is known from the developer reference alone,
	// whose table is not whole (sections 1.1, 7).
	c.loose = c.op.Name == "GetUMProperties"
	c.children(innerPath, inner, c.op.Response, MessagesNS)
	c.callState(innerPath, inner)
}

// responseMessage checks the frame that EWS answers in (section 1.2).
func (c *checker) responseMessage(path string, p *inspect.Element) {
	class, ok := p.Attr("ResponseClass")
	code := p.Child("ResponseCode")
	isError := code != nil && trim(code.Value()) != "" && trim(code.Value()) != "NoError"
	switch {
	case !ok:
		c.add(ruleResponseClass, path+"/@ResponseClass", p, "the response has no ResponseClass")
	case !slices.Contains([]string{"Success", "Warning", "Error"}, class):
		c.add(ruleResponseClass, path+"/@ResponseClass", p, "ResponseClass is none of Success, Warning, Error")
	case class == "Success" && isError:
		c.add(ruleResponseClass, path+"/ResponseCode", code, "ResponseClass is Success and ResponseCode is not NoError")
	case class == "Error" && trim(code.Value()) == "NoError":
		c.add(ruleErrorNoError, path+"/ResponseCode", code, "ResponseClass is Error and ResponseCode is NoError")
	}
	c.frame(path, p, class)
}

// frame checks the children of a response of EWS: those that every one may have,
// then what the operation returns, in this order, each at most once.
func (c *checker) frame(path string, p *inspect.Element, class string) {
	fields := append(slices.Clone(responseMessage), c.op.Response...)
	seen := make([]bool, len(fields))
	last := -1
	for _, e := range p.Children {
		at := path + "/" + name(e)
		i := slices.IndexFunc(fields, func(f Field) bool { return f.Name == e.Name.Local })
		if i < 0 {
			c.add(ruleFrameChild, at, e, "%s is no child of %s", name(e), p.Name.Local)
			continue
		}
		c.space(at, e, p, MessagesNS)
		if seen[i] {
			c.add(ruleRepeated, at, e, "%s is there more than once", e.Name.Local)
			continue
		}
		seen[i] = true
		if i < last {
			c.add(ruleOrder, at, e, "%s comes after %s", e.Name.Local, fields[last].Name)
		}
		last = max(last, i)
		switch f := fields[i]; {
		case f.ID:
			id, _ := e.Attr("Id")
			c.value(at+"/@Id", e, f, id)
		case f.Name == "PhoneCallInformation":
			c.children(at, e, phoneCallInformation, TypesNS)
			c.phoneCall(at, e)
		case f.Kind == Integer:
			c.value(at, e, f, e.Value())
		}
	}
	for i, f := range c.op.Response {
		if class == "Success" && !seen[len(responseMessage)+i] {
			c.add(ruleNoResult, path+"/"+f.Name, p, "ResponseClass is Success, and there is no %s", f.Name)
		}
	}
}

// phoneCall checks what PhoneCallInformation says as a whole.
func (c *checker) phoneCall(path string, info *inspect.Element) {
	state, cause := info.Child("PhoneCallState"), info.Child("ConnectionFailureCause")
	c.stateAndCause(path, state, cause)
	if v := trim(cause.Value()); slices.Contains([]string{"NoAnswer", "Other", "Unavailable"}, v) {
		c.add(ruleCauseHidden, path+"/ConnectionFailureCause", cause, "the cause %s is not expected in this protocol", v)
	}
}

func (c *checker) callState(path string, inner *inspect.Element) {
	c.stateAndCause(path, inner.Child("CallState"), inner.Child("EventCause"))
}

// stateAndCause checks the state of a call, and whether the cause fits it; either
// may be nil.
func (c *checker) stateAndCause(path string, state, cause *inspect.Element) {
	if s := trim(state.Value()); slices.Contains(hiddenStates, s) {
		c.add(ruleStateHidden, path+"/"+state.Name.Local, state, "the call state %s is not shown by this protocol", s)
	}
	if v := trim(cause.Value()); state != nil && v != "" && v != "None" && trim(state.Value()) != "Disconnected" {
		c.add(ruleCauseEarly, path+"/"+cause.Name.Local, cause, "%s is given while %s is not Disconnected", cause.Name.Local, state.Name.Local)
	}
}

func (c *checker) fault() {
	c.faultCode()
	exception := c.m.Fault.Detail.Child("ExceptionType")
	text := trim(exception.Value())
	if text == "" {
		return
	}
	const path = "Body/Fault/detail/ExceptionType"
	kind := text[strings.LastIndexByte(text, ':')+1:]
	if c.op.Protocol == EWS {
		c.add(ruleClassicFault, path, exception, "the exception is one of the classic service; %s is an operation of EWS", c.op.Name)
	}
	if space, https := inspect.Twin(exception.Name.Space); https && space == MessagesNS {
		c.httpsSpelling(path, exception)
	}
	if c.op.Protocol == Classic && !slices.Contains(c.op.Faults, kind) {
		c.add(ruleFaultUnexpected, path, exception, "%s is no documented fault of %s", quotable(kind), c.op.Name)
	}
	if !inMessages(exception.Name.Space) || text != kind {
		c.add(ruleExceptionForm, path, exception, "ExceptionType is written in the rarer form")
	}
}

// plainCodes are SOAP's own fault codes, beside which the detail says more.
var plainCodes = []string{"Client", "Server", "MustUnderstand", "VersionMismatch", "Sender", "Receiver", "DataEncodingUnknown"}

// faultCode checks the code of a fault against its detail (sections 5.1, 5.2).
func (c *checker) faultCode() {
	f := c.m.Fault
	if c.m.Version == inspect.SOAP12 || slices.Contains(plainCodes, f.Code.Local) || f.Code.Local == "" {
		return
	}
	const path = "Body/Fault/faultcode"
	code := c.m.Payload.Child("faultcode")
	if kind := f.Kind(); kind != f.Code.Local {
		c.add(ruleFaultMismatch, path, code, "the fault's code is %s, its detail says %s", quotable(f.Code.Local), quotable(kind))
	}
	space, https := inspect.Twin(f.Code.Space)
	switch isException := f.Detail.Child("ExceptionType") != nil; {
	case !f.Resolved: // a rule of SOAP has told
	case https:
		c.add(c.https, path, code, "the namespace of the fault's code is spelled https://, as the documentation once had it")
	case isException && space != ErrorsNS:
		c.add(ruleExceptionSpace, path, code, "the code of the exception is not in the errors namespace")
	case f.Code.Local == "ErrorInvalidRequest" && space != TypesNS:
		c.add(ruleInvalidSpace, path, code, "the code ErrorInvalidRequest is not in the types namespace")
	}
}

// quotable keeps a fault's name when it looks like one, since a finding never
// carries other text of a message.
func quotable(kind string) string {
	if len(kind) < 2 || len(kind) > 64 || kind[0] < 'A' || kind[0] > 'Z' {
		return "this exception"
	}
	for i := range len(kind) {
		if c := kind[i] | 0x20; c < 'a' || c > 'z' {
			return "this exception"
		}
	}
	return kind
}
