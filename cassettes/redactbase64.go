package cassettes

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"
)

// What is in base64.

func base64Byte(c byte) bool {
	return isLetter(c) || isDigit(c) || c == '+' || c == '/' || c == '-' || c == '_'
}

// runEnd returns where the base64 that is at pos ends, padding included, percent- and
// JSON-escapes too. It goes on in the next line if this one is long and that one is
// base64 as a whole, as MIME wraps it.
func runEnd(text string, pos int) int {
	start := pos
	for pos < len(text) {
		switch c := text[pos]; {
		case base64Byte(c):
			pos++
		case c == '=':
			for pos < len(text) && text[pos] == '=' {
				pos++
			}
			return pos
		case c == '%' && pos+2 < len(text) && isHex(text[pos+1]) && isHex(text[pos+2]):
			pos += 3
		case c == '\\' && pos+1 < len(text) && text[pos+1] == '/':
			pos += 2
		case (c == '\r' || c == '\n') && pos-start >= 40:
			next := skipSpace(text, pos)
			end := next
			for end < len(text) && base64Byte(text[end]) {
				end++
			}
			pad := end
			for pad < len(text) && text[pad] == '=' {
				pad++
			}
			if end-next < 4 || pad < len(text) && !space(text[pad]) && text[pad] != '<' && text[pad] != '"' && text[pad] != ']' {
				return pos
			}
			start, pos = next, end
		default:
			return pos
		}
	}
	return pos
}

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

// fromBase64 decodes base64 of either alphabet, padded or not, in lines or not, with or
// without escapes.
func fromBase64(s string) ([]byte, bool) { return appendBase64(nil, nil, s) }

// shortBase64 is room for most of the base64 that is met.
const shortBase64 = 512

// appendBase64 is fromBase64 into dst, by way of clean, both of which are empty.
func appendBase64(dst, clean []byte, s string) ([]byte, bool) {
	clean = slices.Grow(clean, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ' ', '\t', '\r', '\n', '\\', '=':
		case '-':
			clean = append(clean, '+')
		case '_':
			clean = append(clean, '/')
		case '%':
			escape := ""
			if i+2 < len(s) {
				escape = s[i : i+3]
				i += 2
			}
			switch escape {
			case "%2B", "%2b":
				clean = append(clean, '+')
			case "%2F", "%2f":
				clean = append(clean, '/')
			case "%3D", "%3d":
			default:
				return nil, false
			}
		default:
			clean = append(clean, c)
		}
	}
	dst = slices.Grow(dst, base64.RawStdEncoding.DecodedLen(len(clean)))
	n, err := base64.RawStdEncoding.Decode(dst[:base64.RawStdEncoding.DecodedLen(len(clean))], clean)
	return dst[:n], err == nil
}

func isPlainASCII(b []byte) bool {
	for _, c := range b {
		if (c < ' ' || c > '~') && !space(c) {
			return false
		}
	}
	return true
}

// redactEncoded takes credentials out of a value that is, as a whole, base64 of text or
// of packed text, and gives base64 of what is left.
func redactEncoded(value string, depth int) string {
	if len(value) < 12 || depth > maxNested || !isBase64(value) {
		return value
	}
	trimmed := strings.TrimSpace(value)
	var room, other [shortBase64]byte
	plain, ok := appendBase64(room[:0], other[:0], trimmed)
	if !ok || len(plain) < 8 || isPlainASCII(plain) && !bytes.ContainsAny(plain, "=:<") && !isBase64(plain) {
		return value
	}
	text := string(plain)
	switch wide, isWide := wideText(text); {
	case strings.HasPrefix(text, "\x1f\x8b"):
		plain, _ = unpack([]byte(text), "gzip", DefaultMaxBody)
		text = string(plain)
	case framed(text) && !utf8.ValidString(text):
		plain, _ = unpack([]byte(text), "deflate", DefaultMaxBody)
		text = string(plain)
	case isWide:
		text = wide
	}
	if text == "" || !utf8.ValidString(text) {
		return value
	}
	inner := text
	if sections := strings.TrimLeft(text, " \t\r\n"); !strings.HasPrefix(sections, "<") && !strings.HasPrefix(sections, "{") {
		inner = redactPairs(text, "&;\r\n")
	}
	clean := redactValue(inner, depth+1)
	if clean == text {
		return value
	}
	from := strings.Index(value, trimmed)
	return value[:from] + base64.StdEncoding.EncodeToString([]byte(clean)) + value[from+len(trimmed):]
}

// isBase64 reports whether a value can be base64, in lines or with percent-escapes.
func isBase64[T string | []byte](value T) bool {
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case base64Byte(c), c == '=', c == '\r', c == '\n':
		case (c == ' ' || c == '\t') && (i == 0 || space(value[i-1])): // only where a line begins
		case (c == ' ' || c == '\t') && strings.TrimSpace(string(value[i:])) == "":
			return true
		case c == '%' && i+2 < len(value) && isHex(value[i+1]) && isHex(value[i+2]):
			i += 2
		default:
			return false
		}
	}
	return true
}
