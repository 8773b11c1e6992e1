package inspect

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ShapeOf returns the structure of what a message says, values taken out, on
// one line: names, attributes, cardinality, and for text what kind of value it
// is. A run of siblings of one shape is written once with a "*":
//
//	GetCallInfoResponse{GetCallInfoResponse{CallState:text EventCause:text}}
//	DisconnectPhoneCall{PhoneCallId[@Id]}
//	Fault(InvalidCallIdException)
//
// The kinds are boolean, integer, decimal, dateTime and text. An element's
// namespace is written where it differs from its parent's, unless it is the
// first. A fault's shape is its [Fault.Kind]; an empty Body's is "empty".
func ShapeOf(m *Message) string {
	if m.Payload == nil {
		return "empty"
	}
	if m.Fault != nil {
		return "Fault(" + m.Fault.Kind() + ")"
	}
	var parts []string
	for _, e := range m.Body.Children {
		parts = append(parts, shapeOf(e, e.Name.Space))
	}
	return strings.Join(parts, " ")
}

func shapeOf(e *Element, parentSpace string) string {
	var b strings.Builder
	if e.Name.Space != parentSpace {
		b.WriteString("{" + e.Name.Space + "}")
	}
	b.WriteString(e.Name.Local)
	if len(e.Attrs) > 0 {
		names := make([]string, len(e.Attrs))
		for i, a := range e.Attrs {
			names[i] = "@" + a.Name.Local
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
	var parts []string
	for _, c := range e.Children {
		s := shapeOf(c, e.Name.Space)
		if n := len(parts); n > 0 && strings.TrimSuffix(parts[n-1], "*") == s {
			parts[n-1] = s + "*"
			continue
		}
		parts = append(parts, s)
	}
	b.WriteString("{" + strings.Join(parts, " ") + "}")
	return b.String()
}

var (
	decimalForm  = regexp.MustCompile(`^[+-]?[0-9]*\.[0-9]+$`)
	dateTimeForm = regexp.MustCompile(`^-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$`)
)

// kindOf names the narrowest lexical kind of s, "" if it is only white space.
// It is a guess at a type, not a validation of one; 0 and 1 are integers.
func kindOf(s string) string {
	s = strings.TrimSpace(s)
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
