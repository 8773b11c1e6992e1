package report

import (
	"bytes"
	"encoding/json"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/umtape/umtape/inspect"
)

// sarifOf writes a validation as SARIF, holds it against the schema, and decodes it.
func sarifOf(t *testing.T, v Validation) sarifLog {
	t.Helper()
	var b bytes.Buffer
	if err := SARIF(&b, v); err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.NewCompiler().Compile("../../testdata/sarif/sarif-schema-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	any, err := jsonschema.UnmarshalJSON(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(any); err != nil {
		t.Errorf("%v\n%s", err, b.Bytes())
	}
	var log sarifLog
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	if len(log.Runs) != 1 {
		t.Fatalf("%d runs", len(log.Runs))
	}
	return log
}

var (
	ruleA = inspect.Rule{ID: "UM001", Severity: inspect.Error, Summary: "a", Reason: "because", Source: "there", Fix: "so"}
	ruleB = inspect.Rule{ID: "UM002", Severity: inspect.Note, Summary: "b [x](y)", Reason: "because", Source: "there", Fix: "so"}
)

func validation() Validation {
	missing := inspect.Finding{Rule: ruleA, Part: "request", Path: "Body/Disconnect/CallId", Message: `the namespace is "urn:{0}[a](b)"`}
	return Validation{
		Version: "0.1.0", Rules: []inspect.Rule{ruleB, ruleA}, Settings: map[string]string{"UM002": "off", "UM001": "warning"}, FailOn: inspect.Warning, Dir: "/src/calls",
		Cassettes: []CheckedCassette{
			{File: "a: b/c#d 100%é.yaml", Interactions: []Checked{
				{ID: 0, Operation: "Disconnect", Line: 3, Found: []Located{
					{File: "a", ID: 0, Operation: "Disconnect", Line: 7, Column: 12, Finding: missing},
					{File: "a", ID: 0, Operation: "Disconnect", Line: 8, Column: 12, Finding: inspect.Finding{Rule: ruleB, Message: "odd"}},
				}},
				{ID: 1, Operation: "Disconnect", Line: 20, Found: []Located{{File: "a", ID: 1, Operation: "Disconnect", Line: 27, Column: 12, Finding: missing}}},
				{ID: 2, Operation: "Ring", Line: 40},
			}},
			{File: "/elsewhere/x y.yaml", Found: []Located{{File: "/elsewhere/x y.yaml", ID: -1, Finding: inspect.Finding{Rule: ruleA, Message: "torn"}}}},
			{File: "/src/calls/sub/z.yaml", Unread: "sub/z.yaml: not a cassette"},
			{File: "../up.yaml"},
		},
	}
}

func TestSARIF(t *testing.T) {
	run := sarifOf(t, validation()).Runs[0]
	if len(run.Results) != 4 {
		t.Fatalf("%d results", len(run.Results))
	}
	for _, r := range run.Results {
		rule := run.Tool.Driver.Rules[r.RuleIndex]
		if rule.ID != r.RuleID || !strings.HasSuffix(rule.HelpURI, "#"+strings.ToLower(rule.ID)) {
			t.Errorf("the rule of a %s is %+v", r.RuleID, rule)
		}
		for _, l := range r.Locations {
			at := l.Physical.Artifact
			u, err := url.Parse(at.URI)
			if err != nil {
				t.Fatal(err)
			}
			if (at.BaseID == "%SRCROOT%") != (u.Scheme == "") || strings.Contains(at.URI, "..") || strings.ContainsAny(at.URI, " \"<>") {
				t.Errorf("uri %q with base %q", at.URI, at.BaseID)
			}
		}
	}
	first, again := run.Results[0], run.Results[2]
	at := first.Locations[0]
	if u, _ := url.Parse(at.Physical.Artifact.URI); filepath.Clean(u.Path) != "a: b/c#d 100%é.yaml" || u.Fragment != "" {
		t.Errorf("the file is named %q", at.Physical.Artifact.URI)
	}
	if r := at.Physical.Region; r == nil || r.StartLine != 7 || r.StartColumn != 12 {
		t.Errorf("the region is %+v", r)
	}
	if got := first.Message.Text; got != `the namespace is "urn:{{0}}[a] (b)"` {
		t.Errorf("the message is %q", got)
	}
	if first.Level != "error" || run.Results[1].Level != "note" {
		t.Errorf("levels %s, %s", first.Level, run.Results[1].Level)
	}
	if run.Results[3].Locations[0].Physical.Region != nil {
		t.Error("a finding without a place has a region")
	}
	if got := run.Results[3].Locations[0].Physical.Artifact.URI; got != "file:///elsewhere/x%20y.yaml" {
		t.Errorf("a file elsewhere is %s", got)
	}
	a, b := first.Fingerprints["umtapeFinding/v1"], again.Fingerprints["umtapeFinding/v1"]
	if !strings.HasSuffix(a, ":1") || !strings.HasSuffix(b, ":2") || strings.TrimSuffix(a, ":1") != strings.TrimSuffix(b, ":2") {
		t.Errorf("fingerprints %s, %s", a, b)
	}
	in := run.Invocations[0]
	if in.Successful || len(in.Notifications) != 1 || in.Notifications[0].Locations[0].Physical.Artifact.URI != "sub/z.yaml" {
		t.Errorf("the cassette that could not be read: %+v", in)
	}
	if len(in.Overrides) != 2 || *in.Overrides[0].Configuration.Enabled || in.Overrides[1].Configuration.Level != "warning" || in.Overrides[1].Descriptor.Index != 1 {
		t.Errorf("overrides %+v", in.Overrides)
	}
}

// TestSARIFOfNothing: lists that are empty are there, as the schema wants them.
func TestSARIFOfNothing(t *testing.T) {
	log := sarifOf(t, Validation{Dir: "/"})
	if log.Runs[0].Results == nil || log.Runs[0].Tool.Driver.Rules == nil {
		t.Error("a list is null")
	}
}

// TestFingerprintsLast: the same traffic recorded again, under other numbers, at
// other lines, after a call more, has the same fingerprints.
func TestFingerprintsLast(t *testing.T) {
	before := sarifOf(t, validation()).Runs[0].Results
	v := validation()
	list := v.Cassettes[0].Interactions
	for i := range list {
		list[i].ID += 7
		for k := range list[i].Found {
			list[i].Found[k].ID += 7
			list[i].Found[k].Line += 100
		}
	}
	v.Cassettes[0].Interactions = append([]Checked{{ID: 0, Operation: "Ring"}}, list...)
	for i, r := range sarifOf(t, v).Runs[0].Results {
		if got, want := r.Fingerprints["umtapeFinding/v1"], before[i].Fingerprints["umtapeFinding/v1"]; got != want {
			t.Errorf("result %d: %s, before %s", i, got, want)
		}
	}
}
