package wsdl

import "github.com/umtape/umtape/inspect"

type attrDecl struct {
	name     inspect.Name
	typ      *typ
	required bool
	gone     bool // prohibited
	fixed    *string
}

// attributes adds those of a type, or of an attribute group in it, to t, and returns
// what it admits beside them; nil for nothing.
func (s *schemas) attributes(src source, t *typ, depth int) (wild *wildcard, err error) {
	if depth > maxDepth {
		return nil, src.fail("attribute groups refer to each other more than %d deep", maxDepth)
	}
	if err := s.spend(1 + len(src.e.Children)); err != nil {
		return nil, err
	}
	for _, e := range src.e.Children {
		at := source{e, src.c}
		switch e.Name.Local {
		case "attribute":
			a, err := s.attribute(at)
			if err != nil {
				return nil, err
			}
			t.attrs[a.name] = a
		case "attributeGroup":
			name, ok := at.qname("ref")
			group, known := s.sources["attributeGroup"][name]
			if !ok || !known {
				s.unread(at, nameWords("attributeGroup", name), "attributes are not checked where it stands")
				t.open = true
				continue
			}
			key := "attributeGroup " + name.Space + " " + name.Local
			if s.open[key] {
				return nil, at.fail("%s holds itself", nameWords("attributeGroup", name))
			}
			s.open[key] = true
			more, err := s.attributes(group, t, depth+1)
			delete(s.open, key)
			if err != nil {
				return nil, err
			}
			if wild = met(wild, more); wild == nil {
				wild = more
			}
		case "anyAttribute": // it is the last
			wild = met(newWildcard(at), wild)
		}
	}
	return wild, nil
}

func (s *schemas) attribute(src source) (*attrDecl, error) {
	a := &attrDecl{typ: builtin("anySimpleType")}
	if name, ok := src.qname("ref"); ok {
		global, err := s.globalAttribute(name, src)
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

func (s *schemas) globalAttribute(name inspect.Name, from source) (*attrDecl, error) {
	if a := s.attrs[name]; a != nil {
		return a, nil
	}
	a := &attrDecl{name: name, typ: builtin("anySimpleType")}
	s.attrs[name] = a
	src, ok := s.sources["attribute"][name]
	if !ok {
		s.unread(from, nameWords("attribute", name), "its value is not checked")
		return a, nil
	}
	if v, ok := src.e.Attr("fixed"); ok {
		a.fixed = &v
	}
	return a, s.attributeType(src, a)
}
