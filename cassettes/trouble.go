package cassettes

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/umtape/umtape/inspect"
)

// A Trouble is what goes wrong in a replay because somebody wants to see what the
// client makes of it.
type Trouble struct {
	text      string
	operation string // "" for every request
	kind      troubleKind
	delay     time.Duration
	status    int
	fault     string

	from, to int     // of the requests it is for, counted from 1; to is 0 for no end
	chance   float64 // instead of from and to, if not 0
}

type troubleKind int

const (
	troubleDelay  troubleKind = iota
	troubleDrop               // the connection is closed, without an answer
	troubleReset              // the same, by RST
	troubleCut                // the connection ends in the middle of the answer's body
	troubleStatus             // an answer of that status, as of something between client and server
	troubleFault              // a SOAP fault of the profile
)

// ParseTrouble reads [OPERATION:]KIND[@WHEN]. KIND is delay=2s; drop, the connection
// is closed instead of an answer; reset, the same by RST; cut, it ends half-way through
// the answer; a status from 400 to 599; or the name of a fault, which fault knows. WHEN
// is 3 for the third request, 2-4, 5+ for the fifth and all that follow, or 10% for one
// in ten by chance; without it every one. Requests are counted for each Trouble, those
// of its operation if it has one.
func ParseTrouble(text string, fault func(name string) bool) (*Trouble, error) {
	t := &Trouble{text: text, from: 1}
	kind := text
	if operation, rest, found := strings.Cut(kind, ":"); found {
		t.operation, kind = operation, rest
		if operation == "" {
			return nil, errors.New("there is no operation before the colon, as in Disconnect:503")
		}
	}
	kind, when, found := strings.Cut(kind, "@")
	if found {
		if err := t.parseWhen(when); err != nil {
			return nil, err
		}
	}
	delay, delays := strings.CutPrefix(kind, "delay=")
	status, err := strconv.Atoi(kind)
	switch {
	case delays:
		if t.delay, err = time.ParseDuration(delay); err != nil || t.delay <= 0 {
			return nil, fmt.Errorf("%q is no time such as 500ms or 2s", delay)
		}
	case kind == "drop":
		t.kind = troubleDrop
	case kind == "reset":
		t.kind = troubleReset
	case kind == "cut":
		t.kind = troubleCut
	case err == nil:
		if t.kind, t.status = troubleStatus, status; status < 400 || status > 599 {
			return nil, fmt.Errorf("%d is no status of an error, from 400 to 599", status)
		}
	case fault != nil && fault(kind):
		t.kind, t.fault = troubleFault, kind
	default:
		return nil, fmt.Errorf("%q is none of delay=TIME, drop, reset, cut, a status such as 503, and a fault that the service knows", kind)
	}
	return t, nil
}

func (t *Trouble) parseWhen(when string) error {
	bad := fmt.Errorf("%q is none of 3, 2-4, 5+ and 10%%", when)
	if percent, ok := strings.CutSuffix(when, "%"); ok {
		p, err := strconv.ParseFloat(percent, 64)
		if err != nil || !(p > 0 && p <= 100) {
			return bad
		}
		t.chance = p / 100
		return nil
	}
	number := func(s string) (n int) {
		if n, err := strconv.Atoi(s); err == nil && n > 0 {
			return n
		}
		return 0
	}
	if from, ok := strings.CutSuffix(when, "+"); ok {
		t.from, t.to = number(from), 0
	} else if from, to, ok := strings.Cut(when, "-"); ok {
		if t.from, t.to = number(from), number(to); t.to < t.from {
			return bad
		}
	} else {
		t.from = number(when)
		t.to = t.from
	}
	if t.from == 0 {
		return bad
	}
	return nil
}

// String returns the Trouble as it was written.
func (t *Trouble) String() string { return t.text }

// ByChance reports whether nobody knows when it comes.
func (t *Trouble) ByChance() bool { return t.chance > 0 }

