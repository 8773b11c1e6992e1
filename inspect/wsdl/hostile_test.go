package wsdl

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// aWSDL is one with these schemas, and one operation that takes the element "a" of
// urn:h.
func aWSDL(imports, schemas string) string {
	return `<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:h="urn:h" xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:h">
` + imports + `<types>` + schemas + `</types>
<message name="In"><part name="p" element="h:a"/></message>
<portType name="P"><operation name="a"><input message="h:In"/></operation></portType>
<binding name="B" type="h:P"><soap:binding transport="http://schemas.xmlsoap.org/soap/http"/><operation name="a"><soap:operation soapAction=""/><input><soap:body use="literal"/></input></operation></binding>
</definitions>`
}

func aSchema(text string) string {
	return `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:h" targetNamespace="urn:h" elementFormDefault="qualified">` + text + `</xs:schema>`
}

// times writes something n times, with # for the number and #+ for the next.
func times(n int, text string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(text, "#+", strconv.Itoa(i+1)), "#", strconv.Itoa(i)))
	}
	return b.String()
}

// write puts files into a new folder, of which s.wsdl is one.
func write(t testing.TB, files map[string]string) (file string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "s.wsdl")
}

const simpleA = `<xs:element name="a" type="xs:int"/>`

// TestHostileWSDL: a WSDL that is there to be hard to read is read, or refused with
// the file and the place, and a message is held to what was read; all without taking
// time or memory that grows faster than it.
func TestHostileWSDL(t *testing.T) {
	const imports = `<xs:import namespace="urn:h" schemaLocation=%q/>`
	for _, tt := range []struct {
		name  string
		files map[string]string // s.wsdl and what it imports; s.wsdl alone may be given as schemas
		body  string            // a message's, if it is read
		want  string            // found in that, "" for nothing
		err   string            // part of the error, "" for none
	}{
		{name: "imports_itself", files: map[string]string{"s.wsdl": aWSDL(`<import namespace="urn:h" location="s.wsdl"/>`, aSchema(simpleA))}, body: "<a>1</a>"},
		{name: "import_loop", files: map[string]string{
			"s.wsdl": aWSDL(`<import namespace="urn:x" location="x.wsdl"/>`, fmt.Sprintf(aSchema(imports), "y.xsd")),
			"x.wsdl": `<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" targetNamespace="urn:x"><import namespace="urn:h" location="./s.wsdl"/></definitions>`,
			"y.xsd":  aSchema(`<xs:include schemaLocation="z.xsd"/>`),
			"z.xsd":  aSchema(`<xs:include schemaLocation="./y.xsd"/><xs:include schemaLocation="z.xsd"/>` + simpleA),
		}, body: "<a>x</a>", want: "WSDL08"},
		{name: "import_chain", files: chain(300), err: "more than 256 files"},
		{name: "missing_import", files: map[string]string{"s.wsdl": aWSDL("", aSchema("\n "+fmt.Sprintf(imports, "gone.xsd")))}, err: "s.wsdl:3:2: what it imports, gone."},
		{name: "missing_wsdl_import", files: map[string]string{"s.wsdl": aWSDL(`<import namespace="urn:x" location="gone.wsdl"/>`, aSchema(simpleA))}, err: "s.wsdl:2:1: what it imports, gone."},
		{name: "folder", files: map[string]string{"s.wsdl": aWSDL("", fmt.Sprintf(aSchema(imports), "d")), "d/x": ""}, err: "d: it is no file"},
		{name: "doctype", files: map[string]string{"s.wsdl": `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + aWSDL("", aSchema(simpleA))}, err: "s.wsdl:1:1: it has a DOCTYPE"},
		{name: "doctype_imported", files: map[string]string{"s.wsdl": aWSDL("", fmt.Sprintf(aSchema(imports), "y.xsd")), "y.xsd": "\n<!DOCTYPE a>" + aSchema(simpleA)}, err: "y.xsd:2:1: it has a DOCTYPE"},
		{name: "no_xml", files: map[string]string{"s.wsdl": "%PDF-1.4"}, err: "s.wsdl:1:1: it is not well-formed XML: "},
		{name: "empty", files: map[string]string{"s.wsdl": ""}, err: "s.wsdl: it is empty"},
		{name: "cut", files: map[string]string{"s.wsdl": aWSDL("", aSchema(simpleA))[:400]}, err: "s.wsdl:3:"},
		{name: "no_wsdl", files: map[string]string{"s.wsdl": aSchema(simpleA)}, err: "s.wsdl: it is no WSDL"},
		{name: "wsdl_20", files: map[string]string{"s.wsdl": `<description xmlns="http://www.w3.org/ns/wsdl"/>`}, err: "WSDL 2.0"},
		{name: "nothing_bound", files: map[string]string{"s.wsdl": `<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"/>`}, err: "no operation is bound to SOAP"},
		{name: "giant", files: map[string]string{"s.wsdl": aWSDL("", aSchema(simpleA)+"<!--"+strings.Repeat("x", 8<<20)+"-->")}, err: "8 MiB"},
		{name: "deep", files: map[string]string{"s.wsdl": strings.Repeat("<a>", 10_000)}, err: "nested more than 128 deep"},

		{name: "element_in_itself", files: schema(`<xs:element name="a"><xs:complexType><xs:sequence><xs:element ref="a" minOccurs="0"/></xs:sequence></xs:complexType></xs:element>`), body: strings.Repeat("<a>", 300) + strings.Repeat("</a>", 300)},
		{name: "type_of_itself", files: schema(`<xs:element name="a" type="T"/><xs:complexType name="T"><xs:complexContent><xs:extension base="T"/></xs:complexContent></xs:complexType>`), err: "derived from itself"},
		{name: "simple_type_of_itself", files: schema(`<xs:element name="a" type="T"/><xs:simpleType name="T"><xs:union memberTypes="U"/></xs:simpleType><xs:simpleType name="U"><xs:list itemType="T"/></xs:simpleType>`), err: "derived from itself"},
		{name: "group_in_itself", files: schema(`<xs:element name="a"><xs:complexType><xs:group ref="g"/></xs:complexType></xs:element><xs:group name="g"><xs:sequence><xs:group ref="g"/></xs:sequence></xs:group>`), err: "holds itself"},
		{name: "attribute_group_in_itself", files: schema(`<xs:element name="a"><xs:complexType><xs:attributeGroup ref="g"/></xs:complexType></xs:element><xs:attributeGroup name="g"><xs:attributeGroup ref="g"/></xs:attributeGroup>`), err: "holds itself"},
		{name: "head_of_itself", files: schema(`<xs:element name="a" substitutionGroup="b" type="xs:int"/><xs:element name="b" substitutionGroup="a" type="xs:int"/>`), body: "<a>x</a>", want: "WSDL08"},
		{name: "type_chain", files: schema(`<xs:element name="a" type="T0"/>` + times(5_000, `<xs:complexType name="T#"><xs:complexContent><xs:extension base="T#+"/></xs:complexContent></xs:complexType>`)), err: "1000 deep"},
		{name: "group_chain", files: schema(`<xs:element name="a"><xs:complexType><xs:group ref="g0"/></xs:complexType></xs:element>` + times(5_000, `<xs:group name="g#"><xs:sequence><xs:group ref="g#+"/></xs:sequence></xs:group>`)), err: "1000 deep"},

		// Each of these is small, and what it stands for is not.
		{name: "union_bomb", files: schema(`<xs:element name="a" type="U0"/>` + times(200, `<xs:simpleType name="U#"><xs:union memberTypes="U#+ U#+"/></xs:simpleType>`) + `<xs:simpleType name="U200"><xs:restriction base="xs:int"/></xs:simpleType>`), body: "<a>x</a>", want: "WSDL08"},
		{name: "list_of_lists", files: schema(`<xs:element name="a" type="U0"/>` + times(200, `<xs:simpleType name="U#"><xs:union memberTypes="U#+"><xs:simpleType><xs:list itemType="U#+"/></xs:simpleType></xs:union></xs:simpleType>`) + `<xs:simpleType name="U200"><xs:restriction base="xs:int"/></xs:simpleType>`), err: "a list of lists"},
		{name: "group_bomb", files: schema(`<xs:element name="a"><xs:complexType><xs:group ref="g0"/></xs:complexType></xs:element>` + times(100, `<xs:group name="g#"><xs:sequence><xs:group ref="g#+"/><xs:group ref="g#+"/></xs:sequence></xs:group>`) + `<xs:group name="g100"><xs:sequence><xs:element name="b" minOccurs="0"/></xs:sequence></xs:group>`), body: "<a>" + strings.Repeat("<b/>", 1000) + "<c/></a>", want: "WSDL05"},
		{name: "maxOccurs", files: schema(`<xs:element name="a"><xs:complexType><xs:sequence minOccurs="2000000000" maxOccurs="2000000000"><xs:element name="b" minOccurs="2000000000" maxOccurs="2000000000"/></xs:sequence></xs:complexType></xs:element>`), body: "<a>" + strings.Repeat("<b/>", 1000) + "</a>", want: "WSDL04"},
		{name: "maxOccurs_too_large", files: schema(`<xs:element name="a"><xs:complexType><xs:sequence maxOccurs="99999999999999999999"/></xs:complexType></xs:element>`), err: "maxOccurs"},
		{name: "first_sets", files: schema(`<xs:element name="a"><xs:complexType><xs:group ref="g0"/></xs:complexType></xs:element>` + times(400, `<xs:group name="g#"><xs:choice><xs:group ref="g#+"/></xs:choice></xs:group>`) + `<xs:group name="g400"><xs:choice>` + times(10_000, `<xs:element name="e#"/>`) + `</xs:choice></xs:group>`), err: "too much"},
		{name: "attributes", files: schema(simpleA + `<xs:complexType name="T">` + times(5_000, `<xs:attribute name="a#"/>`) + `</xs:complexType>` + times(5_000, `<xs:complexType name="T#"><xs:complexContent><xs:extension base="T"/></xs:complexContent></xs:complexType>`)), err: "too much"},
		{name: "attribute_group_bomb", files: schema(simpleA + `<xs:complexType name="T"><xs:attributeGroup ref="g0"/></xs:complexType>` + times(100, `<xs:attributeGroup name="g#"><xs:attributeGroup ref="g#+"/><xs:attributeGroup ref="g#+"/></xs:attributeGroup>`) + `<xs:attributeGroup name="g100"/>`), err: "too much"},
		{name: "substitutes", files: schema(simpleA + `<xs:element name="e0" type="xs:int"/>` + times(5_000, `<xs:element name="e#+" substitutionGroup="e#"/>`)), err: "too much"},
		{name: "chameleon", files: map[string]string{
			"s.wsdl": aWSDL("", aSchema(simpleA)+times(2_000, `<xs:schema targetNamespace="urn:#"><xs:include schemaLocation="y.xsd"/></xs:schema>`)),
			"y.xsd":  `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">` + times(2_000, `<xs:element name="e#" type="xs:int"/>`) + `</xs:schema>`,
		}, err: "too much"},
		{name: "patterns", files: schema(`<xs:element name="a"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="((a{1000}){1000}){1000}"/><xs:pattern value="(a+)+b"/></xs:restriction></xs:simpleType></xs:element>`), body: "<a>" + strings.Repeat("a", 100_000) + "</a>"},
		{name: "pattern_backtracking", files: schema(`<xs:element name="a"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="(a+)+b"/></xs:restriction></xs:simpleType></xs:element>`), body: "<a>" + strings.Repeat("a", 100_000) + "</a>", want: "WSDL08"},
		{name: "long_number", files: schema(`<xs:element name="a"><xs:simpleType><xs:restriction base="xs:decimal"><xs:minInclusive value="0"/></xs:restriction></xs:simpleType></xs:element>`), body: "<a>" + strings.Repeat("9", 1<<20) + "</a>"},
		{name: "repetitions_in_each_other", files: schema(`<xs:element name="a"><xs:complexType>` + strings.Repeat(`<xs:sequence minOccurs="0" maxOccurs="unbounded">`, 50) + `<xs:element name="b" minOccurs="2" maxOccurs="3"/><xs:element name="d" minOccurs="0"/>` + strings.Repeat(`</xs:sequence>`, 50) + `</xs:complexType></xs:element>`), body: "<a>" + strings.Repeat("<b/>", 9_999) + "<c/></a>", want: "WSDL05"},
		{name: "many_wrong_children", files: schema(`<xs:element name="a"><xs:complexType><xs:choice maxOccurs="unbounded">` + times(1_000, `<xs:element name="e#"><xs:complexType><xs:choice>`+times(10, `<xs:element name="f#"/>`)+`</xs:choice></xs:complexType></xs:element>`) + `</xs:choice></xs:complexType></xs:element>`), body: "<a>" + times(10_000, "<e#/>") + "</a>", want: "WSDL05"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _, err := load(write(t, tt.files), "", 50_000)
			if tt.err != "" || err != nil {
				if err == nil || tt.err == "" || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("%v, want %q", err, tt.err)
				}
				if len(err.Error()) > 1000 {
					t.Errorf("the error has %d bytes", len(err.Error()))
				}
				return
			}
			body := strings.Replace(tt.body, "<a>", `<a xmlns="urn:h">`, 1)
			got := foundIn(s, exchangeOf("http://h.test/", "", body, ""))
			if tt.want == "" && len(got) > 0 || tt.want != "" && (len(got) == 0 || !strings.HasPrefix(got[0], tt.want)) {
				t.Errorf("%d findings, %.200q; want %q", len(got), got, tt.want)
			}
		})
	}
}

