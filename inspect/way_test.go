package inspect

import (
	"fmt"
	"strings"
	"testing"
)

// TestChangesKnowTheirPlaces has what was before and after at each place, by the way
// that leads there.
func TestChangesKnowTheirPlaces(t *testing.T) {
	parse := func(header, body string) *Message {
		t.Helper()
		m, err := Parse([]byte(`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">` + header + `<s:Body>` + body + `</s:Body></s:Envelope>`))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	value := func(e *Element, attr string) string {
		if e == nil {
			return "-"
		}
		if attr == "" {
			return strings.TrimSpace(e.Text)
		}
		for _, a := range e.Attrs {
			if a.Name.Local == attr {
				return a.Value
			}
		}
		return "-"
	}
	for _, tt := range []struct{ name, headerA, a, headerB, b, want string }{
		{"equal", "", "<x>1</x>", "", "<x>1</x>", ""},
		{"text", "", "<x><y>1</y><y>2</y></x>", "", "<x><y>1</y><y>3</y></x>", "Body/x/y[2]: 2 3;"},
		{"an attribute", "", `<x a="1" b="2"/>`, "", `<x a="3" c="4"/>`, "Body/x/@a: 1 3;Body/x/@b: 2 -;Body/x/@c: - 4;"},
		{"other places", "", "<x><b>0</b><a>1</a></x>", "", "<x><a>9</a><b>0</b><a>2</a></x>", "Body/x/a[1]: - 9;Body/x/a: 1 2;"},
		{"removed", "", "<x><b>0</b><a>1</a></x>", "", "<x><b>0</b></x>", "Body/x/a: 1 -;"},
		{"in the header, which moves the body", "", "<x>1</x>", "<s:Header><h>5</h></s:Header>", "<x>2</x>", "Body/x: 1 2;Header: - ;"},
		{"in both headers", "<s:Header><h>4</h></s:Header>", "<x>1</x>", "<s:Header><g/><h>5</h></s:Header>", "<x>1</x>", "Header/g: - ;Header/h: 4 5;"},
	} {
		a, b := parse(tt.headerA, tt.a), parse(tt.headerB, tt.b)
		got := ""
		for _, c := range Changes(a, b, 10) {
			got += fmt.Sprintf("%s: %s %s;", c.Path, value(a.Envelope.Down(c.Before), c.Attr), value(b.Envelope.Down(c.After), c.Attr))
			// The path leads to the same place in what was before.
			if e, attr := a.At(c.Path); c.Before != nil && (e != a.Envelope.Down(c.Before) || attr != c.Attr) {
				t.Errorf("%s: %s leads to %v", tt.name, c.Path, e)
			}
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	// Of what was recorded and what came, too.
	got := ""
	a, b := parse("<s:Header><h>4</h></s:Header>", "<x><b>0</b><a>1</a><c/></x>"), parse("", "<x><a>9</a><b>0</b><a>2</a></x>")
	for _, c := range Places(a, b, 10) {
		got += fmt.Sprintf("%s %s: %s %s;", c.Path, c.What, value(a.Envelope.Down(c.Before), c.Attr), value(b.Envelope.Down(c.After), c.Attr))
	}
	if want := "Body/x/a[1] unexpected: - 9;Body/x/a text differs: 1 2;Body/x/c missing:  -;"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	m := parse("", "<x><y/></x>")
	for _, path := range []string{"", "Header", "Body/z", "Body/x/y[2]", "Body/x/y/z", "method"} {
		if e, _ := m.At(path); e != nil {
			t.Errorf("%q leads to %v", path, e)
		}
	}
	if m.Envelope.Down([]int{0, 3}) != nil || m.Envelope.Down(nil) != nil {
		t.Error("a way that leads nowhere leads somewhere")
	}
}
