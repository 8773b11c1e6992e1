package proxy

import (
	"crypto/tls"
	"encoding/pem"
	"io"
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

func TestInsecureKey(t *testing.T) {
	for entry, want := range map[string]string{
		"EX.Test.": "ex.test", "ex.test:8443": "ex.test:8443", "::1": "::1", "[::1]": "::1", "[::1]:443": "[::1]:443", "10.0.0.1": "10.0.0.1",
	} {
		if got, err := insecureKey(entry); got != want || err != nil {
			t.Errorf("insecureKey(%q) = %q, %v; want %q", entry, got, err, want)
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
		u, err := NewUpstream(UpstreamConfig{Insecure: []string{"127.0.0.1"}, LegacyTLS: legacy})
		if err != nil {
			t.Fatal(err)
		}
		_, addr := start(t, Config{CA: sharedCA(t), NewTransport: func() http.RoundTripper { return u.Transport() }})
		resp, err := via(t, addr, sharedCA(t)).Get(upstream.URL)
		got := body(t, resp, err)
		if want := map[bool]int{false: 502, true: 200}[legacy]; resp.StatusCode != want || !legacy && !strings.Contains(got, "TLS") {
			t.Errorf("LegacyTLS %v: %d %q, want %d", legacy, resp.StatusCode, got, want)
		}
	}
}
