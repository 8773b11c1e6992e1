package cassettes

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// OpenMode says what Create does with a file that is there already.
type OpenMode int

const (
	// Refuse: the error wraps os.ErrExist.
	Refuse OpenMode = iota

	// Append: recording goes on after what is there. A torn end is cut off
	// first, as by Recover; see Writer.Torn. A cassette in a layout other than
	// ours (go-vcr's, JSON, CRLF) is replaced by one in ours when the first
	// interaction is appended, with every interaction but without comments and
	// keys neither go-vcr nor umtape knows; one that umtape did not write is
	// redacted then. A header of ours stays as it is; see Writer.Header.
	Append

	// Replace: the file is replaced when the first interaction is appended. A
	// recording that fails before that, or that captures nothing, leaves it as
	// it was.
	Replace

	// Renew is Replace for a recording of what is in the file already. At the end an
	// interaction that went as the one before it, of the same request and turn, but for
	// what is of one exchange only (Date and its like, how long it took, when it was),
	// has that one's record, byte for byte, and what went otherwise its place, id and
	// time of arrival. HeaderMeta.Confirmed says when it was so. A file that cannot be read,
	// is in another layout, or hides other things, is replaced.
	Renew
)

// SyncPolicy says when what was appended is made to last through a power loss
// (fsync). Through the end of the process, killed or not, everything lasts
// that Append has returned for.
type SyncPolicy int

const (
	SyncInterval SyncPolicy = iota // at most a second later, and in Close
	SyncAlways                     // before Append returns; concurrent calls share one
	SyncNever                      // whenever the system likes
)

// Writer records to one cassette. Its methods may be called at once.
type Writer struct {
	path   string // as given to Create
	real   string // the file's own, symbolic links followed
	header HeaderMeta
	torn   *Torn
	policy SyncPolicy
	disk   disk
	lock   *lock

	headerEnd int64 // where the first record goes
	made      bool  // the file was not there before

	old     *old // what is replaced, in mode Renew; nil for nothing
	renewed Renewed

	// unnamed is true until a recording that replaces another one has its
	// first interaction and takes that one's name. It changes under syncMu and
	// mu.
	unnamed atomic.Bool

	stop     chan struct{} // closed by Close
	stopOnce sync.Once
	done     sync.WaitGroup // the goroutine that syncs

	mu       sync.Mutex // guards what follows
	file     file       // nil once closed
	at       string     // where file is: real, or a temporary name while unnamed
	size     int64      // of all whole records; the next one goes there
	reserved int64      // offset up to which the disk has room for us; 0 if not known
	nextID   int
	entries  []entry   // one a record, in the order of the file
	dirty    bool      // there may be part of a record after size
	noRoom   bool      // the file system cannot reserve
	failed   bool      // the last write failed
	looked   time.Time // when Ready had a look last
	broken   error     // of a sync: what is on the disk is not known, so it stays

	// Taken before mu. It lets one fsync serve all that wait for it.
	syncMu sync.Mutex
	synced int64 // guarded by syncMu: size at the last good fsync
}

// entry is what Close needs to put records in order.
type entry struct {
	arrived int64 // microseconds since 1970; very small if not known
	span    span
}

// syncEvery is the interval of SyncInterval.
const syncEvery = time.Second

// Create opens the cassette at path for recording, with SyncInterval unless
// told otherwise. The file is there, whole and without interactions, when it
// returns, unless it replaces another one. The error wraps ErrLocked if another Writer, here or in another
// process, has the cassette; os.ErrExist in mode Refuse; and in mode Append
// what Load returns.
func Create(path string, h HeaderMeta, mode OpenMode, policy ...SyncPolicy) (*Writer, error) {
	w := &Writer{path: path, header: h, disk: osDisk{}}
	if len(policy) > 0 {
		w.policy = policy[0]
	}
	if err := w.start(mode); err != nil {
		return nil, err
	}
	return w, nil
}

// start does what Create promises. After an error the lock is free again.
func (w *Writer) start(mode OpenMode) (err error) {
	w.header.Format = format
	w.real = w.path
	if real, err := filepath.EvalSymlinks(w.path); err == nil {
		w.real = real
	}
	if w.real, err = filepath.Abs(w.real); err != nil { // against a later change of folder
		return pathFault(w.path, err, "")
	}
	if info, err := os.Stat(w.real); err == nil && !info.Mode().IsRegular() {
		return &fault{kind: ErrNotCassette, path: w.path, what: "not a regular file", next: "name a file to record to"}
	}
	if w.lock, err = takeLock(w.real, w.path); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			if w.file != nil {
				_ = w.file.Close()
				w.file = nil
			}
			_ = w.lock.release()
			w.old.close()
		}
	}()
	switch mode {
	case Append:
		err = w.startAppend()
	case Replace:
		err = w.startReplace()
	case Renew:
		w.old = openOld(w.real)
		err = w.startReplace()
	default:
		if _, err = os.Lstat(w.real); err == nil {
			return w.exists()
		}
		err = w.startNew(w.disk.renameNew)
	}
	if err != nil {
		return err
	}
	w.synced = w.size
	if w.policy == SyncInterval {
		w.stop = make(chan struct{})
		w.done.Go(w.syncing)
	}
	return nil
}

