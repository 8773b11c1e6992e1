package inspect

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/beevik/etree"
)

// parseTree reads XML into elements: decode, then the quick way if the message is
// an ordinary one, else the full way, which alone refuses. It returns the
// decoded text too, which is what offsets count in, and where that begins in
// body, -1 if it is not there as it is. charset is what the XML is in if it does
// not say so itself; "" for UTF-8.
func parseTree(body []byte, charset string, limits Limits) (root *Element, text string, start int, err error) {
	limits = limits.withDefaults()
	if int64(len(body)) > limits.Bytes {
		return nil, "", -1, &SyntaxError{Err: errTooLong, Reason: fmt.Sprintf("%d bytes; at most %d are read", len(body), limits.Bytes)}
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, "", -1, &SyntaxError{Err: ErrEmpty}
	}
	decoded, err := utf8Text(body, charset)
	if err != nil {
		return nil, "", -1, err
	}
	text, start = string(decoded), startOf(decoded, body)
	room := roomFor(min(len(text), len(body)))
	root, ok := quickTree(text, limits, room)
	if !ok {
		if root, err = fullTree(decoded, limits, room); err != nil {
			return nil, "", -1, err
		}
	}
	return root, text, start, nil
}

// fullTree reads any message, or says why it is none: guard, parse.
func fullTree(text []byte, limits Limits, room room) (*Element, error) {
	found, err := guard(text, limits, room)
	if err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	doc.ReadSettings.CharsetReader = passCharset
	doc.ReadSettings.MaxDepth = limits.Depth
	doc.ReadSettings.PreserveDuplicateAttrs = true
	if err := doc.ReadFromBytes(found.text); err != nil {
		// The guard accepted it, so this is etree's own view; keep the kind.
		return nil, &SyntaxError{Err: ErrNotXML}
	}
	b := builder{starts: found.starts, text: text}
	return b.element(doc.Root(), nil)
}

// builder turns etree's elements, which know prefixes, into ours, which know
// namespaces; one walk, so that resolving costs the same at any depth.
type builder struct {
	starts []int64
	text   []byte
	next   int // index in starts of the element about to be built
	tags   tags
}

func (b *builder) element(src *etree.Element, parent *scope) (*Element, error) {
	e := &Element{Offset: b.starts[b.next]}
	b.next++
	here, attrs := parent, 0
	for i := range src.Attr {
		a := &src.Attr[i]
		prefix, isDecl := declaredPrefix(a.Space, a.Key)
		if !isDecl {
			attrs++
			continue
		}
		if here == parent {
			here = &scope{parent: parent}
		}
		if _, twice := here.own(prefix); twice {
			return nil, b.fail(e, "an attribute given twice")
		}
		if reason := misdeclared(prefix, a.Value); reason != "" {
			return nil, b.fail(e, reason)
		}
		here.declare(prefix, a.Value)
	}
	e.Tag, _ = b.tags.tag(src.Space, src.Tag, here)
	if attrs > 0 {
		e.Attrs = make([]Attr, 0, attrs)
	}
	for i := range src.Attr {
		a := &src.Attr[i]
		if _, isDecl := declaredPrefix(a.Space, a.Key); isDecl {
			continue
		}
		attr := Attr{Name: Name{Local: a.Key}, Prefix: a.Space, Value: a.Value}
		if a.Space != "" {
			var ok bool
			if attr.Name.Space, ok = here.lookup(a.Space); !ok {
				attr.Name.Space = undeclaredSpace(a.Space)
			}
		}
		for _, other := range e.Attrs {
			if other.Name == attr.Name {
				return nil, b.fail(e, "an attribute given twice")
			}
		}
		e.Attrs = append(e.Attrs, attr)
	}
	return e, b.content(e, src)
}

func (b *builder) content(e *Element, src *etree.Element) error {
	elements := 0
	for _, t := range src.Child {
		if _, ok := t.(*etree.Element); ok {
			elements++
		}
	}
	if elements > 0 {
		e.Children = make([]*Element, 0, elements)
	}
	var last *Element
	var run strings.Builder
	flush := func() {
		if last == nil {
			e.Text = run.String()
		} else {
			last.Tail = run.String()
		}
		run.Reset()
	}
	for i, t := range src.Child {
		src.Child[i] = nil // so that there are never two whole trees
		switch t := t.(type) {
		case *etree.CharData:
			run.WriteString(t.Data)
		case *etree.Element:
			flush()
			c, err := b.element(t, e.scope)
			if err != nil {
				return err
			}
			e.Children = append(e.Children, c)
			last = c
		}
	}
	flush()
	return nil
}

func (b *builder) fail(e *Element, reason string) error {
	line, column := place(b.text, e.Offset)
	return &SyntaxError{Line: line, Column: column, Err: ErrNotXML, Reason: reason}
}

// declaredPrefix reports whether an attribute of that name is a namespace
// declaration, and of which prefix.
func declaredPrefix(space, local string) (prefix string, ok bool) {
	switch {
	case space == "xmlns":
		return local, true
	case space == "" && local == "xmlns":
		return "", true
	}
	return "", false
}

// misdeclared returns what is wrong with a declaration, or "" (Namespaces in XML
// 1.0 §2.2 and §3).
func misdeclared(prefix, uri string) string {
	switch {
	case prefix != "" && uri == "":
		return "a prefix declared as no namespace"
	case prefix == "xmlns", uri == xmlnsNS, (prefix == "xml") != (uri == xmlNS):
		return "a reserved prefix or namespace declared"
	}
	return ""
}

// undeclaredSpace stands for the namespace of a prefix that is not declared, so
// that such a name equals only one written with the same prefix. No URI in XML
// can hold the mark.
func undeclaredSpace(prefix string) string { return string(rune(markPrefix)) + prefix }
