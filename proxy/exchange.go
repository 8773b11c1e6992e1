package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/elazarl/goproxy"
)

// exchange is one request and its response on their way through. To goproxy it
// is the http.ResponseWriter and the RoundTripper.
type exchange struct {
	http.ResponseWriter
	conn  *clientConn
	began time.Time

	// Of the request, kept because the headers change on the way.
	request *http.Request // as routed; goproxy gets a copy
	body    *requestBody  // nil if there is none, nobody to read it, or it came whole
	cancel  context.CancelFunc
	way     Way
	action  bool   // it had a SOAPAction
	upgrade string // protocol the client asks to switch to; "" for none

	// Of the response.
	response  *http.Response // nil for an answer of ours; its trailer is filled by its body
	ours      bool           // made here, not by the transport: net/http may add to it
	line      *statusLine    // what the server wrote, if net/http would write another
	length    []string       // Content-Length as it came; nil if there was none
	status    int            // 0 until the header is written
	bytes     int64          // body bytes given to the client
	bodyErr   error          // why the body ended before its end
	clientErr error          // why the client could not be written to
	switched  bool           // 101: the connection is no longer HTTP
	aborted   bool           // the transport cut it

	// For tell, see Exchange.
	asking        bool    // refused to have the client say who it is
	outcome       Outcome // "" until something has gone wrong
	reason, stack string
	note          any
}

// serve is the http.Handler: every request, of every way in, starts here.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	conn := connOf(r.Context())
	conn.unheard.Store(false)
	if !conn.enter() {
		panic(http.ErrAbortHandler)
	}
	defer conn.leave()
	x := &exchange{ResponseWriter: w, conn: conn, began: time.Now(), request: r, way: s.way(conn, r), action: r.Header["Soapaction"] != nil}
	if r.Method == http.MethodConnect {
		s.connect(conn, x)
		return
	}
	conn.current = x
	defer func() { conn.current = nil }()
	defer x.finish()
	refused := s.admits(conn, r)
	if refused == nil {
		refused = s.route(conn, r)
	}
	if refused != nil {
		x.refuse(refused)
		return
	}
	_, whole := r.Body.(memoryBody)
	if !whole {
		// A server may answer, with 401 for one, before it has read a large body.
		// Without this net/http would swallow the rest of the body instead of leaving
		// it to the transport, and the upstream connection would be lost for NTLM.
		http.NewResponseController(w).EnableFullDuplex()
	}
	ctx, cancel := context.WithCancel(r.Context())
	x.cancel = cancel
	if r.ContentLength < 0 && r.Trailer == nil {
		r.Trailer = http.Header{} // for those that were not announced, in every copy of r
	}
	// A copy, because net/http looks at the body of r again when it is done.
	forward := r.WithContext(ctx)
	if r.Body != http.NoBody && !whole {
		x.body = newRequestBody(r.Body, conn, s.config.Limits, r.Context().Done())
		forward.Body = x.body
	}
	s.goproxy.ServeHTTP(x, forward)
}

// prepare makes r fit for the server. It is the last request handler.
func (x *exchange) prepare(r *http.Request) {
	x.upgrade = cleanRequest(r.Header)
	r.Close = false   // the client's wish for its own connection
	r.RequestURI = "" // of requests that are received
}

var errPanic = errors.New("umtape has a fault of its own; its log says more")

// RoundTrip asks the connection's transport, after goproxy has had its way with
// the headers.
func (x *exchange) RoundTrip(r *http.Request, _ *goproxy.ProxyCtx) (resp *http.Response, err error) {
	defer func() {
		if p := recover(); p != nil {
			if isAbort(p) {
				panic(p)
			}
			x.panicked(p)
			resp, err = nil, errPanic
		}
	}()
	if x.upgrade != "" {
		r.Header["Connection"] = []string{"Upgrade"}
	}
	t, err := x.conn.roundTripper()
	if err != nil {
		return nil, err
	}
	resp, err = t.RoundTrip(r)
	if resp == nil && err == nil {
		err = errors.New("the transport gave neither an answer nor an error")
	}
	if resp != nil && resp.Body == nil {
		resp.Body = http.NoBody // goproxy closes it unseen
	}
	return resp, err
}

