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

	// LegacyTLS are hosts, written as those of Insecure, of which TLS 1.0 and 1.1
	// and the cipher suites of their time are taken too: Exchange on Windows
	// Server 2003 and 2008 may know nothing newer.
	LegacyTLS []string

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

// Dial connects to a server's "host:port", for [Config.Dial]. With the context
// of a request it does not connect to the Server that the request came to.
func (u *Upstream) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return u.dial(ctx, network, address)
}

// Transport returns a transport for one client connection: HTTP/1.1, one
// connection to a server at a time, kept alive; nothing added, nothing decoded,
// no proxy of the environment.
func (u *Upstream) Transport() *Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // NTLM does not work over HTTP/2
	return &Transport{&http.Transport{
		Protocols:              protocols,
		DialContext:            u.dial,
		DialTLSContext:         u.dialTLS,
		MaxConnsPerHost:        1,
		MaxIdleConnsPerHost:    1,
		MaxIdleConns:           maxIdleConns,
		DisableCompression:     true,
		ResponseHeaderTimeout:  u.config.ResponseHeaderTimeout,
		IdleConnTimeout:        u.config.IdleConnTimeout,
		MaxResponseHeaderBytes: 1 << 20,
	}}
}

// maxIdleConns bounds what one client connection that asks for many servers
// keeps open.
const maxIdleConns = 8

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
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &upstreamConn{c, u.config.BodyIdleTimeout}, nil
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
	config.ServerName = serverName(ctx, host, address)
	config.InsecureSkipVerify = u.insecure.has(host, address)
	if u.legacy.has(host, address) {
		allowLegacy(config)
	}
	ctx, cancel := context.WithTimeout(ctx, u.config.TLSHandshakeTimeout)
	defer cancel()
	c := tls.Client(raw, config)
	if err := c.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return c, nil
}

// serverName is what the server is asked to be, and its certificate checked
// against: the host, except that inside a tunnel the client may have asked for
// another, as one that was given an IP address to connect to does.
func serverName(ctx context.Context, host, address string) string {
	if c := connOf(ctx); c != nil && c.target != "" && strings.EqualFold(c.target, address) {
		if t, ok := c.Conn.(*tls.Conn); ok && t.ConnectionState().ServerName != "" {
			return t.ConnectionState().ServerName
		}
	}
	return strings.TrimSuffix(host, ".")
}

func allowLegacy(config *tls.Config) {
	config.MinVersion = tls.VersionTLS10
	for _, suite := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		config.CipherSuites = append(config.CipherSuites, suite.ID)
	}
	config.ClientSessionCache = nil // shared with hosts of the same name that are not to sink so low
}

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
