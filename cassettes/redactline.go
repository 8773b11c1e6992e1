package cassettes

import (
	"net/http"
	"regexp"
	"strings"
)

// Headers that hold credentials, as they stand in messages, logs and commands.

// headerLine is a header that holds credentials as it stands in a message, in a log or in
// an option of a command, up to its value.
var headerLine = regexp.MustCompile(`(?i)(?:^|[^\w-])((?:proxy-)?authorization|(?:set-)?cookie2?)["']?[ \t]*:[ \t]*`)

// redactLines replaces the credentials of headers in text.
func redactLines(text string, note forming) string {
	var b strings.Builder
	done := 0
	list := headerLine.FindAllStringSubmatchIndex(text, -1)
	for n, m := range list {
		from, next := m[1], len(text)
		if n+1 < len(list) {
			next = list[n+1][0]
		}
		to := from + fieldEnd(text[from:next], text[max(m[2]-1, 0)])
		value := strings.TrimRight(text[from:to], " \t")
		lead := ""
		if value != "" && (value[0] == '"' || value[0] == '\'') {
			lead = value[:1]
			value, _, _ = strings.Cut(value[1:], lead)
		}
		clean := redactLine(http.CanonicalHeaderKey(text[m[2]:m[3]]), value)
		if clean == value {
			continue
		}
		from += len(lead)
		note.tell(kindLine, from)
		b.WriteString(text[done:from] + clean)
		done = from + len(value)
	}
	if done == 0 {
		return text
	}
	return b.String() + text[done:]
}

// fieldEnd returns where the value of a header ends: with the line, with one that is
// written as an escape, at a tag, or at the quote that stands before the name.
func fieldEnd(text string, before byte) int {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\r' || c == '\n' || c == '<':
			return i
		case c == before && (c == '"' || c == '\''):
			return i
		case c == '\\' && i+1 < len(text):
			if text[i+1] == 'r' || text[i+1] == 'n' {
				return i
			}
			i++
		}
	}
	return len(text)
}

// redactLine returns the value of a header of such a name, in canonical form, without
// credentials. What may be a sentence about one stays.
func redactLine(name, value string) string {
	if strings.Contains(name, "Cookie") {
		if strings.IndexByte(value, '=') < 0 {
			return value
		}
		return redactNamedHeader(name, value, true)
	}
	first, rest, _ := strings.Cut(value, " ")
	scheme := authSchemes[strings.ToLower(first)]
	if !scheme {
		rest = value
	}
	rest = strings.TrimSpace(rest)
	switch {
	case rest == "" || rest == redacted:
		return value
	case strings.IndexByte(rest, ' ') >= 0 && strings.IndexByte(rest, '=') < 0: // words
		return value
	case !strings.ContainsAny(rest, "0123456789=+/_") && (!scheme || len(rest) < 12): // a word
		return value
	}
	return redactNamedHeader("Authorization", value, true)
}
