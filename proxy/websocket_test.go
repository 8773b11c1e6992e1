package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// WebSocket and the like pass through on every way in, both ways, each side
// ending before the other.
func TestUpgradeOnEveryWayIn(t *testing.T) {
	ca := sharedCA(t)
	serve := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "websocket" || r.Header.Get("Sec-Websocket-Key") != "dGhlIHNhbXBsZSBub25jZQ==" {
			t.Errorf("header %v", r.Header)
		}
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x05")
		io.Copy(c, rw)
		io.WriteString(c, "\x88\x00")
	}
	for _, up := range []*httptest.Server{server(t, serve), serverTLS(t, serve)} {
		target := up.Listener.Addr().String()
		_, forward := start(t, Config{CA: ca})
		base, err := url.Parse(up.URL)
		if err != nil {
			t.Fatal(err)
		}
		_, reverse := start(t, Config{CA: ca, Reverse: base})
		open := map[string]func() (net.Conn, string){
			"reverse":       func() (net.Conn, string) { return dial(t, reverse), "/chat" },
			"reverse_tls":   func() (net.Conn, string) { return tlsOver(t, dial(t, reverse), ca, ""), "/chat" },
			"absolute_form": func() (net.Conn, string) { return dial(t, forward), up.URL + "/chat" },
		}
		if up.TLS == nil {
			open["connect_plain"] = func() (net.Conn, string) { return tunnel(t, forward, target), "/chat" }
			open["proxy_over_tls"] = func() (net.Conn, string) { return tlsOver(t, dial(t, forward), ca, ""), up.URL + "/chat" }
		} else {
			open["connect"] = func() (net.Conn, string) { return tlsTunnel(t, forward, target, ca, ""), "/chat" }
		}
		for way, dialWay := range open {
			c, target := dialWay()
			fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", target, up.Listener.Addr())
			r := bufio.NewReader(c)
			head := readHead(t, r, "HTTP/1.1 101 ")
			io.WriteString(c, "Hello")
			if err := closeWrite(c); err != nil {
				t.Fatal(err)
			}
			frames, err := io.ReadAll(r)
			if !strings.Contains(strings.ToLower(head), "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=") || string(frames) != "\x81\x05Hello\x88\x00" || err != nil {
				t.Errorf("%s to %s: got %q %q, %v", way, up.URL, head, frames, err)
			}
		}
	}
}
