package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/umtape/umtape/inspect"
)

// Timeline draws every call as a lane, all on one axis of time, with its moments
// below it, and reports whether all of it was shown.
func Timeline(w io.Writer, calls []inspect.Call, look Look) (whole bool, err error) {
	a := newAxis(calls, look)
	several := files(calls) > 1
	out := bufio.NewWriter(w)
	fmt.Fprintln(out, a.legend(calls, look))
	whole = true
	for _, c := range calls {
		title := "(no call)"
		if c.ID != "" {
			id, server := decodedID(c.ID)
			title = Printable(id)
			if server != "" {
				title += " at " + Printable(server)
			}
		}
		after := ""
		if lasted, ok := c.Lasted(); ok {
			after = ", " + brief(lasted)
		}
		title, all := look.fit(title, len(after))
		whole = whole && all
		fmt.Fprintf(out, "\n%s%s\n", look.paint(cyan, title), after)
		if lane := a.lane(c, look); lane != "" {
			fmt.Fprintln(out, "  "+lane)
		}
		if err := out.Flush(); err != nil {
			return whole, err
		}
		all, err := moments(w, c, several, look)
		if err != nil {
			return whole, err
		}
		whole = whole && all
	}
	return whole, out.Flush()
}

// moments lists the moments of a call, each with the time since the first, since the
// one before, and what came of it.
func moments(w io.Writer, c inspect.Call, several bool, look Look) (whole bool, err error) {
	t := newTable([]give{{4, 0}, {5, 16}, {1, 0}, {3, 8}, {5, 6}, {3, 3}}, "", "", "", "", "", "")
	t.head = nil
	for i, m := range c.Moments {
		at, gap := clock(m.Arrived), ""
		if d, ok := since(c, i); ok && i > 0 {
			at = "+" + brief(d)
			if i > 1 && !c.Moments[i-1].Arrived.IsZero() {
				gap = "(+" + brief(m.Arrived.Sub(c.Moments[i-1].Arrived)) + ")"
			}
		}
		took := ""
		if m.Took > 0 {
			took = "took " + brief(m.Took)
		}
		said, how := said(c, i)
		t.add(field{text: "  " + at, right: true}, field{text: gap, style: faint}, field{text: ref(m, several), style: faint},
			field{text: m.Operation, style: bold}, field{text: took, style: faint}, field{text: said, style: how})
	}
	return t.write(w, look)
}

// said is what came of a moment.
func said(c inspect.Call, i int) (string, style) {
	m := c.Moments[i]
	words, how := "accepted", plain
	switch {
	case !m.Done():
		words, how = outcome(m), red
	case m.Role == inspect.Starts:
		words = "handed out"
	case m.State != "":
		words = Printable(m.State)
		if m.Cause != "" && m.Cause != "None" {
			words += ", " + Printable(m.Cause)
		}
	}
	if i == c.End {
		words, how = words+", the end", green
	}
	for _, late := range c.Late {
		if late == i {
			words, how = "after the end, "+words, yellow
		}
	}
	return words, how
}

// axis is the time that a timeline shows.
type axis struct {
	from, to time.Time // zero if no time is known
	room     int       // columns
	states   []string  // in the order in which they were first shown
}

// lines are how a call is drawn between two moments, one for each state, the last
// for all after that.
const lines = ".=~+:"

func newAxis(calls []inspect.Call, look Look) axis {
	a := axis{room: 78}
	if look.Width > 0 {
		a.room = max(look.Width-4, 16)
	}
	seen := map[string]bool{}
	for _, c := range calls {
		for _, m := range c.Moments {
			if m.State != "" && !m.Over && !seen[m.State] && len(a.states) < 100 {
				seen[m.State] = true
				a.states = append(a.states, m.State)
			}
			if m.Arrived.IsZero() {
				continue
			}
			if a.from.IsZero() || m.Arrived.Before(a.from) {
				a.from = m.Arrived
			}
			if end := m.Arrived.Add(m.Took); end.After(a.to) {
				a.to = end
			}
		}
	}
	return a
}

func (a axis) legend(calls []inspect.Call, look Look) string {
	none := 0
	for _, c := range calls {
		if c.ID == "" {
			none++
		}
	}
	head := plural(len(calls)-none, "call") + noCall(none)
	if !a.from.IsZero() {
		head += fmt.Sprintf(", %s to %s UTC (%s)", a.from.UTC().Format("2006-01-02 15:04:05.000"), clock(a.to), brief(a.to.Sub(a.from)))
	}
	marks := []string{"S start", "p poll", "E end", "x refused or unanswered", "- state not known"}
	for i, s := range a.states[:min(len(a.states), len(lines))] {
		marks = append(marks, string(lines[i])+" "+inspect.Shorten(Printable(s), 40)) // each moment has it in full
	}
	head = look.sentence(bold, head)
	room := look.Width
	if room <= 0 {
		room = 1 << 20
	}
	for line := range wrap(strings.Join(marks, ", "), room) {
		head += "\n" + look.paint(faint, line)
	}
	return head
}

// at is the column of a time.
func (a axis) at(t time.Time) int {
	whole := a.to.Sub(a.from)
	if whole <= 0 {
		return 0
	}
	return int(float64(a.room-1) * (float64(t.Sub(a.from)) / float64(whole)))
}

// lane draws a call; it is "" if its times are not known.
func (a axis) lane(c inspect.Call, look Look) string {
	row := []byte(strings.Repeat(" ", a.room))
	line, last := byte('-'), -1
	drawn, over := false, false
	for i, m := range c.Moments {
		if m.Arrived.IsZero() {
			continue
		}
		drawn = true
		col := a.at(m.Arrived)
		if last >= 0 && !over {
			for x := last + 1; x < col; x++ {
				row[x] = line
			}
		}
		if row[col] == ' ' || row[col] == line || rank(markOf(m)) >= rank(row[col]) {
			row[col] = markOf(m)
		}
		last = col
		if m.State != "" {
			line = a.line(m.State)
		}
		over = over || c.End >= 0 && i >= c.End
	}
	if !drawn {
		return ""
	}
	return look.paint(faint, "|") + string(row) + look.paint(faint, "|")
}

func (a axis) line(state string) byte {
	for i, s := range a.states {
		if s == state {
			return lines[min(i, len(lines)-1)]
		}
	}
	return '-'
}

func markOf(m inspect.Moment) byte {
	switch {
	case !m.Done():
		return 'x'
	case m.Role == inspect.Starts:
		return 'S'
	case m.Role == inspect.Ends:
		return 'E'
	}
	return 'p'
}

// rank is which of two marks in one column is seen.
func rank(mark byte) int { return strings.IndexByte("pSEx", mark) }
