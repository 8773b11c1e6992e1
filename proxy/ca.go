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
	caKeyFile  = "ca-key.pem" // private key and certificates, mode 0600; the only file that counts
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
// use, for any host: dir with mode 0700, ca-key.pem with mode 0600, ca.pem.
// However many processes do so at once, one authority comes into being and all
// get it; created is true for the one that made it.
func LoadOrCreateCA(dir string) (ca *CA, created bool, err error) {
	return InitCA(dir, Permits{})
}

// InitCA is [LoadOrCreateCA] for an authority that is limited, if it is to be
// made. One that is there already is loaded, whatever its [CA.Permits].
func InitCA(dir string, permits Permits) (ca *CA, created bool, err error) {
	ca, err = LoadCA(dir)
	if !errors.Is(err, ErrNoCA) {
		return ca, false, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, false, fmt.Errorf("certificate authority: %w: set --ca-dir to a folder that can be written", err)
	}
	data, err := newAuthority(time.Now(), permits)
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

// ReplaceCA makes a new authority in place of the one of dir, sound or not, which
// is moved to the folder old inside dir: its certificate may still be trusted
// somewhere. old is "" if there was none.
func ReplaceCA(dir string, permits Permits) (ca *CA, old string, err error) {
	if err := checkFolder(dir); err != nil {
		return nil, "", err
	}
	path := filepath.Join(dir, caKeyFile)
	had, err := readPrivate(path, "the private key", ", or set --ca-dir")
	if errors.Is(err, fs.ErrNotExist) {
		ca, _, err = InitCA(dir, permits)
		return ca, "", err
	}
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", path, err)
	}
	data, err := newAuthority(time.Now(), permits)
	if err != nil {
		return nil, "", fmt.Errorf("certificate authority: %w", err)
	}
	old = filepath.Join(dir, fmt.Sprintf("replaced-%x", sha256.Sum256(had))[:len("replaced-")+8])
	err = os.Mkdir(old, 0o700)
	if err == nil || errors.Is(err, fs.ErrExist) {
		err = createWhole(filepath.Join(old, caKeyFile), had, 0o600)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) { // there, it has the same bytes
		return nil, "", fmt.Errorf("the old certificate authority cannot be kept: %w", err)
	}
	if err := replaceWhole(path, data, 0o600); err != nil {
		return nil, "", fmt.Errorf("certificate authority: %w", err)
	}
	ca, err = LoadCA(dir)
	return ca, old, err
}

// LoadCA loads the certificate authority of dir, and makes ca.pem again if it is
// absent or another's. Its errors name the file and what to do; they never quote
// it. See [ErrNoCA].
func LoadCA(dir string) (*CA, error) {
	path := filepath.Join(dir, caKeyFile)
	if err := checkFolder(dir); err != nil {
		return nil, err
	}
	data, err := readPrivate(path, "the private key", ", or set --ca-dir")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, ErrNoCA)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	chain, key, err := parseAuthority(data, time.Now())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	ca := newCA(chain, key, filepath.Join(dir, caCertFile))
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

// readPrivate reads a file that only its owner may read. Its errors say what is in
// it, and what else may be done than mend the file.
func readPrivate(path, what, or string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return nil, errors.New("it cannot be read: run umtape as the file's owner" + or)
		}
		return nil, withoutPath(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, withoutPath(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a file: name one" + or)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("others may read %s (mode %04o): run `chmod 600 %s`", what, info.Mode().Perm(), path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxCABytes))
	if err != nil {
		return nil, withoutPath(err)
	}
	return data, nil
}

const remake = "move it away, and a new certificate authority is made at the next start"

// parseAuthority reads the private key and the certificates out of ca-key.pem:
// the key's own, then the ones that vouch for it, to the one that clients trust.
func parseAuthority(data []byte, now time.Time) ([]*x509.Certificate, crypto.Signer, error) {
	var chain []*x509.Certificate
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
			var cert *x509.Certificate
			if cert, err = x509.ParseCertificate(block.Bytes); err == nil {
				chain = append(chain, cert)
			}
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
	case key == nil && len(chain) == 0:
		return nil, nil, errors.New("it is not a PEM file with a private key and a certificate: " + remake)
	case key == nil:
		return nil, nil, errors.New("it holds no private key (PKCS #8): " + remake)
	case len(chain) == 0:
		return nil, nil, errors.New("it holds no certificate: " + remake)
	}
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(chain[0].PublicKey) {
		return nil, nil, errors.New("the private key and the certificate do not belong together: " + remake)
	}
	for i, cert := range chain {
		if err := checkAuthority(cert, now); err != nil {
			return nil, nil, err
		}
		if i > 0 && chain[i-1].CheckSignatureFrom(cert) != nil {
			return nil, nil, errors.New("each certificate has to be signed by the next one, and one is not: " + remake)
		}
	}
	return chain, key, nil
}

