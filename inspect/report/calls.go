package report

import (
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/umtape/umtape/inspect"
)

// Calls writes calls as a table, one a line, and reports whether all of it was
// shown. Where that is too wide, what has room on no line goes below it.
func Calls(w io.Writer, calls []inspect.Call, look Look) (whole bool, err error) {
	if _, err := fmt.Fprintln(w, look.sentence(plain, summary(calls))); err != nil {
		return true, err
	}
	several := files(calls) > 1
	t := callTable(calls, several, true)
	if look.Width <= 0 || t.width(t.need) <= look.Width {
		return t.write(w, look)
	}
	t = callTable(calls, several, false)
	short := false
	t.below = func(row int) string {
		lines, whole := wrapped(calls[row], several, look)
		short = short || !whole
		return lines
	}
	whole, err = t.write(w, look)
	return whole && !short, err
}

// summary counts calls, and what is odd with them.
func summary(calls []inspect.Call) string {
	var n, open, nowhere, late, back int
	for _, c := range calls {
		if c.ID == "" {
			continue
		}
		n++
		if c.Open() {
			open++
		}
		if c.FromNowhere() {
			nowhere++
		}
		if len(c.Late) > 0 {
			late++
		}
		if len(c.Back) > 0 {
			back++
		}
	}
	text := plural(n, "call")
	for _, part := range []struct {
		n    int
		what string
	}{{open, "left open"}, {nowhere, "with no known start"}, {late, "used after the end"}, {back, "came back from it"}} {
		if part.n > 0 {
			text += fmt.Sprintf(", %d %s", part.n, part.what)
		}
	}
	return text + noCall(len(calls)-n)
}

// noCall counts requests that belong to no call.
func noCall(n int) string {
	if n == 0 {
		return ""
	}
	return "; " + plural(n, "request") + " of no call"
}

// callTable makes the table, with the columns that can be long, or without.
func callTable(calls []inspect.Call, several, long bool) *table {
	head := []string{"CALL", "SERVER", "BEGAN", "STARTED BY", "POLLS", "EVERY", "ENDED BY", "LASTED"}
	if long {
		head = append(head, "STATES", "REMARKS")
	}
	t := newTable([]give{{1, 12}, {2, 0}, {1, 0}, {0, 8}, {5, 0}, {6, 12}, {3, 12}, {6, 4}, {3, 4}}, head...)
	for _, c := range calls {
		id, server := decodedID(c.ID)
		lasted, every := "-", "-"
		if d, ok := c.Lasted(); ok {
			lasted = brief(d)
		}
		if _, mean, _, ok := c.Between(); ok {
			every = brief(mean)
		}
		row := []field{{text: cell(id), style: cyan}, {text: cell(server)}, {text: clock(c.Moments[0].Arrived), style: faint},
			{text: startWords(c, several)}, {text: strconv.Itoa(c.Polls()), right: true}, {text: every, right: true},
			{text: endWords(c, several)}, {text: lasted, right: true}}
		if long {
			row = append(row, field{text: cell(stateWords(c))}, field{text: cell(strings.Join(remarks(c, several), "; ")), style: yellow})
		}
		t.add(row...)
	}
	return t
}

// maxWrapped is how many lines of a terminal the states of a call take, and its
// remarks.
const maxWrapped = 8

// wrapped are the states and remarks of a call on lines of their own.
func wrapped(c inspect.Call, several bool, look Look) (lines string, whole bool) {
	var b strings.Builder
	whole = true
	write := func(how style, text string) {
		n := 0
		for line := range wrap(text, look.Width-4) {
			if n++; n > maxWrapped {
				line, whole = "…", false
			}
			line, all := cut(line, look.Width-4)
			whole = whole && all
			b.WriteString("    " + look.paint(how, line) + "\n")
			if n > maxWrapped {
				break
			}
		}
	}
	write(plain, stateWords(c))
	write(yellow, strings.Join(remarks(c, several), "; "))
	return b.String(), whole
}

// wrap breaks a text into lines of so many columns, where there is a space.
func wrap(text string, room int) iter.Seq[string] {
	return func(yield func(string) bool) {
		line := ""
		for _, word := range strings.Fields(text) {
			switch {
			case line == "":
				line = word
			case columns(line)+1+columns(word) <= room:
				line += " " + word
			default:
				if !yield(line) {
					return
				}
				line = word
			}
		}
		if line != "" {
			yield(line)
		}
	}
}

