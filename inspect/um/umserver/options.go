package umserver

import (
	"crypto/rand"
	"fmt"
	"slices"
	"time"
)

// Options say how a server behaves where the documents leave it open, and which
// calls fail. The zero value of a field means its default. "Section" is one of
// the protocol reference.
type Options struct {
	// EndedCall answers a Disconnect of a call that has ended, which includes
	// the same Disconnect twice (section 3.2: not documented).
	EndedCall Outcome

	// UnknownCall answers a Disconnect of an identifier that has the form of a
	// CallId and that this server does not know (section 3.2: not documented).
	// Any other text, or none, is always answered with the documented fault.
	UnknownCall Outcome

	// SOAP12 says what becomes of a SOAP 1.2 request (section 5.5).
	SOAP12 SOAP12

	// RequireSOAPAction makes the classic service refuse a request whose
	// SOAPAction is absent or unknown, as ASP.NET does (sections 4.4 and 5.4:
	// unknown for this service). Else the header is not looked at.
	RequireSOAPAction bool

	// SchemaFault makes EWS answer a request that does not fit its schema with
	// ErrorSchemaValidation, as captures of other EWS operations have it
	// (section 5.3). Else it is ErrorInvalidRequest, which [MS-OXWUMS] 2.2.2.1
	// demands for these operations (section 5.2).
	SchemaFault bool

	// RingPolls is how many times a call is reported Connecting. 0 means 1;
	// negative, never.
	RingPolls int

	// TalkPolls is how many times it is then reported Connected before it ends
	// by itself. 0 means 5; negative, it lasts until Disconnect.
	TalkPolls int

	// ForgetEnded is how long the identifier of an ended call stays known
	// (section 3.1: not documented); after that it is an unknown one. 0 means
	// for as long as the call is remembered at all, see [Server]; negative,
	// not at all.
	ForgetEnded time.Duration

	// Deny, Busy and NoAnswer are prefixes of dial strings; "" is one of each.
	// A call to a number of the first is refused, of the others it ends when
	// it has rung, with that cause. Where several fit, the first in this order
	// counts.
	Deny     []string
	Busy     []string
	NoAnswer []string

	// Host is the UM server named in the identifiers; "" means
	// um01.voice.example.net.
	Host string

	// WSDL has the server describe the classic service, for tools that make
	// clients: at ?wsdl of its paths, and in the schema beside them. No Exchange
	// does so (section 1.1); else such a GET is answered with 405, as there.
	WSDL bool

	// Gzip compresses responses for clients that accept it.
	Gzip bool

	// NewGUID makes the GUID of a call's identifier, never two at once. It must
	// not call the server. If nil, they are random (RFC 9562 version 4). One
	// given out again takes the older call's place.
	NewGUID func() string

	// Now is the time, for ForgetEnded. If nil, time.Now.
	Now func() time.Time

	// Logf gets one line per request: the operation and what became of it,
	// never an identifier, a dial string or another value of a message. It is
	// called by several goroutines at once. If nil, nothing is logged.
	Logf func(format string, args ...any)
}

func (o Options) withDefaults() Options {
	o.RingPolls = polls(o.RingPolls, 1)
	if o.TalkPolls == 0 {
		o.TalkPolls = 5
	}
	o.Deny, o.Busy, o.NoAnswer = slices.Clone(o.Deny), slices.Clone(o.Busy), slices.Clone(o.NoAnswer)
	if o.Host == "" {
		o.Host = "um01.voice.example.net"
	}
	if o.NewGUID == nil {
		o.NewGUID = newGUID
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	return o
}

func polls(n, ifZero int) int {
	if n == 0 {
		return ifZero
	}
	return max(n, 0)
}

// newGUID returns a random GUID as Exchange writes it: lower case, hyphenated.
func newGUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: it ends the program instead
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
