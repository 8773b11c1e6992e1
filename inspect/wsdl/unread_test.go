package wsdl

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestUnread: what is made of what was not read is not checked, and what is known of it
// is.
func TestUnread(t *testing.T) {
	s, warnings, err := Load(write(t, map[string]string{"s.wsdl": strings.Replace(aWSDL("", aSchema(`
 <xs:import namespace="urn:far" schemaLocation="http://far.example/far.xsd"/>
 <xs:import namespace="urn:bare"/>
 <xs:element name="a"><xs:complexType><xs:sequence>
  <xs:element name="grown" type="Grown" minOccurs="0"/><xs:element name="cut" type="Cut" minOccurs="0"/><xs:element name="value" type="Value" minOccurs="0"/>
  <xs:element name="near" type="Near" minOccurs="0"/><xs:element name="group" type="Group" minOccurs="0"/>
  <xs:any namespace="##other" processContents="strict" minOccurs="0"/></xs:sequence><xs:anyAttribute namespace="##other" processContents="strict"/></xs:complexType></xs:element>
 <xs:complexType name="Grown"><xs:complexContent><xs:extension base="f:Far"><xs:sequence><xs:element name="own" type="xs:int"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>
 <xs:complexType name="Cut"><xs:complexContent><xs:restriction base="f:Far"><xs:sequence><xs:element name="own" type="xs:int"/></xs:sequence></xs:restriction></xs:complexContent></xs:complexType>
 <xs:complexType name="Value"><xs:simpleContent><xs:extension base="f:Money"><xs:attribute name="n" type="xs:int"/></xs:extension></xs:simpleContent></xs:complexType>
 <xs:complexType name="Near"><xs:sequence><xs:element name="own" type="xs:int"/></xs:sequence></xs:complexType>
 <xs:complexType name="Group"><xs:sequence><xs:group ref="f:g"/></xs:sequence><xs:attributeGroup ref="f:ag"/></xs:complexType>
`)), `xmlns="urn:h"`, `xmlns="urn:h" xmlns:f="urn:far"`, 1)}), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{":3:", `:10:48: type Far of "urn:far" is declared in no file that was read: what is of it is not checked`, ":11:49:", ":13:44:"} {
		if !slices.ContainsFunc(warnings, func(w string) bool { return strings.Contains(w, want) }) {
			t.Errorf("no warning has %q: %q", want, warnings)
		}
	}
	for _, tt := range []struct {
		inside string
		want   []string
	}{
		{`<grown x="1"><other/>text<own>1</own></grown>`, nil},
		{`<cut x="1"><own>1</own></cut>`, nil},
		{`<cut><other/></cut>`, []string{"WSDL04 Body/a/cut/own"}},
		{`<value x="1" n="1">text<b/></value>`, nil},
		{`<value n="x">text</value>`, []string{"WSDL08 Body/a/value/@n"}},
		{`<near xsi:type="f:Far"><other/></near>`, nil},
		{`<near xsi:type="Grown"><other/></near>`, nil},
		{`<near xsi:type="h:Far"><other/></near>`, []string{"WSDL09 Body/a/near"}},
		{`<group x="1"><other/></group>`, nil},
		{`<f:more/>`, nil},
		{`<b:more xmlns:b="urn:bare" b:x="1"/>`, nil},
		{`<b:more xmlns:b="urn:b"/>`, []string{"WSDL05 Body/a/more"}},
	} {
		got := foundIn(s, exchangeOf("http://h.test/", "", `<a xmlns="urn:h" xmlns:h="urn:h" xmlns:f="urn:far" f:x="1">`+tt.inside+`</a>`, ""))
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.inside, got, tt.want)
		}
	}
}

// TestPipe: nobody is waited for who would write into a pipe that is imported.
func TestPipe(t *testing.T) {
	file := write(t, map[string]string{"s.wsdl": aWSDL("", aSchema(`<xs:include schemaLocation="p.xsd"/>`))})
	if err := exec.Command("mkfifo", filepath.Join(filepath.Dir(file), "p.xsd")).Run(); err != nil {
		t.Skipf("there are no named pipes: %v", err)
	}
	done := make(chan error, 1)
	go func() {
		_, _, err := Load(file, "")
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil || !strings.HasSuffix(err.Error(), "p.xsd: it is no file") {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it waits")
	}
}
