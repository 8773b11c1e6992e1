package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/umtape/umtape/inspect"
)

// List is a table of interactions, one a line. It keeps no part of the entries but
// what it shows.
type List struct{ t *table }

// NewList returns an empty list.
func NewList() *List {
	return &List{newTable([]give{
		{7, 48}, {4, 16}, {3, 13}, {4, 0}, {3, 8}, {7, 24}, {2, 16}, {6, 0}, {7, 12}, {1, 8}, {2, 8}, {1, 0}, {7, 8},
	}, "ID", "TIME", "OPERATION", "CALL", "SERVER", "STATUS", "TOOK", "RESPONSE")}
}

// Add adds an interaction.
func (l *List) Add(e Entry) { l.t.add(listRow(e)...) }

// Write writes the list and reports whether all of it was shown.
func (l *List) Write(w io.Writer, look Look) (whole bool, err error) { return l.t.write(w, look) }

func listRow(e Entry) []field {
	id, server := e.call()
	outcome := plain
	switch {
	case e.Response != nil && e.Response.Fault != nil || e.Status >= 400:
		outcome = red
	case e.Status >= 300:
		outcome = yellow
	}
	return []field{
		{text: strconv.Itoa(e.ID), style: faint},
		{text: clock(e.Started), style: faint},
		{text: cell(e.operation()), style: bold},
		{text: cell(id), style: cyan},
		{text: cell(server)},
		{text: strconv.Itoa(e.Status), style: outcome},
		{text: took(e.Took), right: true},
		{text: cell(e.shape()) + flags(e), style: outcome},
	}
}

// Lines lists interactions while they are being recorded, each on a line of its
// own, whatever comes after it.
type Lines struct{ line liner }

// NewLines returns the heading and what makes the lines below it.
func NewLines(look Look) (heading string, l *Lines) {
	t := NewList().t
	t.add(field{text: "99999"}, field{text: "15:04:05.000"}, field{text: "PlayOnPhoneGreeting"}, field{text: strings.Repeat("x", 36)},
		field{text: strings.Repeat("x", 24)}, field{}, field{text: "999.99ms"}, field{text: strings.Repeat("x", 60)})
	l = &Lines{liner{look: look, room: t.need}}
	if look.Width > 0 {
		l.line.room = t.fit(look.Width)
		l.line.room[7] += max(0, look.Width-t.width(l.line.room))
	}
	head := make([]field, len(t.head))
	for i, h := range t.head {
		head[i] = field{text: h, style: bold}
	}
	return l.line.of(head), l
}

// Of is an interaction's line.
func (l *Lines) Of(e Entry) string { return l.line.of(listRow(e)) }

// flags marks in a list what is told in full by [Full].
func flags(e Entry) string {
	if len(e.Notes) == 0 {
		return ""
	}
	return "  (" + cell(strings.Join(e.Notes, "; ")) + ")"
}

func clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("15:04:05.000")
}

// entryJSON is an interaction in JSON. See the package comment.
type entryJSON struct {
	File          string     `json:"file"`
	ID            int        `json:"id"`
	Line          int        `json:"line,omitempty"`
	Arrived       *time.Time `json:"arrived,omitempty"`
	Method        string     `json:"method"`
	URL           string     `json:"url"`
	SOAP          string     `json:"soap,omitempty"` // version of the request's envelope
	Operation     string     `json:"operation,omitempty"`
	Action        *string    `json:"soap_action,omitempty"`
	CallID        string     `json:"call_id,omitempty"`
	Call          *callJSON  `json:"call,omitempty"`
	Status        int        `json:"status"`
	DurationMS    float64    `json:"duration_ms"`
	RequestShape  string     `json:"request_shape,omitempty"`
	ResponseShape string     `json:"response_shape,omitempty"`
	RequestBytes  int        `json:"request_bytes"`
	ResponseBytes int        `json:"response_bytes"`
	Fault         *faultJSON `json:"fault,omitempty"`
	Notes         []string   `json:"notes,omitempty"`
	Request       *sideJSON  `json:"request,omitempty"`  // in full only
	Response      *sideJSON  `json:"response,omitempty"` // in full only
}

