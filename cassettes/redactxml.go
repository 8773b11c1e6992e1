package cassettes

import (
	"html"
	"strings"
	"sync"

	"github.com/umtape/umtape/inspect"
)

// redactTags replaces, in UTF-8 text with tags in it, the text of secret
// elements, the values of secret attributes and the whole of what holds nothing
// but secrets. It does not ask for well-formedness, since a broken message can
// hold a secret too: what is never closed is redacted to the end.
func redactTags(text string) string { return redactNested(text, 0) }

// maxNested bounds how deep messages inside comments, sections and texts of
// messages are looked for; deeper ones are read as part of what holds them.
const maxNested = 4

func redactNested(text string, depth int) string {
	r := tagRedactors.Get().(*tagRedactor)
	defer r.recycle()
	r.text, r.depth = text, depth
	r.run()
	if r.copied == 0 {
		return text
	}
	return string(append(r.out, text[r.copied:]...))
}

// tagRedactor is one pass over a text. out holds text[:copied], redacted.
type tagRedactor struct {
	text   string
	out    []byte
	copied int
	open   []openTag
	depth  int             // of nested messages
	refs   map[string]bool // ids of elements that hold what a secret one refers to
	attrs  []attrSpan      // of the tag at hand
}

var tagRedactors = sync.Pool{New: func() any { return new(tagRedactor) }}

// recycle keeps the room of a pass that has ended for another one, but nothing of
// the text, and no more room than most texts take.
func (r *tagRedactor) recycle() {
	open, attrs := r.open[:0], r.attrs[:0]
	if cap(open) > 64 || cap(attrs) > 64 {
		open, attrs = nil, nil
	}
	clear(open[:cap(open)])
	clear(attrs[:cap(attrs)])
	*r = tagRedactor{open: open, attrs: attrs}
	tagRedactors.Put(r)
}

type openTag struct {
	name   string // with prefix
	secret bool   // its own text is a credential
	named  bool   // a child says that the value beside it is one: <Name>Password</Name><Value>
	value  [2]int // where the text of a child Value was, before a Name came
}

// maxOpen bounds the stack on hostile input; deeper elements have no secret
// ancestors of their own.
const maxOpen = 4096

func (r *tagRedactor) replace(from, to int, with string) {
	if from < r.copied || from >= to {
		return
	}
	r.out = append(append(r.out, r.text[r.copied:from]...), with...)
	r.copied = to
}

func (r *tagRedactor) run() {
	for pos := 0; pos < len(r.text); {
		next := strings.IndexByte(r.text[pos:], '<')
		if next < 0 {
			r.characters(pos, len(r.text))
			return
		}
		r.characters(pos, pos+next)
		pos = r.markup(pos + next)
	}
}

// markup handles what begins with "<" at pos, and returns where it ends.
func (r *tagRedactor) markup(pos int) int {
	rest := r.text[pos:]
	switch {
	case strings.HasPrefix(rest, "<!--"):
		return r.section(pos, 4, "-->")
	case strings.HasPrefix(rest, "<![CDATA["):
		return r.section(pos, 9, "]]>")
	case strings.HasPrefix(rest, "</"):
		end := tagEnd(rest)
		r.close(strings.TrimSpace(strings.TrimSuffix(rest[2:end], ">")))
		return pos + end
	case strings.HasPrefix(rest, "<!"), strings.HasPrefix(rest, "<?"):
		return pos + 2
	}
	t := readTag(rest, r.attrs)
	r.attrs = t.attrs
	if t.name == "" {
		return pos + 1
	}
	return r.start(pos, t)
}

// section handles a comment or a CDATA section, which can hold a message of its
// own.
func (r *tagRedactor) section(pos, head int, mark string) int {
	from := pos + head
	if r.depth == maxNested && !r.inSecret() {
		return from
	}
	end, next := len(r.text), len(r.text)
	if i := strings.Index(r.text[from:], mark); i >= 0 {
		end, next = from+i, from+i+len(mark)
	}
	inner := r.text[from:end]
	if r.inSecret() {
		if strings.TrimSpace(inner) != "" {
			r.replace(from, end, redacted)
		}
	} else if clean := redactNested(inner, r.depth+1); clean != inner {
		r.replace(from, end, clean)
	}
	return next
}

func (r *tagRedactor) inSecret() bool { return len(r.open) > 0 && r.open[len(r.open)-1].secret }

// characters handles character data.
func (r *tagRedactor) characters(from, to int) {
	trimmed := strings.TrimSpace(r.text[from:to])
	if trimmed == "" {
		return
	}
	if r.inSecret() {
		if !isBoolean(trimmed) {
			r.replace(from, to, redacted)
		}
		return
	}
	if n := len(r.open); n >= 2 {
		here, parent := local(r.open[n-1].name), &r.open[n-2]
		switch {
		case isNaming(here) && secretName(trimmed):
			parent.named = true
			r.replace(parent.value[0], parent.value[1], redacted)
		case isValueName(here) && (parent.named || parent.secret):
			r.replace(from, to, redacted)
			return
		case isValueName(here):
			parent.value = [2]int{from, to}
		}
	}
	r.value(from, to)
}

