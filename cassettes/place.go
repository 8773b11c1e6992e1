package cassettes

import (
	"bytes"
	"net/http"
	"slices"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/umtape/umtape/inspect"
)

// Place is a place in a cassette's file. Lines end at LF; a column counts
// characters (Unicode code points), a tab as one.
type Place struct {
	Line, Column int // 1-based
}

// Text is the text of a cassette's file as it was loaded, to find in it what an
// interaction holds: where an element of a message is, for one.
//
// Nothing of that is kept at loading. A place is looked for when it is asked for:
// by the lines of our own layout first, then in the YAML of the one interaction,
// then in that of the whole file, for the sake of aliases. What is found counts
// only if it reads as the body does.
type Text struct {
	cassette *Cassette
	data     []byte // up to what is torn
	lines    yamlLines
	at       lineCursor
	whole    []*yaml.Node // the interactions of the file, once asked for
	tried    bool         // whether it was
}

// LoadText is [Load] that also returns the text.
func LoadText(path string) (*Cassette, *Text, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, nil, err
	}
	c, err := parse(path, data)
	if err != nil {
		return nil, nil, err
	}
	return c, newText(c, data), nil
}

func newText(c *Cassette, data []byte) *Text {
	if c.Torn != nil {
		data = data[:c.Torn.Offset]
	}
	t := &Text{cassette: c, data: data}
	t.lines.start(data, 0)
	t.at = lineCursor{data: data, line: 1}
	return t
}

// Places returns where each of these findings about the n-th interaction of the
// cassette is. A place inside a body is that of the character in the file, if the
// body is there as text; else it is the key of the body. One about a header field
// is the field's first value. What has no place in either message is where the
// interaction starts.
func (t *Text) Places(n int, found []inspect.Finding) []Place {
	places := make([]Place, len(found))
	start := t.recordStart(n)
	for k := range places {
		places[k] = t.place(start)
	}
	for _, part := range []string{"request", "response"} {
		about := make([]int, 0, len(found))
		for k, f := range found {
			if f.Part == part {
				about = append(about, k)
			}
		}
		if len(about) > 0 {
			t.partPlaces(n, part, found, about, places)
		}
	}
	return places
}

// partPlaces fills in the places of the findings about one message.
func (t *Text) partPlaces(n int, part string, found []inspect.Finding, about []int, places []Place) {
	i := t.cassette.Interactions[n]
	body := i.Request.Body
	if part == "response" {
		body = i.Response.Body
	}
	slices.SortStableFunc(about, func(a, b int) int { return found[a].Pos - found[b].Pos })
	wanted := make([]int, len(about))
	for k, f := range about {
		wanted[k] = max(found[f].Pos-1, 0)
	}
	var best spots
	var offsets []int
	for _, read := range []func(int, string) spots{t.byLines, t.byRecord, t.byFile} {
		m := read(n, part)
		if m.bodyKey < 0 {
			continue
		}
		if best.headers == nil {
			best = m
		}
		var ok bool
		if offsets, ok = readScalar(t.data, m.body, body, wanted); ok {
			best = m
			break
		}
		offsets = nil
	}
	if best.headers == nil {
		return
	}
	for k, f := range about {
		switch name := http.CanonicalHeaderKey(found[f].Header); {
		case name != "" && best.headers[name] > 0:
			places[f] = t.place(best.headers[name])
		case name != "" && best.headersKey >= 0:
			places[f] = t.place(best.headersKey)
		case found[f].Pos > 0 && offsets != nil:
			places[f] = t.place(offsets[k])
		default:
			places[f] = t.place(best.bodyKey)
		}
	}
}

// spots is where the parts of a message are, as offsets; -1 if not known.
type spots struct {
	bodyKey, body int
	headersKey    int
	headers       map[string]int // of the first value of each field, by its canonical name; nil if there is no message
}

var noSpots = spots{bodyKey: -1, body: -1, headersKey: -1}

// recordStart is the offset of the first character of an interaction.
func (t *Text) recordStart(n int) int {
	off := t.lines.offset(t.cassette.Interactions[n].Line, 1)
	for off < len(t.data) && t.data[off] == ' ' {
		off++
	}
	return off
}

// record is the offset of the line where an interaction starts, and of that where
// it ends, if interactions have lines of their own.
func (t *Text) record(n int) (start, end int) {
	start, end = t.lines.offset(t.cassette.Interactions[n].Line, 1), len(t.data)
	if n+1 < len(t.cassette.Interactions) {
		end = max(start, t.lines.offset(t.cassette.Interactions[n+1].Line, 1))
	}
	return start, end
}

// byLines reads an interaction in our encoder's layout, by the starts of its
// lines.
func (t *Text) byLines(n int, part string) spots {
	off, end := t.record(n)
	m := noSpots
	if !bytes.HasPrefix(t.data[off:end], []byte(recordStart)) {
		return m
	}
	m.headers = map[string]int{}
	side, inHeaders, name := "", false, ""
	for line := range bytes.Lines(t.data[off:end]) {
		text := bytes.TrimRight(line, "\r\n")
		indent := len(text) - len(bytes.TrimLeft(text, " "))
		key, _, _ := bytes.Cut(text[indent:], []byte(":"))
		switch {
		case indent == 6:
			side = string(key)
		case side != part:
		case indent == 8:
			if inHeaders = string(key) == "headers"; inHeaders {
				m.headersKey = off + indent
			}
			if string(key) == "body" {
				m.bodyKey, m.body = off+indent, off+indent+len("body: ")
			}
		case inHeaders && indent == len(bodyIndent):
			name = http.CanonicalHeaderKey(string(key))
		case inHeaders && indent > len(bodyIndent) && name != "":
			m.headers[name], name = off+indent+len("- "), ""
		}
		off += len(line)
	}
	return m
}

