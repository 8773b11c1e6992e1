package web

import (
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/umtape/umtape/inspect"
)

// exchangeJSON is one exchange in full.
type exchangeJSON struct {
	N         int      `json:"n"`
	File      string   `json:"file"`
	ID        int      `json:"id"`
	Line      int      `json:"line,omitempty"`
	Began     string   `json:"began,omitempty"`
	Took      float64  `json:"took"` // milliseconds
	Operation string   `json:"operation"`
	Method    string   `json:"method,omitempty"`
	URL       string   `json:"url,omitempty"`
	Status    int      `json:"status"`
	Text      string   `json:"status_text,omitempty"`
	Shape     string   `json:"shape,omitempty"`
	Action    *string  `json:"action,omitempty"`
	Client    string   `json:"client,omitempty"`
	Fault     string   `json:"fault,omitempty"`
	Why       string   `json:"fault_reason,omitempty"`
	Outcome   string   `json:"outcome,omitempty"`
	Reason    string   `json:"reason,omitempty"`
	Nearest   string   `json:"nearest,omitempty"`
	NearestN  int      `json:"nearest_n"` // row; -1 if it is in none
	Call      string   `json:"call,omitempty"`
	CallID    string   `json:"call_id,omitempty"` // only if asked for
	Server    string   `json:"server,omitempty"`  // only if asked for
	Decoded   bool     `json:"decoded"`           // the identifier has the form GUID@SERVER
	Notes     []string `json:"notes,omitempty"`
	Redacted  []string `json:"redacted,omitempty"`
	Curl      string   `json:"curl,omitempty"`
	Masked    bool     `json:"masked"` // something is hidden that can be asked for

	Findings []findingJSON `json:"findings,omitempty"`
	Of       []momentJSON  `json:"of_call,omitempty"`
	Request  *sideJSON     `json:"request,omitempty"`
	Response *sideJSON     `json:"response,omitempty"`
}

type findingJSON struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"`
	Part     string `json:"part,omitempty"`
	Path     string `json:"path,omitempty"`
	Header   string `json:"header,omitempty"`
	Tag      int    `json:"tag"` // number of the start tag in the message, from 0; -1 for none
	Message  string `json:"message"`
	Reason   string `json:"reason,omitempty"`
	Fix      string `json:"fix,omitempty"`
	Source   string `json:"source,omitempty"`
}

type momentJSON struct {
	N         int     `json:"n"`
	Name      string  `json:"name"`
	Began     float64 `json:"began"`
	Operation string  `json:"operation"`
	Status    int     `json:"status"`
	Fault     string  `json:"fault,omitempty"`
}

type sideJSON struct {
	Headers [][2]string `json:"headers"`
	Bytes   int         `json:"bytes"`
	Pretty  string      `json:"pretty,omitempty"` // indented XML
	Raw     string      `json:"raw"`
	Hex     bool        `json:"hex,omitempty"` // Raw is a dump, for the body is no text
	Cut     bool        `json:"cut,omitempty"` // not all of it is here
	Error   string      `json:"error,omitempty"`
}

func (s *Server) exchange(w http.ResponseWriter, r *http.Request) {
	n := number(r, "n")
	row, anew, ok := s.Book.open(n)
	switch {
	case r.URL.Query().Has("anew") && number(r, "anew") != anew:
		fail(w, http.StatusConflict, "the cassette was replaced meanwhile, and the list is made anew: open it again there")
		return
	case !ok:
		fail(w, http.StatusNotFound, "there is no such exchange; the cassette may have been replaced")
		return
	}
	j := exchangeJSON{
		N: n, File: row.File, ID: row.ID, Operation: row.Operation, Status: row.Status, Took: float64(row.Took.Microseconds()) / 1000,
		Shape: row.Shape, Client: row.client(), Fault: row.Fault, Outcome: row.Outcome, Reason: row.Veiled, Nearest: row.Nearest, NearestN: -1, Call: row.label,
	}
	if !row.Began.IsZero() {
		j.Began = row.Began.UTC().Format(time.RFC3339Nano)
	}
	for k, m := range row.rows {
		j.Of = append(j.Of, momentJSON{row.ofCall[k], name(m), milliseconds(m.Began), m.Operation, m.Status, m.Fault})
	}
	if file, id, ok := splitName(row.Nearest); ok {
		j.NearestN = s.Book.find(file, id)
	}
	reveal := r.URL.Query().Get("reveal") == "1"
	if reveal {
		j.Reason = row.Reason
	}
	if row.File != "" {
		whole, masked, err := s.Tape.Read(row.File, row.ID)
		if err != nil {
			fail(w, http.StatusConflict, err.Error())
			return
		}
		shown := masked
		if reveal {
			shown = whole
			said := RowOf(whole.Entry, nil)
			said.Address = row.Address
			j.Client, j.Shape, j.Fault = said.client(), said.Shape, said.Fault
		}
		j.fill(shown, whole, reveal, s.findings(n, whole))
		j.Response = sideOf(shown.ResponseHeader, shown.ResponseBody, shown.ResponseErr).sized(whole.ResponseHeader, whole.ResponseBody)
	} else if whole, masked, ok := row.missed(); ok { // there is no response of the server
		shown := masked
		if reveal {
			shown = whole
		}
		j.fill(shown, whole, reveal, nil)
		j.Text = http.StatusText(row.Status)
	}
	writeJSON(w, j)
}

