package wsdl

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// Service is what a WSDL says. Its methods may be called by several goroutines at once.
type Service struct {
	schemas   *schemas
	messages  map[inspect.Name]source
	portTypes map[inspect.Name]source
	spaces    map[string]bool // target namespaces
	paths     map[string]bool // of the URLs at which it is
	byBody    map[inspect.Name][]*operation
	empty     []*operation          // those whose request has an empty Body
	byAction  map[string]*operation // those whose request is known by nothing else
	count     int
}

// operation is one of a binding.
type operation struct {
	name          string
	action        string
	hasAction     bool
	rpc           bool
	input, output *body // output is nil of one that is not answered
	faults        []inspect.Name
	soap12        bool
}

// body is what one message has in its Body.
type body struct {
	encoded bool
	parts   []part
	wrapper inspect.Name // of rpc
	typ     *typ         // of the wrapper
}

type part struct {
	name    string
	element *elementDecl // of document style
	typ     *typ
}

// Operations returns how many operations are bound to SOAP.
func (s *Service) Operations() int { return s.count }

// addresses notes where a service is.
func (s *Service) addresses(e *inspect.Element) {
	for _, port := range e.Children {
		for _, a := range port.Children {
			location, _ := a.Attr("location")
			if u, err := url.Parse(location); err == nil && a.Name.Local == "address" && strings.Trim(u.Path, "/") != "" {
				if s.paths == nil {
					s.paths = map[string]bool{}
				}
				s.paths[strings.ToLower(u.Path)] = true
			}
		}
	}
}

// bind reads the bindings to SOAP.
func (s *Service) bind(bindings []source) error {
	s.byBody, s.byAction = map[inspect.Name][]*operation{}, map[string]*operation{}
	for _, b := range bindings {
		soap := soapChild(b.e, "binding")
		if soap == nil {
			continue // to HTTP or something else
		}
		name, _ := b.qname("type")
		portType, ok := s.portTypes[name]
		if !ok {
			return b.fail("the binding is of %s, which is in no file that was read", nameWords("portType", name))
		}
		for _, e := range b.e.Children {
			if e.Name.Space != wsdlNS || e.Name.Local != "operation" {
				continue
			}
			if err := s.bindOperation(soap, source{e, b.c}, portType); err != nil {
				return err
			}
		}
	}
	if s.count == 0 {
		return fmt.Errorf("no operation is bound to SOAP")
	}
	return nil
}

func (s *Service) bindOperation(binding *inspect.Element, bound, portType source) (err error) {
	op := &operation{soap12: binding.Name.Space == soap12NS}
	op.name, _ = bound.e.Attr("name")
	style, _ := binding.Attr("style")
	if soap := soapChild(bound.e, "operation"); soap != nil {
		op.action, op.hasAction = soap.Attr("soapAction")
		if own, ok := soap.Attr("style"); ok {
			style = own
		}
	}
	op.rpc = style == "rpc"
	abstract := source{operationIn(portType.e, bound.e, op.name), portType.c}
	if abstract.e == nil {
		name, _ := portType.e.Attr("name")
		return bound.fail("the operation %s is not in the portType %s", shorten(op.name), shorten(name))
	}
	if op.input, err = s.body(op, bound, abstract, "input"); err != nil {
		return err
	}
	if op.output, err = s.body(op, bound, abstract, "output"); err != nil {
		return err
	}
	if op.input == nil {
		return nil // it is the server who sends
	}
	for _, f := range abstract.e.Children {
		if f.Name.Space != wsdlNS || f.Name.Local != "fault" {
			continue
		}
		parts, err := s.parts(source{f, abstract.c})
		if err != nil {
			return err
		}
		for _, p := range parts {
			if p.element != nil {
				op.faults = append(op.faults, p.element.name)
			}
		}
	}
	s.count++
	switch {
	case op.rpc:
		s.byBody[op.input.wrapper] = append(s.byBody[op.input.wrapper], op)
	case len(op.input.parts) == 0:
		s.empty = append(s.empty, op)
	case op.input.parts[0].element != nil:
		d := op.input.parts[0].element
		s.byBody[d.name] = append(s.byBody[d.name], op)
		for name := range d.members {
			s.byBody[name] = append(s.byBody[name], op)
		}
	case op.hasAction && op.action != "":
		s.byAction[op.action] = op
	}
	return nil
}

