package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/inspect/web"
)

// tapeText is a cassette of n interactions whose requests are sent to host.
func tapeText(t *testing.T, h cassettes.HeaderMeta, host string, n int) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "made.yaml")
	w, err := cassettes.Create(path, h, cassettes.Refuse, cassettes.SyncNever)
	if err != nil {
		t.Fatal(err)
	}
	for k := range n {
		i := &cassettes.Interaction{}
		i.Request.Method, i.Request.URL, i.Request.Body = "POST", fmt.Sprintf("http://%s/%d", host, k), "<a>"+strings.Repeat("x", 1000)+"</a>"
		i.Response.Code = 200
		if err := w.Append(i); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func put(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := putFile(path, text); err != nil {
		t.Fatal(err)
	}
}

func nothing(*cassettes.Interaction) error { return nil }

// TestPageTapesAfterAReplacement has a cassette of pseudonyms, which the page shows as
// they are, replaced by one of real names, by the time that somebody opens an exchange.
func TestPageTapesAfterAReplacement(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.yaml")
	put(t, path, tapeText(t, cassettes.HeaderMeta{Redact: cassettes.Pseudonyms(um.Profile()).Names()}, "habc.invalid", 2))
	tapes := newPageTapes()
	if _, err := tapes.first(path, nothing, nil); err != nil {
		t.Fatal(err)
	}
	if _, masked, err := tapes.Read(path, 1); err != nil || masked.URL != "http://habc.invalid/1" {
		t.Errorf("a pseudonym is shown as %s, %v", masked.URL, err)
	}
	put(t, path, tapeText(t, cassettes.HeaderMeta{}, "um.zaphod.test", 3))
	if whole, masked, err := tapes.Read(path, 1); err != nil || masked.URL != "http://***/1" || whole.URL != "http://um.zaphod.test/1" {
		t.Errorf("of the other cassette %s is shown, %v", masked.URL, err)
	}
	fresh, anew, err := tapes.next(path)
	if len(fresh) != 3 || !anew || err != nil {
		t.Errorf("that it is another cassette was lost: %d are new, anew %t, %v", len(fresh), anew, err)
	}
	if fresh, anew, err := tapes.next(path); len(fresh) != 0 || anew || err != nil {
		t.Errorf("nothing is new: %d, anew %t, %v", len(fresh), anew, err)
	}
}

// TestPageTapesWhileTheyAreRead opens exchanges of a cassette that is being read for the
// first time.
func TestPageTapesWhileTheyAreRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.yaml")
	put(t, path, tapeText(t, cassettes.HeaderMeta{}, "um.test", 200))
	tapes := newPageTapes()
	var opened sync.WaitGroup
	defer opened.Wait()
	n := 0
	if _, err := tapes.first(path, func(e *cassettes.Interaction) error {
		if n++; n%50 == 1 { // one that was read, and one that was not
			for _, id := range []int{e.ID, 199 - e.ID} {
				opened.Go(func() {
					if whole, _, err := tapes.Read(path, id); err != nil || whole.ID != id {
						t.Errorf("interaction %d is %d, %v", id, whole.ID, err)
					}
				})
			}
		}
		return nil
	}, nil); err != nil {
		t.Fatal(err)
	}
	opened.Wait()
	if n != 200 || len(tapes.tape(path).kept) != 200 {
		t.Errorf("%d interactions were read, and %d are known", n, len(tapes.tape(path).kept))
	}
}

