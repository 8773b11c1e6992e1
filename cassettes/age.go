package cassettes

import (
	"fmt"
	"net/http"
	"time"

	"github.com/umtape/umtape/inspect"
)

// Recorded returns when an interaction was recorded: when its request arrived, or, in
// a cassette written by others, what the answer's Date says; zero if nothing tells.
func (i *Interaction) Recorded() time.Time {
	if !i.Umtape.Arrived.IsZero() {
		return i.Umtape.Arrived
	}
	t, err := http.ParseTime(canonicalHeader(i.Response.Headers).Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// Aged tells how many interactions of a cassette are older than they may be.
type Aged struct {
	Old     int          // recorded before that
	Oldest  *Interaction // of those; nil if there are none
	Unknown int          // do not say when they were recorded
	Of      int          // all
}

// RecordedBefore counts the interactions that were recorded before t.
func (c *Cassette) RecordedBefore(t time.Time) Aged {
	a := Aged{Of: len(c.Interactions)}
	var oldest time.Time
	for _, i := range c.Interactions {
		switch at := i.Recorded(); {
		case at.IsZero():
			a.Unknown++
		case at.Before(t):
			if a.Old++; a.Oldest == nil || at.Before(oldest) {
				a.Oldest, oldest = i, at
			}
		}
	}
	return a
}

// String is "3 of 4 interactions were recorded before 2026-08-26, the oldest on
// 2026-05-01", for the t that was asked for.
func (a Aged) String(t time.Time) string {
	s := fmt.Sprintf("%d of %d interactions were recorded before %s", a.Old, a.Of, t.UTC().Format(time.DateOnly))
	if a.Oldest != nil {
		s += ", the oldest on " + a.Oldest.Recorded().Format(time.DateOnly)
	}
	if a.Unknown > 0 {
		s += fmt.Sprintf("; of %d it is not known", a.Unknown)
	}
	return s
}

// CheckAge finds whether a cassette holds what was recorded before t.
func CheckAge(c *Cassette, t time.Time) []Finding {
	a := c.RecordedBefore(t)
	if a.Old == 0 {
		return nil
	}
	return []Finding{{-1, a.Oldest.Line, inspect.Finding{Rule: ruleOld, Message: ruleOld.Summary + ": " + a.String(t)}}}
}
