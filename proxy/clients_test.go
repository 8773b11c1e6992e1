package proxy

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// farListener gives connections that seem to come from another address.
type farListener struct {
	net.Listener
	from string
}

type farConn struct {
	net.Conn
	from net.Addr
}

func (l farListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return farConn{c, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(l.from))}, nil
}

func (c farConn) RemoteAddr() net.Addr { return c.from }
func (c farConn) CloseWrite() error    { return closeWrite(c.Conn) }

// startFar is start for clients that come from an address.
func startFar(t *testing.T, c Config, from string) string {
	t.Helper()
	if c.NewTransport == nil {
		u := insecureUpstream(t)
		c.NewTransport = func() http.RoundTripper { return u.Transport() }
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(farListener{ln, from}) }()
	t.Cleanup(func() { s.Close(); <-served })
	return ln.Addr().String()
}

func networks(t *testing.T, list ...string) []netip.Prefix {
	t.Helper()
	var all []netip.Prefix
	for _, s := range list {
		p, err := ParseNetwork(s)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// usersOf gives users whose passwords are their names.
func usersOf(t *testing.T, names ...string) *Users {
	t.Helper()
	u, warning, err := ReadUsers(usersFile(t, names...))
	if err != nil || warning != "" {
		t.Fatal(err, warning)
	}
	return u
}

func usersFile(t *testing.T, names ...string) string {
	t.Helper()
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "%s:%s\n", name, hashOf(t, name, "2y"))
	}
	file := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func basic(credential string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credential))
}

func TestParseNetwork(t *testing.T) {
	for s, want := range map[string]string{
		"10.1.2.0/24": "10.1.2.0/24", "10.1.2.3/8": "10.0.0.0/8", "10.1.2.3": "10.1.2.3/32", "fd00::/8": "fd00::/8", "fd00::1": "fd00::1/128",
		"::ffff:10.1.2.3": "10.1.2.3/32", "::ffff:10.0.0.0/104": "10.0.0.0/8",
	} {
		if p, err := ParseNetwork(s); err != nil || p.String() != want {
			t.Errorf("ParseNetwork(%q) = %v, %v; want %s", s, p, err, want)
		}
	}
	for s, want := range map[string]string{
		"": "want a network", "10.1.2.0/33": "want a network", "ex.test": "want a network", "fe80::1%eth0": "want a network", "10.1.2": "want a network",
		"::ffff:0:0/95": "want a network", "0.0.0.0/0": "everybody's", "::/0": "everybody's", "::ffff:0:0/96": "everybody's", "10.0.0.0/0": "everybody's",
	} {
		if p, err := ParseNetwork(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseNetwork(%q) = %v, %v; want an error with %q", s, p, err, want)
		}
	}
}

func TestOnlyAllowedClientsAreServed(t *testing.T) {
	upstream := server(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") })
	for from, served := range map[string]bool{
		"10.1.2.3:5": true, "[::ffff:10.1.2.3]:5": true, "10.1.3.3:5": false, "192.0.2.9:5": true, "192.0.2.8:5": false,
		"[fe80::7%25eth0]:5": true, "[fd00::1]:5": false, "127.0.0.1:5": true, "127.9.9.9:5": true, "[::1]:5": true, "[::ffff:127.0.0.1]:5": true,
	} {
		var logged logBuffer
		addr := startFar(t, Config{CA: sharedCA(t), Allow: networks(t, "10.1.2.0/24", "192.0.2.9", "fe80::/10"), Logger: logged.logger(slog.LevelWarn)},
			strings.Replace(from, "%25", "%", 1))
		c := dial(t, addr)
		fmt.Fprintf(c, "GET %s/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", upstream.URL)
		b, err := io.ReadAll(c)
		if got := strings.HasSuffix(string(b), "ok"); got != served {
			t.Errorf("%s: served %v, want %v: %q, %v", from, got, served, b, err)
		}
		if !served {
			if len(b) > 0 {
				t.Errorf("%s: told %q, want nothing", from, b)
			}
			if log := logged.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "--allow") {
				t.Errorf("%s: log:\n%s", from, log)
			}
		}
	}
}

// Clients that are turned away take no place from others.
func TestTurnedAwayClientsTakeNoPlace(t *testing.T) {
	var logged logBuffer
	s, err := New(Config{NewTransport: insecureTransport(t), Allow: networks(t, "10.0.0.1"), ServeOrigin: true, Limits: Limits{Connections: 1},
		Logger: logged.logger(slog.LevelWarn)})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(farListener{ln, "192.0.2.1:9"}) }()
	t.Cleanup(func() { s.Close(); <-served })
	for range 20 {
		c := dial(t, ln.Addr().String())
		if b, err := io.ReadAll(c); err != nil || len(b) > 0 {
			t.Fatalf("%q, %v; want the end", b, err)
		}
	}
	if log := logged.String(); strings.Count(log, "\n") != 1 {
		t.Errorf("log, want one line for one address:\n%s", log)
	}
}

func insecureTransport(t *testing.T) func() http.RoundTripper {
	u := insecureUpstream(t)
	return func() http.RoundTripper { return u.Transport() }
}

