package cassettes

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// Secret is one place in a cassette where a credential is. It never holds any part of
// the credential.
type Secret struct {
	Interaction int    // its id; -1 for what belongs to none
	Line        int    // 1-based in the file; where the interaction starts if nothing nearer is known
	Part        string // "request", "response", or "" for what is neither
	Place       string // "header Authorization", "Body/Login/Password", "url, parameter token"
	Kind        string // "credential", "NTLM message of type 3", "private key" ...
}

// Audited is a cassette that was searched for credentials.
type Audited struct {
	*Cassette          // without Interactions
	Searched  int      // interactions
	Secrets   []Secret // in the order of the file
	Unread    []Secret // bodies that could not be unpacked, so that nobody knows what is in them
}

// Audit searches the cassette at path, whoever wrote it, go-vcr v1 and v2 too, for
// credentials: for what umtape would redact if it recorded it, and in the file's
// comments and in keys that are nobody's. The error is one of Load's.
func Audit(path string) (*Audited, error) {
	return AuditEach(path, func(*Interaction) struct{} { return struct{}{} }, func(int, []struct{}) {}, nil)
}

// AuditEach is [Audit] that makes something of every interaction as well. It reads as
// [InPieces] does: of is called on all processors at once, take is given what was made, in
// the order of the file, with the index of the first, which is 0 for the first time and
// where all of it comes once more. What it takes does not grow with the file, as long as
// that is in our layout.
func AuditEach[T any](path string, of func(*Interaction) T, take func(first int, made []T), progress func(done, total int64)) (*Audited, error) {
	return auditEach(path, pieceBytes, of, take, progress)
}

// searched is what was found in a piece.
type searched[T any] struct {
	found, unread []Secret
	made          []T
}

func auditEach[T any](path string, chunk int, of func(*Interaction) T, take func(first int, made []T), progress func(done, total int64)) (*Audited, error) {
	a := &Audited{}
	work := func(p *Piece) (s searched[T]) {
		if p.edit.Records == nil {
			p.edit.cut()
		}
		s.found, s.unread = p.edit.search()
		s.made = make([]T, len(p.Interactions))
		for n, i := range p.Interactions {
			s.made[n] = of(i)
		}
		return s
	}
	collect := func(first int, s searched[T]) error {
		a.Searched += len(s.made)
		a.Secrets, a.Unread = append(a.Secrets, s.found...), append(a.Unread, s.unread...)
		take(first, s.made)
		return nil
	}
	c, err := ownPieces(path, chunk, work, collect, progress)
	if err == errWhole {
		var e *Edit
		if e, err = OpenUpgrade(path, false); err != nil {
			return nil, err
		}
		*a = Audited{} // what was found up to where it is another's layout comes again
		list := e.Interactions
		err = collect(0, work(&Piece{Interactions: list, edit: e}))
		c = e.Cassette
		c.Interactions = nil
	}
	if err != nil {
		return nil, err
	}
	a.Cassette = c
	return a, nil
}

// Scrub redacts every record as if umtape had recorded it just now, and comments. It
// returns what was redacted. A torn end that holds a credential is an error that wraps
// ErrDamaged, since it cannot be redacted for certain.
func (e *Edit) Scrub() ([]Secret, error) {
	found, _ := e.search()
	if e.Torn != nil {
		if tail := string(e.tail); redactStray(tail) != tail { // comments before it included
			return nil, &fault{kind: ErrDamaged, path: e.Path, line: e.Torn.Line, what: "the last interaction was not written to its end, and there is a credential in what there is of it",
				next: fmt.Sprintf("`umtape recover %s` cuts it off to %[1]s.torn, which you then delete", e.Path)}
		}
	} else {
		e.tail = []byte(redactComments(string(e.tail)))
	}
	for n, r := range e.Records {
		clean := r.Changed(redactKept(r.Interaction))
		clean.lead = []byte(redactComments(string(r.lead)))
		if clean.text != nil && r.Edited && len(e.strays(n)) > 0 {
			clean.text = nil // written anew, without what only a reader of the file would see
		}
		e.Records[n] = clean
	}
	if h := &e.Header.Umtape; !slices.Contains(h.Redact, RedactCredentials) {
		h.Redact = append(slices.Clone(h.Redact), RedactCredentials)
	}
	return found, nil
}

