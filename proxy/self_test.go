package proxy

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
)

// Whatever name or address of its own the proxy is asked for, and however, it
// answers once and sends nothing to itself.
func TestOwnAddressesDoNotLoop(t *testing.T) {
	ca := sharedCA(t)
	listeners := map[string]string{"127.0.0.1:0": "tcp", "0.0.0.0:0": "tcp4", "[::]:0": "tcp", "[::1]:0": "tcp"}
	for listen, network := range listeners {
		ln, err := net.Listen(network, listen)
		if err != nil {
			t.Logf("NOT TESTED, this machine has no %s: %v", listen, err)
			continue
		}
		var connections atomic.Int32
		u := insecureUpstream(t)
		h, err := ParseHosts([]string{"*.tunnel.test"})
		if err != nil {
			t.Fatal(err)
		}
		s, err := New(Config{CA: ca, NewTransport: func() http.RoundTripper { return u.Transport() }, Tunnel: h, Dial: u.Dial})
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() { served <- s.Serve(countedListener{ln, &connections}) }()
		t.Cleanup(func() { s.Close(); <-served })

		_, port, _ := net.SplitHostPort(ln.Addr().String())
		addr := net.JoinHostPort(map[bool]string{true: "::1", false: "127.0.0.1"}[listen == "[::1]:0"], port)
		for _, host := range ownHosts(t, ln.Addr()) {
			target := net.JoinHostPort(host, port)
			before := connections.Load()
			got := ask(t, addr, "GET http://"+target+"/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
			check := func(way, got string, connected int32) {
				t.Helper()
				if n := connections.Load() - before; n != connected || !strings.HasPrefix(got, "HTTP/1.1 508 ") || !strings.Contains(got, "umtape itself") {
					t.Errorf("listening on %s, %s to %s: %d connections, got %.80q; want %d and 508", listen, way, target, n, got, connected)
				}
				before = connections.Load()
			}
			check("absolute form", got, 1)
			// The tunnel is there, since it is opened first, and leads nowhere.
			c := tunnel(t, addr, target)
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
			b, _ := io.ReadAll(c)
			check("CONNECT", string(b), 1)
			tc := tlsTunnel(t, addr, target, ca, "um.contoso.test")
			io.WriteString(tc, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
			b, _ = io.ReadAll(tc)
			check("CONNECT and TLS", string(b), 1)
		}
	}
}

type countedListener struct {
	net.Listener
	n *atomic.Int32
}

func (l countedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.n.Add(1)
	}
	return c, err
}

// ownHosts are names and addresses that lead to a listener.
func ownHosts(t *testing.T, listener net.Addr) []string {
	at := netip.MustParseAddrPort(listener.String()).Addr()
	hosts := []string{"localhost", "LOCALHOST.", "a.localhost"}
	if at.Is4() || at.IsUnspecified() {
		hosts = append(hosts, "127.0.0.1", "::ffff:127.0.0.1", "0.0.0.0", "::ffff:0.0.0.0")
	}
	if at.Is6() {
		hosts = append(hosts, "::1", "0:0:0:0:0:0:0:1", "::")
	}
	if at.IsUnspecified() {
		hosts = append(hosts, "127.0.0.2", "127.255.255.254")
		addrs, err := net.InterfaceAddrs()
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range addrs {
			if ip := netip.MustParsePrefix(a.String()).Addr(); ip.Is4() || at.Is6() && !ip.IsLinkLocalUnicast() {
				hosts = append(hosts, ip.String())
			}
		}
		name, err := os.Hostname()
		if err == nil {
			_, err = net.LookupHost(name)
		}
		if err != nil {
			t.Logf("NOT TESTED, this machine's name leads nowhere: %v", err)
		} else {
			hosts = append(hosts, name)
		}
	}
	return hosts
}

// A tunnel that is not looked into is not opened to ourselves at all, also if that
// comes out when a name is looked up.
func TestTunnelToOurselvesIsRefused(t *testing.T) {
	config := passing(t)
	config.CA = sharedCA(t)
	config.Tunnel = hosts(t, "127.0.0.1", "localhost", "um.contoso.test")
	_, addr := start(t, config)
	_, port, _ := net.SplitHostPort(addr)
	for _, target := range []string{addr, "localhost:" + port, "[::ffff:127.0.0.1]:" + port} {
		if got := ask(t, addr, "CONNECT "+target+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 508 ") {
			t.Errorf("%s: got %q", target, got)
		}
	}
	ours := ""
	dialled := config.Dial
	config.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) { return dialled(ctx, network, ours) }
	_, ours = start(t, config)
	if got := ask(t, ours, "CONNECT um.contoso.test:443 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 508 ") {
		t.Errorf("by name: got %q", got)
	}
}
