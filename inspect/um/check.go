package um

import (
	"fmt"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// Check lists what is wrong or odd with one exchange, by the rules of SOAP and,
// where it is one of the profile's operations, by those of the protocol. An
// exchange of another service is checked as SOAP only. Of one message it lists
// at most 100 findings of the protocol's rules, and says how many more there
// are.
func Check(r *inspect.Reading) []inspect.Finding { return CheckExcept(r, nil) }

// CheckExcept is [Check] without what the rules in off, by id, would report.
func CheckExcept(r *inspect.Reading, off map[string]bool) []inspect.Finding {
	if !r.IsSOAP() && isOurs(r) {
		assumed := *r
		assumed.AssumeSOAP = true
		r = &assumed
	}
	c := &checker{r: r, off: off}
	for _, f := range inspect.CheckSOAP(r) {
		if !off[f.Rule.ID] {
			c.found = append(c.found, f)
		}
	}
	if r.Request == nil {
		return c.found
	}
	c.enter("request", r.Request, ruleHTTPSRequest)
	if r.Request.Payload == nil {
		c.emptyRequest()
		return c.found
	}
	op, ok := find(r)
	if ok || isClassicPath(r.URL) {
		c.oneChild(ruleManyRequests)
	}
	if !ok {
		c.strange()
		return c.found
	}
	c.op = op
	c.request()
	c.leave()
	if r.Response != nil {
		c.enter("response", r.Response, ruleHTTPSResponse)
		c.response()
		c.leave()
	}
	return c.found
}

// isOurs reports whether a request is XML sent to where the protocol is served,
// so that it should be SOAP even if it is not.
func isOurs(r *inspect.Reading) bool {
	return (isClassicPath(r.URL) || hasPath(r.URL, PathEWS)) && inspect.IsXMLType(r.RequestHeader) && len(r.RequestBody) > 0
}

// maxFindings is how many findings of one message are listed.
const maxFindings = 100

// checker gathers the findings of one exchange. part and m say which of its
// messages is being read.
type checker struct {
	r     *inspect.Reading
	op    Operation
	off   map[string]bool // rules that are not reported
	found []inspect.Finding

	part   string
	m      *inspect.Message
	https  inspect.Rule // what an https:// namespace breaks in this message
	listed int          // findings of this message
	more   int          // those left out
	loose  bool         // nothing found is more than a warning
}

func (c *checker) enter(part string, m *inspect.Message, https inspect.Rule) {
	c.part, c.m, c.https, c.listed, c.more, c.loose = part, m, https, 0, 0, false
}

func (c *checker) leave() {
	if c.more > 0 && !c.off[ruleMore.ID] {
		c.found = append(c.found, c.m.Find(ruleMore, c.part, "", nil, fmt.Sprintf("and %d findings more in this message", c.more)))
	}
}

func (c *checker) add(rule inspect.Rule, path string, e *inspect.Element, format string, args ...any) {
	if c.loose && rule.Severity == inspect.Error {
		rule = ruleProperties
	}
	c.append(c.m.Find(rule, c.part, path, e, fmt.Sprintf(format, args...)))
}

func (c *checker) append(f inspect.Finding) {
	if c.off[f.Rule.ID] {
		return
	}
	if c.listed >= maxFindings {
		c.more++
		return
	}
	c.listed++
	c.found = append(c.found, f)
}

// name is an element's name as a finding shows it.
func name(e *inspect.Element) string { return inspect.Shorten(e.Name.Local, 80) }

// emptyRequest reports an empty Body where an operation was due.
func (c *checker) emptyRequest() {
	ours := isClassicPath(c.r.URL)
	for _, op := range Operations {
		ours = ours || c.r.Action == op.Action()
	}
	if ours {
		c.add(ruleEmptyRequest, "Body", c.m.Body, "the Body is empty")
	}
}

func (c *checker) oneChild(rule inspect.Rule) {
	if n := len(c.m.Body.Children); n > 1 {
		c.add(rule, "Body", c.m.Body, "the Body has %d children", n)
	}
}

// strange reports a request that is none of the table's operations: near
// misses of a name, and strangers at the service's own address. EWS has many
// more operations in the same namespace, so elsewhere a stranger is no finding.
func (c *checker) strange() {
	p := c.m.Payload
	path := "Body/" + name(p)
	for _, op := range Operations {
		if !strings.EqualFold(op.Name, p.Name.Local) {
			continue
		}
		ours := isClassicPath(c.r.URL) || strings.Contains(p.Name.Space, "schemas.microsoft.com/exchange/")
		switch {
		case inMessages(p.Name.Space):
			c.add(ruleOperationName, path, p, "the operation is spelled %s; the protocol's name is %s", name(p), op.Name)
		case ours:
			c.add(ruleOperationSpace, path, p, "%s %s", name(p), where(p))
		}
		return
	}
	if isClassicPath(c.r.URL) {
		c.add(ruleUnknownOperation, path, p, "%s is none of the UM web service's operations", name(p))
	}
}

// where says in which namespace e is.
func where(e *inspect.Element) string {
	switch {
	case e.Undeclared:
		return "has a prefix that is not declared"
	case e.Name.Space == "":
		return "is in no namespace"
	}
	return fmt.Sprintf("is in the namespace %q", inspect.Shorten(e.Name.Space, 120))
}
