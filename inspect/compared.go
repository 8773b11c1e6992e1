package inspect

import (
	"cmp"
	"slices"
)

// What the canonical form and Compare both see of an element, so that they
// cannot disagree.

// leading is e's text before its first child as far as it counts. White space
// beside elements is indentation, and so it is alone in a child of the Body: an
// empty request may be written over two lines. depth is 0 for the Body.
func leading(e *Element, depth int) string {
	if (depth < 2 || len(e.Children) > 0) && isSpace(e.Text) {
		return ""
	}
	return e.Text
}

// elementName is e's name for comparing: that of an undeclared prefix equals
// only itself.
func elementName(e *Element, fold bool) Name {
	if e.Undeclared {
		return Name{Space: undeclaredSpace(e.Prefix), Local: e.Name.Local}
	}
	return folded(e.Name, fold)
}

func folded(n Name, fold bool) Name {
	if fold {
		n.Space, _ = Twin(n.Space)
	}
	return n
}

// comparedAttr is an attribute as it counts.
type comparedAttr struct {
	name    Name
	value   string
	isQName bool // the value counts by the name it refers to
	qname   Name
}

// comparedAttrs returns e's attributes in an order that does not depend on how
// they were written. Two that fold into one name both stay.
func comparedAttrs(e *Element, fold bool) []comparedAttr {
	if len(e.Attrs) == 0 {
		return nil
	}
	list := make([]comparedAttr, len(e.Attrs))
	for i, a := range e.Attrs {
		list[i] = comparedAttrOf(e, a, fold)
	}
	slices.SortFunc(list, compareAttrs)
	return list
}

func comparedAttrOf(e *Element, a Attr, fold bool) comparedAttr {
	c := comparedAttr{name: folded(a.Name, fold), value: a.Value}
	if a.Name.Space != xsiNS {
		return c
	}
	switch a.Name.Local {
	case "type": // a QName (XML Schema part 1 §2.6.1), whose prefix is as arbitrary as any
		if name, _, ok := e.ResolveQName(a.Value); ok {
			return comparedAttr{name: c.name, isQName: true, qname: folded(name, fold)}
		}
	case "nil": // a boolean (§2.6.2)
		switch trim(a.Value) {
		case "true", "1":
			c.value = "true"
		case "false", "0":
			c.value = "false"
		}
	}
	return c
}

func compareAttrs(a, b comparedAttr) int {
	if c := compareNames(a.name, b.name); c != 0 {
		return c
	}
	if a.isQName != b.isQName {
		if a.isQName {
			return -1
		}
		return 1
	}
	return cmp.Or(compareNames(a.qname, b.qname), cmp.Compare(a.value, b.value))
}

func compareNames(a, b Name) int {
	return cmp.Or(cmp.Compare(a.Space, b.Space), cmp.Compare(a.Local, b.Local))
}
