package cassettes

import "bytes"

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

// readTag reads the start tag at the start of b.
func readTag(b []byte) startTag {
	i := 1
	for i < len(b) && nameByte(b[i]) {
		i++
	}
	t := startTag{full: string(b[1:i])}
	t.name = local(t.full)
	for i < len(b) {
		switch c := b[i]; {
		case c == '>':
			t.size, t.empty = i+1, b[i-1] == '/'
			return t
		case c == '<': // never closed; the next tag begins
			t.size = i
			return t
		case nameByte(c):
			start := i
			for i < len(b) && nameByte(b[i]) {
				i++
			}
			from, to, next := attrValue(b, i)
			if next > i {
				t.attrs = append(t.attrs, attrSpan{string(b[start:i]), from, to})
			}
			i = next
		default:
			i++
		}
	}
	t.size = len(b)
	return t
}

// attrValue finds the value of an attribute whose name ends at i: where it is,
// and where the reading goes on; i if there is no value.
func attrValue(b []byte, i int) (from, to, next int) {
	j := i
	for j < len(b) && space(b[j]) {
		j++
	}
	if j >= len(b) || b[j] != '=' {
		return i, i, i
	}
	for j++; j < len(b) && space(b[j]); j++ {
	}
	if j < len(b) && (b[j] == '"' || b[j] == '\'') {
		end := bytes.IndexByte(b[j+1:], b[j])
		if end < 0 {
			return j + 1, len(b), len(b)
		}
		return j + 1, j + 1 + end, j + end + 2
	}
	end := j
	for end < len(b) && !space(b[end]) && b[end] != '>' { // without quotes, as in HTML
		end++
	}
	return j, end, max(end, i+1)
}

// tagEnd returns where the end tag at the start of b ends.
func tagEnd(b []byte) int {
	if i := bytes.IndexByte(b, '>'); i >= 0 {
		return i + 1
	}
	return len(b)
}

// closing returns where the end tag of that name begins in b, counting nested
// elements of the same name and passing over comments and CDATA sections;
// len(b) if it never comes.
func closing(b []byte, full string) int {
	depth := 1
	for pos := 0; ; {
		i := bytes.IndexByte(b[pos:], '<')
		if i < 0 {
			return len(b)
		}
		pos += i
		rest := b[pos:]
		switch {
		case bytes.HasPrefix(rest, []byte("<!--")):
			pos += sectionEnd(rest, 4, "-->")
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			pos += sectionEnd(rest, 9, "]]>")
		case isEndTag(rest, full):
			if depth--; depth == 0 {
				return pos
			}
			pos += 2
		default:
			t := readTag(rest)
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

func sectionEnd(b []byte, head int, mark string) int {
	if i := bytes.Index(b[head:], []byte(mark)); i >= 0 {
		return head + i + len(mark)
	}
	return len(b)
}

func isEndTag(b []byte, full string) bool {
	n := 2 + len(full)
	return bytes.HasPrefix(b, []byte("</")) && len(b) >= n && string(b[2:n]) == full && (len(b) == n || !nameByte(b[n]))
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
