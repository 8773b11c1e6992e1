package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// tellEvery is how often the page is told that there is more, at most.
const tellEvery = 100 * time.Millisecond

// events tells how many rows there are, whenever that changes (server-sent events).
// The page asks for those that it does not have.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	out := http.NewResponseController(w)
	out.SetReadDeadline(time.Time{})
	w.Header().Set("Content-Type", "text/event-stream")
	alive := time.NewTicker(15 * time.Second)
	defer alive.Stop()
	for {
		state, grown := s.Book.state()
		data, err := json.Marshal(state)
		if err != nil {
			return // it has numbers and texts: none
		}
		fmt.Fprintf(w, "data: %s\n\n", data)
		if out.Flush() != nil {
			return
		}
		select {
		case <-grown:
			select {
			case <-time.After(tellEvery):
			case <-r.Context().Done():
				return
			}
		case <-alive.C:
		case <-r.Context().Done():
			return
		}
	}
}
