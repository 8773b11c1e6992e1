package cassettes

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// faultyDisk is the real file system, which fails on demand.
type faultyDisk struct {
	osDisk
	write    func(n int) (keep int, err error) // of WriteAt; nil is no fault
	reserveE func() error
	syncE    error // of a file
	truncE   error
	renameE  error
	syncDirE error
	syncs    atomic.Int32
	synced   chan struct{} // gets one for each sync, if not nil
}

type faultyFile struct {
	file
	d *faultyDisk
}

func (d *faultyDisk) open(path string) (file, error) {
	f, err := d.osDisk.open(path)
	return faultyFile{f, d}, err
}

func (d *faultyDisk) create(path string) (file, error) {
	f, err := d.osDisk.create(path)
	return faultyFile{f, d}, err
}

func (d *faultyDisk) rename(from, to string) error {
	if d.renameE != nil {
		return d.renameE
	}
	return d.osDisk.rename(from, to)
}

func (d *faultyDisk) syncDir(dir string) error {
	if d.syncDirE != nil {
		return d.syncDirE
	}
	return d.osDisk.syncDir(dir)
}

func (f faultyFile) WriteAt(b []byte, off int64) (int, error) {
	if f.d.write == nil {
		return f.file.WriteAt(b, off)
	}
	keep, err := f.d.write(len(b))
	n, _ := f.file.WriteAt(b[:keep], off)
	return n, err
}

func (f faultyFile) Truncate(n int64) error {
	if f.d.truncE != nil {
		return f.d.truncE
	}
	return f.file.Truncate(n)
}

func (f faultyFile) Sync() error {
	f.d.syncs.Add(1)
	if f.d.synced != nil {
		f.d.synced <- struct{}{}
	}
	if f.d.syncE != nil {
		return f.d.syncE
	}
	return f.file.Sync()
}

func (f faultyFile) reserve(off, size int64) error {
	if f.d.reserveE != nil {
		return f.d.reserveE()
	}
	return f.file.reserve(off, size)
}

var errNoSpace = &os.PathError{Op: "write", Path: "secret path", Err: syscall.ENOSPC}

// A write that fails, however far it got, leaves the file whole, and the next
// one succeeds.
func TestFailedWriteLeavesTheFileWhole(t *testing.T) {
	path := tape(t)
	d := &faultyDisk{}
	w := createOn(t, d, path, Refuse)
	add(t, w, sample(t, 0))
	whole := readAll(t, path)
	for _, keep := range []int{0, 1, 100, 1000} {
		for _, fault := range []error{errNoSpace, nil} { // nil: a short write without a reason
			d.write = func(n int) (int, error) { return keep, fault }
			i := sample(t, 1)
			err := w.Append(i)
			if err == nil || fault != nil && !errors.Is(err, syscall.ENOSPC) || i.Umtape.Checksum != "" ||
				!strings.HasPrefix(err.Error(), path+": interaction 1 could not be written: ") || strings.Contains(err.Error(), "secret") {
				t.Fatalf("got %v", err)
			}
			if readAll(t, path) != whole || w.Count() != 1 {
				t.Fatal("part of it is in the file")
			}
		}
	}
	d.write = nil
	i := sample(t, 1)
	add(t, w, i)
	closed(t, w)
	if c := load(t, path); len(c.Interactions) != 2 || c.Interactions[1].ID != 1 {
		t.Errorf("%d interactions", len(c.Interactions))
	}
}

// When not even the part can be cut off, nothing is written after it until it
// can.
func TestFailedTruncate(t *testing.T) {
	path := tape(t)
	d := &faultyDisk{}
	w := createOn(t, d, path, Refuse)
	add(t, w, sample(t, 0))
	d.write = func(int) (int, error) { return 50, errNoSpace }
	d.truncE = syscall.EIO
	if err := w.Append(sample(t, 1)); err == nil {
		t.Fatal("no error")
	}
	d.write = nil
	for _, err := range []error{w.Append(sample(t, 1)), w.Ready(10)} {
		if !errors.Is(err, syscall.EIO) {
			t.Errorf("got %v", err)
		}
	}
	if c := load(t, path); len(c.Interactions) != 1 || c.Torn == nil {
		t.Errorf("%d interactions, torn %+v", len(c.Interactions), c.Torn)
	}
	d.truncE = nil
	if err := w.Ready(10); err != nil {
		t.Error(err)
	}
	add(t, w, sample(t, 1))
	closed(t, w)
	if c := load(t, path); len(c.Interactions) != 2 || c.Torn != nil {
		t.Errorf("%d interactions, torn %+v", len(c.Interactions), c.Torn)
	}
}

