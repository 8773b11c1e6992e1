package cassettes

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Reel is a cassette opened for replay: of each interaction a mark is in
// memory, and a file of ours is read again for what it answers. A cassette that
// others wrote is held whole.
type Reel struct {
	path    string
	prefix  string // FILE#
	header  Header
	foreign bool
	torn    *Torn
	marks   []mark
	loose   []loose // like marks; nil if no text may be any
	rules   Redaction
	masks   []masked // like marks; nil if the cassette has no rules beside credentials

	held []*Interaction // of a cassette in memory, else nil
	from io.ReaderAt    // of one that is read again
	file *os.File       // the same, nil if the bytes are in memory
	size int64          // of those bytes

	prepared []atomic.Pointer[sharedAnswer] // answers of what is in memory, once made

	kept    string // the file that the marks came from; "" if they did not
	aged    Aged   // see OpenOptions.Before
	notKept error  // why the marks could not be kept; nothing depends on it
}

// Path returns the path as given to Open.
func (r *Reel) Path() string { return r.path }

// Name returns the FILE of the FILE#ID by which its interactions are known.
func (r *Reel) Name() string { return strings.TrimSuffix(r.prefix, "#") }

// Len returns the number of interactions.
func (r *Reel) Len() int { return len(r.marks) }

// Torn returns what at the end of the file was not written to its end, nil if it
// is whole.
func (r *Reel) Torn() *Torn { return r.torn }

// HeldBytes returns how many bytes of the file are in memory, see
// OpenOptions.HoldBytes.
func (r *Reel) HeldBytes() int64 { return r.size }

// Aged tells how many interactions are older than they may be, see
// OpenOptions.Before.
func (r *Reel) Aged() Aged { return r.aged }

// NotCached returns why nothing could be put in OpenOptions.CacheDir, nil if
// there was nothing to put there or it is there.
func (r *Reel) NotCached() error { return r.notKept }

// HasAny reports whether a request has one of the places whose text may be any, see
// Matching.Any.
func (r *Reel) HasAny() bool {
	return slices.ContainsFunc(r.loose, func(l loose) bool { return l.value != 0 })
}

// Close closes the file. Nothing may be asked of the Reel after that.
func (r *Reel) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// errChanged: the file is not what it was when it was opened.
var errChanged = errors.New("the file was changed by another program while it was being replayed")

// interaction reads the n-th one. Nobody else has it, unless it is held.
func (r *Reel) interaction(n int) (*Interaction, error) {
	return r.read(n, (*fastReader).read)
}

// answer is interaction for whoever needs no more than the answer: of the
// request there may be nothing.
func (r *Reel) answer(n int) (*sharedAnswer, error) {
	if r.prepared == nil {
		i, err := r.read(n, (*fastReader).readAnswer)
		return &sharedAnswer{interaction: i}, err
	}
	if a := r.prepared[n].Load(); a != nil {
		return a, nil
	}
	i, err := r.read(n, (*fastReader).readAnswer)
	if err != nil {
		return nil, err
	}
	a := share(i, r.name(n))
	r.prepared[n].Store(a)
	return a, nil
}

func (r *Reel) read(n int, fast func(*fastReader, []byte) (*Interaction, bool)) (*Interaction, error) {
	if r.held != nil {
		return r.held[n], nil
	}
	m := &r.marks[n]
	pooled := recordPool.Get().(*[]byte)
	defer func() {
		if cap(*pooled) <= maxPooled {
			recordPool.Put(pooled)
		}
	}()
	if cap(*pooled) < int(m.size) {
		*pooled = make([]byte, m.size)
	}
	b := (*pooled)[:m.size]
	if _, err := r.from.ReadAt(b, m.off); err != nil || crc32.Checksum(b, castagnoli) != m.sum {
		if r.kept != "" {
			_ = os.Remove(r.kept) // or the next Open would believe it again
		}
		return nil, &fault{kind: errChanged, path: r.path, what: errChanged.Error(), next: "it has to be opened again"}
	}
	if i, ok := fast(new(fastReader), b); ok {
		return i, nil
	}
	whole := oneRecord(b, 0, len(b))
	i, err := parseRecord(r.path, b, whole, n)
	if err != nil {
		return nil, err // cannot be: it was read once, and is what it was
	}
	i.Edited = !whole.intact
	return i, nil
}

