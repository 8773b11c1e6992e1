package web

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// maxSelection is how long a selection may be, in bytes of JSON: a million rows.
const maxSelection = 8 << 20

var exportTypes = map[string]string{"cassette": "application/yaml", "har": "application/json", "json": "application/json"}

// export hands out a selection of rows in another form.
func (s *Server) export(w http.ResponseWriter, r *http.Request) {
	as := r.URL.Query().Get("as")
	kind, ok := exportTypes[as]
	if !ok {
		fail(w, http.StatusBadRequest, "it can be exported as cassette, har or json")
		return
	}
	var asked struct {
		Anew   int   `json:"anew"`
		Rows   []int `json:"rows"`
		Reveal bool  `json:"reveal"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSelection)).Decode(&asked); err != nil {
		fail(w, http.StatusBadRequest, "the selection cannot be read")
		return
	}
	list, ok := s.Book.places(asked.Anew, asked.Rows)
	switch {
	case !ok:
		fail(w, http.StatusConflict, "the cassette was replaced meanwhile; look again and export then")
		return
	case len(list) == 0:
		fail(w, http.StatusConflict, "none of these exchanges is on a cassette")
		return
	}
	var made bytes.Buffer
	if err := s.Tape.Export(&made, as, list, asked.Reveal); err != nil {
		fail(w, http.StatusConflict, err.Error())
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Write(made.Bytes())
}

// places are where rows are that are on a cassette, each once; ok is false if the rows
// are others by now.
func (b *Book) places(anew int, rows []int) (list []Place, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if anew != b.anew {
		return nil, false
	}
	had := map[Place]bool{}
	for _, n := range rows {
		if n < 0 || n >= len(b.rows) {
			return nil, false
		}
		p := Place{b.rows[n].File, b.rows[n].ID}
		if p.File != "" && !had[p] { // a replay may have answered with it more than once
			had[p] = true
			list = append(list, p)
		}
	}
	return list, true
}
