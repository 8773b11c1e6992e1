package cassettes

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
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
	// Match says which requests are the same; as the reels were opened.
	Match Matching

	// Base is put before the path of a request whose client named no host. It
	// is the path of the URL that a recording was passed on to, such as
	// "/UnifiedMessaging"; no slash at its end.
	Base string

	// Repeat says what answers a request that comes more often than it was
	// recorded.
	Repeat Repeat

	// Latency is how long answers take; the zero value is no time.
	Latency Latency

	// Troubles go wrong on demand. Of those that come by chance the same come with
	// the same Seed, if requests come in the same order.
	Troubles []*Trouble
	Seed     uint64

	// Fault writes a fault of the service, for Troubles that name one.
	Fault func(name string, v inspect.Version) []byte

	// OnExchange, if not nil, is told of each exchange.
	OnExchange OnExchange

	// OnMiss, if not nil, is told of each miss before it is answered. It may be called
	// by several goroutines at once.
	OnMiss func(MissReport)

	// KeepMissed has Facts of a miss hold the request.
	KeepMissed bool

	// Logger gets one line for each miss, if OnExchange is nil. If nil, nothing is
	// logged.
	Logger *slog.Logger
}

// A Player answers requests from cassettes. It is an http.RoundTripper that
// opens no connection. Its methods may be called by several goroutines at once.
type Player struct {
	options  PlayOptions
	library  atomic.Pointer[library]
	troubles *troubles
	memo     *memo

	mu     sync.Mutex // guards report and uses
	report Played
	uses   uses
}

// Played counts what a [Player] has answered.
type Played struct {
	Answered int         // requests answered from a cassette
	Repeated int         // of those, the ones that an interaction answered which had answered before
	Missed   int         // requests that nothing answered
	Troubled int         // requests that came to nothing on demand
	Misses   []MissCount // why, each reason once, in their order; the first maxMisses
	Unused   []string    // interactions that answered nothing, as FILE#ID; not the challenges before an answer
}

// maxMisses bounds of how many misses Played tells; Uses tells of more.
const maxMisses = 20

// NewPlayer returns a player of these cassettes, in their order.
func NewPlayer(options PlayOptions, tapes ...*Cassette) *Player {
	reels, paths := make([]*Reel, len(tapes)), make([]string, len(tapes))
	for n, t := range tapes {
		reels[n], paths[n] = hold(t, options.Match), t.Path
	}
	for n, name := range Names(paths) {
		reels[n].prefix = name + "#"
	}
	return PlayReels(options, reels...)
}

// PlayReels returns a player of opened cassettes, in their order. It reads from
// them until nobody uses it any more.
func PlayReels(options PlayOptions, reels ...*Reel) *Player {
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	p := &Player{options: options, troubles: newTroubles(options.Troubles, options.Seed)}
	l := newLibrary(options.Repeat, reels)
	p.library.Store(l)
	p.memo = newMemo(l.marks.len)
	return p
}

// Replace has requests from now on answered from these reels; those under way are
// answered from what was there before. An interaction that is in both, unchanged and
// in a cassette of the same path, counts as what it has answered so far. Of reels
// that are not among the new ones the files are closed when nobody reads from them
// any more.
func (p *Player) Replace(reels ...*Reel) {
	l := newLibrary(p.options.Repeat, reels)
	l.inherit(p.library.Load())
	p.library.Store(l)
}

// Played returns what has been answered so far.
func (p *Player) Played() Played {
	p.mu.Lock()
	played := p.report
	played.Misses = slices.Clone(p.uses.misses[:min(len(p.uses.misses), maxMisses)])
	p.mu.Unlock()
	l := p.library.Load()
	for n, times := range l.index.uses() {
		if times == 0 && l.marks.at(n).flags&markChallenge == 0 {
			played.Unused = append(played.Unused, l.name(n))
		}
	}
	return played
}

// RoundTrip answers one request from the cassettes. A request whose URL has no
// host came from a client that named none, and is matched without. A miss is an
// answer too: see [Miss]. The only errors are those of reading the request.
func (p *Player) RoundTrip(req *http.Request) (*http.Response, error) {
	defer closeBody(req)
	limit := p.options.Match.maxBody()
	body, over, err := readBounded(req.Body, req.ContentLength, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the client's request: %w", err)
	}
	return p.answer(req, body, over, nil)
}

