package inspect

import (
	"fmt"
	"strings"
	"testing"
)

// TestPretty: lines are added between elements, and nothing else is changed.
func TestPretty(t *testing.T) {
	for body, want := range map[string]string{
		`<a><b>1</b><c/></a>`:           "<a>\n  <b>1</b>\n  <c/>\n</a>",
		"<a>\n\n<b>\n<c></c></b>\t</a>": "<a>\n  <b>\n    <c></c>\n  </b>\n</a>",
		`<a><b>  </b></a>`:              "<a>\n  <b>  </b>\n</a>",
		`<a><b>x<!-- c -->y</b></a>`:    "<a>\n  <b>x<!-- c -->y</b>\n</a>",
		`<a>x <b/> <c><d/></c></a>`:     `<a>x <b/> <c><d/></c></a>`,
		`<a><b>x&#13;&#x41;</b></a>`:    "<a>\n  <b>x&#13;&#x41;</b>\n</a>",
		`<a><b><![CDATA[ ]]></b></a>`:   "<a>\n  <b><![CDATA[ ]]></b>\n</a>",
		`<a b='"&#10;'><?p q?><c/></a>`: "<a b='\"&#10;'>\n  <?p q?>\n  <c/>\n</a>",
		`<?xml version="1.0"?><a/>`:     "<?xml version=\"1.0\"?>\n<a/>",
		"no XML":                        "no XML",
		"<a>\xff</a>":                   "<a>\uFFFD</a>",
	} {
		if got := Pretty([]byte(body)); got != want {
			t.Errorf("Pretty(%q) = %q, want %q", body, got, want)
		}
	}
}

// TestPrettyDeep: what is nested very deep does not wander off.
func TestPrettyDeep(t *testing.T) {
	got := Pretty([]byte(strings.Repeat("<a>", 30) + strings.Repeat("</a>", 30)))
	widest := 0
	for line := range strings.Lines(got) {
		widest = max(widest, strings.Index(line, "<"))
	}
	if widest != 40 || strings.Count(got, "\n") != 58 {
		t.Errorf("indented by %d:\n%s", widest, got)
	}
}

func ExamplePretty() {
	fmt.Println(Pretty([]byte("<Disconnect><CallId>abc=</CallId></Disconnect>")))
	// Output:
	// <Disconnect>
	//   <CallId>abc=</CallId>
	// </Disconnect>
}

// FuzzPretty: what is indented for people is still the same message, and comes out the
// same when it is indented once more.
func FuzzPretty(f *testing.F) {
	f.Add([]byte(sampleQuick))
	for _, text := range append(ordinary, hostile...) {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		out := Pretty(body)
		before, err := Parse(body)
		if err != nil {
			return
		}
		if text, err := utf8Text(body, ""); err != nil || string(text) != before.Text() || declaredEncoding(text) != "" {
			return // what it declares is not what it is indented in
		}
		after, err := Parse([]byte(out))
		if err != nil {
			t.Fatalf("%q is indented to %q: %v", body, out, err)
		}
		if a, b := before.AppendCanonical(nil, false), after.AppendCanonical(nil, false); string(a) != string(b) {
			t.Errorf("%q is indented to %q, which says something else", body, out)
		}
		if again := Pretty([]byte(out)); again != out {
			t.Errorf("%q indented once more is %q", out, again)
		}
	})
}
