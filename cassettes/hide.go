package cassettes

import (
	"encoding/binary"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// hider applies a Redaction to what is to be kept. Its methods may be called by several
// goroutines at once.
type hider struct {
	Redaction
	names *pseudonyms
}

// newHider returns nil if there is nothing to hide.
func newHider(r Redaction) *hider {
	if r.None() {
		return nil
	}
	return &hider{Redaction: r, names: newPseudonyms()}
}

// peek learns from headers, before their credentials are gone, which names those hold:
// of users and servers, that messages may quote.
func (h *hider) peek(header http.Header) {
	if h == nil || !h.Forms {
		return
	}
	for name, values := range header {
		switch http.CanonicalHeaderKey(name) {
		case "Authorization", "Www-Authenticate", "Proxy-Authorization", "Proxy-Authenticate":
		default:
			continue
		}
		for _, v := range values {
			for one := range strings.SplitSeq(v, ",") {
				scheme, token, _ := strings.Cut(strings.TrimSpace(one), " ")
				raw, ok := fromBase64(strings.TrimSpace(token))
				switch {
				case !ok:
				case strings.EqualFold(scheme, "Basic"):
					user, _, _ := strings.Cut(string(raw), ":")
					if isAddress(user) || isAccount(user) {
						h.names.learn(user)
					} else if isHostName(user) {
						h.names.know(user, h.names.word("u", user))
					}
				default:
					h.peekNTLM(raw)
				}
			}
			for _, m := range realm.FindAllStringSubmatch(v, -1) {
				h.names.learnHost(m[2])
			}
		}
	}
}

// peekNTLM learns the names in an NTLM message of type 2 or 3 ([MS-NLMP] 2.2.1), which
// SPNEGO may wrap.
func (h *hider) peekNTLM(b []byte) {
	at := strings.Index(string(b), string(ntlmSignature))
	if at < 0 || len(b) < at+12 {
		return
	}
	b = b[at:]
	field := func(offset int) []byte {
		if len(b) < offset+8 {
			return nil
		}
		size, from := int(binary.LittleEndian.Uint16(b[offset:])), int(binary.LittleEndian.Uint32(b[offset+4:]))
		if from < 0 || from+size > len(b) {
			return nil
		}
		return b[from : from+size]
	}
	wide := func(b []byte) string { return string(decodeUTF16(b, false)) }
	switch binary.LittleEndian.Uint32(b[8:]) {
	case 2:
		h.names.learnHost(wide(field(12)))
		for info := field(40); len(info) >= 4; {
			size := int(binary.LittleEndian.Uint16(info[2:]))
			if len(info) < 4+size {
				return
			}
			if id := binary.LittleEndian.Uint16(info); id >= 1 && id <= 5 { // names of computer, domain, forest
				h.names.learnHost(wide(info[4 : 4+size]))
			}
			info = info[4+size:]
		}
	case 3:
		h.names.learnHost(wide(field(28)))
		if user := wide(field(36)); isAddress(user) {
			h.names.learn(user)
		} else if isHostName(user) {
			h.names.know(user, h.names.word("u", user))
		}
		h.names.learnHost(wide(field(44)))
	}
}

var realm = regexp.MustCompile(`(?i)(\brealm=")([^"]+)`)

// hide rewrites an interaction that nobody else has yet. First all that is sensitive
// is found, then it is replaced, so that what is quoted before its place comes is
// replaced as well.
func (h *hider) hide(i *Interaction) { h.write(i, h.learn(i)) }

// learn finds what is sensitive, and returns what of it stands in sensitive places of
// the bodies.
func (h *hider) learn(i *Interaction) (own []string) {
	look := rewriter{Redaction: h.Redaction, gone: redacted,
		stand:  func(v string) string { h.names.learn(v); return v },
		server: func(v string) string { h.names.learnHost(v); return v },
	}
	look.place = func(v string) {
		if len(v) >= 3 && !slices.Contains(own, v) && len(own) < maxOwn {
			own = append(own, v)
		}
	}
	if h.Pseudonymous() {
		if h.Forms {
			h.names.learnHost(hostOnly(i.Request.Host))
		}
		look.body(i.Request.Body)
		look.body(i.Response.Body)
		h.headers(&look, i.Request.Headers)
		h.headers(&look, i.Response.Headers)
		look.anyURL(i.Request.URL)
	}
	return own
}

func (h *hider) write(i *Interaction, own []string) {
	h.rewrite(i, rewriter{Redaction: h.Redaction, gone: redacted, stand: h.names.value, server: h.names.host, own: h.pairs(own), known: h.names.lookUp})
	if call := i.Umtape.Call; call != "" && !strings.Contains(i.Request.Body, call) && !strings.Contains(i.Response.Body, call) {
		i.Umtape.Call = h.names.value(call) // it was hidden there
	}
}

// rewrite puts what write says wherever something sensitive is.
func (h *hider) rewrite(i *Interaction, write rewriter) {
	if !h.Forms {
		write.known = nil
	} else {
		i.Request.Host = write.host(i.Request.Host)
		i.Request.URL = write.anyURL(i.Request.URL)
		i.Request.RequestURI = write.anyURL(i.Request.RequestURI)
		i.Response.Status = write.free(i.Response.Status, 0)
		i.Umtape.Note = write.free(i.Umtape.Note, 0)
		i.Request.RemoteAddr = ""
	}
	for _, header := range []http.Header{i.Request.Headers, i.Response.Headers, i.Request.Trailer, i.Response.Trailer, http.Header(i.Request.Form)} {
		h.headers(&write, header)
	}
	body := func(body *string, header http.Header, length *int64) {
		was := len(*body)
		*body = write.body(*body)
		if len(*body) != was {
			describeBody(header, was, len(*body), "")
			*length = int64(len(*body))
		}
	}
	body(&i.Request.Body, i.Request.Headers, &i.Request.ContentLength)
	body(&i.Response.Body, i.Response.Headers, &i.Response.ContentLength)
}

// shown is text with pseudonyms for what it names; all of it may be a host, as what a
// CONNECT asks for is.
func (h *hider) shown(text string) string {
	w := rewriter{Redaction: h.Redaction, gone: redacted, stand: h.names.value, server: h.names.host, known: h.names.lookUp}
	if isHostName(text) && strings.Contains(text, ":") {
		h.names.learnHost(text)
		return w.host(text)
	}
	if i := strings.Index(text, "://"); i > 0 && !strings.Contains(text, " ") {
		host := text[i+len("://"):]
		h.names.learnHost(host[:strings.IndexAny(host+"/", "/?#")]) // a reason may name it next
	}
	return w.free(text, 0)
}

// maxOwn bounds how many values of one interaction are looked for in its other text.
const maxOwn = 64

func (h *hider) pairs(own []string) (pairs []string) {
	for _, v := range own {
		pairs = append(pairs, v, h.names.value(v))
	}
	return pairs
}

// hostOnly is a host without its port.
func hostOnly(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.Count(host, ":") == 1 {
		return host[:i]
	}
	return host
}

// headers rewrites the values of a header.
func (h *hider) headers(w *rewriter, header http.Header) {
	for name, values := range header {
		for n, v := range values {
			values[n] = w.header(name, v)
		}
	}
}

// header rewrites one value.
func (w *rewriter) header(name, value string) string {
	switch {
	case value == "" || name == "Content-Length" || name == "Content-Type" || name == "Date":
		return value
	case hasHeader(w.RemoveHeaders, name):
		return w.gone
	case hasHeader(w.PseudonymHeaders, name):
		return w.named(value)
	}
	if w.Forms && (name == "Www-Authenticate" || name == "Proxy-Authenticate") {
		return realm.ReplaceAllStringFunc(value, func(m string) string {
			at := strings.IndexByte(m, '"') + 1
			return m[:at] + w.named(m[at:])
		})
	}
	if name == "Soapaction" || name == "SOAPAction" {
		return value
	}
	return w.free(value, 0)
}

// named rewrites the value of a header that names servers or users, word by word; what
// has no letters in it but is no address, such as the version in Via, stays.
func (w *rewriter) named(value string) string {
	var b strings.Builder
	for value != "" {
		end := strings.IndexAny(value, " \t,;\"=")
		if end < 0 {
			end = len(value)
		}
		if word := value[:end]; word != "" {
			out, ok := "", false
			if w.Forms {
				out, ok = w.form(word, 0)
			}
			switch {
			case ok:
				b.WriteString(out)
			case isHostName(word) && strings.ContainsAny(strings.ToLower(word), "abcdefghijklmnopqrstuvwxyz") || strings.Count(word, ".") == 3 || strings.Count(word, ":") > 1:
				b.WriteString(w.host(word))
			default:
				b.WriteString(w.word(word, 0, 0))
			}
		}
		if end < len(value) {
			b.WriteByte(value[end])
			end++
		}
		value = value[end:]
	}
	return b.String()
}

// anyURL rewrites a URL, or what stands for one without its host.
func (w *rewriter) anyURL(raw string) string {
	if i := strings.Index(raw, "://"); i > 0 {
		return w.url(raw, i+len("://"), 0)
	}
	return w.free(raw, 0)
}
