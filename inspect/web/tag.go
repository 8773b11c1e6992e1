package web

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// name is how an interaction is known: FILE#ID.
func name(r Row) string {
	if r.File == "" {
		return ""
	}
	return fmt.Sprintf("%s#%d", r.File, r.ID)
}

// splitName takes FILE#ID apart.
func splitName(s string) (file string, id int, ok bool) {
	at := strings.LastIndexByte(s, '#')
	if at < 0 {
		return "", 0, false
	}
	id, err := strconv.Atoi(s[at+1:])
	return s[:at], id, err == nil
}

// tagOf is the number of the start tag that a finding is about, from 0, by which it is
// found in the indented message as well, and in one with other text; -1 for none.
func tagOf(r *inspect.Reading, f inspect.Finding) int {
	m := r.Request
	if f.Part == "response" {
		m = r.Response
	}
	if m == nil || f.Part == "" || f.Line < 1 {
		return -1
	}
	text, line := m.Text(), 1
	at := 0
	for ; line < f.Line; line++ {
		n := strings.IndexByte(text[at:], '\n')
		if n < 0 {
			return -1
		}
		at += n + 1
	}
	return startTags(text[:min(len(text), at+max(f.Column, 1)-1)])
}

// startTags counts the start tags in the beginning of a well-formed document.
func startTags(text string) (n int) {
	skip := func(end string) {
		if i := strings.Index(text, end); i >= 0 {
			text = text[i+len(end):]
		} else {
			text = ""
		}
	}
	for {
		i := strings.IndexByte(text, '<')
		if i < 0 || i+1 == len(text) {
			return n
		}
		text = text[i:]
		switch {
		case strings.HasPrefix(text, "<!--"):
			skip("-->")
		case strings.HasPrefix(text, "<![CDATA["):
			skip("]]>")
		case text[1] == '?':
			skip("?>")
		case text[1] == '/', text[1] == '!':
			text = text[1:]
		default:
			n++
			text = text[1:]
		}
	}
}
