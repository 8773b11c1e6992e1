package wsdl

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoad(t *testing.T) {
	for name, operations := range map[string]int{"calculator": 4, "countries": 2, "rates": 2} {
		s, warnings, err := Load("../../testdata/wsdl/"+name+"/"+name+".wsdl", "")
		if err != nil || len(warnings) > 0 || s.Operations() != operations {
			t.Errorf("%s: %v, %v, %v", name, s, warnings, err)
		}
	}
}

// TestLoadStaysInTheFolder: a schema from elsewhere is not read.
func TestLoadStaysInTheFolder(t *testing.T) {
	dir := t.TempDir()
	text, err := os.ReadFile("../../testdata/wsdl/countries/countries.wsdl")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "in", "countries.wsdl")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	outside := strings.Replace(string(text), "types/messages.xsd", "../messages.xsd", 1)
	if err := os.WriteFile(file, []byte(outside), 0o600); err != nil {
		t.Fatal(err)
	}
	schema := `<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:example:countries:data"/>`
	if err := os.WriteFile(filepath.Join(dir, "messages.xsd"), []byte(schema), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Load(file, ""); err == nil || !strings.Contains(err.Error(), "messages.xsd") {
		t.Errorf("read from outside: %v", err)
	}
	if _, _, err := Load(file, dir); err != nil {
		t.Errorf("not read from the folder that is allowed: %v", err)
	}
}
