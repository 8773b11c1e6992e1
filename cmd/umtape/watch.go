package main

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/proxy"
)

// watch tells of each exchange of a recording or a replay: one line in the log,
// and its part of the metrics.
type watch struct {
	log     *slog.Logger
	calls   bool                     // the line has the call's GUID
	later   bool                     // misses are told at the end
	shown   func(text string) string // hides what is not to be named; nil for nothing
	metrics *metrics                 // nil if nobody asked for them
	page    *livePage                // the same
	wsdl    sync.Once                // a WSDL was answered, and that was told of
}

// note is the OnExchange of package cassettes: what the tape knows travels with
// the exchange to its end.
func note(ctx context.Context, f *cassettes.Facts) { proxy.Note(ctx, f) }

// The longest texts from the wire that a line holds, in characters.
const (
	maxShownURL       = 512
	maxShownMethod    = 32
	maxShownOperation = 80
	maxShownReason    = 1000
)

// exchange is the OnExchange of package proxy.
func (w *watch) exchange(e proxy.Exchange) {
	f, _ := e.Note.(*cassettes.Facts)
	if f == nil {
		f = &cassettes.Facts{} // what never got to the tape
	}
	outcome := outcomeOf(e, f)
	if w.metrics != nil {
		w.metrics.exchange(e, f, outcome)
	}
	w.page.exchange(e, f, outcome, reasonOf(e, f))
	w.warnOfWSDL(e)
	level := max(e.Level(), f.Level())
	if w.later && f.Verdict == cassettes.Missed {
		level = slog.LevelInfo
	}
	if !w.log.Enabled(context.Background(), level) {
		return
	}
	attrs := make([]slog.Attr, 0, 20)
	text := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	took := func(key string, d time.Duration) {
		if d > 0 {
			attrs = append(attrs, slog.Duration(key, d.Round(time.Microsecond)))
		}
	}
	attrs = append(attrs, slog.Uint64("conn", e.Conn))
	text("way", string(e.Way))
	text("method", inspect.Shorten(e.Method, maxShownMethod))
	shown := w.shown
	if shown == nil {
		shown = func(text string) string { return text }
	}
	text("url", inspect.Shorten(shown(e.URL()), maxShownURL))
	if e.Status != 0 {
		attrs = append(attrs, slog.Int("status", e.Status))
	}
	text("outcome", outcome)
	text("operation", inspect.Shorten(f.Operation, maxShownOperation))
	text("interaction", f.Interaction)
	text("nearest", f.Nearest)
	if f.Fault != "" {
		text("fault", knownFault(f.Fault))
	}
	if w.calls && f.Call != "" {
		text("call", callGUID(f.Call))
	}
	attrs = append(attrs, slog.Int64("request_bytes", e.RequestBytes), slog.Int64("response_bytes", e.ResponseBytes))
	took("upstream", f.Upstream)
	took("tape", f.Tape)
	took("took", e.Took)
	text("reason", inspect.Shorten(shown(reasonOf(e, f)), maxShownReason))
	text("stack", e.Stack)
	w.log.LogAttrs(context.Background(), level, "exchange", attrs...)
}

// warnOfWSDL has one line, once, when a client that takes umtape for the server was
// given the server's WSDL: what it calls next is the address in there.
func (w *watch) warnOfWSDL(e proxy.Exchange) {
	direct := e.Way == proxy.WayReverse || e.Way == proxy.WayOrigin
	if direct && e.Method == http.MethodGet && e.Status == http.StatusOK && (e.Asks("wsdl") || e.Asks("singleWsdl")) {
		w.wsdl.Do(func() {
			w.log.Warn("a client was given the server's WSDL, whose address is the server's own: if it goes by that, it talks past umtape",
				"conn", e.Conn, "hint", "give the client the address of umtape as its endpoint, see umtape help toolkits, or have it use umtape as its proxy")
		})
	}
}

// outcomeOf is one word for how an exchange ended: what became of it on the tape
// unless it got no further than the wire.
func outcomeOf(e proxy.Exchange, f *cassettes.Facts) string {
	switch {
	case f.Verdict == cassettes.NotSent, f.Verdict == cassettes.Lost, f.Verdict == cassettes.Troubled, e.Outcome == proxy.Answered && f.Verdict != "":
		return string(f.Verdict)
	case e.Outcome == proxy.Answered:
		return string(cassettes.Challenged) // replay --challenge answers before the tape is asked
	}
	return string(e.Outcome)
}

// reasonOf joins what wire and tape have to say.
func reasonOf(e proxy.Exchange, f *cassettes.Facts) string {
	if e.Reason == "" || f.Verdict == cassettes.NotSent || f.Verdict == cassettes.Lost || f.Verdict == cassettes.Troubled {
		return f.Reason
	}
	return strings.TrimSuffix(e.Reason+"; "+f.Reason, "; ")
}

// callGUID is what may be shown of a call's identifier: not its server, which is
// an internal name.
func callGUID(id string) string {
	if c, ok := inspect.DecodeCallID(id); ok {
		return c.GUID
	}
	return "(not of the form GUID@SERVER)"
}
