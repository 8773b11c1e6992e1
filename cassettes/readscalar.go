package cassettes

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// readScalar returns where in data the bytes of a text are that a YAML scalar at
// off stands for: wanted are offsets in text, in rising order. ok is false if the
// scalar reads as another text, which that of a !!binary does.
//
// The styles of YAML differ in what they make of white space, by indenting,
// folding and chomping, and in nothing else but escapes. So white space is passed
// over on both sides, and an offset at white space is that of what follows it.
func readScalar(data []byte, off int, text string, wanted []int) (found []int, ok bool) {
	s := scalar{data: data, off: off}
	s.open()
	for i := 0; ; {
		r, n := utf8.DecodeRuneInString(text[i:])
		if n > 0 && isWhite(r) {
			i += n
			continue
		}
		if n == 0 { // what follows in the file is not looked at: a plain scalar has no mark of its end
			for len(found) < len(wanted) {
				found = append(found, s.off)
			}
			return found, true
		}
		at, got, more := s.next()
		if !more || got != r {
			return nil, false
		}
		for len(found) < len(wanted) && wanted[len(found)] < i+n {
			found = append(found, at)
		}
		i += n
	}
}

// scalar reads the characters of a YAML scalar that are not white space.
type scalar struct {
	data  []byte
	off   int
	style byte // '"', '\'' or 0
}

// open passes over what stands before the text: tag, anchor, the first line of a
// block, a quotation mark.
func (s *scalar) open() {
	for s.off < len(s.data) && (s.data[s.off] == '!' || s.data[s.off] == '&') {
		for s.off < len(s.data) && !isWhite(rune(s.data[s.off])) {
			s.off++
		}
		for s.off < len(s.data) && isWhite(rune(s.data[s.off])) {
			s.off++
		}
	}
	if s.off == len(s.data) {
		return
	}
	switch c := s.data[s.off]; c {
	case '|', '>':
		s.off = lineEnd(s.data, s.off)
	case '"', '\'':
		s.style = c
		s.off++
	}
}

// next returns the next character and where it is written; more is false at the
// end, whose place at is.
func (s *scalar) next() (at int, r rune, more bool) {
	for {
		if s.off >= len(s.data) {
			return len(s.data), 0, false
		}
		at = s.off
		r, n := utf8.DecodeRune(s.data[s.off:])
		switch {
		case s.style == '"' && r == '\\':
			r, n = escaped(s.data[s.off:])
		case s.style == '\'' && r == '\'' && bytes.HasPrefix(s.data[s.off:], []byte("''")):
			n = 2
		case s.style != 0 && r == rune(s.style):
			return at, 0, false
		}
		s.off += n
		if !isWhite(r) {
			return at, r, true
		}
	}
}

// escaped returns what an escape of a double-quoted scalar stands for and its
// length; a line break for those that stand for white space or for nothing.
func escaped(b []byte) (r rune, n int) {
	if len(b) < 2 {
		return utf8.RuneError, len(b)
	}
	if digits := escapeDigits[b[1]]; digits > 0 {
		if len(b) < 2+digits {
			return utf8.RuneError, len(b)
		}
		v, err := strconv.ParseUint(string(b[2:2+digits]), 16, 32)
		if err != nil {
			return utf8.RuneError, 2 + digits
		}
		return rune(v), 2 + digits
	}
	switch b[1] {
	case '0':
		return 0, 2
	case 'a':
		return '\a', 2
	case 'b':
		return '\b', 2
	case 'v':
		return '\v', 2
	case 'f':
		return '\f', 2
	case 'e':
		return 0x1b, 2
	case '_':
		return 0xa0, 2
	case '"', '/', '\\':
		return rune(b[1]), 2
	}
	return '\n', 2 // \n \t \r \N \L \P, a space, the end of a line
}

// isWhite says which characters a scalar may change or drop.
func isWhite(r rune) bool {
	switch r {
	case ' ', '\t', '\n', '\r', '\u0085', '\u2028', '\u2029', '\ufeff':
		return true
	}
	return false
}
