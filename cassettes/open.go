package cassettes

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"runtime"
	"slices"
	"sync/atomic"
	"time"
)

func workers() int { return max(1, runtime.GOMAXPROCS(0)) }

// scanWindow is how much of a file is read at a time, in bytes. A record longer
// than that makes the window grow.
const scanWindow = 1 << 20

// progressEvery is how often OnProgress is called.
const progressEvery = 100 * time.Millisecond

// openOurs opens a file in our encoder's layout. The error is errNotPlain if it
// is another one, and for everything that Load words better.
func openOurs(path, prefix string, options OpenOptions) (r *Reel, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, pathFault(path, err, "")
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, errNotPlain
	}
	r = &Reel{path: path, prefix: prefix, from: f, file: f}
	if info.Size() <= options.HoldBytes {
		data, err := io.ReadAll(io.LimitReader(f, info.Size()+1))
		if err != nil {
			return nil, pathFault(path, err, "")
		}
		if int64(len(data)) <= info.Size() {
			r.from, r.file, r.size = bytes.NewReader(data), nil, int64(len(data))
			s := scanner{reel: r, options: options, size: r.size}
			err := s.scan(bytes.NewReader(data))
			f.Close()
			r.prepared = make([]atomic.Pointer[sharedAnswer], len(r.marks))
			return r, err
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil { // it grows
			return nil, pathFault(path, err, "")
		}
	}
	kept, head := "", []byte(nil)
	if options.CacheDir != "" && len(options.Match.Any) == 0 && options.Before.IsZero() {
		if kept, err = marksPath(options.CacheDir, path); err == nil && loadMarks(kept, f, r, options) {
			r.kept = kept
			return r, nil
		}
		head, _ = marksHead(f, options)
	}
	s := scanner{reel: r, options: options, size: info.Size()}
	if err := s.scan(f); err != nil {
		return nil, err
	}
	if kept != "" && r.torn == nil && r.masks == nil && len(r.marks) >= marksWorth {
		r.notKept = saveMarks(kept, head, f, r, options)
	}
	return r, nil
}

// scanner makes the marks of a file.
type scanner struct {
	reel    *Reel
	options OpenOptions
	size    int64
	window  []byte
	base    int64 // where in the file window starts
	layout  *layout
	readers []func(int) // one a worker: mark the n-th record of layout
	failed  []error     // by worker
	aged    []Aged      // the same
	told    time.Time
}

func (s *scanner) scan(f io.Reader) error {
	s.window = make([]byte, 0, scanWindow)
	pos := 0 // in window; what is before it is done, all but the byte before it
	for {
		last, err := s.fill(f, pos)
		if err != nil {
			return pathFault(s.reel.path, err, "")
		}
		if bytes.IndexByte(s.window, '\r') >= 0 {
			return errNotPlain
		}
		pos = min(pos, 1)
		if s.layout == nil {
			if pos, err = s.header(last); err != nil {
				return err
			} else if pos == 0 {
				continue
			}
		}
		pos = s.layout.split(s.window, pos, last)
		if s.layout.strange {
			return errNotPlain
		}
		if err := s.mark(last); err != nil {
			return err
		}
		if last {
			return s.end()
		}
		s.tell()
	}
}

