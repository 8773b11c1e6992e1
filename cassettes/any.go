package cassettes

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"

	"github.com/umtape/umtape/inspect"
)

// Matching.Any: a client that was never recorded asks about a call of its own, and
// is told what was recorded of another. Each of its values, such as a CallId, stands
// for one recorded value throughout, so that what is said of a call fits together:
// rather for one that was not answered with an error, then for one for which no other
// stands yet; what was not recorded for that one is answered from another. The values
// of one request count together as one. The answers come in their order, from the first
// on for each value of the client's.

// A loose mark is what a request is apart from the values that may be any.
type loose struct {
	fold  uint64 // as key.fold, without the values
	value uint64 // digest of the values
}

func looseOf(a *asked, match Matching) (l loose, values []string) {
	if a.message == nil || len(match.Any) == 0 {
		return loose{}, nil
	}
	if values = a.message.Blank(match.Any); values == nil {
		return loose{}, nil
	}
	digest := sha256.Sum256([]byte(strings.Join(values, "\x00")))
	return loose{a.key().fold, binary.LittleEndian.Uint64(digest[:])}, values
}

// anyIndex finds the interactions that differ in such values only.
type anyIndex struct {
	groups map[uint64]*anyGroup // by loose.fold

	mu    sync.Mutex        // guards what follows
	stand map[uint64]uint64 // digest of a client's values to that of those recorded
	taken map[uint64]bool   // recorded values for which one stands
	turns map[loose]int     // by fold and the client's values
}

type anyGroup struct {
	values  []uint64         // in the order in which they were recorded
	members map[uint64][]int // by value, in their order
	failed  map[uint64]bool  // by value: an answer was an error
}

// maxStands bounds what clients can make a player keep: with more values than this,
// all is forgotten and begins anew.
const maxStands = 100_000

func newAnyIndex(l *library) *anyIndex {
	x := &anyIndex{groups: map[uint64]*anyGroup{}}
	x.forget()
	n := 0
	for _, r := range l.reels {
		for k, lo := range r.loose {
			m := &r.marks[k]
			if lo.value != 0 && m.flags&markUnasked == 0 && !m.weak() {
				g := x.groups[lo.fold]
				if g == nil {
					g = &anyGroup{members: map[uint64][]int{}, failed: map[uint64]bool{}}
					x.groups[lo.fold] = g
				}
				if g.members[lo.value] == nil {
					g.values = append(g.values, lo.value)
				}
				g.members[lo.value] = append(g.members[lo.value], n+k)
				if m.flags&markFailed != 0 {
					g.failed[lo.value] = true
				}
			}
		}
		n += len(r.marks)
	}
	return x
}

// inherit takes over what the clients' values stand for, as far as it is still there.
func (x *anyIndex) inherit(old *anyIndex) {
	known := map[uint64]bool{}
	for _, g := range x.groups {
		for _, value := range g.values {
			known[value] = true
		}
	}
	old.mu.Lock()
	defer old.mu.Unlock()
	for mine, value := range old.stand {
		if known[value] {
			x.stand[mine], x.taken[value] = value, true
		}
	}
	for lo, n := range old.turns {
		if _, stands := x.stand[lo.value]; stands {
			x.turns[lo] = n
		}
	}
}

func (x *anyIndex) forget() {
	x.stand, x.taken, x.turns = map[uint64]uint64{}, map[uint64]bool{}, map[loose]int{}
}

