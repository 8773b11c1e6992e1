package proxy

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func limitedCA(t testing.TB, entries ...string) *CA {
	t.Helper()
	permits, err := ParsePermits(entries)
	if err != nil {
		t.Fatal(err)
	}
	ca, created, err := InitCA(filepath.Join(t.TempDir(), "ca"), permits)
	if err != nil || !created {
		t.Fatalf("InitCA: created %v, %v", created, err)
	}
	return ca
}

func TestParsePermits(t *testing.T) {
	for _, tt := range []struct{ entries, want string }{
		{"um.example.com", "um.example.com"},
		{".contoso.test UM.Example.com.", ".contoso.test, um.example.com"},
		{"um.test 10.0.0.0/8 um.test 127.0.0.1 ::1 10.0.0.0/8", "um.test, 10.0.0.0/8, 127.0.0.1, ::1"},
		{"fd00::/8 [::1] ::ffff:10.0.0.1", "10.0.0.1, ::1, fd00::/8"},
		{"bücher.test localhost ex_01.local", "ex_01.local, localhost, xn--bcher-kva.test"},
		{"", "any host"},
	} {
		p, err := ParsePermits(strings.Fields(tt.entries))
		if err != nil || p.String() != tt.want {
			t.Errorf("ParsePermits(%s) = %s, %v; want %s", tt.entries, p, err, tt.want)
			continue
		}
		again, err := ParsePermits(p.Entries())
		if err != nil || !again.Equal(p) {
			t.Errorf("%s: Entries do not make it again: %s, %v", tt.entries, again, err)
		}
	}
	for entry, want := range map[string]string{
		"":                  "neither a name nor an address",
		".":                 "neither a name nor an address",
		"..contoso.test":    "neither a name nor an address",
		"*.contoso.test":    "want .contoso.test for all names below",
		"https://um.test":   "no range of addresses",
		"um.test:443":       "neither a name nor an address",
		".10.0.0.1":         "neither a name nor an address",
		"10.1.2.3/8":        "want 10.0.0.0/8 or a longer prefix",
		"10.0.0.0/33":       "no range of addresses",
		"::ffff:10.0.0.0/8": "write it as IPv4",
	} {
		if _, err := ParsePermits([]string{"fine.test", entry}); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), `"`+entry+`" `) {
			t.Errorf("ParsePermits(%q): %v, want %q", entry, err, want)
		}
	}
}

// permittedCases are authorities, and hosts that each may and may not vouch for.
var permittedCases = []struct{ permits, yes, no string }{
	{"contoso.test", "contoso.test um.contoso.test a.b.contoso.test", "evilcontoso.test test evil.test 10.1.2.3 127.0.0.1 ::1"},
	{".contoso.test", "um.contoso.test a.b.contoso.test", "contoso.test evilcontoso.test evil.test 10.1.2.3 ::1"},
	{".contoso.test um.example.com", "um.contoso.test um.example.com", "contoso.test example.com other.example.com 127.0.0.1"},
	{"10.0.0.0/8", "10.0.0.0 10.1.2.3 10.255.255.255", "11.0.0.0 127.0.0.1 ::1 um.contoso.test contoso.test none.test"},
	{"::1 fd00::/8", "::1 fd00::1", "::2 fe80::1 127.0.0.1 10.1.2.3 localhost"},
	{"localhost 127.0.0.0/8", "localhost 127.0.0.1", "localhost.test ::1 10.1.2.3"},
}

