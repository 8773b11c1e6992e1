package inspect

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func canonical(t testing.TB, body string, fold bool) string {
	t.Helper()
	return string(parse(t, body).AppendCanonical(nil, fold))
}

const disconnect = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><Disconnect xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"><CallId>abc=</CallId></Disconnect></s:Body></s:Envelope>`

// TestSameMeaning lists the ways in which clients write one message.
func TestSameMeaning(t *testing.T) {
	want := canonical(t, disconnect, false)
	for name, body := range map[string]string{
		"declaration":        `<?xml version="1.0" encoding="utf-8"?>` + "\n" + disconnect,
		"byte order mark":    "\xef\xbb\xbf" + disconnect,
		"other prefixes":     `<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><SOAP-ENV:Body><m:Disconnect><m:CallId>abc=</m:CallId></m:Disconnect></SOAP-ENV:Body></SOAP-ENV:Envelope>`,
		"indented":           strings.ReplaceAll(disconnect, "><", ">\n\t<"),
		"CRLF":               strings.ReplaceAll(disconnect, "><", ">\r\n  <"),
		"comments":           strings.ReplaceAll(disconnect, "><", "><!-- x --><"),
		"instruction":        strings.ReplaceAll(disconnect, "><C", "><?x y?><C"),
		"single quotes":      strings.ReplaceAll(disconnect, `"`, `'`),
		"character data":     strings.ReplaceAll(disconnect, "abc=", "<![CDATA[abc=]]>"),
		"character refs":     strings.ReplaceAll(disconnect, "abc=", "a&#98;c&#x3d;"),
		"a header":           strings.ReplaceAll(disconnect, "<s:Body>", "<s:Header><x>1</x></s:Header><s:Body>"),
		"unused namespaces":  strings.ReplaceAll(disconnect, "<s:Body>", `<s:Body xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" id="b1">`),
		"SOAP 1.2":           strings.ReplaceAll(disconnect, SOAP11NS, SOAP12NS),
		"split data":         strings.ReplaceAll(disconnect, "abc=", "ab<!-- -->c="),
		"spaces inside tags": strings.ReplaceAll(disconnect, "<CallId>", "<CallId\n >"),
		"space in the Body":  strings.ReplaceAll(disconnect, "<s:Body>", "<s:Body>\r\n\t"),
	} {
		if got := canonical(t, body, false); got != want {
			t.Errorf("%s: canonical form differs:\n%q\n%q", name, got, want)
		}
	}
}

func TestOtherMeaning(t *testing.T) {
	want := canonical(t, disconnect, true)
	for name, body := range map[string]string{
		"other CallId":          strings.ReplaceAll(disconnect, "abc=", "abd="),
		"other case":            strings.ReplaceAll(disconnect, "abc=", "Abc="),
		"a space":               strings.ReplaceAll(disconnect, "abc=", "abc= "),
		"other namespace":       strings.ReplaceAll(disconnect, "2006/messages", "2006/types"),
		"no namespace":          strings.ReplaceAll(disconnect, ` xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"`, ""),
		"child elsewhere":       strings.ReplaceAll(disconnect, "<CallId>", `<CallId xmlns="">`),
		"an attribute":          strings.ReplaceAll(disconnect, "<CallId>", `<CallId a="1">`),
		"child twice":           strings.ReplaceAll(disconnect, "</Disconnect>", "<CallId>abc=</CallId></Disconnect>"),
		"no child":              strings.ReplaceAll(disconnect, "<CallId>abc=</CallId>", ""),
		"text beside":           strings.ReplaceAll(disconnect, "</Disconnect>", "x</Disconnect>"),
		"other operation":       strings.ReplaceAll(disconnect, "Disconnect", "GetCallInfo"),
		"text before":           strings.ReplaceAll(disconnect, "<s:Body>", "<s:Body>x"),
		"text after":            strings.ReplaceAll(disconnect, "</s:Body>", "x</s:Body>"),
		"undeclared prefix":     strings.ReplaceAll(strings.ReplaceAll(disconnect, "<CallId>", "<p:CallId>"), "</CallId>", "</p:CallId>"),
		"a second body element": strings.ReplaceAll(disconnect, "</Disconnect>", "</Disconnect><x/>"),
	} {
		if got := canonical(t, body, true); got == want {
			t.Errorf("%s: canonical forms are equal", name)
		}
		if d := Compare(parse(t, disconnect), parse(t, body), 10); len(d) == 0 {
			t.Errorf("%s: no differences", name)
		}
	}
}

