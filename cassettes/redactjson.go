package cassettes

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// redactJSON replaces the values of secret members, of whatever type, by a
// string. It reads tokens without asking for a whole document.
func redactJSON(text string) string { return redactJSONNoting(text, nil) }

func redactJSONNoting(text string, note noting) string {
	r := jsonRedactor{text: text, note: note}
	r.run()
	return r.result()
}

// jsonRedactor is one pass over a text. What it replaces is done at the end, since the
// name of a value can stand behind it.
type jsonRedactor struct {
	text   string
	note   noting
	edits  []jsonEdit
	open   []jsonOpen // objects and arrays, from the outermost on, maxOpen of them
	deeper int        // those that are not in open
	around jsonOpen   // what is around all of them
	member string     // the last one named
}

type jsonEdit struct {
	from, to int
	with     string
	member   string
}

// jsonOpen is an object or an array that is being read.
type jsonOpen struct {
	array  bool
	named  bool     // an object with a member such as "name": "password"
	values [][2]int // ... and where its members such as "value" are; to the end 0 of the one that is being read
	count  int      // strings in an array
	last   string   // ... and the last of them
	at     [2]int   // ... and where it is
	first  string   // ... and the first
	line   commandLine
}

func (r *jsonRedactor) run() {
	for pos := 0; pos < len(r.text); {
		switch c := r.text[pos]; c {
		case '"':
			pos = r.quoted(pos)
			continue
		case '{', '[':
			if len(r.open) < maxOpen {
				r.open = append(r.open, jsonOpen{array: c == '['})
			} else {
				r.deeper++
			}
		case ',':
			r.innermost().ended(pos)
		case '}', ']':
			r.end()
		}
		pos++
	}
}

// quoted handles the string that begins at pos and, if it names a member with a secret,
// its value. It returns where the reading goes on.
func (r *jsonRedactor) quoted(pos int) int {
	end := jsonString(r.text, pos)
	value := skipSpace(r.text, end)
	name, ok := unquoteJSON(r.text[pos:end])
	if value >= len(r.text) || r.text[value] != ':' {
		if ok && !r.element(name, pos, end) {
			r.message(name, pos, end)
		}
		return end
	}
	value = skipSpace(r.text, value+1)
	in := r.innermost()
	switch {
	case !ok || value == len(r.text):
	case secretElement(name, ""), in != nil && in.named && isValueName(name):
		stop := jsonValue(r.text, value)
		r.hide(value, stop, name)
		return stop
	case in != nil && isValueName(name):
		in.values = append(in.values, [2]int{value, 0})
	case isNaming(name) && r.text[value] == '"':
		if called, ok := unquoteJSON(r.text[value:jsonString(r.text, value)]); ok && secretElement(called, "") {
			r.nameIn(in, pos)
		}
	}
	r.member = name
	return value
}

// nameIn says that the values of an object are secret, those before pos too.
func (r *jsonRedactor) nameIn(in *jsonOpen, pos int) {
	if in == nil {
		return
	}
	in.named = true
	in.ended(pos)
	for _, v := range in.values {
		r.hide(v[0], v[1], "value")
	}
	in.values = nil
}

// hide replaces a value, unless it says nothing.
func (r *jsonRedactor) hide(from, to int, member string) {
	for to > from && space(r.text[to-1]) {
		to--
	}
	if s := r.text[from:to]; s != "null" && s != `""` && s != "true" && s != "false" {
		r.edits = append(r.edits, jsonEdit{from, to, quotedRedacted, member})
	}
}

// message redacts a message as a string.
func (r *jsonRedactor) message(s string, from, to int) {
	if clean := redactValue(s, 1); clean != s {
		if quoted, err := json.Marshal(clean); err == nil {
			r.edits = append(r.edits, jsonEdit{from, to, string(quoted), r.member})
		}
	}
}

