package cassettes

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/umtape/umtape/inspect"
)

// upstream serves handler and counts the requests that reached it.
func upstream(t *testing.T, handler http.HandlerFunc) (url string, reached func() int) {
	t.Helper()
	var mu sync.Mutex
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		n++
		mu.Unlock()
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, func() int {
		mu.Lock()
		defer mu.Unlock()
		return n
	}
}

// soap answers every request with the documented Disconnect response.
func soap(t *testing.T) http.HandlerFunc {
	body := message(t, "documented-disconnect-response.xml")
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		io.WriteString(w, body)
	}
}

// recorderTo returns a recorder in front of a real transport.
func recorderTo(t *testing.T, path string, o RecordOptions) (http.RoundTripper, *Recorder, *Writer) {
	t.Helper()
	w := create(t, path, Refuse)
	r := NewRecorder(w, o)
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return r.Wrap(transport), r, w
}

func post(t *testing.T, rt http.RoundTripper, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	resp := roundTrip(t, rt, http.MethodPost, url, body, header...)
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(got)
}

func roundTrip(t *testing.T, rt http.RoundTripper, method, url, body string, header ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body == "" {
		req.Body = nil
	}
	if len(header) == 0 {
		header = []string{"Content-Type", "text/xml; charset=utf-8"}
	}
	for i := 0; i < len(header); i += 2 {
		req.Header[header[i]] = append(req.Header[header[i]], header[i+1]) // in that spelling
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func TestRecordKeepsWhatWasSaid(t *testing.T) {
	request := message(t, "documented-disconnect-request.xml")
	var sent []byte
	url, _ := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		sent, _ = io.ReadAll(r.Body)
		soap(t)(w, r)
	})
	path := tape(t)
	rt, rec, w := recorderTo(t, path, RecordOptions{Profile: inspect.Profile{CallID: func(m *inspect.Message) string { return m.Payload.Child("CallId").Value() }}})
	resp, got := post(t, rt, url+"/UnifiedMessaging/Service.asmx?a=%2f", request,
		"Content-Type", "text/xml; charset=utf-8", "SOAPAction", `"urn:Disconnect"`)
	if resp.StatusCode != 200 || got != message(t, "documented-disconnect-response.xml") || string(sent) != request {
		t.Fatalf("status %d, response %q, server received %q", resp.StatusCode, got, sent)
	}
	closed(t, w)
	c := load(t, path)
	if len(c.Interactions) != 1 {
		t.Fatalf("%d interactions", len(c.Interactions))
	}
	i := c.Interactions[0]
	if i.Request.Body != request || i.Response.Body != got {
		t.Errorf("kept bodies differ from those on the wire:\n%q\n%q", i.Request.Body, i.Response.Body)
	}
	if i.Request.URL != url+"/UnifiedMessaging/Service.asmx?a=%2f" || i.Request.Method != "POST" {
		t.Errorf("kept %s %s", i.Request.Method, i.Request.URL)
	}
	if action := i.Request.Headers.Get("SOAPAction"); action != `"urn:Disconnect"` {
		t.Errorf("kept SOAPAction %q", action)
	}
	if i.Umtape.Operation != "Disconnect" || !strings.HasPrefix(i.Umtape.Call, "MDlkZjll") || i.Response.Code != 200 || i.Response.Duration <= 0 {
		t.Errorf("kept %+v, code %d, duration %s", i.Umtape, i.Response.Code, i.Response.Duration)
	}
	if n := i.Response.Headers.Get("Content-Length"); n != "354" {
		t.Errorf("kept Content-Length %q; the server sent 354", n)
	}
	if cap := rec.Captured(); cap.Interactions != 1 || cap.Operations["Disconnect"] != 1 || cap.Calls != 1 || cap.Faults != 0 {
		t.Errorf("captured %+v", cap)
	}
}

