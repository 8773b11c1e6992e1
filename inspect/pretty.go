package inspect

import (
	"bytes"
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
	if _, err := guard(text, limitsFor(body), roomFor(len(text))); err != nil {
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

// token is a kind of piece of a text.
type token int

const (
	startTag token = iota
	endTag
	charData // CDATA sections too
	otherToken
)

// tokens calls f with each token and its bytes; with none for the end tag of <a/>. The
// guard has read it all before, so that where a token ends is all there is to find.
func (p *printer) tokens(f func(kind token, raw []byte)) {
	for rest := p.text; len(rest) > 0; {
		kind, n := charData, bytes.IndexByte(rest, '<')
		switch {
		case n < 0:
			n = len(rest)
		case n > 0:
		case bytes.HasPrefix(rest, []byte("<!--")):
			kind, n = otherToken, past(rest, 4, "-->")
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			n = past(rest, 9, "]]>")
		case bytes.HasPrefix(rest, []byte("<?")):
			kind, n = otherToken, past(rest, 2, "?>")
		case bytes.HasPrefix(rest, []byte("</")):
			kind, n = endTag, past(rest, 2, ">")
		default:
			kind = startTag
			for n = 1; n < len(rest) && rest[n] != '>'; n++ {
				if c := rest[n]; c == '"' || c == '\'' {
					n = past(rest, n+1, string(rune(c))) - 1
				}
			}
			n = min(n+1, len(rest))
		}
		f(kind, rest[:n])
		if kind == startTag && n > 1 && rest[n-2] == '/' {
			f(endTag, nil)
		}
		rest = rest[n:]
	}
}

// past is where the next end after from is over.
func past(text []byte, from int, end string) int {
	if n := bytes.Index(text[from:], []byte(end)); n >= 0 {
		return from + n + len(end)
	}
	return len(text)
}

// survey finds the elements that hold elements and no text.
func (p *printer) survey() {
	type state struct {
		index    int
		children bool
		text     bool
	}
	stack := []state{{index: -1}}
	p.tokens(func(kind token, raw []byte) {
		top := &stack[len(stack)-1]
		switch kind {
		case startTag:
			top.children = true
			stack = append(stack, state{index: len(p.lined)})
			p.lined = append(p.lined, false)
		case endTag:
			p.lined[top.index] = top.children && !top.text
			stack = stack[:len(stack)-1]
		case charData:
			top.text = top.text || len(bytes.Trim(raw, " \t\r\n")) > 0
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
	p.tokens(func(kind token, raw []byte) {
		lines := open[len(open)-1]
		switch kind {
		case startTag:
			line(lines)
			open = append(open, lines && p.lined[elements])
			elements++
		case endTag:
			open = open[:len(open)-1]
			if len(raw) > 0 { // else the start tag was <a/>
				line(lines)
			}
		case charData:
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
