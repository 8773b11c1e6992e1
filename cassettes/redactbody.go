package cassettes

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"
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
func redactString(body string, h http.Header) string { return redactNoting(body, h, nil) }

// redactNoting is redactString, and tells of each place. What was packed or in UTF-16
// has its places in the text that it holds.
func redactNoting(body string, h http.Header, note noting) string {
	if text, ok := wideText(body); ok {
		// One that holds no secret is kept as it is; one that does is kept as
		// UTF-8, since the copy's bytes change in any case.
		if clean := redactText(text, h, note); clean != text {
			return clean
		}
		if isText([]byte(text)) {
			return body
		}
	}
	if strings.HasPrefix(body, "\x1f\x8b") {
		// Packed without saying so. It stays as it is if it hides nothing.
		if plain, _ := unpack([]byte(body), "gzip", DefaultMaxBody); len(plain) > 0 {
			text := string(plain)
			if clean := redactText(text, h, note); clean != text {
				return clean
			}
			return body
		}
	}
	if plain, ok := inflated(body); ok {
		if clean := redactText(plain, h, note); clean != plain {
			return clean
		}
		return body
	}
	if plain, ok := unbrotlied(body); ok {
		if clean := redactText(plain, h, note); clean != plain {
			return clean
		}
		return body
	}
	return redactText(body, h, note)
}

// unbrotlied unpacks a body that is packed as RFC 7932 says without saying so. Nothing
// marks one, so that it has to unpack to text, to its end.
func unbrotlied(body string) (plain string, ok bool) {
	if len(body) < 8 || utf8.ValidString(body[:min(len(body), 32)]) {
		return "", false
	}
	out, whole := unpack([]byte(body), "br", DefaultMaxBody)
	return string(out), whole && len(out) > 0 && isText(out)
}

// inflated unpacks a body that is deflated without saying so, with the frame of RFC 1950
// or, if all of it is text, without.
func inflated(body string) (plain string, ok bool) {
	if len(body) < 8 || utf8.ValidString(body[:min(len(body), 32)]) {
		return "", false
	}
	out, whole := unpack([]byte(body), "deflate", DefaultMaxBody)
	if len(out) == 0 || !framed(body) && !(whole && utf8.Valid(out)) {
		return "", false
	}
	return string(out), true
}

// framed reports whether something begins as RFC 1950, section 2.2, says.
func framed(s string) bool {
	return len(s) >= 2 && s[0]&15 == 8 && (int(s[0])<<8|int(s[1]))%31 == 0
}

func redactText(body string, h http.Header, note noting) string { return redactPart(body, h, note, 0) }

// redactPart is redactText for what is inside of so many parts of MIME.
func redactPart(body string, h http.Header, note noting, depth int) string {
	clean := redactTyped(body, h, note, depth)
	var at forming
	if note != nil {
		at = func(kind string, at int) { note(placeAt(clean, at), at, kind) }
	}
	if strings.IndexByte(clean, '<') >= 0 {
		return redactTokens(clean, at) // its URLs were looked at one by one
	}
	return redactForms(clean, at)
}

// redactTyped redacts a body by what kind of text it is.
func redactTyped(body string, h http.Header, note noting, depth int) string {
	media, _, _ := strings.Cut(strings.ToLower(h.Get("Content-Type")), ";")
	media = strings.TrimSpace(media)
	if media == "application/x-www-form-urlencoded" {
		body = redactPairsNoting(body, "&;\r\n", note)
	}
	switch trimmed := strings.TrimLeft(body, " \t\r\n\xef\xbb\xbf"); {
	case strings.HasPrefix(trimmed, "<"):
		return redactTagsNoting(body, note)
	case sectionStart.MatchString(trimmed):
		return redactPlainNoting(redactPairsNoting(body, "&;\r\n", note), note)
	case strings.HasPrefix(trimmed, "{"), strings.HasPrefix(trimmed, "["):
		if body = redactJSONNoting(body, note); !json.Valid([]byte(body)) { // cut off, or a notation that looks like it
			body = redactPlainNoting(body, note)
		}
		return body
	case strings.HasPrefix(media, "multipart/"), strings.HasPrefix(trimmed, "--"):
		return redactPlainNoting(redactJSONNoting(redactFields(redactParts(body, note, depth), note), note), note)
	case strings.IndexByte(body, 0) >= 0:
		return redactLegible(redactTagsNoting(body, note), 0, note)
	}
	return redactPlainNoting(redactJSONNoting(redactPairsNoting(body, "&;\r\n", note), note), note)
}

