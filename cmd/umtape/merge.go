package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/report"
)

func (a *app) mergeCommand() *cobra.Command {
	var f outputFlags
	var sorted bool
	cmd := &cobra.Command{
		Use:   "merge CASSETTE... -o FILE",
		Short: "Make one cassette of several",
		Long: `merge writes the interactions of all the cassettes to one, in the order in which
the cassettes are named, with ids from 0 on: a replay of it answers as a replay
of all of them. With --sort they are put in the order in which their requests
arrived. The cassettes themselves stay as they are. FILE itself is one of them only
if it is named, not if it is in a folder that is.`,
		Example: `  umtape merge -o calls.yaml monday.yaml tuesday.yaml
  umtape merge --sort -o calls.yaml recorded/`,
		Args: cassetteArgs(true),
		RunE: a.begin(func(_ *cobra.Command, args []string) error {
			if f.output == "" {
				return misuse("merge writes a new cassette; name it with --output")
			}
			return a.merge(args, f, sorted)
		}),
	}
	cmd.Flags().StringVarP(&f.output, "output", "o", "", "the `FILE` to write")
	cmd.Flags().BoolVar(&f.force, "force", false, "replace that file if it exists")
	f.registerJSON(cmd)
	cmd.Flags().BoolVar(&sorted, "sort", false, "put the interactions in the order in which their requests arrived")
	return cmd
}

func (a *app) merge(args []string, f outputFlags, sorted bool) error {
	paths, err := tapesIn(args)
	if err != nil {
		return err
	}
	if f.output == "-" {
		return misuse("merge writes to a file, and not to standard output")
	}
	if _, err := os.Lstat(f.output); err == nil && !f.force {
		// Said before anything is read, which can take long.
		return fmt.Errorf("%s: there is a file already; --force replaces it", f.output)
	}
	isOutput := func(path string) bool { return oneFile(path, f.output) }
	if len(paths) > 1 && !slices.ContainsFunc(args, isOutput) && slices.ContainsFunc(paths, isOutput) {
		// Of a folder, where an earlier merge has left it: it has what the others have.
		a.say("%s is what is written, and is not merged into itself", f.output)
		paths = slices.DeleteFunc(paths, isOutput)
	}
	var from []*cassettes.Edit
	for _, path := range paths {
		e, err := cassettes.ReadEdit(path)
		if err != nil {
			return loadHint(err, path)
		}
		a.sayOf(e, false)
		from = append(from, e)
	}
	for _, e := range from {
		if r := cassettes.RedactionOf(e.Header.Umtape); len(from) > 1 && !r.None() {
			return hint(fmt.Errorf("%s: holds pseudonyms, or less than was said, by rules that are for it alone", e.Path), "umtape replay takes several cassettes as they are")
		}
	}
	out := cassettes.Derived(from...)
	for _, e := range from {
		out.Records = append(out.Records, e.Records...)
	}
	if sorted {
		out.Sort()
	}
	out.Renumber()
	if err := out.SaveAs(f.output, f.force); err != nil {
		return err
	}
	if f.asJSON {
		j := mergedJSON{Written: f.output, Interactions: len(out.Records)}
		for _, e := range from {
			j.From = append(j.From, partJSON{e.Path, len(e.Records)})
		}
		return report.JSON(a.stdout, j)
	}
	_, err = fmt.Fprintf(a.stdout, "%s: %s from %s\n", f.output, count(len(out.Records), "interaction"), count(len(from), "cassette"))
	return err
}
