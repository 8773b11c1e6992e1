package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// scripted is a server that lets a test play each connection by hand.
type scripted struct {
	url   string
	conns chan *scriptedConn
	made  atomic.Int32
}

type scriptedConn struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func newScripted(t testing.TB) *scripted {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &scripted{url: "http://" + ln.Addr().String(), conns: make(chan *scriptedConn, 64)}
	var all []net.Conn
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			s.made.Add(1)
			c.SetDeadline(time.Now().Add(patience))
			all = append(all, c)
			s.conns <- &scriptedConn{c, t, bufio.NewReader(c)}
		}
	}()
	t.Cleanup(func() {
		ln.Close()
		<-done
		for _, c := range all {
			c.Close()
		}
	})
	return s
}

// expect reads a request and its body and checks how it begins.
func (c *scriptedConn) expect(line string) string {
	c.t.Helper()
	r, err := http.ReadRequest(c.r)
	if err != nil {
		c.t.Errorf("no request came: %v", err)
		return ""
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Errorf("the request's body: %v", err)
	}
	if got := r.Method + " " + r.RequestURI; got != line {
		c.t.Errorf("the server received %q, want %q", got, line)
	}
	return string(b)
}

func (c *scriptedConn) say(answer string) { io.WriteString(c, answer) }

