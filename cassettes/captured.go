package cassettes

import (
	"hash/maphash"
	"maps"
	"strings"
	"sync"
)

// Captured counts what a [Recorder] has done.
type Captured struct {
	Interactions int            // kept
	Operations   map[string]int // kept, by operation; "" counts those that are not SOAP requests
	Calls        int            // different call identifiers among them
	Faults       int            // kept whose response is a SOAP fault
	Passed       int            // forwarded and not kept, as the options say
	Failed       int            // the server could not be asked; nothing kept
	Abandoned    int            // the client went away before the server answered; nothing kept
	Refused      int            // not sent, since the tape could not be written
	Lost         int            // sent and answered, but not recorded
}

// maxCounted bounds how many operations are counted by name, since clients make
// up the names; the rest count as otherOperations.
const (
	maxCounted      = 1000
	otherOperations = "(others)"
)

type tally struct {
	mu    sync.Mutex
	c     Captured
	seed  maphash.Seed
	calls map[uint64]struct{} // hashes: a count must not keep every identifier
}

func (t *tally) kept(i *Interaction, fault bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.calls == nil {
		t.seed, t.calls, t.c.Operations = maphash.MakeSeed(), map[uint64]struct{}{}, map[string]int{}
	}
	t.c.Interactions++
	name := i.Umtape.Operation
	if _, seen := t.c.Operations[name]; !seen {
		if len(t.c.Operations) >= maxCounted {
			name = otherOperations
		}
		name = strings.Clone(name) // it is part of a whole message
	}
	t.c.Operations[name]++
	if fault {
		t.c.Faults++
	}
	if id := i.Umtape.Call; id != "" {
		t.calls[maphash.String(t.seed, id)] = struct{}{}
	}
}

func (t *tally) add(counter func(c *Captured) *int) {
	t.mu.Lock()
	*counter(&t.c)++
	t.mu.Unlock()
}

func (t *tally) passed() { t.add(func(c *Captured) *int { return &c.Passed }) }
func (t *tally) failed() { t.add(func(c *Captured) *int { return &c.Failed }) }
func (t *tally) abandoned() {
	t.add(func(c *Captured) *int { return &c.Abandoned })
}
func (t *tally) refused() { t.add(func(c *Captured) *int { return &c.Refused }) }
func (t *tally) lost()    { t.add(func(c *Captured) *int { return &c.Lost }) }

func (t *tally) snapshot() Captured {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.c
	c.Operations = maps.Clone(c.Operations)
	c.Calls = len(t.calls)
	return c
}
