package inspect

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
)

// Shape is the structure of an element or attribute, of one message or of many
// together, with the values taken out.
type Shape struct {
	Name Name
	Attr bool // it is an attribute

	// Min and Max are how often it occurs in one parent, at least and at most. Many
	// is for a Max that is not known: a shape that is written down as a contract has
	// seen three and means any number.
	Min, Max int

	// Kinds are those of its own text. They are 0 for an element that only ever held
	// elements.
	Kinds Kinds

	// Parts are its attributes, sorted by name, then its child elements, in the
	// order in which they stand. In AnyOrder they stand in more than one.
	Parts    []*Shape
	AnyOrder bool
}

// Many is a [Shape.Max] without a limit.
const Many = 1<<31 - 1

// maxShapeParts is how many different elements and attributes the structure of one message
// has. Nobody reads as many, and what is made of names that are all different takes more
// memory than the message itself.
const maxShapeParts = 10_000

// ShapeOfMessage returns the structure of a message as that of an element without a
// name, whose parts are the Header, if there is one, and the Body. These two have no
// namespace here, so that messages of both versions of SOAP have the same. What comes
// after 10,000 different elements and attributes is left out.
func ShapeOfMessage(m *Message) *Shape {
	root := &Shape{Min: 1, Max: 1}
	parts := shapeParts(maxShapeParts)
	for _, e := range []*Element{m.Header, m.Body} {
		if e != nil {
			s := parts.shapeOf(e, Name{}, Name{})
			s.Name.Space = ""
			root.Parts = append(root.Parts, s)
		}
	}
	return root
}

// shapeParts is how many more there may be in the structure of a message.
type shapeParts int

// shapeOf is the structure of an element. parent is the name of the one that it is in,
// and kept the copy of that: mostly the namespaces are one, of which one copy is enough.
func (left *shapeParts) shapeOf(e *Element, parent, kept Name) *Shape {
	s := &Shape{Name: Name{kept.Space, strings.Clone(e.Name.Local)}, Min: 1, Max: 1}
	if e.Name.Space != parent.Space {
		s.Name.Space = strings.Clone(e.Name.Space)
	}
	for _, a := range e.Attrs {
		s.Parts = append(s.Parts, &Shape{Name: Name{strings.Clone(a.Name.Space), strings.Clone(a.Name.Local)}, Attr: true, Min: 1, Max: 1, Kinds: KindsOf(a.Value)})
	}
	*left -= shapeParts(1 + len(e.Attrs))
	slices.SortFunc(s.Parts, func(a, b *Shape) int { return compareNames(a.Name, b.Name) })
	if text := e.Value(); len(e.Children) == 0 || !isSpace(text) {
		s.Kinds = KindsOf(text)
	}
	at := map[Name]int{}
	last := -1
	for _, c := range e.Children {
		if *left <= 0 {
			break
		}
		before := *left
		part := left.shapeOf(c, e.Name, s.Name)
		i, again := at[c.Name]
		if !again {
			at[c.Name], last = len(s.Parts), len(s.Parts)
			s.Parts = append(s.Parts, part)
			continue
		}
		n := s.Parts[i].Max + 1
		*left = before - shapeParts(s.Parts[i].merge(part))
		s.Parts[i].Min, s.Parts[i].Max = n, n
		s.AnyOrder = s.AnyOrder || i != last
		last = i
	}
	return s
}

// Merge makes s the structure of all messages that it or o is the structure of. o is
// not used any more.
func (s *Shape) Merge(o *Shape) { s.merge(o) }

// merge is Merge; it returns how many parts s has more than before.
func (s *Shape) merge(o *Shape) (more int) {
	s.Min, s.Max = min(s.Min, o.Min), max(s.Max, o.Max)
	s.Kinds |= o.Kinds
	s.AnyOrder = s.AnyOrder || o.AnyOrder
	at := s.index()
	last := -1 // where the part of o before this one is in s
	var fresh []*Shape
	for _, p := range o.Parts {
		i, ok := at[partKey{p.Name, p.Attr}]
		if !ok {
			p.Min = 0
			fresh = append(fresh, p)
			more += p.count()
			continue
		}
		more += s.Parts[i].merge(p)
		delete(at, partKey{p.Name, p.Attr})
		if !p.Attr {
			s.AnyOrder = s.AnyOrder || i < last
			last = max(last, i)
		}
	}
	for _, i := range at { // those that o has not
		s.Parts[i].Min = 0
	}
	if len(fresh) > 0 {
		s.Parts = interleave(s.Parts, o.Parts, fresh)
	}
	return more
}

// count is how many elements and attributes it is the structure of, itself included.
func (s *Shape) count() int {
	n := 1
	for _, p := range s.Parts {
		n += p.count()
	}
	return n
}

type partKey struct {
	name Name
	attr bool
}

func (s *Shape) index() map[partKey]int {
	at := make(map[partKey]int, len(s.Parts))
	for i, p := range s.Parts {
		at[partKey{p.Name, p.Attr}] = i
	}
	return at
}