// element notes a string of an array, and hides it if the one before it says that it is a
// header with a credential, as in ["Host", "a", "Cookie", "sid=1"].
func (r *jsonRedactor) element(s string, from, to int) (hidden bool) {
	at := [2]int{from, to}
	in := r.innermost()
	if in == nil || !in.array {
		return false
	}
	if in.count > 0 && foldsTo(in.last, "authorization", "proxy-authorization", "cookie", "set-cookie") && strings.ContainsAny(s, "0123456789= ") {
		r.hide(from, to, in.last)
		hidden = true
	}
	if from, quoted := in.argument(s), ""; from >= 0 && !hidden {
		if text, err := json.Marshal(s[:from] + redacted); err == nil {
			quoted = string(text)
		}
		r.edits = append(r.edits, jsonEdit{at[0], at[1], cmp.Or(quoted, quotedRedacted), in.last})
		hidden = true
	}
	if in.count == 0 {
		in.first = s
	}
	in.count, in.last, in.at = in.count+1, s, at
	return hidden
}

// argument reads an element as a word of a command line, and returns where in it a password
// begins; -1 if there is none.
func (in *jsonOpen) argument(s string) int {
	if name, ok := strings.CutPrefix(in.last, "-"); ok && s != "" && secretName(strings.TrimPrefix(name, "-")) && s != redacted {
		if first, _, _ := strings.Cut(s, " "); first != "" && !notOption(first) {
			return 0
		}
	}
	return in.line.word(s)
}

// end ends the innermost object or array. One that is a pair in a list of such is a name
// and a value: [["password", "x"]].
func (r *jsonRedactor) end() {
	if r.deeper > 0 {
		r.deeper--
		return
	}
	n := len(r.open)
	if n == 0 {
		return
	}
	if in := &r.open[n-1]; in.array && in.count == 2 && n > 1 && r.open[n-2].array && secretElement(in.first, "") && !secretElement(in.last, "") {
		r.hide(in.at[0], in.at[1], in.first)
	}
	r.open = r.open[:n-1]
}

// innermost is what is being read, nil if it is too deep to be looked at.
func (r *jsonRedactor) innermost() *jsonOpen {
	switch {
	case r.deeper > 0:
		return nil
	case len(r.open) == 0:
		return &r.around
	}
	return &r.open[len(r.open)-1]
}

// ended says where the value ends that is being read, if one is.
func (in *jsonOpen) ended(pos int) {
	if in == nil {
		return
	}
	if n := len(in.values); n > 0 && in.values[n-1][1] == 0 {
		in.values[n-1][1] = pos
	}
}

// result is the text with what was hidden. Of edits inside of each other the outer counts.
func (r *jsonRedactor) result() string {
	if len(r.edits) == 0 {
		return r.text
	}
	slices.SortStableFunc(r.edits, func(a, b jsonEdit) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to)) })
	var out []byte
	copied := 0
	for _, e := range r.edits {
		if e.from < copied {
			continue
		}
		if was := r.text[e.from:e.to]; was != e.with {
			r.note.tell("member "+e.member, e.from, was)
		}
		out = append(append(out, r.text[copied:e.from]...), e.with...)
		copied = e.to
	}
	return string(append(out, r.text[copied:]...))
}

const quotedRedacted = `"` + redacted + `"`

// jsonString returns where the string that begins at pos ends, quote included.
func jsonString(b string, pos int) int {
	for i := pos + 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// jsonValue returns where the value that begins at pos ends.
func jsonValue(b string, pos int) int {
	depth := 0
	for i := pos; i < len(b); {
		switch b[i] {
		case '"':
			i = jsonString(b, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
			i++
		case ',':
			if depth == 0 {
				return i
			}
			i++
		default:
			if depth == 0 && space(b[i]) {
				return i
			}
			i++
			continue
		}
		if depth == 0 && i > pos && (b[i-1] == '"' || b[i-1] == '}' || b[i-1] == ']') {
			return i
		}
	}
	return len(b)
}

func skipSpace(b string, i int) int {
	for i < len(b) && space(b[i]) {
		i++
	}
	return i
}

func unquoteJSON(quoted string) (s string, ok bool) {
	if json.Unmarshal([]byte(quoted), &s) == nil {
		return s, true
	}
	return plainLetters(strings.Trim(quoted, `"`)), len(quoted) > 0
}
