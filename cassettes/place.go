package cassettes

import (
	"bytes"
	"net/http"
	"slices"
	"sync"
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
	starts   []int  // of the line where each interaction starts, and the end
	at       cursor
	file     *fileNodes
	nodes    *nodeOffsets // of file; nil before it is asked for
}

// fileNodes is a whole file read as YAML, when somebody asks for it.
type fileNodes struct {
	once         sync.Once
	interactions []*yaml.Node
	offsets      *nodeOffsets // as it is for those who have a copy of it
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
	t := &Text{cassette: c, data: data, starts: make([]int, 0, len(c.Interactions)+1), file: new(fileNodes)}
	var lines yamlLines
	lines.start(data)
	for _, i := range c.Interactions {
		off := int(i.span.off)
		if i.span.size == 0 {
			off = lines.offset(i.Line)
		}
		t.starts = append(t.starts, off)
	}
	t.starts = append(t.starts, len(data))
	t.at = cursor{data: data, line: 1, column: 1}
	return t
}

// Places returns where each of these findings about the n-th interaction of the
// cassette is. A place inside a body is that of the character in the file, if the
// body is there as text; else it is the key of the body. One about a header field
// is the field's first value. What has no place in either message is where the
// interaction starts.
func (t *Text) Places(n int, found []inspect.Finding) []Place {
	places := make([]Place, len(found))
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
	for k := range places {
		if places[k] == (Place{}) {
			places[k] = t.place(t.recordStart(n))
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
	off := t.starts[n]
	for off < len(t.data) && t.data[off] == ' ' {
		off++
	}
	return off
}

// record is the offset of the line where an interaction starts, and of that where
// it ends, if interactions have lines of their own.
func (t *Text) record(n int) (start, end int) {
	return t.starts[n], max(t.starts[n], t.starts[n+1])
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
	return readNodes(item, part, newNodeOffsets(t.data[:end], start))
}

// byFile reads the whole file as YAML.
func (t *Text) byFile(n int, part string) spots {
	t.file.once.Do(func() {
		if doc, err := parseYAML("", t.data, 0, "it"); err == nil {
			_, list := nodeField(doc.Content[0], "interactions", 0)
			if list = target(list); list != nil && list.Kind == yaml.SequenceNode {
				var lines yamlLines
				lines.start(t.data)
				t.file.interactions, t.file.offsets = list.Content, newNodeOffsets(t.data, lines.first)
			}
		}
	})
	if n >= len(t.file.interactions) {
		return noSpots
	}
	if t.nodes == nil {
		own := *t.file.offsets
		t.nodes = &own
	}
	return readNodes(t.file.interactions[n], part, t.nodes)
}

// readNodes finds the parts of a message.
func readNodes(item *yaml.Node, part string, offsets *nodeOffsets) spots {
	m := noSpots
	_, side := nodeField(item, part, 0)
	bodyKey, body := nodeField(side, "body", 0)
	if body == nil {
		return m
	}
	m.bodyKey, m.body = offsets.of(bodyKey), offsets.of(target(body))
	m.headers = map[string]int{}
	headersKey, headers := nodeField(side, "headers", 0)
	if headers = target(headers); headers == nil {
		return m
	}
	m.headersKey = offsets.of(headersKey)
	if headers.Kind == yaml.MappingNode {
		for k := 0; k+1 < len(headers.Content); k += 2 {
			value := headers.Content[k]
			if list := target(headers.Content[k+1]); list.Kind == yaml.SequenceNode && len(list.Content) > 0 {
				value = list.Content[0]
			}
			m.headers[http.CanonicalHeaderKey(headers.Content[k].Value)] = offsets.of(value)
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
	t.at.move(off)
	return Place{Line: t.at.line, Column: t.at.column}
}

// cursor counts lines and columns as editors do, from where it was last. Most
// places asked for are near the one before.
type cursor struct {
	data         []byte
	off          int
	line, column int // 1-based, of off
}

func (c *cursor) move(off int) {
	low, high, sign := c.off, off, 1
	if off < c.off {
		low, high, sign = off, c.off, -1
	}
	between := c.data[low:high]
	if n := bytes.Count(between, []byte("\n")); n > 0 {
		c.line += sign * n
		start := 1 + bytes.LastIndexByte(c.data[:off], '\n')
		c.column = 1 + characters(c.data[start:off], start)
	} else {
		c.column += sign * characters(between, low)
	}
	c.off = off
}

// characters counts those of a text at off; a byte order mark at the start of the
// file is none.
func characters(text []byte, off int) int {
	if off == 0 {
		text = bytes.TrimPrefix(text, bom)
	}
	return utf8.RuneCount(text)
}

// yamlLines finds lines as the YAML parser counts them, which end at more than LF.
// It starts from the last line asked for, if that is not behind.
type yamlLines struct {
	data  []byte
	first int // offset of line 1
	line  int
	off   int // offset of line
}

func (y *yamlLines) start(data []byte) {
	first := 0
	if bytes.HasPrefix(data, bom) {
		first = len(bom)
	}
	*y = yamlLines{data: data, first: first, line: 1, off: first}
}

// offset returns that of a 1-based line; one past the end is the end.
func (y *yamlLines) offset(line int) int {
	if line < y.line {
		y.line, y.off = 1, y.first
	}
	for ; y.line < line && y.off < len(y.data); y.line++ {
		y.off = lineEnd(y.data, y.off)
	}
	return y.off
}

// nodeOffsets turns the places of YAML nodes, whose columns count characters, into
// offsets, from the last one asked for if that is on the same line: a file may have
// one line only.
type nodeOffsets struct {
	data              []byte
	starts            []int // of the lines
	line, column, off int   // the last one; line is 0 if there is none
}

// newNodeOffsets is for nodes made from data from first on.
func newNodeOffsets(data []byte, first int) *nodeOffsets {
	o := &nodeOffsets{data: data, starts: []int{first}}
	for off := lineEnd(data, first); off < len(data); off = lineEnd(data, off) {
		o.starts = append(o.starts, off)
	}
	return o
}

func (o *nodeOffsets) of(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(o.starts) {
		return len(o.data)
	}
	if n.Line != o.line {
		o.line, o.column, o.off = n.Line, 1, o.starts[n.Line-1]
	}
	for ; o.column < n.Column && o.off < len(o.data); o.column++ {
		_, size := utf8.DecodeRune(o.data[o.off:])
		o.off += size
	}
	for ; o.column > max(n.Column, 1); o.column-- {
		_, size := utf8.DecodeLastRune(o.data[:o.off])
		o.off -= size
	}
	return o.off
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
