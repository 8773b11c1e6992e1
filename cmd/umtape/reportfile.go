package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// writeReport writes a file that was asked for beside what goes to standard
// output, or to it if path is "-". A file that is there is replaced as a whole or
// stays as it was; a device or a pipe is written to.
func (a *app) writeReport(flag, path string, write func(io.Writer) error) error {
	if path == "-" {
		return write(a.stdout)
	}
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	if err := putFile(path, b.Bytes()); err != nil {
		var inner *fs.PathError
		if errors.As(err, &inner) {
			err = inner.Err // the rest would name a temporary file
		}
		err = fmt.Errorf("%s could not be written: %w", path, err)
		if errors.Is(err, fs.ErrNotExist) {
			return hint(err, "--%s takes the name of a file in a folder that is there, or - for standard output", flag)
		}
		return err
	}
	return nil
}

func putFile(path string, data []byte) (err error) {
	mode := fs.FileMode(0o666) // less the umask: there is no text of a message in a report
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
		return errors.New("it is a folder")
	case err == nil && !info.Mode().IsRegular():
		return writeTo(path, data)
	case err == nil:
		mode = info.Mode().Perm()
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return err
		}
	}
	temp := filepath.Join(filepath.Dir(path), ".umtape-"+rand.Text())
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(temp)
		}
	}()
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// writeTo writes to what is no file, such as /dev/stdout or a named pipe.
func writeTo(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// spare says that a flag would have a cassette written over; path is "" if the flag
// was not given.
func spare(flag, path string, tapes []string) error {
	if path == "" || path == "-" {
		return nil
	}
	for _, tape := range tapes {
		if oneFile(path, tape) {
			return misuse("--%s would write over the cassette %s", flag, tape)
		}
	}
	return nil
}
