package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/inspect/um"
)

func (a *app) validateCommand() *cobra.Command {
	var asJSON, rules, quiet bool
	var failOn, shapes string
	var maxAge age
	cmd := &cobra.Command{
		Use:   "validate CASSETTE...",
		Short: "Check cassettes against the protocol",
		Long: `validate checks every interaction: envelope, namespace (the https:// spelling of
the documentation is recognised), SOAPAction against operation, the elements of
requests and responses, faults and HTTP status, calls over time. Each finding has
a rule, a place, a fix and a source in the protocol reference. With --shapes it
also holds every message, of any service, to the shapes in a file.

It ends with 0 when nothing reaches --fail-on, 1 when something does or a
cassette cannot be read, 2 when the command line is wrong.`,
		Example: `  umtape validate calls.yaml
  umtape validate --fail-on warning --json calls.yaml
  umtape validate --shapes shapes.yaml calls.yaml
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
			var contract *inspect.Contract
			if shapes != "" {
				if contract, err = cassettes.LoadContract(shapes); err != nil {
					return contractHint(err, shapes)
				}
			}
			paths, err := tapesIn(args)
			if err != nil {
				return err
			}
			return a.validate(paths, contract, threshold, maxAge, asJSON, quiet)
		}),
	}
	cmd.Flags().StringVar(&failOn, "fail-on", "error", "lowest `SEVERITY` that is a failure: error, warning or note")
	cmd.Flags().StringVar(&shapes, "shapes", "", "hold messages to the contract in `FILE`, which umtape inspect --shapes --output writes")
	cmd.Flags().Var(&maxAge, "max-age", "warn of cassettes that hold what was recorded longer ago, such as 90d, 12h, 2w")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&rules, "rules", false, "list the rules and end")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "leave notes out")
	return cmd
}

func (a *app) listRules(asJSON bool) error {
	all := append(cassettes.Rules(), um.Rules()...)
	all = append(all, inspect.ShapeRules()...)
	if asJSON {
		return report.RulesJSON(a.stdout, all)
	}
	return report.Rules(a.stdout, all)
}

func (a *app) validate(paths []string, contract *inspect.Contract, threshold inspect.Severity, maxAge age, asJSON, quiet bool) error {
	var found []report.Located
	var checked checked
	var moments []inspect.Moment
	for _, path := range paths {
		tape, err := cassettes.Load(path)
		if err != nil {
			checked.unread = append(checked.unread, report.Unread{File: path, Error: oneLine(err)})
			checked.err = loadHint(err, path)
			continue
		}
		checked.files++
		checked.interactions += len(tape.Interactions)
		if maxAge > 0 {
			for _, f := range cassettes.CheckAge(tape, time.Now().Add(-time.Duration(maxAge))) {
				found = append(found, located(tape, f))
			}
		}
		list, more := findings(tape)
		found, moments = append(found, list...), append(moments, more...)
		if contract != nil {
			found = append(found, shapeFindings(tape, contract)...)
		}
	}
	found = append(found, callFindings(moments)...)
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

// findings checks a cassette: the tape itself, then every exchange. It returns the
// parts that these have in calls, which are for callFindings.
func findings(tape *cassettes.Cassette) (found []report.Located, moments []inspect.Moment) {
	for _, f := range cassettes.Check(tape) {
		found = append(found, located(tape, f))
	}
	for _, i := range tape.Interactions {
		e := entry(tape.Path, i)
		for _, f := range um.Check(e.Reading) {
			found = append(found, report.Located{File: tape.Path, ID: i.ID, Line: i.Line, Finding: f})
		}
		if m, ok := moment(e); ok {
			moments = append(moments, m)
		}
	}
	return found, moments
}

// callFindings checks the calls of all cassettes together, since one may begin in
// one of them and end in another.
func callFindings(moments []inspect.Moment) []report.Located {
	var found []report.Located
	for _, f := range um.CheckCalls(inspect.CallsOf(moments)) {
		found = append(found, report.Located{File: f.At.File, ID: f.At.ID, Line: f.At.Line, Finding: f.Finding})
	}
	return found
}

// shapeFindings holds the messages of a cassette to a contract.
func shapeFindings(tape *cassettes.Cassette, contract *inspect.Contract) []report.Located {
	var found []report.Located
	for _, i := range tape.Interactions {
		r := inspect.Read(i.Exchange())
		asked, answered, hasRequest, hasResponse := inspect.ShapeKeys(r, um.Service(r))
		var list []inspect.Finding
		if hasRequest {
			list = contract.Check(asked, r.Request, "request")
		}
		if hasResponse {
			list = append(list, contract.Check(answered, r.Response, "response")...)
		}
		for _, f := range list {
			found = append(found, report.Located{File: tape.Path, ID: i.ID, Line: i.Line, Finding: f})
		}
	}
	return found
}

func contractHint(err error, path string) error {
	if errors.Is(err, os.ErrNotExist) {
		return hint(err, "make it from a cassette that is as it should be: umtape inspect --shapes --output %s CASSETTE", path)
	}
	return err
}

func located(tape *cassettes.Cassette, f cassettes.Finding) report.Located {
	return report.Located{File: tape.Path, ID: f.Interaction, Line: f.Line, Finding: f.Finding}
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
