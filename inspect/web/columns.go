package web

import (
	"strings"
	"time"
)

// columns are rows as the page's script takes them: text is written once and named by
// its number, for most of it is the same in many rows.
type columns struct {
	Anew  int `json:"anew"`
	From  int `json:"from"`
	Total int `json:"total"`

	File      texts     `json:"file"`
	ID        []int     `json:"id"`
	Began     []float64 `json:"began"` // milliseconds since 1970, 0 if not known
	Took      []float64 `json:"took"`  // milliseconds
	Operation texts     `json:"operation"`
	Call      []int     `json:"call"` // number; -1 for none
	Client    texts     `json:"client"`
	Status    []int     `json:"status"`
	Shape     texts     `json:"shape"`
	Fault     texts     `json:"fault"`
	Outcome   texts     `json:"outcome"`
	Errors    []int     `json:"errors"`
	Warnings  []int     `json:"warnings"`

	CallsFrom int      `json:"calls_from"`
	Calls     []string `json:"calls"` // labels, from CallsFrom on
}

// texts is a column of text.
type texts struct {
	Texts []string `json:"texts"`
	Rows  []int    `json:"rows"`
	known map[string]int
}

func (t *texts) add(s string) {
	n, ok := t.known[s]
	if !ok {
		if t.known == nil {
			t.known = map[string]int{}
		}
		n = len(t.Texts)
		t.known[s] = n
		t.Texts = append(t.Texts, s)
	}
	t.Rows = append(t.Rows, n)
}

// maxRows is how many rows are given at once.
const maxRows = 20000

// columns returns rows from one on, and the labels of calls from one on that these
// rows may have.
func (b *Book) columns(from, callsFrom int) columns {
	b.mu.Lock()
	defer b.mu.Unlock()
	from = min(max(from, 0), len(b.rows))
	callsFrom = min(max(callsFrom, 0), len(b.calls))
	end := min(from+maxRows, len(b.rows))
	c := columns{Anew: b.anew, From: from, Total: len(b.rows), CallsFrom: callsFrom}
	callsEnd := callsFrom
	for n := from; n < end; n++ {
		r := &b.rows[n]
		c.File.add(r.File)
		c.ID = append(c.ID, r.ID)
		c.Began = append(c.Began, milliseconds(r.began()))
		c.Took = append(c.Took, float64(r.Took.Microseconds())/1000)
		c.Operation.add(r.Operation)
		c.Call = append(c.Call, int(r.call))
		callsEnd = max(callsEnd, int(r.call)+1)
		client := r.Client
		if r.address >= 0 {
			client = clientOf(b.clients[r.address], client)
		}
		c.Client.add(client)
		c.Status = append(c.Status, r.Status)
		c.Shape.add(r.Shape)
		c.Fault.add(r.Fault)
		c.Outcome.add(r.Outcome)
		c.Errors = append(c.Errors, r.Errors)
		c.Warnings = append(c.Warnings, r.Warnings)
	}
	for k := callsFrom; k < callsEnd; k++ {
		c.Calls = append(c.Calls, b.label(k))
	}
	return c
}

func milliseconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMicro()) / 1000
}

// client is what is known of who asked.
func (r Row) client() string { return clientOf(r.Address, r.Client) }

func clientOf(address, name string) string { return strings.TrimSpace(address + " " + name) }
