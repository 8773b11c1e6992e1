package cassettes

// index finds the interactions that answer a request. Each is filed under one
// key for every likeness, with and without its host.
type index struct {
	groups map[key]*group
	used   []bool // by interaction
}

// group is the interactions of one key, in the order in which they were
// recorded.
type group struct {
	members []int
	next    int // members before it are used
}

func newIndex(requests []asked) *index {
	x := &index{groups: make(map[key]*group, int(likenesses)*2*len(requests)), used: make([]bool, len(requests))}
	for n, r := range requests {
		for like := range likenesses {
			x.file(r.key(false, like), n)
			x.file(r.key(true, like), n)
		}
	}
	return x
}

func (x *index) file(k key, n int) {
	g := x.groups[k]
	if g == nil {
		g = &group{}
		x.groups[k] = g
	}
	g.members = append(g.members, n)
}

// take returns the interaction that answers a request next, of those that are
// most like it: the first that has not answered yet, and when all have, the
// last one again.
func (x *index) take(a asked) (n int, like likeness, ok bool) {
	for like := range likenesses {
		g := x.groups[a.key(a.host != "", like)]
		if g == nil {
			continue
		}
		for g.next < len(g.members) && x.used[g.members[g.next]] {
			g.next++
		}
		n = g.members[min(g.next, len(g.members)-1)]
		x.used[n] = true
		return n, like, true
	}
	return 0, 0, false
}
