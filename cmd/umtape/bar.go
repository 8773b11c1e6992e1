package main

import (
	"time"

	"github.com/schollz/progressbar/v3"
)

// bar is a bar on standard error while something long is done, when that is a
// terminal.
type bar struct {
	app   *app
	what  string
	began time.Time
	shown *progressbar.ProgressBar // nil as long as it has not been long
}

// barAfter is how long something takes before there is a bar.
const barAfter = 500 * time.Millisecond

func (a *app) bar(what string) *bar {
	return &bar{app: a, what: what, began: time.Now()}
}

// at says how many bytes of how many are done.
func (p *bar) at(done, size int64) {
	if p.shown == nil {
		if time.Since(p.began) < barAfter || !isTerminal(p.app.stderr) {
			return
		}
		p.shown = progressbar.NewOptions64(size,
			progressbar.OptionSetWriter(p.app.stderr),
			progressbar.OptionSetDescription(p.what),
			progressbar.OptionShowBytes(true),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionFullWidth(),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
		)
	}
	_ = p.shown.Set64(done)
}

// end takes the bar away.
func (p *bar) end() {
	if p.shown != nil {
		_ = p.shown.Finish()
	}
}
