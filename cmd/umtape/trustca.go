package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/proxy"
)

type trustFlags struct {
	dir                string
	install, uninstall bool
	keystore           string
	storepassFile      string
	nssdbs             []string
}

func (a *app) caTrustCommand() *cobra.Command {
	var f trustFlags
	cmd := &cobra.Command{
		Use:   "trust [PLATFORM...]",
		Short: "Print, take or take back the steps by which a platform trusts the authority",
		Long: `trust prints the commands by which this machine's programs trust the authority,
and those that take it back; with --install it runs them, with --uninstall it
takes them back. Either may be said again: what is so already is left alone.

PLATFORM is debian, fedora, macos, windows, java or nss (Firefox and Chromium on
Linux). Without one it is this system, and Java and NSS where they are found.

For one program alone, trust nothing here: ` + "`umtape ca show`" + ` says how a client is
told by a variable or a flag. Limit an authority that many are to trust:
` + "`umtape ca init --permit`" + `.

The password of a Java keystore is in --storepass-file, or in $UMTAPE_STOREPASS,
or else is Java's own, changeit.`,
		Example: `  umtape ca trust
  umtape ca trust debian java
  sudo umtape ca trust debian --install --ca-dir ~/.config/umtape
  umtape ca trust java --install --keystore client.p12
  umtape ca trust nss --uninstall --nssdb ~/.pki/nssdb`,
		Args: func(cmd *cobra.Command, args []string) error {
			for _, arg := range args {
				if !slices.Contains(platforms, arg) {
					return fmt.Errorf("%q is no platform that umtape knows: want %s", arg, strings.Join(platforms, ", "))
				}
			}
			return nil
		},
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			return a.caTrust(cmd.Context(), f, args, thisMachine())
		}),
	}
	caFlag(cmd, &f.dir)
	flags := cmd.Flags()
	flags.BoolVar(&f.install, "install", false, "run the steps: the platform trusts the authority")
	flags.BoolVar(&f.uninstall, "uninstall", false, "take the steps back: it trusts the authority no longer")
	flags.StringVar(&f.keystore, "keystore", "", "Java keystore `FILE`, made if it is not there (default: the JDK's cacerts)")
	flags.StringVar(&f.storepassFile, "storepass-file", "", "`FILE` whose first line is the keystore's password (default: $UMTAPE_STOREPASS, else changeit)")
	flags.StringSliceVar(&f.nssdbs, "nssdb", nil, "NSS database `FOLDER`; may be repeated (default: ~/.pki/nssdb and Firefox's profiles)")
	return cmd
}

func (a *app) caTrust(ctx context.Context, f trustFlags, names []string, m machine) error {
	if f.install && f.uninstall {
		return misuse("--install and --uninstall exclude each other")
	}
	if len(names) > 0 && (f.keystore != "" || f.storepassFile != "") && !slices.Contains(names, "java") {
		return misuse("--keystore and --storepass-file are for java, which is not among %s", strings.Join(names, ", "))
	}
	if len(names) > 0 && f.nssdbs != nil && !slices.Contains(names, "nss") {
		return misuse("--nssdb is for nss, which is not among %s", strings.Join(names, ", "))
	}
	ca, err := a.trustedCA(f)
	if err != nil {
		return err
	}
	t := newTarget(ca)
	if err := t.choose(f, m); err != nil {
		return err
	}
	if len(names) == 0 {
		if names = t.found(f, m); len(names) == 0 {
			return hint(errors.New("no trust store that umtape knows was found on this machine"), "name one: umtape ca trust %s", strings.Join(platforms, "|"))
		}
	}
	if slices.Contains(names, "nss") && len(t.nssdbs) == 0 {
		if f.install || f.uninstall {
			return hint(errors.New("no NSS database was found in ~/.pki/nssdb or Firefox's profiles"), "start the browser once, or name one: --nssdb FOLDER")
		}
		t.nssdbs = []string{usualNSS()}
	}
	failed := false
	for _, name := range names {
		for _, s := range t.stores(name) {
			var err error
			if f.install || f.uninstall {
				err = a.change(ctx, s, f, m)
			} else {
				err = a.printSteps(s)
			}
			if err != nil {
				failed = true
				a.report(fmt.Errorf("%s: %w", name, err))
			}
		}
	}
	if failed {
		return errFound
	}
	return nil
}

