package web

import (
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// A search is asked for in pieces, so that it can be ended after each, and holds up
// nothing else.
const (
	searchFor = 200 * time.Millisecond // one piece takes that long, about
	maxSought = 200                    // characters of a text that is looked for
)

// searchJSON is one piece of a search.
type searchJSON struct {
	Anew   int   `json:"anew"`
	From   int   `json:"from"` // all rows from here on, up to the end that was asked for, were looked at
	Found  []int `json:"found"`
	Unread int   `json:"unread"` // rows whose interaction could not be read
}

// search looks for a text in the bodies of rows, from the last that is asked for back to
// the first: capital letters or not, and in what is hidden only if that was asked for.
func (s *Server) search(w http.ResponseWriter, r *http.Request) {
	text := strings.ToLower(r.URL.Query().Get("text"))
	if text == "" || utf8.RuneCountInString(text) > maxSought {
		fail(w, http.StatusBadRequest, "text: is for one to 200 characters")
		return
	}
	select {
	case s.searching <- struct{}{}: // one at a time: pages take turns
		defer func() { <-s.searching }()
	case <-r.Context().Done():
		return
	}
	first, end := max(number(r, "first"), 0), number(r, "end")
	rows, anew := s.Book.on(first, end)
	j := searchJSON{Anew: anew, From: first + len(rows), Found: []int{}}
	reveal := r.URL.Query().Get("reveal") == "1"
	known := map[Place]bool{} // a replay may have answered with one many times
	for until := time.Now().Add(searchFor); j.From > first && r.Context().Err() == nil && time.Now().Before(until); {
		j.From--
		at := rows[j.From-first]
		if at.File == "" {
			continue
		}
		says, had := known[at]
		if !had {
			var err error
			if says, err = s.Tape.Says(at.File, at.ID, text, reveal); err != nil {
				j.Unread++
			}
			known[at] = says
		}
		if says {
			j.Found = append(j.Found, j.From)
		}
	}
	writeJSON(w, j)
}

// on returns where rows are, from one on up to another one.
func (b *Book) on(first, end int) (list []Place, anew int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	end = min(end, len(b.rows))
	if first >= end {
		return nil, b.anew
	}
	list = make([]Place, 0, end-first)
	for k := first; k < end; k++ {
		list = append(list, Place{b.rows[k].File, b.rows[k].ID})
	}
	return list, b.anew
}
