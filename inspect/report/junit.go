package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		File    string        `xml:"file,attr,omitempty"`
		Line    int           `xml:"line,attr,omitempty"`
		Error   *junitProblem `xml:"error"`
		Failure *junitProblem `xml:"failure"`
		Out     *junitText    `xml:"system-out"`
	}
	junitProblem struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",cdata"`
	}
	junitText struct {
		Text string `xml:",cdata"`
	}
)

// JUnit writes the findings as a JUnit report: a test suite for each cassette with
// a test case for each interaction, failed if a finding about it is a failure. What
// is found beside is in its system-out. The file itself is a case, too.
func JUnit(w io.Writer, v Validation) error {
	all := junitSuites{Name: "umtape validate"}
	for _, c := range v.Cassettes {
		s := v.suite(c)
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Suites = append(all.Suites, s)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (v Validation) suite(c CheckedCassette) junitSuite {
	file := Printable(c.File)
	s := junitSuite{Name: file}
	whole := v.testCase(file, "file", c.Found)
	if c.Unread != "" {
		whole.Error = &junitProblem{Message: Printable(c.Unread), Type: "unread", Text: xmlText(Printable(c.Unread))}
		s.Errors = 1
	}
	s.Cases = append(s.Cases, whole)
	for _, i := range c.Interactions {
		t := v.testCase(file, Printable(Located{ID: i.ID, Operation: i.Operation}.Interaction()), i.Found)
		t.Line = i.Line
		s.Cases = append(s.Cases, t)
	}
	for _, t := range s.Cases {
		s.Tests++
		if t.Failure != nil {
			s.Failures++
		}
	}
	return s
}

// testCase is the case of an interaction, or of a file, with what was found.
func (v Validation) testCase(file, name string, found []Located) junitCase {
	t := junitCase{Name: name, Class: file, File: file}
	failing := v.failing(found)
	if len(failing) > 0 {
		first := failing[0]
		message := Printable(first.Message)
		if n := len(failing) - 1; n > 0 {
			message += fmt.Sprintf(" (and %d more)", n)
		}
		t.Failure = &junitProblem{Message: message, Type: first.Rule.ID, Text: findingsText(failing)}
	}
	if rest := v.passing(found); len(rest) > 0 {
		t.Out = &junitText{findingsText(rest)}
	}
	return t
}

func findingsText(found []Located) string {
	var b strings.Builder
	b.WriteString("\n")
	Findings(&b, found, Look{}) // a strings.Builder does not fail
	return xmlText(b.String())
}

// xmlText replaces what is printable and yet no character of XML (1.0 §2.2), which
// encoding/xml would write into a CDATA section as it is.
func xmlText(s string) string {
	return strings.Map(func(r rune) rune {
		if r == 0xfffe || r == 0xffff {
			return '?'
		}
		return r
	}, s)
}
