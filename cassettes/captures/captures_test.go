package captures

import (
	"archive/zip"
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

func sample(url string, body []byte) *Exchange {
	req, err := http.NewRequest("POST", url, nil)
	if err != nil {
		panic(err)
	}
	req.Header = http.Header{"Content-Type": {"text/xml"}, "Soapaction": {`"it's"`}, "X-Empty": {""}, "X-At": {"@/etc/passwd $HOME `id`"}}
	resp := &http.Response{StatusCode: 500, Status: "500 Own Words", Proto: "HTTP/1.1", Header: http.Header{"X-Two": {"a", "b"}}, Request: req}
	return &Exchange{Request: req, RequestBody: body, Response: resp, ResponseBody: body,
		Started: time.Date(2026, 11, 23, 9, 0, 0, 123456000, time.UTC), Took: 12345 * time.Microsecond}
}

func randomBodies() [][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	bodies := [][]byte{nil, []byte("@/etc/passwd"), []byte("it's 100%\\n\n\n"), []byte("\xef\xbb\xbf<a/>\r\n"), bytes.Repeat([]byte("é%'\\"), 60000)}
	for range 40 {
		b := make([]byte, r.IntN(300))
		for n := range b {
			b[n] = byte(r.IntN(256))
		}
		bodies = append(bodies, b)
	}
	return bodies
}

func TestCurlSendsWhatWasRecorded(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not here")
	}
	type seen struct {
		header http.Header
		body   []byte
		uri    string
	}
	got := make(chan seen, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- seen{r.Header, body, r.RequestURI}
	}))
	defer server.Close()
	for n, body := range randomBodies() {
		x := sample(server.URL+"/a/../b?x=[1-3]&y={z}", body)
		script, err := Curl(x)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(script, "-") || strings.Contains(script, "\x00") {
			t.Fatalf("body %d: not a script", n)
		}
		cmd := exec.Command("sh")
		cmd.Stdin = strings.NewReader(script)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("body %d: %v: %s", n, err, out)
		}
		s := <-got
		if !bytes.Equal(s.body, body) {
			t.Errorf("body %d: sent %q, want %q", n, s.body, body)
		}
		if s.uri != "/a/../b?x=[1-3]&y={z}" {
			t.Errorf("body %d: path %s", n, s.uri)
		}
		s.header.Del("Content-Length")
		if len(s.header) != 4 || s.header.Get("Soapaction") != `"it's"` || s.header.Get("X-At") != x.Request.Header.Get("X-At") || len(s.header["X-Empty"]) != 1 {
			t.Errorf("body %d: header %v", n, s.header)
		}
	}
}

func TestHARRoundTrip(t *testing.T) {
	for n, body := range randomBodies() {
		x := sample("https://um.example.com/a?b=c", body)
		x.AuthLegs, x.Note, x.ResponseEncoding, x.RequestCut = n, "note", "gzip", n%2 == 0
		var b bytes.Buffer
		w, err := NewHARWriter(&b, "1")
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := w.Add(x, "c"); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if Detect(b.Bytes()) != HAR {
			t.Fatal("a HAR file is not known as one")
		}
		count := 0
		err = ReadHAR(b.Bytes(), func(y *Exchange, err error) error {
			if err != nil {
				return err
			}
			count++
			if !bytes.Equal(y.RequestBody, body) || !bytes.Equal(y.ResponseBody, body) {
				t.Errorf("body %d: read back another", n)
			}
			if !y.Started.Equal(x.Started) || y.Took != x.Took || y.AuthLegs != n || y.Note != "note" || y.ResponseEncoding != "gzip" || y.RequestCut != x.RequestCut || y.ResponseCut {
				t.Errorf("body %d: %+v", n, y)
			}
			if y.Response.Status != "500 Own Words" || len(y.Response.Header["X-Two"]) != 2 || y.Request.URL.String() != x.Request.URL.String() || y.Request.Method != "POST" {
				t.Errorf("body %d: %+v %+v", n, y.Request, y.Response)
			}
			return nil
		})
		if err != nil || count != 2 {
			t.Fatalf("body %d: %v, %d exchanges", n, err, count)
		}
	}
}

