package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// clientConn is one client connection, or the tunnel inside one after CONNECT,
// and the transport that is bound to it.
type clientConn struct {
	net.Conn          // what requests are read from: raw with its first bytes put back, or TLS over that
	raw      net.Conn // what is closed to make an end from outside; the outer clientConn for a tunnel
	server   *Server
	target   string // "host:port" of the CONNECT; "" for a connection of its own
	secure   bool   // the client spoke TLS
	asked    string // for a server of this name, in its TLS; "" for none
	slot     bool   // counts against Limits.Connections
	number   uint64 // see Exchange.Conn

	state    atomic.Int32 // http.ConnState; StateNew until the HTTP server has read a byte
	since    atomic.Int64 // when it was last of use, in nanoseconds since 1970
	switched atomic.Bool  // it speaks another protocol, since 101 or as a tunnel passed by
	unheard  atomic.Bool  // a request has begun and has not got to the handler
	current  *exchange    // the running one; HTTP/1.1 has one at a time. Only its goroutine touches it

	chunksEnded bool                       // the last chunk is written already; the HTTP server's own is to be dropped
	status      atomic.Pointer[statusLine] // to be written in place of the HTTP server's; nil to leave that

	mu        sync.Mutex // guards what follows
	busy      int        // goroutines that use the connection's transport or its place in the server
	closed    bool
	evicted   bool              // closed to make room: no exchange begins any more
	transport http.RoundTripper // nil until the first request
}

type connKey struct{}

// connOf returns the client connection that the request of ctx came by.
func connOf(ctx context.Context) *clientConn {
	c, _ := ctx.Value(connKey{}).(*clientConn)
	return c
}

// open reads the first byte, after those in early, and does the TLS handshake if
// that is what the client starts.
func (c *clientConn) open(early []byte) error {
	limits := c.server.config.Limits
	sniffed, err := sniff(c.raw, early, limits.FirstByte)
	if err != nil {
		return err
	}
	c.Conn = sniffed
	if !sniffed.startsTLS() {
		return nil
	}
	if c.server.tls == nil {
		// The client's TLS library shows none of this, a packet dump does.
		io.WriteString(c.raw, "HTTP/1.1 501 Not Implemented\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"+noCA+"\n")
		return errNoCA
	}
	sniffed.target = c.target
	conn, err := handshake(sniffed, c.server.tls, limits.TLSHandshake)
	if errors.Is(err, io.EOF) {
		return errHandshakeEnded
	}
	if err != nil {
		return err
	}
	c.Conn, c.secure, c.asked = conn, true, conn.ConnectionState().ServerName
	return nil
}

// errHandshakeEnded is how some clients take a certificate that they do not trust.
var errHandshakeEnded = errors.New("the client closed the connection in the middle of the handshake")

func (c *clientConn) logOpenFailure(err error) {
	log := c.server.config.Logger
	switch hint := ""; {
	case c.server.isClosing(), errors.Is(err, io.EOF), errors.Is(err, errSilent):
		log.Debug("connection ended before its first request", "conn", c.number, "client", c.RemoteAddr().String(), "target", c.target, "error", err)
	default:
		if refused := (*notPermittedError)(nil); errors.As(err, &refused) {
			hint = refused.remedy()
		} else if strings.Contains(err.Error(), "unsupported application protocols") { // crypto/tls has no type for it
			hint = "umtape speaks HTTP/1.1, and the client only what the error names: let it speak HTTP/1.1"
			if c.target != "" && c.server.config.Dial != nil {
				hint += ", or have its connections passed by unread: --tunnel " + c.target
			}
		} else if c.server.config.CA != nil {
			hint = "if the client does not trust umtape's CA yet, give it " + c.server.config.CA.CertFile()
			if c.target != "" && c.server.config.Dial != nil {
				hint += "; if it takes no certificate but the server's own, have its connections passed by unread: --tunnel " + c.target
			}
		}
		log.Warn("TLS with the client failed", "conn", c.number, "client", c.RemoteAddr().String(), "target", c.target, "error", err, "hint", hint)
	}
}

// changed is told by the HTTP server.
func (c *clientConn) changed(state http.ConnState) {
	c.state.Store(int32(state))
	switch state {
	case http.StateIdle:
		c.waits()
	case http.StateActive:
		// Not told of a later request of the connection that came in one piece and
		// is none; that one goes without a line.
		c.unheard.Store(true)
	}
}

// ends reports whether c waits for another request; if so, none begins any more.
func (c *clientConn) ends() bool {
	return c.state.CompareAndSwap(int32(http.StateIdle), int32(http.StateClosed))
}

// leaves has c go from waiting for its client to another state. It is false if c is
// being closed because it waits.
func (c *clientConn) leaves(to http.ConnState) bool {
	return c.state.CompareAndSwap(int32(http.StateIdle), int32(to)) || c.state.CompareAndSwap(int32(http.StateNew), int32(to))
}

// logUnheard has a line for what net/http answers by itself, or not at all.
func (c *clientConn) logUnheard() {
	if limits := c.server.config.Limits; c.unheard.Swap(false) && !c.server.isClosing() {
		c.server.config.Logger.Warn("a request was not understood", "conn", c.number, "client", c.RemoteAddr().String(), "target", c.target, "reason",
			fmt.Sprintf("its header is not HTTP, broke off, is longer than %d bytes, or did not come within %v", limits.HeaderBytes, limits.ReadHeader))
	}
}

