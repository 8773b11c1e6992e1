package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/um"
)

// Every good sample of the classic service is valid by the schema that is published,
// as xmllint sees it.
func TestSamplesAreValidBySchema(t *testing.T) {
	if _, err := exec.LookPath("xmllint"); err != nil {
		t.Skip("needs xmllint")
	}
	dir := t.TempDir()
	driver := filepath.Join(dir, "envelope.xsd")
	if err := os.WriteFile(driver, []byte(envelopeSchema), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, um.SchemaFile), []byte(um.Schema()), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"--noout", "--nonet", "--schema", driver}
	from := make(map[string]string)
	add := func(where string, text []byte) {
		m, err := inspect.Parse(text)
		if err != nil || m.EnvelopeSpace != inspect.SOAP11NS || m.Payload == nil && m.Fault == nil {
			return
		}
		if m.Fault == nil && (m.Payload.Name.Space != um.MessagesNS || !classic(m)) {
			return
		}
		name := filepath.Join(dir, fmt.Sprintf("%d.xml", len(from)))
		if err := os.WriteFile(name, bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), 0o600); err != nil {
			t.Fatal(err)
		}
		from[name] = where
		args = append(args, name)
	}
	messages, err := filepath.Glob("../../testdata/messages/*.xml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range messages {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(file, "undeclared-prefix") {
			add(file, text)
		}
	}
	rules, err := filepath.Glob("../../testdata/rules/UM*/pass.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range rules {
		tape, err := cassettes.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range tape.Interactions {
			add(fmt.Sprintf("%s#%d request", file, i.ID), []byte(i.Request.Body))
			add(fmt.Sprintf("%s#%d response", file, i.ID), []byte(i.Response.Body))
		}
	}
	if len(from) < 60 {
		t.Errorf("only %d samples", len(from))
	}
	out, _ := exec.Command("xmllint", args...).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		file, what, _ := strings.Cut(line, " ")
		if what != "validates\n" {
			name, _, _ := strings.Cut(file, ":")
			t.Errorf("%s: %s", from[name], line)
		}
	}
	if n := bytes.Count(out, []byte(" validates\n")); n != len(from) {
		t.Errorf("%d of %d samples are valid", n, len(from))
	}
	t.Logf("%d messages are valid", len(from))
}

// classic reports whether a message is of the classic service: of PlayOnPhone, which
// EWS has as well, the content tells.
func classic(m *inspect.Message) bool {
	p := m.Payload
	if p.Child("ItemId") != nil || p.Name.Local == "PlayOnPhoneResponse" && p.Child("PlayOnPhoneResponse") == nil {
		return false
	}
	for _, op := range um.Operations {
		if op.Protocol == um.Classic && (p.Name.Local == op.Name || p.Name.Local == op.Name+"Response") {
			return true
		}
	}
	return false
}

// envelopeSchema is a SOAP 1.1 envelope around the messages of um.xsd.
const envelopeSchema = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:s="` + inspect.SOAP11NS + `"
  targetNamespace="` + inspect.SOAP11NS + `" elementFormDefault="qualified">
  <xs:import namespace="` + um.MessagesNS + `" schemaLocation="um.xsd"/>
  <xs:element name="Envelope"><xs:complexType><xs:sequence>
    <xs:element name="Header" minOccurs="0"><xs:complexType>
      <xs:sequence><xs:any namespace="##any" processContents="skip" minOccurs="0" maxOccurs="unbounded"/></xs:sequence>
    </xs:complexType></xs:element>
    <xs:element name="Body"><xs:complexType><xs:choice>
      <xs:any namespace="` + um.MessagesNS + `" processContents="strict"/>
      <xs:element name="Fault"><xs:complexType><xs:sequence>
        <xs:element name="faultcode" form="unqualified" type="xs:QName"/>
        <xs:element name="faultstring" form="unqualified"/>
        <xs:element name="detail" form="unqualified" minOccurs="0"><xs:complexType>
          <xs:sequence><xs:any namespace="##any" processContents="lax" minOccurs="0" maxOccurs="unbounded"/></xs:sequence>
        </xs:complexType></xs:element>
      </xs:sequence></xs:complexType></xs:element>
    </xs:choice></xs:complexType></xs:element>
  </xs:sequence></xs:complexType></xs:element>
</xs:schema>
`
