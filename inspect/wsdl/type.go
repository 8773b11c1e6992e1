package wsdl

import (
	"slices"

	"github.com/umtape/umtape/inspect"
)

// typ is a simple or a complex type.
type typ struct {
	name     inspect.Name
	base     *typ
	abstract bool
	reading  bool    // what it is derived from is being looked up
	simple   *simple // of a simple type, or of simple content
	open     bool    // a part of what it is made of was not read: what is not known of it is right

	// Complex types only.
	complex bool
	mixed   bool
	content *particle // nil for none
	attrs   map[inspect.Name]*attrDecl
	anyAttr *wildcard
}

// derives reports whether t is b, or derived from it, as far as it was read.
func (t *typ) derives(b *typ) bool {
	if b == anyType || b == unreadType || b == t {
		return true
	}
	if b.simple != nil && !b.complex && slices.Contains(b.simple.union, t) {
		return true
	}
	for n := 0; t != nil && n < maxDepth; t, n = t.base, n+1 {
		if t == b || t == unreadType || t.name.Local != "" && t.name == b.name {
			return true
		}
	}
	return false
}

var anyType = &typ{
	name: inspect.Name{Space: xsdNS, Local: "anyType"}, complex: true, mixed: true, anyAttr: &wildcard{lax: true},
	content: &particle{kind: isAny, min: 0, max: unbounded, wild: &wildcard{lax: true}},
}

// unreadType stands for all types that are declared in no file that was read.
var unreadType = &typ{complex: true, mixed: true, open: true, anyAttr: anyType.anyAttr, content: anyType.content}

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
		s.unread(from, nameWords("type", name), "what is of it is not checked")
		s.types[name] = unreadType
		return unreadType, nil
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
	t.content, t.open = own, t.base.open
	var base *wildcard
	switch {
	case body.e == src.e: // it is not derived
	case !restricts && t.base.anything():
		t.mixed, t.content, base = true, anyType.content, anyType.anyAttr
	case t.base != anyType:
		for name, a := range t.base.attrs {
			t.attrs[name] = a
		}
		if err := s.spend(len(t.base.attrs)); err != nil {
			return nil, err
		}
		if !restricts {
			base = t.base.anyAttr
			t.mixed = t.mixed || t.base.mixed
			switch {
			case t.base.content != nil && own != nil:
				t.content = s.keep(&particle{kind: isSequence, min: 1, max: 1, parts: []*particle{t.base.content, own}})
			case own == nil:
				t.content = t.base.content
			}
		}
	}
	wild, err := s.attributes(body, t, 0)
	t.anyAttr = joined(wild, base)
	return t, err
}

// anything reports whether all may be in t, so that a schema can add nothing to it.
func (t *typ) anything() bool { return t == anyType || t.open && t.content == anyType.content }

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
	t.simple, t.open = t.base.simple, t.base.open
	if t.simple == nil && t.open {
		t.mixed, t.content = true, anyType.content
	}
	for n, a := range t.base.attrs {
		t.attrs[n] = a
	}
	if err := s.spend(len(t.base.attrs)); err != nil {
		return err
	}
	var wild *wildcard
	if !restricts {
		wild = t.base.anyAttr
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
	own, err := s.attributes(body, t, 0)
	t.anyAttr = joined(own, wild)
	return err
}
