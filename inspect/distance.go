package inspect

import "hash/maphash"

// Distance is how far apart two messages are in what they say: the fewest elements,
// attributes and texts that have to be put in, taken out or changed to make the one
// Body of the other. Elements of one name may be changed into each other, others are
// taken out and put in whole, in order (the tree distance of Selkow). It is 0 if and
// only if [Compare] finds nothing.
//
// Where lists of children are very long it is a little more than the fewest.
func Distance(a, b *Message) int {
	d := distances{room: maxCells}
	return d.content(measure(a), measure(b))
}

// maxCells bounds the pairs of children that one Distance weighs against each other.
const maxCells = 1 << 14

type distances struct{ room int }

// sized is what is known of an element and what it holds. There is one for each element of
// a Body, in document order.
type sized struct {
	sum  uint64 // a digest of what it says
	size int32  // elements, attributes and texts, this one included
	all  int32  // elements, this one included
}

// measured is an element of which that is known.
type measured struct {
	*Element
	list  *[]sized // of the whole Body
	at    int32    // in list; those inside it come next
	depth int32
}

var distanceSeed = maphash.MakeSeed()

func measure(m *Message) measured {
	var list []sized
	measureInto(&list, m.Body, 0)
	return measured{m.Body, &list, 0, 0}
}

func measureInto(list *[]sized, e *Element, depth int) {
	at := len(*list)
	*list = append(*list, sized{})
	s := sized{size: 1}
	var h maphash.Hash
	h.SetSeed(distanceSeed)
	word := func(parts ...string) {
		for _, s := range parts {
			h.WriteString(s)
			h.WriteByte(0) // which no XML holds
		}
	}
	if depth > 0 { // of the Body itself nothing counts but what it holds
		name, attrs := elementName(e, true), comparedAttrs(e, true)
		word(name.Space, name.Local)
		for _, a := range attrs {
			word(a.name.Space, a.name.Local, a.value, a.qname.Space, a.qname.Local)
		}
		s.size += int32(len(attrs))
	}
	text := leading(e, depth)
	if text != "" {
		s.size++
	}
	word(text)
	for _, c := range e.Children {
		k := len(*list)
		measureInto(list, c, depth+1)
		tail := trailing(c)
		if tail != "" {
			s.size++
		}
		s.size += (*list)[k].size
		word(tail)
		h.WriteByte(1)
		maphash.WriteComparable(&h, (*list)[k].sum)
	}
	s.sum, s.all = h.Sum64(), int32(len(*list)-at)
	(*list)[at] = s
}

// trailing is the text after an element as far as it counts.
func trailing(e *Element) string {
	if isSpace(e.Tail) {
		return ""
	}
	return e.Tail
}

// below are the children.
func (m measured) below() []measured {
	list := make([]measured, 0, len(m.Children))
	at := m.at + 1
	for _, c := range m.Children {
		list = append(list, measured{c, m.list, at, m.depth + 1})
		at += (*m.list)[at].all
	}
	return list
}

func (m measured) sized() sized { return (*m.list)[m.at] }
func (m measured) name() Name   { return elementName(m.Element, true) }

// element is the distance of two elements of one local name.
func (d *distances) element(a, b measured) int {
	if a.sized().sum == b.sized().sum {
		return 0
	}
	n := d.content(a, b)
	if a.name().Space != b.name().Space {
		n++
	}
	x, y := comparedAttrs(a.Element, true), comparedAttrs(b.Element, true)
	for len(x) > 0 && len(y) > 0 {
		switch order := compareNames(x[0].name, y[0].name); {
		case order < 0:
			x, n = x[1:], n+1
		case order > 0:
			y, n = y[1:], n+1
		default:
			if x[0] != y[0] {
				n++
			}
			x, y = x[1:], y[1:]
		}
	}
	return n + len(x) + len(y)
}

// content is the distance of what two elements hold.
func (d *distances) content(a, b measured) int {
	n := 0
	if leading(a.Element, int(a.depth)) != leading(b.Element, int(b.depth)) {
		n++
	}
	x, y := a.below(), b.below()
	for len(x) > 0 && len(y) > 0 && same(x[0], y[0]) {
		x, y = x[1:], y[1:]
	}
	for len(x) > 0 && len(y) > 0 && same(x[len(x)-1], y[len(y)-1]) {
		x, y = x[:len(x)-1], y[:len(y)-1]
	}
	if cells := len(x) * len(y); cells > d.room {
		return n + d.inTurn(x, y)
	} else {
		d.room -= cells
	}
	// row[j] is the least cost of making y[:j] of what of x has been seen.
	row := make([]int, len(y)+1)
	for j, c := range y {
		row[j+1] = row[j] + whole(c)
	}
	for _, c := range x {
		slant := row[0] // of the row before, one to the left
		row[0] += whole(c)
		for j, o := range y {
			best := min(row[j+1]+whole(c), row[j]+whole(o))
			if c.Name.Local == o.Name.Local && slant < best {
				best = min(best, slant+d.pair(c, o))
			}
			slant, row[j+1] = row[j+1], best
		}
	}
	return n + row[len(y)]
}

// inTurn pairs the n-th child of a name with the n-th of that name.
func (d *distances) inTurn(x, y []measured) int {
	n := 0
	waiting := map[string][]int32{} // in y
	for j, o := range y {
		waiting[o.Name.Local] = append(waiting[o.Name.Local], int32(j))
		n += whole(o)
	}
	for _, c := range x {
		list := waiting[c.Name.Local]
		if len(list) == 0 {
			n += whole(c)
			continue
		}
		n += d.pair(c, y[list[0]]) - whole(y[list[0]])
		waiting[c.Name.Local] = list[1:]
	}
	return n
}

func (d *distances) pair(a, b measured) int {
	n := d.element(a, b)
	if trailing(a.Element) != trailing(b.Element) {
		n++
	}
	return n
}

func same(a, b measured) bool {
	return a.sized().sum == b.sized().sum && trailing(a.Element) == trailing(b.Element)
}

// whole is the cost of putting an element in, or taking it out.
func whole(m measured) int {
	n := int(m.sized().size)
	if trailing(m.Element) != "" {
		n++
	}
	return n
}