// TestPageOfADamagedNewcomer has a cassette come to a folder that is damaged at its end.
func TestPageOfADamagedNewcomer(t *testing.T) {
	folder := t.TempDir()
	put(t, filepath.Join(folder, "a.yaml"), tapeText(t, cassettes.HeaderMeta{}, "um.test", 1))
	a, stderr := testApp(t)
	book := web.NewBook()
	s := newShelfPage(a, []string{folder}, newPageTapes(), book)
	s.atOnce = 100
	if err := s.begin(context.Background(), filepath.Join(folder, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	whole := tapeText(t, cassettes.HeaderMeta{}, "um.test", 900)
	damaged := filepath.Join(folder, "b.yaml")
	at := bytes.LastIndex(whole[:len(whole)*95/100], []byte("        method: POST"))
	put(t, damaged, slices.Replace(bytes.Clone(whole), at, at+8, []byte("        }")...))
	for range toldAfter + 2 {
		s.newcomers(context.Background())
	}
	v := visit(t, served(t, book))
	if rows := v.get("/api/rows", 200); !strings.Contains(rows, `"total":1,`) {
		t.Errorf("what could be read of the damaged one is on the page, again and again: %.100s", rows)
	}
	if said := stderr.String(); strings.Count(said, "b.yaml") != 1 {
		t.Errorf("it is told once:\n%s", said)
	}
	put(t, damaged, whole)
	s.newcomers(context.Background())
	if rows := v.get("/api/rows", 200); !strings.Contains(rows, fmt.Sprintf(`"total":%d,`, 901)) {
		t.Errorf("mended, it is not there: %.100s", rows)
	}
}

// TestPageExportsSoMuchAtOnce has more chosen than is exported at once.
func TestPageExportsSoMuchAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.yaml")
	put(t, path, tapeText(t, cassettes.HeaderMeta{}, "um.test", 3))
	tapes := newPageTapes()
	tapes.maxExport = 2100 // two of them
	all := []web.Place{{File: path, ID: 0}, {File: path, ID: 1}, {File: path, ID: 2}}
	var out bytes.Buffer
	if err := tapes.Export(&out, "har", all[:2], false); err != nil {
		t.Error(err)
	}
	out.Reset()
	if err := tapes.Export(&out, "har", all, false); err == nil || !strings.Contains(err.Error(), "filter, and export some at a time") || out.Len() > 0 {
		t.Errorf("%d bytes, %v", out.Len(), err)
	}
}

// served serves the page of a book.
func served(t *testing.T, book *web.Book) *web.Server {
	t.Helper()
	ln, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := web.Serve(ln, web.Config{Book: book, Tape: newPageTapes()})
	t.Cleanup(server.Close)
	return server
}

// TestPageTapesKnowTheLastOnes has a cassette that grows beyond what is known of it, and
// one whose numbers are not those of a recording.
func TestPageTapesKnowTheLastOnes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.yaml")
	put(t, path, tapeText(t, cassettes.HeaderMeta{}, "um.test", 6))
	tapes := newPageTapes()
	tapes.maxKept = 8
	if _, err := tapes.first(path, nothing, nil); err != nil {
		t.Fatal(err)
	}
	says := func(id int, want string) {
		t.Helper()
		got := ""
		if whole, _, err := tapes.Read(path, id); err == nil {
			got = whole.URL
		}
		if got != want {
			t.Errorf("interaction %d is %q, not %q", id, got, want)
		}
	}
	says(0, "http://um.test/0")
	w, err := cassettes.Create(path, cassettes.HeaderMeta{}, cassettes.Append, cassettes.SyncNever)
	if err != nil {
		t.Fatal(err)
	}
	for k := 6; k < 12; k++ {
		i := &cassettes.Interaction{}
		i.Request.Method, i.Request.URL, i.Response.Code = "POST", fmt.Sprintf("http://um.test/%d", k), 200
		if err := w.Append(i); err != nil {
			t.Fatal(err)
		}
		says(k, i.Request.URL)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(tapes.tape(path).kept); n > 8 {
		t.Errorf("%d are known", n)
	}
	says(0, "")
	says(11, "http://um.test/11")
	says(7, "http://um.test/7")

	text := tapeText(t, cassettes.HeaderMeta{}, "um.test", 12)
	for _, change := range [][2]string{{"- id: 3\n", "- id: 70\n"}, {"- id: 11\n", "- id: 2\n"}} {
		text = bytes.Replace(text, []byte(change[0]), []byte(change[1]), 1)
	}
	put(t, path, text)
	if _, _, err := tapes.next(path); err != nil {
		t.Fatal(err)
	}
	says(70, "")
	says(2, "http://um.test/11")
	says(10, "http://um.test/10")
	says(3, "")
}
