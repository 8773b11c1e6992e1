package cassettes

import (
	"net/http"
	"time"

	"github.com/umtape/umtape/inspect"
)

// MissReport is all that is known of one miss. Like [Miss] it names elements and
// attributes and holds no text of theirs, no header's value and no query.
type MissReport struct {
	Time      time.Time `json:"time"` // when the request came
	Method    string    `json:"method"`
	URL       string    `json:"url"` // the path alone if the client named no host; without query
	Operation string    `json:"operation"`
	Reason    string    `json:"reason"`
	Nearest   string    `json:"nearest,omitempty"`  // FILE#ID
	Distance  int       `json:"distance,omitempty"` // of the nearest: how many elements, attributes, texts and parts of the request line are not as recorded

	// Differences are all of those from the nearest. Cut says that there are more than
	// are listed, which are 1000 at most.
	Differences []inspect.Difference `json:"differences"`
	Cut         bool                 `json:"cut,omitempty"`

	Rules []string `json:"rules"` // flags of umtape replay, each of which would let the nearest answer
}

// maxReported is how many differences a report of one miss lists.
const maxReported = 1000

func (p *Player) missReport(req *http.Request, began time.Time, m Miss) MissReport {
	r := MissReport{
		Time: began.UTC(), Method: inspect.Shorten(req.Method, 32), Operation: inspect.Shorten(m.Operation, 200), Reason: m.Reason,
		Nearest: m.Nearest, Distance: m.distance, Differences: m.all, Cut: len(m.all) == maxReported, Rules: m.Rules,
	}
	scheme, host, target := splitURL(p.requestURL(req.URL))
	r.URL = printablePath(withoutParameters(pathOf(target)))
	if host != "" {
		r.URL = scheme + "://" + printablePath(host) + r.URL
	}
	if r.Differences == nil {
		r.Differences = []inspect.Difference{}
	}
	if r.Rules == nil {
		r.Rules = []string{}
	}
	return r
}
