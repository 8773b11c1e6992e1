package cassettes

import "sync"

// index finds the interactions that answer a request. Each is filed under one
// key for every likeness, with and without its host. Its methods may be called
// by several goroutines at once.
type index struct {
	groups map[key]*group

	mu   sync.Mutex // guards used and every group's next
	used []bool     // by interaction
}

// group is the interactions of one key, in the order in which they were
// recorded.
type group struct {
	members []int
	next    int // members before it are used
}

func newIndex(size int) *index {
	return &index{groups: make(map[key]*group, int(likenesses)*2*size), used: make([]bool, size)}
}

// add files interaction n, which r asked for.
func (x *index) add(n int, r asked) {
	for like := range likenesses {
		for _, host := range []bool{false, true} {
			k := r.key(host, like)
			g := x.groups[k]
			if g == nil {
				g = &group{}
				x.groups[k] = g
			}
			g.members = append(g.members, n)
		}
	}
}

// prefer takes weak interactions out of the groups that have others. A weak one
// would be a turn lost: a challenge, or an answer that is not whole.
func (x *index) prefer(weak []bool) {
	for _, g := range x.groups {
		var strong []int
		for _, n := range g.members {
			if !weak[n] {
				strong = append(strong, n)
			}
		}
		if len(strong) > 0 && len(strong) < len(g.members) {
			g.members = strong
		}
	}
}

// take returns the interaction that answers a request next, of those that are
// most like it: the first that has not answered yet, and when all have, the
// last one again.
func (x *index) take(a asked) (n int, like likeness, ok bool) {
	for like := range likenesses {
		g := x.groups[a.key(a.host != "", like)]
		if g != nil {
			return x.next(g), like, true
		}
	}
	return 0, 0, false
}

func (x *index) next(g *group) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	for g.next < len(g.members) && x.used[g.members[g.next]] {
		g.next++
	}
	n := g.members[min(g.next, len(g.members)-1)]
	x.used[n] = true
	return n
}

// unused lists the interactions that have answered nothing.
func (x *index) unused() []int {
	x.mu.Lock()
	defer x.mu.Unlock()
	var list []int
	for n, used := range x.used {
		if !used {
			list = append(list, n)
		}
	}
	return list
}
