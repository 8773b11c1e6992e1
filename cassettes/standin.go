package cassettes

import (
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Replay of cassettes that hold pseudonyms. Nobody can tell which value a pseudonym
// stands for, the key being gone. So a request is found by what it says apart from
// its sensitive values, and each value that a client sends comes to stand for one
// pseudonym, and for no other, from its first use on: the first that is free in a
// recorded request of that kind. A client that makes the recorded conversation so
// gets the recorded answers, calls kept apart, with its own values put in. A
// pseudonym that a client got from an answer stands for itself.

// A masked request is what it says apart from its sensitive values.
type masked struct {
	fold   uint64   // as key.fold, with the shape of each value in its place
	values []uint64 // digests of the values, in their order
}

func valueDigest(v string) uint64 {
	d := sha256.Sum256([]byte(v))
	return binary.LittleEndian.Uint64(d[:])
}

// mask reads a request, redacted, as ask does, and returns its values too.
func (m Matching) mask(r Redaction, method, rawURL string, h http.Header, body []byte) (k masked, values []string) {
	text := string(redactBody(asUnderstood(body, h, m.maxBody()), h))
	var own []string
	w := rewriter{Redaction: r, gone: hole, stand: func(v string) string { return v }}
	w.place = func(v string) {
		if len(v) >= 3 && !slices.Contains(own, v) && len(own) < maxOwn {
			own = append(own, v)
		}
	}
	if r.Pseudonymous() {
		w.body(text)
	}
	w.place = nil
	w.stand = func(v string) string {
		values = append(values, v)
		return hole + shapeOf(v)
	}
	for _, v := range own {
		w.own = append(w.own, v, hole+shapeOf(v))
	}
	scheme, host, target := splitURL(rawURL)
	if r.Forms {
		target = w.free(target, 0)
	}
	if host != "" {
		target = scheme + "://" + host + target
	}
	a := ask(method, target, h, []byte(w.body(text)))
	a.message.Remove(m.Ignore)
	for _, name := range m.Headers {
		name = http.CanonicalHeaderKey(name)
		for _, v := range h[name] {
			a.headers = append(a.headers, header{name, w.header(name, redactHeaderValue(name, v, secretHeader(name)))})
		}
	}
	k.fold = a.key().fold
	for _, v := range values {
		k.values = append(k.values, valueDigest(v))
	}
	return k, values
}

// hole stands for a sensitive value, before its shape.
const hole = "\uE000"

func (m Matching) maskOf(r Redaction, i *Interaction) (masked, []string) {
	return m.mask(r, i.Request.Method, redactURL(i.Request.URL), canonicalHeader(i.Request.Headers), []byte(i.Request.Body))
}

// standIndex is what a replay knows of the pseudonyms of one cassette.
type standIndex struct {
	reel   *Reel
	groups map[uint64]*standGroup // by masked.fold
	all    map[uint64]bool        // digests of recorded values

	mu    sync.Mutex        // guards what follows
	stand map[uint64]uint64 // digest of a client's value to that of the recorded one
	taken map[uint64]uint64 // and back
	live  map[string]string // recorded values to the clients' own, as text
}

// standGroup is recorded requests that differ in values only.
type standGroup struct {
	tuples []standTuple
	by     map[uint64][]int // by a value: the tuples that have it
	free   int              // those before it have values for which others stand
}

// standTuple is recorded requests of the same values.
type standTuple struct {
	values []uint64
	host   uint64 // digest of scheme and host
	n      int    // the first of them, in the library
}

func newStandIndex(r *Reel, first int) *standIndex {
	x := &standIndex{reel: r, groups: map[uint64]*standGroup{}, all: map[uint64]bool{}}
	x.forget()
	had := map[uint64]bool{}
	for k, m := range r.masks {
		if r.marks[k].flags&markUnasked != 0 {
			continue
		}
		t := standTuple{m.values, uint64(r.marks[k].host), first + k}
		id := binary.LittleEndian.AppendUint64(nil, m.fold)
		for _, v := range append([]uint64{t.host}, t.values...) {
			id = binary.LittleEndian.AppendUint64(id, v)
			x.all[v] = true
		}
		if d := valueDigest(string(id)); had[d] {
			continue
		} else {
			had[d] = true
		}
		g := x.groups[m.fold]
		if g == nil {
			g = &standGroup{by: map[uint64][]int{}}
			x.groups[m.fold] = g
		}
		for _, v := range t.values {
			if list := g.by[v]; len(list) == 0 || list[len(list)-1] != len(g.tuples) {
				g.by[v] = append(list, len(g.tuples))
			}
		}
		g.tuples = append(g.tuples, t)
	}
	return x
}

func (x *standIndex) forget() {
	x.stand, x.taken, x.live = map[uint64]uint64{}, map[uint64]uint64{}, map[string]string{}
	for _, g := range x.groups {
		g.free = 0
	}
}

// knows reports whether one of a request's values has its place in this cassette: it
// stands for a recorded one, or is one. x.mu is held.
func (x *standIndex) knows(m masked) bool {
	return slices.ContainsFunc(m.values, func(v uint64) bool {
		_, known := x.stand[v]
		return known || x.all[v]
	})
}

// find returns the recorded values that those of a request stand for. host is 0 if
// the client named none. x.mu is held.
func (x *standIndex) find(m masked, host uint64) (t standTuple, ok bool) {
	g := x.groups[m.fold]
	if g == nil {
		return t, false
	}
	bound := []int(nil)
	for _, v := range m.values {
		r, known := x.stand[v]
		if !known && x.all[v] {
			r, known = v, true
		}
		if known {
			if list := g.by[r]; list == nil {
				return t, false
			} else if bound == nil || len(list) < len(bound) {
				bound = list
			}
		}
	}
	if bound != nil {
		for _, n := range bound {
			if x.fits(g.tuples[n], m, host) {
				return g.tuples[n], true
			}
		}
		return t, false
	}
	for n := g.free; n < len(g.tuples); n++ {
		if x.fits(g.tuples[n], m, host) {
			return g.tuples[n], true
		}
		if n == g.free && slices.ContainsFunc(g.tuples[n].values, func(v uint64) bool { _, taken := x.taken[v]; return taken }) {
			g.free++
		}
	}
	return t, false
}

// fits reports whether a request's values can stand for recorded ones, each for one.
func (x *standIndex) fits(t standTuple, m masked, host uint64) bool {
	if len(t.values) != len(m.values) {
		return false
	}
	if host != 0 && !x.may(host, t.host) {
		return false
	}
	for n, v := range m.values {
		if !x.may(v, t.values[n]) {
			return false
		}
		for k := range n {
			if (m.values[k] == v) != (t.values[k] == t.values[n]) {
				return false
			}
		}
	}
	return true
}

// may reports whether a client's value can stand for a recorded one.
func (x *standIndex) may(v, recorded uint64) bool {
	if r, ok := x.stand[v]; ok {
		return r == recorded
	}
	if x.all[v] {
		return v == recorded
	}
	_, taken := x.taken[recorded]
	return !taken
}

// bind has the values of a request stand for recorded ones from now on. x.mu is held.
func (x *standIndex) bind(t standTuple, m masked, host uint64) {
	if len(x.stand) >= maxStands {
		x.forget()
	}
	if host != 0 {
		x.stand[host], x.taken[t.host] = t.host, host
	}
	for n, v := range m.values {
		x.stand[v], x.taken[t.values[n]] = t.values[n], v
	}
}

// same has the pseudonyms that a client uses stand for themselves.
func (x *standIndex) same(m masked) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, v := range m.values {
		if _, ok := x.stand[v]; !ok && x.all[v] && len(x.stand) < maxStands {
			if _, taken := x.taken[v]; !taken {
				x.stand[v], x.taken[v] = v, v
			}
		}
	}
}

