package um

import (
	"fmt"
	"slices"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// Check lists what is wrong or odd with one exchange, by the rules of SOAP and,
// where it is one of the profile's operations, by those of the protocol. An
// exchange of another service is checked as SOAP only.
func Check(r *inspect.Reading) []inspect.Finding {
	c := &checker{r: r, found: inspect.CheckSOAP(r)}
	if r.Request == nil || r.Request.Payload == nil {
		return c.found
	}
	op, ok := Find(r.Request)
	if !ok {
		c.strange()
		return c.found
	}
	c.request(op)
	if r.Response != nil && r.Response.Payload != nil {
		c.response(op)
	}
	return c.found
}

// checker gathers the findings of one exchange. part and m say which of its
// messages is being read.
type checker struct {
	r     *inspect.Reading
	part  string
	m     *inspect.Message
	found []inspect.Finding
}

func (c *checker) add(rule inspect.Rule, path string, e *inspect.Element, format string, args ...any) {
	c.found = append(c.found, c.m.Find(rule, c.part, path, e, fmt.Sprintf(format, args...)))
}

// strange reports a request that is none of the table's operations: near
// misses of a name, and strangers at the service's own address. EWS has many
// more operations in the same namespace, so elsewhere a stranger is no finding.
func (c *checker) strange() {
	c.part, c.m = "request", c.r.Request
	p := c.m.Payload
	path := "Body/" + p.Name.Local
	for _, op := range Operations {
		if !strings.EqualFold(op.Name, p.Name.Local) {
			continue
		}
		ours := isClassicPath(c.r.URL) || strings.Contains(p.Name.Space, "schemas.microsoft.com/exchange/")
		switch {
		case inMessages(p.Name.Space):
			c.add(ruleOperationName, path, p, "the operation is spelled %s; the protocol's name is %s", p.Name.Local, op.Name)
		case ours && p.Name.Space == "":
			c.add(ruleOperationSpace, path, p, "%s is in no namespace", p.Name.Local)
		case ours:
			c.add(ruleOperationSpace, path, p, "%s is in the namespace %.120q", p.Name.Local, p.Name.Space)
		}
		return
	}
	if isClassicPath(c.r.URL) {
		c.add(ruleUnknownOperation, path, p, "%s is none of the UM web service's operations", p.Name.Local)
	}
}

func (c *checker) request(op Operation) {
	c.part, c.m = "request", c.r.Request
	c.envelope(ruleHTTPSRequest)
	c.action(op)
	p := c.m.Payload
	path := "Body/" + p.Name.Local
	c.children(path, p, op.Request, op)
	if len(op.Request) == 0 && strings.TrimSpace(p.Text) != "" {
		c.add(ruleUnknownChild, path, p, "%s takes no content, and has text", op.Name)
	}
}

// envelope reports the namespace spelling and the SOAP version of a message.
func (c *checker) envelope(https inspect.Rule) {
	p := c.m.Payload
	if _, is := inspect.Twin(p.Name.Space); is {
		text := "the namespace is spelled https://, as the documentation once had it; a real server refuses it"
		if c.part == "response" {
			text = "the namespace is spelled https://, as the documentation once had it; a real server answers http://"
		}
		c.add(https, "Body/"+p.Name.Local, p, "%s", text)
	}
	if c.m.Version == inspect.SOAP12 && c.part == "request" {
		c.add(ruleSOAP12, "Envelope", c.m.Envelope, "the envelope is SOAP 1.2; the protocol is SOAP 1.1 only")
	}
}

func (c *checker) action(op Operation) {
	action := c.r.Action
	if action == "" || action == op.Action() {
		return // absent and empty are both accepted (section 4.4)
	}
	if twin, https := inspect.Twin(action); https && twin == op.Action() {
		c.add(ruleActionHTTPS, "", nil, "the SOAPAction is spelled https://")
		return
	}
	c.add(ruleAction, "", nil, "the SOAPAction is %.120q; the Body asks for %s", action, op.Name)
}

func (c *checker) response(op Operation) {
	c.part, c.m = "response", c.r.Response
	p := c.m.Payload
	if c.m.Fault != nil {
		c.fault(op)
		return
	}
	c.envelope(ruleHTTPSResponse)
	path := "Body/" + p.Name.Local
	if p.Name.Local != op.Name+"Response" || !inMessages(p.Name.Space) {
		c.add(ruleFit, path, p, "%s answered a %s; %sResponse was due", p.Name.Local, op.Name, op.Name)
		return
	}
	switch op.Answer {
	case Empty:
		if len(p.Children) > 0 || strings.TrimSpace(p.Text) != "" {
			c.add(ruleNotEmpty, path, p, "%s should be empty", p.Name.Local)
		}
	case Response:
		c.responseMessage(path, p, op)
	default:
		inner := p.Child(p.Name.Local)
		if inner == nil {
			c.add(ruleWrapper, path, p, "%s has no %s inside it", p.Name.Local, p.Name.Local)
			return
		}
		path += "/" + inner.Name.Local
		if op.Answer == Value {
			c.value(path, inner, op.Response[0], inner.Value(), op)
			return
		}
		c.children(path, inner, op.Response, op)
		c.callState(path, inner)
	}
}

// responseMessage checks the frame that EWS answers in (section 1.2).
func (c *checker) responseMessage(path string, p *inspect.Element, op Operation) {
	class, ok := p.Attr("ResponseClass")
	code := strings.TrimSpace(p.Child("ResponseCode").Value())
	switch {
	case !ok:
		c.add(ruleResponseClass, path+"/@ResponseClass", p, "the response has no ResponseClass")
	case !slices.Contains([]string{"Success", "Warning", "Error"}, class):
		c.add(ruleResponseClass, path+"/@ResponseClass", p, "ResponseClass is none of Success, Warning, Error")
	case class == "Success" && code != "" && code != "NoError":
		c.add(ruleResponseClass, path+"/ResponseCode", p, "ResponseClass is Success and ResponseCode is not NoError")
	case class == "Error" && code == "NoError":
		c.add(ruleResponseClass, path+"/ResponseCode", p, "ResponseClass is Error and ResponseCode is NoError")
	}
	for _, f := range op.Response {
		if e := p.Child(f.Name); e != nil && f.ID {
			id, ok := e.Attr("Id")
			if !ok {
				c.add(ruleMissing, path+"/"+f.Name+"/@Id", e, "%s has no Id", f.Name)
				continue
			}
			c.value(path+"/"+f.Name+"/@Id", e, f, id, op)
		}
	}
}

func (c *checker) callState(path string, inner *inspect.Element) {
	state, cause := inner.Child("CallState"), inner.Child("EventCause")
	if s := strings.TrimSpace(state.Value()); slices.Contains(hiddenStates, s) {
		c.add(ruleStateHidden, path+"/CallState", state, "the call state %s is not shown by this protocol", s)
	}
	if v := strings.TrimSpace(cause.Value()); state != nil && v != "" && v != "None" && strings.TrimSpace(state.Value()) != "Disconnected" {
		c.add(ruleCauseEarly, path+"/EventCause", cause, "EventCause is given while CallState is not Disconnected")
	}
}

func (c *checker) fault(op Operation) {
	f := c.m.Fault
	exception := f.Detail.Child("ExceptionType")
	if exception == nil {
		return
	}
	const path = "Body/Fault/detail/ExceptionType"
	if op.Protocol == Classic && !slices.Contains(op.Faults, f.Kind()) {
		c.add(ruleFaultUnexpected, path, exception, "%s is no documented fault of %s", printable(f.Kind()), op.Name)
	}
	if !inMessages(exception.Name.Space) || strings.Contains(exception.Value(), ":") {
		c.add(ruleExceptionForm, path, exception, "ExceptionType is written in the rarer form")
	}
}

// printable keeps a fault's name when it looks like one, since a finding never
// carries other text of a message.
func printable(kind string) string {
	for _, r := range kind {
		if r < '0' || r > 'z' || len(kind) > 64 {
			return "this exception"
		}
	}
	return kind
}