func checkAuthority(cert *x509.Certificate, now time.Time) error {
	switch {
	case !cert.BasicConstraintsValid || !cert.IsCA || cert.KeyUsage != 0 && cert.KeyUsage&x509.KeyUsageCertSign == 0:
		return errors.New("the certificate is not one of an authority: " + remake)
	case cert.Subject.CommonName == "goproxy.github.io":
		return errors.New("this authority's private key is public, whoever trusts it trusts everybody: " + remake)
	case now.After(cert.NotAfter):
		return fmt.Errorf("the certificate expired on %s: %s and can be trusted instead", cert.NotAfter.Format(time.DateOnly), remake)
	case now.Before(cert.NotBefore):
		return fmt.Errorf("the certificate is valid from %s only: check this machine's clock", cert.NotBefore.Format(time.DateOnly))
	}
	return nil
}

// newAuthority makes a key and its certificates, in the form of ca-key.pem.
//
// A limited authority is two: the root, which clients are to trust, and the one
// below it, which signs the leaves and whose key is kept. Java takes no notice of
// constraints in the root itself (seen with 17 and 25). The root's own key is
// forgotten when it has signed, so that nobody can have it sign anything else.
func newAuthority(now time.Time, permits Permits) ([]byte, error) {
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
	root := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-leafAge),
		NotAfter:              now.AddDate(caYears, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	var chain [][]byte
	if permits.Any() {
		chain, err = signChain(key, root)
	} else {
		permits.constrain(root)
		root.MaxPathLen, root.MaxPathLenZero = 1, false
		signer := *root
		signer.Subject.CommonName = name + " signer" // 64 characters at most, RFC 5280 appendix A
		signer.MaxPathLen, signer.MaxPathLenZero = 0, true
		signer.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} // nor mail, nor programs
		if signer.SerialNumber, err = newSerial(); err == nil {
			chain, err = signChain(key, &signer, root)
		}
	}
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	data := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	for _, cert := range chain {
		data = append(data, encodeCert(cert)...)
	}
	return data, nil
}

// signChain makes the certificate of key and those above it. The key of each but
// the first is made here, and gone afterwards.
func signChain(key *ecdsa.PrivateKey, templates ...*x509.Certificate) ([][]byte, error) {
	var chain [][]byte
	for i, template := range templates {
		parent, parentKey := template, key
		if i+1 < len(templates) {
			parent = templates[i+1]
			var err error
			if parentKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
				return nil, err
			}
		}
		cert, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
		if err != nil {
			return nil, err
		}
		chain, key = append(chain, cert), parentKey
	}
	return chain, nil
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

// CertPEM is the certificate that clients are to trust, the text of ca.pem.
func (ca *CA) CertPEM() []byte { return encodeCert(ca.Certificate().Raw) }

// CertFile is the path of ca.pem.
func (ca *CA) CertFile() string { return ca.file }

// Certificate is the certificate that clients are to trust: the authority's own,
// or the root above it. It is not to be changed.
func (ca *CA) Certificate() *x509.Certificate { return ca.chain[len(ca.chain)-1] }

// Fingerprint is the SHA-256 of that certificate, as "AB:CD:...".
func (ca *CA) Fingerprint() string {
	sum := sha256.Sum256(ca.Certificate().Raw)
	return strings.ReplaceAll(fmt.Sprintf("% X", sum), " ", ":")
}
