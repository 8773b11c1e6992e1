package report

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rivo/uniseg"

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

// hostileCalls are calls with such text, whole and not.
func hostileCalls() []inspect.Call {
	at := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	step := func(role inspect.Role, state, refused string) inspect.Moment {
		at = at.Add(time.Second)
		return inspect.Moment{Step: inspect.Step{Role: role, Operation: "Poll", Call: hostile, State: state, Cause: state, Refused: refused}, File: hostile, Arrived: at}
	}
	return inspect.CallsOf([]inspect.Moment{
		step(inspect.Polls, hostile, ""), step(inspect.Starts, "", ""), step(inspect.Polls, hostile, ""), step(inspect.Ends, "", ""), step(inspect.Ends, "", hostile),
		{Step: inspect.Step{Role: inspect.Starts, Unanswered: hostile}, File: "other"},
	})
}

// hostileShapes are the shapes of messages with such text where XML allows it.
func hostileShapes(bodies ...string) []inspect.ShapeGroup {
	var shapes inspect.Shapes
	for i, body := range bodies {
		m, err := inspect.Parse([]byte(`<s:Envelope xmlns:s="` + inspect.SOAP11NS + `"><s:Body>` + body + `</s:Body></s:Envelope>`))
		if err != nil {
			panic(err)
		}
		shapes.Add(inspect.ShapeKey{Operation: inspect.Name{Space: hostile, Local: hostile}, Service: hostile, Response: true, Fault: hostile}, m, inspect.ShapeIn{File: hostile, ID: i})
		shapes.Add(inspect.ShapeKey{Service: body}, m, inspect.ShapeIn{File: "other", ID: i})
	}
	return shapes.Groups()
}

// writers are all that writes, with hostile text.
func writers(look Look) map[string]func(w io.Writer) error {
	e, calls := hostileEntry(), hostileCalls()
	groups := hostileShapes("<a xmlns='urn:/\u202e\u009b'>1</a>", "<a xmlns='urn:/\u200e'>x<b/></a>", "<a xmlns='urn:/\u202e\u009b'>1</a>")
	changes := CompareShapes(groups, hostileShapes("<a xmlns='urn:\u061c' b=''/>", "<a xmlns='urn:/\u202e\u009b'>x</a>"))
	found := []Located{{File: hostile, ID: 1, Operation: hostile, Line: 1, Finding: inspect.Finding{Part: "request", Path: hostile, Message: hostile}}}
	v := Validation{Dir: "/", Version: hostile, Cassettes: []CheckedCassette{{File: hostile, Found: found}, {File: hostile, Unread: hostile}}}
	return map[string]func(w io.Writer) error{
		"List": func(w io.Writer) error {
			l := NewList()
			l.Add(e)
			_, err := l.Write(w, look)
			return err
		},
		"Lines": func(w io.Writer) error {
			head, l := NewLines(look)
			_, err := io.WriteString(w, head+l.Of(e))
			return err
		},
		"ListJSON": func(w io.Writer) error {
			l := NewListJSON(w)
			return errors.Join(l.Add(e), l.Add(e), l.Close())
		},
		"LineJSON":         func(w io.Writer) error { return LineJSON(w, e) },
		"Full":             func(w io.Writer) error { return Full(w, e, false, look) },
		"Full, raw":        func(w io.Writer) error { return Full(w, e, true, look) },
		"FullJSON":         func(w io.Writer) error { return FullJSON(w, e) },
		"Calls":            func(w io.Writer) error { _, err := Calls(w, calls, look); return err },
		"Timeline":         func(w io.Writer) error { _, err := Timeline(w, calls, look); return err },
		"Shapes":           func(w io.Writer) error { _, err := Shapes(w, groups, look); return err },
		"ShapesJSON":       func(w io.Writer) error { return ShapesJSON(w, groups) },
		"ShapeChanges":     func(w io.Writer) error { _, err := ShapeChanges(w, hostile, hostile, changes, look); return err },
		"ShapeChangesJSON": func(w io.Writer) error { return ShapeChangesJSON(w, changes) },
		"CallsJSON":        func(w io.Writer) error { return CallsJSON(w, calls) },
		"Findings":         func(w io.Writer) error { return Findings(w, found, Look{}) },
		"FindingsJSON":     func(w io.Writer) error { return FindingsJSON(w, v) },
		"JUnit":            func(w io.Writer) error { return JUnit(w, v) },
		"SARIF":            func(w io.Writer) error { return SARIF(w, v) },
		"GitHub":           func(w io.Writer) error { return GitHub(w, v) },
	}
}

// ours are the escape sequences that this package writes itself.
var ours = regexp.MustCompile("\x1b\\[(0|1|2|31|32|33|36)m")

// colourless are those of writers for which nobody has to ask for a look.
var colourless = map[string]bool{"Findings": true, "JUnit": true, "SARIF": true, "GitHub": true}

