package cassettes

import (
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"testing"

	"gopkg.in/dnaeon/go-vcr.v3/cassette"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"github.com/umtape/umtape/inspect"
)

// tags returns a finding at each start tag of both bodies, as a checker would
// make them.
func tags(i *Interaction) []inspect.Finding {
	var found []inspect.Finding
	for part, body := range map[string]string{"request": i.Request.Body, "response": i.Response.Body} {
		for at := range len(body) {
			if body[at] == '<' {
				found = append(found, inspect.Finding{Part: part, Pos: at + 1, Message: body[at:]})
			}
		}
	}
	return found
}

// charsAt is the text of a file from a place on, to the end of the line, as an
// editor that counts characters shows it.
func charsAt(t testing.TB, file string, at Place) string {
	t.Helper()
	lines := strings.Split(strings.TrimPrefix(file, string(bom)), "\n")
	if at.Line < 1 || at.Line > len(lines) {
		t.Fatalf("line %d of %d", at.Line, len(lines))
	}
	line := []rune(lines[at.Line-1])
	if at.Column < 1 || at.Column > len(line)+1 {
		t.Fatalf("column %d of line %d, which has %d", at.Column, at.Line, len(line))
	}
	return string(line[at.Column-1:])
}

// checkPlaces holds the places of all tags against the file: each is a "<", with
// the text of its tag after it as far as that is written as it is, and no two are
// the same.
func checkPlaces(t testing.TB, path string) (checked int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c, text, err := LoadText(path)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[Place]bool{}
	for n, i := range c.Interactions {
		found := tags(i)
		for k, at := range text.Places(n, found) {
			rest := charsAt(t, string(data), at)
			tag := found[k].Message
			if end := strings.IndexAny(tag, "\"'\\\n\r\t >"); end >= 0 {
				tag = tag[:end]
			}
			escaped := strings.HasPrefix(rest, `\x3C`) // as yaml.v3 writes all of a text with a byte order mark
			if !escaped && (!strings.HasPrefix(rest, "<") || !strings.HasPrefix(rest, tag)) {
				t.Fatalf("interaction %d, %s: at %d:%d is %.40q, want %.40q", n, found[k].Part, at.Line, at.Column, rest, found[k].Message)
			}
			if seen[at] {
				t.Fatalf("interaction %d: two tags are at %d:%d", n, at.Line, at.Column)
			}
			seen[at] = true
			checked++
		}
	}
	return checked
}

// bodies that go to a file in each of its forms.
var placedBodies = []string{
	"<a><b/></a>", "<a>\n  <b/>\n</a>\n", "<a>\r\n\t<b/>\r\n</a>", "\n\n  <a/>", "\t<a/><b/>", "<a x=\"\\'\"/>é<b/>", "\ufeff<a/><b/>",
	"<a>\n\n\n<b/>\n\n</a>\n\n", "<a>\u0085<b/>\u2028<c/></a>", "<a>\U0001f600<b/></a>", "<a>it''s: # no \\n comment<b/></a>", "<a/>  ", "<a>\x01<b/></a>",
}

