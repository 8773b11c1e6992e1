// Command umtape records SOAP traffic between clients and Exchange Unified
// Messaging servers to cassettes, replays it offline, validates it and shows
// what was said. See README.md.
package main

import (
	"context"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), endSignals...)
	// After the first signal the second one kills the process, unless endServing
	// has it; what was answered is on tape by then.
	context.AfterFunc(ctx, stop)
	ctx = context.WithValue(ctx, endAtOnce{}, func() { os.Exit(exitSignal) })
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