// TestNothingMovesTheCursor: whatever is written is lines of plain text, and of
// colours of ours where they were asked for.
func TestNothingMovesTheCursor(t *testing.T) {
	for _, look := range []Look{{}, {Width: 80}, {Width: 40, Color: true}} {
		for name, write := range writers(look) {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			text := b.String()
			if look.Color {
				if text = ours.ReplaceAllString(text, ""); text == b.String() && !strings.Contains(name, "JSON") && !colourless[name] {
					t.Errorf("%s has no colour", name)
				}
			}
			for _, r := range text {
				if r != '\n' && (r < ' ' || r >= 0x7f && r < 0xa0 || strings.ContainsRune("\u202e\u200e\u061c", r)) {
					t.Errorf("%s writes %U: %q", name, r, b.String())
					break
				}
			}
			if strings.Contains(name, "JSON") && !json.Valid(b.Bytes()) {
				t.Errorf("%s is no JSON: %s", name, b.String())
			}
		}
	}
}

// TestWidth: a table keeps to the terminal's columns, wide characters counted as
// two, and says whether it is whole; without a width it is.
func TestWidth(t *testing.T) {
	const wide = "切断する電話の呼び出し"
	e := hostileEntry()
	e.Call, e.Operation = "M2YwYzZiNTItOGExZS00ZDM3LTljNTUtMWU3YTBiOWQyNGY2QHVtMDEudm9pY2UuZXhhbXBsZS5uZXQ=", wide
	for width := 40; width <= 250; width++ {
		l := NewList()
		l.Add(e)
		var b bytes.Buffer
		whole, err := l.Write(&b, Look{Width: width})
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := uniseg.StringWidth(strings.TrimSuffix(line, "\n")); n > width {
				t.Errorf("%d columns of %d: %s", n, width, line)
			}
		}
		if whole != (!strings.Contains(b.String(), "…") && strings.Contains(b.String(), "SERVER")) {
			t.Errorf("at %d, whole = %v:\n%s", width, whole, b.String())
		}
	}
	l := NewList()
	l.Add(e)
	var b bytes.Buffer
	if whole, err := l.Write(&b, Look{}); err != nil || !whole || !strings.Contains(b.String(), strings.Repeat("long ", 99)) {
		t.Errorf("without a width, %v, %v: %s", whole, err, b.String())
	}
}

func TestTable(t *testing.T) {
	for _, tt := range []struct {
		width int
		want  string
		whole bool
	}{
		{0, "A    B    C\none  two  three", true},
		{15, "A    B    C\none  two  three", true},
		{14, "A    B    C\none  two  thr…", false},
		{13, "A    B    C\none  two  th…", false},
		{12, "A    C\none  th…", false},
	} {
		var b bytes.Buffer
		tab := newTable([]give{{2, 3}, {1, 0}}, "A", "B", "C")
		tab.add(field{text: "one"}, field{text: "two"}, field{text: "three"})
		whole, err := tab.write(&b, Look{Width: tt.width})
		if got := strings.TrimSuffix(b.String(), "\n"); err != nil || got != tt.want || whole != tt.whole {
			t.Errorf("at %d, %v, %v:\n%s", tt.width, whole, err, got)
		}
	}
	var b bytes.Buffer
	tab := newTable([]give{{0, 0}}, "", "")
	tab.add(field{text: "left out"}, field{text: "shown"})
	if whole, err := tab.write(&b, Look{Width: 8}); err != nil || whole || !strings.Contains(b.String(), "shown") || strings.Contains(b.String(), "left") {
		t.Errorf("a column left out: %v, %v, %q", whole, err, b.String())
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		text string
		room int
		want string
	}{
		{"short", 5, "short"}, {"short", 4, "sho…"}, {"short", 1, "…"}, {"short", 0, ""}, {"", 3, ""},
		{"電話", 4, "電話"}, {"電話", 3, "電…"}, {"電話", 2, "…"},
		{"e\u0301e\u0301", 2, "e\u0301e\u0301"}, {"e\u0301e\u0301x", 2, "e\u0301…"},
	} {
		got, whole := cut(tt.text, tt.room)
		if got != tt.want || whole != (got == tt.text) {
			t.Errorf("cut(%q, %d) = %q, %v", tt.text, tt.room, got, whole)
		}
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

// TestCallsOnATerminal: what does not fit on a call's lines is said to be cut, and
// there without a width.
func TestCallsOnATerminal(t *testing.T) {
	step := func(n int, role inspect.Role, refused string) inspect.Moment {
		return inspect.Moment{Step: inspect.Step{Role: role, Operation: "Disconnect", Call: "x", Refused: refused}, ID: n}
	}
	said := []inspect.Moment{step(0, inspect.Starts, "")}
	for n := range 300 {
		said = append(said, step(n+1, inspect.Ends, "InvalidCallIdException"))
	}
	calls := inspect.CallsOf(said)
	var b bytes.Buffer
	whole, err := Calls(&b, calls, Look{Width: 80})
	if err != nil || whole || strings.Count(b.String(), "\n") > 3+maxWrapped+1 {
		t.Errorf("whole = %v, %v:\n%s", whole, err, b.String())
	}
	b.Reset()
	if whole, err = Calls(&b, calls, Look{}); err != nil || !whole || !strings.Contains(b.String(), "#300 Disconnect refused") {
		t.Errorf("without a width, whole = %v, %v", whole, err)
	}
}
