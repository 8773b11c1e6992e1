package cassettes

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// smallDisk mounts a file system of the given size in bytes.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("no small disk can be mounted here (%v): a full disk was only simulated", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill leaves about free bytes on the disk of dir, and returns what to remove
// to have it back.
func fill(t *testing.T, dir string, free int) string {
	t.Helper()
	path := filepath.Join(dir, "ballast")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size := int64(0)
	for block := make([]byte, 4096); err == nil; {
		var n int
		n, err = f.Write(block)
		size += int64(n)
	}
	if err := f.Truncate(max(size-int64(free), 0)); err != nil {
		t.Fatal(err)
	}
	return path
}

// On a disk that is really full, Ready says so before anything is sent, what is
// recorded stays whole, and recording goes on when there is space again.
func TestFullDisk(t *testing.T) {
	for _, reserving := range []bool{true, false} {
		dir := smallDisk(t, "4m")
		path := filepath.Join(dir, "calls.yaml")
		w := create(t, path, Refuse, SyncAlways)
		w.noRoom = !reserving
		ballast := fill(t, dir, 64<<10)
		var n int
		var err error
		for n = 0; n < 1000; n++ {
			if err = w.Ready(2500); err != nil {
				break
			}
			if err = w.Append(sample(t, n)); err != nil {
				break
			}
		}
		if !errors.Is(err, syscall.ENOSPC) || n < 16 || n > 64 {
			t.Fatalf("reserving %v: after %d: %v", reserving, n, err)
		}
		if told := strings.Contains(err.Error(), "no room for another interaction"); told != reserving {
			t.Errorf("reserving %v: %v", reserving, err)
		}
		if err := w.Ready(2500); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("reserving %v: Ready on a full disk: %v", reserving, err)
		}
		if c := load(t, path); len(c.Interactions) != n || c.Torn != nil || len(stock(t, path).Interactions) != n {
			t.Errorf("reserving %v: %d interactions, torn %+v", reserving, len(c.Interactions), c.Torn)
		}
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		if err := w.Ready(2500); err != nil {
			t.Errorf("reserving %v: there is space again: %v", reserving, err)
		}
		add(t, w, sample(t, n))
		closed(t, w)
		if c := load(t, path); len(c.Interactions) != n+1 {
			t.Errorf("reserving %v: %d interactions at the end", reserving, len(c.Interactions))
		}
	}
}

// A disk full at the end of the recording leaves what was appended.
func TestFullDiskAtClose(t *testing.T) {
	dir := smallDisk(t, "4m")
	path := filepath.Join(dir, "calls.yaml")
	w := create(t, path, Refuse)
	for n := range 100 {
		add(t, w, sample(t, 100-n))
	}
	fill(t, dir, 4096)
	if err := w.Close(); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "whole, but not in order") {
		t.Errorf("got %v", err)
	}
	if c := load(t, path); len(c.Interactions) != 100 {
		t.Errorf("%d interactions", len(c.Interactions))
	}
	// And a new one cannot replace it.
	if _, err := Create(path, HeaderMeta{Kept: strings.Repeat("x", 1<<20)}, Replace); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v", err)
	}
	if c := load(t, path); len(c.Interactions) != 100 {
		t.Errorf("%d interactions", len(c.Interactions))
	}
}

// A file system that nothing can be written to. (For root, permission bits do
// not bind.)
func TestReadOnlyDisk(t *testing.T) {
	dir := smallDisk(t, "1m")
	path := filepath.Join(dir, "calls.yaml")
	write(t, path, sample(t, 0))
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Skip(err)
	}
	for _, name := range []string{"calls.yaml", "new.yaml"} {
		for _, mode := range []OpenMode{Refuse, Append, Replace} {
			_, err := Create(filepath.Join(dir, name), testHeader, mode)
			if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), name+": read-only file system") {
				t.Errorf("%s, mode %d: %v", name, mode, err)
			}
		}
	}
	if len(load(t, path).Interactions) != 1 {
		t.Error("it cannot be replayed")
	}
}

// What was reserved is given back.
func TestReservedSpaceIsReleased(t *testing.T) {
	dir := smallDisk(t, "4m")
	for _, dir := range []string{dir, t.TempDir()} {
		path := filepath.Join(dir, "calls.yaml")
		w := create(t, path, Refuse)
		if err := w.Ready(2000); err != nil {
			t.Fatal(err)
		}
		add(t, w, sample(t, 0))
		during := blocks(t, path)
		closed(t, w)
		if after := blocks(t, path); after*512 > 64<<10 || during*512 < reserveStep && !w.noRoom {
			t.Errorf("%s: %d blocks during, %d after", dir, during, after)
		}
	}
}

func blocks(t *testing.T, path string) int64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Blocks
}
