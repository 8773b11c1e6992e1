package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/proxy"
)

const (
	disconnectOf = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>` +
		`<Disconnect xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"><CallId>%s</CallId></Disconnect></s:Body></s:Envelope>`
	disconnected = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>` +
		`<DisconnectResponse xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"/></s:Body></s:Envelope>`
)

// exchangeLines are the log's lines about exchanges, without time and durations.
// Every other line of the log is an error.
func exchangeLines(t *testing.T, log string) []string {
	t.Helper()
	var lines []string
	for line := range strings.Lines(log) {
		if strings.HasPrefix(line, "umtape: ") {
			continue // of the command, not of the log
		}
		_, line, found := strings.Cut(strings.TrimSuffix(line, "\n"), " msg=exchange ")
		if !found {
			t.Errorf("not of an exchange: %s", line)
		}
		lines = append(lines, regexp.MustCompile(` (upstream|tape|took)=[0-9.]+[mµ]?s`).ReplaceAllString(line, ""))
	}
	return lines
}

// sayTo sends request as it is and reads all of the answer.
func sayTo(t *testing.T, addr, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	io.WriteString(c, request)
	b, err := io.ReadAll(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%.40q: the connection does not end; got %q", request, b)
	}
	return string(b)
}

// soapPost is a request for a proxy, with more header lines, that ends its
// connection.
func soapPost(url, body string, header ...string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n%s\r\n%s",
		url, len(body), strings.Join(append(header, ""), "\r\n"), body)
}

// TestEveryExchangeIsOneLine makes each kind of exchange, in a recording and in a
// replay: one line each, that says what became of it.
func TestEveryExchangeIsOneLine(t *testing.T) {
	waiting := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/xml")
		switch r.URL.Path {
		case "/breaks":
			w.Header().Set("Content-Length", "1000")
		case "/login":
			if r.Header.Get("Authorization") == "" {
				w.Header().Set("WWW-Authenticate", "NTLM")
				w.WriteHeader(401)
			}
		case "/waits":
			waiting <- struct{}{}
			<-r.Context().Done()
			return
		}
		io.WriteString(w, disconnected)
	}))
	defer server.Close()
	a, stderr := testApp(t)
	ca, path := testCA(t), filepath.Join(t.TempDir(), "calls.yaml")
	body := fmt.Sprintf(disconnectOf, "call")
	rec := recordingOf(t, a, ca, server, path, recordFlags{log: logFlags{verbose: true}})
	at := func(path string) string { return server.URL + path }
	for _, path := range []string{"/kept", "/breaks"} {
		sayTo(t, rec.addr(), soapPost(at(path), body))
	}
	sayTo(t, rec.addr(), "GET "+at("/passed?q")+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	sayTo(t, rec.addr(), soapPost("http://127.0.0.1:1/down", body))
	sayTo(t, rec.addr(), soapPost("/origin", body))
	sayTo(t, rec.addr(), "CONNECT x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	sayTo(t, rec.addr(), strings.Replace(soapPost(at("/login"), body), "Connection: close\r\n", "", 1)+
		soapPost(at("/login"), body, "Authorization: NTLM abc"))
	gone, err := net.Dial("tcp", rec.addr())
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(gone, soapPost(at("/waits"), body))
	<-waiting
	gone.Close()
	waitFor(t, stderr, "outcome=gone")
	if err := os.Truncate(path, 10); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Millisecond) // for so long, and less, the tape relies on what it saw of the file
	sayTo(t, rec.addr(), soapPost(at("/kept"), body))
	if err := rec.stop(io.Discard); err == nil {
		t.Error("no error although the tape was cut")
	}
	host, in := strings.TrimPrefix(server.URL, "http://"), fmt.Sprintf("request_bytes=%d response_bytes=", len(body))
	want := []string{
		"conn=1 way=proxy method=POST url=http://" + host + "/kept status=200 outcome=recorded operation=Disconnect interaction=calls.yaml#0 " + in + fmt.Sprint(len(disconnected)),
		"conn=2 way=proxy method=POST url=http://" + host + "/breaks status=200 outcome=broken operation=Disconnect interaction=calls.yaml#1 " + in + fmt.Sprint(len(disconnected)) +
			` reason="the server's answer broke off, and so the client's does: unexpected EOF; the response kept is not whole: the server's answer broke off"`,
		"conn=3 way=proxy method=GET url=http://" + host + "/passed status=200 outcome=passed request_bytes=0 response_bytes=" + fmt.Sprint(len(disconnected)),
		"conn=4 way=proxy method=POST url=http://127.0.0.1:1/down status=502 outcome=failed operation=Disconnect " + in + `\d+ reason="127.0.0.1:1 refused the connection: .*"`,
		`conn=5 way=origin method=POST url=http://h/origin status=421 outcome=refused request_bytes=0 response_bytes=\d+ reason="umtape is a proxy .*"`,
		`conn=6 way=connect method=CONNECT url=x status=400 outcome=refused request_bytes=0 response_bytes=28 reason="CONNECT must name HOST:PORT"`,
		"conn=7 way=proxy method=POST url=http://" + host + "/login status=401 outcome=challenge operation=Disconnect " + in + fmt.Sprint(len(disconnected)),
		"conn=7 way=proxy method=POST url=http://" + host + "/login status=200 outcome=recorded operation=Disconnect interaction=calls.yaml#2 " + in + fmt.Sprint(len(disconnected)),
		"conn=8 way=proxy method=POST url=http://" + host + "/waits outcome=gone operation=Disconnect " + in + `0 reason="the client went away before the server answered; not recorded: .*"`,
		"conn=9 way=proxy method=POST url=http://" + host + "/kept status=503 outcome=not_sent operation=Disconnect " + in + `\d+ reason="not sent, since it could not be recorded: .*cut short by another program.*"`,
	}
	matchLines(t, exchangeLines(t, stderr.String()), want)
}

