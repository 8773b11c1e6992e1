package inspect

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// readersAgree checks the quick reader's promise: what it accepts, the full
// reader accepts, and gives an equal tree.
func readersAgree(t interface {
	Helper()
	Fatalf(string, ...any)
}, text []byte, limits Limits) (quick bool) {
	t.Helper()
	limits = limits.withDefaults()
	got, ok := quickTree(string(text), limits, roomFor(len(text)))
	if !ok {
		return false
	}
	want, err := fullTree(text, limits, roomFor(len(text)))
	if err != nil {
		t.Fatalf("the quick reader accepts what the full one refuses: %v\n%q", err, text)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("the trees differ\nquick %s\nfull  %s\n%q", dump(got), dump(want), text)
	}
	return true
}

func dump(e *Element) string {
	s := fmt.Sprintf("<%d %q %v attrs %+v text %q", e.Offset, e.Prefix, e.Name, e.Attrs, e.Text)
	for sc := e.scope; sc != nil; sc = sc.parent {
		s += fmt.Sprintf(" scope %v %v", sc.few, sc.many)
	}
	for _, c := range e.Children {
		s += dump(c)
	}
	return s + fmt.Sprintf("> tail %q", e.Tail)
}

// Every message of testdata that is a message is an ordinary one but for those
// named here.
func TestQuickReaderReadsOrdinaryMessages(t *testing.T) {
	files, err := filepath.Glob("../testdata/messages/*.xml")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		odd := strings.HasSuffix(file, "disconnect-fault-undeclared-prefix.xml") && bytes.Contains(text, []byte("<!--"))
		if quick := readersAgree(t, text, Limits{}); quick == odd {
			t.Errorf("%s: read quickly: %v", file, quick)
		}
	}
}

