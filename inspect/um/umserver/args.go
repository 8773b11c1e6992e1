package umserver

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/um"
)

// args are a request's values by the names of its fields.
type args map[string]string

// misfit is how a request fails to be what its operation's row asks for. It
// names what was expected and never what was found.
type misfit struct {
	at        *inspect.Element // where it shows
	what      string           // lower case, no final stop
	exception string           // the UM exception that answers it; "" for a malformed request
}

// readArgs takes the values out of a request that fits its row: the fields in
// order, each once, with nothing else beside them.
func readArgs(op um.Operation, m *inspect.Message) (args, *misfit) {
	p := m.Payload
	switch {
	case len(m.Body.Children) > 1:
		return nil, &misfit{at: m.Body, what: "the Body holds more than one element"}
	case !blank(m.Body.Value()):
		return nil, &misfit{at: m.Body, what: "the Body holds text"}
	case !blank(p.Value()):
		return nil, &misfit{at: p, what: fmt.Sprintf("the element '%s' holds text", op.Name)}
	case !onlyAttrs(p):
		return nil, &misfit{at: p, what: fmt.Sprintf("the element '%s' has an attribute", op.Name)}
	}
	values := make(args, len(op.Request))
	rest := p.Children
	for _, f := range op.Request {
		if len(rest) == 0 || rest[0].Name != (inspect.Name{Space: um.MessagesNS, Local: f.Name}) {
			if f.Kind == um.CallID && !f.ID {
				values[f.Name] = "" // absent is as wrong as any wrong one (section 3.2)
				continue
			}
			return nil, &misfit{at: p, what: fmt.Sprintf("the element '%s' has no child element '%s' in its place", op.Name, f.Name)}
		}
		v, wrong := readField(op, f, rest[0])
		if wrong != nil {
			return nil, wrong
		}
		values[f.Name], rest = v, rest[1:]
	}
	if len(rest) > 0 {
		return nil, &misfit{at: rest[0], what: fmt.Sprintf("the element '%s' has a child element too many", op.Name)}
	}
	return values, nil
}

func readField(op um.Operation, f um.Field, e *inspect.Element) (string, *misfit) {
	fail := func(format string) (string, *misfit) {
		return "", &misfit{at: e, what: fmt.Sprintf(format, f.Name)}
	}
	if len(e.Children) > 0 {
		return fail("the element '%s' has a child element")
	}
	if f.ID {
		id, ok := e.Attr("Id")
		switch {
		case !ok:
			return "", &misfit{at: e, what: "the required attribute 'Id' is missing"}
		case !onlyAttrs(e, "Id", "ChangeKey"):
			return fail("the element '%s' has an unknown attribute")
		case !blank(e.Text):
			return fail("the element '%s' holds text")
		}
		return id, nil
	}
	if !onlyAttrs(e) {
		return fail("the element '%s' has an attribute")
	}
	v := e.Value()
	switch f.Kind {
	case um.Boolean:
		v = strings.Trim(v, space) // xs:boolean collapses white space
		if !slices.Contains([]string{"true", "false", "1", "0"}, v) {
			return fail("the element '%s' is not a Boolean")
		}
	case um.Greeting:
		if v != "NormalCustom" && v != "OofCustom" {
			return fail("the element '%s' is neither NormalCustom nor OofCustom")
		}
	case um.Base64:
		if _, err := base64.StdEncoding.DecodeString(strings.Map(dropSpace, v)); err != nil || blank(v) {
			_, wrong := fail("the element '%s' is not base64")
			if slices.Contains(op.Faults, invalidObjectID) {
				wrong.exception = invalidObjectID
			}
			return "", wrong
		}
	}
	return v, nil
}

// onlyAttrs reports whether e has no attributes but these, in no namespace, and
// those of XML Schema instances, which any element may have.
func onlyAttrs(e *inspect.Element, names ...string) bool {
	for _, a := range e.Attrs {
		known := a.Name.Space == "" && slices.Contains(names, a.Name.Local)
		if !known && a.Name.Space != xsiNS {
			return false
		}
	}
	return true
}

const space = " \t\r\n" // XML 1.0 §2.3

// dropSpace is for strings.Map: base64 text may be wrapped.
func dropSpace(r rune) rune {
	if strings.ContainsRune(space, r) {
		return -1
	}
	return r
}

func blank(s string) bool { return strings.Trim(s, space) == "" }
