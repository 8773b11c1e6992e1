package cassettes

import (
	"net/http"
	"strings"
	"testing"
)

func TestEquivalentTargetsAreOne(t *testing.T) {
	for sent, want := range map[string]string{
		"/UnifiedMessaging/Service.asmx?wsdl": "/UnifiedMessaging/Service.asmx?wsdl",
		"/a{b}|c?x={d}":                       "/a%7Bb%7D%7Cc?x=%7Bd%7D",
		"/a%7bb%7D%7cc?x=%7bd%7d":             "/a%7Bb%7D%7Cc?x=%7Bd%7D",
		"/%41%7e%2d%5F%30":                    "/A~-_0",
		"/a%2fb%2F%20":                        "/a%2Fb%2F%20", // a server may tell them from "/"
		"/\u00e9 \x7f\"<>\\^`":                "/%C3%A9%20%7F%22%3C%3E%5C%5E%60",
		"/100%/%zz/%4":                        "/100%/%zz/%4",
		"":                                    "",
	} {
		if got := normalTarget(sent); got != want {
			t.Errorf("%q is %q; want %q", sent, got, want)
		}
		if got := normalTarget(want); got != want {
			t.Errorf("%q becomes %q the second time", want, got)
		}
	}
}

// TestBracesInURLs: what was written by hand, or by another tool, as it should not be is
// what Go's HTTP server makes of it; and a miss shows it escaped once.
func TestBracesInURLs(t *testing.T) {
	i := poll("1", "Connecting")
	i.Request.URL = "http://um.test/{tenant}/Service.asmx?x={a}"
	for _, url := range []string{i.Request.URL, "/{tenant}/Service.asmx?x=%7Ba%7D", "http://um.test/%7btenant%7d/Service.asmx?x=%7ba}"} {
		p := NewPlayer(PlayOptions{}, cassetteOf("a.yaml", i)...)
		req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(i.Request.Body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "text/xml")
		resp, err := p.RoundTrip(req)
		if err != nil || resp.Header.Get(HeaderInteraction) != "a.yaml#0" {
			t.Errorf("%s: %v, %q", url, err, resp.Header)
		}
	}
	p := NewPlayer(PlayOptions{}, cassetteOf("a.yaml", i)...)
	other := poll("1", "")
	other.Request.URL = "http://um.test/{other}/Service.asmx"
	said := send(t, p, other).Header.Get(HeaderMiss)
	if want := "differs at path: /%7Btenant%7D/Service.asmx recorded, /%7Bother%7D/Service.asmx here"; !strings.Contains(said, want) {
		t.Errorf("%s; want %s", said, want)
	}
}
