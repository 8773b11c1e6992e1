package cassettes

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// An Edit is a cassette open for being written anew. Records may be put in another
// order, left out, added or changed; what Save writes takes the place of the file at
// one stroke, or never.
//
// A record that was not changed is written with the bytes it had, comments before it
// included, so that one edited by hand stays as it was and shows. A cassette in
// another layout than ours comes out in ours, without comments and without keys that
// neither go-vcr nor umtape knows; one that umtape did not write is redacted on the
// way in, as [Create] does it in mode Append.
type Edit struct {
	*Cassette
	Records []Record

	// Cleaned counts the interactions that were redacted because umtape had not
	// written them.
	Cleaned int

	real string // symbolic links followed
	data []byte // the file's
	tail []byte // what follows the last record: comments, or a torn interaction
	lock *lock  // nil for one that is only read

	// What is edited is part of a file, for being searched.
	lines  int   // of the file that are not in data, before it but after the header
	shift  int64 // of data, for offsets in the file
	goesOn bool  // the next part begins with an interaction

	parsed bool       // doc was tried
	doc    *yaml.Node // see root
}

// Record is an interaction of an [Edit].
type Record struct {
	*Interaction
	lead []byte // comments before it
	text []byte // its own bytes, if they can be written as they are
}

// Changed returns a record of an interaction that takes r's place.
func (r Record) Changed(to *Interaction) Record {
	if to == r.Interaction {
		return r
	}
	return Record{Interaction: to, lead: r.lead}
}

// OpenEdit loads the cassette at path and keeps recordings off it until Close. The
// error wraps ErrLocked while it is being recorded, or is one of Load's.
func OpenEdit(path string) (*Edit, error) { return openEdit(path, true, parse) }

// ReadEdit loads a cassette of which another file is to be made. It takes no lock.
func ReadEdit(path string) (*Edit, error) { return openEdit(path, false, parse) }

