package web

import (
	"net/http"

	"github.com/umtape/umtape/inspect"
)

// callsJSON are the lives of calls, in columns as the rows are: a call has an index,
// by which Late, Back and Servers name it, and its moments are Size many of Moment,
// those of the calls before it left out.
type callsJSON struct {
	Anew  int `json:"anew"`
	Total int `json:"total"` // rows that it was made of

	Some bool `json:"some,omitempty"` // of calls not all exchanges are here, and nothing else is told

	Size   []int     `json:"size"`
	Named  []bool    `json:"named"`  // it has an identifier; without one it is one request of no call
	Start  []int     `json:"start"`  // which of its moments; -1 for none known
	End    []int     `json:"end"`    // likewise
	Lasted []float64 `json:"lasted"` // milliseconds; -1 if not known
	Every  []float64 `json:"every"`  // milliseconds between polls on average; -1 if not known

	Late map[int][]int `json:"late"` // uses after the end: which of its moments
	Back map[int][]int `json:"back"` // polls that show another state after the last one

	Moment []int      `json:"moment"` // numbers of rows
	Step   []int      `json:"step"`   // indexes in Steps
	Steps  []stepJSON `json:"steps"`

	Servers map[int]string `json:"servers,omitempty"` // only if asked for
}

type stepJSON struct {
	Role       string `json:"role"` // start, poll, end
	State      string `json:"state,omitempty"`
	Cause      string `json:"cause,omitempty"`
	Over       bool   `json:"over,omitempty"` // State is one that a call does not leave
	Refused    string `json:"refused,omitempty"`
	Unanswered string `json:"unanswered,omitempty"`
}

func (s *Server) calls(w http.ResponseWriter, r *http.Request) {
	d := s.Book.digested()
	if s.SomeOfCalls {
		d = &digest{anew: d.anew, total: d.total}
	}
	j := d.lives(r.URL.Query().Get("reveal") == "1")
	j.Some = s.SomeOfCalls
	writeJSON(w, j)
}

func (d *digest) lives(reveal bool) callsJSON {
	j := callsJSON{Anew: d.anew, Total: d.total, Late: map[int][]int{}, Back: map[int][]int{}, Steps: []stepJSON{},
		Size: []int{}, Named: []bool{}, Start: []int{}, End: []int{}, Lasted: []float64{}, Every: []float64{}, Moment: []int{}, Step: []int{}}
	known := map[*inspect.Step]int{}
	for n, c := range d.calls {
		lasted, every := -1.0, -1.0
		if took, ok := c.Lasted(); ok {
			lasted = float64(took.Microseconds()) / 1000
		}
		if _, mean, _, ok := c.Between(); ok {
			every = float64(mean.Microseconds()) / 1000
		}
		j.Size, j.Named, j.Start, j.End = append(j.Size, len(c.Moments)), append(j.Named, c.ID != ""), append(j.Start, c.Start), append(j.End, c.End)
		j.Lasted, j.Every = append(j.Lasted, lasted), append(j.Every, every)
		if len(c.Late) > 0 {
			j.Late[n] = c.Late
		}
		if len(c.Back) > 0 {
			j.Back[n] = c.Back
		}
		for _, m := range c.Moments {
			step := d.rows[m.N].step
			k, ok := known[step]
			if !ok {
				k = len(j.Steps)
				known[step] = k
				j.Steps = append(j.Steps, stepJSON{step.Role.String(), word(step.State, reveal), word(step.Cause, reveal), step.Over, word(step.Refused, reveal), step.Unanswered})
			}
			j.Moment, j.Step = append(j.Moment, m.N), append(j.Step, k)
		}
		if id, ok := inspect.DecodeCallID(c.ID); ok && reveal {
			if j.Servers == nil {
				j.Servers = map[int]string{}
			}
			j.Servers[n] = id.Server
		}
	}
	return j
}

// veil is what stands for what is hidden.
const veil = "***"

// word is what an answer calls a state or a fault, such as "Connected": a name. What is
// none, a number or an address for one, may be what is hidden elsewhere, and is hidden
// unless it was asked for.
func word(s string, reveal bool) string {
	if reveal {
		return s
	}
	for _, c := range s {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == ' ') {
			return veil
		}
	}
	return inspect.Shorten(s, 80)
}
