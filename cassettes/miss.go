package cassettes

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/umtape/umtape/inspect"
)

// MissNS is the namespace of the element that describes a miss inside a fault.
const MissNS = "https://github.com/umtape/umtape/miss"

// Miss says why nothing answered a request. It names elements and never quotes
// their text.
type Miss struct {
	Operation   string               `json:"operation"`             // what was asked: the operation, or the method if it is not SOAP
	Reason      string               `json:"reason"`                // one line
	Nearest     string               `json:"nearest,omitempty"`     // the interaction that comes closest, as FILE#ID
	Differences []inspect.Difference `json:"differences,omitempty"` // from the nearest, at most maxDifferences
	Rules       []string             `json:"rules,omitempty"`       // flags of umtape replay, each of which would let the nearest answer

	file     string               // path of the cassette that has Nearest
	all      []inspect.Difference // Differences and those beyond them, at most maxReported
	distance int
}

const (
	maxDifferences = 16

	// maxCompared bounds how many interactions one miss is compared with.
	maxCompared = 200
)

// explain finds the nearest interaction: of the same operation if there is one,
// then at the same path, with the least distance, the earliest of those.
// f.spent says that f.n is equal, and had its turn, as had all that are.
func (p *Player) explain(l *library, a asked, f found) Miss {
	m := Miss{Operation: a.operation()}
	if f.spent {
		m.Nearest, m.file = l.name(f.n), l.path(f.n)
		m.Reason = fmt.Sprintf("it was recorded, as %s, and each answer was given as often as it was recorded (--repeat fail)", m.Nearest)
		return m
	}
	best, nearest, like := -1, nearness{}, asked{}
	var unread error
	for _, sameOperation := range []bool{true, false} {
		for _, n := range l.like(m.Operation, sameOperation) {
			i, err := l.interaction(n)
			if err != nil {
				unread = cmp.Or(unread, err)
				continue
			}
			b := p.options.Match.askedOf(i)
			near := nearness{pathOf(a.target) == pathOf(b.target), a.target == b.target, (a.message != nil) == (b.message != nil), a.distance(b)}
			if best < 0 || near.than(nearest) {
				best, nearest, like = n, near, b
			}
			if nearest.closest() {
				break
			}
		}
		if best >= 0 {
			m.Nearest, m.file = l.name(best), l.path(best)
			m.distance, m.all = nearest.distance, a.differences(like, maxReported)
			m.Differences = m.all[:min(len(m.all), maxDifferences)]
			break
		}
	}
	switch {
	case best < 0 && unread != nil:
		m.Reason = unread.Error()
	case best < 0:
		m.Reason = "the cassette holds no interactions"
	case like.operation() != m.Operation:
		m.Reason = fmt.Sprintf("no %s is recorded; nearest is %s, a %s", m.Operation, m.Nearest, like.operation())
	default:
		m.Reason = fmt.Sprintf("nearest is %s, which differs at %s", m.Nearest, summary(m.Differences))
		if m.Rules = p.rules(l, a, best, m.Differences); len(m.Rules) > 0 {
			m.Reason += fmt.Sprintf("; %s would let it match", strings.Join(m.Rules, " or "))
		}
	}
	// A sender that means XML wants to know what is wrong with it.
	if why := inspect.Why(a.problem); why != nil && why != inspect.ErrEmpty && bytes.HasPrefix(bytes.TrimLeft(a.body, " \t\r\n\xef\xbb\xbf"), []byte("<")) {
		m.Reason = fmt.Sprintf("its body is compared by its bytes, since it is no SOAP envelope (%v); %s", a.problem, m.Reason)
	}
	return m
}

// maxRules is how many places a rule may name; beyond that requests are not alike.
const maxRules = 3

