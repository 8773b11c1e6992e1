package inspect

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Difference is one place where two messages say different things. It names
// the place and never the values, which may be secret. Long names and URIs are
// cut.
type Difference struct {
	Path string `json:"path"` // "Body/Disconnect/CallId", "Body/.../PhoneCallId/@Id"
	What string `json:"what"` // "text differs", "missing", "unexpected", "namespace differs: ..."
}

// A Change is a difference between two messages with its place in each of them: the
// way down from the Envelope to the element, or to that of the attribute, as the numbers
// of the children, for [Element.Down]; nil where it is not there.
type Change struct {
	Difference
	Before, After []int  `json:"-"`
	Attr          string `json:"-"` // the attribute's local name; "" if it is about an element
}

func (d Difference) String() string { return d.Path + ": " + d.What }

// Compare lists the first differences between what two messages say, elements
// in the order of want and attributes by name, at most limit of them; none if
// and only if their canonical forms with folded twins are equal. "missing" is
// what only want has, "unexpected" what only got has.
func Compare(want, got *Message, limit int) []Difference {
	c := comparison{limit: limit, words: againstRecorded, fold: true}
	c.content(nil, want.Body, got.Body, namespaces{}, 0)
	var list []Difference
	for _, f := range c.found {
		list = append(list, f.Difference)
	}
	return list
}

// Places is [Compare], with where in want (Before) and in got (After) each difference is.
func Places(want, got *Message, limit int) []Change {
	c := comparison{limit: limit, words: againstRecorded, fold: true, places: true}
	c.roots = [2]int{want.childOf(want.Body), got.childOf(got.Body)}
	c.content(nil, want.Body, got.Body, namespaces{}, 0)
	return c.found
}

// Changes lists the first differences between two messages of which the one may
// have become the other, at most limit of them: those of the Bodies as [Compare]
// does, but with the https:// spellings of Microsoft's namespaces told from their
// twins, and then those of the Headers.
func Changes(before, after *Message, limit int) []Change {
	c := comparison{limit: limit, words: betweenTwo, places: true}
	c.roots = [2]int{before.childOf(before.Body), after.childOf(after.Body)}
	c.content(nil, before.Body, after.Body, namespaces{}, 0)
	c.root, c.roots = "Header", [2]int{before.childOf(before.Header), after.childOf(after.Header)}
	switch {
	case before.Header == nil && after.Header == nil:
	case after.Header == nil:
		c.add(nil, c.words.missing)
	case before.Header == nil:
		c.add(nil, c.words.unexpected)
	default:
		c.content(nil, before.Header, after.Header, namespaces{}, 0)
	}
	return c.found
}

// childOf is the number of a child of the Envelope; -1 for none.
func (m *Message) childOf(e *Element) int {
	if e == nil {
		return -1
	}
	return slices.Index(m.Envelope.Children, e)
}

type comparison struct {
	limit int
	words words
	fold  bool   // https:// spellings of Microsoft's namespaces are their http:// twins
	root  string // of the paths; "" is the Body
	found []Change

	places bool   // they are wanted
	roots  [2]int // number of the root among the children of each Envelope; -1 for none
}

// words are how differences are worded. namespaces has room for the wanted one, or
// the one before, and the other.
type words struct{ missing, unexpected, namespaces string }

var (
	againstRecorded = words{"missing", "unexpected", "namespace differs: %[2]s here, %[1]s recorded"}
	betweenTwo      = words{"removed", "added", "namespace differs: %[1]s, then %[2]s"}
)

// namespaces is a pair already reported at an ancestor, so that one different
// declaration is one difference.
type namespaces struct{ want, got string }

// step is one element on the way down from the Body, whose step is nil. Its
// path is spelled out only when there is something to say about it.
type step struct {
	up     *step
	parent *Element
	index  int    // in parent.Children
	at     [2]int // number of the child in what is wanted, and in what came; -1 if it is not there
}

// way is how that element is reached from one of the two Envelopes.
func (c *comparison) way(at *step, side int) []int {
	if !c.places || c.roots[side] < 0 {
		return nil
	}
	var way []int
	for s := at; s != nil; s = s.up {
		if s.at[side] < 0 {
			return nil
		}
		way = append(way, s.at[side])
	}
	way = append(way, c.roots[side])
	slices.Reverse(way)
	return way
}

