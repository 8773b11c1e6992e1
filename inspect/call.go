package inspect

import (
	"slices"
	"time"
)

// Role is what an exchange does in the life of a phone call.
type Role int

const (
	NoRole Role = iota
	Starts      // its answer hands out the call's identifier
	Polls       // it asks how the call is
	Ends        // it asks for the call's end
)

// String returns "start", "poll", "end", or "" for none.
func (r Role) String() string { return [...]string{"", "start", "poll", "end"}[r] }

// Step is an exchange as a part of a call's life. A profile makes it of a
// [Reading]; it holds no part of the messages.
type Step struct {
	Role      Role
	Operation string
	Call      string // the call's identifier, verbatim; "" if there is none
	State     string // what the answer to a poll calls the call's state; "" if it does not
	Cause     string // and why it is in that state
	Over      bool   // State is one that a call does not leave

	// Refused says why the server did not do what it was asked to, in a word:
	// the kind of its fault or its response code. Unanswered says what there was
	// instead of an answer that can be read. At most one is set.
	Refused    string
	Unanswered string

	Named Spot // where the call's identifier is: in the request, in the answer of a start
	Shown Spot // where State is
}

// Done reports whether the server did what it was asked to.
func (s Step) Done() bool { return s.Refused == "" && s.Unanswered == "" }

// Moment is a step with its place in a cassette and in time.
type Moment struct {
	Step
	N       int // for whoever makes moments to know it again by; nothing else reads it
	File    string
	ID      int // of the interaction
	Line    int // 1-based in File; 0 if unknown
	Arrived time.Time
	Took    time.Duration
}

// answered is when the client knew.
func (m Moment) answered() time.Time { return m.Arrived.Add(m.Took) }

// Call is the life of one phone call, as far as cassettes show it. Its indexes
// are those of Moments, -1 or nil for none.
type Call struct {
	// ID is the identifier, verbatim. It is "" for an exchange that belongs to no
	// call: a start that was refused, or a request that names none. That is a
	// Call of one moment.
	ID string

	Moments []Moment // in order of arrival

	// Start handed the identifier out. Without one the identifier came from
	// nowhere, or from before the recording.
	Start int

	// End is what ended the call, or the first poll that showed it ended.
	End int

	// Late are the uses of the identifier after the end: whatever asks for the end
	// once more, and polls after one of them was told that the call is over. A
	// poll after an accepted Disconnect is none, since that is how a client learns
	// whether it is done.
	Late []int

	// Back are the polls that show another state after one that a call does not
	// leave.
	Back []int
}

// Open reports whether the call was started and nothing shows that it ended.
func (c Call) Open() bool { return c.Start >= 0 && c.End < 0 }

// FromNowhere reports whether the identifier is used and nothing handed it out.
func (c Call) FromNowhere() bool { return c.ID != "" && c.Start < 0 }

// Polls is how often the call was asked for its state.
func (c Call) Polls() int {
	n := 0
	for _, m := range c.Moments {
		if m.Role == Polls {
			n++
		}
	}
	return n
}

// Between is the shortest, mean and longest time from one poll's arrival to the
// next one's; ok is false if there are not two whose times are known.
func (c Call) Between() (shortest, mean, longest time.Duration, ok bool) {
	var first, last time.Time
	n := 0
	for _, m := range c.Moments {
		if m.Role != Polls || m.Arrived.IsZero() {
			continue
		}
		if n == 0 {
			first = m.Arrived
		} else {
			gap := m.Arrived.Sub(last)
			if n == 1 || gap < shortest {
				shortest = gap
			}
			longest = max(longest, gap)
		}
		last = m.Arrived
		n++
	}
	if n < 2 {
		return 0, 0, 0, false
	}
	return shortest, last.Sub(first) / time.Duration(n-1), longest, true
}

// Lasted is the time from when the client had the identifier, or else from its
// first use, to the answer that ended the call, or else to the last one known of;
// ok is false if times are not known.
func (c Call) Lasted() (d time.Duration, ok bool) {
	from, to := c.Moments[0], c.Moments[len(c.Moments)-1]
	if c.End >= 0 {
		to = c.Moments[c.End]
	}
	if from.Arrived.IsZero() || to.Arrived.IsZero() || len(c.Moments) == 1 {
		return 0, false
	}
	begin := from.Arrived
	if c.Start >= 0 {
		begin = c.Moments[c.Start].answered()
	}
	return max(0, to.answered().Sub(begin)), true
}