// pinned is a transport as a client connection has one.
func pinned(t testing.TB, c UpstreamConfig) *Transport {
	t.Helper()
	u, err := NewUpstream(c)
	if err != nil {
		t.Fatal(err)
	}
	tr := u.Transport()
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func request(t testing.TB, method, url, text string) *http.Request {
	t.Helper()
	var b io.Reader
	if text != "" {
		b = strings.NewReader(text)
	}
	r, err := http.NewRequestWithContext(deadline(t), method, url, b)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// streamed is r with a body that is not known to be in memory.
func streamed(r *http.Request) *http.Request {
	r.GetBody = nil
	return r
}

type answered struct {
	status int
	text   string
	err    error
}

// ask sends r in the background and reads the answer to its end.
func (t *Transport) ask(r *http.Request) <-chan answered {
	c := make(chan answered, 1)
	go func() {
		resp, err := t.RoundTrip(r)
		if err != nil {
			c <- answered{err: err}
			return
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		c <- answered{resp.StatusCode, string(b), err}
	}()
	return c
}

func wantAnswer(t testing.TB, c <-chan answered, status int, text string) {
	t.Helper()
	if got := next(t, c); got != (answered{status, text, nil}) {
		t.Errorf("got %+v, want %d %q", got, status, text)
	}
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// An answer that comes before the request's body costs nothing: the rest of the
// body follows, however late, and the connection with its identity lives on.
// With http.Transport it ends 50 ms after such an answer.
func TestEarlyAnswerKeepsTheConnection(t *testing.T) {
	for _, length := range []int64{6, -1} {
		s := newScripted(t)
		tr := pinned(t, UpstreamConfig{})
		late, rest := io.Pipe()
		r := request(t, "POST", s.url+"/early", "")
		r.Body, r.ContentLength = late, length
		first := tr.ask(r)
		c := next(t, s.conns)
		early, err := http.ReadRequest(c.r)
		if err != nil {
			t.Fatal(err)
		}
		c.say("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
		wantAnswer(t, first, 401, "")
		second := tr.ask(request(t, "POST", s.url+"/second", "<b/>")) // waits for the first's body
		io.WriteString(rest, "<a>")
		time.AfterFunc(150*time.Millisecond, func() { io.WriteString(rest, "<b>"); rest.Close() })
		if got, err := io.ReadAll(early.Body); string(got) != "<a><b>" {
			t.Errorf("the server received %q, %v", got, err)
		}
		if got := c.expect("POST /second"); got != "<b/>" {
			t.Errorf("the server received %q", got)
		}
		c.say(ok)
		wantAnswer(t, second, 200, "ok")
		if n := s.made.Load(); n != 1 {
			t.Errorf("%d connections, want 1", n)
		}
	}
}

// The exchange's context ends as soon as its answer was read, and that ends
// nothing else.
func TestConnectionOutlivesTheContextOfItsExchange(t *testing.T) {
	for _, text := range []string{"ok", strings.Repeat("x", 64<<10)} { // read with the header, and not
		up := newScripted(t)
		tr := pinned(t, UpstreamConfig{})
		go func() {
			c := <-up.conns
			for {
				if _, err := http.ReadRequest(c.r); err != nil {
					return
				}
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
			}
		}()
		for range 200 {
			ctx, cancel := context.WithCancel(deadline(t))
			resp, err := tr.RoundTrip(request(t, "GET", up.url+"/", "").WithContext(ctx))
			if got := body(t, resp, err); got != text {
				t.Fatalf("got %d bytes", len(got))
			}
			cancel()
		}
		if n := up.made.Load(); n != 1 {
			t.Errorf("%d connections, want 1", n)
		}
	}
}

func TestServerThatEndsAnIdleConnection(t *testing.T) {
	s := newScripted(t)
	tr := pinned(t, UpstreamConfig{})
	first := tr.ask(request(t, "POST", s.url+"/1", "<a/>"))
	c := next(t, s.conns)
	c.expect("POST /1")
	c.say(ok)
	wantAnswer(t, first, 200, "ok")
	c.Close()
	next(t, tr.lanes[0].conn.Load().gone)
	second := tr.ask(request(t, "POST", s.url+"/2", "<a/>"))
	c = next(t, s.conns)
	c.expect("POST /2")
	c.say(ok)
	wantAnswer(t, second, 200, "ok")
}

// A Disconnect that may have arrived is never sent twice; a question may be.
func TestWhatIsSentAgain(t *testing.T) {
	for _, tt := range []struct {
		method, text string
		again        bool
	}{{"POST", "<Disconnect/>", false}, {"GET", "", true}, {"HEAD", "", true}, {"DELETE", "", false}, {"PUT", "x", false}} {
		t.Run(tt.method, func(t *testing.T) {
			s := newScripted(t)
			tr := pinned(t, UpstreamConfig{})
			first := tr.ask(request(t, "GET", s.url+"/1", ""))
			c := next(t, s.conns)
			c.expect("GET /1")
			c.say(ok)
			wantAnswer(t, first, 200, "ok")
			second := tr.ask(request(t, tt.method, s.url+"/2", tt.text))
			c.expect(tt.method + " /2")
			c.Close()
			if !tt.again {
				if got := next(t, second); got.err == nil || !isReset(got.err) {
					t.Errorf("got %+v, want the error of a connection that ended", got)
				}
				if n := s.made.Load(); n != 1 {
					t.Errorf("%d connections, want 1", n)
				}
				return
			}
			c = next(t, s.conns)
			c.expect(tt.method + " /2")
			c.say("HTTP/1.1 204 No Content\r\n\r\n")
			wantAnswer(t, second, 204, "")
		})
	}
}

// What has not left this machine may go again, whatever it is, if it is still
// there to be sent.
func TestWhatWasNotSentMayBeSent(t *testing.T) {
	unsent := &unsentError{net.ErrClosed}
	for _, tt := range []struct {
		name string
		r    *http.Request
		err  error
		want bool
	}{
		{"unsent", request(t, "POST", "http://h/", "<a/>"), unsent, true},
		{"unsent_without_body", request(t, "POST", "http://h/", ""), unsent, true},
		{"unsent_and_read", streamed(request(t, "POST", "http://h/", "<a/>")), unsent, false},
		{"sent", request(t, "POST", "http://h/", "<a/>"), io.EOF, false},
		{"question", request(t, "GET", "http://h/", ""), io.EOF, true},
		{"question_not_answered_in_time", request(t, "GET", "http://h/", ""), headerTimeout{}, false},
	} {
		again, ok := sendable(tt.r, tt.err)
		if ok != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, ok, tt.want)
		}
		if ok && tt.r.GetBody != nil {
			if b, err := io.ReadAll(again.Body); string(b) != "<a/>" || err != nil {
				t.Errorf("%s: the body to be sent is %q, %v", tt.name, b, err)
			}
		}
	}
}

// What a server says unasked is nobody's answer.
func TestUnaskedBytesAreNotAnAnswer(t *testing.T) {
	for name, answer := range map[string]string{
		"later":     ok,
		"too_long":  ok + "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad",
		"long_body": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokbad",
	} {
		s := newScripted(t)
		tr := pinned(t, UpstreamConfig{})
		first := tr.ask(request(t, "GET", s.url+"/1", ""))
		c := next(t, s.conns)
		c.expect("GET /1")
		c.say(answer)
		wantAnswer(t, first, 200, "ok")
		if name == "later" {
			c.say("HTTP/1.1 408 Request Timeout\r\nContent-Length: 3\r\n\r\nbad")
		}
		next(t, tr.lanes[0].conn.Load().gone)
		second := tr.ask(request(t, "GET", s.url+"/2", ""))
		c = next(t, s.conns)
		c.expect("GET /2")
		c.say(ok)
		wantAnswer(t, second, 200, "ok")
	}
}

func TestInterimAnswers(t *testing.T) {
	s := newScripted(t)
	tr := pinned(t, UpstreamConfig{})
	got := tr.ask(request(t, "POST", s.url+"/", "<a/>"))
	c := next(t, s.conns)
	c.expect("POST /")
	c.say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-A: 1\r\n\r\n" + ok)
	wantAnswer(t, got, 200, "ok")
}

func TestAnswersThatNeverEnd(t *testing.T) {
	for name, part := range map[string]string{
		"one_header":  "X-A: " + strings.Repeat("a", 1000) + "\r\n",
		"one_line":    strings.Repeat("a", 1000),
		"interim":     "HTTP/1.1 102 Processing\r\n\r\n",
		"status_line": "",
	} {
		s := newScripted(t)
		tr := pinned(t, UpstreamConfig{})
		got := tr.ask(request(t, "GET", s.url+"/", ""))
		c := next(t, s.conns)
		c.expect("GET /")
		if name == "status_line" {
			part = "H"
		} else if name != "interim" {
			c.say("HTTP/1.1 200 OK\r\n")
		}
		for sent := 0; sent < 8<<20; sent += len(part) * 100 {
			if _, err := io.WriteString(c, strings.Repeat(part, 100)); err != nil {
				break
			}
		}
		if got := next(t, got); !errors.Is(got.err, errHeader) && !(name == "interim" && errors.Is(got.err, errInterim)) {
			t.Errorf("%s: got %d, %.200v; want %q", name, got.status, got.err, errHeader)
		}
	}
}

// Bytes of a body pass when they come, not when there are enough of them.
func TestRequestBodyPassesAsItComes(t *testing.T) {
	for _, length := range []int64{6, -1} {
		s := newScripted(t)
		tr := pinned(t, UpstreamConfig{})
		late, parts := io.Pipe()
		r := request(t, "POST", s.url+"/", "")
		r.Body, r.ContentLength = late, length
		got := tr.ask(r)
		c := next(t, s.conns)
		arrived, err := http.ReadRequest(c.r) // the header alone
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"abc", "def"} {
			io.WriteString(parts, part)
			b := make([]byte, 3)
			if _, err := io.ReadFull(arrived.Body, b); err != nil || string(b) != part {
				t.Errorf("length %d: got %q, %v; want %q", length, b, err, part)
			}
		}
		parts.Close()
		io.Copy(io.Discard, arrived.Body)
		c.say(ok)
		wantAnswer(t, got, 200, "ok")
	}
}

// A request whose body is not what was promised ends with the connection, so
// that the server does not take it for whole.
func TestBodyOfAnotherLength(t *testing.T) {
	for name, length := range map[string]int64{"shorter": 10, "longer": 3} {
		for _, inMemory := range []bool{true, false} {
			if name == "longer" && inMemory {
				continue // what is beyond is not looked at
			}
			s := newScripted(t)
			tr := pinned(t, UpstreamConfig{})
			r := request(t, "POST", s.url+"/", "<a/>")
			r.ContentLength = length
			if !inMemory {
				r = streamed(r)
			}
			got := tr.ask(r)
			c := next(t, s.conns)
			if got := next(t, got); got.err == nil {
				t.Errorf("%s: got %+v, want an error", name, got)
			}
			io.Copy(io.Discard, c) // ends
		}
	}
}

func TestCancelledExchangeEndsItsConnection(t *testing.T) {
	for _, when := range []string{"header", "body"} {
		s := newScripted(t)
		tr := pinned(t, UpstreamConfig{})
		ctx, cancel := context.WithCancelCause(deadline(t))
		got := tr.ask(request(t, "POST", s.url+"/", "<a/>").WithContext(ctx))
		c := next(t, s.conns)
		c.expect("POST /")
		if when == "body" {
			c.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
		}
		why := errors.New("the client is gone")
		cancel(why)
		if got := next(t, got); got.err == nil || when == "header" && !errors.Is(got.err, why) {
			t.Errorf("%s: got %+v", when, got)
		}
		io.Copy(io.Discard, c) // ends
	}
}

func TestAbandonedBodyEndsItsConnection(t *testing.T) {
	s := newScripted(t)
	tr := pinned(t, UpstreamConfig{})
	go func() {
		c := <-s.conns
		c.expect("GET /1")
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc")
		c = <-s.conns
		c.expect("GET /2")
		c.say(ok)
	}()
	resp, err := tr.RoundTrip(request(t, "GET", s.url+"/1", ""))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	wantAnswer(t, tr.ask(request(t, "GET", s.url+"/2", "")), 200, "ok")
}

// A server that answers and then resets, without having read the body, is heard.
func TestAnswerOfAServerThatStopsReading(t *testing.T) {
	s := newScripted(t)
	tr := pinned(t, UpstreamConfig{})
	got := tr.ask(streamed(request(t, "POST", s.url+"/", strings.Repeat("x", 32<<20))))
	c := next(t, s.conns)
	if _, err := http.ReadRequest(c.r); err != nil {
		t.Fatal(err)
	}
	c.say("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 4\r\n\r\nlong")
	closeWrite(c.Conn)
	wantAnswer(t, got, 413, "long")
	c.Close()
}

// Requests to one server wait for each other; there never are two connections.
func TestOneConnectionToAServer(t *testing.T) {
	var open, most atomic.Int32
	up := server(t, func(w http.ResponseWriter, r *http.Request) {
		if n := open.Add(1); n > most.Load() {
			most.Store(n)
		}
		io.Copy(w, r.Body)
		open.Add(-1)
	})
	tr := pinned(t, UpstreamConfig{})
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for j := range 20 {
				text := fmt.Sprint(i, j)
				resp, err := tr.RoundTrip(request(t, "POST", up.URL, text))
				if err != nil {
					t.Error(err)
					return
				}
				if got := body(t, resp, err); got != text {
					t.Errorf("got %q, want %q", got, text)
				}
			}
		})
	}
	all.Wait()
	if most.Load() != 1 {
		t.Errorf("%d requests at once, want 1", most.Load())
	}
}

