package main

import (
	"sync/atomic"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/web"
)

// missedRequests holds what the last misses asked, which is on no cassette: in memory
// alone.
type missedRequests struct {
	list []*atomic.Pointer[missedRequest]
	size int
}

type missedRequest struct {
	*cassettes.Interaction
	size int
}

// The last one is held, however long it is.
const (
	maxMissed     = 1000
	maxMissedSize = 16 << 20 // bytes
)

// keep holds a request, lets go of the oldest if they are too many, and returns what
// gives it back.
func (m *missedRequests) keep(i *cassettes.Interaction) func() (whole, masked web.Copy, ok bool) {
	kept := &missedRequest{i, len(i.Request.Body) + len(i.Request.URL)}
	for name, values := range i.Request.Headers {
		for _, v := range values {
			kept.size += len(name) + len(v)
		}
	}
	at := new(atomic.Pointer[missedRequest])
	at.Store(kept)
	m.list, m.size = append(m.list, at), m.size+kept.size
	for len(m.list) > maxMissed || len(m.list) > 1 && m.size > maxMissedSize {
		m.size -= m.list[0].Swap(nil).size
		m.list = m.list[1:]
	}
	return func() (whole, masked web.Copy, ok bool) {
		kept := at.Load()
		if kept == nil {
			return whole, masked, false
		}
		return copyOf("", kept.Interaction), copyOf("", veiled().Veiled(kept.Interaction)), true
	}
}
