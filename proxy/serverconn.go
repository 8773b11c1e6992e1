package proxy

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// maxAnswerHeader bounds the header of an answer, with the 1xx before it.
const maxAnswerHeader = 1 << 20

// maxInterim bounds the 1xx answers before an answer. Those of an operation that
// takes long are some seconds apart.
const maxInterim = 1000

// shortRequest is how long a request may be to be written before the answer is
// looked for. The buffers of two sockets hold as much, so that a server which
// answers without reading it stops nobody.
const shortRequest = 16 << 10

// isShort is false for a request that may take long to be written.
func isShort(r *http.Request) bool {
	size := bodyLength(r)
	if size < 0 || size > 0 && r.GetBody == nil { // not in memory
		return false
	}
	size += int64(len(r.URL.Path) + len(r.URL.RawQuery))
	for name, values := range r.Header {
		for _, v := range values {
			size += int64(len(name) + len(v) + 4)
		}
	}
	return size <= shortRequest
}

// lastWords is how long a server that has stopped reading may take to say why.
const lastWords = 500 * time.Millisecond

// serverConn is one connection to a server. One goroutine reads from it, so that
// its end is noticed when it comes; requests are written by those who send them,
// one exchange at a time.
type serverConn struct {
	net.Conn
	r     *bufio.Reader
	in    limitedConn // under r
	w     *bufio.Writer
	out   countingConn // under w
	tls   *tls.ConnectionState
	proxy *upstreamProxy // requests go to it in absolute form; nil if not
	wait  time.Duration  // for the answer's header

	// One exchange's; there is one at a time. Who gives up an exchange closes the
	// connection, so that nothing of it is taken for the next one's.
	requests chan *http.Request // what the next answer is to
	answers  chan answer
	bodyEnd  chan struct{} // the answer's body was read
	users    atomic.Int32  // of the lane: who writes the request, who reads the answer
	timer    *time.Timer
	awaited  atomic.Bool // the end of an answer is
	spent    atomic.Bool // no other exchange is to begin on it
	idle     time.Time   // since when, if no exchange runs; of the lane's holder

	once  sync.Once
	gone  chan struct{} // closed when the connection is of no more use
	err   error         // why; set before
	ended chan struct{} // closed when nothing reads from it any more
}

// answer is what the server said; interim is a 1xx, after which more comes.
type answer struct {
	response *http.Response
	interim  bool
}

var (
	errUnused    = errors.New("the connection was not used any more")
	errUnasked   = errors.New("the server sent what nobody had asked for")
	errClosing   = errors.New("the server ends the connection with its answer")
	errAbandoned = errors.New("the answer was not read to its end")
	errInterim   = fmt.Errorf("the server has sent %d interim answers (1xx) and no answer", maxInterim)
	errHeader    = fmt.Errorf("the header of the server's answer is longer than %d KiB", maxAnswerHeader>>10)
)

// unsentError is that of a request of which nothing has left this machine.
type unsentError struct{ error }

func (e *unsentError) Unwrap() error { return e.error }

// headerTimeout is the error of a server that does not answer.
type headerTimeout struct{ after time.Duration }

func (e headerTimeout) Error() string { return fmt.Sprintf("no answer came for %v", e.after) }
func (e headerTimeout) Timeout() bool { return true }
func (headerTimeout) Temporary() bool { return true }

func newServerConn(c net.Conn, wait time.Duration, proxy *upstreamProxy) *serverConn {
	s := &serverConn{
		Conn: c, wait: wait, proxy: proxy,
		requests: make(chan *http.Request, 1),
		answers:  make(chan answer, 1),
		bodyEnd:  make(chan struct{}, 1),
		timer:    time.NewTimer(time.Hour),
		gone:     make(chan struct{}),
		ended:    make(chan struct{}),
	}
	s.timer.Stop()
	s.in.Conn, s.out.Conn = c, c
	s.r, s.w = bufio.NewReader(&s.in), bufio.NewWriter(&s.out)
	if t, ok := c.(*tls.Conn); ok {
		state := t.ConnectionState()
		s.tls = &state
	}
	go s.read()
	return s
}

// alive is asked before the connection is used again.
func (c *serverConn) alive(idle time.Duration) bool {
	select {
	case <-c.gone:
		return false
	default:
	}
	if time.Since(c.idle) > idle {
		c.close(errUnused)
		return false
	}
	return true
}

func (c *serverConn) close(err error) {
	c.once.Do(func() {
		c.err = err
		close(c.gone)
		t, ok := c.Conn.(*tls.Conn)
		if ok && err != errUnused && err != errClosing && err != errSwitched {
			// The farewell of TLS would wait for a server that does not read.
			t.NetConn().Close()
			return
		}
		c.Conn.Close()
	})
}