// answer says what the client gets: resp as it came, or our own answer if there
// is none.
func (x *exchange) answer(resp *http.Response, err error) *http.Response {
	switch {
	case resp == nil:
		return x.fail(err)
	case resp.StatusCode == http.StatusSwitchingProtocols:
		return x.switchProtocols(resp)
	case resp.StatusCode < 200 || resp.StatusCode > 999:
		resp.Body.Close()
		return x.fail(fmt.Errorf("the server's answer has the status %d, which none has", resp.StatusCode))
	}
	// Here already, because goproxy takes "Connection: Upgrade" with any status
	// for a switch of protocols.
	if resp.Header == nil {
		resp.Header = http.Header{}
	}
	cleanResponse(resp.Header, resp.StatusCode)
	x.promiseSession(resp.Header, resp.StatusCode)
	x.length = resp.Header["Content-Length"]
	if x.length == nil && resp.ContentLength > 0 {
		x.length = []string{strconv.FormatInt(resp.ContentLength, 10)}
	}
	x.line, x.response = ownStatusLine(resp), resp
	resp.Body = &responseBody{ReadCloser: resp.Body, x: x, length: resp.ContentLength}
	return resp
}

// WriteHeader writes what the server sent and nothing else; goproxy calls it with
// the header of answer's response.
func (x *exchange) WriteHeader(status int) {
	if x.switched {
		return
	}
	h := x.Header()
	if !x.ours {
		bare(h) // goproxy does not copy a nil value
	} else if x.body.broken() != nil {
		h["Connection"] = []string{"close"}
	}
	if x.length != nil {
		h["Content-Length"] = x.length // goproxy drops it with every body it does not know
	}
	x.status = status
	x.renewWrite()
	x.conn.status.Store(x.line)
	x.ResponseWriter.WriteHeader(status)
}

// interim passes a 1xx answer on (RFC 9110 §15.2). 100 has been said here
// already, and an older client would take any for the answer.
func (x *exchange) interim(resp *http.Response) {
	if resp.StatusCode == http.StatusContinue || !x.request.ProtoAtLeast(1, 1) || x.status != 0 {
		return
	}
	h := x.Header()
	for name, values := range resp.Header {
		h[name] = values
	}
	cleanHop(h)
	x.renewWrite()
	x.conn.status.Store(ownStatusLine(resp))
	x.ResponseWriter.WriteHeader(resp.StatusCode)
	clear(h)
}

// renewWrite gives the client its time to take the next part of the answer;
// net/http lifts the limit after the exchange.
func (x *exchange) renewWrite() {
	x.conn.SetWriteDeadline(time.Now().Add(x.conn.server.config.Limits.BodyIdle))
}

// Unwrap lets http.ResponseController find Flush.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

func (x *exchange) flush() { http.NewResponseController(x.ResponseWriter).Flush() }

// responseBody passes an answer's body on as it arrives and notes how it ended.
type responseBody struct {
	io.ReadCloser
	x      *exchange
	length int64 // -1 if unknown
}

type copyBuffer [32 << 10]byte

var copyBuffers = sync.Pool{New: func() any { return new(copyBuffer) }}

// WriteTo is what io.Copy calls. A body that is complete after a write is left
// to net/http's buffer, where it joins the header.
func (b *responseBody) WriteTo(w io.Writer) (int64, error) {
	x := b.x
	if a, ok := b.ReadCloser.(interface{ Awaited() bool }); b.length < 0 || ok && a.Awaited() {
		x.flush() // the client is to know what is known
	}
	atHand := b.atHand()
	if held, ok := b.ReadCloser.(io.WriterTo); atHand && ok {
		return b.writeAtOnce(held, w)
	}
	buffer := copyBuffers.Get().(*copyBuffer)
	defer copyBuffers.Put(buffer)
	idle := x.conn.server.config.Limits.BodyIdle
	var stalled atomic.Bool
	var alarm *time.Timer
	if !atHand {
		alarm = time.AfterFunc(idle, func() { stalled.Store(true); x.cancel() })
		defer alarm.Stop()
	}
	for {
		if !atHand {
			alarm.Reset(idle)
		}
		n, err := b.Read(buffer[:])
		if !atHand {
			alarm.Stop() // waiting for the client is another matter
			x.renewWrite()
		}
		if err != nil && err != io.EOF && stalled.Load() {
			err = fmt.Errorf("nothing more came for %v", idle)
		}
		if n > 0 {
			if _, werr := w.Write(buffer[:n]); werr != nil {
				x.notWritten(werr)
				return x.bytes, werr
			}
			x.bytes += int64(n)
			if err == nil && (b.length < 0 || x.bytes < b.length) {
				x.flush()
			}
		}
		if err == io.EOF {
			return x.bytes, nil
		}
		if err != nil {
			x.bodyErr = err
			return x.bytes, err
		}
	}
}