func TestLimitedAuthorityVouchesForNothingElse(t *testing.T) {
	for _, tt := range permittedCases {
		t.Run(tt.permits, func(t *testing.T) {
			ca := limitedCA(t, strings.Fields(tt.permits)...)
			if got := strings.Join(ca.Permits().Entries(), " "); got != tt.permits {
				t.Errorf("permits %s", got)
			}
			// Java sees limits in certificates below the trusted one only, so they
			// have to be in one, and the trusted one's key must not be kept.
			signer, root := ca.chain[0], ca.Certificate()
			if len(ca.chain) != 2 || !signer.PermittedDNSDomainsCritical || signer.Equal(root) || root.PublicKey.(*ecdsa.PublicKey).Equal(ca.key.Public()) {
				t.Errorf("a chain of %d, limits critical %v", len(ca.chain), signer.PermittedDNSDomainsCritical)
			}
			for _, host := range strings.Fields(tt.yes) {
				leaf, err := ca.Leaf(host)
				if err != nil {
					t.Error(err)
					continue
				}
				if err := verify(leaf, ca, host); err != nil {
					t.Errorf("%s: %v", host, err)
				}
			}
			for _, host := range strings.Fields(tt.no) {
				if _, err := ca.Leaf(host); !errors.Is(err, ErrNotPermitted) || !strings.HasPrefix(err.Error(), host+" is not among") ||
					!strings.Contains(err.Error(), ca.Permits().String()) {
					t.Errorf("Leaf(%s): %v", host, err)
				}
				// Whoever has the key can sign what umtape would not; clients refuse it.
				if err := verify(forged(t, ca, host), ca, host); err == nil {
					t.Errorf("%s: a certificate made with the key is good", host)
				}
			}
		})
	}
}

// verify does what a Go client does with a chain as it comes over the wire.
func verify(leaf *tls.Certificate, ca *CA, host string) error {
	rest := x509.NewCertPool()
	for _, der := range leaf.Certificate[1:] {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		rest.AddCert(c)
	}
	_, err := leaf.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: pool(ca), Intermediates: rest})
	return err
}

// forged is a leaf that ca's key signed for a host it is not permitted.
func forged(t testing.TB, ca *CA, host string) *tls.Certificate {
	t.Helper()
	leaf, err := ca.mint(host)
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

// The check that needs no certificate agrees with the one that clients make.
func TestPermitsAgreesWithX509(t *testing.T) {
	labels := rapid.SampledFrom([]string{"a", "b", "um", "test"})
	names := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(labels, 1, 3).Draw(t, "labels"), ".")
	})
	hosts := rapid.OneOf(names, rapid.SampledFrom([]string{"10.0.0.1", "10.128.0.1", "192.0.2.1", "::1", "fd00::1"}))
	entries := rapid.SliceOfN(rapid.OneOf(names, rapid.Map(names, func(n string) string { return "." + n }),
		rapid.SampledFrom([]string{"10.0.0.0/9", "10.0.0.0/8", "192.0.2.1", "fd00::/8", "::/0"})), 0, 3)
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		permits, err := ParsePermits(entries.Draw(rt, "permits"))
		if err != nil {
			rt.Fatal(err)
		}
		host := hosts.Draw(rt, "host")
		ca, _, err := ReplaceCA(filepath.Join(dir, "ca"), permits)
		if err != nil {
			rt.Fatal(err)
		}
		if !ca.Permits().Equal(permits) {
			rt.Errorf("made for %s, is for %s", permits, ca.Permits())
		}
		ours, theirs := ca.CheckHost(host), verify(forged(t, ca, host), ca, host)
		if (ours == nil) != (theirs == nil) {
			rt.Errorf("%s for %s: %v, crypto/x509 says %v", permits, host, ours, theirs)
		}
	})
}

func TestReplacedAuthorityIsKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	first, old, err := ReplaceCA(dir, Permits{})
	if err != nil || old != "" {
		t.Fatalf("in an empty folder: old %q, %v", old, err)
	}
	permits, _ := ParsePermits([]string{"um.test"})
	second, old, err := ReplaceCA(dir, permits)
	if err != nil || second.Fingerprint() == first.Fingerprint() || !second.Permits().Equal(permits) || filepath.Dir(old) != dir {
		t.Fatalf("old %q, %v", old, err)
	}
	kept, err := LoadCA(old)
	if err != nil || kept.Fingerprint() != first.Fingerprint() {
		t.Errorf("the old one is not kept: %v", err)
	}
	if now, err := LoadCA(dir); err != nil || now.Fingerprint() != second.Fingerprint() {
		t.Errorf("the new one is not in place: %v", err)
	}
	// One that cannot be read as an authority is replaced, and kept, too.
	path := filepath.Join(dir, caKeyFile)
	if err := os.WriteFile(path, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, old, err = ReplaceCA(dir, Permits{})
	if b, readErr := os.ReadFile(filepath.Join(old, caKeyFile)); err != nil || readErr != nil || string(b) != "damaged" {
		t.Errorf("a damaged one: %q, %v, %v", b, err, readErr)
	}
}

