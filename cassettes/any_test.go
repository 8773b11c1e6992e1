package cassettes

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/umtape/umtape/inspect"
)

func anyCall(t *testing.T) Matching {
	t.Helper()
	s, err := inspect.ParseSelector("CallId")
	if err != nil {
		t.Fatal(err)
	}
	return Matching{Any: []inspect.Selector{s}}
}

// about is a request about a call; it asks and answers with its CallId.
func about(operation, call string) string {
	return fmt.Sprintf(`<s:Envelope xmlns:s="%s"><s:Body><%s xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"><CallId>%s</CallId></%[2]s></s:Body></s:Envelope>`, inspect.SOAP11NS, operation, call)
}

// TestAnyCall: a call that was never recorded lives as one that was: its polls
// advance, it stands for one recorded call throughout, and its own id comes back.
// What was recorded is answered as it was.
func TestAnyCall(t *testing.T) {
	var list []*Interaction
	record := func(operation, call, answer string, code int) {
		i := said(len(list), service, about(operation, call), answer+" <to>"+call+"</to>")
		i.Response.Code = code
		list = append(list, i)
	}
	record("Disconnect", "Z", "refused", 500)
	for _, call := range []string{"A", "B&amp;"} {
		record("GetCallInfo", call, "connecting", 200)
		record("GetCallInfo", call, "connected", 200)
		record("Disconnect", call, "bye", 200)
	}
	for _, disk := range []bool{false, true} {
		match := anyCall(t)
		var reel *Reel
		if disk {
			path := tape(t)
			write(t, path, list...)
			reel = open(t, path, OpenOptions{Match: match, CacheDir: t.TempDir()})
		} else {
			reel = hold(&Cassette{Path: "calls.yaml", Interactions: list}, match)
		}
		p := PlayReels(PlayOptions{Match: match}, reel)
		for _, tt := range []struct{ operation, call, want, interaction string }{
			{"GetCallInfo", "A", "connecting to A", "1"}, // as recorded
			{"GetCallInfo", "X", "connecting to X", "1"},
			{"GetCallInfo", "X", "connected to X", "2"},
			{"GetCallInfo", "Y&lt;", "connecting to Y&lt;", "4"}, // the other call
			{"GetCallInfo", "X", "connected to X", "2"},
			{"Disconnect", "X", "bye to X", "3"},
			{"Disconnect", "Y&lt;", "bye to Y&lt;", "6"},
			{"Disconnect", "Z", "refused to Z", "0"},     // as recorded
			{"GetCallInfo", "W", "connecting to W", "1"}, // all are taken: the first one
			{"GetCallInfo", "A", "connected to A", "2"},  // its own turn
			{"PlayOnPhone", "X", "", ""},                 // never recorded
			{"Disconnect", "</CallId><CallId>V", "", ""}, // two of them were never recorded
			{"GetCallInfo", "", "connecting to ", "1"},   // an empty one is one too
			{"Disconnect", "never polled", "bye to never polled", "3"},
		} {
			resp, body := post(t, p, service, about(tt.operation, tt.call))
			if tt.want == "" {
				if resp.StatusCode != 500 || resp.Header.Get(HeaderMiss) == "" {
					t.Errorf("%s %s: %d %s", tt.operation, tt.call, resp.StatusCode, body)
				}
				continue
			}
			tt.want = strings.Replace(tt.want, " to ", " <to>", 1) + "</to>"
			_, id, _ := strings.Cut(resp.Header.Get(HeaderInteraction), "#")
			if body != tt.want || id != tt.interaction || resp.Header.Get("Content-Length") != fmt.Sprint(len(body)) {
				t.Errorf("%s %s: answered %q by %s, want %q by %s", tt.operation, tt.call, body, id, tt.want, tt.interaction)
			}
			recorded := tt.call == "A" || tt.call == "Z"
			if note := resp.Header.Get(HeaderNote); (note == "recorded for another CallId, with yours put in") == recorded {
				t.Errorf("%s %s: note %q", tt.operation, tt.call, note)
			}
		}
		if played := p.Played(); played.Missed != 2 || len(played.Unused) != 1 {
			t.Errorf("played %+v", played)
		}
	}
	strict := PlayReels(PlayOptions{}, hold(&Cassette{Path: "calls.yaml", Interactions: list}, Matching{}))
	if resp, _ := post(t, strict, service, about("GetCallInfo", "X")); resp.StatusCode != 500 {
		t.Error("an unknown call is answered unasked")
	}
}

