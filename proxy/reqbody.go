package proxy

import (
	"cmp"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	settleBytes    = 256 << 10              // of a body nobody wanted; more is not worth the connection
	settleTime     = 2 * time.Second        // for the client to send them; for the next part, if the transport reads them
	transportStart = 100 * time.Millisecond // for a transport that wants it to say so
	lingerTime     = 500 * time.Millisecond // for the client to read its answer before the connection is cut
)

// requestBody is the client's body. An answer may come before its end, and then
// two things must not happen: that the rest is taken for the next request, and
// that the transport reads it while net/http reads the connection on.
type requestBody struct {
	body io.Reader       // net/http's, whose Close is left to net/http
	conn net.Conn        // what it comes by
	idle time.Duration   // the longest wait for the next part of it
	rate int             // bytes a second that it must come at, once idle has been waited for in all
	over <-chan struct{} // closed when nobody is there any more to send it

	bytes atomic.Int64 // read so far

	reading sync.Mutex // held while body is read from

	mu    sync.Mutex    // guards what follows
	asked bool          // somebody wanted it
	waits time.Duration // for the client, all together
	taken bool          // from the transport: it has closed the body, or the exchange ends
	until time.Time     // no read lasts longer; zero for no such time
	each  time.Duration // no longer than this for each part, once the answer is written; zero before
	err   error         // how the body ended, io.EOF if well; nil if it has not
	whole bool          // the transport has read it to its end

	first gate // opens when somebody has wanted it
	left  gate // opens when the transport will not read again
}

// gate is something that may happen once. A requestBody has two, and mostly nobody
// waits at them. Its methods need requestBody.mu.
type gate struct {
	passed bool
	opened chan struct{} // nil until somebody waits
}

func (g *gate) open() {
	if g.opened != nil && !g.passed {
		close(g.opened)
	}
	g.passed = true
}

// wait returns what is closed when the gate is open.
func (g *gate) wait() <-chan struct{} {
	if g.opened == nil {
		if g.opened = make(chan struct{}); g.passed {
			close(g.opened)
		}
	}
	return g.opened
}

func newRequestBody(body io.Reader, conn net.Conn, limits Limits, over <-chan struct{}) *requestBody {
	return &requestBody{body: body, conn: conn, idle: limits.BodyIdle, rate: limits.BodyRate, over: over}
}

func (b *requestBody) Read(p []byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	return b.read(p, false)
}

// read needs b.reading. It is settle that may still read what is taken from the
// transport.
func (b *requestBody) read(p []byte, settling bool) (int, error) {
	b.mu.Lock()
	switch {
	case b.whole: // also for a transport that asks once more when it is taken already
		b.mu.Unlock()
		return 0, io.EOF
	case b.taken && !settling:
		b.mu.Unlock()
		return 0, http.ErrBodyReadAfterClose
	case b.err != nil:
		defer b.mu.Unlock()
		return 0, b.err
	}
	if !b.asked {
		b.asked = true
		b.first.open()
	}
	began := time.Now()
	b.conn.SetReadDeadline(b.deadline(began))
	b.mu.Unlock()
	n, err := b.body.Read(p)
	b.bytes.Add(int64(n))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waits += time.Since(began)
	if err == nil {
		return n, nil
	}
	b.err, b.whole = err, err == io.EOF && !settling
	// From its end on net/http waits for the client to go away, without limit.
	b.conn.SetReadDeadline(time.Time{})
	b.left.open()
	return n, err
}

// deadline is that of a read which begins now. A client that sends a byte now and
// then keeps to idle for ever, but not to rate. Time that the server took does not
// count.
func (b *requestBody) deadline(now time.Time) time.Time {
	d := now.Add(cmp.Or(b.each, b.idle))
	// In whole seconds, which no body is long enough to overflow.
	if slow := now.Add(b.idle - b.waits + time.Duration(b.bytes.Load()/int64(b.rate))*time.Second); slow.Before(d) {
		d = slow
	}
	if !b.until.IsZero() && b.until.Before(d) {
		return b.until
	}
	return d
}

