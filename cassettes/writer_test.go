package cassettes

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestRefuseLeavesTheFile(t *testing.T) {
	path := tape(t)
	for _, text := range []string{"", "anything"} {
		put(t, path, text)
		_, err := Create(path, testHeader, Refuse)
		if !errors.Is(err, os.ErrExist) || !strings.Contains(err.Error(), "--append") || !strings.Contains(err.Error(), "--force") {
			t.Errorf("got %v", err)
		}
		if readAll(t, path) != text {
			t.Error("the file was changed")
		}
	}
	left, _ := os.ReadDir(filepath.Dir(path))
	if len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestEmptyRecordingIsACassette(t *testing.T) {
	path := tape(t)
	for _, mode := range []OpenMode{Refuse, Append, Replace, Append} {
		w := create(t, path, mode)
		if len(stock(t, path).Interactions) != 0 || len(load(t, path).Interactions) != 0 {
			t.Error("not empty")
		}
		info, err := os.Stat(path)
		if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
		closed(t, w)
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("a cassette of nothing is left: %v", err)
		}
	}
}

// Append keeps the header that is there, and tells.
func TestAppendKeepsTheHeader(t *testing.T) {
	path := tape(t)
	write(t, path, sample(t, 0))
	w, err := Create(path, HeaderMeta{RecordedBy: "umtape 9"}, Append)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if got := w.Header(); got.RecordedBy != testHeader.RecordedBy || len(got.Redact) != 2 || w.Path() != path {
		t.Errorf("header %+v", got)
	}
}

// Two recordings of the same traffic differ only where the traffic did.
func TestCloseOrdersByArrival(t *testing.T) {
	path, sorted := tape(t), tape(t)
	order := []int{3, 0, 2, 1, 2}
	w := create(t, path, Refuse)
	for n, k := range order {
		i := sample(t, k)
		if n == 4 {
			i.Umtape.Note = "later"
		}
		add(t, w, i)
	}
	if w.Count() != 5 {
		t.Errorf("Count is %d", w.Count())
	}
	before := readAll(t, path)
	if load(t, path).Interactions[0].Umtape.Arrived.Second() != 3 {
		t.Error("not in order of the calls while it is being recorded")
	}
	closed(t, w)
	twin := sample(t, 2)
	twin.Umtape.Note = "later"
	write(t, sorted, sample(t, 0), sample(t, 1), sample(t, 2), twin, sample(t, 3))
	if got := readAll(t, path); got != readAll(t, sorted) || got == before {
		t.Errorf("got\n%s", got)
	}
	for n, i := range load(t, path).Interactions {
		if i.ID != n || i.Edited {
			t.Errorf("interaction %d has ID %d, edited %v", n, i.ID, i.Edited)
		}
	}
	if err := w.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	for _, err := range []error{w.Append(sample(t, 0)), w.Ready(1), w.Sync()} {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
	left, _ := filepath.Glob(filepath.Dir(path) + "/*")
	hidden, _ := filepath.Glob(filepath.Dir(path) + "/.*")
	if len(left)+len(hidden) != 1 {
		t.Errorf("left behind: %v %v", left, hidden)
	}
}

func TestConcurrentAppend(t *testing.T) {
	for _, policy := range []SyncPolicy{SyncInterval, SyncAlways, SyncNever} {
		path := tape(t)
		w := create(t, path, Refuse, policy)
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				for n := range 25 {
					if err := w.Ready(2000); err != nil {
						t.Error(err)
					}
					if err := w.Append(sample(t, n*8+g)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Go(func() { // a reader sees whole interactions at all times
			for range 20 {
				if c, err := Load(path); err != nil {
					t.Error(err)
				} else {
					for n, i := range c.Interactions {
						if i.ID != n || i.Edited {
							t.Errorf("interaction %d is %d", n, i.ID)
						}
					}
				}
			}
		})
		wg.Wait()
		closed(t, w)
		c := load(t, path)
		if len(c.Interactions) != 200 {
			t.Fatalf("%d interactions", len(c.Interactions))
		}
		for n, i := range c.Interactions {
			equal(t, i, sample(t, n))
		}
	}
}

// Close and Append at the same moment: every Append that returned nil is in
// the file.
func TestCloseDuringAppend(t *testing.T) {
	path := tape(t)
	w := create(t, path, Refuse, SyncAlways)
	var wg sync.WaitGroup
	var mu sync.Mutex
	kept := 0
	for g := range 4 {
		wg.Go(func() {
			for n := range 1000 {
				err := w.Append(sample(t, n*4+g))
				if errors.Is(err, os.ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				kept++
				mu.Unlock()
			}
		})
	}
	for w.Count() < 20 {
		runtime.Gosched()
	}
	wg.Go(func() { _ = w.Close() })
	closed(t, w)
	wg.Wait()
	if c := load(t, path); len(c.Interactions) != kept {
		t.Errorf("%d interactions, %d kept", len(c.Interactions), kept)
	}
}

// A file that goes away under the recording is told, not passed over.
func TestMovedWhileRecording(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file stays")
	}
	path := tape(t)
	w := create(t, path, Refuse)
	add(t, w, sample(t, 0))
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	add(t, w, sample(t, 1))
	if err := w.Close(); !errors.Is(err, errMoved) || !strings.HasPrefix(err.Error(), path+": moved") {
		t.Errorf("got %v", err)
	}
	if c := load(t, path+".old"); len(c.Interactions) != 2 {
		t.Errorf("%d interactions", len(c.Interactions))
	}
}

// A cassette that is deleted, or replaced by another file, while it is recorded is lost to
// nobody.
func TestDeletedWhileRecording(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file stays")
	}
	for _, replaced := range []bool{false, true} {
		path := tape(t)
		w := create(t, path, Refuse)
		add(t, w, sample(t, 1))
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		in := path
		if replaced {
			put(t, path, "another file")
			in = path + ".recorded"
		}
		add(t, w, sample(t, 0))
		err := w.Close()
		if want := path + ": deleted or replaced while it was being recorded; all that was recorded is in " + in; err == nil || err.Error() != want {
			t.Errorf("replaced %v: %v; want %s", replaced, err, want)
		}
		if c := load(t, in); len(c.Interactions) != 2 || c.Torn != nil {
			t.Errorf("replaced %v: %d interactions, %v", replaced, len(c.Interactions), c.Torn)
		}
		if replaced && readAll(t, path) != "another file" {
			t.Error("the other file is gone")
		}
		files, err := os.ReadDir(filepath.Dir(path))
		if want := map[bool]int{false: 1, true: 2}[replaced]; err != nil || len(files) != want {
			t.Errorf("replaced %v: left %v, %v", replaced, files, err)
		}
	}
	// Where nothing can be written it is told of.
	path := tape(t)
	d := &faultyDisk{}
	w := createOn(t, d, path, Refuse, SyncNever)
	add(t, w, sample(t, 0))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	d.write = func(int) (int, error) { return 3, errNoSpace }
	if err := w.Close(); !errors.Is(err, errMoved) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v", err)
	}
}

// Through a symbolic link the file itself is recorded to, and locked.
func TestSymbolicLink(t *testing.T) {
	path := tape(t)
	link := filepath.Join(t.TempDir(), "link.yaml")
	write(t, path, sample(t, 1))
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	w := create(t, link, Append)
	if _, err := Create(path, testHeader, Append); !errors.Is(err, ErrLocked) {
		t.Errorf("by its own name: %v", err)
	}
	add(t, w, sample(t, 0))
	closed(t, w)
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link was replaced")
	}
	if c := load(t, path); len(c.Interactions) != 2 || c.Interactions[0].Umtape.Arrived != start {
		t.Errorf("%d interactions", len(c.Interactions))
	}
}

