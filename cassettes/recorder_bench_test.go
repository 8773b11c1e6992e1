package cassettes

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/umtape/umtape/inspect/um"
)

type answering func(*http.Request) *http.Response

func (f answering) RoundTrip(r *http.Request) (*http.Response, error) {
	io.Copy(io.Discard, r.Body)
	r.Body.Close()
	return f(r), nil
}

// BenchmarkRecorder is one exchange through the recorder, the wire left out, each
// with a CallId of its own.
func BenchmarkRecorder(b *testing.B) {
	request, err := os.ReadFile("../testdata/messages/disconnect-request.xml")
	if err != nil {
		b.Fatal(err)
	}
	response, err := os.ReadFile("../testdata/messages/disconnect-response.xml")
	if err != nil {
		b.Fatal(err)
	}
	header := http.Header{"Content-Type": {"text/xml; charset=utf-8"}}
	next := answering(func(r *http.Request) *http.Response {
		return &http.Response{Status: "200 OK", StatusCode: 200, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header,
			Body: io.NopCloser(bytes.NewReader(response)), ContentLength: int64(len(response)), Request: r}
	})
	w := create(b, tape(b), Refuse, SyncNever)
	rt := NewRecorder(w, RecordOptions{Profile: um.Profile()}).Wrap(next)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		text := bytes.Replace(request, []byte("</CallId>"), fmt.Appendf(nil, "%08d</CallId>", n), 1)
		r, err := http.NewRequest("POST", "https://um.example.test/UnifiedMessaging/Service.asmx", bytes.NewReader(text))
		if err != nil {
			b.Fatal(err)
		}
		r.Header = http.Header{"Content-Type": {"text/xml; charset=utf-8"}, "User-Agent": {"b"},
			"SOAPAction": {`"http://schemas.microsoft.com/exchange/services/2006/messages/Disconnect"`}}
		resp, err := rt.RoundTrip(r)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			b.Fatal(err)
		}
		resp.Body.Close()
	}
}
