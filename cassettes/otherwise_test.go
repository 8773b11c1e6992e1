package cassettes

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestOtherwise: what the cassettes cannot answer reaches the other one as it was,
// however long, and what they can does not.
func TestOtherwise(t *testing.T) {
	half := said(1, service, "<half/>", "<ha")
	half.Umtape.Truncated = "response"
	p := NewPlayer(PlayOptions{Match: Matching{MaxBody: 1000}}, &Cassette{Path: "c.yaml", Interactions: []*Interaction{said(0, service, "<known/>", "from tape"), half}})
	var got []string
	next := p.Otherwise(roundTripFunc(func(r *http.Request) (*http.Response, error) {
		var body []byte
		if r.Body != nil {
			var err error
			if body, err = io.ReadAll(r.Body); err != nil {
				return nil, err
			}
		}
		if r.GetBody != nil {
			again, _ := r.GetBody()
			if b, _ := io.ReadAll(again); string(b) != string(body) {
				t.Errorf("the second time the body is %q", b)
			}
		}
		got = append(got, string(body))
		return ownAnswer(r, 200, "text/plain", []byte("from server")), nil
	}))
	for _, tt := range []struct{ body, want string }{
		{"<known/>", "from tape"}, {"<new/>", "from server"}, {"<half/>", "from server"},
		{strings.Repeat("x", 1000), "from server"}, {strings.Repeat("x", 5000), "from server"}, {"", "from server"},
	} {
		got = nil
		if _, body := post(t, next, service, tt.body); body != tt.want {
			t.Errorf("%.20s: answered %q", tt.body, body)
		}
		if tt.want == "from server" && (len(got) != 1 || got[0] != tt.body) || tt.want == "from tape" && got != nil {
			t.Errorf("%.20s: the server got %d requests, %.40q", tt.body, len(got), got)
		}
	}
	if played := p.Played(); played.Answered != 1 || played.Missed != 0 {
		t.Errorf("played %+v", played)
	}
}
