package inspect

import (
	"fmt"
	"strings"
)

// ShapeDifference is one place where two structures differ.
type ShapeDifference struct {
	Path string // "Body/GetCallInfoResponse/CallState", ".../@Id"

	// Added and Removed say that it is in the second, or the first, alone; the other
	// is "". Otherwise both say how it is, in words.
	Old, New string
	Added    bool
	Removed  bool
}

// String is the difference on one line, "+" before what is added, "-" before what
// is removed, "~" before what has changed.
func (d ShapeDifference) String() string {
	switch {
	case d.Added:
		return "+ " + d.Path + d.New
	case d.Removed:
		return "- " + d.Path + d.Old
	}
	return fmt.Sprintf("~ %s: %s, was %s", d.Path, d.New, strings.TrimPrefix(d.Old, "occurs "))
}

// DiffShapes lists where two structures differ, in the order of the second one, but
// for what that lacks. How often something repeats is no difference, nor is a kind
// of value that another one of the same place includes. An element in another
// namespace is the same element, changed.
func DiffShapes(before, after *Shape) []ShapeDifference {
	d := shapeDiff{}
	d.parts("", before, after)
	return d.found
}

// DiffVariants is [DiffShapes] for two structures of one group, whose messages differ
// in how many there are of what may repeat.
func DiffVariants(before, after *Shape) []ShapeDifference {
	before, after = before.Clone(), after.Clone()
	before.once()
	after.once()
	return DiffShapes(before, after)
}

// once makes what repeats occur once.
func (s *Shape) once() {
	s.Min, s.Max = min(s.Min, 1), 1
	for _, p := range s.Parts {
		p.once()
	}
}

type shapeDiff struct{ found []ShapeDifference }

func (d *shapeDiff) add(x ShapeDifference) { d.found = append(d.found, x) }

func (d *shapeDiff) changed(path, before, after string) {
	if before != after {
		d.add(ShapeDifference{Path: path, Old: before, New: after})
	}
}

func (d *shapeDiff) parts(path string, before, after *Shape) {
	old := before.index()
	byLocal := map[partKey]int{} // of what is in before alone, the namespace left out
	now := after.index()
	for i, p := range before.Parts {
		if _, both := now[partKey{p.Name, p.Attr}]; !both {
			byLocal[partKey{Name{Local: p.Name.Local}, p.Attr}] = i
		}
	}
	paired := map[int]bool{}
	for _, p := range after.Parts {
		at := path + p.Step()
		i, ok := old[partKey{p.Name, p.Attr}]
		if !ok {
			local := partKey{Name{Local: p.Name.Local}, p.Attr}
			if i, ok = byLocal[local]; ok {
				delete(byLocal, local)
				d.changed(at, "in "+spaceName(before.Parts[i].Name.Space), "in "+spaceName(p.Name.Space))
			}
		}
		if !ok {
			d.add(ShapeDifference{Path: at, New: inBrackets(p), Added: true})
			continue
		}
		paired[i] = true
		d.part(at, before.Parts[i], p)
	}
	for i, p := range before.Parts {
		if _, both := now[partKey{p.Name, p.Attr}]; !both && !paired[i] {
			d.add(ShapeDifference{Path: path + p.Step(), Old: inBrackets(p), Removed: true})
		}
	}
}

func (d *shapeDiff) part(at string, before, after *Shape) {
	d.changed(at, "occurs "+before.class(), "occurs "+after.class())
	d.changed(at, kindWords(before), kindWords(after))
	if before.AnyOrder != after.AnyOrder {
		words := map[bool]string{false: "its elements in one order", true: "its elements in any order"}
		d.changed(at, words[before.AnyOrder], words[after.AnyOrder])
	}
	d.parts(at+"/", before, after)
}

// kindWords is what is known of the text.
func kindWords(s *Shape) string {
	if s.Kinds == 0 {
		return "elements only"
	}
	return s.Kinds.Joined().String()
}

func inBrackets(s *Shape) string {
	words := s.class()
	if words == "1" {
		words = ""
	}
	if s.Kinds != 0 {
		if words != "" {
			words += " "
		}
		words += s.Kinds.Joined().String()
	}
	if words == "" {
		return ""
	}
	return " (" + words + ")"
}
