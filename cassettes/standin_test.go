package cassettes

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/um"
)

// turn is one request of a conversation and what the server answers.
type turn struct{ url, ask, answer string }

const standInURL = "https://um1.contoso-planted.example/UnifiedMessaging/Service.asmx"

func umMessage(op, inside string) string {
	return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><` + op + ` xmlns="` + um.MessagesNS + `">` + inside + `</` + op + `></s:Body></s:Envelope>`
}

func callNamed(n int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "00000000-0000-0000-0000-%012d@um%d.contoso-planted.example", n, n))
}

// twoCalls are two calls at once; the second is refused its last word.
func twoCalls() []turn {
	a, b := callNamed(1), callNamed(2)
	play := func(number, call string) turn {
		return turn{standInURL, umMessage("PlayOnPhone", "<entryId>"+base64.StdEncoding.EncodeToString([]byte("\x00\x00\x00\x00an entry of "+number))+"</entryId><DialString>"+number+"</DialString>"),
			umMessage("PlayOnPhoneResponse", "<PlayOnPhoneResponse>"+call+"</PlayOnPhoneResponse>")}
	}
	poll := func(call, state string) turn {
		return turn{standInURL, umMessage("GetCallInfo", "<CallId>"+call+"</CallId>"), umMessage("GetCallInfoResponse", "<GetCallInfoResponse><CallState>"+state+"</CallState></GetCallInfoResponse>")}
	}
	end := func(call, answer string) turn {
		return turn{standInURL, umMessage("Disconnect", "<CallId>"+call+"</CallId>"), umMessage("DisconnectResponse", answer)}
	}
	return []turn{
		play("+14255550177", a), poll(a, "Connecting"), play("98431", b), poll(b, "Connecting"), poll(b, "Disconnected"), poll(a, "Connected"),
		end(b, "<Said>"+b+" is over, 98431</Said>"), poll(a, "Alerted"), end(a, ""),
	}
}

// recordSaid records a conversation with rules, and returns the cassette's path.
func recordSaid(t *testing.T, r Redaction, list []turn) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "calls.yaml")
	tape, err := Create(path, HeaderMeta{Profile: "um", Redact: r.Names()}, Refuse)
	if err != nil {
		t.Fatal(err)
	}
	rec := NewRecorder(tape, RecordOptions{All: true, Profile: um.Profile(), Redaction: r})
	for _, s := range list {
		if got := answerTo(t, rec.Wrap(answersWith(s.answer)), s.url, s.ask); got != s.answer {
			t.Fatalf("recording answered %q", got)
		}
	}
	if err := tape.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

type answersWith string

func (a answersWith) RoundTrip(req *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "text/xml")
	io.WriteString(w, string(a))
	return w.Result(), nil
}

func asked200(t *testing.T, rt http.RoundTripper, url, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/xml")
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(got)
}

func answerTo(t *testing.T, rt http.RoundTripper, url, body string) string {
	t.Helper()
	_, got := asked200(t, rt, url, body)
	return got
}

func standInPlayer(t *testing.T, path string) *Player {
	t.Helper()
	r, err := Open(path, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return PlayReels(PlayOptions{}, r)
}

var newID = regexp.MustCompile(`<PlayOnPhoneResponse>([^<]+)<`)

// TestStandIns replays two calls that go on at once to clients that know them by
// their real identifiers, by those which the replay hands out, or one so and one so;
// each gets the recorded answers in their order, with its own values in them.
func TestStandIns(t *testing.T) {
	list := twoCalls()
	path := recordSaid(t, Pseudonyms(um.Profile()), list)
	for n := range 4 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			p := standInPlayer(t, path)
			ids := map[string]string{callNamed(1): callNamed(1), callNamed(2): callNamed(2)}
			mine := strings.NewReplacer()
			for k, s := range list {
				resp, got := asked200(t, p, s.url, mine.Replace(s.ask))
				if name := resp.Header.Get(HeaderInteraction); name != fmt.Sprintf("calls.yaml#%d", k) {
					t.Fatalf("%d is answered by %q %q", k, name, resp.Header.Get(HeaderMiss))
				}
				if m := newID.FindStringSubmatch(got); m != nil {
					call := newID.FindStringSubmatch(s.answer)[1]
					if (call == callNamed(1) && n&1 != 0) || (call == callNamed(2) && n&2 != 0) {
						ids[call] = m[1]
					}
					mine = strings.NewReplacer(callNamed(1), ids[callNamed(1)], callNamed(2), ids[callNamed(2)])
				} else if want := mine.Replace(s.answer); got != want {
					t.Errorf("%d answers %s, want %s", k, got, want)
				}
			}
			if played := p.Played(); len(played.Unused) > 0 || played.Repeated > 0 {
				t.Errorf("played %+v", played)
			}
		})
	}
}

// TestStandInIsForOne: a value stands for one pseudonym and for no other, so that what
// was not recorded is missed.
func TestStandInIsForOne(t *testing.T) {
	list := twoCalls()
	p := standInPlayer(t, recordSaid(t, Pseudonyms(um.Profile()), list))
	miss := func(what, url, body string) {
		t.Helper()
		if resp, got := asked200(t, p, url, body); resp.Header.Get(HeaderMiss) == "" {
			t.Errorf("%s is answered: %s %s", what, resp.Header.Get(HeaderInteraction), got)
		}
	}
	for _, s := range list {
		asked200(t, p, s.url, s.ask)
	}
	miss("a third call", standInURL, umMessage("GetCallInfo", "<CallId>"+callNamed(3)+"</CallId>"))
	miss("another form", standInURL, umMessage("GetCallInfo", "<CallId>none</CallId>"))
	miss("another host", "https://um9.contoso-planted.example/UnifiedMessaging/Service.asmx", list[1].ask)
	miss("a number of another length", standInURL, strings.Replace(list[2].ask, "98431", "984310", 1))
	miss("the numbers of two calls mixed", standInURL, strings.Replace(list[0].ask, "+14255550177", "98431", 1))
}

// TestOwnRules: what is removed or under a pseudonym by rules of one's own matches
// whatever the client says there, and nothing of it is kept.
func TestOwnRules(t *testing.T) {
	r, err := ReadRedaction([]byte("pseudonym: [Who/Name, header X-Tenant]\nremove: [Note, Who/@secretly]\n"))
	if err != nil {
		t.Fatal(err)
	}
	asks := `<Who secretly="planted one"><Name>Planted Two</Name><Note><b>planted three</b></Note><Kept>seen</Kept></Who>`
	path := recordSaid(t, r, []turn{{standInURL, umMessage("Find", asks), umMessage("FindResponse", "for Planted Two")}})
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	kept := string(appendRecordText(c))
	if strings.Contains(strings.ToLower(kept), "planted ") || !strings.Contains(kept, "<Kept>seen</Kept>") || !strings.Contains(kept, "<Note>REDACTED</Note>") {
		t.Errorf("kept %s", kept)
	}
	p := standInPlayer(t, path)
	if got := answerTo(t, p, standInURL, umMessage("Find", asks)); got != umMessage("FindResponse", "for Planted Two") {
		t.Errorf("replay answers %s", got)
	}
	if resp, _ := asked200(t, p, standInURL, umMessage("Find", strings.Replace(asks, "seen", "other", 1))); resp.Header.Get(HeaderMiss) == "" {
		t.Error("what was kept need not be equal any more")
	}
	for _, bad := range []string{"", "remove: CallId", "remove: [a:b]", "other: [CallId]", "remove: [header ]", "pseudonym: [header A: b]"} {
		if _, err := ReadRedaction([]byte(bad)); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

func appendRecordText(c *Cassette) (b []byte) {
	for _, i := range c.Interactions {
		b, _ = appendRecord(b, i, i.ID)
	}
	return b
}

// TestPseudonymForms: a pseudonym has the form of its value, is the same for the same
// value however it is written, and another one under another key.
func TestPseudonymForms(t *testing.T) {
	p, other := newPseudonyms(), newPseudonyms()
	for _, v := range []string{
		callNamed(7), "+1 (425) 555-0100", "98431", "alice@contoso.com", "sip:alice@contoso.com", "tel:+14255550100", "S-1-5-21-1-22-333-1013",
		"09df9edc-4e23-4709-bdaf-7be20cb0ae56", `CONTOSO\alice`, "/o=Contoso/ou=Exchange/cn=Recipients/cn=alice", "10.1.2.3", "2a00::1",
	} {
		got := p.value(v)
		if got == v || got != p.value(v) || shapeOf(got) != shapeOf(v) {
			t.Errorf("%q becomes %q and %q, of shape %q, not %q", v, got, p.value(v), shapeOf(got), shapeOf(v))
		}
		if got == other.value(v) {
			t.Errorf("%q becomes %q whatever the key", v, got)
		}
	}
	if a, b := p.value("+1 425 555 0100"), p.value("+14255550100"); strings.ReplaceAll(a, " ", "") != b {
		t.Errorf("one number becomes %q and %q", a, b)
	}
	if u, a := p.value("alice@contoso.com"), p.value("sip:alice@contoso.com"); "sip:"+u != a {
		t.Errorf("one person becomes %q and %q", u, a)
	}
	c, _ := inspect.DecodeCallID(p.value(base64.StdEncoding.EncodeToString([]byte("09df9edc-4e23-4709-bdaf-7be20cb0ae56@um1.contoso.com"))))
	if c.Server != p.host("UM1.contoso.com") || c.GUID != p.value("09df9edc-4e23-4709-bdaf-7be20cb0ae56") {
		t.Errorf("inside of a CallId it is %+v", c)
	}
	if got := p.host("127.0.0.1:8090"); got != "127.0.0.1:8090" {
		t.Errorf("loopback becomes %q", got)
	}
	seen := map[string]bool{}
	for n := range 9000 {
		v := p.value(fmt.Sprintf("%04d", n))
		if seen[v] {
			t.Fatalf("%q stands for two extensions", v)
		}
		seen[v] = true
	}
}

// TestShown: what a log line says names nobody either, not even of a server that did
// not answer.
func TestShown(t *testing.T) {
	r := NewRecorder(&Writer{path: "calls.yaml"}, RecordOptions{Redaction: Pseudonyms(um.Profile())})
	for _, text := range []string{
		"https://um1.contoso-planted.example/um/" + callNamed(1), "um1.contoso-planted.example:443 refused the connection", "um2.contoso-planted.example:443",
		"lookup um1.contoso-planted.example on 10.0.0.1: no such host",
	} {
		if got := r.Shown(text); strings.Contains(got, "planted") || strings.Contains(got, callNamed(1)) || got == text {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
	plain := NewRecorder(&Writer{path: "calls.yaml"}, RecordOptions{})
	if got := plain.Shown("https://um1.contoso.com/"); got != "https://um1.contoso.com/" {
		t.Errorf("without pseudonyms it is shown as %q", got)
	}
}

// TestStandInsOfSeveralCassettes: a call that has begun in one cassette goes on there,
// though another, named before it, has a call that nobody has begun.
func TestStandInsOfSeveralCassettes(t *testing.T) {
	r := Pseudonyms(um.Profile())
	a, b := callNamed(1), callNamed(2)
	poll := turn{standInURL, umMessage("GetCallInfo", "<CallId>"+a+"</CallId>"), umMessage("GetCallInfoResponse", "")}
	end := func(call, said string) turn {
		return turn{standInURL, umMessage("Disconnect", "<CallId>"+call+"</CallId>"), umMessage("DisconnectResponse", "<Said>"+said+"</Said>")}
	}
	var reels []*Reel
	for _, list := range [][]turn{{end(b, "another call is over")}, {poll, end(a, "over")}} {
		reel, err := Open(recordSaid(t, r, list), OpenOptions{HoldBytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		reels = append(reels, reel)
	}
	p := PlayReels(PlayOptions{}, reels...)
	live := callNamed(7)
	for _, s := range []turn{poll, end(a, "over")} {
		if got := answerTo(t, p, s.url, strings.ReplaceAll(s.ask, a, live)); got != s.answer {
			t.Errorf("answered %s; want %s", got, s.answer)
		}
	}
	if got, want := answerTo(t, p, standInURL, end(callNamed(8), "").ask), end(b, "another call is over").answer; got != want {
		t.Errorf("another call is answered %s; want %s", got, want)
	}
}

// TestStandInsRecordedAnew: a cassette that is recorded anew, with other pseudonyms,
// answers clients that the one before had answered, and others.
func TestStandInsRecordedAnew(t *testing.T) {
	list := twoCalls()
	open := func(path string) *Reel {
		t.Helper()
		reel, err := Open(path, OpenOptions{HoldBytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		return reel
	}
	path := recordSaid(t, Pseudonyms(um.Profile()), list)
	p := PlayReels(PlayOptions{}, open(path))
	for _, s := range list[:5] {
		asked200(t, p, s.url, s.ask)
	}
	put(t, path, readAll(t, recordSaid(t, Pseudonyms(um.Profile()), list)))
	p.Replace(open(path))
	for _, calls := range [][2]string{{callNamed(1), callNamed(2)}, {callNamed(5), callNamed(6)}} {
		mine := strings.NewReplacer(callNamed(1), calls[0], callNamed(2), calls[1])
		for k, s := range list {
			resp, got := asked200(t, p, s.url, mine.Replace(s.ask))
			if calls[0] == callNamed(5) { // all pseudonyms have their clients
				if strings.Contains(s.ask, callNamed(1)) && resp.Header.Get(HeaderMiss) == "" {
					t.Errorf("a third call is answered at %d: %s", k, got)
				}
				continue
			}
			if want := mine.Replace(s.answer); got != want && newID.FindString(got) == "" { // which hands out a pseudonym
				t.Errorf("%d: answered by %s %s, %s; want %s", k, resp.Header.Get(HeaderInteraction), resp.Header.Get(HeaderMiss), got, want)
			}
		}
	}
}