// trustedCA makes no authority only to take it back.
func (a *app) trustedCA(f trustFlags) (*proxy.CA, error) {
	if !f.uninstall {
		return a.openCA(f.dir)
	}
	dir, err := caDir(f.dir)
	if err != nil {
		return nil, err
	}
	ca, err := proxy.LoadCA(dir)
	if errors.Is(err, proxy.ErrNoCA) {
		return nil, hint(fmt.Errorf("there is no certificate authority in %s to take back", dir), "name its folder: --ca-dir FOLDER")
	}
	return ca, err
}

// report prints an error that does not end the command.
func (a *app) report(err error) {
	fmt.Fprintf(a.stderr, "umtape: error: %s\n", oneLine(err))
	var hinted *hintedError
	if errors.As(err, &hinted) {
		fmt.Fprintf(a.stderr, "umtape: hint: %s\n", hinted.hint)
	}
}

const storepassVariable = "UMTAPE_STOREPASS"

// choose says which stores the user means.
func (t *target) choose(f trustFlags, m machine) error {
	t.keystore = f.keystore
	switch {
	case f.storepassFile != "":
		if _, err := readPassword(f.storepassFile); err != nil {
			return err
		}
		t.storepass = []string{"-storepass:file", f.storepassFile}
	case os.Getenv(storepassVariable) != "": // others can read command lines, not the environment
		t.storepass = []string{"-storepass:env", storepassVariable}
	}
	if home := os.Getenv("JAVA_HOME"); home != "" {
		t.keytool = filepath.Join(home, "bin", "keytool")
	}
	if path, err := m.look(t.keytool); err == nil {
		t.cacerts = cacertsOf(path)
	}
	t.nssdbs = f.nssdbs
	if t.nssdbs == nil {
		t.nssdbs = nssDatabases()
	}
	for i, db := range t.nssdbs {
		if abs, err := filepath.Abs(db); err == nil {
			t.nssdbs[i] = abs
		}
	}
	return nil
}

// cacertsOf is the trust store of the JDK, or JRE of before Java 9, that a
// keytool belongs to.
func cacertsOf(keytool string) string {
	path, err := filepath.EvalSymlinks(keytool)
	if err != nil {
		return ""
	}
	home := filepath.Dir(filepath.Dir(path))
	for _, lib := range []string{"lib", "jre/lib"} {
		if file := filepath.Join(home, lib, "security", "cacerts"); exists(file) {
			return file
		}
	}
	return ""
}

func usualNSS() string {
	home, err := os.UserHomeDir()
	if err != nil {
		home = "~"
	}
	return filepath.Join(home, ".pki", "nssdb")
}

// nssDatabases are the folders of Chromium's database and of Firefox's profiles.
func nssDatabases() []string {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil
	}
	var all []string
	for _, pattern := range []string{
		".pki/nssdb", ".mozilla/firefox/*", "snap/firefox/common/.mozilla/firefox/*", "snap/chromium/current/.pki/nssdb",
		"Library/Application Support/Firefox/Profiles/*",
	} {
		found, _ := filepath.Glob(filepath.Join(home, pattern, "cert9.db")) // only a bad pattern errs
		for _, db := range found {
			all = append(all, filepath.Dir(db))
		}
	}
	return all
}

// found are the platforms of this machine.
func (t target) found(f trustFlags, m machine) []string {
	var names []string
	has := func(tool string) bool { _, err := m.look(tool); return err == nil }
	switch {
	case m.system == "darwin":
		names = append(names, "macos")
	case m.system == "windows":
		names = append(names, "windows")
	case has("update-ca-certificates"):
		names = append(names, "debian")
	case has("update-ca-trust"):
		names = append(names, "fedora")
	}
	if has(t.keytool) {
		names = append(names, "java")
	}
	if len(t.nssdbs) > 0 {
		names = append(names, "nss")
	}
	return names
}

func (a *app) printSteps(s store) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", s.platform, s.title)
	for _, part := range []struct {
		what     string
		commands []command
	}{{"trust it", s.install}, {"take it back", s.uninstall}} {
		fmt.Fprintf(&b, "  %s:\n", part.what)
		for _, c := range part.commands {
			fmt.Fprintf(&b, "    %s\n", s.line(c))
		}
	}
	for _, note := range s.notes {
		fmt.Fprintf(&b, "  %s\n", note)
	}
	_, err := fmt.Fprintln(a.stdout, b.String())
	return err
}