// A foreign interaction has no time of arrival: those come first, as they were.
func TestForeignStayFirst(t *testing.T) {
	path := tape(t)
	put(t, path, foreign+strings.Replace(strings.TrimPrefix(foreign, "version: 2\ninteractions:\n"), "<a/>", "<second/>", 1))
	w := create(t, path, Append)
	add(t, w, sample(t, 1), sample(t, 0))
	closed(t, w)
	c := load(t, path)
	var bodies []string
	for _, i := range c.Interactions[:2] {
		bodies = append(bodies, i.Request.Body)
	}
	if strings.Join(bodies, " ") != "<a/> <second/>" || c.Interactions[2].Umtape.Arrived != start || len(c.Interactions) != 4 {
		t.Errorf("got %v", bodies)
	}
}

// The interval goroutine does its work and ends.
func TestSyncPolicies(t *testing.T) {
	for _, tt := range []struct {
		policy     SyncPolicy
		afterOne   bool // a sync for every Append
		afterClose bool
	}{{SyncAlways, true, true}, {SyncInterval, false, true}, {SyncNever, false, false}} {
		d := &faultyDisk{}
		w := createOn(t, d, tape(t), Refuse, tt.policy)
		before := d.syncs.Load()
		add(t, w, sample(t, 0))
		if got := d.syncs.Load() > before; got != tt.afterOne && tt.policy != SyncInterval {
			t.Errorf("policy %d: synced after Append: %v", tt.policy, got)
		}
		closed(t, w)
		if got := d.syncs.Load() > before; got != tt.afterClose {
			t.Errorf("policy %d: synced after Close: %v", tt.policy, got)
		}
	}
}

