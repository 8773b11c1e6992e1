package cassettes

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// asked is a request as matching sees it: redacted by the cassette's rules.
type asked struct {
	method  string
	target  string // path and query, as normalTarget has them
	host    string // lower-case, without a default port; "" when the client named none
	scheme  string
	body    []byte
	message *inspect.Message // nil if the body is not SOAP: then its bytes count
	problem error            // why there is no message
	beside  []byte           // what a multipart body has besides the message
	headers []header         // those that count
}

type header struct{ name, value string }

// ask reads a request for matching. body is without Content-Encoding, and is
// redacted already; so is rawURL. Of h, canonical, only the content type counts.
func ask(method, rawURL string, h http.Header, body []byte) asked {
	a := asked{method: method, body: body}
	a.scheme, a.host, a.target = splitURL(rawURL)
	a.target = normalTarget(a.target)
	root := rootPart(h, body)
	if len(root) < len(body) {
		a.beside = besideRoot(h, body, root)
	}
	a.message, a.problem = inspect.ParseBody(h, body)
	return a
}

// normalTarget writes a path and query in the one of several equivalent ways in which
// others write them too (RFC 3986 §6.2.2): a byte that may not be in a URL, such as "{",
// is escaped, as Go's HTTP server has it when a client did not; hexadecimal digits are
// upper-case; a letter, a digit and any of "-._~" are not escaped. Everything else
// stays as it is, since a server may tell %2F from /.
func normalTarget(target string) string {
	var b strings.Builder
	done := 0
	for n := 0; n < len(target); n++ {
		c := target[n]
		switch {
		case c == '%' && n+2 < len(target) && isHex(target[n+1]) && isHex(target[n+2]):
			escape := target[n : n+3]
			normal := strings.ToUpper(escape)
			if d, _ := hex.DecodeString(escape[1:]); unreserved(d[0]) {
				normal = string(d)
			}
			if n += 2; normal != escape {
				b.WriteString(target[done:n-2] + normal)
				done = n + 1
			}
		case c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0:
			fmt.Fprintf(&b, "%s%%%02X", target[done:n], c)
			done = n + 1
		}
	}
	if done == 0 {
		return target
	}
	b.WriteString(target[done:])
	return b.String()
}

func unreserved(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || strings.IndexByte("-._~", c) >= 0
}

// splitURL takes a URL apart without changing how its path and query are
// written, since servers may tell %2F from /.
func splitURL(raw string) (scheme, host, target string) {
	scheme, rest, found := strings.Cut(raw, "://")
	if !found || strings.HasPrefix(raw, "/") {
		return "", "", raw
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host, target = rest[:end], rest[end:]
	target, _, _ = strings.Cut(target, "#")
	if !strings.HasPrefix(target, "/") {
		target = "/" + target
	}
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		host = host[at+1:]
	}
	scheme, host = strings.ToLower(scheme), strings.ToLower(host)
	switch scheme {
	case "http":
		host = strings.TrimSuffix(host, ":80")
	case "https":
		host = strings.TrimSuffix(host, ":443")
	}
	return scheme, host, target
}

// likeness is how much alike two requests are, of those that say the same.
type likeness byte

const (
	sameVersion likeness = iota // the same, SOAP version included
	sameBody                    // the same in either SOAP version
	sameFolded                  // ... and with the https:// spellings of Microsoft's namespaces counted as their http:// twins
)

// A key is what one request has to share with another to be answered like it:
// method, path and query, and what the Body says. Headers, SOAP headers, the XML
// declaration, prefixes and encodings are no part of it. Its parts are from
// SHA-256, so that nobody can make two requests share one by design or by luck.
type key struct {
	fold    uint64 // of everything that has to be equal for sameFolded
	plain   uint32 // of what else has to be for sameBody
	host    uint32 // of scheme and host, if the client named one
	version inspect.Version
}

