package inspect

import (
	"fmt"
	"strings"
)

// Kinds is a set of lexical kinds of text, as [ShapeOf] names them.
type Kinds uint8

const (
	KindEmpty Kinds = 1 << iota // nothing, or only white space
	KindBoolean
	KindInteger
	KindDecimal
	KindDateTime
	KindText
)

var kindNames = []string{"empty", "boolean", "integer", "decimal", "dateTime", "text"}

// String is such as "text", "empty|integer", or "" for none.
func (k Kinds) String() string {
	var names []string
	for i, name := range kindNames {
		if k&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, "|")
}

// ParseKinds reads what String writes.
func ParseKinds(s string) (k Kinds, err error) {
	if s == "" {
		return 0, nil
	}
next:
	for name := range strings.SplitSeq(s, "|") {
		for i, known := range kindNames {
			if strings.TrimSpace(name) == known {
				k |= 1 << i
				continue next
			}
		}
		return 0, fmt.Errorf("%q is not a kind of value: %s", Shorten(name, shownName), strings.Join(kindNames, ", "))
	}
	return k, nil
}

// KindsOf is the one kind of a text.
func KindsOf(text string) Kinds {
	name := kindOf(text)
	for i, known := range kindNames {
		if name == known {
			return 1 << i
		}
	}
	return KindEmpty
}

// Joined leaves out what another kind of the set includes: text has room for
// every value that is not empty, and a decimal for an integer.
func (k Kinds) Joined() Kinds {
	switch {
	case k&KindText != 0:
		return k & (KindText | KindEmpty)
	case k&KindDecimal != 0:
		return k &^ KindInteger
	}
	return k
}

// Admits reports whether the set has room for a text. 0 and 1 are booleans as well
// (XML Schema part 2 §3.2.2).
func (k Kinds) Admits(text string) bool {
	got := KindsOf(text)
	if t := trim(text); got == KindInteger && (t == "0" || t == "1") && k&KindBoolean != 0 {
		return true
	}
	return (k | got).Joined() == k.Joined()
}
