package cassettes

import (
	"fmt"
	"testing"
)

// TestCleanValues: a value is redacted however often it comes, and also when the same
// one of another name, or no secret, was seen before; what is remembered is bounded.
func TestCleanValues(t *testing.T) {
	var known cleanValues
	var none *cleanValues
	for range 3 {
		for _, v := range []headerValue{
			{"X-Note", "hunter2"}, {"X-Api-Key", "hunter2"}, {"Cookie", "a=b"}, {"X-Note", "a=b"}, {"Authorization", "Basic YTpi"},
			{"X-Note", "Basic YWxpY2U6c2VjcmV0"}, {"Content-Type", "text/xml"}, {"Date", ""}, {"Cookie", ""},
		} {
			want := none.redact(v.name, v.value)
			if got := known.redact(v.name, v.value); got != want {
				t.Errorf("%s: %s is kept as %q, want %q", v.name, v.value, got, want)
			}
		}
	}
	if got := known.redact("X-Api-Key", "hunter2"); got != redacted {
		t.Errorf("a key is kept as %q", got)
	}
	for n := range 3 * maxCleanValues {
		known.redact("X-Request-Id", fmt.Sprint(n))
	}
	if len(known.known) > maxCleanValues {
		t.Errorf("%d values are remembered", len(known.known))
	}
}
