package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// quiet is for servers whose clients break off handshakes on purpose.
var quiet = log.New(io.Discard, "", 0)

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		play(role)
		return
	}
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// testCA is one authority for the tests that only need any.
var testCA = sync.OnceValues(func() (*CA, error) {
	dir, err := os.MkdirTemp("", "umtape-ca-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ca, _, err := LoadOrCreateCA(filepath.Join(dir, "ca"))
	return ca, err
})

func sharedCA(t testing.TB) *CA {
	t.Helper()
	ca, err := testCA()
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func pool(ca *CA) *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(ca.Certificate())
	return p
}

// start serves c on a loopback port until the test ends. Without a transport c
// gets one that trusts httptest's certificates.
func start(t testing.TB, c Config) (*Server, string) {
	t.Helper()
	if c.NewTransport == nil {
		u := insecureUpstream(t)
		c.NewTransport = func() http.RoundTripper { return u.Transport() }
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return startOn(t, ln, c), ln.Addr().String()
}

func startOn(t testing.TB, ln net.Listener, c Config) *Server {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-served; err != http.ErrServerClosed {
			t.Errorf("Serve = %v, want http.ErrServerClosed", err)
		}
	})
	return s
}

func insecureUpstream(t testing.TB) *Upstream {
	t.Helper()
	u, err := NewUpstream(UpstreamConfig{Insecure: []string{"127.0.0.1", "localhost", "::1"}})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// via is a client that uses the proxy at addr and trusts ca.
func via(t testing.TB, addr string, ca *CA) *http.Client {
	tr := &http.Transport{
		Proxy:              http.ProxyURL(&url.URL{Scheme: "http", Host: addr}),
		DisableCompression: true,
	}
	if ca != nil {
		tr.TLSClientConfig = &tls.Config{RootCAs: pool(ca)}
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience}
}

func server(t testing.TB, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func serverTLS(t testing.TB, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = quiet
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// dial opens a connection that fails the test rather than hang.
func dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { c.Close() })
	return c
}

// tunnel does CONNECT target and gives the connection after it.
func tunnel(t testing.TB, addr, target string) net.Conn {
	t.Helper()
	c := dial(t, addr)
	fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, target)
	readHead(t, bufio.NewReaderSize(oneByte{c}, 16), "HTTP/1.1 200 ")
	return c
}

// oneByte keeps a bufio.Reader from reading beyond what it is asked for.
type oneByte struct{ io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.Reader.Read(p[:1]) }

// readHead reads a header up to the empty line and checks how it begins.
func readHead(t testing.TB, r *bufio.Reader, prefix string) string {
	t.Helper()
	var head strings.Builder
	for {
		line, err := r.ReadString('\n')
		head.WriteString(line)
		if err != nil {
			t.Fatalf("header ends with %v after %q", err, head.String())
		}
		if line == "\r\n" {
			break
		}
	}
	if !strings.HasPrefix(head.String(), prefix) {
		t.Fatalf("header %q, want it to begin with %q", head.String(), prefix)
	}
	return head.String()
}

func body(t testing.TB, resp *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// rawServer answers every request on every connection with the bytes of answer
// and gives what it received, one request each, without reading bodies beyond
// Content-Length or the last chunk.
func rawServer(t testing.TB, answer string) (addr string, got <-chan string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	requests := make(chan string, 16)
	var wg sync.WaitGroup
	t.Cleanup(func() { ln.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(patience))
				var seen strings.Builder
				r := bufio.NewReader(io.TeeReader(c, &seen))
				for {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					io.Copy(io.Discard, req.Body)
					requests <- seen.String()
					seen.Reset()
					io.WriteString(c, answer)
					if !strings.Contains(answer, "Content-Length") && !strings.Contains(answer, "chunked") {
						return
					}
				}
			})
		}
	})
	return ln.Addr().String(), requests
}

