package wsdl

import "github.com/umtape/umtape/inspect"

// matcher goes through the children of an element once. A schema has to be
// deterministic (XML Schema part 1 §3.8.6): the next child alone decides what it is.
type matcher struct {
	children []*inspect.Element
	at       int
	decls    []*elementDecl // what each child is; nil for what a wildcard took
	wild     []*wildcard
	lacking  *particle // where it went wrong: what has to come here
}

func (m *matcher) next() (name inspect.Name, ok bool) {
	if m.at == len(m.children) {
		return name, false
	}
	return m.children[m.at].Name, true
}

// match takes as many children as p takes; false if one is lacking.
func (m *matcher) match(p *particle) bool {
	for n := 0; n < p.max; n++ {
		name, more := m.next()
		if !more || !p.beginsWith(name) {
			if n < p.min && !p.mayBeNothing() {
				m.lacking = p
				return false
			}
			return true
		}
		before := m.at
		if !m.once(p, name) {
			return false
		}
		if m.at == before {
			return true
		}
	}
	return true
}

func (m *matcher) once(p *particle, name inspect.Name) bool {
	switch p.kind {
	case isElement:
		m.decls[m.at] = p.named(name)
		m.at++
		return true
	case isAny:
		m.wild[m.at] = p.wild
		m.at++
		return true
	case isChoice:
		if n := p.first.part(name); n >= 0 {
			return m.match(p.parts[n])
		}
		return true
	case isAll:
		return m.all(p)
	}
	for _, part := range p.parts {
		if !m.match(part) {
			return false
		}
	}
	return true
}

func (m *matcher) all(p *particle) bool {
	had := make([]bool, len(p.parts))
	for {
		name, more := m.next()
		i := -1
		if more {
			i = p.first.part(name)
		}
		if i < 0 || had[i] {
			break
		}
		had[i] = true
		if !m.match(p.parts[i]) {
			return false
		}
	}
	for i, q := range p.parts {
		if !had[i] && !q.mayBeNothing() {
			m.lacking = q
			return false
		}
	}
	return true
}
