package cassettes

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"gopkg.in/dnaeon/go-vcr.v3/cassette"
)

var start = time.Date(2026, 11, 23, 10, 15, 0, 123456000, time.UTC)

var testHeader = HeaderMeta{RecordedBy: "umtape 0.1.0", Profile: "um", Redact: []string{"headers", "ws-security"}, Kept: "soap"}

func message(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "testdata", "messages", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sample returns the n-th exchange of a recording: a Disconnect with its own
// CallId, n seconds after the start.
func sample(t testing.TB, n int) *Interaction {
	t.Helper()
	request := message(t, "documented-disconnect-request.xml")
	response := message(t, "documented-disconnect-response.xml")
	i := &Interaction{Umtape: Meta{
		Arrived:   start.Add(time.Duration(n) * time.Second),
		Operation: "Disconnect",
		Call:      fmt.Sprintf("MDlkZjllZGMtNGUyMy00NzA5LWJkYWYt%08d==", n),
	}}
	i.Request = cassette.Request{
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(request)),
		Host:          "um01.contoso.test",
		RemoteAddr:    "127.0.0.1:53412",
		RequestURI:    "/EWS/UM2007Legacy.asmx",
		Body:          strings.Replace(request, "</CallId>", fmt.Sprintf("%d</CallId>", n), 1),
		URL:           "https://um01.contoso.test/EWS/UM2007Legacy.asmx",
		Method:        "POST",
		Trailer:       http.Header{},
		Form:          url.Values{},
		Headers: http.Header{
			"Content-Type": {"text/xml; charset=utf-8"},
			"SOAPAction":   {`"http://schemas.microsoft.com/exchange/services/2006/messages/Disconnect"`},
		},
	}
	i.Response = cassette.Response{
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(response)),
		Body:          response,
		Trailer:       http.Header{},
		Headers: http.Header{
			"Content-Type": {"text/xml; charset=utf-8"},
			"Date":         {"Mon, 23 Nov 2026 10:15:00 GMT"},
			"Set-Cookie":   {"a=1", "b=2"},
		},
		Status: "200 OK", Code: 200, Duration: 12345678 * time.Nanosecond,
	}
	return i
}

// tiny is the smallest interaction, for tests that need very many.
func tiny(n int) *Interaction {
	i := &Interaction{Umtape: Meta{Arrived: start.Add(time.Duration(n) * time.Second)}}
	i.Request = cassette.Request{Method: "POST", URL: "https://a.test/", Trailer: http.Header{}, Form: url.Values{}, Headers: http.Header{}}
	i.Response = cassette.Response{Code: 200, Trailer: http.Header{}, Headers: http.Header{}}
	return i
}

func tape(t testing.TB) string {
	return filepath.Join(t.TempDir(), "calls.yaml")
}

func create(t testing.TB, path string, mode OpenMode, policy ...SyncPolicy) *Writer {
	t.Helper()
	w, err := Create(path, testHeader, mode, policy...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

// createOn is create on a file system of the test's.
func createOn(t testing.TB, d disk, path string, mode OpenMode, policy ...SyncPolicy) *Writer {
	t.Helper()
	w := &Writer{path: path, header: testHeader, disk: d, policy: append(policy, SyncNever)[0]}
	if err := w.start(mode); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

// quickDisk is the real file system without waiting for it.
type quickDisk struct{ osDisk }

type quickFile struct{ file }

func (d quickDisk) open(path string) (file, error) {
	f, err := d.osDisk.open(path)
	return quickFile{f}, err
}

func (d quickDisk) create(path string) (file, error) {
	f, err := d.osDisk.create(path)
	return quickFile{f}, err
}

func (quickDisk) syncDir(string) error { return nil }
func (quickFile) Sync() error          { return nil }

func add(t testing.TB, w *Writer, list ...*Interaction) {
	t.Helper()
	for _, i := range list {
		if err := w.Append(i); err != nil {
			t.Fatal(err)
		}
	}
}

func closed(t testing.TB, w *Writer) {
	t.Helper()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// write makes a cassette of the given interactions.
func write(t testing.TB, path string, list ...*Interaction) {
	t.Helper()
	w := create(t, path, Replace, SyncNever)
	add(t, w, list...)
	closed(t, w)
}

func load(t testing.TB, path string) *Cassette {
	t.Helper()
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// stock loads with go-vcr.
func stock(t testing.TB, path string) *cassette.Cassette {
	t.Helper()
	c, err := cassette.Load(strings.TrimSuffix(path, ".yaml"))
	if err != nil {
		t.Fatalf("go-vcr cannot load it: %v", err)
	}
	return c
}

// plainOf returns what was recorded, without where and when it was loaded.
func plainOf(i *Interaction) Interaction {
	p := *i
	p.ID, p.Line, p.Edited, p.span, p.Umtape.Checksum = 0, 0, false, span{}, ""
	return p
}

func equal(t testing.TB, got, want *Interaction) {
	t.Helper()
	if g, w := plainOf(got), plainOf(want); !reflect.DeepEqual(g, w) {
		t.Errorf("got\n%#v\nwant\n%#v", g, w)
	}
}

// sameAsStock compares what go-vcr loaded with what we did.
func sameAsStock(t testing.TB, got *cassette.Interaction, want *Interaction) {
	t.Helper()
	g, w := *got, want.Interaction
	for _, list := range []*[]string{&g.Request.TransferEncoding, &g.Response.TransferEncoding} {
		if len(*list) == 0 {
			*list = nil
		}
	}
	if !reflect.DeepEqual(g.Request, w.Request) || !reflect.DeepEqual(g.Response, w.Response) {
		t.Errorf("go-vcr got\n%#v\nwant\n%#v", g, w)
	}
}

func readAll(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func put(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