// answer answers a request, of whose body so much has been read; over says that there
// was more. What nothing answers is a miss, or up to otherwise if that is not nil.
func (p *Player) answer(req *http.Request, body []byte, over bool, otherwise func() (*http.Response, error)) (*http.Response, error) {
	limit := p.options.Match.maxBody()
	began := time.Now()
	if over && otherwise != nil {
		return otherwise()
	}
	if over {
		return p.miss(req, nil, began, "", Miss{Operation: req.Method, Reason: fmt.Sprintf("its body is longer than the %d bytes that are read for matching", limit)}), nil
	}
	q := p.question(req, body)
	delay, trouble := p.troubles.next(q.operation)
	if trouble != nil && trouble.kind != troubleCut {
		p.wait(req, delay, 0)
		return p.troubled(req, began, q, trouble)
	}
	l := p.library.Load()
	found, ok := l.index.take(q.key, q.anyHost)
	var i *Interaction
	var shared *sharedAnswer // of i, if it answers as it is
	var note string
	var err error
	if ok {
		if shared, err = l.answer(found.n); err == nil {
			i = shared.interaction
		}
		if err == nil && l.stands != nil {
			if i = p.ownPseudonyms(l, found.n, i, q.sent()); i != shared.interaction {
				shared = nil
			}
		}
	} else if i, found, err = p.takeStandIn(l, q, found); i != nil {
		note = "recorded under pseudonyms, with your values put in"
	} else if i, note, err = p.takeAny(l, q, &found, err); i != nil {
		found.again = l.index.count(found.n)
	} else if err == nil {
		p.wait(req, delay, 0)
		if otherwise != nil {
			return otherwise()
		}
		return p.miss(req, p.requested(req, body, began), began, q.operation, p.explain(l, q.read(), found)), nil
	}
	name := l.name(found.n)
	if err == nil {
		err = i.playable(name)
	}
	if err != nil && otherwise != nil {
		return otherwise()
	}
	if err != nil {
		return p.miss(req, p.requested(req, body, began), began, q.operation, Miss{Operation: q.read().operation(), Nearest: name, file: l.path(found.n), Reason: err.Error()}), nil
	}
	p.mu.Lock()
	p.report.Answered++
	if found.again {
		p.report.Repeated++
	}
	p.mu.Unlock()
	resp := shared.response(req)
	if resp == nil {
		resp = i.response(req, name)
	}
	var reasons []string
	if trouble != nil {
		reasons = append(reasons, "on demand: "+trouble.text)
		halve(resp)
	}
	if ok && found.like == sameFolded {
		reasons = append(reasons, "matched only because https:// spellings of Microsoft's namespaces count as http://; a real server refuses them")
	}
	reason := strings.Join(reasons, "; ")
	if note != "" {
		reasons = append([]string{note}, reasons...)
	}
	if len(reasons) > 0 {
		resp.Header.Set(HeaderNote, strings.Join(reasons, "; "))
	}
	if p.options.OnExchange != nil || reason != "" {
		fault := ""
		if p.options.OnExchange != nil { // or nobody wants to know
			fault = shared.faultOf(i, p.options.Match.maxBody())
		}
		p.tell(req, began, Facts{Verdict: Replayed, Operation: q.operation, Call: i.Umtape.Call, Fault: fault, File: l.path(found.n), Interaction: name, Reason: reason})
	}
	p.wait(req, delay, i.Response.Duration)
	return resp, nil
}

func (p *Player) tell(req *http.Request, began time.Time, f Facts) {
	f.Tape = time.Since(began)
	f.tell(req.Context(), p.options.OnExchange, p.options.Logger)
}

// requestURL is u as cassettes keep it, "" for scheme and host if the client
// named no host.
func (p *Player) requestURL(u *url.URL) string {
	if u.Host == "" {
		return p.options.Base + u.RequestURI()
	}
	return u.String()
}

// readBounded reads a body of at most limit bytes, of which length are announced;
// negative if none are. Of a longer one the rest is read and dropped, since a client
// that is still sending may not listen.
func readBounded(body io.ReadCloser, length, limit int64) (read []byte, over bool, err error) {
	if body == nil || body == http.NoBody {
		return nil, false, nil
	}
	// No more room is made for what has only been announced.
	read = make([]byte, 0, min(max(length, 0), 32<<10)+1)
	for err == nil && int64(len(read)) <= limit {
		if len(read) == cap(read) {
			read = slices.Grow(read, 512)
		}
		var n int
		n, err = body.Read(read[len(read):cap(read)])
		read = read[:len(read)+n]
	}
	if err == io.EOF {
		err = nil
	}
	if err == nil && int64(len(read)) > limit {
		_, err = io.Copy(io.Discard, body)
		return nil, true, err
	}
	return read, false, err
}

// playable returns why an interaction cannot answer, or nil.
func (i *Interaction) playable(name string) error {
	switch i.Umtape.Truncated {
	case "response", "both":
		return fmt.Errorf("%s would answer, but its response was not recorded whole; record it again", name)
	}
	return nil
}

func bodyAllowed(method string, status int) bool {
	return method != http.MethodHead && status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// CloseIdleConnections does nothing; a player has no connections.
func (p *Player) CloseIdleConnections() {}

var _ http.RoundTripper = (*Player)(nil)
