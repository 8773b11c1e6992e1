package cassettes

import (
	"hash/maphash"
	"math/bits"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/umtape/umtape/inspect"
)

// A memo remembers what requests asked for by their bytes, so that one which comes
// again as it came before is not read again: equal bytes are equal messages. Its size
// is fixed; what is newer takes the place of what is older. Its methods may be called
// by several goroutines at once.
type memo struct {
	seed  maphash.Seed // of this process: nobody knows which bytes would share a hash
	locks [64]sync.Mutex
	slots []remembered // in sets of memoWays, by hash

	mu         sync.Mutex               // guards numbers, and who adds to operations
	operations atomic.Pointer[[]string] // by number; replaced, never changed
	numbers    map[string]uint16
}

// remembered is a request's hash, 0 for nothing, and what it asks for, packed.
type remembered struct {
	raw, fold   uint64
	plain, host uint32
	operation   uint16
	version     uint8
	anyHost     bool
}

const (
	maxMemo  = 1 << 17 // requests are remembered at most: 4 MiB of them
	memoWays = 4       // of them may have the same place
)

func newMemo(interactions int) *memo {
	n := 1 << bits.Len(uint(4*interactions))
	m := &memo{seed: maphash.MakeSeed(), slots: make([]remembered, min(max(n, 1024), maxMemo)), numbers: map[string]uint16{}}
	m.operations.Store(new([]string))
	return m
}

// set is where a request is, if it is remembered, and what guards it.
func (m *memo) set(raw uint64) ([]remembered, *sync.Mutex) {
	at := raw % uint64(len(m.slots)/memoWays)
	return m.slots[at*memoWays:][:memoWays], &m.locks[at%uint64(len(m.locks))]
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
	set, lock := m.set(raw)
	lock.Lock()
	defer lock.Unlock()
	for n := range set {
		if r := &set[n]; r.raw == raw {
			return key{r.fold, r.plain, r.host, inspect.Version(r.version)}, (*m.operations.Load())[r.operation], r.anyHost, true
		}
	}
	return key{}, "", false, false
}

func (m *memo) put(raw uint64, k key, operation string, anyHost bool) {
	number, ok := m.number(operation)
	if !ok {
		return
	}
	set, lock := m.set(raw)
	lock.Lock()
	defer lock.Unlock()
	at := int(raw >> 60 % memoWays) // any: what comes round and round must not push itself out
	for n := range set {
		if set[n].raw == 0 || set[n].raw == raw {
			at = n
			break
		}
	}
	set[at] = remembered{raw, k.fold, k.plain, k.host, number, uint8(k.version), anyHost}
}

// number is that of an operation; it is false if there are too many, since clients
// make up the names.
func (m *memo) number(operation string) (uint16, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	number, known := m.numbers[operation]
	if known {
		return number, true
	}
	all := *m.operations.Load()
	if len(all) == maxCounted {
		return 0, false
	}
	operation = strings.Clone(operation) // it is part of a whole message
	number = uint16(len(all))
	all = append(slices.Clip(all), operation)
	m.operations.Store(&all)
	m.numbers[operation] = number
	return number, true
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
