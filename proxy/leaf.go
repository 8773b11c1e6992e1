package proxy

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/net/idna"
	"golang.org/x/sync/singleflight"
)

const (
	leafAge     = 24 * time.Hour      // how long ago a new leaf began, for clients whose clock is late
	leafLife    = 88 * 24 * time.Hour // how long it lasts from now on, if the authority does: with leafAge below 90 days, also for who counts both ends
	leafRenewal = 7 * 24 * time.Hour  // before its end it is minted again
	leavesKept  = 1024
)

// CA is a certificate authority of one user's own and mints the certificates
// that clients are shown. All methods may be called at once.
type CA struct {
	cert  *x509.Certificate // the first of chain: it signs, with key
	chain []*x509.Certificate
	key   crypto.Signer
	file  string // of the last of chain, the one that clients trust

	leaves  *lru.Cache[string, *tls.Certificate] // by host, as hostOfLeaf gives it
	minting singleflight.Group
	leafKey func() (*ecdsa.PrivateKey, error) // one for all leaves: making it costs more than signing
	now     func() time.Time
	minted  func(host string) // tests count with it
	count   atomic.Uint64     // of leaves minted
}

func newCA(chain []*x509.Certificate, key crypto.Signer, file string) *CA {
	leaves, err := lru.New[string, *tls.Certificate](leavesKept)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &CA{
		cert: chain[0], chain: chain, key: key, file: file,
		leaves:  leaves,
		leafKey: sync.OnceValues(func() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }),
		now:     time.Now,
		minted:  func(string) {},
	}
}

// TLSConfig shows a client the leaf for the name it asks for in SNI. A client
// that asks for none gets the one for fallbackHost or, if that is "", for the IP
// address it connected to. HTTP/1.1 only.
func (ca *CA) TLSConfig(fallbackHost string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1", "http/1.0"}, // curl -0 offers the latter only
		// Without the post-quantum exchange, which is a quarter of a handshake's
		// work and guards nothing between a client and the proxy beside it.
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return ca.Leaf(leafHost(hello, fallbackHost))
		},
	}
}

func leafHost(hello *tls.ClientHelloInfo, fallback string) string {
	switch {
	case hello.ServerName != "":
		return hello.ServerName
	case fallback != "":
		return fallback
	}
	if c, ok := hello.Conn.(*sniffedConn); ok {
		return c.certificateHost()
	}
	return hostOf(hello.Conn.LocalAddr().String())
}

// Leaf is a certificate for host, a DNS name or an IP address without port, with
// the authority's behind it. It is minted once and kept; it is valid for at
// least a week unless the authority's own end is nearer, and for at most 90 days.
// See [ErrNotPermitted].
func (ca *CA) Leaf(host string) (*tls.Certificate, error) {
	host, err := hostOfLeaf(host)
	if err != nil {
		return nil, err
	}
	if leaf, ok := ca.fresh(host); ok {
		return leaf, nil
	}
	if err := ca.checkHost(host); err != nil {
		return nil, err
	}
	leaf, err, _ := ca.minting.Do(host, func() (any, error) {
		if leaf, ok := ca.fresh(host); ok { // minted while we came here
			return leaf, nil
		}
		leaf, err := ca.mint(host)
		if err == nil {
			ca.count.Add(1)
			ca.leaves.Add(host, leaf)
		}
		return leaf, err
	})
	if err != nil {
		return nil, fmt.Errorf("certificate for %s: %w", host, err)
	}
	return leaf.(*tls.Certificate), nil
}

// fresh is the kept leaf for host if there is none better to be had.
func (ca *CA) fresh(host string) (*tls.Certificate, bool) {
	leaf, ok := ca.leaves.Get(host)
	if !ok {
		return nil, false
	}
	now, end := ca.now(), leaf.Leaf.NotAfter
	return leaf, end.Sub(now) > leafRenewal || end.Equal(ca.cert.NotAfter) && now.Before(end)
}

func (ca *CA) mint(host string) (*tls.Certificate, error) {
	ca.minted(host)
	now := ca.now()
	if !now.Before(ca.cert.NotAfter) {
		return nil, fmt.Errorf("the certificate authority expired on %s: move %s away and start again", ca.cert.NotAfter.Format(time.DateOnly), caKeyFile)
	}
	key, err := ca.leafKey()
	if err != nil {
		return nil, err
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		NotBefore:             later(now.Add(-leafAge), ca.cert.NotBefore),
		NotAfter:              earlier(now.Add(leafLife), ca.cert.NotAfter),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	if len(host) <= 64 { // ub-common-name, RFC 5280 appendix A
		template.Subject = pkix.Name{CommonName: host}
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
		if !ca.Permits().Any() { // OpenSSL would hold an address there against the names permitted
			template.Subject = pkix.Name{Organization: []string{"umtape"}}
		}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key.Public(), ca.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	certs := [][]byte{der}
	for _, c := range ca.chain {
		certs = append(certs, c.Raw)
	}
	return &tls.Certificate{Certificate: certs, PrivateKey: key, Leaf: leaf}, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

var errHost = errors.New("not a host name or IP address that a certificate can be for")

// hostOfLeaf gives the one spelling of a host: an IP address in its canonical
// form without zone, or a lower-case ASCII name without trailing dot.
func hostOfLeaf(host string) (string, error) {
	host = strings.TrimSuffix(host, ".")
	bare := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if ip, err := netip.ParseAddr(bare); err == nil {
		return ip.Unmap().WithZone("").String(), nil
	}
	name := strings.ToLower(host)
	if !isPlainName(name) {
		ascii, err := idna.Lookup.ToASCII(host)
		if err != nil || !isPlainName(ascii) {
			return "", fmt.Errorf("%.100q: %w", host, errHost)
		}
		name = ascii
	}
	return name, nil
}

// isPlainName takes what networks have besides the letter of RFC 1123:
// underscores, and hyphens anywhere.
func isPlainName(name string) bool {
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for _, b := range []byte(label) {
			if !('a' <= b && b <= 'z' || '0' <= b && b <= '9' || b == '-' || b == '_') {
				return false
			}
		}
	}
	return true
}
