package report

import (
	"bufio"
	"io"
	"slices"
	"strings"
)

// field is one cell of a table. text is [Printable].
type field struct {
	text  string
	style style
	right bool // flush right, as numbers are
}

// give is how a table gets narrower: column col is cut to so many columns of the
// terminal, 0 leaving it out. It is tried in turn until the table has room.
type give struct{ col, to int }

// table is rows of cells whose columns are as wide as they need to be, or as the
// terminal lets them.
type table struct {
	head []string
	give []give
	rows [][]field
	need []int // the widest cell of each column

	below func(row int) string // lines to go under a row; nil for none
}

func newTable(give []give, head ...string) *table {
	t := &table{head: head, give: give, need: make([]int, len(head))}
	for i, h := range head {
		t.need[i] = columns(h)
	}
	return t
}

func (t *table) add(row ...field) {
	for i, c := range row {
		t.need[i] = max(t.need[i], columns(c.text))
	}
	t.rows = append(t.rows, row)
}

const (
	gutter   = 2  // between columns
	maxAlign = 64 // how far a longer cell moves those beside it in other rows, where nothing is cut
)

// fit returns the widths of the columns in a terminal that wide, 0 for those that
// are left out.
func (t *table) fit(width int) []int {
	room := slices.Clone(t.need)
	for _, g := range t.give {
		over := t.width(room) - width
		if over <= 0 {
			break
		}
		if g.to == 0 {
			room[g.col] = 0
		} else if room[g.col] > g.to {
			room[g.col] = max(g.to, room[g.col]-over)
		}
	}
	return room
}

// width is that of all columns together.
func (t *table) width(room []int) int {
	n := -gutter
	for _, w := range room {
		if w > 0 {
			n += w + gutter
		}
	}
	return n
}

// write writes the table and reports whether it is whole.
func (t *table) write(w io.Writer, look Look) (whole bool, err error) {
	line := liner{look: look, room: t.need}
	if look.Width > 0 {
		line.room = t.fit(look.Width)
	}
	head := make([]field, len(t.head))
	for i, h := range t.head {
		head[i] = field{text: h, style: bold}
	}
	out := bufio.NewWriter(w)
	if len(head) > 0 {
		out.WriteString(line.of(head))
	}
	for n, row := range t.rows {
		out.WriteString(line.of(row))
		if t.below != nil {
			out.WriteString(t.below(n))
		}
	}
	return !line.short, out.Flush()
}

// liner makes the lines of a table.
type liner struct {
	look  Look
	room  []int // of each column, 0 for one that is left out
	short bool  // something was cut or left out
}

func (l *liner) of(row []field) string {
	last := len(row) - 1
	for last > 0 && (l.room[last] == 0 || row[last].text == "") {
		last--
	}
	var b strings.Builder
	for i, c := range row {
		switch {
		case l.room[i] == 0:
			l.short = l.short || c.text != ""
			continue
		case i > last:
			continue
		case b.Len() > 0:
			b.WriteString(strings.Repeat(" ", gutter))
		}
		room := l.room[i]
		if l.look.Width > 0 {
			var whole bool
			c.text, whole = cut(c.text, room)
			l.short = l.short || !whole
		} else {
			room = min(room, maxAlign)
		}
		pad(&b, l.look, c, room, i == last)
	}
	b.WriteByte('\n')
	return b.String()
}
