package main

import (
	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
)

func (a *app) scrubCommand() *cobra.Command {
	var f outputFlags
	var hide recordFlags // --pseudonyms and --redact
	cmd := &cobra.Command{
		Use:   "scrub CASSETTE...",
		Short: "Take credentials, and with --pseudonyms names, out of cassettes",
		Long: `scrub puts REDACTED where umtape audit finds a credential, as record would have,
and tells each place. A cassette that another tool wrote comes out in umtape's
layout, which go-vcr reads too. What was not touched keeps its bytes.

The cassette is replaced at one stroke, or stays as it is; with --output it is
left alone. A second scrub finds nothing, and a replay answers the same clients
as before: what they send is redacted before it is compared.

With --pseudonyms, CallIds, numbers, addresses, host names and SIDs become others of
the same form, each the same one throughout the cassette; --redact FILE has rules of
your own. See umtape record --help.

What was in a cassette may have been seen, and older versions of the file still hold
it, in git for one.`,
		Example: `  umtape scrub calls.yaml
  umtape scrub -o clean.yaml calls.yaml
  umtape scrub --pseudonyms -o public.yaml calls.yaml
  umtape scrub testdata/cassettes/`,
		Args: cassetteArgs(true),
		RunE: a.begin(func(_ *cobra.Command, args []string) error {
			redaction, err := hide.redaction()
			if err != nil {
				return err
			}
			total := 0
			err = a.rewrite(args, f, cassettes.OpenUpgrade, func(e *cassettes.Edit) (o outcome, err error) {
				found, err := e.Scrub()
				if err != nil {
					return o, err
				}
				for _, s := range found {
					o.secrets = append(o.secrets, secretToJSON(e.Path, s))
				}
				total += len(found)
				o.did = "no credential found"
				if len(found) > 0 {
					o.did = "redacted " + count(len(found), "credential")
				}
				changed, err := e.Hide(redaction)
				if err != nil {
					return o, err
				}
				if !redaction.None() {
					o.did += ", hid names and numbers in " + count(changed, "interaction")
				}
				o.leave = len(found) == 0 && redaction.None()
				return o, nil
			})
			if total > 0 && err == nil {
				a.say("what was in there may have been seen: make it invalid where it counts; older versions of the file still hold it")
			}
			return err
		}),
	}
	f.register(cmd)
	hide.registerRedaction(cmd)
	return cmd
}
