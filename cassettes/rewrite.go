package cassettes

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// rewriter goes through a body, a URL or a header value and puts something else where
// a Redaction says that a sensitive value is. It finds the same places in what was
// recorded and in what is said live, so that both can be compared.
type rewriter struct {
	Redaction
	gone   string                                // stands for what is removed
	stand  func(value string) string             // what stands for a sensitive value
	server func(host string) string              // the same for a host's name; nil for stand
	place  func(value string)                    // told of each value in a sensitive place; may be nil
	known  func(word string) (by string, _ bool) // for words elsewhere; may be nil
	own    []string                              // values, each before what it is replaced by wherever it stands
}

// body rewrites a body, in UTF-16 or packed too, as redactNoting does.
func (w *rewriter) body(body string) string {
	if text, ok := wideText(body); ok {
		if out := w.text(text); out != text {
			return out
		}
		return body
	}
	if strings.HasPrefix(body, "\x1f\x8b") {
		if plain, _ := unpack([]byte(body), "gzip", DefaultMaxBody); len(plain) > 0 {
			if out := w.text(string(plain)); out != string(plain) {
				return out
			}
			return body
		}
	}
	return w.text(body)
}

func (w *rewriter) text(body string) string {
	switch trimmed := strings.TrimLeft(body, " \t\r\n\xef\xbb\xbf"); {
	case strings.IndexByte(body, '<') >= 0:
		return w.tags(body, 0)
	case strings.HasPrefix(trimmed, "{"), strings.HasPrefix(trimmed, "["):
		return w.json(body)
	}
	return w.free(body, 0)
}

var quotedString = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

func (w *rewriter) json(body string) string {
	return quotedString.ReplaceAllStringFunc(body, func(quoted string) string {
		var plain string
		if json.Unmarshal([]byte(quoted), &plain) != nil {
			return quoted
		}
		out := w.free(plain, 1)
		if out == plain {
			return quoted
		}
		b, _ := json.Marshal(out) // a string: no error
		return string(b)
	})
}

// rewriting is one pass over text with tags.
type rewriting struct {
	*rewriter
	in     string
	out    strings.Builder
	copied int
	path   []string // local names of the open elements
	full   []string // and their names with prefix
	inside []bool   // and whether what is in them is sensitive
	depth  int
}

// tags rewrites text with tags in it, well-formed or not.
func (w *rewriter) tags(text string, depth int) string {
	r := rewriting{rewriter: w, in: text, depth: depth}
	var attrs []attrSpan
	for pos := 0; pos < len(text); {
		next := strings.IndexByte(text[pos:], '<')
		if next < 0 {
			next = len(text) - pos
		}
		r.run(pos, pos+next, false)
		if pos += next; pos == len(text) {
			break
		}
		rest := text[pos:]
		switch {
		case strings.HasPrefix(rest, "<!--"):
			end := sectionEnd(rest, 4, "-->")
			r.run(pos+4, max(pos+4, pos+end-3), true)
			pos += end
		case strings.HasPrefix(rest, "<![CDATA["):
			end := sectionEnd(rest, 9, "]]>")
			r.run(pos+9, max(pos+9, pos+end-3), true)
			pos += end
		case strings.HasPrefix(rest, "</"):
			end := tagEnd(rest)
			r.close(strings.TrimSpace(strings.TrimSuffix(rest[2:end], ">")))
			pos += end
		default:
			t := readTag(rest, attrs)
			if attrs = t.attrs; t.name == "" {
				pos++
				continue
			}
			pos = r.start(pos, t)
		}
	}
	if r.copied == 0 {
		return text
	}
	r.out.WriteString(text[r.copied:])
	return r.out.String()
}

func (r *rewriting) replace(from, to int, with string) {
	if from >= r.copied && r.in[from:to] != with {
		r.out.WriteString(r.in[r.copied:from])
		r.out.WriteString(with)
		r.copied = to
	}
}

