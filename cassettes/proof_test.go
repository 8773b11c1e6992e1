package cassettes

import (
	"net/http"
	"testing"
)

// TestPlayerDropsProof: what a server proved itself with is in no answer of a
// replay, be it redacted or, in a cassette of others, as it was.
func TestPlayerDropsProof(t *testing.T) {
	for _, tt := range []struct {
		name, value, want string
		code              int
	}{
		{"Www-Authenticate", "Negotiate REDACTED", "", 200},
		{"Www-Authenticate", "Negotiate oYG3MIG0oAMKAQ==", "", 500},
		{"Proxy-Authenticate", "NTLM REDACTED", "", 200},
		{"Authentication-Info", "REDACTED", "", 200},
		{"Www-Authenticate", `Basic realm="more than this"`, `Basic realm="more than this"`, 200},
		{"Www-Authenticate", "Negotiate", "Negotiate", 200},
		{"Www-Authenticate", "Negotiate REDACTED", "Negotiate REDACTED", 401},
		{"Persistent-Auth", "true", "true", 200},
	} {
		i := said(0, service, "<a/>", "<answer/>")
		i.Response.Code = tt.code
		i.Response.Headers.Set(tt.name, tt.value)
		for range 2 { // the cassette itself is as before
			resp, body := post(t, playerOf(i), service, "<a/>")
			if got := resp.Header.Get(tt.name); got != tt.want || body != "<answer/>" {
				t.Errorf("%d with %s: %s was replayed with %q, not %q", tt.code, tt.name, tt.value, got, tt.want)
			}
		}
		if got := http.Header(i.Response.Headers).Get(tt.name); got != tt.value {
			t.Errorf("the cassette now has %s: %q", tt.name, got)
		}
	}
}
