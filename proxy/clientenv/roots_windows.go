package clientenv

import (
	"slices"
	"syscall"
	"unsafe"
)

// storedRoots are the certificates of the system's store of trusted roots, DER.
// Windows fetches some only when they are first needed; those are not among them.
func storedRoots() (all [][]byte) {
	name, err := syscall.UTF16PtrFromString("ROOT")
	if err != nil {
		return nil
	}
	store, err := syscall.CertOpenSystemStore(0, name)
	if err != nil {
		return nil
	}
	defer syscall.CertCloseStore(store, 0)
	var cert *syscall.CertContext
	for {
		if cert, err = syscall.CertEnumCertificatesInStore(store, cert); err != nil || cert == nil {
			return all // the end is an error too
		}
		all = append(all, slices.Clone(unsafe.Slice(cert.EncodedCert, cert.Length)))
	}
}
