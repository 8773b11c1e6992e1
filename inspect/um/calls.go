package um

import (
	"fmt"
	"iter"
	"slices"

	"github.com/umtape/umtape/inspect"
)

// CallFinding is a finding about the part that one exchange has in a call, and the
// spot that it is at.
type CallFinding struct {
	At   inspect.Moment
	Spot inspect.Spot
	inspect.Finding
}

// CheckCalls lists what is odd with calls over time (protocol reference, sections
// 3.1 and 3.2). What a server answers to a use after the end is not documented, so
// such a use is worth a note and its answer is no finding. There may be one for each
// of very many calls, so they come one by one.
func CheckCalls(calls []inspect.Call) iter.Seq[CallFinding] {
	return func(yield func(CallFinding) bool) {
		for _, c := range calls {
			for _, f := range checkCall(c) {
				if !yield(f) {
					return
				}
			}
		}
	}
}

func checkCall(c inspect.Call) (found []CallFinding) {
	add := func(rule inspect.Rule, at int, spot inspect.Spot, format string, args ...any) {
		m := c.Moments[at]
		found = append(found, CallFinding{m, spot, spot.Find(rule, m.Operation+fmt.Sprintf(format, args...))})
	}
	if c.FromNowhere() {
		add(ruleNoStart, 0, c.Moments[0].Named, " uses a call that nothing in the cassettes started")
	}
	for _, i := range c.Late {
		if slices.Contains(c.Back, i) {
			continue // what it shows is the finding
		}
		add(ruleUsedAfterEnd, i, c.Moments[i].Named, " uses a call that %s %s", interaction(c.Moments[c.End], c.Moments[i]), endOf(c.Moments[c.End]))
	}
	for _, i := range c.Back {
		add(ruleCameBack, i, c.Moments[i].Shown, " shows the state of a call as another than Disconnected, which it was before")
	}
	if c.Open() {
		add(ruleLeftOpen, c.Start, c.Moments[c.Start].Named, " starts a call that nothing in the cassettes ends")
	}
	return found
}

// interaction names one beside another, by its cassette if that is not the same.
func interaction(m, beside inspect.Moment) string {
	if m.File != beside.File {
		return fmt.Sprintf("%s#%d", m.File, m.ID)
	}
	return fmt.Sprintf("interaction %d", m.ID)
}

func endOf(m inspect.Moment) string {
	if m.Over {
		return "shows as Disconnected"
	}
	return "ended"
}
