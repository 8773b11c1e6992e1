package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/umtape/umtape/inspect"
)

var update = flag.Bool("update", false, "write generated files again")

// TestRulesPage holds the page of rules against the rules; with -update it writes
// it again, as go generate does.
func TestRulesPage(t *testing.T) {
	const path = "help/rules.md"
	want := rulesPage(allRules())
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the rules say: go generate ./cmd/umtape", path)
	}
}

// ruleGroups are the headings of the page, by how the ids of their rules begin.
var ruleGroups = []struct{ prefix, title string }{
	{"TAPE", "The cassette as a file"},
	{"SOAP", "SOAP over HTTP, whatever the service"},
	{"UM00", "Names and namespaces"},
	{"UM01", "SOAPAction and URL"},
	{"UM02", "Elements"},
	{"UM03", "Values"},
	{"UM04", "Responses"},
	{"UM05", "Faults"},
	{"UM06", "SOAP headers"},
	{"UM07", "Calls"},
	{"UM09", "The list itself"},
	{"SHAPE", "Contracts, with --shapes"},
	{"LIVE", "Servers of today, with --live"},
}

const rulesIntro = `# What validate checks: rules, each with reason, source and fix

Written from the code by ` + "`go generate ./cmd/umtape`" + `: change the rules there.

An *error* is documented by Microsoft, or captured from a real server, to be
wrong. A *warning* is inferred to be wrong, or odd. A *note* is worth knowing.
What nobody could establish is no rule. Sources name sections of
[PROTOCOL.md](../../../inspect/um/PROTOCOL.md), which says how each fact is known.

` + "`--rule UM033=off`" + ` (note, warning, error) sets a rule as you see it, @FILE many;
` + "`--fail-on`" + ` what fails, and ` + "`umtape help UM020`" + ` shows one rule. The number of a
rule never changes meaning.
`

// rulesPage is the page of rules, in Markdown.
func rulesPage(rules []inspect.Rule) string {
	var b strings.Builder
	b.WriteString(rulesIntro)
	for _, g := range ruleGroups {
		heading := "\n## " + g.title + "\n"
		for _, r := range rules {
			if !strings.HasPrefix(r.ID, g.prefix) {
				continue
			}
			b.WriteString(heading)
			heading = ""
			fmt.Fprintf(&b, "\n### %s\n\n", r.ID)
			wrap(&b, fmt.Sprintf("**%s:** %s", r.Severity, r.Summary), "")
			b.WriteString("\n")
			wrap(&b, "- why: "+r.Reason, "  ")
			wrap(&b, "- fix: "+r.Fix, "  ")
			wrap(&b, "- source: "+r.Source, "  ")
			file := "testdata/rules/" + r.ID + "/"
			fmt.Fprintf(&b, "- fails: [%sfail.yaml](../../../%sfail.yaml), passes: [pass.yaml](../../../%spass.yaml)\n", file, file, file)
		}
	}
	return b.String()
}

// wrap writes text in lines of at most 80 characters.
func wrap(b *strings.Builder, text, indent string) {
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len([]rune(line))+1+len([]rune(word)) > 80:
			b.WriteString(line + "\n")
			line = indent + word
		default:
			line += " " + word
		}
	}
	b.WriteString(line + "\n")
}

// TestRuleGroups: every rule is on the page, once.
func TestRuleGroups(t *testing.T) {
	page := rulesPage(allRules())
	for _, r := range allRules() {
		if n := strings.Count(page, "\n### "+r.ID+"\n"); n != 1 {
			t.Errorf("%s is there %d times", r.ID, n)
		}
		if text, ok := pageOf(r.ID); !ok || !strings.Contains(strings.Join(strings.Fields(text), " "), r.Fix) {
			t.Errorf("umtape help %s says %q", r.ID, text)
		}
	}
}