// TestOnTapeBeforeTheEnd reads responses of every framing a byte at a time: when
// the last byte, or the end, has been read, the interaction is in the file.
func TestOnTapeBeforeTheEnd(t *testing.T) {
	const answer = "<a>answer</a>"
	for _, tt := range []struct {
		name   string
		method string
		serve  http.HandlerFunc
		bytes  int // body bytes the client gets
		last   bool
	}{
		{"content length", "POST", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "13")
			io.WriteString(w, answer)
		}, 13, true},
		{"chunked", "POST", func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, answer[:5])
			w.(http.Flusher).Flush()
			io.WriteString(w, answer[5:])
		}, 13, false},
		{"until close", "POST", func(w http.ResponseWriter, _ *http.Request) {
			conn, buf, _ := w.(http.Hijacker).Hijack()
			buf.WriteString("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + answer)
			buf.Flush()
			conn.Close()
		}, 13, false},
		{"empty", "POST", func(w http.ResponseWriter, _ *http.Request) {}, 0, true},
		{"204", "POST", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, 0, true},
		{"304", "POST", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) }, 0, true},
		{"HEAD", "HEAD", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "13") }, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			url, _ := upstream(t, func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				tt.serve(w, r)
			})
			path := tape(t)
			rt, _, _ := recorderTo(t, path, RecordOptions{All: true})
			resp := roundTrip(t, rt, tt.method, url, "<x/>")
			defer resp.Body.Close()
			kept := func() int { return len(load(t, path).Interactions) }
			if tt.bytes == 0 && kept() != 1 {
				t.Fatal("not on tape when the whole answer, its header, was there")
			}
			one := make([]byte, 1)
			for n := range tt.bytes {
				if _, err := io.ReadFull(resp.Body, one); err != nil {
					t.Fatal(err)
				}
				if n == tt.bytes-1 && tt.last && kept() != 1 {
					t.Fatal("not on tape when the last byte was read")
				}
			}
			if _, err := resp.Body.Read(one); err != io.EOF {
				t.Fatalf("after the last byte: %v", err)
			}
			i := load(t, path).Interactions
			if len(i) != 1 || i[0].Response.Body != answer[:tt.bytes] || i[0].Umtape.Truncated != "" {
				t.Fatalf("at the end: %d interactions, %+v", len(i), i)
			}
		})
	}
}

func TestTruncated(t *testing.T) {
	const limit = 1000
	long := "<a>" + strings.Repeat("x", 5000) + "</a>"
	var received int64
	url, _ := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		received, _ = io.Copy(io.Discard, r.Body)
		switch r.URL.Path {
		case "/long":
			io.WriteString(w, long)
		case "/broken":
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "<a>")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		case "/slow":
			io.WriteString(w, "<a>")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		default:
			io.WriteString(w, "<a/>")
		}
	})
	path := tape(t)
	rt, rec, w := recorderTo(t, path, RecordOptions{All: true, MaxBody: limit})

	if _, got := post(t, rt, url, long); received != int64(len(long)) || got != "<a/>" {
		t.Errorf("a long request: the server received %d of %d bytes and answered %q", received, len(long), got)
	}
	if _, got := post(t, rt, url+"/long", "<x/>"); got != long {
		t.Errorf("a long response: %d of %d bytes", len(got), len(long))
	}
	if _, got := post(t, rt, url+"/long", long); got != long {
		t.Errorf("both long: %d of %d bytes", len(got), len(long))
	}
	resp := roundTrip(t, rt, "POST", url+"/broken", "<x/>")
	if got, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("a response that breaks off: %q, no error", got)
	}
	resp.Body.Close()
	resp = roundTrip(t, rt, "POST", url+"/slow", "<x/>")
	io.ReadFull(resp.Body, make([]byte, 3))
	resp.Body.Close()

	closed(t, w)
	c := load(t, path)
	want := []struct {
		truncated         string
		request, response int
	}{{"request", limit, 4}, {"response", 4, limit}, {"both", limit, limit}, {"response", 4, 3}, {"response", 4, 3}}
	if len(c.Interactions) != len(want) {
		t.Fatalf("%d interactions, want %d", len(c.Interactions), len(want))
	}
	for n, i := range c.Interactions {
		if i.Umtape.Truncated != want[n].truncated || len(i.Request.Body) != want[n].request || len(i.Response.Body) != want[n].response {
			t.Errorf("%d: truncated %q, %d and %d bytes kept; want %+v", n, i.Umtape.Truncated, len(i.Request.Body), len(i.Response.Body), want[n])
		}
		if (i.Umtape.Truncated != "request") != (i.Umtape.Note != "") {
			t.Errorf("%d: note %q", n, i.Umtape.Note)
		}
	}
	if n := rec.Captured().Interactions; n != len(want) {
		t.Errorf("captured %d", n)
	}
}