func (r *rewriting) start(pos int, t startTag) int {
	path := append(r.path, t.name)
	for _, a := range t.attrs {
		from, to := pos+a.from, pos+a.to
		plain := html.UnescapeString(r.in[from:to])
		out := plain
		switch name := local(a.name); {
		case a.name == "xmlns", strings.HasPrefix(a.name, "xmlns:"), name == "type", strings.HasSuffix(a.name, ":schemaLocation"):
			continue
		case plain == "":
		case selects(r.Remove, path, name):
			out = r.gone
		case selects(r.Pseudonym, path, name):
			out = r.sensitive(plain)
		default:
			out = r.free(plain, r.depth+1)
		}
		if out != plain {
			r.replace(from, to, inspect.Escape(out))
		}
	}
	end := pos + t.size
	if t.empty {
		return end
	}
	size := 0
	switch removed := selects(r.Remove, path, ""); {
	case removed, selects(r.Pseudonym, path, ""):
		size = closing(r.in[end:], t.full)
		content := r.in[end : end+size]
		plain, simple := plainContent(content)
		switch {
		case removed && strings.TrimSpace(content) != "":
			r.replace(end, end+size, r.gone)
		case strings.TrimSpace(plain) == "" || removed:
			size = 0
		case !simple: // what is in it is looked at one by one
			size = 0
			r.push(path, t.full, true)
			return end
		default:
			if out := r.sensitive(plain); out != plain {
				r.replace(end, end+size, inspect.Escape(out))
			}
		}
	}
	r.push(path, t.full, len(r.inside) > 0 && r.inside[len(r.inside)-1])
	return end + size
}

func (r *rewriting) push(path []string, full string, inside bool) {
	if len(r.full) < maxOpen {
		r.path, r.full, r.inside = path, append(r.full, full), append(r.inside, inside)
	}
}

func (r *rewriting) close(full string) {
	for n := len(r.full) - 1; n >= 0 && n >= len(r.full)-64; n-- {
		if r.full[n] == full {
			r.path, r.full, r.inside = r.path[:n], r.full[:n], r.inside[:n]
			return
		}
	}
}

// plainContent is what the content of an element says; simple is false if it has
// elements in it.
func plainContent(content string) (plain string, simple bool) {
	if strings.IndexByte(content, '<') < 0 {
		return html.UnescapeString(content), true
	}
	var b strings.Builder
	for content != "" {
		switch next := strings.IndexByte(content, '<'); {
		case next != 0:
			if next < 0 {
				next = len(content)
			}
			b.WriteString(html.UnescapeString(content[:next]))
			content = content[next:]
		case strings.HasPrefix(content, "<![CDATA["):
			end := sectionEnd(content, 9, "]]>")
			b.WriteString(strings.TrimSuffix(content[9:end], "]]>"))
			content = content[end:]
		case strings.HasPrefix(content, "<!--"):
			content = content[sectionEnd(content, 4, "-->"):]
		default:
			return content, false
		}
	}
	return b.String(), true
}

// run rewrites character data, which is escaped unless it is verbatim.
func (r *rewriting) run(from, to int, verbatim bool) {
	raw := r.in[from:to]
	plain := raw
	if !verbatim {
		plain = html.UnescapeString(raw)
	}
	if strings.TrimSpace(plain) == "" {
		return
	}
	var out string
	switch {
	case len(r.inside) > 0 && r.inside[len(r.inside)-1]:
		out = r.sensitive(plain)
	case strings.IndexByte(plain, '<') >= 0 && r.depth < maxNested:
		out = r.tags(plain, r.depth+1)
	default:
		out = r.free(plain, r.depth+1)
	}
	if out == plain {
		return
	}
	if !verbatim {
		if out = inspect.Escape(out); strings.IndexByte(raw, '\r') >= 0 && !strings.Contains(raw, "&#") {
			out = strings.ReplaceAll(out, "&#xD;", "\r") // the line ends that it had
		}
	}
	r.replace(from, to, out)
}

