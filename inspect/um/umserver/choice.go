package umserver

import (
	"fmt"
	"strings"
)

// Outcome is how a Disconnect without a live call is answered.
type Outcome int

const (
	Fault   Outcome = iota // InvalidCallIdException; in EWS the error ErrorInvalidPhoneCallId
	Success                // as if the call had been live
)

var outcomes = []string{Fault: "fault", Success: "success"}

// String returns "fault" or "success".
func (o Outcome) String() string { return choiceName(outcomes, o) }

// ParseOutcome reads what String writes.
func ParseOutcome(s string) (Outcome, error) { return parseChoice[Outcome](outcomes, s) }

// SOAP12 is what becomes of a SOAP 1.2 request; the protocol is SOAP 1.1 only.
type SOAP12 int

const (
	// RefuseSOAP12 answers application/soap+xml with HTTP 415, as a WCF
	// endpoint for SOAP 1.1 does, and a 1.2 envelope that arrives as text/xml
	// as a malformed request.
	RefuseSOAP12 SOAP12 = iota

	// AcceptSOAP12 answers in SOAP 1.2, as ASP.NET 2.0 does unless told
	// otherwise.
	AcceptSOAP12

	// FaultSOAP12 answers with the VersionMismatch fault of SOAP 1.1 §4.4.1, as
	// SOAP 1.2 part 1, appendix A, has a SOAP 1.1 node do.
	FaultSOAP12
)

var soap12s = []string{RefuseSOAP12: "refuse", AcceptSOAP12: "accept", FaultSOAP12: "fault"}

// String returns "refuse", "accept" or "fault".
func (s SOAP12) String() string { return choiceName(soap12s, s) }

// ParseSOAP12 reads what String writes.
func ParseSOAP12(s string) (SOAP12, error) { return parseChoice[SOAP12](soap12s, s) }

func choiceName[T ~int](names []string, v T) string {
	if v < 0 || int(v) >= len(names) {
		return fmt.Sprint(int(v))
	}
	return names[v]
}

func parseChoice[T ~int](names []string, s string) (T, error) {
	for i, name := range names {
		if s == name {
			return T(i), nil
		}
	}
	return 0, fmt.Errorf("%q is none of %s", s, strings.Join(names, ", "))
}
