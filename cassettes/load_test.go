package cassettes

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// foreign is a small cassette as a person would write it.
const foreign = `version: 2
interactions:
    - id: 0
      request:
        method: POST
        url: https://a.test/
        body: <a/>
      response:
        body: <b/>
        code: 200
        duration: 1ms
`

func TestLoadNamesFilePlaceAndProblem(t *testing.T) {
	change := func(from, to string) string { return strings.Replace(foreign, from, to, 1) }
	for _, tt := range []struct {
		name, text string
		kind       error
		want       string // after the path
	}{
		{"no bytes", "", ErrEmpty, "empty: there is no cassette in it"},
		{"white space", " \n\n", ErrEmpty, "empty"},
		{"comments", "# nothing\n", ErrEmpty, "empty"},
		{"binary", "\x00\x01\x02", ErrNotCassette, "not YAML"},
		{"XML", "<a>\n<b/></a>", ErrNotCassette, "line 1: not a cassette"},
		{"broken YAML", "version: 2\ninteractions: [\n", ErrNotCassette, "line 2: not YAML: did not find expected node content"},
		{"a list", "- a\n", ErrNotCassette, "line 1: not a cassette: it is not a mapping"},
		{"a document without anything", "---\n", ErrNotCassette, "not a cassette"},
		{"other YAML", "a: 1\n", ErrNotCassette, "line 1: not a cassette: it has no interactions"},
		{"no version", change("version: 2\n", ""), ErrVersion, `line 1: it has no version; if go-vcr v3 or v4 wrote it, add the line "version: 2"`},
		{"version 1", change("version: 2", "version: 1"), ErrVersion, "line 1: version is 1, of go-vcr v1 or v2; `umtape upgrade` makes one of version 2 of it"},
		{"version 3", change("version: 2", "version: 3"), ErrVersion, "line 1: version is not 2"},
		{"version text", change("version: 2", "version: two"), ErrVersion, "line 1: version is not 2"},
		{"later umtape", "version: 2\numtape:\n    format: 2\ninteractions:\n", ErrVersion, "line 3: umtape.format is 2, and this umtape reads format 1; use the umtape that wrote it, or a later one"},
		{"later umtape, exactly", "---\nversion: 2\numtape:\n    format: 2\ninteractions:\n", ErrVersion, "line 4: umtape.format is 2"},
		{"second document", foreign + "---\n" + foreign, ErrNotCassette, "line 12: a second YAML document follows the cassette; go-vcr would drop it"},
		{"second document, empty", foreign + "---\n", ErrNotCassette, "a second YAML document"},
		{"second document, broken", foreign + "---\n[", ErrNotCassette, "a second YAML document"},
		{"interactions a mapping", "version: 2\ninteractions:\n    a: b\n", ErrNotCassette, "line 3: not a cassette: interactions is not a list"},
		{"interactions a string", "version: 2\ninteractions: none\n", ErrNotCassette, "line 2: not a cassette: interactions is not a list"},
		{"null interaction", "version: 2\ninteractions:\n    - null\n", ErrDamaged, "line 3: interaction 0: there is nothing in it; fix it or delete the interaction"},
		{"empty item", foreign + "    -\n", ErrDamaged, "line 12: interaction 1: there is nothing in it"},
		{"tilde item", foreign + "    - ~\n", ErrDamaged, "line 12: interaction 1: there is nothing in it"},
		{"text item", foreign + "    - a\n", ErrDamaged, "line 12: interaction 1: it is not a mapping"},
		{"no request", "version: 2\ninteractions:\n    - id: 4\n      response: {code: 200}\n", ErrDamaged, "line 3: interaction 4: it has no request"},
		{"no response", "version: 2\ninteractions:\n    - id: 4\n      request: {}\n", ErrDamaged, "line 3: interaction 4: it has no response"},
		{"null request", "version: 2\ninteractions:\n    - id: 4\n      request:\n      response: {code: 200}\n", ErrDamaged, "line 4: interaction 4: request is not a mapping"},
		{"duration without sense", change("1ms", "abc"), ErrDamaged, `line 11: interaction 0: response.duration "abc" is not a duration; fix it or delete the interaction`},
		{"duration without unit", change("1ms", "12"), ErrDamaged, `line 11: interaction 0: response.duration "12" is not a duration`},
		{"duration 0", change("1ms", "0"), ErrDamaged, `line 11: interaction 0: response.duration "0" is not a duration`},
		{"code missing", change("        code: 200\n", ""), ErrDamaged, "line 9: interaction 0: response.code is 0, not an HTTP status"},
		{"code 0", change("code: 200", "code: 0"), ErrDamaged, "line 10: interaction 0: response.code is 0, not an HTTP status"},
		{"code text", change("code: 200", "code: OK"), ErrDamaged, "line 10: interaction 0: response.code is not a whole number"},
		{"code huge", change("code: 200", "code: 99999999999"), ErrDamaged, "line 10: interaction 0: response.code is 99999999999, out of range"},
		{"body a list", change("body: <a/>", "body: [a]"), ErrDamaged, "line 7: interaction 0: request.body is not a string"},
		{"headers a list", change("body: <a/>", "headers: [a]"), ErrDamaged, "line 7: interaction 0: request.headers is not a mapping"},
		{"header without list", change("body: <a/>", "headers: {a: b}"), ErrDamaged, "line 7: interaction 0: an entry of request.headers is not a list"},
		{"bad base64", change("body: <a/>", "body: !!binary '*'"), ErrDamaged, "line 7: interaction 0: request.body is !!binary but not base64"},
		{"bad bool", change("code: 200", "uncompressed: maybe"), ErrDamaged, "line 10: interaction 0: response.uncompressed is neither true nor false"},
		{"key twice", change("method: POST", "url: b"), ErrDamaged, "line 6: interaction 0: request has a key twice"},
		{"version twice", "version: 2\n" + foreign, ErrDamaged, "line 2: the cassette has a key twice"},
		{"id text", change("id: 0", "id: a"), ErrDamaged, "line 3: interaction 0: id is not a whole number"},
		{"bad time", foreign + "      umtape:\n        arrived: noon\n", ErrDamaged, `line 13: interaction 0: umtape.arrived "noon" is not a time such as`},
		{"bad truncated", foreign + "      umtape:\n        truncated: yes\n", ErrDamaged, `line 13: interaction 0: umtape.truncated "yes" is not request, response or both`},
		{"merge in a circle", "version: 2\ninteractions:\n    - &a\n      <<: *a\n", ErrDamaged, "merges too deep"},
		{"cut in the header", "---\nversion: 2\numtape:\n    for", ErrDamaged, "line 4: umtape is not a mapping; fix it or record anew"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := tape(t)
			put(t, path, tt.text)
			c, err := Load(path)
			if err == nil {
				t.Fatalf("loaded %d interactions", len(c.Interactions))
			}
			text := err.Error()
			if !errors.Is(err, tt.kind) || !strings.HasPrefix(text, path+": "+tt.want) && !strings.Contains(text, tt.want) {
				t.Errorf("got %q, want %q", text, tt.want)
			}
			if strings.Contains(text, "\n") || !strings.HasPrefix(text, path+": ") {
				t.Errorf("not one line that starts with the path: %q", text)
			}
			if _, err := Create(path, testHeader, Append); err == nil || err.Error() != text {
				t.Errorf("Create to append: %v", err)
			}
			if _, err := Recover(path); err == nil || err.Error() != text {
				t.Errorf("Recover: %v", err)
			}
			if readAll(t, path) != tt.text {
				t.Error("the file was changed")
			}
		})
	}
}

func TestLoadOfNoFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(filepath.Join(dir, "none.yaml")); !errors.Is(err, os.ErrNotExist) || strings.Count(err.Error(), "none.yaml") != 1 {
		t.Errorf("missing file: %v", err)
	}
	if _, err := Load(dir); !errors.Is(err, ErrNotCassette) || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("directory: %v", err)
	}
	if _, err := Load(filepath.Join(tape(t), "x")); err == nil {
		t.Error("no folder: no error")
	}
	for _, mode := range []OpenMode{Refuse, Append, Replace} {
		if w, err := Create(dir, testHeader, mode); err == nil || w != nil {
			t.Errorf("mode %d: recording to a directory", mode)
		}
		if _, err := Create(filepath.Join(dir, "no", "x.yaml"), testHeader, mode); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("mode %d: no folder: %v", mode, err)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Other spellings of a good cassette load, and to the same interactions.
func TestLoadOtherSpellings(t *testing.T) {
	path := tape(t)
	list := []*Interaction{sample(t, 0), sample(t, 1), sample(t, 2)}
	list[1].Request.Body, list[1].Response.Body = "a\r\nb", "a\n\nb\n\n"
	write(t, path, list...)
	ours := readAll(t, path)
	for name, text := range map[string]string{
		"CRLF":                 strings.ReplaceAll(ours, "\n", "\r\n"),
		"BOM":                  "\ufeff" + ours,
		"no last line break":   strings.TrimSuffix(ours, "\n"),
		"blank lines":          strings.ReplaceAll(ours, "    - id:", "\n\n    - id:") + "\n\n",
		"comments":             strings.ReplaceAll(ours, "    - id:", "    # more\n# and\n    - id:") + "# the end\n",
		"comment, no break":    ours + "# the end",
		"document end":         ours + "...\n",
		"header changed":       strings.Replace(ours, "version: 2", "version: 2 # go-vcr", 1),
		"header last":          strings.Replace(ours, "version: 2\n", "", 1) + "version: 2\n",
		"CRLF, no last break":  strings.TrimSuffix(strings.ReplaceAll(ours, "\n", "\r\n"), "\r\n"),
		"mixed after autocrlf": strings.Replace(ours, "\n", "\r\n", 30),
	} {
		t.Run(name, func(t *testing.T) {
			put(t, path, text)
			c := load(t, path)
			if c.Foreign || c.Torn != nil || len(c.Interactions) != 3 {
				t.Fatalf("foreign %v, torn %+v, %d interactions", c.Foreign, c.Torn, len(c.Interactions))
			}
			wantHeader := testHeader
			wantHeader.Format = 1
			if !reflect.DeepEqual(c.Header, Header{2, wantHeader}) {
				t.Errorf("header %+v", c.Header)
			}
			lines := strings.Split(text, "\n")
			for n, i := range c.Interactions {
				equal(t, i, list[n])
				if !strings.HasPrefix(lines[i.Line-1], "    - id: ") {
					t.Errorf("line %d is %q", i.Line, lines[i.Line-1])
				}
			}
			// And appending to it makes it ours, whole.
			w := create(t, path, Append)
			add(t, w, sample(t, 3))
			closed(t, w)
			c = load(t, path)
			if len(c.Interactions) != 4 || c.Torn != nil || c.rewrite && name != "blank lines" {
				t.Errorf("after appending: %d interactions, torn %+v", len(c.Interactions), c.Torn)
			}
			for n, i := range c.Interactions[:3] {
				equal(t, i, list[n])
			}
			stock(t, path)
		})
	}
}

func TestLoadJSONFlow(t *testing.T) {
	path := tape(t)
	put(t, path, `{"version": 2, "interactions": [
{"id": 0, "request": {"method": "POST", "url": "https://a.test/", "body": "<a/>"}, "response": {"code": 200, "body": "b\n", "duration": "1ms"}},
{"id": 1, "request": {"method": "POST", "url": "https://a.test/", "headers": {"A": ["b"]}}, "response": {"code": 500, "duration": "1ms"}}]}`)
	c := load(t, path)
	if len(c.Interactions) != 2 || !c.Foreign || c.Interactions[1].Line != 3 || c.Interactions[0].Response.Body != "b\n" {
		t.Errorf("got %+v", c)
	}
}

// Aliases and merges, as people use them to keep a cassette short, mean what
// they mean to go-vcr.
func TestLoadAliases(t *testing.T) {
	path := tape(t)
	put(t, path, `version: 2
interactions:
    - &first
      id: 0
      request: &request
        method: POST
        url: https://a.test/
        headers: &headers
            A: [b]
      response: {code: 200, duration: 1ms}
    - <<: *first
      id: 1
    - id: 2
      request:
        <<: *request
        method: PUT
      response: {code: 201, headers: *headers}
`)
	c, vcr := load(t, path), stock(t, path)
	for n, i := range c.Interactions {
		s := vcr.Interactions[n]
		if i.ID != s.ID || i.Request.Method != s.Request.Method || i.Request.URL != s.Request.URL || i.Response.Code != s.Response.Code || !reflect.DeepEqual(i.Request.Headers, s.Request.Headers) {
			t.Errorf("got %+v, go-vcr %+v", i, s)
		}
	}
	if len(c.Interactions) != 3 {
		t.Errorf("%d interactions", len(c.Interactions))
	}
}

func TestAliasBombIsAnError(t *testing.T) {
	path := tape(t)
	put(t, path, "version: 2\na: &a ["+strings.Repeat("x,", 50000)+"]\ninteractions:\n"+
		"    - request: {headers: {"+func() string {
		var b strings.Builder
		for n := range 5000 {
			b.WriteString("k" + itoa(int64(n)) + ": *a, ")
		}
		return b.String()
	}()+"}}\n      response: {code: 200}\n")
	if _, err := Load(path); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "too many aliases") {
		t.Errorf("got %v", err)
	}
}

