package cassettes

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/umtape/umtape/inspect"
)

// eachIn reads a cassette in pieces of so many bytes.
func eachIn(path string, chunk int) ([]*Interaction, *Cassette, error) {
	var list []*Interaction
	c, err := eachOf(path, chunk, func(i *Interaction) *Interaction { return i }, func(i *Interaction) error { list = append(list, i); return nil }, nil)
	return list, c, err
}

// TestEachIsLoad: in chunks of any size it gives what Load gives, of files as they
// are, edited, cut anywhere, damaged, and of other layouts.
func TestEachIsLoad(t *testing.T) {
	path := tape(t)
	var list []*Interaction
	for n := range 7 {
		i := sample(t, n)
		i.Request.Body = strings.Repeat("line\n    - id: 3\n", n) + i.Request.Body
		list = append(list, i)
	}
	write(t, path, list...)
	text := readAll(t, path)
	files := map[string]string{
		"whole": text, "no last line break": strings.TrimSuffix(text, "\n"), "edited": strings.Replace(text, "200 OK", "200 Ok", 3),
		"a comment between": strings.Replace(text, "    - id: 4\n", "    # here\n    - id: 4\n", 1),
		"no checksum":       strings.Replace(text, "\n        checksum: ", "\n        note: ", 2),
		"an anchor":         strings.Replace(strings.Replace(text, "method: POST", "method: &m POST", 1), "      method: POST", "      method: *m", 1),
		"a key behind":      text + "more: 1\n", "CRLF": strings.ReplaceAll(text, "\n", "\r\n"),
		"not YAML": strings.Replace(text, "    - id: 5\n", "    - id: 5\n      {\n", 1), "a number": strings.Replace(text, "code: 200", "code: many", 4),
		"foreign": "version: 2\ninteractions:\n- {id: 0, request: {method: GET, url: \"http://a/\"}, response: {code: 200}}\n",
		"empty":   "", "header only": text[:headerLen([]byte(text))], "no cassette": "[]", "half a header": text[:40],
	}
	for cut := 0; cut < len(text); cut += 1009 {
		files[fmt.Sprintf("cut at %d", cut)] = text[:cut]
	}
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, "a.yaml")
		put(t, path, text)
		want, wantErr := Load(path)
		piecesAreLoad(t, name, path)
		for _, chunk := range []int{1 << 20, len(text)/2 + 1, 3000, 700, 64} {
			got, c, err := eachIn(path, chunk)
			if fmt.Sprint(err) != fmt.Sprint(wantErr) {
				t.Errorf("%s in %d: %v, and Load %v", name, chunk, err, wantErr)
			}
			if err != nil || wantErr != nil {
				continue
			}
			if !reflect.DeepEqual(c.Torn, want.Torn) || c.Foreign != want.Foreign || !reflect.DeepEqual(c.Header, want.Header) || len(c.Interactions) > 0 {
				t.Errorf("%s in %d: %+v, and Load %+v", name, chunk, c, want)
			}
			if len(got) != len(want.Interactions) {
				t.Errorf("%s in %d: %d interactions, and Load %d", name, chunk, len(got), len(want.Interactions))
				continue
			}
			for n, i := range got {
				w := *want.Interactions[n]
				w.span = i.span
				if name == "a key behind" || name == "an anchor" {
					w.Edited = i.Edited // what comes before the change of layout
				}
				if !reflect.DeepEqual(*i, w) {
					t.Errorf("%s in %d: interaction %d is %+v, and of Load %+v", name, chunk, n, *i, w)
				}
			}
		}
	}
}

// piecesAreLoad: pieces of any size hold what Load gives, after a change of layout
// too, and know its places.
func piecesAreLoad(t *testing.T, name, path string) {
	t.Helper()
	about := []inspect.Finding{{Part: "request", Pos: 30}, {Part: "response", Pos: 9}, {Part: "response", Header: "Date"}, {}}
	type placed struct {
		Interaction
		at []Place
	}
	var want []placed
	whole, text, wantErr := LoadText(path)
	if wantErr == nil {
		for n, i := range whole.Interactions {
			want = append(want, placed{*i, text.Places(n, about)})
		}
	}
	for _, chunk := range []int{1 << 20, 3000, 64} {
		var got []placed
		c, err := inPieces(path, chunk, func(p *Piece) (list []placed) {
			for n, i := range p.Interactions {
				list = append(list, placed{*i, p.Places(n, about)})
			}
			return list
		}, func(first int, list []placed) error {
			got = append(got[:first], list...)
			return nil
		}, nil)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("%s in pieces of %d: %v, and Load %v", name, chunk, err, wantErr)
		}
		if err != nil {
			continue
		}
		if !reflect.DeepEqual(c.Torn, whole.Torn) || c.end != whole.end || c.rewrite != whole.rewrite || len(got) != len(want) {
			t.Errorf("%s in pieces of %d: %+v of %d, and Load %+v of %d", name, chunk, c, len(got), whole, len(want))
			continue
		}
		for n := range got {
			if !reflect.DeepEqual(got[n], want[n]) {
				t.Errorf("%s in pieces of %d: interaction %d is %+v, and of Load %+v", name, chunk, n, got[n], want[n])
			}
		}
	}
}

func TestEachEnds(t *testing.T) {
	path := tape(t)
	write(t, path, sample(t, 0), sample(t, 1), sample(t, 2))
	stop := errors.New("enough")
	n := 0
	if _, err := Each(path, func(*Interaction) error { n++; return stop }, nil); err != stop || n != 1 {
		t.Errorf("%d handed on, %v", n, err)
	}
}

// TestEachKeepsNothing: what it holds is a chunk, not the file.
func TestEachKeepsNothing(t *testing.T) {
	path := tape(t)
	w := create(t, path, Refuse, SyncNever)
	for n := range 400 {
		i := sample(t, n)
		i.Response.Body = strings.Repeat("x", 100<<10)
		if err := w.Append(i); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	told, n, longest := int64(0), 0, 0
	_, err := Each(path, func(*Interaction) error { n++; return nil }, func(done, total int64) {
		longest = max(longest, int(done-told))
		told = done
		if done > total {
			t.Errorf("%d of %d bytes", done, total)
		}
	})
	if err != nil || n != 400 || told < 30<<20 || longest > 2<<20 {
		t.Errorf("%d interactions, %v; told of %d bytes, %d at once", n, err, told, longest)
	}
}

func TestLastRecord(t *testing.T) {
	for text, want := range map[string]int{
		"":                  0,
		"    - id: 1\nx":    0,
		"x\n    - id: 1\nx": 2,
		"x\n    - id: 1":    0, // it may go on
		"x\n    - id: a\nx": 0,
		"x\n    - id: 1\n    - id: a\n    - id: ": 2,
	} {
		if got := lastRecord([]byte(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	if bytes.Count([]byte(recordStart), []byte("\n")) > 0 {
		t.Error("a record's start is a line")
	}
}
