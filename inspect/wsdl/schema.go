package wsdl

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// schemaDoc is the schema document that a declaration stands in.
type schemaDoc struct {
	file           string
	doc            *inspect.Document
	target         string
	chameleon      bool // without a namespace of its own: it has taken that of who includes it
	qualified      bool
	attrsQualified bool
}

// placed is an error that says where it is.
type placed struct{ text string }

func (p *placed) Error() string { return p.text }

// source is a declaration as it is written.
type source struct {
	e *inspect.Element
	c *schemaDoc
}

func (s source) fail(format string, args ...any) error {
	return &placed{s.at() + ": " + fmt.Sprintf(format, args...)}
}

// at is the file, line and column; "" if there is none.
func (s source) at() string {
	if s.e == nil || s.c == nil {
		return ""
	}
	line, column := s.c.doc.Place(s.e)
	return fmt.Sprintf("%s:%d:%d", s.c.file, line, column)
}

// qname resolves an attribute that names something.
func (s source) qname(attr string) (name inspect.Name, ok bool) {
	value, ok := s.e.Attr(attr)
	if !ok {
		return name, false
	}
	return s.resolve(value), true
}

func (s source) resolve(value string) inspect.Name {
	name, prefix, _ := s.e.ResolveQName(value)
	if prefix == "" && name.Space == "" && s.c.chameleon {
		name.Space = s.c.target
	}
	return name
}

// elementDecl is an element as a schema declares it.
type elementDecl struct {
	name     inspect.Name
	typ      *typ
	nillable bool
	abstract bool
	fixed    *string
	dflt     bool
	head     inspect.Name                  // of its substitution group
	ofHead   bool                          // it has its head's type
	members  map[inspect.Name]*elementDecl // its substitutes, and theirs
}

// schemas are all declarations of a WSDL.
type schemas struct {
	sources  map[string]map[inspect.Name]source // by kind: element, type, group, attributeGroup, attribute
	elements map[inspect.Name]*elementDecl
	types    map[inspect.Name]*typ
	attrs    map[inspect.Name]*attrDecl
	groups   map[inspect.Name]*particle
	open     map[string]bool // groups that are being read, for those that hold themselves
	todo     []func() error  // types of elements: put off, since they may hold themselves
	last     []func() error  // what is done after all that
	all      []*particle
	depth    int
	missing  map[string]bool // namespaces that are imported, and of which nothing was read
	spaces   map[string]bool // those of which something was
	warnings []string
	budget
}

// budget is how many names may still be taken in. What a schema stands for can be
// larger than the schema by any factor: types take over all that their base has, and a
// file is included into as many namespaces as there are.
type budget int

// maxNames is several times what the largest public WSDLs take.
const maxNames = 2_000_000

func (b *budget) spend(n int) error {
	if *b -= budget(n); *b < 0 {
		return errors.New("its schemas stand for too much: too many names, with those that types take over from others")
	}
	return nil
}

func newSchemas() *schemas {
	s := &schemas{
		budget:  maxNames,
		sources: map[string]map[inspect.Name]source{}, elements: map[inspect.Name]*elementDecl{}, types: map[inspect.Name]*typ{},
		attrs: map[inspect.Name]*attrDecl{}, groups: map[inspect.Name]*particle{}, open: map[string]bool{},
		missing: map[string]bool{}, spaces: map[string]bool{},
	}
	s.attrs[inspect.Name{Space: xmlNS, Local: "lang"}] = &attrDecl{name: inspect.Name{Space: xmlNS, Local: "lang"}, typ: builtin("string")}
	for _, local := range []string{"space", "base", "id"} {
		name := inspect.Name{Space: xmlNS, Local: local}
		s.attrs[name] = &attrDecl{name: name, typ: builtin("string")}
	}
	return s
}

func (s *schemas) warn(format string, args ...any) {
	if len(s.warnings) < 100 {
		s.warnings = append(s.warnings, fmt.Sprintf(format, args...))
	}
}

// unread tells of what is declared in no file that was read, where it is named first.
func (s *schemas) unread(from source, what, so string) {
	if at := from.at(); at != "" {
		what = at + ": " + what
	}
	s.warn("%s is declared in no file that was read: %s", what, so)
}

// isMissing reports whether nothing was read of a namespace that is imported.
func (s *schemas) isMissing(space string) bool { return s.missing[space] && !s.spaces[space] }

func (s *schemas) declare(e *inspect.Element, c *schemaDoc) error {
	kind := e.Name.Local
	if kind == "simpleType" || kind == "complexType" {
		kind = "type"
	}
	switch kind {
	case "element", "type", "group", "attributeGroup", "attribute":
	default:
		return nil
	}
	name := inspect.Name{Space: c.target}
	var ok bool
	if name.Local, ok = e.Attr("name"); !ok {
		return source{e, c}.fail("a global %s has no name", e.Name.Local)
	}
	if s.sources[kind] == nil {
		s.sources[kind] = map[inspect.Name]source{}
	}
	if _, twice := s.sources[kind][name]; !twice { // the same document may be included by two names
		s.sources[kind][name] = source{e, c}
	}
	return s.spend(1)
}

