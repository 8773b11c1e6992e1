package cassettes

import (
	"bytes"
	"mime"
	"net/http"

	"github.com/umtape/umtape/inspect"
)

// rootPart returns the part of a multipart/related body that holds the envelope
// (RFC 2387, as MTOM and SOAP with Attachments use it), and any other body as it
// is.
func rootPart(h http.Header, body []byte) []byte {
	if isMultipart(h) {
		if root, ok := inspect.RootPart(h, body); ok {
			return root
		}
	}
	return body
}

// besideRoot returns the rest of a multipart body, for comparing: without the
// boundary, which every client draws anew.
func besideRoot(h http.Header, body, root []byte) []byte {
	rest := bytes.Replace(body, root, nil, 1)
	if _, params, err := mime.ParseMediaType(h.Get("Content-Type")); err == nil && params["boundary"] != "" {
		rest = bytes.ReplaceAll(rest, []byte(params["boundary"]), nil)
	}
	return rest
}