func TestWhatIsKept(t *testing.T) {
	url, reached := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/soap" {
			soap(t)(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<html><body>hello</body></html>")
	})
	disconnect := message(t, "disconnect-request.xml")
	getCallInfo := strings.ReplaceAll(disconnect, "Disconnect", "GetCallInfo")
	type exchange struct{ method, path, body, contentType string }
	all := []exchange{
		{"POST", "/soap", disconnect, "text/xml"},
		{"POST", "/soap", getCallInfo, "text/xml"},
		{"POST", "/soap", disconnect, "application/x-www-form-urlencoded"}, // what curl -d says
		{"POST", "/soap", "<broken", "text/xml"},                           // answered with SOAP
		{"POST", "/html", disconnect, "text/xml"},                          // a login page, say
		{"POST", "/html", "a=b", "application/x-www-form-urlencoded"},
		{"POST", "/html", "<notsoap/>", "text/xml"},
		{"GET", "/html", "", ""},
	}
	for _, tt := range []struct {
		name    string
		options RecordOptions
		want    int
	}{
		{"soap", RecordOptions{}, 5},
		{"all", RecordOptions{All: true}, 8},
		{"Disconnect", RecordOptions{Operations: []string{"Disconnect"}}, 3},
		{"both", RecordOptions{Operations: []string{"Disconnect", "GetCallInfo"}}, 4},
		{"neither", RecordOptions{Operations: []string{"ResetPIN"}}, 0},
	} {
		path := tape(t)
		rt, rec, w := recorderTo(t, path, tt.options)
		before := reached()
		for _, x := range all {
			resp := roundTrip(t, rt, x.method, url+x.path, x.body, "Content-Type", x.contentType)
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		closed(t, w)
		if n := reached() - before; n != len(all) {
			t.Errorf("%s: %d of %d requests reached the server", tt.name, n, len(all))
		}
		if tt.want == 0 {
			if _, err := os.Stat(path); !os.IsNotExist(err) {
				t.Errorf("%s: a cassette of nothing: %v", tt.name, err)
			}
		} else if n := len(load(t, path).Interactions); n != tt.want {
			t.Errorf("%s: %d kept, want %d", tt.name, n, tt.want)
		}
		if c := rec.Captured(); c.Interactions != tt.want || c.Interactions+c.Passed != len(all) {
			t.Errorf("%s: captured %+v", tt.name, c)
		}
	}
}

// TestNothingSentUnrecorded closes the tape under the recorder, which is a tape
// that cannot be written: the client gets a 503 and the server gets nothing.
func TestNothingSentUnrecorded(t *testing.T) {
	url, reached := upstream(t, soap(t))
	rt, rec, w := recorderTo(t, tape(t), RecordOptions{})
	closed(t, w)
	resp, body := post(t, rt, url, message(t, "disconnect-request.xml"))
	m, err := inspect.Parse([]byte(body))
	if resp.StatusCode != 503 || err != nil || m.Fault == nil || !strings.Contains(m.Fault.Reason, "did not send") {
		t.Errorf("status %d, %s", resp.StatusCode, body)
	}
	resp, body = post(t, rt, url, message(t, "disconnect-request-soap12.xml"), "Content-Type", "application/soap+xml")
	m, err = inspect.Parse([]byte(body))
	if resp.StatusCode != 503 || err != nil || m.Version != inspect.SOAP12 {
		t.Errorf("SOAP 1.2: status %d, %s", resp.StatusCode, body)
	}
	if reached() != 0 || rec.Captured().Refused != 2 {
		t.Errorf("%d reached the server; captured %+v", reached(), rec.Captured())
	}
}

