package inspect

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

const messages = "../testdata/messages"

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(messages, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func parse(t testing.TB, body string) *Message {
	t.Helper()
	m, err := Parse([]byte(body))
	if err != nil {
		t.Fatalf("Parse(%.100q): %v", body, err)
	}
	return m
}

// envelope wraps children of the Body.
func envelope(children string) string {
	return `<s:Envelope xmlns:s="` + SOAP11NS + `"><s:Body>` + children + `</s:Body></s:Envelope>`
}

func TestParseEverySample(t *testing.T) {
	want := map[string]struct {
		operation, fault string
		version          Version
	}{
		"disconnect-fault-invalid-callid.xml":        {"Fault", "InvalidCallIdException", SOAP11},
		"disconnect-fault-undeclared-prefix.xml":     {"Fault", "InvalidCallIdException", SOAP11},
		"disconnect-request-https-namespace.xml":     {"Disconnect", "", SOAP11},
		"disconnect-request-soap12.xml":              {"Disconnect", "", SOAP12},
		"disconnect-request.xml":                     {"Disconnect", "", SOAP11},
		"disconnect-response.xml":                    {"DisconnectResponse", "", SOAP11},
		"documented-disconnect-request-https.xml":    {"Disconnect", "", SOAP11},
		"documented-disconnect-request.xml":          {"Disconnect", "", SOAP11},
		"documented-disconnect-response-https.xml":   {"DisconnectResponse", "", SOAP11},
		"documented-disconnect-response.xml":         {"DisconnectResponse", "", SOAP11},
		"ews-disconnectphonecall-request.xml":        {"DisconnectPhoneCall", "", SOAP11},
		"ews-disconnectphonecall-response-error.xml": {"DisconnectPhoneCallResponse", "", SOAP11},
		"fault-asmx-unknown-soapaction.xml":          {"Fault", "Client", SOAP11},
		"fault-malformed-request.xml":                {"Fault", "ErrorInvalidRequest", SOAP11},
		"fault-soap12-sender.xml":                    {"Fault", "Sender", SOAP12},
		"getcallinfo-response-connected.xml":         {"GetCallInfoResponse", "", SOAP11},
		"getcallinfo-response-disconnected-busy.xml": {"GetCallInfoResponse", "", SOAP11},
		"playonphone-request.xml":                    {"PlayOnPhone", "", SOAP11},
		"playonphone-response.xml":                   {"PlayOnPhoneResponse", "", SOAP11},
	}
	files, err := filepath.Glob(filepath.Join(messages, "*.xml"))
	if err != nil || len(files) != len(want) {
		t.Fatalf("%d samples, %v; want %d", len(files), err, len(want))
	}
	for _, f := range files {
		name := filepath.Base(f)
		m, err := Parse(sample(t, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		w := want[name]
		if m.Operation() != w.operation || m.Version != w.version {
			t.Errorf("%s: operation %q, SOAP %s; want %q, %s", name, m.Operation(), m.Version, w.operation, w.version)
		}
		kind := ""
		if m.Fault != nil {
			kind = m.Fault.Kind()
		}
		if kind != w.fault {
			t.Errorf("%s: fault %q, want %q", name, kind, w.fault)
		}
	}
}

func TestFault(t *testing.T) {
	m := parse(t, string(sample(t, "disconnect-fault-invalid-callid.xml")))
	f := m.Fault
	if f.Code.Space != "http://schemas.microsoft.com/exchange/services/2006/errors" || f.Code.Local != "InvalidCallIdException" || !f.Resolved {
		t.Errorf("code = %+v, resolved %v", f.Code, f.Resolved)
	}
	if f.Reason != "The call identifier isn't valid." {
		t.Errorf("reason = %q", f.Reason)
	}
	f = parse(t, string(sample(t, "disconnect-fault-undeclared-prefix.xml"))).Fault
	if f.Resolved || f.Code.Local != "InvalidCallIdException" || f.Prefix != "a" {
		t.Errorf("undeclared prefix: %+v", f)
	}
	f = parse(t, string(sample(t, "fault-soap12-sender.xml"))).Fault
	if f.Code.Local != "Sender" || !strings.HasPrefix(f.Reason, "Server was unable to read request") || f.Detail == nil {
		t.Errorf("SOAP 1.2: %+v", f)
	}
}

func utf16Bytes(s string, order binary.ByteOrder, bom bool) []byte {
	units := utf16.Encode([]rune(s))
	if bom {
		units = append([]uint16{0xfeff}, units...)
	}
	out := make([]byte, 2*len(units))
	for i, u := range units {
		order.PutUint16(out[2*i:], u)
	}
	return out
}

func TestEncodings(t *testing.T) {
	text := envelope("<a>ä€</a>")
	declared := func(enc string) string { return `<?xml version="1.0" encoding="` + enc + `"?>` + text }
	for name, body := range map[string][]byte{
		"utf-8":                         []byte(text),
		"utf-8 declared":                []byte(declared("UTF-8")),
		"utf-8 with mark":               []byte("\xef\xbb\xbf" + declared("utf-8")),
		"utf-16le with mark":            utf16Bytes(declared("utf-16"), binary.LittleEndian, true),
		"utf-16be with mark":            utf16Bytes(declared("utf-16"), binary.BigEndian, true),
		"utf-16le declared, no mark":    utf16Bytes(declared("utf-16"), binary.LittleEndian, false),
		"utf-16be declared, no mark":    utf16Bytes(declared("utf-16"), binary.BigEndian, false),
		"utf-16 declared, in fact utf8": []byte(declared("utf-16")),
		"ucs-2 declared, in fact utf8":  []byte(declared("UCS-2")),
		"utf-16le, nothing declared":    utf16Bytes(text, binary.LittleEndian, false),
		"utf-16 with a pair, then text": utf16Bytes("<!-- \U0001F4DE -->"+text, binary.BigEndian, true),
		"a style sheet's encoding":      []byte(`<?xml-stylesheet encoding="iso-8859-1"?>` + text),
		"xml declared as itself":        []byte(strings.Replace(text, "<a>", `<a xmlns:xml="`+xmlNS+`">`, 1)),
		"windows-1252":                  []byte(strings.ReplaceAll(strings.ReplaceAll(declared("windows-1252"), "ä", "\xe4"), "€", "\x80")),
	} {
		m, err := Parse(body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := m.Payload.Value(); got != "ä€" {
			t.Errorf("%s: text = %q", name, got)
		}
	}
	latin1 := strings.ReplaceAll(declared("ISO-8859-1"), "ä€", "\xe4")
	if got := parse(t, latin1).Payload.Value(); got != "ä" {
		t.Errorf("latin-1: text = %q", got)
	}
}

// TestRefused feeds what must not be taken for a message. Each must fail with
// its reason, at its place, and must not be quoted.
func TestRefused(t *testing.T) {
	deep := strings.Repeat("<a>", 100_000)
	attrs := strings.Builder{}
	for i := range 100_000 {
		attrs.WriteString(" a")
		attrs.WriteString(strings.Repeat("b", i%7))
		attrs.WriteString(`="SECRET"`)
	}
	for _, tt := range []struct {
		name, body string
		want       error
		line       int
	}{
		{"empty", "", ErrEmpty, 0},
		{"white space", " \r\n\t ", ErrEmpty, 0},
		{"text", "SECRET", ErrNotXML, 1},
		{"json", `{"a": "SECRET"}`, ErrNotXML, 1},
		{"truncated", envelope("<SECRET>")[:90], ErrNotXML, 1},
		{"two roots", "<a/>\n<SECRET/>", ErrNotXML, 2},
		{"trailing text", envelope("") + "\nSECRET", ErrNotXML, 1},
		{"leading text", "SECRET" + envelope(""), ErrNotXML, 1},
		{"mismatched", "<a>\n</SECRET>", ErrNotXML, 2},
		{"doctype", "<!DOCTYPE SECRET>" + envelope(""), ErrDoctype, 1},
		{"entity bomb", `<!DOCTYPE a [<!ENTITY l "l"><!ENTITY m "&l;&l;&l;">]>` + envelope("<a>&m;</a>"), ErrDoctype, 1},
		{"external entity", `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + envelope("<a>&x;</a>"), ErrDoctype, 1},
		{"unknown entity", envelope("<a>&SECRET;</a>"), ErrNotXML, 1},
		{"deep", envelope(deep), ErrTooLarge, 1},
		{"many attributes", envelope("<a" + attrs.String() + "/>"), ErrTooLarge, 1},
		{"attribute twice", envelope(`<a SECRET="1" SECRET="2"/>`), ErrNotXML, 1},
		{"attribute twice by namespace", envelope(`<a xmlns:p="urn:x" xmlns:q="urn:x" p:b="1" q:b="2"/>`), ErrNotXML, 1},
		{"declared twice", envelope(`<a xmlns:p="urn:x" xmlns:p="urn:y"/>`), ErrNotXML, 1},
		{"invalid utf-8", envelope("<a>\xff\xfe</a>"), ErrNotXML, 1},
		{"nul", envelope("<a>\x00</a>"), ErrNotXML, 1},
		{"html", "<html><body>SECRET</body></html>", ErrNotSOAP, 1},
		{"no namespace", "<Envelope><Body/></Envelope>", ErrNotSOAP, 1},
		{"no body", `<s:Envelope xmlns:s="` + SOAP11NS + `"><s:Header/></s:Envelope>`, ErrNotSOAP, 1},
		{"two bodies", `<s:Envelope xmlns:s="` + SOAP11NS + `"><s:Body/><s:Body/></s:Envelope>`, ErrNotSOAP, 1},
		{"unknown encoding", `<?xml version="1.0" encoding="x-klingon"?>` + envelope(""), ErrNotXML, 1},
		{"declaration inside", envelope("<?xml version='1.0'?>"), ErrNotXML, 1},
		{"prefix of no namespace", envelope(`<a xmlns:p=""/>`), ErrNotXML, 1},
		{"odd utf-16", "\xff\xfe<\x00a", ErrNotXML, 1},
		{"half a surrogate pair", string(utf16Bytes(envelope("<a>"), binary.LittleEndian, true)) + "\x3d\xd8" + string(utf16Bytes("</a>", binary.LittleEndian, false)), ErrNotXML, 1},
		{"half a pair by reference", envelope("<a>&#xD83D;</a>"), ErrNotXML, 1},
		{"half a pair in an attribute", envelope("<a b='&#55357;'/>"), ErrNotXML, 1},
		{"empty prefix", envelope("<:SECRET/>"), ErrNotXML, 1},
		{"empty local name", envelope("<SECRET:/>"), ErrNotXML, 1},
		{"attribute with an empty prefix", envelope("<a :SECRET='1'/>"), ErrNotXML, 1},
		{"prefix xmlns", envelope("<xmlns:SECRET/>"), ErrNotXML, 1},
		{"xmlns declared", envelope("<a xmlns:xmlns='urn:SECRET'/>"), ErrNotXML, 1},
		{"xml declared as another", envelope("<a xmlns:xml='urn:SECRET'/>"), ErrNotXML, 1},
		{"the namespace of xml taken", envelope("<a xmlns:x='" + xmlNS + "'/>"), ErrNotXML, 1},
		{"end tag with more", envelope("<a></SECRET SECRET>"), ErrNotXML, 1},
		{"long name", envelope("<" + strings.Repeat("SECRET", 1000) + "/>"), ErrTooLarge, 1},
		{"long attribute name", envelope("<a " + strings.Repeat("SECRET", 1000) + "=''/>"), ErrTooLarge, 1},
		{"long namespace", envelope("<a xmlns='urn:" + strings.Repeat("SECRET", 1000) + "'/>"), ErrTooLarge, 1},
	} {
		m, err := Parse([]byte(tt.body))
		if m != nil || !errors.Is(err, tt.want) || Why(err) != tt.want {
			t.Errorf("%s: Parse = %v, %v; want %v", tt.name, m, err, tt.want)
			continue
		}
		var at *SyntaxError
		if !errors.As(err, &at) || at.Line != tt.line {
			t.Errorf("%s: %v; want line %d", tt.name, err, tt.line)
		}
		if strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: the error quotes the message: %v", tt.name, err)
		}
	}
}

func TestLimits(t *testing.T) {
	body := []byte(envelope("<a><b/><b/></a>"))
	for _, l := range []Limits{{Bytes: int64(len(body)) - 1}, {Depth: 3}, {Tokens: 4}, {Name: len(SOAP11NS) - 1}} {
		if _, err := l.Parse(body); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%+v: %v; want ErrTooLarge", l, err)
		}
	}
	if _, err := (Limits{Bytes: int64(len(body)), Depth: 4, Name: len(SOAP11NS)}).Parse(body); err != nil {
		t.Errorf("at the limits: %v", err)
	}
}

// TestTruncatedAnywhere cuts every sample at every byte.
func TestTruncatedAnywhere(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(messages, "*.xml"))
	for _, f := range files {
		whole := sample(t, filepath.Base(f))
		last := strings.LastIndexByte(string(whole), '>')
		for n := range last {
			if m, err := Parse(whole[:n]); err == nil {
				t.Fatalf("%s cut at %d of %d: %v", f, n, len(whole), m)
			}
		}
	}
}

func TestSOAPAction(t *testing.T) {
	for _, tt := range []struct {
		header map[string][]string
		want   string
		ok     bool
	}{
		{nil, "", false},
		{map[string][]string{"SOAPAction": {`"urn:a"`}}, "urn:a", true},
		{map[string][]string{"Soapaction": {"urn:a"}}, "urn:a", true},
		{map[string][]string{"Soapaction": {`""`}}, "", true},
		{map[string][]string{"Content-Type": {`application/soap+xml; charset=utf-8; action="urn:b"`}}, "urn:b", true},
		{map[string][]string{"Content-Type": {"text/xml"}}, "", false},
		{map[string][]string{"soapaction": {"urn:c"}, "SOAPAction": {"urn:a"}, "Soapaction": {"urn:b"}}, "urn:a", true},
	} {
		if got, ok := SOAPAction(tt.header); got != tt.want || ok != tt.ok {
			t.Errorf("SOAPAction(%v) = %q, %v; want %q, %v", tt.header, got, ok, tt.want, tt.ok)
		}
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob(filepath.Join(messages, "*.xml"))
	for _, name := range files {
		f.Add(sample(f, filepath.Base(name)))
	}
	f.Add([]byte("<!DOCTYPE a><a/>"))
	f.Add(utf16Bytes(envelope("<a/>"), binary.LittleEndian, true))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := Parse(body)
		if (m == nil) == (err == nil) {
			t.Fatalf("Parse = %v, %v", m, err)
		}
		if err != nil {
			if Why(err) == nil {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		ShapeOf(m)
		if d := Compare(m, m, 5); d != nil {
			t.Fatalf("differs from itself: %v", d)
		}
		if n := len(m.AppendCanonical(nil, false)); n > 5*len(body) { // Shift_JIS triples
			t.Fatalf("the canonical form of %d bytes has %d", len(body), n)
		}
		if !utf8.Valid(body) || declaredEncoding(body) != "" {
			return
		}
		again, err := Parse([]byte(Pretty(body)))
		if err != nil {
			t.Fatalf("pretty: %v", err)
		}
		if d := Compare(m, again, 5); d != nil {
			t.Fatalf("pretty says something else: %v", d)
		}
	})
}