// operationIn is that of a portType which an operation of a binding binds. Those of one
// name are told apart by the names of their messages (WSDL 1.1 §2.5).
func operationIn(portType, bound *inspect.Element, name string) (found *inspect.Element) {
	for _, op := range portType.Children {
		if n, _ := op.Attr("name"); op.Name.Space != wsdlNS || op.Name.Local != "operation" || n != name {
			continue
		}
		same := true
		for _, which := range []string{"input", "output"} {
			if want, ok := bound.Child(which).Attr("name"); ok {
				has, given := op.Child(which).Attr("name")
				same = same && (!given || has == want)
			}
		}
		if same {
			return op
		}
		if found == nil {
			found = op
		}
	}
	return found
}

func soapChild(e *inspect.Element, local string) *inspect.Element {
	if e == nil {
		return nil
	}
	for _, c := range e.Children {
		if (c.Name.Space == soap11NS || c.Name.Space == soap12NS) && c.Name.Local == local {
			return c
		}
	}
	return nil
}

// body reads what an operation takes (input) or answers (output).
func (s *Service) body(op *operation, bound, abstract source, which string) (*body, error) {
	message := source{abstract.e.Child(which), abstract.c}
	if message.e == nil {
		return nil, nil
	}
	b := &body{wrapper: inspect.Name{Local: op.name}}
	if which == "output" {
		b.wrapper.Local += "Response"
	}
	parts, err := s.parts(message)
	if err != nil {
		return nil, err
	}
	in := bound.e.Child(which)
	soap := soapChild(in, "body")
	if soap == nil && in != nil { // with attachments it is inside mime:multipartRelated
		soap = deepSOAPBody(in, 0)
	}
	only, limited := "", false
	if soap != nil {
		use, _ := soap.Attr("use")
		b.encoded = use == "encoded"
		b.wrapper.Space, _ = soap.Attr("namespace")
		only, limited = soap.Attr("parts")
	}
	headers := map[string]bool{}
	if in != nil {
		for _, c := range in.Children {
			if c.Name.Local == "header" && (c.Name.Space == soap11NS || c.Name.Space == soap12NS) {
				p, _ := c.Attr("part")
				x, _ := source{c, bound.c}.qname("message")
				y, _ := message.qname("message")
				headers[p] = headers[p] || x == y
			}
		}
	}
	for _, p := range parts {
		if limited && !contains(strings.Fields(only), p.name) || !limited && headers[p.name] {
			continue
		}
		b.parts = append(b.parts, p)
	}
	if op.rpc {
		content := &particle{kind: isSequence, min: 1, max: 1}
		for _, p := range b.parts {
			d := p.element
			if d == nil {
				d = &elementDecl{name: inspect.Name{Local: p.name}, typ: p.typ}
				if d.typ == nil {
					d.typ = anyType
				}
			}
			content.parts = append(content.parts, &particle{kind: isElement, min: 1, max: 1, decl: d})
		}
		b.typ = &typ{complex: true, content: content}
		return b, content.prepare(&s.schemas.budget)
	}
	return b, nil
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func deepSOAPBody(e *inspect.Element, depth int) *inspect.Element {
	for _, c := range e.Children {
		if b := soapChild(c, "body"); b != nil {
			return b
		}
		if depth < 4 {
			if b := deepSOAPBody(c, depth+1); b != nil {
				return b
			}
		}
	}
	return nil
}

// parts reads those of the message that an element names.
func (s *Service) parts(of source) (list []part, err error) {
	name, _ := of.qname("message")
	m, ok := s.messages[name]
	if !ok {
		return nil, of.fail("%s is in no file that was read", nameWords("message", name))
	}
	for _, c := range m.e.Children {
		if c.Name.Space != wsdlNS || c.Name.Local != "part" {
			continue
		}
		p := part{}
		p.name, _ = c.Attr("name")
		at := source{c, m.c}
		if n, ok := at.qname("element"); ok {
			p.element, err = s.schemas.elementNamed(n, at)
		} else if n, ok := at.qname("type"); ok {
			p.typ, err = s.schemas.typeNamed(n, at)
		}
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}
