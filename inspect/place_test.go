package inspect

import (
	"net/http"
	"strings"
	"sync"
	"testing"
)

// TestPlaces asks for every place of a text longer than a block, at once from
// several goroutines: each answer is the one that counting gives.
func TestPlaces(t *testing.T) {
	for name, text := range map[string]string{
		"empty":      "",
		"no breaks":  strings.Repeat("x", 2*blockBytes),
		"all breaks": strings.Repeat("\n", 2*blockBytes),
		"lines":      strings.Repeat("a line\r\n", blockBytes/4),
		"long lines": strings.Repeat(strings.Repeat("y", blockBytes+1)+"\n", 3),
	} {
		var x lineIndex
		var wg sync.WaitGroup
		for first := range 4 {
			wg.Go(func() {
				for at := first; at <= len(text)+1; at += 4 {
					line, column := x.place(text, at)
					if l, c := place([]byte(text), int64(at)); line != l || column != c {
						t.Errorf("%s at %d: line %d, column %d; want %d, %d", name, at, line, column, l, c)
						return
					}
				}
			})
		}
		wg.Wait()
	}
}

// TestPos: a finding says which byte of the HTTP body it is about, wherever in it
// the message is, and nothing where the message was decoded.
func TestPos(t *testing.T) {
	const envelope = `<s:Envelope xmlns:s="` + SOAP11NS + `"><s:Body><Disconnect/></s:Body></s:Envelope>`
	part := "preamble <Disconnect/>\r\n--b\r\nContent-Type: text/xml\r\n\r\n" + envelope + "\r\n--b--"
	wide := "\xff\xfe"
	for _, c := range envelope {
		wide += string(c) + "\x00"
	}
	for _, tt := range []struct{ name, contentType, body string }{
		{"plain", "text/xml", envelope},
		{"byte order mark", "text/xml", "\xef\xbb\xbf" + envelope},
		{"declared", "text/xml", `<?xml version="1.0" encoding="iso-8859-1"?>` + "\n" + envelope},
		{"multipart", "multipart/related; boundary=b", part},
		{"UTF-16", "text/xml", wide},
		{"Latin 1", "text/xml; charset=iso-8859-1", "<!--\xe9-->" + envelope},
	} {
		h := http.Header{"Content-Type": {tt.contentType}}
		m, err := ParseBody(h, []byte(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		want := 1 + strings.LastIndex(tt.body, "<Disconnect")
		if tt.name == "Latin 1" {
			want = 0
		}
		if f := m.Find(Rule{}, "request", "", m.Payload, ""); f.Pos != want {
			t.Errorf("%s: %d, want %d", tt.name, f.Pos, want)
		}
		// The same message, broken at the start tag of Disconnect.
		broken := strings.Replace(tt.body, envelope, strings.Replace(envelope, "<Disconnect/>", "<Disconnect x/>", 1), 1)
		_, err = ParseBody(h, []byte(broken))
		if broken == tt.body {
			continue // of UTF-16 there is no such
		}
		f := unreadable(Rule{}, "request", h, []byte(broken), err)
		if at := strings.LastIndex(broken, "x/>") + 1; tt.name == "Latin 1" && f.Pos != 0 || tt.name != "Latin 1" && (f.Pos < at || f.Pos > at+2) {
			t.Errorf("%s, broken: %d, want about %d (%v)", tt.name, f.Pos, at, err)
		}
	}
	if f := unreadable(Rule{}, "request", nil, []byte("<a><b>"), &SyntaxError{Line: 7, Column: 1, Err: ErrNotXML}); f.Pos != 0 {
		t.Errorf("a line that is not there: %d", f.Pos)
	}
}
