package cassettes

import (
	"bytes"
	"io"
	"os"
)

// eachChunk is how much of a file Each reads at once.
const eachChunk = 4 << 20

// Each reads the cassette at path as [Load] does and hands its interactions to f, one
// after the other, without keeping them: what it takes does not grow with the file,
// as long as that is in our layout. The result is Load's without Interactions. What
// comes after an error is not handed on, what came before it was; an error of f ends
// the reading and is returned as it is. Where Load takes the whole file for edited
// because its layout was changed, what stands before the change is not. progress, if
// not nil, is told how many of the file's bytes were read.
func Each(path string, f func(*Interaction) error, progress func(done, total int64)) (*Cassette, error) {
	r := eachReader{path: path, chunk: eachChunk, f: f, progress: progress}
	return r.run()
}

type eachReader struct {
	path     string
	chunk    int
	f        func(*Interaction) error
	progress func(done, total int64)

	handed int // interactions handed to f
}

func (r *eachReader) run() (*Cassette, error) {
	file, err := os.Open(r.path)
	if err != nil {
		return nil, pathFault(r.path, err, "")
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, pathFault(r.path, err, "")
	}
	if !info.Mode().IsRegular() {
		return r.whole() // which can tell what is wrong with it
	}
	buf, ended, err := r.more(file, nil)
	if err != nil {
		return nil, err
	}
	size := headerLen(buf)
	if size == 0 {
		return r.whole()
	}
	header := bytes.Clone(buf[:size])
	buf = buf[size:]
	at, lines := int64(size), 0 // of buf in the file; lines between the header and it
	for {
		cut := len(buf)
		if !ended {
			cut = lastRecord(buf)
		}
		if cut > 0 || ended {
			c, err := parse(r.path, append(bytes.Clone(header), buf[:cut]...))
			if err != nil || c.Torn != nil && !ended {
				return r.whole() // which knows the place in the file
			}
			for _, i := range c.Interactions {
				i.Line += lines
				i.span.off += at - int64(size)
				r.handed++
				if err := r.f(i); err != nil {
					return nil, err
				}
			}
			if ended {
				c.Interactions = nil
				if c.Torn != nil {
					c.Torn.Line += lines
					c.Torn.Offset += at - int64(size)
				}
				c.end += at - int64(size)
				return c, nil
			}
			lines += bytes.Count(buf[:cut], []byte("\n"))
			at += int64(cut)
			buf = buf[cut:]
			if r.progress != nil {
				r.progress(at, info.Size())
			}
		}
		if buf, ended, err = r.more(file, buf); err != nil {
			return nil, err
		}
	}
}

// more returns buf with a chunk more of the file behind it, or as much of one as
// there is when the file has ended.
func (r *eachReader) more(file io.Reader, buf []byte) (longer []byte, ended bool, err error) {
	longer = make([]byte, len(buf)+r.chunk)
	copy(longer, buf)
	n, err := io.ReadFull(file, longer[len(buf):])
	longer = longer[:len(buf)+n]
	switch {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return longer, true, nil
	case err != nil:
		return nil, false, pathFault(r.path, err, "")
	case len(longer) > maxFile:
		return nil, false, tooLarge(r.path)
	}
	return longer, false, nil
}

// lastRecord returns where the last record of text begins, 0 if that is not known.
func lastRecord(text []byte) int {
	for end := len(text); ; {
		at := bytes.LastIndex(text[:end], []byte("\n"+recordStart))
		if at < 0 {
			return 0
		}
		if nextRecord(text, at+1) == at+1 {
			return at + 1
		}
		end = at + 1
	}
}

// whole reads the rest as Load does: the file is in another layout, or something is
// wrong with it.
func (r *eachReader) whole() (*Cassette, error) {
	c, err := Load(r.path)
	if err != nil {
		return nil, err
	}
	for _, i := range c.Interactions[min(r.handed, len(c.Interactions)):] {
		if err := r.f(i); err != nil {
			return nil, err
		}
	}
	c.Interactions = nil
	return c, nil
}
