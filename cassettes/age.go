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
	Before  time.Time // what is older was recorded before that
	Again   time.Time // when all of them were confirmed, see HeaderMeta; zero for never
	Old     int       // how many are
	Oldest  time.Time // when the oldest of them was recorded; zero if there are none
	First   int       // the index of that one
	Unknown int       // how many do not say when they were recorded
	Of      int       // all
}

// RecordedBefore counts the interactions that were recorded before t.
func (c *Cassette) RecordedBefore(t time.Time) Aged {
	a := Aged{Before: t, Again: c.Header.Umtape.Confirmed}
	for n, i := range c.Interactions {
		a.Add(i, n)
	}
	return a
}

// Add counts an interaction, the n-th of its cassette. One that was confirmed later than
// it was recorded is as old as that.
func (a *Aged) Add(i *Interaction, n int) {
	a.Of++
	at := i.Recorded()
	if a.Again.After(at) {
		at = a.Again
	}
	switch {
	case at.IsZero():
		a.Unknown++
	case at.Before(a.Before):
		a.Old++
		a.older(at, n)
	}
}

func (a *Aged) older(at time.Time, n int) {
	if a.Oldest.IsZero() || at.Before(a.Oldest) {
		a.Oldest, a.First = at, n
	}
}

// Merge adds what was counted of other interactions of the cassette.
func (a *Aged) Merge(b Aged) {
	a.Of, a.Old, a.Unknown = a.Of+b.Of, a.Old+b.Old, a.Unknown+b.Unknown
	if b.Old > 0 {
		a.older(b.Oldest, b.First)
	}
}

// String is "3 of 4 interactions were recorded before 2026-08-26, the oldest on
// 2026-05-01"; with the time of day where the day is the same.
func (a Aged) String() string {
	layout := time.DateOnly
	if a.Old > 0 && a.Oldest.UTC().Format(layout) == a.Before.UTC().Format(layout) {
		layout = "2006-01-02 15:04:05 MST"
	}
	s := fmt.Sprintf("%d of %d interactions were recorded before %s", a.Old, a.Of, a.Before.UTC().Format(layout))
	if a.Old > 0 {
		s += ", the oldest on " + a.Oldest.UTC().Format(layout)
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
	return []Finding{{a.First, a.Find()}}
}

// Find makes a finding about the oldest interaction.
func (a Aged) Find() inspect.Finding {
	return inspect.Finding{Rule: ruleOld, Message: ruleOld.Summary + ": " + a.String()}
}
