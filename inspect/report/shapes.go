package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// Shapes writes the structure of every kind of message as a tree, with the
// interactions that differ from most and where, and reports whether all of it was
// shown.
func Shapes(w io.Writer, groups []inspect.ShapeGroup, look Look) (whole bool, err error) {
	s := shapesWriter{Look: look, out: bufio.NewWriter(w), whole: true, labels: newLabels()}
	for _, g := range groups {
		for _, v := range g.Variants {
			for _, in := range v.In {
				s.several = s.several || in.File != groups[0].Variants[0].In[0].File
			}
		}
	}
	for n, g := range groups {
		if n > 0 {
			s.out.WriteString("\n")
		}
		s.group(g)
	}
	s.namespaces()
	return s.whole, s.out.Flush()
}

type shapesWriter struct {
	Look
	out     *bufio.Writer
	several bool // there is more than one cassette
	whole   bool
	labels  *labels
}

func (s *shapesWriter) group(g inspect.ShapeGroup) {
	name, count := Printable(g.ShapeKey.String()), plural(g.Count, "message")
	if n := len(g.Variants); n > 1 {
		more := ""
		if g.Lumped {
			more = " or more"
		}
		count += fmt.Sprintf(" of %d%s structures", n, more)
	}
	s.titled(bold, name, ", ", count)
	t := newTable([]give{{0, 30}, {3, 8}, {2, 8}, {0, 12}}, "", "", "", "")
	t.head = nil
	s.tree(t, g.Shape, "  ", "")
	all, _ := t.write(s.out, s.Look)
	s.whole = s.whole && all
	if len(g.Variants) == 1 {
		return
	}
	most := g.Variants[0]
	s.line(faint, plural(len(most.In), "message"), "as most do:", s.where(most.In))
	for i, v := range g.Variants[1:] {
		what := "differ"
		if len(v.In) == 1 {
			what = "differs"
		}
		if g.Lumped && i == len(g.Variants)-2 {
			what = "of still other structures"
		}
		s.line(yellow, plural(len(v.In), "message"), what+":", s.where(v.In))
		for _, d := range inspect.DiffVariants(most.Shape, v.Shape) {
			s.difference("    ", d, "")
		}
	}
}

// line writes which messages have a structure.
func (s *shapesWriter) line(how style, count, what, where string) {
	text := s.sentence(plain, "  "+count+" "+what+" "+where)
	s.out.WriteString("  " + s.paint(how, count) + text[len("  ")+len(count):] + "\n")
}

// titled writes a name with what there is to say of it, on two lines if one has no room.
func (s *shapesWriter) titled(how style, name, between, about string) {
	if s.Width > 0 && columns(name+between+about) > s.Width {
		between, about = "\n  ", strings.TrimSpace(about)
	}
	s.out.WriteString(s.sentence(how, name) + between + about + "\n")
}

func (s *shapesWriter) difference(indent string, d inspect.ShapeDifference, more string) {
	how := yellow
	switch {
	case d.Added:
		how = green
	case d.Removed:
		how = red
	}
	what, all := s.fit(Printable(d.String()), len(indent)+columns(more))
	s.whole = s.whole && all
	s.out.WriteString(indent + s.paint(how, what) + more + "\n")
}

// tree adds the parts of a shape, which are in a namespace unless they say otherwise.
func (s *shapesWriter) tree(t *table, shape *inspect.Shape, indent, space string) {
	for _, p := range shape.Parts {
		name := Printable(p.Step())
		if p.Name.Space != space && !(p.Attr && p.Name.Space == "") {
			name = s.labels.of(p.Name.Space) + name
		}
		occurs, how := p.Occurs(), plain
		if occurs == "1" {
			occurs = ""
		} else {
			how = yellow
		}
		notes := ""
		if p.AnyOrder {
			notes = "in any order"
		}
		if p.Attr {
			t.add(field{text: indent + name, style: cyan}, field{text: occurs, style: how}, field{text: p.Kinds.String()}, field{text: notes})
			continue
		}
		t.add(field{text: indent + name}, field{text: occurs, style: how}, field{text: p.Kinds.String()}, field{text: notes})
		s.tree(t, p, indent+"  ", p.Name.Space)
	}
}

// maxWhere is how many runs of interactions are named on a terminal.
const maxWhere = 12

// where names interactions, runs of them by their ends.
func (s *shapesWriter) where(in []inspect.ShapeIn) string {
	var runs []string
	file := ""
	for i := 0; i < len(in); {
		j := i
		for j+1 < len(in) && in[j+1].File == in[i].File && in[j+1].ID == in[j].ID+1 {
			j++
		}
		run := "#" + strconv.Itoa(in[i].ID)
		if s.several && in[i].File != file {
			run = Printable(in[i].File) + run
		}
		file = in[i].File
		if j > i {
			run += "-" + strconv.Itoa(in[j].ID)
		}
		i = j + 1
		if s.Width > 0 && len(runs) == maxWhere {
			s.whole = false
			runs = append(runs, "…")
			break
		}
		runs = append(runs, run)
	}
	return strings.Join(runs, " ")
}