// interleave puts the fresh parts of list into parts, each behind the one that is
// before it in list; attributes stay sorted.
func interleave(parts, list, fresh []*Shape) []*Shape {
	isFresh := make(map[*Shape]bool, len(fresh))
	for _, p := range fresh {
		isFresh[p] = true
	}
	behind := map[partKey][]*Shape{} // by the part of parts that they come behind; the zero one for the first
	var before partKey
	for _, p := range list {
		if isFresh[p] {
			behind[before] = append(behind[before], p)
		} else {
			before = partKey{p.Name, p.Attr}
		}
	}
	merged := make([]*Shape, 0, len(parts)+len(fresh))
	merged = append(merged, behind[partKey{}]...)
	for _, p := range parts {
		merged = append(merged, p)
		merged = append(merged, behind[partKey{p.Name, p.Attr}]...)
	}
	slices.SortStableFunc(merged, func(a, b *Shape) int {
		switch {
		case a.Attr && b.Attr:
			return compareNames(a.Name, b.Name)
		case a.Attr:
			return -1
		case b.Attr:
			return 1
		}
		return 0
	})
	return merged
}

// Clone returns a copy that shares nothing.
func (s *Shape) Clone() *Shape {
	c := *s
	c.Parts = make([]*Shape, len(s.Parts))
	for i, p := range s.Parts {
		c.Parts[i] = p.Clone()
	}
	return &c
}

// Occurs is how often it occurs, such as "1", "0..1" or "1..n".
func (s *Shape) Occurs() string {
	highest := "n"
	if s.Max < Many {
		highest = strconv.Itoa(s.Max)
	}
	if s.Min == s.Max {
		return highest
	}
	return strconv.Itoa(s.Min) + ".." + highest
}

// class is Occurs without the accident of how many there were.
func (s *Shape) class() string {
	c := *s
	c.Min = min(c.Min, 1)
	if c.Max > 1 {
		c.Max = Many
	}
	return c.Occurs()
}

// Step is how a path names the element or attribute.
func (s *Shape) Step() string {
	if s.Attr {
		return "@" + Shorten(s.Name.Local, shownName)
	}
	return Shorten(s.Name.Local, shownName)
}

// shapeSeed is for this process: keys are compared in it only.
var shapeSeed = maphash.MakeSeed()

// key is equal for two shapes with nothing between them for [DiffVariants] to tell, and,
// but for one chance in many, not for others.
func (s *Shape) key() uint64 {
	var h maphash.Hash
	h.SetSeed(shapeSeed)
	s.writeKey(&h)
	return h.Sum64()
}

func (s *Shape) writeKey(b *maphash.Hash) {
	// No name holds a control character.
	b.WriteString(s.Name.Space)
	b.WriteByte('\x01')
	b.WriteString(s.Name.Local)
	b.WriteByte('\x02')
	b.WriteByte(byte(s.Kinds.Joined()))
	if s.Min == 0 {
		b.WriteByte('?')
	}
	if s.Attr {
		b.WriteByte('@')
	}
	if s.AnyOrder {
		b.WriteByte('&')
	}
	b.WriteByte('\x03')
	for _, p := range s.Parts {
		p.writeKey(b)
	}
	b.WriteByte('\x04')
}

// ShapeKey says which messages are put together to one shape.
type ShapeKey struct {
	Operation Name   // the Body's child in the request
	Service   string // tells two operations of one name apart; "" mostly
	Response  bool   // the response to that operation, not the request
	Fault     string // the response is a fault of that [Fault.Kind]
	Version   Version
}

// ShapeIn is the interaction that a message is from.
type ShapeIn struct {
	File string
	ID   int
}

// Variant is the messages of a group that have one structure.
type Variant struct {
	Shape *Shape
	In    []ShapeIn
	key   uint64
}

// ShapeGroup is the messages with one key.
type ShapeGroup struct {
	ShapeKey
	Count    int
	Shape    *Shape     // of all of them together
	Variants []*Variant // the most frequent first; at most 100, the rest lumped into one more
	Lumped   bool       // the last one of Variants is such
}

// maxVariants is how many structures of one group are told apart.
const maxVariants = 100

// Shapes gathers the structure of messages.
type Shapes struct {
	groups map[ShapeKey]*shapeGroup
	order  []*shapeGroup
}

type shapeGroup struct {
	ShapeKey
	count    int
	variants []*Variant
	byKey    map[uint64]*Variant
	rest     *Variant
}

// Add adds a message. Nothing of it is kept but its structure.
func (l *Shapes) Add(key ShapeKey, m *Message, in ShapeIn) { l.AddShape(key, ShapeOfMessage(m), in) }

// AddShape adds the structure of a message, as [ShapeOfMessage] returns it. It is not
// used any more.
func (l *Shapes) AddShape(key ShapeKey, s *Shape, in ShapeIn) {
	g := l.group(key)
	g.count++
	v := g.variant(s.key())
	v.In = append(v.In, in)
	v.add(s)
}

