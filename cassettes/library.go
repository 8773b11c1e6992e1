package cassettes

import (
	"maps"
	"sort"
)

// library is the cassettes of a player, their interactions numbered through.
type library struct {
	reels []*Reel
	marks marks
	index *index
	any   *anyIndex // nil if no text may be any

	stands []*standIndex // of the cassettes with pseudonyms

	// operations are the first interactions of each, maxCompared at most, by
	// the digest of its name.
	operations map[uint32][]int
}

// marks are those of several reels as one list.
type marks struct {
	parts [][]mark
	from  []int // the number of each part's first mark
	len   int
}

func (l *marks) add(part []mark) {
	l.parts, l.from = append(l.parts, part), append(l.from, l.len)
	l.len += len(part)
}

func (l *marks) at(n int) *mark {
	part, k := l.place(n)
	return &l.parts[part][k]
}

// place returns the part of the n-th mark and its number there.
func (l *marks) place(n int) (part, k int) {
	if len(l.parts) == 1 {
		return 0, n
	}
	part = sort.SearchInts(l.from, n+1) - 1
	return part, n - l.from[part]
}

func newLibrary(repeat Repeat, reels []*Reel) *library {
	l := &library{reels: reels, operations: map[uint32][]int{}}
	for _, r := range reels {
		for k := range r.marks {
			op := r.marks[k].op
			if list := l.operations[op]; len(list) < maxCompared {
				l.operations[op] = append(list, l.marks.len+k)
			}
		}
		l.marks.add(r.marks)
	}
	l.index = newIndex(l.marks, repeat)
	for n, r := range reels {
		if r.masks != nil {
			l.stands = append(l.stands, newStandIndex(r, l.marks.from[n]))
		}
	}
	for _, r := range reels {
		if r.loose != nil {
			l.any = newAnyIndex(l)
			break
		}
	}
	return l
}

// inherit takes over how often interactions have answered that were in old too.
func (l *library) inherit(old *library) {
	type same struct {
		path      string
		fold      uint64
		size, sum uint32
	}
	of := func(l *library, n int) same {
		r, _ := l.at(n)
		m := l.marks.at(n)
		return same{r.path, m.fold, m.size, m.sum}
	}
	had := map[same][]uint32{}
	for n, times := range old.index.uses() {
		if times > 0 {
			k := of(old, n)
			had[k] = append(had[k], times)
		}
	}
	for n := range l.marks.len {
		k := of(l, n)
		if times := had[k]; len(times) > 0 {
			l.index.times[n], had[k] = times[0], times[1:]
		}
	}
	l.index.passOver()
	for _, x := range l.stands {
		for _, was := range old.stands {
			if x.reel.path == was.reel.path { // edited, or added to
				was.mu.Lock()
				x.stand, x.taken, x.live = maps.Clone(was.stand), maps.Clone(was.taken), maps.Clone(was.live)
				was.mu.Unlock()
				// Or recorded anew, with other pseudonyms.
				maps.DeleteFunc(x.stand, func(_, recorded uint64) bool { return !x.all[recorded] })
				maps.DeleteFunc(x.taken, func(recorded, _ uint64) bool { return !x.all[recorded] })
				maps.DeleteFunc(x.live, func(recorded, _ string) bool { return !x.all[valueDigest(recorded)] })
			}
		}
	}
	if l.any != nil && old.any != nil {
		l.any.inherit(old.any)
	}
}

// at returns the reel of an interaction and its number there.
func (l *library) at(n int) (*Reel, int) {
	part, k := l.marks.place(n)
	return l.reels[part], k
}

func (l *library) interaction(n int) (*Interaction, error) {
	r, k := l.at(n)
	return r.interaction(k)
}

// answer is interaction without the request.
func (l *library) answer(n int) (*sharedAnswer, error) {
	r, k := l.at(n)
	return r.answer(k)
}

func (l *library) name(n int) string {
	r, k := l.at(n)
	return r.name(k)
}

// path is that of the cassette that holds the n-th interaction.
func (l *library) path(n int) string {
	r, _ := l.at(n)
	return r.path
}

// like returns interactions to compare a request of that operation with, or
// those that are of others; maxCompared at most, in their order.
func (l *library) like(operation string, same bool) []int {
	digest := operationDigest(operation)
	if same {
		return l.operations[digest]
	}
	var list []int
	for op, some := range l.operations {
		if op != digest {
			list = append(list, some...)
		}
	}
	sort.Ints(list)
	return list[:min(len(list), maxCompared)]
}