func TestServerDown(t *testing.T) {
	rec := NewRecorder(create(t, tape(t), Refuse), RecordOptions{})
	down := errors.New("down")
	rt := rec.Wrap(roundTripperFunc(func(*http.Request) (*http.Response, error) { return nil, down }))
	req, _ := http.NewRequest("POST", "http://um.example.com/", strings.NewReader("<a/>"))
	req.Header.Set("Content-Type", "text/xml")
	if _, err := rt.RoundTrip(req); !errors.Is(err, down) {
		t.Errorf("error %v", err)
	}
	if c := rec.Captured(); c.Failed != 1 || c.Interactions != 0 {
		t.Errorf("captured %+v", c)
	}
}

type roundTripperFunc func(*http.Request) (*http.Response, error)

func (f roundTripperFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func gzipped(t *testing.T, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestCompressedBodiesAreKeptReadable: the wire keeps its encoding, the tape is
// plain text with the encoding noted.
func TestCompressedBodiesAreKeptReadable(t *testing.T) {
	request, response := message(t, "disconnect-request.xml"), message(t, "disconnect-response.xml")
	packed := gzipped(t, response)
	url, _ := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		got, _ := io.ReadAll(r.Body)
		if !bytes.Equal(got, gzipped(t, request)) || r.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("the server received %q, %q", got, r.Header.Get("Content-Encoding"))
		}
		w.Header().Set("Content-Type", "text/xml")
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(packed)
	})
	path := tape(t)
	rt, _, w := recorderTo(t, path, RecordOptions{})
	resp, got := post(t, rt, url, string(gzipped(t, request)), "Content-Type", "text/xml", "Content-Encoding", "gzip")
	if got != string(packed) || resp.Header.Get("Content-Encoding") != "gzip" {
		t.Error("the client did not get the bytes that the server sent")
	}
	closed(t, w)
	i := load(t, path).Interactions[0]
	if i.Request.Body != request || i.Response.Body != response || i.Umtape.RequestEncoding != "gzip" || i.Umtape.ResponseEncoding != "gzip" {
		t.Errorf("kept %q (%s), %q (%s)", i.Request.Body, i.Umtape.RequestEncoding, i.Response.Body, i.Umtape.ResponseEncoding)
	}
	if h := i.Response.Headers; h.Get("Content-Encoding") != "" || h.Get("Content-Length") != "351" {
		t.Errorf("kept headers do not fit the kept body: %v", h)
	}

	// A client that packs its request as before is answered, and so is one that
	// does not.
	p := NewPlayer(PlayOptions{}, load(t, path))
	for _, body := range []string{string(gzipped(t, request)), request} {
		header := []string{"Content-Type", "text/xml"}
		if body != request {
			header = append(header, "Content-Encoding", "gzip")
		}
		if resp, got := post(t, p, url, body, header...); resp.StatusCode != 200 || got != response {
			t.Errorf("replay: %d %q", resp.StatusCode, got)
		}
	}
}

// TestStreaming: what has arrived is passed on while the rest is awaited.
func TestStreaming(t *testing.T) {
	goOn := make(chan struct{})
	url, _ := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "<a>")
		w.(http.Flusher).Flush()
		<-goOn
		io.WriteString(w, "</a>")
	})
	path := tape(t)
	rt, _, _ := recorderTo(t, path, RecordOptions{All: true})
	resp := roundTrip(t, rt, "POST", url, "<x/>")
	defer resp.Body.Close()
	first := make([]byte, 3)
	if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != "<a>" {
		t.Fatalf("%q, %v", first, err)
	}
	close(goOn)
	rest, err := io.ReadAll(resp.Body)
	if err != nil || string(rest) != "</a>" {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestTrailers(t *testing.T) {
	url, _ := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if r.Trailer.Get("X-Sent") != "yes" {
			t.Errorf("the server received trailers %v", r.Trailer)
		}
		w.Header().Set("Trailer", "X-Got")
		io.WriteString(w, "<a/>")
		w.Header().Set("X-Got", "too")
	})
	path := tape(t)
	rt, _, w := recorderTo(t, path, RecordOptions{All: true})
	req, _ := http.NewRequest("POST", url, io.MultiReader(strings.NewReader("<x/>")))
	req.Trailer = http.Header{"X-Sent": {"yes"}}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if resp.Trailer.Get("X-Got") != "too" {
		t.Errorf("the client received trailers %v", resp.Trailer)
	}
	closed(t, w)
	i := load(t, path).Interactions[0]
	if i.Request.Trailer.Get("X-Sent") != "yes" || i.Response.Trailer.Get("X-Got") != "too" {
		t.Errorf("kept %v, %v", i.Request.Trailer, i.Response.Trailer)
	}
	resp = roundTrip(t, NewPlayer(PlayOptions{}, load(t, path)), "POST", url, "<x/>")
	io.Copy(io.Discard, resp.Body)
	if resp.Trailer.Get("X-Got") != "too" {
		t.Errorf("replayed trailers %v", resp.Trailer)
	}
}

