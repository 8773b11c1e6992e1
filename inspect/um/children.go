package um

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/umtape/umtape/inspect"
)

// children checks the children of parent against a row of fields: each there
// once, in order, spelled and placed right, with a value of its kind.
func (c *checker) children(path string, parent *inspect.Element, fields []Field, op Operation) {
	seen := make([]int, len(fields))
	last := -1
	for _, e := range parent.Children {
		at := path + "/" + e.Name.Local
		i := slices.IndexFunc(fields, func(f Field) bool { return f.Name == e.Name.Local })
		if i < 0 {
			i = c.misspelled(at, e, fields, parent)
			if i >= 0 {
				seen[i]++
			}
			continue
		}
		if e.Name.Space != parent.Name.Space {
			c.add(ruleChildSpace, at, e, "%s is in %s", e.Name.Local, spaceName(e.Name.Space))
		}
		if seen[i]++; seen[i] == 2 {
			c.add(ruleRepeated, at, e, "%s is there more than once", e.Name.Local)
		}
		if i < last {
			c.add(ruleOrder, at, e, "%s comes after %s", e.Name.Local, fields[last].Name)
		}
		last = max(last, i)
		c.field(at, e, fields[i], op)
	}
	for i, f := range fields {
		if seen[i] > 0 {
			continue
		}
		rule := ruleMissing
		if !f.Required {
			rule = ruleExpected
		}
		if f.Required || f.Expected {
			c.add(rule, path+"/"+f.Name, parent, "%s has no %s", parent.Name.Local, f.Name)
		}
	}
}

// misspelled reports a child that no field is named after, and returns the
// field it stands for, or -1.
func (c *checker) misspelled(path string, e *inspect.Element, fields []Field, parent *inspect.Element) int {
	i := slices.IndexFunc(fields, func(f Field) bool { return strings.EqualFold(f.Name, e.Name.Local) })
	switch {
	case i < 0:
		c.add(ruleUnknownChild, path, e, "%s is no child of %s", e.Name.Local, parent.Name.Local)
	case e.Name.Local == "base64FolderID":
		c.add(ruleSpelling, path, e, "base64FolderID is a slip of one example; the protocol's name is base64FolderId")
	default:
		c.add(ruleCasing, path, e, "%s is spelled %s in the protocol", e.Name.Local, fields[i].Name)
	}
	return i
}

func (c *checker) field(path string, e *inspect.Element, f Field, op Operation) {
	if f.ID {
		id, ok := e.Attr("Id")
		if !ok {
			c.add(ruleMissing, path+"/@Id", e, "%s has no attribute Id", f.Name)
			return
		}
		c.value(path+"/@Id", e, f, id, op)
		return
	}
	if len(e.Children) > 0 {
		c.add(ruleUnknownChild, path, e, "%s holds elements; it holds text only", f.Name)
		return
	}
	c.value(path, e, f, e.Value(), op)
}

var (
	states       = []string{"Connecting", "Connected", "Disconnected"}
	hiddenStates = []string{"Idle", "Alerted", "Incoming", "Transferring", "Forwarding"}
	causes       = []string{"None", "UserBusy", "NoAnswer", "Other"}
)

// value checks text by its kind. It never quotes the text.
func (c *checker) value(path string, e *inspect.Element, f Field, text string, op Operation) {
	trimmed := strings.TrimSpace(text)
	ok, lenient := true, false
	switch f.Kind {
	case CallID:
		c.callID(path, e, text, op)
	case Boolean:
		lenient = trimmed == "True" || trimmed == "False"
		ok = lenient || slices.Contains([]string{"true", "false", "1", "0"}, trimmed)
	case Base64:
		_, err := base64.StdEncoding.DecodeString(trimmed)
		ok = err == nil
	case State:
		ok = slices.Contains(states, trimmed) || slices.Contains(hiddenStates, trimmed)
	case Cause:
		lenient = trimmed == "Unavailable"
		ok = lenient || slices.Contains(causes, trimmed)
	case Greeting:
		ok = trimmed == "NormalCustom" || trimmed == "OofCustom"
	}
	switch {
	case lenient:
		c.add(ruleValueLenient, path, e, "%s has a value that only some documents have", e.Name.Local)
	case !ok:
		c.add(ruleValue, path, e, "%s is not %s", e.Name.Local, kindName(f.Kind))
	}
}

func kindName(k Kind) string {
	switch k {
	case Boolean:
		return "true, false, 1 or 0"
	case Base64:
		return "base64"
	case State:
		return "a call state: Connecting, Connected or Disconnected"
	case Cause:
		return "an event cause: None, UserBusy, NoAnswer or Other"
	case Greeting:
		return "NormalCustom or OofCustom"
	}
	return "text"
}

func (c *checker) callID(path string, e *inspect.Element, id string, op Operation) {
	switch n := utf8.RuneCountInString(id); {
	case strings.TrimSpace(id) == "":
		c.add(ruleEmptyCallID, path, e, "the call identifier is empty")
	case n > MaxCallID && op.Name == "GetCallInfo" && c.part == "request":
		c.add(ruleLongCallID, path, e, "the CallId is %d characters long; at most %d are allowed", n, MaxCallID)
	case n > MaxCallID:
		c.add(ruleLongOther, path, e, "the call identifier is %d characters long", n)
	default:
		if _, ok := inspect.DecodeCallID(id); !ok {
			c.add(ruleCallIDForm, path, e, "the call identifier is not base64 of GUID@host, as the published samples are")
		}
	}
}

func spaceName(space string) string {
	if space == "" {
		return "no namespace"
	}
	return "another namespace than its parent"
}
