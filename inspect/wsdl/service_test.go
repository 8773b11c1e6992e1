package wsdl

import (
	"slices"
	"strings"
	"testing"
)

// manyWays binds in the ways that aWSDL does not: one name twice, a part that has a type
// in document style, headers whose parts are called as that of the Body, a substitute.
const manyWays = `<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:h="urn:h" xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:h">
<types><xs:schema targetNamespace="urn:h" elementFormDefault="qualified">
 <xs:element name="a" type="xs:int"/><xs:element name="head" type="xs:int"/><xs:element name="heir" substitutionGroup="h:head"/></xs:schema></types>
<message name="One"><part name="n" type="xs:int"/></message>
<message name="Two"><part name="s" type="xs:string"/><part name="n" type="xs:int"/></message>
<message name="A"><part name="p" element="h:a"/></message>
<message name="Head"><part name="p" element="h:head"/></message>
<message name="Void"/>
<portType name="P">
 <operation name="over"><input name="one" message="h:One"/><output name="oneOut" message="h:Void"/></operation>
 <operation name="over"><input name="two" message="h:Two"/><output name="twoOut" message="h:Void"/></operation></portType>
<portType name="Q">
 <operation name="typed"><input message="h:One"/></operation>
 <operation name="headed"><input message="h:A"/></operation>
 <operation name="inherited"><input message="h:Head"/></operation></portType>
<binding name="B" type="h:P"><soap:binding style="rpc" transport="http://schemas.xmlsoap.org/soap/http"/>
 <operation name="over"><soap:operation soapAction="one"/><input name="one"><soap:body use="literal" namespace="urn:r"/></input><output name="oneOut"><soap:body use="literal" namespace="urn:r"/></output></operation>
 <operation name="over"><soap:operation soapAction="two"/><input name="two"><soap:body use="literal" namespace="urn:r"/></input><output name="twoOut"><soap:body use="literal" namespace="urn:r"/></output></operation></binding>
<binding name="C" type="h:Q"><soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>
 <operation name="typed"><soap:operation soapAction="typed"/><input><soap:body use="literal"/></input></operation>
 <operation name="headed"><soap:operation soapAction="headed"/><input><soap:header message="h:A" part="p" use="literal"/><soap:header message="h:Head" part="p" use="literal"/><soap:body use="literal"/></input></operation>
 <operation name="inherited"><soap:operation soapAction="inherited"/><input><soap:body use="literal"/></input></operation></binding>
</definitions>`

func TestManyWays(t *testing.T) {
	s, warnings, err := Load(write(t, map[string]string{"s.wsdl": manyWays}), "")
	if err != nil || len(warnings) > 0 || s.Operations() != 5 {
		t.Fatalf("%d operations, %q, %v", s.Operations(), warnings, err)
	}
	for _, tt := range []struct {
		action, request, answer string
		want                    []string
	}{
		{"one", `<r:over xmlns:r="urn:r"><n>1</n></r:over>`, `<r:overResponse xmlns:r="urn:r"/>`, nil},
		{"two", `<r:over xmlns:r="urn:r"><s>x</s><n>1</n></r:over>`, `<r:overResponse xmlns:r="urn:r"/>`, nil},
		{"two", `<r:over xmlns:r="urn:r"><n>1</n></r:over>`, `<r:overResponse xmlns:r="urn:r"/>`, []string{"WSDL04 Body/over/s"}},
		{"typed", `<anything/>`, "", nil},
		{"other", `<anything/>`, "", []string{"WSDL02 Body/anything"}},
		{"headed", ``, "", nil}, // its part is in the Header
		{"inherited", `<heir xmlns="urn:h">1</heir>`, "", nil},
		{"inherited", `<heir xmlns="urn:h">x</heir>`, "", []string{"WSDL08 Body/heir"}},
	} {
		if got := foundIn(s, exchangeOf("http://h.test/", tt.action, tt.request, tt.answer)); !slices.Equal(got, tt.want) {
			t.Errorf("%s %s: %q, want %q", tt.action, tt.request, got, tt.want)
		}
	}
}

// TestNotThere: a name that leads nowhere is told of with the file and the place.
func TestNotThere(t *testing.T) {
	for _, tt := range []struct{ old, new, want string }{
		{`type="h:Q"`, `type="h:R"`, `s.wsdl:19:1: the binding is of portType R of "urn:h", which is in no file that was read`},
		{`<operation name="typed"><soap`, `<operation name="type"><soap`, `s.wsdl:20:2: the operation type is not in the portType Q`},
		{`message="h:Head"/></operation></portType>`, `message="h:Gone"/></operation></portType>`, `s.wsdl:15:30: message Gone of "urn:h" is in no file that was read`},
	} {
		_, _, err := Load(write(t, map[string]string{"s.wsdl": strings.Replace(manyWays, tt.old, tt.new, 1)}), "")
		if err == nil || !strings.HasSuffix(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.new, err)
		}
	}
	_, warnings, err := Load(write(t, map[string]string{"s.wsdl": strings.Replace(manyWays, `element="h:a"`, `element="h:b"`, 1)}), "")
	if err != nil || len(warnings) != 1 || !strings.HasSuffix(warnings[0], `s.wsdl:6:19: element b of "urn:h" is declared in no file that was read: what refers to it is not checked`) {
		t.Errorf("%q, %v", warnings, err)
	}
}
