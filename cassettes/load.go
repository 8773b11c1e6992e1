package cassettes

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"regexp"
	"strconv"
	"syscall"

	"gopkg.in/yaml.v3"
)

// maxFile is the largest file Load takes, in bytes: it holds the file and its
// interactions in memory.
const maxFile = min(4<<30, math.MaxInt/2)

// Load reads the cassette at path, written by umtape or by go-vcr v3 or v4,
// whole and strictly: what cannot be understood exactly is an error of one
// line that names the file, the place and what to do, and wraps ErrEmpty,
// ErrNotCassette, ErrVersion, ErrDamaged or an error of package os.
//
// Two things are not errors. A file of ours whose last interaction was not
// written to its end, as a power loss leaves it, gives those before it and
// Torn: the caller decides, and should at least tell. An interaction of ours
// that is whole but does not fit its checksum was changed by hand, as people
// do; it is marked Edited. (Someone who adds an interaction by hand at the end
// of the file ends it with "checksum: edited", or it is taken for torn.)
//
// Maps of the result are never nil and lists are nil when empty. Load takes no
// lock: while the file is being recorded it sees what is there, and the
// interaction just being written as torn.
func Load(path string) (*Cassette, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return parse(path, data)
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, pathFault(path, err, "")
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, pathFault(path, err, "")
	}
	if info.IsDir() {
		return nil, &fault{kind: ErrNotCassette, path: path, what: "is a directory", next: "name the cassettes in it"}
	}
	if info.Size() > maxFile {
		return nil, tooLarge(path)
	}
	var b bytes.Buffer
	b.Grow(int(info.Size()) + bytes.MinRead)
	if n, err := b.ReadFrom(io.LimitReader(f, maxFile+1)); err != nil {
		return nil, pathFault(path, err, "")
	} else if n > maxFile {
		return nil, tooLarge(path)
	}
	return b.Bytes(), nil
}

func tooLarge(path string) error {
	return &fault{kind: ErrNotCassette, path: path,
		what: fmt.Sprintf("longer than %d MiB, too long to be read whole", maxFile>>20), next: "split it"}
}

// pathFault tells an error of package os without saying the path twice; the
// result wraps it.
func pathFault(path string, err error, next string) error {
	kind := err
	if next == "" && errors.Is(err, syscall.ENOSPC) {
		next = "make room, or use another disk"
	}
	if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
		err = inner.Err
	}
	return &fault{kind: kind, path: path, what: err.Error(), next: next}
}

// parse is Load for a file's bytes.
func parse(path string, data []byte) (*Cassette, error) {
	c, err := parseText(path, data)
	if err != nil {
		if _, lost := headerAgain(data); lost != nil {
			return nil, headerFault(path)
		}
	}
	return c, err
}

func parseText(path string, data []byte) (*Cassette, error) {
	text := data
	foreignEnds := bytes.Contains(data, []byte("\r\n")) || bytes.HasPrefix(data, bom)
	if foreignEnds {
		text = bytes.ReplaceAll(bytes.TrimPrefix(data, bom), []byte("\r\n"), []byte("\n"))
	}
	l := split(text)
	if l == nil {
		return parseWhole(path, data)
	}
	c, err := parseRecords(path, text, l)
	if err != nil || l.strange {
		// Something in it is not our layout: perhaps an editor's, and still a
		// cassette. If not, the first error has the better place.
		torn := l.torn
		if c != nil {
			torn = c.Torn
		}
		if torn != nil {
			text = text[:torn.Offset]
		}
		whole, errWhole := parseAgain(path, text, torn)
		if errWhole != nil {
			return nil, cmp.Or(err, zeros(path, text), errWhole)
		}
		whole.Torn = torn
		c = whole
	}
	if foreignEnds {
		c.rewrite = true
		for _, i := range c.Interactions {
			i.span = span{}
		}
		if c.Torn != nil {
			c.Torn.Offset = lineOffset(data, c.Torn.Line)
			c.Torn.Lost = int64(len(data)) - c.Torn.Offset
		}
	}
	return c, nil
}

