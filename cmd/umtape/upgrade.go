package main

import (
	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/um"
)

func (a *app) upgradeCommand() *cobra.Command {
	var f outputFlags
	cmd := &cobra.Command{
		Use:   "upgrade CASSETTE...",
		Short: "Put cassettes of go-vcr v1 to v4, or in an older layout, into umtape's",
		Long: `upgrade puts a cassette that go-vcr v1, v2, v3 or v4 wrote, or one of umtape's
that an editor has given another layout, into umtape's: credentials redacted,
with operation, call and checksum of each interaction. go-vcr v3 and v4 read it
as well. Comments and keys that neither go-vcr nor umtape knows do not come
along. When something was recorded is not made up where the cassette does not
say.

The cassette is replaced at one stroke, or stays as it is; with --output it is
left alone.`,
		Example: `  umtape upgrade old.yaml
  umtape upgrade -o new.yaml old.yaml
  umtape upgrade testdata/cassettes/`,
		Args: cassetteArgs(true),
		RunE: a.begin(func(_ *cobra.Command, args []string) error {
			return a.rewrite(args, f, cassettes.OpenUpgrade, func(e *cassettes.Edit) (outcome, error) {
				if !e.Upgrade(um.Profile()) {
					return outcome{did: "in umtape's layout already", leave: true}, nil
				}
				return outcome{did: count(len(e.Records), "interaction") + ", now in umtape's layout"}, nil
			})
		}),
	}
	f.register(cmd)
	return cmd
}
