package cassettes

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/umtape/umtape/inspect"
)

// Piece is some interactions of a cassette, in a row, with their text.
type Piece struct {
	Interactions []*Interaction

	text  *Text
	first int // index in the text's cassette of the first of them

	edit      *Edit // the same, for being searched; only for [AuditEach]
	confirmed time.Time
}

// Confirmed is that of the cassette's [HeaderMeta].
func (p *Piece) Confirmed() time.Time { return p.confirmed }

// Places is [Text.Places] for the n-th interaction of the piece.
func (p *Piece) Places(n int, found []inspect.Finding) []Place {
	return p.text.Places(p.first+n, found)
}

// InPieces reads the cassette at path as [Load] does, in pieces: work makes something
// of each, on all processors at once, and take is given what was made, with the index of
// the piece's first interaction, one after the other in the order of the file. No piece
// is kept, so that what it takes does not grow with the file, as long as that is in our
// layout. The result is Load's without Interactions.
//
// What only the whole file tells, as when its layout was changed by hand, may turn up
// anywhere in it. Then it is read whole and the pieces come once more, from index 0 on.
// An error of take ends the reading and is returned as it is. progress, if not nil, is
// told how many of the file's bytes were done with.
func InPieces[T any](path string, work func(*Piece) T, take func(first int, made T) error, progress func(done, total int64)) (*Cassette, error) {
	return inPieces(path, pieceBytes, work, take, progress)
}

// EachOf is [Each] for what is made of every interaction, on all processors at once.
func EachOf[T any](path string, of func(*Interaction) T, f func(T) error, progress func(done, total int64)) (*Cassette, error) {
	return eachOf(path, pieceBytes, of, f, progress)
}

// Each reads the cassette at path as [Load] does and hands its interactions to f, one
// after the other, without keeping them: what it takes does not grow with the file,
// as long as that is in our layout. The result is Load's without Interactions. What
// comes after an error is not handed on, what came before it was; an error of f ends
// the reading and is returned as it is. Where Load takes the whole file for edited
// because its layout was changed, what stands before the change is not. progress, if
// not nil, is told how many of the file's bytes were done with.
func Each(path string, f func(*Interaction) error, progress func(done, total int64)) (*Cassette, error) {
	return EachOf(path, func(i *Interaction) *Interaction { return i }, f, progress)
}

func eachOf[T any](path string, chunk int, of func(*Interaction) T, f func(T) error, progress func(done, total int64)) (*Cassette, error) {
	handed := 0
	return inPieces(path, chunk, func(p *Piece) []T {
		made := make([]T, len(p.Interactions))
		for n, i := range p.Interactions {
			made[n] = of(i)
		}
		return made
	}, func(first int, made []T) error {
		for _, x := range made[min(max(0, handed-first), len(made)):] {
			handed++
			if err := f(x); err != nil {
				return err
			}
		}
		return nil
	}, progress)
}

const (
	// pieceBytes is how much of a file makes a piece: enough that handing it on
	// costs nothing, and little enough that the processors end at the same time.
	pieceBytes = 1 << 20

	// pieceLen is how many interactions make one where all are in memory.
	pieceLen = 256
)

// errWhole says that a file is to be read whole: it is in another layout, or something
// is wrong with it, of which the whole tells the place.
var errWhole = errors.New("to be read whole")

func inPieces[T any](path string, chunk int, work func(*Piece) T, take func(int, T) error, progress func(done, total int64)) (*Cassette, error) {
	if c, err := ownPieces(path, chunk, work, take, progress); err != errWhole {
		return c, err
	}
	c, text, err := LoadText(path)
	if err != nil {
		return nil, err
	}
	list := c.Interactions
	c.Interactions = nil
	_, err = allInOrder(text.pieces(c, list), work, take, ofSize(int64(len(text.data)), progress))
	if err != nil {
		return nil, err
	}
	return c, nil
}

// ownPieces is inPieces for a file in our layout. The error is errWhole for any other.
func ownPieces[T any](path string, chunk int, work func(*Piece) T, take func(int, T) error, progress func(done, total int64)) (*Cassette, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, pathFault(path, err, "")
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, pathFault(path, err, "")
	}
	if !info.Mode().IsRegular() { // Load knows what is wrong with it
		return nil, errWhole
	}
	r := pieceReader{path: path, file: file, chunk: chunk}
	return allInOrder(r.next, work, take, ofSize(info.Size(), progress))
}

// ofSize tells progress, which may be nil, of a file of that size.
func ofSize(size int64, progress func(done, total int64)) func(done int64) {
	return func(done int64) {
		if progress != nil {
			progress(done, max(done, size)) // it may have grown
		}
	}
}

// part is what comes next of a file.
type part struct {
	read func() (*Piece, *Cassette, error) // on any processor
	end  int64                             // of it, in the file
}

