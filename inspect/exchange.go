package inspect

import (
	"errors"
	"net/http"
	"time"
)

// Exchange is one HTTP request with its response, as bytes, on the wire or from
// a cassette. Bodies are to be decoded of any Content-Encoding; the header may
// still name it.
type Exchange struct {
	Method         string
	URL            string
	RequestHeader  http.Header
	RequestBody    []byte
	Status         int // HTTP status code
	ResponseHeader http.Header
	ResponseBody   []byte
	Started        time.Time     // UTC; zero if not known
	Took           time.Duration // until the response's header
	Truncated      bool          // a body is not whole
}

// Reading is an exchange with its messages read. What could not be read is nil
// with the reason beside it.
type Reading struct {
	Exchange

	Request     *Message
	RequestErr  error
	Response    *Message
	ResponseErr error

	// Operation is what the request asks for: the local name of its Body's
	// child, "" if it is not SOAP.
	Operation string

	// Action is the SOAPAction header without its quotes (SOAP 1.1 §6.1.1) or
	// the action parameter of a SOAP 1.2 content type; HasAction tells an empty
	// one from none.
	Action    string
	HasAction bool

	// AssumeSOAP is for whoever knows that the request should be SOAP, by its
	// URL for one, although nothing in it says so. Read leaves it false.
	AssumeSOAP bool
}

// Read reads both messages of an exchange as [ParseBody] does. It does not fail:
// see [Reading].
func Read(x Exchange) *Reading {
	r := &Reading{Exchange: x}
	r.Request, r.RequestErr = ParseBody(x.RequestHeader, x.RequestBody)
	r.Response, r.ResponseErr = ParseBody(x.ResponseHeader, x.ResponseBody)
	r.Operation = r.Request.Operation()
	r.Action, r.HasAction = SOAPAction(x.RequestHeader)
	return r
}

// IsSOAP reports whether either side is a SOAP envelope, or the request says it
// is one, or is assumed to be, and fails to be.
func (r *Reading) IsSOAP() bool {
	return r.AssumeSOAP || r.Request != nil || r.Response != nil || ClaimsSOAP(r.RequestHeader)
}

// Why returns the reason of an error of [Parse] as one of the Err values, or
// nil.
func Why(err error) error {
	for _, kind := range []error{ErrEmpty, ErrNotXML, ErrDoctype, ErrTooLarge, ErrNotSOAP} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return nil
}
