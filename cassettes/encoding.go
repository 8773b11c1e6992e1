package cassettes

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/andybalholm/brotli"
)

// contentEncoding is the Content-Encoding of a header, in lower case, "" for
// none. identity is none.
func contentEncoding(h http.Header) string {
	if len(h["Content-Encoding"]) == 0 {
		return ""
	}
	var list []string
	for _, e := range strings.Split(strings.ToLower(strings.Join(h["Content-Encoding"], ",")), ",") {
		if e = strings.TrimSpace(e); e != "" && e != "identity" {
			list = append(list, e)
		}
	}
	return strings.Join(list, ", ")
}

// unpack returns a body without its encodings, the last one applied first; at
// most limit bytes of it, and whether that is all. What cannot be unpacked is
// left out.
func unpack(body []byte, encoding string, limit int64) (plain []byte, whole bool) {
	whole = true
	list := strings.Split(encoding, ", ")
	for i := len(list) - 1; i >= 0; i-- {
		var all bool
		body, all = unpackOne(body, list[i], limit)
		whole = whole && all
	}
	return body, whole
}

func unpackOne(body []byte, encoding string, limit int64) (plain []byte, whole bool) {
	if len(body) == 0 {
		return nil, true
	}
	var r io.Reader
	var err error
	switch encoding {
	case "gzip", "x-gzip":
		r, err = gzip.NewReader(bytes.NewReader(body))
	case "deflate": // RFC 9110 §8.4.1.2 means zlib; some servers send raw deflate
		if r, err = zlib.NewReader(bytes.NewReader(body)); err != nil {
			r, err = flate.NewReader(bytes.NewReader(body)), nil
		}
	case "br":
		r = brotli.NewReader(bytes.NewReader(body))
	default:
		return nil, false
	}
	if err != nil {
		return nil, false
	}
	plain, err = io.ReadAll(io.LimitReader(r, limit+1))
	if int64(len(plain)) > limit {
		return plain[:limit], false
	}
	return plain, err == nil
}

// plain is a body as it is kept: without its Content-Encoding.
type plain struct {
	text     []byte
	encoding string // that was taken off; "" for none
	whole    bool
	note     string // why it is not whole; "" if it is, or if it came so
}

// plainText unpacks a body. One that cannot be unpacked is kept as far as it
// can: packed bytes would hide what is in them, secrets too.
func plainText(body []byte, whole bool, h http.Header, limit int64) plain {
	encoding := contentEncoding(h)
	if encoding == "" || len(body) == 0 {
		return plain{text: body, whole: whole}
	}
	text, all := unpack(body, encoding, limit)
	if len(text) == 0 && isText(body) {
		// A wrong label, such as "utf-8", on what was never packed.
		return plain{text: body, whole: whole}
	}
	p := plain{text: text, encoding: encoding, whole: whole && all}
	if whole && !all {
		p.note = "its Content-Encoding (" + printableWord(encoding) + ") could not be unpacked to the end; what could is kept"
	}
	return p
}

// isText reports whether bytes are text and not packed.
func isText(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			return false
		}
	}
	return utf8.Valid(b)
}

func printableWord(s string) string { return oneLine(s[:min(len(s), 40)]) }

// asUnderstood returns a body for matching: unpacked if it can be, else as it
// is.
func asUnderstood(body []byte, h http.Header, limit int64) []byte {
	if encoding := contentEncoding(h); encoding != "" {
		if text, all := unpack(body, encoding, limit); all {
			return text
		}
	}
	return body
}

func isMultipart(h http.Header) bool {
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(h.Get("Content-Type"))), "multipart/related")
}
