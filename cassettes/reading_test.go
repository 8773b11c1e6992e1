package cassettes

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/umtape/umtape/inspect/um"
)

// A body that has come before is read as if it had not, also after others of its
// length and under other headers.
func TestKnownBodies(t *testing.T) {
	const envelope = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>%s</s:Body></s:Envelope>`
	bodies := []string{
		"", "text", "password=secret", "<x", strings.Repeat("x", maxKnownBody+1),
		fmt.Sprintf(envelope, `<Disconnect xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"><CallId>one</CallId></Disconnect>`),
		fmt.Sprintf(envelope, `<Disconnect xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"><CallId>two</CallId></Disconnect>`),
		fmt.Sprintf(envelope, `<s:Fault><faultcode>s:Client</faultcode><faultstring>no</faultstring></s:Fault>`),
		fmt.Sprintf(envelope, `<ResetPIN><NewPin>123456</NewPin></ResetPIN>`),
		fmt.Sprintf(envelope, "<Name>Andr\xe9</Name>"),
	}
	headers := []http.Header{
		nil, {"Content-Type": {"text/xml; charset=utf-8"}}, {"Content-Type": {"text/xml; charset=iso-8859-1"}},
		{"Content-Type": {"application/x-www-form-urlencoded"}}, {"Content-Type": {"text/xml", "a"}},
	}
	options := RecordOptions{Profile: um.Profile()}
	knowing, unknowing := &Recorder{options: options, bodies: newKnownBodies()}, &Recorder{options: options}
	for round := range 4 {
		for b, body := range bodies {
			for h, header := range headers {
				for range round { // next to each other, too
					got, want := knowing.read([]byte(body), header), unknowing.read([]byte(body), header)
					problems := fmt.Sprint(got.problem) == fmt.Sprint(want.problem)
					got.problem, want.problem = nil, nil
					if got != want || !problems {
						t.Fatalf("body %d, header %d: got %+v, want %+v", b, h, got, want)
					}
				}
			}
		}
	}
	request := []byte(bodies[5])
	if _, _, known := knowing.bodies.get("text/xml\na", request); !known {
		t.Error("what has come many times is not known")
	}
	clear(request)
	if got := knowing.read([]byte(bodies[5]), headers[4]); got.call != "one" {
		t.Errorf("the call is %q: what is known has changed with what it came in", got.call)
	}
}

// What was redacted is not kept in memory.
func TestSecretsAreNotKnown(t *testing.T) {
	r := &Recorder{options: RecordOptions{Profile: um.Profile()}, bodies: newKnownBodies()}
	for range 4 {
		for _, body := range []string{"password=secret&user=a", "<ResetPIN><NewPin>123456</NewPin></ResetPIN>", "<Name>plain</Name>"} {
			r.read([]byte(body), http.Header{"Content-Type": {"text/xml"}})
		}
	}
	kept := ""
	for _, b := range r.bodies.slots {
		kept += b.reading.text
	}
	if kept != "<Name>plain</Name>" {
		t.Errorf("kept are %q", kept)
	}
}
