package inspect

import (
	"strings"
	"unicode/utf8"
)

// characters reads character data up to the next tag, which there must be: CDATA sections
// are such, comments and instructions in it are left out.
func (r *quickReader) characters() (text string, ok bool) {
	text, ok = r.run()
	if !ok || !r.aside() {
		return text, ok
	}
	several := pieces{one: text}
	for r.aside() {
		section := ""
		if strings.HasPrefix(r.s[r.pos:], cdataStart) {
			section, ok = r.cdata()
		} else {
			ok = r.unsaid()
		}
		if !ok {
			return "", false
		}
		several.add(section)
		more, ok := r.run()
		if !ok {
			return "", false
		}
		several.add(more)
	}
	return several.String(), r.room.take(several.all.Len())
}

// aside reports whether what follows is neither text nor a tag.
func (r *quickReader) aside() bool {
	return r.pos+1 < len(r.s) && r.s[r.pos] == '<' && (r.s[r.pos+1] == '!' || r.s[r.pos+1] == '?')
}

// pieces are texts put together; while there is but one, it is not copied.
type pieces struct {
	one string
	all strings.Builder // "" for one
}

func (p *pieces) add(s string) {
	switch {
	case s == "":
	case p.one == "":
		p.one = s
	default:
		if p.all.Len() == 0 {
			p.all.WriteString(p.one)
		}
		p.all.WriteString(s)
	}
}

func (p *pieces) String() string {
	if p.all.Len() == 0 {
		return p.one
	}
	return p.all.String()
}

// run reads character data up to the next "<", which there must be.
func (r *quickReader) run() (string, bool) {
	n := strings.IndexByte(r.s[r.pos:], '<')
	if n <= 0 {
		return "", n == 0
	}
	raw := r.s[r.pos : r.pos+n]
	r.pos += n
	if !r.token() {
		return "", false
	}
	for i := 0; i < len(raw); i++ {
		if quickBytes[raw[i]]&quickText == 0 {
			return r.unescaped(raw)
		}
	}
	return raw, true
}

// unescaped is [unescape], within the room.
func (r *quickReader) unescaped(raw string) (string, bool) {
	text, ok := unescape(raw)
	return text, ok && (len(text) == len(raw) || r.room.take(len(text)))
}

const cdataStart, cdataEnd = "<![CDATA[", "]]>"

// cdata reads a CDATA section (XML 1.0 §2.7), in which only line breaks are not what is
// written.
func (r *quickReader) cdata() (string, bool) {
	from := r.pos + len(cdataStart)
	n := strings.Index(r.s[from:], cdataEnd)
	if n < 0 || !r.token() {
		return "", false
	}
	r.pos = from + n + len(cdataEnd)
	raw := r.s[from : from+n]
	for _, char := range raw {
		if char == utf8.RuneError || !isXMLChar(char) {
			return "", false // U+FFFD as it is, too, which is rare
		}
	}
	if strings.IndexByte(raw, '\r') < 0 {
		return raw, true
	}
	return lineBreaks.Replace(raw), r.room.take(len(raw))
}

// lineBreaks become one character each (XML 1.0 §2.11).
var lineBreaks = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// declaration passes over an XML declaration (XML 1.0 §2.8), if there is one.
func (r *quickReader) declaration() bool {
	if !strings.HasPrefix(r.s, "<?xml ") {
		return true // or an unusual one, which no instruction is
	}
	r.pos = len("<?xml")
	for n, want := range [...]string{"version", "encoding", "standalone"} {
		r.space()
		if !strings.HasPrefix(r.s[r.pos:], want+"=") {
			if n == 0 {
				return false
			}
			continue
		}
		r.pos += len(want) + len("=")
		value, ok := r.quoted()
		switch {
		case !ok, n == 0 && value != "1.0", n == 1 && !isEncoding(value), n == 2 && value != "yes" && value != "no":
			return false
		}
	}
	if !strings.HasPrefix(r.s[r.pos:], "?>") {
		return false
	}
	r.pos += len("?>")
	return r.token()
}

// isEncoding reports whether a declaration may name an encoding so (XML 1.0 §4.3.3). Which
// one does not matter any more, the text being decoded.
func isEncoding(name string) bool {
	for i := range len(name) {
		if quickBytes[name[i]]&quickName == 0 {
			return false
		}
	}
	return name != "" && quickBytes[name[0]]&quickFirst != 0
}

// blank passes over white space, comments and instructions outside of the root.
func (r *quickReader) blank() bool {
	for {
		from := r.pos
		r.space()
		if r.pos > from && !r.token() {
			return false
		}
		if !r.aside() {
			return true
		}
		if !r.unsaid() {
			return false
		}
	}
}

// unsaid passes over a comment or an instruction.
func (r *quickReader) unsaid() bool {
	if strings.HasPrefix(r.s[r.pos:], "<?") {
		return r.instruction()
	}
	return r.comment()
}

// instruction passes over a usual one (XML 1.0 §2.6), of printable ASCII.
func (r *quickReader) instruction() bool {
	r.pos += len("<?")
	target, ok := r.part()
	if !ok || strings.EqualFold(target, "xml") {
		return false
	}
	n := strings.Index(r.s[r.pos:], "?>")
	if n < 0 || n > 0 && quickBytes[r.s[r.pos]]&quickSpace == 0 || !r.token() {
		return false
	}
	for _, c := range []byte(r.s[r.pos : r.pos+n]) {
		if quickBytes[c]&(quickSpace|quickValue) == 0 && c != '&' && c != '<' {
			return false
		}
	}
	r.pos += n + len("?>")
	return true
}

// comment passes over one (XML 1.0 §2.5).
func (r *quickReader) comment() bool {
	if !strings.HasPrefix(r.s[r.pos:], "<!--") {
		return false
	}
	from := r.pos + len("<!--")
	n := strings.Index(r.s[from:], "--")
	if n < 0 || !strings.HasPrefix(r.s[from+n:], "-->") || !r.token() {
		return false
	}
	r.pos = from + n + len("-->")
	for _, char := range r.s[from : from+n] {
		if char == utf8.RuneError || !isXMLChar(char) {
			return false
		}
	}
	return true
}

func (r *quickReader) space() {
	for r.pos < len(r.s) && quickBytes[r.s[r.pos]]&quickSpace != 0 {
		r.pos++
	}
}
