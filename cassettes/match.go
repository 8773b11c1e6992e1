package cassettes

import (
	"bytes"
	"crypto/sha256"
	"net/http"
	"net/url"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// A key is what two requests share when the one answers for the other: method,
// path and query, and what the Body says. Headers, SOAP headers, the XML
// declaration, prefixes, encodings and the SOAP version are no part of it.
type key [sha256.Size]byte

// asked is a request as matching sees it: redacted by the cassette's rules.
type asked struct {
	method  string
	target  string // path and query as sent
	host    string // lower-case, without a default port; "" when the client named none
	scheme  string
	body    []byte
	message *inspect.Message // nil if the body is not SOAP: then its bytes count
	problem error            // why there is no message
	beside  []byte           // what a multipart body has besides the message
}

// ask reads a request for matching. body is without Content-Encoding, and is
// redacted already; so is rawURL. Of h, canonical, only the content type counts.
func ask(method, rawURL string, h http.Header, body []byte) asked {
	a := asked{method: method, body: body}
	a.scheme, a.host, a.target = splitURL(rawURL)
	root := rootPart(h, body)
	if len(root) < len(body) {
		a.beside = besideRoot(h, body, root)
	}
	a.message, a.problem = inspect.ParseBody(h, body)
	return a
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

// likeness is how much alike two requests have to be.
type likeness byte

const (
	sameVersion likeness = iota // the same, SOAP version included
	sameBody                    // the same in either SOAP version
	sameFolded                  // ... and with the https:// spellings of Microsoft's namespaces counted as their http:// twins
	likenesses
)

// key digests the request for one likeness. With host, scheme and host are part
// of it.
func (a asked) key(host bool, like likeness) key {
	buf := make([]byte, 0, 1024)
	add := func(s string) { buf = append(append(buf, s...), 0) }
	buf = append(buf, byte(like))
	if host {
		buf = append(buf, 'h')
	}
	add(a.method)
	add(a.target)
	if host {
		add(a.scheme)
		add(a.host)
	}
	if a.message != nil {
		add("soap")
		if like == sameVersion {
			add(a.message.Version.String())
		}
		buf = a.message.AppendCanonical(buf, like == sameFolded)
		if a.beside != nil {
			buf = append(append(buf, 0), a.beside...)
		}
	} else {
		add("bytes")
		buf = append(buf, a.body...)
	}
	return sha256.Sum256(buf)
}

// operation is what the request asks for, in words for people.
func (a asked) operation() string {
	if op := a.message.Operation(); op != "" {
		return op
	}
	return a.method + " that is not SOAP"
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
	var d []inspect.Difference
	add := func(path, what string) { d = append(d, inspect.Difference{Path: path, What: what}) }
	if a.method != recorded.method {
		add("method", recorded.method+" recorded, "+a.method+" here")
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
	switch {
	case a.message != nil && recorded.message != nil:
		d = append(d, inspect.Compare(recorded.message, a.message, limit)...)
		if !bytes.Equal(a.beside, recorded.beside) {
			add("attachments", "bytes differ")
		}
	case !bytes.Equal(a.body, recorded.body):
		add("body", "bytes differ")
	}
	return d[:min(len(d), limit)]
}

func pathOf(target string) string {
	path, _, _ := strings.Cut(target, "?")
	return path
}

// printablePath keeps a path fit for one line and a header.
func printablePath(p string) string {
	if len(p) > 200 {
		p = p[:200] + "..."
	}
	return (&url.URL{Path: strings.ToValidUTF8(p, "?")}).EscapedPath()
}
