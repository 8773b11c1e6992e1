package wsdl

import (
	"net/url"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// Check lists where the messages of an exchange are not as the WSDL says. What rules
// in off, by id, would report is left out.
func (s *Service) Check(r *inspect.Reading, off map[string]bool) []inspect.Finding {
	if r.Request == nil {
		return nil
	}
	c := &checker{s: s.schemas, m: r.Request, part: "request", off: off}
	op := s.find(r)
	if op == nil {
		p := r.Request.Payload
		e, path, what := r.Request.Body, "Body", "an empty Body"
		if p != nil {
			e, path, what = p, "Body/"+local(p), local(p)+" in "+inNamespace(p.Name.Space)
		}
		if s.isElsewhere(r) {
			c.add(ruleElsewhere, path, e, "%s", ruleElsewhere.Summary)
		} else {
			c.add(ruleOperation, path, e, "no operation of the WSDL takes %s%s", what, s.near(p))
		}
		return c.done()
	}
	if op.hasAction && r.HasAction && r.Action != op.action && !(op.soap12 && op.action == "") {
		f := inspect.Finding{Rule: ruleAction, Part: "request", Header: "SOAPAction", Message: "the SOAPAction is not that of " + shorten(op.name) + " in the WSDL"}
		if !off[ruleAction.ID] {
			c.found = append(c.found, f)
		}
	}
	if op.input.encoded {
		c.add(ruleEncoded, "Body/"+shorten(r.Request.Operation()), r.Request.Payload, "%s is of use=\"encoded\": its values are not checked", shorten(op.name))
	} else {
		c.headers()
		c.body(op, op.input)
	}
	found := c.done()
	if r.Response == nil {
		return found
	}
	c = &checker{s: s.schemas, m: r.Response, part: "response", off: off}
	switch {
	case r.Response.Fault != nil:
		c.fault(op)
	case op.output == nil || op.output.encoded:
	default:
		c.headers()
		c.body(op, op.output)
	}
	return append(found, c.done()...)
}

// find is the operation that a request asks for, nil for none.
func (s *Service) find(r *inspect.Reading) *operation {
	list := s.empty
	if p := r.Request.Payload; p != nil {
		list = s.byBody[p.Name]
	}
	var best *operation
	for _, op := range list {
		switch {
		case best == nil, r.HasAction && op.action == r.Action && best.action != r.Action,
			op.action == best.action && op.soap12 == (r.Request.Version == inspect.SOAP12) && best.soap12 != op.soap12:
			best = op
		}
	}
	if best == nil && r.HasAction {
		best = s.byAction[r.Action]
	}
	return best
}

// isElsewhere reports whether a request that no operation takes has nothing to do with
// the WSDL. Services can share a namespace, as those of Exchange do: then what is sent
// elsewhere than where the WSDL has its own, and is called as nothing in it, is another's.
func (s *Service) isElsewhere(r *inspect.Reading) bool {
	if u, err := url.Parse(r.URL); err == nil && s.paths[strings.ToLower(u.Path)] {
		return false
	}
	p := r.Request.Payload
	if p == nil {
		return true
	}
	for name := range s.byBody {
		if strings.EqualFold(name.Local, p.Name.Local) {
			return false
		}
	}
	return len(s.paths) > 0 || !s.spaces[p.Name.Space] || p.Name.Space == ""
}

// Takes reports whether an operation takes an element of that name.
func (s *Service) Takes(name inspect.Name) bool { return len(s.byBody[name]) > 0 }

// Elsewhere is what there is to say of a request that is known to be for another
// service, though its name may be in the WSDL too.
func (s *Service) Elsewhere(r *inspect.Reading, off map[string]bool) []inspect.Finding {
	c := &checker{m: r.Request, part: "request", off: off}
	c.add(ruleElsewhere, "Body/"+local(r.Request.Payload), r.Request.Payload, "%s", ruleElsewhere.Summary)
	return c.done()
}

// near tells of the same name in another namespace, or in another case.
func (s *Service) near(p *inspect.Element) string {
	if p == nil {
		return ""
	}
	for _, name := range sortedNames(s.byBody) {
		switch {
		case name.Local == p.Name.Local:
			return "; one takes it in " + inNamespace(name.Space)
		case name.Space == p.Name.Space && strings.EqualFold(name.Local, p.Name.Local):
			return "; one takes " + shorten(name.Local)
		}
	}
	return ""
}

// headers holds SOAP headers to the elements that the schemas declare, if they do.
func (c *checker) headers() {
	if c.m.Header == nil {
		return
	}
	for _, h := range c.m.Header.Children {
		if d := c.s.elements[h.Name]; d != nil {
			c.element("Header/"+local(h), soapless(h, c.m), d)
		}
	}
}

// soapless is an element without SOAP's own attributes, such as mustUnderstand.
func soapless(e *inspect.Element, m *inspect.Message) *inspect.Element {
	own := 0
	for _, a := range e.Attrs {
		if a.Name.Space == m.EnvelopeSpace {
			own++
		}
	}
	if own == 0 {
		return e
	}
	clean := *e
	clean.Attrs = nil
	for _, a := range e.Attrs {
		if a.Name.Space != m.EnvelopeSpace {
			clean.Attrs = append(clean.Attrs, a)
		}
	}
	return &clean
}

// body holds the Body to what one message of an operation is.
func (c *checker) body(op *operation, b *body) {
	if op.rpc {
		c.rpc(op, b)
		return
	}
	list := c.m.Body.Children
	for i, p := range b.parts {
		if p.element == nil { // a part of a type is the content of the Body, which WS-I forbids
			return
		}
		if i >= len(list) {
			c.add(ruleAnswerOr(c.part, ruleLacking), "Body", c.m.Body, "the Body has no %s, which is what %s %s", shorten(p.element.name.Local), shorten(op.name), says(c.part))
			return
		}
		path := "Body/" + local(list[i])
		if d := p.element; list[i].Name != d.name && d.members[list[i].Name] == nil {
			c.add(ruleAnswerOr(c.part, ruleStray), path, list[i], "the Body holds %s of %s; %s %s %s of %s",
				local(list[i]), inNamespace(list[i].Name.Space), shorten(op.name), says(c.part), shorten(d.name.Local), inNamespace(d.name.Space))
			return
		} else if m := d.members[list[i].Name]; m != nil {
			c.element(path, soapless(list[i], c.m), m)
		} else {
			c.element(path, soapless(list[i], c.m), d)
		}
	}
	if len(list) > len(b.parts) {
		stray := list[len(b.parts)]
		c.add(ruleAnswerOr(c.part, ruleStray), "Body/"+local(stray), stray, "the Body holds %s, which is more than %s %s", local(stray), shorten(op.name), says(c.part))
	}
}

func ruleAnswerOr(part string, other inspect.Rule) inspect.Rule {
	if part == "response" {
		return ruleAnswer
	}
	return other
}

func says(part string) string {
	if part == "response" {
		return "answers"
	}
	return "takes"
}

// rpc holds the Body to the wrapper of a call with its parts, which are in no
// namespace (WS-I Basic Profile 1.1 R2735).
func (c *checker) rpc(op *operation, b *body) {
	if len(c.m.Body.Children) != 1 || c.m.Payload.Name != b.wrapper {
		e, path := c.m.Body, "Body"
		if c.m.Payload != nil {
			e, path = c.m.Payload, "Body/"+local(c.m.Payload)
		}
		c.add(ruleAnswerOr(c.part, ruleStray), path, e, "%s %s one %s of %s", shorten(op.name), says(c.part), shorten(b.wrapper.Local), inNamespace(b.wrapper.Space))
		return
	}
	wrapper := soapless(c.m.Payload, c.m)
	c.content("Body/"+local(wrapper), wrapper, b.typ, nil)
}

// fault holds the detail of a fault to the faults that the operation declares.
func (c *checker) fault(op *operation) {
	p := c.m.Payload
	detail, path := p.Child("detail"), "Body/Fault/detail"
	if c.m.Version == inspect.SOAP12 {
		detail, path = p.Child("Detail"), "Body/Fault/Detail"
	}
	if detail == nil {
		return
	}
	for _, e := range detail.Children {
		declared := false
		for _, name := range op.faults {
			declared = declared || name == e.Name
		}
		if !declared {
			c.add(ruleFault, path+"/"+local(e), e, "%s is no fault that %s declares", local(e), shorten(op.name))
			continue
		}
		if d := c.s.elements[e.Name]; d != nil {
			c.element(path+"/"+local(e), e, d)
		}
	}
}
