package um

import (
	"encoding/xml"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The parts of um.xsd and um.wsdl that say something of the protocol.
type (
	xsdSchema struct {
		Target   string       `xml:"targetNamespace,attr"`
		Form     string       `xml:"elementFormDefault,attr"`
		Elements []xsdElement `xml:"element"`
		Complex  []xsdComplex `xml:"complexType"`
		Simple   []xsdSimple  `xml:"simpleType"`
	}
	xsdElement struct {
		Name  string      `xml:"name,attr"`
		Type  string      `xml:"type,attr"`
		Min   string      `xml:"minOccurs,attr"`
		Max   string      `xml:"maxOccurs,attr"`
		Inner *xsdComplex `xml:"complexType"`
	}
	xsdComplex struct {
		Name     string       `xml:"name,attr"`
		Elements []xsdElement `xml:"sequence>element"`
		Any      []struct {
			XMLName xml.Name
		} `xml:",any"`
	}
	xsdSimple struct {
		Name   string `xml:"name,attr"`
		Values []struct {
			Value string `xml:"value,attr"`
		} `xml:"restriction>enumeration"`
		Longest []struct {
			Value string `xml:"value,attr"`
		} `xml:"restriction>maxLength"`
	}
	wsdlDefinitions struct {
		Target   string `xml:"targetNamespace,attr"`
		Messages []struct {
			Name  string `xml:"name,attr"`
			Parts []struct {
				Element string `xml:"element,attr"`
			} `xml:"part"`
		} `xml:"message"`
		Ports []struct {
			Operations []struct {
				Name   string    `xml:"name,attr"`
				Input  wsdlRef   `xml:"input"`
				Output wsdlRef   `xml:"output"`
				Faults []wsdlRef `xml:"fault"`
			} `xml:"operation"`
		} `xml:"portType"`
		Bindings []struct {
			Operations []struct {
				Name string `xml:"name,attr"`
				SOAP struct {
					Action string `xml:"soapAction,attr"`
					Style  string `xml:"style,attr"`
				} `xml:"http://schemas.xmlsoap.org/wsdl/soap/ operation"`
				Faults []wsdlRef `xml:"http://schemas.xmlsoap.org/wsdl/ fault"`
			} `xml:"http://schemas.xmlsoap.org/wsdl/ operation"`
		} `xml:"http://schemas.xmlsoap.org/wsdl/ binding"`
		Addresses []struct {
			Location string `xml:"location,attr"`
		} `xml:"service>port>address"`
	}
	wsdlRef struct {
		Name    string `xml:"name,attr"`
		Message string `xml:"message,attr"`
	}
)

// xsdTypes says which type of the schema stands for a kind of the table. Base64 is a
// string to the documents, and a cause may be any text (section 3.1).
var xsdTypes = map[Kind]string{
	Text: "xs:string", Boolean: "xs:boolean", Base64: "xs:string", CallID: "xs:string",
	State: "um:UMCallState", Cause: "um:UMEventCause", Greeting: "um:GreetingType",
}

func classicRows() (rows []Operation) {
	for _, op := range Operations {
		if op.Protocol == Classic {
			rows = append(rows, op)
		}
	}
	return rows
}

func readXML(t *testing.T, text string, into any) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict = true
	if err := d.Decode(into); err != nil {
		t.Fatal(err)
	}
}

