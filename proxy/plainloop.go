package proxy

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

const (
	// plainBuffer is how much is read from a client at once, in bytes.
	plainBuffer = 4 << 10

	// restTime is how long the rest of a request is waited for: many clients send
	// its body after its header. What takes longer is left to net/http.
	restTime = 50 * time.Millisecond

	// goneAfter is how long an exchange takes until somebody looks whether the client
	// is still there. Most are over by then.
	goneAfter = 20 * time.Millisecond
)

// plainLoop serves one client connection as long as its requests are plain, as
// net/http would, with less: such a request is there as a whole, so nobody has to
// read from the connection while it is answered, and no other goroutine takes part.
// With the first request that is not plain the connection becomes net/http's.
type plainLoop struct {
	conn   *clientConn
	ctx    context.Context // of the connection's requests; ends when the client is gone
	cancel context.CancelFunc
	remote string        // address of the client
	buf    []byte        // read and not served yet
	head   []byte        // the last one that was
	parsed *http.Request // from it; not to be changed
	writer plainWriter
	watch  watch
}

// beginPlain is false when the server is closing. Otherwise it is for Server.plain to
// be told of the end of the exchange.
func (s *Server) beginPlain() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.plain.Add(1)
	return true
}

// endPlain waits for the exchanges of plainLoops, or for the end of ctx.
func (s *Server) endPlain(ctx context.Context) error {
	ended := make(chan struct{})
	go func() { s.plain.Wait(); close(ended) }()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// attend serves a connection of which the first byte has come and which its caller
// has entered.
func (s *Server) attend(c *clientConn) {
	defer c.leave()
	p := newPlainLoop(c)
	defer p.cancel()
	defer p.watch.late.Stop()
	defer p.survive()
	if !p.serve() || !c.leaves(http.StateNew) {
		c.Close()
		return
	}
	c.SetDeadline(time.Time{})
	c.Conn = &sniffedConn{Conn: c.Conn, ahead: p.buf}
	c.state.Store(int32(http.StateNew))
	if !s.queue.put(c) {
		c.Close()
	}
}

// survive has a panic end its connection and no other, as net/http does.
func (p *plainLoop) survive() {
	switch why := recover(); {
	case why == nil:
		return
	case !isAbort(why):
		p.conn.server.http.ErrorLog.Printf("panic serving %s: %v\n%s", p.remote, why, debug.Stack())
	}
	p.conn.Close()
}

func newPlainLoop(c *clientConn) *plainLoop {
	p := &plainLoop{conn: c, remote: c.RemoteAddr().String(), buf: make([]byte, 0, plainBuffer)}
	p.ctx, p.cancel = context.WithCancel(context.WithValue(c.server.ctx, connKey{}, c))
	p.writer.conn = c
	p.watch.init(c, p.cancel)
	return p
}

// serve returns when the connection has ended or, with true, when what begins in
// p.buf is not plain.
func (p *plainLoop) serve() (left bool) {
	limits := p.conn.server.config.Limits
	p.conn.SetReadDeadline(time.Now().Add(limits.ReadHeader)) // as net/http has it for the first request
	spare := 0                                                // so much of empty lines is dropped, as in net/http
	for {
		for spare > 0 && len(p.buf) > 0 && (p.buf[0] == '\r' || p.buf[0] == '\n') {
			p.drop(1)
			spare--
		}
		if len(p.buf) == 0 {
			if p.read() != nil {
				return false
			}
			continue
		}
		r, size := p.next()
		if r == nil {
			return true
		}
		if !p.exchange(r, size) {
			return false
		}
		p.conn.SetReadDeadline(time.Now().Add(limits.Idle))
		if spare = 0; r.Method == http.MethodPost { // of old clients, after a body
			spare = 4
		}
	}
}

// next returns the request that p.buf begins with and its length in bytes, nil if it
// is not plain, or not there in time.
func (p *plainLoop) next() (r *http.Request, size int) {
	for waited := false; ; waited = true {
		if end := bytes.Index(p.buf, headerEnd); r == nil && end >= 0 {
			head := end + len(headerEnd)
			if r = p.plainRequest(p.buf[:head]); r == nil {
				return nil, 0
			}
			size = head + int(r.ContentLength)
		}
		switch {
		case r != nil && size <= len(p.buf):
			return r, size
		case r == nil && (len(p.buf) > maxPlainHeader || bytes.HasPrefix(p.buf, []byte("CONNECT "))):
			return nil, 0
		case !waited:
			p.conn.SetReadDeadline(time.Now().Add(restTime))
		}
		if p.read() != nil {
			return nil, 0
		}
	}
}

// read reads more into p.buf.
func (p *plainLoop) read() error {
	if len(p.buf) == cap(p.buf) {
		p.buf = slices.Grow(p.buf, cap(p.buf))
	}
	n, err := p.conn.Conn.Read(p.buf[len(p.buf):cap(p.buf)])
	p.buf = p.buf[:len(p.buf)+n]
	if n > 0 {
		return nil
	}
	return err
}

// drop drops the first n bytes of p.buf, and the room that only a long request takes.
func (p *plainLoop) drop(n int) {
	rest := p.buf[n:]
	if cap(p.buf) > 2*plainBuffer && len(rest) <= plainBuffer {
		p.buf = make([]byte, 0, plainBuffer)
	}
	p.buf = append(p.buf[:0], rest...)
}

// exchange answers a request, the first size bytes of p.buf. It is false if no other
// request can follow.
func (p *plainLoop) exchange(r *http.Request, size int) bool {
	c := p.conn
	if !c.leaves(http.StateActive) || !c.server.beginPlain() {
		return false
	}
	defer c.server.plain.Done()
	if n := int(r.ContentLength); n > 0 {
		r.Body = memoryBody{bytes.NewReader(bytes.Clone(p.buf[size-n : size]))} // whoever gets it may keep it
	} else {
		r.Body = http.NoBody
	}
	p.drop(size)
	p.watch.begin()
	p.writer.start(r.Method)
	c.server.serve(&p.writer, r)
	ok := p.writer.end()
	ahead, err := p.watch.end()
	if err != nil || !ok {
		return false
	}
	p.buf = append(p.buf, ahead...)
	c.SetWriteDeadline(time.Time{}) // see exchange.renewWrite
	c.changed(http.StateIdle)
	return true
}

// watch notices when a client goes away that waits for an answer, and keeps what it
// sends meanwhile.
type watch struct {
	conn *clientConn
	gone func()
	late *time.Timer

	mu      sync.Mutex // guards what follows
	running bool       // an exchange is
	set     bool       // late is
	ended   chan error // how the reading of ahead has ended; nil if it has not begun
	ahead   [1]byte    // what the client has sent
}

func (w *watch) init(c *clientConn, gone func()) {
	w.conn, w.gone = c, gone
	w.late = time.AfterFunc(time.Hour, w.look)
	w.late.Stop()
}

func (w *watch) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = true
	if !w.set { // which costs more than an exchange has to
		w.set = true
		w.late.Reset(goneAfter)
	}
}

// look is called when the exchange may have taken long.
func (w *watch) look() {
	w.mu.Lock()
	w.set = false
	if !w.running || w.ended != nil {
		w.mu.Unlock()
		return
	}
	ended := make(chan error, 1)
	w.ended = ended
	w.conn.SetReadDeadline(time.Time{})
	w.mu.Unlock()
	_, err := w.conn.Conn.Read(w.ahead[:])
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		w.gone()
	}
	ended <- err
}

// end returns what the client has sent since begin, and why there can be no more.
func (w *watch) end() (ahead []byte, err error) {
	w.mu.Lock()
	ended := w.ended
	w.running, w.ended = false, nil
	w.mu.Unlock()
	if ended == nil {
		return nil, nil
	}
	w.conn.SetReadDeadline(time.Unix(1, 0)) // ends the read
	switch err := <-ended; {
	case err == nil:
		return w.ahead[:], nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, nil
	default:
		return nil, err
	}
}
