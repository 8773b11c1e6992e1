package cassettes

import "strings"

type startTag struct {
	full  string // with prefix
	name  string // local name; "" if there is no tag
	attrs []attrSpan
	size  int
	empty bool // <a/>
}

// attrSpan is an attribute's name, with prefix, and where its value is in the
// tag.
type attrSpan struct {
	name     string
	from, to int
}

// readTag reads the start tag at the start of s. Its attributes are appended to
// attrs[:0].
func readTag(s string, attrs []attrSpan) startTag {
	i := 1
	for i < len(s) && nameByte(s[i]) {
		i++
	}
	t := startTag{full: s[1:i], attrs: attrs[:0]}
	t.name = local(t.full)
	for i < len(s) {
		switch c := s[i]; {
		case c == '>':
			t.size, t.empty = i+1, s[i-1] == '/'
			return t
		case c == '<': // never closed; the next tag begins
			t.size = i
			return t
		case nameByte(c):
			start := i
			for i < len(s) && nameByte(s[i]) {
				i++
			}
			from, to, next := attrValue(s, i)
			if next > i {
				t.attrs = append(t.attrs, attrSpan{s[start:i], from, to})
			}
			i = next
		default:
			i++
		}
	}
	t.size = len(s)
	return t
}

// attrValue finds the value of an attribute whose name ends at i: where it is,
// and where the reading goes on; i if there is no value.
func attrValue(s string, i int) (from, to, next int) {
	j := i
	for j < len(s) && space(s[j]) {
		j++
	}
	if j >= len(s) || s[j] != '=' {
		return i, i, i
	}
	for j++; j < len(s) && space(s[j]); j++ {
	}
	if j < len(s) && (s[j] == '"' || s[j] == '\'') {
		end := strings.IndexByte(s[j+1:], s[j])
		if end < 0 {
			return j + 1, len(s), len(s)
		}
		return j + 1, j + 1 + end, j + end + 2
	}
	end := j
	for end < len(s) && !space(s[end]) && s[end] != '>' { // without quotes, as in HTML
		end++
	}
	return j, end, max(end, i+1)
}

// tagEnd returns where the end tag at the start of s ends: with its ">", or where another
// tag begins before.
func tagEnd(s string) int {
	for i := len("</"); i < len(s); i++ {
		switch s[i] {
		case '>':
			return i + 1
		case '<':
			return i
		}
	}
	return len(s)
}

// closing returns where the end tag of that name begins in s, counting nested
// elements of the same name and passing over comments and CDATA sections;
// len(s) if it never comes.
func closing(s string, full string) int {
	depth := 1
	var attrs []attrSpan
	for pos := 0; ; {
		i := strings.IndexByte(s[pos:], '<')
		if i < 0 {
			return len(s)
		}
		pos += i
		rest := s[pos:]
		switch {
		case strings.HasPrefix(rest, "<!--"):
			pos += sectionEnd(rest, 4, "-->")
		case strings.HasPrefix(rest, "<![CDATA["):
			pos += sectionEnd(rest, 9, "]]>")
		case isEndTag(rest, full):
			if depth--; depth == 0 {
				return pos
			}
			pos += 2
		default:
			t := readTag(rest, attrs)
			attrs = t.attrs
			if t.full == full && !t.empty {
				depth++
			}
			pos += max(t.size, 1)
			if t.name == "" {
				pos = pos - max(t.size, 1) + 1
			}
		}
	}
}

func sectionEnd(s string, head int, mark string) int {
	if i := strings.Index(s[head:], mark); i >= 0 {
		return head + i + len(mark)
	}
	return len(s)
}

func isEndTag(s string, full string) bool {
	n := 2 + len(full)
	return strings.HasPrefix(s, "</") && len(s) >= n && s[2:n] == full && (len(s) == n || !nameByte(s[n]))
}

func local(name string) string {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == ':' {
			return name[i+1:]
		}
	}
	return name
}

func nameByte(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.' || c == ':' || c >= 0x80
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
