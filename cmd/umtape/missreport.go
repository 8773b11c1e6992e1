package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/umtape/umtape/cassettes"
)

// missReport is the file of --miss-report: one line of JSON for each miss, in the file
// before the client has its answer. A report written at the end, whole or not at all,
// would be lost with a test run that is killed, as one that hangs on a miss often is;
// of lines that were written one by one, kill -9 takes none that a client knows of, and
// a reader may follow them meanwhile. The zero value is one that nobody asked for.
type missReport struct {
	path string

	mu   sync.Mutex // guards what follows
	file *os.File
	size int
	err  error // of the first line that could not be written
}

// maxMissReport bounds what clients can fill a disk with.
const maxMissReport = 64 << 20

// openMissReport begins the file anew, unless path is "".
func openMissReport(path string) (*missReport, error) {
	r := &missReport{path: path}
	if path == "" {
		return r, nil
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, misuse("--miss-report %s is a folder; name a file", path)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return nil, misuse("--miss-report %s: there is no folder %s", path, filepath.Dir(path))
	}
	var err error
	if r.file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
		return nil, fmt.Errorf("--miss-report: %w", err)
	}
	return r, nil
}

// add writes one line, by one write.
func (r *missReport) add(m cassettes.MissReport) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(m); err != nil {
		panic(err) // plain strings and numbers
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil || r.err != nil {
		return
	}
	if r.size += b.Len(); r.size > maxMissReport {
		r.err = fmt.Errorf("%s has its %d MiB; later misses are not in it", r.path, maxMissReport>>20)
		return
	}
	if _, err := r.file.Write(b.Bytes()); err != nil {
		r.err = fmt.Errorf("the report of misses could not be written: %w", err)
	}
}

// close ends the file. The error is also that of a line that could not be written.
func (r *missReport) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file = nil
	if r.err != nil {
		return r.err
	}
	return err
}
