package report

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/umtape/umtape/inspect"
)

// hostile holds a C0 and a C1 control, and marks that turn the direction of text.
const hostile = "x\x1b[31m\u009b31m\u202e\u200e\u061cy"

// hostileEntry has such text wherever text comes from the wire or the user.
func hostileEntry() Entry {
	return Entry{
		File: hostile, ID: 1, Call: hostile, Notes: []string{hostile, "line\nbreak", strings.Repeat("long ", 100)},
		Reading: inspect.Read(inspect.Exchange{
			Method: hostile, URL: hostile, Status: 200,
			RequestHeader:  http.Header{hostile: {hostile}},
			RequestBody:    []byte(`<s:Envelope xmlns:s="` + inspect.SOAP11NS + "\"><s:Body><A>\u009b\u202e</A></s:Body></s:Envelope>"),
			ResponseHeader: http.Header{"Content-Type": {hostile}}, ResponseBody: []byte(hostile),
		}),
	}
}

// TestNothingMovesTheCursor: whatever is written is lines of plain text.
func TestNothingMovesTheCursor(t *testing.T) {
	e := hostileEntry()
	found := []Located{{File: hostile, ID: 1, Line: 1, Finding: inspect.Finding{Part: "request", Path: hostile, Message: hostile}}}
	v := Validation{Dir: "/", Version: hostile, Cassettes: []CheckedCassette{{File: hostile, Found: found}, {File: hostile, Unread: hostile}}}
	for name, write := range map[string]func(w io.Writer) error{
		"List":         func(w io.Writer) error { return List(w, []Entry{e}) },
		"ListJSON":     func(w io.Writer) error { return ListJSON(w, []Entry{e}) },
		"Full":         func(w io.Writer) error { return Full(w, e, false) },
		"Full, raw":    func(w io.Writer) error { return Full(w, e, true) },
		"FullJSON":     func(w io.Writer) error { return FullJSON(w, e) },
		"JUnit":        func(w io.Writer) error { return JUnit(w, v) },
		"SARIF":        func(w io.Writer) error { return SARIF(w, v) },
		"GitHub":       func(w io.Writer) error { return GitHub(w, v) },
		"Findings":     func(w io.Writer) error { return Findings(w, found) },
		"FindingsJSON": func(w io.Writer) error { return FindingsJSON(w, v) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, r := range b.String() {
			if r != '\n' && (r < ' ' || r >= 0x7f && r < 0xa0 || strings.ContainsRune("\u202e\u200e\u061c", r)) {
				t.Errorf("%s writes %U: %q", name, r, b.String())
				break
			}
		}
	}
}

func TestNotesAreCut(t *testing.T) {
	var b bytes.Buffer
	if err := List(&b, []Entry{hostileEntry()}); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(b.String(), "\n"); len(lines) != 3 || len(lines[1]) > 500 {
		t.Errorf("a table of one entry is %q", b.String())
	}
}

// TestJSONKeepsText: the escapes are the text's own, to whoever decodes them.
func TestJSONKeepsText(t *testing.T) {
	var b bytes.Buffer
	if err := FullJSON(&b, hostileEntry()); err != nil {
		t.Fatal(err)
	}
	var got struct{ Method string }
	if err := json.Unmarshal(b.Bytes(), &got); err != nil || got.Method != hostile {
		t.Errorf("method = %q, %v", got.Method, err)
	}
}

// TestJSONKeepsBytes: a body can be had from the JSON to the byte, as text or in
// base64.
func TestJSONKeepsBytes(t *testing.T) {
	for _, body := range []string{"", "text", "é", "\xff", "\x1f\x8b\x00", "\xef\xbb\xbf<a/>", "<\x00a\x00/\x00>\x00"} {
		var b bytes.Buffer
		if err := FullJSON(&b, Entry{Reading: inspect.Read(inspect.Exchange{RequestBody: []byte(body)})}); err != nil {
			t.Fatal(err)
		}
		var got struct {
			Request struct {
				Body       string
				BodyBase64 string `json:"body_base64"`
			}
		}
		if err := json.Unmarshal(b.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		kept := got.Request.Body
		if raw, _ := base64.StdEncoding.DecodeString(got.Request.BodyBase64); len(raw) > 0 {
			kept = string(raw)
		}
		if kept != body {
			t.Errorf("%q is kept as %q", body, kept)
		}
	}
}
