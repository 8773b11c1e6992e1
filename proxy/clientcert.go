package proxy

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"software.sslmate.com/src/go-pkcs12"
)

// ClientCert is the certificate that umtape shows to servers which ask for one.
type ClientCert struct {
	// Host is the server it is for, written as those of UpstreamConfig.Insecure;
	// "" for all.
	Host string

	// File holds the certificate, those between it and its authority, and the
	// private key, in PEM or PKCS #12. Only its owner may be able to read it.
	File string

	// Password opens a PKCS #12 file.
	Password string
}

// shownCert is a ClientCert that was read.
type shownCert struct {
	hosts hostSet // nil for all
	cert  *tls.Certificate
}

func readClientCerts(all []ClientCert) ([]shownCert, error) {
	var read []shownCert
	for _, c := range all {
		var s shownCert
		var err error
		if c.Host != "" {
			if s.hosts, err = newHostSet("client certificate for", []string{c.Host}); err != nil {
				return nil, err
			}
		}
		if s.cert, err = c.read(); err != nil {
			return nil, fmt.Errorf("client certificate %s: %w", c.File, err)
		}
		read = append(read, s)
	}
	return read, nil
}

// read leaves out what the errors of parsers say: they could quote the key.
func (c ClientCert) read() (*tls.Certificate, error) {
	data, err := readPrivate(c.File, "the private key", "")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("no such file")
	case err != nil:
		return nil, err
	}
	if !bytes.Contains(data, []byte("-----BEGIN ")) {
		return c.readPKCS12(data)
	}
	var certs, keys int
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		switch {
		case block.Type == "CERTIFICATE":
			certs++
		case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "":
			return nil, errors.New("the private key is encrypted: decrypt it with `openssl pkey`, or make a PKCS #12 file with `openssl pkcs12 -export`")
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			keys++
		}
	}
	switch {
	case certs == 0:
		return nil, errors.New("there is no certificate in it: put the certificate, those above it and the private key into one file")
	case keys == 0:
		return nil, errors.New("there is no private key in it: put the certificate, those above it and the private key into one file")
	}
	cert, err := tls.X509KeyPair(data, data)
	if err != nil {
		return nil, errNotTogether
	}
	return &cert, nil
}

func (c ClientCert) readPKCS12(data []byte) (*tls.Certificate, error) {
	key, cert, above, err := pkcs12.DecodeChain(data, c.Password)
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword) && c.Password == "":
		return nil, errors.New("it wants a password: set UMTAPE_CLIENT_CERT_PASSWORD")
	case errors.Is(err, pkcs12.ErrIncorrectPassword):
		return nil, errors.New("the password does not open it: check UMTAPE_CLIENT_CERT_PASSWORD")
	case err != nil:
		return nil, fmt.Errorf("it is neither PEM nor a PKCS #12 file with one certificate and its key: export it again as %s.pem", strings.TrimSuffix(filepath.Base(c.File), filepath.Ext(c.File)))
	}
	all := append([]*x509.Certificate{cert}, above...)
	own := slices.IndexFunc(all, func(c *x509.Certificate) bool { return isKeyOf(key, c) })
	if own < 0 {
		return nil, errNotTogether
	}
	shown := &tls.Certificate{Certificate: [][]byte{all[own].Raw}, PrivateKey: key, Leaf: all[own]}
	for _, a := range slices.Delete(all, own, own+1) {
		shown.Certificate = append(shown.Certificate, a.Raw)
	}
	return shown, nil
}

var errNotTogether = errors.New("certificate and private key do not belong together, or one of them is damaged: export them again")

func isKeyOf(key any, c *x509.Certificate) bool {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return false
	}
	public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(c.PublicKey)
}

// showCertificate makes config show the certificate that is for the server, if
// it asks for one. The first that fits counts, those for one host before others.
func (u *Upstream) showCertificate(config *tls.Config, host, address string) {
	for _, named := range []bool{true, false} {
		for _, s := range u.certs {
			if (s.hosts != nil) == named && (!named || s.hosts.has(host, address)) {
				config.Certificates = []tls.Certificate{*s.cert}
				return
			}
		}
	}
}