// rules returns the flags by which the n-th interaction would answer a request that
// differs from it there. It changes a.
func (p *Player) rules(l *library, a asked, n int, differences []inspect.Difference) (flags []string) {
	i, err := l.interaction(n)
	if err != nil || len(differences) == 0 || len(differences) > maxDifferences/2 {
		return nil
	}
	var places []inspect.Selector
	text := true
	for _, d := range differences {
		path := positions.ReplaceAllString(d.Path, "")
		if !strings.HasPrefix(path, "Body/") || strings.HasPrefix(d.What, "namespace") {
			return nil
		}
		place, err := inspect.ParseSelector(path)
		if err != nil {
			return nil
		}
		text = text && (d.What == "text differs" || d.What == "value differs")
		if !slices.ContainsFunc(places, func(s inspect.Selector) bool { return s.String() == path }) {
			places = append(places, place)
		}
	}
	if len(places) > maxRules {
		return nil
	}
	b := p.options.Match.askedOf(i)
	a.message.Remove(places)
	b.message.Remove(places)
	if k, other := a.key(), b.key(); k.fold != other.fold || a.host != "" && k.host != other.host {
		return nil
	}
	name := places[0].String()
	if name = name[strings.LastIndexByte(name, '/')+1:]; len(places) == 1 && text && i.Umtape.Truncated == "" && !i.challenge() {
		flags = append(flags, "--any "+name)
	}
	ignore := ""
	for _, s := range places {
		ignore += " --ignore " + s.String()
	}
	if len(places) == 1 && text {
		ignore = " --ignore " + name
	}
	flags = append(flags, ignore[1:])
	if len(strings.Join(flags, "")) > maxSaidReason/2 {
		return nil // nobody would paste that
	}
	return flags
}

// positions are those of elements among their like, in the path of a difference.
var positions = regexp.MustCompile(`\[\d+\]`)

// nearness ranks interactions of one operation.
type nearness struct {
	path, target, kind bool // the same path, the same with its query, both SOAP or both not
	distance           int
}

func (a nearness) than(b nearness) bool {
	switch {
	case a.path != b.path:
		return a.path
	case a.kind != b.kind:
		return a.kind
	case a.target != b.target:
		return a.target
	}
	return a.distance < b.distance
}

// closest reports whether no later one can come nearer, as an equal one would have
// answered.
func (a nearness) closest() bool {
	return a.path && a.target && a.kind && a.distance <= 1
}

func summary(d []inspect.Difference) string {
	if len(d) == 0 {
		return "no element" // cannot be: an equal request would have matched
	}
	s := strings.TrimSuffix(d[0].String(), ": differs") // which is said already
	if n := len(d) - 1; n > 0 {
		s += fmt.Sprintf(" (and %d more)", n)
	}
	return s
}

// miss answers a request that nothing answers: HTTP 500 with a SOAP fault that
// says what was asked for, what came nearest and where that differs; plain text
// for a request that is not SOAP. operation is "" then. kept is for Facts.
func (p *Player) miss(req *http.Request, kept *Interaction, began time.Time, operation string, m Miss) *http.Response {
	p.mu.Lock()
	p.report.Missed++
	p.uses.missed(m)
	p.mu.Unlock()
	report := p.missReport(req, began, m)
	if p.options.OnMiss != nil {
		p.options.OnMiss(report)
	}
	p.tell(req, began, Facts{Verdict: Missed, Operation: operation, File: m.file, Nearest: m.Nearest, Miss: &report, Request: kept, Reason: m.Reason})
	resp := refusal(req, http.StatusInternalServerError, fmt.Sprintf("umtape: no recorded interaction answers this %s: %s", m.Operation, m.Reason), m.detail())
	resp.Header.Set(HeaderMiss, oneLine(inspect.Shorten(m.Reason, maxSaidReason)))
	return resp
}

// requested is a missed request as a recording would keep it; nil if nobody wants it.
func (p *Player) requested(req *http.Request, body []byte, began time.Time) *Interaction {
	if !p.options.KeepMissed {
		return nil
	}
	i := &Interaction{}
	i.Request.Method, i.Request.URL, i.Request.Headers, i.Request.Body = req.Method, p.requestURL(req.URL), req.Header.Clone(), string(body)
	i.Umtape.Arrived = began.UTC()
	return redactKept(i)
}

// detail is the miss as the child of a fault's detail element.
func (m Miss) detail() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<umtape:Miss xmlns:umtape="%s" operation="%s" nearest="%s">`, MissNS, inspect.Escape(m.Operation), inspect.Escape(m.Nearest))
	for _, d := range m.Differences {
		fmt.Fprintf(&b, `<umtape:Difference path="%s">%s</umtape:Difference>`, inspect.Escape(d.Path), inspect.Escape(d.What))
	}
	for _, rule := range m.Rules {
		fmt.Fprintf(&b, `<umtape:Rule>%s</umtape:Rule>`, inspect.Escape(rule))
	}
	b.WriteString(`</umtape:Miss>`)
	return b.String()
}

// oneLine makes text fit for a header value.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
