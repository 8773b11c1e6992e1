package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// endSignals end a long-running command: the first cleanly, the second at once.
var endSignals = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}

// exitSignal is the exit code of a command that a signal has ended and that had nothing
// to end cleanly, as a shell tells of Ctrl-C.
const exitSignal = 128 + 2

// endAtOnce is the key of a context's value, a func() that ends the process.
type endAtOnce struct{}

// endsCleanly says whether a command looks after its context. Others end at the first
// signal, whatever they wait for: what they write is in place as a whole or not at all.
func endsCleanly(cmd *cobra.Command) bool {
	switch cmd.Name() {
	case "demo", "record", "replay", "um", "ui", "trust":
		return true
	case "inspect":
		return cmd.Flags().Changed("watch")
	case "validate":
		return cmd.Flags().Changed("live")
	}
	return false
}

// grace is how long running exchanges may take to finish at the end.
const grace = 10 * time.Second

// errAgain is that of a command which a signal has ended while it was ending.
var errAgain = errors.New("a signal has ended it at once: exchanges that were still running were cut off")

// endServing ends a server by shutdown, which waits for running exchanges until
// its context ends and then cuts them off: after grace, or at the next signal.
// One after that, while what was recorded is put in order, kills the process.
func (a *app) endServing(shutdown func(context.Context) error) error {
	again, release := signal.NotifyContext(context.Background(), endSignals...)
	defer release()
	ctx, cancel := context.WithTimeout(again, grace)
	defer cancel()
	notice := time.AfterFunc(time.Second/2, func() {
		a.say("exchanges are still running; waiting for them, at most %s; Ctrl-C ends at once", grace)
	})
	defer notice.Stop()
	err := shutdown(ctx)
	switch {
	case err == nil:
		return nil
	case again.Err() != nil:
		return errAgain
	case errors.Is(err, context.DeadlineExceeded):
		a.say("warning: exchanges still running after %s were cut off", grace)
		return nil
	}
	return err
}
