package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestPlainRequest(t *testing.T) {
	p := &plainLoop{ctx: t.Context(), conn: &clientConn{server: &Server{config: Config{Limits: Limits{HeaderBytes: 1 << 10}}}}}
	const first = "POST /x?y HTTP/1.1\r\n"
	for _, tt := range []struct {
		head string
		want bool
	}{
		{first + "Host: h\r\n", true},
		{first + "host: [::1]:80\r\nContent-Length: 65536\r\nConnection: Keep-Alive\r\nX: a\tb\xff\r\n", true},
		{"GET http://h/x HTTP/1.1\r\nHost: h\r\nX:\r\n", true},
		{first, false},
		{first + "Host: h\r\nHost: h\r\n", false},
		{first + "Host: h/x\r\n", false},
		{first + "Host: h\r\nContent-Length: 65537\r\n", false},
		{first + "Host: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n", false},
		{first + "Host: h\r\nContent-Length: +1\r\n", false},
		{first + "Host: h\r\nTransfer-Encoding: chunked\r\n", false},
		{first + "Host: h\r\nConnection: close\r\n", false},
		{first + "Host: h\r\nConnection: keep-alive, x\r\n", false},
		{first + "Host: h\r\nConnection: keep-alive\r\nConnection: x\r\n", false},
		{first + "Host: h\r\nExpect: 100-continue\r\n", false},
		{first + "Host: h\r\nUpgrade: websocket\r\n", false},
		{first + "Host: h\r\nTrailer: x\r\n", false},
		{first + "Host: h\r\nX : a\r\n", false},
		{first + "Host: h\r\n: a\r\n", false},
		{first + "Host: h\r\nX: a\r\n b\r\n", false},
		{first + "Host: h\r\nX: a\x00b\r\n", false},
		{first + "Host: h\r\nX: a\nY: b\r\n", false},
		{first + "Host: h\r\nX: a\rb\r\n", false},
		{first + "Host: h\r\nX\r\n", false},
		{first + "Host: h\r\nX: " + strings.Repeat("a", 1<<10) + "\r\n", false},
		{"POST /x HTTP/1.0\r\nHost: h\r\n", false},
		{"POST /x HTTP/2.0\r\nHost: h\r\n", false},
		{"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n", false},
		{"POST  /x HTTP/1.1\r\nHost: h\r\n", false},
		{"POST\r\nHost: h\r\n", false},
		{"POST /x HTTP/1.1\nX: a\r\nHost: h\r\n", false},
	} {
		for range 3 { // from the second time on it is known
			r := p.plainRequest([]byte(tt.head + "\r\n"))
			if (r != nil) != tt.want {
				t.Errorf("%q is plain: %t", tt.head, r != nil)
			}
			if r != nil && (r.URL.Path != "/x" || r.Host == "") {
				t.Errorf("%q was read as %s %s", tt.head, r.Host, r.URL)
			}
			if r != nil {
				clear(r.Header) // which is nobody else's
				r.URL.Path = ""
			}
		}
	}
}

// reached is a connection to a proxy by which every Write arrives as it was made.
func reached(t *testing.T, c Config) net.Conn {
	ln := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	startOn(t, ln, c)
	client, server := net.Pipe()
	t.Cleanup(func() { client.Close() })
	client.SetDeadline(time.Now().Add(time.Minute))
	ln.conns <- server
	return client
}

type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return queueAddr{} }

// echoing answers with what it was asked.
func echoing() http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		return reply(r, 200, fmt.Sprintf("<%s %s %s>", r.Method, r.URL.Path, body)), nil
	})
}

// Wherever a client's writes begin and end, each of its requests is answered, and
// none is made out of two.
func TestRequestsInPieces(t *testing.T) {
	const (
		plain   = "POST /plain HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n\r\n\r\nab"
		bare    = "GET /bare HTTP/1.1\r\nHost: h\r\n\r\n"
		chunked = "PUT /chunked HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ncd\r\n0\r\n\r\n"
	)
	answers := map[string]string{plain: "<POST /plain \r\n\r\nab>", bare: "<GET /bare >", chunked: "<PUT /chunked cd>"}
	for _, requests := range [][]string{{plain, bare, plain}, {plain, chunked, bare}} {
		all, want := strings.Join(requests, ""), ""
		for _, r := range requests {
			want += answers[r]
		}
		for cut := 1; cut < len(all); cut++ {
			c := reached(t, Config{ServeOrigin: true, NewTransport: echoing})
			go func() {
				io.WriteString(c, all[:cut])
				io.WriteString(c, all[cut:])
			}()
			in, got := bufio.NewReader(c), ""
			for range requests {
				resp, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Fatalf("cut at %d, after %q: %v", cut, got, err)
				}
				body, err := io.ReadAll(resp.Body)
				if err != nil {
					t.Fatalf("cut at %d, after %q: %v", cut, got, err)
				}
				got += string(body)
			}
			if got != want {
				t.Errorf("cut at %d: got %q, want %q", cut, got, want)
			}
			c.Close()
		}
	}
}

