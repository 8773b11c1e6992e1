package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// liveTape writes a cassette with one request that is safe for each name, which asks for
// the call of that name.
func liveTape(t *testing.T, calls ...string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("version: 2\ninteractions:\n")
	for n, call := range calls {
		fmt.Fprintf(&b, `- id: %d
  request:
    body: <s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetCallInfo xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"><CallId>%s</CallId></GetCallInfo></s:Body></s:Envelope>
    headers: {Content-Type: [text/xml; charset=utf-8]}
    url: http://um.example.com/UnifiedMessaging/Service.asmx
    method: POST
  response:
    body: %s
    headers: {Content-Type: [text/xml; charset=utf-8]}
    code: 200
`, n, call, callInfo("Connected"))
	}
	path := filepath.Join(t.TempDir(), "calls.yaml")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func callInfo(state string) string {
	return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetCallInfoResponse xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"><GetCallInfoResponse><CallState>` + state + `</CallState><EventCause>None</EventCause></GetCallInfoResponse></GetCallInfoResponse></s:Body></s:Envelope>`
}

// TestLiveWithoutAnswer: a server that is not there ends it all; one that ends a
// connection without an answer, or in one, has changed, and what it said before counts.
func TestLiveWithoutAnswer(t *testing.T) {
	var asked atomic.Int32
	flaky := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		body, _ := io.ReadAll(r.Body)
		answer := callInfo("Connected")
		switch {
		case bytes.Contains(body, []byte("gone")):
			panic(http.ErrAbortHandler)
		case bytes.Contains(body, []byte("half")):
			w.Header().Set("Content-Length", fmt.Sprint(len(answer)))
			_, _ = io.WriteString(w, answer[:100])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case bytes.Contains(body, []byte("elsewhere")):
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
			return
		case flaky && n%2 == 1:
			http.Error(w, "not now", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, strings.Replace(answer, "EventCause", "Cause", 2))
	}))
	defer server.Close()
	ask := func(calls ...string) (found []string, said string, err error) {
		asked.Store(0)
		path := liveTape(t, calls...)
		var stderr bytes.Buffer
		list, err := (&app{stderr: &stderr}).live(t.Context(), []string{path}, validateFlags{live: liveFlags{url: server.URL}})
		for id := range calls {
			for _, f := range list[path][id] {
				found = append(found, fmt.Sprintf("%d %s %s", id, f.Rule.ID, f.Message))
			}
		}
		return found, stderr.String(), err
	}

	if found, said, err := ask("gone", "good"); err == nil || len(found) > 0 || asked.Load() != 1 {
		t.Errorf("%q, %v, %s", found, err, said)
	}
	found, said, err := ask("good", "half", "elsewhere", "good2", "gone1", "gone2", "gone3", "good3")
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range []string{"0 LIVE02 no answer of today has EventCause", "0 LIVE03 every answer of today has Cause", "1 LIVE01 the server gives no answer: that of ",
		"2 LIVE01 the server answers with status 302, which leads elsewhere", "3 LIVE02", "3 LIVE03", "4 LIVE01 the server gives no answer: ", "5 LIVE01", "6 LIVE01"} {
		if n >= len(found) || !strings.HasPrefix(found[n], want) {
			t.Fatalf("%q; want %q as number %d", found, want, n)
		}
	}
	if !strings.Contains(said, "no answer 3 times in a row: 1 interaction left that it was not asked") || asked.Load() != 10 {
		t.Errorf("%d requests; %s", asked.Load(), said)
	}

	flaky = true
	found, said, err = ask("good")
	if err != nil || len(found) != 2 || !strings.Contains(said, "calls.yaml#0: the answers were of 2 kinds, of which one is compared: status 503 without SOAP; status 200 and GetCallInfoResponse") {
		t.Errorf("%q, %v, %s", found, err, said)
	}
}

// TestDryRunConnectsNowhere: what would be sent is listed, and no connection is opened,
// nor is a password asked for; without --dry-run the same listener has one.
func TestDryRunConnectsNowhere(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var connections atomic.Int32
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			c.Close()
		}
	}()
	path, f := liveTape(t, "good"), validateFlags{live: liveFlags{url: "http://" + ln.Addr().String(), dryRun: true, user: "alice"}}
	var stdout, stderr bytes.Buffer
	a := &app{stdout: &stdout, stderr: &stderr, stdin: strings.NewReader("")}
	if _, err := a.live(t.Context(), []string{path}, f); err != nil || !strings.HasSuffix(stdout.String(), "nothing was sent\n") {
		t.Errorf("%v, %s", err, stdout.String())
	}
	t.Setenv(envLivePassword, "correct-horse")
	f.live.dryRun = false
	_, err = a.live(t.Context(), []string{path}, f)
	ln.Close()
	<-ended
	if n := connections.Load(); err == nil || n != 1 {
		t.Errorf("%d connections, %v; want the one that was not dry", n, err)
	}
	if said := fmt.Sprint(stdout.String(), stderr.String(), err); strings.Contains(said, "correct-horse") {
		t.Errorf("the password is told: %s", said)
	}
}