// sensitive rewrites the text of a sensitive place. White space around it stays.
func (w *rewriter) sensitive(text string) string {
	value := strings.TrimSpace(text)
	if value == "" || value == redacted {
		return text
	}
	if w.place != nil {
		w.place(value)
	}
	at := strings.Index(text, value)
	return text[:at] + w.stand(value) + text[at+len(value):]
}

// free rewrites text in which values may be quoted: those that stand in a sensitive
// place of the same message, and what has a sensitive form.
func (w *rewriter) free(text string, depth int) string {
	at, n := len(text), -1
	for k := 0; k < len(w.own); k += 2 {
		if i := indexWhole(text, w.own[k]); i >= 0 && (i < at || i == at && len(w.own[k]) > len(w.own[n])) {
			at, n = i, k
		}
	}
	if n < 0 {
		return w.words(text, depth)
	}
	return w.words(text[:at], depth) + w.own[n+1] + w.free(text[at+len(w.own[n]):], depth)
}

// indexWhole is where value stands in text and is not part of a longer word; -1 if
// nowhere.
func indexWhole(text, value string) int {
	part := func(c byte) bool { return isLetter(c) || isDigit(c) }
	for pos := 0; ; {
		i := strings.Index(text[pos:], value)
		if i < 0 {
			return -1
		}
		at := pos + i
		end := at + len(value)
		if (at == 0 || !part(text[at-1]) || !part(value[0])) && (end == len(text) || !part(text[end]) || !part(value[len(value)-1])) {
			return at
		}
		pos = at + 1
	}
}

// spokenNumber is a telephone number in groups, as people write it.
var spokenNumber = regexp.MustCompile(`(?:^|[\s"'(:;,=>])(\+\d{1,3}(?:[ ./-]?\(?\d{1,5}\)?){2,6}\d)\b`)

// wordEnds are the characters that end a word.
const wordEnds = " \t\r\n\f\v<>\"'(),;|`{}[]\x00"

func (w *rewriter) words(text string, depth int) string {
	if !w.Forms || len(text) < 3 {
		return text
	}
	if strings.IndexByte(text, '+') >= 0 {
		if m := spokenNumber.FindStringSubmatchIndex(text); m != nil {
			return w.words(text[:m[2]], depth) + w.stand(text[m[2]:m[3]]) + w.words(text[m[3]:], depth)
		}
	}
	var b strings.Builder
	done := 0
	for pos := 0; pos < len(text); {
		end := strings.IndexAny(text[pos:], wordEnds)
		if end < 0 {
			end = len(text) - pos
		}
		word := text[pos : pos+end]
		if len(word) >= 3 {
			if out := w.word(word, 0, depth); out != word {
				b.WriteString(text[done:pos] + out)
				done = pos + len(word)
			}
		}
		pos += end + 1
	}
	if done == 0 {
		return text
	}
	return b.String() + text[done:]
}

// parts are what a word falls into if it is nothing as a whole, in that order.
var parts = []string{"&?#", "=", "/", ":", `\~`}

func (w *rewriter) word(word string, level, depth int) string {
	if out, ok := w.form(word, depth); ok {
		return out
	}
	if bare := strings.TrimRight(word, ".:!?"); bare != word && len(bare) >= 3 {
		if out, ok := w.form(bare, depth); ok {
			return out + word[len(bare):]
		}
	}
	if strings.IndexByte(word, '%') >= 0 && !strings.ContainsAny(word, "&?") {
		if plain, err := url.PathUnescape(word); err == nil && plain != word {
			if out := w.free(plain, depth+1); out != plain {
				return url.QueryEscape(out)
			}
		}
	}
	for ; level < len(parts); level++ {
		bare := word
		if parts[level] == "=" {
			bare = strings.TrimRight(word, "=") // else the padding of base64
		}
		if strings.ContainsAny(bare, parts[level]) {
			break
		}
	}
	if level == len(parts) {
		return word
	}
	var b strings.Builder
	for rest := word; ; {
		i := strings.IndexAny(rest, parts[level])
		if i < 0 || parts[level] == "=" && strings.Trim(rest[i:], "=") == "" {
			b.WriteString(w.part(rest, level+1, depth))
			return b.String()
		}
		b.WriteString(w.part(rest[:i], level+1, depth) + rest[i:i+1])
		rest = rest[i+1:]
	}
}