// Shown is a state of a call and the first of the polls in a row that showed it.
type Shown struct {
	State string
	Cause string
	Index int // in Moments
}

// States lists the states that polls showed, each change once.
func (c Call) States() []Shown {
	var list []Shown
	for i, m := range c.Moments {
		if m.State == "" {
			continue
		}
		if n := len(list); n == 0 || list[n-1].State != m.State || list[n-1].Cause != m.Cause {
			list = append(list, Shown{m.State, m.Cause, i})
		}
	}
	return list
}

// CallsOf puts moments together to calls, in the order in which these began. The
// moments are in the order of their cassettes; those of several are put in order
// of arrival, as far as that is known. An identifier that is handed out once more
// is another call from there on. The calls are made of the slice itself, which has
// another order then, since there may be very many.
func CallsOf(moments []Moment) []Call {
	moments = byArrival(moments)
	var calls []Call
	to := make([]int, len(moments)) // the call of each, as an index in calls
	latest := map[string]int{}
	for i := range moments {
		m := &moments[i]
		at, known := latest[m.Call]
		begins := m.Role == Starts && m.Done()
		if m.Call == "" || !known || begins {
			at = len(calls)
			calls = append(calls, Call{ID: m.Call, Start: -1, End: -1})
			if m.Call != "" {
				latest[m.Call] = at
			}
		}
		if begins && m.Call != "" {
			calls[at].Start = 0
		}
		to[i] = at
	}
	gather(calls, moments, to)
	for i := range calls {
		if calls[i].ID != "" {
			calls[i].follow()
		}
	}
	return calls
}

// gather gives each call its part of moments, which it puts in that order. to has the
// call of each moment, and is used up.
func gather(calls []Call, moments []Moment, to []int) {
	next := make([]int, len(calls)+1) // where the next moment of each call goes
	for _, at := range to {
		next[at+1]++
	}
	for at := range calls {
		next[at+1] += next[at]
	}
	for at := range calls {
		calls[at].Moments = moments[next[at]:next[at+1]:next[at+1]]
	}
	for i, at := range to {
		to[i] = next[at]
		next[at]++
	}
	for i := range moments {
		for to[i] != i {
			j := to[i]
			moments[i], moments[j] = moments[j], moments[i]
			to[i], to[j] = to[j], j
		}
	}
}

// byArrival returns moments sorted by the time of their arrival; those given, if they
// are in that order, as those of one cassette mostly are. One whose time is not known
// stays behind the one before it in its cassette.
func byArrival(moments []Moment) []Moment {
	at := make([]time.Time, len(moments))
	for i, m := range moments {
		at[i] = m.Arrived
		if m.Arrived.IsZero() && i > 0 && moments[i-1].File == m.File {
			at[i] = at[i-1]
		}
	}
	if slices.IsSortedFunc(at, time.Time.Compare) {
		return moments
	}
	order := make([]int, len(moments))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return at[a].Compare(at[b]) })
	sorted := make([]Moment, len(moments))
	for i, from := range order {
		sorted[i] = moments[from]
	}
	return sorted
}

// follow finds the call's end and what came after it.
func (c *Call) follow() {
	over := -1 // the first poll that was told so
	for i, m := range c.Moments {
		switch {
		case c.End >= 0 && m.Role == Ends && c.after(i, c.End),
			over >= 0 && m.Role == Polls && c.after(i, over):
			c.Late = append(c.Late, i)
		}
		if over >= 0 && m.State != "" && !m.Over && c.after(i, over) {
			c.Back = append(c.Back, i)
		}
		if over < 0 && m.Over {
			over = i
		}
		if c.End < 0 && (m.Over || m.Role == Ends && m.Done()) {
			c.End = i
		}
	}
}

// after reports whether moment i was sent when the answer to moment j was known;
// one that crossed it on the way is no use after the end.
func (c *Call) after(i, j int) bool {
	a, b := c.Moments[i], c.Moments[j]
	if a.Arrived.IsZero() || b.Arrived.IsZero() {
		return i > j
	}
	return !a.Arrived.Before(b.answered())
}
