package proxy

import (
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// otherProxy is a proxy between umtape and the servers.
type otherProxy struct {
	*httptest.Server
	credentials string // "user:password" that it wants; "" for none
	refuse      int    // status that it answers to CONNECT; 0 to connect

	mu   sync.Mutex
	seen []string // first lines
}

func newOtherProxy(t testing.TB, secure bool) *otherProxy {
	p := new(otherProxy)
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
	p.Config.ErrorLog = quiet
	if secure {
		p.StartTLS()
	} else {
		p.Start()
	}
	t.Cleanup(p.Close)
	return p
}

func (p *otherProxy) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.seen = append(p.seen, r.Method+" "+r.RequestURI)
	p.mu.Unlock()
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte(p.credentials))
	if p.credentials != "" && r.Header.Get("Proxy-Authorization") != want {
		w.Header().Set("Proxy-Authenticate", "Basic realm=other")
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	if r.Method != http.MethodConnect {
		fmt.Fprintf(w, "the other proxy: %s %s", r.Method, r.RequestURI)
		return
	}
	if p.refuse != 0 {
		w.WriteHeader(p.refuse)
		return
	}
	server, err := net.Dial("tcp", r.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer server.Close()
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
	go func() { io.Copy(server, buffered); closeWrite(server) }()
	io.Copy(client, server)
}

func (p *otherProxy) lines() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.seen, "\n")
}

// through starts umtape with p before the servers.
func (p *otherProxy) through(t testing.TB, change func(*UpstreamConfig)) *http.Client {
	t.Helper()
	u, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := UpstreamConfig{Proxy: u, Insecure: []string{"127.0.0.1"}}
	if change != nil {
		change(&c)
	}
	upstream, err := NewUpstream(c)
	if err != nil {
		t.Fatal(err)
	}
	_, addr := start(t, Config{CA: sharedCA(t), NewTransport: func() http.RoundTripper { return upstream.Transport() }})
	return via(t, addr, sharedCA(t))
}

func TestThroughAnotherProxy(t *testing.T) {
	up := serverTLS(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Method, " ", r.RequestURI) })
	for _, secure := range []bool{false, true} {
		for _, credentials := range []string{"", "user:pass:word"} {
			p := newOtherProxy(t, secure)
			p.credentials = credentials
			client := p.through(t, func(c *UpstreamConfig) { c.ProxyAuth = credentials })
			for range 2 {
				resp, err := client.Get(up.URL + "/x?y")
				if got := body(t, resp, err); got != "GET /x?y" {
					t.Errorf("https: got %q", got)
				}
				resp, err = client.Get("http://um.example.test:8080/a%2fb?c")
				if got := body(t, resp, err); got != "the other proxy: GET http://um.example.test:8080/a%2fb?c" {
					t.Errorf("http: got %q", got)
				}
			}
			if got, want := p.lines(), "CONNECT "+up.Listener.Addr().String()+"\nGET http://um.example.test:8080/a%2fb?c\nGET http://um.example.test:8080/a%2fb?c"; got != want {
				t.Errorf("the other proxy saw\n%s\nwant\n%s", got, want)
			}
		}
	}
}

