package report

import (
	"bytes"
	"encoding/xml"
	"os/exec"
	"strings"
	"testing"

	"github.com/umtape/umtape/inspect"
)

func TestJUnit(t *testing.T) {
	v := validation()
	v.Cassettes[0].Interactions[0].Found[0].Message = "no ]]> end, no \uffff character, no \x00 either"
	v.Cassettes[0].Interactions[2].Operation = "R\x1b]]>&\"<"
	var b bytes.Buffer
	if err := JUnit(&b, v); err != nil {
		t.Fatal(err)
	}
	var got junitSuites
	if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatalf("%v\n%s", err, b.Bytes())
	}
	if lint, err := exec.LookPath("xmllint"); err == nil {
		cmd := exec.Command(lint, "--noout", "-")
		cmd.Stdin = bytes.NewReader(b.Bytes())
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("xmllint: %v: %s", err, out)
		}
	}
	if got.Tests != 7 || got.Failures != 3 || got.Errors != 1 || len(got.Suites) != 4 {
		t.Errorf("%d tests, %d failures, %d errors, %d suites", got.Tests, got.Failures, got.Errors, len(got.Suites))
	}
	cases := got.Suites[0].Cases
	if len(cases) != 4 || cases[0].Failure != nil || cases[1].Failure == nil || cases[2].Failure == nil || cases[3].Failure != nil {
		t.Fatalf("cases %+v", cases)
	}
	if f := cases[1].Failure; f.Type != "UM001" || !strings.Contains(f.Text, "a:7:12: error: UM001: ") || strings.Contains(f.Text, "UM002") || !strings.Contains(f.Text, "no ]]> end, no ? character, no ? either\n    in: ") {
		t.Errorf("failure %+v", f)
	}
	if c := cases[1]; c.Name != "interaction 0 (Disconnect)" || !strings.Contains(c.Out.Text, "note: UM002") || strings.Contains(c.Out.Text, "UM001") {
		t.Errorf("case %+v", c)
	}
	if got := cases[3].Name; got != `interaction 2 (R?]]>&"<)` {
		t.Errorf("a hostile operation is %q", got)
	}
	if e := got.Suites[2].Cases[0].Error; e == nil || e.Message != "sub/z.yaml: not a cassette" {
		t.Errorf("the cassette that could not be read: %+v", e)
	}
	v.FailOn = inspect.Note
	b.Reset()
	if err := JUnit(&b, v); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "(and 1 more)") {
		t.Errorf("with --fail-on note: %s", b.Bytes())
	}
}

func TestGitHub(t *testing.T) {
	var b bytes.Buffer
	if err := GitHub(&b, Validation{Cassettes: []CheckedCassette{
		{File: "a", Found: []Located{
			{File: "a,b:c%d\n.yaml", ID: 3, Operation: "Disconnect", Line: 7, Column: 12, Finding: inspect.Finding{Rule: ruleA, Part: "request", Message: "100%, or: less\r\n::error::x"}},
			{File: "n.yaml", ID: -1, Finding: inspect.Finding{Rule: ruleB, Message: "odd"}},
		}},
		{File: "u.yaml", Unread: "u.yaml: gone"},
	}}); err != nil {
		t.Fatal(err)
	}
	want := `::error file=a%2Cb%3Ac%25d?.yaml,line=7,col=12,title=UM001%3A a::100%25, or: less?%0A::error::x%0Ain: interaction 3 (Disconnect), request%0Awhy: because%0Afix: so
::notice file=n.yaml,title=UM002%3A b [x](y)::odd%0Awhy: because%0Afix: so
::error file=u.yaml,title=the cassette cannot be read::u.yaml: gone
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
