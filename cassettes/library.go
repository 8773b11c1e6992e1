package cassettes

import "sort"

// library is the cassettes of a player, their interactions numbered through.
type library struct {
	reels []*Reel
	from  []int // the number of each reel's first interaction
	marks []mark
	index *index

	// operations are the first interactions of each, maxCompared at most, by
	// the digest of its name.
	operations map[uint32][]int
}

func newLibrary(repeat Repeat, reels []*Reel) *library {
	l := &library{reels: reels, operations: map[uint32][]int{}}
	total := 0
	for _, r := range reels {
		l.from = append(l.from, total)
		total += len(r.marks)
	}
	if len(reels) == 1 {
		l.marks = reels[0].marks
	} else {
		l.marks = make([]mark, 0, total)
		for n, r := range reels {
			l.marks = append(l.marks, r.marks...)
			r.marks = l.marks[l.from[n]:len(l.marks):len(l.marks)] // not held twice
		}
	}
	for n := range l.marks {
		op := l.marks[n].op
		if list := l.operations[op]; len(list) < maxCompared {
			l.operations[op] = append(list, n)
		}
	}
	l.index = newIndex(l.marks, repeat)
	return l
}

// at returns the reel of an interaction and its number there.
func (l *library) at(n int) (*Reel, int) {
	k := sort.SearchInts(l.from, n+1) - 1
	return l.reels[k], n - l.from[k]
}

func (l *library) interaction(n int) (*Interaction, error) {
	r, k := l.at(n)
	return r.interaction(k)
}

// answer is interaction without the request.
func (l *library) answer(n int) (*Interaction, error) {
	r, k := l.at(n)
	return r.answer(k)
}

func (l *library) name(n int) string {
	r, k := l.at(n)
	return r.name(k)
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