// TestAppendsShareSyncs: while one fsync is under way, all that is appended waits
// for one more, which serves them all.
func TestAppendsShareSyncs(t *testing.T) {
	const n = 16
	d := &faultyDisk{}
	path := tape(t)
	w := createOn(t, d, path, Refuse, SyncAlways)
	before := d.syncs.Load()
	d.synced = make(chan struct{}) // every fsync waits until the test takes note
	done := make(chan error, n)
	go func() { done <- w.Append(sample(t, 0)) }()
	for d.syncs.Load() == before { // until the first one's fsync is under way
		runtime.Gosched()
	}
	for k := 1; k < n; k++ {
		go func() { done <- w.Append(sample(t, k)) }()
	}
	for w.Count() < n { // all are written, and wait
		runtime.Gosched()
	}
	if len(done) > 0 {
		t.Error("an Append returned before its fsync")
	}
	go func() {
		for range d.synced { // let go of each that comes
		}
	}()
	for range n {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if got := d.syncs.Load() - before; got != 2 {
		t.Errorf("%d fsyncs for %d interactions appended at once, want 2", got, n)
	}
	closed(t, w)
	close(d.synced)
}

func TestIntervalSyncs(t *testing.T) {
	d := &faultyDisk{synced: make(chan struct{}, 10)}
	w := createOn(t, d, tape(t), Refuse, SyncInterval)
	for len(d.synced) > 0 {
		<-d.synced
	}
	add(t, w, sample(t, 0))
	select {
	case <-d.synced:
	case <-time.After(10 * time.Second):
		t.Error("no sync came")
	}
}

// What cannot be loaded is not written.
func TestAppendRefusesWhatLoadWould(t *testing.T) {
	path := tape(t)
	w := create(t, path, Refuse)
	for name, spoil := range map[string]func(*Interaction){
		"status":    func(i *Interaction) { i.Response.Code = 0 },
		"truncated": func(i *Interaction) { i.Umtape.Truncated = "half" },
		"length":    func(i *Interaction) { i.Request.ContentLength = -2 },
		"proto":     func(i *Interaction) { i.Response.ProtoMajor = -1 },
	} {
		i := tiny(0)
		spoil(i)
		if err := w.Append(i); err == nil || !strings.HasPrefix(err.Error(), path+": an interaction cannot be kept: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	odd := tiny(0)
	odd.Response.Code, odd.Request.ContentLength, odd.Response.Duration = 42, -1, -time.Second
	odd.Umtape.Arrived = time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC) // not kept: it has no spelling
	add(t, w, odd)
	closed(t, w)
	c := load(t, path)
	if len(c.Interactions) != 1 || c.Interactions[0].Response.Code != 42 || !c.Interactions[0].Umtape.Arrived.IsZero() {
		t.Errorf("got %+v", c.Interactions)
	}
}

// A recording that replaces another one does so with its first interaction, and
// one that captures nothing does not.
func TestReplaceWaitsForTheFirstInteraction(t *testing.T) {
	path := tape(t)
	write(t, path, sample(t, 0), sample(t, 1))
	old := readAll(t, path)

	w := create(t, path, Replace)
	if readAll(t, path) != old {
		t.Error("the old cassette was changed at the start")
	}
	closed(t, w)
	if readAll(t, path) != old {
		t.Error("the old cassette was changed by a recording that captured nothing")
	}

	w = create(t, path, Replace, SyncAlways)
	add(t, w, sample(t, 7))
	if c := load(t, path); len(c.Interactions) != 1 {
		t.Errorf("%d interactions after the first", len(c.Interactions))
	}
	add(t, w, sample(t, 6))
	closed(t, w)
	c := load(t, path)
	if len(c.Interactions) != 2 || c.Interactions[0].Umtape.Arrived.After(c.Interactions[1].Umtape.Arrived) {
		t.Errorf("%d interactions at the end", len(c.Interactions))
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// When the old cassette cannot be replaced, Append says so, and works once it
// can.
func TestReplaceFails(t *testing.T) {
	path := tape(t)
	write(t, path, sample(t, 0))
	old := readAll(t, path)
	d := &faultyDisk{}
	w := createOn(t, d, path, Replace)
	d.renameE = syscall.EACCES
	if err := w.Append(sample(t, 1)); !errors.Is(err, syscall.EACCES) || readAll(t, path) != old {
		t.Errorf("Append = %v", err)
	}
	d.renameE = nil
	add(t, w, sample(t, 2))
	closed(t, w)
	if c := load(t, path); len(c.Interactions) != 1 || c.Interactions[0].ID != 0 {
		t.Errorf("%d interactions", len(c.Interactions))
	}
}

func TestReplaceConcurrently(t *testing.T) {
	path := tape(t)
	write(t, path, sample(t, 0))
	w := create(t, path, Replace, SyncAlways)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			if err := w.Append(sample(t, n)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	closed(t, w)
	if c := load(t, path); len(c.Interactions) != 8 {
		t.Errorf("%d interactions", len(c.Interactions))
	}
}

// The old cassette is gone once it is replaced, so what replaced it stays, even
// when the disk does not say that it will last.
func TestReplaceIsNotUndone(t *testing.T) {
	path := tape(t)
	write(t, path, sample(t, 0))
	d := &faultyDisk{}
	w := createOn(t, d, path, Replace)
	d.syncDirE = syscall.EIO
	if err := w.Append(sample(t, 1)); err != nil {
		t.Errorf("Append = %v", err)
	}
	if err := w.Append(sample(t, 2)); !errors.Is(err, syscall.EIO) {
		t.Errorf("the next Append = %v", err)
	}
	if err := w.Close(); !errors.Is(err, syscall.EIO) {
		t.Errorf("Close = %v", err)
	}
	if c := load(t, path); len(c.Interactions) != 1 {
		t.Errorf("%d interactions", len(c.Interactions))
	}
}