// atHand reports whether the body is in memory and short: there is no server to
// wait for, and one write gives it to the client.
func (b *responseBody) atHand() bool {
	held, ok := b.ReadCloser.(interface{ Len() int })
	return ok && int64(held.Len()) == b.length && b.length <= int64(len(copyBuffer{}))
}

// writeAtOnce is WriteTo for such a body if nothing happens when it is read;
// WriteHeader has just given the client its time.
func (b *responseBody) writeAtOnce(held io.WriterTo, w io.Writer) (int64, error) {
	x := b.x
	if w == io.Writer(x) {
		w = x.ResponseWriter // which takes a string as it is
	}
	n, err := held.WriteTo(w)
	x.bytes += n
	if err != nil {
		x.notWritten(err)
	}
	return n, err
}

// notWritten notes why net/http did not take a part of the body.
func (x *exchange) notWritten(err error) {
	switch {
	case errors.Is(err, http.ErrContentLength):
		x.bodyErr = errors.New("the body is longer than its Content-Length")
	case !errors.Is(err, http.ErrBodyNotAllowed): // an answer to HEAD that came with a body
		x.clientErr = err
	}
}

// finish ends the exchange: it tells of it, answers a panic, and cuts the connection
// if the client would otherwise take a part of a body for the whole, or we the
// rest of its body for the next request.
func (x *exchange) finish() {
	p := recover()
	if x.cancel != nil {
		defer x.cancel()
	}
	if p != nil {
		if x.aborted = isAbort(p); !x.aborted {
			x.panicked(p)
		}
		if x.aborted || x.status != 0 {
			x.tell()
			x.abort()
		}
		x.write(x.fault(http.StatusInternalServerError, errPanic.Error()))
	}
	x.tell()
	switch {
	case x.switched:
	case x.bodyErr != nil:
		x.flush() // what there was of it
		if !x.request.ProtoAtLeast(1, 1) && x.length == nil {
			// Only the end of the connection says that the body is whole, so this
			// must be no proper one.
			reset(x.conn)
		}
		x.abort()
	case x.body != nil && !x.body.settle(x.expects(), x.endAnswer):
		linger(x.conn)
		x.abort()
	}
}

// abort ends the handler and the client's connection.
func (x *exchange) abort() {
	if x.body != nil {
		x.body.cut()
	}
	panic(http.ErrAbortHandler)
}

// expects reports whether net/http holds the client's body back until it is
// asked for.
func (x *exchange) expects() bool {
	return x.request.ProtoAtLeast(1, 1) && hasToken(x.request.Header["Expect"], "100-continue")
}

const lastChunk = "0\r\n\r\n"

// endAnswer sends all of the answer, for a client that sends the rest of its
// request only then. net/http writes the last chunk not before the handler
// returns, which must wait for that rest. An answer with a trailer has to wait.
func (x *exchange) endAnswer() {
	x.flush()
	h := x.Header()
	chunked := h["Content-Length"] == nil && x.request.ProtoAtLeast(1, 1) && x.request.Method != http.MethodHead &&
		x.status != http.StatusNoContent && x.status != http.StatusNotModified
	if chunked && (x.response == nil || len(x.response.Trailer) == 0) {
		io.WriteString(x.conn, lastChunk)
		x.conn.chunksEnded = true
	}
}
