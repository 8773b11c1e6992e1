package cassettes

import (
	"hash/maphash"
	"math/bits"
	"net/http"
	"strings"
	"sync"
)

// A memo remembers what requests asked for by their bytes, so that one which comes
// again as it came before is not read again: equal bytes are equal messages. Its size
// is fixed; what is newer takes the place of what is older. Its methods may be called
// by several goroutines at once.
type memo struct {
	seed  maphash.Seed // of this process: nobody knows which bytes would share a hash
	locks [64]sync.Mutex
	slots []remembered

	mu         sync.Mutex // guards what follows
	operations []string   // by number
	numbers    map[string]uint16
}

type remembered struct {
	raw       uint64 // 0 for nothing
	key       key
	operation uint16
	anyHost   bool
}

// maxMemo is how many requests are remembered at most: 3 MiB of them.
const maxMemo = 1 << 16

func newMemo(interactions int) *memo {
	n := 1 << bits.Len(uint(2*interactions))
	return &memo{seed: maphash.MakeSeed(), slots: make([]remembered, min(max(n, 1024), maxMemo)), numbers: map[string]uint16{}}
}

// raw digests everything of a request that decides what it asks for.
func (m *memo) raw(req *http.Request, url string, match Matching, body []byte) uint64 {
	buf := make([]byte, 0, 1024)
	add := func(s string) { buf = append(append(buf, s...), 0) }
	add(req.Method)
	add(url)
	add(strings.Join(req.Header["Content-Type"], "\x01"))
	add(strings.Join(req.Header["Content-Encoding"], "\x01"))
	for _, name := range match.Headers {
		add(strings.Join(req.Header[http.CanonicalHeaderKey(name)], "\x01"))
	}
	buf = append(buf, body...)
	return max(maphash.Bytes(m.seed, buf), 1)
}

// get returns what a request asked for when it came before.
func (m *memo) get(raw uint64) (k key, operation string, anyHost, ok bool) {
	at := raw % uint64(len(m.slots))
	lock := &m.locks[at%uint64(len(m.locks))]
	lock.Lock()
	r := m.slots[at]
	lock.Unlock()
	if r.raw != raw {
		return key{}, "", false, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return r.key, m.operations[r.operation], r.anyHost, true
}

func (m *memo) put(raw uint64, k key, operation string, anyHost bool) {
	m.mu.Lock()
	number, known := m.numbers[operation]
	if !known {
		if len(m.operations) == maxCounted { // clients make up the names
			m.mu.Unlock()
			return
		}
		number = uint16(len(m.operations))
		operation = strings.Clone(operation) // it is part of a whole message
		m.operations = append(m.operations, operation)
		m.numbers[operation] = number
	}
	m.mu.Unlock()
	at := raw % uint64(len(m.slots))
	lock := &m.locks[at%uint64(len(m.locks))]
	lock.Lock()
	m.slots[at] = remembered{raw, k, number, anyHost}
	lock.Unlock()
}

// question is a request on its way through a player.
type question struct {
	key       key
	operation string
	anyHost   bool
	sent      func() request // as it came, redacted but for the body
	read      func() asked   // the whole of it, read again by each call
}

// question finds out what a request asks for.
func (p *Player) question(req *http.Request, body []byte) question {
	url := p.requestURL(req.URL)
	sent := func() request { return request{req.Method, redactURL(url), canonicalHeader(req.Header), body} }
	q := question{sent: sent, read: func() asked {
		r := sent()
		return p.options.Match.ask(r.method, r.url, r.header, r.body)
	}}
	raw := p.memo.raw(req, url, p.options.Match, body)
	var known bool
	if q.key, q.operation, q.anyHost, known = p.memo.get(raw); known {
		return q
	}
	a := q.read()
	q.key, q.operation, q.anyHost = a.key(), a.message.Operation(), a.host == ""
	p.memo.put(raw, q.key, q.operation, q.anyHost)
	return q
}
