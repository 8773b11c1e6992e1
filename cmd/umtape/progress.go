package main

import (
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/umtape/umtape/inspect"
)

// tellAfter is how long work may take before it is told of, and tellEvery how often
// that is.
const (
	tellAfter = 500 * time.Millisecond
	tellEvery = 100 * time.Millisecond
)

// progress tells on standard error, when that is a terminal, how far work has come
// that takes long. What it shows is gone when the work is done.
type progress struct {
	options []progressbar.Option
	from    time.Time                // when to begin to tell; zero if there is nobody to tell
	bar     *progressbar.ProgressBar // nil until then
}

// progress begins to tell of work on the bytes of a file; quiet if what it brings is
// being written to the same terminal.
func (a *app) progress(what string, quiet bool) *progress {
	return a.tell(what, quiet, progressbar.OptionShowBytes(true))
}

// besides is how many columns a line has for all but what is being done.
const besides = 50

func (a *app) tell(what string, quiet bool, options ...progressbar.Option) *progress {
	if quiet || !isTerminal(a.stderr) {
		return &progress{}
	}
	return &progress{from: time.Now().Add(tellAfter), options: append(options,
		progressbar.OptionSetWriter(a.stderr),
		progressbar.OptionSetDescription(inspect.Shorten(what, max(terminalWidth(a.stderr)-besides, 20))),
		progressbar.OptionFullWidth(),
		progressbar.OptionThrottle(tellEvery),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionClearOnFinish(),
	)}
}

// due reports whether it is time to tell of work that has so many steps.
func (p *progress) due(total int64) bool {
	if p.bar == nil && !p.from.IsZero() && time.Now().After(p.from) {
		p.bar = progressbar.NewOptions64(total, p.options...)
	}
	return p.bar != nil
}

// step says how much of it is done.
func (p *progress) step(done, total int64) {
	if p.due(total) {
		_ = p.bar.Set64(min(done, total)) // a file may have grown
	}
}

// done takes away what was shown.
func (p *progress) done() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}

// waiting tells of work that has no steps. The function that it returns ends it.
func (a *app) waiting(what string) (done func()) {
	p := a.tell(what, false, progressbar.OptionSpinnerType(14), progressbar.OptionSetSpinnerChangeInterval(0))
	if p.from.IsZero() {
		return func() {}
	}
	end := make(chan struct{})
	var telling sync.WaitGroup
	telling.Go(func() {
		defer p.done()
		tick := time.NewTicker(tellEvery)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
				if p.due(-1) {
					_ = p.bar.RenderBlank() // or it would wait for a step
				}
			}
		}
	})
	return func() {
		close(end)
		telling.Wait()
	}
}