type callJSON struct {
	GUID   string `json:"guid"`
	Server string `json:"server"`
}

type faultJSON struct {
	Kind   string `json:"kind"`
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

type sideJSON struct {
	Headers map[string][]string `json:"headers"`
	Body    string              `json:"body"`
	Base64  []byte              `json:"body_base64,omitempty"` // the bytes, where body is not exactly they
	Error   string              `json:"error,omitempty"`       // why the body is no message
}

func toJSON(e Entry) entryJSON {
	j := entryJSON{
		File: e.File, ID: e.ID, Line: e.Line, Method: e.Method, URL: e.URL, Operation: e.Operation,
		CallID: e.Call, Status: e.Status, DurationMS: float64(e.Took.Microseconds()) / 1000,
		RequestBytes: len(e.RequestBody), ResponseBytes: len(e.ResponseBody), Notes: e.Notes,
	}
	if !e.Started.IsZero() {
		t := e.Started.UTC()
		j.Arrived = &t
	}
	if e.HasAction {
		j.Action = &e.Action
	}
	if e.Request != nil {
		j.SOAP, j.RequestShape = e.Request.Version.String(), inspect.ShapeOf(e.Request)
	}
	if e.Response != nil {
		j.ResponseShape = inspect.ShapeOf(e.Response)
		if f := e.Response.Fault; f != nil {
			j.Fault = &faultJSON{f.Kind(), f.Code.Local, f.Reason}
		}
	}
	if c, ok := inspect.DecodeCallID(e.Call); ok {
		j.Call = &callJSON{c.GUID, c.Server}
	}
	return j
}

// ListJSON writes {"interactions": [...]}, one interaction after the other.
type ListJSON struct{ array jsonArray }

// NewListJSON returns a list that is written to w as it is added to.
func NewListJSON(w io.Writer) *ListJSON {
	return &ListJSON{jsonArray{w: w, key: "interactions"}}
}

// Add writes an interaction.
func (l *ListJSON) Add(e Entry) error { return l.array.add(toJSON(e)) }

// Close ends the list.
func (l *ListJSON) Close() error { return l.array.close() }

// LineJSON writes an interaction as [ListJSON] does, on one line.
func LineJSON(w io.Writer, e Entry) error {
	enc := json.NewEncoder(escapingWriter{w})
	enc.SetEscapeHTML(false)
	return enc.Encode(toJSON(e))
}

// jsonArray writes an object with one list in it, as writeJSON would.
type jsonArray struct {
	w      io.Writer
	key    string
	begun  bool
	behind bool // another one is before it in the object
}

// head is what comes before the first element.
func (a *jsonArray) head() string {
	if a.begun {
		return ""
	}
	a.begun = true
	start := "{"
	if a.behind {
		start = ","
	}
	return fmt.Sprintf("%s\n  %q: [", start, a.key)
}

func (a *jsonArray) add(v any) error {
	var b bytes.Buffer
	if a.begun {
		b.WriteByte(',')
	}
	b.WriteString(a.head() + "\n    ")
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("    ", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // the line break, which the comma goes before
	_, err := escapingWriter{a.w}.Write(b.Bytes())
	return err
}

// then ends the array and returns another one of the same object.
func (a *jsonArray) then(key string) (*jsonArray, error) {
	_, err := io.WriteString(a.w, a.end())
	return &jsonArray{w: a.w, key: key, behind: true}, err
}

func (a *jsonArray) end() string {
	if a.begun {
		return "\n  ]"
	}
	return a.head() + "]"
}

func (a *jsonArray) close() error {
	_, err := io.WriteString(a.w, a.end()+"\n}\n")
	return err
}

// JSON writes v as this package writes what it has: indented, nothing in it that
// could mislead a reader of a terminal.
func JSON(w io.Writer, v any) error { return writeJSON(w, v) }

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(escapingWriter{w})
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
