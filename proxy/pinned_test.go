package proxy

import (
	"bufio"
	"context"
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

// logIn does both legs and asks again without credentials.
func logIn(client *http.Client, url, name string) error {
	for _, leg := range []struct {
		token  string
		status int
		body   string
	}{{"", 401, ""}, {"1", 401, ""}, {name, 200, name}, {"", 200, name}, {"", 200, name}} {
		r, err := http.NewRequest("POST", url, strings.NewReader("<a/>"))
		if err != nil {
			return err
		}
		if leg.token != "" {
			r.Header.Set("Authorization", "NTLM "+leg.token)
		}
		resp, err := client.Do(r)
		if err != nil {
			return err
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != leg.status || string(b) != leg.body {
			return fmt.Errorf("leg %q: %d %q, %v; want %d %q", leg.token, resp.StatusCode, b, err, leg.status, leg.body)
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

			alice := via(t, addr, ca)
			if err := logIn(alice, upstream.URL, "alice"); err != nil {
				t.Fatal(err)
			}
			resp, err := via(t, addr, ca).Get(upstream.URL)
			if got := body(t, resp, err); resp.StatusCode != 401 {
				t.Errorf("a client without credentials got %d as %q", resp.StatusCode, got)
			}

			var all sync.WaitGroup
			for i := range 16 {
				client := via(t, addr, ca)
				all.Go(func() {
					if err := logIn(client, upstream.URL, fmt.Sprint("user", i)); err != nil {
						t.Errorf("client %d: %v", i, err)
					}
				})
			}
			all.Wait()

			alice.CloseIdleConnections()
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
// the upstream connection lives on. A client of bare sockets, since net/http's
// gives up connections by itself on a busy machine.
func TestLoginsLast(t *testing.T) {
	upstream := newBoundAuth(t, false)
	_, addr := start(t, Config{})
	for range 300 {
		c := dial(t, addr)
		r := bufio.NewReader(c)
		for leg, status := range []int{401, 401, 200, 200, 200} {
			token := [...]string{"", "Authorization: NTLM 1\r\n", "Authorization: NTLM alice\r\n", "", ""}[leg]
			fmt.Fprintf(c, "POST %s/ HTTP/1.1\r\nHost: h\r\n%sContent-Length: 4\r\n\r\n<a/>", upstream.URL, token)
			resp, err := http.ReadResponse(r, nil)
			if body(t, resp, err); resp.StatusCode != status {
				t.Fatalf("leg %d: %d, want %d", leg, resp.StatusCode, status)
			}
		}
		c.Close()
	}
}

// A server that answers a long request at its header costs no connection either,
// whether or not the body was begun to be sent by then.
func TestAnswersToHeadersKeepTheConnection(t *testing.T) {
	up := newScripted(t)
	_, addr := start(t, Config{})
	const size = 100 << 10
	served := make(chan struct{})
	go func() {
		defer close(served)
		c := <-up.conns
		for {
			r, err := http.ReadRequest(c.r)
			if err != nil {
				return
			}
			c.say("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return
			}
		}
	}()
	c := dial(t, addr)
	r := bufio.NewReader(c)
	for range 50 {
		fmt.Fprintf(c, "POST %s/ HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", up.url, size)
		readHead(t, r, "HTTP/1.1 401 ")
		c.Write(make([]byte, size))
	}
	if n := up.made.Load(); n != 1 {
		t.Errorf("%d connections to the server, want 1", n)
	}
	c.Close()
	next(t, served)
}
