package wsdl

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/umtape/umtape/inspect"
)

// FuzzLoad: any WSDL with any schema beside it is read or refused without a panic, and
// holds any message without one.
func FuzzLoad(f *testing.F) {
	for _, name := range []string{"calculator", "countries", "rates"} {
		text, err := os.ReadFile("../../testdata/wsdl/" + name + "/" + name + ".wsdl")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, []byte(nil), []byte(rightRates), []byte(rightAnswer))
	}
	for _, o := range oracle {
		for _, doc := range o.docs {
			f.Add([]byte(aWSDL("", `<xs:schema><xs:import schemaLocation="y.xsd"/></xs:schema>`)), []byte(o.schema), []byte(doc), []byte(nil))
		}
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text, schema, request, response []byte) {
		dir, err := os.MkdirTemp(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		file := filepath.Join(dir, "s.wsdl")
		for name, text := range map[string][]byte{file: text, filepath.Join(dir, "y.xsd"): schema} {
			if err := os.WriteFile(name, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s, warnings, err := load(file, "", 20_000)
		if err != nil {
			if len(err.Error()) > 2000+len(file) {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
			return
		}
		if s.Operations() == 0 || len(warnings) > 200 {
			t.Errorf("%d operations, %d warnings", s.Operations(), len(warnings))
		}
		r := exchangeOf("http://rates.example/rates", "", string(request), string(response))
		found := s.Check(r, nil)
		if len(found) > 2*(maxFindings+1)+1 {
			t.Errorf("%d findings", len(found))
		}
		for _, x := range found {
			if len(x.Message) > 2000 {
				t.Errorf("%s says %d bytes", x.Rule.ID, len(x.Message))
			}
		}
		// The declarations, by a document of theirs.
		for _, doc := range [][]byte{request, response} {
			m, err := inspect.Parse([]byte(`<s:Envelope xmlns:s="` + inspect.SOAP11NS + `"><s:Body>` + string(doc) + `</s:Body></s:Envelope>`))
			if err != nil || m.Payload == nil {
				continue
			}
			if d := s.schemas.elements[m.Payload.Name]; d != nil {
				c := &checker{s: s.schemas, m: m, part: "request"}
				c.element("Body", m.Payload, d)
			}
		}
	})
}
