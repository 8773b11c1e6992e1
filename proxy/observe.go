package proxy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// Exchange is what the wire can tell of one exchange that has ended: nothing of
// a body, of a header but Host, or of a query.
type Exchange struct {
	Conn          uint64         // number of the client connection, from 1; a tunnel has that of the connection it is in
	Client        netip.AddrPort // where the client connection comes from; zero if it is no TCP connection
	Way           Way            // how the request came in
	Method        string         // as sent
	Status        int            // that the client got; 0 if it got none
	Outcome       Outcome        // how it ended
	Reason        string         // why, for outcomes other than Answered; quotes nothing that was sent but an address
	Stack         string         // of the goroutine, for Panicked
	RequestBytes  int64          // of the request's body read from the client, without chunks' framing
	ResponseBytes int64          // of the answer's body given to the client, likewise
	Began         time.Time      // when the request's header had been read
	Took          time.Duration  // from then until the answer had been given to the client, or was given up
	Note          any            // what the transport left with [Note]; nil if nothing

	request *http.Request
	secure  bool // the client spoke TLS
	asking  bool // Refused, as every client is that waits to be asked for its password
}

// Way is how a request came in.
type Way string

const (
	WayProxy   Way = "proxy"   // the client uses umtape as its proxy, for http
	WayConnect Way = "connect" // ... inside a tunnel, or asking for one
	WayReverse Way = "reverse" // the client takes umtape for the server of Config.Reverse
	WayOrigin  Way = "origin"  // the client takes umtape for a server, without Config.Reverse
)

// Outcome is how an exchange ended.
type Outcome string

const (
	Answered Outcome = "answered" // the client was given the transport's whole answer
	Refused  Outcome = "refused"  // we answered, since the request is not fit to be sent
	Failed   Outcome = "failed"   // we answered, since the transport had no answer
	Broken   Outcome = "broken"   // the transport's answer broke off, and so did the client's
	Gone     Outcome = "gone"     // the client, or we at our end, broke the exchange off
	Panicked Outcome = "panicked" // a fault of ours, or the transport's
)

// Outcomes lists every Outcome.
var Outcomes = []Outcome{Answered, Refused, Failed, Broken, Gone, Panicked}

// URL is scheme, host and path of the request, as far as it names them, where it
// goes; of a CONNECT the target. The path is as it was written. User, query, fragment and path parameters are left out, for
// they can be credentials.
func (e Exchange) URL() string {
	r := e.request
	if r == nil {
		return "" // not of a Server
	}
	if r.Method == http.MethodConnect {
		return r.URL.Host
	}
	scheme := r.URL.Scheme
	switch {
	case scheme != "":
	case e.secure:
		scheme = "https"
	default:
		scheme = "http"
	}
	host := cmp.Or(r.URL.Host, r.Host)
	return scheme + "://" + host[strings.LastIndexByte(host, '@')+1:] + withoutParameters(rawPath(r.URL))
}

// Host is the name or address of the server that the request goes to, as far as it
// names one, without the port.
func (e Exchange) Host() string {
	if e.request == nil {
		return ""
	}
	if host := e.request.URL.Hostname(); host != "" {
		return host
	}
	return (&url.URL{Host: e.request.Host}).Hostname()
}

// Asks reports whether the request's query has a parameter of this name, in
// whatever case.
func (e Exchange) Asks(name string) bool {
	if e.request == nil {
		return false
	}
	for part := range strings.SplitSeq(e.request.URL.RawQuery, "&") {
		if key, _, _ := strings.Cut(part, "="); strings.EqualFold(key, name) {
			return true
		}
	}
	return false

}

// withoutParameters drops from each segment of a path what follows a semicolon,
// such as a session's id.
func withoutParameters(path string) string {
	if !strings.Contains(path, ";") {
		return path
	}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		segments[i], _, _ = strings.Cut(s, ";")
	}
	return strings.Join(segments, "/")
}

// Level is how much an exchange deserves notice: Info, Warn if the client did
// not get the server's answer through no fault of its own, Error if the fault is
// ours.
func (e Exchange) Level() slog.Level {
	switch {
	case e.Outcome == Answered, e.Outcome == Gone, e.asking:
		return slog.LevelInfo
	case e.Outcome == Panicked:
		return slog.LevelError
	}
	return slog.LevelWarn
}

