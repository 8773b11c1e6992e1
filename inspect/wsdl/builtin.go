package wsdl

import (
	"encoding/base64"
	"math/big"
	"regexp"
	"strings"
	"time"

	"github.com/umtape/umtape/inspect"
)

// bases are the built-in types with what each is derived from.
var bases = map[string]string{
	"anySimpleType": "anyType",
	"string":        "anySimpleType", "normalizedString": "string", "token": "normalizedString", "language": "token", "Name": "token", "NMTOKEN": "token",
	"NCName": "Name", "ID": "NCName", "IDREF": "NCName", "ENTITY": "NCName", "IDREFS": "anySimpleType", "NMTOKENS": "anySimpleType", "ENTITIES": "anySimpleType",
	"boolean": "anySimpleType", "float": "anySimpleType", "double": "anySimpleType", "duration": "anySimpleType", "dateTime": "anySimpleType",
	"time": "anySimpleType", "date": "anySimpleType", "gYearMonth": "anySimpleType", "gYear": "anySimpleType", "gMonthDay": "anySimpleType",
	"gDay": "anySimpleType", "gMonth": "anySimpleType", "hexBinary": "anySimpleType", "base64Binary": "anySimpleType", "anyURI": "anySimpleType",
	"QName": "anySimpleType", "NOTATION": "anySimpleType",
	"decimal": "anySimpleType", "integer": "decimal", "nonPositiveInteger": "integer", "negativeInteger": "nonPositiveInteger",
	"long": "integer", "int": "long", "short": "int", "byte": "short", "nonNegativeInteger": "integer", "unsignedLong": "nonNegativeInteger",
	"unsignedInt": "unsignedLong", "unsignedShort": "unsignedInt", "unsignedByte": "unsignedShort", "positiveInteger": "nonNegativeInteger",
}

var builtins = makeBuiltins()

func makeBuiltins() map[string]*typ {
	made := map[string]*typ{"anyType": anyType}
	var get func(name string) *typ
	get = func(name string) *typ {
		if t := made[name]; t != nil {
			return t
		}
		t := &typ{name: inspect.Name{Space: xsdNS, Local: name}, base: get(bases[name])}
		t.simple = &simple{primitive: name, space: "collapse", facets: noFacets()}
		switch name {
		case "string", "anySimpleType":
			t.simple.space = "preserve"
		case "normalizedString":
			t.simple.space = "replace"
		case "IDREFS", "NMTOKENS", "ENTITIES":
			item := map[string]string{"IDREFS": "IDREF", "NMTOKENS": "NMTOKEN", "ENTITIES": "ENTITY"}[name]
			t.simple = &simple{item: get(item).simple, space: "collapse", facets: noFacets()}
			t.simple.facets.minLength = 1
		}
		made[name] = t
		return t
	}
	for name := range bases {
		get(name)
	}
	anyType.content.mayBeNothing() // now, so that checking changes nothing
	return made
}

// builtin is a built-in simple type, nil if there is none of that name.
func builtin(name string) *typ {
	if _, ok := bases[name]; !ok {
		return nil
	}
	return builtins[name]
}

// integers are the bounds of the built-in types that hold integers.
var integers = map[string]*[2]*big.Int{
	"integer": {}, "nonPositiveInteger": {nil, big.NewInt(0)}, "negativeInteger": {nil, big.NewInt(-1)},
	"nonNegativeInteger": {big.NewInt(0), nil}, "positiveInteger": {big.NewInt(1), nil},
	"long": {big.NewInt(-1 << 63), big.NewInt(1<<63 - 1)}, "int": {big.NewInt(-1 << 31), big.NewInt(1<<31 - 1)},
	"short": {big.NewInt(-1 << 15), big.NewInt(1<<15 - 1)}, "byte": {big.NewInt(-128), big.NewInt(127)},
	"unsignedLong": {big.NewInt(0), new(big.Int).SetUint64(1<<64 - 1)}, "unsignedInt": {big.NewInt(0), big.NewInt(1<<32 - 1)},
	"unsignedShort": {big.NewInt(0), big.NewInt(1<<16 - 1)}, "unsignedByte": {big.NewInt(0), big.NewInt(255)},
}

const zone = `(?:Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))?`
const nameStart, nameRest = `\p{L}_`, `\p{L}\p{N}\p{M}_.\-·`