// TestAnyIsBounded: clients that make up calls do not fill the memory.
func TestAnyIsBounded(t *testing.T) {
	match := anyCall(t)
	l := newLibrary(RepeatLast, []*Reel{hold(&Cassette{Interactions: []*Interaction{said(0, service, about("Disconnect", "A"), "bye")}}, match)})
	a := match.ask("POST", service, nil, []byte(about("Disconnect", "B")))
	k := a.key()
	lo, _ := looseOf(&a, match)
	for n := range uint64(2*maxStands + 5) {
		lo.value = n + 1
		if _, ok := l.any.take(l, lo, k, true); !ok {
			t.Fatal("not answered")
		}
	}
	if len(l.any.stand) > maxStands || len(l.any.turns) > maxStands {
		t.Errorf("%d values are kept, and %d turns", len(l.any.stand), len(l.any.turns))
	}
}

// TestMatchingRules: places that do not count, and headers that do.
func TestMatchingRules(t *testing.T) {
	ignore, err := inspect.ParseSelector("CallId")
	if err != nil {
		t.Fatal(err)
	}
	recorded := said(0, service, about("Disconnect", "A"), "bye")
	recorded.Request.Headers.Set("X-Tenant", "one")
	for _, tt := range []struct {
		match  Matching
		body   string
		tenant string
		hit    bool
		differ string
	}{
		{Matching{}, about("Disconnect", "A"), "two", true, ""},
		{Matching{Ignore: []inspect.Selector{ignore}}, about("Disconnect", "B"), "", true, ""},
		{Matching{Ignore: []inspect.Selector{ignore}}, about("GetCallInfo", "A"), "", false, "no GetCallInfo is recorded"},
		{Matching{Headers: []string{"x-tenant"}}, about("Disconnect", "A"), "one", true, ""},
		{Matching{Headers: []string{"x-tenant"}}, about("Disconnect", "A"), "two", false, "differs at header X-Tenant"},
		{Matching{Headers: []string{"x-tenant"}}, about("Disconnect", "A"), "", false, "differs at header X-Tenant"},
		{Matching{Headers: []string{"Authorization"}}, about("Disconnect", "A"), "", true, ""},
	} {
		p := NewPlayer(PlayOptions{Match: tt.match}, &Cassette{Path: "c.yaml", Interactions: []*Interaction{recorded}})
		resp, body := post(t, p, service, tt.body, "Content-Type", "text/xml", "X-Tenant", tt.tenant)
		if hit := resp.StatusCode == 200; hit != tt.hit || !strings.Contains(body, tt.differ) {
			t.Errorf("%+v: %d %s", tt, resp.StatusCode, body)
		}
	}
}

// TestMissRules: a miss names the rules by which the nearest would have answered, and
// each of them does that.
func TestMissRules(t *testing.T) {
	const space = `xmlns="urn:x"`
	for _, tt := range []struct {
		recorded, asked string
		want            string
	}{
		{about("Disconnect", "A"), about("Disconnect", "B"), "--any CallId or --ignore CallId"},
		{about("Disconnect", "A"), about("GetCallInfo", "A"), ""},
		{envelope(`<Find ` + space + `><a Id="1"/></Find>`), envelope(`<Find ` + space + `><a Id="2"/></Find>`), "--any @Id or --ignore @Id"},
		{envelope(`<Find ` + space + `><a>1</a><b>1</b></Find>`), envelope(`<Find ` + space + `><a>2</a><b>2</b></Find>`), "--ignore Body/Find/a --ignore Body/Find/b"},
		{envelope(`<Find ` + space + `><a>1</a><a>1</a></Find>`), envelope(`<Find ` + space + `><a>2</a><a>2</a></Find>`), "--any a or --ignore a"},
		{envelope(`<Find ` + space + `><a>1</a></Find>`), envelope(`<Find ` + space + `><a>1</a><b/></Find>`), "--ignore Body/Find/b"},
		{envelope(`<Find ` + space + `/>`), envelope(`<Find xmlns="urn:y"/>`), ""},
		{envelope(`<Find ` + space + `><a>1</a><b>1</b><c>1</c><d>1</d></Find>`), envelope(`<Find ` + space + `><a>2</a><b>2</b><c>2</c><d>2</d></Find>`), ""},
	} {
		play := func(match Matching) (*http.Response, string) {
			p := NewPlayer(PlayOptions{Match: match}, &Cassette{Path: "c.yaml", Interactions: []*Interaction{said(0, service, tt.recorded, "yes")}})
			return post(t, p, service, tt.asked)
		}
		_, body := play(Matching{})
		m, err := inspect.Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		var rules []string
		for _, c := range m.Fault.Detail.Child("Miss").Children {
			if c.Name.Local == "Rule" {
				rules = append(rules, c.Value())
			}
		}
		if got := strings.Join(rules, " or "); got != tt.want || got != "" && !strings.HasSuffix(m.Fault.Reason, "; "+got+" would let it match") {
			t.Errorf("%s: rules %q, want %q: %s", tt.asked, got, tt.want, m.Fault.Reason)
		}
		for _, rule := range rules {
			if resp, body := play(matchingOf(t, rule)); resp.StatusCode != 200 {
				t.Errorf("%s: %s does not let it match: %s", tt.asked, rule, body)
			}
		}
	}
}

