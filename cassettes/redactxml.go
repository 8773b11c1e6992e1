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
func redactTags(text string) string { return redactTagsNoting(text, nil) }

// redactTagsNoting tells of each place by the path of its element from the Envelope
// on, or from the root.
func redactTagsNoting(text string, note noting) string {
	r := tagRedactors.Get().(*tagRedactor)
	defer r.recycle()
	r.text, r.note = text, note
	return r.result()
}

// redactPlainNoting is redactTagsNoting for text that may have tags in it, and in which
// what is outside of them is not escaped.
func redactPlainNoting(text string, note noting) string {
	r := tagRedactors.Get().(*tagRedactor)
	defer r.recycle()
	r.text, r.note, r.verbatim = text, note, true
	return r.result()
}

// maxNested bounds how deep messages inside comments, sections and texts of
// messages are looked for; deeper ones are read as part of what holds them.
const maxNested = 4

func redactNested(text string, depth int) string { return redactInner(text, depth, false) }

// redactInner redacts what is inside of a message. verbatim says that what is outside
// of its tags, if it has any, is not escaped, as in a comment or a CDATA section.
func redactInner(text string, depth int, verbatim bool) string {
	r := tagRedactors.Get().(*tagRedactor)
	defer r.recycle()
	r.text, r.depth, r.verbatim = text, depth, verbatim
	return r.result()
}

func (r *tagRedactor) result() string {
	r.run()
	if r.copied == 0 {
		return r.text
	}
	return string(append(r.out, r.text[r.copied:]...))
}

// tagRedactor is one pass over a text. out holds text[:copied], redacted.
type tagRedactor struct {
	text   string
	out    []byte
	copied int
	open   []openTag
	depth  int // of nested messages
	note   noting
	here   string // what of the innermost element is being looked at; "" for its text

	verbatim bool            // what is outside of elements is not escaped
	refs     map[string]bool // ids of elements that hold what a secret one refers to
	attrs    []attrSpan      // of the tag at hand

	entities *entities // declared in a DOCTYPE; nil until one comes

	sought, saml bool // whether SAML's namespaces were looked for, and are there

	asked, defining bool // the same of those of WSDL 1.1 and of XML Schema
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
	if r.entities != nil && r.entities.looking {
		r.entities.use(r.text[from:to])
	}
	if was := r.text[from:to]; r.note != nil && was != with {
		r.note(r.path(), from, was)
	}
	r.out = append(append(r.out, r.text[r.copied:from]...), with...)
	r.copied = to
}

// path is where the redactor is.
func (r *tagRedactor) path() string {
	open := r.open
	if len(open) > 0 && open[0].name != "" && local(open[0].name) == "Envelope" {
		open = open[1:]
	}
	var parts []string
	for _, t := range open[max(0, len(open)-maxPath):] {
		parts = append(parts, inspect.Shorten(local(t.name), 80))
	}
	if r.here != "" {
		parts = append(parts, r.here)
	}
	return strings.Join(parts, "/")
}

// maxPath is how many elements of a path are told.
const maxPath = 24

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
	case strings.HasPrefix(rest, "<!ENTITY"):
		return r.entity(pos)
	case strings.HasPrefix(rest, "<!ATTLIST"):
		return r.defaults(pos)
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
	if head == len("<!--") {
		r.here = "comment()"
	}
	defer func() { r.here = "" }()
	if r.inSecret() {
		if strings.TrimSpace(inner) != "" {
			r.replace(from, end, redacted)
		}
	} else if trimmed := strings.TrimSpace(inner); head == len("<![CDATA[") && trimmed != "" && r.pair(from, end, trimmed) {
		return next
	} else if clean := redactSection(inner, r.depth+1); clean != inner {
		r.replace(from, end, clean)
	}
	return next
}

// redactSection redacts a comment or a CDATA section: JSON, in which "<" is a character
// like others, or text that may have tags.
func redactSection(text string, depth int) string {
	if trimmed := strings.TrimSpace(text); strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") {
		return redactValue(text, depth)
	}
	return redactInner(text, depth, true)
}

func (r *tagRedactor) inSecret() bool { return len(r.open) > 0 && r.open[len(r.open)-1].secret }

// characters handles character data.
func (r *tagRedactor) characters(from, to int) {
	trimmed := strings.TrimSpace(r.text[from:to])
	if trimmed == "" {
		return
	}
	if r.inSecret() {
		if !isBoolean(trimmed) && trimmed != redacted {
			r.replace(from, to, redacted)
		}
		return
	}
	if !r.pair(from, to, unescaped(trimmed)) {
		r.value(from, to)
	}
}

// pair handles a text that may be the name or the value in a pair of elements, and reports
// whether it was the value of a secret.
func (r *tagRedactor) pair(from, to int, text string) (hidden bool) {
	n := len(r.open)
	if n < 2 {
		return false
	}
	here, parent := local(r.open[n-1].name), &r.open[n-2]
	switch {
	case isNaming(here) && secretElement(text, ""):
		parent.named = true
		r.replace(parent.value[0], parent.value[1], redacted)
	case isValueName(here) && (parent.named || parent.secret):
		r.replace(from, to, redacted)
		return true
	case isValueName(here):
		parent.value = [2]int{from, to}
	}
	return false
}

