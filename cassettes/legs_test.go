package cassettes

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// handshake serves what a connection-bound scheme asks for: two challenges, then
// the answer for as long as the connection lasts.
func handshake(t *testing.T) http.HandlerFunc {
	answer := soap(t)
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		switch r.Header.Get("Authorization") {
		case "":
			w.Header().Set("WWW-Authenticate", "NTLM")
		case "NTLM type1":
			w.Header().Set("WWW-Authenticate", "NTLM dHlwZTI=")
		default:
			answer(w, r)
			return
		}
		w.WriteHeader(401)
		io.WriteString(w, "<html>who are you</html>")
	}
}

func TestAuthLegsFold(t *testing.T) {
	url, _ := upstream(t, handshake(t))
	path := tape(t)
	rt, rec, w := recorderTo(t, path, RecordOptions{})
	body := message(t, "disconnect-request.xml")
	for _, leg := range []struct{ token, body string }{{"", body}, {"NTLM type1", ""}, {"NTLM type3", body}} {
		header := []string{"Content-Type", "text/xml", "SOAPAction", `"x"`}
		if leg.token != "" {
			header = append(header, "Authorization", leg.token)
		}
		post(t, rt, url, leg.body, header...)
	}
	closed(t, w)
	c := load(t, path)
	if len(c.Interactions) != 1 || rec.Captured().Interactions != 1 {
		t.Fatalf("%d interactions", len(c.Interactions))
	}
	i := c.Interactions[0]
	if i.Response.Code != 200 || i.Umtape.AuthLegs != 2 || i.Request.Body != body {
		t.Errorf("kept %d, %d legs", i.Response.Code, i.Umtape.AuthLegs)
	}
	if text := readAll(t, path); strings.Contains(text, "type3") || strings.Contains(text, "dHlwZTI") {
		t.Error("a token is on the tape")
	}
	if stock := stock(t, path); len(stock.Interactions) != 1 {
		t.Errorf("go-vcr reads %d", len(stock.Interactions))
	}
	// A client without credentials is answered at once.
	if resp, _ := post(t, NewPlayer(PlayOptions{}, c), url, body, "Content-Type", "text/xml", "SOAPAction", `"x"`); resp.StatusCode != 200 {
		t.Errorf("replay: %d", resp.StatusCode)
	}
}

func TestAuthLegsKept(t *testing.T) {
	url, _ := upstream(t, handshake(t))
	body := message(t, "disconnect-request.xml")
	get := func(o RecordOptions, tokens ...string) (codes []int, legs []int) {
		path := tape(t)
		rt, _, w := recorderTo(t, path, o)
		for _, token := range tokens {
			header := []string{"Content-Type", "text/xml"}
			if token != "" {
				header = append(header, "Authorization", token)
			}
			post(t, rt, url, body, header...)
		}
		rt.(interface{ CloseIdleConnections() }).CloseIdleConnections() // the client has gone
		closed(t, w)
		for _, i := range load(t, path).Interactions {
			codes, legs = append(codes, i.Response.Code), append(legs, i.Umtape.AuthLegs)
		}
		return codes, legs
	}
	is := func(got []int, want ...int) bool {
		if len(got) != len(want) {
			return false
		}
		for n := range got {
			if got[n] != want[n] {
				return false
			}
		}
		return true
	}
	if codes, legs := get(RecordOptions{KeepAuthLegs: true}, "", "NTLM type1", "NTLM type3"); !is(codes, 401, 401, 200) || !is(legs, 0, 0, 0) {
		t.Errorf("kept apart: %v, legs %v", codes, legs)
	}
	if codes, legs := get(RecordOptions{}, "", "NTLM type1"); !is(codes, 401) || !is(legs, 1) {
		t.Errorf("a handshake that came to nothing: %v, legs %v", codes, legs)
	}
	if codes, legs := get(RecordOptions{}, "NTLM type3", "NTLM type3"); !is(codes, 200, 200) || !is(legs, 0, 0) {
		t.Errorf("no handshake: %v, legs %v", codes, legs)
	}
	if codes, legs := get(RecordOptions{}, "", "NTLM type3", "", "NTLM type3"); !is(codes, 200, 200) || !is(legs, 1, 1) {
		t.Errorf("two handshakes: %v, legs %v", codes, legs)
	}
}

// TestAuthLegsOfAnotherRequest: a challenge to one request is not lost in the
// answer to another.
func TestAuthLegsOfAnotherRequest(t *testing.T) {
	url, _ := upstream(t, handshake(t))
	path := tape(t)
	rt, _, w := recorderTo(t, path, RecordOptions{})
	post(t, rt, url, message(t, "disconnect-request.xml"))
	post(t, rt, url, message(t, "playonphone-request.xml"), "Content-Type", "text/xml", "Authorization", "NTLM type3")
	closed(t, w)
	c := load(t, path)
	if len(c.Interactions) != 2 || c.Interactions[0].Response.Code != 401 || c.Interactions[1].Umtape.AuthLegs != 0 {
		t.Errorf("%d interactions", len(c.Interactions))
	}
}
