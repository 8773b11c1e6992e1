package inspect

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// drawn is a shape's parts on one line.
func drawn(s *Shape) string {
	var list []string
	for _, p := range s.Parts {
		text := p.Step()
		if p.Name.Space != "" {
			text = "{" + p.Name.Space + "}" + text
		}
		if o := p.Occurs(); o != "1" {
			text += " " + o
		}
		if p.Kinds != 0 {
			text += ":" + p.Kinds.String()
		}
		if p.AnyOrder {
			text += "&"
		}
		if len(p.Parts) > 0 {
			text += "{" + drawn(p) + "}"
		}
		list = append(list, text)
	}
	return strings.Join(list, " ")
}

func merged(t *testing.T, bodies ...string) *Shape {
	t.Helper()
	var all *Shape
	for _, b := range bodies {
		s := ShapeOfMessage(parse(t, envelope(b)))
		if all == nil {
			all = s
		} else {
			all.Merge(s)
		}
	}
	return all
}

func TestShapeMerge(t *testing.T) {
	for _, tt := range []struct {
		name   string
		bodies []string
		want   string
	}{
		{"values", []string{"<a><b>1</b><c>x</c><d>true</d><e>1.5</e><f>2026-11-23T10:00:00Z</f><g/></a>"}, "a{b:integer c:text d:boolean e:decimal f:dateTime g:empty}"},
		{"kinds join", []string{"<a>1</a>", "<a>x</a>", "<a/>"}, "a:empty|integer|text"},
		{"optional, added later", []string{"<a><b/></a>", "<a><b/><c/></a>"}, "a{b:empty c 0..1:empty}"},
		{"optional, left out later", []string{"<a><b/><c/></a>", "<a><c/></a>"}, "a{b 0..1:empty c:empty}"},
		{"fresh ones stand where they stood", []string{"<a><b/><e/></a>", "<a><x/><b/><c/><d/><e/><f/></a>"}, "a{x 0..1:empty b:empty c 0..1:empty d 0..1:empty e:empty f 0..1:empty}"},
		{"repeated", []string{"<a><b/><b/></a>", "<a><b/><b/><b/></a>", "<a><b/></a>"}, "a{b 1..3:empty}"},
		{"repeated and left out", []string{"<a><b/><b/></a>", "<a/>"}, "a:empty{b 0..2:empty}"},
		{"optional inside what repeats", []string{"<a><b><c/></b><b/></a>"}, "a{b 2:empty{c 0..1:empty}}"},
		{"interleaved", []string{"<a><b/><c/><b/></a>"}, "a&{b 2:empty c:empty}"},
		{"other order", []string{"<a><b/><c/></a>", "<a><c/><b/></a>"}, "a&{b:empty c:empty}"},
		{"attributes", []string{`<a z="1" b="x"/>`, `<a b="2" c=""/>`}, "a:empty{@b:integer|text @c 0..1:empty @z 0..1:integer}"},
		{"an attribute and an element of one name", []string{`<a b="1"><b>x</b></a>`}, "a{@b:integer b:text}"},
		{"mixed", []string{"<a>x<b/></a>"}, "a:text{b:empty}"},
		{"namespaces by URI", []string{`<p:a xmlns:p="urn:x"/>`, `<q:a xmlns:q="urn:x"/>`, `<a xmlns="urn:y"/>`}, "{urn:y}a 0..1:empty {urn:x}a 0..1:empty"},
		{"empty bodies", []string{"", "<a/>"}, "a 0..1:empty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := merged(t, tt.bodies...)
			if len(s.Parts) != 1 || s.Parts[0].Name != (Name{Local: "Body"}) {
				t.Fatalf("parts are %s", drawn(s))
			}
			if got := drawn(s.Parts[0]); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// xmlOf draws a small body.
func xmlOf(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		name := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "name")
		attr := rapid.SampledFrom([]string{"", ` x="1"`, ` y="z"`, ` x="q" y="true"`}).Draw(t, "attr")
		if depth == 0 || rapid.Bool().Draw(t, "leaf") {
			return "<" + name + attr + ">" + rapid.SampledFrom([]string{"", "1", "2.5", "true", "text"}).Draw(t, "text") + "</" + name + ">"
		}
		return "<" + name + attr + ">" + strings.Join(rapid.SliceOfN(xmlOf(depth-1), 0, 4).Draw(t, "children"), "") + "</" + name + ">"
	})
}