func next[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func TestEveryWayIn(t *testing.T) {
	ca := sharedCA(t)
	echo := func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s", r.Method, r.RequestURI, b)
	}
	plain, secure := server(t, echo), serverTLS(t, echo)
	base, err := url.Parse(plain.URL + "/base/")
	if err != nil {
		t.Fatal(err)
	}
	_, addr := start(t, Config{CA: ca, Reverse: base})

	direct := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool(ca)}}}
	defer direct.CloseIdleConnections()
	for _, tt := range []struct {
		name   string
		client *http.Client
		url    string
		want   string
	}{
		{"absolute_form", via(t, addr, ca), plain.URL + "/x?a=1", "POST /x?a=1 hello"},
		{"connect", via(t, addr, ca), secure.URL + "/x?a=1", "POST /x?a=1 hello"},
		{"origin_form", direct, "http://" + addr + "/x?a=1", "POST /base/x?a=1 hello"},
		{"origin_form_tls", direct, "https://" + addr + "/x?a=1", "POST /base/x?a=1 hello"},
		{"absolute_form_of_ourselves", via(t, addr, ca), "http://" + addr + "/x?a=1", "POST /base/x?a=1 hello"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // the second on the kept connection
				resp, err := tt.client.Post(tt.url, "text/plain", strings.NewReader("hello"))
				if got := body(t, resp, err); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			}
		})
	}

	t.Run("connect_then_plain_http", func(t *testing.T) {
		c := tunnel(t, addr, plain.Listener.Addr().String())
		io.WriteString(c, "GET /in/tunnel HTTP/1.1\r\nHost: elsewhere.test\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if got := body(t, resp, err); got != "GET /in/tunnel " {
			t.Errorf("got %q", got)
		}
	})
}

func TestServeOriginNamesNoHost(t *testing.T) {
	ca := sharedCA(t)
	seen := make(chan string, 2)
	_, addr := start(t, Config{CA: ca, ServeOrigin: true, NewTransport: func() http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			seen <- fmt.Sprintf("%s|%s|%s|%s", r.URL.Scheme, r.URL.Host, r.URL.Path, r.Host)
			return reply(r, 200, "ok"), nil
		})
	}})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool(ca)}}}
	defer client.CloseIdleConnections()
	for _, scheme := range []string{"http", "https"} {
		resp, err := client.Get(scheme + "://" + addr + "/x")
		if got := body(t, resp, err); got != "ok" {
			t.Errorf("body %q", got)
		}
		if got, want := next(t, seen), scheme+"||/x|"+addr; got != want {
			t.Errorf("transport saw %q, want %q", got, want)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func reply(r *http.Request, status int, text string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)),
		ContentLength: int64(len(text)), Request: r}
}

func TestNewRefuses(t *testing.T) {
	transport := func() http.RoundTripper { return http.DefaultTransport }
	parse := func(s string) *url.URL { u, _ := url.Parse(s); return u }
	for name, c := range map[string]Config{
		"no_transport":       {},
		"reverse_and_origin": {NewTransport: transport, Reverse: parse("http://h"), ServeOrigin: true},
		"reverse_no_host":    {NewTransport: transport, Reverse: parse("http:///x")},
		"reverse_scheme":     {NewTransport: transport, Reverse: parse("ftp://h")},
		"reverse_query":      {NewTransport: transport, Reverse: parse("http://h/?a")},
		"reverse_user":       {NewTransport: transport, Reverse: parse("http://u:secret@h/")},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error %q holds a password", name, err)
		}
	}
}

func TestCheckListen(t *testing.T) {
	for addr, ok := range map[string]bool{
		"127.0.0.1:8088": true, "[::1]:0": true, "localhost:8088": true, "127.9.9.9:1": true,
		"0.0.0.0:8088": false, ":8088": false, "[::]:8088": false, "192.168.1.5:8088": false,
		"umtape.test:8088": false, "127.0.0.1": false, "": false, "127.0.0.1:": false,
	} {
		if err := CheckListen(addr); (err == nil) != ok {
			t.Errorf("CheckListen(%q) = %v, want ok %v", addr, err, ok)
		}
	}
}

func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}
