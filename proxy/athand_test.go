package proxy

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// heldBody is in memory, and can be read too.
type heldBody struct {
	*strings.Reader
	closed, written bool
}

func (b *heldBody) Close() error { b.closed = true; return nil }

func (b *heldBody) WriteTo(w io.Writer) (int64, error) { b.written = true; return b.Reader.WriteTo(w) }

// A body that is in memory goes out as one that is not: in one write if it is short
// and as long as is said.
func TestBodyAtHand(t *testing.T) {
	for _, tt := range []struct {
		name           string
		method         string
		size, length   int
		stated         string
		once, complete bool
	}{
		{"short", "GET", 100, 100, "", true, true},
		{"as long as a buffer", "GET", 32 << 10, 32 << 10, "", true, true},
		{"longer", "GET", 32<<10 + 1, 32<<10 + 1, "", false, true},
		{"in chunks", "GET", 100, -1, "", false, true},
		{"HEAD", "HEAD", 100, 100, "", true, true},
		{"shorter than said", "GET", 100, 200, "", false, false},
		{"longer than the header says", "GET", 100, 100, "50", true, false},
	} {
		held := &heldBody{Reader: strings.NewReader(strings.Repeat("x", tt.size))}
		ended := make(chan Exchange, 1)
		_, addr := start(t, Config{
			ServeOrigin: true,
			OnExchange:  func(x Exchange) { ended <- x },
			NewTransport: func() http.RoundTripper {
				return roundTrip(func(r *http.Request) (*http.Response, error) {
					resp := reply(r, 200, "")
					resp.Body, resp.ContentLength = held, int64(tt.length)
					resp.Header.Del("Content-Length")
					if tt.stated != "" {
						resp.Header.Set("Content-Length", tt.stated)
					}
					return resp, nil
				})
			},
		})
		req, _ := http.NewRequest(tt.method, "http://"+addr+"/", nil)
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(tt.name, err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		x := <-ended
		want := tt.size
		if tt.method == "HEAD" {
			want = 0
		}
		switch {
		case tt.complete && (err != nil || len(body) != want || x.Outcome != Answered || x.ResponseBytes != int64(want)):
			t.Errorf("%s: %d bytes, %v, told %+v", tt.name, len(body), err, x)
		case !tt.complete && err == nil && x.Outcome != Broken: // the client knows, or its connection is cut
			t.Errorf("%s: %d bytes, %v, told %+v", tt.name, len(body), err, x)
		}
		if held.written != tt.once || !held.closed {
			t.Errorf("%s: written at once %v, want %v; closed %v", tt.name, held.written, tt.once, held.closed)
		}
	}
}

// A client that is gone is told of as such, also when the body goes out at once.
func TestBodyAtHandOfAClientGone(t *testing.T) {
	x := &exchange{ResponseWriter: brokenWriter{}}
	b := &responseBody{ReadCloser: &heldBody{Reader: strings.NewReader("text")}, x: x, length: 4}
	if _, err := b.WriteTo(x); err == nil || x.clientErr == nil || x.bodyErr != nil {
		t.Errorf("%v: client %v, body %v", err, x.clientErr, x.bodyErr)
	}
}

type brokenWriter struct{ http.ResponseWriter }

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("gone") }
