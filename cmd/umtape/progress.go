package main

import (
	"fmt"
	"time"
)

// progress tells, on a terminal, how far work has come that takes longer than a
// second. What it writes is gone when the work is done.
type progress struct {
	app  *app
	what string
	next time.Time // when to tell next; zero if there is nobody to tell
	told bool
}

// tellAfter is how long work may take before it is told of, and tellEvery how often
// that is.
const (
	tellAfter = time.Second
	tellEvery = 200 * time.Millisecond
)

// progress begins to tell of work; quiet if what it brings is being written to the
// same terminal.
func (a *app) progress(what string, quiet bool) *progress {
	p := &progress{app: a, what: what}
	if isTerminal(a.stderr) && !quiet {
		p.next = time.Now().Add(tellAfter)
	}
	return p
}

// step says how much of it is done.
func (p *progress) step(done, total int64) {
	if p.next.IsZero() || total <= 0 {
		return
	}
	if now := time.Now(); now.After(p.next) {
		p.next, p.told = now.Add(tellEvery), true
		fmt.Fprintf(p.app.stderr, "\r\x1b[Kumtape: %s: %d %% of %d MiB", p.what, min(done, total)*100/total, total>>20)
	}
}

// done takes away what was told.
func (p *progress) done() {
	if p.told {
		fmt.Fprint(p.app.stderr, "\r\x1b[K")
	}
	p.told = false
}

// waiting tells of work that has no steps, if it takes longer than a second. The
// function that it returns ends it.
func (a *app) waiting(what string) (done func()) {
	if !isTerminal(a.stderr) {
		return func() {}
	}
	told := make(chan bool, 1)
	timer := time.AfterFunc(tellAfter, func() {
		fmt.Fprintf(a.stderr, "\r\x1b[Kumtape: %s ...", what)
		told <- true
	})
	return func() {
		if !timer.Stop() {
			<-told
			fmt.Fprint(a.stderr, "\r\x1b[K")
		}
	}
}
