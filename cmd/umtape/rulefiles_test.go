package main

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/report"
)

const ruleFiles = "../../testdata/rules"

// TestRuleCassettes: each rule has a cassette in which it is found, and nothing that
// the first line does not name, and one in which nothing is.
func TestRuleCassettes(t *testing.T) {
	known := ruleIDs()
	for _, id := range known {
		want := expected(t, id)
		if !slices.Contains(want, id) {
			t.Errorf("%s: the first line of fail.yaml names %v", id, want)
		}
		if got := idsOf(checked(t, id, ruleFile(t, id, "fail"))); !slices.Equal(got, want) {
			t.Errorf("%s/fail.yaml: %v, want %v", id, got, want)
		}
		if got := idsOf(checked(t, id, ruleFile(t, id, "pass"))); got != nil {
			t.Errorf("%s/pass.yaml: %v", id, got)
		}
	}
	entries, err := os.ReadDir(ruleFiles)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !slices.Contains(known, e.Name()) {
			t.Errorf("%s is no rule", e.Name())
		}
	}
}

// TestPlacesOfFindings takes every finding of every such cassette to its place in the
// file, as an editor would: there is the element that it is about, the header field,
// or the key of what has no other place. It does so in the files as they are, with
// the line ends of Windows, and as umtape itself would have recorded them.
func TestPlacesOfFindings(t *testing.T) {
	elements := 0
	for _, id := range ruleIDs() {
		path := ruleFile(t, id, "fail")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		windows := filepath.Join(t.TempDir(), "windows.yaml")
		if err := os.WriteFile(windows, bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{path, windows, asRecorded(t, path)} {
			elements += checkFindings(t, id, path)
		}
	}
	if elements < 150 {
		t.Errorf("only %d findings were about an element", elements)
	}
}

// TestPlacesInDecodedBodies: what is in a message of UTF-16 is where its body is.
func TestPlacesInDecodedBodies(t *testing.T) {
	tape, err := cassettes.Load(ruleFile(t, "UM001", "fail"))
	if err != nil {
		t.Fatal(err)
	}
	for _, mark := range []string{"", "\xff\xfe"} {
		i := *tape.Interactions[0]
		wide := mark
		for _, c := range i.Request.Body {
			wide += string(c) + "\x00"
		}
		i.Request.Body = wide
		path := filepath.Join(t.TempDir(), "wide.yaml")
		w, err := cassettes.Create(path, tape.Header.Umtape, cassettes.Refuse)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Append(&i), w.Close()); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found := checked(t, "UM001", path).All()
		if len(found) != 1 || found[0].Rule.ID != "UM001" || found[0].Finding.Line == 0 {
			t.Fatalf("%+v", found)
		}
		if line := strings.Split(string(text), "\n")[found[0].Line-1]; !strings.HasPrefix(line[found[0].Column-1:], "body: ") {
			t.Errorf("at %d:%d is %.60s", found[0].Line, found[0].Column, line)
		}
	}
}

// checkFindings returns how many findings were about an element.
func checkFindings(t *testing.T, id, path string) (elements int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for _, f := range checked(t, id, path).All() {
		if f.Line < 1 || f.Line > len(lines) || f.Column < 1 || f.Column > len([]rune(lines[f.Line-1]))+1 {
			t.Errorf("%s: %s is at %d:%d", path, f.Rule.ID, f.Line, f.Column)
			continue
		}
		rest := string([]rune(lines[f.Line-1])[f.Column-1:])
		ok := true
		switch {
		case f.Path != "":
			elements++
			ok = regexp.MustCompile(`^<(\w+:)?(` + strings.Join(mayBe(f.Path), "|") + `)\b`).MatchString(rest)
		case f.Header != "":
			ok = strings.HasPrefix(rest, `"`) || strings.HasPrefix(rest, "headers:") || strings.Contains(lines[f.Line-1], "- "+rest)
		case f.Part != "" && f.Finding.Line > 0: // what could not be read: somewhere in the body
			ok = strings.HasPrefix(lines[f.Line-1], "            ")
		case f.Part != "":
			ok = strings.HasPrefix(rest, "body:")
		case f.ID >= 0:
			ok = strings.HasPrefix(rest, "- id: ")
		}
		if !ok {
			t.Errorf("%s:%d:%d: %s, about %q %q %q, is where %.40q is", path, f.Line, f.Column, f.Rule.ID, f.Part, f.Path, f.Header, rest)
		}
	}
	return elements
}

