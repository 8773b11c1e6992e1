package wsdl

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/umtape/umtape/inspect"
)

// Schemas with documents that are right by them. Every change of every one is judged
// by xmllint too.
var oracle = []struct {
	name, schema string
	docs         []string
}{
	{"order", `
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:o" targetNamespace="urn:o" elementFormDefault="qualified">
 <xs:element name="order" type="Order"/>
 <xs:complexType name="Order"><xs:sequence>
  <xs:element name="id" type="Code"/>
  <xs:element name="when" type="xs:dateTime" minOccurs="0"/>
  <xs:element name="line" type="Line" maxOccurs="3"/>
  <xs:choice><xs:element name="card" type="xs:token"/><xs:sequence><xs:element name="bank" type="xs:string"/><xs:element name="bic" type="xs:NMTOKEN" minOccurs="0"/></xs:sequence></xs:choice>
  <xs:element name="note" type="xs:string" nillable="true" minOccurs="0"/>
  <xs:element name="tags" type="Tags" minOccurs="0"/>
 </xs:sequence><xs:attribute name="kind" type="Kind" use="required"/><xs:attribute name="rush" type="xs:boolean"/><xs:attribute name="v" type="xs:int" fixed="1"/></xs:complexType>
 <xs:complexType name="Line"><xs:simpleContent><xs:extension base="Money"><xs:attribute name="qty" type="xs:positiveInteger" use="required"/></xs:extension></xs:simpleContent></xs:complexType>
 <xs:simpleType name="Money"><xs:restriction base="xs:decimal"><xs:fractionDigits value="2"/><xs:minInclusive value="0"/><xs:maxExclusive value="1000"/></xs:restriction></xs:simpleType>
 <xs:simpleType name="Code"><xs:restriction base="xs:string"><xs:pattern value="[A-Z]{2}\d{3}"/><xs:pattern value="\i\c*"/></xs:restriction></xs:simpleType>
 <xs:simpleType name="Kind"><xs:restriction base="xs:token"><xs:enumeration value="new"/><xs:enumeration value="old"/></xs:restriction></xs:simpleType>
 <xs:simpleType name="Tags"><xs:restriction><xs:simpleType><xs:list itemType="xs:NCName"/></xs:simpleType><xs:maxLength value="2"/></xs:restriction></xs:simpleType>
</xs:schema>`, []string{
		`<order xmlns="urn:o" kind="new" rush="1" v="1"><id>AB123</id><when>2026-11-24T10:00:00Z</when><line qty="2">9.50</line><line qty="1">1</line><card>x y</card><note>n</note><tags>a b</tags></order>`,
		`<o:order xmlns:o="urn:o" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" kind=" old "><o:id>a-b</o:id><o:line qty="2">.5</o:line><o:bank>b</o:bank><o:bic>X1</o:bic><o:note xsi:nil="true"/></o:order>`,
	}},
	{"animals", `
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:a" targetNamespace="urn:a" elementFormDefault="qualified">
 <xs:element name="zoo"><xs:complexType><xs:sequence>
  <xs:element ref="animal" minOccurs="0" maxOccurs="unbounded"/><xs:element name="boss" type="Animal"/><xs:group ref="G" minOccurs="0" maxOccurs="2"/>
  <xs:any namespace="##other" processContents="lax" minOccurs="0" maxOccurs="2"/></xs:sequence><xs:attributeGroup ref="AG"/><xs:anyAttribute namespace="##other" processContents="lax"/></xs:complexType></xs:element>
 <xs:element name="animal" type="Animal" abstract="true"/>
 <xs:element name="cat" type="Cat" substitutionGroup="animal"/>
 <xs:element name="lion" substitutionGroup="cat"/>
 <xs:element name="dog" substitutionGroup="animal"><xs:complexType><xs:complexContent><xs:extension base="Animal"><xs:all/></xs:extension></xs:complexContent></xs:complexType></xs:element>
 <xs:complexType name="Animal"><xs:sequence><xs:element name="name" type="xs:Name"/></xs:sequence><xs:attribute name="age" type="xs:unsignedByte"/></xs:complexType>
 <xs:complexType name="Cat"><xs:complexContent><xs:extension base="Animal"><xs:sequence><xs:element name="lives" type="Lives"/><xs:element name="kitten" type="Cat" minOccurs="0"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>
 <xs:complexType name="Old"><xs:complexContent><xs:restriction base="Animal"><xs:sequence><xs:element name="name" type="xs:Name"/></xs:sequence><xs:attribute name="age" type="xs:unsignedByte" use="required"/></xs:restriction></xs:complexContent></xs:complexType>
 <xs:simpleType name="Lives"><xs:union memberTypes="xs:nonNegativeInteger"><xs:simpleType><xs:restriction base="xs:string"><xs:enumeration value="many"/></xs:restriction></xs:simpleType></xs:union></xs:simpleType>
 <xs:group name="G"><xs:choice><xs:element name="food" type="xs:float"/><xs:element name="drink" type="xs:hexBinary"/></xs:choice></xs:group>
 <xs:attributeGroup name="AG"><xs:attribute name="open" type="xs:date"/><xs:attribute name="lang" type="xs:language" use="required"/></xs:attributeGroup>
</xs:schema>`, []string{
		`<zoo xmlns="urn:a" open="2026-02-28" lang="en-GB"><cat age="3"><name>Tom</name><lives>9</lives><kitten><name>K</name><lives>many</lives></kitten></cat><dog><name>R</name></dog><lion><name>L</name><lives>0</lives></lion><boss><name>B</name></boss><food>1e3</food><drink>0aFF</drink></zoo>`,
		`<zoo xmlns="urn:a" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:t="urn:t" lang="de" t:x="y"><boss xsi:type="Cat"><name>B</name><lives>1</lives></boss><t:more><t:x/></t:more></zoo>`,
		`<zoo xmlns="urn:a" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" lang="de"><boss xsi:type="Old" age="9"><name>B</name></boss><drink/></zoo>`,
	}},
	{"unqualified", `
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:u="urn:u" targetNamespace="urn:u">
 <xs:element name="call"><xs:complexType><xs:all>
  <xs:element name="a" type="xs:byte"/><xs:element name="b" type="xs:base64Binary" minOccurs="0"/><xs:element name="c" form="qualified" type="xs:duration" minOccurs="0"/></xs:all><xs:attribute name="q" form="qualified" type="xs:gYearMonth"/></xs:complexType></xs:element>
</xs:schema>`, []string{
		`<u:call xmlns:u="urn:u" u:q="2026-11"><a>-128</a><b>AQID</b><u:c>P1DT2H</u:c></u:call>`,
		`<u:call xmlns:u="urn:u"><b/><a>1</a></u:call>`,
	}},
	{"mixed", `
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:m" xmlns="urn:m" elementFormDefault="qualified">
 <xs:element name="p"><xs:complexType mixed="true"><xs:choice minOccurs="0" maxOccurs="unbounded"><xs:element name="b" type="xs:string"/><xs:element name="n" type="N"/></xs:choice></xs:complexType></xs:element>
 <xs:complexType name="N"><xs:sequence minOccurs="2" maxOccurs="2"><xs:element name="x" type="xs:long"/><xs:element name="y" type="xs:time" minOccurs="0"/></xs:sequence></xs:complexType>
</xs:schema>`, []string{
		`<p xmlns="urn:m">one <b>two</b> three<n><x>1</x><y>10:00:00</y><x>2</x></n></p>`,
	}},
	{"counted", `
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:c" targetNamespace="urn:c" elementFormDefault="qualified">
 <xs:element name="c"><xs:complexType><xs:sequence minOccurs="0" maxOccurs="3"><xs:element name="a" type="xs:int" minOccurs="2" maxOccurs="3"/><xs:element name="b" type="xs:int" minOccurs="0"/></xs:sequence></xs:complexType></xs:element>
</xs:schema>`, []string{
		`<c xmlns="urn:c"><a>1</a><a>2</a><a>3</a><a>4</a><b>5</b></c>`,
		`<c xmlns="urn:c"><a>1</a><a>2</a><a>3</a><a>4</a><a>5</a></c>`,
		`<c xmlns="urn:c"><a>1</a><a>2</a><b>1</b><a>3</a><a>4</a><a>5</a><a>6</a></c>`,
	}},
	{"any_attribute", `
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:w" xmlns:w="urn:w" targetNamespace="urn:w" elementFormDefault="qualified">
 <xs:element name="w"><xs:complexType><xs:choice maxOccurs="unbounded"><xs:element name="base" type="Base"/><xs:element name="more" type="More"/><xs:element name="met" type="Met"/><xs:element name="late" type="Late"/></xs:choice></xs:complexType></xs:element>
 <xs:complexType name="Base"><xs:sequence/><xs:anyAttribute namespace="urn:x ##targetNamespace" processContents="lax"/></xs:complexType>
 <xs:complexType name="More"><xs:complexContent><xs:extension base="Base"><xs:anyAttribute namespace="##local" processContents="lax"/></xs:extension></xs:complexContent></xs:complexType>
 <xs:complexType name="Met"><xs:attributeGroup ref="X"/><xs:attributeGroup ref="Y"/></xs:complexType>
 <xs:complexType name="Late"><xs:complexContent><xs:restriction base="Base"><xs:sequence/></xs:restriction></xs:complexContent></xs:complexType>
 <xs:attributeGroup name="X"><xs:attribute name="x" type="xs:int"/><xs:anyAttribute namespace="##other" processContents="skip"/></xs:attributeGroup>
 <xs:attributeGroup name="Y"><xs:anyAttribute namespace="urn:x urn:y ##local" processContents="skip"/></xs:attributeGroup>
 <xs:attribute name="n" type="xs:int"/>
</xs:schema>`, []string{
		`<w xmlns="urn:w" xmlns:w="urn:w" xmlns:x="urn:x" xmlns:y="urn:y"><base x:a="1" w:n="2"/><more x:a="1" w:n="2" a="3"/><met x="1" x:a="1" y:a="2"/><late/></w>`,
	}},
	{"heirs", `
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:s" targetNamespace="urn:s" elementFormDefault="qualified">
 <xs:element name="list"><xs:complexType><xs:sequence><xs:element ref="z"/><xs:element name="n" type="xs:int" nillable="true" fixed="3" minOccurs="0"/></xs:sequence></xs:complexType></xs:element>
 <xs:element name="a" substitutionGroup="m"/><xs:element name="m" substitutionGroup="z"/><xs:element name="z" type="xs:int"/>
</xs:schema>`, []string{
		`<list xmlns="urn:s"><a>1</a><n>3</n></list>`,
		`<list xmlns="urn:s"><m>1</m><n/></list>`,
	}},
}

