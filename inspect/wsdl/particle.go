package wsdl

import (
	"cmp"
	"slices"
	"strings"

	"github.com/umtape/umtape/inspect"
)

const unbounded = 1<<31 - 1

type particleKind int

const (
	isElement particleKind = iota
	isAny
	isSequence
	isChoice
	isAll
)

// particle is one thing that may stand in a content model.
type particle struct {
	kind     particleKind
	min, max int
	decl     *elementDecl // of isElement
	wild     *wildcard    // of isAny
	parts    []*particle

	first    *firstSet // of what is made of parts
	nullable int8      // 1 if it may be nothing, -1 if not; 0 for not known yet
}

// wildcard is xs:any or xs:anyAttribute.
type wildcard struct {
	lax, skip bool
	target    string
	spaces    []string // "" is no namespace; nil for any
	other     bool     // any but the target's, and not none

	// Of xs:anyAttribute: what has to admit an attribute too, since those of attribute
	// groups are met, and what may instead, since a derived type admits what its base does
	// (XML Schema part 1 §3.4.2).
	and, or *wildcard
}

// met is what both admit; the first says how what is admitted is checked.
func met(w, other *wildcard) *wildcard {
	if w == nil || other == nil {
		return w
	}
	m := *w
	m.and = other
	if w.and != nil {
		m.and = met(w.and, other)
	}
	return &m
}

// joined is what w or that of the base admits.
func joined(w, base *wildcard) *wildcard {
	if w == nil || base == nil {
		return cmp.Or(w, base)
	}
	j := *w
	j.or = base
	return &j
}

func newWildcard(src source) *wildcard {
	w := &wildcard{target: src.c.target}
	switch v, _ := src.e.Attr("processContents"); v {
	case "lax":
		w.lax = true
	case "skip":
		w.skip = true
	}
	v, ok := src.e.Attr("namespace")
	switch {
	case !ok, v == "##any":
	case v == "##other":
		w.other = true
	default:
		w.spaces = []string{}
		for _, space := range strings.Fields(v) {
			switch space {
			case "##targetNamespace":
				space = src.c.target
			case "##local":
				space = ""
			}
			w.spaces = append(w.spaces, space)
		}
	}
	return w
}

func (w *wildcard) admits(space string) bool {
	return w.own(space) && (w.and == nil || w.and.admits(space)) || w.or != nil && w.or.admits(space)
}

func (w *wildcard) own(space string) bool {
	switch {
	case w.other:
		return space != "" && space != w.target
	case w.spaces != nil:
		return slices.Contains(w.spaces, space)
	}
	return true
}

// contentOf reads the content model in a type, group or derivation; nil for none.
func (s *schemas) contentOf(src source) (*particle, error) {
	for _, e := range src.e.Children {
		if e.Name.Space != xsdNS {
			continue
		}
		switch e.Name.Local {
		case "sequence", "choice", "all", "group":
			return s.particle(source{e, src.c})
		}
	}
	return nil, nil
}

func (s *schemas) particle(src source) (*particle, error) {
	done, err := s.deeper(src)
	if err != nil {
		return nil, err
	}
	defer done()
	p := s.keep(&particle{})
	if p.min, p.max, err = src.occurs(); err != nil {
		return nil, err
	}
	switch src.e.Name.Local {
	case "element":
		if name, ok := src.qname("ref"); ok {
			p.decl, err = s.elementNamed(name, src)
			return p, err
		}
		p.decl = &elementDecl{}
		p.decl.name.Local, _ = src.e.Attr("name")
		if form, ok := src.e.Attr("form"); ok && form == "qualified" || !ok && src.c.qualified {
			p.decl.name.Space = src.c.target
		}
		return p, s.fillElement(p.decl, src)
	case "any":
		p.kind, p.wild = isAny, newWildcard(src)
		return p, nil
	case "group":
		name, _ := src.qname("ref")
		group, err := s.group(name, src)
		if err != nil || group == nil {
			p.kind, p.min, p.max, p.wild = isAny, 0, unbounded, &wildcard{lax: true}
			return p, err
		}
		p.kind, p.parts = isSequence, []*particle{group}
		return p, nil
	case "choice":
		p.kind = isChoice
	case "all":
		p.kind = isAll
	default:
		p.kind = isSequence
	}
	for _, e := range src.e.Children {
		if e.Name.Space != xsdNS {
			continue
		}
		switch e.Name.Local {
		case "element", "any", "group", "sequence", "choice":
			part, err := s.particle(source{e, src.c})
			if err != nil {
				return nil, err
			}
			if part.max > 0 {
				p.parts = append(p.parts, part)
			}
		}
	}
	return p, nil
}

func (s *schemas) group(name inspect.Name, from source) (*particle, error) {
	if g := s.groups[name]; g != nil {
		return g, nil
	}
	src, ok := s.sources["group"][name]
	if !ok {
		s.unread(from, nameWords("group", name), "what stands there is not checked")
		return nil, nil
	}
	key := "group " + name.Space + " " + name.Local
	if s.open[key] {
		return nil, from.fail("%s holds itself", nameWords("group", name))
	}
	s.open[key] = true
	defer delete(s.open, key)
	g, err := s.contentOf(src)
	if err != nil {
		return nil, err
	}
	if g == nil {
		g = s.keep(&particle{kind: isSequence, min: 1, max: 1})
	}
	s.groups[name] = g
	return g, nil
}

