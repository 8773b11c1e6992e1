package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

const soonIdle = 250 * time.Millisecond

// idleProxy has short limits on bodies, its own and its upstream's.
func idleProxy(t testing.TB, logged *logBuffer) string {
	t.Helper()
	u, err := NewUpstream(UpstreamConfig{BodyIdleTimeout: soonIdle / 2, ResponseHeaderTimeout: soonIdle})
	if err != nil {
		t.Fatal(err)
	}
	_, addr := start(t, Config{Logger: logged.logger(slog.LevelDebug), Limits: Limits{BodyIdle: soonIdle, UpgradeIdle: soonIdle},
		NewTransport: func() http.RoundTripper { return u.Transport() }})
	return addr
}

func TestClientThatStallsInItsBodyIs408(t *testing.T) {
	upstream := server(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	addr := idleProxy(t, new(logBuffer))
	got := ask(t, addr, "POST "+upstream.URL+"/ HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc")
	if !strings.HasPrefix(got, "HTTP/1.1 408 ") || !strings.Contains(got, "Connection: close") {
		t.Errorf("got %q", got)
	}
}

// silentServer takes connections and neither reads nor answers, or answers with
// what is given and then says nothing.
func silentServer(t testing.TB, answer string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { ln.Close(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			if answer != "" {
				http.ReadRequest(bufio.NewReader(c))
				io.WriteString(c, answer)
			}
		}
	}()
	return ln.Addr().String()
}

func TestServerThatDoesNotReadIs504(t *testing.T) {
	upstream, addr := silentServer(t, ""), idleProxy(t, new(logBuffer))
	c := dial(t, addr)
	body := bytes.Repeat([]byte("x"), 32<<20) // more than the buffers of three sockets, made before the clock runs
	fmt.Fprintf(c, "POST http://%s/ HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", upstream, len(body))
	go c.Write(body)
	readHead(t, bufio.NewReader(c), "HTTP/1.1 504 ")
}

func TestServerThatStallsInItsBodyIsCut(t *testing.T) {
	var logged logBuffer
	upstream, addr := silentServer(t, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"), idleProxy(t, &logged)
	resp, err := via(t, addr, nil).Get("http://" + upstream + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err == nil || string(b) != "hello" {
		t.Errorf("got %q, %v; want hello and then an error", b, err)
	}
	if log := logged.String(); !strings.Contains(log, "broke off") || !strings.Contains(log, "nothing more came for") {
		t.Errorf("log:\n%s", log)
	}
}

func TestClientThatDoesNotReadIsCut(t *testing.T) {
	gone := make(chan struct{})
	upstream := server(t, func(w http.ResponseWriter, r *http.Request) {
		defer close(gone)
		for block := make([]byte, 1<<20); ; {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	c := dial(t, idleProxy(t, new(logBuffer)))
	fmt.Fprintf(c, "GET %s/ HTTP/1.1\r\nHost: h\r\n\r\n", upstream.URL)
	next(t, gone)
}

func TestIdleUpgradedConnectionEnds(t *testing.T) {
	upstream := silentServer(t, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
	c := dial(t, idleProxy(t, new(logBuffer)))
	fmt.Fprintf(c, "GET http://%s/ HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", upstream)
	r := bufio.NewReader(c)
	readHead(t, r, "HTTP/1.1 101 ")
	io.Copy(io.Discard, r) // ends
}
