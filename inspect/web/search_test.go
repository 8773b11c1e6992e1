package web

import (
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// said is a tape of what interactions say, by number.
type said struct {
	Tape
	texts map[int]string
	asked []int
}

func (t *said) Says(_ string, id int, text string, reveal bool) (bool, error) {
	t.asked = append(t.asked, id)
	if t.texts[id] == "broken" {
		return false, errors.New("broken")
	}
	return strings.Contains(t.texts[id], text) && (reveal || !strings.Contains(t.texts[id], "secret")), nil
}

func (t *said) Export(io.Writer, string, []Place, bool) error { return nil }

func TestSearch(t *testing.T) {
	tape := &said{texts: map[int]string{0: "busy", 1: "free", 2: "busy secret", 3: "broken", 4: "busy"}}
	s, client := serve(t, Config{Tape: tape})
	for id := range 5 {
		s.Book.Add(Row{File: "a.yaml", ID: id})
	}
	s.Book.Add(Row{Outcome: "missed"}, Row{File: "a.yaml", ID: 4}) // again
	for _, tt := range []struct {
		query        string
		found        []int
		from, unread int
	}{
		{"text=Busy&end=7", []int{6, 4, 0}, 0, 1},
		{"text=busy&end=7&reveal=1", []int{6, 4, 2, 0}, 0, 1},
		{"text=busy&first=1&end=3&reveal=1", []int{2}, 1, 0},
		{"text=busy&first=5&end=100", []int{6}, 5, 0},
		{"text=busy&first=-3&end=1", []int{0}, 0, 0},
		{"text=busy&first=9&end=4", []int{}, 9, 0},
	} {
		tape.asked = nil
		_, body := ask(t, s, client, "GET", "/api/search?"+tt.query, s.cookie)
		var got searchJSON
		if err := json.Unmarshal([]byte(body), &got); err != nil || !slices.Equal(got.Found, tt.found) || got.From != tt.from || got.Unread != tt.unread {
			t.Errorf("%s: %s, %v", tt.query, body, err)
		}
		if slices.Sort(tape.asked); len(slices.Compact(slices.Clone(tape.asked))) != len(tape.asked) {
			t.Errorf("%s: interactions were read more than once: %v", tt.query, tape.asked)
		}
	}
	for _, text := range []string{"", strings.Repeat("ü", maxSought+1)} {
		if answer, _ := ask(t, s, client, "GET", "/api/search?end=7&text="+url.QueryEscape(text), s.cookie); answer.StatusCode != 400 {
			t.Errorf("%d characters: %d", len(text), answer.StatusCode)
		}
	}
	if answer, _ := ask(t, s, client, "GET", "/api/search?end=7&text=a"); answer.StatusCode != 403 {
		t.Errorf("without the cookie: %d", answer.StatusCode)
	}
}

// slow is a tape that somebody else searches meanwhile.
type slow struct {
	said
	begun, goOn chan struct{}
}

func (t *slow) Says(string, int, string, bool) (bool, error) {
	t.begun <- struct{}{}
	<-t.goOn
	return true, nil
}

func TestSearchHoldsUpNothingElse(t *testing.T) {
	tape := &slow{begun: make(chan struct{}), goOn: make(chan struct{})}
	s, client := serve(t, Config{Tape: tape})
	s.Book.Add(Row{File: "a.yaml"})
	answers := make(chan string, 2)
	for range 2 {
		go func() {
			_, body := ask(t, s, client, "GET", "/api/search?text=a&end=1", s.cookie)
			answers <- body
		}()
	}
	<-tape.begun // one of them
	s.Book.Add(Row{File: "a.yaml", ID: 1})
	if _, body := ask(t, s, client, "GET", "/api/rows", s.cookie); !strings.Contains(body, `"total":2`) {
		t.Errorf("rows while a search goes on: %s", body)
	}
	select {
	case <-tape.begun:
		t.Error("two searches at once")
	default:
	}
	for k := range 2 {
		tape.goOn <- struct{}{}
		if k == 0 {
			<-tape.begun
		}
	}
	for range 2 {
		if got := <-answers; !strings.Contains(got, `"found":[0]`) {
			t.Error(got)
		}
	}
}

func (s shelf) Says(string, int, string, bool) (bool, error) { return false, nil }

func (s shelf) Compare(Place, Place, bool, bool) ([]Difference, bool, error) { return nil, false, nil }

func (s shelf) Diff(string, string, bool, bool) (any, error) { return nil, nil }