// The schema has what the table of operations has, and nothing else.
func TestSchemaIsTheTable(t *testing.T) {
	var s xsdSchema
	readXML(t, Schema(), &s)
	if s.Target != MessagesNS || s.Form != "qualified" {
		t.Errorf("the schema is of %s, its children %s", s.Target, s.Form)
	}
	elements := make(map[string]*xsdComplex)
	for _, e := range s.Elements {
		if e.Inner == nil && e.Name != "ExceptionType" || elements[e.Name] != nil {
			t.Errorf("element %s is there twice, or has no content of its own", e.Name)
		}
		elements[e.Name] = e.Inner
	}
	types := make(map[string]xsdComplex)
	for _, c := range s.Complex {
		types["um:"+c.Name] = c
	}
	want := map[string]bool{"ExceptionType": true}
	for _, op := range classicRows() {
		name := op.Name + "Response"
		want[op.Name], want[name] = true, true
		sameFields(t, op.Name, op.Name, elements[op.Name], op.Request)
		switch op.Answer {
		case Empty:
			sameFields(t, op.Name, name, elements[name], nil)
		case Value:
			value := op.Response[0]
			value.Name = name
			sameFields(t, op.Name, name, elements[name], []Field{value})
		case Fields:
			e := elements[name]
			if e == nil || len(e.Elements) != 1 || e.Elements[0].Name != name {
				t.Errorf("%s is not an element in one of the same name", name)
				continue
			}
			inner, ok := types[e.Elements[0].Type]
			if !ok {
				t.Errorf("%s is of type %s, which is not there", name, e.Elements[0].Type)
			}
			delete(types, e.Elements[0].Type)
			sameFields(t, op.Name, name+"/"+name, &inner, op.Response)
		}
	}
	for name := range elements {
		if !want[name] {
			t.Errorf("element %s is in no row", name)
		}
		delete(want, name)
	}
	if len(want) > 0 || len(types) > 0 {
		t.Errorf("the schema has no %v, and types that nothing is of: %v", slices.Sorted(maps.Keys(want)), types)
	}
}

// sameFields compares a sequence with the fields of a row.
func sameFields(t *testing.T, op, where string, c *xsdComplex, fields []Field) {
	t.Helper()
	if c == nil {
		t.Errorf("the schema has no %s", where)
		return
	}
	for _, a := range c.Any {
		t.Errorf("%s has a %s", where, a.XMLName.Local)
	}
	for n := range max(len(c.Elements), len(fields)) {
		if n >= len(c.Elements) || n >= len(fields) {
			t.Errorf("%s has %d children in the schema and %d in the table", where, len(c.Elements), len(fields))
			return
		}
		e, f := c.Elements[n], fields[n]
		kind := xsdTypes[f.Kind]
		if op == "GetCallInfo" && f.Kind == CallID {
			kind = "um:CallIdOf512"
		}
		least := map[bool]string{true: "", false: "0"}[f.Required]
		if e.Name != f.Name || e.Type != kind || e.Min != least || e.Max != "" || e.Inner != nil {
			t.Errorf("%s has, at %d, %+v in the schema and %+v in the table", where, n, e, f)
		}
	}
}

// Values are restricted as the profile has them, and nowhere else.
func TestSchemaValues(t *testing.T) {
	var s xsdSchema
	readXML(t, Schema(), &s)
	want := map[string][]string{
		"UMCallState": append(slices.Clone(states), hiddenStates...), "UMEventCause": nil, "GreetingType": {"NormalCustom", "OofCustom"}, "CallIdOf512": nil,
	}
	for _, c := range s.Simple {
		var got []string
		for _, v := range c.Values {
			got = append(got, v.Value)
		}
		listed, known := want[c.Name]
		slices.Sort(got)
		slices.Sort(listed)
		if !known || !slices.Equal(got, listed) {
			t.Errorf("%s is one of %v, want %v", c.Name, got, listed)
		}
		delete(want, c.Name)
		if long := c.Name == "CallIdOf512"; long != (len(c.Longest) == 1 && c.Longest[0].Value == "512") || MaxCallID != 512 {
			t.Errorf("%s may have %v characters", c.Name, c.Longest)
		}
	}
	if len(want) > 0 {
		t.Errorf("the schema has no %v", want)
	}
}

