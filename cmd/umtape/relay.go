package main

import (
	"os"
	"os/signal"
	"slices"
)

// signalRelay hands the signals that exec gets on to its command.
type signalRelay struct {
	got chan os.Signal
}

// ignored are the signals that whoever started umtape had it ignore, as nohup
// does, and a shell for what it runs in the background. Found out before main
// asks for any, which ends the ignoring.
var ignored = func() (list []os.Signal) {
	for _, s := range relayed {
		if signal.Ignored(s) {
			list = append(list, s)
		}
	}
	return list
}()

// takeSignals has signals go to the command that is about to be run, and to
// nobody else. What was ignored at the start stays so, for the command as well.
func takeSignals() *signalRelay {
	r := &signalRelay{got: make(chan os.Signal, 16)}
	wanted := slices.DeleteFunc(slices.Clone(relayed), func(s os.Signal) bool { return slices.Contains(ignored, s) })
	if len(ignored) > 0 {
		signal.Ignore(ignored...)
	}
	signal.Notify(r.got, wanted...) // with none it would be all of them, but some are never ignored
	return r
}

func (r *signalRelay) leave() { signal.Stop(r.got) }

// pending reports whether a signal has come that ends a command, and the exit
// code of one that it has ended.
func (r *signalRelay) pending() (code int, came bool) {
	for {
		select {
		case s := <-r.got:
			if n := numberOf(s); n > 0 && slices.Contains(ending, s) {
				return 128 + n, true
			}
		default:
			return 0, false
		}
	}
}

// relay hands signals on to p until the function it returns is called.
func (r *signalRelay) relay(p *os.Process) (done func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case s := <-r.got:
				if !reaches(s) {
					p.Signal(s) // one that has just ended needs none
				}
			case <-stop:
				return
			}
		}
	}()
	return func() { close(stop); <-stopped }
}
