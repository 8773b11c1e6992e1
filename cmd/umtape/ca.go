package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func (a *app) caCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ca",
		Short: "Show or export the certificate authority that clients must trust",
		Long: `umtape answers for https:// servers with certificates of an authority of your
own, made at first use on this machine; its key never leaves it. Clients have to
trust that authority, for as long as they talk through umtape.`,
		Args: noArgs,
		RunE: a.begin(func(cmd *cobra.Command, _ []string) error {
			return misuse("say which: umtape ca show, umtape ca export or umtape ca init")
		}),
	}
	cmd.AddCommand(a.caInitCommand(), a.caShowCommand(), a.caExportCommand())
	return cmd
}

func (a *app) caInitCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:     "init",
		Short:   "Make the authority now, unless there is one",
		Example: "  umtape ca init",
		Args:    noArgs,
		RunE: a.begin(func(*cobra.Command, []string) error {
			ca, created, err := a.loadOrMakeCA(dir)
			if err != nil {
				return err
			}
			verb := "there already is"
			if created {
				verb = "made"
			}
			_, err = fmt.Fprintf(a.stdout, "%s %s\n", verb, ca.CertFile())
			return err
		}),
	}
	caFlag(cmd, &dir)
	return cmd
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
			fmt.Fprintf(a.stdout, "%s\n  subject      %s\n  valid        %s to %s\n  fingerprint  %s (SHA-256)\n\n%s\n",
				ca.CertFile(), c.Subject, c.NotBefore.Format("2006-01-02"), c.NotAfter.Format("2006-01-02"), ca.Fingerprint(), ca.CertPEM())
			return writeTrust(a.stdout, ca, ca.CertFile())
		}),
	}
	caFlag(cmd, &dir)
	return cmd
}

func (a *app) caExportCommand() *cobra.Command {
	var dir string
	var force bool
	cmd := &cobra.Command{
		Use:   "export [FILE]",
		Short: "Write the authority's certificate, for clients to trust",
		Long: `export writes the certificate, in PEM, to FILE or to standard output, and says
how clients trust it. The key is never exported.`,
		Example: "  umtape ca export umtape-ca.pem\n  umtape ca export > umtape-ca.pem",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return errors.New("umtape ca export takes one file, or none")
			}
			return nil
		},
		RunE: a.begin(func(_ *cobra.Command, args []string) error {
			ca, err := a.openCA(dir)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				if _, err := a.stdout.Write(ca.CertPEM()); err != nil {
					return err
				}
				return writeTrust(a.stderr, ca, "umtape-ca.pem")
			}
			if err := writeCertificate(args[0], ca.CertPEM(), force); err != nil {
				return err
			}
			return writeTrust(a.stdout, ca, args[0])
		}),
	}
	caFlag(cmd, &dir)
	cmd.Flags().BoolVar(&force, "force", false, "replace FILE if it exists")
	return cmd
}

// writeCertificate writes a file that is not there yet, or is the same already.
func writeCertificate(path string, pem []byte, force bool) error {
	if info, err := os.Stat(path); err == nil {
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is not a regular file; name a file to export to", path)
		}
		if old, err := os.ReadFile(path); info.Size() == int64(len(pem)) && err == nil && bytes.Equal(old, pem) {
			return nil
		}
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags, 0o644)
	if errors.Is(err, os.ErrExist) {
		return hint(fmt.Errorf("%s exists and is something else", path), "name another file, or replace it with --force")
	}
	if err != nil {
		return err
	}
	_, err = f.Write(pem)
	return errors.Join(err, f.Close())
}
