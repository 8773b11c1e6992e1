package um

import (
	"fmt"

	"github.com/umtape/umtape/inspect"
)

// CallFinding is a finding about the part that one exchange has in a call.
type CallFinding struct {
	At inspect.Moment
	inspect.Finding
}

// CheckCalls lists what is odd with calls over time (protocol reference, sections
// 3.1 and 3.2). What a server answers to a use after the end is not documented, so
// such a use is worth a note and its answer is no finding.
func CheckCalls(calls []inspect.Call) []CallFinding {
	var found []CallFinding
	for _, c := range calls {
		add := func(rule inspect.Rule, at int, format string, args ...any) {
			m := c.Moments[at]
			found = append(found, CallFinding{m, inspect.Finding{Rule: rule, Message: m.Operation + fmt.Sprintf(format, args...)}})
		}
		if c.FromNowhere() {
			add(ruleNoStart, 0, " uses a call that nothing in the cassettes started")
		}
		for _, i := range c.Late {
			add(ruleUsedAfterEnd, i, " uses a call that %s %s", interaction(c.Moments[c.End], c.Moments[i]), endOf(c.Moments[c.End]))
		}
		for _, i := range c.Back {
			add(ruleCameBack, i, " shows the state of a call as another than Disconnected, which it was before")
		}
		if c.Open() {
			add(ruleLeftOpen, c.Start, " starts a call that nothing in the cassettes ends")
		}
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
