package main

import (
	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
)

func (a *app) sortCommand() *cobra.Command {
	var f outputFlags
	cmd := &cobra.Command{
		Use:   "sort CASSETTE...",
		Short: "Put interactions in the order in which their requests arrived",
		Long: `sort puts the interactions of a cassette in the order in which their requests
arrived, with ids from 0 on, as record does at its end. Those of which that is
not known, since umtape did not record them, come first, in the order they have.

The cassette is replaced at one stroke, or stays as it is; with --output it is
left alone. It is not touched while it is being recorded.`,
		Example: `  umtape sort calls.yaml
  umtape sort -o sorted.yaml calls.yaml`,
		Args: cassetteArgs(true),
		RunE: a.begin(func(_ *cobra.Command, args []string) error {
			return a.rewrite(args, f, openEdit, func(e *cassettes.Edit) (outcome, error) {
				sorted := e.Sort()
				numbered := true
				for n, r := range e.Records {
					numbered = numbered && r.ID == n
				}
				e.Renumber()
				all := count(len(e.Records), "interaction")
				switch {
				case sorted:
					return outcome{did: all + ", now in order of arrival"}, nil
				case !numbered: // as prune leaves them, or some editor
					return outcome{did: all + ", in order already, now with ids from 0 on"}, nil
				}
				return outcome{did: all + ", in order already", leave: true}, nil
			})
		}),
	}
	f.register(cmd)
	return cmd
}