func TestRefusedAddressesAreToldOfAtABoundedRate(t *testing.T) {
	var turned turnedAway
	start, told := time.Unix(1e9, 0), 0
	for i := range 1000 {
		tell, untold := turned.note(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), start)
		if tell {
			told++
		}
		if untold != 0 {
			t.Errorf("untold %d in the first minute", untold)
		}
	}
	if told != turnedMost {
		t.Errorf("%d lines in a minute, want %d", told, turnedMost)
	}
	first := netip.AddrFrom4([4]byte{10, 0, 0, 0})
	if tell, untold := turned.note(first, start.Add(turnedEvery)); !tell || untold != 1000-turnedMost {
		t.Errorf("a minute later: %v, %d untold; want a line and %d", tell, untold, 1000-turnedMost)
	}
	if tell, untold := turned.note(first, start.Add(turnedEvery)); tell || untold != 0 {
		t.Errorf("the same again: %v, %d", tell, untold)
	}
}

// A client that shows no password, a wrong one and then the right one, all on
// one connection, is served at the last, and the server sees nothing of it.
func TestProxyAsksForPassword(t *testing.T) {
	var logged logBuffer
	upstream, got := rawServer(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	_, addr := start(t, Config{CA: sharedCA(t), Users: usersOf(t, "anna"), Logger: logged.logger(slog.LevelDebug)})
	for _, way := range []string{"POST http://" + upstream + "/x", "CONNECT " + upstream} {
		c := dial(t, addr)
		r := bufio.NewReader(c)
		for _, tt := range []struct {
			header string
			status int
		}{
			{"", 407}, {"Proxy-Authorization: " + basic("anna:SECRET1"), 407}, {"Proxy-Authorization: " + basic("SECRET2:anna"), 407},
			{"Proxy-Authorization: Basic SECRET3", 407}, {"Proxy-Authorization: NTLM " + basic("anna:anna")[6:], 407},
			{"Authorization: " + basic("anna:anna"), 407}, // the server's, not ours
			{"Proxy-Authorization: " + basic("anna:SECRET4") + "\r\nProxy-Authorization: " + basic("anna:anna"), 407},
			{"proxy-authorization: basic " + basic("anna:anna")[6:], 200},
		} {
			header := "Host: h\r\n"
			if tt.header != "" {
				header += tt.header + "\r\n"
			}
			payload := ""
			if strings.HasPrefix(way, "POST") {
				payload = "hello"
				header += "Content-Length: 5\r\n"
			}
			fmt.Fprintf(c, "%s HTTP/1.1\r\n%s\r\n%s", way, header, payload)
			resp, err := http.ReadResponse(r, &http.Request{Method: strings.Fields(way)[0]})
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tt.status {
				t.Fatalf("%s with %q: %s, want %d", way, tt.header, resp.Status, tt.status)
			}
			if ask := resp.Header.Get("Proxy-Authenticate"); (ask == `Basic realm="umtape"`) != (tt.status == 407) || tt.status == 407 && resp.Close {
				t.Errorf("%s with %q: Proxy-Authenticate %q, close %v", way, tt.header, ask, resp.Close)
			}
			if resp.StatusCode == 407 || payload != "" {
				io.Copy(io.Discard, resp.Body)
			}
		}
		if strings.HasPrefix(way, "CONNECT") { // its tunnel is authenticated with it
			for range 2 {
				io.WriteString(c, "GET /in HTTP/1.1\r\nHost: h\r\n\r\n")
				resp, err := http.ReadResponse(r, nil)
				if b := body(t, resp, err); resp.StatusCode != 200 || b != "ok" {
					t.Errorf("in the tunnel: %s %q", resp.Status, b)
				}
			}
		}
	}
	for range 3 {
		if request := next(t, got); strings.Contains(request, "Authorization") || strings.Contains(request, "anna") {
			t.Errorf("the server got\n%s", request)
		}
	}
	if len(got) > 0 {
		t.Errorf("the server got one more: %s", <-got)
	}
	for _, secret := range []string{"SECRET", "anna", basic("anna:anna")[6:], basic("anna:SECRET1")[6:18]} {
		if strings.Contains(logged.String(), secret) {
			t.Errorf("the log holds %q:\n%s", secret, logged.String())
		}
	}
}

func TestPasswordAndGoClient(t *testing.T) {
	ca := sharedCA(t)
	upstream := serverTLS(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") })
	_, addr := start(t, Config{CA: ca, Users: usersOf(t, "anna")})
	client := via(t, addr, ca)
	client.Transport.(*http.Transport).Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: addr, User: url.UserPassword("anna", "anna")})
	resp, err := client.Get(upstream.URL)
	if got := body(t, resp, err); got != "ok" {
		t.Errorf("got %q", got)
	}
}

// 407 is for proxies; a client that takes us for the server is told what to do.
func TestPasswordAndOriginForm(t *testing.T) {
	upstream := server(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") })
	base, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		from  string
		allow []netip.Prefix
		want  string
	}{
		{"127.0.0.1:5", nil, "HTTP/1.1 200 "},
		{"10.1.2.3:5", nil, "HTTP/1.1 403 "},
		{"10.1.2.3:5", networks(t, "10.1.2.3"), "HTTP/1.1 200 "},
	} {
		addr := startFar(t, Config{Users: usersOf(t, "anna"), Allow: tt.allow, Reverse: base}, tt.from)
		got := ask(t, addr, "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(got, tt.want) || strings.HasPrefix(tt.want, "HTTP/1.1 403") && !strings.Contains(got, "--allow 10.1.2.3") {
			t.Errorf("%s, allowed %v: got %q, want %s", tt.from, tt.allow, got, tt.want)
		}
		// As a proxy it asks everybody, whoever is allowed.
		got = ask(t, addr, "GET http://"+addr+"/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 407 ") {
			t.Errorf("%s, allowed %v: got %q, want 407", tt.from, tt.allow, got)
		}
	}
}
