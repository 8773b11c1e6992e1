package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/report"
)

// outputFlags say where a command that makes a cassette of another writes it.
type outputFlags struct {
	output string
	force  bool
	asJSON bool
}

func (f *outputFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.output, "output", "o", "", "write to `FILE` instead, and leave the cassette as it is")
	cmd.Flags().BoolVar(&f.force, "force", false, "replace the file that --output names if it exists")
	f.registerJSON(cmd)
}

func (f *outputFlags) registerJSON(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
}

// check says what makes no sense for these cassettes.
func (f *outputFlags) check(paths []string) error {
	switch {
	case f.output != "" && len(paths) > 1:
		return misuse("--output takes one cassette; %d were named", len(paths))
	case f.output == "" && f.force:
		return misuse("--force goes with --output; without it the cassette itself is replaced")
	}
	return nil
}

// changing does a command's work on one cassette.
type changing func(*cassettes.Edit) (outcome, error)

// outcome is what a command has done to a cassette.
type outcome struct {
	did     string       // in a few words
	leave   bool         // nothing, so that a file in whatever layout stays as it is
	removed []int        // ids of interactions that were taken out
	secrets []secretJSON // that were redacted
}

// rewrite changes cassettes one after the other, each in place unless there is an
// output.
func (a *app) rewrite(args []string, f outputFlags, open func(path string, write bool) (*cassettes.Edit, error), change changing) error {
	paths, err := tapesIn(args)
	if err != nil {
		return err
	}
	if err := f.check(paths); err != nil {
		return err
	}
	all := rewrittenJSON{Cassettes: []tapeDoneJSON{}}
	for _, path := range paths {
		done, err := a.rewriteOne(path, f, open, change)
		if err != nil {
			if f.asJSON {
				all.Failed = append(all.Failed, report.Unread{File: path, Error: oneLine(err)})
				err = errors.Join(err, report.JSON(a.stdout, all))
			}
			return err
		}
		all.Cassettes = append(all.Cassettes, done)
	}
	if f.asJSON {
		return report.JSON(a.stdout, all)
	}
	return nil
}

func (a *app) rewriteOne(path string, f outputFlags, open func(string, bool) (*cassettes.Edit, error), change changing) (done tapeDoneJSON, err error) {
	inPlace := f.output == "" || oneFile(path, f.output)
	e, err := open(path, inPlace)
	if err != nil {
		return done, loadHint(err, path)
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	o, err := change(e)
	if err != nil {
		return done, err
	}
	done = tapeDone(e, o)
	where := ""
	if inPlace {
		changed := false
		if !o.leave {
			if changed, err = e.Save(); err != nil {
				return done, err
			}
		}
		if changed {
			done.Written = path
		} else {
			where = "; nothing to do"
		}
	} else {
		if err := e.SaveAs(f.output, f.force); err != nil {
			return done, err
		}
		done.Written = f.output
		where = "; written to " + f.output
	}
	if !o.leave || !inPlace {
		a.sayOf(e, inPlace)
	} else {
		a.sayTorn(e, inPlace)
	}
	if f.asJSON {
		return done, nil
	}
	for _, s := range o.secrets {
		if _, err := fmt.Fprintln(a.stdout, secretLine(s)); err != nil {
			return done, err
		}
	}
	_, err = fmt.Fprintf(a.stdout, "%s: %s%s\n", path, o.did, where)
	return done, err
}

// openEdit opens a cassette to be changed, or to be read.
func openEdit(path string, write bool) (*cassettes.Edit, error) {
	if write {
		return cassettes.OpenEdit(path)
	}
	return cassettes.ReadEdit(path)
}

func oneFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// sayOf tells what in a cassette is to be minded when it is written anew.
func (a *app) sayOf(e *cassettes.Edit, inPlace bool) {
	a.sayTorn(e, inPlace)
	var edited []string
	for _, r := range e.Records {
		if r.Edited {
			edited = append(edited, fmt.Sprint(r.ID))
		}
	}
	switch n := len(edited); {
	case n == 1:
		a.say("%s: interaction %s was edited since it was recorded, and stays marked so", e.Path, edited[0])
	case n > 1:
		const shown = 10
		list := strings.Join(edited[:min(n, shown)], ", ")
		if n > shown {
			list += ", ..."
		}
		a.say("%s: %s were edited since they were recorded, and stay marked so: %s", e.Path, count(n, "interaction"), list)
	}
	if e.Foreign {
		redacted := ""
		if e.Cleaned > 0 {
			redacted = fmt.Sprintf(" and %s redacted", count(e.Cleaned, "interaction"))
		}
		a.say("%s: was not written by umtape: it is put in umtape's layout%s", e.Path, redacted)
	}
}

func (a *app) sayTorn(e *cassettes.Edit, inPlace bool) {
	t := e.Torn
	if t == nil {
		return
	}
	becomes := "is left out"
	if inPlace {
		becomes = "stays at the end"
	}
	a.say("warning: %s: line %d: the last interaction was not written to its end (%s) and %s; `umtape recover %s` cuts it off", e.Path, t.Line, t.Why, becomes, e.Path)
}
