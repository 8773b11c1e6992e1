package web

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// ruleJSON is a rule that something was found of, and where.
type ruleJSON struct {
	ID       string      `json:"id"`
	Severity string      `json:"severity"`
	Summary  string      `json:"summary"`
	Reason   string      `json:"reason"`
	Fix      string      `json:"fix"`
	Source   string      `json:"source"`
	Rows     []int       `json:"rows"`
	Times    []int       `json:"times"` // of each of Rows: how many findings
	Files    []aboutJSON `json:"files,omitempty"`

	severity inspect.Severity
}

// aboutJSON is a finding about a cassette as a whole.
type aboutJSON struct {
	File    string `json:"file"`
	Message string `json:"message"`
}

func (s *Server) rules(w http.ResponseWriter, _ *http.Request) {
	d := s.Book.digested()
	writeJSON(w, struct {
		Anew  int         `json:"anew"`
		Total int         `json:"total"`
		Rules []*ruleJSON `json:"rules"`
	}{d.anew, d.total, s.rulesOf(d)})
}

// rulesOf lists the rules that something was found of, the worst first.
func (c *Config) rulesOf(d *digest) []*ruleJSON {
	b := c.Book
	b.mu.Lock()
	rules, about := maps.Clone(b.rules), maps.Clone(b.about)
	b.mu.Unlock()
	by := map[string]*ruleJSON{}
	of := func(rule inspect.Rule) *ruleJSON {
		j := by[rule.ID]
		if j == nil {
			j = &ruleJSON{ID: rule.ID, Severity: rule.Severity.String(), Summary: rule.Summary, Reason: rule.Reason, Fix: rule.Fix, Source: rule.Source,
				Rows: []int{}, Times: []int{}, severity: rule.Severity}
			by[rule.ID] = j
		}
		return j
	}
	add := func(rule inspect.Rule, n, times int) {
		j := of(rule)
		if last := len(j.Rows) - 1; last >= 0 && j.Rows[last] == n {
			j.Times[last] += times
			return
		}
		j.Rows, j.Times = append(j.Rows, n), append(j.Times, times)
	}
	for n := range d.rows {
		if r := &d.rows[n]; r.found != nil {
			for k, id := range r.found.rules {
				add(rules[id], n, r.found.times[k])
			}
		}
		if c.SomeOfCalls {
			continue
		}
		for _, f := range d.found[n] {
			add(f.Rule, n, 1)
		}
	}
	for _, file := range slices.Sorted(maps.Keys(about)) {
		for _, f := range about[file] {
			j := of(f.Rule)
			j.Files = append(j.Files, aboutJSON{file, f.Message})
		}
	}
	list := slices.AppendSeq([]*ruleJSON{}, maps.Values(by))
	slices.SortFunc(list, func(a, b *ruleJSON) int {
		return cmp.Or(cmp.Compare(b.severity, a.severity), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// Found counts the findings that the page shows.
func (c *Config) Found() map[inspect.Severity]int {
	count := map[inspect.Severity]int{}
	for _, r := range c.rulesOf(c.Book.digested()) {
		count[r.severity] += len(r.Files)
		for _, times := range r.Times {
			count[r.severity] += times
		}
	}
	return count
}

// maxPlaces is of how many rows places are given at once.
const maxPlaces = 50

// placeJSON is where a finding is.
type placeJSON struct {
	N         int    `json:"n"`
	Name      string `json:"name"`
	Operation string `json:"operation"`
	Part      string `json:"part,omitempty"`
	Path      string `json:"path,omitempty"`
	Header    string `json:"header,omitempty"`
	Message   string `json:"message"`
	Nth       int    `json:"nth"` // of the findings of the exchange, from 0; -1 for none
}

// found lists where a rule's findings are in some rows, whose exchanges it reads again.
func (s *Server) found(w http.ResponseWriter, r *http.Request) {
	rule, list := r.URL.Query().Get("rule"), []placeJSON{}
	asked := strings.Split(r.URL.Query().Get("rows"), ",")
	if len(asked) > maxPlaces {
		fail(w, http.StatusBadRequest, "places of at most "+strconv.Itoa(maxPlaces)+" exchanges are given at once")
		return
	}
	for _, text := range asked {
		n, err := strconv.Atoi(text)
		if err != nil {
			continue
		}
		row, ok := s.Book.row(n)
		if !ok {
			fail(w, http.StatusConflict, "the cassette was replaced meanwhile; look again")
			return
		}
		at := placeJSON{N: n, Name: name(row), Operation: row.Operation, Nth: -1}
		if row.File == "" { // what is known of it is in the digest
			for _, f := range s.Book.seen().ofCall(n) {
				if f.Rule.ID == rule {
					at.Message = f.Message
					list = append(list, at)
				}
			}
			continue
		}
		whole, _, err := s.Tape.Read(row.File, row.ID)
		if err != nil {
			at.Message = err.Error()
			list = append(list, at)
			continue
		}
		for k, f := range s.findings(n, whole) {
			if f.Rule.ID == rule {
				at.Part, at.Path, at.Header, at.Message, at.Nth = f.Part, f.Path, f.Header, f.Message, k
				list = append(list, at)
			}
		}
	}
	writeJSON(w, struct {
		Places []placeJSON `json:"places"`
	}{list})
}
