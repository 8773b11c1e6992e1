package inspect

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"strings"
)

// hasLineBreaks reports whether an attribute of the tag may hold a literal line
// break or tab.
func hasLineBreaks(t xml.StartElement) bool {
	for _, a := range t.Attr {
		if strings.IndexByte(a.Value, '\n') >= 0 || strings.IndexByte(a.Value, '\t') >= 0 {
			return true
		}
	}
	return false
}

// withSpaces returns text with each literal line break or tab inside attribute
// values of these start tags turned into a space (XML 1.0 §3.3.3), which
// encoding/xml leaves undone. One written as a character reference stays.
func withSpaces(text []byte, tags [][2]int64) []byte {
	if len(tags) == 0 {
		return text
	}
	out := make([]byte, 0, len(text))
	done := int64(0)
	for _, tag := range tags {
		out = append(out, text[done:tag[0]]...)
		var quote byte // the one that is open, or 0
		for i := tag[0]; i < tag[1]; i++ {
			c := text[i]
			switch {
			case quote == 0 && (c == '"' || c == '\''):
				quote = c
			case quote == c:
				quote = 0
			case quote != 0 && c == '\r' && text[i+1] == '\n': // the tag ends later
				continue // one line break, one space (§2.11)
			case quote != 0 && (c == '\n' || c == '\r' || c == '\t'):
				c = ' '
			}
			out = append(out, c)
		}
		done = tag[1]
	}
	return append(out, text[done:]...)
}

// surrogateRef reports whether raw holds a character reference to half a
// surrogate pair, which is no character (XML 1.0 §2.2) and which encoding/xml
// would read as U+FFFD.
func surrogateRef(raw []byte) bool {
	for {
		_, rest, ok := bytes.Cut(raw, []byte("&#"))
		if !ok {
			return false
		}
		digits, after, ok := bytes.Cut(rest, []byte(";"))
		if !ok {
			return false
		}
		raw = after
		base := 10
		if len(digits) > 0 && digits[0] == 'x' {
			digits, base = digits[1:], 16
		}
		if n, err := strconv.ParseUint(string(digits), base, 32); err == nil && 0xd800 <= n && n <= 0xdfff {
			return true
		}
	}
}