// People edit cassettes. A whole interaction is taken as it is and marked.
func TestEditedByHand(t *testing.T) {
	path := tape(t)
	write(t, path, sample(t, 0), sample(t, 1), sample(t, 2))
	ours := readAll(t, path)
	for n := range 3 {
		parts := strings.SplitAfter(ours, "code: 200\n")
		parts[n] = strings.Replace(parts[n], "code: 200", "code: 503", 1)
		put(t, path, strings.Join(parts, ""))
		c := load(t, path)
		if len(c.Interactions) != 3 || c.Torn != nil {
			t.Fatalf("%d interactions, torn %+v", len(c.Interactions), c.Torn)
		}
		for k, i := range c.Interactions {
			if i.Edited != (k == n) || (i.Response.Code == 503) != (k == n) {
				t.Errorf("edited %d: interaction %d is %d, edited %v", n, k, i.Response.Code, i.Edited)
			}
		}
	}
	// The mark outlives a rewrite, which has to change the id.
	w := create(t, path, Append)
	early := sample(t, 0)
	early.Umtape.Arrived = start.Add(-1)
	add(t, w, early)
	closed(t, w)
	c := load(t, path)
	if len(c.Interactions) != 4 || !c.Interactions[3].Edited || c.Interactions[3].ID != 3 || c.Interactions[1].Edited {
		t.Errorf("after reordering: %+v", c.Interactions[3])
	}
	// And one through the decoder.
	put(t, path, strings.ReplaceAll(readAll(t, path), "\n", "\r\n"))
	closed(t, create(t, path, Append))
	if c := load(t, path); !c.Interactions[3].Edited || c.Interactions[1].Edited {
		t.Error("the mark was lost")
	}
}

