package umserver

import (
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/um"
)

// Server is a UM server with one user and that user's calls. It remembers the
// latest 10,000 calls: a new one then takes the place of the one that ended
// first, or, if none has ended, of the oldest. It may be used by several
// goroutines at once.
type Server struct {
	options Options // fixed

	mu    sync.Mutex // guards what follows
	calls switchboard
	user  mailbox
}

// New returns a server that has had no calls yet.
func New(options Options) *Server {
	s := &Server{options: options.withDefaults(), user: newMailbox()}
	s.calls = newSwitchboard(&s.options)
	return s
}

// Calls lists the calls that the server remembers, in the order they began.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls.list()
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := request{Request: r, version: inspect.SOAP11}
	a := s.answer(&q)
	drain(r)
	s.options.Logf("%s: %s", q.name(), a.outcome())
	s.write(w, &q, a)
}

// request is an HTTP request and what has become known of it so far.
type request struct {
	*http.Request
	protocol um.Protocol
	version  inspect.Version // to answer in
	op       um.Operation
	page     string // what of the server's description it is for
}

// name is the operation for people; what the client wrote is not repeated.
func (q *request) name() string {
	switch {
	case q.page != "":
		return q.page
	case q.op.Name == "":
		return "no operation"
	case q.protocol == um.EWS:
		return q.op.Name + " (EWS)"
	}
	return q.op.Name
}

// answer tells the story of a request: is it for us, is it SOAP, which
// operation, does it fit, and what does that operation say.
func (s *Server) answer(q *request) answer {
	if text, name, ok := s.page(q); ok {
		q.page = name
		return answer{page: text}
	}
	var ok bool
	if q.protocol, ok = protocolAt(q.URL.Path); !ok {
		return answer{status: http.StatusNotFound}
	}
	if q.Method != http.MethodPost {
		// A GET of ?wsdl too: the service publishes none (section 1.1), unless told to.
		return answer{status: http.StatusMethodNotAllowed}
	}
	if !s.takes(q) {
		return answer{status: http.StatusUnsupportedMediaType}
	}
	if s.options.RequireSOAPAction && q.protocol == um.Classic {
		if f := checkAction(q); f != nil {
			return *f
		}
	}
	body, err := readBody(q.Request)
	if err == errEncoding {
		return answer{status: http.StatusUnsupportedMediaType}
	}
	if err != nil {
		return q.invalid(err.Error())
	}
	m, err := limits.Parse(body)
	if err != nil {
		return q.invalid(err.Error()) // inspect's errors quote no message
	}
	if m.EnvelopeSpace != inspect.SOAP11NS && m.EnvelopeSpace != inspect.SOAP12NS {
		return q.invalid("the envelope's namespace is not SOAP's")
	}
	if q.version = m.Version; m.Version == inspect.SOAP12 && s.options.SOAP12 != AcceptSOAP12 {
		q.version = inspect.SOAP11
		if s.options.SOAP12 == FaultSOAP12 {
			return versionMismatch
		}
		return q.invalid("a SOAP 1.2 envelope")
	}
	handle, ok := q.route(m)
	if !ok {
		return q.invalid("no operation of this path")
	}
	args, wrong := readArgs(q.op, m)
	switch {
	case wrong == nil:
		return handle(s, q.op, args)
	case wrong.exception != "":
		return exception(wrong.exception, wrong.what)
	case q.protocol == um.EWS && s.options.SchemaFault:
		return schemaFault(m, wrong)
	}
	return q.invalid(wrong.what)
}

// protocolAt says what a path serves; IIS compares paths without regard to case
// (section 4.1).
func protocolAt(path string) (p um.Protocol, ok bool) {
	switch {
	case strings.EqualFold(path, um.Path2007), strings.EqualFold(path, um.PathLegacy):
		return um.Classic, true
	case strings.EqualFold(path, um.PathEWS):
		return um.EWS, true
	}
	return 0, false
}

// handler carries out one operation whose request fits.
type handler func(*Server, um.Operation, args) answer

// route finds the operation by the Body's element, as EWS is documented to do
// (section 4.4), and what carries it out. PlayOnPhone, which both protocols
// have, is the one of the request's path.
func (q *request) route(m *inspect.Message) (handler, bool) {
	if m.Payload == nil || m.Payload.Name.Space != um.MessagesNS {
		return nil, false
	}
	handlers := classicHandlers
	if q.protocol == um.EWS {
		handlers = ewsHandlers
	}
	for _, op := range um.Operations {
		if op.Name == m.Payload.Name.Local && op.Protocol == q.protocol && handlers[op.Name] != nil {
			q.op = op
			return handlers[op.Name], true
		}
	}
	return nil, false
}

// checkAction answers a SOAPAction that ASP.NET would refuse; nil if it would
// not. The Body still names the operation.
func checkAction(q *request) *answer {
	action, ok := inspect.SOAPAction(q.Header)
	if !ok {
		return aspNetFault("Unable to handle request without a valid action parameter. Please supply a valid soap action.", "no SOAPAction")
	}
	for _, op := range um.Operations {
		if op.Protocol == um.Classic && op.Action() == action {
			return nil
		}
	}
	return aspNetFault(fmt.Sprintf("Server did not recognize the value of HTTP Header SOAPAction: %s.", action), "an unknown SOAPAction")
}