// ordinary are documents that the quick reader must read, hostile ones that it
// must leave to the full one, which accepts some of them and refuses others.
var (
	ordinary = []string{
		"<?xml version=\"1.0\" encoding=\"utf-16\"?><a/>", "<?xml version='1.0' encoding='ISO-8859-1' standalone='no'?><a>é</a>",
		"<a/>", "<a></a>", " <a/> ", "\r\n<a\t/>\n", "<a >\n</a >", "<?xml version=\"1.0\"?><a/>",
		"<?xml version='1.0' encoding='UTF-8'?>\r\n<a/>", "<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\"?><a/>",
		`<a b="1" c = '2' xml:lang="en"/>`, `<a b="it's" c='"'/>`, `<a b=">"/>`, `<a b="é€😀"/>`,
		`<a xmlns="urn:a"><b xmlns=""><c/></b><d/></a>`, `<p:a xmlns:p="urn:p" p:b="1" b="2"><p:c xmlns:p="urn:q" p:b="3"/></p:a>`,
		`<a p:b="1" xmlns:p="urn:p"/>`, `<xml:a/>`, `<a xml:b="1"/>`, `<a.-_9 _b.-9="1"/>`,
		"<a>é€😀\u00a0\u0085\u2028\ufffd</a>", "<a>\x7f]]</a>", "<a>]] ></a>", "<a>x > y</a>", "<a>\r\n1\r2\n3\r\r\n4\n\r</a>",
		"<a>&amp;&lt;&gt;&apos;&quot;</a>", "<a>&#9;&#10;&#13;\n&#x20;&#xfffd;&#x10FFFF;&#0065;&#x00041;</a>", "<a>]]&gt;</a>", "<a>]&#93;&gt;</a>",
		`<a b="&#10;&#9;&#13;&amp;lt;"/>`, "<a>&amp;amp;</a>", "<a>1<b/>2<c>3</c>4</a>", "<a>" + strings.Repeat("<b>x</b>", 500) + "</a>",
		"<a>\r\n\t<b/>\r\n</a>", strings.Repeat("<a>", 64) + strings.Repeat("</a>", 64),
		"<a " + declarations(20) + " " + attributes(30) + "><p19:b p3:c=''/></a>", "<a>\t</a>", "<a>]]</a>", "<a>&#xa;\r&#xa;</a>",
		"<a><!-- b --></a>", "<!-- b --><a/>", "<a/><!-- b -->", "<a><!----></a>", "<a><!-->--></a>", "<a><!--->--></a>", "<a>1<!-- <b/> & ]]> é -->2<b/>\r<!-- -->\n<!-- -->3</a>",
		"<?xml version=\"1.0\"?>\n<!-- 1 -->\n<!-- 2 --><a>]]<!-- -->&gt;</a> <!-- 3 -->\n", "<a>" + strings.Repeat("x<!-- -->&amp;", 500) + "<b/></a>",
		"<?a?><a/>", "<a/><?a b?>", "<a><?b c?></a>", "<a>1<?b <c>&\r\n?>2<?b?><!-- -->3</a>", "<a>\r<?b?>\n</a>", "<a>]]<?b?>&gt;</a>", "<a>]<?b?>]<?b?>></a>", "<?xml version=\"1.0\"?><?xml-stylesheet x?><a/>",
		"<a><![CDATA[<b>]]></a>", "<a>1<![CDATA[2]]>3</a>", "<a><![CDATA[]]></a>", "<a>\r<![CDATA[\n]]>\n<b/><![CDATA[\r\n\r]]>\n</a>", "<a><![CDATA[]]]]><![CDATA[>]]></a>", "<a>]]<![CDATA[]]>></a>", "<a><![CDATA[&amp;é<!-- -->]]><!-- <![CDATA[ -->]]&gt;</a>",
	}
	hostile = []string{
		"", " ", "a", "<", "<a", "<a>", "</a>", "<a", "<a/", "<a/>x", "x<a/>", "<a/><b/>", "<a></b>", "<a></a", "<a></a/>", "<a/ >", "< a/>", "</ a>", "<a></ a>", "<a><b></a></b>",
		"<a/>&#32;", "&#32;<a/>", "\ufeff<a/>", "<a/>\x00", "<a/>\u00a0", "<?xml?><a/>", "<?xml version=\"1.1\"?><a/>", "<?xml encoding=\"utf-8\"?><a/>",
		" <?xml version=\"1.0\"?><a/>", "<?xml version=\"1.0\"?><?xml version=\"1.0\"?><a/>", "<?xml version=\"1.0\" encoding=\"\"?><a/>", "<?xml version=\"1.0\" encoding=\"8859-1\"?><a/>", "<?xml version=\"1.0\" encoding=\"a b\"?><a/>",
		"<?xml version='1.0\"?><a/>", "<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "<a><!-- b -- c --></a>", "<!-- b ---><a/>", "<a/><!-- b --", "<a><!- b --></a>", "<a><!--\x01--></a>", "<a><!--\xff--></a>", "<a><!-->", "<a b='<!-- -->'/>", "<a <!-- -->/>", "x<!-- --><a/>", "<a/><!-- -->x", "<!-- --><?xml version=\"1.0\"?><a/>", "<!-- -->", "<a>&<!-- -->amp;</a>", "<a><?b c></a>", "<a><?b+c?></a>", "<a><? b?></a>", "<a><?xml version='1.0'?></a>", "<a><?XML?></a>", "<a><?b:c?></a>", "<a><?b \x01?></a>", "<a><?b \xff?></a>", "<a><??></a>", "<a><?b", "<a><?", "<?a?>", "<?a?><?xml version='1.0'?><a/>", "<?xml-stylesheet x?>",
		"<![CDATA[]]><a/>", "<a/><![CDATA[]]>", "<a><![CDATA[\x01]]></a>", "<a><![CDATA[\xff]]></a>", "<a><![cdata[]]></a>", "<a><![CDATA[]] ></a>", "<a b='<![CDATA[]]>'/>", "<a>]]></a>", "<a><![CDATA[", "<a>&b;</a>", "<a>&amp</a>", "<a>&</a>", "<a>& </a>", "<a>&;</a>", "<a>&#;</a>", "<a>&#x;</a>",
		"<a>&#X41;</a>", "<a>&#0;</a>", "<a>&#x1F;</a>", "<a>&#xD800;</a>", "<a>&#xDFFF;</a>", "<a>&#xFFFE;</a>", "<a>&#x110000;</a>", "<a>&#-65;</a>", "<a>&#+65;</a>", "<a>&#6_5;</a>", "<a>&#00000000000065;</a>",
		"<a>&AMP;</a>", "<a>&amp ;</a>", "<a>\x01</a>", "<a>\x0b</a>", "<a>\x80</a>", "<a>\xff\xfe</a>", "<a>\xed\xa0\x80</a>", "<a>\uffff</a>", "<a>\ufffe</a>", "<a>\xc0\xaf</a>", "<a>\xe2\x82</a>",
		`<a b/>`, `<a b=1/>`, `<a b="1/>`, `<a b="1'/>`, `<a b="<"/>`, `<a b="1" b="2"/>`, `<a b="1"c="2"/>`, "<a b=\"1\n2\"/>", "<a b=\"1\r\n2\"/>", "<a b=\"\t\"/>", `<a b="&c;"/>`, `<a b="]]>&lt;"/>`,
		`<a b="` + "\x02" + `"/>`, `<a b="` + "\xff" + `"/>`, `<a =""/>`, `<a ="b"/>`, `<a b=""/ >`, `<a b=>`, `<a b="">`, `<a b="`,
		`<p:a/>`, `<a p:b=""/>`, `<a p:b="" p:b=""/>`, `<a xmlns:p=""/>`, `<a xmlns:xml="urn:a"/>`, `<a xmlns:xmlns="urn:a"/>`, `<xmlns:a/>`, `<a xmlns="http://www.w3.org/XML/1998/namespace"/>`,
		`<a xmlns="http://www.w3.org/2000/xmlns/"/>`, `<a xmlns:p="u" xmlns:q="u" p:b="" q:b=""/>`, `<a xmlns="u" xmlns="u"/>`, `<a xmlns:p="u" xmlns:p="v"/>`, `<a xml:b="" xml:b=""/>`,
		`<:a/>`, `<a:/>`, `<a:b:c/>`, `<1a/>`, `<-a/>`, `<a:1/>`, `<é/>`, `<a é=""/>`, `<aé/>`, `<a :b=""/>`, `<a b:=""/>`, `<a:b xmlns:a="u"></b>`, `<a:b xmlns:a="u"></a:c>`, `<ab></a>`, `<a></ab>`,
		strings.Repeat("<a>", 65) + strings.Repeat("</a>", 65), "<a " + attributes(257) + "/>", "<" + strings.Repeat("a", 4097) + "/>", `<a xmlns="` + strings.Repeat("u", 4097) + `"/>`,
		strings.Repeat("/>", 1000), "<a>" + strings.Repeat("/>", 1000), "<a>" + strings.Repeat("<b>", 60),
	}
)

