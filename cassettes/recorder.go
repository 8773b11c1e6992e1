package cassettes

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/umtape/umtape/inspect"
)

// DefaultMaxBody is how much of a body is kept, in bytes, unless told
// otherwise.
const DefaultMaxBody = 16 << 20

// RecordOptions say what is kept. The zero value keeps SOAP exchanges of every
// operation. What clients fetch of a WSDL is kept always, since those that are made
// from it do not come to their first request without.
type RecordOptions struct {
	// All keeps every exchange, SOAP or not.
	All bool

	// Operations, if not empty, narrows what is kept of SOAP to these; the names are
	// those of the Body's child, such as "Disconnect". It overrides All.
	Operations []string

	// MaxBody is how much of a body is kept, in bytes; DefaultMaxBody if zero.
	// A longer one is forwarded whole and kept truncated.
	MaxBody int64

	// KeepAuthLegs keeps each challenge of a handshake, 401 or 407, as an
	// interaction of its own instead of folding it into the one that ends the
	// handshake. Tokens are redacted all the same.
	KeepAuthLegs bool

	// Redaction is what is hidden beside credentials.
	Redaction Redaction

	// Profile finds the call that an exchange belongs to.
	Profile inspect.Profile

	// OnExchange, if not nil, is told of each exchange.
	OnExchange OnExchange

	// Logger gets a line for each exchange whose Facts deserve one, if OnExchange
	// is nil, and for what else could not be kept. If nil, nothing is logged.
	Logger *slog.Logger
}

// A Recorder appends exchanges to a cassette as they happen. Its methods may be
// called by several goroutines at once.
type Recorder struct {
	tape    *Writer
	options RecordOptions
	name    string // FILE# of the tape
	stats   tally
	hider   *hider // nil if nothing is hidden but credentials
	clean   cleanValues
	bodies  *knownBodies // nil to know none
}