// fill takes what is shown of the request, and of all but the response's header and body, from
// one copy; what was found, from the whole one.
func (j *exchangeJSON) fill(shown, whole Copy, reveal bool, found []inspect.Finding) {
	j.Line, j.Method, j.URL, j.Notes, j.Redacted, j.Curl = shown.Line, shown.Method, shown.URL, shown.Notes, shown.Redacted, shown.Curl
	if len(j.Curl) > maxShown {
		j.Curl = fmt.Sprintf("# too long to be shown here: umtape export --curl --id %d", j.ID)
	}
	j.Text = http.StatusText(shown.Status)
	j.Masked = !reveal
	if shown.HasAction {
		j.Action = &shown.Action
	}
	if shown.Response != nil && shown.Response.Fault != nil {
		j.Why = shown.Response.Fault.Reason
	}
	c, decoded := inspect.DecodeCallID(whole.Call)
	j.Decoded = decoded
	if reveal {
		j.CallID, j.Server = whole.Call, c.Server
	}
	for _, f := range found {
		j.Findings = append(j.Findings, findingJSON{
			Rule: f.Rule.ID, Severity: f.Rule.Severity.String(), Part: f.Part, Path: f.Path, Header: f.Header, Tag: tagOf(whole.Reading, f),
			Message: f.Message, Reason: f.Rule.Reason, Fix: f.Rule.Fix, Source: f.Rule.Source,
		})
	}
	j.Request = sideOf(shown.RequestHeader, shown.RequestBody, shown.RequestErr).sized(whole.RequestHeader, whole.RequestBody)
}

// sized says how long the body is that was hidden in part.
func (s *sideJSON) sized(h http.Header, body []byte) *sideJSON {
	s.Bytes = len(body)
	for n := range s.Headers {
		if length := h.Get("Content-Length"); s.Headers[n][0] == "Content-Length" && length != "" {
			s.Headers[n][1] = length
		}
	}
	return s
}

// maxShown is how much of a body the page is given, in bytes.
const (
	maxShown    = 1 << 20
	maxShownHex = 64 << 10
)

func sideOf(h http.Header, body []byte, err error) *sideJSON {
	s := &sideJSON{Headers: [][2]string{}, Bytes: len(body)}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, v := range h[name] {
			s.Headers = append(s.Headers, [2]string{name, v})
		}
	}
	if err != nil && len(body) > 0 {
		s.Error = err.Error()
	}
	if err == nil && len(body) <= maxShown {
		root := body
		if part, ok := inspect.RootPart(h, body); ok {
			root = part
		}
		s.Pretty = inspect.Pretty(root)
	}
	s.Raw = inspect.Text(body)
	if !utf8.ValidString(s.Raw) || s.Raw == "" && len(body) > 0 || slices.Contains([]byte(s.Raw), 0) {
		s.Hex, s.Cut = true, len(body) > maxShownHex
		s.Raw = hex.Dump(body[:min(len(body), maxShownHex)])
	} else if len(s.Raw) > maxShown {
		s.Cut, s.Raw = true, s.Raw[:maxShown]
		for !utf8.ValidString(s.Raw) { // a character was cut
			s.Raw = s.Raw[:len(s.Raw)-1]
		}
	}
	return s
}