func TestConnectToAHostNotPermitted(t *testing.T) {
	ca := limitedCA(t, ".contoso.test", "127.0.0.1")
	upstream := serverTLS(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "here") })
	lines := make(lineChan, 8)
	_, addr := start(t, Config{CA: ca, Logger: slog.New(slog.NewTextHandler(lines, &slog.HandlerOptions{Level: slog.LevelWarn}))})

	c := tlsTunnel(t, addr, upstream.Listener.Addr().String(), ca, "um.contoso.test")
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: um.contoso.test\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if got := body(t, resp, err); got != "here" {
		t.Errorf("a permitted host: %q", got)
	}

	remedy := "umtape ca init --replace --permit .contoso.test --permit 127.0.0.1 --permit um.evil.test --ca-dir " + filepath.Dir(ca.CertFile())
	plain := dial(t, addr)
	io.WriteString(plain, "CONNECT um.evil.test:443 HTTP/1.1\r\nHost: um.evil.test:443\r\n\r\n")
	resp, err = http.ReadResponse(bufio.NewReader(plain), nil)
	text := body(t, resp, err)
	if resp.StatusCode != http.StatusForbidden || !strings.HasPrefix(text, "um.evil.test is not among what umtape's certificate authority is permitted to vouch for (.contoso.test, 127.0.0.1); ") ||
		!strings.Contains(text, remedy) {
		t.Errorf("CONNECT: %d %q", resp.StatusCode, text)
	}
	if line := <-lines; !strings.Contains(line, "outcome=refused") || !strings.Contains(line, remedy) {
		t.Errorf("log: %s", line)
	}

	// The tunnel's host is permitted, the name asked for inside is not.
	inner := tls.Client(tunnel(t, addr, upstream.Listener.Addr().String()), &tls.Config{RootCAs: pool(ca), ServerName: "sni.evil.test"})
	if err := inner.Handshake(); err == nil {
		t.Error("TLS for a name that is not permitted succeeded")
	}
	if line := <-lines; !strings.Contains(line, "sni.evil.test is not among") || !strings.Contains(line, "--permit sni.evil.test") {
		t.Errorf("log: %s", line)
	}
}

// lineChan is where a test's proxy logs to, when the test waits for a line.
type lineChan chan string

func (c lineChan) Write(p []byte) (int, error) {
	c <- string(p)
	return len(p), nil
}

// OpenSSL is a client of another make: it has to judge as we say.
func TestOpenSSLJudgesAsWeDo(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("needs openssl")
	}
	for _, tt := range permittedCases {
		ca := limitedCA(t, strings.Fields(tt.permits)...)
		for _, host := range strings.Fields(tt.yes + " " + tt.no) {
			dir := t.TempDir()
			leaf := filepath.Join(dir, "leaf.pem")
			var chain bytes.Buffer
			for _, der := range forged(t, ca, host).Certificate {
				pem.Encode(&chain, &pem.Block{Type: "CERTIFICATE", Bytes: der})
			}
			if err := os.WriteFile(leaf, chain.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			name := []string{"-verify_hostname", host}
			if net.ParseIP(host) != nil {
				name[0] = "-verify_ip"
			}
			args := append([]string{"verify", "-purpose", "sslserver", "-CAfile", ca.CertFile(), "-untrusted", leaf}, name...)
			out, err := exec.Command("openssl", append(args, leaf)...).CombinedOutput()
			want := slices.Contains(strings.Fields(tt.yes), host)
			if (err == nil) != want || !want && !strings.Contains(string(out), "subtree violation") {
				t.Errorf("%s for %s: %s, want ok %v", tt.permits, host, out, want)
			}
		}
	}
}
