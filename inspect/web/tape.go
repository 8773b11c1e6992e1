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
