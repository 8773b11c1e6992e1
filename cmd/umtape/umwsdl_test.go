package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/inspect/wsdl"
)

// umService is the WSDL that serve um --wsdl publishes.
func umService(t *testing.T) *wsdl.Service {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"um.wsdl": um.WSDL("https://um.example.com" + um.Path2007), um.SchemaFile: um.Schema()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, warnings, err := wsdl.Load(filepath.Join(dir, "um.wsdl"), "")
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	return s
}

// TestRulesAndPublishedWSDL holds the UM rules and the published WSDL together: in what
// passes a rule the WSDL finds nothing to warn of. Notes are of EWS, which is another
// service at another place (PROTOCOL.md 1.2), and of the fault that every operation may
// answer, which WSDL 1.1 cannot declare (5.2).
func TestRulesAndPublishedWSDL(t *testing.T) {
	s := umService(t)
	var elsewhere, undeclared []string
	for _, id := range ruleIDs() {
		if !strings.HasPrefix(id, "UM") {
			continue
		}
		for _, f := range heldTo(t, s, ruleFile(t, id, "pass")) {
			switch f.Rule.ID {
			case "WSDL02":
				elsewhere = append(elsewhere, id)
			case "WSDL12":
				undeclared = append(undeclared, id)
			default:
				t.Errorf("%s/pass.yaml: %s %s: %s", id, f.Rule.ID, f.Path, f.Message)
			}
		}
	}
	for _, tt := range []struct {
		got  []string
		want string
	}{
		{elsewhere, "UM039 UM043 UM047 UM048 UM049 UM056 UM062 UM063"},
		{undeclared, "UM054"},
	} {
		if got := strings.Join(slices.Compact(tt.got), " "); got != tt.want {
			t.Errorf("notes in %s, want %s", got, tt.want)
		}
	}
}

// TestPublishedWSDLFinds: what the rules find wrong with the structure of the classic
// service, the WSDL finds too. Four are less than errors there, since they are slips of
// the documents (UM027, UM035), inferred (UM028) or not established (UM046): a schema from
// which tools make classes cannot leave them open.
func TestPublishedWSDLFinds(t *testing.T) {
	s := umService(t)
	var got []string
	for _, id := range ruleIDs() {
		if !strings.HasPrefix(id, "UM") {
			continue
		}
		var ids []string
		for _, f := range heldTo(t, s, ruleFile(t, id, "fail")) {
			if f.Rule.Severity > inspect.Note {
				ids = append(ids, f.Rule.ID)
			}
		}
		if ids != nil {
			slices.Sort(ids)
			got = append(got, id+" "+strings.Join(slices.Compact(ids), " "))
		}
	}
	const want = `UM001 WSDL01
UM002 WSDL03
UM004 WSDL01
UM005 WSDL01
UM006 WSDL01
UM007 WSDL01
UM008 WSDL05
UM009 WSDL03
UM010 WSDL11
UM011 WSDL11
UM012 WSDL11
UM020 WSDL04
UM022 WSDL05
UM023 WSDL05
UM024 WSDL04
UM025 WSDL04
UM026 WSDL04
UM027 WSDL05
UM028 WSDL05
UM029 WSDL10
UM031 WSDL08
UM034 WSDL08
UM035 WSDL08
UM040 WSDL03
UM041 WSDL05
UM042 WSDL04 WSDL10
UM046 WSDL05
UM055 WSDL04
UM090 WSDL05`
	if got := strings.Join(got, "\n"); got != want {
		t.Errorf("it finds\n%s\nwant\n%s", got, want)
	}
}

// heldTo are the findings of a WSDL in a cassette.
func heldTo(t *testing.T, s *wsdl.Service, path string) (list []inspect.Finding) {
	t.Helper()
	c := checks{settings: ruleSettings{}, service: s}
	if err := c.read(path, path, nil); err != nil {
		t.Fatal(err)
	}
	for _, f := range c.done()[0].All() {
		if strings.HasPrefix(f.Rule.ID, "WSDL") {
			list = append(list, f.Finding)
		}
	}
	return list
}
