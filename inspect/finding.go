package inspect

import "fmt"

// Severity says how much a finding matters.
type Severity int

const (
	Note    Severity = iota // worth knowing; both forms are right
	Warning                 // inferred to be wrong, or odd
	Error                   // documented or captured to be wrong
)

// String returns "note", "warning" or "error".
func (s Severity) String() string {
	return [...]string{"note", "warning", "error"}[s]
}

// MarshalText writes a severity as String does.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// ParseSeverity reads what String writes.
func ParseSeverity(s string) (Severity, error) {
	for _, v := range []Severity{Note, Warning, Error} {
		if s == v.String() {
			return v, nil
		}
	}
	return 0, fmt.Errorf("%q is not a severity: note, warning or error", s)
}

// Rule is one thing that can be found. Its ID never changes meaning.
type Rule struct {
	ID       string // "UM012"
	Severity Severity
	Summary  string // what is found, one line, present tense
	Reason   string // why it matters, one line
	Source   string // where the rule comes from, with its mark
	Fix      string // what to do about it
}

// Finding is one thing wrong or odd, with its place. It names elements, never
// their values.
type Finding struct {
	Rule    Rule
	Part    string // "request", "response" or "" for the exchange
	Path    string // element path such as "Body/Disconnect/CallId"; "" if none
	Header  string // the header field that it is about; "" if none
	Line    int    // 1-based, in the message; 0 if none
	Column  int    // 1-based, in bytes; 0 if none
	Pos     int    // 1-based byte of the HTTP body, as it was given to be read; 0 if none, or if the message was decoded
	Message string // what was found here, one line
}

// Spot is a place in an exchange, for findings about it that come when the exchange
// is no longer there. Its fields are those of a [Finding]; those of the file are for
// whoever has looked for the place in one, and 0 until then.
type Spot struct {
	Part, Path           string
	Line, Column, Pos    int
	FileLine, FileColumn int
}

// Find makes a finding about the spot.
func (s Spot) Find(rule Rule, text string) Finding {
	return Finding{Rule: rule, Part: s.Part, Path: s.Path, Line: s.Line, Column: s.Column, Pos: s.Pos, Message: text}
}
