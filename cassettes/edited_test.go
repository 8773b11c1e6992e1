package cassettes

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// What was changed by hand answers as YAML says, also where the spelling looks like
// that of a recording.
func TestEditedAnswers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.yaml")
	i := said(0, service, "", "answer")
	i.Response.Headers["X-Kind"] = []string{"kind"}
	write(t, path, i)
	recorded := readAll(t, path)
	const body = "body: |-\n" + bodyIndent + "answer\n"
	for _, tt := range []struct{ old, new, answer, kind string }{
		{body, "body: 'answer'\n", "answer", "kind"},
		{body, "body: answer # of old\n", "answer", "kind"},
		{body, "body: ~\n", "", "kind"},
		{body, "body: |-\n" + bodyIndent + "a\tb\u00a0c\n", "a\tb\u00a0c", "kind"},
		{"- kind\n", "- 'kind'\n", "answer", "kind"},
		{"- kind\n", "- kind # of old\n", "answer", "kind"},
	} {
		put(t, path, strings.Replace(recorded, tt.old, tt.new, 1))
		if readAll(t, path) == recorded {
			t.Fatalf("there is no %q in\n%s", tt.old, recorded)
		}
		for what, options := range map[string]OpenOptions{"on disk": {}, "in memory": {HoldBytes: 1 << 20}} {
			r := open(t, path, options)
			asLoaded(t, what, r, load(t, path))
			resp, err := PlayReels(PlayOptions{}, r).RoundTrip(mustRequest(t))
			if err != nil {
				t.Fatal(err)
			}
			got, _ := io.ReadAll(resp.Body)
			if string(got) != tt.answer || resp.Header.Get("X-Kind") != tt.kind {
				t.Errorf("%q, %s: got %q and X-Kind %q", tt.new, what, got, resp.Header.Get("X-Kind"))
			}
		}
	}
}

func mustRequest(t *testing.T) *http.Request {
	r, err := http.NewRequest("POST", service, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
