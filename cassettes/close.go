package cassettes

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Close ends the recording. Interactions that are not in the order in which
// their requests arrived (ties: in the order of the calls of Append) are put
// so, with IDs from 0 on, by replacing the file at one stroke, and in mode Renew the
// records of what went as before come back in the same way; if that fails,
// the file stays as it was appended. A file that Create made and that got no
// interaction is removed again. The lock is free when it returns. A second Close
// does nothing and returns nil.
func (w *Writer) Close() error {
	if w.stop != nil {
		w.stopOnce.Do(func() { close(w.stop) })
		w.done.Wait()
	}
	w.syncMu.Lock() // no sync is under way on the file closed here
	defer w.syncMu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file == nil {
		return nil
	}
	err := errors.Join(w.finish(), w.lock.release())
	w.old.close()
	w.file = nil
	return err
}

// finish leaves the file in its final form and closes it. w.syncMu and w.mu are
// held.
func (w *Writer) finish() error {
	if w.unnamed.Load() || w.made && len(w.entries) == 0 && w.inPlace() {
		return errors.Join(w.file.Close(), w.disk.remove(w.at))
	}
	err := w.usable()
	if err == nil {
		err = w.look()
	}
	if err == nil {
		err = w.release()
	}
	if err == nil {
		err = w.lastSync()
	}
	if !w.inPlace() {
		err = errors.Join(err, w.rescue(err == nil))
	}
	if err == nil && w.old != nil {
		switch done, errRenew := w.renew(); {
		case errRenew != nil:
			return fmt.Errorf("%s: whole, but without the records of what went as before: %w; keep it as it is, or put the former cassette back and record it again",
				w.path, errors.Join(bare(errRenew), closeAgain(w.file)))
		case done:
			return nil
		}
	}
	if err != nil || w.ordered() {
		return errors.Join(err, w.file.Close())
	}
	// Windows does not replace an open file, so reorder opens its own.
	if err := w.file.Close(); err != nil {
		return pathFault(w.path, err, "")
	}
	if err := w.reorder(); err != nil {
		return fmt.Errorf("%s: whole, but not in order of arrival: %w; `umtape sort %[1]s` puts it in order", w.path, bare(err))
	}
	return nil
}

// closeAgain closes a file that may be closed already.
func closeAgain(f file) error {
	if err := f.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// rescue says what became of the file, which is not at its path any more. If it has no
// name at all, and is whole, what was recorded is written to one.
func (w *Writer) rescue(whole bool) error {
	moved := fmt.Errorf("%s: %w", w.path, errMoved)
	info, err := w.file.Stat()
	if err != nil || !whole || names(info) > 0 {
		return moved
	}
	to := w.real
	if _, err := os.Lstat(to); err == nil {
		to += ".recorded"
	}
	err = replace(w.disk, to, w.disk.renameNew, func(f file) error {
		_, err := io.Copy(&offsetWriter{f: f}, io.NewSectionReader(w.file, 0, w.size))
		return err
	})
	if err != nil {
		return errors.Join(moved, pathFault(to, err, ""))
	}
	if abs, err := filepath.Abs(w.path); err == nil && abs == w.real {
		to = w.path + strings.TrimPrefix(to, w.real)
	}
	return fmt.Errorf("%s: deleted or replaced while it was being recorded; all that was recorded is in %s", w.path, to)
}

// lastSync syncs as the policy says. w.syncMu and w.mu are held.
func (w *Writer) lastSync() error {
	if w.broken != nil || w.policy == SyncNever || w.synced >= w.size {
		return w.broken
	}
	w.broken = syncFault(w.path, w.file.Sync())
	return w.broken
}

func (w *Writer) ordered() bool {
	return slices.IsSortedFunc(w.entries, func(a, b entry) int { return cmp.Compare(a.arrived, b.arrived) })
}

// reorder replaces the file by one in order of arrival.
func (w *Writer) reorder() error {
	old, err := os.Open(w.real)
	if err != nil {
		return err
	}
	defer old.Close()
	slices.SortStableFunc(w.entries, func(a, b entry) int { return cmp.Compare(a.arrived, b.arrived) })
	return replace(w.disk, w.real, func(from, to string) error {
		old.Close()
		return w.disk.rename(from, to)
	}, func(f file) error {
		out := bufio.NewWriterSize(&offsetWriter{f: f}, 64<<10)
		header := io.NewSectionReader(old, 0, w.headerEnd)
		if _, err := io.Copy(out, header); err != nil {
			return err
		}
		var b []byte
		for id, e := range w.entries {
			b = slices.Grow(b[:0], int(e.span.size)+idRoom)[:e.span.size]
			if _, err := old.ReadAt(b, e.span.off); err != nil {
				return err
			}
			if b, err = renumber(b, id); err != nil {
				return err
			}
			if _, err := out.Write(b); err != nil {
				return err
			}
		}
		return out.Flush()
	})
}

// renumber gives a record another id, and a checksum that fits if the old one
// did.
func renumber(record []byte, id int) ([]byte, error) {
	r := oneRecord(record, 0, len(record))
	if r.sum == r.end || r.end != len(record) {
		return nil, errors.New("the file was changed by another program")
	}
	if idText(record) == fmt.Sprint(id) {
		return record, nil
	}
	rest := record[len(recordStart)+len(idText(record))+1 : r.sum]
	b := appendInt(make([]byte, 0, len(record)+idRoom), recordStart, int64(id))
	b = append(b, rest...)
	if !r.intact {
		return append(b, record[r.sum:]...), nil // it was edited, and should show
	}
	return appendChecksum(b, checksum(b)), nil
}

// rewriteAll replaces the file at path by one in our layout, sets the spans
// and IDs of the interactions and returns the lengths of its header and of all.
func rewriteAll(d disk, path string, h HeaderMeta, list []*Interaction) (headerEnd, size int64, err error) {
	err = replace(d, path, d.rename, func(f file) error {
		out := &offsetWriter{f: f}
		buffered := bufio.NewWriterSize(out, 64<<10)
		b := appendHeader(nil, h)
		headerEnd = int64(len(b))
		for id, i := range list {
			size += int64(len(b))
			if _, err := buffered.Write(b); err != nil {
				return err
			}
			b, i.Umtape.Checksum = appendRecord(b[:0], i, id)
			if i.Edited {
				// A fresh checksum would say that it is as it was recorded.
				b = appendChecksum(b[:len(b)-len(checksumStart)-len(i.Umtape.Checksum)-1], editedSum)
				i.Umtape.Checksum = editedSum
			}
			i.ID, i.span = id, span{size, int64(len(b))}
		}
		size += int64(len(b))
		if _, err := buffered.Write(b); err != nil {
			return err
		}
		return buffered.Flush()
	})
	return headerEnd, size, err
}

// editedSum stands in place of a checksum in a record changed by hand.
const editedSum = "edited"
