package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/umtape/umtape/cassettes"
)

// cassetteOfSize makes a cassette whose one answer has so many bytes.
func cassetteOfSize(t *testing.T, path string, mode cassettes.OpenMode, size int) {
	t.Helper()
	w, err := cassettes.Create(path, cassettes.HeaderMeta{}, mode, cassettes.SyncNever)
	if err != nil {
		t.Fatal(err)
	}
	i := &cassettes.Interaction{}
	i.Request.Method, i.Request.URL = "GET", "http://um.test/"+filepath.Base(path)
	i.Response.Code, i.Response.Status, i.Response.Body = 200, "200 OK", strings.Repeat("x", size)
	if err := w.Append(i); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestShelfHoldsNoMoreThanItMay: of several cassettes only so many are in memory as fit
// together, also after one was changed.
func TestShelfHoldsNoMoreThanItMay(t *testing.T) {
	dir := t.TempDir()
	a, _ := testApp(t)
	var paths []string
	for n := range 3 {
		paths = append(paths, filepath.Join(dir, fmt.Sprintf("%d.yaml", n)))
		cassetteOfSize(t, paths[n], cassettes.Refuse, holdBytes/2-1000)
	}
	s, err := a.openShelf([]string{dir}, replayFlags{})
	if err != nil {
		t.Fatal(err)
	}
	held := func() (total int64, which string) {
		for _, r := range s.reels {
			total += r.HeldBytes()
			which += fmt.Sprint(r.HeldBytes() > 0, " ")
		}
		return total, strings.TrimSpace(which)
	}
	if total, which := held(); total > holdBytes || which != "true true false" {
		t.Errorf("%d bytes are held: %s", total, which)
	}
	for _, tt := range []struct {
		size  int
		which string
	}{
		{holdBytes/2 + 1000, "true false false"}, // there is no room for the new one: the other goes on being held
		{1000, "true true false"},
	} {
		cassetteOfSize(t, paths[1], cassettes.Replace, tt.size)
		if err := s.open(paths, states(paths)); err != nil {
			t.Fatal(err)
		}
		if total, which := held(); total > holdBytes || which != tt.which {
			t.Errorf("changed to %d bytes: %d bytes are held: %s; want %s", tt.size, total, which, tt.which)
		}
	}
	for _, r := range s.reels {
		r.Close() // or Windows would not remove them
	}
}

// TestPlayedSaysHowOften: what was missed again is said once, with how often, and how
// much there is beside what is listed.
func TestPlayedSaysHowOften(t *testing.T) {
	var b bytes.Buffer
	miss := func(operation string, times int) cassettes.MissCount {
		return cassettes.MissCount{Miss: cassettes.Miss{Operation: operation, Reason: "why"}, Times: times}
	}
	p := cassettes.Played{Answered: 1, Missed: 9, Misses: []cassettes.MissCount{miss("A", 1), miss("B", 3)}}
	if err := writePlayed(&b, p); err != nil {
		t.Fatal(err)
	}
	want := "answered 1 request, missed 9, not used 0 interactions\n  missed: A: why\n  missed (3 times): B: why\n" +
		"  and missed 5 more, of other kinds; --report and --miss-report have them\n"
	if b.String() != want {
		t.Errorf("%s; want %s", b.String(), want)
	}
}
