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
// of packed text, and gives base64 of what is left; or that stands inside of other text.
func redactEncoded(value string, depth int) string {
	if len(value) < 12 || depth > maxNested {
		return value
	}
	if !isBase64(value) {
		return redactRuns(value, depth)
	}
	return redactRun(value, depth, true)
}

// redactRun is redactEncoded for what is base64 as a whole. form says that it may be that
// of a form, of which a short name such as key can be a secret's.
func redactRun(value string, depth int, form bool) string {
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
	case isWide && isText([]byte(wide)):
		text = wide
	}
	if text == "" {
		return value
	}
	if !utf8.ValidString(text) {
		return base64Again(value, trimmed, text, redactLegible(text, depth, nil))
	}
	inner := text
	if sections := strings.TrimLeft(text, " \t\r\n"); form && !strings.HasPrefix(sections, "<") && !strings.HasPrefix(sections, "{") {
		inner = redactPairs(text, "&;\r\n")
	}
	clean := redactValue(inner, depth+1)
	if clean == text && strings.IndexByte(text, 0) >= 0 {
		clean = redactLegible(text, depth, nil)
	}
	return base64Again(value, trimmed, text, clean)
}

// base64Again is a value with base64 of what is clean in the place of what was in it; the
// same value if that is the same.
func base64Again(value, trimmed, was, clean string) string {
	if clean == was {
		return value
	}
	from := strings.Index(value, trimmed)
	return value[:from] + base64.StdEncoding.EncodeToString([]byte(clean)) + value[from+len(trimmed):]
}

// minRun is how long base64 is at least that is looked for inside of text: no word is as
// long, and no secret in less of it.
const minRun = 24

// redactRuns takes credentials out of base64 that stands inside of text.
func redactRuns(text string, depth int) string {
	var b strings.Builder
	done := 0
	for pos := 0; pos+minRun <= len(text); {
		last := pos + minRun - 1
		for last >= pos && base64Byte(text[last]) {
			last--
		}
		if last >= pos { // it begins after that, if anywhere
			pos = last + 1
			continue
		}
		end := runEnd(text, pos)
		if pos == 0 && end == len(text) {
			return text
		}
		if head := text[pos : pos+minRun]; strings.ToLower(head) == head || strings.ToUpper(head) == head { // a GUID
			pos = end
			continue
		}
		if clean := redactRun(text[pos:end], depth, false); clean != text[pos:end] {
			b.WriteString(text[done:pos] + clean)
			done = end
		}
		pos = end
	}
	if done == 0 {
		return text
	}
	return b.String() + text[done:]
}

// minLegible is how long text is that is looked for among bytes that are none. In less, what
// looks like a credential is chance.
const minLegible = 12

// redactLegible takes credentials out of the stretches of text that are among bytes which
// are none, as programs write texts into their files.
func redactLegible(data string, depth int, note noting) string {
	var b strings.Builder
	done := 0
	for pos := 0; pos < len(data); {
		end := pos
		for end < len(data) {
			r, size := utf8.DecodeRuneInString(data[end:])
			if r < ' ' && r != '\t' && r != '\r' && r != '\n' || r == 0x7f || r == utf8.RuneError && size == 1 {
				break
			}
			end += size
		}
		if end-pos >= minLegible {
			if clean := redactValue(data[pos:end], depth+1); clean != data[pos:end] {
				note.tell("", pos, data[pos:end])
				b.WriteString(data[done:pos] + clean)
				done = end
			}
		}
		pos = end + 1
	}
	if done == 0 {
		return data
	}
	return b.String() + data[done:]
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