func (s *step) path(root string) string {
	if s == nil {
		return cmp.Or(root, "Body")
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
	local = Shorten(local, shownName)
	if count > 1 {
		return fmt.Sprintf("%s/%s[%d]", s.up.path(root), local, position)
	}
	return s.up.path(root) + "/" + local
}

func (c *comparison) add(at *step, what string) { c.addAttr(at, "", what) }

func (c *comparison) addAttr(at *step, attr, what string) {
	suffix := ""
	if attr != "" {
		suffix = "/@" + Shorten(attr, shownName)
	}
	if len(c.found) < c.limit {
		c.found = append(c.found, Change{Difference{at.path(c.root) + suffix, what}, c.way(at, 0), c.way(at, 1), attr})
	}
}

func (c *comparison) element(at *step, want, got *Element, known namespaces, depth int) {
	w, g := elementName(want, c.fold).Space, elementName(got, c.fold).Space
	if pair := (namespaces{w, g}); w != g && pair != known {
		c.add(at, fmt.Sprintf(c.words.namespaces, spaceName(w), spaceName(g)))
		known = pair
	}
	c.attrs(at, comparedAttrs(want, c.fold), comparedAttrs(got, c.fold))
	c.content(at, want, got, known, depth)
}

func (c *comparison) attrs(at *step, want, got []comparedAttr) {
	for len(want) > 0 || len(got) > 0 {
		order := 0
		switch {
		case len(want) == 0:
			order = 1
		case len(got) == 0:
			order = -1
		default:
			order = compareNames(want[0].name, got[0].name)
		}
		switch {
		case order < 0:
			c.addAttr(at, want[0].name.Local, c.words.missing)
		case order > 0:
			c.addAttr(at, got[0].name.Local, c.words.unexpected)
		case want[0] != got[0]:
			c.addAttr(at, want[0].name.Local, "value differs")
		}
		if order <= 0 {
			want = want[1:]
		}
		if order >= 0 {
			got = got[1:]
		}
	}
}

// content compares what is inside an element; depth is 0 for the Body.
func (c *comparison) content(at *step, want, got *Element, known namespaces, depth int) {
	w, g := leading(want, depth), leading(got, depth)
	if w != g && !(isSpace(w) && isSpace(g) && len(want.Children)+len(got.Children) > 0) {
		c.add(at, "text differs") // else one has children, and those are reported
	}
	c.children(at, want, got, known, depth+1)
}

// lookAhead is how far a differing list of children is searched for where it
// goes on as the other does; it bounds the work on hostile input.
const lookAhead = 32

func (c *comparison) children(at *step, want, got *Element, known namespaces, depth int) {
	i, j := 0, 0
	for (i < len(want.Children) || j < len(got.Children)) && len(c.found) < c.limit {
		switch {
		case i == len(want.Children):
			c.add(&step{at, got, j, [2]int{-1, j}}, c.words.unexpected)
			j++
		case j == len(got.Children):
			c.add(&step{at, want, i, [2]int{i, -1}}, c.words.missing)
			i++
		case want.Children[i].Name.Local == got.Children[j].Name.Local:
			here := &step{at, want, i, [2]int{i, j}}
			c.element(here, want.Children[i], got.Children[j], known, depth)
			if w, g := want.Children[i].Tail, got.Children[j].Tail; w != g && !(isSpace(w) && isSpace(g)) {
				c.add(here, "text after it differs")
			}
			i, j = i+1, j+1
		case goesOn(got.Children[j:], want.Children[i]):
			c.add(&step{at, got, j, [2]int{-1, j}}, c.words.unexpected)
			j++
		default:
			c.add(&step{at, want, i, [2]int{i, -1}}, c.words.missing)
			i++
		}
	}
}

func goesOn(list []*Element, e *Element) bool {
	return slices.ContainsFunc(list[:min(len(list), lookAhead)], func(o *Element) bool { return o.Name.Local == e.Name.Local })
}

// spaceName is a namespace as a difference names it.
func spaceName(space string) string {
	if space == "" {
		return "no namespace"
	}
	if prefix, ok := strings.CutPrefix(space, string(rune(markPrefix))); ok {
		return "the undeclared prefix " + Shorten(prefix, shownName)
	}
	return strconv.Quote(Shorten(space, 120)) // it may hold anything, line breaks too
}
