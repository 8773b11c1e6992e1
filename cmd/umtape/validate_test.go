package main

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"gopkg.in/dnaeon/go-vcr.v3/cassette"

	"github.com/umtape/umtape/cassettes"
)

// callsCassette writes a cassette of n interactions: calls, each of which is started,
// polled twice and ended.
func callsCassette(t testing.TB, n int) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "calls.yaml")
	w, err := cassettes.Create(path, cassettes.HeaderMeta{RecordedBy: "umtape test", Profile: "um"}, cassettes.Refuse, cassettes.SyncNever)
	if err != nil {
		t.Fatal(err)
	}
	life := []struct{ operation, request, response string }{
		{"PlayOnPhone", "playonphone-request.xml", "playonphone-response.xml"},
		{"GetCallInfo", "", "getcallinfo-response-connected.xml"},
		{"GetCallInfo", "", "getcallinfo-response-connected.xml"},
		{"Disconnect", "disconnect-request.xml", "disconnect-response.xml"},
	}
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join("..", "..", "testdata", "messages", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	known := read("disconnect-request.xml")
	known = known[strings.Index(known, "<CallId>")+len("<CallId>") : strings.Index(known, "</CallId>")]
	for k := range life {
		if life[k].request == "" {
			life[k].request = strings.ReplaceAll(read("disconnect-request.xml"), "Disconnect", life[k].operation)
		} else {
			life[k].request = read(life[k].request)
		}
		life[k].response = read(life[k].response)
	}
	start := time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC)
	for id := range n {
		x := life[id%len(life)]
		call := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%08x-9ab4-4b4e-8d2b-3a5f43a2f4bd@um01.contoso.test", id/len(life)))
		i := &cassettes.Interaction{Umtape: cassettes.Meta{Arrived: start.Add(time.Duration(id) * time.Second), Operation: x.operation, Call: call}}
		request, response := strings.ReplaceAll(x.request, known, call), strings.ReplaceAll(x.response, known, call)
		i.Request = cassette.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(request)), Host: "um01.contoso.test",
			RemoteAddr: "127.0.0.1:53412", RequestURI: "/EWS/UM2007Legacy.asmx", Body: request, URL: "https://um01.contoso.test/EWS/UM2007Legacy.asmx", Method: "POST",
			Headers: http.Header{"Content-Type": {"text/xml; charset=utf-8"}, "Content-Length": {strconv.Itoa(len(request))}, "User-Agent": {"curl/8.14.1"}, "Accept": {"*/*"},
				"SOAPAction": {`"http://schemas.microsoft.com/exchange/services/2006/messages/` + x.operation + `"`}}}
		i.Response = cassette.Response{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(response)), Body: response,
			Headers: http.Header{"Content-Type": {"text/xml; charset=utf-8"}, "Date": {"Mon, 23 Nov 2026 10:15:00 GMT"}, "Server": {"Microsoft-IIS/10.0"},
				"X-Powered-By": {"ASP.NET"}, "Content-Length": {strconv.Itoa(len(response))}},
			Status: "200 OK", Code: 200, Duration: 12345678 * time.Nanosecond}
		if err := w.Append(i); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestValidateIsTheSameOnAllProcessors: what is found, and in which order, does not
// depend on how many there are.
func TestValidateIsTheSameOnAllProcessors(t *testing.T) {
	path := callsCassette(t, 1000) // some pieces
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	odd := rand.New(rand.NewPCG(1, 2))
	for _, from := range []string{"<CallId>", "</soap:Body>", "code: 200", "SOAPAction", "http://schemas.microsoft", "<CallState>Connected", "text/xml"} {
		parts := strings.Split(string(text), from)
		var b strings.Builder
		for n, part := range parts {
			if n > 0 && odd.IntN(9) == 0 {
				b.WriteString(map[string]string{"code: 200": "code: 500", "SOAPAction": "SOAPActio", "<CallId>": "<Callid>", "text/xml": "text/html", "<CallState>Connected": "<CallState>Lost"}[from])
			} else if n > 0 {
				b.WriteString(from)
			}
			b.WriteString(part)
		}
		text = []byte(b.String())
	}
	for name, text := range map[string]string{
		"edited.yaml":  string(text),
		"torn.yaml":    string(text[:len(text)-700]),
		"strange.yaml": strings.Replace(string(text), "    - id: 850\n", "    - {id: 7777, request: {method: GET, url: \"http://a/\"}, response: {code: 200}}\n    - id: 850\n", 1),
		"damaged.yaml": strings.Replace(string(text), "    - id: 850\n", "    - id: 850\n      {\n", 1),
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var said [2]string
		for n, processors := range []int{1, 4} {
			before := runtime.GOMAXPROCS(processors)
			var stdout, stderr strings.Builder
			code := run(t.Context(), []string{"validate", path, "--max-age", "1d"}, strings.NewReader(""), &stdout, &stderr)
			runtime.GOMAXPROCS(before)
			if code != 1 {
				t.Errorf("%s: exit %d: %s", name, code, stderr.String())
			}
			said[n] = stdout.String() + stderr.String()
		}
		if said[0] != said[1] {
			t.Errorf("%s: on one processor and on four it says other things", name)
		}
		if found := strings.Count(said[0], name+":"); name != "damaged.yaml" && found < 300 {
			t.Errorf("%s: %d findings only", name, found)
		}
	}
}
