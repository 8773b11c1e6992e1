package inspect

import (
	"errors"
	"fmt"
)

// The reasons why bytes are not a message. Every error of [Parse] wraps one.
var (
	// ErrEmpty: there are no bytes, or only white space.
	ErrEmpty = errors.New("the body is empty")

	// ErrNotXML: not well-formed XML, in an encoding this package reads.
	ErrNotXML = errors.New("not well-formed XML")

	// ErrDoctype: the message has a DOCTYPE, which SOAP forbids (SOAP 1.1 §3,
	// SOAP 1.2 part 1 §5) and which is how entity bombs arrive.
	ErrDoctype = errors.New("the message has a DOCTYPE, which SOAP forbids")

	// ErrTooLarge: the message is over one of the [Limits].
	ErrTooLarge = errors.New("the message is over a limit")

	// errTooLong is the ErrTooLarge of a message that there is only too much
	// of, as against one whose form no reader should have to take.
	errTooLong = fmt.Errorf("%w", ErrTooLarge)

	// ErrNotSOAP: well-formed, but not a SOAP envelope.
	ErrNotSOAP = errors.New("not a SOAP envelope")
)

// A SyntaxError says where a message stopped making sense. It never quotes the
// message, since that may hold what must not be printed.
type SyntaxError struct {
	Line   int // 1-based; 0 if there is no place
	Column int // 1-based, in bytes
	Reason string
	Err    error // one of the Err values of this package
}

func (e *SyntaxError) Error() string {
	s := e.Err.Error()
	if e.Line > 0 {
		s = fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, s)
	}
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	return s
}

func (e *SyntaxError) Unwrap() error { return e.Err }