func openEdit(path string, locked bool, parse func(path string, data []byte) (*Cassette, error)) (_ *Edit, err error) {
	e := &Edit{}
	if _, err := readFile(path); err != nil {
		return nil, err // before a lock is made beside a folder or nothing
	}
	if e.real, err = filepath.EvalSymlinks(path); err != nil {
		return nil, pathFault(path, err, "")
	}
	if locked {
		if e.lock, err = takeLock(e.real, path); err != nil {
			return nil, whileRecording(err)
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	if e.data, err = readFile(path); err != nil {
		return nil, err
	}
	if e.Cassette, err = parse(path, e.data); err != nil {
		return nil, err
	}
	e.cut()
	return e, nil
}

// whileRecording says of a cassette that is locked what can be done instead.
func whileRecording(err error) error {
	if f := (*fault)(nil); errors.As(err, &f) && f.kind == ErrLocked {
		f.next = "wait for it to end, or leave it as it is and write another with --output"
	}
	return err
}

// cut takes the file's bytes apart.
func (e *Edit) cut() {
	e.Records = make([]Record, len(e.Interactions))
	at := e.headerEnd
	for n, i := range e.Interactions {
		r := Record{Interaction: i}
		if s := i.span; s.size > 0 {
			off := s.off - e.shift
			r.lead = e.data[at:off]
			r.text = whole(e.data[off : off+s.size])
			at = off + s.size
		}
		if e.Foreign {
			if clean := redactKept(i); clean != i {
				r, e.Cleaned = Record{Interaction: clean}, e.Cleaned+1
			}
		}
		e.Records[n] = r
	}
	switch {
	case !e.rewrite:
		e.tail = e.data[at:]
	case e.Torn != nil:
		e.tail = e.data[e.Torn.Offset-e.shift:]
	}
	if e.Foreign {
		e.Header.Umtape = HeaderMeta{Format: format, Redact: []string{RedactCredentials}}
	}
}

// whole returns a record's bytes if they can stand anywhere in a file; nil if they
// would be taken for something else, such as a record without a checksum at its end.
func whole(record []byte) []byte {
	r := oneRecord(record, 0, len(record))
	if r.sum == r.end || r.end != len(record) {
		return nil
	}
	if record[len(record)-1] != '\n' {
		record = append(record[:len(record):len(record)], '\n')
	}
	return record
}

// Close lets recordings at the cassette again.
func (e *Edit) Close() error {
	if e.lock == nil {
		return nil
	}
	l := e.lock
	e.lock = nil
	return l.release()
}

// Renumber gives the records the ids from 0 on, in their order.
func (e *Edit) Renumber() {
	for n, r := range e.Records {
		if r.ID == n {
			continue
		}
		changed := *r.Interaction
		changed.ID = n
		if r.text != nil {
			r.text, _ = renumber(r.text, n) // no error: see whole
		}
		e.Records[n] = Record{&changed, r.lead, r.text}
	}
}

// Save replaces the file, unless it would stay as it is, and reports whether it did.
// A torn end stays at the end. The file keeps its mode.
func (e *Edit) Save() (changed bool, err error) {
	if e.lock == nil {
		return false, fmt.Errorf("%s: not open for being written", e.Path)
	}
	out := e.bytes(true)
	if bytes.Equal(out, e.data) {
		return false, nil
	}
	info, err := os.Stat(e.real)
	if err != nil {
		return false, pathFault(e.Path, err, "")
	}
	if err := putWhole(e.real, writes(out), info.Mode().Perm(), osDisk{}.rename); err != nil {
		return false, pathFault(e.Path, err, "")
	}
	return true, nil
}

// SaveAs writes the cassette to another file, mode 0600, without a torn end. One that
// is there is an error that wraps os.ErrExist, unless force is set, and then is
// replaced.
func (e *Edit) SaveAs(path string, force bool) (err error) {
	return writeWhole(path, func(w io.Writer) error { return e.writeTo(w, false) }, force)
}

// SameFile reports whether path is the file that is edited.
func (e *Edit) SameFile(path string) bool {
	a, errA := os.Stat(e.real)
	b, errB := os.Stat(path)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

// writeWhole puts a file in place, under the lock of the cassette that it may be.
func writeWhole(path string, write func(io.Writer) error, force bool) (err error) {
	real := path
	if r, err := filepath.EvalSymlinks(path); err == nil {
		real = r
	}
	if info, err := os.Stat(real); err == nil && !info.Mode().IsRegular() {
		return &fault{kind: ErrNotCassette, path: path, what: "not a regular file", next: "name a file to write to"}
	}
	l, err := takeLock(real, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.release()) }()
	way, mode := osDisk{}.renameNew, fs.FileMode(0o600)
	if info, err := os.Lstat(real); err == nil {
		if !force {
			return existsFault(path)
		}
		way, mode = osDisk{}.rename, info.Mode().Perm()
	}
	if err := putWhole(real, write, mode, way); errors.Is(err, os.ErrExist) {
		return existsFault(path)
	} else if err != nil {
		return pathFault(path, err, "")
	}
	return nil
}

func existsFault(path string) error {
	return &fault{kind: os.ErrExist, path: path, what: "there is a file already", next: "--force replaces it"}
}

// writes is a function that writes data.
func writes(data []byte) func(io.Writer) error {
	return func(w io.Writer) error { _, err := w.Write(data); return err }
}

// putWhole writes a file anew, with this mode.
func putWhole(path string, write func(io.Writer) error, mode fs.FileMode, way func(from, to string) error) error {
	return replace(osDisk{}, path, way, func(f file) error {
		if f, ok := f.(osFile); ok && mode != 0o600 {
			if err := f.Chmod(mode); err != nil {
				return err
			}
		}
		return write(io.NewOffsetWriter(f, 0))
	})
}

// bytes is the file as it is to be.
func (e *Edit) bytes(torn bool) []byte {
	var b bytes.Buffer
	b.Grow(len(e.data) + 4096)
	e.writeTo(&b, torn) // which cannot fail
	return b.Bytes()
}

// writeTo writes the file as it is to be, a record at a time. The error is w's.
func (e *Edit) writeTo(w io.Writer, torn bool) error {
	b := appendHeader(nil, e.Header.Umtape)
	if !e.rewrite && sameMeta(e.headerAsRead(), e.Header.Umtape) {
		b = append(b[:0], e.data[:e.headerEnd]...) // comments and all
	}
	for _, r := range e.Records {
		if _, err := w.Write(b); err != nil {
			return err
		}
		b = b[:0]
		b = append(b, r.lead...)
		if r.text != nil {
			b = append(b, r.text...)
			continue
		}
		var sum string
		b, sum = appendRecord(b, r.Interaction, r.ID)
		if r.Edited {
			// A fresh checksum would say that it is as it was recorded.
			b = appendChecksum(b[:len(b)-len(checksumStart)-len(sum)-1], editedSum)
		}
	}
	if e.Torn == nil || torn {
		b = append(b, e.tail...)
	}
	_, err := w.Write(b)
	return err
}

// headerAsRead is our part of the header as it is in the file.
func (e *Edit) headerAsRead() HeaderMeta {
	c, err := parseWhole(e.Path, e.data[:e.headerEnd])
	if err != nil {
		return HeaderMeta{}
	}
	return c.Header.Umtape
}

func sameMeta(a, b HeaderMeta) bool {
	return a.Format == b.Format && a.RecordedBy == b.RecordedBy && a.Profile == b.Profile && a.Kept == b.Kept && a.Confirmed.Equal(b.Confirmed) && slices.Equal(a.Redact, b.Redact)
}

// Sort puts the records in the order in which their requests arrived; those of which
// that is not known stay where they are in relation to each other, before the others.
// It reports whether that changed their order.
func (e *Edit) Sort() bool {
	byArrival := func(a, b Record) int { return cmp.Compare(order(a.Umtape.Arrived), order(b.Umtape.Arrived)) }
	if slices.IsSortedFunc(e.Records, byArrival) {
		return false
	}
	slices.SortStableFunc(e.Records, byArrival)
	return true
}

// Derived returns an edit of a cassette that is to be made of others: a cassette
// without records, with what their headers have in common.
func Derived(from ...*Edit) *Edit {
	e := &Edit{Cassette: &Cassette{rewrite: true}}
	h := &e.Header.Umtape
	*h = HeaderMeta{Format: format}
	var by []string
	for n, f := range from {
		m := f.Header.Umtape
		if n == 0 {
			h.Profile, h.Kept, h.Confirmed = m.Profile, m.Kept, m.Confirmed
		}
		if m.Confirmed.Before(h.Confirmed) { // also if it never was
			h.Confirmed = m.Confirmed
		}
		if h.Profile != m.Profile {
			h.Profile = ""
		}
		if h.Kept != m.Kept {
			h.Kept = ""
		}
		if m.RecordedBy != "" && !slices.Contains(by, m.RecordedBy) {
			by = append(by, m.RecordedBy)
		}
	}
	h.RecordedBy = strings.Join(by, ", ")
	if len(from) > 0 {
		for _, name := range from[0].Header.Umtape.Redact {
			if !slices.ContainsFunc(from, func(f *Edit) bool { return !slices.Contains(f.Header.Umtape.Redact, name) }) {
				h.Redact = append(h.Redact, name)
			}
		}
	}
	return e
}

// Fingerprint is equal for two interactions if and only if a cassette would hold them
// alike, id included.
func (i *Interaction) Fingerprint() string {
	if !i.Edited && strings.HasPrefix(i.Umtape.Checksum, checksumPrefix) {
		return i.Umtape.Checksum
	}
	b := appendInt(nil, recordStart, int64(i.ID))
	return checksum(appendRest(b, i))
}

// Name returns FILE#ID, by which commands name an interaction of the cassette.
func (c *Cassette) Name(i *Interaction) string { return c.Path + "#" + strconv.Itoa(i.ID) }
