package report

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/umtape/umtape/inspect"
)

// Full writes one interaction with headers and both messages, indented for
// reading; with raw, bodies as they are kept.
func Full(w io.Writer, e Entry, raw bool) error {
	var b strings.Builder
	b.WriteString(Printable(e.Name()))
	if e.Line > 0 {
		fmt.Fprintf(&b, " (line %d)", e.Line)
	}
	b.WriteString("\n")
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-10s %s\n", name, Printable(fmt.Sprintf(format, args...)))
	}
	if !e.Started.IsZero() {
		row("time", "%s", e.Started.UTC().Format(time.RFC3339Nano))
	}
	row("operation", "%s", e.operation())
	if e.Call != "" {
		row("call", "%s", e.Call)
		if c, ok := inspect.DecodeCallID(e.Call); ok {
			row("", "%s at %s", c.GUID, c.Server)
		} else {
			row("", "(not base64 of GUID@host)")
		}
	}
	if e.HasAction {
		row("action", "%q", e.Action)
	}
	row("status", "%d", e.Status)
	row("took", "%s", took(e.Took))
	row("response", "%s", e.shape())
	if e.Response != nil && e.Response.Fault != nil {
		row("fault", "%s: %s", e.Response.Fault.Kind(), e.Response.Fault.Reason)
	}
	for _, n := range e.Notes {
		row("note", "%s", n)
	}
	fmt.Fprintf(&b, "\n> %s %s\n", Printable(e.Method), Printable(e.URL))
	side(&b, "> ", e.RequestHeader, e.RequestBody, e.RequestErr, raw)
	fmt.Fprintf(&b, "\n< %d %s\n", e.Status, http.StatusText(e.Status))
	side(&b, "< ", e.ResponseHeader, e.ResponseBody, e.ResponseErr, raw)
	_, err := io.WriteString(w, b.String())
	return err
}

func side(b *strings.Builder, mark string, h http.Header, body []byte, err error, raw bool) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, v := range h[name] {
			fmt.Fprintf(b, "%s%s: %s\n", mark, Printable(name), Printable(v))
		}
	}
	if len(body) == 0 {
		return
	}
	b.WriteString("\n")
	text := inspect.Text(body)
	if !raw && err == nil {
		if root, ok := inspect.RootPart(h, body); ok {
			body = root // the attachments are in the raw form
		}
		text = inspect.Pretty(body)
	}
	for _, line := range strings.Split(strings.TrimRight(text, "\r\n"), "\n") {
		b.WriteString("  " + Printable(strings.ReplaceAll(strings.TrimRight(line, "\r"), "\t", "    ")) + "\n")
	}
}

// FullJSON writes one interaction as ListJSON does, with headers and bodies.
func FullJSON(w io.Writer, e Entry) error {
	j := toJSON(e)
	j.Request = sideOf(e.RequestHeader, e.RequestBody, e.RequestErr)
	j.Response = sideOf(e.ResponseHeader, e.ResponseBody, e.ResponseErr)
	return writeJSON(w, j)
}

func sideOf(h http.Header, body []byte, err error) *sideJSON {
	s := &sideJSON{Headers: h, Body: inspect.Text(body)}
	if s.Body != string(body) {
		s.Base64 = body
	}
	if err != nil {
		s.Error = err.Error()
	}
	return s
}