// NewRecorder returns a recorder that appends to tape. The caller closes tape
// after the last exchange has ended.
func NewRecorder(tape *Writer, options RecordOptions) *Recorder {
	if options.MaxBody <= 0 {
		options.MaxBody = DefaultMaxBody
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	return &Recorder{tape: tape, options: options, name: interactionPrefix(tape.Path()), hider: newHider(options.Redaction), bodies: newKnownBodies()}
}

// Wrap returns a RoundTripper that sends requests through next and keeps what
// was said. Request and response pass unchanged; the interaction is on tape
// before the response's last byte, or its end, can be read. When the tape
// cannot be written, nothing is sent and the response is a 503 that says so.
//
// The RoundTripper serves one client connection, since a handshake is one
// connection's: its challenges are kept as part of the exchange that ends them.
// Its CloseIdleConnections is to be called when that connection has ended.
func (r *Recorder) Wrap(next http.RoundTripper) http.RoundTripper {
	return &recording{Recorder: r, next: next}
}

// Shown returns text for people, a log line's URL or reason, with the pseudonyms of
// what it names, if the recording has any.
func (r *Recorder) Shown(text string) string {
	if r.hider == nil || !r.hider.Forms {
		return text
	}
	return r.hider.shown(text)
}

// Captured returns what has been kept so far.
func (r *Recorder) Captured() Captured { return r.stats.snapshot() }

// recording is a Recorder in front of one transport.
type recording struct {
	*Recorder
	next http.RoundTripper
	legs legs
}

// CloseIdleConnections closes those of the transport behind, and keeps what a
// handshake that was not finished has left.
func (r *recording) CloseIdleConnections() {
	for _, i := range r.legs.end() {
		if err := r.append(i, isFault(i)); err != nil { // counted, and nobody is left to be told
			r.options.Logger.Error("the challenges of a handshake that came to nothing could not be recorded", "error", err)
		}
	}
	if c, ok := r.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// tapeSlack is what is reserved on the tape, beside the request, before an
// exchange is begun: room for headers and a usual response.
const tapeSlack = 64 << 10

// RoundTrip tells the story of one exchange.
func (r *recording) RoundTrip(req *http.Request) (*http.Response, error) {
	arrived := time.Now().UTC()
	out := req.WithContext(req.Context()) // a copy whose body may be replaced
	if !r.candidate(out) {
		return r.pass(out)
	}
	x := &exchange{recording: r, request: req, arrived: arrived}
	var err error
	if x.body, err = r.takeBody(out); err != nil {
		closeBody(req)
		return nil, fmt.Errorf("reading the client's request: %w", err)
	}
	out.Trailer = req.Trailer // filled by now, since the body has been read
	read := time.Now()
	err = r.tape.Ready(int64(len(x.body.body)) + tapeSlack)
	sent := time.Now()
	x.facts.Tape = sent.Sub(read)
	if err != nil {
		closeBody(req)
		r.stats.refused()
		x.facts.Operation = x.asks()
		r.tell(req, &x.facts, NotSent, "not sent, since it could not be recorded: "+err.Error())
		return tapeFailure(req, err), nil
	}
	x.response, err = r.next.RoundTrip(out)
	x.facts.Upstream = time.Since(sent)
	if err != nil {
		x.facts.Operation = x.asks()
		return nil, r.unanswered(req, &x.facts, err)
	}
	// What is kept of the headers is taken now: they belong to the caller once
	// this function returns, and proxies change them.
	if r.hider != nil {
		r.hider.peek(req.Header)
		r.hider.peek(x.response.Header)
	}
	x.requestHeader, x.responseHeader = redactHeaderKnowing(req.Header, &r.clean), redactHeaderKnowing(x.response.Header, &r.clean)
	x.tee.x = x
	return x.teed()
}

func (r *recording) pass(req *http.Request) (*http.Response, error) {
	sent := time.Now()
	resp, err := r.next.RoundTrip(req)
	facts := Facts{Upstream: time.Since(sent)}
	if err != nil {
		return nil, r.unanswered(req, &facts, err)
	}
	r.stats.passed()
	r.tell(req, &facts, Passed, "")
	return resp, nil
}

// unanswered counts and passes on the error of a request that has no answer to
// keep.
func (r *recording) unanswered(req *http.Request, f *Facts, err error) error {
	reason := "" // whoever gets err says why
	if req.Context().Err() == nil {
		r.stats.failed()
	} else {
		r.stats.abandoned()
		reason = "not recorded: the client went away before the server answered, which may have acted on the request"
	}
	r.tell(req, f, Unanswered, reason)
	return err
}

func (r *Recorder) tell(req *http.Request, f *Facts, v Verdict, reason string) {
	f.Verdict, f.Reason = v, reason
	f.tell(req.Context(), r.options.OnExchange, r.options.Logger)
}

// closeBody closes the body of a request that was not handed on.
func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}

// candidate reports whether an exchange may have to be kept, from what is known
// before it is sent. It peeks at the start of a body whose type does not tell.
func (r *recording) candidate(req *http.Request) bool {
	switch {
	case r.options.All && len(r.options.Operations) == 0:
		return true
	case inspect.AsksForDescription(req.Method, req.URL):
		return true
	case req.Body == nil || req.Body == http.NoBody:
		return inspect.ClaimsSOAP(req.Header)
	case inspect.ClaimsSOAP(req.Header), inspect.IsXMLType(req.Header), isMultipart(req.Header):
		return true
	}
	peek := bufio.NewReaderSize(req.Body, maxPeek)
	req.Body = readCloser{peek, req.Body}
	return beginsLikeXML(peek)
}

// maxPeek is how much white space may stand before the first tag.
const maxPeek = 512

// beginsLikeXML reports whether a body of an undeclared type begins as XML does
// in any encoding, or packed. It waits for no more than the first byte that is
// not white space; a body may be long in coming. An error comes again when the
// body is read.
func beginsLikeXML(r *bufio.Reader) bool {
	for n := 1; n <= maxPeek; n++ {
		start, err := r.Peek(n)
		if err != nil {
			return false
		}
		switch c := start[n-1]; {
		case space(c):
		case n == 1 && (c == 0xef || c == 0xff || c == 0xfe || c == 0 || c == 0x1f): // a byte order mark, UTF-16, gzip
			return true
		default:
			return c == '<'
		}
	}
	return false
}

// keptBody is as much of a body as is kept.
type keptBody struct {
	body  []byte
	whole bool
}

// takeBody reads the request's body, up to the limit, and puts one back that
// gives the same bytes: from memory, and able to be sent again on another
// connection if it is whole; else what was read and then the rest.
func (r *recording) takeBody(req *http.Request) (keptBody, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return keptBody{whole: true}, nil
	}
	limit := r.options.MaxBody
	body, err := readUpTo(req.Body, limit+1, req.ContentLength)
	if err != nil {
		return keptBody{}, err
	}
	if int64(len(body)) > limit {
		req.Body = readCloser{io.MultiReader(bytes.NewReader(body), req.Body), req.Body}
		return keptBody{body: body[:limit]}, nil
	}
	first := &wholeBody{Closer: req.Body}
	first.Reset(body)
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body = first
	return keptBody{body, true}, nil
}

// wholeBody is a body in memory.
type wholeBody struct {
	bytes.Reader
	io.Closer
}

