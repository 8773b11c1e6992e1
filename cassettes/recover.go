package cassettes

import (
	"errors"
	"os"
	"path/filepath"
)

// Recover cuts off the end of a cassette that was not written to its end, and
// returns what it cut, or nil if the file is whole. The bytes are kept: they
// are added to PATH.torn, which is on the disk before the cassette is cut.
// The error wraps ErrLocked while the cassette is being recorded, or is one of
// Load's, and then nothing was changed.
func Recover(path string) (*Torn, error) {
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

func recoverLocked(path, real string) (*Torn, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	c, err := parse(path, data)
	if err != nil || c.Torn == nil {
		return nil, err
	}
	if err := cut(osDisk{}, real, data, c.Torn); err != nil {
		return nil, pathFault(path, err, "")
	}
	return c.Torn, nil
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
