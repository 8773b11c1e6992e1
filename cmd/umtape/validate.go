package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
)

type validateFlags struct {
	asJSON, github bool
	rules, quiet   bool
	failOn, shapes string
	junit, sarif   string
	settings       ruleFlag
	maxAge         age
	color          colorFlag
	look           report.Look
	wsdl           wsdlFlags
	live           liveFlags
}

func (a *app) validateCommand() *cobra.Command {
	f := validateFlags{settings: ruleFlag{ruleSettings: ruleSettings{}}}
	cmd := &cobra.Command{
		Use:   "validate CASSETTE...",
		Short: "Check cassettes against the protocol",
		Long: `validate checks every interaction: envelope, namespace (the https:// spelling of
the documentation is recognised), SOAPAction against operation, the elements of
requests and responses, faults and HTTP status; and calls over time, across all
cassettes named. Each finding has a rule, a place (line and column in the
cassette), a reason, a fix and a source in the protocol reference; the first
finding of each rule says all of it. With --shapes it also holds every message,
of any service, to the shapes in a file.

With --wsdl it holds the messages of any service to its WSDL 1.1 and the XML Schemas
in it, in document/literal and rpc/literal style: operations, elements, attributes,
values, headers, faults (WSDL01 to WSDL14). What the WSDL imports comes from its
folder; nothing is fetched.

With --live it also asks the server at URL again, and finds where its answers have
another shape than the recorded ones. Only what is safe is sent: GetCallInfo,
GetUMProperties, IsUMEnabled, GetPhoneCallInformation, and what --resend names.
Each is sent twice, and what differs between the two answers, or among the recorded
ones, does not count. --dry-run lists what would be sent. --live-user logs in by
NTLM or, over https, Basic; --client-cert shows a certificate.

--rule sets a rule to another severity, or off; @FILE reads such settings from a
file, one on each line. --junit and --sarif write reports
for other programs beside what is printed, or instead of it if FILE is -.

It ends with 0 when nothing reaches --fail-on, 1 when something does, a cassette
cannot be read or a report cannot be written, 2 when the command line is wrong.`,
		Example: `  umtape validate calls.yaml
  umtape validate --fail-on warning --json calls.yaml
  umtape validate --rule UM033=off --rule UM012=error calls.yaml
  umtape validate --shapes shapes.yaml calls.yaml
  umtape validate --sarif umtape.sarif --junit umtape.xml recorded/
  umtape validate --github calls.yaml
  umtape validate --wsdl service.wsdl calls.yaml
  umtape validate --live https://um.example.com --dry-run calls.yaml
  umtape validate --live https://um.example.com --live-user 'VOICE\alice' --junit drift.xml calls.yaml
  umtape validate --rules`,
		Args: func(cmd *cobra.Command, args []string) error {
			if f.rules {
				return noArgs(cmd, args)
			}
			return cassetteArgs(true)(cmd, args)
		},
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			threshold, err := inspect.ParseSeverity(f.failOn)
			if err != nil {
				return misuse("--fail-on: %w", err)
			}
			paths, err := tapesIn(args)
			if err != nil {
				return err
			}
			if err := f.check(cmd, paths, threshold); err != nil {
				return err
			}
			if f.look.Color, err = f.color.on(a); err != nil {
				return err
			}
			if f.rules {
				return a.listRules(f.settings.ruleSettings, f.asJSON)
			}
			return a.validate(cmd.Context(), paths, threshold, f)
		}),
	}
	cmd.Flags().StringVar(&f.failOn, "fail-on", "error", "lowest `SEVERITY` that is a failure: error, warning or note")
	cmd.Flags().Var(&f.settings, "rule", "set a rule's severity, such as UM012=off, note, warning or error; @FILE has one a line; may be repeated")
	cmd.Flags().StringVar(&f.shapes, "shapes", "", "hold messages to the contract in `FILE`, which umtape inspect --shapes --output writes")
	cmd.Flags().Var(&f.maxAge, "max-age", "warn of cassettes that hold what was recorded longer ago, such as 90d, 12h, 2w")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&f.github, "github", false, "print annotations for GitHub Actions")
	cmd.Flags().StringVar(&f.junit, "junit", "", "write a JUnit report to `FILE`, a test case for each interaction; - is standard output")
	cmd.Flags().StringVar(&f.sarif, "sarif", "", "write SARIF 2.1.0 to `FILE`; - is standard output")
	cmd.Flags().BoolVar(&f.rules, "rules", false, "list the rules and end")
	f.wsdl.register(cmd)
	f.live.register(cmd)
	f.color.register(cmd)
	cmd.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "leave notes out")
	for name, complete := range map[string]cobra.CompletionFunc{
		"rule":    f.settings.complete,
		"fail-on": cobra.FixedCompletions([]string{"error", "warning", "note"}, cobra.ShellCompDirectiveNoFileComp),
	} {
		if err := cmd.RegisterFlagCompletionFunc(name, complete); err != nil {
			panic(err) // no such flag
		}
	}
	return cmd
}

