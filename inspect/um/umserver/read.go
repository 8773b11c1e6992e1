package umserver

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// limits bound a request: generous for this protocol, whose largest holds a
// handful of elements beside its SOAP headers.
var limits = inspect.Limits{Bytes: 4 << 20, Depth: 64, Tokens: 20_000}

// maxDrain is how much of a refused body is read and thrown away.
const maxDrain = 16 << 20

// drain reads what is left of a request that was refused before its end, so that
// a client still sending gets to read the answer, not a reset connection. One
// that waits for 100 Continue is not asked for more.
func drain(r *http.Request) {
	if r.Body != nil && r.Header.Get("Expect") == "" {
		io.CopyN(io.Discard, r.Body, maxDrain) // whatever comes of it, the answer is the same
	}
}

var (
	errEncoding = errors.New("its Content-Encoding is neither gzip nor identity")
	errTooLarge = fmt.Errorf("the body is over %d MiB", limits.Bytes>>20)
)

// takes reports whether the request's content type is one the server reads, and
// notes the SOAP version that it stands for.
func (s *Server) takes(q *request) bool {
	t, _, _ := strings.Cut(q.Header.Get("Content-Type"), ";")
	switch strings.ToLower(strings.TrimSpace(t)) {
	case "text/xml":
		return true
	case "application/soap+xml":
		if s.options.SOAP12 == AcceptSOAP12 {
			q.version = inspect.SOAP12
		}
		return s.options.SOAP12 != RefuseSOAP12
	}
	return false
}

// readBody returns the request's body, decoded of gzip, or an error that quotes
// nothing of it.
func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	var src io.Reader = r.Body
	switch strings.ToLower(strings.TrimSpace(strings.Join(r.Header.Values("Content-Encoding"), ","))) {
	case "", "identity":
	case "gzip", "x-gzip":
		unzip, err := gzip.NewReader(io.LimitReader(r.Body, limits.Bytes))
		if err != nil {
			return nil, errors.New("the body is not gzip, which its header claims")
		}
		src = unzip
	default:
		return nil, errEncoding
	}
	body, err := io.ReadAll(io.LimitReader(src, limits.Bytes+1))
	if int64(len(body)) > limits.Bytes {
		return nil, errTooLarge
	}
	if err != nil {
		return nil, errors.New("the body cannot be read to its end")
	}
	return body, nil
}
