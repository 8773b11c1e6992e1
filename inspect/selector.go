package inspect

import (
	"fmt"
	"strings"
)

// A Selector names places in the Body of a message: elements and attributes by
// their local names, whatever the namespace.
type Selector struct {
	text     string
	steps    []string // local names from the outside in, "*" for any
	anchored bool     // the first step is a child of the Body
	attr     string   // the attribute of the last step's element; "" for the element itself
}

// ParseSelector reads a selector, which is XPath cut down to what people write:
//
//	CallId                     every CallId, wherever it is
//	//CallId                   the same
//	Disconnect/CallId          every CallId that is a child of a Disconnect
//	Body/Disconnect/CallId     that of a request itself
//	PhoneCallId/@Id            an attribute
//	@Id                        every attribute of that name
//	Find/*                     every child
func ParseSelector(text string) (Selector, error) {
	s := Selector{text: text}
	rest := strings.TrimPrefix(text, "//")
	if after, ok := strings.CutPrefix(rest, "/"); ok {
		rest = strings.TrimPrefix(after, "Envelope/")
		if !strings.HasPrefix(rest, "Body/") {
			return Selector{}, fmt.Errorf("%q does not begin in the Body; write /Body/..., or //... for anywhere", Shorten(text, shownName))
		}
	}
	if after, ok := strings.CutPrefix(rest, "Body/"); ok {
		s.anchored, rest = true, after
	}
	steps := strings.Split(rest, "/")
	if last := len(steps) - 1; strings.HasPrefix(steps[last], "@") {
		s.attr, steps = steps[last][1:], steps[:last]
		if !plainStep(s.attr) {
			return Selector{}, badStep(text, "@"+s.attr)
		}
	}
	for _, step := range steps {
		if !plainStep(step) {
			return Selector{}, badStep(text, step)
		}
	}
	s.steps = steps
	return s, nil
}

func badStep(text, step string) error {
	switch {
	case strings.Contains(step, ":"):
		return fmt.Errorf("%q has a prefix; names stand without one, as in CallId", Shorten(text, shownName))
	case step == "":
		return fmt.Errorf("%q has an empty step; write names with one / between them, as in Disconnect/CallId", Shorten(text, shownName))
	}
	return fmt.Errorf("%q is not made of names, as Disconnect/CallId or PhoneCallId/@Id are", Shorten(text, shownName))
}

func plainStep(s string) bool {
	return s == "*" || s != "" && !strings.ContainsAny(s, ":[]()@*=|'\" \t\r\n")
}

// String returns the selector as it was written.
func (s Selector) String() string { return s.text }

// Selects reports whether a path of local names from the root of a message on, such
// as Envelope, Body, Disconnect, CallId, leads to what is selected. attr is that of an
// attribute of the last element, "" for the element itself. Unless the selector begins
// at the Body, the path may be one outside of it, or of part of a message.
func (s Selector) Selects(path []string, attr string) bool {
	if (s.attr == "") != (attr == "") || s.attr != "" && s.attr != "*" && s.attr != attr {
		return false
	}
	if s.anchored {
		if len(path) != 2+len(s.steps) || path[0] != "Envelope" || path[1] != "Body" {
			return false
		}
	}
	if len(path) < len(s.steps) {
		return false
	}
	for n, step := range s.steps {
		if step != "*" && path[len(path)-len(s.steps)+n] != step {
			return false
		}
	}
	return true
}

// matches reports whether the way down from the Body, which is not in it, leads to what
// is selected, but for the attribute.
func (s Selector) matches(way []*Element) bool {
	if s.anchored && len(way) != len(s.steps) {
		return false
	}
	for n, step := range s.steps {
		name := ""
		switch at := len(way) - len(s.steps) + n; {
		case at >= 0:
			name = way[at].Name.Local
		case at == -1:
			name = "Body"
		case at == -2:
			name = "Envelope"
		default:
			return false
		}
		if step != "*" && step != name {
			return false
		}
	}
	return true
}

// Remove takes what is selected out of the Body, with all that is in it. What
// follows an element stays.
func (m *Message) Remove(list []Selector) {
	if m == nil || len(list) == 0 {
		return
	}
	var walk func(e *Element, way []*Element)
	walk = func(e *Element, way []*Element) {
		kept := e.Children[:0:0]
		for _, c := range e.Children {
			way := append(way, c)
			gone := false
			for _, s := range list {
				if !s.matches(way) {
					continue
				}
				if s.attr == "" {
					gone = true
					break
				}
				c.removeAttr(s.attr)
			}
			if gone {
				before := &e.Text
				if len(kept) > 0 {
					before = &kept[len(kept)-1].Tail
				}
				if !isSpace(c.Tail) || !isSpace(*before) {
					*before += c.Tail
				}
				continue
			}
			kept = append(kept, c)
			walk(c, way)
		}
		if len(kept) == 0 && len(e.Children) > 0 && isSpace(e.Text) {
			e.Text = "" // it was indentation
		}
		e.Children = kept
	}
	walk(m.Body, make([]*Element, 0, 8))
}

func (e *Element) removeAttr(local string) {
	kept := e.Attrs[:0:0]
	for _, a := range e.Attrs {
		if local != "*" && a.Name.Local != local {
			kept = append(kept, a)
		}
	}
	e.Attrs = kept
}

// Blank empties what is selected, elements of their text and attributes of their
// value, and returns what was in them, in the order of the message.
func (m *Message) Blank(list []Selector) (values []string) {
	if m == nil || len(list) == 0 {
		return nil
	}
	var walk func(e *Element, way []*Element)
	walk = func(e *Element, way []*Element) {
		for _, c := range e.Children {
			way := append(way, c)
			for _, s := range list {
				if !s.matches(way) {
					continue
				}
				if s.attr == "" {
					values, c.Text = append(values, c.Text), ""
				}
				for n := range c.Attrs {
					if a := &c.Attrs[n]; s.attr != "" && (s.attr == "*" || a.Name.Local == s.attr) {
						values, a.Value = append(values, a.Value), ""
					}
				}
			}
			walk(c, way)
		}
	}
	walk(m.Body, make([]*Element, 0, 8))
	return values
}
