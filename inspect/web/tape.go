package web

import (
	"io"

	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
)

// Tape reads exchanges again that are on a cassette. Its methods may be called by
// several goroutines at once.
type Tape interface {
	// Read returns the interaction of a cassette, as it is and as it is shown to whoever
	// has not asked for what is sensitive in it.
	Read(file string, id int) (whole, masked Copy, err error)

	// Says reports whether a text, in lower case, is in the bodies of the interaction as
	// people read them: without what is sensitive unless that was asked for.
	Says(file string, id int, text string, reveal bool) (bool, error)

	// Compare lists where two interactions differ; in headers that differ each time, too,
	// if that is wanted. What of a difference names no place that is sensitive unless that
	// was asked for. cut says that there are more.
	Compare(before, after Place, headers, reveal bool) (found []Difference, cut bool, err error)

	// Diff compares two cassettes: what umtape diff --json prints.
	Diff(before, after string, headers, reveal bool) (any, error)

	// Export writes interactions for others, as "cassette", "har" or "json"; with what is
	// sensitive in them if that was asked for.
	Export(w io.Writer, as string, list []Place, reveal bool) error
}

// Place is where an interaction is.
type Place struct {
	File string
	ID   int
}

// Copy is an interaction with what goes with it.
type Copy struct {
	report.Entry
	Found    []inspect.Finding // what is wrong or odd with it as a part of its file
	Redacted []string          // where something was not kept, in words
	Curl     string            // a command that sends the request again; "" if there is none
}