func TestTwins(t *testing.T) {
	https := strings.ReplaceAll(disconnect, "http://schemas.microsoft.com", "https://schemas.microsoft.com")
	if canonical(t, disconnect, false) == canonical(t, https, false) {
		t.Error("the https spelling is equal as written")
	}
	if canonical(t, disconnect, true) != canonical(t, https, true) {
		t.Error("the https spelling differs when folded")
	}
	all := strings.ReplaceAll(https, "http://schemas.xmlsoap.org", "https://schemas.xmlsoap.org")
	if canonical(t, disconnect, true) != canonical(t, all, true) {
		t.Error("the https spelling of the envelope differs when folded")
	}
	for uri, want := range map[string]bool{
		"https://schemas.microsoft.com/exchange/services/2006/messages": true,
		"http://schemas.microsoft.com/exchange/services/2006/messages":  false,
		"https://example.com/": false,
		"":                     false,
	} {
		if _, got := Twin(uri); got != want {
			t.Errorf("Twin(%q) = %v", uri, got)
		}
	}
}

func TestTypeQName(t *testing.T) {
	const body = `<x xmlns:%[1]s="http://www.w3.org/2001/XMLSchema" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="%[1]s:%[2]s">1</x>`
	a, b := envelope(fmt.Sprintf(body, "xsd", "int")), envelope(fmt.Sprintf(body, "q1", "int"))
	if canonical(t, a, false) != canonical(t, b, false) {
		t.Error("xsi:type differs by its prefix")
	}
	if canonical(t, a, false) == canonical(t, envelope(fmt.Sprintf(body, "xsd", "string")), false) {
		t.Error("xsi:type int equals string")
	}
}

// TestPairs lists pairs of Bodies that are easily taken for the same, or for
// different, when they are not.
func TestPairs(t *testing.T) {
	const ms = "schemas.microsoft.com/exchange/"
	for _, tt := range []struct {
		name, a, b string
		same       bool
	}{
		{"empty over two lines", "<a></a>", "<a>\n</a>", true},
		{"space in a deeper leaf", "<a><b></b></a>", "<a><b> </b></a>", false},
		{"only text in the Body", "", "1", false},
		{"nil", `<a xmlns:i="` + xsiNS + `" i:nil="1"/>`, `<a xmlns:i="` + xsiNS + `" i:nil=" true"/>`, true},
		{"not nil", `<a xmlns:i="` + xsiNS + `" i:nil="0"/>`, `<a xmlns:i="` + xsiNS + `" i:nil="1"/>`, false},
		{"line break in an attribute", `<a b="1 2"/>`, "<a b=\"1\r\n2\"/>", true},
		{"line break by reference", `<a b="1 2"/>`, "<a b='1&#10;2'/>", false},
		{"a URI like an undeclared prefix", `<q:a/>`, `<z:a xmlns:z="undeclared prefix q"/>`, false},
		{"undeclared prefixes", `<q:a/>`, `<r:a/>`, false},
		{"undeclared prefix of an attribute", `<a q:b="1"/>`, `<a b="1"/>`, false},
		{"text like a type", `<a xmlns:i="` + xsiNS + `" i:type="{urn:x}T"/>`, `<a xmlns:i="` + xsiNS + `" xmlns:p="urn:x" i:type="p:T"/>`, false},
		{"attributes that swap when folded", `<a xmlns:p="http://` + ms + `z" xmlns:q="http://` + ms + `a" p:k="1" q:k="2"/>`,
			`<a xmlns:p="http://` + ms + `z" xmlns:q="https://` + ms + `a" p:k="1" q:k="2"/>`, true},
		{"two attributes that fold into one name", `<a xmlns:p="http://` + ms + `z" xmlns:q="https://` + ms + `z" p:k="1" q:k="1"/>`,
			`<a xmlns:p="http://` + ms + `z" p:k="1"/>`, false},
		{"prefix in text", `<a xmlns:p="urn:1">p:X</a>`, `<a xmlns:p="urn:2">p:X</a>`, true},
		{"namespaces swapped", `<a xmlns="urn:1"><b xmlns="urn:2"/><c/></a>`, `<a xmlns="urn:1"><b/><c xmlns="urn:2"/></a>`, false},
	} {
		a, b := parse(t, envelope(tt.a)), parse(t, envelope(tt.b))
		if same := string(a.AppendCanonical(nil, true)) == string(b.AppendCanonical(nil, true)); same != tt.same {
			t.Errorf("%s: canonical forms equal: %v", tt.name, same)
		}
		if d := Compare(a, b, 10); (len(d) == 0) != tt.same {
			t.Errorf("%s: differences %v", tt.name, d)
		}
	}
}

