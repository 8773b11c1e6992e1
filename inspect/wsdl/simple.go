package wsdl

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/umtape/umtape/inspect"
)

// simple is a simple type. Its facets hold beside those of what it was made from.
type simple struct {
	primitive string  // of an atomic type: the built-in type that says what is a value
	item      *simple // of a list
	lists     bool    // it is one, or a union with one
	union     []*typ  // of a union
	of        *simple // what it restricts; nil for a built-in type
	space     string  // preserve, replace or collapse
	facets    facets
}

type facets struct {
	enum           []string // nil for any
	patterns       []*regexp.Regexp
	length         int // -1 for none, as the rest
	minLength      int
	maxLength      int
	totalDigits    int
	fractionDigits int
	bounds         []bound
}

type bound struct {
	name  string // minInclusive ...
	value string
}

func noFacets() facets {
	return facets{length: -1, minLength: -1, maxLength: -1, totalDigits: -1, fractionDigits: -1}
}

func (s *schemas) simpleType(src source, t *typ) (*typ, error) {
	done, err := s.deeper(src)
	if err != nil {
		return nil, err
	}
	defer done()
	inner := func(e *inspect.Element) (*typ, error) { return s.simpleType(source{e, src.c}, &typ{}) }
	switch {
	case src.e.Child("restriction") != nil:
		d := source{src.e.Child("restriction"), src.c}
		if name, ok := d.qname("base"); ok {
			t.base, err = s.baseOf(name, d)
		} else if c := d.e.Child("simpleType"); c != nil {
			t.base, err = inner(c)
		} else {
			err = d.fail("a restriction names no base")
		}
		if err != nil {
			return nil, err
		}
		if t.base.simple == nil { // its declaration was not read
			t.simple = builtin("anySimpleType").simple
			return t, nil
		}
		t.simple, err = s.restrict(d, t.base.simple)
	case src.e.Child("list") != nil:
		d := source{src.e.Child("list"), src.c}
		item := builtin("anySimpleType")
		if name, ok := d.qname("itemType"); ok {
			item, err = s.baseOf(name, d)
		} else if c := d.e.Child("simpleType"); c != nil {
			item, err = inner(c)
		}
		if err != nil {
			return nil, err
		}
		if item.simple != nil && item.simple.lists {
			return nil, d.fail("a list of lists")
		}
		t.base = builtin("anySimpleType")
		t.simple = &simple{item: item.simple, lists: true, space: "collapse", facets: noFacets()}
	case src.e.Child("union") != nil:
		d := source{src.e.Child("union"), src.c}
		t.base = builtin("anySimpleType")
		t.simple = &simple{space: "collapse", facets: noFacets()}
		members, _ := d.e.Attr("memberTypes")
		for _, value := range strings.Fields(members) {
			m, err := s.baseOf(d.resolve(value), d)
			if err != nil {
				return nil, err
			}
			t.simple.union = append(t.simple.union, m)
		}
		for _, c := range d.e.Children {
			if c.Name.Local == "simpleType" {
				m, err := inner(c)
				if err != nil {
					return nil, err
				}
				t.simple.union = append(t.simple.union, m)
			}
		}
		t.simple.space = "preserve" // each member has its own
		for _, m := range t.simple.union {
			t.simple.lists = t.simple.lists || m.simple != nil && m.simple.lists
		}
	default:
		err = src.fail("a simpleType that is no restriction, list or union")
	}
	return t, err
}