// Join adds all that o has gathered, which stays as it is.
func (l *Shapes) Join(o *Shapes) {
	for _, from := range o.order {
		g := l.group(from.ShapeKey)
		g.count += from.count
		for _, v := range append(slices.Clone(from.variants), from.rest) {
			if v == nil {
				continue
			}
			into := g.variant(v.key) // rest, which has none, comes when there are as many as are told apart
			into.In = append(into.In, v.In...)
			into.add(v.Shape.Clone())
		}
	}
}

// Keep forgets which messages are from other interactions than it is told to keep, and
// the structures that only those have. What structures that are lumped have in common
// stays as it is.
func (l *Shapes) Keep(keep func(ShapeIn) bool) {
	l.order = slices.DeleteFunc(l.order, func(g *shapeGroup) bool {
		g.count = 0
		gone := func(v *Variant) bool {
			v.In = slices.DeleteFunc(v.In, func(in ShapeIn) bool { return !keep(in) })
			g.count += len(v.In)
			return len(v.In) == 0
		}
		g.variants = slices.DeleteFunc(g.variants, func(v *Variant) bool {
			if !gone(v) {
				return false
			}
			delete(g.byKey, v.key)
			return true
		})
		if g.rest != nil && gone(g.rest) {
			g.rest = nil
		}
		if g.count == 0 {
			delete(l.groups, g.ShapeKey)
		}
		return g.count == 0
	})
}

func (l *Shapes) group(key ShapeKey) *shapeGroup {
	g := l.groups[key]
	if g == nil {
		if l.groups == nil {
			l.groups = map[ShapeKey]*shapeGroup{}
		}
		key.Operation = Name{strings.Clone(key.Operation.Space), strings.Clone(key.Operation.Local)}
		key.Fault = strings.Clone(key.Fault)
		g = &shapeGroup{ShapeKey: key, byKey: map[uint64]*Variant{}}
		l.groups[key] = g
		l.order = append(l.order, g)
	}
	return g
}

// variant is the one that messages of a structure are put to.
func (g *shapeGroup) variant(key uint64) *Variant {
	v := g.byKey[key]
	switch {
	case v != nil:
	case len(g.variants) < maxVariants:
		v = &Variant{key: key}
		g.byKey[key] = v
		g.variants = append(g.variants, v)
	default:
		v = g.lump()
	}
	return v
}

// lump is the one of all structures beyond maxVariants.
func (g *shapeGroup) lump() *Variant {
	if g.rest == nil {
		g.rest = &Variant{}
	}
	return g.rest
}

func (v *Variant) add(s *Shape) {
	if v.Shape == nil {
		v.Shape = s
	} else {
		v.Shape.merge(s)
	}
}

// Groups returns what was gathered, sorted by operation, requests first, faults
// last.
func (l *Shapes) Groups() []ShapeGroup {
	list := make([]ShapeGroup, 0, len(l.order))
	for _, g := range l.order {
		all := ShapeGroup{ShapeKey: g.ShapeKey, Count: g.count, Variants: slices.Clone(g.variants)}
		slices.SortStableFunc(all.Variants, func(a, b *Variant) int { return cmp.Compare(len(b.In), len(a.In)) })
		if g.rest != nil {
			all.Variants, all.Lumped = append(all.Variants, g.rest), true
		}
		for _, v := range all.Variants {
			if all.Shape == nil {
				all.Shape = v.Shape.Clone()
			} else {
				all.Shape.merge(v.Shape.Clone())
			}
		}
		list = append(list, all)
	}
	slices.SortStableFunc(list, func(a, b ShapeGroup) int { return a.ShapeKey.compare(b.ShapeKey) })
	return list
}

func (k ShapeKey) compare(o ShapeKey) int {
	number := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(k.Operation.Local, o.Operation.Local), cmp.Compare(k.Operation.Space, o.Operation.Space), cmp.Compare(k.Service, o.Service),
		cmp.Compare(number(k.Response), number(o.Response)), cmp.Compare(k.Fault, o.Fault), cmp.Compare(k.Version, o.Version))
}

// String names the key for people, the namespace left out.
func (k ShapeKey) String() string {
	s := Shorten(k.Operation.Local, shownName)
	if s == "" {
		s = "(no operation)"
	}
	if k.Service != "" {
		s += " (" + k.Service + ")"
	}
	switch {
	case k.Fault != "":
		s += " fault " + Shorten(k.Fault, shownName)
	case k.Response:
		s += " response"
	default:
		s += " request"
	}
	if k.Version == SOAP12 {
		s += ", SOAP 1.2"
	}
	return s
}

// ShapeKeys returns the keys of an exchange's messages, ok being false for one that
// is none.
func ShapeKeys(r *Reading, service string) (request, response ShapeKey, hasRequest, hasResponse bool) {
	if r.Request != nil && r.Request.Payload != nil {
		request = ShapeKey{Operation: r.Request.Payload.Name, Service: service, Version: r.Request.Version}
		hasRequest = true
	}
	if r.Response != nil {
		response = ShapeKey{Operation: request.Operation, Service: service, Response: true, Version: r.Response.Version}
		if f := r.Response.Fault; f != nil {
			response.Fault = cmp.Or(f.Kind(), "?")
		}
		hasResponse = true
	}
	return request, response, hasRequest, hasResponse
}
