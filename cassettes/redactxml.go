package cassettes

import (
	"bytes"
	"html"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// redactTags replaces, in UTF-8 text with tags in it, the text of secret
// elements, the values of secret attributes and the whole of what holds nothing
// but secrets. It does not ask for well-formedness, since a broken message can
// hold a secret too: what is never closed is redacted to the end.
func redactTags(text []byte) []byte { return redactNested(text, 0) }

// maxNested bounds how deep messages inside comments, sections and texts of
// messages are looked for; deeper ones are read as part of what holds them.
const maxNested = 4

func redactNested(text []byte, depth int) []byte {
	r := &tagRedactor{text: text, depth: depth}
	r.run()
	if r.copied == 0 {
		return text
	}
	return append(r.out, text[r.copied:]...)
}

// tagRedactor is one pass over a text. out holds text[:copied], redacted.
type tagRedactor struct {
	text   []byte
	out    []byte
	copied int
	open   []openTag
	depth  int // of nested messages
}

type openTag struct {
	name   string // with prefix
	secret bool   // its own text is a credential
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
		next := bytes.IndexByte(r.text[pos:], '<')
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
	case bytes.HasPrefix(rest, []byte("<!--")):
		return r.section(pos, 4, "-->")
	case bytes.HasPrefix(rest, []byte("<![CDATA[")):
		return r.section(pos, 9, "]]>")
	case bytes.HasPrefix(rest, []byte("</")):
		end := tagEnd(rest)
		r.close(string(bytes.TrimSpace(bytes.TrimSuffix(rest[2:end], []byte(">")))))
		return pos + end
	case bytes.HasPrefix(rest, []byte("<!")), bytes.HasPrefix(rest, []byte("<?")):
		return pos + 2
	}
	t := readTag(rest)
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
	if i := bytes.Index(r.text[from:], []byte(mark)); i >= 0 {
		end, next = from+i, from+i+len(mark)
	}
	inner := r.text[from:end]
	if r.inSecret() {
		if len(bytes.TrimSpace(inner)) > 0 {
			r.replace(from, end, redacted)
		}
	} else if clean := redactNested(inner, r.depth+1); !bytes.Equal(clean, inner) {
		r.replace(from, end, string(clean))
	}
	return next
}

func (r *tagRedactor) inSecret() bool { return len(r.open) > 0 && r.open[len(r.open)-1].secret }

// characters handles character data.
func (r *tagRedactor) characters(from, to int) {
	data := r.text[from:to]
	switch {
	case len(bytes.TrimSpace(data)) == 0:
	case r.inSecret():
		r.replace(from, to, redacted)
	case r.depth < maxNested && (bytes.Contains(data, []byte("&lt;")) || bytes.Contains(data, []byte("&#"))):
		// A message as the text of another one.
		plain := html.UnescapeString(string(data))
		if strings.Contains(plain, "<") {
			if clean := redactNested([]byte(plain), r.depth+1); string(clean) != plain {
				r.replace(from, to, inspect.Escape(string(clean)))
			}
		}
	}
}

func (r *tagRedactor) start(pos int, t startTag) int {
	named := false // as in <Property Name="Password">
	for _, a := range t.attrs {
		if isNaming(a.name) && secretName(string(r.text[pos+a.from:pos+a.to])) {
			named = true
		}
	}
	for _, a := range t.attrs {
		if a.name == "xmlns" || strings.HasPrefix(a.name, "xmlns:") || isNaming(a.name) || strings.EqualFold(local(a.name), "type") {
			continue
		}
		if secretName(local(a.name)) || named && strings.EqualFold(local(a.name), "value") {
			r.replace(pos+a.from, pos+a.to, redacted)
		}
	}
	end := pos + t.size
	switch {
	case t.empty:
	case secretWhole[t.name]:
		size := closing(r.text[end:], t.full)
		if len(bytes.TrimSpace(r.text[end:end+size])) > 0 {
			r.replace(end, end+size, redacted)
		}
		return end + size
	case len(r.open) < maxOpen:
		r.open = append(r.open, openTag{t.full, named || secretElement(t.name)})
	}
	return end
}

func isNaming(attr string) bool {
	switch strings.ToLower(local(attr)) {
	case "name", "key", "id":
		return true
	}
	return false
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
// SAML and WS-Trust, and what is encrypted.
var secretWhole = map[string]bool{
	"Assertion": true, "EncryptedAssertion": true, "EncryptedData": true, "BinarySecurityToken": true, "SecurityContextToken": true,
	"BinarySecret": true, "BinaryExchange": true, "CipherValue": true,
}

// secretElement reports whether the text of an element of that local name is a
// credential: passwords, PINs and tokens under any name, and the digest material
// of WS-Security's UsernameToken (1.1 §3.1).
func secretElement(name string) bool {
	switch name {
	case "Nonce", "Authorization", "ProxyAuthorization", "Cookie", "SetCookie":
		return true
	}
	return secretName(name)
}
