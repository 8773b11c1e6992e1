package inspect

import (
	"bytes"
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

func (x *lineIndex) place(text []byte, offset int) (line, column int) {
	x.once.Do(func() { x.build(text) })
	offset = min(offset, len(text))
	b := x.blocks[offset/blockBytes]
	before := text[offset/blockBytes*blockBytes : offset]
	start := b.start
	if i := bytes.LastIndexByte(before, '\n'); i >= 0 {
		start = offset - len(before) + i + 1
	}
	return 1 + b.breaks + bytes.Count(before, []byte("\n")), offset - start + 1
}

func (x *lineIndex) build(text []byte) {
	x.blocks = make([]lineBlock, 1, len(text)/blockBytes+1)
	var b lineBlock
	for at := blockBytes; at <= len(text); at += blockBytes {
		block := text[at-blockBytes : at]
		b.breaks += bytes.Count(block, []byte("\n"))
		if i := bytes.LastIndexByte(block, '\n'); i >= 0 {
			b.start = at - blockBytes + i + 1
		}
		x.blocks = append(x.blocks, b)
	}
}
