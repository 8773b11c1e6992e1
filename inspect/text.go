package inspect

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
)

// utf8Text returns the message as UTF-8 without a byte order mark: a byte order
// mark decides first (XML 1.0 appendix F), then the encoding named by the XML
// declaration, then the charset that came with it, if it names one that is
// known. Bytes that are UTF-8 already are not copied.
func utf8Text(body []byte, fallback string) ([]byte, error) {
	switch {
	case bytes.HasPrefix(body, []byte("\xef\xbb\xbf")):
		return body[3:], nil
	case bytes.HasPrefix(body, []byte("\xff\xfe")):
		return decodeUTF16(body[2:], unicode.LittleEndian)
	case bytes.HasPrefix(body, []byte("\xfe\xff")):
		return decodeUTF16(body[2:], unicode.BigEndian)
	case bytes.HasPrefix(body, []byte("<\x00")):
		return decodeUTF16(body, unicode.LittleEndian)
	case bytes.HasPrefix(body, []byte("\x00<")):
		return decodeUTF16(body, unicode.BigEndian)
	}
	label := strings.ToLower(declaredEncoding(body))
	declared := label != ""
	if !declared {
		label = strings.ToLower(fallback)
	}
	switch label {
	case "", "utf-8", "us-ascii", "ascii":
		return body, nil
	}
	enc, name := charset.Lookup(label)
	switch {
	case name == "utf-8":
		return body, nil
	case strings.HasPrefix(name, "utf-16"), strings.Contains(label, "ucs-2"), label == "unicode":
		// A declaration that can be read in single bytes is not UTF-16,
		// whatever it says; .NET's StringWriter writes such.
		return body, nil
	case (enc == nil || name == "replacement") && !declared:
		return body, nil
	case enc == nil || name == "replacement":
		return nil, &SyntaxError{Line: 1, Column: 1, Err: ErrNotXML, Reason: "it declares an encoding that is not supported"}
	}
	out, err := decode(body, enc)
	if err != nil {
		return nil, &SyntaxError{Line: 1, Column: 1, Err: ErrNotXML, Reason: "its bytes are not in the encoding it declares"}
	}
	return out, nil
}

// decode decodes body twice, so as to make as much room as it takes and no more.
func decode(body []byte, enc encoding.Encoding) ([]byte, error) {
	read := func() io.Reader { return enc.NewDecoder().Reader(bytes.NewReader(body)) }
	n, err := io.Copy(io.Discard, read())
	if err != nil {
		return nil, err
	}
	out := make([]byte, n)
	_, err = io.ReadFull(read(), out)
	return out, err
}

// sameCharset reports whether two labels name one encoding. Those of UTF-16 with
// and without a byte order do, and us-ascii is part of UTF-8.
func sameCharset(a, b string) bool {
	name := func(label string) string {
		label = strings.ToLower(strings.TrimSpace(label))
		if label == "us-ascii" || label == "ascii" {
			return "utf-8"
		}
		if strings.HasPrefix(label, "utf-16") {
			return "utf-16"
		}
		if _, name := charset.Lookup(label); name != "" {
			return name
		}
		return label
	}
	return name(a) == name(b)
}

// decodeUTF16 decodes text without its byte order mark.
func decodeUTF16(body []byte, order unicode.Endianness) ([]byte, error) {
	out, err := decode(body, unicode.UTF16(order, unicode.IgnoreBOM))
	if err != nil || len(body)%2 != 0 || loneSurrogate(body, order) {
		return nil, &SyntaxError{Line: 1, Column: 1, Err: ErrNotXML, Reason: "its bytes are not UTF-16"}
	}
	return out, nil
}

// loneSurrogate reports half a surrogate pair, which decodes to U+FFFD and so
// would make different messages one.
func loneSurrogate(body []byte, order unicode.Endianness) bool {
	high := 1 // index of a unit's high byte
	if order == unicode.BigEndian {
		high = 0
	}
	for i := 0; i+1 < len(body); i += 2 {
		switch body[i+high] & 0xfc {
		case 0xd8:
			if i += 2; i+1 >= len(body) || body[i+high]&0xfc != 0xdc {
				return true
			}
		case 0xdc:
			return true
		}
	}
	return false
}

var usualDeclaration = []byte(`<?xml version="1.0" encoding="utf-8"?>`)

// declaredEncoding returns the encoding label of an XML declaration at the very
// start of body, or "".
func declaredEncoding(body []byte) string {
	if bytes.HasPrefix(body, usualDeclaration) {
		return "utf-8"
	}
	if !bytes.HasPrefix(body, []byte("<?xml")) || len(body) < 6 || !isSpace(string(body[5:6])) {
		return "" // <?xml-stylesheet is no declaration
	}
	end := bytes.Index(body, []byte("?>"))
	if end < 0 || end > 256 {
		return ""
	}
	decl := string(body[:end])
	_, rest, ok := strings.Cut(decl, "encoding")
	if !ok {
		return ""
	}
	rest = strings.TrimLeft(rest, " \t\r\n=")
	if rest == "" || rest[0] != '"' && rest[0] != '\'' {
		return ""
	}
	label, _, ok := strings.Cut(rest[1:], rest[:1])
	if !ok {
		return ""
	}
	return label
}

// passCharset lets the XML decoder read text that utf8Text has already decoded,
// whatever its declaration still says.
func passCharset(_ string, in io.Reader) (io.Reader, error) { return in, nil }

func newDecoder(text []byte) *xml.Decoder {
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = passCharset
	return d
}

func isSpace(s string) bool {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ' ', '\t', '\r', '\n':
		default:
			return false
		}
	}
	return true
}

// trim returns s without XML's white space around it, which is less than
// Unicode's (XML 1.0 §2.3).
func trim(s string) string { return strings.Trim(s, " \t\r\n") }

// Shorten returns s in at most limit characters, the end of a longer one
// replaced by "...".
func Shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	// A character has four bytes at most, so a long s need not be read whole.
	r := []rune(s[:min(len(s), 4*limit+4)])
	if len(r) <= limit {
		return s
	}
	return string(r[:limit-3]) + "..."
}

// shownName is how much of one name of a message is shown.
const shownName = 80

// Text returns body as UTF-8 text for people: decoded by its byte order mark or
// declaration when that is possible, else with each bad byte replaced.
func Text(body []byte) string {
	if out, err := utf8Text(body, ""); err == nil && utf8.Valid(out) {
		return string(out)
	}
	return strings.ToValidUTF8(string(body), "�")
}