func TestConcurrentRecording(t *testing.T) {
	url, _ := upstream(t, soap(t))
	path := tape(t)
	rt, rec, w := recorderTo(t, path, RecordOptions{})
	body := message(t, "disconnect-request.xml")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				post(t, rt, url, body)
			}
		})
	}
	wg.Wait()
	closed(t, w)
	c := load(t, path)
	if len(c.Interactions) != 160 || rec.Captured().Interactions != 160 {
		t.Fatalf("%d interactions, captured %d", len(c.Interactions), rec.Captured().Interactions)
	}
	last := time.Time{}
	for n, i := range c.Interactions {
		if i.ID != n || i.Umtape.Arrived.Before(last) {
			t.Fatalf("interaction %d has id %d and arrived %s after %s", n, i.ID, i.Umtape.Arrived, last)
		}
		last = i.Umtape.Arrived
	}
}

// TestSlowUploadsPass: a body whose first bytes tell that it is no XML goes on
// without waiting for more of it.
func TestSlowUploadsPass(t *testing.T) {
	got := make(chan string)
	url, _ := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, 5)
		io.ReadFull(r.Body, b)
		got <- string(b)
		io.Copy(io.Discard, r.Body)
	})
	rt, _, _ := recorderTo(t, tape(t), RecordOptions{})
	body, pipe := io.Pipe()
	req, _ := http.NewRequest("POST", url, body)
	req.Header.Set("Content-Type", "application/octet-stream")
	done := make(chan error, 1)
	go func() {
		resp, err := rt.RoundTrip(req)
		if err == nil {
			resp.Body.Close()
		}
		done <- err
	}()
	io.WriteString(pipe, "hello")
	select {
	case s := <-got:
		if s != "hello" {
			t.Errorf("the server received %q", s)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the server received nothing")
	}
	pipe.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestUnreadRequests: of what cannot be read to its end, that is kept which may
// be SOAP.
func TestUnreadRequests(t *testing.T) {
	url, _ := upstream(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	long := strings.Repeat("<a>x</a>", 300)
	for name, tt := range map[string]struct {
		body, encoding string
		want           int
	}{
		"a long envelope":      {`<s:Envelope xmlns:s="x">` + long, "", 1},
		"a long document":      {"<rss>" + long, "", 0},
		"a deep document":      {strings.Repeat("<a>", 100), "", 0},
		"packed by who knows":  {"\x28\xb5\x2f\xfd\x00", "zstd", 1},
		"a wrongly named text": {message(t, "disconnect-request.xml"), "utf-8", 1},
	} {
		path := tape(t)
		rt, rec, w := recorderTo(t, path, RecordOptions{MaxBody: 1000})
		header := []string{"Content-Type", "text/xml"}
		if tt.encoding != "" {
			header = append(header, "Content-Encoding", tt.encoding)
		}
		post(t, rt, url, tt.body, header...)
		closed(t, w)
		if n := rec.Captured().Interactions; n != tt.want {
			t.Errorf("%s: %d kept, want %d", name, n, tt.want)
		}
	}
}

// closer tells whether it was closed.
type closer struct {
	io.Reader
	closed bool
}

func (c *closer) Close() error { c.closed = true; return nil }

func TestRequestBodiesAreClosed(t *testing.T) {
	broken := io.MultiReader(strings.NewReader("<a>"), iotest.ErrReader(errors.New("broken")))
	shut := create(t, tape(t), Refuse)
	closed(t, shut)
	fine := NewRecorder(create(t, tape(t), Refuse), RecordOptions{}).Wrap(nil)
	for name, tt := range map[string]struct {
		rt   http.RoundTripper
		body io.Reader
	}{
		"a request that breaks off": {fine, broken},
		"a tape that is closed":     {NewRecorder(shut, RecordOptions{}).Wrap(nil), strings.NewReader("<a/>")},
		"a replay":                  {playerOf(), strings.NewReader("<a/>")},
	} {
		c := &closer{Reader: tt.body}
		req, _ := http.NewRequest("POST", "http://um.example.com/", nil)
		req.Body = c
		req.Header.Set("Content-Type", "text/xml")
		if resp, err := tt.rt.RoundTrip(req); err == nil {
			resp.Body.Close()
		}
		if !c.closed {
			t.Errorf("%s: the request's body was not closed", name)
		}
	}
}

// TestOperationOfALongBody: when a body is too long to be read, the SOAPAction
// says whether it is asked for.
func TestOperationOfALongBody(t *testing.T) {
	url, _ := upstream(t, soap(t))
	body := strings.Replace(message(t, "disconnect-request.xml"), "</CallId>", strings.Repeat("x", 2000)+"</CallId>", 1)
	for action, want := range map[string]int{`"urn:x/Disconnect"`: 1, `"urn:x/ResetPIN"`: 0, "": 1} {
		path := tape(t)
		rt, rec, w := recorderTo(t, path, RecordOptions{Operations: []string{"Disconnect"}, MaxBody: 1000})
		header := []string{"Content-Type", "text/xml"}
		if action != "" {
			header = append(header, "SOAPAction", action)
		}
		post(t, rt, url, body, header...)
		closed(t, w)
		if n := rec.Captured().Interactions; n != want {
			t.Errorf("SOAPAction %s: %d kept, want %d", action, n, want)
		}
	}
}

const mtom = "--%[1]s\r\nContent-Type: application/xop+xml; type=\"text/xml\"\r\nContent-ID: <root>\r\n\r\n%[2]s\r\n--%[1]s\r\nContent-Type: application/octet-stream\r\nContent-ID: <a>\r\n\r\n%[3]s\r\n--%[1]s--\r\n"

// TestMultipart: the envelope of an MTOM message is found, and so is a request
// with another boundary; one with another attachment is another request.
func TestMultipart(t *testing.T) {
	url, _ := upstream(t, soap(t))
	path := tape(t)
	rt, _, w := recorderTo(t, path, RecordOptions{})
	request := message(t, "disconnect-request.xml")
	send := func(rt http.RoundTripper, boundary, attachment string) *http.Response {
		resp, _ := post(t, rt, url, fmt.Sprintf(mtom, boundary, request, attachment), "Content-Type", `multipart/related; type="application/xop+xml"; start="<root>"; boundary="`+boundary+`"`)
		return resp
	}
	send(rt, "one", "\x00\x01")
	closed(t, w)
	c := load(t, path)
	if len(c.Interactions) != 1 || c.Interactions[0].Umtape.Operation != "Disconnect" {
		t.Fatalf("%d interactions, %+v", len(c.Interactions), c.Interactions)
	}
	p := NewPlayer(PlayOptions{}, c)
	if resp := send(p, "two", "\x00\x01"); resp.StatusCode != 200 {
		t.Errorf("another boundary: %s", resp.Header.Get(HeaderMiss))
	}
	if resp := send(p, "two", "\x00\x02"); !strings.Contains(resp.Header.Get(HeaderMiss), "attachments: bytes differ") {
		t.Errorf("another attachment: %d %s", resp.StatusCode, resp.Header.Get(HeaderMiss))
	}
}