// search lists the credentials of the cassette as it is in the file.
func (e *Edit) search() (found, unread []Secret) {
	for n, i := range e.Interactions {
		s := searcher{interaction: i}
		if lead := string(e.Records[n].lead); redactStray(lead) != lead {
			s.found = append(s.found, Secret{-1, i.Line - 1, "", "comment", formOf(lead)})
		}
		s.search()
		strays := e.strays(n)
		if len(s.found) > 0 {
			s.place(e.node(n))
		}
		found, unread = append(append(found, s.found...), strays...), append(unread, s.unread...)
	}
	if e.rewrite {
		found = append(found, e.around()...)
	}
	if tail := string(e.tail); redactStray(tail) != tail {
		s := Secret{-1, 1 + e.lines + bytes.Count(e.data[:len(e.data)-len(e.tail)], []byte("\n")), "", "comment", formOf(tail)}
		switch {
		case e.goesOn: // it is before an interaction
			s.Line = e.lines + bytes.Count(e.data, []byte("\n"))
		case e.Torn != nil:
			s.Place = "the end, which was not written whole"
		}
		found = append(found, s)
	}
	return found, unread
}

// searcher looks for credentials in one interaction.
type searcher struct {
	interaction *Interaction
	part        string
	found       []Secret
	fields      []fieldPlace // where each of found is, as far as the file tells
	unread      []Secret
}

// fieldPlace is a field of an interaction, and a line of its value, from 0 on.
type fieldPlace struct {
	field string // "request.body", "response.headers.Server"
	line  int
}

func (s *searcher) add(place, kind, field string, line int) {
	s.found = append(s.found, Secret{s.interaction.ID, s.interaction.Line, s.part, place, kind})
	s.fields = append(s.fields, fieldPlace{field, line})
}

func (s *searcher) search() {
	for len(s.fields) < len(s.found) { // of the comment before it
		s.fields = append(s.fields, fieldPlace{})
	}
	i := s.interaction
	s.part = "request"
	s.url("url", i.Request.URL, "request.url")
	if i.Request.RequestURI != "" && !strings.HasSuffix(i.Request.URL, i.Request.RequestURI) {
		s.url("request URI", i.Request.RequestURI, "request.request_uri")
	}
	if redactHost(i.Request.Host) != i.Request.Host {
		s.add("host", kindURL, "request.host", 0)
	}
	s.headers("header", i.Request.Headers, "request.headers")
	s.headers("trailer", i.Request.Trailer, "request.trailer")
	for _, name := range slices.Sorted(maps.Keys(i.Request.Form)) {
		for _, v := range i.Request.Form[name] {
			if redactField(name, v) != v && !placeholder(v) {
				s.add("form, field "+inspect.Shorten(name, 80), formOf(v), "request.form."+name, 0)
			}
		}
	}
	s.body(i.Request.Body, i.Request.Headers, "request.body")

	s.part = "response"
	if redactURL(i.Response.Status) != i.Response.Status {
		s.add("status", formOf(i.Response.Status), "response.status", 0)
	}
	s.headers("header", i.Response.Headers, "response.headers")
	s.headers("trailer", i.Response.Trailer, "response.trailer")
	s.body(i.Response.Body, i.Response.Headers, "response.body")

	s.part = ""
	if redactValue(i.Umtape.Note, 1) != i.Umtape.Note {
		s.add("note", formOf(i.Umtape.Note), "umtape.note", 0)
	}
}

