package proxy

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
)

// Room is made by closing a connection whose client has nothing under way, never
// one with a running exchange.
func TestRoomIsMadeByIdleConnections(t *testing.T) {
	began, release := make(chan string, 3), make(chan struct{})
	var logged logBuffer
	_, addr := start(t, Config{Logger: logged.logger(slog.LevelWarn), Limits: Limits{Connections: 2}, NewTransport: func() http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			began <- r.URL.Path
			if r.URL.Path == "/slow" {
				select {
				case <-release:
				case <-r.Context().Done():
				}
			}
			return reply(r, 200, "ok"), nil
		})
	}})
	ask := func(c net.Conn, path string) *bufio.Reader {
		fmt.Fprintf(c, "GET http://h.test%s HTTP/1.1\r\nHost: h\r\n\r\n", path)
		return bufio.NewReader(c)
	}
	first, second := dial(t, addr), dial(t, addr)
	slow, alsoSlow := ask(first, "/slow"), ask(second, "/slow")
	next(t, began)
	next(t, began)
	quick := ask(dial(t, addr), "/quick")
	release <- struct{}{} // one of the two is answered, and idle
	if path := next(t, began); path != "/quick" {
		t.Fatalf("%s was sent", path)
	}
	readHead(t, quick, "HTTP/1.1 200 ")
	release <- struct{}{} // the other had been spared
	for _, r := range []*bufio.Reader{slow, alsoSlow} {
		readHead(t, r, "HTTP/1.1 200 ")
		io.ReadFull(r, make([]byte, 2))
	}
	if log := logged.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "too many connections") || !strings.Contains(log, "limit=2") {
		t.Errorf("log, want one line:\n%s", log)
	}
}

// A quiet connection of another protocol makes room as well.
func TestRoomIsMadeByUpgradedConnections(t *testing.T) {
	upstream := silentServer(t, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
	good := server(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") })
	_, addr := start(t, Config{Limits: Limits{Connections: 1}})
	c := dial(t, addr)
	fmt.Fprintf(c, "GET http://%s/ HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", upstream)
	r := bufio.NewReader(c)
	readHead(t, r, "HTTP/1.1 101 ")
	resp, err := via(t, addr, nil).Get(good.URL)
	if got := body(t, resp, err); got != "ok" {
		t.Errorf("got %q", got)
	}
	io.Copy(io.Discard, r) // ends
}

func TestDefaultConnectionsLeaveRoomForServers(t *testing.T) {
	n := (Limits{}).withDefaults().Connections
	if files := openFiles(); n > 4096 || files > 0 && n > max(16, files/2) {
		t.Errorf("%d connections with %d files", n, files)
	}
	if n := (Limits{Connections: 9}).withDefaults().Connections; n != 9 {
		t.Errorf("%d connections, want the 9 asked for", n)
	}
}
