package cassettes

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"gopkg.in/dnaeon/go-vcr.v3/cassette"
)

func open(t testing.TB, path string, options OpenOptions) *Reel {
	t.Helper()
	r, err := Open(path, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// asLoaded compares what a reel has with what Load has.
func asLoaded(t *testing.T, what string, r *Reel, c *Cassette) {
	t.Helper()
	if r.Len() != len(c.Interactions) || !reflect.DeepEqual(r.header, c.Header) || r.foreign != c.Foreign || !reflect.DeepEqual(r.torn, c.Torn) {
		t.Errorf("%s: %d interactions, header %+v, torn %+v; Load has %d, %+v, %+v", what, r.Len(), r.header, r.torn, len(c.Interactions), c.Header, c.Torn)
		return
	}
	of := hold(c, Matching{})
	for n, want := range c.Interactions {
		got, err := r.interaction(n)
		if err != nil {
			t.Fatalf("%s: interaction %d: %v", what, n, err)
		}
		plain := func(i *Interaction) Interaction { p := *i; p.Line, p.span, p.Edited = 0, span{}, false; return p }
		if !reflect.DeepEqual(plain(got), plain(want)) {
			t.Errorf("%s: interaction %d:\n got %+v\nwant %+v", what, n, plain(got), plain(want))
		}
		answer := &Interaction{}
		shared, err := r.answer(n)
		if err == nil {
			answer = shared.interaction
		}
		if err != nil || !reflect.DeepEqual(answer.Response, want.Response) || !reflect.DeepEqual(answer.Umtape, want.Umtape) {
			t.Errorf("%s: answer %d: %+v, %v", what, n, answer, err)
		}
		if r.name(n) != of.name(n) {
			t.Errorf("%s: interaction %d is called %s, want %s", what, n, r.name(n), of.name(n))
		}
		a, b := r.marks[n], of.marks[n]
		a.off, a.size, a.sum, b.off, b.size, b.sum = 0, 0, 0, 0, 0, 0
		if a != b {
			t.Errorf("%s: interaction %d is marked %+v, want %+v", what, n, a, b)
		}
	}
}

// TestOpenIsLoad: a cassette opened piece by piece has what one that is read
// whole has, whoever wrote it and whatever has become of it.
func TestOpenIsLoad(t *testing.T) {
	path := tape(t)
	var list []*Interaction
	for n := range 2500 { // more than one window
		i := sample(t, n)
		switch n % 50 {
		case 7:
			i.Response.Code = 401
		case 8:
			i.Umtape.Truncated = "request"
		case 9:
			i.Response.Body = "\tno literal\r\n" + strings.Repeat("x", n)
		case 10:
			i.Request.Body = "\xff\xfe\x00"
		}
		list = append(list, i)
	}
	long := sample(t, 1)
	long.Response.Body = strings.Repeat("<a>long</a>\n", 3*scanWindow/12)
	list = append(list[:1200], append([]*Interaction{long}, list[1200:]...)...)
	write(t, path, list...)
	whole := readAll(t, path)
	ends := strings.LastIndex(whole, "        checksum:")
	stock := filepath.Join(filepath.Dir(path), "stock")
	c := cassette.New(stock)
	for n := range 30 {
		c.AddInteraction(&sample(t, n).Interaction)
	}
	if err := c.Save(); err != nil {
		t.Fatal(err)
	}
	header, _, _ := strings.Cut(whole, "interactions:\n")
	first := whole[:strings.Index(whole, "    - id: 1\n")]
	for name, text := range map[string]string{
		"as written":         whole,
		"torn":               whole[:ends],
		"torn in its start":  whole + "    - id: 2",
		"torn, one":          first[:len(first)-30],
		"no interactions":    header + "interactions:\n",
		"empty list":         header + "interactions: []\n",
		"edited":             strings.ReplaceAll(whole, "200 OK", "200 Ok"),
		"comments":           strings.ReplaceAll(whole, "    - id: 77\n", "\n# a comment\n    - id: 77\n"),
		"renumbered":         strings.ReplaceAll(whole, "    - id: 77\n", "    - id: 7777\n"),
		"indented otherwise": strings.ReplaceAll(first, "      ", "        "),
		"by Windows":         strings.ReplaceAll(whole, "\n", "\r\n"),
		"a line by Windows":  strings.Replace(whole, "200 OK\n", "200 OK\r\n", 1),
		"no line break":      whole[:len(whole)-1],
		"stock go-vcr":       readAll(t, stock+".yaml"),
	} {
		put(t, path, text)
		c, err := Load(path)
		r, openErr := Open(path, OpenOptions{})
		if (err == nil) != (openErr == nil) || err != nil && err.Error() != openErr.Error() {
			t.Errorf("%s: Open fails with %v, Load with %v", name, openErr, err)
			continue
		}
		if err == nil {
			asLoaded(t, name, r, c)
			if streams := r.held == nil; streams != !(name == "stock go-vcr" || name == "by Windows" || name == "a line by Windows" || name == "empty list") {
				t.Errorf("%s: read piece by piece: %v", name, streams)
			}
			r.Close()
		}
	}
}

// TestOpenErrors: Open says what Load says.
func TestOpenErrors(t *testing.T) {
	path := tape(t)
	for _, text := range []string{"", "hello", "---\nversion: 1\ninteractions: []\n", "---\nversion: 2\numtape:\n    format: 9\ninteractions:\n",
		string(appendHeader(nil, testHeader)) + "    - id: 0\n      nonsense\n        checksum: crc32c:00000000\n    - id: 1\n      more\n        checksum: crc32c:00000000\n"} {
		put(t, path, text)
		_, want := Load(path)
		r, err := Open(path, OpenOptions{})
		if want == nil || err == nil || err.Error() != want.Error() {
			t.Errorf("%.30q: Open fails with %v, Load with %v", text, err, want)
		}
		if r != nil {
			t.Errorf("%.30q: there is a reel", text)
		}
	}
	for _, path := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none.yaml")} {
		_, want := Load(path)
		if _, err := Open(path, OpenOptions{}); err == nil || err.Error() != want.Error() {
			t.Errorf("Open fails with %v, Load with %v", err, want)
		}
	}
}

// longTape writes a cassette whose marks are worth keeping, an hour ago.
func longTape(t *testing.T) string {
	t.Helper()
	was := marksWorth
	marksWorth = 100
	t.Cleanup(func() { marksWorth = was })
	path := tape(t)
	var list []*Interaction
	for n := range marksWorth {
		list = append(list, said(n, service, fmt.Sprintf("<a>%d</a>", n), fmt.Sprint(n)))
	}
	write(t, path, list...)
	age(t, path)
	return path
}

func age(t *testing.T, path string) {
	t.Helper()
	then := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

// TestMarksAreKept: the second time the marks come from the cache folder, and are
// the same; the folder has nothing that others may read, and the cassette's has
// nothing more than before.
func TestMarksAreKept(t *testing.T) {
	path, dir := longTape(t), filepath.Join(t.TempDir(), "cache", "umtape")
	options := OpenOptions{CacheDir: dir}
	first := open(t, path, options)
	if first.kept != "" || first.NotCached() != nil {
		t.Fatalf("first opened from %q, kept: %v", first.kept, first.NotCached())
	}
	again := open(t, path, options)
	if again.kept == "" {
		t.Fatal("not opened from what was kept")
	}
	asLoaded(t, "from the cache", again, load(t, path))
	if !reflect.DeepEqual(first.marks, again.marks) {
		t.Error("other marks")
	}
	if info, err := os.Stat(again.kept); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if list, _ := os.ReadDir(filepath.Dir(path)); len(list) != 1 {
		t.Errorf("beside the cassette: %v", list)
	}
	if r := open(t, path, OpenOptions{CacheDir: dir, Match: Matching{MaxBody: 7}}); r.kept != "" {
		t.Error("marks made under another limit were taken")
	}
}

// TestMarksAreNotBelieved: a cassette that was changed is read anew, and so is one
// whose marks are damaged anywhere.
func TestMarksAreNotBelieved(t *testing.T) {
	path, dir := longTape(t), t.TempDir()
	options := OpenOptions{CacheDir: dir}
	whole := readAll(t, path)
	open(t, path, options)
	kept := open(t, path, options).kept
	marks := readAll(t, kept)
	// The first bytes and the last ones, and some between.
	for at := 0; at < len(marks); at += max(1, min(at, len(marks)-at)/3) {
		put(t, kept, marks[:at]+string(marks[at]^0x55)+marks[at+1:])
		if r := open(t, path, options); r.kept != "" {
			t.Fatalf("marks damaged at %d of %d were taken", at, len(marks))
		}
		put(t, kept, marks[:at])
		if r := open(t, path, options); r.kept != "" {
			t.Fatalf("marks cut at %d of %d were taken", at, len(marks))
		}
	}
	for what, change := range map[string]func(){
		"appended":        func() { put(t, path, whole+"# end\n"); age(t, path) },
		"touched":         func() { os.Chtimes(path, time.Now().Add(-time.Minute), time.Now().Add(-time.Minute)) },
		"another file":    func() { os.Remove(path); put(t, path+"2", whole); os.Rename(path+"2", path); age(t, path) },
		"just now":        func() { put(t, path, strings.Replace(whole, "<a>0<", "<a>x<", 1)); open(t, path, options) },
		"within a sample": func() { put(t, path, strings.Replace(whole, "<a>0<", "<a>x<", 1)); age(t, path) },
	} {
		put(t, path, whole)
		age(t, path)
		open(t, path, options)
		if r := open(t, path, options); r.kept == "" {
			t.Fatalf("%s: nothing was kept", what)
		}
		change()
		if r := open(t, path, options); r.kept != "" {
			t.Errorf("%s: the marks were taken", what)
		}
	}
}

// TestChangedUnderUs: an answer that is not what it was when the cassette was
// opened is not given, and marks that led there are not kept.
func TestChangedUnderUs(t *testing.T) {
	path, dir := longTape(t), t.TempDir()
	open(t, path, OpenOptions{CacheDir: dir})
	r := open(t, path, OpenOptions{CacheDir: dir})
	p := PlayReels(PlayOptions{}, r)
	if _, body := post(t, p, service, "<a>7</a>"); body != "7" {
		t.Fatalf("answered %q", body)
	}
	put(t, path, readAll(t, path)[:1000])
	resp, body := post(t, p, service, "<a>8</a>")
	if resp.StatusCode != 500 || !strings.Contains(body, path+": the file was changed by another program while it was being replayed; it has to be opened again") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if _, err := os.Stat(r.kept); !os.IsNotExist(err) {
		t.Errorf("the marks are still there: %v", err)
	}
}

// TestOpenProgress: whoever waits is told how far it is, and at the end that it
// is done.
func TestOpenProgress(t *testing.T) {
	path := tape(t)
	i := sample(t, 0)
	i.Response.Body = strings.Repeat("long\n", scanWindow)
	write(t, path, i, i)
	var told []int64
	open(t, path, OpenOptions{OnProgress: func(read, size int64) {
		if read > size || len(told) > 0 && read < told[len(told)-1] {
			t.Errorf("%d of %d after %v", read, size, told)
		}
		told = append(told, read)
	}})
	if info, _ := os.Stat(path); len(told) < 2 || told[len(told)-1] != info.Size() {
		t.Errorf("told %v of %d", told, info.Size())
	}
}
