package inspect

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
)

// maxParts is how many parts are looked through for the root.
const maxParts = 256

// RootPart returns the root part of a multipart/related body, in which SOAP with
// attachments and MTOM carry the envelope: the part that the start parameter
// names, else the first (RFC 2387 §3.2), decoded of its transfer encoding. ok is
// false if the header names another type, or the part is not there as a whole.
func RootPart(h http.Header, body []byte) (part []byte, ok bool) {
	_, part, ok = rootPart(h, body)
	return part, ok
}

// rootPart returns the root part with its own header, which has a content type
// even when only the whole message's type parameter says it.
func rootPart(h http.Header, body []byte) (header http.Header, part []byte, ok bool) {
	if mediaType(h) != "multipart/related" {
		return nil, nil, false
	}
	_, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || params["boundary"] == "" {
		return nil, nil, false
	}
	start := contentID(params["start"])
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for range maxParts {
		p, err := parts.NextPart()
		if err != nil {
			return nil, nil, false
		}
		if start != "" && contentID(p.Header.Get("Content-ID")) != start {
			continue
		}
		header = http.Header(p.Header)
		if header.Get("Content-Type") == "" {
			header.Set("Content-Type", params["type"])
		}
		var src io.Reader = p // NextPart has decoded quoted-printable
		if strings.EqualFold(header.Get("Content-Transfer-Encoding"), "base64") {
			src = base64.NewDecoder(base64.StdEncoding, p)
		}
		part, err = io.ReadAll(src) // no longer than body
		return header, part, err == nil
	}
	return nil, nil, false
}

func contentID(s string) string { return strings.Trim(s, "<> \t") }

// ParseBody reads the message in the body of a request or response as its header
// says: the root part of a multipart/related one (see [RootPart]), and in the
// charset of the content type where the XML itself names no encoding (RFC 7303
// §3). Lines and columns count from the start of the root part. It reads
// messages of up to 64 MiB, and fails as [Parse] does.
func ParseBody(h http.Header, body []byte) (*Message, error) {
	header, part, ok := rootPart(h, body)
	if !ok {
		return limitsFor(body).parse(body, charsetOf(h))
	}
	m, err := limitsFor(part).parse(part, charsetOf(header))
	if m != nil {
		m.rootType = mediaType(header)
		m.start = startIn(body, part, m.start)
	}
	return m, err
}
