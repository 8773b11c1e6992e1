package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/report"
)

func (a *app) recoverCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "recover CASSETTE",
		Short: "Cut out what a power loss has left of interactions",
		Long: `recover mends a cassette whose last interaction was not written to its end, or in
which zeros stand where interactions were, as a power loss leaves it. Every whole
interaction stays as it is, with its id; the bytes that are cut out are kept
beside the cassette, in CASSETTE.torn. Where zeros were in the middle, the
cassette is replaced at one stroke. A header in which they stand is written anew,
of what is left of it: look whether it still names its rules of redaction.`,
		Example: "  umtape recover calls.yaml",
		Args:    cassetteArgs(false),
		RunE: a.begin(func(_ *cobra.Command, args []string) error {
			torn, err := cassettes.Recover(args[0])
			if err != nil {
				return loadHint(err, args[0])
			}
			if asJSON {
				j := recoveredJSON{File: args[0], Cut: []tornJSON{}}
				for _, t := range torn {
					j.Cut, j.Kept = append(j.Cut, *tornToJSON(&t)), args[0]+".torn"
				}
				return report.JSON(a.stdout, j)
			}
			if len(torn) == 0 {
				_, err = fmt.Fprintf(a.stdout, "%s is whole; nothing to do\n", args[0])
			}
			for _, t := range torn {
				_, errOne := fmt.Fprintf(a.stdout, "%s: cut off %d bytes from line %d (%s); they are in %s.torn\n", args[0], t.Lost, t.Line, t.Why, args[0])
				err = errors.Join(err, errOne)
			}
			return err
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
