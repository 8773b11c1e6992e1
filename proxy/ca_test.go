package proxy

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestCAIsMadeOnceAndKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "umtape")
	if _, err := LoadCA(dir); !errors.Is(err, ErrNoCA) {
		t.Errorf("LoadCA of nothing = %v, want ErrNoCA", err)
	}
	ca, created, err := LoadOrCreateCA(dir)
	if err != nil || !created {
		t.Fatalf("LoadOrCreateCA = created %v, %v", created, err)
	}
	again, created, err := LoadOrCreateCA(dir)
	if err != nil || created || again.Fingerprint() != ca.Fingerprint() {
		t.Errorf("the second time: created %v, %v, %s; want %s", created, err, again.Fingerprint(), ca.Fingerprint())
	}
	cert := ca.Certificate()
	if !cert.IsCA || cert.MaxPathLen != 0 || !cert.MaxPathLenZero || !strings.HasPrefix(cert.Subject.CommonName, "umtape CA ") ||
		cert.CheckSignatureFrom(cert) != nil || cert.NotAfter.Before(time.Now().AddDate(9, 11, 0)) {
		t.Errorf("certificate: CA %v, path %d, %q, until %s", cert.IsCA, cert.MaxPathLen, cert.Subject.CommonName, cert.NotAfter)
	}
	if f := ca.Fingerprint(); len(f) != 32*3-1 || f[2] != ':' {
		t.Errorf("fingerprint %q", f)
	}
	if runtime.GOOS != "windows" {
		for path, mode := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, caKeyFile): 0o600, ca.CertFile(): 0o644} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
				t.Errorf("%s: mode %v, %v; want %v", path, info.Mode().Perm(), err, mode)
			}
		}
	}
	for _, damage := range []func() error{
		func() error { return os.Remove(ca.CertFile()) },
		func() error { return os.WriteFile(ca.CertFile(), []byte("another's"), 0o644) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadCA(dir); err != nil {
			t.Error(err)
		}
		if b, err := os.ReadFile(ca.CertFile()); err != nil || !bytes.Equal(b, ca.CertPEM()) || bytes.Contains(b, []byte("PRIVATE")) {
			t.Errorf("ca.pem was not made again: %q, %v", b, err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("files left: %v, %v", left, err)
	}
}

func TestCACreationRace(t *testing.T) {
	for range 8 {
		dir := filepath.Join(t.TempDir(), "ca")
		var made atomic.Int32
		var mu sync.Mutex
		prints := map[string]bool{}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				ca, created, err := LoadOrCreateCA(dir)
				if err != nil {
					t.Error(err)
					return
				}
				if created {
					made.Add(1)
				}
				mu.Lock()
				defer mu.Unlock()
				prints[ca.Fingerprint()] = true
			})
		}
		all.Wait()
		if made.Load() != 1 || len(prints) != 1 {
			t.Fatalf("%d were made, %d different ones are in use; want one", made.Load(), len(prints))
		}
	}
}

// caText makes ca-key.pem as template says, on the good one's key.
func caText(t *testing.T, change func(*x509.Certificate), keyInFile func(*ecdsa.PrivateKey) *ecdsa.PrivateKey) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign}
	if change != nil {
		change(template)
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if keyInFile != nil {
		key = keyInFile(key)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), encodeCert(cert)...)
}