// resolve reads all declarations.
func (s *schemas) resolve() error {
	for _, name := range sortedNames(s.sources["type"]) {
		if _, err := s.typeNamed(name, source{}); err != nil {
			return err
		}
	}
	for _, name := range sortedNames(s.sources["element"]) {
		if _, err := s.elementNamed(name, source{}); err != nil {
			return err
		}
	}
	for _, name := range sortedNames(s.sources["attribute"]) { // those too that only a wildcard admits
		if _, err := s.globalAttribute(name, source{}); err != nil {
			return err
		}
	}
	for _, list := range []*[]func() error{&s.todo, &s.last} {
		for len(*list) > 0 {
			do := (*list)[0]
			*list = (*list)[1:]
			if err := do(); err != nil {
				return err
			}
		}
	}
	// Whoever stands in for a head stands in for that head's own.
	for _, name := range sortedNames(s.sources["element"]) {
		e := s.elements[name]
		seen := map[*elementDecl]bool{e: true}
		for h := s.elements[e.head]; h != nil && !seen[h]; h = s.elements[h.head] {
			seen[h] = true
			if h.members == nil {
				h.members = map[inspect.Name]*elementDecl{}
			}
			h.members[e.name] = e
			if err := s.spend(1); err != nil {
				return err
			}
		}
	}
	for _, p := range s.all { // now, so that checking changes nothing
		if err := p.prepare(&s.budget); err != nil {
			return err
		}
	}
	return nil
}

func (s *schemas) keep(p *particle) *particle {
	s.all = append(s.all, p)
	return p
}

func sortedNames[V any](m map[inspect.Name]V) []inspect.Name {
	var list []inspect.Name
	for name := range m {
		list = append(list, name)
	}
	slices.SortFunc(list, func(a, b inspect.Name) int {
		if a.Space+"\x00"+a.Local < b.Space+"\x00"+b.Local {
			return -1
		}
		return 1
	})
	return list
}

// deeper bounds how deep declarations lead into each other.
func (s *schemas) deeper(from source) (func(), error) {
	if s.depth++; s.depth > 1000 {
		return nil, from.fail("declarations refer to each other more than 1000 deep")
	}
	return func() { s.depth-- }, nil
}

func (s *schemas) elementNamed(name inspect.Name, from source) (*elementDecl, error) {
	if e := s.elements[name]; e != nil {
		return e, nil
	}
	src, ok := s.sources["element"][name]
	if !ok {
		s.unread(from, nameWords("element", name), "what refers to it is not checked")
		e := &elementDecl{name: name, typ: anyType}
		s.elements[name] = e
		return e, nil
	}
	e := &elementDecl{name: name}
	s.elements[name] = e // before its type, in which it may stand
	return e, s.fillElement(e, src)
}

func nameWords(kind string, n inspect.Name) string {
	return fmt.Sprintf("%s %s of %q", kind, shorten(n.Local), shorten(n.Space))
}

func (s *schemas) fillElement(e *elementDecl, src source) (err error) {
	done, err := s.deeper(src)
	if err != nil {
		return err
	}
	defer done()
	truth := func(attr string) bool { v, _ := src.e.Attr(attr); return v == "true" || v == "1" }
	e.nillable, e.abstract = truth("nillable"), truth("abstract")
	if v, ok := src.e.Attr("fixed"); ok {
		e.fixed = &v
	}
	_, e.dflt = src.e.Attr("default")
	e.head, _ = src.qname("substitutionGroup")
	e.typ = anyType
	s.todo = append(s.todo, func() (err error) {
		if name, ok := src.qname("type"); ok {
			e.typ, err = s.typeNamed(name, src)
		} else if c := src.e.Child("complexType"); c != nil {
			e.typ, err = s.complexType(source{c, src.c}, &typ{complex: true})
		} else if c := src.e.Child("simpleType"); c != nil {
			e.typ, err = s.simpleType(source{c, src.c}, &typ{})
		} else if e.head.Local != "" {
			head, err := s.elementNamed(e.head, src)
			if err == nil {
				e.ofHead = true
				s.last = append(s.last, func() error {
					for n := 0; head.ofHead && n < maxDepth; n++ { // in a ring there is no end to it
						head = s.elements[head.head]
					}
					e.typ = head.typ
					return nil
				})
			}
			return err
		}
		return err
	})
	return nil
}

// occurs reads minOccurs and maxOccurs.
func (s source) occurs() (low, high int, err error) {
	low, high = 1, 1
	if v, ok := s.e.Attr("minOccurs"); ok {
		if low, err = strconv.Atoi(strings.TrimSpace(v)); err != nil || low < 0 {
			return 0, 0, s.fail("minOccurs is %q", shorten(v))
		}
	}
	if v, ok := s.e.Attr("maxOccurs"); ok {
		if strings.TrimSpace(v) == "unbounded" {
			return low, unbounded, nil
		}
		if high, err = strconv.Atoi(strings.TrimSpace(v)); err != nil || high < 0 {
			return 0, 0, s.fail("maxOccurs is %q", shorten(v))
		}
	}
	return low, high, nil
}