func schema(text string) map[string]string {
	return map[string]string{"s.wsdl": aWSDL("", aSchema(text))}
}

func chain(n int) map[string]string {
	files := map[string]string{"s.wsdl": aWSDL("", aSchema(`<xs:include schemaLocation="0.xsd"/>`))}
	for i := range n {
		files[fmt.Sprintf("%d.xsd", i)] = aSchema(fmt.Sprintf(`<xs:include schemaLocation="%d.xsd"/>`, i+1))
	}
	return files
}

// TestNothingIsFetched: what is imported by a URL, from another folder, or through a
// link out of it, is not read, and it is told where it was to come from.
func TestNothingIsFetched(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("fetched: %s", r.URL)
	}))
	defer server.Close()
	outside := filepath.Join(t.TempDir(), "outside.xsd")
	if err := os.WriteFile(outside, []byte(aSchema(simpleA)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, location := range []string{
		server.URL + "/y.xsd", strings.TrimPrefix(server.URL, "http:") + "/y.xsd", "HTTP" + strings.TrimPrefix(server.URL, "http") + "/y.xsd",
		"file://" + filepath.ToSlash(outside), "file:" + filepath.ToSlash(outside), outside, "ftp://127.0.0.1/y.xsd", "data:text/xml,%3Cx/%3E", "urn:y", `\\127.0.0.1\y.xsd`, `c:\y.xsd`, "jar:y.xsd",
	} {
		file := write(t, map[string]string{"s.wsdl": aWSDL(`<import namespace="urn:y" location="`+location+`"/>`, aSchema(`<xs:import namespace="urn:y" schemaLocation="`+location+`"/>`))})
		_, warnings, err := Load(file, "")
		if err != nil {
			t.Errorf("%s: %v", location, err)
		}
		places := 0
		for _, w := range warnings {
			if strings.Contains(w, location+" is not read") && strings.HasPrefix(w, file+":2:") {
				places++
			}
		}
		if places != 2 {
			t.Errorf("%s: %q", location, warnings)
		}
	}
	for _, location := range []string{"../outside.xsd", "in/../../outside.xsd", "..", "../../../../../../../../etc/passwd", "link.xsd", "up/outside.xsd", "%2e%2e/outside.xsd"} {
		file := write(t, map[string]string{"s.wsdl": aWSDL("", aSchema(`<xs:import namespace="urn:y" schemaLocation="`+location+`"/>`)), "in/x": ""})
		for from, to := range map[string]string{"link.xsd": outside, "up": filepath.Dir(outside)} {
			if err := os.Symlink(to, filepath.Join(filepath.Dir(file), from)); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := Load(file, ""); err == nil || !strings.Contains(err.Error(), file+":2:") {
			t.Errorf("%s: %v", location, err)
		}
	}
}