func declarations(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ` xmlns:p%d="urn:%d"`, i, i)
	}
	return b.String()
}

func attributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ` a%d="%d"`, i, i)
	}
	return b.String()
}

func TestQuickReaderGivesUpAtTheOdd(t *testing.T) {
	for _, text := range ordinary {
		if !readersAgree(t, []byte(text), Limits{}) {
			t.Errorf("not read quickly: %q", text)
		}
	}
	for _, text := range hostile {
		if readersAgree(t, []byte(text), Limits{}) {
			t.Errorf("read quickly: %q", text)
		}
	}
}

// Cut anywhere, or with any byte in place of another, a message is read the same
// both ways.
func TestQuickReaderAgreesOnDamage(t *testing.T) {
	for _, text := range append([]string{sampleQuick}, ordinary...) {
		if len(text) > 1000 {
			continue
		}
		for at := range len(text) {
			readersAgree(t, []byte(text[:at]), Limits{})
			for _, c := range []string{"", "<", ">", "/", "&", "\"", "'", "=", ":", " ", "\r", "\n", "]", "!", "?", "x", "0", ";", "\x00", "\xc3", "é", "\ufffe"} {
				readersAgree(t, []byte(text[:at]+c+text[at+1:]), Limits{})
				readersAgree(t, []byte(text[:at]+c+text[at:]), Limits{})
			}
		}
	}
}

const sampleQuick = `<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` +
	"\r\n  <soap:Body><Disconnect xmlns='http://schemas.microsoft.com/exchange/services/2006/messages'><CallId xsi:nil=\"false\">&lt;1&#x41;</CallId></Disconnect></soap:Body></soap:Envelope>\n"

// Over any limit the quick reader gives up.
func TestQuickReaderKeepsLimits(t *testing.T) {
	for n := 1; n < 12; n++ {
		for _, text := range append([]string{sampleQuick, `<a><b x="1" y="2">t</b><c><d><e>u</e></d></c></a>`}, ordinary...) {
			for _, l := range []Limits{{Depth: n}, {Tokens: n}, {Attributes: n}, {Name: n}, {Name: 10 * n}} {
				readersAgree(t, []byte(text), l)
			}
		}
	}
	if quick := readersAgree(t, []byte(`<a><b x="1">t</b></a>`), Limits{Depth: 2, Tokens: 5, Attributes: 1, Name: 1}); !quick {
		t.Error("a message just within its limits is not read quickly")
	}
}