var (
	decimalForm = regexp.MustCompile(`^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$`)
	forms       = map[string]*regexp.Regexp{
		"boolean": regexp.MustCompile(`^(?:true|false|0|1)$`),
		"decimal": decimalForm,
		"integer": regexp.MustCompile(`^[+-]?\d+$`),
		"float":   regexp.MustCompile(`^(?:-?INF|NaN|[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)$`),

		"duration":   regexp.MustCompile(`^-?P(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?$`),
		"time":       regexp.MustCompile(`^(?:(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?|24:00:00(?:\.0+)?)` + zone + `$`),
		"dateTime":   regexp.MustCompile(`^-?(?:[1-9]\d{4,}|\d{4})-\d\d-\d\dT(?:(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?|24:00:00(?:\.0+)?)` + zone + `$`),
		"date":       regexp.MustCompile(`^-?(?:[1-9]\d{4,}|\d{4})-\d\d-\d\d` + zone + `$`),
		"gYearMonth": regexp.MustCompile(`^-?(?:[1-9]\d{4,}|\d{4})-(?:0[1-9]|1[0-2])` + zone + `$`),
		"gYear":      regexp.MustCompile(`^-?(?:[1-9]\d{4,}|\d{4})` + zone + `$`),
		"gMonthDay":  regexp.MustCompile(`^--(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])` + zone + `$`),
		"gDay":       regexp.MustCompile(`^---(?:0[1-9]|[12]\d|3[01])` + zone + `$`),
		"gMonth":     regexp.MustCompile(`^--(?:0[1-9]|1[0-2])` + zone + `$`),

		"hexBinary": regexp.MustCompile(`^(?:[0-9a-fA-F]{2})*$`),
		"language":  regexp.MustCompile(`^[a-zA-Z]{1,8}(?:-[a-zA-Z0-9]{1,8})*$`),
		"NMTOKEN":   regexp.MustCompile(`^[` + nameRest + `:]+$`),
		"Name":      regexp.MustCompile(`^[` + nameStart + `:][` + nameRest + `:]*$`),
		"NCName":    regexp.MustCompile(`^[` + nameStart + `][` + nameRest + `]*$`),
		"QName":     regexp.MustCompile(`^(?:[` + nameStart + `][` + nameRest + `]*:)?[` + nameStart + `][` + nameRest + `]*$`),
	}
	dayForm = regexp.MustCompile(`^-?(\d{4,})-(\d\d)-(\d\d)`)
)

// checkBuiltin says what is wrong with a value of a built-in type, "" for nothing.
func checkBuiltin(name, v string, names func(prefix string) bool) string {
	bad := "is no " + name
	form := name
	switch name {
	case "double":
		form = "float"
	case "ID", "IDREF", "ENTITY":
		form = "NCName"
	case "base64Binary":
		if _, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(v, " ", "")); err != nil {
			return bad
		}
		return ""
	case "anyURI":
		if strings.ContainsAny(v, " <>\"{}|\\^`") && strings.ContainsAny(v, "<>\"{}|\\^`") {
			return bad
		}
		return ""
	}
	if bounds := integers[name]; bounds != nil {
		if !forms["integer"].MatchString(v) {
			return bad
		}
		if len(v) > maxDigits {
			return ""
		}
		n, ok := new(big.Int).SetString(strings.TrimPrefix(v, "+"), 10)
		if !ok || bounds[0] != nil && n.Cmp(bounds[0]) < 0 || bounds[1] != nil && n.Cmp(bounds[1]) > 0 {
			return bad + ": it is out of range"
		}
		return ""
	}
	re := forms[form]
	if re == nil {
		return ""
	}
	if !re.MatchString(v) {
		return bad
	}
	switch name {
	case "duration":
		if strings.HasSuffix(v, "T") || strings.HasSuffix(v, "P") {
			return bad
		}
	case "dateTime", "date":
		if !realDay(v) {
			return bad
		}
	case "QName":
		if prefix, _, ok := strings.Cut(v, ":"); ok && names != nil && !names(prefix) {
			return "is a QName whose prefix is not declared"
		}
	}
	return ""
}

// realDay reports whether a date is in the calendar.
func realDay(v string) bool {
	m := dayForm.FindStringSubmatch(v)
	if m == nil {
		return false
	}
	year := m[1][len(m[1])-4:]
	if strings.Trim(m[1], "0") == "" {
		return false // there is no year 0 in XML Schema 1.0
	}
	if year == "0000" {
		year = "2000" // a leap year as well
		if len(m[1]) > 4 && !strings.HasSuffix(m[1], "0000") {
			return true
		}
	}
	_, err := time.Parse("2006-01-02", year+"-"+m[2]+"-"+m[3])
	return err == nil
}

// parseTime reads a date or dateTime for comparing; one without a zone is taken for
// UTC.
func parseTime(name, v string) (time.Time, bool) {
	layout := "2006-01-02T15:04:05.999999999"
	if name == "date" {
		layout = "2006-01-02"
	}
	for _, l := range []string{layout, layout + "Z07:00"} {
		if t, err := time.Parse(l, v); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
