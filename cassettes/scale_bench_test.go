package cassettes

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strings"
	"testing"

	"gopkg.in/dnaeon/go-vcr.v3/cassette"
	"gopkg.in/dnaeon/go-vcr.v3/recorder"
)

// scales are the sizes of cassette that promises are made for. The largest take
// minutes to write; UMTAPE_SCALE=1000000 asks for them.
func scales(b *testing.B) []int {
	b.Helper()
	list := []int{1, 1000, 100_000}
	if os.Getenv("UMTAPE_SCALE") != "" {
		list = append(list, 1_000_000)
	}
	return list
}

// large writes a cassette of n Disconnects, each with its own CallId.
func large(b *testing.B, n int) (path string) {
	b.Helper()
	path = tape(b)
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	w.Write(appendHeader(nil, testHeader))
	i := sample(b, 0)
	plain := strings.Replace(i.Request.Body, "0</CallId>", "</CallId>", 1)
	var buf []byte
	for id := range n {
		i.Request.Body = withCall(plain, id)
		buf, _ = appendRecord(buf[:0], i, id)
		w.Write(buf)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	return path
}

func withCall(plain string, n int) string {
	return strings.Replace(plain, "</CallId>", fmt.Sprintf("%d</CallId>", n), 1)
}

// BenchmarkOpen opens cassettes piece by piece, and says what is held of each
// interaction.
func BenchmarkOpen(b *testing.B) {
	for _, n := range scales(b) {
		path := large(b, n)
		b.Run(fmt.Sprintf("cold %d", n), func(b *testing.B) {
			var held uint64
			for b.Loop() {
				before := heap()
				r, err := Open(path, OpenOptions{})
				if err != nil || r.Len() != n {
					b.Fatal(r, err)
				}
				p := PlayReels(PlayOptions{}, r)
				held = heap() - before
				p.Played()
				r.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/interaction")
			b.ReportMetric(float64(held)/float64(n), "bytes/interaction")
		})
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkPlay finds and reads answers: to requests as they were recorded, to
// the same written otherwise, and to ones that were not.
func BenchmarkPlay(b *testing.B) {
	for _, n := range scales(b) {
		path := large(b, n)
		r, err := Open(path, OpenOptions{})
		if err != nil {
			b.Fatal(err)
		}
		defer r.Close()
		p := PlayReels(PlayOptions{}, r)
		plain := strings.Replace(sample(b, 0).Request.Body, "0</CallId>", "</CallId>", 1)
		otherwise := strings.NewReplacer("soap:", "s:", "xmlns:soap", "xmlns:s", "><", ">\n <").Replace(plain)
		for _, kind := range []struct{ name, body string }{{"as recorded", plain}, {"otherwise", otherwise}, {"miss", plain}} {
			b.Run(fmt.Sprintf("%s %d", kind.name, n), func(b *testing.B) {
				b.ReportAllocs()
				u, _ := url.Parse("https://um01.contoso.test/EWS/UM2007Legacy.asmx")
				k := 0
				for b.Loop() {
					k = (k + 7919) % n
					id := k
					if kind.name == "miss" {
						id = n + k
					}
					req := &http.Request{Method: "POST", URL: u, Header: http.Header{"Content-Type": {"text/xml; charset=utf-8"}},
						Body: io.NopCloser(bytes.NewReader([]byte(withCall(kind.body, id))))}
					resp, err := p.RoundTrip(req)
					if err != nil || (resp.StatusCode == 200) != (kind.name != "miss") {
						b.Fatal(resp, err)
					}
				}
			})
		}
	}
}

// BenchmarkPlayGoVCR is go-vcr's own recorder in replay mode, with its fastest
// matcher, on the same cassettes: of 100 000 it takes long, and much memory, to load.
func BenchmarkPlayGoVCR(b *testing.B) {
	for _, n := range scales(b) {
		path := large(b, n)
		r, err := recorder.NewWithOptions(&recorder.Options{CassetteName: strings.TrimSuffix(path, ".yaml"),
			Mode: recorder.ModeReplayOnly, SkipRequestLatency: true})
		if err != nil {
			b.Fatal(err)
		}
		defer r.Stop()
		r.SetReplayableInteractions(true)
		var body string
		r.SetMatcher(func(_ *http.Request, i cassette.Request) bool { return i.Body == body })
		plain := strings.Replace(sample(b, 0).Request.Body, "0</CallId>", "</CallId>", 1)
		b.Run(fmt.Sprintf("as recorded %d", n), func(b *testing.B) {
			b.ReportAllocs()
			k := 0
			for b.Loop() {
				k = (k + 7919) % n
				body = withCall(plain, k)
				req, err := http.NewRequest("POST", "https://um01.contoso.test/EWS/UM2007Legacy.asmx", strings.NewReader(body))
				if err != nil {
					b.Fatal(err)
				}
				if resp, err := r.RoundTrip(req); err != nil || resp.StatusCode != 200 {
					b.Fatal(resp, err)
				}
			}
		})
	}
}
