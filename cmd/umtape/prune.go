package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
)

func (a *app) pruneCommand() *cobra.Command {
	var f outputFlags
	var unused string
	var dry bool
	cmd := &cobra.Command{
		Use:   "prune --unused REPORT CASSETTE...",
		Short: "Take out the interactions that a replay did not use",
		Long: `prune takes out of a cassette the interactions that have answered nothing in a
replay, as its report says, which replay writes with --report. Challenges of a
handshake stay. What stays keeps its bytes and its id.

A cassette that was changed since that replay is left alone, and so is one of
which nothing was used. The cassette is replaced at one stroke; with --output it
is left alone. It is not touched while it is being recorded.`,
		Example: `  umtape prune --unused report.json --dry-run calls.yaml
  umtape prune --unused report.json calls.yaml`,
		Args: cassetteArgs(true),
		RunE: a.begin(func(_ *cobra.Command, args []string) error {
			if unused == "" {
				return misuse("prune needs the report of a replay: --unused REPORT, which `umtape replay --report REPORT` writes")
			}
			if dry && f.output != "" {
				return misuse("--dry-run writes nothing, and --output does: give one of them")
			}
			if f.output != "" && oneFile(f.output, unused) {
				return misuse("--output would write over the report %s", unused)
			}
			j, err := readReport(unused)
			if err != nil {
				return err
			}
			if dry {
				return a.pruneDry(args, j, f.asJSON)
			}
			return a.rewrite(args, f, openEdit, func(e *cassettes.Edit) (o outcome, err error) {
				before := e.Records
				o.did, err = prune(e, j)
				o.removed = taken(before, e.Records)
				o.leave = len(o.removed) == 0
				return o, err
			})
		}),
	}
	cmd.Flags().StringVar(&unused, "unused", "", "take out what this `REPORT` of a replay lists as not used")
	cmd.Flags().BoolVarP(&dry, "dry-run", "n", false, "only tell what would be taken out")
	f.register(cmd)
	return cmd
}

// taken are the ids of interactions that were there before and are not now.
func taken(before, now []cassettes.Record) (ids []int) {
	kept := map[int]bool{}
	for _, r := range now {
		kept[r.ID] = true
	}
	for _, r := range before {
		if !kept[r.ID] {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

func (a *app) pruneDry(args []string, j playedJSON, asJSON bool) error {
	paths, err := tapesIn(args)
	if err != nil {
		return err
	}
	all := rewrittenJSON{Cassettes: []tapeDoneJSON{}}
	for _, path := range paths {
		e, err := cassettes.ReadEdit(path)
		if err != nil {
			return loadHint(err, path)
		}
		before := e.Records
		if _, err := prune(e, j); err != nil {
			return err
		}
		o := outcome{removed: taken(before, e.Records)}
		o.did = fmt.Sprintf("would take out %s, and leave %d", count(len(o.removed), "interaction"), len(e.Records))
		all.Cassettes = append(all.Cassettes, tapeDone(e, o))
		if asJSON {
			continue
		}
		out := o.removed // in the order of before
		for _, r := range before {
			if len(out) > 0 && out[0] == r.ID {
				out = out[1:]
				if _, err := fmt.Fprintf(a.stdout, "would take out %s\n", report.Printable(inspect.Shorten(strings.TrimSpace(e.Name(r.Interaction)+" "+r.Umtape.Operation), 200))); err != nil {
					return err
				}
			}
		}
		if _, err := fmt.Fprintf(a.stdout, "%s: %s\n", path, o.did); err != nil {
			return err
		}
	}
	if asJSON {
		return report.JSON(a.stdout, all)
	}
	return nil
}

// prune takes out of a cassette what a report lists as not used.
func prune(e *cassettes.Edit, j playedJSON) (did string, err error) {
	file, err := j.tape(e.Path)
	if err != nil {
		return "", err
	}
	if file.Interactions != len(e.Interactions) {
		return "", changedSince(e, "it had %s and has %d", count(file.Interactions, "interaction"), len(e.Interactions))
	}
	byID := map[int]*cassettes.Interaction{}
	for _, i := range e.Interactions {
		if byID[i.ID] != nil {
			return "", hint(fmt.Errorf("%s: the id %d is there twice", e.Path, i.ID), "`umtape sort %s` numbers them; then replay it again", e.Path)
		}
		byID[i.ID] = i
	}
	idle, used := map[int]bool{}, map[int]bool{} // both, if the cassette was replayed under two names
	for _, list := range [][]playedUse{j.Used, j.Unused} {
		for _, u := range list {
			if u.File != file.File {
				continue
			}
			if i := byID[u.ID]; i == nil || i.Fingerprint() != u.Fingerprint {
				return "", changedSince(e, "interaction %d is not what it was", u.ID)
			}
			if u.Times > 0 {
				used[u.ID] = true
			} else {
				idle[u.ID] = true
			}
		}
	}
	var kept []cassettes.Record
	for _, r := range e.Records {
		if !idle[r.ID] || used[r.ID] {
			kept = append(kept, r)
		}
	}
	out := len(e.Records) - len(kept)
	if len(used) == 0 && out > 0 {
		return "", hint(fmt.Errorf("%s: nothing of it was used in that replay, so that prune would empty it", e.Path), "delete it if it is of no use; or replay it to the clients that need it, with --report")
	}
	e.Records = kept
	if out == 0 {
		return "nothing to take out", nil
	}
	return fmt.Sprintf("took out %s, left %d", count(out, "interaction"), len(kept)), nil
}

func changedSince(e *cassettes.Edit, format string, args ...any) error {
	return hint(fmt.Errorf("%s was changed since that replay: %s", e.Path, fmt.Sprintf(format, args...)), "replay it again with --report, and prune by that")
}

// tape finds a cassette in a report: under its name, or, since the replay may have run
// in another folder, as the only one of that base name.
func (j playedJSON) tape(path string) (playedTape, error) {
	var found []playedTape
	for _, t := range j.Cassettes {
		if filepath.Clean(t.File) == filepath.Clean(path) {
			return t, nil
		}
		if filepath.Base(t.File) == filepath.Base(path) {
			found = append(found, t)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return playedTape{}, hint(fmt.Errorf("%s is not in that report", path), "it was not replayed then: replay it with --report")
	}
	return playedTape{}, hint(fmt.Errorf("%s could be each of %d cassettes in that report", path, len(found)), "name it as the replay did, from the same folder")
}
