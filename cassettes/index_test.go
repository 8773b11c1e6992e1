package cassettes

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/umtape/umtape/inspect"
)

// oracle answers as the documentation says, by looking at every interaction.
type oracle struct {
	list   []*Interaction
	repeat Repeat
	had    []bool // its turn
}

func (o *oracle) answer(a asked) (n int, ok bool) {
	var best []int
	rank := 6
	for n, i := range o.list {
		b := Matching{}.askedOf(i)
		if i.Umtape.Truncated == "request" || a.host != "" && (a.host != b.host || a.scheme != b.scheme) {
			continue
		}
		r := unlike(a, b)
		if r < 0 {
			continue
		}
		r *= 2
		if i.challenge() || i.Umtape.Truncated == "response" {
			r++
		}
		if r < rank {
			rank, best = r, nil
		}
		if r == rank {
			best = append(best, n)
		}
	}
	if len(best) == 0 {
		return 0, false
	}
	for range 2 {
		for _, n := range best {
			if !o.had[n] {
				o.had[n] = true
				return n, true
			}
		}
		switch o.repeat {
		case RepeatFail:
			return 0, false
		case RepeatLast:
			return best[len(best)-1], true
		}
		for _, n := range best {
			o.had[n] = false
		}
	}
	panic("no turn")
}

// unlike is 0 for the same in the same version, 1 in the other one, 2 with
// spellings folded, -1 for something else.
func unlike(a, b asked) int {
	if a.method != b.method || a.target != b.target || (a.message == nil) != (b.message == nil) {
		return -1
	}
	if a.message == nil {
		if string(a.body) == string(b.body) {
			return 0
		}
		return -1
	}
	say := func(m *inspect.Message, fold bool) string { return string(m.AppendCanonical(nil, fold)) }
	switch {
	case say(a.message, true) != say(b.message, true):
		return -1
	case say(a.message, false) != say(b.message, false):
		return 2
	case a.message.Version != b.message.Version:
		return 1
	}
	return 0
}

// TestIndexAgainstOracle: what the index takes is what looking at every
// interaction takes, whatever was recorded and asked, in every way of repeating.
func TestIndexAgainstOracle(t *testing.T) {
	genRequest := func(t *rapid.T, label string, hostless bool) (url, body string) {
		hosts := []string{"https://a.test", "https://b.test", "http://a.test"}
		if hostless {
			hosts = append(hosts, "")
		}
		pick := func(what string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label+" "+what) }
		url = pick("host", hosts...) + pick("path", "/x", "/y?q")
		envelope := pick("version", inspect.SOAP11NS, inspect.SOAP12NS)
		space := pick("space", "http://schemas.microsoft.com/exchange/services/2006/messages", "https://schemas.microsoft.com/exchange/services/2006/messages")
		prefix := pick("prefix", "s", "soap")
		body = fmt.Sprintf(`<%[1]s:Envelope xmlns:%[1]s="%[2]s"><%[1]s:Body><Disconnect xmlns="%[3]s"><CallId>%[4]s</CallId></Disconnect></%[1]s:Body></%[1]s:Envelope>`,
			prefix, envelope, space, pick("call", "1", "2"))
		if rapid.IntRange(0, 5).Draw(t, label+" plain") == 0 {
			body = pick("text", "hello", "<a/>")
		}
		return url, body
	}
	rapid.Check(t, func(t *rapid.T) {
		var list []*Interaction
		for n := range rapid.IntRange(0, 12).Draw(t, "recorded") {
			url, body := genRequest(t, fmt.Sprint("recorded ", n), false)
			i := said(n, url, body, fmt.Sprint(n))
			i.Response.Code = rapid.SampledFrom([]int{200, 200, 200, 500, 401}).Draw(t, "status")
			i.Umtape.Truncated = rapid.SampledFrom([]string{"", "", "", "response", "request"}).Draw(t, "truncated")
			list = append(list, i)
		}
		repeat := Repeat(rapid.IntRange(0, 2).Draw(t, "repeat"))
		o := &oracle{list: list, repeat: repeat, had: make([]bool, len(list))}
		l := newLibrary(repeat, []*Reel{hold(&Cassette{Interactions: list[:len(list)/2]}, Matching{}), hold(&Cassette{Interactions: list[len(list)/2:]}, Matching{})})
		for n := range rapid.IntRange(1, 30).Draw(t, "asked") {
			url, body := genRequest(t, fmt.Sprint("asked ", n), true)
			a := ask("POST", url, http.Header{"Content-Type": {"text/xml"}}, []byte(body))
			want, wantOK := o.answer(a)
			got, ok := l.index.take(a.key(), a.host == "")
			if ok != wantOK || ok && got.n != want {
				t.Fatalf("%s %s: took %d, %v; want %d, %v", url, body, got.n, ok, want, wantOK)
			}
		}
	})
}

// TestRepeat: what is answered when a request comes more often than it was
// recorded.
func TestRepeat(t *testing.T) {
	request := message(t, "disconnect-request.xml")
	for repeat, want := range map[Repeat]string{RepeatLast: "abbb", RepeatCycle: "abab", RepeatFail: "ab--"} {
		p := NewPlayer(PlayOptions{Repeat: repeat}, &Cassette{Path: "calls.yaml", Interactions: []*Interaction{said(0, service, request, "a"), said(1, service, request, "b")}})
		got := ""
		for range 4 {
			resp, body := post(t, p, service, request)
			if resp.StatusCode != 200 {
				if !strings.Contains(body, "it was recorded, as calls.yaml#1, and each answer was given as often as it was recorded (--repeat fail)") {
					t.Errorf("miss %s", body)
				}
				body = "-"
			}
			got += body
		}
		if got != want {
			t.Errorf("%v: answered %s, want %s", repeat, got, want)
		}
		played := p.Played()
		if answered := strings.Count(want, "a") + strings.Count(want, "b"); played.Answered != answered || played.Repeated != answered-2 || played.Missed != 4-answered {
			t.Errorf("%v: played %+v", repeat, played)
		}
	}
}