// name is how the n-th interaction is known: FILE#ID.
func (r *Reel) name(n int) string {
	if r.held != nil {
		return r.prefix + strconv.Itoa(r.held[n].ID)
	}
	if r.marks[n].flags&markRenamed != 0 {
		var b [idRoom]byte
		if got, _ := r.from.ReadAt(b[:], r.marks[n].off); got > len(recordStart) {
			if id := idText(b[:got]); allDigits([]byte(id)) {
				return r.prefix + id
			}
		}
	}
	return r.prefix + strconv.Itoa(n)
}

// markOf reads the n-th interaction for matching.
func (r *Reel) markOf(i *Interaction, n int, match Matching) mark {
	a := match.askedOf(i)
	m := markOf(i, n, a)
	if r.masks != nil {
		r.masks[n], _ = match.maskOf(r.rules, i)
	}
	if r.loose != nil {
		r.loose[n], _ = looseOf(&a, match) // the last use of a, which it changes
	}
	return m
}

// hold makes a reel of a cassette in memory.
func hold(c *Cassette, match Matching) *Reel {
	r := &Reel{path: c.Path, prefix: interactionPrefix(c.Path), header: c.Header, foreign: c.Foreign, torn: c.Torn,
		held: c.Interactions, marks: make([]mark, len(c.Interactions))}
	if len(match.Any) > 0 {
		r.loose = make([]loose, len(r.marks))
	}
	if r.rules = RedactionOf(c.Header.Umtape); !r.rules.None() {
		r.masks = make([]masked, len(r.marks))
	}
	if r.held == nil {
		r.held = []*Interaction{}
	}
	r.prepared = make([]atomic.Pointer[sharedAnswer], len(r.held))
	inParallel(len(r.held), func() func(int) {
		return func(n int) {
			r.marks[n] = r.markOf(r.held[n], n, match)
			r.marks[n].off = int64(n)
			r.marks[n].sum = crc32.ChecksumIEEE([]byte(r.held[n].Fingerprint())) // tells it from what it is changed into
		}
	})
	return r
}

// OpenOptions say how a cassette is opened. The zero value works.
type OpenOptions struct {
	// Name is the FILE of the FILE#ID by which its interactions are known, one of
	// Names; the base name of its path if it is "".
	Name string

	// Match says which requests will be the same.
	Match Matching

	// Before, if not zero, is when what is not too old was recorded at the earliest;
	// see Reel.Aged.
	Before time.Time

	// HoldBytes is how long a file may be to be held in memory as it is, in bytes,
	// so that it can be changed without harm, and is read faster. A longer one has
	// to be left as it is until Close.
	HoldBytes int64

	// CacheDir is a folder of the user's for what was found out about long
	// cassettes, so that they open at once the next time; it is made if there is
	// none. What is in it can be deleted at any time. "" keeps nothing.
	CacheDir string

	// OnProgress, if not nil, is told how many of the file's bytes have been
	// read, some times a second.
	OnProgress func(read, size int64)
}

// Open opens the cassette at path for replay. It reads the file through once, in
// pieces, and holds less than 64 bytes of each interaction, more if text may
// be any or is pseudonyms. Errors are those of
// Load.
func Open(path string, options OpenOptions) (*Reel, error) {
	prefix := interactionPrefix(path)
	if options.Name != "" {
		prefix = options.Name + "#"
	}
	r, err := openOurs(path, prefix, options)
	if err == nil {
		return r, nil
	}
	if !errors.Is(err, errNotPlain) {
		return nil, err
	}
	// Written by others or changed by an editor, or it cannot be read: Load
	// knows.
	c, err := Load(path)
	if err != nil {
		return nil, err
	}
	r = hold(c, options.Match)
	r.prefix = prefix
	if !options.Before.IsZero() {
		r.aged = c.RecordedBefore(options.Before)
	}
	return r, nil
}

// inParallel calls do for every number below n, from as many goroutines as there
// are processors. Each has its own, from worker.
func inParallel(n int, worker func() (do func(int))) {
	w := make([]func(int), workers())
	for k := range w {
		w[k] = worker()
	}
	eachInParallel(n, w)
}

// eachInParallel is inParallel for workers that are there already.
func eachInParallel(n int, do []func(int)) {
	if len(do) == 1 || n < 2*len(do) {
		for i := range n {
			do[0](i)
		}
		return
	}
	var all sync.WaitGroup
	for k := range do {
		all.Go(func() {
			for i := n * k / len(do); i < n*(k+1)/len(do); i++ {
				do[k](i)
			}
		})
	}
	all.Wait()
}

// errNotPlain: a file is not one that can be opened piece by piece.
var errNotPlain = fmt.Errorf("not a plain cassette of ours")
