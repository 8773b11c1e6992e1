package proxy

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const (
	caKeyFile  = "ca-key.pem" // private key and certificate, mode 0600; the only file that counts
	caCertFile = "ca.pem"     // the certificate alone, to hand out; made again from the other
	caYears    = 10
	maxCABytes = 1 << 20
)

// ErrNoCA is wrapped by the error of [LoadCA] when the folder holds no
// certificate authority yet.
var ErrNoCA = errors.New("no certificate authority here: make one with `umtape ca init`")

// DefaultCADir is where a user's certificate authority lives: "umtape" in
// [os.UserConfigDir].
func DefaultCADir() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("no folder for the certificate authority (%w): set --ca-dir DIR", err)
	}
	return filepath.Join(dir, "umtape"), nil
}

// LoadOrCreateCA loads the certificate authority of dir, or makes one at first
// use: dir with mode 0700, ca-key.pem with mode 0600, ca.pem. However many
// processes do so at once, one authority comes into being and all get it;
// created is true for the one that made it.
func LoadOrCreateCA(dir string) (ca *CA, created bool, err error) {
	ca, err = LoadCA(dir)
	if !errors.Is(err, ErrNoCA) {
		return ca, false, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, false, fmt.Errorf("certificate authority: %w: set --ca-dir to a folder that can be written", err)
	}
	data, err := newAuthority(time.Now())
	if err != nil {
		return nil, false, fmt.Errorf("certificate authority: %w", err)
	}
	err = createWhole(filepath.Join(dir, caKeyFile), data, 0o600)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, false, fmt.Errorf("certificate authority: %w: set --ca-dir to a folder that can be written", err)
	}
	created = err == nil
	ca, err = LoadCA(dir)
	return ca, created && err == nil, err
}

// LoadCA loads the certificate authority of dir, and makes ca.pem again if it is
// absent or another's. Its errors name the file and what to do; they never quote
// it. See [ErrNoCA].
func LoadCA(dir string) (*CA, error) {
	path := filepath.Join(dir, caKeyFile)
	if err := checkFolder(dir); err != nil {
		return nil, err
	}
	data, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, ErrNoCA)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	cert, key, err := parseAuthority(data, time.Now())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	ca := newCA(cert, key, filepath.Join(dir, caCertFile))
	if old, err := os.ReadFile(ca.file); err == nil && bytes.Equal(old, ca.CertPEM()) {
		return ca, nil
	}
	if err := replaceWhole(ca.file, ca.CertPEM(), 0o644); err != nil {
		return nil, fmt.Errorf("%w: let it be written, or put the certificate of %s there", err, caKeyFile)
	}
	return ca, nil
}

// checkFolder refuses a folder in which others could put another authority.
func checkFolder(dir string) error {
	info, err := os.Stat(dir)
	if err != nil || runtime.GOOS == "windows" || !info.IsDir() || info.Mode().Perm()&0o022 == 0 {
		return nil // what else is wrong the files tell
	}
	return fmt.Errorf("%s: others may replace the files in it (mode %04o): run `chmod go-w %[1]s`", dir, info.Mode().Perm())
}

// readPrivate reads a file that only its owner may read.
func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return nil, errors.New("it cannot be read: run umtape as the file's owner, or set --ca-dir")
		}
		return nil, withoutPath(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, withoutPath(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a file: move it away, or set --ca-dir")
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("others may read the private key (mode %04o): run `chmod 600 %s`", info.Mode().Perm(), path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxCABytes))
	if err != nil {
		return nil, withoutPath(err)
	}
	return data, nil
}

const remake = "move it away, and a new certificate authority is made at the next start"

// parseAuthority reads the private key and the certificate out of ca-key.pem.
func parseAuthority(data []byte, now time.Time) (*x509.Certificate, crypto.Signer, error) {
	var cert *x509.Certificate
	var key crypto.Signer
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			var parsed any
			if parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
				key, _ = parsed.(crypto.Signer)
			}
		case "CERTIFICATE":
			cert, err = x509.ParseCertificate(block.Bytes)
		case "ENCRYPTED PRIVATE KEY":
			return nil, nil, errors.New("the private key is encrypted, which umtape does not read: decrypt it with `openssl pkey`, or " + remake)
		}
		if err != nil { // its text is left out: it could quote the key
			return nil, nil, fmt.Errorf("the %s block is damaged: %s", strings.ToLower(block.Type), remake)
		}
	}
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return nil, nil, errors.New("it is empty: " + remake)
	case key == nil && cert == nil:
		return nil, nil, errors.New("it is not a PEM file with a private key and a certificate: " + remake)
	case key == nil:
		return nil, nil, errors.New("it holds no private key (PKCS #8): " + remake)
	case cert == nil:
		return nil, nil, errors.New("it holds no certificate: " + remake)
	}
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	switch {
	case !ok || !public.Equal(cert.PublicKey):
		return nil, nil, errors.New("the private key and the certificate do not belong together: " + remake)
	case !cert.BasicConstraintsValid || !cert.IsCA || cert.KeyUsage != 0 && cert.KeyUsage&x509.KeyUsageCertSign == 0:
		return nil, nil, errors.New("the certificate is not one of an authority: " + remake)
	case cert.Subject.CommonName == "goproxy.github.io":
		return nil, nil, errors.New("this authority's private key is public, whoever trusts it trusts everybody: " + remake)
	case now.After(cert.NotAfter):
		return nil, nil, fmt.Errorf("the certificate expired on %s: %s and can be trusted instead", cert.NotAfter.Format(time.DateOnly), remake)
	case now.Before(cert.NotBefore):
		return nil, nil, fmt.Errorf("the certificate is valid from %s only: check this machine's clock", cert.NotBefore.Format(time.DateOnly))
	}
	return cert, key, nil
}

// newAuthority makes a key and a certificate, in the form of ca-key.pem.
func newAuthority(now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	// The name tells a user's authorities apart in a list of trusted ones.
	name := fmt.Sprintf("umtape CA %x", serial.Bytes()[:3])
	if host, err := os.Hostname(); err == nil && host != "" && len(host) <= 40 {
		name = fmt.Sprintf("umtape CA %s %x", host, serial.Bytes()[:3])
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-leafAge),
		NotAfter:              now.AddDate(caYears, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), encodeCert(cert)...), nil
}

// newSerial is 127 random bits below a leading one, so that it is positive,
// never short, and within the 20 octets of RFC 5280 §4.1.2.2.
func newSerial() (*big.Int, error) {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return nil, err
	}
	b[0] |= 0x40
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b[:]), nil
}

func encodeCert(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// CertPEM is the authority's certificate, the text of ca.pem.
func (ca *CA) CertPEM() []byte { return encodeCert(ca.cert.Raw) }

// CertFile is the path of ca.pem, which clients are to trust.
func (ca *CA) CertFile() string { return ca.file }

// Certificate is the authority's certificate. It is not to be changed.
func (ca *CA) Certificate() *x509.Certificate { return ca.cert }

// Fingerprint is the SHA-256 of the certificate, as "AB:CD:...".
func (ca *CA) Fingerprint() string {
	sum := sha256.Sum256(ca.cert.Raw)
	return strings.ReplaceAll(fmt.Sprintf("% X", sum), " ", ":")
}
