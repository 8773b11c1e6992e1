package cassettes

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"gopkg.in/dnaeon/go-vcr.v3/cassette"

	"github.com/umtape/umtape/inspect"
)

// said is an interaction of these bodies.
func said(id int, url, request, response string) *Interaction {
	return &Interaction{Interaction: cassette.Interaction{
		ID:       id,
		Request:  cassette.Request{Method: "POST", URL: url, Body: request, Headers: http.Header{"Content-Type": {"text/xml"}}},
		Response: cassette.Response{Code: 200, Body: response, Headers: http.Header{"Content-Type": {"text/xml"}, "Content-Length": {"999"}, "Connection": {"close"}}},
	}}
}

func playerOf(i ...*Interaction) *Player {
	return NewPlayer(PlayOptions{}, &Cassette{Path: "dir/calls.yaml", Interactions: i})
}

const service = "https://um.example.com/UnifiedMessaging/Service.asmx"

func TestPlayerMatches(t *testing.T) {
	request := message(t, "disconnect-request.xml")
	const m = "http://schemas.microsoft.com/exchange/services/2006/messages"
	reprefixed := strings.NewReplacer("soap:", "S:", "xmlns:soap", "xmlns:S", `<Disconnect xmlns="`+m+`">`, `<x:Disconnect xmlns:x='`+m+`'>`,
		"<CallId>", "<x:CallId>", "</CallId>", "</x:CallId>", "</Disconnect>", "</x:Disconnect>").Replace(request)
	for _, tt := range []struct {
		name, url, body string
		hit             bool
		note            bool
	}{
		{"same bytes", service, request, true, false},
		{"other prefixes", service, reprefixed, true, false},
		{"one line", service, strings.ReplaceAll(strings.ReplaceAll(request, "\n", ""), "  ", ""), true, false},
		{"no declaration", service, request[strings.Index(request, "<soap"):], true, false},
		{"SOAP 1.2", service, message(t, "disconnect-request-soap12.xml"), true, false},
		{"default port", "https://um.example.com:443/UnifiedMessaging/Service.asmx", request, true, false},
		{"host in capitals", "https://UM.example.com/UnifiedMessaging/Service.asmx", request, true, false},
		{"client named no host", "/UnifiedMessaging/Service.asmx", request, true, false},
		{"https spelling", service, message(t, "disconnect-request-https-namespace.xml"), true, true},
		{"other CallId", service, message(t, "documented-disconnect-request.xml"), false, false},
		{"other namespace", service, strings.ReplaceAll(request, "2006/messages", "2006/types"), false, false},
		{"other path", "https://um.example.com/unifiedmessaging/Service.asmx", request, false, false},
		{"a query", service + "?x=1", request, false, false},
		{"other host", "https://um2.example.com/UnifiedMessaging/Service.asmx", request, false, false},
		{"other scheme", "http://um.example.com/UnifiedMessaging/Service.asmx", request, false, false},
		{"not XML", service, "<broken", false, false},
	} {
		p := playerOf(said(7, service, request, "<answer/>"))
		resp, body := post(t, p, tt.url, tt.body)
		if hit := resp.Header.Get(HeaderInteraction) == "calls.yaml#7" && body == "<answer/>" && resp.StatusCode == 200; hit != tt.hit {
			t.Errorf("%s: hit %v, want %v: %d %v %s", tt.name, hit, tt.hit, resp.StatusCode, resp.Header, body)
			continue
		}
		if note := resp.Header.Get(HeaderNote) != ""; note != tt.note {
			t.Errorf("%s: note %q", tt.name, resp.Header.Get(HeaderNote))
		}
		played := p.Played()
		if tt.hit {
			if resp.Header.Get("Content-Length") != "9" || resp.Header.Get("Connection") != "" || resp.ContentLength != 9 || resp.Close {
				t.Errorf("%s: framing of the recording was replayed: %v", tt.name, resp.Header)
			}
			if played.Answered != 1 || played.Missed != 0 || len(played.Unused) != 0 {
				t.Errorf("%s: played %+v", tt.name, played)
			}
			continue
		}
		if resp.StatusCode != 500 || resp.Header.Get(HeaderMiss) == "" || played.Missed != 1 || len(played.Unused) != 1 {
			t.Errorf("%s: %d %v, played %+v", tt.name, resp.StatusCode, resp.Header, played)
		}
	}
}

