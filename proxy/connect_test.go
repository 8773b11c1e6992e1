package proxy

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// tlsTunnel does CONNECT target and TLS inside, naming sni, or nothing if "".
func tlsTunnel(t testing.TB, addr, target string, ca *CA, sni string) *tls.Conn {
	t.Helper()
	return tlsOver(t, tunnel(t, addr, target), ca, sni)
}

// tlsOver checks the certificate against sni, or against 127.0.0.1 if it is "":
// for an IP address a client sends no SNI.
func tlsOver(t testing.TB, c net.Conn, ca *CA, sni string) *tls.Conn {
	t.Helper()
	if sni == "" {
		sni = "127.0.0.1"
	}
	tc := tls.Client(c, &tls.Config{RootCAs: pool(ca), ServerName: sni, NextProtos: []string{"h2", "http/1.1"}})
	if err := tc.Handshake(); err != nil {
		t.Fatal(err)
	}
	if p := tc.ConnectionState().NegotiatedProtocol; p != "http/1.1" {
		t.Errorf("protocol %q, want http/1.1", p)
	}
	return tc
}

func TestLeafFollowsSNIElseConnectHost(t *testing.T) {
	ca := sharedCA(t)
	upstream := serverTLS(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Host) })
	_, addr := start(t, Config{CA: ca})
	for sni, want := range map[string]string{"mail.contoso.test": "mail.contoso.test", "": "127.0.0.1"} {
		c := tlsTunnel(t, addr, upstream.Listener.Addr().String(), ca, sni)
		if leaf := c.ConnectionState().PeerCertificates[0]; leaf.Subject.CommonName != want {
			t.Errorf("SNI %q: leaf for %q, want %q", sni, leaf.Subject.CommonName, want)
		}
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: mail.contoso.test\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if got := body(t, resp, err); got != "mail.contoso.test" {
			t.Errorf("SNI %q: Host %q reached the server", sni, got)
		}
	}
	// TLS straight to the listener, no name either.
	c := tlsOver(t, dial(t, addr), ca, "")
	if leaf := c.ConnectionState().PeerCertificates[0]; leaf.Subject.CommonName != "127.0.0.1" {
		t.Errorf("leaf for %q, want the address connected to", leaf.Subject.CommonName)
	}
}

func TestTunnelGoesToItsTargetWhateverIsAskedInside(t *testing.T) {
	ca := sharedCA(t)
	other := serverTLS(t, func(http.ResponseWriter, *http.Request) { t.Error("the other server was reached") })
	upstream := serverTLS(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Host) })
	_, addr := start(t, Config{CA: ca})
	target := upstream.Listener.Addr().String()
	for _, request := range []string{
		"GET / HTTP/1.1\r\nHost: " + other.Listener.Addr().String() + "\r\n\r\n",
		"GET https://" + other.Listener.Addr().String() + "/ HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		c := tlsTunnel(t, addr, target, ca, "")
		io.WriteString(c, request)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if got := body(t, resp, err); got != other.Listener.Addr().String() {
			t.Errorf("%q: the server saw Host %q", request, got)
		}
	}
}

// A client may send its ClientHello, or its request, in the segment of CONNECT.
func TestEarlyBytesAreKept(t *testing.T) {
	ca := sharedCA(t)
	upstream := serverTLS(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "secure") })
	plain := server(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "plain") })
	_, addr := start(t, Config{CA: ca})

	c := dial(t, addr)
	fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", plain.Listener.Addr())
	r := bufio.NewReader(c)
	readHead(t, r, "HTTP/1.1 200 ")
	resp, err := http.ReadResponse(r, nil)
	if got := body(t, resp, err); got != "plain" {
		t.Errorf("got %q", got)
	}

	c = dial(t, addr)
	early := &earlyConn{Conn: c, head: fmt.Sprintf("CONNECT %s HTTP/1.1\r\nHost: x\r\n\r\n", upstream.Listener.Addr())}
	tc := tlsOver(t, early, ca, "")
	io.WriteString(tc, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	resp, err = http.ReadResponse(bufio.NewReader(tc), nil)
	if got := body(t, resp, err); got != "secure" {
		t.Errorf("got %q", got)
	}
}

