package proxy

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
)

// ErrNotPermitted is wrapped by the errors of [CA.Leaf] and [CA.CheckHost] for a
// host that the authority is not permitted to vouch for.
var ErrNotPermitted = errors.New("the certificate authority is not permitted to vouch for it")

// Permits limit an authority to names and addresses, as the critical name
// constraints of RFC 5280 §4.2.1.10: a client that trusts the authority believes
// it for nothing else, whoever may hold its key. The zero value sets no limit.
//
// RFC 5280 knows constraints by kind, and a kind that has none is free: with
// names alone all addresses are excluded, and the other way round.
type Permits struct {
	names    []string       // lower-case ASCII, sorted; ".x" is all below x, "x" is x and all below
	prefixes []netip.Prefix // masked, sorted
}

// ParsePermits reads what an authority is to be limited to:
//
//	um.example.com      that name and all below it: RFC 5280 cannot say less
//	.contoso.test       all names below contoso.test, and not itself
//	10.0.0.0/8, ::1     addresses
//
// RFC 5280 gives the leading dot no meaning for DNS names; Go, OpenSSL, GnuTLS,
// NSS and Java all take it so. The error names the entry.
func ParsePermits(entries []string) (Permits, error) {
	var p Permits
	for _, entry := range entries {
		if err := p.add(entry); err != nil {
			return Permits{}, fmt.Errorf("%.100q %w", entry, err)
		}
	}
	slices.Sort(p.names)
	p.names = slices.Compact(p.names)
	slices.SortFunc(p.prefixes, netip.Prefix.Compare)
	p.prefixes = slices.Compact(p.prefixes)
	return p, nil
}

func (p *Permits) add(entry string) error {
	const want = "want a name such as um.example.com, a leading dot such as .example.com for all names below, an address, or a range such as 10.0.0.0/8"
	if strings.Contains(entry, "/") {
		prefix, err := netip.ParsePrefix(entry)
		switch {
		case err != nil:
			return errors.New("is no range of addresses: " + want)
		case prefix.Addr().Is4In6():
			return errors.New("is a range of IPv4 addresses written as IPv6: write it as IPv4")
		case prefix != prefix.Masked():
			return fmt.Errorf("has address bits beyond its length: want %s or a longer prefix", prefix.Masked())
		}
		p.prefixes = append(p.prefixes, prefix)
		return nil
	}
	if rest, ok := strings.CutPrefix(entry, "*."); ok {
		return fmt.Errorf("has a wildcard: want .%s for all names below", rest)
	}
	name, below := strings.CutPrefix(entry, ".")
	host, err := hostOfLeaf(name)
	if err != nil {
		return errors.New("is neither a name nor an address: " + want)
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case err == nil && below:
		return errors.New("is neither a name nor an address: " + want)
	case err == nil:
		p.prefixes = append(p.prefixes, netip.PrefixFrom(ip, ip.BitLen()))
	case below:
		p.names = append(p.names, "."+host)
	default:
		p.names = append(p.names, host)
	}
	return nil
}

// Any reports whether there is no limit.
func (p Permits) Any() bool { return len(p.names) == 0 && len(p.prefixes) == 0 }

// Equal reports whether p and q were made of the same entries, in any order and
// spelling.
func (p Permits) Equal(q Permits) bool {
	return slices.Equal(p.names, q.names) && slices.Equal(p.prefixes, q.prefixes)
}

// Entries are what [ParsePermits] makes p of.
func (p Permits) Entries() []string {
	entries := slices.Clone(p.names)
	for _, prefix := range p.prefixes {
		if prefix.IsSingleIP() {
			entries = append(entries, prefix.Addr().String())
		} else {
			entries = append(entries, prefix.String())
		}
	}
	return entries
}

// String is the entries, or "any host".
func (p Permits) String() string {
	if p.Any() {
		return "any host"
	}
	return strings.Join(p.Entries(), ", ")
}

// noName is permitted where names are not: it can be nobody's (RFC 6761 §6.4),
// so all others are refused. Excluding the empty name would say the same, and
// makes Java 17 and 25 fail with an index out of range.
const noName = "none.invalid"