func matchLines(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d lines, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
		return
	}
	for i := range want {
		if !regexp.MustCompile("^" + want[i] + "$").MatchString(got[i]) {
			t.Errorf("line %d:\n %s\nwant\n %s", i, got[i], want[i])
		}
	}
}

// waitFor waits until what is written holds text.
func waitFor(t *testing.T, b *lineBuffer, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for !strings.Contains(b.String(), text) {
		select {
		case <-b.grew:
		case <-ctx.Done():
			t.Fatalf("%q was not written, but\n%s", text, b.String())
		}
	}
}

func TestEveryExchangeOfAReplayIsOneLine(t *testing.T) {
	a, stderr := testApp(t)
	path := recordedTape(t, "call")
	play, err := a.startReplay([]string{path}, testCA(t), replayFlags{listen: "127.0.0.1:0", scheme: "basic", maxBody: 1000, log: logFlags{format: "text", verbose: true}})
	if err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(disconnectOf, "call")
	for _, body := range []string{body, strings.Replace(body, "http://schemas.microsoft", "https://schemas.microsoft", 1), fmt.Sprintf(disconnectOf, "other"), strings.Repeat("x", 1001)} {
		sayTo(t, play.addr(), soapPost("/um", body, "Authorization: Basic abc"))
	}
	sayTo(t, play.addr(), soapPost("/um", body))
	sayTo(t, play.addr(), "POST /um HTTP/1.1\r\nHost: h\r\nAuthorization: Basic abc\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n")
	if err := play.stop(io.Discard); err != nil {
		t.Fatal(err)
	}
	start := func(conn int) string { return fmt.Sprintf("conn=%d way=origin method=POST url=http://h/um ", conn) }
	in := fmt.Sprintf("request_bytes=%d response_bytes=", len(body))
	matchLines(t, exchangeLines(t, stderr.String()), []string{
		start(1) + "status=200 outcome=replayed operation=Disconnect interaction=calls.yaml#0 " + in + fmt.Sprint(len(disconnected)),
		start(2) + `status=200 outcome=replayed operation=Disconnect interaction=calls.yaml#0 request_bytes=\d+ response_bytes=\d+ reason="matched only because https:// .*"`,
		start(3) + `status=500 outcome=missed operation=Disconnect nearest=calls.yaml#0 request_bytes=\d+ response_bytes=\d+ reason="nearest is calls.yaml#0, which differs at .*"`,
		start(4) + `status=500 outcome=missed request_bytes=1001 response_bytes=\d+ reason="its body is longer than .*"`,
		start(5) + "status=401 outcome=challenge " + in + "0",
		start(6) + `status=400 outcome=refused request_bytes=0 response_bytes=\d+ reason="the request's body is damaged: .*"`,
	})
}

