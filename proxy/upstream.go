package proxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
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

	// LegacyTLS also takes TLS 1.0 and 1.1 and the cipher suites of their time,
	// for Exchange on Windows Server 2003 and 2008, which may know nothing newer.
	LegacyTLS bool

	DialTimeout           time.Duration // default 30 s
	TLSHandshakeTimeout   time.Duration // default 15 s
	ResponseHeaderTimeout time.Duration // from the end of the request to the answer's header; default 2 min, Exchange can be slow
	IdleConnTimeout       time.Duration // between two exchanges of a connection; default 5 min
}

// Upstream makes transports to servers.
type Upstream struct {
	config   UpstreamConfig
	tls      *tls.Config
	insecure map[string]bool // "host" and "host:port", lower case
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
	setTime(&c.IdleConnTimeout, 5*time.Minute)

	u := &Upstream{config: c, insecure: make(map[string]bool)}
	for _, entry := range c.Insecure {
		key, err := insecureKey(entry)
		if err != nil {
			return nil, err
		}
		u.insecure[key] = true
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
	}
	if c.LegacyTLS {
		u.tls.MinVersion = tls.VersionTLS10
		for _, suite := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
			u.tls.CipherSuites = append(u.tls.CipherSuites, suite.ID)
		}
	}
	return u, nil
}

// Transport returns a transport for one client connection: HTTP/1.1, one
// connection to a server at a time, kept alive; nothing added, nothing decoded,
// no proxy of the environment.
func (u *Upstream) Transport() *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // NTLM does not work over HTTP/2
	return &http.Transport{
		Protocols:              protocols,
		DialContext:            u.dial,
		DialTLSContext:         u.dialTLS,
		MaxConnsPerHost:        1,
		MaxIdleConnsPerHost:    1,
		DisableCompression:     true,
		ResponseHeaderTimeout:  u.config.ResponseHeaderTimeout,
		IdleConnTimeout:        u.config.IdleConnTimeout,
		MaxResponseHeaderBytes: 1 << 20,
	}
}

var errLoop = errors.New("the server's address is the proxy's own")

func (u *Upstream) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{
		Timeout: u.config.DialTimeout,
		// Here the name has become an address, and nothing has been sent yet.
		ControlContext: func(ctx context.Context, _, resolved string, _ syscall.RawConn) error {
			host, port, err := net.SplitHostPort(resolved)
			if c := connOf(ctx); err == nil && c != nil && c.server.isSelf(host, port) {
				return errLoop
			}
			return nil
		},
	}
	return d.DialContext(ctx, network, address)
}

func (u *Upstream) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	raw, err := u.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	config := u.tls.Clone()
	config.ServerName = strings.TrimSuffix(host, ".")
	config.InsecureSkipVerify = u.isInsecure(host, address)
	ctx, cancel := context.WithTimeout(ctx, u.config.TLSHandshakeTimeout)
	defer cancel()
	c := tls.Client(raw, config)
	if err := c.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return c, nil
}

func (u *Upstream) isInsecure(host, address string) bool {
	if len(u.insecure) == 0 {
		return false
	}
	_, port, _ := net.SplitHostPort(address)
	host = plainHost(host)
	return u.insecure[host] || u.insecure[net.JoinHostPort(host, port)]
}

// insecureKey is entry as the keys of Upstream.insecure are.
func insecureKey(entry string) (string, error) {
	host, port, err := net.SplitHostPort(entry)
	if err != nil { // no port, or an IPv6 address without brackets
		host, port = strings.TrimSuffix(strings.TrimPrefix(entry, "["), "]"), ""
	}
	isIP := net.ParseIP(host) != nil
	if host == "" || strings.ContainsAny(host, "*/@ ") || !isIP && strings.Contains(host, ":") || err == nil && !validTarget(entry) {
		return "", fmt.Errorf("insecure upstream %q: want one HOST or HOST:PORT, without scheme or wildcard", entry)
	}
	if port == "" {
		return plainHost(host), nil
	}
	return net.JoinHostPort(plainHost(host), port), nil
}

func plainHost(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

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