// brief is a duration in three digits, for what is compared and not measured.
func brief(d time.Duration) string {
	switch {
	case d == 0:
		return "0s"
	case d < time.Millisecond:
		return max(d, time.Microsecond).Round(time.Microsecond).String()
	case d < 10*time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

func decodedID(id string) (shown, server string) {
	if c, ok := inspect.DecodeCallID(id); ok {
		return c.GUID, c.Server
	}
	return id, ""
}

func files(calls []inspect.Call) int {
	seen := map[string]bool{}
	for _, c := range calls {
		for _, m := range c.Moments {
			seen[m.File] = true
		}
	}
	return len(seen)
}

// ref names a moment's interaction, with its cassette if there are several.
func ref(m inspect.Moment, several bool) string {
	if several {
		return Printable(fmt.Sprintf("%s#%d", m.File, m.ID))
	}
	return fmt.Sprintf("#%d", m.ID)
}

func startWords(c inspect.Call, several bool) string {
	if c.Start < 0 {
		return "-"
	}
	return named(c.Moments[c.Start], several)
}

func endWords(c inspect.Call, several bool) string {
	switch {
	case c.End < 0:
		return "-"
	case c.Moments[c.End].Role == inspect.Ends:
		return named(c.Moments[c.End], several)
	}
	return named(c.Moments[c.End], several) + " (seen)"
}

func named(m inspect.Moment, several bool) string { return ref(m, several) + " " + m.Operation }

// stateWords are the states with the time from the call's first moment to when
// they were first seen.
func stateWords(c inspect.Call) string {
	var list []string
	for _, s := range c.States() {
		words := Printable(s.State)
		if s.Cause != "" && s.Cause != "None" {
			words += " (" + Printable(s.Cause) + ")"
		}
		if at, ok := since(c, s.Index); ok {
			words += " +" + brief(at)
		}
		list = append(list, words)
	}
	return strings.Join(list, ", ")
}

// since is the time from the call's first moment to another.
func since(c inspect.Call, i int) (time.Duration, bool) {
	from, to := c.Moments[0].Arrived, c.Moments[i].Arrived
	return to.Sub(from), !from.IsZero() && !to.IsZero()
}

// remarks is what is odd about a call, in words.
func remarks(c inspect.Call, several bool) []string {
	first := c.Moments[0]
	if c.ID == "" {
		what := "names no call"
		if first.Role == inspect.Starts {
			what = "not started"
		}
		if why := outcome(first); why != "" {
			what += ", " + why
		}
		return []string{named(first, several) + " " + what}
	}
	var list []string
	refs := func(indexes []int) string {
		var names []string
		for _, i := range indexes {
			names = append(names, named(c.Moments[i], several))
		}
		return strings.Join(names, ", ")
	}
	if c.FromNowhere() {
		list = append(list, "no known start")
	}
	if c.Open() {
		list = append(list, "left open")
	}
	if len(c.Late) > 0 {
		list = append(list, "used after its end: "+refs(c.Late))
	}
	if len(c.Back) > 0 {
		list = append(list, "came back: "+refs(c.Back))
	}
	for _, m := range c.Moments {
		if why := outcome(m); why != "" {
			list = append(list, named(m, several)+" "+why)
		}
	}
	return list
}

// outcome says why the server did not do what it was asked to; "" if it did.
func outcome(m inspect.Moment) string {
	switch {
	case m.Refused != "":
		return "refused: " + Printable(m.Refused)
	case m.Unanswered != "":
		return "unanswered: " + Printable(m.Unanswered)
	}
	return ""
}

type lifeJSON struct {
	CallID    string        `json:"call_id"`
	Call      *callJSON     `json:"call,omitempty"`
	StartedBy *momentJSON   `json:"started_by,omitempty"`
	EndedBy   *momentJSON   `json:"ended_by,omitempty"`
	Open      bool          `json:"open"`
	Nowhere   bool          `json:"no_known_start"`
	LastedMS  *float64      `json:"lasted_ms,omitempty"`
	Polls     int           `json:"polls"`
	Between   *betweenJSON  `json:"between_polls,omitempty"`
	States    []stateJSON   `json:"states"`
	AfterEnd  []refJSON     `json:"used_after_end"`
	Back      []refJSON     `json:"came_back"`
	Moments   []*momentJSON `json:"moments"`
}

type betweenJSON struct {
	Shortest float64 `json:"shortest_ms"`
	Mean     float64 `json:"mean_ms"`
	Longest  float64 `json:"longest_ms"`
}

type stateJSON struct {
	State   string   `json:"state"`
	Cause   string   `json:"cause,omitempty"`
	SinceMS *float64 `json:"since_ms,omitempty"` // from the call's first moment
	refJSON
}

type refJSON struct {
	File        string `json:"file"`
	Interaction int    `json:"interaction"`
}

type momentJSON struct {
	refJSON
	Role       string     `json:"role"`
	Operation  string     `json:"operation"`
	Arrived    *time.Time `json:"arrived,omitempty"`
	SinceMS    *float64   `json:"since_ms,omitempty"` // from the call's first moment
	AfterMS    *float64   `json:"after_ms,omitempty"` // from the moment before
	DurationMS float64    `json:"duration_ms"`
	State      string     `json:"state,omitempty"`
	Cause      string     `json:"cause,omitempty"`
	Refused    string     `json:"refused,omitempty"`
	Unanswered string     `json:"unanswered,omitempty"`
}

// CallsJSON writes {"calls": [...], "requests_of_no_call": [...]}, the second of
// moments such as calls have.
func CallsJSON(w io.Writer, calls []inspect.Call) error {
	list := &jsonArray{w: w, key: "calls"}
	var others []*momentJSON
	for _, c := range calls {
		life := lifeOf(c)
		if c.ID == "" {
			others = append(others, life.Moments...)
			continue
		}
		if err := list.add(life); err != nil {
			return err
		}
	}
	list, err := list.then("requests_of_no_call")
	for n := 0; n < len(others) && err == nil; n++ {
		err = list.add(others[n])
	}
	if err != nil {
		return err
	}
	return list.close()
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func refOf(m inspect.Moment) refJSON { return refJSON{m.File, m.ID} }

func lifeOf(c inspect.Call) lifeJSON {
	j := lifeJSON{CallID: c.ID, Open: c.Open(), Nowhere: c.FromNowhere(), Polls: c.Polls(), States: []stateJSON{}, AfterEnd: []refJSON{}, Back: []refJSON{}}
	if id, ok := inspect.DecodeCallID(c.ID); ok {
		j.Call = &callJSON{id.GUID, id.Server}
	}
	if d, ok := c.Lasted(); ok {
		v := ms(d)
		j.LastedMS = &v
	}
	if shortest, mean, longest, ok := c.Between(); ok {
		j.Between = &betweenJSON{ms(shortest), ms(mean), ms(longest)}
	}
	for i, m := range c.Moments {
		mj := &momentJSON{refJSON: refOf(m), Role: m.Role.String(), Operation: m.Operation, DurationMS: ms(m.Took),
			State: m.State, Cause: m.Cause, Refused: m.Refused, Unanswered: m.Unanswered}
		if !m.Arrived.IsZero() {
			at := m.Arrived.UTC()
			mj.Arrived = &at
		}
		if d, ok := since(c, i); ok {
			v := ms(d)
			mj.SinceMS = &v
		}
		if i > 0 && !m.Arrived.IsZero() && !c.Moments[i-1].Arrived.IsZero() {
			v := ms(m.Arrived.Sub(c.Moments[i-1].Arrived))
			mj.AfterMS = &v
		}
		j.Moments = append(j.Moments, mj)
	}
	if c.Start >= 0 {
		j.StartedBy = j.Moments[c.Start]
	}
	if c.End >= 0 {
		j.EndedBy = j.Moments[c.End]
	}
	for _, s := range c.States() {
		j.States = append(j.States, stateJSON{s.State, s.Cause, j.Moments[s.Index].SinceMS, refOf(c.Moments[s.Index])})
	}
	for _, i := range c.Late {
		j.AfterEnd = append(j.AfterEnd, refOf(c.Moments[i]))
	}
	for _, i := range c.Back {
		j.Back = append(j.Back, refOf(c.Moments[i]))
	}
	return j
}
