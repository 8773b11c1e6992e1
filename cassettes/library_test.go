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

// TestReplaceOfOthers: of a cassette that is held, too, it is known what has changed;
// and a cycle goes on where it was.
func TestReplaceOfOthers(t *testing.T) {
	tapeOf := func(answers ...string) *Reel {
		var list []*Interaction
		for n, a := range answers {
			list = append(list, said(n, service, "<a/>", a))
		}
		return hold(&Cassette{Path: "c.yaml", Interactions: list}, Matching{})
	}
	ask := func(p *Player) string {
		resp, body := post(t, p, service, "<a/>")
		if resp.StatusCode != 200 {
			return "-"
		}
		return body
	}
	p := PlayReels(PlayOptions{Repeat: RepeatFail}, tapeOf("a", "b"))
	got := ask(p)
	p.Replace(tapeOf("A", "b"))
	if got += ask(p) + ask(p) + ask(p); got != "aAb-" {
		t.Errorf("after a change: %s", got)
	}
	p = PlayReels(PlayOptions{Repeat: RepeatCycle}, tapeOf("a", "b", "c"))
	got = ask(p) + ask(p) + ask(p) + ask(p)
	p.Replace(tapeOf("a", "b", "c"))
	if got += ask(p) + ask(p) + ask(p); got != "abcabca" {
		t.Errorf("a cycle: %s", got)
	}
}

// TestUnreadable: that a cassette cannot be read any more is said, and not that it
// holds nothing; nobody else's message is kept for a miss.
func TestUnreadable(t *testing.T) {
	path := tape(t)
	write(t, path, said(0, service, about("Disconnect", "A"), "a"))
	match := anyCall(t)
	for _, m := range []Matching{{}, match} {
		p := PlayReels(PlayOptions{Match: m}, open(t, path, OpenOptions{Match: m}))
		whole := readAll(t, path)
		put(t, path, whole[:100])
		for _, call := range []string{"A", "B"} {
			if _, body := post(t, p, service, about("Disconnect", call)); !strings.Contains(body, path+": the file was changed by another program") {
				t.Errorf("%s: %s", call, body)
			}
		}
		put(t, path, whole)
	}
}

// TestKeysAreStable: kept marks hold digests, so a request that is digested in another
// way than before makes all of them miss. If this fails and the change is meant, raise
// matchingVersion, and then change the numbers here.
func TestKeysAreStable(t *testing.T) {
	for body, want := range map[string]key{
		message(t, "disconnect-request.xml"):                 {fold: 0x8dc7b8a1e2e172fc, plain: 0x1c0db5c1, host: 0xc9c3ade2, version: 11},
		message(t, "disconnect-request-https-namespace.xml"): {fold: 0x8dc7b8a1e2e172fc, plain: 0x789045a1, host: 0xc9c3ade2, version: 11},
		"text": {fold: 0x41b9df9e68a4058e, host: 0xc9c3ade2},
	} {
		got := Matching{}.ask("POST", service+"?q=1", nil, []byte(body)).key()
		if got != want {
			t.Errorf("%.60q: %#v", body, got)
		}
	}
}