// restrict reads the facets of a restriction.
func (s *schemas) restrict(src source, base *simple) (*simple, error) {
	t := &simple{primitive: base.primitive, item: base.item, lists: base.lists, union: base.union, of: base, space: base.space, facets: noFacets()}
	var patterns []string
	for _, e := range src.e.Children {
		if e.Name.Space != xsdNS {
			continue
		}
		value, _ := e.Attr("value")
		number := func(to *int) error {
			n, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil || n < 0 {
				return source{e, src.c}.fail("%s is %q", e.Name.Local, shorten(value))
			}
			*to = n
			return nil
		}
		var err error
		switch e.Name.Local {
		case "enumeration":
			t.facets.enum = append(t.facets.enum, value)
		case "pattern":
			patterns = append(patterns, value)
		case "length":
			err = number(&t.facets.length)
		case "minLength":
			err = number(&t.facets.minLength)
		case "maxLength":
			err = number(&t.facets.maxLength)
		case "totalDigits":
			err = number(&t.facets.totalDigits)
		case "fractionDigits":
			err = number(&t.facets.fractionDigits)
		case "minInclusive", "minExclusive", "maxInclusive", "maxExclusive":
			t.facets.bounds = append(t.facets.bounds, bound{e.Name.Local, value})
		case "whiteSpace":
			if t.union == nil { // each member has its own
				t.space = value
			}
		}
		if err != nil {
			return nil, err
		}
	}
	// Those of one step are alternatives.
	var compiled []string
	for _, p := range patterns {
		translated, err := translatePattern(p)
		if err != nil {
			line, _ := src.c.doc.Place(src.e)
			s.warn("%s:%d: the pattern %q is not checked: %v", src.c.file, line, shorten(p), err)
			return t, nil
		}
		compiled = append(compiled, translated)
	}
	if compiled != nil {
		re, err := regexp.Compile(`\A(?:` + strings.Join(compiled, "|") + `)\z`)
		if err != nil {
			line, _ := src.c.doc.Place(src.e)
			s.warn("%s:%d: a pattern is not checked: Go does not know it", src.c.file, line)
			return t, nil
		}
		t.facets.patterns = append(t.facets.patterns, re)
	}
	return t, nil
}

func normalize(space, v string) string {
	switch space {
	case "preserve":
		return v
	case "replace":
		return strings.Map(func(r rune) rune {
			if r == '\t' || r == '\n' || r == '\r' {
				return ' '
			}
			return r
		}, v)
	}
	return strings.Join(xmlFields(v), " ")
}

