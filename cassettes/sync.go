package cassettes

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// Sync makes what was appended so far last through a power loss. Its error
// stays: after a failed sync nobody knows what is on the disk, and every later
// call of Append, Ready, Sync and Close reports it.
func (w *Writer) Sync() error {
	w.mu.Lock()
	size := w.size
	err := w.broken
	if w.file == nil && err == nil {
		err = fmt.Errorf("%s: %w", w.path, os.ErrClosed)
	}
	w.mu.Unlock()
	if err != nil {
		return err
	}
	return w.syncTo(size)
}

// syncTo returns when the file is safe up to end. Calls that come while
// another syncs wait for it, and then most find that one more sync has done
// the work of them all.
func (w *Writer) syncTo(end int64) error {
	w.syncMu.Lock()
	defer w.syncMu.Unlock()
	w.mu.Lock()
	f, size, err := w.file, w.size, w.broken
	w.mu.Unlock()
	switch {
	case err != nil:
		return err
	case w.synced >= end:
		return nil
	case f == nil:
		// Close has synced, unless told never to.
		return nil
	}
	if err := syncFault(w.path, f.Sync()); err != nil {
		w.mu.Lock()
		w.broken = err
		w.mu.Unlock()
		return err
	}
	w.synced = size
	return nil
}

func syncFault(path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: what was recorded may not be on the disk: %w", path, bare(err))
}

// syncing syncs at intervals until Close.
func (w *Writer) syncing() {
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-tick.C:
			_ = w.Sync() // kept in w.broken
		}
	}
}

// errMoved is the end of a recording whose file was taken away under it.
var errMoved = errors.New("moved, replaced or deleted while it was being recorded; what was recorded since is not in the file of that name")