// sectionStart is the first line of a file of settings: [section].
var sectionStart = regexp.MustCompile(`^\[[\w .:/-]+\][ \t]*(?:[;#].*)?\r?\n`)

// packedPart finds a part of MIME in a Content-Transfer-Encoding (RFC 2045 §6): its header
// from there on, and its content up to the next boundary.
var packedPart = regexp.MustCompile(`(?is)(content-transfer-encoding:[ \t]*(base64|quoted-printable)[^\r\n]*(?:\r?\n[^\r\n]+)*\r?\n\r?\n)(.*?)(\r?\n--|$)`)

// redactParts redacts what parts of MIME hold in base64 or quoted-printable. What a part
// is, is told from its content.
func redactParts(body string, note noting, depth int) string {
	if depth >= maxNested || !containsAny(body, "ransfer-", "RANSFER-") {
		return body
	}
	return replaceForm(body, packedPart, func(m string, at int) string {
		g := packedPart.FindStringSubmatch(m)
		var plain []byte
		var ok bool
		if quoted := strings.EqualFold(g[2], "quoted-printable"); quoted {
			var err error
			plain, err = io.ReadAll(quotedprintable.NewReader(strings.NewReader(g[3])))
			ok = err == nil
		} else {
			plain, ok = fromBase64(g[3])
		}
		if !ok {
			return m
		}
		clean := redactPart(string(plain), http.Header{}, func(place string, _ int, was string) { note.tell(place, at, was) }, depth+1)
		if clean == string(plain) {
			return m
		}
		return g[1] + transferred(clean, g[2]) + g[4]
	})
}

// transferred is text in base64 or in quoted-printable, in lines.
func transferred(text, encoding string) string {
	var b strings.Builder
	if strings.EqualFold(encoding, "quoted-printable") {
		w := quotedprintable.NewWriter(&b)
		_, _ = io.WriteString(w, text) // a Builder takes everything
		_ = w.Close()
		return b.String()
	}
	packed := base64.StdEncoding.EncodeToString([]byte(text))
	for len(packed) > 76 {
		b.WriteString(packed[:76] + "\r\n")
		packed = packed[76:]
	}
	return b.String() + packed
}

// field finds a field of multipart/form-data (RFC 7578): its header, and in it the
// parameters with its name, and its content up to the next boundary.
var field = regexp.MustCompile(`(?is)(content-disposition:((?:[^\r\n]|\r?\n[ \t])*?\bname(?:\*[0-9*]*)?=(?:[^\r\n]|\r?\n[ \t])*)(?:\r?\n[^\r\n]+)*\r?\n\r?\n)(.*?)(\r?\n--|$)`)

func redactFields(body string, note noting) string {
	return replaceForm(body, field, func(m string, at int) string {
		g := field.FindStringSubmatch(m)
		name := secretField(g[2])
		if name == "" || g[3] == redacted {
			return m
		}
		note.tell("field "+name, at, g[3])
		return g[1] + redacted + g[4]
	})
}

// fieldName is the name of a field as browsers write it.
var fieldName = regexp.MustCompile(`(?i)\bname="?([^";\r\n]*)`)

// secretField returns the name that parameters of a Content-Disposition have, if it is that
// of a secret; else "". It may be written in pieces, with a character set (RFC 2231, RFC
// 8187), as an encoded word (RFC 2047), or in percent-encoding.
func secretField(parameters string) string {
	var names []string
	if g := fieldName.FindStringSubmatch(parameters); g != nil {
		names = append(names, g[1])
	}
	if _, list, err := mime.ParseMediaType(unfolded.Replace(parameters)); err == nil {
		names = append(names, list["name"])
	}
	for _, name := range names {
		if plain, err := new(mime.WordDecoder).DecodeHeader(name); err == nil {
			name = plain
		}
		if name = plainLetters(name); secretName(name) {
			return name
		}
	}
	return ""
}

var unfolded = strings.NewReplacer("\r\n", "", "\n", "")

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
