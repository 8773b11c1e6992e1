package proxy

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// createWhole makes a file that did not exist, with all of data or not at all.
// The error wraps fs.ErrExist if it does exist.
func createWhole(path string, data []byte, mode fs.FileMode) error {
	temp, err := writeTemp(path, data, mode)
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	// Unlike Rename, Link does not replace.
	if err := os.Link(temp, path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return err
		}
		return createInPlace(path, data, mode) // a file system without links
	}
	return syncDir(filepath.Dir(path))
}

// createInPlace is exclusive, but another process may see the file before its
// end is written.
func createInPlace(path string, data []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if err := writeSync(f, data, mode); err != nil {
		os.Remove(path)
		return err
	}
	return syncDir(filepath.Dir(path))
}

// replaceWhole makes or replaces a file, which at each moment is the old one or
// the new one.
func replaceWhole(path string, data []byte, mode fs.FileMode) error {
	temp, err := writeTemp(path, data, mode)
	if err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		os.Remove(temp)
		return err
	}
	return syncDir(filepath.Dir(path))
}

func writeTemp(path string, data []byte, mode fs.FileMode) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return "", err
	}
	if err := writeSync(f, data, mode); err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// writeSync closes f in any case.
func writeSync(f *os.File, data []byte, mode fs.FileMode) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncDir makes a file's name as durable as its bytes. Windows has no such call.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
