package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A client connection has one connection to its server, whoever serves its requests,
// and may become another protocol's or a tunnel after them.
func TestPlainAndOtherRequestsShareAnUpstream(t *testing.T) {
	by := make(chan string, 10)
	upstream := server(t, func(w http.ResponseWriter, r *http.Request) {
		by <- r.RemoteAddr
		if r.Header.Get("Upgrade") != "" {
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
			io.Copy(c, c)
			return
		}
		io.Copy(w, r.Body)
	})
	host := strings.TrimPrefix(upstream.URL, "http://")
	ca, _, err := LoadOrCreateCA(filepath.Join(t.TempDir(), "ca"))
	if err != nil {
		t.Fatal(err)
	}
	const (
		plain   = "POST %s/ HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"
		chunked = "POST %s/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
		upgrade = "GET %s/ HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
	)
	_, addr := start(t, Config{CA: ca})
	for _, inTunnel := range []bool{false, true} {
		c, to := dial(t, addr), upstream.URL
		in := bufio.NewReader(c)
		say := func(format string) *http.Response {
			fmt.Fprintf(c, format, to)
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			return resp
		}
		whole := func(format string) {
			t.Helper()
			resp := say(format)
			if got, err := io.ReadAll(resp.Body); string(got) != "body" || err != nil {
				t.Errorf("got %d %q, %v", resp.StatusCode, got, err)
			}
		}
		all := []string{}
		if inTunnel {
			whole(plain)
			next(t, by)
			if resp := say("CONNECT " + host + " HTTP/1.1\r\nHost: h\r\n\r\n%.0s"); resp.StatusCode != 200 {
				t.Fatalf("CONNECT got %d", resp.StatusCode)
			}
			to = ""
		}
		for _, format := range []string{plain, plain, chunked, plain} {
			whole(format)
			all = append(all, next(t, by))
		}
		if resp := say(upgrade); resp.StatusCode != 101 {
			t.Fatalf("got %d", resp.StatusCode)
		}
		all = append(all, next(t, by))
		io.WriteString(c, "text")
		text := make([]byte, 4)
		if _, err := io.ReadFull(in, text); string(text) != "text" {
			t.Errorf("after the upgrade: %q, %v", text, err)
		}
		if all = slices.Compact(all); len(all) != 1 {
			t.Errorf("in a tunnel %t: the server was asked by %v", inTunnel, all)
		}
	}
}
