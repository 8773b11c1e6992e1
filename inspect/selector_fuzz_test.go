package inspect

import (
	"slices"
	"strings"
	"testing"
)

// FuzzSelector: any text is a selector or is refused, and what one removes or blanks
// is what it selects: nothing is found a second time.
func FuzzSelector(f *testing.F) {
	for _, selector := range []string{"CallId", "//CallId", "a/CallId", "/Envelope/Body/a/CallId", "PhoneCallId/@Id", "@Id", "@*", "*", "a/*", "a/*/b", "Body/a"} {
		f.Add(selector, `<a xmlns="urn:x" Id="1">t<CallId> 1 </CallId>u<b><CallId Id="2"/></b>v</a>`)
	}
	f.Fuzz(func(t *testing.T, selector, body string) {
		s, err := ParseSelector(selector)
		if err != nil {
			if len(err.Error()) > 1000 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
			return
		}
		if s.String() != selector {
			t.Errorf("%q became %q", selector, s)
		}
		read := func() *Message {
			m, err := Parse([]byte(`<s:Envelope xmlns:s="` + SOAP11NS + `"><s:Body>` + body + `</s:Body></s:Envelope>`))
			if err != nil {
				t.Skip()
			}
			return m
		}
		want := selected(read(), s)
		list := []Selector{s}
		m := read()
		values := m.Blank(list)
		if !slices.Equal(sorted(values), sorted(want)) {
			t.Errorf("%q blanks %q; it selects %q", selector, values, want)
		}
		if again := strings.Join(m.Blank(list), ""); again != "" {
			t.Errorf("%q finds %q a second time", selector, again)
		}
		m = read()
		m.Remove(list)
		if left := selected(m, s); len(left) > 0 {
			t.Errorf("%q leaves %q", selector, left)
		}
		(*Message)(nil).Remove(list)
	})
}

// selected are the values of what Selects says is selected in the Body.
func selected(m *Message, s Selector) (values []string) {
	var walk func(e *Element, path []string)
	walk = func(e *Element, path []string) {
		path = append(slices.Clip(path), e.Name.Local)
		if e != m.Body && s.Selects(path, "") {
			values = append(values, e.Text)
		}
		for _, a := range e.Attrs {
			if e != m.Body && s.Selects(path, a.Name.Local) {
				values = append(values, a.Value)
			}
		}
		for _, c := range e.Children {
			walk(c, path)
		}
	}
	walk(m.Body, []string{"Envelope"})
	return values
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}
