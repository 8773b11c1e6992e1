package umserver_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/inspect/um/umserver"
)

const isEnabled = `<IsUMEnabled xmlns="` + um.MessagesNS + `"/>`

const enabledShape = "IsUMEnabledResponse{IsUMEnabledResponse:boolean}"

func TestPathsAndMethods(t *testing.T) {
	c := serve(t, umserver.Options{})
	for _, tt := range []struct{ method, path, want string }{
		{"POST", "/UnifiedMessaging/Service.asmx", enabledShape},
		{"POST", "/unifiedmessaging/service.asmx", enabledShape},
		{"POST", "/EWS/UM2007Legacy.asmx", enabledShape},
		{"POST", "/ews/um2007legacy.ASMX?x=1", enabledShape},
		{"POST", "/ews/exchange.asmx", malformed},
		{"POST", "/", "404 Not Found"},
		{"POST", "/EWS/UM2007Legacy.asmx/IsUMEnabled", "404 Not Found"},
		{"GET", "/EWS/Services.wsdl", "404 Not Found"},
		{"GET", um.Path2007, "405 Method Not Allowed"},
		{"GET", um.Path2007 + "?wsdl", "405 Method Not Allowed"},
		{"PUT", um.PathEWS, "405 Method Not Allowed"},
		{"HEAD", um.PathLegacy, "405 Method Not Allowed"},
	} {
		r := c.do(tt.method, tt.path, envelope(inspect.SOAP11NS, isEnabled))
		if got := r.said(t); got != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.method, tt.path, got, tt.want)
		}
		if allow := r.Header.Get("Allow"); (r.StatusCode == 405) != (allow == "POST") {
			t.Errorf("%s %s: HTTP %d with Allow %q", tt.method, tt.path, r.StatusCode, allow)
		}
		if r.Header.Get("Cache-Control") != "private" || r.Header.Get("X-AspNet-Version") == "" {
			t.Errorf("%s %s: headers %v", tt.method, tt.path, r.Header)
		}
	}
}

func TestContentTypesAndSOAPVersions(t *testing.T) {
	const xml, soap12 = "text/xml; charset=utf-8", `application/soap+xml; charset=utf-8; action="x"`
	const unsupported = "415 Unsupported Media Type"
	for _, tt := range []struct {
		policy      umserver.SOAP12
		contentType string
		envelope    string
		want        string
		version     inspect.Version
	}{
		{umserver.RefuseSOAP12, xml, inspect.SOAP11NS, enabledShape, inspect.SOAP11},
		{umserver.RefuseSOAP12, "TEXT/XML", inspect.SOAP11NS, enabledShape, inspect.SOAP11},
		{umserver.RefuseSOAP12, "", inspect.SOAP11NS, unsupported, 0},
		{umserver.RefuseSOAP12, "application/json", inspect.SOAP11NS, unsupported, 0},
		{umserver.RefuseSOAP12, "text/plain", inspect.SOAP11NS, unsupported, 0},
		{umserver.RefuseSOAP12, soap12, inspect.SOAP12NS, unsupported, 0},
		{umserver.RefuseSOAP12, soap12, inspect.SOAP11NS, unsupported, 0},
		{umserver.RefuseSOAP12, xml, inspect.SOAP12NS, malformed, inspect.SOAP11},
		{umserver.AcceptSOAP12, soap12, inspect.SOAP12NS, enabledShape, inspect.SOAP12},
		{umserver.AcceptSOAP12, xml, inspect.SOAP12NS, enabledShape, inspect.SOAP12},
		{umserver.AcceptSOAP12, xml, inspect.SOAP11NS, enabledShape, inspect.SOAP11},
		{umserver.AcceptSOAP12, soap12, "urn:none", malformed, inspect.SOAP12},
		{umserver.FaultSOAP12, soap12, inspect.SOAP12NS, "VersionMismatch", inspect.SOAP11},
		{umserver.FaultSOAP12, xml, inspect.SOAP12NS, "VersionMismatch", inspect.SOAP11},
		{umserver.FaultSOAP12, xml, inspect.SOAP11NS, enabledShape, inspect.SOAP11},
		{umserver.RefuseSOAP12, xml, "https://schemas.xmlsoap.org/soap/envelope/", malformed, inspect.SOAP11},
	} {
		t.Run(tt.policy.String()+" "+tt.contentType, func(t *testing.T) {
			c := serve(t, umserver.Options{SOAP12: tt.policy})
			c.header.Set("Content-Type", tt.contentType)
			r := c.do("POST", um.Path2007, envelope(tt.envelope, isEnabled))
			if r.want(t, tt.want); tt.version != 0 {
				if got := r.message(t).Version; got != tt.version {
					t.Errorf("answered in SOAP %s", got)
				}
			}
		})
	}
}

func TestSOAP12Fault(t *testing.T) {
	c := serve(t, umserver.Options{SOAP12: umserver.AcceptSOAP12})
	c.header.Set("Content-Type", "application/soap+xml; charset=utf-8")
	f := c.do("POST", um.Path2007, sample(t, "disconnect-request-soap12.xml")).message(t).Fault
	switch {
	case f == nil, f.Code != (inspect.Name{Space: inspect.SOAP12NS, Local: "Sender"}),
		f.Subcode != (inspect.Name{Space: um.ErrorsNS, Local: badCallID}), f.Kind() != badCallID, f.Reason == "":
		t.Errorf("fault %+v", f)
	}
}

