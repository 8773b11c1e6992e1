package cassettes

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"

	"github.com/andybalholm/brotli"
)

// contentEncoding is the Content-Encoding of a header, "" for none.
func contentEncoding(h http.Header) string {
	encoding := strings.ToLower(strings.TrimSpace(strings.Join(h["Content-Encoding"], ", ")))
	if encoding == "identity" {
		return ""
	}
	return encoding
}

// unpack returns a body without its encoding, at most limit bytes of it, and
// whether that is all. What cannot be unpacked is left out.
func unpack(body []byte, encoding string, limit int64) (plain []byte, whole bool) {
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
	p := plain{text: text, encoding: encoding, whole: whole && all}
	if whole && !all {
		p.note = "its Content-Encoding could not be unpacked to the end; what could is kept"
	}
	return p
}

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
