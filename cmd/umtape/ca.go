package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/proxy"
)

func (a *app) caCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ca",
		Short: "The certificate authority that clients must trust: show, limit, export, trust it",
		Long: `umtape answers for https:// servers with certificates of an authority of your
own, made at first use on this machine; its key never leaves it. Clients have to
trust that authority, for as long as they talk through umtape.`,
		Args: noArgs,
		RunE: a.begin(func(cmd *cobra.Command, _ []string) error {
			return misuse("say which: umtape ca show, umtape ca trust, umtape ca export or umtape ca init")
		}),
	}
	cmd.AddCommand(a.caInitCommand(), a.caShowCommand(), a.caExportCommand(), a.caTrustCommand())
	return cmd
}

func (a *app) caInitCommand() *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make the authority now, unless there is one; --permit limits it to some hosts",
		Long: `init makes the authority that other commands make at first use. With --permit it
can vouch for nothing but what is named, whoever may come to hold its key: it
carries name constraints (RFC 5280 §4.2.1.10), which clients enforce.

  --permit um.example.com    that name and all names below it
  --permit .contoso.test     all names below contoso.test, but not itself
  --permit 10.0.0.0/8        addresses; a single one as 127.0.0.1 or ::1

Names alone permit no address, and addresses alone no name. umtape answers
CONNECT to any other host with 403. An authority that is there already is never
changed; --replace makes a new one and keeps the old one's files beside it.`,
		Example: `  umtape ca init
  umtape ca init --permit .contoso.test --permit um.example.com --permit 127.0.0.1
  umtape ca init --replace --permit .contoso.test`,
		Args: noArgs,
		RunE: a.begin(func(*cobra.Command, []string) error { return a.caInit(f) }),
	}
	caFlag(cmd, &f.dir)
	cmd.Flags().StringSliceVar(&f.permit, "permit", nil, "limit a new authority to `HOST`: a name, .DOMAIN for all below it, an address or a range of them; may be repeated")
	cmd.Flags().BoolVar(&f.replace, "replace", false, "make a new authority in place of the one that is there, which is kept")
	return cmd
}

type initFlags struct {
	dir     string
	permit  []string
	replace bool
}

func (a *app) caInit(f initFlags) error {
	permits, err := proxy.ParsePermits(f.permit)
	if err != nil {
		return misuse("--permit %w", err)
	}
	if f.replace {
		return a.replaceCA(f.dir, permits)
	}
	ca, made, err := a.initCA(f.dir, permits)
	if err != nil {
		return err
	}
	have := ca.Permits()
	if !permits.Any() && !have.Equal(permits) {
		return hint(fmt.Errorf("there already is %s, and it is for %s, not for %s", ca.CertFile(), have, permits),
			"to have a new one, which clients must then trust, and keep the old one's files: umtape ca init --replace%s", flagsOf("--permit", permits.Entries())+dirFlag(f.dir))
	}
	verb := "there already is"
	if made {
		verb = "made"
	}
	_, err = fmt.Fprintf(a.stdout, "%s %s, for %s\n", verb, ca.CertFile(), have)
	return err
}

func (a *app) replaceCA(dir string, permits proxy.Permits) error {
	path, err := caDir(dir)
	if err != nil {
		return err
	}
	ca, old, err := proxy.ReplaceCA(path, permits)
	if err != nil {
		return inCADir(path, err)
	}
	if _, err := fmt.Fprintf(a.stdout, "made %s, for %s\n", ca.CertFile(), ca.Permits()); err != nil {
		return err
	}
	if old != "" {
		a.say("the old authority is kept in %s; clients that trust it still do, until you take that back: umtape ca trust --uninstall --ca-dir %s", old, shellQuote(old))
	}
	return nil
}

// flagsOf is a flag, repeated, with a blank before each.
func flagsOf(name string, values []string) string {
	var b strings.Builder
	for _, v := range values {
		b.WriteString(" " + name + " " + shellQuote(v))
	}
	return b.String()
}

// dirFlag repeats a --ca-dir that was given.
func dirFlag(dir string) string {
	if dir == "" {
		return ""
	}
	return flagsOf("--ca-dir", []string{dir})
}

func (a *app) caShowCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:     "show",
		Short:   "Show the authority and how clients trust it",
		Example: "  umtape ca show",
		Args:    noArgs,
		RunE: a.begin(func(*cobra.Command, []string) error {
			ca, err := a.openCA(dir)
			if err != nil {
				return err
			}
			c := ca.Certificate()
			fmt.Fprintf(a.stdout, "%s\n  subject      %s\n  valid        %s to %s\n  permits      %s\n  fingerprint  %s (SHA-256)\n\n%s\n",
				ca.CertFile(), c.Subject, c.NotBefore.Format("2006-01-02"), c.NotAfter.Format("2006-01-02"), ca.Permits(), ca.Fingerprint(), ca.CertPEM())
			return writeTrust(a.stdout, ca, ca.CertFile())
		}),
	}
	caFlag(cmd, &dir)
	return cmd
}