// parseAgain reads what is before a torn end, in our layout if only the end was
// not in it, as where zeros follow the last interaction.
func parseAgain(path string, text []byte, torn *Torn) (*Cassette, error) {
	if torn != nil {
		if l := split(text); l != nil && !l.strange && l.torn == nil {
			if c, err := parseRecords(path, text, l); err == nil && c.Torn == nil {
				return c, nil
			}
		}
	}
	return parseWhole(path, text)
}

const zerosAre = "zeros stand where text was, as a power loss can leave them"

func recoverIt(path string) string { return fmt.Sprintf("`umtape recover %s` cuts it out", path) }

// zeros returns an error if zeros stand in a file of ours, where no writer of YAML
// puts them.
func zeros(path string, text []byte) error {
	at := bytes.IndexByte(text, 0)
	if at < 0 {
		return nil
	}
	return &fault{kind: ErrDamaged, path: path, line: 1 + bytes.Count(text[:at], []byte("\n")), what: zerosAre,
		next: recoverIt(path)}
}

var bom = []byte("\ufeff")

// lineOffset returns where the given 1-based line of data starts.
func lineOffset(data []byte, line int) int64 {
	off := 0
	for ; line > 1; line-- {
		off += bytes.IndexByte(data[off:], '\n') + 1
	}
	return int64(off)
}

// parseRecords reads a file of ours that was split into records.
func parseRecords(path string, text []byte, l *layout) (*Cassette, error) {
	c, err := parseWhole(path, text[:l.header])
	if err != nil {
		return nil, err
	}
	c.Path, c.Torn, c.rewrite = path, l.torn, l.strange || l.ragged
	c.headerEnd, c.end = int64(l.header), int64(len(text))
	if l.torn != nil {
		c.end = l.torn.Offset
	}
	c.Interactions = make([]*Interaction, 0, len(l.records))
	var fast fastReader
	for n, r := range l.records {
		if r.intact && text[r.end-1] == '\n' {
			if i, ok := fast.read(text[r.off:r.end]); ok {
				i.Line, i.span = r.line, span{int64(r.off), int64(r.end - r.off)}
				c.Interactions = append(c.Interactions, i)
				continue
			}
		}
		i, err := parseRecord(path, text[r.off:r.end], r, n)
		if err != nil {
			if n == len(l.records)-1 && l.torn == nil && r.sum < r.end && !r.intact {
				c.Torn = &Torn{Offset: int64(r.off), Line: r.line, Lost: int64(len(text) - r.off),
					Why: fmt.Sprintf("interaction %s does not fit its checksum and cannot be read", idText(text[r.off:]))}
				c.end, c.rewrite = c.Torn.Offset, l.strange
				break
			}
			return nil, err
		}
		i.span = span{int64(r.off), int64(r.end - r.off)}
		i.Edited = !r.intact
		c.Interactions = append(c.Interactions, i)
	}
	return c, nil
}

// parseRecord reads one record of ours, the index-th.
func parseRecord(path string, text []byte, r record, index int) (*Interaction, error) {
	where := "interaction " + idText(text)
	doc, err := parseYAML(path, text, r.line-1, where)
	if err != nil {
		return nil, err
	}
	list := doc.Content[0]
	d := newDecoder(path, r.line-1, len(text))
	d.where = where
	if list.Kind != yaml.SequenceNode || len(list.Content) != 1 {
		return nil, d.fail(list, "it is not one item of the list")
	}
	return d.interaction(list.Content[0], index)
}

