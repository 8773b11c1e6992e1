package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"

	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/proxy"
	"github.com/umtape/umtape/proxy/clientenv"
)

// ran is how a command went that exec has run.
type ran struct {
	name string // "" if it was not begun
	code int
	err  error // why it was not begun
}

func (r ran) began() bool { return r.name != "" }

// result is what exec returns: the command's exit code, and what went wrong
// besides.
func (r ran) result(err error) error {
	if err = errors.Join(r.err, err); r.code == exitDone {
		return err
	}
	return &exitError{r.code, err}
}

// runBehind runs a command in an environment that leads it to umtape.
func (a *app) runBehind(c *exec.Cmd, setup clientenv.Setup, signals *signalRelay) ran {
	dir, err := os.MkdirTemp("", "umtape-exec-")
	if err != nil {
		return ran{code: exitFailed, err: hint(fmt.Errorf("no folder for the certificates that the command is to trust: %w", err), "set TMPDIR to a folder that can be written")}
	}
	defer os.RemoveAll(dir)
	if c.Env, err = setup.Environ(os.Environ(), dir); err != nil {
		return ran{code: exitFailed, err: err}
	}
	c.Stdin, c.Stdout, c.Stderr = a.stdin, a.stdout, a.stderr
	if code, came := signals.pending(); came {
		return ran{code: code, err: errors.New("a signal came before the command was begun")}
	}
	if err := c.Start(); err != nil {
		return ran{code: exitCannotRun, err: notStarted(c, err)}
	}
	done := signals.relay(c.Process)
	err = c.Wait()
	done()
	r := ran{name: report.Printable(c.Args[0]), code: c.ProcessState.ExitCode()}
	if n, name := killedBy(c.ProcessState); n > 0 {
		r.code = 128 + n
		a.say("%s was ended by signal %d (%s)", r.name, n, name)
	} else if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		r.code, r.err = exitFailed, err
	}
	return r
}

// reportTo is where the report of a run goes: beside what the command said,
// marked as ours, and nowhere if there was no run.
func (a *app) reportTo(r ran) io.Writer {
	if !r.began() {
		return io.Discard
	}
	return sayer{a}
}

// sayer says what is written to it, whole lines at a time.
type sayer struct{ app *app }

func (s sayer) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		s.app.say("%s", strings.TrimSuffix(line, "\n"))
	}
	return len(p), nil
}

// sayNobodyCame tells who wonders that the command went some other way, or went back
// without a request.
func (a *app) sayNobodyCame(r ran, server *proxy.Server, mode string) {
	switch stats := server.Stats(); {
	case !r.began():
	case stats.Accepted == 0:
		a.say("%s never came to umtape; `umtape exec %s --help` says which clients need more than variables", r.name, mode)
	case stats.Accepted == stats.Silent:
		a.say("%s came to umtape and sent no request: it may not trust umtape's authority, whose certificate is the file $UMTAPE_CA; `umtape help clients` has the lines for each client", r.name)
	}
}

// The exit codes of commands that could not be run, as shells have them.
const (
	exitCannotRun = 126
	exitNotFound  = 127
)

// findCommand finds the program before anything is begun.
func findCommand(args []string) (*exec.Cmd, error) {
	name := report.Printable(args[0])
	_, err := exec.LookPath(args[0])
	switch {
	case err == nil:
		return exec.Command(args[0], args[1:]...), nil
	case errors.Is(err, exec.ErrDot):
		return nil, &exitError{exitNotFound, fmt.Errorf("there is a command %s in this folder only; if it is meant, say .%c%[1]s", name, os.PathSeparator)}
	case errors.Is(err, exec.ErrNotFound) && !strings.ContainsAny(name, `/\`):
		return nil, &exitError{exitNotFound, fmt.Errorf("there is no command %q in the folders of PATH", name)}
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, exec.ErrNotFound):
		return nil, &exitError{exitNotFound, fmt.Errorf("there is no command %s", name)}
	}
	if info, look := os.Stat(args[0]); look == nil && info.IsDir() {
		return nil, &exitError{exitCannotRun, fmt.Errorf("%s is a folder, not a command", name)}
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, &exitError{exitCannotRun, hint(fmt.Errorf("%s cannot be run: it is not executable", name), "chmod +x it, or name what runs it: -- sh %s", shellQuote(name))}
	}
	return nil, &exitError{exitCannotRun, fmt.Errorf("%s cannot be run: %w", name, bareExec(err))}
}

// bareExec is err without the name of the program, which the caller says.
func bareExec(err error) error {
	var at *exec.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return err
}

// notStarted is what kept a program that was found from running.
func notStarted(c *exec.Cmd, err error) error {
	name := report.Printable(c.Args[0])
	switch {
	case errors.Is(err, errFormat):
		return hint(fmt.Errorf("%s is neither a program of this system nor a script with #! in its first line", name), "name what runs it: -- sh %s", shellQuote(name))
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s cannot be run: its first line, behind #!, names a program that is missing", name)
	}
	return fmt.Errorf("%s cannot be run: %w", name, bareExec(err))
}