// mayBe are the elements that a finding with that path may be at: the last of it,
// or the one that lacks it.
func mayBe(path string) []string {
	names := strings.Split(path, "/")
	last := names[len(names)-1]
	if len(names) == 1 || strings.HasPrefix(last, "@") {
		return []string{strings.TrimPrefix(last, "@"), names[max(len(names)-2, 0)]}
	}
	return []string{last, names[len(names)-2]}
}

// ruleFile is a cassette of a rule, as a file that can be validated.
func ruleFile(t *testing.T, id, kind string) string {
	t.Helper()
	path := filepath.Join(ruleFiles, id, kind+".yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	times := regexp.MustCompile(`(\d+) TIMES (.*)`).FindSubmatch(text)
	if times == nil {
		return path
	}
	n, err := strconv.Atoi(string(times[1]))
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), kind+".yaml")
	if err := os.WriteFile(path, bytes.Replace(text, times[0], bytes.Repeat(times[2], n), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// expected are the rules that the first line of fail.yaml names; those of files in
// umtape's own layout, which has no room for a comment, are the folder's.
func expected(t *testing.T, id string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(ruleFiles, id, "fail.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	first, ok := strings.CutPrefix(string(text), "# ")
	if !ok {
		return []string{id}
	}
	names, _, _ := strings.Cut(first, ":")
	list := strings.Fields(names)
	slices.Sort(list)
	return list
}

// asRecorded is a cassette with the same interactions in umtape's own layout.
func asRecorded(t *testing.T, path string) string {
	t.Helper()
	tape, err := cassettes.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "ours.yaml")
	w, err := cassettes.Create(out, tape.Header.Umtape, cassettes.Refuse)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range tape.Interactions {
		if err := w.Append(i); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

// checked checks a cassette of a rule: against the contract if it is one of those, and
// without the notes that no cassette with a part of a call only is free of, unless it
// is there for them.
func checked(t *testing.T, id, path string) report.CheckedCassette {
	t.Helper()
	c := checks{settings: ruleSettings{"UM071": ruleOff, "UM073": ruleOff}}
	delete(c.settings, id)
	if strings.HasPrefix(id, "SHAPE") {
		var err error
		if c.contract, err = cassettes.LoadContract(filepath.Join(ruleFiles, "contract.yaml")); err != nil {
			t.Fatal(err)
		}
	}
	if id == "TAPE04" {
		c.before = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	}
	if strings.HasPrefix(id, "LIVE") {
		// The server of today is a replay.
		server := "server.yaml"
		if strings.HasSuffix(path, "pass.yaml") {
			server = "server-pass.yaml"
		}
		f := validateFlags{live: liveFlags{url: serverOf(t, filepath.Join(ruleFiles, id, server))}}
		var err error
		if c.live, err = (&app{stderr: io.Discard}).live(t.Context(), []string{path}, f); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.read(path, path, nil); err != nil {
		t.Fatal(err)
	}
	return c.done()[0]
}

// serverOf answers as a cassette does.
func serverOf(t *testing.T, path string) (url string) {
	t.Helper()
	tape, err := cassettes.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	player := cassettes.NewPlayer(cassettes.PlayOptions{}, tape)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resp, err := player.RoundTrip(r)
		if err != nil || resp.Header.Get(cassettes.HeaderMiss) != "" {
			t.Errorf("%s: not to be sent: %v %s", path, err, resp.Header.Get(cassettes.HeaderMiss))
			return
		}
		maps.Copy(w.Header(), resp.Header)
		w.WriteHeader(resp.StatusCode)
		io.Copy(w, resp.Body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func idsOf(c report.CheckedCassette) []string {
	var ids []string
	for _, f := range c.All() {
		ids = append(ids, f.Rule.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
