package cassettes

import (
	"bytes"

	"github.com/umtape/umtape/inspect"
)

// redactXML replaces what secret elements contain and the values of secret
// attributes. It reads tags without asking for well-formedness, since a broken
// message can hold a secret too: an element that is never closed is redacted to
// the end.
func redactXML(body []byte) []byte {
	if utf16Text(body) {
		return redactUTF16(body)
	}
	var out []byte
	copied := 0 // body[:copied] is in out
	replace := func(from, to int) {
		out = append(append(out, body[copied:from]...), redacted...)
		copied = to
	}
	for pos := 0; pos < len(body); {
		open := bytes.IndexByte(body[pos:], '<')
		if open < 0 {
			break
		}
		pos += open
		if skip := markup(body[pos:]); skip > 0 {
			pos += skip
			continue
		}
		tag := readTag(body[pos:])
		if tag.name == "" {
			pos++
			continue
		}
		for _, a := range tag.attrs {
			if secretAttr(tag.name, a.name) && a.to > a.from {
				replace(pos+a.from, pos+a.to)
			}
		}
		pos += tag.size
		if tag.empty || !secretElement(tag.name) {
			continue
		}
		end := closing(body[pos:], tag.full)
		if len(bytes.TrimSpace(body[pos:pos+end])) > 0 {
			replace(pos, pos+end)
		}
		pos += end
	}
	if copied == 0 {
		return body
	}
	return append(out, body[copied:]...)
}

// secretElement reports whether what an element of that local name contains is
// a credential: passwords and PINs under any name, and the tokens that
// WS-Security puts into a header (WSS SOAP Message Security 1.1 §6, SAML, and
// the digest material of UsernameToken 1.1 §3.1).
func secretElement(local string) bool {
	switch local {
	case "BinarySecurityToken", "Nonce", "Assertion", "EncryptedAssertion", "SecurityContextToken", "CipherValue", "BinarySecret":
		return true
	}
	return secretName(local)
}

func secretAttr(element, local string) bool {
	return local != "Type" && local != "type" && secretName(local) && element != ""
}

// markup returns the length of a comment, an instruction, a CDATA section or an
// end tag at the start of b, which hold no start tags; 0 if there is none. A
// comment is read through, not skipped: it may hold a message of its own.
func markup(b []byte) int {
	switch {
	case bytes.HasPrefix(b, []byte("<!--")):
		return 4
	case bytes.HasPrefix(b, []byte("<![CDATA[")):
		return 9
	case bytes.HasPrefix(b, []byte("</")), bytes.HasPrefix(b, []byte("<?")), bytes.HasPrefix(b, []byte("<!")):
		return 2
	}
	return 0
}

type startTag struct {
	full  string // with prefix
	name  string // local name
	attrs []attrSpan
	size  int
	empty bool // <a/>
}

// attrSpan is an attribute's local name and where its value is in the tag.
type attrSpan struct {
	name     string
	from, to int
}

// readTag reads the start tag at the start of b; its name is "" if there is
// none.
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
			name := local(string(b[start:i]))
			j := i
			for j < len(b) && space(b[j]) {
				j++
			}
			if j >= len(b) || b[j] != '=' {
				continue
			}
			for j++; j < len(b) && space(b[j]); j++ {
			}
			if j < len(b) && (b[j] == '"' || b[j] == '\'') {
				end := bytes.IndexByte(b[j+1:], b[j])
				if end < 0 {
					end = len(b) - j - 1
				}
				t.attrs = append(t.attrs, attrSpan{name, j + 1, j + 1 + end})
				j += end + 2
			}
			i = min(j, len(b))
		default:
			i++
		}
	}
	t.size = len(b)
	return t
}

// closing returns where the end tag of that name begins in b, counting nested
// elements of the same name; len(b) if it never comes.
func closing(b []byte, full string) int {
	depth := 1
	for pos := 0; ; {
		i := bytes.Index(b[pos:], []byte(full))
		if i < 0 {
			return len(b)
		}
		at, after := pos+i, pos+i+len(full)
		pos = after
		if after < len(b) && nameByte(b[after]) {
			continue
		}
		switch {
		case at >= 2 && b[at-2] == '<' && b[at-1] == '/':
			if depth--; depth == 0 {
				return at - 2
			}
		case at >= 1 && b[at-1] == '<':
			if t := readTag(b[at-1:]); !t.empty {
				depth++
			}
		}
	}
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

func utf16Text(b []byte) bool {
	for _, mark := range []string{"\xff\xfe", "\xfe\xff", "<\x00", "\x00<"} {
		if bytes.HasPrefix(b, []byte(mark)) {
			return true
		}
	}
	return false
}

// redactUTF16 reads a body through its encoding. One that holds no secret is
// kept as it is; one that does is kept as UTF-8, since the copy's bytes change
// in any case.
func redactUTF16(body []byte) []byte {
	text := []byte(inspect.Text(body))
	if clean := redactXML(bytes.TrimPrefix(text, []byte("\xff\xfe"))); !bytes.Equal(clean, text) {
		return clean
	}
	return body
}
