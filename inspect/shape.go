package inspect

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxShape is the longest shape, in bytes.
const maxShape = 16 << 10

// ShapeOf returns the structure of what a message says, values taken out, on
// one line: names, attributes, cardinality, and for text what kind of value it
// is. A run of siblings of one shape is written once with a "*":
//
//	GetCallInfoResponse{GetCallInfoResponse{CallState:text EventCause:text}}
//	DisconnectPhoneCall{PhoneCallId[@Id]}
//	PhoneCallInformation{{types}PhoneCallState:text {types}ConnectionFailureCause:text}
//	Fault(InvalidCallIdException)
//
// The kinds are boolean, integer, decimal, dateTime and text. Where an
// element's namespace differs from its parent's and it is not the first, the
// last part of its URI is written before it, with a number for a second URI of
// that end; "{}" is none. A fault's shape is its [Fault.Kind]; an empty Body's
// is "empty". Long names are cut, and a long shape ends in "...".
func ShapeOf(m *Message) string {
	if m.Payload == nil {
		return "empty"
	}
	if m.Fault != nil {
		return "Fault(" + Shorten(m.Fault.Kind(), shownName) + ")"
	}
	s := shaper{labels: map[string]string{"": "{}"}, ends: map[string]int{}}
	var list siblings
	for _, e := range m.Body.Children {
		if !list.add(s.element(e, e.Name.Space)) {
			break
		}
	}
	return list.String()
}

// shaper names the namespaces of one message.
type shaper struct {
	labels map[string]string // by URI
	ends   map[string]int    // URIs with that end
}

func (s *shaper) element(e *Element, parentSpace string) string {
	var b strings.Builder
	if e.Name.Space != parentSpace {
		b.WriteString(s.label(e.Name.Space))
	}
	b.WriteString(Shorten(e.Name.Local, shownName))
	if len(e.Attrs) > 0 {
		names := make([]string, len(e.Attrs))
		for i, a := range e.Attrs {
			names[i] = "@" + Shorten(a.Name.Local, shownName)
		}
		slices.Sort(names)
		b.WriteString("[" + strings.Join(names, " ") + "]")
	}
	if len(e.Children) == 0 {
		if kind := kindOf(e.Text); kind != "" {
			b.WriteString(":" + kind)
		}
		return b.String()
	}
	var list siblings
	for _, c := range e.Children {
		if !list.add(s.element(c, e.Name.Space)) {
			break
		}
	}
	b.WriteString("{" + list.String() + "}")
	return b.String()
}

func (s *shaper) label(space string) string {
	if l, ok := s.labels[space]; ok {
		return l
	}
	end := strings.TrimRight(space, "/#:")
	end = Shorten(end[strings.LastIndexAny(end, "/#:")+1:], shownName)
	s.ends[end]++
	l := "{" + end + "}"
	if n := s.ends[end]; n > 1 {
		l = fmt.Sprintf("{%s#%d}", end, n)
	}
	s.labels[space] = l
	return l
}

// siblings gathers the shapes of siblings up to maxShape.
type siblings struct {
	b        strings.Builder
	last     string
	repeated bool
	full     bool
}

// add reports whether there is room for more.
func (l *siblings) add(shape string) bool {
	if l.b.Len() > 0 && shape == l.last {
		if !l.repeated {
			l.b.WriteByte('*')
		}
		l.repeated = true
		return true
	}
	if l.b.Len() > 0 {
		l.b.WriteByte(' ')
	}
	if room := maxShape - l.b.Len(); len(shape) > room {
		l.b.WriteString(strings.ToValidUTF8(shape[:max(room, 0)], ""))
		l.full = true
		return false
	}
	l.b.WriteString(shape)
	l.last, l.repeated = shape, false
	return true
}

func (l *siblings) String() string {
	if l.full {
		return l.b.String() + "..."
	}
	return l.b.String()
}

var (
	decimalForm  = regexp.MustCompile(`^[+-]?[0-9]*\.[0-9]+$`)
	dateTimeForm = regexp.MustCompile(`^-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$`)
)

// kindOf names the narrowest lexical kind of s, "" if it is only white space.
// It is a guess at a type, not a validation of one; 0 and 1 are integers.
func kindOf(s string) string {
	s = trim(s)
	switch {
	case s == "":
		return ""
	case s == "true", s == "false":
		return "boolean"
	case len(s) <= 32 && decimalForm.MatchString(s):
		return "decimal"
	case len(s) <= 64 && dateTimeForm.MatchString(s):
		return "dateTime"
	}
	if _, err := strconv.ParseInt(s, 10, 64); err == nil {
		return "integer"
	}
	return "text"
}
