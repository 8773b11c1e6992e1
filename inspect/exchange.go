package inspect

import (
	"errors"
	"mime"
	"net/http"
	"strings"
	"time"
)

// Exchange is one HTTP request with its response, as bytes, on the wire or from
// a cassette. Bodies are decoded of any Content-Encoding.
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
}

// Read reads both messages of an exchange. It does not fail: see [Reading].
func Read(x Exchange) *Reading {
	r := &Reading{Exchange: x}
	r.Request, r.RequestErr = Parse(x.RequestBody)
	r.Response, r.ResponseErr = Parse(x.ResponseBody)
	r.Operation = r.Request.Operation()
	r.Action, r.HasAction = SOAPAction(x.RequestHeader)
	return r
}

// IsSOAP reports whether either side is a SOAP envelope, or the request says it
// is one and fails to be.
func (r *Reading) IsSOAP() bool {
	return r.Request != nil || r.Response != nil || ClaimsSOAP(r.RequestHeader)
}

// SOAPAction returns the action a request names, unquoted, and whether it names
// one at all: the SOAPAction header of SOAP 1.1 (§6.1.1), else the action
// parameter of SOAP 1.2's application/soap+xml (RFC 3902). Header names match in
// any spelling, since SOAPAction is often sent and kept uncanonicalised.
func SOAPAction(h http.Header) (action string, ok bool) {
	for name, values := range h {
		if strings.EqualFold(name, "SOAPAction") && len(values) > 0 {
			return strings.Trim(strings.TrimSpace(values[0]), `"`), true
		}
	}
	if _, params, err := mime.ParseMediaType(h.Get("Content-Type")); err == nil {
		action, ok = params["action"]
	}
	return action, ok
}

// ClaimsSOAP reports whether a request's header says that its body is a SOAP
// message: by SOAPAction, or by the content type application/soap+xml. A type
// of text/xml alone claims XML, not SOAP.
func ClaimsSOAP(h http.Header) bool {
	if mediaType(h) == "application/soap+xml" {
		return true
	}
	for name := range h {
		if strings.EqualFold(name, "SOAPAction") {
			return true
		}
	}
	return false
}

// VersionOf tells from a request's header which version of SOAP it speaks; ok is
// false if it seems to speak none.
func VersionOf(h http.Header) (v Version, ok bool) {
	if mediaType(h) == "application/soap+xml" {
		return SOAP12, true
	}
	return SOAP11, ClaimsSOAP(h) || IsXMLType(h)
}

// IsXMLType reports whether the header's content type is one in which XML
// messages travel.
func IsXMLType(h http.Header) bool {
	t := mediaType(h)
	return t == "text/xml" || t == "application/xml" || strings.HasSuffix(t, "+xml")
}

// mediaType returns the lower-case media type, lenient about its parameters:
// servers send "text/xml; charset=" and the type is still meant.
func mediaType(h http.Header) string {
	t, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(t))
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