func TestPlayerMiss(t *testing.T) {
	request := message(t, "disconnect-request.xml")
	p := playerOf(said(0, service, message(t, "playonphone-request.xml"), ""), said(1, service, request, ""))
	for _, tt := range []struct{ name, url, body, want string }{
		{"CallId", service, message(t, "documented-disconnect-request.xml"), "answers this Disconnect: nearest is calls.yaml#1, which differs at Body/Disconnect/CallId: text differs"},
		{"namespace", service, strings.ReplaceAll(request, "2006/messages", "2006/types"), `nearest is calls.yaml#1, which differs at Body/Disconnect: namespace differs: "http://schemas.microsoft.com/exchange/services/2006/types" here, "http://schemas.microsoft.com/exchange/services/2006/messages" recorded`},
		{"operation", service, strings.ReplaceAll(request, "Disconnect", "ResetPIN"), "answers this ResetPIN: no ResetPIN is recorded; nearest is"},
		{"path's parameter", "https://um.example.com/UnifiedMessaging/Service.asmx;s=SECRET", request, "nearest is calls.yaml#1, which differs at path: its parameters differ"},
		{"path and parameter", "https://um.example.com/EWS;s=SECRET/Exchange.asmx;s=SECRET", request, "nearest is calls.yaml#1, which differs at path: /UnifiedMessaging/Service.asmx recorded, /EWS/Exchange.asmx here"},
		{"path", "https://um.example.com/EWS/Exchange.asmx", request, "nearest is calls.yaml#1, which differs at path: /UnifiedMessaging/Service.asmx recorded, /EWS/Exchange.asmx here"},
		{"host", "https://other.example.com/UnifiedMessaging/Service.asmx", request, "nearest is calls.yaml#1, which differs at host: https://um.example.com recorded, https://other.example.com here"},
	} {
		resp, body := post(t, p, tt.url, tt.body)
		m, err := inspect.Parse([]byte(body))
		if err != nil || m.Fault == nil {
			t.Errorf("%s: not a fault: %s", tt.name, body)
			continue
		}
		if !strings.Contains(m.Fault.Reason, tt.want) {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, m.Fault.Reason, tt.want)
		}
		for _, secret := range []string{"MDlkZjllZGM", "M2YwYzZiNTI", "5550142"} {
			if strings.Contains(body, secret) || strings.Contains(resp.Header.Get(HeaderMiss), secret) {
				t.Errorf("%s: the miss quotes a message", tt.name)
			}
		}
		miss := m.Fault.Detail.Child("Miss")
		if op, _ := miss.Attr("operation"); op == "" || miss.Name.Space != MissNS {
			t.Errorf("%s: detail %+v", tt.name, miss)
		}
	}
	resp, body := post(t, p, service, message(t, "disconnect-request-soap12.xml")+" ", "Content-Type", "application/soap+xml")
	if resp.StatusCode != 200 {
		t.Errorf("SOAP 1.2: %d %s", resp.StatusCode, body)
	}
	resp, body = post(t, playerOf(), service, "hello", "Content-Type", "text/plain")
	if resp.StatusCode != 500 || !strings.HasPrefix(body, "umtape: no recorded interaction answers this POST that is not SOAP: the cassette holds no interactions") {
		t.Errorf("plain: %d %s", resp.StatusCode, body)
	}
}

// TestPlayerSequence: n recorded answers to one request come in order, then the
// last again; through a proxy, those of the host asked for.
// What was asked is told of a miss if that is wanted, as a recording would keep it.
func TestPlayerKeepsMissed(t *testing.T) {
	for _, keep := range []bool{true, false} {
		var told []*Interaction
		p := NewPlayer(PlayOptions{KeepMissed: keep, OnExchange: func(_ context.Context, f *Facts) { told = append(told, f.Request) }},
			&Cassette{Path: "calls.yaml", Interactions: []*Interaction{said(0, service, message(t, "disconnect-request.xml"), "")}})
		post(t, p, service, message(t, "disconnect-request.xml"))
		asked := strings.Replace(message(t, "documented-disconnect-request.xml"), "<soap:Body>", "<soap:Header><Password>hunter2</Password></soap:Header><soap:Body>", 1)
		post(t, p, service+"?token=hunter2", asked, "Authorization", "Bearer hunter2", "Cookie", "hunter2")
		if len(told) != 2 || told[0] != nil || (told[1] != nil) != keep {
			t.Fatalf("with KeepMissed %t: %v", keep, told)
		}
		if !keep {
			continue
		}
		r := told[1].Request
		if r.Method != "POST" || !strings.HasPrefix(r.URL, service) || r.Body != strings.Replace(asked, "hunter2", "REDACTED", 1) {
			t.Errorf("what is told is %+v", r)
		}
		if all := fmt.Sprint(r); strings.Contains(all, "hunter2") {
			t.Errorf("a secret is told: %s", all)
		}
	}
}

