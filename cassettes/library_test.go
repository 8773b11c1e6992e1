package cassettes

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestReplace: what a player replays from now on goes on where the sequences were,
// for what is still there unchanged; in whatever way the cassettes are held.
func TestReplace(t *testing.T) {
	request := message(t, "disconnect-request.xml")
	for _, hold := range []int64{0, 1 << 20} {
		path := filepath.Join(t.TempDir(), "calls.yaml")
		write(t, path, said(0, service, request, "a"), said(1, service, request, "b"), said(2, service, request, "c"), said(3, service, "<x/>", "x"))
		other := filepath.Join(t.TempDir(), "calls.yaml")
		write(t, other, said(0, service, "<y/>", "y"))
		options := OpenOptions{HoldBytes: hold}
		p := PlayReels(PlayOptions{Repeat: RepeatFail}, open(t, path, options))
		ask := func(body string) string {
			resp, answer := post(t, p, service, body)
			if resp.StatusCode != 200 {
				return "-"
			}
			return answer
		}
		if got := ask(request) + ask("<x/>"); got != "ax" {
			t.Fatalf("answered %s", got)
		}
		put(t, path, readAll(t, path)+"# a comment\n")
		first := open(t, path, options)
		p.Replace(open(t, other, options), first)
		if got := ask(request) + ask("<y/>") + ask("<x/>"); got != "by-" {
			t.Errorf("%d bytes held: after a comment it went on with %s", hold, got)
		}
		put(t, path, strings.Replace(readAll(t, path), "            b\n", "            B\n", 1)) // had its turn, but is another now
		p.Replace(open(t, other, options), open(t, path, options))
		if got := ask(request) + ask(request) + ask(request) + ask("<y/>"); got != "Bc--" {
			t.Errorf("%d bytes held: after a change it went on with %s", hold, got)
		}
		if played := p.Played(); played.Answered != 6 || played.Missed != 3 || len(played.Unused) != 0 {
			t.Errorf("played %+v", played)
		}
		p.Replace()
		if got := ask(request); got != "-" {
			t.Errorf("from no cassette: %s", got)
		}
	}
}

// TestReplaceWhileItAnswers: requests are answered from what was there before or from
// what is there now, and never from a mixture.
func TestReplaceWhileItAnswers(t *testing.T) {
	dir := t.TempDir()
	var reels [2]*Reel
	for n := range reels {
		path := filepath.Join(dir, fmt.Sprintf("%d.yaml", n))
		var list []*Interaction
		for k := range 20 {
			list = append(list, said(k, service, fmt.Sprintf("<a>%d</a>", (k+n)%20), fmt.Sprintf("%d.yaml %d", n, (k+n)%20)))
		}
		write(t, path, list...)
		reels[n] = open(t, path, OpenOptions{})
	}
	p := PlayReels(PlayOptions{}, reels[0])
	done := make(chan struct{})
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for k := 0; ; k++ {
				select {
				case <-done:
					return
				default:
				}
				resp, body := post(t, p, service, fmt.Sprintf("<a>%d</a>", k%20))
				tape, _, _ := strings.Cut(resp.Header.Get(HeaderInteraction), "#")
				if want := fmt.Sprintf("%s %d", tape, k%20); resp.StatusCode != 200 || body != want {
					t.Errorf("answered %d %q, want %q", resp.StatusCode, body, want)
					return
				}
			}
		})
	}
	for n := range 300 {
		switch n % 3 {
		case 0:
			p.Replace(reels[0], reels[1])
		case 1:
			p.Replace(reels[1])
		default:
			p.Replace(reels[0])
		}
	}
	close(done)
	all.Wait()
}
