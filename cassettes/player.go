package cassettes

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/umtape/umtape/inspect"
)

// The headers that a [Player] adds to what it answers, one or the other.
const (
	HeaderInteraction = "Umtape-Interaction" // FILE#ID of the interaction that answered
	HeaderMiss        = "Umtape-Miss"        // why none did
	HeaderNote        = "Umtape-Note"        // beside HeaderInteraction: what to mind about the match
)

// PlayOptions say how requests are answered. The zero value works.
type PlayOptions struct {
	// MaxBody is the longest request body that is read for matching, in bytes;
	// DefaultMaxBody if zero.
	MaxBody int64

	// Base is put before the path of a request whose client named no host. It
	// is the path of the URL that a recording was passed on to, such as
	// "/UnifiedMessaging"; no slash at its end.
	Base string

	// OnExchange, if not nil, is told of each exchange.
	OnExchange OnExchange

	// Logger gets one line for each miss, if OnExchange is nil. If nil, nothing is
	// logged.
	Logger *slog.Logger
}

// A Player answers requests from cassettes. It is an http.RoundTripper that
// opens no connection. Its methods may be called by several goroutines at once.
type Player struct {
	options  PlayOptions
	recorded []recorded
	index    *index
	faults   []atomic.Pointer[string] // Facts.Fault of recorded, found when first asked for

	mu     sync.Mutex // guards report
	report Played
}

// recorded is one interaction with the name it answers under.
type recorded struct {
	*Interaction
	name      string // FILE#ID
	operation string
}

// Played counts what a [Player] has answered.
type Played struct {
	Answered int      // requests answered from a cassette
	Missed   int      // requests that nothing answered
	Misses   []Miss   // why, each reason once, in their order; the first maxMisses
	Unused   []string // interactions that answered nothing, as FILE#ID; not the challenges before an answer
}

// maxMisses bounds how many misses are remembered.
const maxMisses = 20

// missed counts a miss. p.mu is held.
func (p *Played) missed(m Miss) {
	p.Missed++
	same := func(o Miss) bool { return o.Operation == m.Operation && o.Reason == m.Reason }
	if len(p.Misses) < maxMisses && !slices.ContainsFunc(p.Misses, same) {
		p.Misses = append(p.Misses, m)
	}
}

