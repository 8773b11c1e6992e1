package cassettes

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
)

// plainBody returns a body without its Content-Encoding, so that people can
// read it in the cassette, and the encoding it had. A body in an encoding that
// is not read here, or that is not what its header says, or that would unpack
// to more than limit bytes, comes back as it is with encoding "".
func plainBody(body []byte, h http.Header, limit int64) (plain []byte, encoding string) {
	encoding = strings.ToLower(strings.TrimSpace(h.Get("Content-Encoding")))
	if len(body) == 0 || encoding == "" || encoding == "identity" {
		return body, ""
	}
	r, err := unpacker(body, encoding)
	if err != nil {
		return body, ""
	}
	plain, err = io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil || int64(len(plain)) > limit {
		return body, ""
	}
	return plain, encoding
}

func unpacker(body []byte, encoding string) (io.Reader, error) {
	switch encoding {
	case "gzip", "x-gzip":
		return gzip.NewReader(bytes.NewReader(body))
	case "deflate": // RFC 9110 §8.4.1.2 means zlib; some servers send raw deflate
		if r, err := zlib.NewReader(bytes.NewReader(body)); err == nil {
			return r, nil
		}
		return flate.NewReader(bytes.NewReader(body)), nil
	}
	return nil, http.ErrNotSupported
}
