package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
)

func (a *app) recoverCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "recover CASSETTE",
		Short: "Cut off an interaction that was not written to its end",
		Long: `recover mends a cassette whose last interaction was not written to its end, as a
power loss leaves it. Every whole interaction stays as it is; the bytes that are
cut off are kept beside the cassette, in CASSETTE.torn.`,
		Example: "  umtape recover calls.yaml",
		Args:    cassetteArgs(false),
		RunE: a.begin(func(_ *cobra.Command, args []string) error {
			torn, err := cassettes.Recover(args[0])
			if err != nil {
				return err
			}
			if torn == nil {
				_, err = fmt.Fprintf(a.stdout, "%s is whole; nothing to do\n", args[0])
				return err
			}
			_, err = fmt.Fprintf(a.stdout, "%s: cut off %d bytes from line %d (%s); they are in %s.torn\n", args[0], torn.Lost, torn.Line, torn.Why, args[0])
			return err
		}),
	}
}
