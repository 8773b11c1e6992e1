package cassettes

import (
	"errors"
	"fmt"
	"strings"
)

// What can be wrong with a file, for callers that branch on it. The errors of
// Load, Create and Recover wrap one of these, or an error of package os
// (os.ErrNotExist, os.ErrExist, ...). The sentinels' own texts are not part of
// the message, which names the file, the place and what to do.
var (
	// ErrEmpty: the file has no bytes, or only white space and comments.
	ErrEmpty = errors.New("empty file")

	// ErrNotCassette: the file is not YAML, or YAML of some other kind.
	ErrNotCassette = errors.New("not a cassette")

	// ErrVersion: a cassette, but not of go-vcr's format version 2, or written
	// by a later umtape.
	ErrVersion = errors.New("unsupported cassette version")

	// ErrDamaged: a cassette of which some part before the end cannot be read.
	ErrDamaged = errors.New("damaged cassette")

	// ErrLocked: another Writer, here or in another process, has the cassette
	// open.
	ErrLocked = errors.New("another recording has this cassette open")
)

// fault is one thing wrong with a file, told in one line.
type fault struct {
	kind  error  // one of the sentinels; Unwrap returns it
	path  string // as the caller gave it
	line  int    // 1-based; 0 if it has no place
	where string // "interaction 3"; "" if it has none
	what  string // what is wrong: never text of a body, a header or a CallId
	next  string // what to do about it; "" if that is obvious
}

func (f *fault) Error() string {
	var b strings.Builder
	b.WriteString(f.path)
	if f.line > 0 {
		fmt.Fprintf(&b, ": line %d", f.line)
	}
	if f.where != "" {
		b.WriteString(": " + f.where)
	}
	b.WriteString(": " + f.what)
	if f.next != "" {
		b.WriteString("; " + f.next)
	}
	return b.String()
}

func (f *fault) Unwrap() error { return f.kind }
