package inspect

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// guard reads text once, without building anything, and refuses what a parser
// must not be given: too deep, too many tokens or attributes, a DOCTYPE, no
// root or two, text outside the root. It returns the offset of every start tag
// in document order.
func guard(text []byte, limits Limits) (starts []int64, err error) {
	d := newDecoder(text)
	fail := func(offset int64, kind error, reason string) error {
		line, column := place(text, offset)
		return &SyntaxError{Line: line, Column: column, Err: kind, Reason: reason}
	}
	var open []xml.Name
	roots, tokens := 0, 0
	for {
		at := d.InputOffset()
		t, err := d.RawToken()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fail(d.InputOffset(), ErrNotXML, syntaxReason(err))
		}
		if tokens++; tokens > limits.Tokens {
			return nil, fail(at, ErrTooLarge, fmt.Sprintf("more than %d tags and texts", limits.Tokens))
		}
		switch t := t.(type) {
		case xml.StartElement:
			if len(open) == 0 {
				if roots++; roots > 1 {
					return nil, fail(at, ErrNotXML, "a second root element")
				}
			}
			if len(open) >= limits.Depth {
				return nil, fail(at, ErrTooLarge, fmt.Sprintf("elements nested more than %d deep", limits.Depth))
			}
			if len(t.Attr) > limits.Attributes {
				return nil, fail(at, ErrTooLarge, fmt.Sprintf("more than %d attributes on one element", limits.Attributes))
			}
			open = append(open, t.Name)
			starts = append(starts, at)
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != t.Name {
				return nil, fail(at, ErrNotXML, "an end tag that closes nothing open")
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) == 0 && !isSpace(string(t)) {
				return nil, fail(at, ErrNotXML, "text outside the root element")
			}
		case xml.ProcInst:
			if t.Target == "xml" && at > 0 {
				return nil, fail(at, ErrNotXML, "an XML declaration that is not at the start")
			}
		case xml.Directive:
			return nil, fail(at, ErrDoctype, "")
		}
	}
	if roots == 0 {
		return nil, fail(0, ErrNotXML, "no element")
	}
	if len(open) > 0 {
		return nil, fail(int64(len(text)), ErrNotXML, fmt.Sprintf("it ends with %d elements still open", len(open)))
	}
	return starts, nil
}

// syntaxReason keeps encoding/xml's words and drops what could quote the
// message.
func syntaxReason(err error) string {
	var syntax *xml.SyntaxError
	if !errors.As(err, &syntax) {
		return "" // a reader's error names nothing of use here
	}
	reason := syntax.Msg
	for _, quoting := range []string{"invalid character entity", "element <", "unexpected end element", "attribute name without", "unquoted or missing attribute", "invalid XML name"} {
		if i := strings.Index(reason, quoting); i >= 0 {
			return strings.TrimRight(reason[:i]+quoting, " <")
		}
	}
	return reason
}
