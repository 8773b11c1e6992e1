package proxy

import (
	"net/http"
	"testing"
)

func TestPromiseSession(t *testing.T) {
	const promise = "Session-Based-Authentication"
	for _, tt := range []struct {
		way       Way
		status    int
		challenge []string
		want      string
	}{
		{WayProxy, 401, []string{"Negotiate", "NTLM"}, promise},
		{WayProxy, 401, []string{`Basic realm="a, b"`, "ntlm TlRMTVNTUAACAAAA"}, promise},
		{WayProxy, 401, []string{`Basic realm="x", Negotiate`}, promise},
		{WayProxy, 401, []string{`Basic realm="Negotiate"`}, ""},
		{WayProxy, 401, nil, ""},
		{WayProxy, 200, []string{"Negotiate oYG3MIG0oAMKAQ=="}, ""},
		{WayConnect, 401, []string{"Negotiate"}, ""},
		{WayReverse, 401, []string{"NTLM"}, ""},
		{WayOrigin, 401, []string{"NTLM"}, ""},
	} {
		h := http.Header{}
		if tt.challenge != nil {
			h["Www-Authenticate"] = tt.challenge
		}
		(&exchange{way: tt.way}).promiseSession(h, tt.status)
		if got := h.Get("Proxy-Support"); got != tt.want {
			t.Errorf("%s, %d, %q: Proxy-Support is %q, not %q", tt.way, tt.status, tt.challenge, got, tt.want)
		}
	}
	h := http.Header{"Www-Authenticate": {"NTLM"}, "Proxy-Support": {"another proxy's"}}
	(&exchange{way: WayProxy}).promiseSession(h, 401)
	if got := h["Proxy-Support"]; len(got) != 1 || got[0] != "another proxy's" {
		t.Errorf("what was there has become %q", got)
	}
}