// allInOrder works on the parts that next returns, until one is nil, on all processors,
// and takes what was made in their order. It returns the last one's cassette.
func allInOrder[T any](next func() (*part, error), work func(*Piece) T, take func(int, T) error, told func(done int64)) (last *Cassette, err error) {
	type job struct {
		*part
		piece *Piece
		made  T
		c     *Cassette
		err   error
		done  chan struct{}
	}
	workers := runtime.GOMAXPROCS(0)
	jobs, queue, stop := make(chan *job), make(chan *job, workers), make(chan struct{})
	var running sync.WaitGroup
	defer running.Wait()
	defer close(stop)
	running.Go(func() {
		defer close(queue)
		defer close(jobs)
		for {
			p, err := next()
			if p == nil && err == nil {
				return
			}
			j := &job{part: p, err: err, done: make(chan struct{})}
			select {
			case queue <- j:
			case <-stop:
				return
			}
			if err != nil {
				close(j.done)
				return
			}
			select {
			case jobs <- j:
			case <-stop:
				return
			}
		}
	})
	for range workers {
		running.Go(func() {
			for j := range jobs {
				if j.piece, j.c, j.err = j.read(); j.err == nil {
					j.made = work(j.piece)
				}
				close(j.done)
			}
		})
	}
	first := 0
	for j := range queue {
		<-j.done
		if j.err != nil {
			return nil, j.err
		}
		if err := take(first, j.made); err != nil {
			return nil, err
		}
		first += len(j.piece.Interactions)
		last = j.c
		told(j.end)
	}
	return last, nil
}

// pieceReader reads a file in our layout.
type pieceReader struct {
	path  string
	file  io.Reader
	chunk int

	header []byte
	buf    []byte // read and not yet part of a piece; it is never written to again
	at     int64  // of buf in the file
	lines  int    // between the header and buf
	ended  bool
}

// next returns the next part, nil after the last.
func (r *pieceReader) next() (*part, error) {
	if r.ended {
		return nil, nil
	}
	for {
		if err := r.more(); err != nil {
			return nil, err
		}
		if r.header == nil {
			size := headerLen(r.buf)
			if size == 0 {
				return nil, errWhole
			}
			r.header, r.buf, r.at = r.buf[:size:size], r.buf[size:], int64(size)
		}
		cut := len(r.buf)
		if !r.ended {
			cut = lastRecord(r.buf)
		}
		if cut == 0 && !r.ended {
			continue
		}
		p := filePart{path: r.path, header: r.header, text: r.buf[:cut], at: r.at, lines: r.lines, last: r.ended}
		r.lines += bytes.Count(p.text, []byte("\n"))
		r.at += int64(cut)
		r.buf = r.buf[cut:]
		return &part{p.read, r.at}, nil
	}
}

// more reads on: a chunk, or as much as there is already, so that a long interaction
// is not copied again and again.
func (r *pieceReader) more() error {
	longer := make([]byte, len(r.buf)+max(r.chunk, len(r.buf)))
	copy(longer, r.buf)
	n, err := io.ReadFull(r.file, longer[len(r.buf):])
	r.buf = longer[:len(r.buf)+n]
	switch {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		r.ended = true
	case err != nil:
		return pathFault(r.path, err, "")
	case len(r.buf) > maxFile:
		return tooLarge(r.path)
	}
	return nil
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

// filePart is some records of a file in our layout.
type filePart struct {
	path         string
	header, text []byte
	at           int64 // of text in the file
	lines        int   // between the header and text
	last         bool  // the file ends with it
}

func (p *filePart) read() (*Piece, *Cassette, error) {
	text := append(p.header, p.text...) // the header has no room behind it
	l := split(text)
	if l == nil || l.strange || bytes.Contains(text, []byte("\r\n")) {
		return nil, nil, errWhole
	}
	c, err := parseRecords(p.path, text, l)
	if err != nil || c.Torn != nil && !p.last {
		return nil, nil, errWhole
	}
	t := newText(c, text)
	list := c.Interactions
	shift := p.at - int64(len(p.header))
	piece := &Piece{Interactions: list, text: t, edit: &Edit{data: text, lines: p.lines, shift: shift, goesOn: !p.last}, confirmed: c.Header.Umtape.Confirmed}
	t.cassette = &Cassette{Interactions: list}
	// From here on they have their places in the file, and the text knows its own.
	t.at.line += p.lines
	for _, i := range list {
		i.Line += p.lines
		i.span.off += shift
	}
	if c.Torn != nil {
		c.Torn.Line += p.lines
		c.Torn.Offset += shift
	}
	c.end += shift
	of := *c
	piece.edit.Cassette = &of
	c.Interactions = nil
	return piece, c, nil
}

// pieces returns list, all interactions of the text, part by part.
func (t *Text) pieces(c *Cassette, list []*Interaction) (next func() (*part, error)) {
	t.cassette = &Cassette{Interactions: list}
	at, done := t.at, false
	first := 0
	return func() (*part, error) {
		if done {
			return nil, nil
		}
		view := *t
		to := min(first+pieceLen, len(list))
		if first < len(list) {
			at.move(t.starts[first])
		}
		view.at = at
		p := &Piece{Interactions: list[first:to], text: &view, first: first, confirmed: c.Header.Umtape.Confirmed}
		first, done = to, to == len(list)
		return &part{func() (*Piece, *Cassette, error) { return p, c, nil }, int64(t.starts[to])}, nil
	}
}
