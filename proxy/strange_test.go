package proxy

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A server may name the protocols it could switch to in any answer; only 101
// switches.
func TestOfferedUpgradeIsAnAnswer(t *testing.T) {
	for status, kept := range map[string]bool{"426 Upgrade Required": true, "200 OK": false} {
		upstream, _ := rawServer(t, "HTTP/1.1 "+status+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\nhello")
		_, addr := start(t, Config{})
		got := ask(t, addr, "GET http://"+upstream+"/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 "+status) || !strings.HasSuffix(got, "\r\n\r\nhello") || strings.Contains(got, "Upgrade: websocket") != kept {
			t.Errorf("%s: got %q", status, got)
		}
	}
}

func TestImpossibleStatusIs502(t *testing.T) {
	for _, status := range []int{0, 99, 199, 1000, 70000} {
		_, addr := start(t, Config{NewTransport: func() http.RoundTripper {
			return roundTrip(func(r *http.Request) (*http.Response, error) { return reply(r, status, "ok"), nil })
		}})
		got := ask(t, addr, "GET http://h/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 502 ") {
			t.Errorf("%d: got %q", status, got)
		}
	}
}

// A body longer than its header says is the transport's fault, and logged so.
func TestBodyOverItsLengthIsBroken(t *testing.T) {
	var logged logBuffer
	_, addr := start(t, Config{Logger: logged.logger(0), NewTransport: func() http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			resp := reply(r, 200, "hello")
			resp.ContentLength = 3
			return resp, nil
		})
	}})
	c := dial(t, addr)
	io.WriteString(c, "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\nGET http://h/2 HTTP/1.1\r\nHost: h\r\n\r\n")
	got, _ := io.ReadAll(c)
	if strings.Count(string(got), "HTTP/1.1") > 1 {
		t.Errorf("got %q", got)
	}
	if log := logged.String(); !strings.Contains(log, "broke off") || !strings.Contains(log, "longer than its Content-Length") {
		t.Errorf("log:\n%s", log)
	}
}

// Whoever takes the end of the connection for the end of the body must not see
// a proper end of a body that broke off.
func TestBrokenBodyUntilEOFIsReset(t *testing.T) {
	upstream := breakingServer(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
	_, addr := start(t, Config{CA: sharedCA(t)})
	overTLS, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: pool(sharedCA(t))})
	if err != nil {
		t.Fatal(err)
	}
	defer overTLS.Close()
	for name, c := range map[string]net.Conn{"plain": dial(t, addr), "tls": overTLS, "tunnel": tunnel(t, addr, upstream)} {
		fmt.Fprintf(c, "GET http://%s/ HTTP/1.0\r\n\r\n", upstream)
		if b, err := io.ReadAll(c); err == nil {
			t.Errorf("%s: read %q and a proper end", name, b)
		}
	}
}

func TestStrangeURLsAreRefused(t *testing.T) {
	upstream, got := rawServer(t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	_, addr := start(t, Config{CA: sharedCA(t)})
	for target, inTunnel := range map[string]bool{
		"http:foo": true, "ftp://x/y": true, "mailto:a@b.test": true, "http://other.test:99999/x": true,
		"http:bar": false, "http://h.test:99999/x": false, "http://h.test:0/": false,
	} {
		c := dial(t, addr)
		if inTunnel {
			c = tunnel(t, addr, upstream)
		}
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", target)
		b, err := io.ReadAll(c)
		if !strings.HasPrefix(string(b), "HTTP/1.1 400 ") {
			t.Errorf("%s: got %q, %v; want 400", target, b, err)
		}
	}
	if len(got) != 0 {
		t.Errorf("the server got %q", <-got)
	}
}

func TestPathReachesServerAsWritten(t *testing.T) {
	upstream, got := rawServer(t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	base, err := url.Parse("http://" + upstream + "/ba|se")
	if err != nil {
		t.Fatal(err)
	}
	_, addr := start(t, Config{Reverse: base})
	for _, path := range []string{"/a|b", "/{x}", `/a"b`, "/\xc3\xa9", "/\xe9", "/a#b", "/a?", "/a?x=|", "/^`", "/%7e", "/a%2Fb|", "/a;b", "/[1]"} {
		for prefix, base := range map[string]string{"": "/ba|se", "http://" + upstream: ""} {
			ask(t, addr, "GET "+prefix+path+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
			line, _, _ := strings.Cut(next(t, got), "\r\n")
			if want := "GET " + base + path + " HTTP/1.1"; line != want {
				t.Errorf("the server got %q, want %q", line, want)
			}
		}
	}
}

func TestH2CIsNotOffered(t *testing.T) {
	for sent, want := range map[string]string{"h2c": "", "websocket, h2c": "websocket", "h2c-14,websocket": "websocket", "a/1, b": "a/1, b"} {
		h := http.Header{"Connection": {"Upgrade"}, "Upgrade": {sent}}
		if got := cleanRequest(h); got != want || h.Get("Upgrade") != want {
			t.Errorf("%s: got %q, header %q, want %q", sent, got, h.Get("Upgrade"), want)
		}
	}
}

func TestErrorsDoNotQuoteTheServer(t *testing.T) {
	for _, answer := range []string{
		"SECRET\r\n\r\n",
		"HTTP/1.1 2SECRET OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: SECRET\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1SECRET\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: SECRET\r\n\r\n",
		"HTTP/1.1 200 OK\r\nSECRET\r\n\r\n",
	} {
		var logged logBuffer
		upstream := breakingServer(t, answer)
		_, addr := start(t, Config{Logger: logged.logger(-4)})
		got := ask(t, addr, "GET http://"+upstream+"/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 502 ") || strings.Contains(got+logged.String(), "SECRET") {
			t.Errorf("%q: got %q, log\n%s", answer, got, logged.String())
		}
	}
}
