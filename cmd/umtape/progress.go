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
	total   int64
	options []progressbar.Option
	from    time.Time                // when to begin to tell; zero if there is nobody to tell
	bar     *progressbar.ProgressBar // nil until then
}

// progress begins to tell of work that has so many steps; quiet if what it brings is
// being written to the same terminal.
func (a *app) progress(what string, total int, quiet bool) *progress {
	return a.tell(what, int64(total), quiet, progressbar.OptionShowCount())
}

// progressBytes begins to tell of work on bytes; [progress.at] says of how many.
func (a *app) progressBytes(what string) *progress {
	return a.tell(what, 0, false, progressbar.OptionShowBytes(true))
}

// restOfLine is how many columns there are beside what is being done.
const restOfLine = 50

func (a *app) tell(what string, total int64, quiet bool, options ...progressbar.Option) *progress {
	p := &progress{total: total}
	if quiet || !isTerminal(a.stderr) {
		return p
	}
	p.from = time.Now().Add(tellAfter)
	p.options = append(options,
		progressbar.OptionSetWriter(a.stderr),
		progressbar.OptionSetDescription(inspect.Shorten(what, max(terminalWidth(a.stderr)-restOfLine, 20))),
		progressbar.OptionFullWidth(),
		progressbar.OptionThrottle(tellEvery),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionClearOnFinish(),
	)
	return p
}

// due reports whether it is time to tell.
func (p *progress) due() bool {
	if p.bar == nil && !p.from.IsZero() && time.Now().After(p.from) {
		p.bar = progressbar.NewOptions64(p.total, p.options...)
	}
	return p.bar != nil
}

// step says that so many steps are done.
func (p *progress) step(n int) {
	if p.due() {
		_ = p.bar.Set(n)
	}
}

// at says how many bytes of how many are done.
func (p *progress) at(n, total int64) {
	p.total = total
	if p.due() {
		_ = p.bar.Set64(n)
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
	p := a.tell(what, -1, false, progressbar.OptionSpinnerType(14), progressbar.OptionSetSpinnerChangeInterval(0))
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
				if p.due() {
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
