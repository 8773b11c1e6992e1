// Package cassettes is the tape: it writes exchanges to cassettes as they
// happen, loads them, and answers requests from them.
//
// A cassette is a YAML file in the format of go-vcr v3 with one key of our own,
// umtape, beside go-vcr's; stock go-vcr reads it. [Load] reads one whole, [LoadText]
// keeps its text as well, to say in which line and column something is, [Each] reads
// one interaction at a time, [InPieces] some at a time on all processors, [Open] opens one of any length for a replay, and
// a [Follower] follows what is being written.
// [Create] opens one for writing and [Writer.Append] adds an interaction.
//
// Two http.RoundTrippers do the work of the commands record and replay, and
// both fit the one slot that package proxy has:
//
//	client connection -> proxy -> Recorder.Wrap(transport) -> server
//	client connection -> proxy -> Player
//
// A [Recorder] appends each exchange before its client has the whole answer. A
// [Player] answers from memory, or from the file where that is long, and has nothing
// it could dial with.
//
// What is kept is redacted first (redact.go), and a live request is redacted by
// the same rules before it is looked up, so that redaction never breaks a
// match (match.go).
package cassettes