// Documents made of pieces, well-formed or not, are read the same both ways.
func TestQuickReaderAgrees(t *testing.T) {
	quick := 0
	rapid.Check(t, func(t *rapid.T) {
		limits := Limits{
			Depth: rapid.SampledFrom([]int{0, 0, 3}).Draw(t, "depth"), Tokens: rapid.SampledFrom([]int{0, 0, 9}).Draw(t, "tokens"),
			Attributes: rapid.SampledFrom([]int{0, 0, 2}).Draw(t, "attributes"), Name: rapid.SampledFrom([]int{0, 0, 6}).Draw(t, "name"),
		}
		text := rapid.SampledFrom([]string{"", "", "<?xml version=\"1.0\"?>", "<?xml version='1.0' encoding='utf-8'?>\r\n", "\n"}).Draw(t, "start") +
			quickElement(t, 0) + rapid.SampledFrom([]string{"", "", "\n", " \r\n", "x", "<b/>"}).Draw(t, "rest")
		if readersAgree(t, []byte(text), limits) {
			quick++
		}
	})
	if quick < 10 {
		t.Errorf("only %d documents were read quickly", quick)
	}
}

func quickElement(t *rapid.T, depth int) string {
	name := rapid.SampledFrom([]string{"a", "b", "a", "b", "p:a", "q:b", "xml:a", "a.-9", "long-name"}).Draw(t, "name")
	var b strings.Builder
	b.WriteString("<" + name)
	if depth == 0 {
		b.WriteString(rapid.SampledFrom([]string{"", ` xmlns:p="u" xmlns:q="v"`, ` xmlns:p="u" xmlns:q="u"`, declarations(9) + ` xmlns:p="u" xmlns:q="v"`}).Draw(t, "declared"))
	}
	for range rapid.IntRange(0, 3).Draw(t, "attrs") {
		b.WriteString(rapid.SampledFrom([]string{` a="1"`, ` b='2'`, ` p:a="3"`, ` q:a="4"`, ` xml:lang="en"`, ` xmlns="w"`, ` xmlns=""`, ` xmlns:p="w"`, ` xmlns:q='v'`,
			"\n a = \"&lt;>'é\"", ` b="&#10;"`, ` c="` + "\t" + `"`, ` d="&x;"`, `e="5"`, "\t"}).Draw(t, "attr"))
	}
	if rapid.IntRange(0, 4).Draw(t, "empty") == 0 {
		return b.String() + "/>"
	}
	b.WriteString(">")
	for range rapid.IntRange(0, 3).Draw(t, "content") {
		if depth < 4 && rapid.Bool().Draw(t, "child") {
			b.WriteString(quickElement(t, depth+1))
			continue
		}
		b.WriteString(rapid.SampledFrom([]string{"t", " ", "\r\n", "\r", "é", "&amp;", "&#13;", "&#x20AC;", "]]", ">", "&quot;]]&gt;", "<!--c-->", "<![CDATA[<]]>", "<![CDATA[\r]]>", "<![CDATA[]]]]>", "<?p i?>", "<?p?>", "&y;", "\x01"}).Draw(t, "text"))
	}
	return b.String() + "</" + name + rapid.SampledFrom([]string{">", ">", ">", " >", "\n>", "x>"}).Draw(t, "end")
}

// FuzzQuickReader compares the quick reader with the full one; the limits are
// low every second time.
func FuzzQuickReader(f *testing.F) {
	files, _ := filepath.Glob("../testdata/messages/*.xml")
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil {
			f.Add(text, false)
		}
	}
	for _, text := range append(append([]string{sampleQuick}, ordinary...), hostile...) {
		f.Add([]byte(text), len(text)%2 == 0)
	}
	f.Fuzz(func(t *testing.T, text []byte, low bool) {
		limits := Limits{}
		if low {
			limits = Limits{Depth: 4, Tokens: 20, Attributes: 4, Name: 12}
		}
		readersAgree(t, text, limits)
	})
}

// Both ways to a tree, on a usual request.
func BenchmarkTree(b *testing.B) {
	text, err := os.ReadFile("../testdata/messages/disconnect-request.xml")
	if err != nil {
		b.Fatal(err)
	}
	limits := Limits{}.withDefaults()
	b.Run("quick", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := quickTree(string(text), limits, roomFor(len(text))); !ok {
				b.Fatal("not quick")
			}
		}
	})
	b.Run("full", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := fullTree(text, limits, roomFor(len(text))); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// Text is what was read, whichever way, without what the encoding adds.
func TestText(t *testing.T) {
	for name, body := range map[string]string{
		"quick":     sampleQuick,
		"full":      strings.Replace(sampleQuick, "<soap:Body>", "<soap:Body><?odd?>", 1),
		"byte mark": "\ufeff" + sampleQuick,
	} {
		m, err := Parse([]byte(body))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if want := strings.TrimPrefix(body, "\ufeff"); m.Text() != want {
			t.Errorf("%s: %q, want %q", name, m.Text(), want)
		}
	}
}
