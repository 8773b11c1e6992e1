package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

// watchedConn lets a test look on while something is being written.
type watchedConn struct {
	net.Conn
	during func()
	takes  int // of what is written, and then fails if that is not all
}

func (c *watchedConn) Write(p []byte) (int, error) {
	c.during()
	if c.takes < len(p) {
		return c.takes, io.ErrClosedPipe
	}
	return len(p), nil
}

// A server may have a request, and end the connection, before the call that wrote
// it has returned. It counts as sent from the start of that call, or it would be
// taken for one that may be sent again; what was not taken does not count.
func TestWhatIsBeingWrittenCountsAsSent(t *testing.T) {
	for _, takes := range []int{0, 3, 5} {
		during := int64(-1)
		w := &watchedConn{takes: takes}
		c := &countingConn{Conn: w}
		w.during = func() { during = c.n.Load() }
		c.Write([]byte("hello"))
		if during != 5 || c.n.Load() != int64(takes) {
			t.Errorf("%d bytes taken: counted %d meanwhile and %d after, want 5 and %[1]d", takes, during, c.n.Load())
		}
	}
}

// What a server sends after the end of its answer is no answer to the next
// request, however soon that comes.
func TestLeftoverIsNobodysAnswer(t *testing.T) {
	for name, answer := range map[string]string{
		"length":  ok,
		"empty":   "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
	} {
		up := newScripted(t)
		stop := make(chan struct{})
		served := make(chan struct{})
		go func() {
			defer close(served)
			for {
				select {
				case c := <-up.conns:
					go func() {
						for {
							r, err := http.ReadRequest(c.r)
							if err != nil {
								return
							}
							if r.URL.Path == "/first" {
								c.say(answer + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nleft")
							} else {
								c.say(ok)
							}
						}
					}()
				case <-stop:
					return
				}
			}
		}()
		for range 300 {
			tr := pinned(t, UpstreamConfig{})
			for _, path := range []string{"/first", "/second"} {
				resp, err := tr.RoundTrip(request(t, "GET", up.url+path, ""))
				if got := body(t, resp, err); path == "/second" && got != "ok" {
					t.Fatalf("%s: the second request was answered %q", name, got)
				}
			}
			tr.CloseIdleConnections()
		}
		close(stop)
		<-served
	}
}

// A connection that ends with its answer, or has brought more than that, is known
// to be of no further use when the answer is given out: the next request may come
// before the connection is closed, and would be lost with it.
func TestLastAnswerIsKnownAsSuch(t *testing.T) {
	for answer, last := range map[string]bool{
		ok: false,
		"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok": true,
		"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n":                        true,
		ok + "more": true,
	} {
		client, server := net.Pipe()
		c := newServerConn(client, time.Hour, nil)
		c.requests <- request(t, "GET", "http://h/", "")
		wrote := make(chan struct{})
		go func() { defer close(wrote); io.WriteString(server, answer) }()
		next(t, c.answers)
		if c.spent.Load() != last {
			t.Errorf("%q: the last answer %v, want %v", answer, !last, last)
		}
		next(t, wrote)
		server.Close()
		next(t, c.ended)
	}
}

// A server that has answered and reads no further holds nobody up at the end.
func TestCloseDoesNotWaitForAServer(t *testing.T) {
	up := newScripted(t)
	s, addr := start(t, Config{Limits: Limits{BodyIdle: time.Hour}})
	c := dial(t, addr)
	fmt.Fprintf(c, "POST %s/ HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", up.url, 64<<20)
	wrote := make(chan struct{})
	go func() {
		defer close(wrote)
		c.Write(make([]byte, 64<<20)) // ends with the connection
	}()
	upstream := next(t, up.conns)
	if _, err := http.ReadRequest(upstream.r); err != nil {
		t.Fatal(err)
	}
	upstream.say("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
	readHead(t, bufio.NewReader(c), "HTTP/1.1 401 ")
	reset(c)
	closed := make(chan struct{})
	go func() { s.Close(); close(closed) }()
	next(t, closed)
	next(t, wrote)
}

// The farewell of TLS is no reason to wait for a server that does not read.
func TestFailedExchangeEndsAtOnce(t *testing.T) {
	leaf, err := sharedCA(t).Leaf("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	up := newScripted(t)
	u, err := NewUpstream(UpstreamConfig{Insecure: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	tr := u.Transport()
	ctx, cancel := context.WithCancel(deadline(t))
	r := streamed(request(t, "POST", strings.Replace(up.url, "http:", "https:", 1), strings.Repeat("x", 64<<20))).WithContext(ctx)
	got := tr.ask(r)
	c := next(t, up.conns)
	if err := tls.Server(c.Conn, &tls.Config{Certificates: []tls.Certificate{*leaf}}).Handshake(); err != nil {
		t.Fatal(err)
	}
	cancel()
	if got := next(t, got); got.err == nil {
		t.Errorf("got %+v", got)
	}
}

// A certificate for one port is not shown to another by way of a resumed session,
// nor kept from it.
func TestSessionsAreOfOneAddress(t *testing.T) {
	dir, roots := clientFiles(t)
	leaf, err := sharedCA(t).Leaf("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	serve := func() string { // both with the same ticket keys
		up := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%d", len(r.TLS.PeerCertificates))
		}))
		up.TLS = &tls.Config{Certificates: []tls.Certificate{*leaf}, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: roots}
		up.TLS.SetSessionTicketKeys([][32]byte{{1}})
		up.StartTLS()
		t.Cleanup(up.Close)
		return up.Listener.Addr().String()
	}
	shown, other := serve(), serve()
	for _, order := range [][]string{{shown, other}, {other, shown}} {
		u, err := NewUpstream(UpstreamConfig{Insecure: []string{"127.0.0.1"}, ClientCerts: []ClientCert{{Host: shown, File: filepath.Join(dir, "good.pem")}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, address := range order {
			tr := u.Transport()
			resp, err := tr.RoundTrip(request(t, "GET", "https://"+address+"/", ""))
			if got, want := body(t, resp, err), map[bool]string{true: "1", false: "0"}[address == shown]; got != want {
				t.Errorf("%s certificates shown, want %s", got, want)
			}
			tr.CloseIdleConnections()
		}
	}
}

// What helps with a server helps with the proxy before it.
func TestOtherProxyMayBeOldOrWantACertificate(t *testing.T) {
	dir, _ := clientFiles(t)
	for name, c := range map[string]*tls.Config{
		"legacy": {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10},
		"cert":   {ClientAuth: tls.RequireAnyClientCert},
	} {
		p := new(otherProxy)
		p.Server = httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
		p.Config.ErrorLog = quiet
		p.TLS = c
		p.StartTLS()
		t.Cleanup(p.Close)
		u, err := url.Parse(p.URL)
		if err != nil {
			t.Fatal(err)
		}
		tr := pinned(t, UpstreamConfig{Proxy: u, Insecure: []string{"127.0.0.1"}, LegacyTLS: []string{"127.0.0.1"},
			ClientCerts: []ClientCert{{File: filepath.Join(dir, "good.pem")}}})
		resp, err := tr.RoundTrip(request(t, "GET", "http://um.example.test/", ""))
		if got := body(t, resp, err); !strings.HasPrefix(got, "the other proxy: ") {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestAnswersToConnect(t *testing.T) {
	for name, tt := range map[string]struct{ answer, want string }{
		"interim":  {"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\nahead", "ahead"},
		"switched": {"HTTP/1.1 101 Switching Protocols\r\n\r\n", ""},
		"endless":  {strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 10000), ""},
	} {
		up := newScripted(t)
		go func() {
			c := <-up.conns
			http.ReadRequest(c.r)
			c.say(tt.answer)
			c.Close()
		}()
		proxy, err := url.Parse(up.url)
		if err != nil {
			t.Fatal(err)
		}
		u, err := NewUpstream(UpstreamConfig{Proxy: proxy})
		if err != nil {
			t.Fatal(err)
		}
		c, err := u.Dial(deadline(t), "tcp", "um.example.test:443")
		if (err == nil) != (tt.want != "") {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			if b, _ := io.ReadAll(c); string(b) != tt.want {
				t.Errorf("%s: read %q, want %q", name, b, tt.want)
			}
			c.Close()
		}
	}
}

func TestTrailersThatMayNotBe(t *testing.T) {
	upstream, got := rawServer(t, "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")
	_, addr := start(t, Config{})
	ask(t, addr, "POST http://"+upstream+"/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"+
		"1\r\nx\r\n0\r\nHost: evil\r\nContent-Length: 3\r\nX-Sum: 1\r\n\r\n")
	if got := next(t, got); !strings.HasSuffix(got, "0\r\nX-Sum: 1\r\n\r\n") {
		t.Errorf("the server received %q", got)
	}
}

func TestPKCS12OfAnothersKey(t *testing.T) {
	dir, _ := clientFiles(t)
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "good.pem"), filepath.Join(dir, "good.pem"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := pkcs12.Modern.Encode(pair.PrivateKey, sharedCA(t).Certificate(), nil, "")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "other.pfx")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewUpstream(UpstreamConfig{ClientCerts: []ClientCert{{File: file}}}); err == nil || !strings.Contains(err.Error(), "do not belong together") {
		t.Errorf("error %v", err)
	}
}