// recordedTape records one Disconnect of a call at /um.
func recordedTape(t *testing.T, call string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		io.WriteString(w, disconnected)
	}))
	defer server.Close()
	a, _ := testApp(t)
	path := filepath.Join(t.TempDir(), "calls.yaml")
	rec := recordingOf(t, a, testCA(t), server, path, recordFlags{})
	sayTo(t, rec.addr(), soapPost(server.URL+"/um", fmt.Sprintf(disconnectOf, call)))
	if err := rec.stop(io.Discard); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestLogShowsNoSecret plants secrets wherever a client or a server can put them,
// and looks for them in the most that is ever logged, as they were and decoded.
func TestLogShowsNoSecret(t *testing.T) {
	const guid = "09df9edc-4e23-4709-bdaf-7be20cb0ae56"
	secrets := []string{"Passw0rd", "TlRMTVNTUAAD", "c00kie", "qu3ry", "b0dy", "param3ter", "us3r", "frag", "headr", "answr", "um-internal-01"}
	call := base64.StdEncoding.EncodeToString([]byte(guid + "@um-internal-01.corp.test"))
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				w.Header().Set("Content-Type", "text/xml")
				w.Header().Set("Set-Cookie", "answr")
				if r.URL.Path == "/garbage" || r.URL.Path == "/trailer" {
					c, _, _ := http.NewResponseController(w).Hijack()
					defer c.Close()
					io.WriteString(c, map[string]string{
						"/garbage": "HTTP/1.1 answr\r\n\r\nanswr",
						"/trailer": "HTTP/1.1 200 OK\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nanswr answr\r\n\r\n",
					}[r.URL.Path])
					return
				}
				w.WriteHeader(500)
				io.WriteString(w, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:answr</faultcode><faultstring>answr</faultstring>`+
					`<detail><ExceptionType xmlns="http://schemas.microsoft.com/exchange/services/2006/messages">answr</ExceptionType></detail></s:Fault></s:Body></s:Envelope>`)
			}))
			defer server.Close()
			a, stderr := testApp(t)
			ca, path := testCA(t), filepath.Join(t.TempDir(), "calls.yaml")
			log := logFlags{format: format, verbose: true, calls: true}
			body := strings.Replace(fmt.Sprintf(disconnectOf, call), "<s:Body>", "<s:Header><Password>b0dy</Password></s:Header><s:Body>", 1)
			headers := []string{
				"Authorization: NTLM TlRMTVNTUAADAAAAGAAYAHoAAAA=", "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("us3r:Passw0rd")),
				"Cookie: a=c00kie", "SOAPAction: \"urn:headr\"", "X-Api-Key: headr",
			}
			say := func(addr string) {
				for _, where := range []string{server.URL, "http://us3r:Passw0rd@" + strings.TrimPrefix(server.URL, "http://"), "http://127.0.0.1:1", "", "ftp://us3r:Passw0rd@h", "http:us3r:Passw0rd@h"} {
					for _, path := range []string{"/um;s=param3ter?q=qu3ry", "/garbage?qu3ry", "/trailer?qu3ry#frag"} {
						for _, body := range []string{body, "b0dy", "<b0dy", "<a>b0dy</a>"} {
							sayTo(t, addr, soapPost(where+path, body, headers...))
						}
						sayTo(t, addr, strings.Replace(soapPost(where+path, "b0dy\r\n", headers...), "Content-Length: 6", "Transfer-Encoding: chunked", 1))
					}
				}
				sayTo(t, addr, "CONNECT us3r:Passw0rd@h HTTP/1.1\r\nHost: us3r:Passw0rd@h\r\nConnection: close\r\n\r\n")
				sayTo(t, addr, "\x16\x03\x01\x00\x06qu3ry!")
				sayTo(t, addr, "qu3ry\r\n\r\n")
			}
			rec := recordingOf(t, a, ca, server, path, recordFlags{log: log})
			say(rec.addr())
			if err := rec.stop(io.Discard); err != nil {
				t.Fatal(err)
			}
			play, err := a.startReplay([]string{path}, ca, replayFlags{listen: "127.0.0.1:0", maxBody: 1 << 20, log: log})
			if err != nil {
				t.Fatal(err)
			}
			say(play.addr())
			if err := play.stop(io.Discard); err != nil {
				t.Fatal(err)
			}
			logged := stderr.String()
			for _, outcome := range []string{"recorded", "failed", "refused", "broken", "replayed", "missed", "TLS with the client failed", "not understood"} {
				if !strings.Contains(logged, outcome) {
					t.Errorf("%q is not in the log", outcome)
				}
			}
			if !strings.Contains(logged, guid) {
				t.Error("--log-calls shows no call")
			}
			for _, secret := range append(secrets, call, call[20:]) {
				if place := strings.Index(everyReading(logged), secret); place >= 0 {
					t.Errorf("%s is in the log", secret)
				}
			}
			if t.Failed() {
				t.Log(logged)
			}
		})
	}
}

// everyReading is text with what its words say in base64 and percent-encoding.
func everyReading(text string) string {
	var b strings.Builder
	b.WriteString(text)
	for _, word := range regexp.MustCompile(`[A-Za-z0-9+/_=-]{8,}`).FindAllString(text, -1) {
		for from := range 4 { // a token may begin anywhere in a word
			word := strings.TrimRight(word[min(from, len(word)):], "=")
			plain, _ := base64.RawStdEncoding.DecodeString(word[:len(word)/4*4])
			b.Write(plain)
		}
	}
	if plain, err := url.PathUnescape(text); err == nil {
		b.WriteString(plain)
	}
	return b.String()
}

func TestCallsAreShownOnlyWhenAsked(t *testing.T) {
	const guid = "09df9edc-4e23-4709-bdaf-7be20cb0ae56"
	for _, tt := range []struct {
		calls      bool
		call, want string
	}{
		{false, base64.StdEncoding.EncodeToString([]byte(guid + "@um.corp.test")), ""},
		{true, base64.StdEncoding.EncodeToString([]byte(guid + "@um.corp.test")), "call=" + guid + " "},
		{true, "um.corp.test", `call="(not of the form GUID@SERVER)" `},
		{true, "", ""},
	} {
		a, stderr := testApp(t)
		w, err := (&logFlags{format: "text", verbose: true, calls: tt.calls}).watch(a)
		if err != nil {
			t.Fatal(err)
		}
		w.exchange(proxy.Exchange{Outcome: proxy.Answered, Note: &cassettes.Facts{Verdict: cassettes.Recorded, Call: tt.call}})
		if got := stderr.String(); !strings.Contains(got, tt.want) || strings.Contains(got, "call=") != (tt.want != "") || strings.Contains(got, "corp") {
			t.Errorf("calls %v, %q: %s", tt.calls, tt.call, got)
		}
	}
}

// TestWireCannotForgeALine puts what moves cursors, ends lines and quotes into all
// that comes from the wire.
func TestWireCannotForgeALine(t *testing.T) {
	evil := "a\"b'c\\\r\nlevel=ERROR msg=forged \x1b[2J\u009b2J\u202eabc\u2028\u0085\x00\xff end=\"1\" {\"msg\":\"forged\"}\n"
	for _, format := range []string{"text", "json"} {
		a, stderr := testApp(t)
		w, err := (&logFlags{format: format, verbose: true}).watch(a)
		if err != nil {
			t.Fatal(err)
		}
		w.exchange(proxy.Exchange{Method: evil, Outcome: proxy.Failed, Reason: evil, Note: &cassettes.Facts{
			Operation: evil + strings.Repeat("x", 1<<20), Interaction: evil, Nearest: evil, Reason: evil + strings.Repeat("x", 1<<20), Fault: evil, Call: evil}})
		got, ended := strings.CutSuffix(stderr.String(), "\n")
		if strings.IndexFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0 || !ended || len(got) > 5000 {
			t.Errorf("%s: %q", format, got)
		}
		if format == "json" {
			var line map[string]any
			if err := json.Unmarshal([]byte(got), &line); err != nil || line["msg"] != "exchange" {
				t.Errorf("%v: %s", err, got)
			}
		} else if quoted := regexp.MustCompile(`"(\\.|[^"\\])*"`).ReplaceAllString(got, "_"); strings.Contains(quoted, "forged") {
			t.Errorf("unquoted: %s", quoted)
		}
	}

	// And by the wire itself, as far as net/http lets it.
	a, stderr := testApp(t)
	rec := recordingOf(t, a, testCA(t), httptest.NewServer(http.NotFoundHandler()), filepath.Join(t.TempDir(), "calls.yaml"), recordFlags{log: logFlags{verbose: true}})
	for _, path := range []string{`/"msg=forged`, "/%0a%1b[2J", "/\u202eforged", "/a\u009b", "/\xff", "/a b=\"c\"", "/\x1b[2J"} {
		sayTo(t, rec.addr(), soapPost("http://127.0.0.1:1"+path, "<a/>"))
	}
	for range 500 { // what was not understood is told of after the connection was closed
		if strings.Count(stderr.String(), "\n") >= 7 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := rec.stop(io.Discard); err != nil {
		t.Fatal(err)
	}
	got := stderr.String()
	if strings.IndexFunc(strings.ReplaceAll(got, "\n", ""), func(r rune) bool { return !unicode.IsPrint(r) }) >= 0 || strings.Count(got, "\n") != 7 || strings.Count(got, "\nlevel") != 0 {
		t.Errorf("want a line for each of 7: %q", got)
	}
}

