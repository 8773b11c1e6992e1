package inspect

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// moments reads a conversation: words "AT NAME" with AT in milliseconds, "-" for a
// time that is not known, NAME being start, start! (refused), end, end!, or a state
// that a poll shows; each takes 10 ms. "b:" before NAME is another call, ":" none.
func moments(t *testing.T, file, text string) []Moment {
	t.Helper()
	var list []Moment
	words := strings.Fields(text)
	for n := 0; n+1 < len(words); n += 2 {
		m := Moment{Step: Step{Call: "a"}, File: file, ID: n / 2}
		if words[n] != "-" {
			d, err := time.ParseDuration(words[n] + "ms")
			if err != nil {
				t.Fatal(err)
			}
			m.Arrived, m.Took = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC).Add(d), 10*time.Millisecond
		}
		name := words[n+1]
		if call, rest, ok := strings.Cut(name, ":"); ok {
			m.Call, name = call, rest
		}
		name, refused := strings.CutSuffix(name, "!")
		if refused {
			m.Refused = "NoException"
		}
		switch name {
		case "start":
			m.Role = Starts
		case "end":
			m.Role = Ends
		default:
			m.Role, m.State, m.Over = Polls, name, name == "Over"
		}
		list = append(list, m)
	}
	return list
}

func TestCallsOf(t *testing.T) {
	for _, tt := range []struct{ name, said, want string }{
		{"a whole life", "0 start 100 Up 200 end 300 Over", "a: start 0, end 2, 2 polls"},
		{"ended by the other side", "0 start 100 Up 200 Over", "a: start 0, end 2, 2 polls"},
		{"a poll after Disconnect is how a client makes sure", "0 start 100 end 200 Up 300 Over", "a: start 0, end 1, 2 polls"},
		{"left open", "0 start 100 Up", "a: start 0, open, 1 polls"},
		{"a refused end is none", "0 start 100 end!", "a: start 0, open, 0 polls"},
		{"ended twice", "0 start 100 end 200 end!", "a: start 0, end 1, 0 polls, late 2"},
		{"ended after it was over", "0 start 100 Over 200 end", "a: start 0, end 1, 1 polls, late 2"},
		{"polled after it was over", "0 start 100 Over 200 Over", "a: start 0, end 1, 2 polls, late 2"},
		{"came back", "0 start 100 Over 200 Up", "a: start 0, end 1, 2 polls, late 2, back 2"},
		{"two ends that crossed", "0 start 100 end 105 end", "a: start 0, end 1, 0 polls"},
		{"a poll that crossed the end", "0 start 100 Over 105 Up", "a: start 0, end 1, 2 polls"},
		{"from nowhere", "0 end", "a: nowhere, end 0, 0 polls"},
		{"only asked for", "0 Up 100 Up", "a: nowhere, 2 polls"},
		{"used before it was handed out", "0 Up 100 start", "a: nowhere, 1 polls; a: start 0, open, 0 polls"},
		{"handed out again", "0 start 100 end 200 start 300 Up", "a: start 0, end 1, 0 polls; a: start 0, open, 1 polls"},
		{"two at once", "0 start 10 b:start 20 Up 30 b:end 40 b:Over", "a: start 0, open, 1 polls; b: start 0, end 1, 1 polls"},
		{"refused starts belong to no call", "0 :start! 10 :start!", ": 0 polls; : 0 polls"},
		{"times that are not known", "- start - end - end", "a: start 0, end 1, 0 polls, late 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := lives(CallsOf(moments(t, "a.yaml", tt.said))); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func lives(calls []Call) string {
	var list []string
	for _, c := range calls {
		s := c.ID + ": "
		if c.FromNowhere() {
			s += "nowhere, "
		} else if c.Start >= 0 {
			s += fmt.Sprintf("start %d, ", c.Start)
		}
		if c.Open() {
			s += "open, "
		} else if c.End >= 0 {
			s += fmt.Sprintf("end %d, ", c.End)
		}
		s += fmt.Sprintf("%d polls", c.Polls())
		for _, i := range c.Late {
			s += fmt.Sprintf(", late %d", i)
		}
		for _, i := range c.Back {
			s += fmt.Sprintf(", back %d", i)
		}
		list = append(list, s)
	}
	return strings.Join(list, "; ")
}

// TestCallsOfCassettes: a call may begin in one cassette and go on in another,
// named in any order; what has no time stays where it is.
func TestCallsOfCassettes(t *testing.T) {
	later := moments(t, "later.yaml", "300 end - end")
	first := moments(t, "first.yaml", "0 start 100 Up")
	calls := CallsOf(append(later, first...))
	if got, want := lives(calls), "a: start 0, end 2, 1 polls, late 3"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	if m := calls[0].Moments[0]; m.File != "first.yaml" || m.ID != 0 {
		t.Errorf("starts in %s#%d", m.File, m.ID)
	}
}

func TestCallTimes(t *testing.T) {
	c := CallsOf(moments(t, "a.yaml", "0 start 100 Up 300 Up 310 Up 400 end 900 Over 950 Over"))[0]
	shortest, mean, longest, ok := c.Between()
	if got := fmt.Sprint(shortest, mean, longest, ok); got != "10ms 212.5ms 590ms true" {
		t.Errorf("between polls: %s", got)
	}
	if d, ok := c.Lasted(); d != 400*time.Millisecond || !ok { // from 10 to 410
		t.Errorf("lasted %v, %v", d, ok)
	}
	if got := fmt.Sprint(c.States()); got != "[{Up  1} {Over  5}]" {
		t.Errorf("states %s", got)
	}
	c = CallsOf(moments(t, "a.yaml", "- start - Up - Up"))[0]
	if _, _, _, ok := c.Between(); ok {
		t.Error("a time between polls without times")
	}
	if _, ok := c.Lasted(); ok {
		t.Error("a duration without times")
	}
}
