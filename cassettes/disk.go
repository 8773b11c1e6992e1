package cassettes

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// disk is what a Writer asks of the file system. Tests put one in its place
// that fails where they want.
type disk interface {
	// open opens an existing file for reading and writing.
	open(path string) (file, error)
	// create makes a new file, mode 0600; it fails if there is one.
	create(path string) (file, error)
	remove(path string) error
	// rename replaces whatever is at to.
	rename(from, to string) error
	// renameNew fails with os.ErrExist if there is something at to.
	renameNew(from, to string) error
	// syncDir makes renames in dir last through a power loss.
	syncDir(dir string) error
}

// file is an open cassette.
type file interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	Close() error
	Stat() (os.FileInfo, error)
	// length is what Stat says, for less.
	length() (int64, error)
	// reserve makes sure that the disk has room for size bytes from off on,
	// without changing the length of the file. It returns errNoReserve where
	// the system or the file system cannot.
	reserve(off, size int64) error
}

var errNoReserve = errors.New("space cannot be reserved here")

type osDisk struct{}

type osFile struct{ *os.File }

// length moves the file offset, which nothing here depends on.
func (f osFile) length() (int64, error) { return f.Seek(0, io.SeekEnd) }

func (osDisk) open(path string) (file, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (osDisk) create(path string) (file, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (osDisk) remove(path string) error     { return os.Remove(path) }
func (osDisk) rename(from, to string) error { return os.Rename(from, to) }

func (osDisk) renameNew(from, to string) error {
	// A hard link refuses to replace, in one step. Some file systems have none;
	// there a file that appears between the look and the rename is lost.
	err := os.Link(from, to)
	if err == nil {
		return os.Remove(from)
	}
	if _, look := os.Lstat(to); look == nil {
		return &os.PathError{Op: "create", Path: to, Err: os.ErrExist}
	}
	return os.Rename(from, to)
}

func (osDisk) syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // a folder cannot be opened for that; NTFS logs the rename
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// replace writes path anew: fill writes the contents to a temporary file
// beside it, which then takes the place of path at once, or never if there is
// an error. The caller holds the lock, so the temporary's name can be fixed,
// and one left by a killed process goes. put is disk.rename or renameNew.
func replace(d disk, path string, put func(from, to string) error, fill func(file) error) (err error) {
	dir, base := filepath.Split(path)
	temp := dir + "." + base + ".umtape-tmp"
	if err := d.remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := d.create(temp)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = d.remove(temp) // the first error is the one to tell
		}
	}()
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	if errClose := f.Close(); err == nil {
		err = errClose
	}
	if err == nil {
		err = put(temp, path)
	}
	if err != nil {
		return err
	}
	return d.syncDir(filepath.Dir(path))
}

// offsetWriter writes to f from off on, one call after the other.
type offsetWriter struct {
	f   io.WriterAt
	off int64
}

func (w *offsetWriter) Write(b []byte) (int, error) {
	n, err := w.f.WriteAt(b, w.off)
	w.off += int64(n)
	return n, err
}
