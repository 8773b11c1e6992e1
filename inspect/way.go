package inspect

import (
	"strconv"
	"strings"
)

// Down returns the element that a way leads to, as the numbers of the children from e
// on; nil if the way is nil or leads nowhere. It may be called on nil.
func (e *Element) Down(way []int) *Element {
	if way == nil {
		return nil
	}
	for _, n := range way {
		if e == nil || n < 0 || n >= len(e.Children) {
			return nil
		}
		e = e.Children[n]
	}
	return e
}

// At returns the element that the path of a [Difference] names, in the message that
// [Compare] wanted, or Changes had before, and the attribute's local name; nil and ""
// if it is not there.
func (m *Message) At(path string) (e *Element, attr string) {
	path, attr, _ = strings.Cut(path, "/@")
	steps := strings.Split(path, "/")
	switch steps[0] {
	case "Body":
		e = m.Body
	case "Header":
		e = m.Header
	}
	for _, s := range steps[1:] {
		if e = e.nth(s); e == nil {
			return nil, ""
		}
	}
	if e == nil {
		return nil, ""
	}
	return e, attr
}

// nth returns the child that a step such as CallId or Item[2] names; nil for none.
func (e *Element) nth(step string) *Element {
	name, n, _ := strings.Cut(strings.TrimSuffix(step, "]"), "[")
	left, err := strconv.Atoi(n)
	if err != nil {
		left = 1
	}
	for _, c := range e.Children {
		if Shorten(c.Name.Local, shownName) == name {
			if left--; left == 0 {
				return c
			}
		}
	}
	return nil
}