// request is one as takeStandIn needs it.
type request struct {
	method, url string
	header      http.Header
	body        []byte
}

// takeStandIn answers a request for which nothing was recorded as it is from a
// cassette with pseudonyms, with the client's values put in.
func (p *Player) takeStandIn(l *library, asked question, missed found) (*Interaction, found, error) {
	if l.stands == nil {
		return nil, missed, nil
	}
	q, k := asked.sent(), asked.key
	host := uint64(k.host)
	if asked.anyHost {
		host = 0
	}
	masks, mine := make([]masked, len(l.stands)), make([][]string, len(l.stands))
	for n, x := range l.stands {
		masks[n], mine[n] = p.options.Match.mask(x.reel.rules, q.method, q.url, q.header, q.body)
	}
	// A call that has begun in one cassette goes on there, and not in another that has
	// such a call too.
	for _, known := range []bool{true, false} {
		for n, x := range l.stands {
			m := masks[n]
			x.mu.Lock()
			if x.knows(m) != known {
				x.mu.Unlock()
				continue
			}
			t, ok := x.find(m, host)
			var f found
			if ok {
				at := l.marks.at(t.n).key()
				at.version = k.version
				if f, ok = l.index.take(at, asked.anyHost); ok {
					x.bind(t, m, host)
				} else {
					missed.spent, missed.n = f.spent, f.n
				}
			}
			x.mu.Unlock()
			if !ok {
				continue
			}
			recorded, err := l.interaction(f.n)
			if err != nil {
				return nil, f, err
			}
			_, theirs := p.options.Match.maskOf(x.reel.rules, recorded)
			return x.putIn(recorded, theirs, mine[n]), f, nil
		}
	}
	return nil, missed, nil
}

