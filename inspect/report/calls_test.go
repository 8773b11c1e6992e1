package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/umtape/umtape/inspect"
)

// TestRequestsOfNoCall: a start that was refused is no call, in the table, the timeline
// and the JSON.
func TestRequestsOfNoCall(t *testing.T) {
	at := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	moment := func(id int, s inspect.Step) inspect.Moment {
		return inspect.Moment{Step: s, File: "a.yaml", ID: id, Arrived: at.Add(time.Duration(id) * time.Second)}
	}
	refused := moment(1, inspect.Step{Role: inspect.Starts, Operation: "PlayOnPhone", Refused: "DialingRulesException"})
	for _, tt := range []struct {
		moments       []inspect.Moment
		calls, others int
		said          string
	}{
		{nil, 0, 0, "0 calls\n"},
		{[]inspect.Moment{refused}, 0, 1, "0 calls; 1 request of no call"},
		{[]inspect.Moment{refused, moment(2, inspect.Step{Role: inspect.Polls, Operation: "GetCallInfo", Call: "x", State: "Connected"})}, 1, 1, "1 call"},
		{[]inspect.Moment{moment(2, inspect.Step{Role: inspect.Polls, Operation: "GetCallInfo", Call: "x", State: "Connected"})}, 1, 0, "1 call"},
	} {
		calls := inspect.CallsOf(tt.moments)
		var b bytes.Buffer
		if err := CallsJSON(&b, calls); err != nil {
			t.Fatal(err)
		}
		var j struct {
			Calls  []lifeJSON    `json:"calls"`
			Others []*momentJSON `json:"requests_of_no_call"`
		}
		if err := json.Unmarshal(b.Bytes(), &j); err != nil || len(j.Calls) != tt.calls || len(j.Others) != tt.others || j.Calls == nil || j.Others == nil {
			t.Errorf("%v: %s", err, b.String())
		}
		if tt.others > 0 && (j.Others[0].Refused != "DialingRulesException" || j.Others[0].Interaction != 1) {
			t.Errorf("%s", b.String())
		}
		if tt.calls > 0 && j.Calls[0].States[0].Interaction != 2 {
			t.Errorf("%s", b.String())
		}
		for name, write := range map[string]func(w *bytes.Buffer) error{
			"table":    func(w *bytes.Buffer) error { _, err := Calls(w, calls, Look{}); return err },
			"timeline": func(w *bytes.Buffer) error { _, err := Timeline(w, calls, Look{}); return err },
		} {
			b.Reset()
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			head, _, _ := strings.Cut(b.String(), "\n")
			if !strings.HasPrefix(head+"\n", tt.said) || strings.Contains(head, "of no call") != (tt.others > 0) {
				t.Errorf("%s: %q, want %q", name, head, tt.said)
			}
			if tt.calls > 0 && name == "table" && !strings.Contains(b.String(), "Connected +0s") {
				t.Errorf("%s", b.String())
			}
		}
	}
}
