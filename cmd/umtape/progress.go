package main

import (
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress is a bar on standard error while something long is done, when that is a
// terminal.
type progress struct {
	app   *app
	what  string
	began time.Time
	bar   *progressbar.ProgressBar // nil as long as it has not been long
}

// barAfter is how long something takes before there is a bar.
const barAfter = 500 * time.Millisecond

func (a *app) progress(what string) *progress {
	return &progress{app: a, what: what, began: time.Now()}
}

// at says how many bytes of how many are done.
func (p *progress) at(done, size int64) {
	if p.bar == nil {
		if time.Since(p.began) < barAfter || !isTerminal(p.app.stderr) {
			return
		}
		p.bar = progressbar.NewOptions64(size,
			progressbar.OptionSetWriter(p.app.stderr),
			progressbar.OptionSetDescription(p.what),
			progressbar.OptionShowBytes(true),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionFullWidth(),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
		)
	}
	_ = p.bar.Set64(done)
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
