package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/umtape/umtape/proxy"
)

type exportFlags struct {
	dir          string
	format       string
	passwordFile string
	force        bool
}

func (a *app) caExportCommand() *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export [FILE]",
		Short: "Write the authority's certificate, for clients to trust",
		Long: `export writes the certificate to FILE or to standard output, and says how clients
trust it. The key is never exported, in no format:

  pem    text, for nearly everything
  der    binary, as Windows and Java also take it (.cer)
  p12    a PKCS#12 trust store with the one certificate, for Java and Windows. Its
         password is in --password-file, or in $UMTAPE_P12_PASSWORD, or else is
         "changeit", Java's own: it keeps nobody out, as nothing in it is secret`,
		Example: `  umtape ca export umtape-ca.pem
  umtape ca export > umtape-ca.pem
  umtape ca export --format p12 umtape.p12`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return errors.New("umtape ca export takes one file, or none")
			}
			return nil
		},
		RunE: a.begin(func(_ *cobra.Command, args []string) error { return a.caExport(f, args) }),
	}
	caFlag(cmd, &f.dir)
	cmd.Flags().StringVar(&f.format, "format", "pem", "`FORMAT` of the certificate: pem, der or p12")
	cmd.Flags().StringVar(&f.passwordFile, "password-file", "", "`FILE` whose first line is the password of a p12 (default: $UMTAPE_P12_PASSWORD, else changeit)")
	cmd.Flags().BoolVar(&f.force, "force", false, "replace FILE if it exists")
	return cmd
}

func (a *app) caExport(f exportFlags, args []string) error {
	if f.passwordFile != "" && f.format != "p12" {
		return misuse("--password-file is for --format p12; %s has no password", f.format)
	}
	if f.format != "pem" && f.format != "der" && f.format != "p12" {
		return misuse("--format %q is none of pem, der and p12", f.format)
	}
	if len(args) == 0 && f.format != "pem" && isTerminal(a.stdout) {
		return hint(fmt.Errorf("%s is binary, and standard output is a terminal", f.format), "name a file: umtape ca export --format %s FILE", f.format)
	}
	password, passwordFrom, err := exportPassword(f)
	if err != nil {
		return err
	}
	ca, err := a.openCA(f.dir)
	if err != nil {
		return err
	}
	data := ca.CertPEM()
	switch f.format {
	case "der":
		data = ca.Certificate().Raw
	case "p12":
		if data, err = ca.TrustStore(trustName(ca), password); err != nil {
			return fmt.Errorf("the PKCS#12 file could not be made: %w", err)
		}
	}
	steps := a.stdout // beside the certificate they go to stderr
	if len(args) == 0 {
		if _, err := a.stdout.Write(data); err != nil {
			return err
		}
		steps = a.stderr
	} else if f.format != "p12" || !holdsOnly(args[0], ca, password) {
		if err := writeCertificate(args[0], data, f.force); err != nil {
			return err
		}
	}
	file := append(args, "umtape-ca."+f.format)[0]
	if f.format == "pem" {
		return writeTrust(steps, ca, file)
	}
	_, err = fmt.Fprintf(steps, "%s holds the certificate of %s\n", file, ca.Certificate().Subject.CommonName)
	if err == nil && f.format == "p12" {
		_, err = fmt.Fprintf(steps, "alias %s, password %s\n\njava -Djavax.net.ssl.trustStore=%s -Djavax.net.ssl.trustStorePassword=... \\\n     -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=8088 -Dhttp.nonProxyHosts= ...\n",
			trustName(ca), passwordFrom, shellQuote(file))
	}
	return err
}

const passwordVariable = "UMTAPE_P12_PASSWORD"

// exportPassword is the password of a PKCS#12 file, and where it came from, for
// people: only one that everybody knows is spelled out.
func exportPassword(f exportFlags) (password, from string, err error) {
	switch env := os.Getenv(passwordVariable); {
	case f.format != "p12":
		return "", "", nil
	case f.passwordFile != "":
		password, err = readPassword(f.passwordFile)
		return password, "as in " + f.passwordFile, err
	case env != "":
		return env, "as in $" + passwordVariable, nil
	}
	return proxy.StorePassword, proxy.StorePassword, nil
}

// readPassword is the first line of a file.
func readPassword(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("the password cannot be read: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return "", fmt.Errorf("the password cannot be read: %w", err)
	}
	line, _, _ := strings.Cut(string(data), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", fmt.Errorf("%s: its first line, the password, is empty", path)
	}
	return line, nil
}

// holdsOnly reports whether a PKCS#12 file says what would be written again:
// two are never equal, since each has its own salt.
func holdsOnly(path string, ca *proxy.CA, password string) bool {
	data, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	return ca.InTrustStore(data, password)
}

// writeCertificate writes a file that is not there yet, or is the same already.
func writeCertificate(path string, data []byte, force bool) error {
	if info, err := os.Stat(path); err == nil {
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is not a regular file; name a file to export to", path)
		}
		if old, err := os.ReadFile(path); info.Size() == int64(len(data)) && err == nil && bytes.Equal(old, data) {
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
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
