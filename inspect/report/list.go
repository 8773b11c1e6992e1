package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/umtape/umtape/inspect"
)

// List writes the interactions as a table, one a line.
func List(w io.Writer, entries []Entry) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tTIME\tOPERATION\tCALL\tSERVER\tSTATUS\tTOOK\tRESPONSE")
	for _, e := range entries {
		id, server := e.call()
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n",
			e.ID, clock(e.Started), cell(e.operation(), 40), cell(id, 40), cell(server, 60), e.Status, took(e.Took), cell(e.shape(), 120)+flags(e))
	}
	return t.Flush()
}

// flags marks in a list what is told in full by [Full].
func flags(e Entry) string {
	if len(e.Notes) == 0 {
		return ""
	}
	return "  (" + cell(strings.Join(e.Notes, "; "), 120) + ")"
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

// ListJSON writes {"interactions": [...]}.
func ListJSON(w io.Writer, entries []Entry) error {
	list := make([]entryJSON, len(entries))
	for i, e := range entries {
		list[i] = toJSON(e)
	}
	return writeJSON(w, map[string]any{"interactions": list})
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