// readUpTo reads at most limit bytes. stated is how many there should be; -1 if
// that is not known.
func readUpTo(r io.Reader, limit, stated int64) ([]byte, error) {
	// One byte more than there should be, so that the end is found without growing.
	b := make([]byte, 0, max(min(stated, limit, maxAhead)+1, bytes.MinRead))
	for int64(len(b)) < limit {
		n, err := r.Read(b[len(b):min(int64(cap(b)), limit)])
		b = b[:len(b)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(b) == cap(b) {
			b = slices.Grow(b, len(b))
		}
	}
	return b, nil
}

// maxAhead bounds what is allocated because a length was stated, before the
// bytes are there.
const maxAhead = 1 << 20

type readCloser struct {
	io.Reader
	io.Closer
}

// exchange is one that is being kept.
type exchange struct {
	*recording
	request  *http.Request
	body     keptBody
	arrived  time.Time
	response *http.Response
	facts    Facts

	requestHeader, responseHeader http.Header // redacted copies
	requestErr                    error       // why the request is not a SOAP envelope
	unread                        bool        // the request could not be read to its end
	maybeSOAP                     bool        // ... and what there is of it does not rule out SOAP

	tee teeBody // the response's body, unless it has none
}

// keep decides whether the exchange belongs on the tape and appends it. note
// says why the response's body is not whole; "" if it is.
func (x *exchange) keep(respBody []byte, whole bool, note string) error {
	began := time.Now()
	verdict, reason, err := x.toTape(respBody, whole, note)
	x.facts.Tape += time.Since(began)
	x.tell(x.request, &x.facts, verdict, reason)
	return err
}

func (x *exchange) toTape(respBody []byte, whole bool, note string) (v Verdict, reason string, err error) {
	i, response := x.interaction(respBody, whole, note)
	x.facts.Operation, x.facts.Call, x.facts.Fault = i.Umtape.Operation, i.Umtape.Call, response.fault
	if !x.wanted(i, response.soap) {
		x.stats.passed()
		return Passed, "", nil
	}
	now := true
	if !x.options.KeepAuthLegs {
		var before []*Interaction
		before, now = x.legs.fold(i)
		for _, k := range before {
			if err := x.append(k, isFault(k)); err != nil {
				return lost(err)
			}
		}
	}
	if !now {
		return Challenged, "", nil
	}
	if err := x.append(i, x.facts.Fault != ""); err != nil {
		return lost(err)
	}
	x.facts.File, x.facts.Interaction = x.tape.Path(), x.name+strconv.Itoa(i.ID)
	return Recorded, x.remark(i), nil
}

func lost(err error) (v Verdict, reason string, wrapped error) {
	return Lost, "sent and answered, but not recorded: " + err.Error(), fmt.Errorf("recording the exchange: %w", err)
}

// append puts an interaction on tape.
func (r *Recorder) append(i *Interaction, fault bool) error {
	if err := r.tape.Append(i); err != nil {
		r.stats.lost()
		return err
	}
	r.stats.kept(i, fault)
	return nil
}

// remark is what a reader of the cassette will stumble over.
func (x *exchange) remark(i *Interaction) string {
	var said []string
	if part := i.Umtape.Truncated; part != "" {
		if part == "both" {
			part = "request and response"
		}
		said = append(said, fmt.Sprintf("the %s kept is not whole: %s", part, cmp.Or(i.Umtape.Note, longBody)))
	}
	if x.requestErr != nil && x.body.whole && (!x.options.All || inspect.ClaimsSOAP(x.request.Header)) && !inspect.AsksForDescription(x.request.Method, x.request.URL) {
		said = append(said, fmt.Sprintf("kept, but the request is not a SOAP envelope: %v", x.requestErr))
	}
	return strings.Join(said, "; ")
}

// asks is the operation of a request that got no answer, "" if there is none.
func (x *exchange) asks() string {
	sent := plainText(x.body.body, x.body.whole, x.request.Header, x.options.MaxBody)
	request, _ := inspect.ParseBody(x.request.Header, sent.text)
	return request.Operation()
}

func (x *exchange) wanted(i *Interaction, soapAnswer bool) bool {
	if inspect.AsksForDescription(x.request.Method, x.request.URL) {
		return true // whatever the answer: in a replay the client has to get the same
	}
	names := x.options.Operations
	if len(names) == 0 {
		return x.options.All || i.Umtape.Operation != "" || soapAnswer || inspect.ClaimsSOAP(x.requestHeader) || x.maybeSOAP
	}
	if i.Umtape.Operation != "" || !x.unread {
		return slices.Contains(names, i.Umtape.Operation)
	}
	// Too long to be read: the SOAPAction may tell. If it does not, the
	// exchange is kept, rather than one that was asked for be lost.
	action, ok := inspect.SOAPAction(x.requestHeader)
	return !ok || action == "" || slices.Contains(names, action[strings.LastIndexAny(action, "/#:")+1:])
}

// looksSOAP reports whether what there is of a body begins as an envelope does.
func looksSOAP(start []byte) bool {
	return bytes.Contains(start[:min(len(start), 4096)], []byte("Envelope"))
}

// tapeFailure is the answer to a request that was not sent because it could not
// have been kept.
func tapeFailure(req *http.Request, err error) *http.Response {
	return refusal(req, http.StatusServiceUnavailable, fmt.Sprintf("umtape did not send this request, because it cannot record it: %v", err), "")
}