// earlyConn puts head before the first write, in the same segment, and swallows
// the answer to it.
type earlyConn struct {
	net.Conn
	head    string
	skipped bool
}

func (c *earlyConn) Write(p []byte) (int, error) {
	if c.head == "" {
		return c.Conn.Write(p)
	}
	b := append([]byte(c.head), p...)
	c.head = ""
	if _, err := c.Conn.Write(b); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *earlyConn) Read(p []byte) (int, error) {
	if !c.skipped {
		c.skipped = true
		var got []byte
		for b := make([]byte, 1); !bytes.HasSuffix(got, []byte("\r\n\r\n")); got = append(got, b[0]) {
			if _, err := c.Conn.Read(b); err != nil {
				return 0, err
			}
		}
	}
	return c.Conn.Read(p)
}

func TestConnectRefused(t *testing.T) {
	ca := sharedCA(t)
	_, addr := start(t, Config{CA: ca})
	_, noCA := start(t, Config{})
	upstream := server(t, func(http.ResponseWriter, *http.Request) {}).Listener.Addr().String()
	for _, tt := range []struct{ name, addr, target, want string }{
		{"no_ca", noCA, upstream, "HTTP/1.1 501 "},
		{"no_port", addr, "host", "HTTP/1.1 400 "},
		{"port_zero", addr, "host:0", "HTTP/1.1 400 "},
		{"no_host", addr, ":443", "HTTP/1.1 400 "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, tt.addr)
			fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: x\r\n\r\n", tt.target)
			readHead(t, bufio.NewReader(c), tt.want)
		})
	}
	t.Run("tunnel_in_tunnel", func(t *testing.T) {
		c := tunnel(t, addr, upstream)
		fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: x\r\n\r\n", upstream)
		readHead(t, bufio.NewReader(c), "HTTP/1.1 501 ")
	})
	t.Run("tls_without_ca", func(t *testing.T) {
		c := dial(t, noCA)
		c.Write([]byte{tlsHandshakeRecord, 3, 1, 0, 5, 1, 2, 3, 4, 5})
		readHead(t, bufio.NewReader(c), "HTTP/1.1 501 ")
	})
}

func TestSilentClientsAreDropped(t *testing.T) {
	ca := sharedCA(t)
	const soon = 50 * time.Millisecond
	s, addr := start(t, Config{CA: ca, Limits: Limits{FirstByte: soon, TLSHandshake: soon, ReadHeader: soon, Idle: soon}})
	for name, c := range map[string]net.Conn{
		"nothing":         dial(t, addr),
		"tunnel":          tunnel(t, addr, "host.test:443"),
		"half_handshake":  tunnel(t, addr, "host.test:443"),
		"half_header":     dial(t, addr),
		"silent_over_tls": tlsTunnel(t, addr, "127.0.0.1:443", ca, ""),
	} {
		switch name {
		case "half_handshake":
			c.Write([]byte{tlsHandshakeRecord, 3})
		case "half_header":
			io.WriteString(c, "GET / HTTP/1.1\r\nHo")
		}
		if b, err := io.ReadAll(c); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: %v after %q, want the end of the connection", name, err, b)
		}
	}
	s.Close()
}

func TestHeaderLimit(t *testing.T) {
	_, addr := start(t, Config{ServeOrigin: true, Limits: Limits{HeaderBytes: 16 << 10}})
	c := dial(t, addr)
	go fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: x\r\nX-Big: %s\r\n\r\n", strings.Repeat("x", 64<<10))
	readHead(t, bufio.NewReader(c), "HTTP/1.1 431 ")
}

func TestIPv6(t *testing.T) {
	ln, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Logf("NOT TESTED, this machine has no ::1: %v", err)
		return
	}
	ca := sharedCA(t)
	up := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Host) }), ErrorLog: quiet}
	served := make(chan error, 1)
	go func() { served <- up.Serve(ListenTLSOrPlain(ln, ca, nil)) }()
	t.Cleanup(func() { up.Close(); <-served })
	_, addr := start(t, Config{CA: ca})
	for _, scheme := range []string{"http", "https"} {
		resp, err := via(t, addr, ca).Get(scheme + "://" + ln.Addr().String() + "/")
		if got := body(t, resp, err); got != ln.Addr().String() {
			t.Errorf("%s: Host %q", scheme, got)
		}
	}
}
