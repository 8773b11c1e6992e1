package umserver_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/inspect/um/umserver"
)

// The identifiers of the samples, decoded.
const (
	sampleGUID = "3f0c6b52-8a1e-4d37-9c55-1e7a0b9d24f6"
	sampleHost = "um01.voice.example.net"
)

var (
	sampleID  = inspect.CallID{GUID: sampleGUID, Server: sampleHost}.Encode()
	unknownID = inspect.CallID{GUID: "00000000-0000-4000-8000-000000000000", Server: "um09.voice.example.net"}.Encode()
)

// client talks HTTP to a server made for one test.
type client struct {
	testing.TB
	*umserver.Server
	url    string
	header http.Header // of every request
}

// serve starts a server whose calls get the sample's identifier unless the
// options say otherwise.
func serve(t testing.TB, o umserver.Options) *client {
	t.Helper()
	if o.NewGUID == nil {
		o.NewGUID = func() string { return sampleGUID }
	}
	c := &client{TB: t, Server: umserver.New(o), header: http.Header{"Content-Type": {"text/xml; charset=utf-8"}}}
	ts := httptest.NewServer(c.Server)
	t.Cleanup(ts.Close)
	c.url = ts.URL
	return c
}

type reply struct {
	*http.Response
	body []byte
}

func (c *client) do(method, path string, body []byte) reply {
	c.Helper()
	r, err := http.NewRequest(method, c.url+path, bytes.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	r.Header = c.header.Clone()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		c.Fatal(err)
	}
	return reply{resp, got}
}

// post sends what is in a Body, in SOAP 1.1.
func (c *client) post(path, content string) reply {
	c.Helper()
	return c.do("POST", path, envelope(inspect.SOAP11NS, content))
}

// classic sends one classic operation, children unprefixed.
func (c *client) classic(operation, children string) reply {
	c.Helper()
	return c.post(um.Path2007, `<`+operation+` xmlns="`+um.MessagesNS+`">`+children+`</`+operation+`>`)
}

// ews sends one EWS operation, children with the prefix m.
func (c *client) ews(operation, children string) reply {
	c.Helper()
	return c.post(um.PathEWS, `<m:`+operation+` xmlns:m="`+um.MessagesNS+`">`+children+`</m:`+operation+`>`)
}

func envelope(ns, content string) []byte {
	return []byte(`<x:Envelope xmlns:x="` + ns + `"><x:Body>` + content + `</x:Body></x:Envelope>`)
}

// message reads an answer, which must be what its status says.
func (r reply) message(t testing.TB) *inspect.Message {
	t.Helper()
	m, err := inspect.Parse(r.body)
	if err != nil {
		t.Fatalf("the answer, HTTP %d, is no message: %v\n%s", r.StatusCode, err, r.body)
	}
	want := http.StatusOK
	if m.Fault != nil {
		want = http.StatusInternalServerError
	}
	if r.StatusCode != want {
		t.Errorf("HTTP %d, want %d for\n%s", r.StatusCode, want, r.body)
	}
	if got := r.Header.Get("Content-Type"); got != m.Version.ContentType() {
		t.Errorf("Content-Type: %q for SOAP %s", got, m.Version)
	}
	return m
}

// said is an answer in a line: "Disconnect: done", a fault's kind, or the error
// of an EWS response.
func (r reply) said(t testing.TB) string {
	t.Helper()
	if r.StatusCode != http.StatusOK && r.StatusCode != http.StatusInternalServerError {
		return r.Status
	}
	m := r.message(t)
	if m.Fault != nil {
		return m.Fault.Kind()
	}
	if code := m.Payload.Child("ResponseCode").Value(); code != "" {
		return code
	}
	return inspect.ShapeOf(m)
}

func (r reply) want(t testing.TB, want string) {
	t.Helper()
	if got := r.said(t); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// state is what GetCallInfo says, "Disconnected UserBusy".
func (c *client) state(id string) string {
	c.Helper()
	info := c.classic("GetCallInfo", "<CallId>"+id+"</CallId>").message(c)
	if info.Fault != nil {
		return info.Fault.Kind()
	}
	inner := info.Payload.Child("GetCallInfoResponse")
	return inner.Child("CallState").Value() + " " + inner.Child("EventCause").Value()
}

// start begins a call and returns its identifier.
func (c *client) start(dialString string) string {
	c.Helper()
	m := c.classic("PlayOnPhone", "<entryId>AAAAAA==</entryId><DialString>"+dialString+"</DialString>").message(c)
	id := m.Payload.Child("PlayOnPhoneResponse").Value()
	if id == "" {
		c.Fatalf("no call: %s", inspect.ShapeOf(m))
	}
	return id
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "messages", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var betweenElements = regexp.MustCompile(`>\s+<`)

// wire is a sample as servers send it: without white space between elements.
func wire(b []byte) string {
	return strings.TrimSpace(betweenElements.ReplaceAllString(string(b), "><"))
}

// wantSample compares an answer with a sample by meaning, and to the letter once
// the sample's indentation is gone.
func (r reply) wantSample(t testing.TB, name string) {
	t.Helper()
	want, err := inspect.Parse(sample(t, name))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range inspect.Compare(want, r.message(t), 10) {
		t.Error(d)
	}
	if got, want := string(r.body), wire(sample(t, name)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
