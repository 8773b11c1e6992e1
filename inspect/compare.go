package inspect

import (
	"fmt"
	"slices"
	"strconv"
)

// A Difference is one place where two messages say different things. It names
// the place and never the values, which may be secret.
type Difference struct {
	Path string `json:"path"` // "Body/Disconnect/CallId", "Body/.../PhoneCallId/@Id"
	What string `json:"what"` // "text differs", "missing", "unexpected", "namespace differs: ..."
}

func (d Difference) String() string { return d.Path + ": " + d.What }

// Compare lists the first differences between what two messages say, in the
// order of want, at most limit of them; none if and only if their canonical
// forms with folded twins are equal. "missing" is what only want has,
// "unexpected" what only got has.
func Compare(want, got *Message, limit int) []Difference {
	c := comparison{limit: limit}
	c.children(nil, want.Body, got.Body, namespaces{})
	return c.found
}

type comparison struct {
	limit int
	found []Difference
}

// namespaces is a pair already reported at an ancestor, so that one different
// declaration is one difference.
type namespaces struct{ want, got string }

// step is one element on the way down from the Body, whose step is nil. Its
// path is spelled out only when there is something to say about it.
type step struct {
	up     *step
	parent *Element
	index  int // in parent.Children
}

func (s *step) path() string {
	if s == nil {
		return "Body"
	}
	local := s.parent.Children[s.index].Name.Local
	position, count := 0, 0
	for i, c := range s.parent.Children {
		if c.Name.Local == local {
			count++
			if i == s.index {
				position = count
			}
		}
	}
	if count > 1 {
		return fmt.Sprintf("%s/%s[%d]", s.up.path(), local, position)
	}
	return s.up.path() + "/" + local
}

func (c *comparison) add(at *step, what string) { c.addAttr(at, "", what) }

func (c *comparison) addAttr(at *step, suffix, what string) {
	if len(c.found) < c.limit {
		c.found = append(c.found, Difference{at.path() + suffix, what})
	}
}

func (c *comparison) element(at *step, want, got *Element, known namespaces) {
	w, g := fold(elementName(want).Space), fold(elementName(got).Space)
	if pair := (namespaces{w, g}); w != g && pair != known {
		c.add(at, fmt.Sprintf("namespace differs: %s here, %s recorded", orNone(g), orNone(w)))
		known = pair
	}
	c.attrs(at, want, got)
	if ownText(want) != ownText(got) {
		c.add(at, "text differs")
	}
	c.children(at, want, got, known)
}

func (c *comparison) attrs(at *step, want, got *Element) {
	for _, a := range want.Attrs {
		i := slices.IndexFunc(got.Attrs, func(b Attr) bool { return sameName(a.Name, b.Name) })
		switch {
		case i < 0:
			c.addAttr(at, "/@"+a.Name.Local, "missing")
		case attrValue(want, a, true) != attrValue(got, got.Attrs[i], true):
			c.addAttr(at, "/@"+a.Name.Local, "value differs")
		}
	}
	for _, b := range got.Attrs {
		if !slices.ContainsFunc(want.Attrs, func(a Attr) bool { return sameName(a.Name, b.Name) }) {
			c.addAttr(at, "/@"+b.Name.Local, "unexpected")
		}
	}
}

// lookAhead is how far a differing list of children is searched for where it
// goes on as the other does; it bounds the work on hostile input.
const lookAhead = 32

func (c *comparison) children(at *step, want, got *Element, known namespaces) {
	i, j := 0, 0
	for (i < len(want.Children) || j < len(got.Children)) && len(c.found) < c.limit {
		switch {
		case i == len(want.Children):
			c.add(&step{at, got, j}, "unexpected")
			j++
		case j == len(got.Children):
			c.add(&step{at, want, i}, "missing")
			i++
		case want.Children[i].Name.Local == got.Children[j].Name.Local:
			here := &step{at, want, i}
			c.element(here, want.Children[i], got.Children[j], known)
			if w, g := want.Children[i].Tail, got.Children[j].Tail; w != g && !(isSpace(w) && isSpace(g)) {
				c.add(here, "text after it differs")
			}
			i, j = i+1, j+1
		case goesOn(got.Children[j:], want.Children[i]):
			c.add(&step{at, got, j}, "unexpected")
			j++
		default:
			c.add(&step{at, want, i}, "missing")
			i++
		}
	}
}

func goesOn(list []*Element, e *Element) bool {
	return slices.ContainsFunc(list[:min(len(list), lookAhead)], func(o *Element) bool { return o.Name.Local == e.Name.Local })
}

// ownText is what appendText keeps of e's text before its first child.
func ownText(e *Element) string {
	if len(e.Children) > 0 && isSpace(e.Text) {
		return ""
	}
	return e.Text
}

func sameName(a, b Name) bool { return a.Local == b.Local && fold(a.Space) == fold(b.Space) }

func fold(space string) string {
	space, _ = Twin(space)
	return space
}

func orNone(space string) string {
	if space == "" {
		return "no namespace"
	}
	return strconv.Quote(space) // it may hold anything, line breaks too
}
