package main

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/inspect/um"
)

func (a *app) validateCommand() *cobra.Command {
	var asJSON, rules, quiet bool
	var failOn string
	cmd := &cobra.Command{
		Use:   "validate CASSETTE...",
		Short: "Check cassettes against the protocol",
		Long: `validate checks every interaction: envelope, namespace (the https:// spelling of
the documentation is recognised), SOAPAction against operation, the elements of
requests and responses, faults and HTTP status. Each finding has a rule, a
place, a fix and a source in the protocol reference.

It ends with 0 when nothing reaches --fail-on, 1 when something does or a
cassette cannot be read, 2 when the command line is wrong.`,
		Example: `  umtape validate calls.yaml
  umtape validate --fail-on warning --json calls.yaml
  umtape validate --rules`,
		Args: func(cmd *cobra.Command, args []string) error {
			if rules {
				return noArgs(cmd, args)
			}
			return cassetteArgs(true)(cmd, args)
		},
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			threshold, err := inspect.ParseSeverity(failOn)
			if err != nil {
				return misuse("--fail-on: %w", err)
			}
			if rules {
				return a.listRules(asJSON)
			}
			return a.validate(args, threshold, asJSON, quiet)
		}),
	}
	cmd.Flags().StringVar(&failOn, "fail-on", "error", "lowest `SEVERITY` that is a failure: error, warning or note")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&rules, "rules", false, "list the rules and end")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "leave notes out")
	return cmd
}

func (a *app) listRules(asJSON bool) error {
	all := append(cassettes.Rules(), um.Rules()...)
	if asJSON {
		return report.RulesJSON(a.stdout, all)
	}
	return report.Rules(a.stdout, all)
}

func (a *app) validate(paths []string, threshold inspect.Severity, asJSON, quiet bool) error {
	var found []report.Located
	var checked checked
	for _, path := range paths {
		tape, text, err := cassettes.LoadText(path)
		if err != nil {
			checked.unread = append(checked.unread, report.Unread{File: path, Error: oneLine(err)})
			checked.err = loadHint(err, path)
			continue
		}
		checked.files++
		checked.interactions += len(tape.Interactions)
		found = append(found, findings(tape, text)...)
	}
	shown := found
	if quiet {
		shown = without(found, inspect.Note)
	}
	if err := a.writeFindings(paths, checked, shown, asJSON); err != nil {
		return err
	}
	if n := len(checked.unread); n > 0 {
		for _, u := range checked.unread[:n-1] {
			a.say("error: %s", u.Error)
		}
		return checked.err // the last one is run's to print
	}
	for _, f := range found {
		if f.Rule.Severity >= threshold {
			return errFound
		}
	}
	return nil
}

// checked is how far a validation came.
type checked struct {
	files, interactions int
	unread              []report.Unread
	err                 error // of the last of unread
}

func (a *app) writeFindings(paths []string, c checked, found []report.Located, asJSON bool) error {
	if asJSON {
		return report.FindingsJSON(a.stdout, c.interactions, found, c.unread)
	}
	if err := report.Findings(a.stdout, found); err != nil || c.files == 0 {
		return err
	}
	name := paths[0]
	if len(paths) > 1 {
		name = count(c.files, "cassette")
	}
	_, err := fmt.Fprintf(a.stdout, "%s: %s checked, %s\n", name, count(c.interactions, "interaction"), report.CountOf(found))
	return err
}

// findings checks a cassette: the tape itself, then every exchange. They come in
// the order in which the file has what they are about.
func findings(tape *cassettes.Cassette, text *cassettes.Text) []report.Located {
	ofTape := map[int][]inspect.Finding{}
	for _, f := range cassettes.Check(tape) {
		ofTape[f.Interaction] = append(ofTape[f.Interaction], f.Finding)
	}
	var found []report.Located
	for n, i := range tape.Interactions {
		r := inspect.Read(i.Exchange())
		list := append(ofTape[n], um.Check(r)...)
		if len(list) == 0 {
			continue
		}
		for k, at := range text.Places(n, list) {
			found = append(found, report.Located{File: tape.Path, ID: i.ID, Operation: r.Operation, Line: at.Line, Column: at.Column, Finding: list[k]})
		}
	}
	slices.SortStableFunc(found, func(a, b report.Located) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	for _, f := range ofTape[-1] {
		found = append(found, report.Located{File: tape.Path, ID: -1, Line: tape.Torn.Line, Column: 1, Finding: f})
	}
	return found
}

func without(found []report.Located, s inspect.Severity) []report.Located {
	var kept []report.Located
	for _, f := range found {
		if f.Rule.Severity != s {
			kept = append(kept, f)
		}
	}
	return kept
}
