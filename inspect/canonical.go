package inspect

import (
	"cmp"
	"slices"
)

// Marks of the canonical form. None of them, nor the closing zero, may occur in
// an XML document (XML 1.0 §2.2), so no text can imitate structure.
const (
	markElement = 0x01
	markAttr    = 0x02
	markText    = 0x03
	markEnd     = 0x04
	markStop    = 0x00
)

// AppendCanonical appends to dst the canonical form of the message's Body: the
// bytes that are equal for two messages exactly when these say the same thing.
//
// What counts: every element by namespace URI and local name, in order;
// attributes by expanded name, in any order, with their values (an xsi:type by
// the name it refers to); character data to the letter. What does not: prefixes
// and where they are declared, white space between elements, comments, CDATA
// against escaped text, the XML declaration, the encoding, the Header, the
// attributes of Envelope and Body, and the SOAP version.
//
// With foldTwins the https:// spellings of Microsoft's namespaces count as
// their http:// twins (see [Twin]).
func (m *Message) AppendCanonical(dst []byte, foldTwins bool) []byte {
	for _, e := range m.Body.Children {
		dst = appendCanonical(dst, e, foldTwins)
	}
	return dst
}

func appendCanonical(dst []byte, e *Element, fold bool) []byte {
	dst = appendName(append(dst, markElement), elementName(e), fold)
	attrs := e.Attrs
	if len(attrs) > 1 {
		attrs = slices.Clone(attrs)
		slices.SortFunc(attrs, func(a, b Attr) int { return compareNames(a.Name, b.Name) })
	}
	for _, a := range attrs {
		dst = appendName(append(dst, markAttr), a.Name, fold)
		dst = append(append(dst, attrValue(e, a, fold)...), markStop)
	}
	dst = appendText(dst, e.Text, len(e.Children) > 0)
	for _, c := range e.Children {
		dst = appendCanonical(dst, c, fold)
		dst = appendText(dst, c.Tail, true)
	}
	return append(dst, markEnd)
}

func appendName(dst []byte, n Name, fold bool) []byte {
	space := n.Space
	if fold {
		space, _ = Twin(space)
	}
	dst = append(append(dst, space...), markStop)
	return append(append(dst, n.Local...), markStop)
}

func appendText(dst []byte, text string, besideElements bool) []byte {
	if text == "" || besideElements && isSpace(text) {
		return dst
	}
	return append(append(append(dst, markText), text...), markStop)
}

// elementName is e's name for comparing: that of an undeclared prefix equals
// only itself.
func elementName(e *Element) Name {
	if e.Undeclared {
		return Name{Space: undeclaredSpace(e.Prefix), Local: e.Name.Local}
	}
	return e.Name
}

// attrValue is a's value for comparing. The value of xsi:type is a QName
// (XML Schema part 1 §2.6.1), whose prefix is as arbitrary as any other.
func attrValue(e *Element, a Attr, fold bool) string {
	if a.Name.Space == xsiNS && a.Name.Local == "type" {
		if name, _, ok := e.ResolveQName(a.Value); ok {
			if fold {
				name.Space, _ = Twin(name.Space)
			}
			return "{" + name.Space + "}" + name.Local
		}
	}
	return a.Value
}

func compareNames(a, b Name) int {
	return cmp.Or(cmp.Compare(a.Space, b.Space), cmp.Compare(a.Local, b.Local))
}
