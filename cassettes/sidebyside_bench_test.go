package cassettes

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"gopkg.in/dnaeon/go-vcr.v3/cassette"
	"gopkg.in/dnaeon/go-vcr.v3/recorder"
)

// BenchmarkSideBySide puts umtape beside stock go-vcr v3 in one run on the same cassettes of
// Disconnects, each with its own CallId: writing, opening, finding, missing, and what is
// held in memory. It prints a table, and with each figure of how many operations it is.
// Up to 1 000 interactions the two take turns; what go-vcr holds of more would have the
// collector work while umtape is measured, so that there it comes after. go-vcr has its
// fastest matcher, which compares bytes, and umtape reads the message and redacts it. Run it alone: bash .ci/bench. UMTAPE_SCALE=1000000 adds that size, umtape only:
// go-vcr would take eight minutes to save it, and 27 GB.
func BenchmarkSideBySide(b *testing.B) {
	for b.Loop() {
		var out strings.Builder
		table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "interactions\twhat\tumtape\tgo-vcr v3\tgo-vcr / umtape")
		for _, n := range scales(b) {
			compareAt(b, table, n)
		}
		table.Flush()
		b.Logf("\n%s\nMiddle of the rounds, and how many operations in all.", out.String())
	}
}

// maxStock is the largest cassette that go-vcr is asked to save and to load.
const maxStock = 100_000

// figure is what was measured of one of the two.
type figure struct {
	each []time.Duration // of one operation, by round
	ops  int
	held float64 // bytes for each interaction
}

func (f *figure) String() string {
	switch {
	case f == nil || len(f.each) == 0 && f.held == 0:
		return "-"
	case f.held != 0:
		return fmt.Sprintf("%.0f B", f.held)
	}
	d := f.middle()
	switch {
	case d < 10*time.Microsecond:
		return fmt.Sprintf("%.2f µs (%d)", float64(d.Nanoseconds())/1e3, f.ops)
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.0f µs (%d)", float64(d.Nanoseconds())/1e3, f.ops)
	case d < 10*time.Second:
		return fmt.Sprintf("%.0f ms (%d)", float64(d.Microseconds())/1e3, f.ops)
	}
	return fmt.Sprintf("%.1f s (%d)", d.Seconds(), f.ops)
}

func (f *figure) middle() time.Duration {
	sorted := slices.Sorted(slices.Values(f.each))
	return sorted[len(sorted)/2]
}

// over is how many times as much the other takes.
func (f *figure) over(g *figure) string {
	switch {
	case f == nil || g == nil || len(f.each) == 0 && f.held == 0 || len(g.each) == 0 && g.held == 0:
		return ""
	case f.held != 0:
		return fmt.Sprintf("%.1f", g.held/f.held)
	}
	return fmt.Sprintf("%.1f", float64(g.middle())/float64(f.middle()))
}

// round does an operation for as long as within, but most times at most, and notes how long
// one took.
func (f *figure) round(within time.Duration, most int, one func(k int)) {
	n := 0
	began := time.Now()
	for n == 0 || n < most && time.Since(began) < within {
		one(n)
		n++
	}
	f.each, f.ops = append(f.each, time.Since(began)/time.Duration(n)), f.ops+n
}

// in is the time that one operation on so many interactions took, for each of them.
func (f *figure) in(interactions int) *figure {
	g := &figure{ops: f.ops * interactions}
	for _, d := range f.each {
		g.each = append(g.each, d/time.Duration(interactions))
	}
	return g
}

