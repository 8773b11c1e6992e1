package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// Located is a finding with the interaction it belongs to and its place in the
// file, where an editor can go to; that of the embedded Finding is its place in
// the message. ID is -1 when it belongs to the cassette as a whole.
type Located struct {
	File      string
	ID        int
	Operation string // of the interaction; "" if it has none
	Line      int    // 1-based in File; 0 if unknown
	Column    int    // 1-based in Line, in characters; 0 if unknown
	inspect.Finding
}

// Interaction is what to call the interaction that a finding is about, with its
// operation, or "" if it is about the file.
func (f Located) Interaction() string {
	switch {
	case f.ID < 0:
		return ""
	case f.Operation == "":
		return fmt.Sprintf("interaction %d", f.ID)
	}
	return fmt.Sprintf("interaction %d (%s)", f.ID, inspect.Shorten(f.Operation, 40))
}

// where is the place of a finding inside its file, in words, such as "interaction
// 0 (Disconnect), request, Body/Disconnect/CallId".
func (f Located) where() string {
	var list []string
	for _, s := range []string{f.Interaction(), f.Part, f.Path, f.Header} {
		if s != "" {
			list = append(list, s)
		}
	}
	return strings.Join(list, ", ")
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

// Findings writes each finding as FILE:LINE:COLUMN: SEVERITY: RULE: what, so that
// editors find it, and where it is below; the first one of a rule with why that
// matters, the fix and the source. What need not stay on one line fits in 80
// columns.
func Findings(w io.Writer, found []Located, look Look) error {
	told := map[string]bool{}
	for _, f := range found {
		var b strings.Builder
		how := [...]style{inspect.Note: cyan, inspect.Warning: yellow, inspect.Error: red}[f.Rule.Severity]
		fmt.Fprintf(&b, "%s: %s: %s\n", look.paint(bold, f.place()), look.paint(how, f.Rule.Severity.String()+": "+f.Rule.ID), Printable(f.Message))
		if where := f.where(); where != "" {
			item(&b, "in", Printable(where))
		}
		if !told[f.Rule.ID] {
			about(&b, f.Rule)
		}
		told[f.Rule.ID] = true
		if _, err := io.WriteString(w, b.String()); err != nil {
			return err
		}
	}
	return nil
}

// place is FILE:LINE:COLUMN as far as it is known.
func (f Located) place() string {
	place := Printable(f.File)
	if f.Line > 0 {
		place = fmt.Sprintf("%s:%d", place, f.Line)
		if f.Column > 0 {
			place = fmt.Sprintf("%s:%d", place, f.Column)
		}
	}
	return place
}

// about writes what a rule has to say beside its summary.
func about(b *strings.Builder, r inspect.Rule) {
	item(b, "why", r.Reason)
	item(b, "fix", r.Fix)
	item(b, "source", r.Source)
}

// width is how wide a line of text for people is at most.
const width = 80

// item writes "    NAME: TEXT", further lines of it deeper.
func item(b *strings.Builder, name, text string) {
	line := "    " + name + ":"
	for _, word := range strings.Fields(text) {
		if columns(line)+1+columns(word) > width {
			b.WriteString(line + "\n")
			line = "       "
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
}

type findingJSON struct {
	File          string           `json:"file"`
	Line          int              `json:"line,omitempty"`
	Column        int              `json:"column,omitempty"`
	Interaction   *int             `json:"interaction,omitempty"`
	Rule          string           `json:"rule"`
	Severity      inspect.Severity `json:"severity"`
	Part          string           `json:"part,omitempty"`
	Path          string           `json:"path,omitempty"`
	Header        string           `json:"header,omitempty"`
	MessageLine   int              `json:"message_line,omitempty"`
	MessageColumn int              `json:"message_column,omitempty"`
	Message       string           `json:"message"`
	Operation     string           `json:"operation,omitempty"`
	Reason        string           `json:"reason"`
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
func FindingsJSON(w io.Writer, v Validation) error {
	found := v.All()
	list := make([]findingJSON, len(found))
	for i, f := range found {
		list[i] = findingJSON{
			File: f.File, Line: f.Line, Column: f.Column, Rule: f.Rule.ID, Severity: f.Rule.Severity,
			Part: f.Part, Path: f.Path, Header: f.Header, Operation: f.Operation,
			MessageLine: f.Finding.Line, MessageColumn: f.Finding.Column,
			Message: f.Message, Reason: f.Rule.Reason, Fix: f.Rule.Fix, Source: f.Rule.Source,
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
	}{v.Checked(), CountOf(found), list, v.Unread()})
}

// Rules writes the rules, one a line with what it says, then why, fix and source.
func Rules(w io.Writer, rules []inspect.Rule) error {
	for _, r := range rules {
		var b strings.Builder
		fmt.Fprintf(&b, "%-6s  %-7s  %s\n", r.ID, r.Severity, r.Summary)
		about(&b, r)
		if _, err := io.WriteString(w, b.String()); err != nil {
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
		Reason   string           `json:"reason"`
		Source   string           `json:"source"`
		Fix      string           `json:"fix"`
	}
	list := make([]ruleJSON, len(rules))
	for i, r := range rules {
		list[i] = ruleJSON(r)
	}
	return writeJSON(w, map[string]any{"rules": list})
}
