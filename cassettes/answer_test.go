package cassettes

import (
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/umtape/umtape/inspect"
)

// What is done to an answer does nothing to the next one, nor does the method of the
// first request that got it.
func TestAnswersAreSeparate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.yaml")
	w, err := Create(path, HeaderMeta{}, Refuse, SyncNever)
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"HEAD", "GET"} {
		i := said(0, service, "", "0123456789")
		i.Request.Method, i.Response.Headers["X-List"] = method, []string{"a", "b"}
		if err := w.Append(i); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	long, err := Open(path, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer long.Close()
	short, err := Open(path, OpenOptions{HoldBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	for what, p := range map[string]*Player{
		"on disk": PlayReels(PlayOptions{}, long), "held as bytes": PlayReels(PlayOptions{}, short), "held": NewPlayer(PlayOptions{}, whole),
	} {
		for n := range 6 {
			method, want := "HEAD", ""
			if n%2 > 0 {
				method, want = "GET", "0123456789"
			}
			req, _ := http.NewRequest(method, service, nil)
			resp, err := p.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			if list := strings.Join(resp.Header["X-List"], ","); string(body) != want || list != "a,b" || resp.Header.Get("X-Mine") != "" ||
				want != "" && resp.Header.Get("Content-Length") != "10" {
				t.Errorf("%s, %s, answer %d: %q %v", what, method, n, body, resp.Header)
			}
			resp.Header.Set("X-Mine", "1")
			resp.Header["X-List"][0] = "changed"
			resp.Header.Add("X-List", "c")
		}
	}
}

// A fault is told of with each answer that is one, also when others do not want to
// know of it.
func TestFaultOfSharedAnswers(t *testing.T) {
	fault := message(t, "disconnect-fault-invalid-callid.xml")
	c := &Cassette{Path: "calls.yaml", Interactions: []*Interaction{said(0, service, "<a/>", fault), said(1, service, "<b/>", "<answer/>")}}
	reel := hold(c, Matching{})
	for n := range 3 {
		var told []string
		options := PlayOptions{OnExchange: func(_ context.Context, f *Facts) { told = append(told, f.Fault) }}
		if n == 0 {
			options.OnExchange = nil
		}
		p := PlayReels(options, reel)
		for _, body := range []string{"<a/>", "<b/>", "<a/>"} {
			post(t, p, service, body)
		}
		if n > 0 && (len(told) != 3 || told[0] == "" || told[1] != "" || told[2] != told[0]) {
			t.Errorf("told of %q", told)
		}
	}
}

func TestReadBounded(t *testing.T) {
	const limit = 5000
	for _, length := range []int64{-1, 0, 1, 499, 500, 4999, 5000, 5001, 1 << 50} {
		for _, size := range []int{0, 1, 500, 512, 513, 4999, 5000, 5001, 100_000} {
			want := strings.Repeat("x", size)
			left := strings.NewReader(want)
			read, over, err := readBounded(io.NopCloser(left), length, limit)
			if err != nil || over != (size > limit) || !over && string(read) != want || over && read != nil || left.Len() > 0 {
				t.Errorf("%d bytes, announced as %d: %d read, over %v, %v, %d left", size, length, len(read), over, err, left.Len())
			}
			if cap(read) > 64<<10 {
				t.Errorf("announced as %d: room for %d", length, cap(read))
			}
		}
	}
	if _, _, err := readBounded(io.NopCloser(io.MultiReader(strings.NewReader("x"), brokenOff{})), 9, limit); err == nil {
		t.Error("a body that broke off was taken for a whole one")
	}
}

type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// What is remembered is what was put there, whatever shares its place; and as many
// requests as there is room for come round without pushing each other out.
func TestMemo(t *testing.T) {
	m := newMemo(1000)
	x := uint64(88172645463325252)
	raws := make([]uint64, 1000)
	for n := range raws {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		raws[n] = x
	}
	asked := func(n int) key {
		return key{fold: uint64(n), plain: uint32(n), host: uint32(n * 3), version: inspect.SOAP12}
	}
	operations := []string{"Disconnect", "GetCallInfo", ""}
	misses := 0
	for round := range 5 {
		for n, raw := range raws {
			k, operation, anyHost, ok := m.get(raw)
			if ok && (k != asked(n) || operation != operations[n%3] || anyHost != (n%2 > 0)) {
				t.Fatalf("%d: got %v, %q, %v", n, k, operation, anyHost)
			}
			if !ok {
				if round > 0 {
					misses++
				}
				m.put(raw, asked(n), operations[n%3], n%2 > 0)
			}
		}
	}
	if misses > 200 { // of 4000
		t.Errorf("%d were forgotten", misses)
	}
}

// The search for the nearest ends early only where nothing later can be nearer.
func TestNearestIsSoughtLongEnough(t *testing.T) {
	of := func(a, b string) string {
		return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><Do xmlns="urn:x"><A>` + a + `</A><B>` + b + `</B></Do></s:Body></s:Envelope>`
	}
	p := playerOf(
		said(0, "https://um.example.com/other", of("1", "2"), "<answer/>"),
		said(1, service+"?q", of("1", "2"), "<answer/>"),
		said(2, service, of("3", "4"), "<answer/>"),
		said(3, service, of("1", "4"), "<answer/>"),
		said(4, service, of("3", "2"), "<answer/>"),
	)
	if resp, _ := post(t, p, service, of("1", "2")); !strings.Contains(resp.Header.Get(HeaderMiss), "calls.yaml#3, which differs at Body/Do/B") {
		t.Error(resp.Header)
	}
}
