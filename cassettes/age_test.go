package cassettes

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestRecorded(t *testing.T) {
	i := tiny(1)
	if got := i.Recorded(); !got.Equal(start.Add(time.Second)) {
		t.Errorf("ours: %v", got)
	}
	i.Umtape.Arrived = time.Time{}
	if got := i.Recorded(); !got.IsZero() {
		t.Errorf("unknown: %v", got)
	}
	i.Response.Headers = http.Header{"date": {"Mon, 23 Nov 2026 10:15:00 GMT"}}
	if got := i.Recorded(); !got.Equal(start.Truncate(time.Second)) {
		t.Errorf("of others: %v", got)
	}
}

func TestRecordedBefore(t *testing.T) {
	unknown := tiny(0)
	unknown.Umtape.Arrived = time.Time{}
	tape := cassetteOf("a.yaml", tiny(5), tiny(1), unknown, tiny(10))[0]
	for _, tt := range []struct {
		after time.Duration
		old   int
	}{{0, 0}, {time.Second, 0}, {2 * time.Second, 1}, {6 * time.Second, 2}, {time.Hour, 3}} {
		a := tape.RecordedBefore(start.Add(tt.after))
		if a.Old != tt.old || a.Unknown != 1 || a.Of != 4 || tt.old > 0 && !a.Oldest.Equal(start.Add(time.Second)) {
			t.Errorf("%v: %+v", tt.after, a)
		}
		if found := CheckAge(tape, start.Add(tt.after)); len(found) > 0 != (tt.old > 0) {
			t.Errorf("%v: %v", tt.after, found)
		}
	}
	if got := tape.RecordedBefore(start.Add(48 * time.Hour)).String(); !strings.HasPrefix(got, "3 of 4 interactions were recorded before 2026-11-25, the oldest on 2026-11-23; of 1 it is not known") {
		t.Error(got)
	}
}

func TestAgesOfOneDayHaveTheTimeOfDay(t *testing.T) {
	before := time.Date(2026, 11, 29, 20, 3, 4, 0, time.UTC)
	for _, tt := range []struct {
		oldest time.Time
		want   string
	}{
		{before.Add(-time.Minute), "1 of 2 interactions were recorded before 2026-11-29 20:03:04 UTC, the oldest on 2026-11-29 20:02:04 UTC"},
		{before.Add(-48 * time.Hour), "1 of 2 interactions were recorded before 2026-11-29, the oldest on 2026-11-27"},
	} {
		if got := (Aged{Before: before, Old: 1, Oldest: tt.oldest, Of: 2}).String(); got != tt.want {
			t.Errorf("%s; want %s", got, tt.want)
		}
	}
}