// line is a command as its platform's shell takes it.
func (s store) line(c command) string {
	words := make([]string, len(c))
	for i, word := range c {
		switch {
		case s.system != "windows":
			words[i] = shellQuote(word)
		case strings.ContainsAny(word, " &()^%"):
			words[i] = `"` + word + `"`
		default:
			words[i] = word
		}
	}
	if s.root {
		words = append([]string{"sudo"}, words...)
	}
	return strings.Join(words, " ")
}

// change installs into a store or uninstalls from it, unless it is so already.
func (a *app) change(ctx context.Context, s store, f trustFlags, m machine) error {
	if err := s.check(m); err != nil {
		if errors.Is(err, errNeedsRoot) {
			return hint(err, "run it as root, with this authority: %s", rerun(s, f, true))
		}
		return err
	}
	had, err := s.has(ctx, m)
	if err != nil {
		return err
	}
	did, already, steps := "trusted now in", "trusted already in", s.install
	if f.uninstall {
		did, already, steps = "no longer trusted in", "nothing to take back in", s.uninstall
	}
	if had == f.install {
		_, err := fmt.Fprintf(a.stdout, "%s: %s %s\n", s.platform, already, s.where)
		return err
	}
	if err := s.runAll(ctx, m, steps); err != nil {
		if f.install && len(steps) > 1 { // all or nothing
			if back := s.runAll(ctx, m, s.uninstall); back != nil {
				return errors.Join(err, fmt.Errorf("taking it back: %w", back))
			}
			return fmt.Errorf("%w; what was done was taken back", err)
		}
		return err
	}
	has, err := s.has(ctx, m)
	if err == nil && has != f.install {
		err = fmt.Errorf("%s said it did so, and %s is as it was", s.tool, s.where)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "%s: %s %s\n", s.platform, did, s.where)
	if err == nil && f.install {
		_, err = fmt.Fprintf(a.stdout, "  take it back with: %s\n", strings.Replace(rerun(s, f, m.root && (s.root || s.platform == "java" && f.keystore == "")), " --install", " --uninstall", 1))
	}
	return err
}

// check says what keeps the store from being changed on this machine.
func (s store) check(m machine) error {
	if s.system != "" && s.system != m.system {
		return fmt.Errorf("this is %s, where the steps are of no use: without --install they are printed", m.system)
	}
	if s.platform == "nss" && m.system == "windows" {
		return errors.New("on Windows Firefox trusts what the system trusts: umtape ca trust windows")
	}
	if _, err := m.look(s.tool); err != nil {
		err := fmt.Errorf("%s is not installed", s.tool)
		if s.packages == "" {
			return err
		}
		return hint(err, "install the package %s, or print the steps for another machine without --install", s.packages)
	}
	if s.root && !m.root {
		return errNeedsRoot
	}
	if s.ready != nil {
		return s.ready()
	}
	return nil
}

func (s store) runAll(ctx context.Context, m machine, commands []command) error {
	for _, c := range commands {
		if out, err := m.run(ctx, c); err != nil {
			return toolError(c[0], out, err)
		}
	}
	return nil
}

// rerun is the command line that does the same to one store, from any folder.
func rerun(s store, f trustFlags, sudo bool) string {
	line := "umtape"
	if sudo {
		line = "sudo umtape"
		if program, err := os.Executable(); err == nil { // root's PATH may lack it
			line = "sudo " + shellQuote(program)
		}
	}
	line += " ca trust " + s.platform
	if f.install {
		line += " --install"
	} else {
		line += " --uninstall"
	}
	if dir, err := caDir(f.dir); err == nil && (f.dir != "" || sudo) {
		if abs, err := filepath.Abs(dir); err == nil {
			dir = abs
		}
		line += flagsOf("--ca-dir", []string{dir})
	}
	switch s.platform {
	case "java":
		if f.keystore != "" {
			line += flagsOf("--keystore", []string{f.keystore})
		}
		if f.storepassFile != "" {
			line += flagsOf("--storepass-file", []string{f.storepassFile})
		}
	case "nss":
		line += flagsOf("--nssdb", []string{s.where})
	}
	return line
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
