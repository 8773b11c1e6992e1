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

// moreAttributes reports whether a start tag at the beginning of text has more than
// limit attributes, before a decoder makes a list of them.
func moreAttributes(text []byte, limit int) bool {
	if len(text) < 2 || text[0] != '<' || text[1] == '!' || text[1] == '?' || text[1] == '/' {
		return false
	}
	n := 0
	for i := 1; i < len(text) && text[i] != '>'; i++ {
		switch c := text[i]; c {
		case '=':
			if n++; n > limit {
				return true
			}
		case '"', '\'':
			i = past(text, i+1, string(rune(c))) - 1
		}
	}
	return false
}

// edited is a text of which parts are left out or changed; it is not copied as long as
// none is.
type edited struct {
	text []byte
	out  []byte
	upTo int64 // of text, what out is made of
}

// copy takes over the text up to an offset.
func (e *edited) copy(to int64) {
	if e.out == nil {
		e.out = make([]byte, 0, len(e.text))
	}
	e.out = append(e.out, e.text[e.upTo:to]...)
	e.upTo = to
}

// drop leaves a comment or an instruction out. What stands before and after it must
// become neither the end of a CDATA section nor one line break; parted says that an empty
// section keeps them apart.
func (e *edited) drop(from, to int64) (parted bool) {
	e.copy(from)
	if n := len(e.out); n > 0 && (e.out[n-1] == ']' || e.out[n-1] == '\r') {
		e.out = append(e.out, cdataStart+cdataEnd...)
		parted = true
	}
	e.upTo = to
	return parted
}

// spaces turns each literal line break or tab inside attribute values of a start tag into
// a space. One written as a character reference stays.
func (e *edited) spaces(from, to int64) {
	e.copy(from)
	var quote byte // the one that is open, or 0
	for i := from; i < to; i++ {
		c := e.text[i]
		switch {
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == c:
			quote = 0
		case quote != 0 && c == '\r' && e.text[i+1] == '\n': // the tag ends later
			continue // one line break, one space (§2.11)
		case quote != 0 && (c == '\n' || c == '\r' || c == '\t'):
			c = ' '
		}
		e.out = append(e.out, c)
	}
	e.upTo = to
}

func (e *edited) done() []byte {
	if e.out == nil {
		return e.text
	}
	e.copy(int64(len(e.text)))
	return e.out
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