func TestPlaces(t *testing.T) {
	interactions := func() []*Interaction {
		var list []*Interaction
		for n, body := range placedBodies {
			i := sample(t, n)
			i.Request.Body, i.Response.Body = body, placedBodies[len(placedBodies)-1-n]
			list = append(list, i)
		}
		return list
	}
	files := map[string]func(t *testing.T) string{
		"ours": func(t *testing.T) string {
			path := tape(t)
			write(t, path, interactions()...)
			return path
		},
		"go-vcr": func(t *testing.T) string {
			c := cassette.New(strings.TrimSuffix(tape(t), ".yaml"))
			for _, i := range interactions() {
				c.AddInteraction(&i.Interaction)
			}
			if err := c.Save(); err != nil {
				t.Fatal(err)
			}
			return c.File
		},
	}
	for name, make := range files {
		t.Run(name, func(t *testing.T) {
			path := make(t)
			n := checkPlaces(t, path)
			if n < 40 {
				t.Errorf("%d tags were looked for", n)
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			windows := tape(t)
			for _, text := range []string{
				strings.ReplaceAll(string(data), "\n", "\r\n"),
				string(bom) + string(data),
				strings.Replace(string(data), "\ninteractions:\n", "\nmine: {a: [b, \"\u2028\"]}\ninteractions:\n\n# a comment\n\n", 1),
				string(data) + "mine: 1\n",
			} {
				if err := os.WriteFile(windows, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				if got := checkPlaces(t, windows); got != n {
					t.Errorf("%d tags were looked for, %d before", got, n)
				}
			}
		})
	}
}

// TestPlacesByHand: a place is found in whatever style a cassette is written.
func TestPlacesByHand(t *testing.T) {
	for name, body := range map[string]string{
		"literal":         "|\n      <a>\n        <b/></a>\n",
		"literal, indent": "|2-\n        <a>\n\n       <b/></a>\n",
		"literal, keep":   "|+ # so\n      <a/>\n\n\n",
		"folded":          ">-\n      <a>\n      <b/>\n\n        <c/>\n      </a>\n",
		"plain":           "<a><b/>\n      <c/></a>\n",
		"single":          "'<a x=''1''><b/>\n\n      <c/></a>'\n",
		"double":          "\"<a x=\\\"1\\\">\\\n      \\ <b/>\\x3c\\u0063/\\x3e\\n\\\n      <c/></a>\"\n",
		"tagged":          "!!str\n      '<a/><b/>'\n",
		"anchored":        "&request !!str '<a/><b/>'\n",
	} {
		t.Run(name, func(t *testing.T) {
			text := "version: 2\ninteractions:\n- request:\n    body: " + body + "    url: http://x/\n    method: POST\n  response: {code: 200, body: \"<x/>\"}\n"
			path := tape(t)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			c, places, err := LoadText(path)
			if err != nil {
				t.Fatal(err)
			}
			found := tags(c.Interactions[0])
			for k, at := range places.Places(0, found) {
				want := found[k].Message[:2]
				if rest := charsAt(t, text, at); !strings.HasPrefix(rest, want) && !strings.HasPrefix(rest, `\x3c`) {
					t.Errorf("%s is at %d:%d, where %.20q is", want, at.Line, at.Column, rest)
				}
			}
		})
	}
}

// TestPlacesOfAliases: what an alias stands for is where it is written.
func TestPlacesOfAliases(t *testing.T) {
	path := tape(t)
	text := "version: 2\ninteractions:\n" +
		"- request: &q {body: &b \"<a/>\", url: http://x/, method: POST, headers: {SOAPAction: [x]}}\n  response: {code: 200, body: *b}\n" +
		"- request: {<<: *q, method: GET}\n  response: {code: 200, body: 'not here'}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, places, err := LoadText(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range c.Interactions {
		found := []inspect.Finding{{Part: "request", Pos: 1}, {Part: "request", Header: "Soapaction"}, {Part: "request", Header: "Content-Type"}, {Part: "request"}, {}}
		var got []string
		for _, at := range places.Places(n, found) {
			got = append(got, charsAt(t, text, at))
		}
		for k, want := range []string{"<a/>", "x]}}", "headers: ", "body: &b", []string{"- request: &q", "- request: {<<"}[n]} {
			if !strings.HasPrefix(got[k], want) {
				t.Errorf("interaction %d, finding %d: %q, want %q", n, k, got[k], want)
			}
		}
	}
	if at := places.Places(0, []inspect.Finding{{Part: "response", Pos: 1}}); !strings.HasPrefix(charsAt(t, text, at[0]), "<a/>") {
		t.Errorf("the aliased body is at %v", at)
	}
}

// TestPlacesOnTheFirstLine: a byte order mark is no character of the line.
func TestPlacesOnTheFirstLine(t *testing.T) {
	path := tape(t)
	text := string(bom) + `{version: 2, interactions: [{request: {body: "<a/>"}, response: {body: "<b/>", code: 200}}]}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := checkPlaces(t, path); n != 2 {
		t.Errorf("%d tags were looked for", n)
	}
}

// TestPlacesThatAreNot: bytes that are in the file as base64 have the place of
// their key, as has a place past the body's end.
func TestPlacesThatAreNot(t *testing.T) {
	i := sample(t, 0)
	i.Request.Body, i.Response.Body = "\xff<a/>", "<a>"
	path := tape(t)
	write(t, path, i)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, text, err := LoadText(path)
	if err != nil {
		t.Fatal(err)
	}
	got := text.Places(0, []inspect.Finding{{Part: "request", Pos: 2}, {Part: "response", Pos: 99}, {Part: "response", Header: "Date"}, {Part: "response", Header: "date"}})
	for k, want := range []string{"body: !!binary " + base64.StdEncoding.EncodeToString([]byte("\xff")) + "", "", "Mon, 23 Nov", "Mon, 23 Nov"} {
		if rest := charsAt(t, string(data), got[k]); k != 0 && !strings.HasPrefix(rest, want) || k == 1 && rest != "" || k == 0 && !strings.HasPrefix(rest, "body: !!binary ") {
			t.Errorf("finding %d is at %v, where %.30q is", k, got[k], rest)
		}
	}
}

// TestPlacesOfAnything: whatever a body is, each place found is that of its
// character, and none is missed in what YAML can show.
func TestPlacesOfAnything(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.StringOfN(rapid.SampledFrom([]rune("<<<>a\"'\\:#-|& \n\t\r\u0085\u2028é\x01\U0001f600!?")), 0, 60, -1)
		out, err := yaml.Marshal(map[string]any{"version": 2, "interactions": []any{
			map[string]any{"request": map[string]any{"body": text.Draw(r, "request"), "method": "POST"}, "response": map[string]any{"code": 200, "body": text.Draw(r, "response")}},
			map[string]any{"request": map[string]any{"body": text.Draw(r, "request")}, "response": map[string]any{"code": 200, "body": text.Draw(r, "response")}},
		}})
		if err != nil {
			r.Fatal(err)
		}
		c, err := parse("x", out)
		if err != nil {
			r.Skip(err)
		}
		places := newText(c, out)
		for n, i := range c.Interactions {
			found := tags(i)
			var before Place
			for k, at := range places.Places(n, found) {
				rest := charsAt(t, string(out), at)
				if !strings.HasPrefix(rest, "<") {
					r.Fatalf("at %v is %q\n%s", at, rest, out)
				}
				if k > 0 && found[k].Part == found[k-1].Part && fmt.Sprintf("%6d%6d", at.Line, at.Column) <= fmt.Sprintf("%6d%6d", before.Line, before.Column) {
					r.Fatalf("%v comes after %v\n%s", at, before, out)
				}
				before = at
			}
		}
	})
}
