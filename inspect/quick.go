package inspect

import (
	"strings"
	"unicode/utf8"
)

// The quick reader reads ordinary messages, which is nearly all of them, in one
// pass and with few allocations. It refuses nothing: at whatever is out of the
// ordinary it gives up without a word, and guard and etree read the message from
// its start. So there is one authority on what is a message and why not, and a
// promise to test: what the quick reader accepts, that way accepts, and gives an
// equal tree.
//
// Out of the ordinary are a DOCTYPE, processing instructions other
// than a usual declaration, CDATA sections, names that are not ASCII, prefixes
// that are not declared, line breaks inside attribute values, and everything
// that is not well-formed or over a limit.

// quickReader is one pass over a message.
type quickReader struct {
	s      string // all strings of the tree are parts of it, but for unescaped ones
	pos    int
	limits Limits
	tokens int // still allowed

	elements []Element  // room for the next ones
	lists    []*Element // room for the next lists of children
	room     int        // how much room to make next, in elements
}

// quickFrame is an element that is open.
type quickFrame struct {
	e     *Element
	name  string // with its prefix, as the end tag has to have it
	first int    // where its children begin among those not yet placed
}

// quickAttr is an attribute as written.
type quickAttr struct {
	prefix, local string
	value         string
}

// quickTree reads an ordinary message; ok is false if it is none. text is UTF-8
// without a byte order mark, within the limit of bytes.
func quickTree(text string, limits Limits) (root *Element, ok bool) {
	r := &quickReader{s: text, limits: limits, tokens: limits.Tokens}
	if !r.declaration() || !r.blank() {
		return nil, false
	}
	// Most elements have two tags. Those that have one make it small.
	r.room = min(max(strings.Count(r.s[r.pos:], "<")/2, 1), slabSize)
	var frames [16]quickFrame
	var children [32]*Element
	open, loose := frames[:0], children[:0] // loose are children whose parent is still open
	for {
		e, name, empty, ok := r.start(open)
		if !ok {
			return nil, false
		}
		if len(open) > 0 {
			loose = append(loose, e)
		}
		if !empty {
			open = append(open, quickFrame{e, name, len(loose)})
		}
		// What follows is text, then end tags with text after them, then a start
		// tag; or the end.
		for {
			if len(open) == 0 {
				if root == nil {
					root = e
				}
				return root, r.blank() && r.pos == len(r.s)
			}
			in := &open[len(open)-1]
			t, ok := r.characters()
			if !ok {
				return nil, false
			}
			if n := len(loose); n > in.first {
				loose[n-1].Tail = t
			} else {
				in.e.Text = t
			}
			if !strings.HasPrefix(r.s[r.pos:], "</") {
				break
			}
			if !r.end(in.name) {
				return nil, false
			}
			in.e.Children = r.list(loose[in.first:])
			if len(open) == 1 {
				root = in.e
			}
			loose, open = loose[:in.first], open[:len(open)-1]
		}
	}
}

// token counts one; it is false if there are too many.
func (r *quickReader) token() bool {
	r.tokens--
	return r.tokens >= 0
}

// declaration passes over an XML declaration (XML 1.0 §2.8), if there is one.
func (r *quickReader) declaration() bool {
	if !strings.HasPrefix(r.s, "<?") {
		return true
	}
	if !strings.HasPrefix(r.s, "<?xml ") {
		return false
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
		case !ok, n == 0 && value != "1.0", n == 1 && !strings.EqualFold(value, "utf-8"), n == 2 && value != "yes" && value != "no":
			return false
		}
	}
	if !strings.HasPrefix(r.s[r.pos:], "?>") {
		return false
	}
	r.pos += len("?>")
	return r.token()
}

// blank passes over white space and comments outside of the root.
func (r *quickReader) blank() bool {
	for {
		from := r.pos
		r.space()
		if r.pos > from && !r.token() {
			return false
		}
		if !strings.HasPrefix(r.s[r.pos:], "<!--") {
			return true
		}
		if !r.comment() {
			return false
		}
	}
}

