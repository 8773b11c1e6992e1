package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// cell makes text from the wire fit for one cell of a table: one line, nothing
// that moves a terminal's cursor.
func cell(s string) string {
	if s == "" {
		return "-"
	}
	return Printable(s)
}

// Printable replaces what could move a terminal's cursor, turn the direction of
// what follows, or break a line.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || misleads(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

// misleads reports a character over U+0020 that changes how others are shown:
// C1 controls, line separators, marks and overrides of direction.
func misleads(r rune) bool {
	switch {
	case r < 0x7f:
		return false
	case r < 0xa0, r == 0x061c, r == 0x200e, r == 0x200f, r == 0x2028, r == 0x2029:
		return true
	}
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// Escaping returns a writer that writes JSON on to w, as that of this package is:
// what could mislead a reader of a terminal is escaped. Each Write must be of whole
// characters.
func Escaping(w io.Writer) io.Writer { return escapingWriter{w} }

// escapingWriter writes JSON on, with the characters that mislead a reader of a
// terminal as escapes. They occur inside strings only, where both are the same.
// Each Write must be of whole characters, as those of an encoder are.
type escapingWriter struct{ w io.Writer }

func (a escapingWriter) Write(p []byte) (int, error) {
	var out []byte // nil while p is fine as it is
	done := 0
	for i := 0; i < len(p); {
		r, n := utf8.DecodeRune(p[i:])
		if misleads(r) {
			out = fmt.Appendf(append(out, p[done:i]...), `\u%04x`, r)
			done = i + n
		}
		i += n
	}
	if out == nil {
		return a.w.Write(p)
	}
	if _, err := a.w.Write(append(out, p[done:]...)); err != nil {
		return 0, err
	}
	return len(p), nil
}