func envelope(body string) string {
	return `<s:Envelope xmlns:s="` + inspect.SOAP11NS + `"><s:Body>` + body + `</s:Body></s:Envelope>`
}

// TestAnyGivesWay: what was recorded exactly and has had its turns is no case for --any,
// and what one recorded call lacks is answered from another without the client's call
// changing sides.
func TestAnyGivesWay(t *testing.T) {
	record := func(list ...string) *Player {
		var tape []*Interaction
		for _, s := range list {
			f := strings.Fields(s)
			tape = append(tape, said(len(tape), service, about(f[0], f[1]), f[2]))
		}
		return NewPlayer(PlayOptions{Match: anyCall(t), Repeat: RepeatFail}, &Cassette{Path: "c.yaml", Interactions: tape})
	}
	ask := func(p *Player, operation, call string) string {
		resp, body := post(t, p, service, about(operation, call))
		if resp.StatusCode != 200 {
			return "-"
		}
		return body
	}
	p := record("GetCallInfo A a1", "GetCallInfo B b1")
	if got := ask(p, "GetCallInfo", "A") + ask(p, "GetCallInfo", "A"); got != "a1-" {
		t.Errorf("recorded once, asked twice: %s", got)
	}
	p = record("GetCallInfo A a1", "GetCallInfo A a2", "GetCallInfo A a3", "GetCallInfo B b1", "Disconnect B bye")
	if got := ask(p, "GetCallInfo", "X") + ask(p, "Disconnect", "X") + ask(p, "GetCallInfo", "X"); got != "a1byea2" {
		t.Errorf("with an operation that was recorded for another call only: %s", got)
	}
}

// TestAnyPutsIn: a client's value takes the place of the recorded one where that is
// meant, and not where it only looks like it.
func TestAnyPutsIn(t *testing.T) {
	for _, tt := range []struct{ theirs, mine, body, want string }{
		{"1", "77", `<?xml version="1.0"?><a v="1.0"><y>2001</y><x>1</x> <z n='1'>1.5, 1</z></a>`, `<?xml version="1.0"?><a v="1.0"><y>2001</y><x>77</x> <z n='77'>1.5, 1</z></a>`},
		{"LONG-VALUE", "mine", `<a>no call LONG-VALUE here; LONG-VALUEX</a>`, `<a>no call mine here; LONG-VALUEX</a>`},
		{"A", "<&", `<a>A</a>`, `<a>&lt;&amp;</a>`},
		{"A", "B", `A`, `B`},
		{"", "B", `<a></a>`, `<a></a>`},
		{"A", "B", `<? A`, `<? A`},
	} {
		if got := putIn(tt.body, []string{tt.theirs}, []string{tt.mine}); got != tt.want {
			t.Errorf("%s for %s in %s: %s", tt.mine, tt.theirs, tt.body, got)
		}
	}
	if got := putIn(`<a>A</a><b>B</b>`, []string{"A", "B"}, []string{"B", "A"}); got != `<a>B</a><b>A</b>` {
		t.Errorf("changed places: %s", got)
	}
}

// TestAnyOutlivesReplace: a client's call goes on as it was when a cassette is read
// again.
func TestAnyOutlivesReplace(t *testing.T) {
	match := anyCall(t)
	path := tape(t)
	var list []*Interaction
	for _, call := range []string{"A", "B"} {
		for n := range 3 {
			list = append(list, said(len(list), service, about("GetCallInfo", call), fmt.Sprintf("%s%d", strings.ToLower(call), n)))
		}
	}
	write(t, path, list...)
	p := PlayReels(PlayOptions{Match: match}, open(t, path, OpenOptions{Match: match}))
	ask := func(call string) string { _, body := post(t, p, service, about("GetCallInfo", call)); return body }
	if got := ask("X") + ask("Y") + ask("Y"); got != "a0b0b1" {
		t.Fatalf("answered %s", got)
	}
	p.Replace(open(t, path, OpenOptions{Match: match}))
	if got := ask("Y") + ask("X") + ask("Z"); got != "b2a1a0" {
		t.Errorf("after a reload: %s", got)
	}
}
