package cassettes

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// Follower reads a cassette while it is being written, by umtape or anything else.
// It reads what is new of a file in our layout, and any other file whole whenever
// it has changed. The methods are not to be called at once.
type Follower struct {
	path string

	info   os.FileInfo // of the file as it was read last; nil before
	meta   HeaderMeta  // of that file
	header []byte      // of that file; nil if it is not in our layout
	end    int64       // after its last whole record
	lines  int         // line breaks before end
	before []byte      // what stood before end, to know the file again
}

// knownAgain is how many bytes before the end of what was read must still be there
// for the rest to be what follows them. The last line of a record, its checksum, is
// shorter.
const knownAgain = 64

// Follow returns a Follower that has read nothing yet.
func Follow(path string) *Follower { return &Follower{path: path} }

// Next returns the interactions that were not there yet when Next was called last.
// anew says that the file is another one than then, or another way changed than by
// growing, and that these are all that it holds. Of an interaction that is being
// written nothing is seen before it is whole. The error is as that of [Load]; the
// next call tries again.
func (f *Follower) Next() (fresh []*Interaction, anew bool, err error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, false, pathFault(f.path, err, "")
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, false, pathFault(f.path, err, "")
	}
	same := f.info != nil && os.SameFile(f.info, info)
	if same && info.Size() == f.info.Size() && info.ModTime().Equal(f.info.ModTime()) {
		return nil, false, nil
	}
	if same && f.grown(file) {
		fresh, err = f.readOn(file)
	} else {
		anew = f.info != nil
		fresh, err = f.readWhole()
	}
	if err == nil {
		f.info = info
	}
	return fresh, anew, err
}

// Header returns our part of the header of the file as it was read last; zero before
// that, and of a cassette written by others.
func (f *Follower) Header() HeaderMeta { return f.meta }

// grown reports whether what was read of the file is still there.
func (f *Follower) grown(file io.ReaderAt) bool {
	if f.header == nil {
		return false
	}
	was := make([]byte, len(f.before))
	_, err := file.ReadAt(was, f.end-int64(len(was)))
	return err == nil && bytes.Equal(was, f.before)
}

// First is Next for the first time, and hands the interactions over one after the
// other, as [Each] does: what it takes does not grow with the file. The result is that
// of Each.
func (f *Follower) First(each func(*Interaction) error, progress func(done, total int64)) (*Cassette, error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return nil, pathFault(f.path, err, "")
	}
	c, err := Each(f.path, each, progress)
	if err != nil {
		return nil, err
	}
	f.info, f.meta, f.header = info, c.Header.Umtape, nil
	if c.rewrite {
		return c, nil
	}
	file, err := os.Open(f.path)
	if err != nil {
		return nil, pathFault(f.path, err, "")
	}
	defer file.Close()
	header, before := make([]byte, c.headerEnd), make([]byte, min(knownAgain, c.end))
	_, errHeader := file.ReadAt(header, 0)
	_, errBefore := file.ReadAt(before, c.end-int64(len(before)))
	lines, errLines := countLines(io.NewSectionReader(file, 0, c.end))
	if errHeader != nil || errBefore != nil || errLines != nil {
		f.header = nil // it is being replaced: Next reads it whole
		return c, nil
	}
	f.header, f.before, f.end, f.lines = header, before, c.end, lines
	return c, nil
}

func countLines(r io.Reader) (n int, err error) {
	buf := make([]byte, 1<<20)
	for {
		k, err := r.Read(buf)
		n += bytes.Count(buf[:k], []byte("\n"))
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

func (f *Follower) readWhole() ([]*Interaction, error) {
	data, err := readFile(f.path)
	if err != nil {
		return nil, err
	}
	c, err := parse(f.path, data)
	if err != nil {
		return nil, err
	}
	f.meta, f.header = c.Header.Umtape, nil
	if !c.rewrite {
		f.header = bytes.Clone(data[:c.headerEnd])
		f.read(data, 0, c.end)
	}
	return c.Interactions, nil
}

// read remembers where data, which begins at offset from, was read to.
func (f *Follower) read(data []byte, from, end int64) {
	text := data[:end-from]
	if from == 0 {
		f.lines, f.before = 0, nil
	}
	f.lines += bytes.Count(text, []byte("\n"))
	f.before = append(bytes.Clone(f.before), text[max(0, len(text)-knownAgain):]...)
	f.before = f.before[max(0, len(f.before)-knownAgain):]
	f.end = end
}

// readOn reads what follows what was read already, as a file of its own.
func (f *Follower) readOn(file io.ReaderAt) ([]*Interaction, error) {
	tail, err := io.ReadAll(io.NewSectionReader(file, f.end, maxFile))
	if err != nil {
		return nil, pathFault(f.path, err, "")
	}
	c, err := parse(f.path, append(bytes.Clone(f.header), tail...))
	if err != nil {
		return nil, err
	}
	if c.rewrite {
		f.header = nil // what was added is not our encoder's: whole from now on
		return c.Interactions, nil
	}
	skipped := f.lines - bytes.Count(f.header, []byte("\n"))
	for _, i := range c.Interactions {
		i.Line += skipped
		i.span.off += f.end - c.headerEnd
	}
	f.read(tail, f.end, f.end+c.end-c.headerEnd)
	return c.Interactions, nil
}

// Recording reports whether a recording to the cassette at path seems to be under
// way. One that was killed leaves its lock, which nobody holds and which this cannot
// tell from one that is held.
func Recording(path string) bool {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	_, err := os.Lstat(path + ".lock")
	return !errors.Is(err, os.ErrNotExist)
}