func (w *Writer) exists() error {
	return &fault{kind: os.ErrExist, path: w.path, what: "there is a file already",
		next: "--append records on after what it holds, --force replaces it"}
}

// startNew puts a file with nothing but a header in place.
func (w *Writer) startNew(put func(from, to string) error) error {
	header := appendHeader(nil, w.header)
	err := replace(w.disk, w.real, put, func(f file) error {
		_, err := f.WriteAt(header, 0)
		return err
	})
	if errors.Is(err, os.ErrExist) {
		return w.exists()
	}
	if err != nil {
		return pathFault(w.path, err, "")
	}
	w.size, w.headerEnd = int64(len(header)), int64(len(header))
	w.made = true
	return w.open()
}

// tempName is where a recording is until it takes its name.
func (w *Writer) tempName() string {
	return filepath.Join(filepath.Dir(w.real), "."+filepath.Base(w.real)+".umtape-new")
}

// startReplace leaves a file that is there as it is: the recording begins under
// a temporary name beside it.
func (w *Writer) startReplace() error {
	if _, err := os.Lstat(w.real); errors.Is(err, os.ErrNotExist) {
		return w.startNew(w.disk.renameNew)
	}
	real := w.real
	w.real = w.tempName()
	err := w.startNew(w.disk.rename)
	w.real, w.at = real, w.real
	if err != nil {
		_ = w.disk.remove(w.at)
		return err
	}
	w.unnamed.Store(true)
	w.made = false
	return nil
}

// takeName replaces the old file by the recording, which is whole. On an error
// the old file is still there. w.syncMu and w.mu are held.
func (w *Writer) takeName() error {
	if err := w.file.Sync(); err != nil {
		return err
	}
	if err := w.file.Close(); err != nil { // Windows renames no open file
		w.broken = pathFault(w.path, err, "")
		return err
	}
	err := w.disk.rename(w.at, w.real)
	if err == nil {
		// From here on the recording is in place; what fails now is known only
		// to have not reached the disk for good.
		w.at = w.real
		w.unnamed.Store(false)
		w.broken = syncFault(w.path, w.disk.syncDir(filepath.Dir(w.real)))
	}
	f, openErr := w.disk.open(w.at)
	if openErr != nil {
		w.broken = pathFault(w.path, openErr, "")
		return err
	}
	w.file = f
	return err
}

func (w *Writer) open() error {
	w.at = cmp.Or(w.at, w.real)
	f, err := w.disk.open(w.at)
	if err != nil {
		return pathFault(w.path, err, "")
	}
	w.file = f
	return nil
}

// startAppend takes over what is at path, or makes a new file.
func (w *Writer) startAppend() error {
	data, err := readFile(w.real)
	if errors.Is(err, os.ErrNotExist) {
		return w.startNew(w.disk.renameNew)
	}
	if err != nil {
		return w.named(err)
	}
	c, err := parse(w.path, data)
	if err != nil {
		return err
	}
	w.torn = c.Torn
	if c.Torn != nil {
		if err := cut(w.disk, w.real, data, c.Torn); err != nil {
			return pathFault(w.path, err, "")
		}
	}
	if !c.Foreign {
		w.header = c.Header.Umtape
	}
	if c.rewrite {
		if c.Foreign {
			for n, i := range c.Interactions {
				c.Interactions[n] = redactKept(i)
			}
		}
		w.at = w.tempName()
		w.unnamed.Store(true)
		if c.headerEnd, c.end, err = rewriteAll(w.disk, w.at, w.header, c.Interactions); err != nil {
			return pathFault(w.path, err, "")
		}
	}
	w.size, w.headerEnd = c.end, c.headerEnd
	for _, i := range c.Interactions {
		w.entries = append(w.entries, entry{order(i.Umtape.Arrived), i.span})
		w.nextID = max(w.nextID, i.ID+1)
	}
	if err := w.open(); err != nil {
		return err
	}
	// A killed recording may have left space reserved behind the end.
	if err := w.file.Truncate(w.size); err != nil {
		return pathFault(w.path, err, "")
	}
	return nil
}

// named puts the path the caller knows into an error of readFile.
func (w *Writer) named(err error) error {
	if f := (*fault)(nil); errors.As(err, &f) {
		f.path = w.path
	}
	return err
}

// Path returns the path as given to Create.
func (w *Writer) Path() string { return w.path }

// Header returns our part of the file's header: the one given to Create or, in
// mode Append, the one that was there and that what is appended should follow.
func (w *Writer) Header() HeaderMeta { return w.header }

