package cassettes

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/umtape/umtape/inspect"
)

// testProfile knows the call of a request.
var testProfile = inspect.Profile{CallID: func(m *inspect.Message) string { return m.Payload.Child("CallId").Value() }}

// TestRecorderTellsEachExchangeOnce: what became of it, and nothing in the log
// beside.
func TestRecorderTellsEachExchangeOnce(t *testing.T) {
	request := message(t, "disconnect-request.xml")
	call := between(request, "CallId>", "<")
	for _, tt := range []struct {
		name, path, body string
		options          RecordOptions
		level            slog.Level
		want             Facts // without durations; of Reason a part
	}{
		{"kept", "/", request, RecordOptions{Profile: testProfile}, slog.LevelInfo, Facts{Verdict: Recorded, Operation: "Disconnect", Call: call, Interaction: "calls%20%231.yaml#0"}},
		{"fault", "/fault", request, RecordOptions{}, slog.LevelInfo, Facts{Verdict: Recorded, Operation: "Disconnect", Fault: "InvalidCallIdException", Interaction: "calls%20%231.yaml#0"}},
		{"no_envelope", "/", "<a>", RecordOptions{}, slog.LevelWarn, Facts{Verdict: Recorded, Interaction: "calls%20%231.yaml#0", Reason: "kept, but the request is not a SOAP envelope: "}},
		{"cut", "/", request, RecordOptions{MaxBody: 200}, slog.LevelWarn, Facts{Verdict: Recorded, Interaction: "calls%20%231.yaml#0", Reason: " kept is not whole: longer than what is kept"}},
		{"another_operation", "/", request, RecordOptions{Operations: []string{"ResetPIN"}}, slog.LevelInfo, Facts{Verdict: Passed, Operation: "Disconnect"}},
		{"not_SOAP", "/", "", RecordOptions{}, slog.LevelInfo, Facts{Verdict: Passed}},
		{"challenge", "/401", request, RecordOptions{}, slog.LevelInfo, Facts{Verdict: Challenged, Operation: "Disconnect"}},
		{"challenge_kept", "/401", request, RecordOptions{KeepAuthLegs: true}, slog.LevelInfo, Facts{Verdict: Recorded, Operation: "Disconnect", Interaction: "calls%20%231.yaml#0"}},
		{"no_answer", "/error", request, RecordOptions{}, slog.LevelInfo, Facts{Verdict: Unanswered, Operation: "Disconnect"}},
		{"client_gone", "/gone", request, RecordOptions{}, slog.LevelWarn, Facts{Verdict: Unanswered, Operation: "Disconnect", Reason: "the client went away before the server answered"}},
		{"tape_fails_before", "/full", request, RecordOptions{}, slog.LevelError, Facts{Verdict: NotSent, Operation: "Disconnect", Reason: "not sent, since it could not be recorded: "}},
		{"tape_fails_after", "/fills", request, RecordOptions{Profile: testProfile}, slog.LevelError, Facts{Verdict: Lost, Operation: "Disconnect", Call: call, Reason: "sent and answered, but not recorded: "}},
	} {
		for _, hooked := range []bool{true, false} {
			var told []*Facts
			var logged bytes.Buffer
			if tt.options.OnExchange = nil; hooked {
				tt.options.OnExchange = func(_ context.Context, f *Facts) { told = append(told, f) }
			}
			tt.options.Logger = slog.New(slog.NewTextHandler(&logged, nil))
			w := create(t, filepath.Join(t.TempDir(), "calls #1.yaml"), Refuse)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			rt := NewRecorder(w, tt.options).Wrap(roundTripperFunc(func(r *http.Request) (*http.Response, error) {
				resp := &http.Response{StatusCode: 200, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {"text/xml"}}, Request: r, ContentLength: -1}
				body := message(t, "disconnect-response.xml")
				switch r.URL.Path {
				case "/fault":
					body = message(t, "disconnect-fault-invalid-callid.xml")
				case "/401":
					resp.StatusCode = 401
					resp.Header.Set("Www-Authenticate", "NTLM")
				case "/error":
					return nil, errors.New("down")
				case "/gone":
					cancel()
					return nil, ctx.Err()
				case "/fills":
					closed(t, w)
				}
				resp.Body = io.NopCloser(strings.NewReader(body))
				return resp, nil
			}))
			if tt.path == "/full" {
				closed(t, w)
			}
			r, err := http.NewRequestWithContext(ctx, "POST", "http://h"+tt.path, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if tt.body != "" {
				r.Header.Set("Content-Type", "text/xml")
			}
			if resp, err := rt.RoundTrip(r); err == nil {
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			if !hooked {
				if lines := strings.Count(logged.String(), "\n"); lines != map[bool]int{true: 1}[tt.level > slog.LevelInfo] || !strings.Contains(logged.String(), tt.want.Reason) {
					t.Errorf("%s: logged %q", tt.name, logged.String())
				}
				continue
			}
			if len(told) != 1 || logged.String() != "" {
				t.Errorf("%s: told of %d, logged %q", tt.name, len(told), logged.String())
				continue
			}
			got := *told[0]
			if got.Level() != tt.level || !strings.Contains(got.Reason, tt.want.Reason) || (got.Reason == "") != (tt.want.Reason == "") {
				t.Errorf("%s: level %v, reason %q", tt.name, got.Level(), got.Reason)
			}
			sent := got.Verdict != NotSent
			if (got.Upstream > 0) != sent {
				t.Errorf("%s: upstream %v", tt.name, got.Upstream)
			}
			if want := map[bool]string{true: w.Path()}[got.Interaction != ""]; got.File != want {
				t.Errorf("%s: it is said to be in %q, not %q", tt.name, got.File, want)
			}
			got.Reason, got.Upstream, got.Tape, got.File = tt.want.Reason, 0, 0, ""
			if got != tt.want {
				t.Errorf("%s: told\n %+v\nwant\n %+v", tt.name, got, tt.want)
			}
		}
	}
}

// between is what stands in s between two texts.
func between(s, start, end string) string {
	_, s, _ = strings.Cut(s, start)
	s, _, _ = strings.Cut(s, end)
	return s
}
