package inspect

import (
	"bytes"
	"encoding/xml"
	"io"
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
	p := printer{text: text, open: []bool{true}}
	p.survey()
	p.print()
	return string(bytes.TrimRight(p.out.Bytes(), "\n"))
}

// printer copies the tokens of a text that has passed the guard.
type printer struct {
	text  []byte
	lined []bool // of each element in document order: children on lines of their own
	open  []bool // the same of the elements open, below the document itself
	out   bytes.Buffer
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

func (p *printer) print() {
	elements := 0
	p.tokens(func(t xml.Token, raw []byte) {
		lines := p.open[len(p.open)-1]
		switch t.(type) {
		case xml.StartElement:
			p.line(lines)
			p.open = append(p.open, lines && p.lined[elements])
			elements++
		case xml.EndElement:
			p.open = p.open[:len(p.open)-1]
			if len(raw) > 0 { // else the start tag was <a/>
				p.line(lines)
			}
		case xml.CharData:
			if lines {
				return
			}
		default:
			p.line(lines)
		}
		p.out.Write(raw)
	})
}

// line starts an indented line, if there are to be lines.
func (p *printer) line(wanted bool) {
	if !wanted || p.out.Len() == 0 {
		return
	}
	p.out.WriteByte('\n')
	for range len(p.open) - 1 {
		io.WriteString(&p.out, "  ")
	}
}
