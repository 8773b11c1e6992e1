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
}

// wrapped checks a response that holds one element of its own name, in which
// the result is (section 1.1, point 1).
func (c *checker) wrapped(path string, p *inspect.Element) {
	var inner *inspect.Element
	innerPath := path + "/" + p.Name.Local
	for _, e := range p.Children {
		switch {
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
	for _, f := range c.op.Response {
		e := p.Child(f.Name)
		if e == nil {
			continue
		}
		at := path + "/" + f.Name
		c.space(at, e, p, MessagesNS)
		if f.ID {
			id, _ := e.Attr("Id")
			c.value(at+"/@Id", e, f, id)
			continue
		}
		c.children(at, e, phoneCallInformation, TypesNS)
	}
}

func (c *checker) callState(path string, inner *inspect.Element) {
	state, cause := inner.Child("CallState"), inner.Child("EventCause")
	if s := trim(state.Value()); slices.Contains(hiddenStates, s) {
		c.add(ruleStateHidden, path+"/CallState", state, "the call state %s is not shown by this protocol", s)
	}
	if v := trim(cause.Value()); state != nil && v != "" && v != "None" && trim(state.Value()) != "Disconnected" {
		c.add(ruleCauseEarly, path+"/EventCause", cause, "EventCause is given while CallState is not Disconnected")
	}
}

func (c *checker) fault() {
	exception := c.m.Fault.Detail.Child("ExceptionType")
	text := trim(exception.Value())
	if text == "" {
		return
	}
	const path = "Body/Fault/detail/ExceptionType"
	kind := text[strings.LastIndexByte(text, ':')+1:]
	if c.op.Protocol == Classic && !slices.Contains(c.op.Faults, kind) {
		c.add(ruleFaultUnexpected, path, exception, "%s is no documented fault of %s", quotable(kind), c.op.Name)
	}
	if !inMessages(exception.Name.Space) || text != kind {
		c.add(ruleExceptionForm, path, exception, "ExceptionType is written in the rarer form")
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
