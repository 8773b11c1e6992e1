package inspect

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
)

// place turns a byte offset into a 1-based line and column.
func place(text []byte, offset int64) (line, column int) {
	offset = min(offset, int64(len(text)))
	before := text[:offset]
	line = 1 + bytes.Count(before, []byte("\n"))
	column = len(before) - bytes.LastIndexByte(before, '\n')
	return line, column
}

// offsetOf is place the other way round; -1 if text has no such line.
func offsetOf(text []byte, line, column int) int {
	off := 0
	for ; line > 1; line-- {
		n := bytes.IndexByte(text[off:], '\n')
		if n < 0 {
			return -1
		}
		off += n + 1
	}
	return min(off+column-1, len(text))
}

// startOf returns where in body its decoded text is; -1 if it is other bytes.
func startOf(text, body []byte) int {
	if !bytes.HasSuffix(body, text) { // most often the same bytes, which costs nothing to see
		return -1
	}
	return len(body) - len(text)
}

// startIn returns where a message is in a multipart body, start being where it is
// in its part; -1 if the part was decoded.
func startIn(body, part []byte, start int) int {
	at := bytes.Index(body, part)
	if at < 0 || start < 0 {
		return -1
	}
	return at + start
}

// posOf is a place of a message that could not be read, as a [Finding]'s Pos.
func posOf(h http.Header, body []byte, line, column int) int {
	header, part, ok := rootPart(h, body)
	if !ok {
		header, part = h, body
	}
	text, err := utf8Text(part, charsetOf(header))
	if err != nil || line < 1 {
		return 0
	}
	off := offsetOf(text, line, column)
	start := startIn(body, part, startOf(text, part))
	if off < 0 || start < 0 {
		return 0
	}
	return start + off + 1
}

// lineIndex answers place in constant time, for messages that many places are
// asked of. It is built at the first question; its zero value is ready.
type lineIndex struct {
	once   sync.Once
	blocks []lineBlock // one for each blockBytes of the text, and one for its end
}

// lineBlock is where a block of the text begins, in lines.
type lineBlock struct {
	breaks int // line breaks before the block
	start  int // offset of the line that the block begins in
}

const blockBytes = 4096

func (x *lineIndex) place(text string, offset int) (line, column int) {
	x.once.Do(func() { x.build(text) })
	offset = min(offset, len(text))
	b := x.blocks[offset/blockBytes]
	before := text[offset/blockBytes*blockBytes : offset]
	start := b.start
	if i := strings.LastIndexByte(before, '\n'); i >= 0 {
		start = offset - len(before) + i + 1
	}
	return 1 + b.breaks + strings.Count(before, "\n"), offset - start + 1
}

func (x *lineIndex) build(text string) {
	x.blocks = make([]lineBlock, 1, len(text)/blockBytes+1)
	var b lineBlock
	for at := blockBytes; at <= len(text); at += blockBytes {
		block := text[at-blockBytes : at]
		b.breaks += strings.Count(block, "\n")
		if i := strings.LastIndexByte(block, '\n'); i >= 0 {
			b.start = at - blockBytes + i + 1
		}
		x.blocks = append(x.blocks, b)
	}
}