// troubles counts requests for each Trouble.
type troubles struct {
	list []*Trouble

	mu     sync.Mutex // guards what follows
	counts []int      // requests, by Trouble
	random *rand.Rand
}

func newTroubles(list []*Trouble, seed uint64) *troubles {
	return &troubles{list: list, counts: make([]int, len(list)), random: rand.New(rand.NewPCG(seed, seed))}
}

// next returns what is to become of a request: the delays together, and the first of
// all other Troubles, nil for none.
func (x *troubles) next(operation string) (delay time.Duration, t *Trouble) {
	if len(x.list) == 0 {
		return 0, nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for n, candidate := range x.list {
		if candidate.operation != "" && candidate.operation != operation {
			continue
		}
		x.counts[n]++
		count := x.counts[n]
		now := count >= candidate.from && (candidate.to == 0 || count <= candidate.to)
		if candidate.ByChance() {
			now = x.random.Float64() < candidate.chance
		}
		switch {
		case !now:
		case candidate.kind == troubleDelay:
			delay += candidate.delay
		case t == nil:
			t = candidate
		}
	}
	return delay, t
}

// troubled is the outcome of a request that is not answered from the cassettes.
func (p *Player) troubled(req *http.Request, began time.Time, q question, t *Trouble) (*http.Response, error) {
	p.mu.Lock()
	p.report.Troubled++
	p.mu.Unlock()
	facts := Facts{Verdict: Troubled, Operation: q.operation, Reason: "on demand: " + t.text}
	var resp *http.Response
	var err error
	switch t.kind {
	case troubleDrop:
		err = fmt.Errorf("dropped on demand: %w", http.ErrAbortHandler)
	case troubleReset:
		err = fmt.Errorf("reset on demand: %w", errors.Join(http.ErrAbortHandler, syscall.ECONNRESET))
	case troubleStatus:
		// Whoever answers so is between client and server, and knows no SOAP.
		resp = ownAnswer(req, t.status, "text/plain; charset=utf-8", []byte(http.StatusText(t.status)+"\n"))
	case troubleFault:
		version := max(q.key.version, inspect.SOAP11)
		resp = ownAnswer(req, http.StatusInternalServerError, version.ContentType(), p.options.Fault(t.fault, version))
		facts.Fault = t.fault
	}
	if resp != nil {
		resp.Header.Set(HeaderNote, facts.Reason)
	}
	p.tell(req, began, facts)
	return resp, err
}

// halve makes an answer end in the middle of its body.
func halve(resp *http.Response) {
	resp.Body = readCloser{io.MultiReader(io.LimitReader(resp.Body, resp.ContentLength/2), broken{}), resp.Body}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("cut on demand") }

// Latency is how long answers of a replay take.
type Latency struct {
	fixed  time.Duration
	factor float64 // of the time that the server took
}

// ParseLatency reads "recorded", as long as the server took; "x0.5" or "×0.5", that
// many times as long; or a time such as "50ms".
func ParseLatency(s string) (Latency, error) {
	if s == "recorded" {
		return Latency{factor: 1}, nil
	}
	for _, times := range []string{"x", "×"} {
		if factor, ok := strings.CutPrefix(s, times); ok {
			f, err := strconv.ParseFloat(factor, 64)
			if err != nil || !(f >= 0 && f <= 1000) {
				return Latency{}, fmt.Errorf("%q is no number from 0 to 1000", factor)
			}
			return Latency{factor: f}, nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return Latency{}, fmt.Errorf("%q is none of recorded, x0.5 and a time such as 50ms", s)
	}
	return Latency{fixed: d}, nil
}

// wait takes as long as an answer should, which took the server so long.
func (p *Player) wait(req *http.Request, delay, took time.Duration) {
	l := p.options.Latency
	delay += l.fixed + time.Duration(l.factor*float64(max(took, 0)))
	if delay <= 0 {
		return
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-req.Context().Done():
	}
}