func (s *shapesWriter) namespaces() {
	if len(s.labels.order) == 0 {
		return
	}
	s.out.WriteString("\n")
	for _, space := range s.labels.order {
		s.titled(plain, s.labels.byURI[space], " ", Printable(space)) // a terminal breaks a name that is longer than its line
	}
}

// xmlNS is the namespace of xml:lang and xml:space.
const xmlNS = "http://www.w3.org/XML/1998/namespace"

// labels are short names of namespaces.
type labels struct {
	byURI map[string]string
	taken map[string]bool
	order []string
}

func newLabels() *labels {
	return &labels{byURI: map[string]string{"": "{}"}, taken: map[string]bool{}}
}

func (l *labels) of(space string) string {
	if label, ok := l.byURI[space]; ok {
		return label
	}
	end := strings.TrimRight(space, "/#:")
	if space == xmlNS {
		end = "xml"
	}
	end = Printable(inspect.Shorten(end[strings.LastIndexAny(end, "/#:")+1:], 40))
	label := "{" + end + "}"
	for n := 2; l.taken[label]; n++ {
		label = fmt.Sprintf("{%s#%d}", end, n)
	}
	l.taken[label], l.byURI[space] = true, label
	l.order = append(l.order, space)
	return label
}

// ShapeChange is what is different about one kind of message in two recordings.
type ShapeChange struct {
	inspect.ShapeKey
	Old, New    int // messages there
	Differences []PlacedDifference
}

// PlacedDifference is a difference with the messages of the second recording that
// show it; In is nil when all do.
type PlacedDifference struct {
	inspect.ShapeDifference
	In []inspect.ShapeIn
}

// CompareShapes compares two recordings, and returns what has changed.
func CompareShapes(before, after []inspect.ShapeGroup) []ShapeChange {
	var changes []ShapeChange
	old := map[inspect.ShapeKey]inspect.ShapeGroup{}
	for _, g := range before {
		old[g.ShapeKey] = g
	}
	for _, g := range after {
		was, ok := old[g.ShapeKey]
		delete(old, g.ShapeKey)
		c := ShapeChange{ShapeKey: g.ShapeKey, Old: was.Count, New: g.Count}
		if ok {
			c.Differences = placed(was.Shape, g)
		}
		if !ok || len(c.Differences) > 0 {
			changes = append(changes, c)
		}
	}
	for _, g := range before {
		if _, only := old[g.ShapeKey]; only {
			changes = append(changes, ShapeChange{ShapeKey: g.ShapeKey, Old: g.Count})
		}
	}
	return changes
}

func placed(was *inspect.Shape, g inspect.ShapeGroup) []PlacedDifference {
	// Of each variant, where it differs and whether that is a lack.
	type key struct {
		path string
		lack bool
	}
	shows := make([]map[key]bool, len(g.Variants))
	for i, v := range g.Variants {
		shows[i] = map[key]bool{}
		for _, d := range inspect.DiffShapes(was, v.Shape) {
			shows[i][key{d.Path, d.Removed}] = true
		}
	}
	var list []PlacedDifference
	for _, d := range inspect.DiffShapes(was, g.Shape) {
		p := PlacedDifference{ShapeDifference: d}
		for i, v := range g.Variants {
			if shows[i][key{d.Path, false}] || shows[i][key{d.Path, true}] && strings.HasPrefix(d.New, "occurs 0") {
				p.In = append(p.In, v.In...)
			}
		}
		if len(p.In) == g.Count || d.Removed {
			p.In = nil
		}
		slices.SortStableFunc(p.In, func(a, b inspect.ShapeIn) int { return a.ID - b.ID })
		list = append(list, p)
	}
	return list
}

// ShapeChanges writes what CompareShapes returned and reports whether all of it was
// shown.
func ShapeChanges(w io.Writer, before, after string, changes []ShapeChange, look Look) (whole bool, err error) {
	s := shapesWriter{Look: look, out: bufio.NewWriter(w), whole: true}
	if len(changes) == 0 {
		return true, nil
	}
	fmt.Fprintf(s.out, "%s\n%s\n", s.paint(red, "--- "+Printable(before)), s.paint(green, "+++ "+Printable(after)))
	for _, c := range changes {
		name := Printable(c.ShapeKey.String())
		switch {
		case c.Old == 0:
			s.titled(green, "+ "+name, " ", "("+plural(c.New, "message")+")")
			continue
		case c.New == 0:
			s.titled(red, "- "+name, " ", "("+plural(c.Old, "message")+")")
			continue
		}
		fmt.Fprintln(s.out, s.sentence(bold, "  "+name))
		for _, d := range c.Differences {
			more := ""
			if d.In != nil {
				more = s.paint(faint, "  in "+s.where(d.In))
			}
			s.difference("    ", d.ShapeDifference, more)
		}
	}
	return s.whole, s.out.Flush()
}

