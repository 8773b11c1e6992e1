package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// GitHub writes each finding, and each cassette that could not be read, as a workflow command
// of GitHub Actions, which shows it beside the line in a pull request:
//
//	::error file=calls.yaml,line=12,col=34,title=UM020 a child element is missing::Disconnect has no CallId
func GitHub(w io.Writer, v Validation) error {
	for _, f := range v.All() {
		text := f.Message
		if where := f.where(); where != "" {
			text += "\nin: " + where
		}
		text += "\nwhy: " + f.Rule.Reason + "\nfix: " + f.Rule.Fix
		if err := githubCommand(w, f.Rule.Severity, v.githubFile(f.File), f.Line, f.Column, f.Rule.ID+": "+f.Rule.Summary, text); err != nil {
			return err
		}
	}
	for _, u := range v.Unread() {
		if err := githubCommand(w, inspect.Error, v.githubFile(u.File), 0, 0, "the cassette cannot be read", u.Error); err != nil {
			return err
		}
	}
	return nil
}

// githubFile names a file as GitHub looks for it, from the root of the checkout.
func (v Validation) githubFile(file string) string {
	if path, below := v.inRoot(file); below {
		return path
	}
	return file
}

func githubCommand(w io.Writer, s inspect.Severity, file string, line, column int, title, text string) error {
	command := map[inspect.Severity]string{inspect.Error: "error", inspect.Warning: "warning"}[s]
	if command == "" {
		command = "notice"
	}
	place := "file=" + githubProperty(file)
	if line > 0 {
		place += fmt.Sprintf(",line=%d", line)
	}
	if column > 0 {
		place += fmt.Sprintf(",col=%d", column)
	}
	_, err := fmt.Fprintf(w, "::%s %s,title=%s::%s\n", command, place, githubProperty(title), githubText(text))
	return err
}

// githubText escapes the text of a workflow command, which ends at its line, and in
// which a percent sign starts an escape. What could move a cursor is taken out,
// line by line.
func githubText(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = strings.ReplaceAll(Printable(line), "%", "%25")
	}
	return strings.Join(lines, "%0A")
}

// githubProperty escapes a property of a workflow command, which a comma or the
// colons end as well.
func githubProperty(s string) string {
	return strings.NewReplacer("%", "%25", ":", "%3A", ",", "%2C").Replace(Printable(s))
}
