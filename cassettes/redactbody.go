package cassettes

import (
	"net/http"
	"regexp"
	"strings"
)

// redactBody takes credentials out of a body: elements and attributes of XML,
// well-formed or not, members of JSON objects, fields of forms. The rest stays
// as it is, byte for byte. What the body is, is told from the body first, since
// clients declare anything. A body without credentials is returned itself.
func redactBody(body []byte, h http.Header) []byte {
	text := string(body)
	if clean := redactString(text, h); clean != text {
		return []byte(clean)
	}
	return body
}

// redactString is redactBody for a body that is a string.
func redactString(body string, h http.Header) string {
	if text, ok := wideText(body); ok {
		// One that holds no secret is kept as it is; one that does is kept as
		// UTF-8, since the copy's bytes change in any case.
		if clean := redactText(text, h); clean != text {
			return clean
		}
		return body
	}
	if strings.HasPrefix(body, "\x1f\x8b") {
		// Packed without saying so. It stays as it is if it hides nothing.
		if plain, _ := unpack([]byte(body), "gzip", DefaultMaxBody); len(plain) > 0 {
			text := string(plain)
			if clean := redactText(text, h); clean != text {
				return clean
			}
			return body
		}
	}
	return redactText(body, h)
}

func redactText(body string, h http.Header) string {
	media, _, _ := strings.Cut(strings.ToLower(h.Get("Content-Type")), ";")
	media = strings.TrimSpace(media)
	if media == "application/x-www-form-urlencoded" {
		body = redactPairs(body, "&;\r\n")
	}
	switch trimmed := strings.TrimLeft(body, " \t\r\n\xef\xbb\xbf"); {
	case strings.HasPrefix(trimmed, "<"):
		return redactTags(body)
	case strings.HasPrefix(trimmed, "{"), strings.HasPrefix(trimmed, "["):
		return redactJSON(body)
	case strings.HasPrefix(media, "multipart/"), strings.HasPrefix(trimmed, "--"):
		return redactTags(redactJSON(redactFields(body)))
	case strings.IndexByte(body, 0) >= 0:
		return redactTags(body)
	}
	return redactTags(redactJSON(redactPairs(body, "&;\r\n")))
}

// field finds a field of multipart/form-data (RFC 7578): its header with its
// name, and its content up to the next boundary.
var field = regexp.MustCompile(`(?is)(content-disposition:[^\r\n]*?\bname="?([^";\r\n]*)"?[^\r\n]*(?:\r?\n[^\r\n]+)*\r?\n\r?\n)(.*?)(\r?\n--|$)`)

func redactFields(body string) string {
	return field.ReplaceAllStringFunc(body, func(m string) string {
		g := field.FindStringSubmatch(m)
		if !secretName(g[2]) {
			return m
		}
		return g[1] + redacted + g[4]
	})
}

// wideText decodes a body that looks like UTF-16 text, by its byte order mark or
// by its first characters, leniently: an odd byte at the end is dropped.
func wideText(b string) (text string, ok bool) {
	big := false
	switch {
	case strings.HasPrefix(b, "\xff\xfe"):
		b = b[2:]
	case strings.HasPrefix(b, "\xfe\xff"):
		b, big = b[2:], true
	case len(b) >= 4 && b[1] == 0 && b[3] == 0 && b[0] != 0:
	case len(b) >= 4 && b[0] == 0 && b[2] == 0 && b[1] != 0:
		big = true
	default:
		return "", false
	}
	return string(decodeUTF16([]byte(b), big)), true
}
