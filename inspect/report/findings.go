package report

import (
	"fmt"
	"io"

	"github.com/umtape/umtape/inspect"
)

// Located is a finding with the interaction it belongs to; ID is -1 when it
// belongs to the cassette as a whole.
type Located struct {
	File string
	ID   int
	Line int // 1-based in File; 0 if unknown
	inspect.Finding
}

// Count is how many findings there are of each severity.
type Count struct {
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
	Notes    int `json:"notes"`
}

// CountOf counts findings by severity.
func CountOf(found []Located) Count {
	var c Count
	for _, f := range found {
		switch f.Rule.Severity {
		case inspect.Error:
			c.Errors++
		case inspect.Warning:
			c.Warnings++
		default:
			c.Notes++
		}
	}
	return c
}

// String is "1 error, 0 warnings, 2 notes".
func (c Count) String() string {
	return fmt.Sprintf("%s, %s, %s", plural(c.Errors, "error"), plural(c.Warnings, "warning"), plural(c.Notes, "note"))
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Findings writes one finding a line, as FILE:LINE: so that editors find it,
// each with its fix and source below.
func Findings(w io.Writer, found []Located) error {
	for _, f := range found {
		place := Printable(f.File)
		if f.Line > 0 {
			place = fmt.Sprintf("%s:%d", place, f.Line)
		}
		where := ""
		if f.ID >= 0 {
			where = fmt.Sprintf("interaction %d", f.ID)
			if f.Part != "" {
				where += " " + f.Part
			}
			if f.Path != "" {
				where += ", " + Printable(f.Path)
			}
			where += ": "
		}
		_, err := fmt.Fprintf(w, "%s: %s %s: %s%s\n    fix: %s\n    source: %s\n", place, f.Rule.Severity, f.Rule.ID, where, Printable(f.Message), f.Rule.Fix, f.Rule.Source)
		if err != nil {
			return err
		}
	}
	return nil
}

type findingJSON struct {
	File          string           `json:"file"`
	Line          int              `json:"line,omitempty"`
	Interaction   *int             `json:"interaction,omitempty"`
	Rule          string           `json:"rule"`
	Severity      inspect.Severity `json:"severity"`
	Part          string           `json:"part,omitempty"`
	Path          string           `json:"path,omitempty"`
	MessageLine   int              `json:"message_line,omitempty"`
	MessageColumn int              `json:"message_column,omitempty"`
	Message       string           `json:"message"`
	Fix           string           `json:"fix"`
	Source        string           `json:"source"`
}

// Unread is a cassette that could not be read, and why.
type Unread struct {
	File  string `json:"file"`
	Error string `json:"error"`
}

// FindingsJSON writes {"interactions": n, "errors": ..., "findings": [...],
// "unread": [...]}.
func FindingsJSON(w io.Writer, interactions int, found []Located, unread []Unread) error {
	list := make([]findingJSON, len(found))
	for i, f := range found {
		list[i] = findingJSON{
			File: f.File, Line: f.Line, Rule: f.Rule.ID, Severity: f.Rule.Severity, Part: f.Part, Path: f.Path,
			MessageLine: f.Finding.Line, MessageColumn: f.Column, Message: f.Message, Fix: f.Rule.Fix, Source: f.Rule.Source,
		}
		if id := f.ID; id >= 0 {
			list[i].Interaction = &id
		}
	}
	return writeJSON(w, struct {
		Interactions int `json:"interactions"`
		Count
		Findings []findingJSON `json:"findings"`
		Unread   []Unread      `json:"unread,omitempty"`
	}{interactions, CountOf(found), list, unread})
}

// Rules writes the rules, one a line with what it says, then source and fix.
func Rules(w io.Writer, rules []inspect.Rule) error {
	for _, r := range rules {
		if _, err := fmt.Fprintf(w, "%s  %-7s  %s\n    source: %s\n    fix: %s\n", r.ID, r.Severity, r.Summary, r.Source, r.Fix); err != nil {
			return err
		}
	}
	return nil
}

// RulesJSON writes {"rules": [...]}.
func RulesJSON(w io.Writer, rules []inspect.Rule) error {
	type ruleJSON struct {
		ID       string           `json:"id"`
		Severity inspect.Severity `json:"severity"`
		Summary  string           `json:"summary"`
		Source   string           `json:"source"`
		Fix      string           `json:"fix"`
	}
	list := make([]ruleJSON, len(rules))
	for i, r := range rules {
		list[i] = ruleJSON(r)
	}
	return writeJSON(w, map[string]any{"rules": list})
}
