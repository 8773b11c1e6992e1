package inspect

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// scanned is what the guarding scan learned.
type scanned struct {
	starts []int64 // the offset of every start tag, in document order
	text   []byte  // what a parser is to be given
}

// guard reads text once, without building anything, and refuses what a parser
// must not be given: too deep, too many tokens or attributes, names too long, a
// DOCTYPE, no root or two, text outside the root, and what would take more than
// room as a tree.
//
// The text for the parser is without comments and processing instructions, which
// take their room in etree's tree and say nothing, and has spaces for the line
// breaks inside attribute values, which encoding/xml lets be (XML 1.0 §3.3.3). It
// is text itself where there are none.
func guard(text []byte, limits Limits, room room) (found scanned, err error) {
	d := newDecoder(text)
	fail := func(offset int64, kind error, reason string) (scanned, error) {
		line, column := place(text, offset)
		return scanned{}, &SyntaxError{Line: line, Column: column, Err: kind, Reason: reason}
	}
	var open []xml.Name
	roots, tokens := 0, 0
	edit := edited{text: text}
	for {
		at := d.InputOffset()
		if moreAttributes(text[at:], limits.Attributes) {
			return fail(at, ErrTooLarge, fmt.Sprintf("more than %d attributes on one element", limits.Attributes))
		}
		t, err := d.RawToken()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fail(d.InputOffset(), ErrNotXML, syntaxReason(err))
		}
		if tokens++; tokens > limits.Tokens {
			return fail(at, errTooLong, fmt.Sprintf("more than %d tags and texts", limits.Tokens))
		}
		raw := text[at:d.InputOffset()]
		takes := 0
		switch t := t.(type) {
		case xml.StartElement:
			if len(open) == 0 {
				if roots++; roots > 1 {
					return fail(at, ErrNotXML, "a second root element")
				}
			}
			if len(open) >= limits.Depth {
				return fail(at, ErrTooLarge, fmt.Sprintf("elements nested more than %d deep", limits.Depth))
			}
			if reason, kind := checkTag(t, limits); kind != nil {
				return fail(at, kind, reason)
			}
			if surrogateRef(raw) {
				return fail(at, ErrNotXML, "half a surrogate pair")
			}
			if hasLineBreaks(t) {
				edit.spaces(at, d.InputOffset())
			}
			open = append(open, t.Name)
			found.starts = append(found.starts, at)
			takes = fullElementRoom + tagRoom + len(raw) + len(t.Attr)*fullAttrRoom
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != t.Name {
				return fail(at, ErrNotXML, "an end tag that closes nothing open")
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) == 0 && !isSpace(string(t)) {
				return fail(at, ErrNotXML, "text outside the root element")
			}
			if !bytes.HasPrefix(raw, []byte(cdataStart)) && surrogateRef(raw) {
				return fail(at, ErrNotXML, "half a surrogate pair")
			}
			takes = fullTextRoom + len(t)
		case xml.ProcInst:
			if t.Target == "xml" && at > 0 {
				return fail(at, ErrNotXML, "an XML declaration that is not at the start")
			}
			if edit.drop(at, d.InputOffset()) {
				takes = fullTextRoom
			}
		case xml.Comment:
			if edit.drop(at, d.InputOffset()) {
				takes = fullTextRoom
			}
		case xml.Directive:
			return fail(at, ErrDoctype, "")
		}
		if !room.take(takes) {
			return fail(at, errTooLong, roomReason(len(text)))
		}
	}
	if roots == 0 {
		return fail(0, ErrNotXML, "no element")
	}
	if len(open) > 0 {
		reason := fmt.Sprintf("it ends with %d elements still open", len(open))
		if len(open) == 1 {
			reason = "it ends with an element still open"
		}
		return fail(int64(len(text)), ErrNotXML, reason)
	}
	found.text = edit.done()
	return found, nil
}

// checkTag says what is wrong with a start tag by itself; kind is nil if nothing
// is.
func checkTag(t xml.StartElement, limits Limits) (reason string, kind error) {
	if t.Name.Space == "xmlns" {
		return "an element with the reserved prefix xmlns", ErrNotXML
	}
	if reason, kind = checkName(t.Name, limits); kind != nil {
		return reason, kind
	}
	for _, a := range t.Attr {
		if reason, kind = checkName(a.Name, limits); kind != nil {
			return reason, kind
		}
		declares := a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns"
		if declares && len(a.Value) > limits.Name {
			return fmt.Sprintf("a namespace longer than %d bytes", limits.Name), ErrTooLarge
		}
	}
	return "", nil
}

func checkName(n xml.Name, limits Limits) (reason string, kind error) {
	if len(n.Space)+len(n.Local) > limits.Name {
		return fmt.Sprintf("a name longer than %d bytes", limits.Name), ErrTooLarge
	}
	if strings.IndexByte(n.Local, ':') >= 0 { // Namespaces in XML 1.0 §4
		return "a name that begins or ends with a colon", ErrNotXML
	}
	return "", nil
}

// syntaxReason keeps encoding/xml's words and drops what could quote the
// message.
func syntaxReason(err error) string {
	var syntax *xml.SyntaxError
	if !errors.As(err, &syntax) {
		return "" // a reader's error names nothing of use here
	}
	reason := syntax.Msg
	for _, quoting := range []string{"invalid character entity", "element <", "unexpected end element", "attribute name without", "unquoted or missing attribute", "invalid XML name", "invalid characters between"} {
		if i := strings.Index(reason, quoting); i >= 0 {
			return strings.TrimRight(reason[:i]+quoting, " <")
		}
	}
	return reason
}
