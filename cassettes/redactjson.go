package cassettes

import (
	"encoding/json"
	"strings"
)

// redactJSON replaces the values of secret members, of whatever type, by a
// string. It reads tokens without asking for a whole document.
func redactJSON(text string) string { return redactJSONNoting(text, nil) }

func redactJSONNoting(text string, note noting) string {
	var out []byte
	copied := 0
	replace := func(from, to int, with string) {
		out = append(append(out, text[copied:from]...), with...)
		copied = to
	}
	member := ""   // the last one named
	named := false // as in {"name": "password", "value": ...}
	for pos := 0; pos < len(text); {
		if text[pos] != '"' {
			named = named && text[pos] != '}'
			pos++
			continue
		}
		end := jsonString(text, pos)
		value := skipSpace(text, end)
		name, ok := unquoteJSON(text[pos:end])
		if value < len(text) && text[value] == ':' {
			value = skipSpace(text, value+1)
			if ok && value < len(text) && (secretElement(name, "") || named && isValueName(name)) {
				stop := jsonValue(text, value)
				named = false
				if s := text[value:stop]; s != "null" && s != `""` && s != "true" && s != "false" {
					if s != quotedRedacted {
						note.tell("member "+name, value, s)
					}
					replace(value, stop, quotedRedacted)
				}
				pos = stop
				continue
			}
			if ok && isNaming(name) && value < len(text) && text[value] == '"' {
				if called, ok := unquoteJSON(text[value:jsonString(text, value)]); ok && secretName(called) {
					named = true
				}
			}
			pos, member = value, name
			continue
		}
		if clean := redactValue(name, 1); ok && clean != name { // a message as a string
			if quoted, err := json.Marshal(clean); err == nil {
				note.tell("member "+member, pos, name)
				replace(pos, end, string(quoted))
			}
		}
		pos = end
	}
	if copied == 0 {
		return text
	}
	return string(append(out, text[copied:]...))
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
	return strings.Trim(quoted, `"`), len(quoted) > 0
}
