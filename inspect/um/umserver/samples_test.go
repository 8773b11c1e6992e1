package umserver_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/inspect/um/umserver"
)

// Every request among the sample messages, posted where it belongs, gets what
// the documents say.
func TestSampleRequests(t *testing.T) {
	want := map[string]struct{ path, said string }{
		"disconnect-request.xml":                  {um.Path2007, "DisconnectResponse"},
		"disconnect-request-https-namespace.xml":  {um.Path2007, "ErrorInvalidRequest"},
		"disconnect-request-soap12.xml":           {um.Path2007, "ErrorInvalidRequest"}, // as text/xml
		"documented-disconnect-request.xml":       {um.PathLegacy, "InvalidCallIdException"},
		"documented-disconnect-request-https.xml": {um.PathLegacy, "ErrorInvalidRequest"},
		"playonphone-request.xml":                 {um.Path2007, "PlayOnPhoneResponse{PlayOnPhoneResponse:text}"},
		"ews-disconnectphonecall-request.xml":     {um.PathEWS, "ErrorInvalidPhoneCallId"},
	}
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "testdata", "messages", "*request*.xml"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range files {
		name := filepath.Base(file)
		if strings.HasPrefix(name, "fault-") {
			continue
		}
		seen++
		t.Run(name, func(t *testing.T) {
			w, ok := want[name]
			if !ok {
				t.Fatal("a sample request that this test does not know: say what its answer is")
			}
			c := serve(t, umserver.Options{})
			c.start("5550142") // gets the sample's CallId
			c.do("POST", w.path, sample(t, name)).want(t, w.said)
		})
	}
	if seen != len(want) {
		t.Errorf("%d sample requests, want %d", seen, len(want))
	}
}

// Every answer of which there is a sample is that sample, byte for byte on the
// wire.
func TestSampleAnswers(t *testing.T) {
	c := serve(t, umserver.Options{Busy: []string{"5550199"}, RequireSOAPAction: true})
	action := func(name string) { c.header.Set("SOAPAction", `"`+um.MessagesNS+"/"+name+`"`) }

	action("PlayOnPhone")
	c.do("POST", um.Path2007, sample(t, "playonphone-request.xml")).wantSample(t, "playonphone-response.xml")
	info := func() reply {
		action("GetCallInfo")
		return c.classic("GetCallInfo", "<CallId>"+sampleID+"</CallId>")
	}
	info()
	info().wantSample(t, "getcallinfo-response-connected.xml")
	action("Disconnect")
	c.do("POST", um.Path2007, sample(t, "disconnect-request.xml")).wantSample(t, "disconnect-response.xml")
	c.do("POST", um.Path2007, sample(t, "disconnect-request.xml")).wantSample(t, "disconnect-fault-invalid-callid.xml")

	action("PlayOnPhone")
	c.start("5550199")
	info()
	info().wantSample(t, "getcallinfo-response-disconnected-busy.xml")

	action("HangUp")
	c.classic("Disconnect", "").wantSample(t, "fault-asmx-unknown-soapaction.xml")
	c.do("POST", um.PathEWS, sample(t, "ews-disconnectphonecall-request.xml")).wantSample(t, "ews-disconnectphonecall-response-error.xml")
	c.do("POST", um.PathEWS, []byte("not XML")).wantSample(t, "fault-malformed-request.xml")
}

// The published answer is ours but for its indentation.
func TestDocumentedDisconnect(t *testing.T) {
	c := serve(t, umserver.Options{UnknownCall: umserver.Success})
	r := c.do("POST", um.Path2007, sample(t, "documented-disconnect-request.xml"))
	published := strings.ReplaceAll(wire(sample(t, "documented-disconnect-response.xml")), `"utf-8" ?>`, `"utf-8"?>`)
	if got := string(r.body); got != published {
		t.Errorf("got\n%s\nwant\n%s", got, published)
	}
}