// NewPlayer returns a player of these cassettes, in their order.
func NewPlayer(options PlayOptions, tapes ...*Cassette) *Player {
	if options.MaxBody <= 0 {
		options.MaxBody = DefaultMaxBody
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	p := &Player{options: options}
	for _, t := range tapes {
		prefix := interactionPrefix(t.Path)
		for _, i := range t.Interactions {
			p.recorded = append(p.recorded, recorded{Interaction: i, name: prefix + strconv.Itoa(i.ID)})
		}
	}
	p.index = newIndex(len(p.recorded))
	if options.OnExchange != nil {
		p.faults = make([]atomic.Pointer[string], len(p.recorded))
	}
	weak := make([]bool, len(p.recorded))
	for n := range p.recorded {
		r := &p.recorded[n]
		a := p.asked(*r)
		r.operation = a.operation()
		weak[n] = r.challenge() || r.playable() != nil
		if t := r.Umtape.Truncated; t != "request" && t != "both" { // half a request answers none
			p.index.add(n, a)
		}
	}
	p.index.prefer(weak)
	return p
}

// asked reads a recorded request for matching. Redaction is applied again: it
// changes nothing in a cassette of ours, and makes those of others match.
func (p *Player) asked(r recorded) asked {
	h := canonicalHeader(r.Request.Headers)
	body := asUnderstood([]byte(r.Request.Body), h, p.options.MaxBody)
	return ask(r.Request.Method, redactURL(r.Request.URL), h, redactBody(body, h))
}

// challenge reports whether the answer is a leg of authentication, which a
// replay does without (PROTOCOL.md, section 4.5).
func (r recorded) challenge() bool {
	return r.Response.Code == http.StatusUnauthorized || r.Response.Code == http.StatusProxyAuthRequired
}

// Played returns what has been answered so far.
func (p *Player) Played() Played {
	p.mu.Lock()
	played := p.report
	played.Misses = slices.Clone(played.Misses)
	p.mu.Unlock()
	for _, n := range p.index.unused() {
		if r := p.recorded[n]; !r.challenge() {
			played.Unused = append(played.Unused, r.name)
		}
	}
	return played
}

// RoundTrip answers one request from the cassettes. A request whose URL has no
// host came from a client that named none, and is matched without. A miss is an
// answer too: see [Miss]. The only errors are those of reading the request.
func (p *Player) RoundTrip(req *http.Request) (*http.Response, error) {
	defer closeBody(req)
	body, over, err := readBounded(req.Body, p.options.MaxBody)
	if err != nil {
		return nil, fmt.Errorf("reading the client's request: %w", err)
	}
	began := time.Now()
	if over {
		return p.miss(req, began, "", Miss{Operation: req.Method, Reason: fmt.Sprintf("its body is longer than the %d bytes that are read for matching", p.options.MaxBody)}), nil
	}
	h := canonicalHeader(req.Header)
	body = redactBody(asUnderstood(body, h, p.options.MaxBody), h)
	a := ask(req.Method, redactURL(p.requestURL(req.URL)), h, body)
	n, like, ok := p.index.take(a)
	if !ok {
		return p.miss(req, began, a.message.Operation(), p.explain(a)), nil
	}
	r := p.recorded[n]
	if err := r.playable(); err != nil {
		return p.miss(req, began, a.message.Operation(), Miss{Operation: a.operation(), Nearest: r.name, Reason: err.Error()}), nil
	}
	p.mu.Lock()
	p.report.Answered++
	p.mu.Unlock()
	resp := r.response(req)
	note := ""
	if like == sameFolded {
		note = "matched only because https:// spellings of Microsoft's namespaces count as http://; a real server refuses them"
		resp.Header.Set(HeaderNote, note)
	}
	if p.options.OnExchange != nil || note != "" {
		p.tell(req, began, Facts{Verdict: Replayed, Operation: a.message.Operation(), Call: r.Umtape.Call, Fault: p.faultOf(n), Interaction: r.name, Reason: note})
	}
	return resp, nil
}

func (p *Player) tell(req *http.Request, began time.Time, f Facts) {
	f.Tape = time.Since(began)
	f.tell(req.Context(), p.options.OnExchange, p.options.Logger)
}

// faultOf is Facts.Fault of the n-th recorded answer.
func (p *Player) faultOf(n int) string {
	if p.faults == nil {
		return "" // nobody wants to know
	}
	if kind := p.faults[n].Load(); kind != nil {
		return *kind
	}
	r := p.recorded[n].Response
	h := canonicalHeader(r.Headers)
	m, _ := inspect.ParseBody(h, asUnderstood([]byte(r.Body), h, p.options.MaxBody))
	kind := faultKind(m)
	p.faults[n].Store(&kind)
	return kind
}

// requestURL is u as cassettes keep it, "" for scheme and host if the client
// named no host.
func (p *Player) requestURL(u *url.URL) string {
	if u.Host == "" {
		return p.options.Base + u.RequestURI()
	}
	return u.String()
}

// readBounded reads a body of at most limit bytes. Of a longer one the rest is
// read and dropped, since a client that is still sending may not listen.
func readBounded(body io.ReadCloser, limit int64) (read []byte, over bool, err error) {
	if body == nil || body == http.NoBody {
		return nil, false, nil
	}
	read, err = io.ReadAll(io.LimitReader(body, limit+1))
	if err == nil && int64(len(read)) > limit {
		_, err = io.Copy(io.Discard, body)
		return nil, true, err
	}
	return read, false, err
}

// playable returns why an interaction cannot answer, or nil.
func (r recorded) playable() error {
	switch r.Umtape.Truncated {
	case "response", "both":
		return fmt.Errorf("%s would answer, but its response was not recorded whole; record it again", r.name)
	}
	return nil
}

// hopHeaders belong to one connection (RFC 9110 §7.6.1) and were the
// recording's.
var hopHeaders = []string{"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Transfer-Encoding", "Upgrade"}

// response builds the answer from copies: cassettes are shared by all requests.
func (r recorded) response(req *http.Request) *http.Response {
	h := canonicalHeader(r.Response.Headers)
	for _, name := range hopHeaders {
		h.Del(name)
	}
	if !r.challenge() {
		dropProof(h)
	}
	h.Set(HeaderInteraction, r.name)
	resp := &http.Response{
		StatusCode: r.Response.Code, Status: r.Response.Status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        h,
		Body:          io.NopCloser(strings.NewReader(r.Response.Body)),
		ContentLength: int64(len(r.Response.Body)),
		Request:       req,
	}
	switch {
	case !bodyAllowed(req.Method, resp.StatusCode):
		// The recorded length is that of the body which GET would have had.
		resp.Body, resp.ContentLength = http.NoBody, 0
		if n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64); err == nil {
			resp.ContentLength = n
		}
	case len(r.Response.Trailer) > 0:
		resp.Trailer = r.Response.Trailer.Clone()
		resp.ContentLength = -1 // trailers travel with chunks
		h.Del("Content-Length")
	default:
		h.Set("Content-Length", fmt.Sprint(len(r.Response.Body)))
	}
	return resp
}

func bodyAllowed(method string, status int) bool {
	return method != http.MethodHead && status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// CloseIdleConnections does nothing; a player has no connections.
func (p *Player) CloseIdleConnections() {}

var _ http.RoundTripper = (*Player)(nil)
