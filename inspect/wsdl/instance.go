package wsdl

import (
	"fmt"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// maxFindings is how many findings of one message are listed.
const maxFindings = 100

// checker holds one message to its declarations.
type checker struct {
	s     *schemas
	m     *inspect.Message
	part  string
	off   map[string]bool
	found []inspect.Finding
	more  int
	all   map[*particle]map[inspect.Name]*elementDecl // what stands in content models that were not kept to
}

func (c *checker) add(rule inspect.Rule, path string, e *inspect.Element, format string, args ...any) {
	if c.off[rule.ID] {
		return
	}
	if len(c.found) >= maxFindings {
		c.more++
		return
	}
	c.found = append(c.found, c.m.Find(rule, c.part, path, e, fmt.Sprintf(format, args...)))
}

// done returns what was found.
func (c *checker) done() []inspect.Finding {
	if c.more > 0 && !c.off[ruleMore.ID] {
		c.found = append(c.found, c.m.Find(ruleMore, c.part, "", nil, fmt.Sprintf("and %d findings more in this message", c.more)))
	}
	return c.found
}

func local(e *inspect.Element) string { return shorten(e.Name.Local) }

func isSpace(s string) bool { return strings.Trim(s, " \t\r\n") == "" }

func xsi(e *inspect.Element, local string) (string, bool) {
	for _, a := range e.Attrs {
		if a.Name.Space == xsiNS && a.Name.Local == local {
			return a.Value, true
		}
	}
	return "", false
}

// anywhere is the declaration of an element of that name somewhere in a content model,
// nil for none; so that what stands in the wrong place is still looked into.
func (c *checker) anywhere(p *particle, name inspect.Name) *elementDecl {
	list, known := c.all[p]
	if !known {
		if c.all == nil {
			c.all = map[*particle]map[inspect.Name]*elementDecl{}
		}
		list = map[inspect.Name]*elementDecl{}
		p.within(list, map[*particle]bool{})
		c.all[p] = list
	}
	return list[name]
}

// element holds e to its declaration.
func (c *checker) element(path string, e *inspect.Element, d *elementDecl) {
	if d.abstract {
		c.add(ruleType, path, e, "%s is abstract: another element has to stand in for it", local(e))
		return
	}
	if nilled, ok := c.nilled(path, e, d); ok {
		t := c.typeOf(path, e, d.typ)
		if nilled && t != nil {
			c.attributes(path, e, t)
			if d.fixed != nil {
				c.add(ruleType, path, e, "%s is nil, and yet its value is fixed", local(e))
			} else if len(e.Children) > 0 || e.Value() != "" {
				c.add(ruleType, path, e, "%s is nil, and yet it is not empty", local(e))
			}
			return
		}
		if t != nil {
			c.content(path, e, t, d)
		}
	}
}

// nilled reads xsi:nil; ok is false if it is wrong.
func (c *checker) nilled(path string, e *inspect.Element, d *elementDecl) (nilled, ok bool) {
	v, has := xsi(e, "nil")
	if !has {
		return false, true
	}
	if why := checkBuiltin("boolean", strings.Trim(v, " \t\r\n"), nil); why != "" {
		c.add(ruleType, path, e, "the xsi:nil of %s %s", local(e), why)
		return false, false
	}
	v = strings.Trim(v, " \t\r\n")
	if !d.nillable {
		c.add(ruleType, path, e, "%s says xsi:nil and is not nillable", local(e))
		return false, false
	}
	return v == "true" || v == "1", true
}

// typeOf is the type that counts: the declared one, or that of xsi:type; nil if that
// is wrong.
func (c *checker) typeOf(path string, e *inspect.Element, declared *typ) *typ {
	t := declared
	if v, ok := xsi(e, "type"); ok {
		name, _, resolved := e.ResolveQName(v)
		if !resolved {
			c.add(ruleType, path, e, "the xsi:type of %s has a prefix that is not declared", local(e))
			return nil
		}
		if t = c.known(name); t == nil {
			c.add(ruleType, path, e, "the xsi:type of %s is %s, which is no type of the WSDL", local(e), nameWords("type", name))
			return nil
		}
		if !t.derives(declared) {
			c.add(ruleType, path, e, "the xsi:type of %s, %s, is not derived from the declared type %s", local(e), shorten(name.Local), shorten(declared.name.Local))
			return nil
		}
	}
	if t.abstract {
		c.add(ruleType, path, e, "the type of %s is abstract: xsi:type has to name one that is derived from it", local(e))
		return nil
	}
	return t
}

func (c *checker) known(name inspect.Name) *typ {
	if name.Space == xsdNS {
		if name.Local == "anyType" {
			return anyType
		}
		if t := builtin(name.Local); t != nil {
			return t
		}
	}
	if t := c.s.types[name]; t != nil || !c.s.isMissing(name.Space) {
		return t
	}
	return unreadType
}

func (c *checker) content(path string, e *inspect.Element, t *typ, d *elementDecl) {
	c.attributes(path, e, t)
	if t.simple != nil {
		if len(e.Children) > 0 {
			c.add(ruleStray, path+"/"+local(e.Children[0]), e.Children[0], "%s is in %s, which holds a value only", local(e.Children[0]), local(e))
			return
		}
		v := e.Text
		if v == "" && (d != nil && (d.dflt || d.fixed != nil)) {
			return
		}
		if why := t.simple.check(v, func(prefix string) bool { _, _, ok := e.ResolveQName(prefix + ":x"); return ok }); why != "" {
			c.add(ruleValue, path, e, "the value of %s %s", local(e), why)
		} else if d != nil && d.fixed != nil && !sameValue(t.simple, normalize(t.simple.space, *d.fixed), normalize(t.simple.space, v)) {
			c.add(ruleValue, path, e, "the value of %s is not the fixed one", local(e))
		}
		return
	}
	if !t.mixed && !isSpace(e.Value()) {
		c.add(ruleText, path, e, "%s holds text; its type holds elements only", local(e))
	}
	c.children(path, e, e.Children, t.content)
}

// children holds what is in e to a content model; nil is an empty one.
func (c *checker) children(path string, e *inspect.Element, list []*inspect.Element, content *particle) {
	m := matcher{children: list, decls: make([]*elementDecl, len(list)), wild: make([]*wildcard, len(list))}
	ok := content == nil || m.match(content)
	if content != nil && (!ok || m.at < len(list)) && m.fits(content) {
		m.assign(c, content)
		ok, m.at = true, len(list)
	}
	switch {
	case len(c.found) >= maxFindings && (!ok || m.at < len(list)):
		c.more++ // there is no need for its words
	case !ok && m.at < len(list):
		// What has to come here is missing, or stands further on, or is called otherwise.
		if d, next := m.lacking.decl, list[m.at]; d != nil && d.name.Local == next.Name.Local {
			c.add(ruleLacking, path+"/"+first(m.lacking), next, "%s is in %s; the schema has it in %s", local(next), inNamespace(next.Name.Space), inNamespace(d.name.Space))
		} else {
			c.add(ruleLacking, path+"/"+first(m.lacking), e, "%s is missing before %s", m.lacking.words(), local(next))
		}
	case !ok:
		c.add(ruleLacking, path+"/"+first(m.lacking), e, "%s has no %s", local(e), m.lacking.words())
	case m.at < len(list):
		stray := list[m.at]
		why := ""
		if content != nil {
			if c.anywhere(content, stray.Name) != nil {
				why = ": it is one too many, or comes too late"
			} else if space, there := otherSpace(content, stray, map[*particle]bool{}); there {
				why = fmt.Sprintf(": it is in %s; the schema has it in %s", inNamespace(stray.Name.Space), inNamespace(space))
			}
		}
		c.add(ruleStray, path+"/"+local(stray), stray, "%s is not allowed here%s", local(stray), why)
	}
	for i, child := range list {
		at := path + "/" + local(child)
		switch d := m.decls[i]; {
		case d != nil:
			c.element(at, child, d)
		case m.wild[i] != nil:
			c.wild(at, child, m.wild[i])
		default:
			if d := c.anywhere(content, child.Name); d != nil {
				c.element(at, child, d)
			}
		}
	}
}

func first(p *particle) string {
	switch {
	case p.kind == isElement && len(p.decl.members) == 0:
		return shorten(p.decl.name.Local)
	case p.first != nil && len(p.first.names) == 1:
		for name := range p.first.names {
			return shorten(name.Local)
		}
	}
	return "*"
}

func inNamespace(space string) string {
	if space == "" {
		return "no namespace"
	}
	return fmt.Sprintf("%q", shorten(space))
}

// otherSpace finds an element of that local name in another namespace.
func otherSpace(p *particle, e *inspect.Element, seen map[*particle]bool) (space string, ok bool) {
	if seen[p] {
		return "", false
	}
	seen[p] = true
	if p.kind == isElement && p.decl.name.Local == e.Name.Local {
		return p.decl.name.Space, true
	}
	for _, part := range p.parts {
		if space, ok := otherSpace(part, e, seen); ok {
			return space, true
		}
	}
	return "", false
}

// wild holds an element to what a wildcard says of it.
func (c *checker) wild(path string, e *inspect.Element, w *wildcard) {
	if w.skip {
		return
	}
	if d := c.s.elements[e.Name]; d != nil {
		c.element(path, e, d)
		return
	}
	if _, ok := xsi(e, "type"); ok {
		if t := c.typeOf(path, e, anyType); t != nil {
			c.content(path, e, t, nil)
		}
		return
	}
	if !w.lax && !c.s.isMissing(e.Name.Space) {
		c.add(ruleStray, path, e, "%s is declared nowhere", local(e))
		return
	}
	c.content(path, e, anyType, nil)
}

func (c *checker) attributes(path string, e *inspect.Element, t *typ) {
	for _, a := range e.Attrs {
		if a.Name.Space == xsiNS {
			continue
		}
		at := path + "/@" + shorten(a.Name.Local)
		d := t.attrs[a.Name]
		if d == nil || d.gone {
			if t.anyAttr != nil && t.anyAttr.admits(a.Name.Space) {
				if d = c.s.attrs[a.Name]; d == nil && !t.anyAttr.lax && !t.anyAttr.skip && !c.s.isMissing(a.Name.Space) {
					c.add(ruleAttr, at, e, "the attribute %s is declared nowhere", shorten(a.Name.Local))
				}
				if t.anyAttr.skip {
					d = nil
				}
			} else if d = nil; !t.open {
				c.add(ruleAttr, at, e, "%s may not have the attribute %s", local(e), shorten(a.Name.Local))
			}
		}
		if d == nil || d.typ.simple == nil {
			continue
		}
		if why := d.typ.simple.check(a.Value, func(prefix string) bool { _, _, ok := e.ResolveQName(prefix + ":x"); return ok }); why != "" {
			c.add(ruleValue, at, e, "the attribute %s %s", shorten(a.Name.Local), why)
		} else if d.fixed != nil && !sameValue(d.typ.simple, normalize(d.typ.simple.space, *d.fixed), normalize(d.typ.simple.space, a.Value)) {
			c.add(ruleValue, at, e, "the attribute %s has not the fixed value", shorten(a.Name.Local))
		}
	}
	for _, name := range sortedNames(t.attrs) {
		if d := t.attrs[name]; d.required && !hasAttr(e, name) {
			c.add(ruleNoAttr, path+"/@"+shorten(name.Local), e, "%s has no attribute %s", local(e), shorten(name.Local))
		}
	}
}

func hasAttr(e *inspect.Element, name inspect.Name) bool {
	for _, a := range e.Attrs {
		if a.Name == name {
			return true
		}
	}
	return false
}
