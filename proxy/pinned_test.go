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
	"strings"
	"sync"
	"testing"
)

// boundAuth is a server whose authentication belongs to the connection, as that
// of NTLM does: a connection that has shown a name keeps it, and one that has not
// gets 401 in two legs.
type boundAuth struct {
	*httptest.Server
	ended chan net.Conn // each connection when it has ended

	mu   sync.Mutex
	user map[net.Conn]string
}

type boundConnKey struct{}

func newBoundAuth(t testing.TB, secure bool) *boundAuth {
	b := &boundAuth{user: make(map[net.Conn]string), ended: make(chan net.Conn, 1024)}
	b.Server = httptest.NewUnstartedServer(http.HandlerFunc(b.serve))
	b.Config.ErrorLog = quiet
	b.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, boundConnKey{}, c)
	}
	b.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			b.ended <- c
		}
	}
	if secure {
		b.StartTLS()
	} else {
		b.Start()
	}
	t.Cleanup(b.Close)
	return b
}

// serve wants "NTLM 1", answers with a challenge, then wants "NTLM name" on the
// same connection.
func (b *boundAuth) serve(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(boundConnKey{}).(net.Conn)
	b.mu.Lock()
	defer b.mu.Unlock()
	state := b.user[c]
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "NTLM ")
	switch {
	case token == "1":
		b.user[c] = "challenged"
		w.Header().Set("WWW-Authenticate", "NTLM 2")
	case token != "" && state == "challenged":
		b.user[c], state = token, token
	}
	if token == "1" || state == "" || state == "challenged" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	io.WriteString(w, state)
}

// bareClient asks for url on one connection to the proxy, in a tunnel with TLS
// inside if ca is given. net/http's client gives up connections by itself on a busy
// machine, where a server's answer can be quicker than its own goroutines.
type bareClient struct {
	net.Conn
	r      *bufio.Reader
	target string // of the request line
}

func newBareClient(t testing.TB, addr, url string, ca *CA) *bareClient {
	t.Helper()
	_, host, _ := strings.Cut(url, "://")
	c := &bareClient{target: url + "/"}
	if strings.HasPrefix(url, "https:") {
		c.Conn, c.target = tls.Client(tunnel(t, addr, host), &tls.Config{RootCAs: pool(ca), ServerName: "127.0.0.1"}), "/"
	} else {
		c.Conn = dial(t, addr)
	}
	c.r = bufio.NewReader(c.Conn)
	return c
}

func (c *bareClient) post(token string) (status int, answer string, err error) {
	if token != "" {
		token = "Authorization: NTLM " + token + "\r\n"
	}
	if _, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: h\r\n%sContent-Length: 4\r\n\r\n<a/>", c.target, token); err != nil {
		return 0, "", err
	}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// logIn does both legs and asks again without credentials.
func (c *bareClient) logIn(name string) error {
	for _, leg := range []struct {
		token  string
		status int
		body   string
	}{{"", 401, ""}, {"1", 401, ""}, {name, 200, name}, {"", 200, name}, {"", 200, name}} {
		if status, body, err := c.post(leg.token); err != nil || status != leg.status || body != leg.body {
			return fmt.Errorf("leg %q: %d %q, %v; want %d %q", leg.token, status, body, err, leg.status, leg.body)
		}
	}
	return nil
}

func TestOneUpstreamConnectionPerClientConnection(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(map[bool]string{false: "plain", true: "connect"}[secure], func(t *testing.T) {
			ca := sharedCA(t)
			upstream := newBoundAuth(t, secure)
			_, addr := start(t, Config{CA: ca})

			alice := newBareClient(t, addr, upstream.URL, ca)
			if err := alice.logIn("alice"); err != nil {
				t.Fatal(err)
			}
			if status, body, err := newBareClient(t, addr, upstream.URL, ca).post(""); status != 401 {
				t.Errorf("a client without credentials got %d as %q, %v", status, body, err)
			}

			var all sync.WaitGroup
			for i := range 16 {
				client := newBareClient(t, addr, upstream.URL, ca)
				all.Go(func() {
					if err := client.logIn(fmt.Sprint("user", i)); err != nil {
						t.Errorf("client %d: %v", i, err)
					}
				})
			}
			all.Wait()

			alice.Close()
			for {
				ended := next(t, upstream.ended)
				upstream.mu.Lock()
				name := upstream.user[ended]
				upstream.mu.Unlock()
				if name == "alice" {
					break // her upstream connection ended with hers
				}
			}
		})
	}
}

// closer counts what the proxy does to the transport of a connection.
type closer struct {
	roundTrip
	idle, closed chan struct{}
}

func (c closer) CloseIdleConnections() { c.idle <- struct{}{} }
func (c closer) Close() error          { close(c.closed); return nil }

func TestTransportLivesAsLongAsItsConnection(t *testing.T) {
	made := make(chan closer, 4)
	_, addr := start(t, Config{NewTransport: func() http.RoundTripper {
		c := closer{func(r *http.Request) (*http.Response, error) { return reply(r, 200, "ok"), nil },
			make(chan struct{}, 4), make(chan struct{})}
		made <- c
		return c
	}})
	client := via(t, addr, nil)
	for range 3 {
		resp, err := client.Get("http://host.test/")
		body(t, resp, err)
	}
	first := next(t, made)
	select {
	case <-made:
		t.Error("a second transport for the same connection")
	case <-first.closed:
		t.Error("closed before its connection")
	default:
	}
	client.CloseIdleConnections()
	next(t, first.closed)
	if len(first.idle) != 1 {
		t.Errorf("CloseIdleConnections was called %d times, want once", len(first.idle))
	}
	resp, err := client.Get("http://host.test/")
	body(t, resp, err)
	next(t, made)
}

// However the end of an exchange and that of its request's writing fall together,
// the upstream connection lives on.
func TestLoginsLast(t *testing.T) {
	upstream := newBoundAuth(t, false)
	_, addr := start(t, Config{})
	for i := range 300 {
		c := newBareClient(t, addr, upstream.URL, nil)
		if err := c.logIn("alice"); err != nil {
			t.Fatalf("login %d: %v", i, err)
		}
		c.Close()
	}
}