// countSilent counts a connection that its client has ended after the TLS handshake,
// without a request: GnuTLS looks at a certificate no sooner.
func (c *clientConn) countSilent() {
	if c.secure && !c.server.isClosing() && c.state.CompareAndSwap(int32(http.StateNew), int32(http.StateClosed)) {
		c.server.silent.Add(1)
		c.server.config.Logger.Debug("the client ended the connection after its TLS handshake, without a request", "conn", c.number, "client", c.RemoteAddr().String(), "target", c.target)
	}
}

// unused is true before the first byte of the first request was read.
func (c *clientConn) unused() bool {
	return http.ConnState(c.state.Load()) == http.StateNew
}

// enter keeps the transport and the server's account of c alive until leave. It
// is false when c has been closed.
func (c *clientConn) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.evicted || c.server.queue.closed() {
		return false
	}
	c.busy++
	return true
}

// Write is the HTTP server's; see exchange.endAnswer and exchange.WriteHeader.
func (c *clientConn) Write(p []byte) (int, error) {
	if s := c.status.Load(); s != nil && s.isOf(p) {
		c.status.Store(nil)
		return s.write(c.Conn, p)
	}
	if c.chunksEnded {
		c.chunksEnded = false
		if string(p) == lastChunk {
			return len(p), nil
		}
	}
	return c.Conn.Write(p)
}

func (c *clientConn) leave() { c.done(1, false) }

// Close ends the connection. The transport is released with the last exchange.
func (c *clientConn) Close() error {
	err := c.Conn.Close()
	c.logUnheard()
	c.countSilent()
	c.done(0, true)
	return err
}

func (c *clientConn) done(left int, closing bool) {
	c.mu.Lock()
	before := c.closed && c.busy == 0
	c.busy -= left
	c.closed = c.closed || closing
	last := c.closed && c.busy == 0 && !before
	transport := c.transport
	c.mu.Unlock()
	if !last {
		return
	}
	defer c.server.unregister(c)
	if t, ok := transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
	if t, ok := transport.(io.Closer); ok {
		if err := t.Close(); err != nil {
			c.server.config.Logger.Warn("closing the transport of a client connection failed", "error", err)
		}
	}
}

var errNoTransport = errors.New("the proxy has no transport for this connection")

// roundTripper returns the connection's transport and makes it at the first
// call. Only the goroutine of the running exchange calls it.
func (c *clientConn) roundTripper() (http.RoundTripper, error) {
	c.mu.Lock()
	t := c.transport
	c.mu.Unlock()
	if t != nil {
		return t, nil
	}
	t = c.server.config.NewTransport()
	if t == nil {
		return nil, errNoTransport
	}
	c.mu.Lock()
	c.transport = t
	c.mu.Unlock()
	return t, nil
}

// CloseWrite lets the HTTP server end its side first, so that a client which is
// still sending gets to read the last answer.
func (c *clientConn) CloseWrite() error { return closeWrite(c.Conn) }

// reset ends c as a failing network would: without TLS's close_notify, and
// without TCP's FIN.
func reset(c net.Conn) {
	for {
		switch inner := c.(type) {
		case *clientConn:
			c = inner.raw
		case *sniffedConn:
			c = inner.Conn
		case *tls.Conn:
			c = inner.NetConn()
		default:
			if l, ok := c.(interface{ SetLinger(int) error }); ok {
				l.SetLinger(0)
			}
			c.Close()
			return
		}
	}
}

func closeWrite(c any) error {
	if cw, ok := c.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return errors.ErrUnsupported
}

// handshake does the server's side of TLS within the given time.
func handshake(c net.Conn, config *tls.Config, within time.Duration) (*tls.Conn, error) {
	c.SetDeadline(time.Now().Add(within))
	t := tls.Server(c, config)
	if err := t.Handshake(); err != nil {
		t.Close()
		return nil, err
	}
	return t, c.SetDeadline(time.Time{})
}

// connQueue is the net.Listener of the one http.Server.
type connQueue struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newConnQueue() *connQueue {
	return &connQueue{conns: make(chan net.Conn), done: make(chan struct{})}
}

// put is false when the queue is closed; c then still belongs to the caller.
func (q *connQueue) put(c net.Conn) bool {
	select {
	case q.conns <- c:
		return true
	case <-q.done:
		return false
	}
}

func (q *connQueue) Accept() (net.Conn, error) {
	select {
	case c := <-q.conns:
		return c, nil
	case <-q.done:
		return nil, net.ErrClosed
	}
}

func (q *connQueue) closed() bool {
	select {
	case <-q.done:
		return true
	default:
		return false
	}
}

func (q *connQueue) Close() error {
	q.once.Do(func() { close(q.done) })
	return nil
}

func (q *connQueue) Addr() net.Addr { return queueAddr{} }

type queueAddr struct{}

func (queueAddr) Network() string { return "proxy" }
func (queueAddr) String() string  { return "proxy" }