// One added by hand in the middle, without a checksum, or at the end with a
// word in its place.
func TestAddedByHand(t *testing.T) {
	path := tape(t)
	write(t, path, sample(t, 0), sample(t, 1))
	ours := readAll(t, path)
	byHand := strings.TrimPrefix(foreign, "version: 2\ninteractions:\n")
	at := strings.Index(ours, "    - id: 1\n")
	for _, text := range []string{ours[:at] + byHand + ours[at:], ours + byHand + "      umtape:\n        checksum: edited\n"} {
		put(t, path, text)
		c := load(t, path)
		edited := 0
		for _, i := range c.Interactions {
			if i.Edited {
				edited++
			}
		}
		if len(c.Interactions) != 3 || edited != 1 || c.Torn != nil {
			t.Errorf("%d interactions, %d edited, torn %+v", len(c.Interactions), edited, c.Torn)
		}
	}
}

func TestDamageInTheMiddleIsNamed(t *testing.T) {
	path := tape(t)
	write(t, path, sample(t, 0), sample(t, 1), sample(t, 2))
	ours := readAll(t, path)
	at := strings.Index(ours, "    - id: 1\n")
	line := 1 + strings.Count(ours[:at], "\n")
	for name, text := range map[string]string{
		"zeros":    ours[:at+200] + strings.Repeat("\x00", 100) + ours[at+300:],
		"cut":      ours[:at+strings.Index(ours[at:], "        form: ")] + ours[strings.Index(ours, "    - id: 2\n"):],
		"emptied":  ours[:at+len("    - id: 1\n")] + ours[strings.Index(ours, "    - id: 2\n"):],
		"duration": ours[:at] + strings.Replace(ours[at:], "duration: 12.3", "duration: x", 1),
	} {
		put(t, path, text)
		_, err := Load(path)
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), ": interaction 1: ") {
			t.Errorf("%s (line %d): %v", name, line, err)
		}
	}
}
