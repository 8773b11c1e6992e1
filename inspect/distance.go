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
	return d.content(d.measure(a.Body, 0), d.measure(b.Body, 0))
}

// maxCells bounds the pairs of children that one Distance weighs against each other.
const maxCells = 1 << 14

type distances struct{ room int }

// measured is an element with the size of what it holds, and a digest of what it says.
type measured struct {
	*Element
	name  Name
	attrs []comparedAttr
	text  string
	tail  string
	size  int // elements, attributes and texts, this one included
	sum   uint64
	below []*measured
}

var distanceSeed = maphash.MakeSeed()

func (d *distances) measure(e *Element, depth int) *measured {
	m := &measured{Element: e, size: 1}
	var h maphash.Hash
	h.SetSeed(distanceSeed)
	word := func(parts ...string) {
		for _, s := range parts {
			h.WriteString(s)
			h.WriteByte(0) // which no XML holds
		}
	}
	if depth > 0 { // of the Body itself nothing counts but what it holds
		m.name, m.attrs = elementName(e, true), comparedAttrs(e, true)
		word(m.name.Space, m.name.Local)
		for _, a := range m.attrs {
			word(a.name.Space, a.name.Local, a.value, a.qname.Space, a.qname.Local)
		}
		m.size += len(m.attrs)
	}
	if m.text = leading(e, depth); m.text != "" {
		m.size++
	}
	word(m.text)
	for _, c := range e.Children {
		k := d.measure(c, depth+1)
		if !isSpace(c.Tail) {
			k.tail = c.Tail
			m.size++
		}
		m.below = append(m.below, k)
		m.size += k.size
		word(k.tail)
		h.WriteByte(1)
		maphash.WriteComparable(&h, k.sum)
	}
	m.sum = h.Sum64()
	return m
}

// element is the distance of two elements of one local name.
func (d *distances) element(a, b *measured) int {
	if a.sum == b.sum {
		return 0
	}
	n := d.content(a, b)
	if a.name.Space != b.name.Space {
		n++
	}
	x, y := a.attrs, b.attrs
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
func (d *distances) content(a, b *measured) int {
	n := 0
	if a.text != b.text {
		n++
	}
	x, y := a.below, b.below
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
			if c.name.Local == o.name.Local && slant < best {
				best = min(best, slant+d.pair(c, o))
			}
			slant, row[j+1] = row[j+1], best
		}
	}
	return n + row[len(y)]
}

// inTurn pairs the n-th child of a name with the n-th of that name.
func (d *distances) inTurn(x, y []*measured) int {
	n := 0
	waiting := map[string][]*measured{}
	for _, o := range y {
		waiting[o.name.Local] = append(waiting[o.name.Local], o)
		n += whole(o)
	}
	for _, c := range x {
		list := waiting[c.name.Local]
		if len(list) == 0 {
			n += whole(c)
			continue
		}
		n += d.pair(c, list[0]) - whole(list[0])
		waiting[c.name.Local] = list[1:]
	}
	return n
}

func (d *distances) pair(a, b *measured) int {
	n := d.element(a, b)
	if a.tail != b.tail {
		n++
	}
	return n
}

func same(a, b *measured) bool { return a.sum == b.sum && a.tail == b.tail }

// whole is the cost of putting an element in, or taking it out.
func whole(m *measured) int {
	if m.tail != "" {
		return m.size + 1
	}
	return m.size
}