func compareAt(b *testing.B, table io.Writer, n int) {
	rounds, within := 5, 200*time.Millisecond
	if n > 1000 {
		rounds, within = 3, time.Second
	}
	line := func(what string, ours, theirs *figure) {
		fmt.Fprintf(table, "%d\t%s\t%v\t%v\t%s\n", n, what, ours, theirs, ours.over(theirs))
	}
	path, cache := large(b, n), b.TempDir()
	var ours, theirs struct{ open, indexed, hit, miss figure }
	plain := strings.Replace(sample(b, 0).Request.Body, "0</CallId>", "</CallId>", 1)
	opened := func(o OpenOptions) *Reel {
		r, err := Open(path, o)
		if err != nil || r.Len() != n {
			b.Fatal(r, err)
		}
		return r
	}
	opened(OpenOptions{CacheDir: cache}).Close()

	before := heap()
	reel := opened(OpenOptions{})
	p := PlayReels(PlayOptions{}, reel)
	heldOurs := float64(heap()-before) / float64(n)
	defer reel.Close()

	var stockTape *cassette.Cassette
	var vcr *recorder.Recorder
	var body string
	heldTheirs := 0.0
	name := strings.TrimSuffix(path, ".yaml")
	load := func() {
		before = heap()
		var first figure
		first.round(0, 1, func(int) {
			var err error
			if vcr, err = recorder.NewWithOptions(&recorder.Options{CassetteName: name, Mode: recorder.ModeReplayOnly, SkipRequestLatency: true}); err != nil {
				b.Fatal(err)
			}
		})
		heldTheirs = float64(heap()-before) / float64(n)
		if n == maxStock { // else it only warms
			theirs.open = first
		}
		vcr.SetReplayableInteractions(true)
		vcr.SetMatcher(func(_ *http.Request, i cassette.Request) bool { return i.Body == body })
	}
	u, _ := url.Parse("https://um01.contoso.test/EWS/UM2007Legacy.asmx")
	ask := func(id int) {
		req := &http.Request{Method: "POST", URL: u, Header: http.Header{"Content-Type": {"text/xml; charset=utf-8"}}, Body: io.NopCloser(bytes.NewReader([]byte(withCall(plain, id))))}
		resp, err := p.RoundTrip(req)
		if err != nil || (resp.StatusCode == 200) != (id < n) {
			b.Fatal(resp, err)
		}
	}
	askStock := func(id int) {
		body = withCall(plain, id)
		req, err := http.NewRequest("POST", u.String(), strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		resp, err := vcr.RoundTrip(req)
		if id < n && (err != nil || resp.StatusCode != 200) || id >= n && !errors.Is(err, cassette.ErrInteractionNotFound) {
			b.Fatal(id, resp, err)
		}
	}
	oursRound := func(round int) {
		ours.open.round(within, 100, func(int) { opened(OpenOptions{}).Close() })
		ours.indexed.round(within, 100, func(int) { opened(OpenOptions{CacheDir: cache}).Close() })
		ours.hit.round(within, 100_000, func(k int) { ask((k*7919 + round) % n) })
		ours.miss.round(within, 100_000, func(k int) { ask(n + k) })
	}
	theirsRound := func(round int) {
		if n < maxStock {
			theirs.open.round(within, 100, func(int) {
				if _, err := cassette.Load(name); err != nil {
					b.Fatal(err)
				}
			})
		}
		theirs.hit.round(within, 100_000, func(k int) { askStock((k*7919 + round) % n) })
		theirs.miss.round(within, 100_000, func(k int) { askStock(n + k) })
	}
	turns := n <= 1000
	if turns {
		load()
	}
	for round := range rounds {
		if oursRound(round); turns {
			theirsRound(round)
		}
	}
	if !turns && n <= maxStock {
		load()
		for round := range rounds {
			theirsRound(round)
		}
	}
	if vcr != nil {
		if err := vcr.Stop(); err != nil {
			b.Fatal(err)
		}
		vcr = nil
	}
	runtime.GC()

	// Writing, from the first interaction to the closed file.
	record := func(dir string, policy SyncPolicy, count int) {
		w, err := Create(filepath.Join(dir, "a.yaml"), testHeader, Refuse, policy)
		if err != nil {
			b.Fatal(err)
		}
		i := sample(b, 0)
		for id := range count {
			i.Request.Body = withCall(plain, id)
			if err := errors.Join(w.Ready(2500), w.Append(i)); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, "a.yaml")); err != nil {
			b.Fatal(err)
		}
	}
	dir := b.TempDir()
	var never, interval, always, save figure
	few := min(n, 1000) // to sync
	for range min(rounds, 3) {
		never.round(0, 1, func(int) { record(dir, SyncNever, n) })
		interval.round(0, 1, func(int) { record(dir, SyncInterval, n) })
		always.round(0, 1, func(int) { record(dir, SyncAlways, few) })
		if n > maxStock || n == maxStock && save.ops > 0 { // it takes long
			continue
		}
		stockTape = cassette.New(filepath.Join(dir, "b"))
		save.round(0, 1, func(int) {
			for id := range n {
				i := sample(b, 0).Interaction
				i.Request.Body = withCall(plain, id)
				stockTape.AddInteraction(&i)
			}
			if err := stockTape.Save(); err != nil {
				b.Fatal(err)
			}
		})
		stockTape = nil
		runtime.GC()
	}
	line("append, --sync never", never.in(n), save.in(n))
	line("append, --sync interval", interval.in(n), nil)
	line("append, --sync always, one client", always.in(few), nil)
	line("open, cold", &ours.open, &theirs.open)
	if n >= marksWorth {
		line("open, indexed", &ours.indexed, nil)
	}
	line("find", &ours.hit, &theirs.hit)
	line("miss", &ours.miss, &theirs.miss)
	line("held in memory, each", &figure{held: heldOurs}, &figure{held: heldTheirs})
}