func (w *rewriter) part(word string, level, depth int) string {
	if len(word) < 3 {
		return word
	}
	return w.word(word, level, depth)
}

// publicHosts are those of namespaces, which name nobody's server.
var publicHosts = []string{"schemas.microsoft.com", "schemas.xmlsoap.org", "www.w3.org", "docs.oasis-open.org", "tempuri.org", "schemas.datacontract.org"}

// form rewrites a word that has a sensitive form, or is known.
func (w *rewriter) form(word string, depth int) (out string, ok bool) {
	if word == redacted {
		return word, true
	}
	if w.known != nil {
		if by, ok := w.known(word); ok {
			return by, true
		}
	}
	if i := strings.Index(word, "://"); i > 0 {
		return w.url(word, i+len("://"), depth), true
	}
	if scheme, rest := schemeOf(word); scheme != "" {
		address, parameters := rest, ""
		if i := strings.IndexAny(rest, ";?"); i >= 0 {
			address, parameters = rest[:i], rest[i:]
		}
		user, port := address, ""
		if i := strings.LastIndexByte(address, ':'); i > 0 && allDigits([]byte(address[i+1:])) {
			user, port = address[:i], address[i:]
		}
		if isAddress(user) || isNumber(user) || isLegacyDN(user) {
			return scheme + w.stand(user) + port + parameters, true
		}
	}
	if _, call := inspect.DecodeCallID(word); call || isSID(word) || isAddress(word) || isLegacyDN(word) || isAccount(word) ||
		word[0] == '+' && len(word) >= 8 && isNumber(word) {
		return w.stand(word), true
	}
	if depth < maxNested && len(word) >= 16 && strings.IndexByte(word, '.') < 0 {
		if raw, ok := fromBase64(word); ok {
			text := string(raw)
			if wide, ok := wideText(text); ok {
				text = wide
			} else if strings.HasPrefix(text, "\x1f\x8b") {
				if plain, _ := unpack(raw, "gzip", DefaultMaxBody); len(plain) > 0 {
					text = string(plain)
				}
			}
			if isText([]byte(text)) {
				var out string
				if strings.IndexByte(text, '<') >= 0 {
					out = w.tags(text, depth+1)
				} else {
					out = w.free(text, depth+1)
				}
				if out != text {
					return base64.StdEncoding.EncodeToString([]byte(out)), true
				}
			}
		}
	}
	return "", false
}

// url rewrites a URL whose authority begins at start.
func (w *rewriter) url(raw string, start, depth int) string {
	end := start + strings.IndexAny(raw[start:]+"/", `/?#\`)
	host := raw[start:end]
	user := ""
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		user, host = host[:i+1], host[i+1:]
	}
	if !slices.Contains(publicHosts, strings.ToLower(host)) && host != "" {
		host = w.host(host)
	}
	rest := raw[end:]
	if rest != "" {
		rest = w.free(rest, depth)
	}
	return raw[:start] + user + host + rest
}

// host rewrites the host of a URL or a header that names one.
func (w *rewriter) host(host string) string {
	bare := host
	if i := strings.LastIndexByte(bare, ':'); i >= 0 && strings.Count(bare, ":") == 1 {
		bare = bare[:i]
	}
	if ip, err := netip.ParseAddr(strings.Trim(bare, "[]")); err == nil && ip.IsLoopback() || strings.EqualFold(bare, "localhost") || bare == "" {
		return host
	}
	if w.server != nil {
		return w.server(bare) + host[len(bare):]
	}
	return w.stand(bare) + host[len(bare):]
}