func TestBadCAFiles(t *testing.T) {
	good := caText(t, nil, nil)
	block, rest := pem.Decode(good)
	permits, err := ParsePermits([]string{"um.test"})
	if err != nil {
		t.Fatal(err)
	}
	limited, err := newAuthority(time.Now(), permits)
	if err != nil {
		t.Fatal(err)
	}
	otherKey := func(*ecdsa.PrivateKey) *ecdsa.PrivateKey {
		k, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		return k
	}
	for _, tt := range []struct {
		name string
		data []byte
		want string // "" if it is good
	}{
		{"good", good, ""},
		{"empty", nil, "it is empty: "},
		{"garbage", []byte("not a key"), "not a PEM file"},
		{"key_only", pem.EncodeToMemory(block), "holds no certificate"},
		{"certificate_only", rest, "holds no private key"},
		{"cut_short", good[:len(good)/6], "not a PEM file"},
		{"damaged_key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("SECRET")}), "the private key block is damaged"},
		{"damaged_certificate", append(pem.EncodeToMemory(block), encodeCert([]byte("x"))...), "the certificate block is damaged"},
		{"encrypted", pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")}), "is encrypted"},
		{"mismatch", caText(t, nil, otherKey), "do not belong together"},
		{"no_authority", caText(t, func(c *x509.Certificate) { c.IsCA = false }, nil), "not one of an authority"},
		{"expired", caText(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, nil), "expired on"},
		{"not_yet", caText(t, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }, nil), "check this machine's clock"},
		{"chain", limited, ""},
		{"chain_broken", slices.Concat(limited, rest), "signed by the next one"},
		{"goproxys_own", caText(t, func(c *x509.Certificate) { c.Subject.CommonName = "goproxy.github.io" }, nil), "private key is public"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, caKeyFile)
			if err := os.WriteFile(path, tt.data, 0o600); err != nil {
				t.Fatal(err)
			}
			_, created, err := LoadOrCreateCA(dir)
			if tt.want == "" {
				if err != nil || created {
					t.Errorf("created %v, %v", created, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) ||
				strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "SECRET") {
				t.Errorf("error %v, want one line with %q and %s", err, tt.want, path)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(after, tt.data) {
				t.Error("the file was changed")
			}
		})
	}
	t.Run("folder_in_its_place", func(t *testing.T) {
		dir := t.TempDir()
		os.Mkdir(filepath.Join(dir, caKeyFile), 0o700)
		if _, _, err := LoadOrCreateCA(dir); err == nil || !strings.Contains(err.Error(), "not a file") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("file_in_place_of_folder", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "file")
		os.WriteFile(dir, nil, 0o600)
		if _, _, err := LoadOrCreateCA(dir); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("error %v", err)
		}
	})
	if runtime.GOOS != "windows" {
		for _, mode := range []os.FileMode{0o640, 0o604, 0o644} {
			t.Run(fmt.Sprintf("mode_%o", mode), func(t *testing.T) {
				dir := t.TempDir()
				path := filepath.Join(dir, caKeyFile)
				os.WriteFile(path, good, 0o600)
				os.Chmod(path, mode)
				if _, err := LoadCA(dir); err == nil || !strings.Contains(err.Error(), "chmod 600 "+path) {
					t.Errorf("error %v", err)
				}
			})
		}
	}
}

func freshCA(t testing.TB) *CA {
	t.Helper()
	ca, _, err := LoadOrCreateCA(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func TestLeaf(t *testing.T) {
	ca := sharedCA(t)
	roots := pool(ca)
	for asked, name := range map[string]string{
		"mail.contoso.test": "mail.contoso.test", "MAIL.Contoso.test.": "mail.contoso.test", "ex_01.local": "ex_01.local",
		"bücher.test": "xn--bcher-kva.test", "127.0.0.1": "127.0.0.1", "[::1]": "::1", "fe80::1%eth0": "fe80::1", "::ffff:10.0.0.1": "10.0.0.1",
		strings.Repeat("a", 60) + "." + strings.Repeat("b", 60): strings.Repeat("a", 60) + "." + strings.Repeat("b", 60),
	} {
		leaf, err := ca.Leaf(asked)
		if err != nil {
			t.Errorf("Leaf(%q): %v", asked, err)
			continue
		}
		if _, err := leaf.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots}); err != nil {
			t.Errorf("Leaf(%q) is not for %s: %v", asked, name, err)
		}
		if ip := net.ParseIP(name); ip != nil && (len(leaf.Leaf.DNSNames) != 0 || !leaf.Leaf.IPAddresses[0].Equal(ip)) {
			t.Errorf("Leaf(%q): names %v, addresses %v", asked, leaf.Leaf.DNSNames, leaf.Leaf.IPAddresses)
		}
		if len(leaf.Certificate) != 2 || !bytes.Equal(leaf.Certificate[1], ca.Certificate().Raw) {
			t.Errorf("Leaf(%q): the chain lacks the authority", asked)
		}
		// RFC 5280 §4.1.2.5 counts the last second too.
		if life := leaf.Leaf.NotAfter.Sub(leaf.Leaf.NotBefore) + time.Second; life > 90*24*time.Hour || life < 30*24*time.Hour {
			t.Errorf("Leaf(%q): valid for %v, want at most 90 days", asked, life)
		}
	}
	for _, bad := range []string{"", ".", "*", "*.test", "a b", "a..b", "a/b", strings.Repeat("a", 64) + ".test", strings.Repeat("a.", 130) + "a", "a\x00b"} {
		if _, err := ca.Leaf(bad); err == nil {
			t.Errorf("Leaf(%q): a certificate", bad)
		}
	}
}

