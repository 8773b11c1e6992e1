package proxy

import (
	"crypto/x509"
	"fmt"

	"software.sslmate.com/src/go-pkcs12"
)

// StorePassword is the one that trust stores have when nobody has said another,
// as Java's have.
const StorePassword = pkcs12.DefaultPassword

// TrustStore is a PKCS #12 file that Java takes for a trust store: the
// certificate under that name and others under names of their own, no key. SHA-1 and triple DES are what every Java
// and every Windows reads, also those of the servers that still run UM (Java
// before 8u301 and Windows Server before 2019 read nothing newer); they guard
// nothing here.
func (ca *CA) TrustStore(name, password string, others ...*x509.Certificate) ([]byte, error) {
	entries := []pkcs12.TrustStoreEntry{{Cert: ca.cert, FriendlyName: name}}
	for n, cert := range others {
		entries = append(entries, pkcs12.TrustStoreEntry{Cert: cert, FriendlyName: fmt.Sprintf("%s-other-%d", name, n+1)}) // Java keeps one of each name
	}
	return pkcs12.LegacyDES.EncodeTrustStoreEntries(entries, password)
}

// InTrustStore reports whether a file is such a trust store of ca's and of
// nothing else. Two are never equal, since each has its own salt.
func (ca *CA) InTrustStore(data []byte, password string) bool {
	certs, err := pkcs12.DecodeTrustStore(data, password)
	return err == nil && len(certs) == 1 && certs[0].Equal(ca.cert)
}
