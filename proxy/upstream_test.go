package proxy

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUpstreamTrust(t *testing.T) {
	upstream := serverTLS(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") })
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cert := upstream.Certificate()
	inPEM := write("ca.pem", append([]byte("subject=x\n"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...))
	inDER := write("ca.cer", cert.Raw)
	host := upstream.Listener.Addr().String()
	for _, tt := range []struct {
		name string
		c    UpstreamConfig
		ok   bool
	}{
		{"default", UpstreamConfig{}, false},
		{"pem", UpstreamConfig{RootCAFiles: []string{inPEM}}, true},
		{"der", UpstreamConfig{RootCAFiles: []string{inDER}}, true},
		{"insecure_host", UpstreamConfig{Insecure: []string{"127.0.0.1"}}, true},
		{"insecure_host_port", UpstreamConfig{Insecure: []string{host}}, true},
		{"insecure_other_port", UpstreamConfig{Insecure: []string{"127.0.0.1:1"}}, false},
		{"insecure_other_host", UpstreamConfig{Insecure: []string{"ex.test"}}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u, err := NewUpstream(tt.c)
			if err != nil {
				t.Fatal(err)
			}
			tr := u.Transport()
			defer tr.CloseIdleConnections()
			resp, err := (&http.Client{Transport: tr}).Get(upstream.URL)
			if (err == nil) != tt.ok {
				t.Errorf("err %v, want ok %v", err, tt.ok)
			}
			if err == nil {
				resp.Body.Close()
			}
		})
	}
	for _, tt := range []struct {
		name string
		c    UpstreamConfig
		want string
	}{
		{"absent", UpstreamConfig{RootCAFiles: []string{filepath.Join(dir, "absent")}}, "absent: no such file"},
		{"no_certificate", UpstreamConfig{RootCAFiles: []string{write("key", []byte("SECRET"))}}, "key: no certificate in it: export"},
		{"damaged", UpstreamConfig{RootCAFiles: []string{write("damaged", encodeCert([]byte("SECRET")))}}, "certificate 1 is damaged"},
		{"wildcard", UpstreamConfig{Insecure: []string{"*.test"}}, "without scheme or wildcard"},
		{"url", UpstreamConfig{Insecure: []string{"https://ex.test"}}, "want one HOST"},
		{"empty", UpstreamConfig{Insecure: []string{""}}, "want one HOST"},
		{"bad_port", UpstreamConfig{Insecure: []string{"ex.test:x"}}, "want one HOST"},
	} {
		if _, err := NewUpstream(tt.c); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestHostKey(t *testing.T) {
	for entry, want := range map[string]string{
		"EX.Test.": "ex.test", "ex.test:8443": "ex.test:8443", "::1": "::1", "[::1]": "::1", "[::1]:443": "[::1]:443", "10.0.0.1": "10.0.0.1",
	} {
		if got, err := hostKey(entry); got != want || err != nil {
			t.Errorf("hostKey(%q) = %q, %v; want %q", entry, got, err, want)
		}
	}
}

func TestLegacyTLS(t *testing.T) {
	upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	upstream.Config.ErrorLog = quiet
	upstream.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}}
	upstream.StartTLS()
	t.Cleanup(upstream.Close)
	for _, legacy := range []bool{false, true} {
		c := UpstreamConfig{Insecure: []string{"127.0.0.1"}, LegacyTLS: []string{"other.test", "127.0.0.1:1"}}
		if legacy {
			c.LegacyTLS = []string{upstream.Listener.Addr().String()}
		}
		u, err := NewUpstream(c)
		if err != nil {
			t.Fatal(err)
		}
		_, addr := start(t, Config{CA: sharedCA(t), NewTransport: func() http.RoundTripper { return u.Transport() }})
		resp, err := via(t, addr, sharedCA(t)).Get(upstream.URL)
		got := body(t, resp, err)
		if want := map[bool]int{false: 502, true: 200}[legacy]; resp.StatusCode != want || !legacy && !strings.Contains(got, "--legacy-tls 127.0.0.1") {
			t.Errorf("LegacyTLS %v: %d %q, want %d", legacy, resp.StatusCode, got, want)
		}
	}
}

// A client that was given an IP address and a name asks the server for the name,
// and so does the proxy; --insecure-upstream goes by the address.
func TestClientsServerNameIsUsedUpstream(t *testing.T) {
	ca := sharedCA(t)
	names := make(chan string, 4)
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	up := &http.Server{ErrorLog: quiet, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { names <- r.TLS.ServerName })}
	served := make(chan error, 1)
	go func() { served <- up.Serve(ListenTLSOrPlain(raw, ca, nil)) }()
	t.Cleanup(func() { up.Close(); <-served })
	u, err := NewUpstream(UpstreamConfig{})
	if err != nil {
		t.Fatal(err)
	}
	u.tls.RootCAs = x509.NewCertPool()
	u.tls.RootCAs.AddCert(ca.Certificate())
	_, addr := start(t, Config{CA: ca, NewTransport: func() http.RoundTripper { return u.Transport() }})
	for sni, want := range map[string]string{"um.contoso.test": "um.contoso.test", "": ""} {
		c := tlsTunnel(t, addr, raw.Addr().String(), ca, sni)
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		if b, err := io.ReadAll(c); !strings.HasPrefix(string(b), "HTTP/1.1 200 ") {
			t.Fatalf("got %q, %v", b, err)
		}
		if got := next(t, names); got != want {
			t.Errorf("the server was asked for %q, want %q", got, want)
		}
	}
}

// Nobody but this machine reaches what CheckListener accepts.
func TestCheckListener(t *testing.T) {
	for addr, ok := range map[string]bool{"127.0.0.1:0": true, "0.0.0.0:0": false} {
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckListener(ln); (err == nil) != ok {
			t.Errorf("%s: %v, want ok %v", addr, err, ok)
		}
		ln.Close()
	}
	if CheckListener(brokenListener{}) == nil {
		t.Error("a listener of unknown kind is accepted")
	}
}

// A client that goes through many servers does not hold a connection to each.
func TestIdleUpstreamConnectionsAreFew(t *testing.T) {
	_, addr := start(t, Config{})
	client := via(t, addr, nil)
	ended := make(chan struct{}, 64)
	for range maxLanes + 2 {
		up := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		up.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateClosed {
				ended <- struct{}{}
			}
		}
		up.Start()
		t.Cleanup(up.Close)
		resp, err := client.Get(up.URL)
		body(t, resp, err)
	}
	next(t, ended)
	next(t, ended)
}