// TestContractHoldsItsOwn: a contract made of messages finds nothing in any of them,
// in whatever order they were merged, and their structures differ from the whole
// only where it is looser.
func TestContractHoldsItsOwn(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		bodies := rapid.SliceOfN(xmlOf(3), 1, 6).Draw(rt, "bodies")
		var shapes Shapes
		key := ShapeKey{Version: SOAP11}
		for i, b := range bodies {
			shapes.Add(key, parse(t, envelope(b)), ShapeIn{"a.yaml", i})
		}
		groups := shapes.Groups()
		if groups[0].Count != len(bodies) {
			rt.Fatalf("%d messages, %d counted", len(bodies), groups[0].Count)
		}
		contract := NewContract(groups)
		for _, b := range bodies {
			if found := contract.Check(key, parse(t, envelope(b)), "request"); len(found) > 0 {
				rt.Fatalf("%s\nin %s\nbreaks %s", b, drawn(contract.Shapes[0].Shape), found[0].Message)
			}
		}
		if found := DiffShapes(groups[0].Shape, groups[0].Shape); len(found) > 0 {
			rt.Fatalf("differs from itself: %s", found[0])
		}
	})
}

func TestDiffShapes(t *testing.T) {
	for _, tt := range []struct {
		name, before, after string
		want                string
	}{
		{"nothing", "<a><b>1</b></a>", "<a><b>2</b></a>", ""},
		{"added", "<a><b/></a>", `<a x="1"><b/><c><d/></c></a>`, "+ Body/a/@x (integer); + Body/a/c"},
		{"removed", "<a><b/><c>x</c></a>", "<a><b/></a>", "- Body/a/c (text)"},
		{"another kind", "<a>1</a>", "<a>x</a>", "~ Body/a: text, was integer"},
		{"another namespace", `<a xmlns="urn:x"><b/></a>`, `<a xmlns="urn:y"><b/></a>`, `~ Body/a: in "urn:y", was in "urn:x"; ~ Body/a/b: in "urn:y", was in "urn:x"`},
		{"how many is none", "<a><b/><b/></a>", "<a><b/><b/><b/></a>", ""},
		{"one or many", "<a><b/></a>", "<a><b/><b/></a>", "~ Body/a/b: occurs 1..n, was 1"},
		{"order", "<a><b/><c/><b/></a>", "<a><b/><b/><c/></a>", "~ Body/a: its elements in one order, was its elements in any order"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var list []string
			for _, d := range DiffShapes(merged(t, tt.before), merged(t, tt.after)) {
				list = append(list, d.String())
			}
			got := strings.Join(list, "; ")
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	if found := DiffShapes(merged(t, "<a>1</a>", "<a>x</a>"), merged(t, "<a>x</a>")); len(found) > 0 {
		t.Errorf("text has room for integers, but %s", found[0])
	}
}

func TestContractCheck(t *testing.T) {
	key := ShapeKey{Operation: Name{"", "a"}, Version: SOAP11}
	contract := NewContract([]ShapeGroup{{ShapeKey: key, Shape: merged(t,
		`<a id="1"><b>true</b><c>2</c><d/><d/><e>x</e></a>`, `<a id="2"><b>true</b><c>2.5</c><d/></a>`)}})
	if got := drawn(contract.Shapes[0].Shape); got != "Body{a{@id:integer b:boolean c:decimal d 1..n:empty e 0..1:text}}" {
		t.Fatal(got)
	}
	for body, want := range map[string]string{
		`<a id="7"><b>false</b><c>3</c><d/><d/><d/><e>17</e></a>`: "",
		`<a id="7"><b>1</b><c>3</c><d/></a>`:                      "",
		`<a id="7"><b>2</b><c>3</c><d/></a>`:                      "SHAPE05 Body/a/b",
		`<a id="x"><b>true</b><c>3</c><d/></a>`:                   "SHAPE05 Body/a/@id",
		`<a><b>true</b><c>3</c><d/></a>`:                          "SHAPE03 Body/a/@id",
		`<a id="1" no="1"><b>true</b><c>3</c><d/></a>`:            "SHAPE02 Body/a/@no",
		`<a id="1"><b>true</b><c>x</c><d/></a>`:                   "SHAPE05 Body/a/c",
		`<a id="1"><b/><c>3</c><d/></a>`:                          "SHAPE05 Body/a/b",
		`<a id="1"><b>true</b><c>3</c></a>`:                       "SHAPE03 Body/a/d",
		`<a id="1"><b>true</b><b>true</b><c>3</c><d/></a>`:        "SHAPE04 Body/a/b",
		`<a id="1"><c>3</c><b>true</b><d/></a>`:                   "SHAPE06 Body/a/b",
		`<a id="1"><b>true</b><c>3</c><d/><f/></a>`:               "SHAPE02 Body/a/f",
		`<a id="1">text<b>true</b><c>3</c><d/></a>`:               "SHAPE05 Body/a",
		`<a id="1"><b>true</b><c>3</c><d xmlns="urn:x"/></a>`:     "SHAPE02 Body/a/d SHAPE03 Body/a/d",
		`<a id="1"><b>true</b><c>3</c><d>secret</d></a>`:          "SHAPE05 Body/a/d",
		``: "SHAPE03 Body/a",
	} {
		var got []string
		for _, f := range contract.Check(key, parse(t, envelope(body)), "response") {
			got = append(got, f.Rule.ID+" "+f.Path)
			if f.Part != "response" || f.Line == 0 || strings.Contains(f.Message, "secret") {
				t.Errorf("%s: %+v", body, f)
			}
		}
		if fmt.Sprint(strings.Join(got, " ")) != want {
			t.Errorf("%s: %q, want %q", body, strings.Join(got, " "), want)
		}
	}
	found := contract.Check(key, parse(t, envelope("<a id='1'><b>true</b><c>3</c><d/>"+strings.Repeat("<x/>", 120)+"</a>")), "response")
	if last := found[len(found)-1]; len(found) != maxHeld+1 || last.Rule.ID != "SHAPE07" || last.Message != "and 20 findings more in this message" {
		t.Errorf("%d findings, the last %+v", len(found), last)
	}
	edited := &Contract{Shapes: []ContractShape{{ShapeKey: key, Shape: merged(t, "<a><b/><b/></a>")}}}
	for n, want := range []string{"SHAPE03", "SHAPE04", "", "SHAPE04"} {
		var got string
		for _, f := range edited.Check(key, parse(t, envelope("<a>"+strings.Repeat("<b/>", n)+"</a>")), "response") {
			if f.Path == "Body/a/b" {
				got += f.Rule.ID
			}
		}
		if got != want {
			t.Errorf("%d of 2: %q, want %q", n, got, want)
		}
	}
	other := key
	other.Response = true
	many := parse(t, envelope("<a id='1'><b>true</b><c>3</c><d/>"+strings.Repeat("<x/>", 120)+"</a>"))
	for _, tt := range []struct {
		key  ShapeKey
		off  string
		want int
	}{{key, "SHAPE02", 0}, {key, "SHAPE07", maxHeld}, {key, "", maxHeld + 1}, {other, "SHAPE01", 0}} { // what is off is not counted either
		if found := contract.CheckExcept(tt.key, many, "response", map[string]bool{tt.off: true}); len(found) != tt.want {
			t.Errorf("%d findings without %q, want %d", len(found), tt.off, tt.want)
		}
	}
	if found := contract.Check(other, parse(t, envelope("<a/>")), "response"); len(found) != 1 || found[0].Rule.ID != "SHAPE01" {
		t.Errorf("an unknown message: %+v", found)
	}
	for kind, shown := range map[string]string{"InvalidCallIdException": "InvalidCallIdException", "the secret 42": "of this kind"} {
		other.Fault = kind
		if found := contract.Check(other, parse(t, envelope("<a/>")), "response"); found[0].Message != "the contract has no a fault "+shown {
			t.Errorf("fault %q: %s", kind, found[0].Message)
		}
	}
}

// TestVariants: messages are told apart by what is in them, not by how much.
func TestVariants(t *testing.T) {
	var shapes Shapes
	for i, body := range []string{"<a><b/><c>1</c></a>", "<a><b/><b/></a>", "<a><b/><b/><b/><c>2</c></a>", "<a><b/><c>x</c></a>", "<a><b/></a>",
		"<a><b><d/></b><b><d/></b></a>", "<a><b><d/></b><b/></a>"} {
		shapes.Add(ShapeKey{}, parse(t, envelope(body)), ShapeIn{"a.yaml", i})
	}
	var got []string
	g := shapes.Groups()[0]
	for _, v := range g.Variants {
		text := fmt.Sprint(len(v.In))
		for _, d := range DiffVariants(g.Variants[0].Shape, v.Shape) {
			text += " " + d.String()
		}
		got = append(got, text)
	}
	if want := "2; 2 - Body/a/c (integer); 1 ~ Body/a/c: text, was integer; " +
		"1 ~ Body/a/b: elements only, was empty + Body/a/b/d (empty) - Body/a/c (integer); 1 + Body/a/b/d (0..1 empty) - Body/a/c (integer)"; strings.Join(got, "; ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "; "), want)
	}
}

// TestShapesOfManyStructures: structures are told apart up to a number, and no
// message is lost.
func TestShapesOfManyStructures(t *testing.T) {
	var shapes Shapes
	for i := range 250 {
		shapes.Add(ShapeKey{}, parse(t, envelope(fmt.Sprintf("<a><b%d/></a>", i))), ShapeIn{"a.yaml", i})
	}
	g := shapes.Groups()[0]
	n := 0
	for _, v := range g.Variants {
		n += len(v.In)
	}
	if g.Count != 250 || n != 250 || len(g.Variants) != maxVariants+1 || !g.Lumped || len(g.Shape.Parts[0].Parts[0].Parts) != 250 {
		t.Errorf("%d messages, %d of them in %d structures", g.Count, n, len(g.Variants))
	}
}

func TestKinds(t *testing.T) {
	for _, s := range []string{"", "text", "empty|integer", "boolean|decimal|dateTime"} {
		if k, err := ParseKinds(s); err != nil || k.String() != s {
			t.Errorf("%q comes back as %q, %v", s, k, err)
		}
	}
	if _, err := ParseKinds("text|number"); err == nil {
		t.Error("number is a kind")
	}
}

// Shapes that were gathered apart and joined are those gathered together.
func TestShapesJoin(t *testing.T) {
	var bodies []string
	for n := range 230 { // in each half more than are told apart
		bodies = append(bodies, fmt.Sprintf("<a><b>1</b><c%d/></a>", n), "<a><b>x</b></a>", "<z>"+strings.Repeat("<y/>", 1+n/120)+"</z>")
	}
	var together, first, second, joined Shapes
	for n, body := range bodies {
		m := parse(t, envelope(body))
		key, in := ShapeKey{Operation: m.Payload.Name}, ShapeIn{"a.yaml", n}
		together.Add(key, m, in)
		if n < len(bodies)/2 {
			first.Add(key, m, in)
		} else {
			second.Add(key, m, in)
		}
	}
	describe := func(l *Shapes) (text string) {
		for _, g := range l.Groups() {
			text += fmt.Sprintln(g.ShapeKey, g.Count, g.Lumped, drawn(g.Shape))
			for _, v := range g.Variants {
				text += fmt.Sprintln(v.In, drawn(v.Shape))
			}
		}
		return text
	}
	before := describe(&first)
	joined.Join(&first)
	joined.Join(&second)
	if got, want := describe(&joined), describe(&together); got != want {
		t.Errorf("joined:\n%s\ntogether:\n%s", got, want)
	}
	if describe(&first) != before {
		t.Error("what was joined is another by now")
	}
}
