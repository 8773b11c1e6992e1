package cassettes

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"

	"github.com/umtape/umtape/inspect"
)

// pseudonyms makes stand-ins of values: for one value always the same, of the same
// form, so that what was recorded of a call still fits together, and with a random key
// that nobody keeps, so that nobody can try out which value it was. Its methods may be
// called by several goroutines at once.
type pseudonyms struct {
	key [32]byte

	mu    sync.Mutex        // guards what follows
	given map[string]string // of short ones, such as numbers: pseudonym to what it stands for
	known map[string]string // words, in lower case, that were seen in sensitive places, to their pseudonyms
	zones map[string]bool   // domains of hosts that were seen
}

// maxKnown bounds what is remembered. Beyond that words are replaced only where their
// place or their form tells, and two numbers might get one pseudonym.
const maxKnown = 200_000

func newPseudonyms() *pseudonyms {
	p := &pseudonyms{given: map[string]string{}, known: map[string]string{}, zones: map[string]bool{}}
	rand.Read(p.key[:]) // never fails
	return p
}

// digest is n bytes that only the key and the value tell.
func (p *pseudonyms) digest(kind, value string, n int) []byte {
	var b []byte
	for k := byte(0); len(b) < n; k++ {
		m := hmac.New(sha256.New, p.key[:])
		m.Write(append([]byte{k}, kind+"\x00"+value...))
		b = m.Sum(b)
	}
	return b[:n]
}

var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func (p *pseudonyms) word(kind, value string) string {
	return kind + letters.EncodeToString(p.digest(kind, strings.ToLower(value), 5))
}

// unique asks for candidates until one stands for no other value.
func (p *pseudonyms) unique(value string, candidate func(try string) string) string {
	for try := 0; ; try++ {
		c := candidate(strconv.Itoa(try))
		p.mu.Lock()
		had, taken := p.given[c]
		if free := !taken && c != value; free && len(p.given) < maxKnown {
			p.given[c] = value
			had, taken = value, true
		}
		p.mu.Unlock()
		if taken && had == value || try > maxTries {
			return c
		}
	}
}

// maxTries is how often unique tries. Of nine in ten of all numbers of a length each
// still gets its own.
const maxTries = 2000

