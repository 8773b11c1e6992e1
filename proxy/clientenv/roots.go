package clientenv

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
)

// roots are certificates, each of them once.
type roots struct {
	list [][]byte // DER
	seen map[string]bool
}

func (r *roots) add(der []byte) {
	if r.seen == nil {
		r.seen = make(map[string]bool)
	}
	if key := string(der); !r.seen[key] {
		r.seen[key] = true
		r.list = append(r.list, der)
	}
}

// addPEM adds the certificates of a PEM file; what else is in it does not count.
func (r *roots) addPEM(data []byte) {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return
		}
		if block.Type == "CERTIFICATE" {
			r.add(block.Bytes)
		}
	}
}

// addFile adds those of a file, or of the files of a folder as OpenSSL has them.
// It reports whether there were any; what cannot be read the program could not
// have read either.
func (r *roots) addFile(path string) bool {
	had := len(r.list)
	if path == "" {
		return false
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		entries, _ := os.ReadDir(path)
		for _, e := range entries {
			if data, err := os.ReadFile(filepath.Join(path, e.Name())); err == nil {
				r.addPEM(data)
			}
		}
	} else if data, err := os.ReadFile(path); err == nil {
		r.addPEM(data)
	}
	return len(r.list) > had
}

// systemFiles is where systems keep all roots in one file, PEM.
var systemFiles = []string{
	"/etc/ssl/certs/ca-certificates.crt",                // Debian, Ubuntu, Gentoo, Arch, Alpine
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // Fedora, RHEL
	"/etc/pki/tls/certs/ca-bundle.crt",                  // and before
	"/etc/ssl/ca-bundle.pem",                            // openSUSE
	"/usr/local/share/certs/ca-root-nss.crt",            // FreeBSD
	"/etc/ssl/cert.pem",                                 // macOS, OpenBSD
}

// addSystem adds what this system trusts.
func (r *roots) addSystem() {
	for _, der := range storedRoots() {
		r.add(der)
	}
	for _, path := range systemFiles {
		if r.addFile(path) {
			return
		}
	}
}

func (r *roots) pem() []byte {
	var b bytes.Buffer
	for _, der := range r.list {
		pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: der}) // a Buffer takes everything
	}
	return b.Bytes()
}

// parsed are those that Go can read, the one or other odd root left out.
func (r *roots) parsed() []*x509.Certificate {
	var certs []*x509.Certificate
	for _, der := range r.list {
		if c, err := x509.ParseCertificate(der); err == nil {
			certs = append(certs, c)
		}
	}
	return certs
}
