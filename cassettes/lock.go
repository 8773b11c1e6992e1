package cassettes

import (
	"errors"
	"os"
	"runtime"

	"github.com/gofrs/flock"
)

// lock is the right to write a cassette, held by one Writer among all
// processes: an advisory lock of the system on PATH.lock. The system lets go
// of it when the process ends, however it ends, so a file left by a killed one
// stops nobody.
type lock struct {
	flock *flock.Flock
	path  string
}

// takeLock returns ErrLocked if another holds the lock of the cassette at
// path, and does not wait for it. shown is the path for messages.
func takeLock(path, shown string) (*lock, error) {
	l := &lock{path: path + ".lock"}
	// Two tries would do against one process that ends just now; more only
	// against many.
	for range 100 {
		l.flock = flock.New(l.path)
		ok, err := l.flock.TryLock()
		if err != nil {
			return nil, pathFault(shown, err, "the lock "+l.path+" cannot be taken: is the folder there and writable?")
		}
		if !ok {
			break
		}
		if l.current() {
			return l, nil
		}
		// The holder before us removed the file after we had opened it, so we
		// hold a lock on a file without a name: that keeps nobody out.
		_ = l.flock.Unlock()
	}
	return nil, &fault{kind: ErrLocked, path: shown, what: "another umtape is recording to it",
		next: "wait for it to end, or record to another file"}
}

// current says whether the file locked is still the one at its path.
func (l *lock) current() bool {
	held, err := l.flock.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(l.path)
	return err == nil && os.SameFile(held, named)
}

// release lets go of the lock and removes its file. Another process may take
// the lock at any time; removing the file before letting go (see current)
// keeps two from holding it. Windows does not remove a file that is open, so
// there it goes after, and stays when another has opened it meanwhile.
func (l *lock) release() error {
	if runtime.GOOS == "windows" {
		err := l.flock.Unlock()
		_ = os.Remove(l.path)
		return err
	}
	err := os.Remove(l.path)
	if errors.Is(err, os.ErrNotExist) {
		err = nil // somebody tidied up
	}
	return errors.Join(err, l.flock.Unlock())
}
