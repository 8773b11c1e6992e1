package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/report"
)

// watched is a watch of a cassette that a test writes.
type watched struct {
	t           *testing.T
	path        string
	out, stderr *lineBuffer
	stop        context.CancelFunc
	ended       chan error
}

func startWatch(t *testing.T, path string, asJSON bool) *watched {
	t.Helper()
	a, stderr := testApp(t)
	w := &watched{t: t, path: path, out: &lineBuffer{grew: make(chan struct{}, 1)}, stderr: stderr, ended: make(chan error, 1)}
	a.stdout = w.out
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	t.Cleanup(stop)
	i := &inspection{app: a, asJSON: asJSON, look: report.Look{}}
	go func() { w.ended <- i.watchCassette(ctx, path) }()
	w.waitFor(stderr, "watching "+path)
	return w
}

func (w *watched) waitFor(b *lineBuffer, text string) {
	w.t.Helper()
	timeout := time.After(20 * time.Second)
	for !strings.Contains(b.String(), text) {
		select {
		case <-b.grew:
		case <-timeout:
			w.t.Fatalf("%q does not come; there is\n%s%s", text, w.out, w.stderr)
		}
	}
}

// ids are those of the lines, in their order, with the GUID's last digits.
func (w *watched) ids() string {
	var list []string
	for line := range strings.Lines(w.out.String()) {
		if fields := strings.Fields(line); fields[0] != "ID" {
			list = append(list, fields[0]+":"+fields[3][len(fields[3])-2:])
		}
	}
	return strings.Join(list, " ")
}

func (w *watched) end() {
	w.t.Helper()
	select {
	case err := <-w.ended:
		if err != nil {
			w.t.Error(err)
		}
	case <-time.After(20 * time.Second):
		w.t.Fatalf("it does not end; there is\n%s%s", w.out, w.stderr)
	}
}

func recordTo(t *testing.T, path string, mode cassettes.OpenMode) *cassettes.Writer {
	t.Helper()
	w, err := cassettes.Create(path, cassettes.HeaderMeta{RecordedBy: "a test"}, mode, cassettes.SyncNever)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func appendTo(t *testing.T, w *cassettes.Writer, n int, arrived time.Duration) {
	t.Helper()
	i := &cassettes.Interaction{}
	i.Request.Method, i.Request.URL, i.Response.Code = "POST", "http://um.example.test/", 200
	i.Umtape.Arrived = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC).Add(arrived)
	i.Umtape.Call = fmt.Sprintf("call-%02d", n)
	if err := w.Append(i); err != nil {
		t.Fatal(err)
	}
}

// TestWatch: each interaction is listed once, whatever the end of the recording does
// to the order of the file, and the watch ends with the recording.
func TestWatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.yaml")
	tape := recordTo(t, path, cassettes.Refuse)
	appendTo(t, tape, 0, time.Minute)
	w := startWatch(t, path, false)
	w.waitFor(w.out, "call-00")
	appendTo(t, tape, 1, 2*time.Minute)
	w.waitFor(w.out, "call-01")
	appendTo(t, tape, 2, 0) // which Close puts first
	w.waitFor(w.out, "call-02")
	appendTo(t, tape, 3, 3*time.Minute) // seen at the end, at the latest
	if err := tape.Close(); err != nil {
		t.Fatal(err)
	}
	w.end()
	if got := w.ids(); got != "0:00 1:01 2:02 3:03" {
		t.Errorf("listed %s", got)
	}
	for _, text := range []string{"was written anew; the interactions above may have other ids", "the recording has ended; " + path + " has 4 interactions"} {
		if !strings.Contains(w.stderr.String(), text) {
			t.Errorf("not said: %s\n%s", text, w.stderr)
		}
	}
}

// TestWatchReplaced: a file that is truncated, gone, or another recording is gone on
// with, and Ctrl-C ends it.
func TestWatchReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.yaml")
	tape := recordTo(t, path, cassettes.Refuse)
	appendTo(t, tape, 0, 0)
	if err := tape.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w := startWatch(t, path, false)
	w.waitFor(w.stderr, "nobody records to it now")
	w.waitFor(w.out, "call-00")

	if err := os.WriteFile(path, whole[:strings.Index(string(whole), "    - id: 0")], 0o600); err != nil {
		t.Fatal(err)
	}
	w.waitFor(w.stderr, "is another recording now")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	w.waitFor(w.stderr, "is gone; waiting for it")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(whole), "call-00", "call-07")), 0o600); err != nil {
		t.Fatal(err)
	}
	w.waitFor(w.out, "call-07")
	w.stop()
	w.end()
	if got := w.ids(); got != "0:00 0:07" {
		t.Errorf("listed %s", got)
	}
}

// TestWatchEndsWithNothing: a recording that captures nothing leaves no file.
func TestWatchEndsWithNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.yaml")
	tape := recordTo(t, path, cassettes.Refuse)
	w := startWatch(t, path, true)
	if err := tape.Close(); err != nil {
		t.Fatal(err)
	}
	w.waitFor(w.stderr, "it captured nothing")
	w.end()
	if w.out.String() != "" {
		t.Errorf("listed %s", w.out)
	}
}

// TestWatchDamaged: a file that stays unreadable ends the watch with the reason.
func TestWatchDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.yaml")
	if err := os.WriteFile(path, []byte("version: 2\ninteractions: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := startWatch(t, path, false)
	if err := os.WriteFile(path, []byte("version: 1\ninteractions: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-w.ended:
		if err == nil || !strings.Contains(err.Error(), "version is 1") {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it does not end")
	}
}

// TestWatchOfAWindowThatGrows: lines are cut to what the terminal is now, below a
// heading of their own.
func TestWatchOfAWindowThatGrows(t *testing.T) {
	a, _ := testApp(t)
	var out bytes.Buffer
	a.stdout = &out
	tape, err := cassettes.Load("../../testdata/rules/UM030/pass.yaml")
	if err != nil {
		t.Fatal(err)
	}
	i := &inspection{app: a, lookFlags: lookFlags{fitted: true}}
	w := watching{inspection: i, path: "calls.yaml"}
	for _, columns := range []string{"60", "60", "160"} {
		t.Setenv("COLUMNS", columns)
		if err := w.write(entry("calls.yaml", tape.Interactions[0])); err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(out.String(), "\n")
	if strings.Count(out.String(), "OPERATION") != 2 || len([]rune(lines[0])) > 60 || !strings.Contains(lines[3], "SERVER") || strings.Contains(lines[0], "SERVER") {
		t.Errorf("%s", &out)
	}
}
