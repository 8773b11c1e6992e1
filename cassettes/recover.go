package cassettes

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
)

// Recover cuts out of a cassette what a power loss has left of interactions that were
// not written to the disk: an end that is not whole, and interactions of ours in which
// zeros stand where text was. A header in which they stand is written anew, of what is left
// of it. It returns what it cut, in the order of the file, or nil
// if the file is whole. The bytes are kept: they are added to PATH.torn, which is on
// the disk before the cassette is cut. The error wraps ErrLocked while the cassette is
// being recorded, or is one of Load's, and then nothing was changed.
func Recover(path string) ([]Torn, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, pathFault(path, err, "")
	}
	if _, err := readFile(path); err != nil {
		return nil, err // before a lock is made beside a folder or nothing
	}
	l, err := takeLock(real, path)
	if err != nil {
		return nil, err
	}
	torn, err := recoverLocked(path, real)
	return torn, errors.Join(err, l.release())
}

func recoverLocked(path, real string) ([]Torn, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	c, err := parse(path, data)
	if err != nil {
		return recoverZeros(path, real, data, err)
	}
	if c.Torn == nil {
		return nil, nil
	}
	if err := cut(osDisk{}, real, data, c.Torn); err != nil {
		return nil, pathFault(path, err, "")
	}
	return []Torn{*c.Torn}, nil
}

// recoverZeros is recoverLocked for a file that cannot be read, because of bad.
func recoverZeros(path, real string, data []byte, bad error) ([]Torn, error) {
	var rest, out []byte
	mended, header := headerAgain(data)
	if header != nil {
		out = append(out, data[:header.Lost]...)
	} else {
		mended = data
	}
	whole := data
	data = mended
	lost := zeroed(data)
	at := int64(0)
	for _, t := range lost {
		rest, out = append(rest, data[at:t.Offset]...), append(out, data[t.Offset:t.Offset+t.Lost]...)
		if rest[len(rest)-1] != '\n' { // zeros stood in its place
			rest = append(rest, '\n')
		}
		at = t.Offset + t.Lost
	}
	rest = append(rest, data[at:]...)
	if header != nil {
		for n := range lost {
			lost[n].Offset += int64(len(whole) - len(data))
			lost[n].Line = 1 + bytes.Count(whole[:lost[n].Offset], []byte("\n"))
		}
		lost = append([]Torn{*header}, lost...)
	}
	if len(lost) == 0 {
		return nil, bad
	}
	if c, err := parse(path, rest); err != nil || c.Torn != nil {
		return nil, bad // there is more amiss than zeros
	}
	info, err := os.Stat(real)
	if err == nil {
		err = keep(osDisk{}, real+".torn", out)
	}
	if err == nil {
		err = putWhole(real, writes(rest), info.Mode().Perm(), osDisk{}.rename)
	}
	if err != nil {
		return nil, pathFault(path, err, "")
	}
	return lost, nil
}

// zeroed finds what has to go from a file of ours in which zeros stand where text
// was: whole records, what is between records, and a torn end.
func zeroed(data []byte) (lost []Torn) {
	text := bytes.TrimPrefix(data, bom)
	crlf := bytes.Contains(text, []byte("\r\n"))
	if crlf {
		text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	}
	l := split(text)
	if l == nil || bytes.IndexByte(text[:l.header], 0) >= 0 {
		return nil
	}
	place := func(off int) int64 { // in data; off is where a line starts, or follows a zero
		if !crlf {
			return int64(off + len(data) - len(text))
		}
		line := bytes.LastIndexByte(text[:off], '\n') + 1
		return lineOffset(data, 1+bytes.Count(text[:line], []byte("\n"))) + int64(off-line)
	}
	add := func(off, end int, why string) {
		from, to := place(off), place(end)
		if end == len(text) {
			to = int64(len(data))
		}
		lost = append(lost, Torn{Offset: from, Line: 1 + bytes.Count(text[:off], []byte("\n")), Lost: to - from, Why: why})
	}
	region := func(off, end int) {
		first, last := bytes.IndexByte(text[off:end], 0), bytes.LastIndexByte(text[off:end], 0)
		if first < 0 {
			return
		}
		// An interaction may end where the zeros begin, in place of its line break, and
		// another begin where they end.
		if wholeRecord(text[off : off+first]) {
			off, last = off+first, last-first
		}
		if start := off + last + 1; wholeRecord(text[start:end]) {
			end = start
		}
		add(off, end, zerosAre)
	}
	pos := l.header
	for n, r := range l.records {
		region(pos, r.off)
		pos = r.end
		if r.intact {
			continue
		}
		next := len(text)
		if n+1 < len(l.records) {
			next = l.records[n+1].off
		} else if l.torn != nil {
			next = int(l.torn.Offset)
		}
		if bytes.IndexByte(text[r.off:next], 0) >= 0 && !onlyComments(text[pos:next], false) {
			pos = next // what follows the line of the checksum is of an interaction that the zeros hide
		}
		region(r.off, pos)
	}
	if l.torn == nil {
		region(pos, len(text))
		return lost
	}
	region(pos, int(l.torn.Offset))
	add(int(l.torn.Offset), len(text), l.torn.Why)
	return lost
}

// wholeRecord says whether text is a record that fits its checksum; its last line break
// may be missing.
func wholeRecord(text []byte) bool {
	first, _, ended := bytes.Cut(text, []byte("\n"))
	if !ended || !bytes.HasPrefix(text, []byte(recordStart)) || !couldBeRecord(first) {
		return false
	}
	r := oneRecord(text, 0, len(text))
	return r.intact && r.end == len(text)
}

// cut shortens the file at path, whose bytes are data, to t.Offset, after
// adding the rest to PATH.torn.
func cut(d disk, path string, data []byte, t *Torn) error {
	if err := keep(d, path+".torn", data[t.Offset:]); err != nil {
		return err
	}
	f, err := d.open(path)
	if err != nil {
		return err
	}
	err = f.Truncate(t.Offset)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// keep adds b to the end of the file at path.
func keep(d disk, path string, b []byte) error {
	f, err := d.create(path)
	if errors.Is(err, os.ErrExist) {
		f, err = d.open(path)
	}
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		_, err = f.WriteAt(b, info.Size())
	}
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err != nil {
		return err
	}
	return d.syncDir(filepath.Dir(path))
}
