package cassettes

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

// A header name that is passed over without being taken apart is none of a
// credential, wherever the words stand and however they are written.
func TestPlainHeadersHoldNoSecret(t *testing.T) {
	for word := range secretHeaderWords {
		for _, name := range []string{word, "X-" + word, word + "-Id", strings.ToUpper(word), "A-" + strings.ToUpper(word[:1]) + word[1:], word[:2] + "2" + word[2:]} {
			if plainHeader(name) || plainHeader(http.CanonicalHeaderKey(name)) {
				t.Errorf("%s is taken for a plain header", name)
			}
			if got := redactHeader(http.Header{name: {"hunter2"}}); got.Get(name) == "hunter2" {
				t.Errorf("%s: hunter2 is kept", name)
			}
		}
	}
	for _, name := range []string{"Content-Type", "Content-Length", "User-Agent", "Date", "Server", "Soapaction", "Accept"} {
		if !plainHeader(name) {
			t.Errorf("%s is not taken for a plain header", name)
		}
	}
}

// What is kept of a header is a copy: a proxy changes the live one.
func TestRedactHeaderCopies(t *testing.T) {
	live := http.Header{"A": {"1", "2"}, "B": {"3"}}
	kept := redactHeader(live)
	live["A"][0], live["B"][0] = "x", "y"
	kept["A"] = append(kept["A"], "4")
	if a, b := strings.Join(kept["A"], ""), strings.Join(kept["B"], ""); a != "124" || b != "3" {
		t.Errorf("A %q, B %q; want 124, 3", a, b)
	}
}

// A body is read to its end or the limit, whatever length was stated.
func TestReadUpTo(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789"), 500)
	for _, stated := range []int64{-1, 0, 1, 10, 4999, 5000, 5001, 1 << 40} {
		for _, limit := range []int64{1, 10, 4999, 5000, 5001, 1 << 40} {
			for name, r := range map[string]io.Reader{"whole": bytes.NewReader(text), "bytes": iotest.OneByteReader(bytes.NewReader(text)), "with its end": iotest.DataErrReader(bytes.NewReader(text))} {
				got, err := readUpTo(r, limit, stated)
				if want := text[:min(limit, 5000)]; err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s, %d stated, limit %d: %d bytes, %v; want %d", name, stated, limit, len(got), err, len(want))
				}
			}
		}
	}
	if _, err := readUpTo(iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader(text))), 100, -1); err == nil {
		t.Error("an error of the body is lost")
	}
}
