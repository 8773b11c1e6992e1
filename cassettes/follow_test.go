package cassettes

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// next is what Next returns, as "anew: id@line ...".
func next(t *testing.T, f *Follower) string {
	t.Helper()
	list, anew, err := f.Next()
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	if anew {
		words = append(words, "anew:")
	}
	for _, i := range list {
		words = append(words, fmt.Sprintf("%d@%d", i.ID, i.Line))
	}
	return strings.Join(words, " ")
}

// lines is where the interactions of a cassette are, as next has them.
func lines(t *testing.T, path string, from int) string {
	t.Helper()
	var words []string
	for _, i := range load(t, path).Interactions[from:] {
		words = append(words, fmt.Sprintf("%d@%d", i.ID, i.Line))
	}
	return strings.Join(words, " ")
}

func TestFollow(t *testing.T) {
	path := tape(t)
	w := create(t, path, Refuse)
	f := Follow(path)
	if got := next(t, f); got != "" {
		t.Errorf("at first, %q", got)
	}
	if !Recording(path) {
		t.Error("nobody records")
	}
	for n := range 3 {
		i := sample(t, n)
		i.Umtape.Arrived = i.Umtape.Arrived.Add(-time.Duration(n) * time.Minute) // so that Close puts them in order
		if err := w.Append(i); err != nil {
			t.Fatal(err)
		}
		if n == 1 {
			continue // two at once
		}
		if got, want := next(t, f), lines(t, path, max(0, n-1)); got != want {
			t.Errorf("after %d, %q, want %q", n, got, want)
		}
		if got := next(t, f); got != "" {
			t.Errorf("nothing new, and %q", got)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if Recording(path) {
		t.Error("somebody still records")
	}
	if got, want := next(t, f), "anew: "+lines(t, path, 0); got != want {
		t.Errorf("put in order, %q, want %q", got, want)
	}
}

// TestFollowTorn: an interaction is seen once, when it is whole.
func TestFollowTorn(t *testing.T) {
	path := tape(t)
	write(t, path, sample(t, 0), sample(t, 1), sample(t, 2))
	text := readAll(t, path)
	first := load(t, path).Interactions
	growing := filepath.Join(t.TempDir(), "growing.yaml")
	start := int(first[1].span.off)
	put(t, growing, text[:start])
	f := Follow(growing)
	if got := next(t, f); got != lines(t, path, 0)[:len(got)] || got == "" {
		t.Fatalf("first %q", got)
	}
	seen := ""
	for at := start; at < len(text); at += 97 {
		out, err := os.OpenFile(growing, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := out.WriteString(text[at:min(len(text), at+97)]); err != nil {
			t.Fatal(err)
		}
		out.Close()
		if got := next(t, f); got != "" {
			seen += " " + got
		}
	}
	if want := " " + lines(t, path, 1); seen != want {
		t.Errorf("seen%s, want%s", seen, want)
	}
}

func TestFollowChanges(t *testing.T) {
	path := tape(t)
	write(t, path, sample(t, 0), sample(t, 1))
	whole := readAll(t, path)
	f := Follow(path)
	next(t, f)
	all := lines(t, path, 0)

	put(t, path, whole[:load(t, path).Interactions[1].span.off]) // truncated in place
	if got := next(t, f); got != "anew: "+strings.Fields(all)[0] {
		t.Errorf("truncated, %q", got)
	}
	put(t, path, strings.Replace(whole, "recorded_by: ", "recorded_by: another ", 1)) // in place, and longer
	if got := next(t, f); got != "anew: "+all {
		t.Errorf("overwritten, %q", got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Next(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("gone, %v", err)
	}
	put(t, path, whole)
	if got := next(t, f); got != "anew: "+all {
		t.Errorf("back, %q", got)
	}
	put(t, path, "version: 2\ninteractions: [\n")
	if _, _, err := f.Next(); err == nil {
		t.Error("half a file is no error")
	}
	const foreign = "version: 2\ninteractions:\n- {id: 0, request: {method: GET, url: \"http://a/\"}, response: {code: 200}}\n"
	put(t, path, foreign)
	if got := next(t, f); got != "anew: 0@3" {
		t.Errorf("of another program, %q", got)
	}
	put(t, path, foreign+strings.Replace(strings.SplitAfter(foreign, "interactions:\n")[1], "id: 0", "id: 1", 1))
	if got := next(t, f); got != "anew: 0@3 1@4" {
		t.Errorf("of another program, grown, %q", got)
	}
}