// A connection that the client connection has no more use for ends, and one that
// still carries an exchange does not.
func TestCloseIdleConnections(t *testing.T) {
	s := newScripted(t)
	tr := pinned(t, UpstreamConfig{})
	got := tr.ask(request(t, "GET", s.url+"/1", ""))
	c := next(t, s.conns)
	c.expect("GET /1")
	tr.CloseIdleConnections()
	c.say(ok)
	wantAnswer(t, got, 200, "ok")
	io.Copy(io.Discard, c) // with its exchange
	got = tr.ask(request(t, "GET", s.url+"/2", ""))
	c = next(t, s.conns)
	c.expect("GET /2")
	c.say(ok)
	wantAnswer(t, got, 200, "ok")
	tr.CloseIdleConnections()
	io.Copy(io.Discard, c)
}

func TestIdleConnectionIsNotUsedForEver(t *testing.T) {
	s := newScripted(t)
	tr := pinned(t, UpstreamConfig{IdleConnTimeout: time.Nanosecond})
	for n := range 3 {
		got := tr.ask(request(t, "GET", s.url+"/", ""))
		c := next(t, s.conns)
		c.expect("GET /")
		c.say(ok)
		wantAnswer(t, got, 200, "ok")
		if made := s.made.Load(); int(made) != n+1 {
			t.Errorf("%d connections, want %d", made, n+1)
		}
	}
}