func xmlFields(v string) []string {
	return strings.FieldsFunc(v, func(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' })
}

// check says what is wrong with a value, "" for nothing. It never quotes the value.
// names resolves the prefix of a QName.
func (t *simple) check(v string, names func(string) bool) string { return t.judge(v, names, nil) }

// judge is check. no are the unions that the value is known not to be of, and why:
// unions of unions can name one type more often than there is time for.
func (t *simple) judge(v string, names func(string) bool, no map[*simple]string) (why string) {
	v = normalize(t.space, v)
	switch {
	case t.union != nil:
		if no == nil {
			no = map[*simple]string{}
		}
		if why, known := no[t]; known {
			return why
		}
		defer func() {
			if why != "" {
				no[t] = why
			}
		}()
		if !slices.ContainsFunc(t.union, func(m *typ) bool { return m.simple == nil || m.simple.judge(v, names, no) == "" }) {
			return "is of none of the union's types"
		}
	case t.item != nil:
		for _, one := range xmlFields(v) {
			if why := t.item.check(one, names); why != "" {
				return "has an item that " + why
			}
		}
	default:
		if why := checkBuiltin(t.primitive, v, names); why != "" {
			return why
		}
	}
	for step := t; step != nil; step = step.of {
		if why := step.facets.check(t, v); why != "" {
			return why
		}
	}
	return ""
}

func (f *facets) check(t *simple, v string) string {
	for _, re := range f.patterns {
		if !re.MatchString(v) {
			return "does not match the pattern"
		}
	}
	if f.enum != nil {
		found := false
		for _, e := range f.enum {
			if sameValue(t, normalize(t.space, e), v) {
				found = true
				break
			}
		}
		if !found {
			return "is none of the values that are enumerated"
		}
	}
	if f.length >= 0 || f.minLength >= 0 || f.maxLength >= 0 {
		if n, ok := lengthOf(t, v); ok {
			switch {
			case f.length >= 0 && n != f.length:
				return fmt.Sprintf("has the length %d; it is to be %d", n, f.length)
			case f.minLength >= 0 && n < f.minLength:
				return fmt.Sprintf("has the length %d; it is to be %d at least", n, f.minLength)
			case f.maxLength >= 0 && n > f.maxLength:
				return fmt.Sprintf("has the length %d; it may be %d at most", n, f.maxLength)
			}
		}
	}
	if f.totalDigits >= 0 || f.fractionDigits >= 0 {
		whole, fraction := digitsOf(v)
		if f.totalDigits >= 0 && whole+fraction > f.totalDigits {
			return fmt.Sprintf("has more than %d digits", f.totalDigits)
		}
		if f.fractionDigits >= 0 && fraction > f.fractionDigits {
			return fmt.Sprintf("has more than %d digits after the point", f.fractionDigits)
		}
	}
	for _, b := range f.bounds {
		c, ok := compareValues(t.primitive, v, normalize("collapse", b.value))
		if !ok {
			continue
		}
		if bad := map[string]bool{"minInclusive": c < 0, "minExclusive": c <= 0, "maxInclusive": c > 0, "maxExclusive": c >= 0}[b.name]; bad {
			return fmt.Sprintf("is out of range: %s is %s", b.name, shorten(b.value))
		}
	}
	return ""
}

func lengthOf(t *simple, v string) (n int, ok bool) {
	if t.item != nil {
		return len(xmlFields(v)), true
	}
	switch t.primitive {
	case "hexBinary":
		return len(v) / 2, true
	case "base64Binary":
		v = strings.ReplaceAll(v, " ", "")
		return len(v)/4*3 - strings.Count(v, "="), true
	case "QName", "NOTATION":
		return 0, false
	}
	return utf8.RuneCountInString(v), true
}

// digitsOf counts the digits of a decimal that matter.
func digitsOf(v string) (whole, fraction int) {
	v = strings.TrimLeft(v, "+-")
	a, b, _ := strings.Cut(v, ".")
	a, b = strings.TrimLeft(a, "0"), strings.TrimRight(b, "0")
	if a == "" && b != "" {
		return 0, len(b)
	}
	return len(a), len(b)
}

func sameValue(t *simple, a, b string) bool {
	if a == b {
		return true
	}
	if t.item != nil || t.union != nil {
		return false
	}
	c, ok := compareValues(t.primitive, a, b)
	return ok && c == 0
}

// maxDigits bounds how long a number may be to be compared.
const maxDigits = 4096

// compareValues compares two values of a type that has an order.
func compareValues(primitive, a, b string) (c int, ok bool) {
	if len(a) > maxDigits || len(b) > maxDigits {
		return 0, false
	}
	switch primitive {
	case "float", "double":
		x, errX := parseFloat(a)
		y, errY := parseFloat(b)
		if errX != nil || errY != nil || x != x || y != y {
			return 0, false
		}
		switch {
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		}
		return 0, true
	case "boolean":
		truth := func(v string) bool { return v == "true" || v == "1" }
		if truth(a) == truth(b) {
			return 0, true
		}
		return 1, true
	case "dateTime", "date":
		x, okX := parseTime(primitive, a)
		y, okY := parseTime(primitive, b)
		if !okX || !okY {
			return 0, false
		}
		return x.Compare(y), true
	}
	if primitive == "decimal" || integers[primitive] != nil {
		if !decimalForm.MatchString(a) || !decimalForm.MatchString(b) {
			return 0, false
		}
		x, okX := new(big.Rat).SetString(a)
		y, okY := new(big.Rat).SetString(b)
		if !okX || !okY {
			return 0, false
		}
		return x.Cmp(y), true
	}
	return 0, false
}

func parseFloat(v string) (float64, error) {
	return strconv.ParseFloat(strings.Replace(v, "INF", "Inf", 1), 64)
}