// Nothing of a request is taken for a script, a file to send, or a variable.
func TestHTTPFileRefusesWhatItWouldChange(t *testing.T) {
	for body, ok := range map[string]bool{
		"<a/>": true, "<?xml version=\"1.0\"?>\n<!-- c -->\n  <été:a>\n</a>\n": true, "a < b > c": true,
		"a\n### b": false, "a\n ###": false, "\x00": false, "{{x}}": false, "a\n> b": false, "a\n\t>{% b %}": false,
		"< file": false, "<\t/etc/passwd": false, "a\n<\u00a0/etc/passwd": false, "a\n<\ufeff/etc/passwd": false, " <@latin1\tfile": false, "<@ file": false, "<{% x %}": false, "```\nx": false, "<>x": false, "<": false,
	} {
		if _, err := HTTPFile(sample("http://h/", []byte(body)), "t"); (err == nil) != ok {
			t.Errorf("%q: %v", body, err)
		}
	}
	x := sample("http://h/", nil)
	x.Request.Header.Set("X-A", "{{$processEnv HOME}}")
	for _, x := range []*Exchange{x, sample("http://h/?a={{b}}", nil)} {
		if text, err := HTTPFile(x, "t"); err == nil {
			t.Errorf("a variable is in %s", text)
		}
	}
}

// What is made of an interaction sends an HTTP request to where its line says, and
// does nothing else.
func TestRunnableIsHTTP(t *testing.T) {
	for _, url := range []string{"file:///etc/passwd", "gopher://h/_x", "scp://h/x", "/x", "data:,x", "http:///x"} {
		x := sample(url, nil)
		_, curl := Curl(x)
		_, file := HTTPFile(x, "t")
		_, test := GoTest(x, "A", "c.yaml", "", 1)
		if curl == nil || file == nil || test == nil {
			t.Errorf("%s: %v, %v, %v", url, curl, file, test)
		}
	}
	x := sample("http://h/a?b=c d HTTP/1.1&é", nil)
	for _, made := range []func() (string, error){func() (string, error) { return Curl(x) }, func() (string, error) { return HTTPFile(x, "t") }} {
		if text, err := made(); err != nil || !strings.Contains(text, "http://h/a?b=c%20d%20HTTP/1.1&%C3%A9") {
			t.Errorf("%v: %s", err, text)
		}
	}
}

func FuzzReaders(f *testing.F) {
	f.Add([]byte("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\n\r\nb"))
	f.Add([]byte(`{"log":{"entries":[{"request":{"method":"GET","url":"http://h/"},"response":{"status":200}}]}}`))
	f.Add([]byte("92:7:request;76:6:method;3:GET,6:scheme;4:http,4:host;1:h;4:port;2:80#4:path;1:/,7:headers;0:]}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		keep := func(x *Exchange, err error) error {
			if err != nil {
				return nil
			}
			if x.Request == nil || x.Request.URL == nil || x.Request.Header == nil {
				t.Error("an exchange without a request")
			}
			if x.Response != nil && x.Response.Header == nil {
				t.Error("a response without a header")
			}
			_, _ = Curl(x)
			return nil
		}
		_ = ReadHAR(data, keep)
		_ = ReadMitmproxy(data, keep)
		_ = ReadRaw(data, "http", keep)
	})
}

func TestMitmproxyHostile(t *testing.T) {
	for _, data := range []string{"5:", "99999999999999:x,", "1:a,", "0:}", "4:0:~x}", strings.Repeat("9:", 1000), "3:0:]]"} {
		if err := ReadMitmproxy([]byte(data), func(_ *Exchange, err error) error { return err }); err == nil {
			t.Errorf("%.20q: no error", data)
		}
	}
	nested := "0:]"
	for range 100 {
		nested = strconv.Itoa(len(nested)) + ":" + nested + "]"
	}
	if _, _, err := readTnetstring([]byte(nested), 0, new(int(1000))); err == nil {
		t.Error("100 lists in each other are read")
	}
}

