package wsdl

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/umtape/umtape/inspect"
)

// context is the schema document that a declaration stands in.
type context struct {
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
	c *context
}

func (s source) fail(format string, args ...any) error {
	line, column := s.c.doc.Place(s.e)
	return &placed{fmt.Sprintf("%s:%d:%d: %s", s.c.file, line, column, fmt.Sprintf(format, args...))}
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
	members  map[inspect.Name]*elementDecl // its substitutes, and theirs
}

type attrDecl struct {
	name     inspect.Name
	typ      *typ
	required bool
	gone     bool // prohibited
	fixed    *string
}

// typ is a simple or a complex type.
type typ struct {
	name     inspect.Name
	base     *typ
	abstract bool
	reading  bool    // what it is derived from is being looked up
	simple   *simple // of a simple type, or of simple content

	// Complex types only.
	complex bool
	mixed   bool
	content *particle // nil for none
	attrs   map[inspect.Name]*attrDecl
	anyAttr *wildcard
}

// derives reports whether t is b, or derived from it.
func (t *typ) derives(b *typ) bool {
	if b == anyType || b == t {
		return true
	}
	if b.simple != nil && !b.complex && slices.Contains(b.simple.union, t) {
		return true
	}
	for n := 0; t != nil && n < maxDepth; t, n = t.base, n+1 {
		if t == b || t.name.Local != "" && t.name == b.name {
			return true
		}
	}
	return false
}

var anyType = &typ{
	name: inspect.Name{Space: xsdNS, Local: "anyType"}, complex: true, mixed: true, anyAttr: &wildcard{lax: true},
	content: &particle{kind: isAny, min: 0, max: unbounded, wild: &wildcard{lax: true}},
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

func (s *schemas) declare(e *inspect.Element, c *context) error {
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
		s.warn("%s is declared in no file that was read: what refers to it is not checked", nameWords("element", name))
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
				s.last = append(s.last, func() error { e.typ = head.typ; return nil })
			}
			return err
		}
		return err
	})
	return nil
}

func (s *schemas) typeNamed(name inspect.Name, from source) (*typ, error) {
	if name.Space == xsdNS {
		if name.Local == "anyType" {
			return anyType, nil
		}
		if t := builtin(name.Local); t != nil {
			return t, nil
		}
	}
	if t := s.types[name]; t != nil {
		return t, nil
	}
	src, ok := s.sources["type"][name]
	if !ok {
		s.warn("%s is declared in no file that was read: what is of it is not checked", nameWords("type", name))
		s.types[name] = anyType
		return anyType, nil
	}
	t := &typ{name: name, reading: true}
	s.types[name] = t
	defer func() { t.reading = false }()
	if src.e.Name.Local == "complexType" {
		t.complex = true
		return s.complexType(src, t)
	}
	return s.simpleType(src, t)
}

func (s *schemas) complexType(src source, t *typ) (*typ, error) {
	done, err := s.deeper(src)
	if err != nil {
		return nil, err
	}
	defer done()
	for _, attr := range []string{"abstract", "mixed"} {
		if v, _ := src.e.Attr(attr); v == "true" || v == "1" {
			if attr == "mixed" {
				t.mixed = true
			} else {
				t.abstract = true
			}
		}
	}
	t.attrs = map[inspect.Name]*attrDecl{}
	t.base = anyType
	body, restricts := src, false
	if c := src.e.Child("simpleContent"); c != nil {
		return t, s.simpleContent(source{c, src.c}, t)
	}
	if c := src.e.Child("complexContent"); c != nil {
		if v, _ := c.Attr("mixed"); v == "true" || v == "1" {
			t.mixed = true
		}
		d := c.Child("extension")
		if restricts = d == nil; restricts {
			d = c.Child("restriction")
		}
		if d == nil {
			return nil, source{c, src.c}.fail("complexContent without extension or restriction")
		}
		body = source{d, src.c}
		base, ok := body.qname("base")
		if !ok {
			return nil, body.fail("%s names no base", d.Name.Local)
		}
		if t.base, err = s.baseOf(base, body); err != nil {
			return nil, err
		}
	}
	own, err := s.contentOf(body)
	if err != nil {
		return nil, err
	}
	t.content = own
	if t.base != anyType {
		for name, a := range t.base.attrs {
			t.attrs[name] = a
		}
		if err := s.spend(len(t.base.attrs)); err != nil {
			return nil, err
		}
		if !restricts {
			t.anyAttr = t.base.anyAttr
			t.mixed = t.mixed || t.base.mixed
			switch {
			case t.base.content != nil && own != nil:
				t.content = s.keep(&particle{kind: isSequence, min: 1, max: 1, parts: []*particle{t.base.content, own}})
			case own == nil:
				t.content = t.base.content
			}
		}
	}
	return t, s.attributes(body, t, 0)
}

