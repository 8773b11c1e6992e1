package cassettes

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/umtape/umtape/inspect"
)

func contractOf(t *testing.T, bodies ...string) *inspect.Contract {
	t.Helper()
	var shapes inspect.Shapes
	for i, b := range bodies {
		m, err := inspect.Parse([]byte(`<s:Envelope xmlns:s="` + inspect.SOAP11NS + `"><s:Header><h xmlns="urn:a/x"/></s:Header><s:Body>` + b + `</s:Body></s:Envelope>`))
		if err != nil {
			t.Fatal(err)
		}
		shapes.Add(inspect.ShapeKey{Operation: m.Payload.Name, Version: inspect.SOAP11}, m, inspect.ShapeIn{ID: i})
		shapes.Add(inspect.ShapeKey{Operation: m.Payload.Name, Version: inspect.SOAP12, Service: "S", Response: true, Fault: "F"}, m, inspect.ShapeIn{ID: i})
	}
	return inspect.NewContract(shapes.Groups())
}

// TestContractRoundTrip: a contract comes back as it was written, namespaces that
// end alike and names that YAML would take for something else included.
func TestContractRoundTrip(t *testing.T) {
	c := contractOf(t,
		`<p:y xmlns:p="urn:b/x" xml:lang="en" null="1"><p:true/><p:no>1</p:no><p:no>2</p:no><o xmlns="urn:c#">x</o></p:y>`,
		`<p:y xmlns:p="urn:b/x" xml:lang="en"><p:no>2.5</p:no><p:true/></p:y>`)
	path := filepath.Join(t.TempDir(), "shapes.yaml")
	if err := SaveContract(path, c, "two\nlines", false); err != nil {
		t.Fatal(err)
	}
	got, err := LoadContract(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Shapes) != len(c.Shapes) {
		t.Fatalf("%d shapes, %d written", len(got.Shapes), len(c.Shapes))
	}
	for i, s := range c.Shapes {
		g := got.Shapes[i]
		if g.ShapeKey != s.ShapeKey || g.Seen != s.Seen {
			t.Errorf("%+v is read as %+v", s.ShapeKey, g.ShapeKey)
		}
		for _, d := range append(inspect.DiffShapes(s.Shape, g.Shape), inspect.DiffShapes(g.Shape, s.Shape)...) {
			t.Errorf("%s: %s", s.ShapeKey, d)
		}
	}
	text := readAll(t, path)
	if !strings.HasPrefix(text, "# two\n# lines\numtape_shapes: 1\n") || !strings.Contains(text, "{attribute: 'xml:lang', value: text}") {
		t.Errorf("written as\n%s", text)
	}
	if err := SaveContract(path, c, "", false); !errors.Is(err, os.ErrExist) {
		t.Errorf("a file that is there: %v", err)
	}
	if err := SaveContract(path, c, "", true); err != nil {
		t.Errorf("with force: %v", err)
	}
}

func TestBadContracts(t *testing.T) {
	const head = "umtape_shapes: 1\nshapes:\n- operation: a\n  message: request\n  parts:\n  - element: Body\n"
	for name, tt := range map[string]struct{ text, want string }{
		"empty":         {"", "empty"},
		"a cassette":    {"version: 2\ninteractions: []\n", `not a contract: line 1: "version" is no key of a contract (and 1 more); `},
		"another YAML":  {"[1]\n", "not a contract: line 1: a value of another kind is expected; "},
		"no version":    {"shapes: []\n", "it has no umtape_shapes"},
		"a later one":   {"umtape_shapes: 2\n", "umtape_shapes is 2; this umtape reads 1"},
		"an unknown":    {head + "    ocurs: 1\n", `line 7: "ocurs" is no key of a contract; `},
		"a prefix":      {head + "    parts: [{element: 'x:y'}]\n", "the prefix of \"x:y\" is not in namespaces"},
		"a name":        {head + "    parts: [{element: 'x:y:z'}]\n", "\"x:y:z\" is no name"},
		"an occurs":     {head + "    occurs: many\n", "\"Body\": occurs is written 1, 0..1"},
		"a range":       {head + "    occurs: 3..2\n", "occurs is written"},
		"a value":       {head + "    value: number\n", "\"number\" is not a kind of value"},
		"twice":         {head + "  - element: Body\n", "\"Body\": it is there twice"},
		"both":          {head + "    attribute: x\n", "either an element or an attribute"},
		"neither":       {head + "    parts: [{value: text}]\n", "either an element or an attribute"},
		"a message":     {strings.Replace(head, "request", "question", 1), "message is none of request, response, fault"},
		"a fault":       {strings.Replace(head, "request", "fault", 1), "a fault, and nothing else, has the key fault"},
		"a bomb":        {"umtape_shapes: 1\nx: &a [1]\n", `"x" is no key of a contract; `},
		"a binary file": {"\x00\x01", "not a contract: "},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "shapes.yaml")
			put(t, path, tt.text)
			_, err := LoadContract(path)
			if err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v; want %s", err, tt.want)
			}
		})
	}
	if _, err := LoadContract(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// FuzzContract: what is read is read the same once it was written.
func FuzzContract(f *testing.F) {
	f.Add("umtape_shapes: 1\nnamespaces: {p: urn:x}\nshapes:\n- {operation: p:a, message: fault, fault: X, soap: '1.2', parts: [{element: Body, value: empty|text, occurs: 0..n, any_order: true, parts: [{attribute: p:b, value: integer}]}]}\n")
	f.Fuzz(func(t *testing.T, text string) {
		dir := t.TempDir()
		path := filepath.Join(dir, "a.yaml")
		put(t, path, text)
		c, err := LoadContract(path)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("an error of several lines: %q", err)
			}
			return
		}
		again := filepath.Join(dir, "b.yaml")
		if err := SaveContract(again, c, "", false); err != nil {
			t.Fatal(err)
		}
		got, err := LoadContract(again)
		if err != nil {
			t.Fatalf("%v\n%s", err, readAll(t, again))
		}
		if !reflect.DeepEqual(got, c) {
			t.Errorf("read as %+v, then as %+v", c, got)
		}
	})
}
