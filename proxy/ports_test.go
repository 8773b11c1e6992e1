package proxy

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestParsePorts(t *testing.T) {
	ports, err := ParsePorts("443, 8443,1024-1030")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := ports.String(), "443,8443,1024-1030"; got != want {
		t.Errorf("String = %q, want %q", got, want)
	}
	for port, want := range map[string]bool{"443": true, "8443": true, "1024": true, "1030": true, "1027": true, "1023": false, "1031": false, "25": false, "0443": true} {
		if got := ports.has(port); got != want {
			t.Errorf("has(%s) = %v", port, got)
		}
	}
	if all := Ports(nil); !all.has("25") {
		t.Error("no list is no limit")
	}
	for _, list := range []string{"", "80,", "x", "0", "65536", "-1", "80-", "90-80", "80-90-100", "80 90", "http"} {
		if p, err := ParsePorts(list); err == nil {
			t.Errorf("ParsePorts(%q) = %v", list, p)
		}
	}
}

func TestOnlyAllowedPortsAreReached(t *testing.T) {
	reached := false
	upstream := server(t, func(w http.ResponseWriter, r *http.Request) { reached = true })
	target := upstream.Listener.Addr().String()
	ports, err := ParsePorts("80,443")
	if err != nil {
		t.Fatal(err)
	}
	hosts, err := ParseHosts([]string{"tunnel.test"})
	if err != nil {
		t.Fatal(err)
	}
	u := insecureUpstream(t)
	_, addr := start(t, Config{CA: sharedCA(t), Ports: ports, Tunnel: hosts, Dial: u.Dial})
	_, port, _ := strings.Cut(target, ":")
	for _, line := range []string{"CONNECT " + target, "GET http://" + target + "/", "CONNECT tunnel.test:" + port, "CONNECT [::1]:" + port} {
		got := ask(t, addr, line+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 403 ") || !strings.Contains(got, "--connect-ports 80,443,"+port) {
			t.Errorf("%s: got %q", line, got)
		}
	}
	if reached {
		t.Error("the server was reached")
	}
	// Ports that are not written are those of the scheme.
	_, addr = start(t, Config{Ports: ports, NewTransport: func() http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) { return reply(r, 200, "ok"), nil })
	}})
	for url, want := range map[string]string{"http://h.test/": "200", "http://h.test:80/": "200", "https://h.test/": "200", "http://h.test:25/": "403"} {
		c := dial(t, addr)
		io.WriteString(c, "GET "+url+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		if b, _ := io.ReadAll(c); !strings.HasPrefix(string(b), "HTTP/1.1 "+want) {
			t.Errorf("%s: got %q, want %s", url, b, want)
		}
	}
}