// putIn returns a recorded interaction with the clients' values in its answer. theirs
// are the recorded ones of the request, mine those of the client.
func (x *standIndex) putIn(recorded *Interaction, theirs, mine []string) *Interaction {
	var own []string
	x.mu.Lock()
	defer x.mu.Unlock()
	for n := range min(len(theirs), len(mine)) {
		if theirs[n] != mine[n] {
			x.live[theirs[n]] = strings.Clone(mine[n]) // it is part of a whole message
			own = append(own, theirs[n], mine[n])
		}
	}
	return x.withLive(recorded, own)
}

// withLive puts the clients' values where their pseudonyms stand. x.mu is held.
func (x *standIndex) withLive(recorded *Interaction, own []string) *Interaction {
	if len(x.live) == 0 {
		return recorded
	}
	back := func(v string) string {
		if live, ok := x.live[v]; ok {
			return live
		}
		return v
	}
	w := rewriter{Redaction: x.reel.rules, gone: redacted, stand: back, own: own}
	w.Remove, w.RemoveHeaders = nil, nil
	w.known = func(word string) (string, bool) {
		live, ok := x.live[word]
		return live, ok
	}
	answered := *recorded
	answered.Response.Body = w.body(recorded.Response.Body)
	answered.Response.Headers = canonicalHeader(recorded.Response.Headers)
	for name, values := range answered.Response.Headers {
		kept := make([]string, len(values))
		for n, v := range values {
			kept[n] = w.header(name, v)
		}
		answered.Response.Headers[name] = kept
	}
	return &answered
}

// ownPseudonyms notes that a request was answered as it is, from a cassette with
// pseudonyms, and puts into the answer what clients call those that are not theirs.
func (p *Player) ownPseudonyms(l *library, n int, i *Interaction, q request) *Interaction {
	reel, _ := l.at(n)
	for _, x := range l.stands {
		if x.reel != reel {
			continue
		}
		m, _ := p.options.Match.mask(reel.rules, q.method, q.url, q.header, q.body)
		x.same(m)
		x.mu.Lock()
		defer x.mu.Unlock()
		return x.withLive(i, nil)
	}
	return i
}
