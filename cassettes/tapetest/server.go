package tapetest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/umtape/umtape/proxy"
	"github.com/umtape/umtape/proxy/clientenv"
)

// Server is the function [Server] with what the Tape says.
func (o Tape) Server(t testing.TB, cassette string) string {
	t.Helper()
	reverse, err := url.Parse(o.Reverse)
	if err != nil || o.Reverse != "" && (reverse.Host == "" || reverse.Scheme != "http" && reverse.Scheme != "https") {
		t.Fatalf("tapetest: Tape.Reverse %q is not a URL such as https://um.example.com", o.Reverse)
	}
	s := begin(t, cassette, o)
	if s.player == nil {
		if o.Reverse == "" {
			t.Fatal("tapetest: to record with Server, say which it stands for: Tape{Reverse: \"https://um.example.com\"}.Server")
		}
		return "http://" + s.serve(o, proxy.Config{Reverse: reverse})
	}
	base := strings.TrimSuffix(reverse.EscapedPath(), "/")
	return "http://" + s.serve(o, proxy.Config{
		ServeOrigin:  true,
		NewTransport: func() http.RoundTripper { return below{base, &guarded{s, s.player}} },
	})
}

// below puts a path before that of requests.
type below struct {
	base string // escaped
	next http.RoundTripper
}

func (b below) RoundTrip(req *http.Request) (*http.Response, error) {
	if b.base != "" && req.URL.Host == "" {
		u, err := url.Parse(b.base + req.URL.RequestURI())
		if err != nil {
			return nil, err
		}
		u.Scheme = req.URL.Scheme
		req = req.WithContext(req.Context())
		req.URL = u
	}
	return b.next.RoundTrip(req)
}

// A ProxyServer is a running proxy.
type ProxyServer struct {
	URL    *url.URL       // for http.ProxyURL: http://127.0.0.1:PORT
	CAFile string         // certificate, PEM, of the authority that clients have to trust for https
	Roots  *x509.CertPool // the same for tls.Config.RootCAs

	t  testing.TB
	ca *proxy.CA
}

// Proxy is the function [Proxy] with what the Tape says.
func (o Tape) Proxy(t testing.TB, cassette string) *ProxyServer {
	t.Helper()
	ca, _, err := proxy.LoadOrCreateCA(filepath.Join(t.TempDir(), "ca"))
	if err != nil {
		t.Fatalf("tapetest: %v", err)
	}
	addr := begin(t, cassette, o).serve(o, proxy.Config{CA: ca})
	p := &ProxyServer{URL: &url.URL{Scheme: "http", Host: addr}, CAFile: ca.CertFile(), Roots: x509.NewCertPool(), t: t, ca: ca}
	p.Roots.AddCert(ca.Certificate())
	return p
}

// Client returns a client that uses the proxy and trusts it.
func (p *ProxyServer) Client() *http.Client {
	transport := &http.Transport{Proxy: http.ProxyURL(p.URL), TLSClientConfig: &tls.Config{RootCAs: p.Roots}}
	p.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// Environ returns the environment of a program that is to use the proxy and to
// trust it: that of the test with what package clientenv adds. Go programs use no
// proxy for localhost.
func (p *ProxyServer) Environ() []string {
	p.t.Helper()
	env, err := clientenv.Setup{Proxy: p.URL.String(), CA: p.ca}.Environ(os.Environ(), p.t.TempDir())
	if err != nil {
		p.t.Fatalf("tapetest: %v", err)
	}
	return env
}

// serve runs a server until the test ends, on the address that it returns. Without
// a NewTransport it does what the session does.
func (s *session) serve(o Tape, c proxy.Config) string {
	s.t.Helper()
	reach := func() http.RoundTripper { return nil }
	if s.player == nil {
		servers, err := proxy.NewUpstream(proxy.UpstreamConfig{})
		if err != nil {
			s.t.Fatalf("tapetest: %v", err)
		}
		reach = func() http.RoundTripper { return servers.Transport() }
	}
	each, end := s.transports(o, reach)
	if c.NewTransport == nil {
		c.NewTransport = each
	}
	c.Logger = slog.New(slog.NewTextHandler(s.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	server, err := proxy.New(c)
	if err != nil {
		s.t.Fatalf("tapetest: %v", err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatalf("tapetest: %v", err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			s.note("exchanges that were still running were cut off: %v", err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			s.fail("%v", err)
		}
		end()
	})
	return ln.Addr().String()
}

// patience is how long exchanges may go on that still run when the test has ended.
const patience = 5 * time.Second
