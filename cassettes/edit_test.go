package cassettes

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func edit(t *testing.T, path string) *Edit {
	t.Helper()
	e, err := OpenEdit(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func save(t *testing.T, e *Edit) bool {
	t.Helper()
	changed, err := e.Save()
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

// unsorted is a cassette whose second interaction arrived first, with comments, an
// edited interaction and a torn end.
func unsorted(t *testing.T, path string) []byte {
	t.Helper()
	w := create(t, path, Replace, SyncNever)
	for _, n := range []int{2, 1, 3, 4} {
		add(t, w, sample(t, n))
	}
	for n := range w.entries {
		w.entries[n].arrived = 0 // or Close would put them in order
	}
	closed(t, w)
	data := readAll(t, path)
	data = strings.Replace(data, "    - id: 1\n", "# the first call\n    - id: 1\n", 1)
	data = strings.Replace(data, "200 OK", "200 Fine", 1) // of the first
	data = strings.Replace(data, "interactions:\n", "# kept by hand\ninteractions:\n", 1)
	data = data[:len(data)-30]
	put(t, path, data)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	return []byte(data)
}

// TestEditSorts: in order of arrival, with new ids, and all that was told of the
// interactions is still told: comments, the edited one, the torn one.
func TestEditSorts(t *testing.T) {
	path := tape(t)
	before := string(unsorted(t, path))
	link := filepath.Join(filepath.Dir(path), "link.yaml")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	e := edit(t, link)
	if e.Torn == nil || len(e.Records) != 3 {
		t.Fatalf("torn %v, %d records", e.Torn, len(e.Records))
	}
	if !e.Sort() {
		t.Error("in order already")
	}
	e.Renumber()
	if !save(t, e) {
		t.Error("nothing was changed")
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info.Mode(), err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v", info.Mode())
	}
	after := readAll(t, path)
	if !strings.Contains(after, "# kept by hand\n") || !strings.Contains(after, "# the first call\n    - id: 0\n") {
		t.Error("comments are lost")
	}
	tail := before[strings.LastIndex(before, "    - id: 3\n"):]
	if !strings.HasSuffix(after, tail) || len(after) != len(before) {
		t.Errorf("the torn end did not stay: %d bytes, then %d", len(before), len(after))
	}
	c := load(t, path)
	if c.Torn == nil || len(c.Interactions) != 3 {
		t.Fatalf("torn %v, %d interactions", c.Torn, len(c.Interactions))
	}
	for n, i := range c.Interactions {
		if want := start.Add(time.Duration(n+1) * time.Second); i.ID != n || !i.Umtape.Arrived.Equal(want) || i.Edited != (n == 1) {
			t.Errorf("%d: id %d, arrived %v, edited %v", n, i.ID, i.Umtape.Arrived, i.Edited)
		}
	}
	e = edit(t, path)
	if e.Sort() || save(t, e) {
		t.Error("sorted again")
	}
}

// TestEditLeavesOut: what is left keeps its bytes, ids and all.
func TestEditLeavesOut(t *testing.T) {
	path := tape(t)
	write(t, path, sample(t, 0), sample(t, 1), sample(t, 2))
	before := readAll(t, path)
	e := edit(t, path)
	e.Records = append(e.Records[:1], e.Records[2])
	save(t, e)
	from, to := strings.Index(before, "    - id: 1\n"), strings.Index(before, "    - id: 2\n")
	if after := readAll(t, path); after != before[:from]+before[to:] {
		t.Errorf("got\n%s", after)
	}
}

// TestEditChanges: a changed record has a checksum that fits, unless it was edited by
// hand before.
func TestEditChanges(t *testing.T) {
	path := tape(t)
	write(t, path, sample(t, 0), sample(t, 1))
	data := strings.Replace(readAll(t, path), "200 OK", "200 Fine", 1)
	os.WriteFile(path, []byte(data), 0o600)
	e := edit(t, path)
	for n, r := range e.Records {
		i := *r.Interaction
		i.Response.Status = "200 Changed"
		e.Records[n] = r.Changed(&i)
	}
	save(t, e)
	c := load(t, path)
	for n, i := range c.Interactions {
		if i.Response.Status != "200 Changed" || i.Edited != (n == 0) {
			t.Errorf("%d: %q, edited %v", n, i.Response.Status, i.Edited)
		}
	}
}

func TestEditRespectsLock(t *testing.T) {
	path := tape(t)
	w := create(t, path, Refuse)
	add(t, w, sample(t, 0))
	if _, err := OpenEdit(path); !errors.Is(err, ErrLocked) {
		t.Errorf("while recording: %v", err)
	}
	e, err := ReadEdit(path)
	if err != nil || len(e.Records) != 1 {
		t.Fatalf("reading: %v", err)
	}
	if err := e.SaveAs(path, true); !errors.Is(err, ErrLocked) {
		t.Errorf("to a file being recorded: %v", err)
	}
	closed(t, w)
	f := edit(t, path)
	if _, err := Create(path, testHeader, Append); !errors.Is(err, ErrLocked) {
		t.Errorf("recording while editing: %v", err)
	}
	f.Close()
	if left, _ := filepath.Glob(path + "*"); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
}

func TestEditSavesAs(t *testing.T) {
	path := tape(t)
	unsorted(t, path)
	to := filepath.Join(filepath.Dir(path), "to.yaml")
	e, err := ReadEdit(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, force := range []bool{false, true} {
		if err := e.SaveAs(to, force); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.SaveAs(to, false); !errors.Is(err, os.ErrExist) {
		t.Errorf("over a file: %v", err)
	}
	if info, _ := os.Stat(to); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if c := load(t, to); c.Torn != nil || len(c.Interactions) != 3 || !c.Interactions[0].Edited {
		t.Errorf("torn %v, %d interactions", c.Torn, len(c.Interactions))
	}
}

// TestEditFails: when the new file cannot be written, the old one is as it was.
func TestEditFails(t *testing.T) {
	path := tape(t)
	write(t, path, sample(t, 0), sample(t, 1))
	before := readAll(t, path)
	e := edit(t, path)
	e.Records = e.Records[:1]
	temp := filepath.Join(filepath.Dir(path), ".calls.yaml.umtape-tmp")
	if err := os.MkdirAll(filepath.Join(temp, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Save(); err == nil {
		t.Error("no error")
	}
	if readAll(t, path) != before {
		t.Error("the file was changed")
	}
}

// TestEditForeign: a cassette of others comes out in our layout, redacted.
func TestEditForeign(t *testing.T) {
	path := tape(t)
	foreign := "version: 2\ninteractions:\n- id: 0\n  request: {url: 'https://a.test/?token=SECRET', method: GET}\n  response: {body: ok, code: 200}\n"
	os.WriteFile(path, []byte(foreign), 0o600)
	e := edit(t, path)
	if e.Cleaned != 1 {
		t.Errorf("cleaned %d", e.Cleaned)
	}
	save(t, e)
	if after := readAll(t, path); strings.Contains(after, "SECRET") || !strings.HasPrefix(after, headerStart) {
		t.Errorf("got\n%s", after)
	}
	if c := load(t, path); c.Foreign || c.Interactions[0].Edited || c.Header.Umtape.Redact[0] != RedactCredentials {
		t.Errorf("%+v", c.Header)
	}
}

// TestEditLayouts: an edit that changes nothing leaves a file of ours alone, and gives
// a strange one our layout with the same interactions.
func TestEditLayouts(t *testing.T) {
	path := tape(t)
	write(t, path, sample(t, 0), sample(t, 1))
	ours := readAll(t, path)
	for _, tt := range []struct {
		name, data string
		edited     bool
	}{
		{"CRLF", strings.ReplaceAll(ours, "\n", "\r\n"), false},
		{"no last line break", strings.TrimSuffix(ours, "\n"), false},
		{"keys of others", ours + "other: key\n", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			os.WriteFile(path, []byte(tt.data), 0o600)
			e := edit(t, path)
			if !save(t, e) {
				t.Error("nothing changed")
			}
			e.Close()
			after := readAll(t, path)
			if !tt.edited && after != ours {
				t.Errorf("got\n%s", after)
			}
			for _, i := range load(t, path).Interactions {
				if i.Edited != tt.edited {
					t.Errorf("edited %v", i.Edited)
				}
			}
			if e := edit(t, path); save(t, e) {
				t.Error("changed again")
			}
		})
	}
	os.WriteFile(path, []byte(ours), 0o600)
	if e := edit(t, path); save(t, e) || !bytes.Equal(e.data, []byte(ours)) {
		t.Error("a file of ours was written anew")
	}
}
