package cassettes

import (
	"bytes"
	"fmt"
	"net/http"
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
}

const (
	maxDifferences = 16

	// maxCompared bounds how many interactions one miss is compared with.
	maxCompared = 200
)

// explain finds the nearest interaction: of the same operation if there is one,
// then at the same path, with the fewest differences, the earliest of those.
func (p *Player) explain(a asked) Miss {
	m := Miss{Operation: a.operation()}
	best, nearest := -1, nearness{}
	for _, sameOperation := range []bool{true, false} {
		compared := 0
		for n, r := range p.recorded {
			if compared == maxCompared || (r.operation == m.Operation) != sameOperation {
				continue
			}
			compared++
			b := p.asked(r)
			d := a.differences(b, maxDifferences)
			near := nearness{pathOf(a.target) == pathOf(b.target), a.target == b.target, (a.message != nil) == (b.message != nil), len(d)}
			if best < 0 || near.than(nearest) {
				best, nearest, m.Differences = n, near, d
			}
		}
		if best >= 0 {
			break
		}
	}
	switch {
	case best < 0:
		m.Reason = "the cassette holds no interactions"
	case p.recorded[best].operation != m.Operation:
		m.Nearest = p.recorded[best].name
		m.Reason = fmt.Sprintf("no %s is recorded; nearest is %s, a %s", m.Operation, m.Nearest, p.recorded[best].operation)
	default:
		m.Nearest = p.recorded[best].name
		m.Reason = fmt.Sprintf("nearest is %s, which differs at %s", m.Nearest, summary(m.Differences))
	}
	// A sender that means XML wants to know what is wrong with it.
	if why := inspect.Why(a.problem); why != nil && why != inspect.ErrEmpty && bytes.HasPrefix(bytes.TrimLeft(a.body, " \t\r\n\xef\xbb\xbf"), []byte("<")) {
		m.Reason = fmt.Sprintf("its body is compared by its bytes, since it is no SOAP envelope (%v); %s", a.problem, m.Reason)
	}
	return m
}

// nearness ranks interactions of one operation.
type nearness struct {
	path, target, kind bool // the same path, the same with its query, both SOAP or both not
	differences        int
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
	return a.differences < b.differences
}

func summary(d []inspect.Difference) string {
	if len(d) == 0 {
		return "no element" // cannot be: an equal request would have matched
	}
	s := d[0].String()
	if n := len(d) - 1; n > 0 {
		s += fmt.Sprintf(" (and %d more)", n)
	}
	return s
}

// miss answers a request that nothing answers: HTTP 500 with a SOAP fault that
// says what was asked for, what came nearest and where that differs; plain text
// for a request that is not SOAP. operation is "" then.
func (p *Player) miss(req *http.Request, began time.Time, operation string, m Miss) *http.Response {
	p.mu.Lock()
	p.report.missed(m)
	p.mu.Unlock()
	p.tell(req, began, Facts{Verdict: Missed, Operation: operation, Nearest: m.Nearest, Reason: m.Reason})
	resp := refusal(req, http.StatusInternalServerError, fmt.Sprintf("umtape: no recorded interaction answers this %s: %s", m.Operation, m.Reason), m.detail())
	resp.Header.Set(HeaderMiss, oneLine(m.Reason))
	return resp
}

// detail is the miss as the child of a fault's detail element.
func (m Miss) detail() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<umtape:Miss xmlns:umtape="%s" operation="%s" nearest="%s">`, MissNS, inspect.Escape(m.Operation), inspect.Escape(m.Nearest))
	for _, d := range m.Differences {
		fmt.Fprintf(&b, `<umtape:Difference path="%s">%s</umtape:Difference>`, inspect.Escape(d.Path), inspect.Escape(d.What))
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