const xsiDecl = `xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`

// changes are all documents that are one step from doc.
func changes(t *testing.T, doc string) (list []string) {
	t.Helper()
	d, err := inspect.Limits{}.ParseDocument([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	type spot struct{ open, close, end int } // of a start tag, and the end of the element
	var spots []spot
	var walk func(e *inspect.Element)
	walk = func(e *inspect.Element) {
		open := int(e.Offset)
		closing := open + strings.IndexByte(doc[open:], '>') + 1
		end := closing
		if doc[closing-2] != '/' {
			name := e.Name.Local
			if e.Prefix != "" {
				name = e.Prefix + ":" + name
			}
			depth := 1
			for depth > 0 {
				next := strings.IndexByte(doc[end:], '<') + end
				stop := strings.IndexByte(doc[next:], '>') + next + 1
				switch tag := doc[next:stop]; {
				case strings.HasPrefix(tag, "</"):
					depth--
				case !strings.HasSuffix(tag, "/>"):
					depth++
				}
				end = stop
			}
			_ = name
		}
		spots = append(spots, spot{open, closing, end})
		for _, c := range e.Children {
			walk(c)
		}
	}
	walk(d.Root)
	values := []string{"", " ", "x", "-1", "0", "1.555", "1000", "256", "999999999999999999999", "true", "2026-02-30", "2026-02-30T00:00:00", "a b c", "AB12", "P", "24:00:00", "INF", "AQI"}
	for n, s := range spots {
		whole := doc[s.open:s.end]
		if n > 0 {
			list = append(list, doc[:s.open]+doc[s.end:])          // gone
			list = append(list, doc[:s.open]+whole+doc[s.open:])   // twice
			list = append(list, doc[:s.open]+"<zz/>"+doc[s.open:]) // another before
			for _, o := range spots {
				if o.open == s.end { // swapped
					list = append(list, doc[:s.open]+doc[o.open:o.end]+whole+doc[o.end:])
				}
			}
		}
		tag := doc[s.open:s.close]
		self := strings.HasSuffix(tag, "/>")
		head, tail := strings.TrimSuffix(strings.TrimSuffix(tag, ">"), "/"), doc[s.close:]
		end := ">"
		if self {
			end = "/>"
		}
		for _, attr := range []string{` zz="1"`, ` xmlns:zz="urn:zz" zz:a="1"`, ` ` + xsiDecl + ` xsi:nil="true"`, ` ` + xsiDecl + ` xsi:nil="false"`, ` ` + xsiDecl + ` xsi:type="Cat"`, ` ` + xsiDecl + ` xsi:type="nope"`, ` xmlns=""`, ` xmlns="urn:other"`} {
			name := strings.TrimSpace(strings.SplitN(attr, "=", 2)[0])
			if strings.Contains(head, " "+name+"=") || strings.Contains(attr, "xsi:") && strings.Contains(head, "xsi:") {
				continue
			}
			list = append(list, doc[:s.open]+head+attr+end+tail)
		}
		for at := 0; ; { // attributes
			i := strings.Index(head[at:], `="`)
			if i < 0 {
				break
			}
			i += at
			from := strings.LastIndexByte(head[:i], ' ')
			to := i + 2 + strings.IndexByte(head[i+2:], '"') + 1
			at = to
			if strings.HasPrefix(head[from+1:], "xmlns") {
				continue
			}
			list = append(list, doc[:s.open]+head[:from]+head[to:]+end+tail)
			for _, v := range values {
				list = append(list, doc[:s.open]+head[:i+2]+v+`"`+head[to:]+end+tail)
			}
		}
		if !self { // text
			next := s.close + strings.IndexByte(doc[s.close:], '<')
			for _, v := range values {
				list = append(list, doc[:s.close]+v+doc[next:])
			}
		}
	}
	return list
}

// TestAgainstXMLLint: we and libxml2 agree about every changed document.
func TestAgainstXMLLint(t *testing.T) {
	if _, err := exec.LookPath("xmllint"); err != nil {
		t.Skip("xmllint is not installed")
	}
	for _, o := range oracle {
		t.Run(o.name, func(t *testing.T) {
			dir := t.TempDir()
			schema := filepath.Join(dir, "s.xsd")
			if err := os.WriteFile(schema, []byte(o.schema), 0o600); err != nil {
				t.Fatal(err)
			}
			s := schemaIn(t, dir, "s.xsd")
			docs := append([]string{}, o.docs...)
			for _, d := range o.docs {
				docs = append(docs, changes(t, d)...)
			}
			args := []string{"--noout", "--schema", schema}
			for n, d := range docs {
				path := filepath.Join(dir, fmt.Sprintf("%d.xml", n))
				if err := os.WriteFile(path, []byte(d), 0o600); err != nil {
					t.Fatal(err)
				}
				args = append(args, path)
			}
			out, _ := exec.Command("xmllint", args...).CombinedOutput()
			said := string(out)
			right, wrong, apart := 0, 0, 0
			for n, d := range docs {
				path := filepath.Join(dir, fmt.Sprintf("%d.xml", n))
				var valid bool
				switch {
				case strings.Contains(said, path+" validates\n"):
					valid = true
					right++
				case strings.Contains(said, path+" fails to validate\n"):
					wrong++
				default:
					t.Fatalf("xmllint says nothing of %s", d)
				}
				found := judge(t, s, d)
				if n < len(o.docs) && !valid {
					t.Errorf("xmllint refuses %s", d)
				}
				if valid && len(found) == 1 && strings.HasSuffix(found[0], "is no base64Binary") {
					continue // libxml2 passes over characters that base64 has not; XML Schema does not
				}
				if valid != (len(found) == 0) {
					if apart++; apart < 12 {
						t.Errorf("xmllint: valid %v; we: %v\n%s", valid, found, d)
					}
				}
			}
			t.Logf("%d documents: %d right, %d wrong, %d judged otherwise", len(docs), right, wrong, apart)
			if wrong < len(docs)/3 {
				t.Errorf("only %d of %d documents are wrong", wrong, len(docs))
			}
		})
	}
}

func schemaIn(t *testing.T, dir, file string) *schemas {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	l := &loader{dir: root, shown: dir, read: map[string]*inspect.Document{}, taken: map[string]bool{}, schemas: newSchemas(), service: &Service{spaces: map[string]bool{}}}
	d, err := l.document(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.schema(file, d, d.Root, ""); err != nil {
		t.Fatal(err)
	}
	if err := l.schemas.resolve(); err != nil {
		t.Fatal(err)
	}
	return l.schemas
}

// judge holds a document to its global declaration.
func judge(t *testing.T, s *schemas, doc string) (found []string) {
	t.Helper()
	m, err := inspect.Parse([]byte(`<s:Envelope xmlns:s="` + inspect.SOAP11NS + `"><s:Body>` + doc + `</s:Body></s:Envelope>`))
	if err != nil {
		t.Fatal(err)
	}
	c := &checker{s: s, m: m, part: "request"}
	d := s.elements[m.Payload.Name]
	if d == nil {
		return []string{"no declaration"}
	}
	c.element("Body/"+local(m.Payload), m.Payload, d)
	for _, f := range c.done() {
		found = append(found, f.Rule.ID+" "+f.Path+": "+f.Message)
	}
	return found
}
