package inspect

import (
	"strings"
	"unicode/utf8"
)

// unescape returns text as it is meant: references resolved, line breaks as
// LF (XML 1.0 §2.11 and §4.6).
func unescape(raw string) (string, bool) {
	if strings.Contains(raw, "]]>") {
		return "", false
	}
	var b strings.Builder
	done := 0 // raw[:done] is in b
	for i := 0; i < len(raw); {
		c := raw[i]
		switch {
		case c >= utf8.RuneSelf:
			char, n := utf8.DecodeRuneInString(raw[i:])
			if char == utf8.RuneError && n == 1 || !isXMLChar(char) {
				return "", false
			}
			i += n
		case c == '&':
			char, n := reference(raw[i:])
			if n == 0 {
				return "", false
			}
			b.WriteString(raw[done:i])
			b.WriteRune(char)
			i += n
			done = i
		case c == '\r':
			b.WriteString(raw[done:i])
			i++
			if i == len(raw) || raw[i] != '\n' {
				b.WriteByte('\n')
			}
			done = i
		case !isXMLChar(rune(c)):
			return "", false
		default:
			i++
		}
	}
	if done == 0 {
		return raw, true
	}
	b.WriteString(raw[done:])
	return b.String(), true
}

// reference reads the reference at the start of s, n bytes long: to a character
// by its number, or one of the five that need no declaration (XML 1.0 §4.1 and
// §4.6). n is 0 if it is another, or to no character.
func reference(s string) (char rune, n int) {
	end := strings.IndexByte(s[:min(len(s), len("&#x0010FFFF;"))], ';')
	if end < 0 {
		return 0, 0
	}
	name := s[1:end]
	switch name {
	case "amp":
		return '&', end + 1
	case "lt":
		return '<', end + 1
	case "gt":
		return '>', end + 1
	case "apos":
		return '\'', end + 1
	case "quot":
		return '"', end + 1
	}
	digits, base := strings.TrimPrefix(name, "#"), rune(10)
	if len(digits) == len(name) {
		return 0, 0
	}
	if strings.HasPrefix(digits, "x") {
		digits, base = digits[1:], 16
	}
	if digits == "" || len(digits) > 7 {
		return 0, 0
	}
	for _, c := range []byte(digits) {
		digit := rune(c) - '0'
		switch {
		case '0' <= c && c <= '9':
		case base == 16 && 'a' <= c|0x20 && c|0x20 <= 'f':
			digit = rune(c|0x20) - 'a' + 10
		default:
			return 0, 0
		}
		char = char*base + digit
	}
	if !isXMLChar(char) {
		return 0, 0
	}
	return char, end + 1
}

// isXMLChar reports whether c may stand in XML (1.0 §2.2).
func isXMLChar(c rune) bool {
	return c == '\t' || c == '\n' || c == '\r' || 0x20 <= c && c <= 0xd7ff || 0xe000 <= c && c <= 0xfffd || 0x10000 <= c && c <= 0x10ffff
}
