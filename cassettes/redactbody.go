package cassettes

import (
	"bytes"
	"net/http"
	"regexp"
	"strings"
)

// redactBody takes credentials out of a body: elements and attributes of XML,
// well-formed or not, members of JSON objects, fields of forms. The rest stays
// as it is, byte for byte. What the body is, is told from the body first, since
// clients declare anything.
func redactBody(body []byte, h http.Header) []byte {
	if text, ok := wideText(body); ok {
		// One that holds no secret is kept as it is; one that does is kept as
		// UTF-8, since the copy's bytes change in any case.
		if clean := redactText(text, h); !bytes.Equal(clean, text) {
			return clean
		}
		return body
	}
	if bytes.HasPrefix(body, []byte("\x1f\x8b")) {
		// Packed without saying so. It stays as it is if it hides nothing.
		if text, _ := unpack(body, "gzip", DefaultMaxBody); len(text) > 0 {
			if clean := redactText(text, h); !bytes.Equal(clean, text) {
				return clean
			}
			return body
		}
	}
	return redactText(body, h)
}

func redactText(body []byte, h http.Header) []byte {
	media, _, _ := strings.Cut(strings.ToLower(h.Get("Content-Type")), ";")
	media = strings.TrimSpace(media)
	if media == "application/x-www-form-urlencoded" {
		body = []byte(redactPairs(string(body), "&;\r\n"))
	}
	switch trimmed := bytes.TrimLeft(body, " \t\r\n\xef\xbb\xbf"); {
	case bytes.HasPrefix(trimmed, []byte("<")):
		return redactTags(body)
	case bytes.HasPrefix(trimmed, []byte("{")), bytes.HasPrefix(trimmed, []byte("[")):
		return redactJSON(body)
	case strings.HasPrefix(media, "multipart/"), bytes.HasPrefix(trimmed, []byte("--")):
		return redactTags(redactJSON(redactFields(body)))
	case bytes.IndexByte(body, 0) >= 0:
		return redactTags(body)
	}
	return redactTags(redactJSON([]byte(redactPairs(string(body), "&;\r\n"))))
}

// field finds a field of multipart/form-data (RFC 7578): its header with its
// name, and its content up to the next boundary.
var field = regexp.MustCompile(`(?is)(content-disposition:[^\r\n]*?\bname="?([^";\r\n]*)"?[^\r\n]*(?:\r?\n[^\r\n]+)*\r?\n\r?\n)(.*?)(\r?\n--|$)`)

func redactFields(body []byte) []byte {
	return field.ReplaceAllFunc(body, func(m []byte) []byte {
		g := field.FindSubmatch(m)
		if !secretName(string(g[2])) {
			return m
		}
		return bytes.Join([][]byte{g[1], []byte(redacted), g[4]}, nil)
	})
}

// wideText decodes a body that looks like UTF-16 text, by its byte order mark or
// by its first characters, leniently: an odd byte at the end is dropped.
func wideText(b []byte) (text []byte, ok bool) {
	big := false
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xfe")):
		b = b[2:]
	case bytes.HasPrefix(b, []byte("\xfe\xff")):
		b, big = b[2:], true
	case len(b) >= 4 && b[1] == 0 && b[3] == 0 && b[0] != 0:
	case len(b) >= 4 && b[0] == 0 && b[2] == 0 && b[1] != 0:
		big = true
	default:
		return nil, false
	}
	return decodeUTF16(b, big), true
}
