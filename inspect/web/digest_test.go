package web

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/inspect/um"
)

const messages = `xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"`

// soap is an exchange of the UM service.
func soap(file string, id int, at time.Time, operation, request, answer string) report.Entry {
	const envelope = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>%s</s:Body></s:Envelope>`
	x := inspect.Exchange{Method: "POST", URL: "http://um.test" + "/UnifiedMessaging/Service.asmx", Status: 200, Started: at, Took: 10 * time.Millisecond}
	x.RequestHeader = http.Header{"Content-Type": {"text/xml; charset=utf-8"}, "Soapaction": {`"http://schemas.microsoft.com/exchange/services/2006/messages/` + operation + `"`}}
	x.ResponseHeader = http.Header{"Content-Type": {"text/xml; charset=utf-8"}}
	x.RequestBody = fmt.Appendf(nil, envelope, "<"+operation+" "+messages+">"+request+"</"+operation+">")
	x.ResponseBody = fmt.Appendf(nil, envelope, "<"+operation+"Response "+messages+">"+answer+"</"+operation+"Response>")
	e := report.Entry{File: file, ID: id, Reading: inspect.Read(x)}
	e.Call = um.Profile().CallOf(e.Request, e.Response)
	return e
}

// shelf is a tape of entries, each as it is.
type shelf map[Place]report.Entry

func (s shelf) Read(file string, id int) (whole, masked Copy, err error) {
	e, ok := s[Place{file, id}]
	if !ok {
		return Copy{}, Copy{}, fmt.Errorf("no interaction %d", id)
	}
	return Copy{Entry: e}, Copy{Entry: e}, nil
}

func (s shelf) Export(w io.Writer, as string, list []Place, reveal bool) error {
	return nil
}

var callTime = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func aCall(n int) string {
	return inspect.CallID{GUID: fmt.Sprintf("%08x-8a1e-4d37-9c55-1e7a0b9d24f6", n), Server: "um01.example.net"}.Encode()
}

func started(file string, id, call int) report.Entry {
	return soap(file, id, callTime.Add(time.Duration(id)*time.Second), "PlayOnPhone", "<entryId>AAAA</entryId><DialString>5550142</DialString>", "<PlayOnPhoneResponse>"+aCall(call)+"</PlayOnPhoneResponse>")
}

func polled(file string, id, call int, state string) report.Entry {
	return soap(file, id, callTime.Add(time.Duration(id)*time.Second), "GetCallInfo", "<CallId>"+aCall(call)+"</CallId>",
		"<GetCallInfoResponse><CallState>"+state+"</CallState><EventCause>None</EventCause></GetCallInfoResponse>")
}

func ended(file string, id, call int) report.Entry {
	return soap(file, id, callTime.Add(time.Duration(id)*time.Second), "Disconnect", "<CallId>"+aCall(call)+"</CallId>", "")
}

// got asks a page for something as JSON.
func got[T any](t *testing.T, s *Server, path string, want int) (v T) {
	t.Helper()
	answer, body := ask(t, s, http.DefaultClient, "GET", path, s.cookie)
	if answer.StatusCode != want {
		t.Fatalf("%s: %d %s", path, answer.StatusCode, body)
	}
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return v
}

// paged serves a page of entries.
func paged(t *testing.T, entries ...report.Entry) (*Server, shelf) {
	t.Helper()
	s, _ := serve(t, Config{Tape: shelf{}, Check: um.Check})
	tape := s.Tape.(shelf)
	for _, e := range entries {
		tape[Place{e.File, e.ID}] = e
		s.Book.Add(RowOf(e, um.Check(e.Reading)))
	}
	return s, tape
}

func TestCallsHaveNoSecretsUnasked(t *testing.T) {
	s, _ := paged(t, started("a.yaml", 0, 1), polled("a.yaml", 1, 1, "+49 30 5550142"), ended("a.yaml", 2, 1), started("a.yaml", 3, 2), ended("a.yaml", 4, 3))
	s.Book.Add(Row{Began: callTime.Add(time.Minute), Operation: "Disconnect", Call: aCall(2), Outcome: "missed"})
	calls := got[callsJSON](t, s, "/api/calls", 200)
	if !slices.Equal(calls.Size, []int{3, 2, 1}) || !slices.Equal(calls.Moment, []int{0, 1, 2, 3, 5, 4}) || !slices.Equal(calls.Start, []int{0, 0, -1}) || !slices.Equal(calls.End, []int{2, -1, 0}) {
		t.Errorf("calls %+v", calls)
	}
	if missed := calls.Steps[calls.Step[4]]; missed.Role != "end" || missed.Unanswered != "missed" {
		t.Errorf("the miss is %+v", missed)
	}
	if polled := calls.Steps[calls.Step[1]]; polled.State != veil || len(calls.Servers) != 0 {
		t.Errorf("unasked: state %q, servers %v", polled.State, calls.Servers)
	}
	calls = got[callsJSON](t, s, "/api/calls?reveal=1", 200)
	if polled := calls.Steps[calls.Step[1]]; polled.State != "+49 30 5550142" || calls.Servers[0] != "um01.example.net" {
		t.Errorf("asked: state %q, servers %v", polled.State, calls.Servers)
	}
}

type groupsJSON struct{ Groups []groupJSON }

func TestShapesAreOfInteractions(t *testing.T) {
	short := soap("b.yaml", 0, callTime, "GetCallInfo", "<CallId>x</CallId>", "<GetCallInfoResponse><CallState>Idle</CallState></GetCallInfoResponse>")
	s, _ := paged(t, polled("a.yaml", 0, 1, "Connected"), polled("a.yaml", 1, 1, "Connected"), short)
	again := RowOf(polled("c.yaml", 0, 1, "Connected"), nil)
	again.Outcome = "replayed"
	s.Book.Add(again)
	again.read = RowOf(polled("c.yaml", 0, 1, "Connected"), nil).read
	s.Book.Add(again)
	groups := got[groupsJSON](t, s, "/api/shapes", 200).Groups
	if len(groups) != 2 || groups[1].Name != "GetCallInfo response" || groups[1].Count != 4 || len(groups[1].Variants) != 2 {
		t.Fatalf("groups %+v", groups)
	}
	// An interaction that has answered twice is one message, and its last exchange.
	most, other := groups[1].Variants[0], groups[1].Variants[1]
	if !slices.Equal(most.Rows, []int{0, 1, 4}) || most.Name != "a.yaml#0" || !slices.Equal(other.Rows, []int{2}) || other.Name != "b.yaml#0" {
		t.Errorf("variants %+v", groups[1].Variants)
	}
	type shapeJSON struct {
		Parts       []*nodeJSON
		Differences []differenceJSON
		Variants    []struct{ Differences []differenceJSON }
	}
	key := "/api/shape?key=" + url.QueryEscape(groups[1].Key)
	cause := func(j shapeJSON) *nodeJSON { return j.Parts[0].Parts[0].Parts[0].Parts[1] }
	all := got[shapeJSON](t, s, key, 200)
	if n := cause(all); n.Name != "EventCause" || n.Occurs != "0..1" || !n.Optional || n.Values != "text" || !slices.Equal(n.In, []int{0}) || len(all.Variants[1].Differences) != 1 {
		t.Errorf("all together: %+v, %+v", n, all.Variants)
	}
	if n := cause(got[shapeJSON](t, s, key+"&variant=a.yaml%230", 200)); n.Occurs != "1" {
		t.Errorf("one alone: %+v", n)
	}
	if n := cause(got[shapeJSON](t, s, key+"&variant=a.yaml%230&variant=b.yaml%230", 200)); n.Occurs != "0..1" {
		t.Errorf("two of them: %+v", n)
	}
	both := got[shapeJSON](t, s, key+"&a=a.yaml%230&b=b.yaml%230&other="+url.QueryEscape(groups[1].Key), 200)
	if n := cause(both); n.A == nil || n.B != nil || n.Same || len(both.Differences) != 1 || both.Differences[0].Change != "removed" {
		t.Errorf("side by side: %+v, %+v", n, both.Differences)
	}
	got[struct{}](t, s, key+"&a=a.yaml%230&b=b.yaml%231", 404)
	got[struct{}](t, s, "/api/shape?key=none", 404)
}

func TestFindingsLeadToTheirPlaces(t *testing.T) {
	s, tape := paged(t, started("a.yaml", 0, 1), polled("a.yaml", 1, 2, "Nowhere"))
	s.Book.About("a.yaml", []inspect.Finding{{Rule: inspect.Rule{ID: "TAPE01", Severity: inspect.Error}, Message: "torn"}})
	type rulesJSON struct{ Rules []ruleJSON }
	ids := func() (list string) {
		for _, r := range got[rulesJSON](t, s, "/api/findings", 200).Rules {
			list += fmt.Sprint(r.ID, " ", r.Severity, r.Rows, r.Times, len(r.Files), " ")
		}
		return list
	}
	if list := ids(); list != "TAPE01 error[] [] 1 UM034 error[1] [1] 0 UM071 note[1] [1] 0 UM073 note[0] [1] 0 " {
		t.Errorf("findings %s", list)
	}
	type placesJSON struct{ Places []placeJSON }
	places := got[placesJSON](t, s, "/api/found?rule=UM073&rows=0,1", 200).Places
	if len(places) != 1 || places[0].N != 0 || places[0].Name != "a.yaml#0" || places[0].Path != "Body/PlayOnPhoneResponse/PlayOnPhoneResponse" {
		t.Fatalf("places %+v", places)
	}
	// The exchange tells of it as well, at the element.
	x := got[exchangeJSON](t, s, "/api/exchange?n=0", 200)
	if f := x.Findings[places[0].Nth]; f.Rule != "UM073" || f.Tag != 3 {
		t.Errorf("in the exchange it is %+v", f)
	}
	// What comes later is no finding any more; what is replaced neither.
	e := ended("a.yaml", 2, 1)
	tape[Place{"a.yaml", 2}] = e
	s.Book.Add(RowOf(e, nil))
	s.Book.Add(RowOf(polled("b.yaml", 0, 2, "Nowhere"), um.Check(polled("b.yaml", 0, 2, "Nowhere").Reading)))
	if list := ids(); list != "TAPE01 error[] [] 1 UM034 error[1 3] [1 1] 0 UM071 note[3] [1] 0 " {
		t.Errorf("later: %s", list)
	}
	s.Book.Replace("a.yaml", []Row{RowOf(polled("a.yaml", 0, 1, "Connected"), nil)})
	if list := ids(); list != "UM034 error[0] [1] 0 UM071 note[0 1] [1 1] 0 " {
		t.Errorf("after the cassette was replaced: %s", list)
	}
	got[struct{}](t, s, "/api/found?rule=UM073&rows=7", 409)
	got[struct{}](t, s, "/api/found?rule=UM073&rows="+strings.Repeat("0,", 50)+"0", 400)
}

// Of no exchanges the page's script is given lists that are empty.
func TestNothingIsAnEmptyList(t *testing.T) {
	s, _ := paged(t)
	for _, path := range []string{"/api/calls", "/api/shapes", "/api/findings", "/api/found?rule=UM020&rows="} {
		if _, body := ask(t, s, http.DefaultClient, "GET", path, s.cookie); strings.Contains(body, "null") || !strings.Contains(body, "[]") {
			t.Errorf("%s: %s", path, body)
		}
	}
}
