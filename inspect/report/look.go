package report

import (
	"strings"

	"github.com/rivo/uniseg"
)

// Look is how text for people is laid out. The zero value is for a pipe: whole
// and plain.
type Look struct {
	Width int  // columns to keep to; 0 for as many as it takes
	Color bool // escape sequences may be used
}

// style is the parameter of an escape sequence that sets colours (ECMA-48 SGR).
type style string

const (
	plain  style = ""
	bold   style = "1"
	faint  style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	cyan   style = "36"
)

// paint returns s in a style. s must be [Printable].
func (l Look) paint(how style, s string) string {
	if !l.Color || how == plain || s == "" {
		return s
	}
	return "\x1b[" + string(how) + "m" + s + "\x1b[0m"
}

// columns is how many columns of a terminal s takes: two for a wide character of
// East Asia, none for one that is put over another (UAX 11, UAX 29).
func columns(s string) int {
	if isASCII(s) {
		return len(s)
	}
	return uniseg.StringWidth(s)
}

// cut returns as much of s as has room in so many columns, the last of them "…" if
// that is not all.
func cut(s string, room int) (short string, whole bool) {
	if len(s) <= room || columns(s) <= room {
		return s, true
	}
	if room <= 0 {
		return "", false
	}
	used, end, state := 0, 0, -1
	for rest := s; rest != ""; {
		var cluster string
		var width int
		cluster, rest, width, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used+width > room-1 {
			break
		}
		used += width
		end += len(cluster)
	}
	return s[:end] + "…", false
}

// fit cuts s to what is left of a line of which other things take so many columns.
func (l Look) fit(s string, others int) (short string, whole bool) {
	if l.Width <= 0 {
		return s, true
	}
	return cut(s, max(l.Width-others, 1))
}

// Wrap breaks a line of words, where there is a space, into those that the terminal has
// room for.
func (l Look) Wrap(text string) string { return l.sentence(plain, text) }

// sentence is a line of words in as many lines as the terminal needs, those after the
// first indented.
func (l Look) sentence(how style, text string) string {
	if l.Width <= 0 || columns(text) <= l.Width {
		return l.paint(how, text)
	}
	indent := len(text) - len(strings.TrimLeft(text, " "))
	var lines []string
	for line := range wrap(text, max(l.Width-indent-2, 1)) {
		at := strings.Repeat(" ", indent)
		if len(lines) > 0 {
			at += "  "
		}
		lines = append(lines, at+l.paint(how, line))
	}
	return strings.Join(lines, "\n")
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// pad writes s, already cut to so many columns, in so many.
func pad(b *strings.Builder, look Look, c field, room int, last bool) {
	gap := max(0, room-columns(c.text))
	if c.right {
		b.WriteString(strings.Repeat(" ", gap))
	}
	b.WriteString(look.paint(c.style, c.text))
	if !c.right && !last {
		b.WriteString(strings.Repeat(" ", gap))
	}
}