// unescaped is text without character references.
func unescaped(text string) string {
	if strings.IndexByte(text, '&') < 0 {
		return text
	}
	return html.UnescapeString(text)
}

// value handles the text of an element or an attribute that is no secret as a
// whole, but may hold one.
func (r *tagRedactor) value(from, to int) {
	if r.depth >= maxNested {
		return
	}
	raw := r.text[from:to]
	if r.verbatim && len(r.open) == 0 {
		if clean := redactValue(raw, r.depth+1); clean != raw {
			r.replace(from, to, clean)
		}
		return
	}
	plain := html.UnescapeString(raw)
	if clean := redactValue(plain, r.depth+1); clean != plain {
		r.replace(from, to, inspect.Escape(clean))
	}
}

// redactValue takes credentials out of a value that is a message, a JSON text or
// a URL of its own, or base64 of one, and out of text for people.
func redactValue(value string, depth int) string {
	trimmed := strings.TrimSpace(value)
	switch {
	case depth > maxNested:
		return value
	case strings.HasPrefix(trimmed, "{"), strings.HasPrefix(trimmed, "["):
		if strings.Contains(trimmed, `"`) {
			value = redactJSON(value)
		}
		if strings.IndexByte(value, '<') >= 0 {
			value = redactInner(value, depth+1, true)
		}
	case strings.Contains(value, "<"):
		return redactNested(value, depth)
	case strings.Contains(value, "//"):
		value = redactEncoded(redactURL(value), depth)
	default:
		value = redactEncoded(value, depth)
	}
	if containsAny(value, "%3", "%253", "%7B", "%7b", "%257B", "%257b") {
		value = redactEscaped(value, depth)
	}
	return redactForms(redactSpoken(value), nil)
}

// isBoolean reports whether a text is a schema's boolean, or yes or no: <HasPassword>true
// says nothing that is secret.
func isBoolean(s string) bool { return foldsTo(s, "true", "false", "yes", "no") }

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
		case isNaming(name) && secretElement(unescaped(attr(a)), "") && !r.defines(t), name == "type" && t.name == "input" && strings.EqualFold(unescaped(attr(a)), "password"):
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
				r.attribute(t, a)
				r.replace(pos+a.from, pos+a.to, redacted)
			}
		default:
			r.attribute(t, a)
			r.value(pos+a.from, pos+a.to)
		}
	}
	r.here = ""
	end := pos + t.size
	switch {
	case t.empty:
	case secretWhole[t.name], isSAML(r.text[pos:end], t.name) || isAssertion(t.name) && r.namesSAML():
		size := closing(r.text[end:], t.full)
		if strings.TrimSpace(r.text[end:end+size]) != "" {
			r.here = t.name
			r.replace(end, end+size, redacted)
			r.here = ""
		}
		return end + size
	case len(r.open) < maxOpen:
		r.open = append(r.open, openTag{name: t.full, secret: named || secret})
	}
	return end
}

// attribute makes an attribute the place that is told of.
func (r *tagRedactor) attribute(t startTag, a attrSpan) {
	if r.note != nil {
		r.here = inspect.Shorten(t.name, 80) + "/@" + inspect.Shorten(local(a.name), 80)
	}
}

// placeAt is the path of the place at a byte of a text with tags in it; "" without any.
func placeAt(text string, at int) string {
	at = min(at, len(text))
	r := tagRedactor{text: text, depth: maxNested}
	for pos := 0; pos < at; {
		next := strings.IndexByte(text[pos:at], '<')
		if next < 0 {
			break
		}
		pos = r.markup(pos + next)
		if pos > at && len(r.open) > 0 && !strings.Contains(text[at:pos], "<") { // inside a start tag
			break
		}
	}
	return r.path()
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
	return isAssertion(name) && strings.Contains(strings.ToLower(tag), "saml")
}

func isAssertion(name string) bool { return name == "Assertion" || name == "EncryptedAssertion" }

// namesSAML reports whether a namespace of SAML is anywhere in the text: one may be
// declared on an element around an assertion. It is looked for once.
func (r *tagRedactor) namesSAML() bool {
	if !r.sought {
		r.sought, r.saml = true, strings.Contains(r.text, "urn:oasis:names:tc:SAML:")
	}
	return r.saml
}

// defines reports whether an element is a definition of a WSDL or a schema, whose name
// is that of what it defines: no value is inside of <operation name="ResetPIN">.
func (r *tagRedactor) defines(t startTag) bool {
	switch t.name {
	case "operation", "message", "element", "complexType", "simpleType":
	default:
		return false
	}
	if len(r.open) == 0 {
		return false
	}
	if !r.asked {
		r.asked = true
		switch local(r.open[0].name) {
		case "definitions":
			r.defining = strings.Contains(r.text, "http://schemas.xmlsoap.org/wsdl/")
		case "schema":
			r.defining = strings.Contains(r.text, "http://www.w3.org/2001/XMLSchema")
		}
	}
	return r.defining
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
// the digest and key material of WS-Security's UsernameToken (1.1 §3.1, §4).
func secretElement(name, parent string) bool {
	if name == "Nonce" || name == "Salt" {
		return parent == "UsernameToken"
	}
	return foldsTo(name, "authorization", "proxyauthorization", "proxy-authorization", "cookie", "setcookie", "set-cookie") || secretName(name)
}
