package web

import "github.com/umtape/umtape/inspect/report"

// Tape reads exchanges again that are on a cassette. Its method may be called by
// several goroutines at once.
type Tape interface {
	// Read returns the interaction of a cassette, as it is and as it is shown to whoever
	// has not asked for what is sensitive in it.
	Read(file string, id int) (whole, masked Copy, err error)
}

// Copy is an interaction with what goes with it.
type Copy struct {
	report.Entry
	Redacted []string // where something was not kept, in words
	Curl     string   // a command that sends the request again; "" if there is none
}
