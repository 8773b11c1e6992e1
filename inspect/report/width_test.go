package report

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/umtape/umtape/inspect"
)

// TestNothingIsWiderThanTheTerminal: a CallId or a name of any length does not make a
// line longer than there is room, and what was cut is said to be.
func TestNothingIsWiderThanTheTerminal(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC)
	long := strings.Repeat("long", 100)
	step := inspect.Step{Role: inspect.Polls, Operation: "GetCallInfo", Call: long, State: long}
	calls := inspect.CallsOf([]inspect.Moment{{Step: step, File: "a.yaml", Arrived: at}, {Step: step, File: "a.yaml", ID: 1, Arrived: at.Add(time.Second)}})
	for n := range 3 { // the line that counts them is long, too
		lost := inspect.Step{Role: inspect.Starts, Operation: "PlayOnPhone", Refused: "DialingRulesException"}
		if n > 0 {
			lost = inspect.Step{Role: inspect.Ends, Operation: "Disconnect", Call: "x"}
		}
		calls = append(calls, inspect.CallsOf([]inspect.Moment{{Step: lost, File: "a.yaml", ID: 100 + n, Arrived: at.Add(time.Hour)}})...)
	}
	groups := hostileShapes("<a xmlns='urn:x'/>", "<a xmlns='urn:x'/>", "<a xmlns='urn:x'><"+long+">1</"+long+"></a>")
	for i := range groups { // the namespace itself is told in full below
		groups[i].ShapeKey = inspect.ShapeKey{Operation: inspect.Name{Local: "Disconnect"}, Fault: "InvalidCallIdException"}
	}
	for name, write := range map[string]func(io.Writer, Look) (bool, error){
		"Timeline": func(w io.Writer, look Look) (bool, error) { return Timeline(w, calls, look) },
		"Calls":    func(w io.Writer, look Look) (bool, error) { return Calls(w, calls, look) },
		"Shapes":   func(w io.Writer, look Look) (bool, error) { return Shapes(w, groups, look) },
	} {
		for _, width := range []int{40, 80, 200} {
			var b strings.Builder
			whole, err := write(&b, Look{Width: width})
			if err != nil || whole && (name != "Shapes" || width < 200) { // names of shapes are short
				t.Errorf("%s at %d: whole %v, %v", name, width, whole, err)
			}
			for line := range strings.Lines(b.String()) {
				if columns(strings.TrimSuffix(line, "\n")) > width {
					t.Errorf("%s at %d has a line of %d columns: %.60s", name, width, columns(line), line)
				}
			}
		}
		var b strings.Builder
		if whole, err := write(&b, Look{}); err != nil || !whole || !strings.Contains(b.String(), long[:80]) && name != "Shapes" {
			t.Errorf("%s in a pipe: whole %v, %v", name, whole, err)
		}
	}
}

// TestFindingsOfWideNames: what is wrapped is measured as a terminal shows it.
func TestFindingsOfWideNames(t *testing.T) {
	var b strings.Builder
	f := Located{File: "a.yaml", Operation: "op"}
	f.Path = strings.TrimSpace(strings.Repeat("\u9867\u5ba2\u691c\u7d22 ", 20))
	if err := Findings(&b, []Located{f}, Look{}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	if len(lines) < 5 {
		t.Errorf("not wrapped: %s", &b)
	}
	for _, line := range lines[1:] {
		if n := columns(line); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}
