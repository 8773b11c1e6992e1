package inspect

import (
	"encoding/xml"
	"strings"
)

// Pretty returns an XML message indented for people. Only white space between
// elements differs: tags, values, references, CDATA and comments stay as they
// are written, and nothing is indented inside an element that holds text. A body
// that is not XML comes back as [Text].
func Pretty(body []byte) string {
	text, err := utf8Text(body, "")
	if err != nil {
		return Text(body)
	}
	if _, err := guard(text, limitsFor(body)); err != nil {
		return Text(body)
	}
	p := printer{text: text}
	p.survey()
	size := 0
	p.print(func(piece []byte) { size += len(piece) })
	var out strings.Builder
	out.Grow(size)
	p.print(func(piece []byte) { out.Write(piece) })
	return strings.TrimRight(out.String(), "\n")
}

// maxIndent is how many elements deep lines go on to be indented: what is nested deeper
// is not read by its distance from the margin.
const maxIndent = 20

var indentation = []byte("\n" + strings.Repeat("  ", maxIndent))

// printer copies the tokens of a text that has passed the guard.
type printer struct {
	text  []byte
	lined []bool // of each element in document order: children on lines of their own
}

// tokens calls f with each token and its bytes.
func (p *printer) tokens(f func(t xml.Token, raw []byte)) {
	d := newDecoder(p.text)
	for {
		at := d.InputOffset()
		t, err := d.RawToken()
		if err != nil {
			return // io.EOF: the guard has read it all before
		}
		f(t, p.text[at:d.InputOffset()])
	}
}

// survey finds the elements that hold elements and no text.
func (p *printer) survey() {
	type state struct {
		index    int
		children bool
		text     bool
	}
	stack := []state{{index: -1}}
	p.tokens(func(t xml.Token, raw []byte) {
		top := &stack[len(stack)-1]
		switch t := t.(type) {
		case xml.StartElement:
			top.children = true
			stack = append(stack, state{index: len(p.lined)})
			p.lined = append(p.lined, false)
		case xml.EndElement:
			p.lined[top.index] = top.children && !top.text
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.text = top.text || !isSpace(string(t)) || isSpace(string(raw)) != isSpace(string(t))
		}
	})
}

// print gives write the indented text, piece by piece.
func (p *printer) print(write func([]byte)) {
	open := []bool{true} // lined of the elements open, below the document itself
	elements, begun := 0, false
	line := func(wanted bool) {
		if wanted && begun {
			write(indentation[:1+2*min(len(open)-1, maxIndent)])
		}
	}
	p.tokens(func(t xml.Token, raw []byte) {
		lines := open[len(open)-1]
		switch t.(type) {
		case xml.StartElement:
			line(lines)
			open = append(open, lines && p.lined[elements])
			elements++
		case xml.EndElement:
			open = open[:len(open)-1]
			if len(raw) > 0 { // else the start tag was <a/>
				line(lines)
			}
		case xml.CharData:
			if lines {
				return
			}
		default:
			line(lines)
		}
		begun = begun || len(raw) > 0
		write(raw)
	})
}