// exchange sends r and waits for the header of the answer. When the connection
// is free again it releases l, which may be after it has returned.
func (c *serverConn) exchange(r *http.Request, l *lane) (*http.Response, error) {
	before := c.out.n.Load()
	c.awaited.Store(true)
	c.users.Store(2)
	c.requests <- r
	var writeErr error
	var writing chan error
	if isShort(r) {
		writeErr = c.write(r, l)
	} else {
		writing = make(chan error, 1)
		// It may go on after the answer, and then heeds no context: that of a proxy's
		// exchange ends as soon as the server has answered, which may be before the
		// last Write has returned.
		go func() { writing <- c.write(r, l) }()
	}
	resp, err := c.await(r, writing, writeErr)
	if err != nil {
		c.close(err)
		c.stopReading(l)
		if c.out.n.Load() == before {
			err = &unsentError{err}
		}
		return nil, err
	}
	switch body := resp.Body.(type) {
	case *answerBody:
		body.lane = l
		return resp, nil
	case *switchedBody:
		l.conn.Store(nil)
	}
	c.stopReading(l)
	return resp, nil
}

func (c *serverConn) write(r *http.Request, l *lane) error {
	err := c.send(r)
	if err != nil {
		c.spent.Store(true)
	}
	c.leave(l)
	return err
}

// stopReading says that no more of an answer is awaited.
func (c *serverConn) stopReading(l *lane) {
	c.awaited.Store(false)
	c.leave(l)
}

// leave is called by each of the two users of the lane.
func (c *serverConn) leave(l *lane) {
	if c.users.Add(-1) > 0 {
		return
	}
	if c.spent.Load() {
		c.close(errClosing)
	}
	c.idle = time.Now()
	l.release()
}

// await returns the answer to r. The writing of r has ended with writeErr, or
// writing tells when it ends.
func (c *serverConn) await(r *http.Request, writing <-chan error, writeErr error) (*http.Response, error) {
	defer c.timer.Stop()
	wait := func() {
		if writeErr == nil {
			c.timer.Reset(c.wait)
		} else {
			c.timer.Reset(lastWords)
		}
	}
	if writing == nil {
		wait()
	}
	for {
		select {
		case a := <-c.answers:
			if !a.interim {
				return a.response, c.refused(a.response)
			}
			tell1xx(r.Context(), a.response)
		case writeErr = <-writing:
			if broken, ok := errors.AsType[*bodyError](writeErr); ok {
				return nil, broken.error
			}
			writing = nil
			wait()
		case <-c.timer.C:
			return nil, cmp.Or[error](writeErr, headerTimeout{c.wait})
		case <-c.gone:
			if resp := c.lastAnswer(); resp != nil {
				return resp, c.refused(resp)
			}
			if writeErr == nil || isReset(writeErr) {
				return nil, c.err
			}
			return nil, writeErr
		case <-r.Context().Done():
			return nil, context.Cause(r.Context())
		}
	}
}

// lastAnswer is one that came before the connection's end; nil if there is none.
func (c *serverConn) lastAnswer() *http.Response {
	for {
		select {
		case a := <-c.answers:
			if !a.interim {
				return a.response
			}
		default:
			return nil
		}
	}
}

// refused is the error of a request that the proxy before the server has
// answered for want of credentials. They are umtape's to give, not the client's.
func (c *serverConn) refused(resp *http.Response) error {
	if c.proxy == nil || resp.StatusCode != http.StatusProxyAuthRequired {
		return nil
	}
	return &proxyRefusal{proxy: c.proxy, status: resp.StatusCode}
}

// tell1xx gives an interim answer to the client that waits for the final one.
func tell1xx(ctx context.Context, resp *http.Response) {
	if c := connOf(ctx); c != nil && c.current != nil {
		c.current.interim(resp)
	}
}

// read is the goroutine that reads.
func (c *serverConn) read() {
	defer close(c.ended)
	for {
		c.in.left = maxAnswerHeader
		_, err := c.r.Peek(1)
		var r *http.Request
		select {
		case r = <-c.requests:
		default:
			if err == nil {
				err = errUnasked
			}
		}
		if r == nil || err != nil {
			c.close(err)
			return
		}
		if !c.readAnswer(r) {
			return
		}
	}
}

