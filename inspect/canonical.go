package inspect

import (
	"encoding/binary"
	"io"
)

// Marks of the canonical form. None of them, nor the closing zero, may occur in
// an XML document (XML 1.0 §2.2), so no text can imitate structure.
const (
	markElement = 0x01 // a name follows
	markAttr    = 0x02 // a name and a value follow
	markText    = 0x03
	markEnd     = 0x04 // of the element
	markSpace   = 0x05 // a namespace URI follows, which has the next number from here on
	markKnown   = 0x06 // the number of a namespace follows
	markPrefix  = 0x07 // an undeclared prefix follows, where a URI would
	markQName   = 0x08 // a name follows, where a value would
	markStop    = 0x00
)

// AppendCanonical appends to dst the canonical form of the message's Body: the
// bytes that are equal for two messages exactly when these say the same thing.
// It is a small multiple of the message long, since it names each namespace
// once.
//
// What counts: every element by namespace URI and local name, in order;
// attributes by expanded name, in any order, with their values; character data
// to the letter, so that a QName in text counts with the prefix it is written
// with. An xsi:type counts by the name it refers to, an xsi:nil by what it
// means.
//
// What does not: prefixes and where they are declared; white space between
// elements, and alone in a child of the Body that has no children; comments;
// CDATA against escaped text; the XML declaration and the encoding, bytes that
// decode to no character all being U+FFFD; the Header, the attributes of
// Envelope and Body, and the SOAP version.
//
// With foldTwins the https:// spellings of Microsoft's namespaces count as
// their http:// twins (see [Twin]).
func (m *Message) AppendCanonical(dst []byte, foldTwins bool) []byte {
	w := canonicalWriter{dst: dst, fold: foldTwins}
	w.content(m.Body, 0)
	return w.dst
}

// WriteCanonical writes the canonical form (see [Message.AppendCanonical]) to to, in
// pieces and disregarding errors: it is meant for a hash. Without foldTwins it reports
// whether there is a twin, without which both forms are the same.
func (m *Message) WriteCanonical(to io.Writer, foldTwins bool) (twins bool) {
	w := canonicalWriter{dst: make([]byte, 0, 1024), to: to, fold: foldTwins}
	w.content(m.Body, 0)
	to.Write(w.dst)
	for space := range w.spaces {
		_, https := Twin(space)
		twins = twins || https
	}
	return twins
}

type canonicalWriter struct {
	dst    []byte
	to     io.Writer // takes dst when there is much of it; nil for none
	fold   bool
	spaces map[string]uint64 // numbers of the namespaces written so far
}

// canonicalPiece is how much is gathered before it is written.
const canonicalPiece = 16 << 10

// content writes what is inside an element; depth is 0 for the Body.
func (w *canonicalWriter) content(e *Element, depth int) {
	w.text(leading(e, depth))
	for _, c := range e.Children {
		w.element(c, depth+1)
		if !isSpace(c.Tail) {
			w.text(c.Tail)
		}
	}
}

func (w *canonicalWriter) element(e *Element, depth int) {
	w.dst = append(w.dst, markElement)
	w.name(elementName(e, w.fold))
	for _, a := range comparedAttrs(e, w.fold) {
		w.dst = append(w.dst, markAttr)
		w.name(a.name)
		if a.isQName {
			w.dst = append(w.dst, markQName)
			w.name(a.qname)
		} else {
			w.string(a.value)
		}
	}
	w.content(e, depth)
	w.dst = append(w.dst, markEnd)
}

func (w *canonicalWriter) name(n Name) {
	if number, known := w.spaces[n.Space]; known {
		w.dst = binary.AppendUvarint(append(w.dst, markKnown), number)
	} else {
		if w.spaces == nil {
			w.spaces = make(map[string]uint64, 2)
		}
		w.spaces[n.Space] = uint64(len(w.spaces))
		w.dst = append(w.dst, markSpace)
		w.string(n.Space)
	}
	w.string(n.Local)
}

func (w *canonicalWriter) text(s string) {
	if s != "" {
		w.dst = append(w.dst, markText)
		w.string(s)
	}
}

func (w *canonicalWriter) string(s string) {
	if w.to != nil && len(w.dst)+len(s) > canonicalPiece {
		w.to.Write(w.dst)
		w.dst = w.dst[:0]
	}
	w.dst = append(append(w.dst, s...), markStop)
}
