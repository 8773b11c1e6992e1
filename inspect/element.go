package inspect

import "strings"

// Name is an expanded XML name. Space is the namespace URI, "" for none; for an
// attribute whose prefix is not declared it is some string that is no URI.
type Name struct {
	Space string
	Local string
}

// Attr is one attribute. Namespace declarations are not attributes here.
type Attr struct {
	Name   Name
	Prefix string
	Value  string
}

// Tag is what start tags that are written alike say where the same declarations are in
// force. Elements share it, since most have one of few names, so it is never changed.
type Tag struct {
	Name   Name
	Prefix string // as written; never part of a comparison

	// Undeclared is true when Prefix is bound to no namespace.
	Undeclared bool

	scope *scope // namespace declarations in force, for QNames in values
}

// Element is one XML element with what it contains. Comments and processing
// instructions are left out, CDATA sections are text.
//
// Character data is kept where it stood: Text is what comes before the first
// child, Tail what follows this element inside its parent.
type Element struct {
	*Tag
	Attrs    []Attr // in the order written
	Children []*Element
	Text     string
	Tail     string

	// Offset is where the element's start tag begins, in bytes from the
	// start of the message after decoding to UTF-8 without a byte order mark.
	Offset int64
}

// Child returns the first child with that local name, whatever its namespace,
// or nil. It may be called on nil.
func (e *Element) Child(local string) *Element {
	if e == nil {
		return nil
	}
	for _, c := range e.Children {
		if c.Name.Local == local {
			return c
		}
	}
	return nil
}

// Attr returns the value of the attribute with that local name in no
// namespace, and whether it is there. It may be called on nil.
func (e *Element) Attr(local string) (value string, ok bool) {
	if e == nil {
		return "", false
	}
	for _, a := range e.Attrs {
		if a.Name.Local == local && a.Name.Space == "" {
			return a.Value, true
		}
	}
	return "", false
}

// Value returns the element's own character data, that of its children left
// out. It is "" for nil.
func (e *Element) Value() string {
	if e == nil {
		return ""
	}
	if len(e.Children) == 0 {
		return e.Text
	}
	var b strings.Builder
	b.WriteString(e.Text)
	for _, c := range e.Children {
		b.WriteString(c.Tail)
	}
	return b.String()
}

// ResolveQName resolves a value such as "a:InvalidCallIdException" with the
// declarations in force at e. ok is false when the prefix is not declared; the
// name's Space is then "".
func (e *Element) ResolveQName(value string) (name Name, prefix string, ok bool) {
	value = trim(value)
	prefix, local, found := strings.Cut(value, ":")
	if !found {
		prefix, local = "", value
	}
	space, ok := e.scope.lookup(prefix)
	return Name{Space: space, Local: local}, prefix, ok || prefix == ""
}

// scope is one element's namespace declarations, linked to its parent's.
// Elements that declare nothing share their parent's.
type scope struct {
	parent *scope
	few    []binding         // the first fewBindings, in the order written
	many   map[string]string // those after them, prefix to URI; nil for none
	room   [2]binding        // for few: most elements that declare, declare so many
}

// binding is a prefix with its URI; "" is the default namespace.
type binding struct{ prefix, uri string }

// fewBindings are found as fast one by one as in a map.
const fewBindings = 8

// declare binds a prefix; it is false if it is bound here already.
func (s *scope) declare(prefix, uri string) bool {
	if _, twice := s.own(prefix); twice {
		return false
	}
	switch {
	case s.few == nil:
		s.few = append(s.room[:0], binding{prefix, uri})
	case len(s.few) < fewBindings:
		s.few = append(s.few, binding{prefix, uri})
	default:
		if s.many == nil {
			s.many = map[string]string{}
		}
		s.many[prefix] = uri
	}
	return true
}

// own looks a prefix up in this element's declarations only.
func (s *scope) own(prefix string) (uri string, ok bool) {
	for i := range s.few {
		if s.few[i].prefix == prefix {
			return s.few[i].uri, true
		}
	}
	uri, ok = s.many[prefix]
	return uri, ok
}

func (s *scope) lookup(prefix string) (uri string, ok bool) {
	if prefix == "xml" {
		return xmlNS, true
	}
	for ; s != nil; s = s.parent {
		if uri, ok := s.own(prefix); ok {
			return uri, uri != "" || prefix == ""
		}
	}
	return "", false
}