// The client's own credentials for umtape are not the other proxy's, and the
// other way round.
func TestOtherProxyIsToldNothingOfTheClient(t *testing.T) {
	p := newOtherProxy(t, false)
	p.credentials = "user:password"
	client := p.through(t, nil)
	r, err := http.NewRequest("GET", "http://um.example.test/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("user:password")))
	resp, err := client.Do(r)
	if got := body(t, resp, err); resp.StatusCode != 502 || resp.Header.Get("Proxy-Authenticate") != "" {
		t.Errorf("got %d %v %q, want 502", resp.StatusCode, resp.Header, got)
	}
}

func TestOtherProxyFails(t *testing.T) {
	up := serverTLS(t, func(http.ResponseWriter, *http.Request) {})
	for _, tt := range []struct {
		name, target, want string
		change             func(*otherProxy, *UpstreamConfig)
	}{
		{"no_credentials", up.URL, "wants credentials: give user:password with --upstream-proxy-auth FILE", func(p *otherProxy, c *UpstreamConfig) { p.credentials = "a:b" }},
		{"no_credentials_http", "http://um.example.test/", "wants credentials: give user:password with --upstream-proxy-auth FILE", func(p *otherProxy, c *UpstreamConfig) { p.credentials = "a:b" }},
		{"wrong_credentials", up.URL, "did not accept the credentials", func(p *otherProxy, c *UpstreamConfig) { p.credentials, c.ProxyAuth = "a:b", "a:SECRET" }},
		{"refused", up.URL, "refused to connect to 127.0.0.1:", func(p *otherProxy, c *UpstreamConfig) { p.refuse = 403 }},
		{"down", up.URL, "the upstream proxy 127.0.0.1:1 refused the connection", func(p *otherProxy, c *UpstreamConfig) { c.Proxy = &url.URL{Scheme: "http", Host: "127.0.0.1:1"} }},
		{"not_tls", up.URL, "the upstream proxy 127.0.0.1:", func(p *otherProxy, c *UpstreamConfig) { c.Proxy = &url.URL{Scheme: "https", Host: c.Proxy.Host} }},
		{"unknown", up.URL, "unknown host proxy.invalid", func(p *otherProxy, c *UpstreamConfig) { c.Proxy = &url.URL{Scheme: "http", Host: "proxy.invalid"} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newOtherProxy(t, false)
			client := p.through(t, func(c *UpstreamConfig) { tt.change(p, c) })
			resp, err := client.Get(tt.target)
			got := body(t, resp, err)
			if tt.name == "unknown" && strings.Contains(got, "could not be looked up") {
				return // a machine without a name server
			}
			if resp.StatusCode != 502 || !strings.Contains(got, tt.want) || strings.Contains(got, "SECRET") {
				t.Errorf("got %d %q, want 502 and %q", resp.StatusCode, got, tt.want)
			}
		})
	}
}

func TestUpstreamProxyIsChecked(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	parse := func(s string) *url.URL {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	good := parse("http://proxy.test:3128")
	for _, tt := range []struct {
		name string
		c    UpstreamConfig
		want string // "" if it is accepted
	}{
		{"http", UpstreamConfig{Proxy: good}, ""},
		{"https", UpstreamConfig{Proxy: parse("https://proxy.test/")}, ""},
		{"file", UpstreamConfig{Proxy: good, ProxyAuthFile: file("good", "a:SECRET\r\n", 0o600)}, ""},
		{"credentials_in_url", UpstreamConfig{Proxy: parse("http://a:SECRET@proxy.test")}, "--upstream-proxy-auth FILE"},
		{"scheme", UpstreamConfig{Proxy: parse("socks5://proxy.test")}, "not of the form http://HOST:PORT"},
		{"no_scheme", UpstreamConfig{Proxy: parse("proxy.test:3128")}, "not of the form http://HOST:PORT"},
		{"scheme_forgotten", UpstreamConfig{Proxy: parse("alice:SECRET@proxy.test:3128")}, "not of the form http://HOST:PORT"},
		{"resolve_of_a_server", UpstreamConfig{Proxy: good, Resolve: []string{"um.test:443:127.0.0.1"}}, "give one of --resolve and --upstream-proxy"},
		{"resolve_of_the_proxy", UpstreamConfig{Proxy: good, Resolve: []string{"proxy.test:3128:127.0.0.1"}}, ""},
		{"path", UpstreamConfig{Proxy: parse("http://proxy.test/x")}, "not of the form http://HOST:PORT"},
		{"no_proxy", UpstreamConfig{ProxyAuth: "a:SECRET"}, "no upstream proxy"},
		{"no_proxy_file", UpstreamConfig{ProxyAuthFile: file("any", "", 0o600)}, "no upstream proxy"},
		{"no_colon", UpstreamConfig{Proxy: good, ProxyAuth: "SECRET"}, "want one line, user:password"},
		{"no_user", UpstreamConfig{Proxy: good, ProxyAuth: ":SECRET"}, "want one line, user:password"},
		{"empty_file", UpstreamConfig{Proxy: good, ProxyAuthFile: file("empty", "", 0o600)}, "empty: want one line, user:password"},
		{"open_file", UpstreamConfig{Proxy: good, ProxyAuthFile: file("open", "a:SECRET", 0o644)}, "chmod 600"},
		{"absent_file", UpstreamConfig{Proxy: good, ProxyAuthFile: filepath.Join(dir, "absent")}, "absent: no such file"},
	} {
		_, err := NewUpstream(tt.c)
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "SECRET")):
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestResolve(t *testing.T) {
	up := server(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Host) })
	_, port, _ := net.SplitHostPort(up.Listener.Addr().String())
	u, err := NewUpstream(UpstreamConfig{Resolve: []string{"UM.example.test:" + port + ":127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	_, addr := start(t, Config{NewTransport: func() http.RoundTripper { return u.Transport() }})
	resp, err := via(t, addr, nil).Get("http://um.example.test:" + port)
	if got := body(t, resp, err); got != "um.example.test:"+port {
		t.Errorf("Host %q", got)
	}
	for entry, want := range map[string]string{
		"h:443:192.0.2.1":    "192.0.2.1:443",
		"h:443:[2001::1]":    "[2001::1]:443",
		"h:443:2001::1":      "[2001::1]:443",
		"[::1]:80:192.0.2.1": "192.0.2.1:80",
		"h:443:other.test":   "other.test:443",
		"h:443":              "",
		"h:443:":             "",
		"h:x:192.0.2.1":      "",
		":443:192.0.2.1":     "",
		"h:443:a:b":          "",
		"[::1:80:192.0.2.1":  "",
		"":                   "",
	} {
		to, err := parseResolve([]string{entry})
		if (err == nil) != (want != "") {
			t.Errorf("%q: %v", entry, err)
		}
		for at, address := range to {
			if address != want {
				t.Errorf("%q: %s to %s, want to %s", entry, at, address, want)
			}
		}
	}
}