// The WSDL has the operations, actions and faults of the table, and the address that
// it is asked for.
func TestWSDLIsTheTable(t *testing.T) {
	var d wsdlDefinitions
	const address = "https://um.example.com:8443/EWS/UM2007Legacy.asmx?a=<&>"
	readXML(t, WSDL(address), &d)
	if len(d.Addresses) != 1 || d.Addresses[0].Location != address || len(d.Ports) != 1 || len(d.Bindings) != 1 || d.Target != MessagesNS {
		t.Fatalf("%+v", d)
	}
	parts := make(map[string]string)
	for _, m := range d.Messages {
		if len(m.Parts) != 1 {
			t.Fatalf("message %s has %d parts", m.Name, len(m.Parts))
		}
		parts["um:"+m.Name] = m.Parts[0].Element
	}
	rows := make(map[string]Operation)
	for _, op := range classicRows() {
		rows[op.Name] = op
	}
	if n, m := len(d.Ports[0].Operations), len(d.Bindings[0].Operations); n != len(rows) || m != n {
		t.Errorf("%d operations in the port type and %d in the binding, want %d", n, m, len(rows))
	}
	for n, o := range d.Ports[0].Operations {
		row, known := rows[o.Name]
		b := d.Bindings[0].Operations[n]
		if !known || parts[o.Input.Message] != "um:"+o.Name || parts[o.Output.Message] != "um:"+o.Name+"Response" {
			t.Errorf("%s takes %s and gives %s", o.Name, parts[o.Input.Message], parts[o.Output.Message])
		}
		if b.Name != o.Name || b.SOAP.Action != row.Action() || b.SOAP.Style != "document" {
			t.Errorf("%s is bound as %+v", o.Name, b)
		}
		faults := min(len(row.Faults), 1)
		if len(o.Faults) != faults || len(b.Faults) != faults || faults > 0 && parts[o.Faults[0].Message] != "um:ExceptionType" {
			t.Errorf("%s has faults %v and %v, want %d", o.Name, o.Faults, b.Faults, faults)
		}
		mark := map[Evidence]string{Documented: "[D]", Inferred: "[I]"}[row.ActionKnown]
		if !strings.Contains(WSDL(""), `soapAction="`+row.Action()+`" style="document"/> <!-- `+mark+` -->`) {
			t.Errorf("the action of %s is not marked %s", o.Name, mark)
		}
		for _, name := range row.Faults {
			_, of, _ := strings.Cut(WSDL(""), `<wsdl:operation name="`+o.Name+`">`)
			if of, _, _ = strings.Cut(of, "</wsdl:operation>"); !strings.Contains(of, name) {
				t.Errorf("%s does not name %s", o.Name, name)
			}
		}
	}
}

// xmllint, libxml2's, believes the schema, and the XML of the WSDL.
func TestXMLLintReadsSchema(t *testing.T) {
	if _, err := exec.LookPath("xmllint"); err != nil {
		t.Skip("needs xmllint")
	}
	for _, tt := range []struct {
		payload string
		valid   bool
	}{
		{`<Disconnect xmlns="` + MessagesNS + `"><CallId>x</CallId></Disconnect>`, true},
		{`<Disconnect xmlns="` + MessagesNS + `"/>`, false},
		{`<Disconnect xmlns="` + MessagesNS + `"><callId>x</callId></Disconnect>`, false},
		{`<m:GetCallInfo xmlns:m="` + MessagesNS + `"><m:CallId>` + strings.Repeat("x", 512) + `</m:CallId></m:GetCallInfo>`, true},
		{`<m:GetCallInfo xmlns:m="` + MessagesNS + `"><m:CallId>` + strings.Repeat("x", 513) + `</m:CallId></m:GetCallInfo>`, false},
		{`<SetOofStatus xmlns="` + MessagesNS + `"><status>True</status></SetOofStatus>`, false},
		{`<SetOofStatus xmlns="` + MessagesNS + `"/>`, true}, // the cardinality is inferred
	} {
		cmd := exec.Command("xmllint", "--noout", "--nonet", "--schema", "um.xsd", "-")
		cmd.Stdin = strings.NewReader(tt.payload)
		if out, err := cmd.CombinedOutput(); (err == nil) != tt.valid {
			t.Errorf("%s: %v\n%s", tt.payload, err, out)
		}
	}
	if out, err := exec.Command("xmllint", "--noout", "--nonet", "um.wsdl").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