// parseWhole reads any cassette as one YAML document.
func parseWhole(path string, data []byte) (*Cassette, error) {
	doc, err := parseYAML(path, data, 0, "")
	if err != nil {
		return nil, err
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, &fault{kind: ErrNotCassette, path: path, line: root.Line, what: "not a cassette: it is not a mapping with version and interactions", next: notOurs}
	}
	d := newDecoder(path, 0, len(data))
	c := &Cassette{Path: path, Foreign: true, rewrite: true}
	var list *yaml.Node
	var versioned bool
	err = d.mapping(root, "the cassette", func(key string, v *yaml.Node) (err error) {
		switch key {
		case "version":
			versioned = true
			c.Header.Version, err = d.version(v)
		case "umtape":
			c.Foreign = false
			c.Header.Umtape, err = d.headerMeta(v)
		case "interactions":
			list, err = d.follow(v)
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case list == nil:
		return nil, &fault{kind: ErrNotCassette, path: path, line: root.Line, what: "not a cassette: it has no interactions", next: notOurs}
	case !versioned:
		return nil, &fault{kind: ErrVersion, path: path, line: root.Line, what: "it has no version", next: `if go-vcr v3 or v4 wrote it, add the line "version: 2"`}
	case isNull(list):
		return c, nil
	case list.Kind != yaml.SequenceNode:
		return nil, &fault{kind: ErrNotCassette, path: path, line: list.Line, what: "not a cassette: interactions is not a list"}
	}
	for n, item := range list.Content {
		d.where = ""
		i, err := d.interaction(item, n)
		if err != nil {
			return nil, err
		}
		i.Edited = !c.Foreign
		c.Interactions = append(c.Interactions, i)
	}
	return c, nil
}

func (d *decoder) version(n *yaml.Node) (int, error) {
	v, err := d.number(n, "version", 0, 1<<31-1)
	if err == nil && v == 2 {
		return 2, nil
	}
	f := &fault{kind: ErrVersion, path: d.path, line: d.base + n.Line, what: "version is not 2", next: "this umtape reads version 2"}
	if v == 1 {
		f.what, f.next = "version is 1, of go-vcr v1 or v2", "`umtape upgrade` makes one of version 2 of it"
	}
	return 0, f
}

// notOurs is what to do about a file that was never a cassette.
const notOurs = "name a file that umtape or go-vcr recorded"

// yamlError is how yaml.v3 words a syntax error.
var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

// parseYAML returns the one document of text, which stands in the file after
// base lines and is what where names, "" for the whole file.
func parseYAML(path string, text []byte, base int, where string) (doc *yaml.Node, err error) {
	bad := &fault{kind: ErrDamaged, path: path, line: base, where: where, next: "fix it or delete the interaction"}
	if where == "" {
		bad.kind, bad.next = ErrNotCassette, notOurs
	}
	// yaml.v3 is old and large: should it panic, that file is bad, no more.
	defer func() {
		if p := recover(); p != nil {
			bad.what = "not YAML: the parser gave up"
			doc, err = nil, bad
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(text))
	doc = new(yaml.Node)
	switch err := dec.Decode(doc); {
	case err == io.EOF:
		return nil, &fault{kind: ErrEmpty, path: path, where: where, what: "empty: there is no cassette in it", next: "record it anew"}
	case err != nil:
		m := yamlError.FindStringSubmatch(err.Error())
		bad.what = "not YAML"
		if m != nil {
			n, _ := strconv.Atoi(m[1])
			bad.line = base + n
			bad.what += ": " + m[2]
		}
		if where != "" && bytes.IndexByte(text, 0) >= 0 {
			bad.what, bad.next, bad.line = zerosAre, recoverIt(path), base+1+bytes.Count(text[:bytes.IndexByte(text, 0)], []byte("\n"))
		}
		return nil, bad
	}
	var second yaml.Node
	if err := dec.Decode(&second); err != io.EOF {
		bad.what = "a second YAML document follows the cassette"
		bad.line = base + second.Line
		bad.kind, bad.next = ErrNotCassette, "go-vcr would drop it in silence: make it a file of its own"
		return nil, bad
	}
	return doc, nil
}