// readAnswer is false when nothing more is to be read from the connection, which
// then is closed, or somebody else's.
func (c *serverConn) readAnswer(r *http.Request) bool {
	var resp *http.Response
	for interim := 0; ; interim++ {
		var err error
		if resp, err = http.ReadResponse(c.r, r); err != nil {
			if c.in.left == 0 {
				err = errHeader // it says what is wrong with the half line that was read
			}
			c.close(err)
			return false
		}
		if interim > maxInterim {
			c.close(errInterim)
			return false
		}
		resp.TLS = c.tls
		if resp.StatusCode < 100 || resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			break
		}
		if !c.deliver(answer{response: resp, interim: true}) {
			return false
		}
	}
	c.in.left = -1
	if resp.StatusCode == http.StatusSwitchingProtocols {
		resp.Body = &switchedBody{c}
		c.deliver(answer{response: resp})
		return false
	}
	closing, whole := resp.Close || r.Close, true
	if closing {
		c.spent.Store(true)
	}
	switch n := resp.ContentLength; {
	case resp.Body == http.NoBody:
	case 0 < n && n <= int64(c.r.Buffered()):
		// It all came with the header: the connection need not wait for its reader.
		b := make([]byte, n)
		if _, err := io.ReadFull(resp.Body, b); err != nil {
			c.close(err)
			return false
		}
		resp.Body = memoryBody{bytes.NewReader(b)}
	default:
		resp.Body = &answerBody{conn: c, from: resp.Body, closing: closing}
		whole = false
	}
	if whole && c.r.Buffered() > 0 { // more than was asked for
		closing = true
		c.spent.Store(true)
	}
	if !c.deliver(answer{response: resp}) || !whole && !c.bodyEnds(r.Context()) {
		return false
	}
	if closing {
		c.close(errClosing)
	}
	return !closing
}

// deliver is false when nobody is there to take the answer.
func (c *serverConn) deliver(a answer) bool {
	select {
	case c.answers <- a:
		return true
	case <-c.gone:
		return false
	}
}

// bodyEnds waits until the answer's body has been read. It is false if it will
// not be.
func (c *serverConn) bodyEnds(ctx context.Context) bool {
	select {
	case <-c.bodyEnd:
		return true
	case <-c.gone:
	case <-ctx.Done():
		select {
		case <-c.bodyEnd: // before, and the exchange has ended for this reason
			return true
		default:
			c.close(context.Cause(ctx))
		}
	}
	return false
}

// answerBody is a body that is read from the connection.
type answerBody struct {
	conn    *serverConn
	lane    *lane
	from    io.Reader
	closing bool // the connection ends with it
	once    sync.Once
}

func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	switch {
	case err == nil:
	case err != io.EOF:
		b.end(err)
	case b.closing:
		b.end(errClosing)
	case b.conn.r.Buffered() > 0:
		b.end(errUnasked)
	default:
		b.end(nil)
	}
	return n, err
}

// Awaited reports whether the next Read may have to wait for the server.
func (b *answerBody) Awaited() bool { return b.conn.r.Buffered() == 0 }

// Close ends the connection if the body was not read to its end: what follows
// cannot be told from the next answer.
func (b *answerBody) Close() error {
	b.end(errAbandoned)
	return nil
}

func (b *answerBody) end(err error) {
	b.once.Do(func() {
		if err != nil {
			b.conn.close(err)
		}
		b.conn.bodyEnd <- struct{}{}
		b.conn.stopReading(b.lane)
	})
}

// memoryBody is a body that was read already.
type memoryBody struct{ *bytes.Reader }

func (memoryBody) Close() error { return nil }

// switchedBody is the connection after 101.
type switchedBody struct{ *serverConn }

func (b *switchedBody) Read(p []byte) (int, error)  { return b.r.Read(p) }
func (b *switchedBody) Write(p []byte) (int, error) { return b.Conn.Write(p) }
func (b *switchedBody) CloseWrite() error           { return closeWrite(b.Conn) }
func (b *switchedBody) Close() error                { b.close(errSwitched); return nil }

var errSwitched = errors.New("the connection speaks another protocol now")

// limitedConn gives an error when more than left was read; there is no limit if
// left is negative.
type limitedConn struct {
	net.Conn
	left int
}

func (c *limitedConn) Read(p []byte) (int, error) {
	switch {
	case c.left < 0:
		return c.Conn.Read(p)
	case c.left == 0:
		return 0, errHeader
	case len(p) > c.left:
		p = p[:c.left]
	}
	n, err := c.Conn.Read(p)
	c.left -= n
	return n, err
}

// countingConn counts what was written.
type countingConn struct {
	net.Conn
	n atomic.Int64
}

func (c *countingConn) Write(p []byte) (int, error) {
	// Before, since what is sent may be answered before Write returns.
	c.n.Add(int64(len(p)))
	n, err := c.Conn.Write(p)
	c.n.Add(int64(n - len(p)))
	return n, err
}
