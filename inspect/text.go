package inspect

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding/unicode"
)

// utf8Text returns the message as UTF-8 without a byte order mark: a byte order
// mark decides first (XML 1.0 appendix F), then the encoding named by the XML
// declaration. Bytes that are UTF-8 already are not copied.
func utf8Text(body []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(body, []byte("\xef\xbb\xbf")):
		return body[3:], nil
	case bytes.HasPrefix(body, []byte("\xff\xfe")), bytes.HasPrefix(body, []byte("\xfe\xff")):
		return decodeUTF16(body, unicode.UseBOM, unicode.LittleEndian)
	case bytes.HasPrefix(body, []byte("<\x00?\x00")):
		return decodeUTF16(body, unicode.IgnoreBOM, unicode.LittleEndian)
	case bytes.HasPrefix(body, []byte("\x00<\x00?")):
		return decodeUTF16(body, unicode.IgnoreBOM, unicode.BigEndian)
	}
	label := declaredEncoding(body)
	switch strings.ToLower(label) {
	case "", "utf-8", "utf8", "us-ascii", "ascii", "utf-16", "utf-16le", "utf-16be", "unicode":
		// A declaration that can be read in single bytes is not UTF-16,
		// whatever it says; .NET's StringWriter writes such.
		return body, nil
	}
	enc, name := charset.Lookup(label)
	if enc == nil || name == "replacement" {
		return nil, &SyntaxError{Line: 1, Column: 1, Err: ErrNotXML, Reason: "it declares an encoding that is not supported"}
	}
	out, err := enc.NewDecoder().Bytes(body)
	if err != nil {
		return nil, &SyntaxError{Line: 1, Column: 1, Err: ErrNotXML, Reason: "its bytes are not in the encoding it declares"}
	}
	return out, nil
}

func decodeUTF16(body []byte, policy unicode.BOMPolicy, order unicode.Endianness) ([]byte, error) {
	out, err := unicode.UTF16(order, policy).NewDecoder().Bytes(body)
	if err != nil || len(body)%2 != 0 {
		return nil, &SyntaxError{Line: 1, Column: 1, Err: ErrNotXML, Reason: "its bytes are not UTF-16"}
	}
	return out, nil
}

// declaredEncoding returns the encoding label of an XML declaration at the very
// start of body, or "".
func declaredEncoding(body []byte) string {
	if !bytes.HasPrefix(body, []byte("<?xml")) {
		return ""
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

// place turns a byte offset into a 1-based line and column.
func place(text []byte, offset int64) (line, column int) {
	offset = min(offset, int64(len(text)))
	before := text[:offset]
	line = 1 + bytes.Count(before, []byte("\n"))
	column = len(before) - bytes.LastIndexByte(before, '\n')
	return line, column
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

// Text returns body as UTF-8 text for people: decoded by its byte order mark or
// declaration when that is possible, else with each bad byte replaced.
func Text(body []byte) string {
	if out, err := utf8Text(body); err == nil && utf8.Valid(out) {
		return string(out)
	}
	return strings.ToValidUTF8(string(body), "�")
}