func TestSOAPAction(t *testing.T) {
	const absent = "\x00"
	for _, tt := range []struct {
		action   string
		required string // what a server that requires it says; "" for the operation's answer
	}{
		{um.MessagesNS + "/IsUMEnabled", ""},
		{`"` + um.MessagesNS + `/IsUMEnabled"`, ""},
		{`"` + um.MessagesNS + `/Disconnect"`, ""}, // the Body decides
		{absent, "Unable to handle request without a valid action parameter. Please supply a valid soap action."},
		{`""`, "Server did not recognize the value of HTTP Header SOAPAction: ."},
		{`"urn:<&>"`, "Server did not recognize the value of HTTP Header SOAPAction: urn:<&>."},
	} {
		for _, require := range []bool{false, true} {
			c := serve(t, umserver.Options{RequireSOAPAction: require})
			if tt.action != absent {
				c.header.Set("SOAPAction", tt.action)
			}
			m := c.post(um.Path2007, isEnabled).message(t)
			switch {
			case !require || tt.required == "":
				if m.Fault != nil {
					t.Errorf("%q, required %t: %s", tt.action, require, m.Fault.Reason)
				}
			case m.Fault == nil || m.Fault.Reason != tt.required || m.Fault.Code != (inspect.Name{Space: inspect.SOAP11NS, Local: "Client"}):
				t.Errorf("%q: %+v", tt.action, m.Fault)
			}
			// EWS does not need it.
			c.ews("DisconnectPhoneCall", `<m:PhoneCallId Id="x"/>`).want(t, "ErrorInvalidPhoneCallId")
		}
	}
}

func compress(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestRequestEncodings(t *testing.T) {
	c := serve(t, umserver.Options{})
	plain := envelope(inspect.SOAP11NS, isEnabled)
	for _, tt := range []struct {
		encoding string
		body     []byte
		want     string
	}{
		{"gzip", compress(t, plain), enabledShape},
		{"X-GZIP", compress(t, plain), enabledShape},
		{"identity", plain, enabledShape},
		{"gzip", plain, malformed},
		{"gzip", compress(t, plain)[:40], malformed},
		{"gzip", compress(t, make([]byte, 5<<20)), malformed}, // 5 kB that hold 5 MiB
		{"br", plain, "415 Unsupported Media Type"},
		{"gzip, gzip", compress(t, compress(t, plain)), "415 Unsupported Media Type"},
	} {
		c.header.Set("Content-Encoding", tt.encoding)
		if got := c.do("POST", um.Path2007, tt.body).said(t); got != tt.want {
			t.Errorf("%s of %d bytes: %s, want %s", tt.encoding, len(tt.body), got, tt.want)
		}
	}
}

func TestGzipAnswers(t *testing.T) {
	for _, tt := range []struct {
		option bool
		accept string
		want   bool
	}{
		{false, "gzip", false},
		{true, "gzip,deflate", true},
		{true, "deflate, GZIP;q=0.5", true},
		{true, "gzip;q=0", false},
		{true, "gzip;q=", false},
		{true, "identity", false},
	} {
		c := serve(t, umserver.Options{Gzip: tt.option})
		c.header.Set("Accept-Encoding", tt.accept) // set by us, so net/http leaves the answer as it is
		r := c.post(um.Path2007, isEnabled)
		if got := r.Header.Get("Content-Encoding") == "gzip"; got != tt.want {
			t.Errorf("Gzip %t, Accept-Encoding %q: compressed %t", tt.option, tt.accept, got)
		}
		if r.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(bytes.NewReader(r.body))
			if err != nil {
				t.Fatal(err)
			}
			if r.body, err = io.ReadAll(z); err != nil {
				t.Fatal(err)
			}
		}
		r.want(t, enabledShape)
		if vary := r.Header.Get("Vary"); (vary != "") != tt.option {
			t.Errorf("Vary: %q", vary)
		}
	}
}

// The log tells operation and outcome, and keeps numbers and servers to itself.
func TestLogKeepsSecrets(t *testing.T) {
	var mu sync.Mutex
	var log strings.Builder
	c := serve(t, umserver.Options{Logf: func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		io.WriteString(&log, fmt.Sprintf(format+"\n", args...))
	}})
	id := c.start("5550142")
	c.classic("Disconnect", "<CallId>"+id+"</CallId>")
	c.classic("Disconnect", "<CallId>"+id+"</CallId>")
	c.classic("Disconnect", "<CallId>5550142<x/></CallId>")
	c.classic("Call5550142", "")
	c.ews("DisconnectPhoneCall", `<m:PhoneCallId Id="5550142"/>`)
	c.do("GET", um.PathEWS, nil)
	want := "PlayOnPhone: done\n" +
		"Disconnect: done\n" +
		"Disconnect: InvalidCallIdException: the call has ended\n" +
		"Disconnect: ErrorInvalidRequest: the element 'CallId' has a child element\n" +
		"no operation: ErrorInvalidRequest: no operation of this path\n" +
		"DisconnectPhoneCall (EWS): ErrorInvalidPhoneCallId: no identifier of a call\n" +
		"no operation: 405 Method Not Allowed\n"
	mu.Lock()
	defer mu.Unlock()
	if got := log.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