// comment passes over one (XML 1.0 §2.5).
func (r *quickReader) comment() bool {
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

// start reads a start tag, and enters what it says into an element.
func (r *quickReader) start(open []quickFrame) (e *Element, full string, empty, ok bool) {
	at := r.pos
	if at >= len(r.s) || r.s[at] != '<' || len(open) >= r.limits.Depth || !r.token() {
		return nil, "", false, false
	}
	r.pos++
	prefix, local, ok := r.name()
	if !ok || prefix == "xmlns" {
		return nil, "", false, false
	}
	full = r.s[at+1 : r.pos]
	var room [8]quickAttr
	attrs, ok := r.attributes(room[:0])
	if !ok {
		return nil, "", false, false
	}
	if r.s[r.pos] == '/' {
		empty = true
		r.pos++
		if !r.token() {
			return nil, "", false, false
		}
	}
	if r.pos >= len(r.s) || r.s[r.pos] != '>' {
		return nil, "", false, false
	}
	r.pos++
	e = r.element()
	e.Prefix, e.Name.Local, e.Offset = prefix, local, int64(at)
	if len(open) > 0 {
		e.scope = open[len(open)-1].e.scope
	}
	return e, full, empty, r.enter(e, attrs)
}

// attributes reads the attributes of a start tag up to its ">" or "/".
func (r *quickReader) attributes(attrs []quickAttr) ([]quickAttr, bool) {
	for {
		from := r.pos
		r.space()
		if r.pos >= len(r.s) {
			return nil, false
		}
		if c := r.s[r.pos]; c == '>' || c == '/' {
			return attrs, true
		}
		if r.pos == from || len(attrs) >= r.limits.Attributes {
			return nil, false
		}
		prefix, local, ok := r.name()
		if !ok {
			return nil, false
		}
		r.space()
		if r.pos >= len(r.s) || r.s[r.pos] != '=' {
			return nil, false
		}
		r.pos++
		r.space()
		value, ok := r.quoted()
		if !ok {
			return nil, false
		}
		attrs = append(attrs, quickAttr{prefix, local, value})
	}
}

// enter declares and resolves the attributes of a start tag.
func (r *quickReader) enter(e *Element, attrs []quickAttr) bool {
	parent, plain := e.scope, 0
	for i := range attrs {
		a := &attrs[i]
		prefix, declares := declaredPrefix(a.prefix, a.local)
		if !declares {
			plain++
			continue
		}
		if e.scope == parent {
			e.scope = &scope{parent: parent}
		}
		if len(a.value) > r.limits.Name || misdeclared(prefix, a.value) != "" || !e.scope.declare(prefix, a.value) {
			return false
		}
	}
	var ok bool
	if e.Name.Space, ok = e.scope.lookup(e.Prefix); !ok && e.Prefix != "" {
		return false
	}
	if plain == 0 {
		return true
	}
	e.Attrs = make([]Attr, 0, plain)
	for i := range attrs {
		a := &attrs[i]
		if _, declares := declaredPrefix(a.prefix, a.local); declares {
			continue
		}
		name := Name{Local: a.local}
		if a.prefix != "" {
			if name.Space, ok = e.scope.lookup(a.prefix); !ok {
				return false
			}
		}
		for j := range e.Attrs {
			if e.Attrs[j].Name == name {
				return false
			}
		}
		e.Attrs = append(e.Attrs, Attr{Name: name, Prefix: a.prefix, Value: a.value})
	}
	return true
}

// name reads a name with at most one prefix, in ASCII.
func (r *quickReader) name() (prefix, local string, ok bool) {
	from := r.pos
	if local, ok = r.part(); !ok {
		return "", "", false
	}
	if r.pos < len(r.s) && r.s[r.pos] == ':' {
		r.pos++
		prefix = local
		if local, ok = r.part(); !ok {
			return "", "", false
		}
	}
	return prefix, local, r.pos-from <= r.limits.Name
}

// part reads a name without a colon.
func (r *quickReader) part() (string, bool) {
	from := r.pos
	if from >= len(r.s) || quickBytes[r.s[from]]&quickFirst == 0 {
		return "", false
	}
	for r.pos++; r.pos < len(r.s) && quickBytes[r.s[r.pos]]&quickName != 0; r.pos++ {
	}
	return r.s[from:r.pos], true
}

// quoted reads an attribute's value.
func (r *quickReader) quoted() (string, bool) {
	if r.pos >= len(r.s) || r.s[r.pos] != '"' && r.s[r.pos] != '\'' {
		return "", false
	}
	from := r.pos + 1
	n := strings.IndexByte(r.s[from:], r.s[r.pos])
	if n < 0 {
		return "", false
	}
	r.pos = from + n + 1
	raw := r.s[from : from+n]
	for i := 0; i < len(raw); i++ {
		if quickBytes[raw[i]]&quickValue == 0 {
			if strings.ContainsAny(raw, "\t\r\n<") {
				return "", false
			}
			return unescapeQuick(raw)
		}
	}
	return raw, true
}

// characters reads character data up to the next tag, which there must be, without the
// comments in it.
func (r *quickReader) characters() (text string, ok bool) {
	text, ok = r.run()
	if !ok || !strings.HasPrefix(r.s[r.pos:], "<!--") {
		return text, ok
	}
	var several strings.Builder // several pieces, "" for one
	for strings.HasPrefix(r.s[r.pos:], "<!--") {
		if !r.comment() {
			return "", false
		}
		more, ok := r.run()
		switch {
		case !ok:
			return "", false
		case more == "":
			continue
		case text == "":
			text = more
			continue
		case several.Len() == 0:
			several.WriteString(text)
		}
		several.WriteString(more)
	}
	if several.Len() > 0 {
		text = several.String()
	}
	return text, true
}

// run reads character data up to the next tag or comment, which there must be.
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
			return unescapeQuick(raw)
		}
	}
	return raw, true
}

