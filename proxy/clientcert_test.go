package proxy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

// clientFiles makes a certificate for clients, and files that hold it.
func clientFiles(t *testing.T) (dir string, roots *x509.CertPool) {
	t.Helper()
	dir = t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "a client"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	otherDER, err := x509.MarshalPKCS8PrivateKey(other)
	if err != nil {
		t.Fatal(err)
	}
	p12, err := pkcs12.Modern.Encode(key, cert, nil, "SECRET")
	if err != nil {
		t.Fatal(err)
	}
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	for name, data := range map[string][]byte{
		"good.pem":      append(encodeCert(der), keyPEM...),
		"good.pfx":      p12,
		"cert-only.pem": encodeCert(der),
		"key-only.pem":  keyPEM,
		"mixed.pem":     append(encodeCert(der), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: otherDER})...),
		"locked.pem":    append(encodeCert(der), pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: keyDER})...),
		"garbage":       []byte("garbage"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "open.pem"), append(encodeCert(der), keyPEM...), 0o644); err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(cert)
	return dir, roots
}

func TestClientCertificate(t *testing.T) {
	dir, roots := clientFiles(t)
	up := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "for "+r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	up.Config.ErrorLog = quiet
	up.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: roots}
	up.StartTLS()
	t.Cleanup(up.Close)
	good := filepath.Join(dir, "good.pem")
	for _, tt := range []struct {
		name  string
		certs []ClientCert
		max   uint16 // TLS version
		want  string
	}{
		{"pem", []ClientCert{{File: good}}, 0, "for a client"},
		{"pkcs12", []ClientCert{{File: filepath.Join(dir, "good.pfx"), Password: "SECRET"}}, 0, "for a client"},
		{"this_host", []ClientCert{{Host: "127.0.0.1", File: good}}, 0, "for a client"},
		{"other_host", []ClientCert{{Host: "other.test", File: good}}, 0, "wants a client certificate: give it one with --client-cert FILE"},
		{"none", nil, 0, "wants a client certificate: give it one with --client-cert FILE"},
		{"none_tls12", nil, tls.VersionTLS12, "--client-cert FILE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			up.TLS.MaxVersion = tt.max
			u, err := NewUpstream(UpstreamConfig{Insecure: []string{"127.0.0.1"}, ClientCerts: tt.certs})
			if err != nil {
				t.Fatal(err)
			}
			_, addr := start(t, Config{CA: sharedCA(t), NewTransport: func() http.RoundTripper { return u.Transport() }})
			resp, err := via(t, addr, sharedCA(t)).Get(up.URL)
			if got := body(t, resp, err); !strings.Contains(got, tt.want) {
				t.Errorf("got %d %q, want %q", resp.StatusCode, got, tt.want)
			}
		})
	}
}

func TestClientCertificateFiles(t *testing.T) {
	dir, _ := clientFiles(t)
	for _, tt := range []struct{ file, password, want string }{
		{"absent.pem", "", "no such file"},
		{"cert-only.pem", "", "no private key in it"},
		{"key-only.pem", "", "no certificate in it"},
		{"mixed.pem", "", "do not belong together"},
		{"locked.pem", "", "is encrypted"},
		{"open.pem", "", "chmod 600"},
		{"garbage", "", "neither PEM nor"},
		{"good.pfx", "", "wants a password: set UMTAPE_CLIENT_CERT_PASSWORD"},
		{"good.pfx", "SECRET2", "does not open it"},
	} {
		_, err := NewUpstream(UpstreamConfig{ClientCerts: []ClientCert{{File: filepath.Join(dir, tt.file), Password: tt.password}}})
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.file) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: error %v, want %q", tt.file, err, tt.want)
		}
	}
	if _, err := NewUpstream(UpstreamConfig{ClientCerts: []ClientCert{{Host: "*.test", File: filepath.Join(dir, "good.pem")}}}); err == nil || !strings.Contains(fmt.Sprint(err), "client certificate for") {
		t.Errorf("a wildcard host: %v", err)
	}
}
