package cassettes

import (
	"context"
	"log/slog"
	"time"

	"github.com/umtape/umtape/inspect"
)

// Facts are what a [Recorder] or a [Player] knows of one exchange that has passed
// through it. They hold no body, no header and no query, but for Request.
type Facts struct {
	Verdict     Verdict
	Operation   string        // local name of the request's Body's child, as sent, such as "Disconnect"; "" if it is not SOAP, or was not looked at
	Call        string        // the CallId or PhoneCallId, verbatim, which names an internal server; "" if there is none or it is not known
	Fault       string        // inspect.Fault.Kind of the answer, as sent, "Fault" if it has none; "" if the answer is no fault
	Interaction string        // FILE#ID of what was kept or has answered; while recording the ID at this moment, see [Writer.Close]; "" for none
	File        string        // path, as given, of the cassette that Interaction or Nearest is in; "" if there is neither
	Nearest     string        // FILE#ID of the interaction nearest to a request that was Missed; "" for none
	Miss        *MissReport   // all that is known of a request that was Missed; nil otherwise
	Request     *Interaction  // a request that was Missed, with its credentials redacted, and no response; nil unless PlayOptions.KeepMissed asks for it
	Reason      string        // why, and what to mind; "" if nothing is to be said
	Upstream    time.Duration // from sending the request until the header of the server's answer, or its failure; zero in a replay
	Tape        time.Duration // spent on the cassette: reading what was said, redacting and writing it, or finding the answer
}

// Verdict is what became of an exchange.
type Verdict string

const (
	Recorded   Verdict = "recorded"   // it is on tape
	Passed     Verdict = "passed"     // forwarded and not kept, as the options say
	Challenged Verdict = "challenge"  // the leg of a handshake; it folds into the exchange that ends it
	Unanswered Verdict = "unanswered" // the server did not answer; nothing kept
	NotSent    Verdict = "not_sent"   // since the tape could not be written
	Lost       Verdict = "lost"       // sent and answered, but not recorded

	Replayed Verdict = "replayed" // answered from a cassette
	Missed   Verdict = "missed"   // nothing in the cassettes answers it
	Troubled Verdict = "troubled" // a Trouble came instead of an answer
)

// RecordVerdicts and PlayVerdicts list what a Recorder's and a Player's Facts may
// say.
var (
	RecordVerdicts = []Verdict{Recorded, Passed, Challenged, Unanswered, NotSent, Lost}
	PlayVerdicts   = []Verdict{Replayed, Missed, Troubled}
)

// Level is how much an exchange deserves notice: Error if the tape could not be
// written, Warn if there is a reason to be told, else Info.
func (f *Facts) Level() slog.Level {
	switch {
	case f.Verdict == NotSent, f.Verdict == Lost:
		return slog.LevelError
	case f.Reason != "":
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// OnExchange is told of each exchange once, before the end of its answer can be
// read, with the context of its request. It may be called by several goroutines
// at once and must not change the Facts. It is not told of a request that could
// not be read.
type OnExchange func(context.Context, *Facts)

// tell hands f on. Without anybody to hand it to, what is to be minded is logged.
func (f *Facts) tell(ctx context.Context, to OnExchange, log *slog.Logger) {
	if to != nil {
		to(ctx, f)
		return
	}
	level := f.Level()
	if level < slog.LevelWarn {
		return
	}
	attrs := []slog.Attr{slog.String("outcome", string(f.Verdict)), slog.String("operation", f.Operation), slog.String("reason", f.Reason)}
	if f.Interaction != "" {
		attrs = append(attrs, slog.String("interaction", f.Interaction))
	}
	if f.Nearest != "" {
		attrs = append(attrs, slog.String("nearest", f.Nearest))
	}
	log.LogAttrs(context.WithoutCancel(ctx), level, "exchange", attrs...)
}

// faultKind is Facts.Fault of an answer; m may be nil.
func faultKind(m *inspect.Message) string {
	if m == nil || m.Fault == nil {
		return ""
	}
	if kind := m.Fault.Kind(); kind != "" {
		return kind
	}
	return "Fault"
}