// value handles the text of an element or an attribute that is no secret as a
// whole, but may hold one.
func (r *tagRedactor) value(from, to int) {
	if r.depth >= maxNested {
		return
	}
	raw := r.text[from:to]
	plain := html.UnescapeString(raw)
	if clean := redactValue(plain, r.depth+1); clean != plain {
		r.replace(from, to, inspect.Escape(clean))
	}
}

// redactValue takes credentials out of a value that is a message, a JSON text or
// a URL of its own.
func redactValue(value string, depth int) string {
	trimmed := strings.TrimSpace(value)
	switch {
	case depth > maxNested:
		return value
	case strings.HasPrefix(trimmed, "{"), strings.HasPrefix(trimmed, "["):
		if strings.Contains(trimmed, `"`) {
			return redactJSON(value)
		}
	case strings.Contains(value, "<"):
		return redactNested(value, depth)
	case strings.Contains(value, "//"):
		return redactURL(value)
	}
	return value
}

// isBoolean reports whether a text is a schema's boolean: <HasPassword>true says
// nothing that is secret.
func isBoolean(s string) bool { return strings.EqualFold(s, "true") || strings.EqualFold(s, "false") }

// isValueName reports whether a name is that of a value in a pair of name and
// value.
func isValueName(name string) bool {
	return foldsTo(name, "value", "val", "text", "string", "data", "content")
}

func (r *tagRedactor) start(pos int, t startTag) int {
	attr := func(a attrSpan) string { return r.text[pos+a.from : pos+a.to] }
	named, secret := false, secretElement(t.name, r.parent()) // named: as in <Property Name="Password">
	for _, a := range t.attrs {
		switch name := local(a.name); {
		case name == "href" && secret: // a SOAP 1.1 §5 reference
			if r.refs == nil {
				r.refs = map[string]bool{}
			}
			r.refs[strings.TrimPrefix(attr(a), "#")] = true
		case name == "id" && r.refs[attr(a)]:
			secret = true
		case isNaming(name) && secretName(attr(a)):
			named = true
		}
	}
	for _, a := range t.attrs {
		name := local(a.name)
		switch {
		case a.name == "xmlns", strings.HasPrefix(a.name, "xmlns:"), isNaming(name), strings.EqualFold(name, "type"), name == "href":
		case isBoolean(attr(a)):
		case secretName(name), named && isValueName(name):
			if a.to > a.from {
				r.replace(pos+a.from, pos+a.to, redacted)
			}
		default:
			r.value(pos+a.from, pos+a.to)
		}
	}
	end := pos + t.size
	switch {
	case t.empty:
	case secretWhole[t.name], isSAML(r.text[pos:end], t.name):
		size := closing(r.text[end:], t.full)
		if strings.TrimSpace(r.text[end:end+size]) != "" {
			r.replace(end, end+size, redacted)
		}
		return end + size
	case len(r.open) < maxOpen:
		r.open = append(r.open, openTag{name: t.full, secret: named || secret})
	}
	return end
}

// parent is the local name of the innermost open element, "" if there is none.
func (r *tagRedactor) parent() string {
	if len(r.open) == 0 {
		return ""
	}
	return local(r.open[len(r.open)-1].name)
}

// isSAML reports whether a start tag is that of a SAML assertion, by its prefix
// or its namespace.
func isSAML(tag, name string) bool {
	return (name == "Assertion" || name == "EncryptedAssertion") && strings.Contains(strings.ToLower(tag), "saml")
}

func isNaming(attr string) bool {
	return foldsTo(local(attr), "name", "key", "id", "parametername", "propertyname")
}

// close ends the innermost open element of that name. An end tag that fits none
// ends nothing.
func (r *tagRedactor) close(full string) {
	for i := len(r.open) - 1; i >= 0 && i >= len(r.open)-64; i-- {
		if r.open[i].name == full {
			r.open = r.open[:i]
			return
		}
	}
}

// secretWhole are elements of which nothing is kept, children and all: tokens of
// WS-Security and WS-Trust, and what is encrypted. SAML's are told by isSAML.
var secretWhole = map[string]bool{
	"BinarySecurityToken": true, "SecurityContextToken": true, "BinarySecret": true, "BinaryExchange": true, "CipherValue": true,
}

// secretElement reports whether the text of an element of that local name is a
// credential, inside of parent: passwords, PINs and tokens under any name, and
// the digest material of WS-Security's UsernameToken (1.1 §3.1).
func secretElement(name, parent string) bool {
	switch name {
	case "Nonce":
		return parent == "UsernameToken"
	case "Authorization", "ProxyAuthorization", "Proxy-Authorization", "Cookie", "SetCookie", "Set-Cookie":
		return true
	}
	return secretName(name)
}
