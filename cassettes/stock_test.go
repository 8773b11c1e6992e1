package cassettes

import (
	"net/http"
	"strings"
	"testing"

	"gopkg.in/dnaeon/go-vcr.v3/recorder"
)

// TestStockGoVCRAnswersFromARecording records real traffic with our recorder and
// lets go-vcr's own, in replay mode, answer from the file: same status, headers
// and bytes, for bodies of each form that the file can hold.
func TestStockGoVCRAnswersFromARecording(t *testing.T) {
	answers := []string{
		message(t, "documented-disconnect-response.xml"),
		message(t, "disconnect-fault-invalid-callid.xml"),
		"\tstarts with a tab", "\nstarts with a line break", "\xff not text", "",
	}
	n := 0
	url, reached := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.WriteHeader(500)
		w.Write([]byte(answers[n]))
	})
	path := tape(t)
	rt, _, w := recorderTo(t, path, RecordOptions{All: true})
	request := message(t, "documented-disconnect-request.xml")
	for n = range answers {
		if _, got := post(t, rt, url, request); got != answers[n] {
			t.Fatalf("recording: %q", got)
		}
	}
	closed(t, w)
	before := reached()

	stock, err := recorder.NewWithOptions(&recorder.Options{
		CassetteName: strings.TrimSuffix(path, ".yaml"), Mode: recorder.ModeReplayOnly, SkipRequestLatency: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stock.Stop()
	for _, want := range answers {
		resp, got := post(t, stock, url, request)
		if got != want || resp.StatusCode != 500 || resp.Header.Get("Content-Type") != "text/xml; charset=utf-8" {
			t.Errorf("go-vcr answers %d %q, want 500 %q", resp.StatusCode, got, want)
		}
	}
	if reached() != before {
		t.Error("go-vcr asked the server")
	}
}