// A file that mitmdump 8.1.1 wrote: two Disconnects, something else, and a request that nobody answered.
func TestMitmproxyFile(t *testing.T) {
	data, err := os.ReadFile("testdata/mitmdump-8.1.1.flows")
	if err != nil {
		t.Fatal(err)
	}
	if Detect(data) != Mitmproxy {
		t.Error("it is not known by its content")
	}
	var urls []string
	var none int
	err = ReadMitmproxy(data, func(x *Exchange, err error) error {
		if err != nil {
			return err
		}
		urls = append(urls, x.Request.Method+" "+x.Request.URL.String())
		if x.Response == nil || x.Response.StatusCode == http.StatusBadGateway {
			none++
			return nil
		}
		if len(urls) == 1 {
			if x.Response.Header.Get("Content-Encoding") != "gzip" || !bytes.HasPrefix(x.ResponseBody, []byte("\x1f\x8b")) || x.Request.Header.Get("Content-Type") != "text/xml" || x.Request.Header.Get("Host") != "" {
				t.Errorf("%+v %+v", x.Request, x.Response)
			}
			if x.Started.Year() != 2026 || x.Took <= 0 || x.Took > time.Minute || x.RequestCut || x.ResponseCut {
				t.Errorf("started %v, took %v, cut %t %t", x.Started, x.Took, x.RequestCut, x.ResponseCut)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	const url = "POST http://127.0.0.1:18991/UnifiedMessaging/Service.asmx"
	if got, want := strings.Join(urls, "\n"), url+"\n"+url+"\nGET http://127.0.0.1:18991/x\nGET http://127.0.0.1:1/x"; got != want || none != 1 {
		t.Errorf("%d without an answer:\n%s", none, got)
	}
}

func TestSAZ(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range [][2]string{
		{"_index.htm", "<html/>"},
		{"raw/10_c.txt", "GET http://h/last HTTP/1.1\r\nHost: h\r\n\r\n"},
		{"raw/9_c.txt", "POST https://h/first HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na"},
		{"raw/9_s.txt", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n\r\n"},
		{"raw/9_m.xml", `<Session><SessionTimers ClientBeginRequest="2026-11-23T10:00:00.1234567+01:00" ServerBeginResponse="2026-11-23T10:00:01.1234567+01:00"/></Session>`},
	} {
		w, err := z.Create(f[0])
		if err == nil {
			_, err = w.Write([]byte(f[1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if Detect(b.Bytes()) != SAZ {
		t.Error("it is not known by its content")
	}
	var got []*Exchange
	if err := ReadSAZ(b.Bytes(), 1<<20, func(x *Exchange, err error) error { got = append(got, x); return err }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[1].Response != nil || got[0].Request.URL.String() != "https://h/first" || string(got[0].RequestBody)+string(got[0].ResponseBody) != "ab" {
		t.Fatalf("%+v", got)
	}
	if x := got[0]; x.Took != time.Second || !x.Started.Equal(time.Date(2026, 11, 23, 9, 0, 0, 123456000, time.UTC)) {
		t.Errorf("started %v, took %v", x.Started, x.Took)
	}
	locked := bytes.ReplaceAll(b.Bytes(), []byte("PK\x01\x02\x14\x00\x14\x00\x08"), []byte("PK\x01\x02\x14\x00\x14\x00\x09"))
	if err := ReadSAZ(locked, 1<<20, func(_ *Exchange, err error) error { return err }); err == nil || !strings.Contains(err.Error(), "encrypted") {
		t.Errorf("encrypted: %v", err)
	}
	if err := ReadSAZ(b.Bytes()[:b.Len()/2], 1<<20, nil); err == nil {
		t.Error("half an archive is read")
	}
}
