package um

import (
	"slices"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// children checks the children of parent against a row of fields in one
// namespace: each there once, in order, spelled and placed right, with a value
// of its kind.
func (c *checker) children(path string, parent *inspect.Element, fields []Field, space string) {
	seen := make([]int, len(fields))
	last := -1
	for _, e := range parent.Children {
		at := path + "/" + name(e)
		i := slices.IndexFunc(fields, func(f Field) bool { return f.Name == e.Name.Local })
		if i < 0 {
			if i = c.misspelled(at, e, fields, parent); i >= 0 {
				seen[i]++
			}
			continue
		}
		c.space(at, e, parent, space)
		if seen[i]++; seen[i] == 2 {
			rule := ruleRepeated
			if !fields[i].Required {
				rule = ruleRepeatedInferred
			}
			c.add(rule, at, e, "%s is there more than once", e.Name.Local)
		}
		if i < last {
			c.add(ruleOrder, at, e, "%s comes after %s", e.Name.Local, fields[last].Name)
		}
		last = max(last, i)
		c.field(at, e, fields[i])
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
			c.add(rule, path+"/"+f.Name, parent, "%s has no %s", name(parent), f.Name)
		}
	}
}

// space checks that e, a child of parent, is in the namespace want. An https://
// spelling or a strange namespace that the parent has too is one finding, and is
// made there.
func (c *checker) space(path string, e, parent *inspect.Element, want string) {
	space, https := inspect.Twin(e.Name.Space)
	_, parentHTTPS := inspect.Twin(parent.Name.Space)
	switch {
	case e.Undeclared:
		c.add(ruleChildSpace, path, e, "%s has a prefix that is not declared", name(e))
	case space == want && https && !parentHTTPS:
		c.httpsSpelling(path, e)
	case space == want, !inMessages(parent.Name.Space) && e.Name.Space == parent.Name.Space:
	case space+"s" == MessagesNS && want == MessagesNS:
		c.add(ruleSlip, path, e, "%s is in .../2006/message, a slip of one page; the namespace ends in messages", name(e))
	default:
		c.add(ruleChildSpace, path, e, "%s %s", name(e), where(e))
	}
}

// misspelled reports a child that no field is named after, and returns the
// field it stands for, or -1.
func (c *checker) misspelled(path string, e *inspect.Element, fields []Field, parent *inspect.Element) int {
	i := slices.IndexFunc(fields, func(f Field) bool { return strings.EqualFold(f.Name, e.Name.Local) })
	switch {
	case i < 0:
		c.add(ruleUnknownChild, path, e, "%s is no child of %s", name(e), name(parent))
	case e.Name.Local == "base64FolderID":
		c.add(ruleSlip, path, e, "base64FolderID is a slip of one example; the protocol's name is base64FolderId")
	default:
		c.add(ruleCasing, path, e, "%s is spelled %s in the protocol", e.Name.Local, fields[i].Name)
	}
	return i
}

func (c *checker) field(path string, e *inspect.Element, f Field) {
	if !f.ID {
		c.textOnly(path, e, f)
		return
	}
	id, ok := e.Attr("Id")
	if !ok {
		c.add(ruleMissing, path+"/@Id", e, "%s has no attribute Id", f.Name)
		return
	}
	c.value(path+"/@Id", e, f, id)
}

// textOnly checks an element that holds a value and nothing else.
func (c *checker) textOnly(path string, e *inspect.Element, f Field) {
	if len(e.Children) > 0 {
		c.add(ruleUnknownChild, path, e, "%s holds elements; it holds text only", name(e))
		return
	}
	c.value(path, e, f, e.Value())
}