func TestLeafIsMintedOnce(t *testing.T) {
	const clients = 64
	ca := freshCA(t)
	var minted atomic.Int32
	var asking sync.WaitGroup
	asking.Add(clients)
	ca.minted = func(string) {
		minted.Add(1)
		asking.Wait() // none is kept before all have asked
	}
	leaves := make([]*tls.Certificate, clients)
	var all sync.WaitGroup
	for i := range leaves {
		all.Go(func() {
			asking.Done()
			leaf, err := ca.Leaf("um.test")
			if err != nil {
				t.Error(err)
			}
			leaves[i] = leaf
		})
	}
	all.Wait()
	for _, leaf := range leaves {
		if leaf != leaves[0] {
			t.Error("two leaves for one host")
		}
	}
	if minted.Load() != 1 {
		t.Errorf("minted %d times", minted.Load())
	}
}

// Clients that ask for ever new names, as long as names get, cost no more memory
// than the leaves that are kept.
func TestLeavesOfManyNamesTakeBoundedMemory(t *testing.T) {
	ca := freshCA(t)
	long := strings.Repeat("."+strings.Repeat("x", 59), 4)[:239]
	mint := func(from, to int) (heap uint64) {
		for i := from; i < to; i++ {
			if _, err := ca.Leaf(fmt.Sprintf("host%08d%s", i, long)); err != nil {
				t.Fatal(err)
			}
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := mint(0, 1)
	full := mint(1, leavesKept)
	later := mint(leavesKept, 4*leavesKept)
	t.Logf("heap: %d KiB for %d leaves, %d KiB after %d names", (full-before)>>10, leavesKept, (later-before)>>10, 4*leavesKept)
	if n := ca.leaves.Len(); n != leavesKept {
		t.Errorf("%d leaves kept, want %d", n, leavesKept)
	}
	if full-before > 16<<20 {
		t.Errorf("%d leaves take %d bytes, want at most 16 MiB", leavesKept, full-before)
	}
	if later > full+(full-before)/4 { // three times as many names would make it 4 × without a bound
		t.Errorf("the heap grew from %d to %d bytes with names that are not kept", full, later)
	}
}

func TestLeafIsRenewedBeforeItsEnd(t *testing.T) {
	ca := freshCA(t)
	now := time.Now()
	ca.now = func() time.Time { return now }
	leafAt := func(at time.Time) *x509.Certificate {
		now = at
		leaf, err := ca.Leaf("um.test")
		if err != nil {
			t.Fatal(err)
		}
		return leaf.Leaf
	}
	first := leafAt(now)
	if leafAt(first.NotAfter.Add(-8*24*time.Hour)) != first {
		t.Error("renewed too early")
	}
	second := leafAt(first.NotAfter.Add(-6 * 24 * time.Hour))
	if second == first || !second.NotAfter.After(first.NotAfter) {
		t.Error("not renewed")
	}
	end := ca.Certificate().NotAfter
	last := leafAt(end.Add(-time.Hour))
	if !last.NotAfter.Equal(end) {
		t.Errorf("leaf until %s, authority until %s", last.NotAfter, end)
	}
	if leafAt(end.Add(-time.Minute)) != last {
		t.Error("minted again although it could not last longer")
	}
	now = end.Add(time.Minute)
	if _, err := ca.Leaf("um.test"); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("after the authority's end: %v", err)
	}
}
