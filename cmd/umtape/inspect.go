package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/report"
)

func (a *app) inspectCommand() *cobra.Command {
	var id int
	var asJSON, raw bool
	cmd := &cobra.Command{
		Use:   "inspect CASSETTE...",
		Short: "Show what was said",
		Long: `inspect lists the interactions of a cassette: time (UTC), operation, the CallId
decoded to its GUID and server where it has that form, HTTP status, how long the
server took, and the shape of the response. With --id it shows one interaction
in full, its messages indented for reading.`,
		Example: `  umtape inspect calls.yaml
  umtape inspect --json calls.yaml
  umtape inspect --id 2 calls.yaml`,
		Args: cassetteArgs(true),
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			one := cmd.Flags().Changed("id")
			args, err := tapesIn(args)
			if err != nil {
				return err
			}
			switch {
			case one && len(args) > 1:
				return misuse("--id shows an interaction of one cassette; %d were named", len(args))
			case raw && !one:
				return misuse("--raw goes with --id")
			}
			var all []report.Entry
			for _, path := range args {
				tape, err := a.load(path)
				if err != nil {
					return err
				}
				if one {
					return a.inspectOne(tape, id, asJSON, raw)
				}
				list := entries(tape)
				all = append(all, list...)
				if !asJSON {
					if err := a.list(tape, list); err != nil {
						return err
					}
				}
			}
			if asJSON {
				return report.ListJSON(a.stdout, all)
			}
			return nil
		}),
	}
	cmd.Flags().IntVar(&id, "id", 0, "show the interaction with this `ID` in full")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&raw, "raw", false, "with --id, print bodies as they are kept, not indented")
	return cmd
}

func (a *app) list(tape *cassettes.Cassette, list []report.Entry) error {
	by := tape.Header.Umtape.RecordedBy
	if by == "" {
		by = "something other than umtape"
	}
	if _, err := fmt.Fprintf(a.stdout, "%s: %s, recorded by %s\n", tape.Path, count(len(list), "interaction"), report.Printable(by)); err != nil {
		return err
	}
	if len(list) == 0 {
		return nil
	}
	return report.List(a.stdout, list)
}

func (a *app) inspectOne(tape *cassettes.Cassette, id int, asJSON, raw bool) error {
	for _, i := range tape.Interactions {
		if i.ID != id {
			continue
		}
		if asJSON {
			return report.FullJSON(a.stdout, entry(tape.Path, i))
		}
		return report.Full(a.stdout, entry(tape.Path, i), raw)
	}
	if n := len(tape.Interactions); n > 0 {
		return hint(fmt.Errorf("%s has no interaction %d", tape.Path, id), "its ids go from %d to %d; `umtape inspect %s` lists them", tape.Interactions[0].ID, tape.Interactions[n-1].ID, tape.Path)
	}
	return fmt.Errorf("%s has no interactions", tape.Path)
}
