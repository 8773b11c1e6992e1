package cassettes

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/umtape/umtape/inspect"
)

func knownFault(name string) bool { return name == "InvalidCallIdException" }

func TestParseTroubleErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":            `"" is none of delay=TIME, drop, reset, cut, a status such as 503, and a fault`,
		"burn":        `"burn" is none of`,
		":503":        "there is no operation before the colon",
		"200":         "200 is no status of an error",
		"delay=soon":  `"soon" is no time`,
		"delay=-1s":   `"-1s" is no time`,
		"503@":        `"" is none of 3, 2-4, 5+ and 10%`,
		"503@0":       `"0" is none of`,
		"503@4-2":     `"4-2" is none of`,
		"503@0%":      `"0%" is none of`,
		"503@101%":    `"101%" is none of`,
		"503@NaN%":    `"NaN%" is none of`,
		"503@-3":      `"-3" is none of`,
		"503@+":       `"+" is none of`,
		"X:Exception": `"Exception" is none of`,
	} {
		if _, err := ParseTrouble(text, knownFault); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func troubled(t *testing.T, options PlayOptions, texts ...string) *Player {
	t.Helper()
	for _, text := range texts {
		trouble, err := ParseTrouble(text, knownFault)
		if err != nil {
			t.Fatal(err)
		}
		if trouble.String() != text {
			t.Errorf("%s became %s", text, trouble)
		}
		options.Troubles = append(options.Troubles, trouble)
	}
	options.Fault = func(name string, v inspect.Version) []byte { return []byte(name + " " + v.String()) }
	return NewPlayer(options, &Cassette{Path: "calls.yaml", Interactions: []*Interaction{
		said(0, service, about("Disconnect", "A"), "bye"), said(1, service, about("Disconnect", "A"), "bye again"), said(2, service, about("GetCallInfo", "A"), "connected")}})
}

// what a request comes to, in a word.
func comesTo(t *testing.T, p *Player, operation string) string {
	t.Helper()
	req, _ := http.NewRequest("POST", service, strings.NewReader(about(operation, "A")))
	req.Header.Set("Content-Type", "text/xml")
	resp, err := p.RoundTrip(req)
	switch {
	case errors.Is(err, http.ErrAbortHandler) && errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case errors.Is(err, http.ErrAbortHandler):
		return "drop"
	case err != nil:
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		if int64(len(body)) != resp.ContentLength/2 {
			t.Errorf("%d of %d bytes came", len(body), resp.ContentLength)
		}
		return "cut"
	}
	if resp.StatusCode != 200 {
		if note := resp.Header.Get(HeaderNote); !strings.HasPrefix(note, "on demand: ") {
			t.Errorf("note %q", note)
		}
		return resp.Status[:3] + " " + strings.TrimSpace(string(body))
	}
	return string(body)
}

// TestTroubles: each kind comes when it should, to whom it should, and takes no turn
// from the answers that follow, unless the answer had begun.
func TestTroubles(t *testing.T) {
	for _, tt := range []struct {
		troubles, want string
	}{
		{"503", "503 Service Unavailable, 503 Service Unavailable, 503 Service Unavailable, 503 Service Unavailable"},
		{"503@2", "bye, 503 Service Unavailable, bye again, bye again"},
		{"drop@1-2", "drop, drop, bye, bye again"},
		{"reset@3+", "bye, bye again, reset, reset"},
		{"cut@1", "cut, bye again, bye again, bye again"},
		{"InvalidCallIdException@1", "500 InvalidCallIdException 1.1, bye, bye again, bye again"},
		{"GetCallInfo:503", "bye, bye again, bye again, bye again"},
		{"Disconnect:404@1", "404 Not Found, bye, bye again, bye again"},
		{"502@1 drop@2 reset@3", "502 Bad Gateway, drop, reset, bye"},
		{"502@1 drop@1", "502 Bad Gateway, bye, bye again, bye again"},
	} {
		p := troubled(t, PlayOptions{}, strings.Fields(tt.troubles)...)
		var got []string
		for range 4 {
			got = append(got, comesTo(t, p, "Disconnect"))
		}
		if strings.Join(got, ", ") != tt.want {
			t.Errorf("%s: %s\nwant %s", tt.troubles, strings.Join(got, ", "), tt.want)
		}
		if other := comesTo(t, p, "GetCallInfo"); strings.Contains(tt.troubles, ":") && other != "connected" && other != "503 Service Unavailable" {
			t.Errorf("%s: another operation came to %s", tt.troubles, other)
		}
		played := p.Played()
		if whole := played.Answered + played.Troubled + played.Missed; whole != 5 || played.Missed != 0 {
			t.Errorf("%s: played %+v", tt.troubles, played)
		}
	}
}

// TestTroublesByChance: about as many as were asked for, and the same ones again with
// the same seed.
func TestTroublesByChance(t *testing.T) {
	run := func(seed uint64) string {
		p := troubled(t, PlayOptions{Seed: seed}, "drop@25%")
		got := ""
		for range 1000 {
			got += comesTo(t, p, "Disconnect")[:1]
		}
		return got
	}
	first := run(1)
	if n := strings.Count(first, "d"); n < 180 || n > 320 {
		t.Errorf("%d of 1000 went wrong", n)
	}
	if run(1) != first || run(2) == first {
		t.Error("a seed does not repeat what went wrong")
	}
}

// TestLatency: answers take as long as they should, and no longer than the client
// waits for them.
func TestLatency(t *testing.T) {
	for text, want := range map[string]time.Duration{"recorded": 40 * time.Millisecond, "x0.5": 20 * time.Millisecond, "×2": 80 * time.Millisecond, "30ms": 30 * time.Millisecond, "0s": 0, "x0": 0} {
		l, err := ParseLatency(text)
		if err != nil {
			t.Fatal(err)
		}
		i := said(0, service, "<a/>", "x")
		i.Response.Duration = 40 * time.Millisecond
		p := NewPlayer(PlayOptions{Latency: l}, &Cassette{Interactions: []*Interaction{i}})
		began := time.Now()
		post(t, p, service, "<a/>")
		if took := time.Since(began); took < want {
			t.Errorf("%s: took %v, want at least %v", text, took, want)
		}
	}
	for _, text := range []string{"", "slow", "x-1", "x", "-1s", "xNaN", "x1e9"} {
		if _, err := ParseLatency(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	hour, _ := ParseLatency("1h")
	p := troubled(t, PlayOptions{Latency: hour}, "delay=1h")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, "POST", service, strings.NewReader(about("Disconnect", "A")))
	p.RoundTrip(req) // or the test would time out
}

// TestMissesAreDelayedToo: what is delayed on demand is, whether or not something was
// recorded for it.
func TestMissesAreDelayedToo(t *testing.T) {
	p := troubled(t, PlayOptions{}, "Disconnect:delay=30ms")
	began := time.Now()
	resp, _ := post(t, p, service, about("Disconnect", "never recorded"))
	if took := time.Since(began); resp.Header.Get(HeaderMiss) == "" || took < 30*time.Millisecond {
		t.Errorf("%q after %v", resp.Header.Get(HeaderMiss), took)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p = troubled(t, PlayOptions{}, "delay=1h")
	req, _ := http.NewRequestWithContext(ctx, "POST", service, strings.NewReader(about("Disconnect", "never recorded")))
	p.RoundTrip(req) // or the test would time out
}

// TestNotesAreJoined: what there is to mind about one answer is in one header.
func TestNotesAreJoined(t *testing.T) {
	cut, err := ParseTrouble("cut", knownFault)
	if err != nil {
		t.Fatal(err)
	}
	match := anyCall(t)
	p := PlayReels(PlayOptions{Match: match, Troubles: []*Trouble{cut}},
		hold(&Cassette{Path: "calls.yaml", Interactions: []*Interaction{said(0, service, about("Disconnect", "A"), "bye")}}, match))
	req, _ := http.NewRequest("POST", service, strings.NewReader(about("Disconnect", "B")))
	req.Header.Set("Content-Type", "text/xml")
	resp, err := p.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"recorded for another CallId, with yours put in; on demand: cut"}
	if got := resp.Header.Values(HeaderNote); !slices.Equal(got, want) {
		t.Errorf("notes %q; want %q", got, want)
	}
}
