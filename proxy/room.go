package proxy

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

// crowdedEvery is how often the log says that connections are closed to make
// room for others.
const crowdedEvery = time.Minute

// takeSlot waits until there is room for one more connection. If there is none,
// the connections that have waited longest for their clients are closed to make
// it, so that clients who open connections and leave them cannot keep others
// out. It is false when the server ends first.
func (s *Server) takeSlot() bool {
	select {
	case s.slots <- struct{}{}:
		return true
	default:
	}
	s.crowding.Lock() // one accept loop at a time, so that no wake-up is another's
	defer s.crowding.Unlock()
	s.crowded.Store(true)
	defer s.crowded.Store(false)
	for {
		s.makeRoom()
		select {
		case s.slots <- struct{}{}:
			return true
		case <-s.waits: // one that can be closed if there was none before
		case <-s.ctx.Done():
			return false
		case <-s.queue.done:
			return false
		}
	}
}

// makeRoom closes those of the connections without a running exchange that have
// waited longest. Several, since finding them means looking at all.
func (s *Server) makeRoom() {
	s.mu.Lock()
	waiting := make([]waitingConn, 0, len(s.conns))
	for c := range s.conns {
		if c.waiting() {
			waiting = append(waiting, waitingConn{c, c.since.Load()})
		}
	}
	s.mu.Unlock()
	slices.SortFunc(waiting, func(a, b waitingConn) int { return cmp.Compare(a.since, b.since) })
	closed := 0
	for _, w := range waiting[:min(len(waiting), 1+s.config.Limits.Connections/128)] {
		if w.closeWaiting() {
			closed++
		}
	}
	s.tellCrowded(closed)
}

// tellCrowded has a line for the first of many connections that are closed.
func (s *Server) tellCrowded(closed int) {
	s.mu.Lock()
	s.madeRoom += closed
	total, now := s.madeRoom, time.Now()
	tell := closed > 0 && now.Sub(s.toldCrowded) >= crowdedEvery
	if tell {
		s.toldCrowded = now
	}
	s.mu.Unlock()
	if tell {
		s.config.Logger.Warn("too many connections: those idle for longest are closed to make room for new ones",
			"limit", s.config.Limits.Connections, "closed so far", total)
	}
}

// waitingConn is a connection and since when it has waited.
type waitingConn struct {
	*clientConn
	since int64
}

// touch notes that the connection has just been of use.
func (c *clientConn) touch() { c.since.Store(time.Now().UnixNano()) }

// waits is called when c has become one of those that are closed to make room.
func (c *clientConn) waits() {
	c.touch()
	if c.server.crowded.Load() {
		select {
		case c.server.waits <- struct{}{}:
		default:
		}
	}
}

// waiting is true while the client has not sent a whole request header since its
// connection was opened or its last exchange ended, and while a connection that
// speaks another protocol by now has nothing to pass on.
func (c *clientConn) waiting() bool {
	switch http.ConnState(c.state.Load()) {
	case http.StateNew, http.StateIdle:
		return true
	}
	return c.switched.Load()
}

// closeWaiting closes c if it is still waiting, and no exchange begins on it any
// more.
func (c *clientConn) closeWaiting() bool {
	c.mu.Lock()
	ok := !c.closed && !c.evicted && c.waiting()
	c.evicted = c.evicted || ok
	c.mu.Unlock()
	if ok {
		c.raw.Close() // whoever reads from it ends it properly
	}
	return ok
}

// defaultConnections leaves each client connection a file of its own and one to
// its server.
func defaultConnections() int {
	const most, others = 4096, 64
	if files := openFiles(); files > 0 {
		return max(min(most, (files-others)/2), 16)
	}
	return most
}
