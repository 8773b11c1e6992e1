package proxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/elazarl/goproxy"
)

// disconnectSized is as long as a usual Disconnect message.
var disconnectSized = bytes.Repeat([]byte("<a/>\n"), 430/5)

func benchServer(b *testing.B) *httptest.Server {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.Write(disconnectSized)
	}))
	s.Config.ErrorLog = quiet
	b.Cleanup(s.Close)
	return s
}

func bareGoproxy(b *testing.B, ca *CA, reuse bool) string {
	p := newBareGoproxy(ca, reuse)
	b.Cleanup(p.Tr.CloseIdleConnections)
	s := httptest.NewServer(p)
	b.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// newBareGoproxy is goproxy as its README has it, with the same authority, a
// certificate store, and no verification of the server.
func newBareGoproxy(ca *CA, reuse bool) *goproxy.ProxyHttpServer {
	p := goproxy.NewProxyHttpServer()
	p.Logger = goproxyLog{slog.New(slog.DiscardHandler)}
	p.Tr = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, MaxIdleConnsPerHost: 64, DisableKeepAlives: !reuse}
	p.CertStore = &certStore{kept: make(map[string]*tls.Certificate)}
	key := &tls.Certificate{Certificate: [][]byte{ca.cert.Raw}, PrivateKey: ca.key, Leaf: ca.cert}
	p.OnRequest().HandleConnectFunc(func(host string, ctx *goproxy.ProxyCtx) (*goproxy.ConnectAction, string) {
		return &goproxy.ConnectAction{Action: goproxy.ConnectMitm, TLSConfig: goproxy.TLSConfigFromCA(key)}, host
	})
	return p
}

type certStore struct {
	mu   sync.Mutex
	kept map[string]*tls.Certificate
}

func (s *certStore) Fetch(host string, mint func() (*tls.Certificate, error)) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.kept[host]; c != nil {
		return c, nil
	}
	c, err := mint()
	s.kept[host] = c
	return c, err
}

func post(b *testing.B, client *http.Client, url string) {
	resp, err := client.Post(url, "text/xml; charset=utf-8", bytes.NewReader(disconnectSized))
	if err != nil {
		b.Error(err)
		return
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); err != nil || n != int64(len(disconnectSized)) || resp.StatusCode != 200 {
		b.Errorf("%d, %d bytes, %v", resp.StatusCode, n, err)
	}
}

// benchExchange sends from 8 kept connections.
func benchExchange(b *testing.B, url string) {
	ca := sharedCA(b)
	run := func(b *testing.B, addr string) {
		b.SetParallelism(4) // 8 on two cores
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			client := via(b, addr, ca)
			for pb.Next() {
				post(b, client, url)
			}
		})
	}
	b.Run("umtape", func(b *testing.B) {
		_, addr := start(b, Config{CA: ca})
		run(b, addr)
	})
	b.Run("goproxy", func(b *testing.B) { run(b, bareGoproxy(b, ca, true)) })
}

func BenchmarkExchangeCONNECT(b *testing.B) {
	s := benchServer(b)
	s.StartTLS()
	benchExchange(b, s.URL)
}

func BenchmarkExchangePlain(b *testing.B) {
	s := benchServer(b)
	s.Start()
	benchExchange(b, s.URL)
}

// BenchmarkNewTunnel is CONNECT, the handshake, one exchange, and the end.
func BenchmarkNewTunnel(b *testing.B) {
	ca := sharedCA(b)
	s := benchServer(b)
	s.StartTLS()
	run := func(b *testing.B, addr string) {
		b.ReportAllocs()
		for b.Loop() {
			tr := &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: addr}), TLSClientConfig: &tls.Config{RootCAs: pool(ca)}}
			post(b, &http.Client{Transport: tr}, s.URL)
			tr.CloseIdleConnections()
		}
	}
	b.Run("umtape", func(b *testing.B) {
		_, addr := start(b, Config{CA: ca})
		run(b, addr)
	})
	// An upstream connection for each tunnel, as ours must have, and one shared.
	b.Run("goproxy_pinned", func(b *testing.B) { run(b, bareGoproxy(b, ca, false)) })
	b.Run("goproxy_pooled", func(b *testing.B) { run(b, bareGoproxy(b, ca, true)) })
}

// BenchmarkAnswer is an exchange answered here, as in replay.
func BenchmarkAnswer(b *testing.B) {
	answer := func(r *http.Request) *http.Response {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/xml; charset=utf-8"}},
			Body: io.NopCloser(bytes.NewReader(disconnectSized)), ContentLength: int64(len(disconnectSized)), Request: r}
	}
	run := func(b *testing.B, addr string) {
		request := []byte("POST /x HTTP/1.1\r\nHost: h\r\nContent-Type: text/xml\r\nContent-Length: 430\r\n\r\n" + string(disconnectSized))
		b.SetParallelism(4)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			var d net.Dialer
			c, err := d.DialContext(context.Background(), "tcp", addr)
			if err != nil {
				b.Error(err)
				return
			}
			defer c.Close()
			buffer := make([]byte, 4096)
			for pb.Next() {
				c.Write(request)
				for got := 0; !bytes.HasSuffix(buffer[:got], []byte("<a/>\n")); {
					n, err := c.Read(buffer[got:])
					if got += n; err != nil {
						b.Error(err)
						return
					}
				}
			}
		})
	}
	b.Run("umtape", func(b *testing.B) {
		_, addr := start(b, Config{ServeOrigin: true, NewTransport: func() http.RoundTripper {
			return roundTrip(func(r *http.Request) (*http.Response, error) {
				io.Copy(io.Discard, r.Body)
				return answer(r), nil
			})
		}})
		run(b, addr)
	})
	b.Run("net_http", func(b *testing.B) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "text/xml; charset=utf-8")
			w.Write(disconnectSized)
		}))
		b.Cleanup(s.Close)
		run(b, s.Listener.Addr().String())
	})
}