// key digests the request.
func (a asked) key() key {
	buf := make([]byte, 0, 1024)
	add := func(s string) { buf = append(append(buf, s...), 0) }
	add(a.scheme)
	add(a.host)
	host := sha256.Sum256(buf)
	k := key{host: binary.LittleEndian.Uint32(host[:])}
	buf = buf[:0]
	add(a.method)
	add(a.target)
	for _, h := range a.headers {
		add(h.name)
		add(h.value)
	}
	if a.message == nil {
		add("bytes")
		digest := sha256.New()
		digest.Write(buf)
		digest.Write(a.body)
		k.fold = binary.LittleEndian.Uint64(digest.Sum(buf[:0]))
		return k
	}
	add("soap")
	k.version = a.message.Version
	digest := sha256.New()
	digest.Write(buf)
	twins := a.message.WriteCanonical(digest, false)
	if twins {
		digest.Reset()
		digest.Write(buf)
		a.message.WriteCanonical(digest, true)
	}
	if a.beside != nil {
		digest.Write([]byte{0})
		digest.Write(a.beside)
	}
	sum := digest.Sum(buf[:0])
	k.fold = binary.LittleEndian.Uint64(sum)
	k.plain = binary.LittleEndian.Uint32(sum[8:])
	if twins {
		digest.Reset()
		a.message.WriteCanonical(digest, false)
		k.plain = binary.LittleEndian.Uint32(digest.Sum(buf[:0]))
	}
	return k
}

// like says how much alike two requests of the same fold are.
func (k key) like(other key) likeness {
	switch {
	case k.plain != other.plain:
		return sameFolded
	case k.version != other.version:
		return sameBody
	}
	return sameVersion
}

// operation is what the request asks for, in words for people.
func (a asked) operation() string {
	if op := a.message.Operation(); op != "" {
		return op
	}
	return inspect.Shorten(a.method, maxSaidMethod) + " that is not SOAP"
}

// withoutParameters drops from each segment of a path what follows a semicolon.
func withoutParameters(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		segments[i], _, _ = strings.Cut(s, ";")
	}
	return strings.Join(segments, "/")
}

// differences lists where a request differs from a recorded one, request line
// first; at most limit. None means that it would have been answered.
func (a asked) differences(recorded asked, limit int) []inspect.Difference {
	d := a.differencesBeside(recorded)
	if a.message != nil && recorded.message != nil {
		d = append(d, inspect.Compare(recorded.message, a.message, limit)...)
	}
	return d[:min(len(d), limit)]
}

// distance is how far a request is from a recorded one; 0 means that it would have
// been answered.
func (a asked) distance(recorded asked) int {
	n := len(a.differencesBeside(recorded))
	if a.message != nil && recorded.message != nil {
		n += inspect.Distance(recorded.message, a.message)
	}
	return n
}

// differencesBeside are those that are not inside a SOAP Body.
func (a asked) differencesBeside(recorded asked) []inspect.Difference {
	var d []inspect.Difference
	add := func(path, what string) { d = append(d, inspect.Difference{Path: path, What: what}) }
	if a.method != recorded.method {
		add("method", inspect.Shorten(recorded.method, maxSaidMethod)+" recorded, "+inspect.Shorten(a.method, maxSaidMethod)+" here")
	}
	if a.host != "" && (a.host != recorded.host || a.scheme != recorded.scheme) {
		add("host", recorded.scheme+"://"+printablePath(recorded.host)+" recorded, "+a.scheme+"://"+printablePath(a.host)+" here")
	}
	if a.target != recorded.target {
		p, q := pathOf(a.target), pathOf(recorded.target)
		switch plain, was := withoutParameters(p), withoutParameters(q); {
		case plain != was:
			add("path", printablePath(was)+" recorded, "+printablePath(plain)+" here")
		case p != q:
			add("path", "its parameters differ") // they can be a session's id
		default:
			add("query", "differs")
		}
	}
	for n, h := range a.headers {
		if n < len(recorded.headers) && h.value != recorded.headers[n].value {
			add("header "+h.name, "differs")
		}
	}
	switch {
	case a.message != nil && recorded.message != nil:
		if !bytes.Equal(a.beside, recorded.beside) {
			add("attachments", "bytes differ")
		}
	case !bytes.Equal(a.body, recorded.body):
		add("body", "bytes differ")
	}
	return d
}

func pathOf(target string) string {
	path, _, _ := strings.Cut(target, "?")
	return path
}

// What is said at most of what a client makes up, in characters.
const (
	maxSaidMethod = 32
	maxSaidPath   = 200
	maxSaidReason = 2000
)

// printablePath keeps a path, or a host, fit for one line and a header.
func printablePath(p string) string {
	if len(p) > maxSaidPath {
		p = p[:maxSaidPath] + "..."
	}
	return normalTarget(p)
}
