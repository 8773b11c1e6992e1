package proxy

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"sync"
)

// Bounds of a plain request, in bytes.
const (
	maxPlainHeader = 16 << 10
	maxPlainBody   = 64 << 10
)

var (
	crlf      = []byte("\r\n")
	headerEnd = []byte("\r\n\r\n")
)

var headerReaders = sync.Pool{New: func() any { return bufio.NewReader(nil) }}

// plainRequest reads a request's header, the empty line at its end included, if the
// request is plain: one of HTTP/1.1 with a body of a stated and moderate length, that
// asks for an answer and nothing else. It is nil for whatever is rare, odd or wrong,
// which is for net/http to serve or to refuse. The body is not set.
func (p *plainLoop) plainRequest(head []byte) *http.Request {
	if p.parsed != nil && bytes.Equal(head, p.head) { // as it mostly is
		return p.parsed.Clone(p.ctx)
	}
	if len(head) > p.conn.server.config.Limits.HeaderBytes || !soundLines(head) {
		return nil
	}
	lines := headerReaders.Get().(*bufio.Reader)
	defer headerReaders.Put(lines)
	lines.Reset(bytes.NewReader(head))
	r, err := http.ReadRequest(lines)
	if err != nil || r.ProtoMajor != 1 || r.ProtoMinor != 1 || r.Method == http.MethodConnect ||
		r.ContentLength < 0 || r.ContentLength > maxPlainBody || r.TransferEncoding != nil {
		return nil
	}
	for _, name := range [...]string{"Expect", "Upgrade", "Trailer"} {
		if _, sent := r.Header[name]; sent {
			return nil
		}
	}
	if c := r.Header["Connection"]; c != nil && (len(c) > 1 || !strings.EqualFold(c[0], "keep-alive")) {
		return nil
	}
	r.RemoteAddr, r.Body = p.remote, nil
	p.head, p.parsed = append(p.head[:0], head...), r
	return r.Clone(p.ctx)
}

// soundLines reports whether every line of a header but the first, which is one line, is
// a name and a value as RFC 9110 §5 wants them, and exactly one is a Host that can be one.
// http.ReadRequest lets more pass than net/http's server does.
func soundLines(head []byte) bool {
	first, lines, _ := bytes.Cut(head, crlf)
	if !each(first, isText) {
		return false
	}
	hosts := 0
	for {
		line, rest, _ := bytes.Cut(lines, crlf)
		if len(line) == 0 {
			return hosts == 1
		}
		lines = rest
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found || len(name) == 0 || !each(name, isToken) || !each(value, isText) {
			return false
		}
		if len(name) == len("Host") && bytes.EqualFold(name, []byte("Host")) {
			if hosts++; !each(bytes.TrimSpace(value), isHost) {
				return false
			}
		}
	}
}

func each(text []byte, allowed func(byte) bool) bool {
	for _, c := range text {
		if !allowed(c) {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func isToken(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

func isText(c byte) bool { return c >= ' ' && c != 0x7f || c == '\t' }

func isHost(c byte) bool { return isAlphanumeric(c) || strings.IndexByte("-._:[]", c) >= 0 }