func TestRequestThatCannotBeWritten(t *testing.T) {
	s := newScripted(t)
	tr := pinned(t, UpstreamConfig{})
	for name, change := range map[string]func(*http.Request){
		"method": func(r *http.Request) { r.Method = "GET / HTTP/1.1\r\nX: " },
		"host":   func(r *http.Request) { r.Host = "h\r\nX: y" },
		"query":  func(r *http.Request) { r.URL.RawQuery = "a b" },
		"opaque": func(r *http.Request) { r.URL.Opaque = "//elsewhere/x" },
	} {
		r := request(t, "GET", s.url+"/", "")
		change(r)
		if got := next(t, tr.ask(r)); got.err == nil {
			t.Errorf("%s: got %+v, want an error", name, got)
		}
		c := next(t, s.conns)
		if b, _ := io.ReadAll(c); len(b) > 0 {
			t.Errorf("%s: the server received %q", name, b)
		}
	}
	r := request(t, "GET", s.url+"/", "")
	r.Header = http.Header{"X-A": {"1\r\nX-B: 2"}, "User-Agent": {"u\nX-C: 3"}}
	got := tr.ask(r)
	c := next(t, s.conns)
	arrived, err := http.ReadRequest(c.r)
	if err != nil || len(arrived.Header) != 2 {
		t.Errorf("the server received %v, %v; want two lines", arrived.Header, err)
	}
	c.say(ok)
	wantAnswer(t, got, 200, "ok")
}