// Close does not wait for a Read that waits for the client.
func (b *requestBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken = true
	b.left.open()
	return nil
}

// broken is the client's fault for which the body ended before its end; nil if
// it did not.
func (b *requestBody) broken() error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == io.EOF {
		return nil
	}
	return b.err
}

// brokenOff is broken once whoever reads the body has noted what happened: a read
// that fails ends the request's context first. It is not to be called before that
// has ended, which ends the read that is under way too.
func (b *requestBody) brokenOff() error {
	if b == nil {
		return nil
	}
	b.reading.Lock()
	defer b.reading.Unlock()
	return b.broken()
}

// settle is called when the answer is written. It returns when nobody can read
// the body any more; it is false if the next byte of the connection is not the
// next request's, so that the connection must not be used again.
func (b *requestBody) settle(expects bool, endAnswer func()) bool {
	b.mu.Lock()
	asked, ended := b.asked, b.err
	if ended == nil {
		b.each = settleTime
		// The client that was never told to go on may send its body or not, and
		// net/http closes its connection; this is how long it tries to drain it.
		if expects && !asked {
			b.taken = true
			b.until = time.Now().Add(lingerTime)
		}
		b.conn.SetReadDeadline(b.deadline(time.Now()))
	}
	b.mu.Unlock()
	if ended == io.EOF || ended == nil && expects && !asked {
		return true
	}
	endAnswer()
	if ended == nil && b.willBeRead() {
		b.awaitTransport()
	}
	b.Close()
	b.mu.Lock()
	b.until = time.Now().Add(settleTime)
	b.mu.Unlock()
	b.reading.Lock()
	defer b.reading.Unlock()
	buffer := copyBuffers.Get().(*copyBuffer)
	defer copyBuffers.Put(buffer)
	var err error
	for n, total := 0, 0; err == nil && total < settleBytes; total += n {
		n, err = b.read(buffer[:], true)
	}
	return err == io.EOF
}

// willBeRead reports whether the transport reads the body or is about to. A server
// may answer before it has begun, and one that does not want it need not say so.
func (b *requestBody) willBeRead() bool {
	b.mu.Lock()
	first, left := b.first.wait(), b.left.wait()
	b.mu.Unlock()
	select {
	case <-first:
		return true
	default:
	}
	select {
	case <-first:
		return true
	case <-left:
	case <-b.over:
	case <-time.After(transportStart):
	}
	return false
}

// awaitTransport returns when the transport will not read again. One that sends
// the rest on may take as long as client and server do: its connection is of use
// for the next request only when the server has it all, and without that
// connection an NTLM handshake could not go on.
func (b *requestBody) awaitTransport() {
	b.mu.Lock()
	left := b.left.wait()
	b.mu.Unlock()
	for before := int64(-1); before != b.bytes.Load(); {
		before = b.bytes.Load()
		select {
		case <-left:
			return
		case <-b.over:
			return
		case <-time.After(b.idle):
		}
	}
}

// cut ends all reading at once, before the connection is closed.
func (b *requestBody) cut() {
	b.Close()
	b.mu.Lock()
	b.until = time.Now()
	b.conn.SetReadDeadline(b.until)
	b.mu.Unlock()
	b.reading.Lock() // wait for the reader
	defer b.reading.Unlock()
	b.conn.SetReadDeadline(b.until) // it may have lifted it; net/http is not to wait either
}

// linger lets the client read its answer although it may still be sending: a
// connection closed with bytes unread is reset, and the answer lost with it.
func linger(c *clientConn) {
	c.CloseWrite()
	c.SetReadDeadline(time.Now().Add(lingerTime))
	io.Copy(io.Discard, struct{ io.Reader }{c.Conn})
}

// bodyFault says what is wrong with the client's body. It does not quote err,
// which may quote the body.
func bodyFault(err error) (status int, text string) {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout, "the request's body did not come in time: send it faster and without long pauses"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return http.StatusBadRequest, "the request's body broke off: it is shorter than its header says, or its last chunk is missing"
	}
	return http.StatusBadRequest, "the request's body is damaged: its chunks are not as HTTP wants them"
}