// Why requests were missed is known at the end, each reason once, however many
// came.
func TestPlayerRemembersMisses(t *testing.T) {
	p := playerOf(said(0, service, message(t, "disconnect-request.xml"), "<answer/>"))
	for range 3 {
		post(t, p, service, message(t, "documented-disconnect-request.xml"))
	}
	post(t, p, service, message(t, "playonphone-request.xml"))
	played := p.Played()
	if played.Missed != 4 || len(played.Misses) != 2 || played.Misses[0].Operation != "Disconnect" || played.Misses[0].Nearest != "calls.yaml#0" || played.Misses[1].Operation != "PlayOnPhone" {
		t.Errorf("played %+v", played)
	}
	for n := range 2 * maxMisses {
		post(t, p, service, fmt.Sprintf("<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body><Ask%d/></s:Body></s:Envelope>", n))
	}
	if played := p.Played(); played.Missed != 4+2*maxMisses || len(played.Misses) != maxMisses {
		t.Errorf("%d missed, %d remembered", played.Missed, len(played.Misses))
	}
}

func TestPlayerSequence(t *testing.T) {
	request := message(t, "disconnect-request.xml")
	other := "https://other.example.com/UnifiedMessaging/Service.asmx"
	p := playerOf(said(0, service, request, "a"), said(1, other, request, "b"), said(2, service, request, "c"))
	ask := func(url string) string {
		_, body := post(t, p, url, request)
		return body
	}
	got := ask(service) + ask(other) + ask(service) + ask(service) + ask(other)
	if got != "abccb" {
		t.Errorf("by host: %s", got)
	}
	p = playerOf(said(0, service, request, "a"), said(1, other, request, "b"), said(2, service, request, "c"))
	path := "/UnifiedMessaging/Service.asmx"
	if got := ask(path) + ask(service) + ask(path) + ask(path); got != "acbc" {
		t.Errorf("mixed: %s", got)
	}
}

// TestPlayerPrefersTheSameVersion: an answer recorded for SOAP 1.2 is given to a
// SOAP 1.1 request only if there is no other.
func TestPlayerPrefersTheSameVersion(t *testing.T) {
	p := playerOf(said(0, service, message(t, "disconnect-request-soap12.xml"), "1.2"), said(1, service, message(t, "disconnect-request.xml"), "1.1"),
		said(2, service, message(t, "disconnect-request-https-namespace.xml"), "https"))
	for file, want := range map[string]string{"disconnect-request.xml": "1.1", "disconnect-request-soap12.xml": "1.2", "disconnect-request-https-namespace.xml": "https"} {
		if resp, body := post(t, p, service, message(t, file)); body != want || resp.Header.Get(HeaderNote) != "" {
			t.Errorf("%s answered %q, note %q", file, body, resp.Header.Get(HeaderNote))
		}
	}
}

func TestPlayerRefusesTruncated(t *testing.T) {
	i := said(0, service, "<a/>", "<half")
	i.Umtape.Truncated = "response"
	p := playerOf(i)
	resp, body := post(t, p, service, "<a/>")
	if resp.StatusCode != 500 || !strings.Contains(body, "not recorded whole") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if got := p.Played(); got.Answered != 0 || got.Missed != 1 {
		t.Errorf("played %+v", got)
	}
}

func TestPlayerBounds(t *testing.T) {
	p := NewPlayer(PlayOptions{Match: Matching{MaxBody: 100}}, &Cassette{Path: "c.yaml", Interactions: []*Interaction{said(0, service, "<a/>", "x")}})
	body := &countingReader{left: 1 << 20}
	req, _ := http.NewRequest("POST", service, body)
	resp, err := p.RoundTrip(req)
	if err != nil || resp.StatusCode != 500 || !strings.Contains(resp.Header.Get(HeaderMiss), "longer than the 100 bytes") {
		t.Errorf("%v, %v", resp, err)
	}
	if body.left != 0 {
		t.Errorf("%d bytes were not read; a client still sending would not hear the answer", body.left)
	}
}

type countingReader struct{ left int }

func (r *countingReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), r.left)
	copy(p, bytes.Repeat([]byte("<"), n))
	r.left -= n
	return n, nil
}

func TestPlayerConcurrent(t *testing.T) {
	request := message(t, "disconnect-request.xml")
	p := playerOf(said(0, service, request, "<answer/>"))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				resp, body := post(t, p, service, request)
				resp.Header.Set("Content-Type", "changed") // must not reach the cassette
				if body != "<answer/>" {
					t.Errorf("got %q", body)
				}
			}
		})
	}
	wg.Wait()
	if resp, _ := post(t, p, service, request); resp.Header.Get("Content-Type") != "text/xml" {
		t.Error("a response's header is the cassette's")
	}
	if got := p.Played(); got.Answered != 401 {
		t.Errorf("answered %d", got.Answered)
	}
}