// take returns the interaction that answers a request with these values next.
func (x *anyIndex) take(l *library, lo loose, k key, anyHost bool) (n int, ok bool) {
	g := x.groups[lo.fold]
	if g == nil {
		return 0, false
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	fits := func(value uint64) (list []int) {
		for _, n := range g.members[value] {
			if anyHost || l.marks.at(n).host == k.host {
				list = append(list, n)
			}
		}
		return list
	}
	list := fits(x.stand[lo.value])
	if list == nil {
		if len(x.stand) >= maxStands || len(x.turns) >= maxStands {
			x.forget()
		}
		_, bound := x.stand[lo.value] // to one for which this was not recorded
		best, of := 4, uint64(0)
		for _, value := range g.values {
			rank := 0
			if x.taken[value] {
				rank++
			}
			if g.failed[value] {
				rank += 2
			}
			if rank < best {
				if candidate := fits(value); candidate != nil {
					best, list, of = rank, candidate, value
				}
			}
			if best == 0 {
				break
			}
		}
		if list == nil {
			return 0, false
		}
		if !bound {
			x.stand[lo.value], x.taken[of] = of, true
		}
	}
	turn := x.turns[lo]
	x.turns[lo]++
	switch l.index.repeat {
	case RepeatCycle:
		turn %= len(list)
	case RepeatFail:
		if turn >= len(list) {
			return 0, false
		}
	}
	return list[min(turn, len(list)-1)], true
}

// takeAny answers a request for which nothing was recorded from something that was,
// with the request's own values, and puts its number into f. err is why another way
// did not answer, and ends this one too.
func (p *Player) takeAny(l *library, q question, f *found, err error) (i *Interaction, note string, _ error) {
	if err != nil || l.any == nil || f.spent {
		return nil, "", err
	}
	a := q.read()
	lo, mine := looseOf(&a, p.options.Match)
	if mine == nil {
		return nil, "", nil
	}
	n, ok := l.any.take(l, lo, q.key, q.anyHost)
	if !ok {
		return nil, "", nil
	}
	f.n = n
	recorded, err := l.interaction(n)
	if err != nil {
		return nil, "", err
	}
	b := p.options.Match.askedOf(recorded)
	_, theirs := looseOf(&b, p.options.Match)
	answered := *recorded
	answered.Response.Body = putIn(recorded.Response.Body, theirs, mine)
	var names []string
	for _, s := range p.options.Match.Any {
		names = append(names, s.String())
	}
	return &answered, fmt.Sprintf("recorded for another %s, with yours put in", strings.Join(names, ", ")), nil
}

// putIn replaces in a recorded answer what the recorded request said by what the one
// made says: where it is the whole text of an element or value of an attribute, and,
// if it is too long to be there by chance, as a word in other text.
func putIn(body string, theirs, mine []string) string {
	type pair struct{ from, to string }
	var pairs []pair
	for n := range min(len(theirs), len(mine)) {
		if theirs[n] != "" && theirs[n] != mine[n] {
			pairs = append(pairs, pair{inspect.Escape(theirs[n]), inspect.Escape(mine[n])})
		}
	}
	if pairs == nil {
		return body
	}
	var b strings.Builder
	done, pos := 0, 0
	if end := strings.Index(body, "?>"); end >= 0 && strings.HasPrefix(strings.TrimLeft(body, "\ufeff \t\r\n"), "<?") {
		pos = end + len("?>") // the declaration is about the document
	}
	for {
		at, found := -1, pair{}
		for _, p := range pairs {
			if i := indexWhole(body[pos:], p.from); i >= 0 && (at < 0 || pos+i < at || pos+i == at && len(p.from) > len(found.from)) {
				at, found = pos+i, p
			}
		}
		if at < 0 {
			return b.String() + body[done:]
		}
		pos = at + len(found.from)
		if len(found.from) >= longValue || standsAlone(body[:at], body[pos:]) {
			b.WriteString(body[done:at] + found.to)
			done = pos
		}
	}
}

// longValue is how long a value is that stands in a text for itself.
const longValue = 8

// standsAlone reports whether what is between two parts of a message is a whole text
// or a whole value of an attribute.
func standsAlone(before, after string) bool {
	before, after = strings.TrimRight(before, " \t\r\n"), strings.TrimLeft(after, " \t\r\n")
	if before == "" || after == "" {
		return before == after
	}
	open, end := before[len(before)-1], after[0]
	return open == '>' && end == '<' || (open == '"' || open == '\'') && end == open
}