// constrain puts the limits into a certificate that is to be made.
func (p Permits) constrain(c *x509.Certificate) {
	if p.Any() {
		return
	}
	c.PermittedDNSDomainsCritical = true // the extension as a whole
	c.PermittedDNSDomains = p.names
	if len(p.names) == 0 {
		c.PermittedDNSDomains = []string{noName}
	}
	for _, prefix := range p.prefixes {
		c.PermittedIPRanges = append(c.PermittedIPRanges, ipNet(prefix))
	}
	if len(p.prefixes) == 0 {
		all4, all6 := netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		c.ExcludedIPRanges = []*net.IPNet{ipNet(all4), ipNet(all6)}
	}
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// permitsOf reads back what constrain wrote. Of an authority made elsewhere, by
// other habits, it may not tell all; permits judges those too.
func permitsOf(c *x509.Certificate) Permits {
	var p Permits
	for _, name := range c.PermittedDNSDomains {
		if name != noName {
			p.names = append(p.names, strings.ToLower(name))
		}
	}
	for _, n := range c.PermittedIPRanges {
		ip, ok := netip.AddrFromSlice(n.IP)
		if ones, bits := n.Mask.Size(); ok && bits == ip.BitLen() {
			p.prefixes = append(p.prefixes, netip.PrefixFrom(ip, ones))
		}
	}
	slices.Sort(p.names)
	slices.SortFunc(p.prefixes, netip.Prefix.Compare)
	return p
}

// permits reports whether clients will believe c's holder for host, in the form
// of hostOfLeaf. crypto/x509 says the same of a leaf; this needs none.
func permits(c *x509.Certificate, host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		holds := func(r *net.IPNet) bool { return r.Contains(ip) }
		return !slices.ContainsFunc(c.ExcludedIPRanges, holds) &&
			(len(c.PermittedIPRanges) == 0 || slices.ContainsFunc(c.PermittedIPRanges, holds))
	}
	holds := func(domain string) bool {
		domain = strings.ToLower(domain)
		if domain == "" || host == domain {
			return true
		}
		return strings.HasSuffix(host, "."+strings.TrimPrefix(domain, "."))
	}
	return !slices.ContainsFunc(c.ExcludedDNSDomains, holds) &&
		(len(c.PermittedDNSDomains) == 0 || slices.ContainsFunc(c.PermittedDNSDomains, holds))
}

// Permits are the limits of the authority.
func (ca *CA) Permits() Permits { return permitsOf(ca.cert) }

// CheckHost says whether the authority may vouch for host, a DNS name or an IP
// address without port. The error says what it may and how to have another; it
// wraps [ErrNotPermitted], or is about the form of host.
func (ca *CA) CheckHost(host string) error {
	host, err := hostOfLeaf(host)
	if err != nil {
		return err
	}
	return ca.checkHost(host)
}

func (ca *CA) checkHost(host string) error {
	for _, c := range ca.chain {
		if !permits(c, host) {
			return &notPermittedError{host: host, ca: ca}
		}
	}
	return nil
}

type notPermittedError struct {
	host string
	ca   *CA
}

func (e *notPermittedError) Unwrap() error { return ErrNotPermitted }

func (e *notPermittedError) Error() string {
	return fmt.Sprintf("%s is not among what umtape's certificate authority is permitted to vouch for (%s)", e.host, e.ca.Permits())
}

// remedy is the command that makes an authority for the host too.
func (e *notPermittedError) remedy() string {
	var b bytes.Buffer
	b.WriteString("umtape ca init --replace")
	for _, entry := range append(e.ca.Permits().Entries(), e.host) {
		b.WriteString(" --permit " + entry)
	}
	dir := filepath.Dir(e.ca.file)
	if usual, err := DefaultCADir(); err != nil || dir != usual {
		b.WriteString(" --ca-dir " + dir)
	}
	return "to have one that is, which clients must then trust: " + b.String()
}
