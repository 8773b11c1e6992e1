package inspect

import (
	"strings"
	"testing"
)

func messageOf(t *testing.T, body string) *Message {
	t.Helper()
	m, err := Parse([]byte(`<s:Envelope xmlns:s="` + SOAP11NS + `"><s:Body>` + body + `</s:Body></s:Envelope>`))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func selectors(t *testing.T, texts ...string) (list []Selector) {
	t.Helper()
	for _, text := range texts {
		s, err := ParseSelector(text)
		if err != nil {
			t.Fatal(err)
		}
		if s.String() != text {
			t.Errorf("%s became %s", text, s)
		}
		list = append(list, s)
	}
	return list
}

// TestRemove: what is left says the same as a message that never had it, however
// both are indented.
func TestRemove(t *testing.T) {
	for _, tt := range []struct{ selector, body, left string }{
		{"CallId", `<a xmlns="urn:x"><CallId>1</CallId><b/></a>`, `<a xmlns="urn:x"><b/></a>`},
		{"//CallId", `<a><b><CallId>1</CallId>  </b></a>`, `<a><b/></a>`},
		{"CallId", "<a>\n  <b>\n    <CallId>1</CallId>\n  </b>\n</a>", `<a><b></b></a>`},
		{"b/CallId", `<a><CallId>1</CallId><b><CallId>2</CallId></b></a>`, `<a><CallId>1</CallId><b/></a>`},
		{"Body/a/CallId", `<a><CallId>1</CallId><b><a><CallId>2</CallId></a></b></a>`, `<a><b><a><CallId>2</CallId></a></b></a>`},
		{"/Body/a/CallId", `<a><CallId>1</CallId></a>`, `<a/>`},
		{"/Envelope/Body/a/CallId", `<a><CallId>1</CallId></a>`, `<a/>`},
		{"b/*", `<a><b><c/>text<d/></b></a>`, `<a><b>text</b></a>`},
		{"*/a", `<a><b/></a>`, ``},
		{"b", `<a>x<b/>y</a>`, `<a>xy</a>`},
		{"@Id", `<a Id="1"><b Id="2" x="3"/></a>`, `<a><b x="3"/></a>`},
		{"b/@Id", `<a Id="1"><b Id="2" x="3"/></a>`, `<a Id="1"><b x="3"/></a>`},
		{"b/@*", `<a Id="1"><b Id="2" x="3"/></a>`, `<a Id="1"><b/></a>`},
		{"a", `<a>1</a>`, ``},
		{"callid", `<a><CallId>1</CallId></a>`, `<a><CallId>1</CallId></a>`},
	} {
		m := messageOf(t, tt.body)
		m.Remove(selectors(t, tt.selector))
		left := messageOf(t, tt.left)
		if string(m.AppendCanonical(nil, false)) != string(left.AppendCanonical(nil, false)) {
			t.Errorf("%s in %s: %v", tt.selector, tt.body, Compare(left, m, 5))
		}
	}
	var none *Message
	none.Remove(selectors(t, "a"))
}

func TestBlank(t *testing.T) {
	m := messageOf(t, `<a><CallId>1</CallId><b Id="2"><CallId>3</CallId></b></a>`)
	got := m.Blank(selectors(t, "CallId", "b/@Id"))
	if strings.Join(got, " ") != "1 2 3" {
		t.Errorf("values %q", got)
	}
	if want := messageOf(t, `<a><CallId/><b Id=""><CallId/></b></a>`); len(Compare(want, m, 5)) > 0 {
		t.Error(Compare(want, m, 5))
	}
}

func TestParseSelectorErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                 "has an empty step",
		"a//b":             "has an empty step",
		"m:CallId":         `"m:CallId" has a prefix; names stand without one`,
		"/a/b":             "does not begin in the Body",
		"a[1]":             "is not made of names",
		"@Id/a":            "is not made of names",
		"a/@":              "is not made of names",
		"text()":           "is not made of names",
		"a b":              "is not made of names",
		"/Envelope/Header": "does not begin in the Body",
	} {
		if _, err := ParseSelector(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
	}
}