// fill drops what is before done-1 and reads on. last says that the file ends
// where the window does.
func (s *scanner) fill(f io.Reader, done int) (last bool, err error) {
	if done > 1 {
		n := copy(s.window, s.window[done-1:])
		s.window, s.base = s.window[:n], s.base+int64(done-1)
	}
	if len(s.window) == cap(s.window) {
		if len(s.window) > maxFile/2 {
			return false, tooLarge(s.reel.path)
		}
		s.window = slices.Grow(s.window, len(s.window))
	}
	for len(s.window) < cap(s.window) {
		n, err := f.Read(s.window[len(s.window):cap(s.window)])
		s.window = s.window[:len(s.window)+n]
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// header reads the header and returns its length, 0 if not all of it is there.
func (s *scanner) header(last bool) (int, error) {
	n := headerLen(s.window)
	if n == 0 {
		if last || len(s.window) > scanWindow || !bytes.HasPrefix(s.window, []byte(headerStart)) {
			return 0, errNotPlain
		}
		return 0, nil
	}
	c, err := parseWhole(s.reel.path, s.window[:n])
	if err != nil || c.Foreign {
		return 0, errNotPlain
	}
	s.reel.header, s.reel.rules = c.Header, RedactionOf(c.Header.Umtape)
	s.layout = &layout{header: n, line: 1 + bytes.Count(s.window[:n], []byte("\n"))}
	return n, nil
}

// mark marks the records that the window has, and forgets them.
func (s *scanner) mark(last bool) error {
	if s.readers == nil {
		s.failed, s.aged = make([]error, workers()), make([]Aged, workers())
		for k := range s.failed {
			s.readers = append(s.readers, s.reader(&s.failed[k], &s.aged[k]))
		}
	}
	l, r := s.layout, s.reel
	from := len(r.marks)
	if free := cap(r.marks) - from; free < len(l.records) {
		// As many more as there will be, by the length of those there are.
		rest := 0
		if read := s.base + int64(len(s.window)); len(l.records) > 0 {
			done := l.records[len(l.records)-1].end - l.records[0].off
			rest = int(max(s.size-read, 0)) / max(done/len(l.records), 1)
		}
		r.marks = slices.Grow(r.marks, len(l.records)+rest+rest/50)
	}
	r.marks = r.marks[:from+len(l.records)]
	if len(s.options.Match.Any) > 0 {
		r.loose = append(r.loose, make([]loose, len(l.records))...)
	}
	if !r.rules.None() {
		r.masks = append(r.masks, make([]masked, len(l.records))...)
	}
	eachInParallel(len(l.records), s.readers)
	for _, err := range s.failed {
		if err != nil {
			return errNotPlain
		}
	}
	l.records = l.records[:0]
	return nil
}

// reader returns what marks a record, for one worker.
func (s *scanner) reader(failed *error, aged *Aged) func(int) {
	var fast fastReader
	aged.Before = s.options.Before
	aged.Again = s.reel.header.Umtape.Confirmed
	return func(k int) {
		l, r := s.layout, s.reel
		n := len(r.marks) - len(l.records) + k
		rec := l.records[k]
		text := s.window[rec.off:rec.end]
		i, ok := (*Interaction)(nil), false
		if rec.intact && text[len(text)-1] == '\n' {
			i, ok = fast.read(text)
		}
		if !ok {
			var err error
			if i, err = parseRecord(r.path, text, rec, n); err != nil {
				*failed = err
				return
			}
		}
		m := r.markOf(i, n, s.options.Match)
		m.off, m.size, m.sum = s.base+int64(rec.off), uint32(len(text)), crc32.Checksum(text, castagnoli)
		r.marks[n] = m
		if !aged.Before.IsZero() {
			aged.Add(i, n)
		}
	}
}

// end finishes the reel when the whole file has been read.
func (s *scanner) end() error {
	if t := s.layout.torn; t != nil {
		t.Offset += s.base
		s.reel.torn = t
	}
	s.reel.aged.Before = s.options.Before
	for _, a := range s.aged {
		s.reel.aged.Merge(a)
	}
	if len(s.reel.marks) >= allHad {
		return &fault{kind: ErrNotCassette, path: s.reel.path, what: fmt.Sprintf("has %d interactions, too many", len(s.reel.marks)), next: "split it"}
	}
	if s.options.OnProgress != nil {
		s.options.OnProgress(s.size, s.size)
	}
	return nil
}

func (s *scanner) tell() {
	if now := time.Now(); s.options.OnProgress != nil && now.Sub(s.told) >= progressEvery {
		s.told = now
		s.options.OnProgress(s.base+int64(len(s.window)), s.size)
	}
}