// TestCanonicalStaysSmall: whatever a message declares, its canonical form and
// its shape do not grow out of proportion.
func TestCanonicalStaysSmall(t *testing.T) {
	long := "urn:" + strings.Repeat("x", 4000)
	many := strings.Builder{}
	for i := range 200 {
		fmt.Fprintf(&many, ` xmlns:p%d="%s%d"`, i, long, i)
	}
	for name, body := range map[string]string{
		"elements":   `<p xmlns:q="` + long + `">` + strings.Repeat("<q:a/><q:b/>", 5_000) + "</p>",
		"attributes": `<p xmlns:q="` + long + `">` + strings.Repeat(`<a q:b=""/>`, 5_000) + "</p>",
		"types":      `<p xmlns:i="` + xsiNS + `" xmlns:q="` + long + `">` + strings.Repeat(`<a i:type="q:T"/>`, 5_000) + "</p>",
		"namespaces": "<p" + many.String() + ">" + strings.Repeat("<p7:a/><p199:b/>", 5_000) + "</p>",
		"smallest":   strings.Repeat("<a/>", 10_000),
		"names":      strings.Repeat("<a"+strings.Repeat("b", 4000)+"/><c/>", 300),
		"distinct":   "<p>" + strings.Repeat("<a b='1'/><c/>", 5_000) + "</p>",
	} {
		body = envelope(body)
		m := parse(t, body)
		if n := len(m.AppendCanonical(nil, true)); n > 3*len(body) {
			t.Errorf("%s: the canonical form of %d bytes has %d", name, len(body), n)
		}
		if n := len(ShapeOf(m)); n > maxShape+100 {
			t.Errorf("%s: the shape has %d bytes", name, n)
		}
	}
}

// TestCanonicalAndCompareAgree generates pairs of messages: their canonical
// forms are equal exactly when Compare finds nothing.
func TestCanonicalAndCompareAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := parseRapid(t, genBody(t, "a"))
		b := parseRapid(t, genBody(t, "b"))
		equal := string(a.AppendCanonical(nil, true)) == string(b.AppendCanonical(nil, true))
		if d := Compare(a, b, 50); equal != (len(d) == 0) {
			t.Fatalf("canonical equal %v, differences %v", equal, d)
		}
	})
}

// genBody draws what a Body holds: text beside at most two elements.
func genBody(t *rapid.T, label string) string {
	text := rapid.SampledFrom([]string{"", "\n", "t"})
	var b strings.Builder
	b.WriteString(text.Draw(t, label+"text"))
	for i := range rapid.IntRange(0, 2).Draw(t, label+"n") {
		b.WriteString(genElement(t, fmt.Sprintf("%s%d", label, i), 2))
		b.WriteString(text.Draw(t, label+"text"))
	}
	return b.String()
}

func parseRapid(t *rapid.T, children string) *Message {
	m, err := Parse([]byte(envelope(children)))
	if err != nil {
		t.Fatalf("%v: %s", err, children)
	}
	return m
}

// genElement draws from few names and values, so that equal pairs are common.
func genElement(t *rapid.T, label string, depth int) string {
	name := rapid.SampledFrom([]string{"A", "B"}).Draw(t, label)
	space := rapid.SampledFrom([]string{"", ` xmlns="urn:x"`, ` xmlns=""`, ` xmlns="https://schemas.microsoft.com/exchange/x"`, ` xmlns="http://schemas.microsoft.com/exchange/x"`}).Draw(t, label+"ns")
	attr := rapid.SampledFrom([]string{
		"", ` a="1"`, ` b="2" a="1"`, ` a="1" b="2"`, ` u:a="1"`,
		` xmlns:p="https://schemas.microsoft.com/exchange/x" xmlns:q="http://schemas.microsoft.com/exchange/x" p:a="1" q:a="2"`,
		` xmlns:p="https://schemas.microsoft.com/exchange/x" xmlns:q="http://schemas.microsoft.com/exchange/x" p:a="2" q:a="1"`,
		` xmlns:q="http://schemas.microsoft.com/exchange/x" q:a="1"`,
		` xmlns:i="` + xsiNS + `" i:nil="1"`, ` xmlns:i="` + xsiNS + `" i:nil="true"`,
		` xmlns:i="` + xsiNS + `" xmlns:q="urn:x" i:type="q:T"`, ` xmlns:i="` + xsiNS + `" i:type="{urn:x}T"`,
	}).Draw(t, label+"attr")
	var b strings.Builder
	b.WriteString("<" + name + space + attr + ">")
	text := func() {
		b.WriteString(rapid.SampledFrom([]string{"", " ", "\n", "t"}).Draw(t, label+"text"))
	}
	text()
	if depth > 0 {
		for i := range rapid.IntRange(0, 2).Draw(t, label+"n") {
			b.WriteString(genElement(t, fmt.Sprintf("%s%d", label, i), depth-1))
			text()
		}
	}
	b.WriteString("</" + name + ">")
	return b.String()
}