type shapeJSON struct {
	Element   string      `json:"element,omitempty"`
	Attribute string      `json:"attribute,omitempty"`
	Namespace string      `json:"namespace,omitempty"`
	Min       int         `json:"min"`
	Max       int         `json:"max"`
	Values    []string    `json:"values,omitempty"` // kinds
	AnyOrder  bool        `json:"any_order,omitempty"`
	Parts     []shapeJSON `json:"parts,omitempty"`
}

type shapeKeyJSON struct {
	Operation string `json:"operation"`
	Namespace string `json:"namespace"`
	Service   string `json:"service,omitempty"`
	Message   string `json:"message"` // request, response, fault
	Fault     string `json:"fault,omitempty"`
	SOAP      string `json:"soap"`
}

type differenceJSON struct {
	Path   string    `json:"path"`
	Change string    `json:"change"` // added, removed, changed
	Old    string    `json:"old,omitempty"`
	New    string    `json:"new,omitempty"`
	In     []refJSON `json:"in,omitempty"` // where not all messages show it
}

func keyJSON(k inspect.ShapeKey) shapeKeyJSON {
	j := shapeKeyJSON{k.Operation.Local, k.Operation.Space, k.Service, "request", k.Fault, k.Version.String()}
	switch {
	case k.Fault != "":
		j.Message = "fault"
	case k.Response:
		j.Message = "response"
	}
	return j
}

func partsJSON(s *inspect.Shape) []shapeJSON {
	var list []shapeJSON
	for _, p := range s.Parts {
		j := shapeJSON{Namespace: p.Name.Space, Min: p.Min, Max: p.Max, AnyOrder: p.AnyOrder, Parts: partsJSON(p)}
		if p.Attr {
			j.Attribute = p.Name.Local
		} else {
			j.Element = p.Name.Local
		}
		if p.Kinds != 0 {
			j.Values = strings.Split(p.Kinds.String(), "|")
		}
		list = append(list, j)
	}
	return list
}

func diffJSON(list []PlacedDifference) []differenceJSON {
	out := make([]differenceJSON, len(list))
	for i, d := range list {
		out[i] = differenceJSON{Path: d.Path, Change: "changed", Old: d.Old, New: d.New, In: refsJSON(d.In)}
		switch {
		case d.Added:
			out[i].Change, out[i].New = "added", strings.Trim(d.New, " ()")
		case d.Removed:
			out[i].Change, out[i].Old = "removed", strings.Trim(d.Old, " ()")
		}
	}
	return out
}

func refsJSON(in []inspect.ShapeIn) []refJSON {
	list := make([]refJSON, len(in))
	for i, x := range in {
		list[i] = refJSON{x.File, x.ID}
	}
	return list
}

// ShapesJSON writes {"shapes": [...]}.
func ShapesJSON(w io.Writer, groups []inspect.ShapeGroup) error {
	type variantJSON struct {
		Interactions []refJSON        `json:"interactions"`
		Differences  []differenceJSON `json:"differences"` // from the first one
		Lumped       bool             `json:"lumped,omitempty"`
	}
	type groupJSON struct {
		shapeKeyJSON
		Count    int           `json:"count"`
		Parts    []shapeJSON   `json:"parts"`
		Variants []variantJSON `json:"variants"` // the most frequent first
	}
	list := jsonArray{w: w, key: "shapes"}
	for _, g := range groups {
		j := groupJSON{shapeKeyJSON: keyJSON(g.ShapeKey), Count: g.Count, Parts: partsJSON(g.Shape)}
		for i, v := range g.Variants {
			var differences []PlacedDifference
			for _, d := range inspect.DiffVariants(g.Variants[0].Shape, v.Shape) {
				differences = append(differences, PlacedDifference{ShapeDifference: d})
			}
			j.Variants = append(j.Variants, variantJSON{refsJSON(v.In), diffJSON(differences), g.Lumped && i == len(g.Variants)-1})
		}
		if err := list.add(j); err != nil {
			return err
		}
	}
	return list.close()
}

// ShapeChangesJSON writes {"changes": [...]}.
func ShapeChangesJSON(w io.Writer, changes []ShapeChange) error {
	type changeJSON struct {
		shapeKeyJSON
		Old         int              `json:"old_count"`
		New         int              `json:"new_count"`
		Differences []differenceJSON `json:"differences"`
	}
	list := jsonArray{w: w, key: "changes"}
	for _, c := range changes {
		if err := list.add(changeJSON{keyJSON(c.ShapeKey), c.Old, c.New, diffJSON(c.Differences)}); err != nil {
			return err
		}
	}
	return list.close()
}