// After a failed sync nothing is promised any more.
func TestFailedSyncStays(t *testing.T) {
	d := &faultyDisk{}
	w := createOn(t, d, tape(t), Refuse, SyncAlways)
	add(t, w, sample(t, 0))
	d.syncE = syscall.EIO
	first := w.Append(sample(t, 1))
	d.syncE = nil
	for _, err := range []error{first, w.Append(sample(t, 2)), w.Ready(1), w.Sync(), w.Close()} {
		if !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), "may not be on the disk") {
			t.Errorf("got %v", err)
		}
	}
	if err := w.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if _, err := os.Stat(w.real + ".lock"); err == nil {
		t.Error("still locked")
	}
}

// A rewrite at the end that fails at any step leaves what was appended.
func TestFailedReorderKeepsTheFile(t *testing.T) {
	for name, fail := range map[string]func(*faultyDisk){
		"rename": func(d *faultyDisk) { d.renameE = &os.LinkError{Op: "rename", Err: syscall.EACCES} },
		"write":  func(d *faultyDisk) { d.write = func(int) (int, error) { return 7, errNoSpace } },
		"sync":   func(d *faultyDisk) { d.syncE = syscall.EIO },
	} {
		path := tape(t)
		d := &faultyDisk{}
		w := createOn(t, d, path, Refuse, SyncNever)
		add(t, w, sample(t, 1), sample(t, 0))
		before := readAll(t, path)
		fail(d)
		if err := w.Close(); err == nil || !strings.Contains(err.Error(), "whole, but not in order of arrival") || !strings.HasSuffix(err.Error(), "; `umtape sort "+path+"` puts it in order") {
			t.Errorf("%s: %v", name, err)
		}
		if readAll(t, path) != before {
			t.Errorf("%s: the file was changed", name)
		}
		if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
			t.Errorf("%s: left behind: %v", name, left)
		}
	}
}

// A start that fails keeps the old cassette, and the lock is free.
func TestFailedStartKeepsTheOldFile(t *testing.T) {
	path := tape(t)
	write(t, path, sample(t, 0))
	before := readAll(t, path)
	for name, d := range map[string]*faultyDisk{
		"rename": {renameE: syscall.EACCES},
		"write":  {write: func(int) (int, error) { return 3, errNoSpace }},
		"sync":   {syncE: syscall.EIO},
	} {
		w := &Writer{path: path, header: testHeader, disk: d}
		if err := w.start(Replace); err == nil || !strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("%s: %v", name, err)
		}
		if readAll(t, path) != before {
			t.Errorf("%s: the old file was changed", name)
		}
		if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
			t.Errorf("%s: left behind: %v", name, left)
		}
	}
	// Taking over a foreign cassette is such a start too.
	put(t, path, foreign)
	w := &Writer{path: path, header: testHeader, disk: &faultyDisk{renameE: syscall.EACCES}}
	if err := w.start(Append); err == nil || readAll(t, path) != foreign {
		t.Errorf("foreign: %v", err)
	}
}

// Where space cannot be reserved, Ready goes by the last write and tries again.
func TestReadyWithoutReserving(t *testing.T) {
	path := tape(t)
	d := &faultyDisk{reserveE: func() error { return errNoReserve }}
	w := createOn(t, d, path, Refuse)
	add(t, w, sample(t, 0))
	if err := w.Ready(1 << 40); err != nil {
		t.Errorf("nothing has failed: %v", err)
	}
	d.write = func(int) (int, error) { return 10, errNoSpace }
	if err := w.Append(sample(t, 1)); err == nil {
		t.Fatal("no error")
	}
	whole := readAll(t, path)
	for range 2 {
		if err := w.Ready(1000); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "no room for another interaction") {
			t.Errorf("got %v", err)
		}
	}
	d.write = nil
	if err := w.Ready(1000); err != nil || readAll(t, path) != whole {
		t.Errorf("there is space again: %v", err)
	}
	add(t, w, sample(t, 1))
	closed(t, w)
	if c := load(t, path); len(c.Interactions) != 2 {
		t.Errorf("%d interactions", len(c.Interactions))
	}
}

// Where it can, it is done in steps, and not again while there is enough.
func TestReadyReservesInSteps(t *testing.T) {
	calls := 0
	d := &faultyDisk{reserveE: func() error { calls++; return nil }}
	w := createOn(t, d, tape(t), Refuse)
	for n := range 300 {
		if err := w.Ready(2000); err != nil {
			t.Fatal(err)
		}
		add(t, w, sample(t, n))
	}
	if calls < 1 || calls > 3 {
		t.Errorf("%d calls for 300 interactions", calls)
	}
	d.reserveE = func() error { return syscall.EDQUOT }
	if err := w.Ready(reserveStep); !errors.Is(err, syscall.EDQUOT) {
		t.Errorf("got %v", err)
	}
}
