package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// teller is an OnExchange whose exchanges a test can wait for.
type teller chan string

func (c teller) told(e Exchange) {
	c <- fmt.Sprintf("%s %s %d %s %d>%d %v", e.Way, e.Method, e.Status, e.Outcome, e.RequestBytes, e.ResponseBytes, e.Note)
}

// TestEachExchangeIsToldOnce makes an exchange of every kind. Each is told of
// once, with how it ended, and nothing else is logged.
func TestEachExchangeIsToldOnce(t *testing.T) {
	ca := sharedCA(t)
	waiting := make(chan struct{}) // a transport has a request and waits for its end
	transport := roundTrip(func(r *http.Request) (*http.Response, error) {
		Note(r.Context(), "noted")
		resp := reply(r, 200, "12345")
		switch r.URL.Path {
		case "/read":
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return nil, err
			}
		case "/error":
			return nil, errors.New("no")
		case "/panic":
			panic("x")
		case "/panic-in-body":
			resp.Body = panicBody{}
		case "/abort":
			panic(http.ErrAbortHandler)
		case "/short":
			resp.ContentLength = 10
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader("12345"), brokenReader{}))
		case "/wait":
			waiting <- struct{}{}
			<-r.Context().Done()
			return nil, r.Context().Err()
		case "/wait-in-body":
			resp.ContentLength = -1
			resp.Body = io.NopCloser(readerFunc(func(p []byte) (int, error) {
				select {
				case waiting <- struct{}{}:
					return copy(p, "12345"), nil
				case <-r.Context().Done():
					return 0, r.Context().Err()
				}
			}))
		case "/too-long":
			resp.ContentLength, resp.Header["Content-Length"] = 3, []string{"3"}
		}
		return resp, nil
	})
	const body = "Content-Length: 3\r\n\r\nabc"
	for _, tt := range []struct {
		name, request, want string
		leave               bool // the client goes away when the transport waits
	}{
		{"answered", "POST http://h.test/read HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + body, "proxy POST 200 answered 3>5 noted", false},
		{"body_not_wanted", "POST http://h.test/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + body, "proxy POST 200 answered 0>5 noted", false},
		{"HEAD", "HEAD http://h.test/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "proxy HEAD 200 answered 0>0 noted", false},
		{"no_answer", "GET http://h.test/error HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "proxy GET 502 failed 0>36 noted", false},
		{"no_server_named", "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "origin GET 421 refused 0>146 <nil>", false},
		{"other_scheme", "GET ftp://h.test/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "proxy GET 501 refused 0>38 <nil>", false},
		{"body_broken", "POST http://h.test/read HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nx\r\n", "proxy POST 400 refused 3>69 noted", false},
		{"panic", "GET http://h.test/panic HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "proxy GET 500 panicked 0>49 noted", false},
		{"panic_half_way", "GET http://h.test/panic-in-body HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "proxy GET 200 panicked 0>0 noted", false},
		{"abort", "GET http://h.test/abort HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "proxy GET 0 broken 0>0 noted", false},
		{"short", "GET http://h.test/short HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "proxy GET 200 broken 0>5 noted", false},
		{"too_long", "GET http://h.test/too-long HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "proxy GET 200 broken 0>0 noted", false},
		{"client_leaves", "GET http://h.test/wait HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "proxy GET 0 gone 0>0 noted", true},
		{"client_leaves_half_way", "GET http://h.test/wait-in-body HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "proxy GET 200 gone 0>5 noted", true},
		{"CONNECT_without_port", "CONNECT h.test HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "connect CONNECT 400 refused 0>28 <nil>", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			told, logged := make(teller, 4), logBuffer{}
			s, addr := start(t, Config{CA: ca, NewTransport: func() http.RoundTripper { return transport }, OnExchange: told.told, Logger: logged.logger(slog.LevelDebug)})
			c := dial(t, addr)
			io.WriteString(c, tt.request)
			if tt.leave {
				next(t, waiting)
			} else {
				io.Copy(io.Discard, c)
			}
			c.Close()
			if got := next(t, told); got != tt.want {
				t.Errorf("told %s\nwant %s", got, tt.want)
			}
			s.Close()
			if len(told) > 0 || logged.String() != "" {
				t.Errorf("told of %d more, logged %q", len(told), logged.String())
			}
		})
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("broken") }

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestEndOfTheServerIsTold cuts a running exchange.
func TestEndOfTheServerIsTold(t *testing.T) {
	told, waiting := make(chan Exchange, 2), make(chan struct{})
	s, addr := start(t, Config{OnExchange: func(e Exchange) { told <- e }, NewTransport: func() http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			close(waiting)
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
	}})
	io.WriteString(dial(t, addr), "GET http://h.test/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	next(t, waiting)
	s.Close()
	if e := next(t, told); e.Outcome != Gone || !strings.Contains(e.Reason, "umtape ended") || len(told) > 0 {
		t.Errorf("told %s, %q, and %d more", e.Outcome, e.Reason, len(told))
	}
}

// TestUpgradedConnectionIsToldAtItsEnd: one exchange, with the bytes that came
// back after the switch.
func TestUpgradedConnectionIsToldAtItsEnd(t *testing.T) {
	told := make(teller, 2)
	upstream := breakingServer(t, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhello")
	_, addr := start(t, Config{OnExchange: told.told})
	c := dial(t, addr)
	fmt.Fprintf(c, "GET http://%s/ HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", upstream)
	io.Copy(io.Discard, c)
	c.Close()
	if got := next(t, told); got != "proxy GET 101 answered 0>5 <nil>" || len(told) > 0 {
		t.Errorf("told %s and %d more", got, len(told))
	}
}

// TestFailedTLSIsOneLine: a client that does not trust the CA.
func TestFailedTLSIsOneLine(t *testing.T) {
	for _, target := range []string{"h.test:443", ""} { // inside a tunnel, and straight to the listener
		logged, told := logBuffer{}, make(teller, 2)
		s, addr := start(t, Config{CA: sharedCA(t), Logger: logged.logger(slog.LevelWarn), OnExchange: told.told})
		var c net.Conn
		if target == "" {
			c = dial(t, addr)
		} else {
			c = tunnel(t, addr, target)
		}
		io.WriteString(c, "\x16\x03\x01\x00\x05hello")
		io.Copy(io.Discard, c)
		c.Close()
		waitForNobody(t, s)
		if log := logged.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "TLS with the client failed") || !strings.Contains(log, "conn=1 ") || len(told) != 0 {
			t.Errorf("log, want one line:\n%s; told of %d exchanges", log, len(told))
		}
	}
}

// TestOnlyHTTP2IsTold: a client that knows nothing else is not told to trust somebody.
func TestOnlyHTTP2IsTold(t *testing.T) {
	logged := logBuffer{}
	s, addr := start(t, Config{CA: sharedCA(t), Logger: logged.logger(slog.LevelWarn)})
	conn := tls.Client(tunnel(t, addr, "h.test:443"), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err := conn.Handshake(); err == nil || !strings.Contains(err.Error(), "no application protocol") {
		t.Errorf("the client is told %v", err)
	}
	conn.Close()
	waitForNobody(t, s)
	if log := logged.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "let it speak HTTP/1.1") || strings.Contains(log, "trust") {
		t.Errorf("log:\n%s", log)
	}
}

// TestRequestNotUnderstoodIsOneLine: net/http answers these by itself.
func TestRequestNotUnderstoodIsOneLine(t *testing.T) {
	for _, request := range []string{
		"SECRET\r\n\r\n", "GET / HTTP/1.1\r\nSECRET\r\n\r\n", "GET /SECRET HTT",
		"GET / HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("SECRET", 2000) + "\r\n\r\n",
	} {
		logged, told := logBuffer{}, make(teller, 4)
		s, addr := start(t, Config{Logger: logged.logger(slog.LevelWarn), OnExchange: told.told, Limits: Limits{HeaderBytes: 4096}})
		c := dial(t, addr)
		io.WriteString(c, request)
		c.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, c)
		c.Close()
		waitForNobody(t, s)
		log := logged.String()
		if strings.Count(log, "\n") != 1 || !strings.Contains(log, "not understood") || strings.Contains(log, "SECRET") || len(told) > 0 {
			t.Errorf("%.20q: told of %d, logged\n%s", request, len(told), log)
		}
	}
}

func TestTunnelHasTheNumberOfItsConnection(t *testing.T) {
	upstream := serverTLS(t, func(http.ResponseWriter, *http.Request) {})
	told := make(chan Exchange, 8)
	_, addr := start(t, Config{CA: sharedCA(t), OnExchange: func(e Exchange) { told <- e }})
	host := upstream.Listener.Addr().String()
	for n := uint64(1); n <= 2; n++ {
		c := tlsTunnel(t, addr, host, sharedCA(t), "")
		r := bufio.NewReader(c)
		for range 2 {
			fmt.Fprintf(c, "GET /a;b=SECRET/c?SECRET HTTP/1.1\r\nHost: %s\r\n\r\n", host)
			readHead(t, r, "HTTP/1.1 200 ")
			if e := next(t, told); e.Conn != n || e.Way != WayConnect || e.URL() != "https://"+host+"/a/c" {
				t.Errorf("conn %d, want %d; %s, %s", e.Conn, n, e.Way, e.URL())
			} else if e.Client.String() != c.LocalAddr().String() || e.Host() != "127.0.0.1" {
				t.Errorf("of %s for %q; the client is %s", e.Client, e.Host(), c.LocalAddr())
			}
		}
	}
}

func TestExchangeURL(t *testing.T) {
	for _, tt := range []struct{ method, url, host, want string }{
		{"GET", "http://user:SECRET@h.test/a?SECRET#SECRET", "", "http://h.test/a"},
		{"GET", "/a?SECRET", "user:SECRET@h.test:80", "http://h.test:80/a"},
		{"GET", "/a%20b|%0d;SECRET;SECRET/c;SECRET", "h", "http://h/a%20b|%0d/c"},
		{"GET", "http:SECRET", "h", "http://h"},
		{"OPTIONS", "*", "h", "http://h*"},
		{"CONNECT", "//h.test:443", "h", "h.test:443"},
	} {
		u, err := url.Parse(tt.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := (Exchange{request: &http.Request{Method: tt.method, URL: u, Host: tt.host}}).URL(); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.url, got, tt.want)
		}
	}
}

func TestStats(t *testing.T) {
	ca := freshCA(t)
	s, addr := start(t, Config{CA: ca})
	upstream := serverTLS(t, func(http.ResponseWriter, *http.Request) {}).Listener.Addr().String()
	a, b := tlsTunnel(t, addr, upstream, ca, "a.test"), tlsTunnel(t, addr, upstream, ca, "a.test")
	if got, minted := s.Stats(), ca.Minted(); got != (Stats{Connections: 2, Accepted: 2}) || minted != 1 {
		t.Errorf("%+v, %d certificates", got, minted)
	}
	io.WriteString(a, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
	if _, err := http.ReadResponse(bufio.NewReader(a), nil); err != nil {
		t.Error(err)
	}
	a.Close()
	b.Close()
	waitForNobody(t, s)
	if got := s.Stats(); got != (Stats{Accepted: 2, Silent: 1}) {
		t.Errorf("%+v", got)
	}
}

// waitForNobody waits until every client connection has been released.
func waitForNobody(t *testing.T, s *Server) {
	t.Helper()
	for until := time.Now().Add(patience); s.Stats().Connections > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("still %+v", s.Stats())
		}
	}
}

func TestNoteOutsideOfAnExchangeDoesNothing(t *testing.T) {
	Note(context.Background(), 1)
}
