package clientenv

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/umtape/umtape/proxy"
)

func testCA(t *testing.T) *proxy.CA {
	t.Helper()
	ca, _, err := proxy.LoadOrCreateCA(filepath.Join(t.TempDir(), "ca"))
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// rootFile writes a root of that name, as a PEM file with other things in it.
func rootFile(t *testing.T, name string) (path string, cert *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), name+".pem")
	text := "# " + name + "\n" + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: []byte("not for a bundle")}))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, cert
}

// holds reports whether the PEM file that a variable names has a certificate.
func holds(t *testing.T, env []string, name string, cert *x509.Certificate) bool {
	t.Helper()
	var all roots
	path := variables(env).get(name)
	if !all.addFile(path) {
		t.Fatalf("%s names %q, which holds no certificate", name, path)
	}
	return slices.ContainsFunc(all.parsed(), cert.Equal)
}

// Every client trusts umtape, and whom it trusted before.
func TestBundlesKeepWhatWasTrusted(t *testing.T) {
	ca := testCA(t)
	corp, corpCert := rootFile(t, "corp")
	node, nodeCert := rootFile(t, "node")
	system, systemCert := rootFile(t, "system")
	had := systemFiles
	systemFiles = []string{filepath.Join(t.TempDir(), "not-there"), system}
	defer func() { systemFiles = had }()
	base := []string{"REQUESTS_CA_BUNDLE=" + corp, "NODE_EXTRA_CA_CERTS=" + node, "CURL_CA_BUNDLE=/not/there"}
	env, err := Setup{Proxy: "http://127.0.0.1:8088", CA: ca}.Environ(base, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "PERL_LWP_SSL_CA_FILE"} {
		for _, cert := range []*x509.Certificate{ca.Certificate(), corpCert, nodeCert, systemCert} {
			if !holds(t, env, name, cert) {
				t.Errorf("%s lacks %s", name, cert.Subject)
			}
		}
	}
	for cert, want := range map[*x509.Certificate]bool{ca.Certificate(): true, nodeCert: true, systemCert: false} { // which Node.js has built in
		if holds(t, env, "NODE_EXTRA_CA_CERTS", cert) != want {
			t.Errorf("NODE_EXTRA_CA_CERTS has %s: %v", cert.Subject, !want)
		}
	}
	bundle, err := os.ReadFile(variables(env).get("SSL_CERT_FILE"))
	if err != nil || strings.Contains(string(bundle), "PRIVATE KEY") {
		t.Errorf("a key is in the bundle, %v", err)
	}
	settings, err := os.ReadFile(filepath.Join(variables(env).get("PHP_INI_SCAN_DIR")[1:], "umtape.ini"))
	if err != nil || !strings.Contains(string(settings), `openssl.cafile = "`+variables(env).get("SSL_CERT_FILE")+`"`) {
		t.Errorf("PHP's settings: %s, %v", settings, err)
	}
}

// wget has its own settings, and umtape's authority besides.
func TestWgetKeepsItsSettings(t *testing.T) {
	home := t.TempDir()
	other := filepath.Join(home, "other")
	for path, text := range map[string]string{filepath.Join(home, ".wgetrc"): "tries = 3", other: "quiet = on\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		base []string
		want string
	}{
		{nil, ""},
		{[]string{"HOME=" + home}, "tries = 3\n"},
		{[]string{"HOME=" + home, "WGETRC=" + other}, "quiet = on\n\n"},
	} {
		env, err := Setup{Proxy: "http://127.0.0.1:8088", CA: testCA(t)}.Environ(tt.base, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(variables(env).get("WGETRC"))
		if want := tt.want + "ca_certificate = " + variables(env).get("SSL_CERT_FILE") + "\n"; err != nil || string(got) != want {
			t.Errorf("%q: %q, %v; want %q", tt.base, got, err, want)
		}
	}
}

// What base says twice, or in vain, is there once.
func TestEnvironReplaces(t *testing.T) {
	base := []string{"HTTPS_PROXY=http://one.test", "KEEP=a=b", "HTTPS_PROXY=http://two.test", "no_proxy=*", "UMTAPE_URL=http://stale.test", "JAVA_TOOL_OPTIONS= -Xmx64m "}
	env, err := Setup{Proxy: "http://[::1]:8088", CA: testCA(t), Direct: []string{"localhost", "10.0.0.0/8"}}.Environ(base, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		got[name] = append(got[name], value)
	}
	for name, want := range map[string]string{"HTTPS_PROXY": "http://[::1]:8088", "KEEP": "a=b", "no_proxy": "localhost,10.0.0.0/8", "NO_PROXY": "localhost,10.0.0.0/8", "UMTAPE_PROXY": "http://[::1]:8088"} {
		if len(got[name]) != 1 || got[name][0] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if len(got["UMTAPE_URL"]) > 0 {
		t.Errorf("UMTAPE_URL is %q", got["UMTAPE_URL"])
	}
	if java := got["JAVA_TOOL_OPTIONS"]; len(java) != 1 || !strings.HasPrefix(java[0], "-Xmx64m  -Dhttp.proxyHost=::1 -Dhttp.proxyPort=8088 ") {
		t.Errorf("JAVA_TOOL_OPTIONS is %q", java)
	}
	if len(base) != 6 || base[0] != "HTTPS_PROXY=http://one.test" {
		t.Errorf("base has become %q", base)
	}
	for _, proxy := range []string{"", "127.0.0.1:8088", "socks5://127.0.0.1:1", "http://127.0.0.1"} {
		if _, err := (Setup{Proxy: proxy, CA: testCA(t)}).Environ(nil, t.TempDir()); err == nil {
			t.Errorf("the proxy %q is taken", proxy)
		}
	}
}

func TestNonProxyHosts(t *testing.T) {
	for _, tt := range []struct{ direct, want string }{
		{"", ""},
		{"localhost", "localhost|*.localhost"},
		{".corp.test", "corp.test|*.corp.test"},
		{"*.corp.test", "corp.test|*.corp.test"},
		{"um.example.com:8443", "um.example.com|*.um.example.com"},
		{"127.0.0.1,::1,[::1]", "127.0.0.1|[::1]|[::1]"},
		{"10.0.0.0/8", ""},
		{"*", "*"},
	} {
		if got := nonProxyHosts(strings.Split(tt.direct, ",")); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.direct, got, tt.want)
		}
	}
}

func TestJavaOptionsAreQuoted(t *testing.T) {
	for path, want := range map[string]string{
		`/tmp/roots.p12`:            ` -Djavax.net.ssl.trustStore=/tmp/roots.p12 `,
		`C:\Users\A B\roots.p12`:    ` "-Djavax.net.ssl.trustStore=C:\Users\A B\roots.p12" `,
		`/tmp/"a" folder/roots.p12`: ` '-Djavax.net.ssl.trustStore=/tmp/"a" folder/roots.p12' `,
		`/tmp/people's/roots.p12`:   ` "-Djavax.net.ssl.trustStore=/tmp/people's/roots.p12" `,
	} {
		if got := javaOptions("127.0.0.1", "8088", path, nil); !strings.Contains(got, want) {
			t.Errorf("%s: %s", path, got)
		}
	}
}
