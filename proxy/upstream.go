package proxy

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"
)

// UpstreamConfig says how servers are reached. The zero value trusts what the
// system trusts and verifies every certificate.
type UpstreamConfig struct {
	// RootCAFiles are files of certificates, PEM or one in DER, to be trusted
	// besides the system's.
	RootCAFiles []string

	// Insecure are hosts whose certificates are not verified: "host" for all its
	// ports, or "host:port". Names in any case; IP addresses as in the URL.
	Insecure []string

	// LegacyTLS are hosts, written as those of Insecure, of which TLS 1.0 and 1.1
	// and the cipher suites of their time are taken too: Exchange on Windows
	// Server 2003 and 2008 may know nothing newer.
	LegacyTLS []string

	// ClientCerts are shown to servers that ask for a certificate. Whoever uses
	// the proxy is then that certificate's owner to them.
	ClientCerts []ClientCert

	// Resolve are entries "HOST:PORT:ADDRESS": connections to HOST:PORT go to
	// ADDRESS:PORT, and all else stays as it is, Host header and name in TLS.
	Resolve []string

	// Proxy leads to the servers, if not nil: http://HOST:PORT or https://HOST:PORT.
	// It looks up their names.
	Proxy *url.URL

	// ProxyAuth is "user:password" for Proxy, by Basic authentication; "" for none.
	// ProxyAuthFile is a file that holds it, which only its owner may be able to
	// read.
	ProxyAuth, ProxyAuthFile string

	DialTimeout           time.Duration // default 30 s
	TLSHandshakeTimeout   time.Duration // default 15 s
	ResponseHeaderTimeout time.Duration // from the end of the request to the answer's header; default 2 min, Exchange can be slow
	BodyIdleTimeout       time.Duration // for the server to take the next part of a request; default 2 min
	IdleConnTimeout       time.Duration // between two exchanges of a connection; default 5 min
}

// Upstream makes transports to servers.
type Upstream struct {
	config   UpstreamConfig
	tls      *tls.Config
	insecure hostSet
	legacy   hostSet
	resolve  map[string]string // "host:port" to "address:port"
	certs    []shownCert
	proxy    *upstreamProxy // nil for none
}

// NewUpstream reads the certificate files. Its errors name the file and what to
// do.
func NewUpstream(c UpstreamConfig) (*Upstream, error) {
	setTime := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	setTime(&c.DialTimeout, 30*time.Second)
	setTime(&c.TLSHandshakeTimeout, 15*time.Second)
	setTime(&c.ResponseHeaderTimeout, 2*time.Minute)
	setTime(&c.BodyIdleTimeout, 2*time.Minute)
	setTime(&c.IdleConnTimeout, 5*time.Minute)

	u := &Upstream{config: c}
	var err error
	if u.insecure, err = newHostSet("insecure upstream", c.Insecure); err != nil {
		return nil, err
	}
	if u.legacy, err = newHostSet("upstream with legacy TLS", c.LegacyTLS); err != nil {
		return nil, err
	}
	if u.resolve, err = parseResolve(c.Resolve); err != nil {
		return nil, err
	}
	if u.certs, err = readClientCerts(c.ClientCerts); err != nil {
		return nil, err
	}
	if u.proxy, err = newUpstreamProxy(u); err != nil {
		return nil, err
	}
	roots, err := readRoots(c.RootCAFiles)
	if err != nil {
		return nil, err
	}
	u.tls = &tls.Config{
		RootCAs:    roots,
		MinVersion: tls.VersionTLS12,
		// Each client connection has its own upstream one; resuming makes the
		// second of them to a server cheaper.
		ClientSessionCache: tls.NewLRUClientSessionCache(64),
		// So IIS asks for a client certificate when it has seen the path.
		Renegotiation: tls.RenegotiateOnceAsClient,
	}
	return u, nil
}

// Transport returns a transport for one client connection.
func (u *Upstream) Transport() *Transport { return &Transport{upstream: u} }

// readRoots is nil, which means the system's, if there are no files.
func readRoots(files []string) (*x509.CertPool, error) {
	if len(files) == 0 {
		return nil, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // a machine without any; the files say whom to trust
	}
	for _, file := range files {
		certs, err := readCertificates(file)
		if err != nil {
			return nil, fmt.Errorf("upstream CA %s: %w", file, err)
		}
		for _, cert := range certs {
			roots.AddCert(cert)
		}
	}
	return roots, nil
}

var errNoCertificate = errors.New("no certificate in it: export the CA of the server as Base-64 X.509 (PEM) or DER")

func readCertificates(file string) ([]*x509.Certificate, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, withoutPath(err)
	}
	if cert, err := x509.ParseCertificate(data); err == nil {
		return []*x509.Certificate{cert}, nil
	}
	var certs []*x509.Certificate
	for rest := bytes.TrimSpace(data); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d is damaged: export it again", len(certs)+1)
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, errNoCertificate
	}
	return certs, nil
}

// withoutPath drops the operation and path of an error whose caller names the
// file.
func withoutPath(err error) error {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}
