package proxy

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
)

// Transport reaches servers on behalf of one client connection: HTTP/1.1, one
// connection to a server at a time, kept alive, none shared with another
// Transport. What goes out is what the request says and nothing else, what comes
// back is what the server sent; nothing is decoded.
//
// It is made for connections that carry an identity, as those of NTLM and
// Negotiate do, and therefore differs from [http.Transport]: a connection is
// given up only when server or client end it, when an exchange on it fails, or
// for want of use. A request is sent again, on a new connection, only if nothing
// of it had gone out or if it is of a safe method (RFC 9110 §9.2.1): a
// Disconnect sent twice could end another call.
//
// Its methods may be called by several goroutines at once; requests to one
// server then wait for each other.
type Transport struct {
	upstream *Upstream

	mu    sync.Mutex // guards lanes
	lanes []*lane    // the one used last is the last
}

// maxLanes bounds what one client connection that asks for many servers keeps
// open.
const maxLanes = 8

// lane is the way to one server.
type lane struct {
	scheme, address string                     // "https", "host:port"
	free            chan struct{}              // holds a token while no exchange uses the lane
	conn            atomic.Pointer[serverConn] // nil before the first exchange; changed by the token's holder
	dropped         atomic.Bool                // no longer among the transport's lanes
}

// RoundTrip sends r and returns the answer when its header has come. The body of
// a 101 is an [io.ReadWriteCloser] with CloseWrite. Other 1xx answers go to the
// client of the proxy whose request r is.
//
// The answer may come before the request's body has been sent. The rest is then
// still sent, so that the connection is of use for the next request: r.Body is
// read until its end or until it gives an error, and then closed.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	l := t.lane(r)
	if err := l.take(r.Context()); err != nil {
		closeBody(r)
		return nil, err
	}
	for {
		c, reused, err := t.connection(r.Context(), l)
		if err != nil {
			closeBody(r)
			l.release()
			return nil, err
		}
		resp, err := c.exchange(r, l)
		if err == nil || !reused {
			return resp, err
		}
		again, ok := sendable(r, err)
		if !ok {
			return nil, err
		}
		r = again
		if err := l.take(r.Context()); err != nil {
			closeBody(r)
			return nil, err
		}
	}
}

// CloseIdleConnections ends the connections that no answer is awaited on, and
// returns when they have ended.
func (t *Transport) CloseIdleConnections() {
	t.mu.Lock()
	lanes := t.lanes
	t.lanes = nil
	t.mu.Unlock()
	for _, l := range lanes {
		l.drop()
	}
}

// lane finds the one to r's server, or makes it.
func (t *Transport) lane(r *http.Request) *lane {
	address := hostPort(r.URL)
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := len(t.lanes) - 1; i >= 0; i-- {
		if l := t.lanes[i]; l.address == address && l.scheme == r.URL.Scheme {
			if i < len(t.lanes)-1 {
				t.lanes = append(slices.Delete(t.lanes, i, i+1), l)
			}
			return l
		}
	}
	l := &lane{scheme: r.URL.Scheme, address: address, free: make(chan struct{}, 1)}
	l.free <- struct{}{}
	t.lanes = append(t.lanes, l)
	if len(t.lanes) > maxLanes {
		t.lanes[0].drop()
		t.lanes = slices.Delete(t.lanes, 0, 1)
	}
	return l
}

// connection is the lane's, or a new one if it has none that lives.
func (t *Transport) connection(ctx context.Context, l *lane) (c *serverConn, reused bool, err error) {
	if c := l.conn.Load(); c != nil && c.alive(t.upstream.config.IdleConnTimeout) {
		return c, true, nil
	}
	l.conn.Store(nil)
	c, err = t.upstream.connect(ctx, l.scheme, l.address)
	if err == nil {
		l.conn.Store(c)
	}
	return c, false, err
}

// take waits until the lane is free. It is the holder's then, until release.
func (l *lane) take(ctx context.Context) error {
	select {
	case <-l.free:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l *lane) release() {
	if c := l.conn.Load(); c != nil && l.dropped.Load() {
		c.close(errUnused)
	}
	l.free <- struct{}{}
}

// drop ends the lane's connection now, or with the answer that is awaited on it.
func (l *lane) drop() {
	l.dropped.Store(true)
	if c := l.conn.Load(); c != nil && !c.awaited.Load() {
		c.close(errUnused)
		<-c.ended
	}
}

// sendable reports whether r, which failed with err on a connection that had
// been used before, may be sent again, and gives the request to send.
func sendable(r *http.Request, err error) (*http.Request, bool) {
	if r.Context().Err() != nil {
		return nil, false
	}
	if _, unsent := errors.AsType[*unsentError](err); !unsent && !(isReset(err) && isSafe(r.Method)) {
		return nil, false
	}
	if bodyLength(r) == 0 {
		return r, true
	}
	if r.GetBody == nil {
		return nil, false
	}
	body, err := r.GetBody()
	if err != nil {
		return nil, false
	}
	again := r.WithContext(r.Context())
	again.Body = body
	return again, true
}

// isSafe is false for methods that may change something on the server.
func isSafe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		r.Body.Close()
	}
}