// TestReplayOfWhatWasRecorded goes all the way round: what the player answers is
// what the client saw when it was recorded, for every sample.
func TestReplayOfWhatWasRecorded(t *testing.T) {
	url, _ := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.Header().Add("X-Twice", "a")
		w.Header().Add("X-Twice", "b")
		w.WriteHeader(500)
		w.Write(bytes.ToUpper(body))
	})
	path := tape(t)
	rt, _, w := recorderTo(t, path, RecordOptions{All: true})
	bodies := append([]string{"", "text", "\t", "\n<a/>\n", "\xff\x00"}, hostile...)
	for _, name := range []string{"documented-disconnect-request.xml", "documented-disconnect-request-https.xml", "documented-disconnect-response.xml", "playonphone-request.xml"} {
		bodies = append(bodies, message(t, name))
	}
	type answer struct{ status, body, twice string }
	run := func(rt http.RoundTripper) (got []answer) {
		for n, b := range bodies {
			resp, body := post(t, rt, url+"/"+string(rune('a'+n%26))+strings.Repeat("z", n/26), b)
			got = append(got, answer{resp.Status, body, strings.Join(resp.Header["X-Twice"], ",")})
		}
		return got
	}
	recorded := run(rt)
	closed(t, w)
	replayed := run(NewPlayer(PlayOptions{}, load(t, path)))
	for n := range bodies {
		if recorded[n] != replayed[n] {
			t.Errorf("body %q:\nrecorded %+v\nreplayed %+v", bodies[n], recorded[n], replayed[n])
		}
	}
}

// TestPlayerSkipsChallenges: a recorded handshake answers a client that sends no
// credentials, with what came after it; one that was never answered otherwise is
// replayed as it was.
func TestPlayerSkipsChallenges(t *testing.T) {
	request := message(t, "disconnect-request.xml")
	leg := said(0, service, request, "who are you")
	leg.Response.Code = 401
	leg2 := said(1, service, request, "who are you")
	leg2.Response.Code = 401
	only := said(3, service, message(t, "playonphone-request.xml"), "go away")
	only.Response.Code = 401
	p := playerOf(leg, leg2, said(2, service, request, "done"), only)
	if resp, body := post(t, p, service, request); resp.StatusCode != 200 || body != "done" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if resp, body := post(t, p, service, message(t, "playonphone-request.xml")); resp.StatusCode != 401 || body != "go away" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if unused := p.Played().Unused; len(unused) != 0 {
		t.Errorf("not used: %v", unused)
	}
}

// TestPlayerSkipsTruncated: an answer that is not whole takes no turn from one
// that is.
func TestPlayerSkipsTruncated(t *testing.T) {
	half := said(0, service, "<a/>", "<half")
	half.Umtape.Truncated = "response"
	p := playerOf(half, said(1, service, "<a/>", "<whole/>"))
	if resp, body := post(t, p, service, "<a/>"); body != "<whole/>" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	prefix := said(0, service, "<a", "x")
	prefix.Umtape.Truncated = "request"
	if resp, _ := post(t, playerOf(prefix), service, "<a"); resp.StatusCode != 500 {
		t.Error("half a request answers a whole one")
	}
}

// TestPlayerBodiless: HEAD keeps the length that GET would have had.
func TestPlayerBodiless(t *testing.T) {
	i := said(0, service, "", "")
	i.Request.Method = "HEAD"
	i.Response.Headers.Set("Content-Length", "1234")
	resp := roundTrip(t, playerOf(i), "HEAD", service, "")
	if resp.Header.Get("Content-Length") != "1234" || resp.ContentLength != 1234 {
		t.Errorf("%v, %d", resp.Header, resp.ContentLength)
	}
}

// TestURLInAQuery: what looks like a scheme inside a path or query is none.
func TestURLInAQuery(t *testing.T) {
	request := message(t, "disconnect-request.xml")
	p := playerOf(said(0, "http://um.example.com/p?u=http://x/y", request, "a"))
	for _, url := range []string{"http://um.example.com/p?u=http://x/y", "/p?u=http://x/y"} {
		if resp, _ := post(t, p, url, request); resp.StatusCode != 200 {
			t.Errorf("%s: %s", url, resp.Header.Get(HeaderMiss))
		}
	}
}