// end reads the end tag of that name.
func (r *quickReader) end(name string) bool {
	r.pos += len("</")
	if !strings.HasPrefix(r.s[r.pos:], name) {
		return false
	}
	r.pos += len(name)
	r.space()
	if r.pos >= len(r.s) || r.s[r.pos] != '>' {
		return false
	}
	r.pos++
	return r.token()
}

// slabSize is how many elements are allocated at once, at most.
const slabSize = 64

// element returns a new one.
func (r *quickReader) element() *Element {
	if len(r.elements) == 0 {
		r.elements = make([]Element, r.room)
	}
	e := &r.elements[0]
	r.elements = r.elements[1:]
	return e
}

// list returns a copy of children to keep, nil for none.
func (r *quickReader) list(children []*Element) []*Element {
	n := len(children)
	if n == 0 {
		return nil
	}
	if len(r.lists) < n {
		r.lists = make([]*Element, max(n, r.room))
	}
	list := r.lists[:n:n]
	r.lists = r.lists[n:]
	copy(list, children)
	return list
}

// unescapeQuick returns text as it is meant: references resolved, line breaks as
// LF (XML 1.0 §2.11 and §4.6).
func unescapeQuick(raw string) (string, bool) {
	if strings.Contains(raw, "]]>") {
		return "", false
	}
	var b strings.Builder
	done := 0 // raw[:done] is in b
	for i := 0; i < len(raw); {
		c := raw[i]
		switch {
		case c >= utf8.RuneSelf:
			char, n := utf8.DecodeRuneInString(raw[i:])
			if char == utf8.RuneError && n == 1 || !isXMLChar(char) {
				return "", false
			}
			i += n
		case c == '&':
			char, n := reference(raw[i:])
			if n == 0 {
				return "", false
			}
			b.WriteString(raw[done:i])
			b.WriteRune(char)
			i += n
			done = i
		case c == '\r':
			b.WriteString(raw[done:i])
			i++
			if i == len(raw) || raw[i] != '\n' {
				b.WriteByte('\n')
			}
			done = i
		case !isXMLChar(rune(c)):
			return "", false
		default:
			i++
		}
	}
	if done == 0 {
		return raw, true
	}
	b.WriteString(raw[done:])
	return b.String(), true
}

// reference reads the reference at the start of s, n bytes long: to a character
// by its number, or one of the five that need no declaration (XML 1.0 §4.1 and
// §4.6). n is 0 if it is another, or to no character.
func reference(s string) (char rune, n int) {
	end := strings.IndexByte(s[:min(len(s), len("&#x0010FFFF;"))], ';')
	if end < 0 {
		return 0, 0
	}
	name := s[1:end]
	switch name {
	case "amp":
		return '&', end + 1
	case "lt":
		return '<', end + 1
	case "gt":
		return '>', end + 1
	case "apos":
		return '\'', end + 1
	case "quot":
		return '"', end + 1
	}
	digits, base := strings.TrimPrefix(name, "#"), rune(10)
	if len(digits) == len(name) {
		return 0, 0
	}
	if strings.HasPrefix(digits, "x") {
		digits, base = digits[1:], 16
	}
	if digits == "" || len(digits) > 7 {
		return 0, 0
	}
	for _, c := range []byte(digits) {
		digit := rune(c) - '0'
		switch {
		case '0' <= c && c <= '9':
		case base == 16 && 'a' <= c|0x20 && c|0x20 <= 'f':
			digit = rune(c|0x20) - 'a' + 10
		default:
			return 0, 0
		}
		char = char*base + digit
	}
	if !isXMLChar(char) {
		return 0, 0
	}
	return char, end + 1
}

// isXMLChar reports whether c may stand in XML (1.0 §2.2).
func isXMLChar(c rune) bool {
	return c == '\t' || c == '\n' || c == '\r' || 0x20 <= c && c <= 0xd7ff || 0xe000 <= c && c <= 0xfffd || 0x10000 <= c && c <= 0x10ffff
}

// What a byte may be to the quick reader.
const (
	quickSpace = 1 << iota // white space
	quickFirst             // begins a name
	quickName              // goes on a name
	quickText              // stands for itself in character data
	quickValue             // ... and in an attribute's value
)

var quickBytes = func() (kind [256]byte) {
	for c := range kind {
		b := byte(c)
		letter := 'a' <= b|0x20 && b|0x20 <= 'z' || b == '_'
		if letter {
			kind[c] |= quickFirst
		}
		if letter || '0' <= b && b <= '9' || b == '-' || b == '.' {
			kind[c] |= quickName
		}
		if 0x20 <= b && b < utf8.RuneSelf && b != '&' && b != '<' {
			kind[c] |= quickValue
			if b != '>' { // which may end "]]>"
				kind[c] |= quickText
			}
		}
	}
	for _, b := range " \t\r\n" {
		kind[b] |= quickSpace
	}
	kind['\t'] |= quickText
	kind['\n'] |= quickText
	return kind
}()