func (s *searcher) url(place, raw, field string) {
	redactURLNoting(raw, func(where string, _ int, was string) {
		if !placeholder(was) {
			s.add(strings.TrimSuffix(place+", "+where, ", "), formOf(was), field, 0)
		}
	})
}

func (s *searcher) headers(what string, h http.Header, field string) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		canonical := http.CanonicalHeaderKey(name)
		for _, v := range h[name] {
			if redactHeaderValue(canonical, v, secretHeader(canonical)) != v && !placeholder(v) {
				s.add(what+" "+inspect.Shorten(canonical, 80), formOf(v), field+"."+name, 0)
			}
		}
	}
}

func (s *searcher) body(kept string, h http.Header, field string) {
	header := canonicalHeader(h)
	text, packed, whole := keptText(kept, header)
	if contentEncoding(header) != "" && (packed == "" && !isText([]byte(kept)) || !whole) {
		s.unread = append(s.unread, Secret{s.interaction.ID, s.interaction.Line, s.part, "body", "its Content-Encoding could not be undone to the end"})
	}
	told := false
	clean := redactNoting(text, header, func(where string, at int, was string) {
		if told = true; placeholder(was) {
			return
		}
		line := 0
		if packed == "" && at <= len(kept) {
			line = strings.Count(kept[:at], "\n")
		}
		s.add(bodyPlace(where), formOf(was), field, line)
	})
	if clean != text && !told {
		s.add("body", kindNamed, field, 0)
	}
}

// bodyPlace is a place in a body: a path from the Envelope on is known by its start.
func bodyPlace(where string) string {
	switch {
	case where == "":
		return "body"
	case strings.HasPrefix(where, "Body/"), strings.HasPrefix(where, "Header/"):
		return where
	}
	return "body, " + where
}

// place gives each of found the line that it has in the file.
func (s *searcher) place(item *itemNode) {
	if item == nil {
		return
	}
	for n := range s.found {
		if line := item.line(s.fields[n]); line > 0 {
			s.found[n].Line = line
		}
	}
}

// onlyStandIn is what tools and people write where a secret was, with what stands
// around it.
var onlyStandIn = regexp.MustCompile(`(?i)^["']?(?:[\w-]+[ =:])*["'\[<({*# ]*(?:redacted|filtered|removed|hidden|masked|scrubbed|sanitized|omitted|\*+|x{3,}|\.{3})["'\])}>*# =]*$`)

// placeholder reports whether something is no secret any more, but what stands for one.
func placeholder(was string) bool {
	return len(was) < 200 && onlyStandIn.MatchString(strings.TrimSpace(was))
}

var formKinds = map[string]bool{kindNTLM: true, kindJWT: true, kindKey: true, kindKeyOf: true, kindBasic: true, kindBearer: true, kindURL: true, kindLine: true}

// formOf names what kind of credential something is, or holds.
func formOf(was string) string {
	if formKinds[was] {
		return was
	}
	kind := kindNamed
	redactForms(was, func(k string, at int) {
		if kind != kindNamed {
			return
		}
		kind = k
		if k == kindNTLM {
			run := was[min(at, len(was)):]
			run = run[:runEnd(run, 0)]
			if n := ntlmType(run); n > 0 {
				kind = fmt.Sprintf("%s of type %d", kindNTLM, n)
			}
		}
	})
	return kind
}

// redactStray redacts text that is in the file and in no field: comments, a torn end.
func redactStray(text string) string {
	if text == "" {
		return ""
	}
	return redactValue(text, 1)
}

// redactComments redacts comments, of which nothing else may become part: what follows
// them is an interaction.
func redactComments(text string) string {
	clean := redactStray(text)
	if clean == text {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(clean) {
		if t := strings.TrimSpace(line); t != "" && t[0] != '#' { // it was part of something longer
			b.WriteString("# ")
		}
		b.WriteString(line)
	}
	if strings.HasSuffix(text, "\n") && !strings.HasSuffix(clean, "\n") {
		b.WriteByte('\n')
	}
	return b.String()
}
