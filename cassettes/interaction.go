package cassettes

import (
	"time"

	"gopkg.in/dnaeon/go-vcr.v3/cassette"
)

// Interaction is one exchange as kept in a cassette. It embeds go-vcr's own
// struct, so what is on disk has go-vcr's shape, with our part under one key.
type Interaction struct {
	cassette.Interaction `yaml:",inline"`

	Umtape Meta `yaml:"umtape"`

	// Line is the 1-based line of the file where the interaction starts; 0 if
	// it was not loaded from a file.
	Line int `yaml:"-"`

	// Edited says that the interaction is in a cassette of ours and whole, but
	// nothing proves it to be as it was recorded: its checksum does not fit or
	// is missing, or the file's layout was changed so far that checksums
	// cannot be taken. It is never set in cassettes written by others.
	Edited bool `yaml:"-"`

	span span // where its bytes are in the file; zero if not known
}

// Meta is what go-vcr has no field for. Zero fields are left out of the file,
// all but the checksum.
type Meta struct {
	// Arrived is when the first byte of the request was read: UTC, in whole
	// microseconds. Zero in cassettes written by others.
	Arrived time.Time `yaml:"arrived"`

	// Operation is the local name of the Body's child, such as "Disconnect".
	Operation string `yaml:"operation"`

	// Call is the CallId or PhoneCallId, verbatim.
	Call string `yaml:"call"`

	// AuthLegs is how many challenges, 401 or 407, came before this answer and
	// were folded into it.
	AuthLegs int `yaml:"auth_legs"`

	// RequestEncoding and ResponseEncoding are the Content-Encoding the body
	// had on the wire, when the body kept is the decoded one.
	RequestEncoding  string `yaml:"request_encoding"`
	ResponseEncoding string `yaml:"response_encoding"`

	// Truncated says which body is not whole, because it was longer than the
	// limit or broke off: "", "request", "response" or "both".
	Truncated string `yaml:"truncated"`

	// Note is free words, such as why a body is not whole.
	Note string `yaml:"note"`

	// Checksum is "crc32c:" and eight hexadecimal digits: the CRC-32C of the
	// record's bytes in the file, line endings as LF, from "    - id:" up to
	// the line of the checksum itself. Append sets it.
	Checksum string `yaml:"checksum"`
}

// Header is the top of a cassette.
type Header struct {
	Version int        // go-vcr's: always 2
	Umtape  HeaderMeta // zero in cassettes written by others
}

// HeaderMeta is our part of the header, under the key umtape.
type HeaderMeta struct {
	Format     int      // of our part; Create writes 1 whatever is given
	RecordedBy string   // program and version, such as "umtape 0.1.0"
	Profile    string   // the service, such as "um"
	Redact     []string // names of the rule sets applied before anything was kept
	Kept       string   // what was kept: "soap", "all", "Disconnect,GetCallInfo"

	// Confirmed is when all that is there was recorded anew, in whole seconds, and some
	// of it went as before, so that its records stayed; zero for never. See [Renew].
	Confirmed time.Time
}

// Cassette is a whole cassette in memory.
type Cassette struct {
	Path         string // as given to Load
	Header       Header
	Foreign      bool // written by something else: it has no header of ours
	Interactions []*Interaction

	// Torn is set when the file ends in an interaction that was not written
	// to its end; Interactions are those before it. It is nil if the file is
	// whole.
	Torn *Torn

	// rewrite says that records cannot simply be appended: a foreign file,
	// CRLF line endings, or a layout that is not our encoder's.
	rewrite   bool
	headerEnd int64 // offset of the first record; valid unless rewrite
	end       int64 // offset after the last whole record; valid unless rewrite
}

// Torn is the end of a file that was not written to its end, as a power loss
// leaves it.
type Torn struct {
	Offset int64  // where it starts, in bytes from the start of the file
	Line   int    // the same as a 1-based line
	Lost   int64  // bytes from Offset to the end of the file
	Why    string // how it is known, in words, without any of the bytes
}

// span is where a record is in its file.
type span struct {
	off, size int64
}