// check says what is wrong with flags that make no sense together, before anything
// is read.
func (f *validateFlags) check(cmd *cobra.Command, cassettes []string, threshold inspect.Severity) error {
	if f.quiet && threshold == inspect.Note {
		return misuse("--quiet leaves the notes out that --fail-on note fails for: give one of them")
	}
	var toStdout []string
	for name, on := range map[string]bool{"--json": f.asJSON, "--github": f.github, "--junit -": f.junit == "-", "--sarif -": f.sarif == "-"} {
		if on {
			toStdout = append(toStdout, name)
		}
	}
	if slices.Sort(toStdout); len(toStdout) > 1 {
		return misuse("%s all print to standard output: give one of them, or the name of a file", strings.Join(toStdout, ", "))
	}
	for _, check := range []func(*cobra.Command) error{f.wsdl.check, f.live.check} {
		if err := check(cmd); err != nil {
			return err
		}
	}
	if f.rules && f.live.url != "" {
		return misuse("--rules lists rules and checks nothing; --live goes with a cassette")
	}
	if f.live.dryRun && (f.github || f.junit != "" || f.sarif != "") {
		return misuse("--dry-run asks nothing and finds nothing: leave --junit, --sarif and --github out")
	}
	if f.rules && f.github {
		return misuse("--rules lists rules and checks nothing; --github goes with a cassette")
	}
	for _, name := range []string{"shapes", "junit", "sarif"} {
		path := cmd.Flags().Lookup(name).Value.String()
		switch {
		case path == "" && cmd.Flags().Changed(name):
			return misuse("--%s names no file", name)
		case path != "" && f.rules:
			return misuse("--rules lists rules and checks nothing; --%s goes with a cassette", name)
		case path == "" || path == "-" || name == "shapes":
			continue
		case f.junit == f.sarif, oneFile(f.junit, f.sarif):
			return misuse("--junit and --sarif name the same file")
		}
		if err := spare(name, path, cassettes); err != nil {
			return err
		}
		if oneFile(path, f.shapes) {
			return misuse("--%s would write over the contract %s", name, f.shapes)
		}
		for _, file := range f.settings.files {
			if oneFile(path, file) {
				return misuse("--%s would write over the rules %s", name, file)
			}
		}
		if oneFile(path, f.wsdl.file) {
			return misuse("--%s would write over the WSDL %s", name, f.wsdl.file)
		}
	}
	return nil
}

func (a *app) validate(ctx context.Context, paths []string, threshold inspect.Severity, f validateFlags) error {
	v := report.Validation{Version: version, Rules: allRules(), Settings: f.settings.ruleSettings, FailOn: threshold}
	var err error
	if v.Dir, err = os.Getwd(); err != nil {
		return err
	}
	if root := os.Getenv("GITHUB_WORKSPACE"); filepath.IsAbs(root) {
		if rel, err := filepath.Rel(root, v.Dir); err == nil && filepath.IsLocal(rel) {
			v.Root = root
		}
	}
	c := checks{settings: f.settings.ruleSettings, quiet: f.quiet}
	if f.shapes != "" {
		if c.contract, err = cassettes.LoadContract(f.shapes); err != nil {
			return contractHint(err, f.shapes)
		}
	}
	if c.service, err = a.loadWSDL(f.wsdl); err != nil {
		return err
	}
	if f.maxAge > 0 {
		c.before = time.Now().Add(-time.Duration(f.maxAge))
	}
	if f.live.url != "" {
		if c.live, err = a.live(ctx, paths, f); err != nil || f.live.dryRun {
			return err
		}
	}
	var unread error // of the last one
	for _, path := range paths {
		if err := a.checkFile(&c, path); err != nil {
			c.unread(path, oneLine(err))
			unread = loadHint(err, path)
		}
	}
	v.Cassettes = c.done()
	if err := a.writeFindings(v, f); err != nil {
		return err
	}
	for _, r := range []struct {
		flag, path string
		write      func(io.Writer, report.Validation) error
	}{{"junit", f.junit, report.JUnit}, {"sarif", f.sarif, report.SARIF}} {
		if r.path == "" {
			continue
		}
		if err := a.writeReport(r.flag, r.path, func(w io.Writer) error { return r.write(w, v) }); err != nil {
			return err
		}
	}
	if list := v.Unread(); len(list) > 0 {
		for _, u := range list[:len(list)-1] {
			a.say("error: %s", u.Error)
		}
		return unread // the last one is run's to print
	}
	if v.Failed() {
		return errFound
	}
	return nil
}

// checkFile checks a cassette, unless it cannot be read.
func (a *app) checkFile(c *checks, path string) error {
	told := a.progress("checking "+report.Printable(path), false)
	defer told.done()
	return c.read(path, path, told.step)
}

func contractHint(err error, path string) error {
	if errors.Is(err, os.ErrNotExist) {
		return hint(err, "make it from a cassette that is as it should be: umtape inspect --shapes --output %s CASSETTE", path)
	}
	return err
}

// writeFindings prints what was found, unless a report takes its place.
func (a *app) writeFindings(v report.Validation, f validateFlags) error {
	switch {
	case f.junit == "-", f.sarif == "-":
		return nil
	case f.asJSON:
		return report.FindingsJSON(a.stdout, v)
	case f.github:
		if err := report.GitHub(a.stdout, v); err != nil {
			return err
		}
	default:
		if err := report.Findings(a.stdout, v.All(), f.look); err != nil {
			return err
		}
	}
	read := len(v.Cassettes) - len(v.Unread())
	if read == 0 {
		return nil
	}
	name := count(read, "cassette")
	if len(v.Cassettes) == 1 {
		name = report.Printable(v.Cassettes[0].File)
	}
	_, err := fmt.Fprintf(a.stdout, "%s: %s checked, %s\n", name, count(v.Checked(), "interaction"), report.CountOf(v.All()))
	return err
}