// Note leaves a value with the exchange that ctx belongs to, for [Exchange].Note;
// a later one takes its place. It is for a transport's RoundTrip, with the context
// of its request, and for Read and Close of the body it answers with; elsewhere,
// and with any other context, it must not be called or does nothing.
func Note(ctx context.Context, value any) {
	if c := connOf(ctx); c != nil && c.current != nil {
		c.current.note = value
	}
}

// tell is called once for each exchange, at its end.
func (x *exchange) tell() {
	config := &x.conn.server.config
	e := Exchange{
		Conn: x.conn.number, Client: clientAddr(x.conn.RemoteAddr()), Way: x.way, Method: x.request.Method, Status: x.status, Outcome: x.outcome, Reason: x.reason, Stack: x.stack,
		ResponseBytes: x.bytes, Began: x.began, Took: time.Since(x.began), Note: x.note, request: x.request, secure: x.conn.secure, asking: x.asking,
	}
	if x.body != nil {
		e.RequestBytes = x.body.bytes.Load()
	} else if _, whole := x.request.Body.(memoryBody); whole {
		e.RequestBytes = x.request.ContentLength
	}
	if e.Outcome == "" {
		e.Outcome, e.Reason = x.ended()
	}
	if e.Method == http.MethodHead {
		e.ResponseBytes = 0 // net/http takes a body and sends none
	}
	if e.Outcome == Gone && x.ours {
		e.Status, e.ResponseBytes = 0, 0 // written to nobody
	}
	if config.OnExchange != nil {
		config.OnExchange(e)
		return
	}
	e.log(config.Logger)
}

// ended tells how an exchange ended that was neither refused nor without answer.
func (x *exchange) ended() (Outcome, string) {
	switch gone := x.request.Context().Err() != nil; {
	case x.bodyErr != nil && x.body.broken() != nil:
		return Gone, "the client's request broke off, and so the answer does"
	case x.bodyErr != nil && gone:
		return Gone, x.whyGone()
	case x.bodyErr != nil:
		return Broken, "the server's answer broke off, and so the client's does: " + ownWords(x.bodyErr)
	case x.clientErr != nil:
		return Gone, "the client went away before it had its answer"
	case x.aborted && gone:
		return Gone, x.whyGone()
	case x.aborted:
		return Broken, "the transport cut the connection"
	}
	return Answered, ""
}

func (x *exchange) whyGone() string {
	if x.conn.server.ctx.Err() != nil {
		return "umtape ended before the exchange did"
	}
	return "the client went away before the server answered"
}

// panicked notes a panic. Its text could quote an exchange, unless it is the
// runtime's.
func (x *exchange) panicked(p any) {
	what := fmt.Sprintf("%T", p)
	if err, ok := p.(runtime.Error); ok {
		what = err.Error()
	}
	x.outcome, x.reason, x.stack = Panicked, "panic while answering a request: "+what, string(debug.Stack())
}

func isAbort(p any) bool {
	err, ok := p.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

// log is what becomes of an exchange that nobody else is told of.
func (e Exchange) log(log *slog.Logger) {
	ctx, level := context.Background(), e.Level()
	if level == slog.LevelInfo {
		level = slog.LevelDebug // nobody has asked for it
	}
	if !log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.Uint64("conn", e.Conn), slog.String("way", string(e.Way)), slog.String("method", e.Method), slog.String("url", e.URL()),
		slog.Int("status", e.Status), slog.String("outcome", string(e.Outcome)),
		slog.Int64("request_bytes", e.RequestBytes), slog.Int64("response_bytes", e.ResponseBytes), slog.Duration("took", e.Took),
	}
	if e.Reason != "" {
		attrs = append(attrs, slog.String("reason", e.Reason))
	}
	if e.Stack != "" {
		attrs = append(attrs, slog.String("stack", e.Stack))
	}
	log.LogAttrs(ctx, level, "exchange", attrs...)
}

// Stats are counts of a [Server].
type Stats struct {
	Connections int    // client connections that are open
	Accepted    uint64 // client connections since the start
	Silent      uint64 // of these, those that the client ended after its TLS handshake and before a request
}

// Stats may be called at any time.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{Connections: s.open, Accepted: s.accepted, Silent: s.silent.Load()}
}

// Minted is how many certificates for hosts the authority has made since it was
// loaded.
func (ca *CA) Minted() uint64 { return ca.count.Load() }