// The rest of a request may come late, and what the client sends while it waits for
// an answer is not lost.
func TestRequestsWithPauses(t *testing.T) {
	sent := make(chan struct{})
	c := reached(t, Config{ServeOrigin: true, NewTransport: func() http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/slow" {
				<-sent
			}
			return echoing().RoundTrip(r)
		})
	}})
	in := bufio.NewReader(c)
	answer := func(want string) {
		t.Helper()
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(resp.Body); string(got) != want || err != nil {
			t.Fatalf("got %q, %v; want %q", got, err, want)
		}
	}
	io.WriteString(c, "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
	io.WriteString(c, "G") // taken while the answer is made, or this would not return
	go func() {
		close(sent)
		io.WriteString(c, "ET /next HTTP/1.1\r\nHost: h\r\n\r\n")
	}()
	answer("<GET /slow >")
	answer("<GET /next >")
	io.WriteString(c, "POST /late HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nab")
	time.Sleep(2 * restTime)
	io.WriteString(c, "cd")
	answer("<POST /late abcd>")
	io.WriteString(c, "GET /last HTTP/1.1\r\nHost: h\r\n\r\n")
	answer("<GET /last >")
}

// What the client of a plain request gets is what net/http would have sent.
func TestPlainAnswersAreNetHTTPs(t *testing.T) {
	answer := func(status int, length int64, body string, header ...string) func(*http.Request) (*http.Response, error) {
		return func(r *http.Request) (*http.Response, error) {
			resp := reply(r, status, body)
			resp.ContentLength = length
			for n := 0; n < len(header); n += 2 {
				resp.Header.Add(header[n], header[n+1])
			}
			return resp, nil
		}
	}
	trailing := func(announced bool) func(*http.Request) (*http.Response, error) {
		return func(r *http.Request) (*http.Response, error) {
			resp := reply(r, 200, "hello")
			resp.ContentLength, resp.Trailer = -1, http.Header{}
			if announced {
				resp.Trailer["X-Sum"] = nil
			}
			resp.Body = io.NopCloser(io.MultiReader(resp.Body, atEnd(func() { resp.Trailer["X-Sum"] = []string{"1"} })))
			return resp, nil
		}
	}
	long := strings.Repeat("0123456789", 10_000)
	for name, round := range map[string]func(*http.Request) (*http.Response, error){
		"length":         answer(200, 5, "hello", "X-A", "1", "X-A", "2", "x-odd", "3"),
		"header_length":  answer(200, -1, "hello", "Content-Length", "5"),
		"no_length":      answer(200, -1, "hello"),
		"nothing":        answer(200, -1, ""),
		"zero":           answer(200, 0, ""),
		"long":           answer(200, int64(len(long)), long),
		"long_no_length": answer(200, -1, long),
		"too_short":      answer(200, 10, "hello"),
		"too_long":       answer(200, 3, "hello"),
		"no_content":     answer(204, 0, "", "Content-Type", "text/xml"),
		"not_modified":   answer(304, 7, "", "Content-Type", "text/xml", "Etag", `"x"`),
		"fault":          answer(500, 5, "fault", "Content-Type", "text/xml", "Date", "today"),
		"odd_status":     answer(299, 5, "hello"),
		"impossible":     answer(99, 5, "hello"),
		"asks_to_close":  answer(200, 5, "hello", "Connection", "close", "Keep-Alive", "x"),
		"trailer":        trailing(true),
		"late_trailer":   trailing(false),
		"error":          func(*http.Request) (*http.Response, error) { return nil, errors.New("no") },
		"panic":          func(*http.Request) (*http.Response, error) { panic("no") },
		"abort":          func(*http.Request) (*http.Response, error) { return nil, http.ErrAbortHandler },
		"reason": func(r *http.Request) (*http.Response, error) {
			resp := reply(r, 401, "hello")
			resp.Status = "401 Not You"
			return resp, nil
		},
		"aborts_halfway": func(r *http.Request) (*http.Response, error) {
			resp := reply(r, 200, "")
			resp.ContentLength = 10
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader("hello"), atEnd(func() { panic(http.ErrAbortHandler) })))
			return resp, nil
		},
		"breaks_off": func(r *http.Request) (*http.Response, error) {
			resp := reply(r, 200, "")
			resp.ContentLength = 10
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader("hello"), atEnd(func() {}), failing{}))
			return resp, nil
		},
	} {
		for _, method := range []string{"POST", "HEAD"} {
			ask := func(before string) string {
				c := reached(t, Config{ServeOrigin: true, NewTransport: func() http.RoundTripper {
					return roundTrip(func(r *http.Request) (*http.Response, error) {
						io.Copy(io.Discard, r.Body)
						if r.URL.Path == "/" {
							return round(r)
						}
						return reply(r, 200, r.URL.Path), nil
					})
				}})
				go io.WriteString(c, before+method+" / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nabGET /end HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
				got, _ := io.ReadAll(c)
				_, answer, _ := bytes.Cut(got, []byte("/start"))
				return regexp.MustCompile(`Date: [A-Z][^\r]*GMT`).ReplaceAllString(string(answer), "Date: NOW")
			}
			const start = "GET /start HTTP/1.1\r\nHost: h\r\n"
			plain, net := ask(start+"\r\n"), ask(start+"Connection: x\r\n\r\n")
			if chunks := regexp.MustCompile(`\r\n[0-9a-f]+\r\n`); name == "long_no_length" { // as they are read, or as they are written
				plain, net = chunks.ReplaceAllString(plain, ""), chunks.ReplaceAllString(net, "")
			}
			if plain != net {
				t.Errorf("%s, %s: got\n%.1000q\nwant\n%.1000q", name, method, plain, net)
			}
			if plain == "" && name != "abort" {
				t.Errorf("%s, %s: no answer", name, method)
			}
		}
	}
}