// firstSet is what a particle may begin with: those of its parts, in the order of
// the schema.
type firstSet struct {
	names map[inspect.Name]beginning
	wild  []*wildcard
	under []int // the index of the part that each of wild is in
}

// beginning is an element that a particle may begin with, and the index of the part
// that it is in.
type beginning struct {
	d    *elementDecl
	part int
}

func (f *firstSet) add(d *elementDecl, part int) {
	if _, known := f.names[d.name]; !known {
		f.names[d.name] = beginning{d, part}
	}
}

// part is the index of the part that begins with an element of that name: one that
// names it before one with a wildcard; -1 for none.
func (f *firstSet) part(name inspect.Name) int {
	if b, ok := f.names[name]; ok {
		return b.part
	}
	if n := slices.IndexFunc(f.wild, func(w *wildcard) bool { return w.admits(name.Space) }); n >= 0 {
		return f.under[n]
	}
	return -1
}

// prepare finds out what p, and all in it, may begin with, before messages are held
// to it by several goroutines. Particles are shared where groups are, so that each is
// looked at once. budget is told how much is kept.
func (p *particle) prepare(b *budget) error {
	p.mayBeNothing()
	if p.first != nil || p.kind == isElement || p.kind == isAny {
		return nil
	}
	f := &firstSet{names: map[inspect.Name]beginning{}}
	for _, part := range p.parts {
		if err := part.prepare(b); err != nil {
			return err
		}
	}
	for n, part := range p.parts {
		switch {
		case part.kind == isElement:
			part.decl.each(func(d *elementDecl) { f.add(d, n) })
		case part.kind == isAny:
			f.wild, f.under = append(f.wild, part.wild), append(f.under, n)
		default:
			for _, b := range part.first.names {
				f.add(b.d, n)
			}
			for _, w := range part.first.wild {
				if !slices.Contains(f.wild, w) {
					f.wild, f.under = append(f.wild, w), append(f.under, n)
				}
			}
		}
		if p.kind == isSequence && !part.mayBeNothing() {
			break
		}
	}
	p.first = f
	return b.spend(len(f.names))
}

// each calls f with what may stand where d is named: d itself and its substitutes, but
// for what is abstract.
func (d *elementDecl) each(f func(*elementDecl)) {
	if !d.abstract {
		f(d)
	}
	for _, m := range d.members {
		if !m.abstract {
			f(m)
		}
	}
}

// named is the declaration of an element of that name, if p may begin with one.
func (p *particle) named(name inspect.Name) *elementDecl {
	switch p.kind {
	case isElement:
		d := p.decl
		if d.name != name {
			d = d.members[name]
		}
		if d == nil || d.abstract {
			return nil
		}
		return d
	case isAny:
		return nil
	}
	return p.first.names[name].d
}

// beginsWith reports whether p may begin with an element of that name.
func (p *particle) beginsWith(name inspect.Name) bool {
	if p.kind == isAny {
		return p.wild.admits(name.Space)
	}
	if p.kind == isElement {
		return p.named(name) != nil
	}
	return p.first.part(name) >= 0
}

func (p *particle) mayBeNothing() bool {
	if p.nullable == 0 {
		nothing := p.min == 0
		switch {
		case nothing || p.kind == isElement || p.kind == isAny:
		case p.kind == isChoice:
			nothing = len(p.parts) == 0 || slices.ContainsFunc(p.parts, (*particle).mayBeNothing)
		default:
			nothing = !slices.ContainsFunc(p.parts, func(q *particle) bool { return !q.mayBeNothing() })
		}
		p.nullable = -1
		if nothing {
			p.nullable = 1
		}
	}
	return p.nullable > 0
}

// within adds the elements that stand somewhere in p to list.
func (p *particle) within(list map[inspect.Name]*elementDecl, seen map[*particle]bool) {
	if p == nil || seen[p] {
		return
	}
	seen[p] = true
	if p.kind == isElement {
		p.decl.each(func(d *elementDecl) {
			if list[d.name] == nil {
				list[d.name] = d
			}
		})
	}
	for _, part := range p.parts {
		part.within(list, seen)
	}
}

// words says what may come, for people: a few names.
func (p *particle) words() string {
	var names []string
	wild := p.kind == isAny
	switch p.kind {
	case isElement:
		p.decl.each(func(d *elementDecl) { names = append(names, shorten(d.name.Local)) })
	case isAny:
	default:
		wild = len(p.first.wild) > 0
		for name := range p.first.names {
			names = append(names, shorten(name.Local))
		}
	}
	slices.Sort(names)
	if len(names) > 4 {
		return strings.Join(names[:4], ", ") + " or another"
	}
	if wild {
		names = append(names, "an element that a wildcard admits")
	}
	if len(names) == 0 && p.kind == isElement {
		return "what stands in for " + shorten(p.decl.name.Local)
	}
	return strings.Join(names, " or ")
}