// byRecord reads the lines of an interaction as YAML of its own.
func (t *Text) byRecord(n int, part string) spots {
	start, end := t.record(n)
	doc, err := parseYAML("", t.data[start:end], 0, "it")
	if err != nil {
		return noSpots
	}
	item := doc.Content[0]
	if item.Kind == yaml.SequenceNode && len(item.Content) == 1 {
		item = item.Content[0]
	}
	var lines yamlLines
	lines.start(t.data[:end], start)
	return readNodes(item, part, &lines)
}

// byFile reads the whole file as YAML.
func (t *Text) byFile(n int, part string) spots {
	if !t.tried {
		t.tried = true
		if doc, err := parseYAML("", t.data, 0, "it"); err == nil {
			_, list := nodeField(doc.Content[0], "interactions", 0)
			if list = target(list); list != nil && list.Kind == yaml.SequenceNode {
				t.whole = list.Content
			}
		}
	}
	if n >= len(t.whole) {
		return noSpots
	}
	return readNodes(t.whole[n], part, &t.lines)
}

func readNodes(item *yaml.Node, part string, lines *yamlLines) spots {
	m := noSpots
	_, side := nodeField(item, part, 0)
	bodyKey, body := nodeField(side, "body", 0)
	if body == nil {
		return m
	}
	at := func(n *yaml.Node) int { return lines.offset(n.Line, n.Column) }
	m.bodyKey, m.body = at(bodyKey), at(target(body))
	m.headers = map[string]int{}
	headersKey, headers := nodeField(side, "headers", 0)
	if headers = target(headers); headers == nil {
		return m
	}
	m.headersKey = at(headersKey)
	if headers.Kind == yaml.MappingNode {
		for k := 0; k+1 < len(headers.Content); k += 2 {
			value := headers.Content[k]
			if list := target(headers.Content[k+1]); list.Kind == yaml.SequenceNode && len(list.Content) > 0 {
				value = list.Content[0]
			}
			m.headers[http.CanonicalHeaderKey(headers.Content[k].Value)] = at(value)
		}
	}
	return m
}

// target is what a node stands for.
func target(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// nodeField returns a key of a mapping and its value, its own before one that is
// merged in; nil if there is none.
func nodeField(n *yaml.Node, name string, depth int) (key, value *yaml.Node) {
	n = target(n)
	if n == nil || n.Kind != yaml.MappingNode || depth > 8 {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i], n.Content[i+1]
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].ShortTag() != "!!merge" {
			continue
		}
		merged := target(n.Content[i+1])
		list := []*yaml.Node{merged}
		if merged.Kind == yaml.SequenceNode {
			list = merged.Content
		}
		for _, m := range list {
			if key, value := nodeField(m, name, depth+1); key != nil {
				return key, value
			}
		}
	}
	return nil, nil
}

func (t *Text) place(off int) Place {
	line, start := t.at.find(off)
	return Place{Line: line, Column: 1 + utf8.RuneCount(bytes.TrimPrefix(t.data[start:off], bom))}
}

// lineCursor counts lines as editors do, from where it was asked last.
type lineCursor struct {
	data []byte
	off  int
	line int // 1-based, of off
}

// find returns the line that off is in, and where that starts.
func (c *lineCursor) find(off int) (line, start int) {
	if off >= c.off {
		c.line += bytes.Count(c.data[c.off:off], []byte("\n"))
	} else {
		c.line -= bytes.Count(c.data[off:c.off], []byte("\n"))
	}
	c.off = off
	return c.line, 1 + bytes.LastIndexByte(c.data[:off], '\n')
}

// yamlLines finds places as the YAML parser gives them: its lines end at more
// than LF, its columns count characters. It starts from the last line asked for,
// if that is not behind.
type yamlLines struct {
	data  []byte
	first int // offset of line 1
	line  int
	off   int // offset of line
}

func (y *yamlLines) start(data []byte, first int) {
	if first == 0 && bytes.HasPrefix(data, bom) {
		first = len(bom)
	}
	*y = yamlLines{data: data, first: first, line: 1, off: first}
}

// offset returns that of a 1-based line and column; what is past the end is the
// end.
func (y *yamlLines) offset(line, column int) int {
	if line < y.line {
		y.line, y.off = 1, y.first
	}
	for ; y.line < line && y.off < len(y.data); y.line++ {
		y.off = lineEnd(y.data, y.off)
	}
	off := y.off
	for ; column > 1 && off < len(y.data); column-- {
		_, n := utf8.DecodeRune(y.data[off:])
		off += n
	}
	return off
}

// lineEnd returns where the next line starts, to YAML (1.1, §5.4).
func lineEnd(data []byte, off int) int {
	for ; off < len(data); off++ {
		switch c := data[off]; {
		case c == '\n':
			return off + 1
		case c == '\r':
			if off+1 < len(data) && data[off+1] == '\n' {
				off++
			}
			return off + 1
		case c == 0xc2 && bytes.HasPrefix(data[off:], []byte("\u0085")):
			return off + 2
		case c == 0xe2 && (bytes.HasPrefix(data[off:], []byte("\u2028")) || bytes.HasPrefix(data[off:], []byte("\u2029"))):
			return off + 3
		}
	}
	return off
}