// baseOf is the type that another is derived from, read to its end.
func (s *schemas) baseOf(name inspect.Name, from source) (*typ, error) {
	t, err := s.typeNamed(name, from)
	if err == nil && t.reading {
		return nil, from.fail("%s is derived from itself", nameWords("type", name))
	}
	return t, err
}

func (s *schemas) simpleContent(src source, t *typ) (err error) {
	d := src.e.Child("extension")
	restricts := d == nil
	if restricts {
		d = src.e.Child("restriction")
	}
	if d == nil {
		return src.fail("simpleContent without extension or restriction")
	}
	body := source{d, src.c}
	name, _ := body.qname("base")
	if t.base, err = s.baseOf(name, body); err != nil {
		return err
	}
	t.simple = t.base.simple
	for n, a := range t.base.attrs {
		t.attrs[n] = a
	}
	if err := s.spend(len(t.base.attrs)); err != nil {
		return err
	}
	if !restricts {
		t.anyAttr = t.base.anyAttr
	} else {
		base := t.simple
		if c := d.Child("simpleType"); c != nil {
			inner, err := s.simpleType(source{c, src.c}, &typ{})
			if err != nil {
				return err
			}
			base = inner.simple
		}
		if base != nil {
			if t.simple, err = s.restrict(body, base); err != nil {
				return err
			}
		}
	}
	return s.attributes(body, t, 0)
}

func (s *schemas) attributes(src source, t *typ, depth int) error {
	if depth > maxDepth {
		return src.fail("attribute groups refer to each other more than %d deep", maxDepth)
	}
	if err := s.spend(1 + len(src.e.Children)); err != nil {
		return err
	}
	for _, e := range src.e.Children {
		at := source{e, src.c}
		switch e.Name.Local {
		case "attribute":
			a, err := s.attribute(at)
			if err != nil {
				return err
			}
			t.attrs[a.name] = a
		case "attributeGroup":
			name, ok := at.qname("ref")
			group, known := s.sources["attributeGroup"][name]
			if !ok || !known {
				s.warn("%s is declared in no file that was read: attributes are not checked where it stands", nameWords("attributeGroup", name))
				t.anyAttr = &wildcard{lax: true}
				continue
			}
			key := "attributeGroup " + name.Space + " " + name.Local
			if s.open[key] {
				return at.fail("%s holds itself", nameWords("attributeGroup", name))
			}
			s.open[key] = true
			err := s.attributes(group, t, depth+1)
			delete(s.open, key)
			if err != nil {
				return err
			}
		case "anyAttribute":
			t.anyAttr = newWildcard(at)
		}
	}
	return nil
}

func (s *schemas) attribute(src source) (*attrDecl, error) {
	a := &attrDecl{typ: builtin("anySimpleType")}
	if name, ok := src.qname("ref"); ok {
		global, err := s.globalAttribute(name)
		if err != nil {
			return nil, err
		}
		*a = *global
	} else {
		a.name.Local, _ = src.e.Attr("name")
		if form, ok := src.e.Attr("form"); ok && form == "qualified" || !ok && src.c.attrsQualified {
			a.name.Space = src.c.target
		}
		if err := s.attributeType(src, a); err != nil {
			return nil, err
		}
	}
	use, _ := src.e.Attr("use")
	a.required, a.gone = use == "required", use == "prohibited"
	if v, ok := src.e.Attr("fixed"); ok {
		a.fixed = &v
	}
	return a, nil
}

func (s *schemas) attributeType(src source, a *attrDecl) (err error) {
	if name, ok := src.qname("type"); ok {
		a.typ, err = s.typeNamed(name, src)
	} else if c := src.e.Child("simpleType"); c != nil {
		a.typ, err = s.simpleType(source{c, src.c}, &typ{})
	}
	return err
}

func (s *schemas) globalAttribute(name inspect.Name) (*attrDecl, error) {
	if a := s.attrs[name]; a != nil {
		return a, nil
	}
	a := &attrDecl{name: name, typ: builtin("anySimpleType")}
	s.attrs[name] = a
	src, ok := s.sources["attribute"][name]
	if !ok {
		s.warn("%s is declared in no file that was read: its value is not checked", nameWords("attribute", name))
		return a, nil
	}
	if v, ok := src.e.Attr("fixed"); ok {
		a.fixed = &v
	}
	return a, s.attributeType(src, a)
}

// occurs reads minOccurs and maxOccurs.
func (s source) occurs() (low, high int, err error) {
	low, high = 1, 1
	if v, ok := s.e.Attr("minOccurs"); ok {
		if low, err = strconv.Atoi(v); err != nil || low < 0 {
			return 0, 0, s.fail("minOccurs is %q", shorten(v))
		}
	}
	if v, ok := s.e.Attr("maxOccurs"); ok {
		if v == "unbounded" {
			return low, unbounded, nil
		}
		if high, err = strconv.Atoi(v); err != nil || high < 0 {
			return 0, 0, s.fail("maxOccurs is %q", shorten(v))
		}
	}
	return low, high, nil
}
