package cassettes

import (
	"html"
	"regexp"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// entities are the ones that a text declares (XML 1.0 §4.2), of which some stand where a
// credential belongs.
type entities struct {
	looking bool            // for what is used where a credential belongs
	secret  map[string]bool // by name
	queue   []string        // of secret, those whose own text was not looked at
}

// use notes the entities that a credential refers to.
func (e *entities) use(text string) {
	for {
		i := strings.IndexByte(text, '&')
		if i < 0 {
			return
		}
		text = text[i+1:]
		end := 0
		for end < len(text) && nameByte(text[end]) {
			end++
		}
		if name := text[:end]; end > 0 && end < len(text) && text[end] == ';' && !e.secret[name] {
			e.secret[name] = true
			e.queue = append(e.queue, name)
		}
		text = text[end:]
	}
}

// entityForm is a declaration of an entity with a text of its own, name and text.
var entityForm = regexp.MustCompile(`^<!ENTITY\s+(?:%\s+)?([^\s"'<>&%]{1,200})\s+("[^"]*(?:"|$)|'[^']*(?:'|$))`)

// lookUp finds the entities of the text that are credentials by where they are used, in
// others that are as well.
func (r *tagRedactor) lookUp() {
	r.entities = &entities{looking: true, secret: map[string]bool{}}
	first := tagRedactor{text: r.text, depth: maxNested, entities: r.entities, verbatim: r.verbatim}
	first.run()
	e := r.entities
	texts := map[string][]string{}
	for rest := r.text; ; rest = rest[1:] {
		i := strings.Index(rest, "<!ENTITY")
		if i < 0 {
			break
		}
		rest = rest[i:]
		if m := entityForm.FindStringSubmatch(rest); m != nil {
			texts[m[1]] = append(texts[m[1]], m[2])
			rest = rest[len(m[0])-1:]
		}
	}
	for len(e.queue) > 0 {
		name := e.queue[0]
		e.queue = e.queue[1:]
		for _, text := range texts[name] {
			e.use(text)
		}
	}
	e.looking = false
}

// entity handles the declaration of an entity that begins at pos.
func (r *tagRedactor) entity(pos int) int {
	if r.entities == nil {
		r.lookUp()
	}
	m := entityForm.FindStringSubmatchIndex(r.text[pos:])
	if r.entities.looking || m == nil {
		return pos + 2
	}
	name, from, to := r.text[pos+m[2]:pos+m[3]], pos+m[4]+1, pos+m[5]
	if r.text[to-1] == r.text[from-1] && to > from {
		to--
	}
	r.here = "entity " + inspect.Shorten(name, 80)
	defer func() { r.here = "" }()
	text := r.text[from:to]
	plain := html.UnescapeString(text)
	switch {
	case r.entities.secret[name], secretElement(name, ""):
		r.replace(from, to, redacted)
	case r.depth >= maxNested:
	default:
		if clean := redactValue(text, r.depth+1); clean != text {
			r.replace(from, to, clean)
		} else if plain != text && redactValue(plain, r.depth+1) != plain {
			r.replace(from, to, redacted)
		}
	}
	return to
}

// defaultForm is an attribute in a declaration, with the value that it has where none is
// given (XML 1.0 §3.3.2), name and value.
var defaultForm = regexp.MustCompile(`([^\s"'<>()]+)\s+(?:[A-Z]+|\([^()]*\))\s+(?:#FIXED\s+)?("[^"]*"|'[^']*')`)

// defaults handles the declaration of attributes that begins at pos.
func (r *tagRedactor) defaults(pos int) int {
	end := pos + len("<!ATTLIST")
	for quote := byte(0); end < len(r.text) && end < pos+maxToken; end++ {
		switch c := r.text[end]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
			continue
		case c == '"' || c == '\'':
			quote = c
			continue
		case c != '<' && c != '>':
			continue
		}
		break
	}
	for _, m := range defaultForm.FindAllStringSubmatchIndex(r.text[pos:end], -1) {
		if name := r.text[pos+m[2] : pos+m[3]]; secretName(local(name)) && m[5]-m[4] > 2 {
			r.here = "attribute " + inspect.Shorten(name, 80)
			r.replace(pos+m[4]+1, pos+m[5]-1, redacted)
			r.here = ""
		}
	}
	return end
}
