package web

import (
	"strings"
	"testing"

	"github.com/umtape/umtape/inspect"
)

func TestTheLastMissesAreKept(t *testing.T) {
	s, client := serve(t, Config{Tape: shelf{}})
	miss := func() Row {
		return Row{Outcome: "missed", Operation: "Disconnect", Miss: &Miss{
			Differences: []inspect.Difference{{Path: "host", What: "http://um.corp recorded, http://um.test here"}, {Path: "Body/Disconnect/CallId", What: "text differs"}},
			Rules:       []string{"--any CallId"}}}
	}
	for range maxMisses {
		s.Book.Add(miss())
	}
	_, body := ask(t, s, client, "GET", "/api/compare?miss=@0", s.cookie)
	for _, want := range []string{`"path":"Body/Disconnect/CallId","what":"text differs"`, `"path":"host","what":"differs"`, `"rules":["--any CallId"]`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s\nwithout %s", body, want)
		}
	}
	if _, body := ask(t, s, client, "GET", "/api/compare?miss=@0&reveal=1", s.cookie); !strings.Contains(body, "um.corp recorded") {
		t.Errorf("what is shown is hidden: %s", body)
	}
	s.Book.Add(miss())
	for n, want := range []int{410, 200} {
		if answer, body := ask(t, s, client, "GET", "/api/compare?miss=@"+string(rune('0'+n)), s.cookie); answer.StatusCode != want {
			t.Errorf("miss %d: %d %s, want %d", n, answer.StatusCode, body, want)
		}
	}
	s.Book.Replace("a.yaml", nil) // rows have other numbers then
	for range 3 {
		s.Book.Add(miss())
	}
	if answer, _ := ask(t, s, client, "GET", "/api/compare?miss=@4", s.cookie); answer.StatusCode != 200 {
		t.Errorf("after others were replaced: %d", answer.StatusCode)
	}
}
