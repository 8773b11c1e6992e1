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
	messages  map[inspect.Name]*inspect.Element
	portTypes map[inspect.Name]*inspect.Element
	spaces    map[string]bool // target namespaces
	paths     map[string]bool // of the URLs at which it is
	byBody    map[inspect.Name][]*operation
	empty     []*operation // those whose request has an empty Body
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
func (s *Service) bind(bindings []*inspect.Element) error {
	s.byBody = map[inspect.Name][]*operation{}
	for _, b := range bindings {
		soap := soapChild(b, "binding")
		if soap == nil {
			continue // to HTTP or something else
		}
		style, _ := soap.Attr("style")
		value, _ := b.Attr("type")
		name, _, _ := b.ResolveQName(value)
		portType := s.portTypes[name]
		if portType == nil {
			return fmt.Errorf("a binding is of %s, which is not there", nameWords("portType", name))
		}
		for _, e := range b.Children {
			if e.Name.Space != wsdlNS || e.Name.Local != "operation" {
				continue
			}
			op := &operation{soap12: soap.Name.Space == soap12NS}
			op.name, _ = e.Attr("name")
			style := style
			if so := soapChild(e, "operation"); so != nil {
				op.action, op.hasAction = so.Attr("soapAction")
				if own, ok := so.Attr("style"); ok {
					style = own
				}
			}
			op.rpc = style == "rpc"
			abstract := named(portType, "operation", op.name)
			if abstract == nil {
				return fmt.Errorf("the operation %s of a binding is not in its portType", shorten(op.name))
			}
			var err error
			if op.input, err = s.body(op, e, abstract, "input"); err != nil {
				return err
			}
			if op.output, err = s.body(op, e, abstract, "output"); err != nil {
				return err
			}
			if op.input == nil {
				continue // it is the server who sends
			}
			for _, f := range abstract.Children {
				if f.Name.Space == wsdlNS && f.Name.Local == "fault" {
					parts, err := s.parts(f)
					if err != nil {
						return err
					}
					for _, p := range parts {
						if p.element != nil {
							op.faults = append(op.faults, p.element.name)
						}
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
				n := op.input.parts[0].element.name
				s.byBody[n] = append(s.byBody[n], op)
			}
		}
	}
	if s.count == 0 {
		return fmt.Errorf("no operation is bound to SOAP")
	}
	return nil
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

func named(e *inspect.Element, kind, name string) *inspect.Element {
	for _, c := range e.Children {
		if n, _ := c.Attr("name"); c.Name.Local == kind && c.Name.Space == wsdlNS && n == name {
			return c
		}
	}
	return nil
}

// body reads what an operation takes (input) or answers (output).
func (s *Service) body(op *operation, bound, abstract *inspect.Element, which string) (*body, error) {
	message := abstract.Child(which)
	if message == nil {
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
	in := bound.Child(which)
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
				m, _ := c.Attr("message")
				own, _ := message.Attr("message")
				x, _, _ := c.ResolveQName(m)
				y, _, _ := message.ResolveQName(own)
				headers[p] = x == y
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

// parts reads those of the message that e names.
func (s *Service) parts(e *inspect.Element) (list []part, err error) {
	value, _ := e.Attr("message")
	name, _, _ := e.ResolveQName(value)
	m := s.messages[name]
	if m == nil {
		return nil, fmt.Errorf("%s is not there", nameWords("message", name))
	}
	for _, c := range m.Children {
		if c.Name.Space != wsdlNS || c.Name.Local != "part" {
			continue
		}
		p := part{}
		p.name, _ = c.Attr("name")
		if value, ok := c.Attr("element"); ok {
			n, _, _ := c.ResolveQName(value)
			if p.element, err = s.schemas.elementNamed(n, source{}); err != nil {
				return nil, err
			}
		} else if value, ok := c.Attr("type"); ok {
			n, _, _ := c.ResolveQName(value)
			if p.typ, err = s.schemas.typeNamed(n, source{}); err != nil {
				return nil, err
			}
		}
		list = append(list, p)
	}
	return list, nil
}
