package cassettes

import (
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The scalars of the encoder. Every string goes to the file in the first of
// these forms that every YAML reader gives back exactly:
//
//	plain          text/xml; charset=utf-8
//	literal        |- and lines indented under it (bodies only)
//	double-quoted  "tab \t, smile \U0001F600"
//	!!binary       base64, for what is not UTF-8

const hexDigits = "0123456789abcdef"

// plainByte says which bytes may stand inside a plain scalar at any place but
// the first. Left out is most of what means something to YAML anywhere: the
// colon and the comma are needed for URLs and dates.
var plainByte = func() (ok [256]bool) {
	for c := 'a'; c <= 'z'; c++ {
		ok[c], ok[c-'a'+'A'] = true, true
	}
	for c := '0'; c <= '9'; c++ {
		ok[c] = true
	}
	for _, c := range " _./:-+=;()?&%@*,~" {
		ok[c] = true
	}
	return ok
}()

// isWord says whether some YAML 1.1 or 1.2 reader takes s for something else
// than a string, in any mix of cases. Words that do not start with a letter
// need not be here: plainSafe refuses them.
func isWord(s string) bool {
	if len(s) > len("infinity") {
		return false
	}
	var lower [len("infinity")]byte
	for i := range len(s) {
		lower[i] = s[i] | 0x20
	}
	switch string(lower[:len(s)]) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity":
		return true
	}
	return false
}

// plainSafe says whether s, unquoted, is a string to every YAML reader.
func plainSafe(s string) bool {
	if s == "" || len(s) > 512 {
		return false
	}
	// Starting with a letter or a slash, it is no number, date, sign, dot,
	// indicator, merge key or document marker.
	first := s[0]
	if !isLetter(first) && first != '/' && !startsWithStatus(s) {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !plainByte[c] {
			return false
		}
		if c == ':' && (i+1 == len(s) || s[i+1] == ' ') {
			return false
		}
	}
	if s[len(s)-1] == ' ' {
		return false
	}
	return !isWord(s)
}

// startsWithStatus says whether s is like "200 OK", which no reader takes for
// a number or a date.
func startsWithStatus(s string) bool {
	return len(s) > 4 && isDigit(s[0]) && isDigit(s[1]) && isDigit(s[2]) && s[3] == ' ' && isLetter(s[4])
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

// visible says whether r may stand unescaped in a quoted or literal scalar:
// YAML allows it, and a reviewer sees it. Format characters, such as those
// that reverse the direction of text, are not.
func visible(r rune) bool {
	if r < 0x7f {
		return r >= 0x20
	}
	return unicode.IsGraphic(r) && r != '\u2028' && r != '\u2029' && r != utf8.RuneError
}

// appendString appends s as a scalar on one line.
func appendString(b []byte, s string) []byte {
	if plainSafe(s) {
		return append(b, s...)
	}
	if !utf8.ValidString(s) {
		b = append(b, "!!binary "...)
		return base64.StdEncoding.AppendEncode(b, []byte(s))
	}
	return appendQuoted(b, s)
}

// appendQuoted appends s, which must be UTF-8, in double quotes.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0 // of the run not yet appended
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if c >= 0x20 && c < 0x7f && c != '"' && c != '\\' {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			b = appendEscape(b, rune(c))
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if !visible(r) {
			b = append(b, s[start:i]...)
			b = appendEscape(b, r)
			start = i + n
		}
		i += n
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

func appendEscape(b []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(b, '\\', byte(r))
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	letter, digits := byte('U'), 8
	switch {
	case r <= 0xff:
		letter, digits = 'x', 2
	case r <= 0xffff:
		letter, digits = 'u', 4
	}
	b = append(b, '\\', letter)
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		b = append(b, hexDigits[r>>shift&0xf])
	}
	return b
}

const (
	noByte    = iota
	textByte  // may stand in a literal
	runeStart // of more than one byte, or not UTF-8
)

var literalByte = func() (kind [256]byte) {
	for c := range kind {
		switch {
		case c == '\n', c == '\t', c >= 0x20 && c < 0x7f:
			kind[c] = textByte
		case c >= utf8.RuneSelf:
			kind[c] = runeStart
		}
	}
	return kind
}()

// literalSafe says whether s, as a block literal, is read back exactly. It
// must not start with white space, which a reader takes for indentation, and
// have nothing in it that YAML treats as a line break (other than LF), forbids,
// or a reviewer would not see.
func literalSafe(s string) bool {
	if s == "" || s[0] == ' ' || s[0] == '\t' || s[0] == '\n' {
		return false
	}
	for i := 0; i < len(s); {
		switch literalByte[s[i]] {
		case textByte:
			i++
			continue
		case noByte:
			return false
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if !visible(r) { // RuneError, too: U+FFFD itself is better seen as an escape
			return false
		}
		i += n
	}
	return true
}

// appendBody appends s as a block literal whose lines start with indent, or
// else as appendString does but never plain. What it appends does not end in a
// line break.
func appendBody(b []byte, s, indent string) []byte {
	if !literalSafe(s) {
		if !utf8.ValidString(s) {
			return appendString(b, s)
		}
		return appendQuoted(b, s)
	}
	// "-" strips the last line break, "+" keeps all of them, and without
	// either there is exactly one.
	b = append(b, '|')
	text := strings.TrimSuffix(s, "\n")
	switch {
	case len(text) == len(s):
		b = append(b, '-')
	case strings.HasSuffix(text, "\n"):
		b = append(b, '+')
	}
	for {
		line, rest, more := strings.Cut(text, "\n")
		b = append(b, '\n')
		if line != "" {
			b = append(b, indent...)
			b = append(b, line...)
		}
		if !more {
			return b
		}
		text = rest
	}
}