func TestCompare(t *testing.T) {
	want := parse(t, envelope(`<D xmlns="urn:a"><X>1</X><Y a="1"/><Y/></D>`))
	for _, tt := range []struct{ body, diff string }{
		{`<D xmlns="urn:a"><X>2</X><Y a="1"/><Y/></D>`, "Body/D/X: text differs"},
		{`<D xmlns="urn:a"><X>1</X><Y a="2"/><Y/></D>`, "Body/D/Y[1]/@a: value differs"},
		{`<D xmlns="urn:a"><X>1</X><Y/><Y/></D>`, "Body/D/Y[1]/@a: missing"},
		{`<D xmlns="urn:a"><X>1</X><Y a="1" b="2"/><Y/></D>`, "Body/D/Y[1]/@b: unexpected"},
		{`<D xmlns="urn:a"><Y a="1"/><Y/></D>`, "Body/D/X: missing"},
		{`<D xmlns="urn:a"><X>1</X><Z/><Y a="1"/><Y/></D>`, "Body/D/Z: unexpected"},
		{`<D xmlns="urn:b"><X>1</X><Y a="1"/><Y/></D>`, `Body/D: namespace differs: "urn:b" here, "urn:a" recorded`},
		{`<E xmlns="urn:a"/>`, "Body/D: missing|Body/E: unexpected"},
	} {
		var got []string
		for _, d := range Compare(want, parse(t, envelope(tt.body)), 10) {
			got = append(got, d.String())
		}
		if strings.Join(got, "|") != tt.diff {
			t.Errorf("%s:\n got %q\nwant %q", tt.body, got, tt.diff)
		}
	}
}

func TestChanges(t *testing.T) {
	const ns = "http://schemas.microsoft.com/exchange/services/2006/messages"
	whole := func(header, body string) *Message {
		return parse(t, `<s:Envelope xmlns:s="`+SOAP11NS+`">`+header+`<s:Body>`+body+`</s:Body></s:Envelope>`)
	}
	before := whole(`<s:Header><V a="1">x</V><W/></s:Header>`, `<D xmlns="`+ns+`"><X>1</X></D>`)
	for _, tt := range []struct{ header, body, diff string }{
		{`<s:Header> <V a="1">x</V><W/></s:Header>`, `<p:D xmlns:p="` + ns + `"><p:X>1</p:X></p:D>`, ""},
		{`<s:Header><V a="2">y</V></s:Header>`, `<D xmlns="` + ns + `"><X>2</X><Y/></D>`,
			"Body/D/X: text differs|Body/D/Y: added|Header/V/@a: value differs|Header/V: text differs|Header/W: removed"},
		{``, `<D xmlns="https` + ns[4:] + `"><X>1</X></D>`,
			`Body/D: namespace differs: "` + ns + `", then "https` + ns[4:] + `"|Header: removed`},
	} {
		var got []string
		for _, d := range Changes(before, whole(tt.header, tt.body), 10) {
			got = append(got, d.String())
		}
		if strings.Join(got, "|") != tt.diff {
			t.Errorf("%s:\n got %q\nwant %q", tt.body, got, tt.diff)
		}
	}
}

// TestCompareIsLinear compares messages of many equal siblings; at quadratic
// cost it would not end within the test's time.
func TestCompareIsLinear(t *testing.T) {
	body := envelope(strings.Repeat("<of-a-usual-length/>", 300_000))
	if d := Compare(parse(t, body), parse(t, body), 5); d != nil {
		t.Errorf("differences: %v", d)
	}
}
