package cassettes

import (
	"math/bits"
	"slices"
	"sync"
)

// Repeat says what answers a request that has been made more often than it was
// recorded.
type Repeat int

const (
	RepeatLast  Repeat = iota // the last answer, again and again
	RepeatCycle               // the first one again, and so on
	RepeatFail                // nothing: it is a miss
)

// index finds the interactions that answer a request. Interactions with one key
// are a group, in the order in which they were recorded; groups that differ in
// no more than host, version or spelling share a fold, by which they are found.
// Its methods may be called by several goroutines at once.
type index struct {
	marks  marks
	repeat Repeat
	slots  []uint32 // by fold, open addressing: 1 + the first member of a group; 0 is free

	mu    sync.Mutex // guards what follows
	links []link     // by interaction
	times []uint32   // by interaction: how often it has answered
}

// link ties an interaction to the others. What a group has is at its first
// member.
type link struct {
	next  uint32 // 1 + the group's next member; 0 for none
	group uint32 // of a group: 1 + the first member of another with this fold; 0 for none
	turn  uint32 // of a group: the member whose turn it is; with allHad, the last one, since each had its turn
}

const allHad = 1 << 31

// newIndex returns an index of these interactions, fewer than allHad.
func newIndex(marks marks, repeat Repeat) *index {
	x := &index{
		marks: marks, repeat: repeat,
		links: make([]link, marks.len), times: make([]uint32, marks.len),
		slots: make([]uint32, 1<<bits.Len(uint(marks.len+marks.len/4))),
	}
	// From the last on, so that each is put before those that came after it.
	for _, weak := range []bool{false, true} {
		for n := marks.len - 1; n >= 0; n-- {
			if m := marks.at(n); m.flags&markUnasked == 0 && m.weak() == weak {
				x.add(n)
			}
		}
	}
	return x
}

// slot is where a fold's groups start, or would.
func (x *index) slot(fold uint64) *uint32 {
	mask := uint64(len(x.slots) - 1)
	for at := fold & mask; ; at = (at + 1) & mask {
		if s := &x.slots[at]; *s == 0 || x.marks.at(int(*s-1)).fold == fold {
			return s
		}
	}
}

// add puts interaction n at the start of its group, unless it is weak and others
// are not.
func (x *index) add(n int) {
	m := x.marks.at(n)
	k := m.key()
	at := x.slot(m.fold)
	for *at != 0 {
		first := int(*at - 1)
		if f := x.marks.at(first); f.key() == k {
			if m.weak() && !f.weak() {
				return
			}
			x.links[n] = link{next: *at, group: x.links[first].group}
			x.links[first].group = 0
			break
		}
		at = &x.links[first].group
	}
	*at = uint32(n + 1)
	x.links[n].turn = uint32(n)
}

// found is what the index has for a request.
type found struct {
	n     int
	like  likeness
	again bool // it has answered before
	spent bool // there is none only because all had their turn
}

// take returns the interaction that answers a request next, of those that are
// most like it: the first that has not had its turn, and when all have, what
// Repeat says. anyHost says that the client named none.
func (x *index) take(k key, anyHost bool) (f found, ok bool) {
	first := *x.slot(k.fold)
	if first == 0 {
		return f, false
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	weak, ok := x.best(first, k, anyHost, &f.like)
	if !ok {
		return f, false
	}
	suits := func(m *mark) bool {
		return (anyHost || m.host == k.host) && k.like(m.key()) == f.like && m.weak() == weak
	}
	group, last := x.next(first, suits)
	if group < 0 {
		switch x.repeat {
		case RepeatFail:
			return found{n: last, spent: true}, false
		case RepeatCycle:
			for g := first; g != 0; g = x.links[g-1].group {
				if suits(x.marks.at(int(g - 1))) {
					x.links[g-1].turn = g - 1
				}
			}
			group, _ = x.next(first, suits)
		default:
			x.times[last]++
			f.n, f.again = last, true
			return f, true
		}
	}
	f.n, f.again = x.turn(group)
	return f, true
}

// best finds out how much alike the most alike interactions are, and whether
// they are weak.
func (x *index) best(first uint32, k key, anyHost bool, like *likeness) (weak, ok bool) {
	for g := first; g != 0; g = x.links[g-1].group {
		m := x.marks.at(int(g - 1))
		if !anyHost && m.host != k.host {
			continue
		}
		if l := k.like(m.key()); !ok || l < *like || l == *like && weak && !m.weak() {
			*like, weak, ok = l, m.weak(), true
		}
	}
	return weak, ok
}

// next returns the group whose member is the next to answer, -1 if all have
// had their turn, and the member that had the last one.
func (x *index) next(first uint32, suits func(*mark) bool) (group, last int) {
	group, last = -1, -1
	for g := first; g != 0; g = x.links[g-1].group {
		if !suits(x.marks.at(int(g - 1))) {
			continue
		}
		switch turn := x.links[g-1].turn; {
		case turn&allHad != 0:
			last = max(last, int(turn&^allHad))
		case group < 0 || turn < x.links[group].turn:
			group = int(g - 1)
		}
	}
	return group, last
}

// turn gives a group's next member its turn. again says that it had one before.
func (x *index) turn(group int) (n int, again bool) {
	l := &x.links[group]
	n = int(l.turn)
	again = x.times[n] > 0
	x.times[n]++
	x.pass(l)
	return n, again
}

// passOver lets the turns of interactions pass that have answered already. Nobody
// has the index yet.
func (x *index) passOver() {
	for _, slot := range x.slots {
		for g := slot; g != 0; g = x.links[g-1].group {
			round := uint32(0) // how often all have answered
			if x.repeat == RepeatCycle {
				last := g - 1
				for x.links[last].next != 0 {
					last = x.links[last].next - 1
				}
				round = x.times[last]
			}
			for l := &x.links[g-1]; l.turn&allHad == 0 && x.times[l.turn] > round; {
				x.pass(l)
			}
		}
	}
}

// pass moves a group's turn on.
func (x *index) pass(group *link) {
	n := group.turn
	if next := x.links[n].next; next != 0 {
		group.turn = next - 1
	} else {
		group.turn = n | allHad
	}
}

// count counts an answer that was not taken here.
func (x *index) count(n int) (again bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.times[n]++
	return x.times[n] > 1
}

// uses returns how often each interaction has answered.
func (x *index) uses() []uint32 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.times)
}
