package cassettes

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// Load takes any bytes without panicking, and what it takes, saved and loaded
// again, is the same.
func FuzzLoad(f *testing.F) {
	base := sample(f, 0)
	ours, _ := appendRecord(appendHeader(nil, testHeader), base, 0)
	ours, _ = appendRecord(ours, sample(f, 1), 1)
	for _, text := range []string{"", foreign, string(ours), string(ours[:len(ours)-40]),
		strings.ReplaceAll(string(ours), "\n", "\r\n"), strings.Replace(string(ours), "200", "201", 1),
		"version: 2\ninteractions: [{request: {headers: {A: [!!binary /w==, 1, ~]}}, response: {code: 200}}]",
		foreign + "    - &a\n      request: &b {}\n      response: {code: 404}\n    - <<: *a\n    - *a\n",
		"---\nversion: 2\numtape:\ninteractions:\n    - id: 0\n    - id: 1\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := parse("x.yaml", text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "x.yaml: ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("not one line with the file's name: %q", err)
			}
			return
		}
		if c.Torn != nil && (c.Torn.Offset < 0 || c.Torn.Offset+c.Torn.Lost != int64(len(text)) || c.Torn.Lost <= 0) {
			t.Errorf("torn %+v of %d bytes", c.Torn, len(text))
		}
		saved := appendHeader(nil, c.Header.Umtape)
		for n, i := range c.Interactions {
			saved, _ = appendRecord(saved, i, n)
		}
		again, err := parse("x.yaml", saved)
		if err != nil || len(again.Interactions) != len(c.Interactions) || again.Torn != nil {
			t.Fatalf("saved and loaded again: %v\n%s", err, saved)
		}
		for n, i := range again.Interactions {
			equal(t, i, c.Interactions[n])
		}
	})
}

// Both readers of our own spelling agree: what the fast one takes means the
// same to the YAML parser, checksum or not.
func FuzzFastReader(f *testing.F) {
	for _, s := range hostile {
		f.Add(fastSample(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) { readersAgree(t, text) })
}

func fastSample(s string) []byte {
	i := tiny(0)
	i.Request.Body, i.Response.Body, i.Response.Status, i.Umtape.Note = s, s+"\n", s, s
	i.Request.Headers = map[string][]string{s: {s, "a"}, "b": nil}
	i.Response.TransferEncoding = []string{s}
	text, _ := appendRecord(nil, i, 3)
	return text
}

func readersAgree(t *testing.T, text []byte) (fastTook bool) {
	var fast fastReader
	got, ok := fast.read(text)
	if !ok {
		return false
	}
	want, err := parseRecord("x.yaml", text, record{end: len(text), line: 1}, 0)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	equal(t, got, want)
	if got.ID != want.ID || got.Umtape.Checksum != want.Umtape.Checksum {
		t.Errorf("ID %d, %d; checksum %q, %q", got.ID, want.ID, got.Umtape.Checksum, want.Umtape.Checksum)
	}
	return true
}

// The fast reader takes all that the encoder writes, but for keys too long.
func TestFastReaderTakesAll(t *testing.T) {
	for _, s := range hostile {
		text := fastSample(s)
		if !readersAgree(t, text) && len(s) <= longKey && utf8.ValidString(s) {
			t.Errorf("not taken: %q\n%s", s, text)
		}
	}
	for n := range 2000 {
		readersAgree(t, fastSample(drawBody.Example(n)))
	}
}

// And changed by a byte, it is refused or means the same to both.
func TestFastReaderRefusesOtherSpellings(t *testing.T) {
	text := fastSample("a\n\n \"b\"\t\u00e9\n")
	for n := range text {
		for _, c := range []byte("\n\r\t \"#:|-0\\x{") {
			changed := bytes.Clone(text)
			changed[n] = c
			readersAgree(t, changed)
		}
	}
}
