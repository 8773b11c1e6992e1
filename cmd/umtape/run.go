package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// The exit codes of every command.
const (
	exitDone   = 0
	exitFailed = 1 // something failed, or was found
	exitMisuse = 2 // the command line makes no sense
)

// app is one run of the program: its streams and what commands share.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	started        bool // a command has begun; errors before that are misuse
}

// run is the program. It returns the exit code; ctx ends the long-running
// commands, cleanly.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr}
	// net/http's own log line for bytes that nobody asked for quotes them.
	log.SetOutput(io.Discard)
	root := a.root()
	if len(args) > 0 && args[0] == cobra.ShellCompRequestCmd {
		plainUsage(root)
	}
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errFound):
		return exitFailed
	}
	code := exitFailed
	var exit *exitError
	if errors.As(err, &exit) {
		code = exit.code
		if exit.err == nil {
			return code
		}
	}
	var misuse *misuseError
	wrong := errors.As(err, &misuse) || !a.started
	fmt.Fprintf(stderr, "umtape: error: %s\n", oneLine(err))
	var hinted *hintedError
	if errors.As(err, &hinted) {
		fmt.Fprintf(stderr, "umtape: hint: %s\n", hinted.hint)
	}
	if errors.As(err, new(*troubleError)) {
		return exitMisuse
	}
	if wrong {
		fmt.Fprintf(stderr, "umtape: hint: see `%s --help`\n", commandOf(root, args))
		return exitMisuse
	}
	return code
}

func commandOf(root *cobra.Command, args []string) string {
	if c, _, err := root.Find(args); err == nil {
		return c.CommandPath()
	}
	return root.Name()
}

// errFound says that a command has printed what it found, and that finding it
// is exit 1. Nothing more is printed.
var errFound = errors.New("found")

// exitError is an exit code that is not ours to choose, that of a command which
// exec has run, and what there is to say besides.
type exitError struct {
	code int
	err  error // nil if the command has said it all
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// misuseError is a command line that makes no sense.
type misuseError struct{ err error }

func (e *misuseError) Error() string { return e.err.Error() }
func (e *misuseError) Unwrap() error { return e.err }

func misuse(format string, args ...any) error {
	return &misuseError{err: fmt.Errorf(format, args...)}
}

// troubleError is a failure of a command that says by exit 1 what it has found, as
// diff(1) does: it is exit 2.
type troubleError struct{ err error }

func (e *troubleError) Error() string { return e.err.Error() }
func (e *troubleError) Unwrap() error { return e.err }

func trouble(err error) error {
	if err == nil || errors.Is(err, errFound) {
		return err
	}
	return &troubleError{err: err}
}

// hintedError is an error with what to do about it.
type hintedError struct {
	err  error
	hint string
}

func (e *hintedError) Error() string { return e.err.Error() }
func (e *hintedError) Unwrap() error { return e.err }

func hint(err error, format string, args ...any) error {
	return &hintedError{err: err, hint: fmt.Sprintf(format, args...)}
}

// oneLine is an error's text on one line: joined errors, and cobra's suggestions; and
// in words for people what flag packages say in theirs.
func oneLine(err error) string {
	var number *strconv.NumError
	if errors.As(err, &number) {
		err = errors.New(strings.Replace(err.Error(), number.Error(), strconv.Quote(number.Num)+" is not a number", 1))
	}
	if m := excluding.FindStringSubmatch(err.Error()); m != nil {
		err = errors.New("--" + strings.Join(strings.Fields(m[1]), " and --") + " exclude each other: give one of them")
	}
	text := strings.TrimSpace(strings.Replace(err.Error(), "\n\nDid you mean this?\n\t", "; did you mean ", 1))
	return strings.Join(strings.Fields(strings.ReplaceAll(text, "\n", "; ")), " ")
}

// excluding is what cobra says of flags of which one may be given.
var excluding = regexp.MustCompile(`^if any flags in the group \[.*\] are set none of the others can be; \[(.+)\] were all set$`)

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "umtape",
		Short: "Record, replay, validate and inspect SOAP traffic with Exchange Unified Messaging servers",
		Long: `umtape is a forwarding proxy between a SOAP client and an Exchange Unified
Messaging (UM) server. It records real traffic to cassettes, replays it offline,
validates it against the protocol, and shows what was said.`,
		Example: `  umtape demo
  umtape record calls.yaml
  umtape replay calls.yaml
  umtape exec replay calls.yaml -- npm test
  umtape validate calls.yaml
  umtape inspect calls.yaml`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetHelpCommand(a.helpCommand())
	root.CompletionOptions.DisableDefaultCmd = true // ours says how
	root.SetUsageTemplate(root.UsageTemplate() + "{{if not .HasParent}}\nTopics, for `umtape help TOPIC`:\n" + topicList() + "{{end}}")
	root.AddCommand(
		a.demoCommand(), a.recordCommand(), a.replayCommand(), a.validateCommand(), a.inspectCommand(),
		a.execCommand(), a.recoverCommand(), a.diffCommand(), a.auditCommand(), a.scrubCommand(), a.mergeCommand(), a.sortCommand(), a.pruneCommand(), a.splitCommand(), a.upgradeCommand(), a.exportCommand(), a.importCommand(), a.uiCommand(), a.serveCommand(), a.caCommand(), a.versionCommand(), a.completionCommand(), a.manCommand(),
	)
	setCompletions(root)
	return root
}

// begin wraps a command's function so that errors from here on are failures,
// and no longer misuse.
func (a *app) begin(f func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.started = true
		if end, ok := cmd.Context().Value(endAtOnce{}).(func()); ok && !endsCleanly(cmd) {
			defer context.AfterFunc(cmd.Context(), end)()
		}
		return f(cmd, args)
	}
}

// cassetteArgs asks for one cassette, or with many for at least one.
func cassetteArgs(many bool) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return fmt.Errorf("name a cassette, such as `%s calls.yaml`", cmd.CommandPath())
		case len(args) > 1 && !many:
			return fmt.Errorf("%s takes one cassette; %d were named", cmd.CommandPath(), len(args))
		case slices.Contains(args, ""):
			return errors.New("the name of a cassette is empty")
		}
		return nil
	}
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no arguments; %q was given", cmd.CommandPath(), args[0])
	}
	return nil
}

// say writes one line of progress to stderr.
func (a *app) say(format string, args ...any) {
	fmt.Fprintf(a.stderr, "umtape: "+format+"\n", args...)
}