// Torn returns what mode Append cut off, nil if there was nothing to cut. The
// bytes are at the end of PATH.torn.
func (w *Writer) Torn() *Torn { return w.torn }

// Count returns the number of interactions in the file, those it had before
// included.
func (w *Writer) Count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.entries)
}

var recordPool = sync.Pool{New: func() any { return new([]byte) }}

// maxPooled keeps a few long bodies from being held for ever.
const maxPooled = 1 << 20

// Append writes i to the end of the file and sets its ID, its Arrived to whole
// microseconds and its Checksum. When it returns nil, the interaction outlives
// the process, and with SyncAlways a power loss. When it returns an error, the
// file is as it was, or will be cut back to that by the next call; after an
// error of a write later calls can succeed, after one of a sync they cannot.
// An interaction that Load would refuse, such as one without a status, is not
// written and an error. i may be changed only when Append has returned.
func (w *Writer) Append(i *Interaction) error {
	if err := loadable(i); err != nil {
		return fmt.Errorf("%s: an interaction cannot be kept: %w", w.path, err)
	}
	i.Umtape.Arrived = microseconds(i.Umtape.Arrived)
	pooled := recordPool.Get().(*[]byte)
	defer func() {
		if cap(*pooled) <= maxPooled {
			recordPool.Put(pooled)
		}
	}()
	// Everything but the first and the last line is made outside of the lock.
	var room [idRoom]byte
	b := append((*pooled)[:0], room[:]...)
	b = appendRest(b, i)
	*pooled = b

	id, sum, end, err := w.writeRecord(b, i.Umtape.Arrived)
	if err != nil {
		return err
	}
	i.ID, i.Umtape.Checksum = id, sum
	if w.policy == SyncAlways {
		return w.syncTo(end)
	}
	return nil
}

// writeRecord completes a record, of which b has everything but the first and the
// last line after idRoom free bytes, and writes it.
func (w *Writer) writeRecord(b []byte, arrived time.Time) (id int, sum string, end int64, err error) {
	if w.unnamed.Load() {
		w.syncMu.Lock() // the file is about to be closed and opened again
		defer w.syncMu.Unlock()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.usable(); err != nil {
		return 0, "", 0, err
	}
	if err := w.look(); err != nil { // a record behind a shorter file would leave a hole
		return 0, "", 0, err
	}
	id = w.nextID
	var room [idRoom]byte
	first := appendInt(room[:0], recordStart, int64(id))
	b = b[idRoom-len(first):]
	copy(b, first)
	sum = checksum(b)
	b = appendChecksum(b, sum)
	end, err = w.write(b)
	if err == nil && w.unnamed.Load() {
		if err = w.takeName(); err != nil {
			w.size, w.dirty = w.size-int64(len(b)), true
		}
	}
	if err != nil {
		return 0, "", 0, fmt.Errorf("%s: interaction %d could not be written: %w", w.path, id, bare(err))
	}
	w.nextID++
	w.entries = append(w.entries, entry{order(arrived), span{end - int64(len(b)), int64(len(b))}})
	return id, sum, end, nil
}

// usable returns why nothing can be appended, as far as is known. w.mu is held.
func (w *Writer) usable() error {
	switch {
	case w.file == nil:
		return fmt.Errorf("%s: %w", w.path, os.ErrClosed)
	case w.broken != nil:
		return w.broken
	case w.dirty:
		return w.clean()
	}
	return nil
}

// look finds out whether another program has cut the file short. w.mu is held.
func (w *Writer) look() error {
	if size, err := w.file.length(); err == nil && size < w.size {
		w.broken = fmt.Errorf("%s: cut short by another program while it was being recorded, from %d bytes to %d; record it again", w.path, w.size, size)
	}
	return w.broken
}

// clean cuts off what a failed write may have left. w.mu is held.
func (w *Writer) clean() error {
	if err := w.file.Truncate(w.size); err != nil {
		return fmt.Errorf("%s: part of an interaction could not be cut off: %w", w.path, bare(err))
	}
	w.dirty, w.reserved = false, 0
	return nil
}

// write writes one whole record at the end of the file, which it returns, or
// leaves the file as it was. w.mu is held.
func (w *Writer) write(b []byte) (end int64, err error) {
	n, err := w.file.WriteAt(b, w.size)
	if err == nil && n < len(b) {
		err = errors.New("short write")
	}
	w.failed = err != nil
	if err != nil {
		w.dirty = true
		_ = w.clean() // if not now, then before the next write
		return w.size, err
	}
	w.size += int64(n)
	return w.size, nil
}

// bare strips from an error of package os the path, which is in the message
// already.
func bare(err error) error {
	if inner := (*os.PathError)(nil); errors.As(err, &inner) {
		return inner.Err
	}
	return err
}

const unknownArrival = -1 << 63

// order returns t as entry keeps it.
func order(t time.Time) int64 {
	if t.IsZero() {
		return unknownArrival
	}
	return t.UnixMicro()
}