// TestWhatIsLoggedByDefault: what went wrong, unless more or less is asked for.
func TestWhatIsLoggedByDefault(t *testing.T) {
	given, not := func() bool { return true }, func() bool { return false }
	for _, tt := range []struct {
		flags logFlags
		want  []string
	}{
		{logFlags{format: "text", chosen: not}, []string{"failed", "lost"}},
		{logFlags{format: "text", chosen: given}, []string{"recorded", "failed", "lost"}},
		{logFlags{format: "text", chosen: not, verbose: true}, []string{"recorded", "failed", "lost"}},
		{logFlags{format: "json", chosen: given}, []string{"recorded", "failed", "lost"}},
		{logFlags{format: "json", chosen: given, quiet: true}, []string{"lost"}},
	} {
		a, stderr := testApp(t)
		w, err := tt.flags.watch(a)
		if err != nil {
			t.Fatal(err)
		}
		w.exchange(proxy.Exchange{Outcome: proxy.Answered, Note: &cassettes.Facts{Verdict: cassettes.Recorded}})
		w.exchange(proxy.Exchange{Outcome: proxy.Failed, Note: &cassettes.Facts{Verdict: cassettes.Unanswered}})
		w.exchange(proxy.Exchange{Outcome: proxy.Answered, Note: &cassettes.Facts{Verdict: cassettes.Lost, Reason: "full"}})
		var got []string
		lines := bufio.NewScanner(strings.NewReader(stderr.String()))
		for lines.Scan() {
			got = append(got, regexp.MustCompile(`outcome"?[=:]"?(\w+)`).FindStringSubmatch(lines.Text())[1])
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%+v: %v, want %v", tt.flags, got, tt.want)
		}
	}
}

// BenchmarkWatch is what telling of an exchange costs, by what is asked for.
func BenchmarkWatch(b *testing.B) {
	e := proxy.Exchange{Conn: 1, Way: proxy.WayConnect, Method: "POST", Status: 200, Outcome: proxy.Answered, RequestBytes: 430, ResponseBytes: 251, Took: time.Millisecond,
		Note: &cassettes.Facts{Verdict: cassettes.Recorded, Operation: "Disconnect", Interaction: "calls.yaml#1", Upstream: time.Millisecond, Tape: time.Microsecond}}
	for name, f := range map[string]logFlags{"default": {format: "text"}, "verbose_text": {format: "text", verbose: true}, "verbose_json": {format: "json", verbose: true}} {
		for _, counted := range []bool{false, true} {
			w, err := f.watch(&app{stderr: io.Discard})
			if err != nil {
				b.Fatal(err)
			}
			if counted {
				w.metrics, name = newMetrics("record", cassettes.RecordVerdicts), name+"_metrics"
			}
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					w.exchange(e)
				}
			})
		}
	}
}
