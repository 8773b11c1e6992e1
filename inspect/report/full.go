package report

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/umtape/umtape/inspect"
)

// Full writes one interaction with headers and both messages, indented for
// reading and with its call decoded beside it; with raw, bodies as they are kept.
func Full(w io.Writer, e Entry, raw bool, look Look) error {
	f := fullWriter{Look: look, e: e, raw: raw, b: bufio.NewWriter(w)}
	f.b.WriteString(f.paint(bold, Printable(e.Name())))
	if e.Line > 0 {
		fmt.Fprintf(f.b, " (line %d)", e.Line)
	}
	f.b.WriteString("\n")
	if !e.Started.IsZero() {
		f.row("time", plain, "%s", e.Started.UTC().Format(time.RFC3339Nano))
	}
	f.row("operation", bold, "%s", e.operation())
	if e.Call != "" {
		f.row("call", cyan, "%s", e.Call)
		if c, ok := inspect.DecodeCallID(e.Call); ok {
			f.row("", cyan, "%s", decoded(c))
		} else {
			f.row("", plain, "(not base64 of GUID@host)")
		}
	}
	if e.HasAction {
		f.row("action", plain, "%q", e.Action)
	}
	f.row("status", plain, "%d", e.Status)
	f.row("took", plain, "%s", took(e.Took))
	f.row("response", plain, "%s", e.shape())
	if e.Response != nil && e.Response.Fault != nil {
		f.row("fault", red, "%s: %s", e.Response.Fault.Kind(), e.Response.Fault.Reason)
	}
	for _, n := range e.Notes {
		f.row("note", yellow, "%s", n)
	}
	fmt.Fprintf(f.b, "\n%s %s %s\n", f.paint(faint, ">"), f.paint(bold, Printable(e.Method)), Printable(e.URL))
	f.side(">", e.RequestHeader, e.RequestBody, e.RequestErr)
	fmt.Fprintf(f.b, "\n%s %s\n", f.paint(faint, "<"), f.paint(bold, strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status)))))
	f.side("<", e.ResponseHeader, e.ResponseBody, e.ResponseErr)
	return f.b.Flush()
}

func decoded(c inspect.CallID) string { return c.GUID + " at " + c.Server }

type fullWriter struct {
	Look
	e   Entry
	raw bool
	b   *bufio.Writer
}

func (f *fullWriter) row(name string, how style, format string, args ...any) {
	fmt.Fprintf(f.b, "  %s %s\n", f.paint(faint, fmt.Sprintf("%-10s", name)), f.paint(how, Printable(fmt.Sprintf(format, args...))))
}

func (f *fullWriter) side(mark string, h http.Header, body []byte, err error) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, v := range h[name] {
			fmt.Fprintf(f.b, "%s %s: %s\n", f.paint(faint, mark), f.paint(cyan, Printable(name)), Printable(v))
		}
	}
	if len(body) == 0 {
		return
	}
	f.b.WriteString("\n")
	xml := !f.raw && err == nil
	var text string
	if !xml {
		text = inspect.Text(body)
	} else {
		if root, ok := inspect.RootPart(h, body); ok {
			body = root // the attachments are in the raw form
		}
		text = inspect.Pretty(body)
	}
	call, beside := inspect.DecodeCallID(f.e.Call)
	for line := range strings.SplitSeq(strings.TrimRight(text, "\r\n"), "\n") {
		shown := Printable(strings.ReplaceAll(strings.TrimRight(line, "\r"), "\t", "    "))
		if xml && f.Color {
			shown = xmlTag.ReplaceAllStringFunc(shown, func(tag string) string { return f.paint(faint, tag) })
		}
		f.b.WriteString("  ")
		f.b.WriteString(shown)
		if xml && beside && strings.Contains(line, f.e.Call) {
			f.b.WriteString(f.paint(cyan, "   = "+Printable(decoded(call))))
		}
		f.b.WriteString("\n")
	}
}

// xmlTag is what stands between the texts of an XML message; it need only be
// right enough to be paler.
var xmlTag = regexp.MustCompile(`<[^<>]*>`)

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
