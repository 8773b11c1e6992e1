package cassettes

import (
	"errors"
	"fmt"
	"os"
	"time"
)

const (
	// reserveStep is how much is reserved at a time.
	reserveStep = 1 << 20

	// reserveSlack is kept free beyond what Ready is asked for, since others
	// may be between their Ready and their Append. It also makes most calls
	// of Ready find that there is enough.
	reserveSlack = reserveStep / 4
)

// lookAgain is for how long a Ready relies on what another one has seen of the
// file: no longer than exchanges that are under way may take in any case.
const lookAgain = time.Millisecond

// Ready returns nil if about n more bytes can be written, so that a request
// need not go upstream to be recorded nowhere. On Linux the space is reserved,
// where the file system can do that; elsewhere it is looked into only after a
// failed write. When it fails, a later call can succeed, when there is space
// again, unless a sync failed.
func (w *Writer) Ready(n int64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.usable(); err != nil {
		return err
	}
	if now := time.Now(); now.Sub(w.looked) >= lookAgain {
		if err := w.look(); err != nil {
			return err
		}
		w.looked = now
	}
	n = max(n, 0)
	if w.reserved-w.size >= n+reserveSlack {
		return nil
	}
	err := errNoReserve
	if !w.noRoom {
		want := n + reserveStep
		if err = w.file.reserve(w.size, want); err != nil && !errors.Is(err, errNoReserve) {
			// Nearly full: what is asked for may still fit.
			want = n
			err = w.file.reserve(w.size, max(want, 1))
		}
		if err == nil {
			w.reserved, w.failed = w.size+want, false
			return nil
		}
		if errors.Is(err, errNoReserve) {
			w.noRoom = true
		}
	}
	if w.noRoom {
		if !w.failed {
			return nil
		}
		err = w.probe(n)
	}
	if err != nil {
		return fmt.Errorf("%s: no room for another interaction: %w", w.path, bare(err))
	}
	return nil
}

// probe finds out by trying whether a write would succeed again. What it
// writes is no part of any record, and gone when it returns. w.mu is held.
func (w *Writer) probe(n int64) error {
	zeros := make([]byte, min(max(n, 1), 64<<10))
	_, err := w.write(zeros)
	if err != nil {
		return err
	}
	w.size -= int64(len(zeros))
	w.dirty = true
	return w.clean()
}

// release gives back what is reserved behind the end of the file. w.mu is
// held.
func (w *Writer) release() error {
	if w.reserved <= w.size && !w.dirty {
		return nil
	}
	return w.clean()
}

// inPlace says whether the file open is still the one at its path. w.mu is
// held.
func (w *Writer) inPlace() bool {
	held, err := w.file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(w.real)
	return err == nil && os.SameFile(held, named)
}
