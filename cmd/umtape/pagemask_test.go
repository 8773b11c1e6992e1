package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/um/umserver"
	"github.com/umtape/umtape/inspect/web"
)

// visitor asks a page as a browser that came by its link does.
type visitor struct {
	t      *testing.T
	base   string
	client *http.Client
	key    string // what the page's script has
}

func visit(t *testing.T, page *web.Server) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{t: t, client: &http.Client{Jar: jar}}
	base, _, _ := strings.Cut(page.Link(), "?")
	v.base = strings.TrimSuffix(base, "/")
	v.key = keyIn(v.get(strings.TrimPrefix(page.Link(), v.base), http.StatusOK))
	return v
}

// keyIn is the key that a page's link gives to the page's script, "" for none.
func keyIn(page string) string {
	if m := regexp.MustCompile(`data-key="([^"]+)"`).FindStringSubmatch(page); m != nil {
		return m[1]
	}
	return ""
}

func (v *visitor) get(path string, want int) string {
	v.t.Helper()
	r, err := http.NewRequest(http.MethodGet, v.base+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.do(r, want)
}

func (v *visitor) post(path, body string, want int) string {
	v.t.Helper()
	r, err := http.NewRequest(http.MethodPost, v.base+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	return v.do(r, want)
}

func (v *visitor) do(r *http.Request, want int) string {
	v.t.Helper()
	r.Header.Set("Umtape-Key", v.key)
	answer, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if answer.StatusCode != want {
		v.t.Fatalf("%s %s: %d, not %d: %.300s", r.Method, r.URL, answer.StatusCode, want, body)
	}
	return string(body)
}

// rows asks for the rows until there are n, and returns them as they came.
func (v *visitor) rows(n int) string {
	v.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		rows := v.get("/api/rows", http.StatusOK)
		if strings.Contains(rows, fmt.Sprintf(`"total":%d,`, n)) {
			return rows
		}
		if time.Now().After(end) {
			v.t.Fatalf("there are never %d rows: %s", n, rows)
		}
	}
}

var secretTapes int // how many were made

// secretTape has what names somebody wherever an exchange has room for it.
func secretTape(t *testing.T) (path string, secrets []string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "calls.yaml")
	w, err := cassettes.Create(path, cassettes.HeaderMeta{}, cassettes.Refuse, cassettes.SyncNever)
	if err != nil {
		t.Fatal(err)
	}
	secretTapes++
	call := inspect.CallID{GUID: "3f0c6b52-8a1e-4d37-9c55-1e7a0b9d24f6", Server: fmt.Sprintf("um%02d.voice.zaphod.test", secretTapes)}.Encode()
	secrets = []string{call, "zaphod", "trillian", "5550123", "prosser"}
	envelope := func(inner string) string {
		return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>` + inner + `</s:Body></s:Envelope>`
	}
	ns := `xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"`
	add := func(body, answer string, code int, each func(*cassettes.Interaction)) {
		i := &cassettes.Interaction{}
		i.Request.Method, i.Request.URL, i.Request.Host = "POST", "https://mail.zaphod.test/UnifiedMessaging/Service.asmx?who=trillian@zaphod.test", "mail.zaphod.test"
		i.Request.RemoteAddr = "mail.zaphod.test:4711"
		i.Request.Headers = http.Header{"Content-Type": {"text/xml"}, "User-Agent": {"Dialler/1 (trillian@zaphod.test)"}, "X-Anchormailbox": {"trillian@zaphod.test"}, "Authorization": {"Bearer prosser"}}
		i.Response.Headers = http.Header{"Content-Type": {"text/xml"}, "X-Feserver": {"UM01.zaphod.test"}, "Location": {"https://um01.zaphod.test/owa"}}
		i.Response.Status = "500 see https://mail.zaphod.test/"
		i.Umtape.Note = "the server at https://mail.zaphod.test/ had trillian@zaphod.test"
		i.Umtape.Call = call
		i.Request.Body, i.Response.Body, i.Response.Code = body, answer, code
		if each != nil {
			each(i)
		}
		if err := w.Append(i); err != nil {
			t.Fatal(err)
		}
	}
	disconnect := envelope(`<Disconnect ` + ns + `><CallId>` + call + `</CallId></Disconnect>`)
	add(disconnect, envelope(`<s:Fault><faultcode>s:Client</faultcode><faultstring>no `+call+` of trillian@zaphod.test at +1 425 5550123</faultstring>`+
		`<detail><ExceptionType>trillian@zaphod.test</ExceptionType></detail></s:Fault>`), 500, nil)
	add(envelope(`<PlayOnPhone `+ns+`><phoneNumber>+14255550123</phoneNumber><DialString>trillian@zaphod.test</DialString></PlayOnPhone>`),
		envelope(`<PlayOnPhoneResponse `+ns+`>`+call+`</PlayOnPhoneResponse>`), 200, nil)
	add(envelope(`<a>`), "see https://mail.zaphod.test/ of trillian@zaphod.test", 200, nil) // no XML
	add(envelope(`<a>&lt;CallId&gt;`+call+`&lt;/CallId&gt;</a`), `{"who":"trillian@zaphod.test"}`, 200, nil)
	add(`<Disconnect><CallId>`+call+`</CallId><x y="trillian@zaphod.test" y="1"/></Disconnect>`, "\x00\xff trillian@zaphod.test", 200, nil)
	add("", "", 404, func(i *cassettes.Interaction) {
		i.Request.Method = "GET"
		i.Response.Headers["Www-Authenticate"] = []string{`Basic realm="mail.zaphod.test"`}
	})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path, secrets
}

// TestPageHidesWhatPseudonymsWould asks for everything that a page gives out, and for
// what is sensitive nowhere.
func TestPageHidesWhatPseudonymsWould(t *testing.T) {
	path, secrets := secretTape(t)
	other, more := secretTape(t) // with other calls, as far as that is told
	secrets = append(secrets, more...)
	v := visit(t, browsed(t, path, other))
	given := map[string]string{"page": v.get("/", 200), "rows": v.get("/api/rows", 200)}
	const rows = 6
	for n := range rows {
		given[fmt.Sprint("exchange ", n)] = v.get(fmt.Sprintf("/api/exchange?n=%d", n), 200)
	}
	for _, view := range []string{"calls", "shapes", "findings"} {
		given[view] = v.get("/api/"+view, 200)
	}
	rules := regexp.MustCompile(`"id":"([A-Z]+[0-9]+)"`).FindAllStringSubmatch(given["findings"], -1)
	if len(rules) == 0 {
		t.Errorf("nothing was found: %s", given["findings"])
	}
	for _, m := range rules {
		given[m[1]] = v.get("/api/found?rows=0,1,2,3,4,5&rule="+m[1], 200)
	}
	for n := range rows {
		for _, headers := range []string{"0", "1"} {
			ask := url.Values{"before": {"@0"}, "after": {fmt.Sprint("@", n)}, "headers": {headers}}
			given["comparison "+ask.Encode()] = v.get("/api/compare?"+ask.Encode(), 200)
		}
	}
	given["diff"] = v.get("/api/diff?"+url.Values{"before": {path}, "after": {other}, "headers": {"1"}}.Encode(), 200)
	for _, secret := range secrets {
		if found := v.get("/api/search?first=0&end=12&text="+url.QueryEscape(secret), 200); !strings.Contains(found, `"found":[]`) {
			t.Errorf("%s is found, which tells where it is: %s", secret, found)
		}
	}
	for _, as := range []string{"cassette", "har", "json"} {
		given[as] = v.post("/api/export?as="+as, `{"anew":0,"rows":[0,1,2,3,4,5]}`, 200)
	}
	for where, text := range given {
		for _, secret := range secrets {
			if at := strings.Index(strings.ToLower(text), strings.ToLower(secret)); at >= 0 {
				t.Errorf("%s has %s: ...%s...", where, secret, text[max(0, at-60):min(len(text), at+60)])
			}
		}
	}
	if shown := v.get("/api/exchange?n=0&reveal=1", 200); !strings.Contains(shown, ".voice.zaphod.test") {
		t.Errorf("what was asked for is not shown: %s", shown)
	}
}

// TestPageOfARecordingHidesServers has a client that is seen by its address, and a
// server whose name the reason of a failure tells.
func TestPageOfARecordingHidesServers(t *testing.T) {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(nobody.Addr().String())
	nobody.Close()
	a, _ := testApp(t)
	f := recordFlags{listen: "127.0.0.1:0", sync: "interval", maxBody: cassettes.DefaultMaxBody, ports: webPorts(), ui: "127.0.0.1:0",
		caDir: t.TempDir(), reverse: "http://um.zaphod.test:" + port, log: logFlags{format: "text"}}
	f.resolve = []string{"um.zaphod.test:" + port + ":127.0.0.1"}
	s, err := a.openRecording(filepath.Join(t.TempDir(), "new.yaml"), f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(io.Discard) })
	c, err := net.Dial("tcp", s.addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST /UnifiedMessaging/Service.asmx HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	io.Copy(io.Discard, c)
	v := visit(t, s.page.server)
	if rows := v.rows(1); !strings.Contains(rows, `"client":{"texts":["`+c.LocalAddr().String()+`"]`) {
		t.Errorf("the client is at %s: %s", c.LocalAddr(), rows)
	}
	if x := v.get("/api/exchange?n=0", 200); strings.Contains(x, "zaphod") || !strings.Contains(x, "***:"+port+" refused the connection") {
		t.Errorf("unasked: %s", x)
	}
	if x := v.get("/api/exchange?n=0&reveal=1", 200); !strings.Contains(x, "um.zaphod.test:"+port+" refused the connection") {
		t.Errorf("asked for: %s", x)
	}
}

// TestPageOfAReplayOfTwoOfOneName has two cassettes whose names differ in their folders
// only.
func TestPageOfAReplayOfTwoOfOneName(t *testing.T) {
	dir := t.TempDir()
	var paths []string
	for _, name := range []string{"a", "b"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name, "calls.yaml")
		put(t, path, tapeText(t, cassettes.HeaderMeta{}, name+".test", 1))
		paths = append(paths, path)
	}
	a, _ := testApp(t)
	s, err := a.openReplay(paths, replayFlags{listen: "127.0.0.1:0", caDir: t.TempDir(), maxBody: 1 << 20, ui: "127.0.0.1:0", log: logFlags{format: "text"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(io.Discard) })
	client := through(t, s.addr(), s.ca)
	for _, name := range []string{"b", "a", "c"} {
		answer, err := client.Post("http://"+name+".test/0", "text/xml", strings.NewReader("<a>"+strings.Repeat("x", 1000)+"</a>"))
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
	v := visit(t, s.page.server)
	v.rows(3)
	for n, want := range []string{`"file":` + strconv.Quote(paths[1]), `"file":` + strconv.Quote(paths[0]), `"nearest":` + strconv.Quote(paths[0]+"#0")} {
		if x := v.get(fmt.Sprintf("/api/exchange?n=%d", n), 200); !strings.Contains(x, want) {
			t.Errorf("exchange %d has no %s: %.300s", n, want, x)
		}
	}
}

// TestPageOfARecordingOverAnother has a recording take the place of a cassette.
func TestPageOfARecordingOverAnother(t *testing.T) {
	um, err := startUM("127.0.0.1:0", testCA(t), umserver.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { um.stop() })
	path := filepath.Join(t.TempDir(), "calls.yaml")
	put(t, path, tapeText(t, cassettes.HeaderMeta{}, "old.test", 3))
	a, _ := testApp(t)
	f := recordFlags{listen: "127.0.0.1:0", sync: "interval", maxBody: cassettes.DefaultMaxBody, ports: webPorts(), ui: "127.0.0.1:0",
		caDir: t.TempDir(), reverse: "http://" + um.addr(), log: logFlags{format: "text"}, force: true}
	s, err := a.openRecording(path, f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(io.Discard) })
	for range 2 {
		body := `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><IsUMEnabled xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"/></s:Body></s:Envelope>`
		answer, err := http.Post("http://"+s.addr()+"/UnifiedMessaging/Service.asmx", "text/xml; charset=utf-8", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
	v := visit(t, s.page.server)
	v.rows(2)
	for n := range 2 {
		if x := v.get(fmt.Sprintf("/api/exchange?n=%d&reveal=1", n), 200); strings.Contains(x, "old.test") || !strings.Contains(x, "IsUMEnabledResponse") {
			t.Errorf("of the recording there is %s", x)
		}
	}
}