// value is the pseudonym of what stands in a sensitive place, by its form.
func (p *pseudonyms) value(v string) string {
	scheme, rest := schemeOf(v)
	switch {
	case v == "" || strings.Contains(v, redacted):
		return v
	case scheme != "":
		parameters := ""
		if i := strings.IndexAny(rest, ";?"); i > 0 {
			rest, parameters = rest[:i], rest[i:]
		}
		return scheme + p.value(rest) + parameters
	case strings.ContainsAny(v, ",;|") && !strings.Contains(v, "/o="):
		return p.list(v)
	}
	if c, ok := inspect.DecodeCallID(v); ok {
		return inspect.CallID{GUID: p.guid(c.GUID), Server: p.host(c.Server)}.Encode()
	}
	if ip, err := netip.ParseAddr(v); err == nil {
		return p.address(v, ip)
	}
	switch {
	case isSID(v):
		return p.sid(v)
	case isGUID(v):
		return p.guid(v)
	case isAddress(v):
		at := strings.LastIndexByte(v, '@')
		return p.word("u", v[:at]) + "@" + p.host(v[at+1:])
	case isNumber(v):
		return p.number(v)
	case isLegacyDN(v):
		return p.legacyDN(v)
	case isAccount(v):
		domain, user, _ := strings.Cut(v, `\`)
		return strings.ToUpper(p.host(domain)) + `\` + p.word("u", user)
	}
	if raw, ok := fromBase64(v); ok && len(raw) >= 12 && len(v) >= 16 && strings.IndexByte(v, '.') < 0 {
		return p.bytes(v, raw)
	}
	if isHostName(v) && strings.IndexByte(v, '.') > 0 {
		return p.host(v)
	}
	return p.word("x", v)
}

// list is value for each of several, as TelephoneAccessNumbers has them.
func (p *pseudonyms) list(v string) string {
	var b strings.Builder
	for v != "" {
		end := strings.IndexAny(v, ",;|")
		if end < 0 {
			end = len(v)
		}
		one := strings.TrimSpace(v[:end])
		if one == "" {
			b.WriteString(v[:end])
		} else {
			at := strings.Index(v, one)
			b.WriteString(v[:at] + p.value(one) + v[at+len(one):end])
		}
		if end < len(v) {
			b.WriteByte(v[end])
			end++
		}
		v = v[end:]
	}
	return b.String()
}

func (p *pseudonyms) guid(v string) string {
	h := hex.EncodeToString(p.digest("guid", strings.ToLower(v), 16))
	g := h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
	if v != strings.ToLower(v) {
		g = strings.ToUpper(g)
	}
	return g
}

// host is the pseudonym of a host's name, under a domain that cannot be (RFC 2606 §2).
// Hosts of one domain have one domain still. Loopback stays, being everybody's.
func (p *pseudonyms) host(v string) string {
	name, port := v, ""
	if i := strings.LastIndexByte(v, ':'); i >= 0 && (strings.Count(v, ":") == 1 || strings.HasSuffix(v[:i], "]")) {
		name, port = v[:i], v[i:]
	}
	lower := strings.ToLower(strings.Trim(name, "[]"))
	if ip, err := netip.ParseAddr(lower); err == nil {
		return p.address(name, ip) + port
	}
	if lower == "" || lower == "localhost" || strings.HasSuffix(lower, ".invalid") {
		return v
	}
	lower = strings.TrimSuffix(lower, ".")
	switch n := strings.Count(lower, "."); n {
	case 0:
		return p.word("h", lower) + port
	case 1:
		return p.word("d", lower) + ".invalid" + port
	}
	label, zone, _ := strings.Cut(lower, ".")
	return p.word("h", label) + "." + p.word("d", zone) + ".invalid" + port
}

// address is the pseudonym of an IP address, from ranges that are for no network
// (RFC 2544, RFC 3849).
func (p *pseudonyms) address(v string, ip netip.Addr) string {
	switch {
	case ip.IsLoopback() || ip.IsUnspecified():
		return v
	case ip.Is4():
		return p.unique(v, func(try string) string {
			d := p.digest("ip"+try, v, 3)
			return fmt.Sprintf("198.%d.%d.%d", 18+d[0]&1, d[1], d[2])
		})
	}
	d := p.digest("ip", v, 8)
	text := netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 8: d[0], 9: d[1], 10: d[2], 11: d[3], 12: d[4], 13: d[5], 14: d[6], 15: d[7]}).String()
	if strings.HasPrefix(v, "[") {
		return "[" + text + "]"
	}
	return text
}

// number is the pseudonym of a telephone number: other digits, all else as it is. How
// a number is written makes no difference to its digits.
func (p *pseudonyms) number(v string) string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, v)
	other := p.unique(digits, func(try string) string {
		b := p.digest("number"+try, digits, len(digits))
		for n := range b {
			b[n] = '0' + b[n]%10
		}
		return string(b)
	})
	n := 0
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return r
		}
		n++
		return rune(other[n-1])
	}, v)
}

func (p *pseudonyms) sid(v string) string {
	parts := strings.Split(v, "-") // S 1 5 21 a b c [rid ...]
	domain := strings.Join(parts[4:min(len(parts), 7)], "-")
	d := p.digest("sid", domain, 12)
	for n := 4; n < len(parts); n++ {
		if n < 7 {
			parts[n] = fmt.Sprint(binary.LittleEndian.Uint32(d[4*(n-4):]))
		} else {
			parts[n] = fmt.Sprint(1000 + binary.LittleEndian.Uint32(p.digest("rid", v, 4))>>4)
		}
	}
	return strings.Join(parts, "-")
}

func (p *pseudonyms) legacyDN(v string) string {
	parts := strings.Split(v, "/")
	for n, part := range parts {
		if k, name, ok := strings.Cut(part, "="); ok && !strings.EqualFold(name, "Recipients") && !strings.EqualFold(name, "Configuration") && !strings.EqualFold(name, "Servers") {
			parts[n] = k + "=" + p.word("u", name)
		}
	}
	return strings.Join(parts, "/")
}

// bytes is the pseudonym of base64 of bytes, such as an EntryID, whose first four are
// flags (zero, as a rule) and stay if they are.
func (p *pseudonyms) bytes(v string, raw []byte) string {
	other := p.digest("bytes", string(raw), len(raw))
	if string(raw[:4]) == "\x00\x00\x00\x00" {
		copy(other, raw[:4])
	}
	e := base64.StdEncoding
	if strings.ContainsAny(v, "-_") {
		e = base64.URLEncoding
	}
	if !strings.HasSuffix(v, "=") {
		e = e.WithPadding(base64.NoPadding)
	}
	return e.EncodeToString(other)
}

// The forms.

var uriSchemes = []string{"sips:", "sip:", "tel:", "mailto:", "smtp:", "eum:", "callto:", "im:", "x500:"}

// schemeOf takes the scheme of a URI that names somebody off it.
func schemeOf(v string) (scheme, rest string) {
	for _, s := range uriSchemes {
		if len(v) > len(s) && foldsTo(v[:len(s)-1], s[:len(s)-1]) && v[len(s)-1] == ':' {
			return v[:len(s)], v[len(s):]
		}
	}
	return "", v
}

func isSID(v string) bool {
	if len(v) < 12 || !strings.EqualFold(v[:9], "S-1-5-21-") {
		return false
	}
	return strings.Trim(v[9:], "0123456789-") == "" && v[len(v)-1] != '-'
}

func isGUID(v string) bool {
	if len(v) != 36 {
		return false
	}
	for n := range len(v) {
		if hyphen := n == 8 || n == 13 || n == 18 || n == 23; hyphen != (v[n] == '-') || !hyphen && !isHex(v[n]) {
			return false
		}
	}
	return true
}

// isHostName reports whether a text is a name as hosts have it, a port allowed.
func isHostName(v string) bool {
	if i := strings.LastIndexByte(v, ':'); i > 0 && allDigits([]byte(v[i+1:])) {
		v = v[:i]
	}
	if v == "" || len(v) > 253 || !isLetter(v[0]) && !isDigit(v[0]) {
		return false
	}
	for n := range len(v) {
		if c := v[n]; !isLetter(c) && !isDigit(c) && c != '-' && c != '_' && (c != '.' || n+1 < len(v) && v[n+1] == '.') {
			return false
		}
	}
	return true
}

// isAddress reports whether a text is user@host, a mail address or a UPN.
func isAddress(v string) bool {
	at := strings.LastIndexByte(v, '@')
	return at > 0 && isHostName(v[at+1:]) && !strings.ContainsAny(v[:at], " \t\r\n/<>\"@:=&?;,#")
}

// isNumber reports whether a text is a telephone number or an extension.
func isNumber(v string) bool {
	return strings.Trim(v, "0123456789+-()./ *#xX") == "" && strings.ContainsAny(v, "0123456789")
}

func isLegacyDN(v string) bool {
	return len(v) > 4 && strings.EqualFold(v[:3], "/o=") && strings.Count(v, "=") >= 2
}

// isAccount reports whether a text is DOMAIN\user.
func isAccount(v string) bool {
	domain, user, ok := strings.Cut(v, `\`)
	return ok && len(domain) > 1 && isHostName(domain) && !strings.Contains(domain, ":") && len(user) > 1 && isHostName(strings.TrimSuffix(user, "$")) && !strings.Contains(user, ":")
}

// shapeOf is what a value has in common with its pseudonym.
func shapeOf(v string) string {
	scheme, rest := schemeOf(v)
	if scheme != "" {
		return strings.ToLower(scheme) + shapeOf(rest)
	}
	if _, ok := inspect.DecodeCallID(v); ok {
		return "call"
	}
	if _, err := netip.ParseAddr(v); err == nil {
		return "ip"
	}
	switch {
	case isSID(v):
		return "sid"
	case isGUID(v):
		return "guid"
	case isAddress(v):
		return "address"
	case isNumber(v):
		return strings.Map(func(r rune) rune {
			if '0' <= r && r <= '9' {
				return '0'
			}
			return r
		}, v)
	case isLegacyDN(v):
		return "dn"
	case isAccount(v):
		return "account"
	}
	return "text"
}

// learn remembers words of a value, to be found where another text quotes them.
func (p *pseudonyms) learn(v string) {
	if v == "" || strings.Contains(v, redacted) {
		return
	}
	if c, ok := inspect.DecodeCallID(v); ok {
		p.learnHost(c.Server)
		return
	}
	_, rest := schemeOf(v)
	switch {
	case strings.ContainsAny(v, ",;|") && !isLegacyDN(v):
		for _, one := range strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ';' || r == '|' }) {
			p.learn(strings.TrimSpace(one))
		}
	case rest != v:
		p.learn(rest)
	case isAddress(v):
		at := strings.LastIndexByte(v, '@')
		p.know(v[:at], p.word("u", v[:at]))
		p.learnHost(v[at+1:])
	case isAccount(v):
		domain, user, _ := strings.Cut(v, `\`)
		p.know(user, p.word("u", user))
		p.know(domain, strings.ToUpper(p.host(domain)))
	case isSID(v), isGUID(v), isNumber(v) && len(v) >= 7:
		p.know(v, p.value(v))
	}
}

// learnHost is learn for a host's name.
func (p *pseudonyms) learnHost(v string) {
	name := strings.ToLower(v)
	if i := strings.LastIndexByte(name, ':'); i >= 0 && strings.Count(name, ":") == 1 {
		name = name[:i]
	}
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		p.know(name, p.host(name))
		return
	}
	if name == "localhost" || !isHostName(name) {
		return
	}
	p.know(name, p.host(name))
	label, zone, ok := strings.Cut(name, ".")
	if !ok {
		return
	}
	if strings.ContainsAny(label, "0123456789-") { // else it may be a word like others
		p.know(label, p.host(label))
	}
	if !strings.Contains(zone, ".") {
		zone = name
	}
	p.mu.Lock()
	if len(p.zones) < maxKnown {
		p.zones[zone] = true
	}
	p.mu.Unlock()
}

// know has a word replaced wherever it stands. Short ones could be anything.
func (p *pseudonyms) know(word, by string) {
	if len(word) < 3 || len(word) == 3 && !strings.ContainsAny(word, "0123456789") || word == by {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.known) < maxKnown {
		p.known[strings.ToLower(word)] = by
	}
}

// lookUp is the pseudonym of a word that was learned.
func (p *pseudonyms) lookUp(word string) (by string, ok bool) {
	lower := strings.ToLower(word)
	p.mu.Lock()
	by, ok = p.known[lower]
	inZone := false
	for rest := lower; !ok && !inZone; {
		inZone = p.zones[rest]
		var more bool
		if _, rest, more = strings.Cut(rest, "."); !more {
			break
		}
	}
	p.mu.Unlock()
	if !ok && inZone && isHostName(lower) {
		return p.host(lower), true
	}
	return by, ok
}
