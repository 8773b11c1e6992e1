package wsdl

import "slices"

// maxSteps bounds how long one content model is tried.
const maxSteps = 100_000

// counted tries all ways to share children among repetitions. A schema has to be
// deterministic in what a child is, and need not be in how often something has been
// repeated: of (a{2,3}){2}, four of a are twice two, where taking as many as may be
// leaves one over.
type counted struct {
	*matcher
	steps int
}

// fits reports whether p takes all children; false too if that is not found out in
// time.
func (m *matcher) fits(p *particle) bool {
	c := counted{m, 0}
	ends := c.repeat(p, []int{0})
	return c.steps <= maxSteps && slices.Contains(ends, len(m.children))
}

// repeat are the places, in order, to which p gets from any of from, as often as it
// may occur.
func (c *counted) repeat(p *particle, from []int) (ends []int) {
	low := p.min
	if p.mayBeNothing() {
		low = 0
	}
	if low == 0 {
		ends = slices.Clip(from) // so that what is added is in no list of others
	}
	for n := 1; n <= p.max && len(from) > 0 && c.steps <= maxSteps; n++ {
		next := c.once(p, from)
		if n >= low {
			known := len(ends)
			if ends = c.both(ends, next); len(ends) == known && n > low {
				break
			}
		}
		from = next
	}
	return ends
}

func (c *counted) once(p *particle, from []int) (ends []int) {
	c.steps += 1 + len(from)
	switch p.kind {
	case isElement, isAny:
		for _, at := range from {
			if at < len(c.children) && p.beginsWith(c.children[at].Name) {
				ends = append(ends, at+1)
			}
		}
	case isChoice:
		for _, part := range p.parts {
			ends = c.both(ends, c.repeat(part, from))
		}
	case isAll: // none of its parts repeats, and it is in nothing else
		for _, at := range from {
			one := matcher{children: c.children, at: at, decls: c.decls, wild: c.wild}
			if one.all(p) {
				ends = c.both(ends, []int{one.at})
			}
		}
	default:
		ends = from
		for _, part := range p.parts {
			ends = c.repeat(part, ends)
		}
	}
	return ends
}

// both merges two lists of places.
func (c *counted) both(a, b []int) []int {
	if len(a) == 0 || len(b) == 0 || a[len(a)-1] < b[0] {
		return append(a, b...)
	}
	c.steps += len(a) + len(b)
	merged := slices.Concat(a, b)
	slices.Sort(merged)
	return slices.Compact(merged)
}

// assign says what each child is, where only its name tells.
func (m *matcher) assign(c *checker, content *particle) {
	for n, child := range m.children {
		if m.decls[n] = c.anywhere(content, child.Name); m.decls[n] == nil {
			m.wild[n] = content.wildcard(child.Name.Space, map[*particle]bool{})
		}
	}
}

// wildcard is one in p that admits a namespace.
func (p *particle) wildcard(space string, seen map[*particle]bool) *wildcard {
	if seen[p] {
		return nil
	}
	seen[p] = true
	if p.kind == isAny && p.wild.admits(space) {
		return p.wild
	}
	for _, part := range p.parts {
		if w := part.wildcard(space, seen); w != nil {
			return w
		}
	}
	return nil
}