type atEnd func()

func (f atEnd) Read([]byte) (int, error) { f(); return 0, io.EOF }

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("broken") }

// A connection that waits for its client keeps no answer, and who writes too late
// writes into nobody's.
func TestPlainWriterKeepsNothing(t *testing.T) {
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	go io.Copy(io.Discard, client)
	w := plainWriter{conn: &clientConn{Conn: server, server: &Server{queue: newConnQueue()}}}
	for range 3 {
		w.start("GET")
		if io.WriteString(&w, strings.Repeat("x", mostJoined-1000)); !w.end() {
			t.Fatal("the connection ends")
		}
		if cap(w.out) > 0 || cap(w.held) > 2*mostHeld {
			t.Errorf("it keeps %d and %d bytes", cap(w.out), cap(w.held))
		}
		other := plainWriter{conn: w.conn}
		other.start("GET")
		io.WriteString(&other, strings.Repeat("y", mostHeld+1))
		io.WriteString(&w, "late")
		if w.Flush(); bytes.Contains(other.out, []byte("late")) {
			t.Error("a late part of an answer got into another")
		}
		other.end()
	}
}

// The time that a client has to take its answer ends with the answer: TLS may have to
// write later.
func TestPlainWriteDeadlineIsLifted(t *testing.T) {
	ln := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	startOn(t, ln, Config{ServeOrigin: true, NewTransport: echoing})
	client, server := net.Pipe()
	defer client.Close()
	client.SetDeadline(time.Now().Add(time.Minute))
	set := make(chan time.Time, 10)
	ln.conns <- deadlines{server, set}
	for range 2 {
		io.WriteString(client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		if _, err := http.ReadResponse(bufio.NewReader(client), nil); err != nil {
			t.Fatal(err)
		}
		for !next(t, set).IsZero() {
		}
	}
}

// deadlines tells of those for writing.
type deadlines struct {
	net.Conn
	set chan time.Time
}

func (d deadlines) SetWriteDeadline(t time.Time) error {
	d.set <- t
	return d.Conn.SetWriteDeadline(t)
}

// A panic outside of what answers ends the connection, and no other.
func TestPanicEndsItsConnection(t *testing.T) {
	var logged logBuffer
	_, addr := start(t, Config{ServeOrigin: true, NewTransport: echoing, Logger: logged.logger(slog.LevelDebug), OnExchange: func(e Exchange) {
		if strings.Contains(e.URL(), "/odd") {
			panic("odd")
		}
	}})
	ask := func(path string) error {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(time.Minute))
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path)
		in := bufio.NewReader(c)
		if _, err := in.ReadString('\n'); err != nil {
			return err
		}
		if path == "/odd" {
			_, err = io.Copy(io.Discard, in) // to its end
		}
		return err
	}
	ask("/odd")
	if !strings.Contains(logged.String(), "panic serving") {
		t.Errorf("the log has %s", logged.String())
	}
	if err := ask("/even"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
