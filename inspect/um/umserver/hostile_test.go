package umserver_test

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/inspect/um/umserver"
)

func TestHostileBodies(t *testing.T) {
	disconnect := string(envelope(inspect.SOAP11NS, `<Disconnect xmlns="`+um.MessagesNS+`"><CallId>x</CallId></Disconnect>`))
	c := serve(t, umserver.Options{})
	for _, tt := range []struct{ name, body string }{
		{"empty", ""},
		{"white_space", " \n"},
		{"not_xml", "Disconnect"},
		{"not_soap", "<Disconnect/>"},
		{"no_body", `<x:Envelope xmlns:x="` + inspect.SOAP11NS + `"/>`},
		{"empty_body", string(envelope(inspect.SOAP11NS, ""))},
		{"two_operations", string(envelope(inspect.SOAP11NS, isEnabled+isEnabled))},
		{"text_beside", string(envelope(inspect.SOAP11NS, isEnabled+"x"))},
		{"undeclared_prefix", `<x:Envelope><x:Body/></x:Envelope>`},
		{"truncated", disconnect[:len(disconnect)-20]},
		{"two_roots", disconnect + disconnect},
		{"doctype", `<!DOCTYPE x [<!ENTITY a "aaaa">]>` + disconnect},
		{"nul", strings.Replace(disconnect, ">x<", ">\x00<", 1)},
		{"not_utf8", strings.Replace(disconnect, ">x<", ">\xff<", 1)},
		{"unknown_encoding", `<?xml version="1.0" encoding="none"?>` + disconnect},
		{"deep", strings.Repeat("<a>", 100_000)},
		{"deep_in_envelope", string(envelope(inspect.SOAP11NS, strings.Repeat("<a>", 100_000)+strings.Repeat("</a>", 100_000)))},
		{"many_elements", string(envelope(inspect.SOAP11NS, strings.Repeat("<a/>", 500_000)))},
		{"many_attributes", string(envelope(inspect.SOAP11NS, "<a"+attributes(100_000)+"/>"))},
		{"10_mib", disconnect + strings.Repeat(" ", 10<<20)},
		{"10_mib_callid", strings.Replace(disconnect, ">x<", ">"+strings.Repeat("A", 10<<20)+"<", 1)},
		{"fault", string(inspect.FaultText{Reason: "x"}.Envelope())},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, path := range []string{um.Path2007, um.PathEWS} {
				before := cpuTime(t)
				c.do("POST", path, []byte(tt.body)).want(t, malformed)
				if took := cpuTime(t) - before; took > 5*time.Second {
					t.Errorf("took %v of processor time", took)
				}
			}
		})
	}
}

func attributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ` a%d=""`, i)
	}
	return b.String()
}

// A refused client gets to read why, however much it sends.
func TestRefusalReachesABusySender(t *testing.T) {
	c := serve(t, umserver.Options{})
	big := make([]byte, 8<<20)
	c.do("POST", "/elsewhere", big).want(t, "404 Not Found")
	c.do("PUT", um.Path2007, big).want(t, "405 Method Not Allowed")
	c.header.Set("Content-Type", "application/octet-stream")
	c.do("POST", um.Path2007, big).want(t, "415 Unsupported Media Type")
}

// A body just under the limit is read.
func TestLargestBody(t *testing.T) {
	c := serve(t, umserver.Options{})
	body := envelope(inspect.SOAP11NS, isEnabled)
	body = append(body, bytes.Repeat([]byte(" "), 4<<20-len(body))...)
	c.do("POST", um.Path2007, body).want(t, enabledShape)
	c.do("POST", um.Path2007, append(body, ' ')).want(t, malformed)
}

func TestConcurrentCalls(t *testing.T) {
	const callers = 64
	c := serve(t, umserver.Options{NewGUID: nextGUID()})
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			dialString := fmt.Sprintf("555%04d", i)
			id := c.start(dialString)
			for _, want := range []string{"Connecting None", "Connected None"} {
				if got := c.state(id); got != want {
					t.Errorf("caller %d: %s, want %s", i, got, want)
				}
			}
			c.classic("SetPlayOnPhoneDialString", "<dialString>"+dialString+"</dialString>").want(t, "SetPlayOnPhoneDialStringResponse")
			c.classic("GetUMProperties", "").message(t)
			c.classic("Disconnect", "<CallId>"+id+"</CallId>").want(t, "DisconnectResponse")
			if got := c.state(id); got != "Disconnected None" {
				t.Errorf("caller %d: at last %s", i, got)
			}
			c.Calls()
		})
	}
	wg.Wait()
	calls := c.Calls()
	dialed := make(map[string]bool)
	for _, call := range calls {
		dialed[call.DialString] = true
		if call.EndedBy != "client" {
			t.Errorf("a call was ended by %q", call.EndedBy)
		}
	}
	if len(calls) != callers || len(dialed) != callers {
		t.Errorf("%d calls to %d numbers, want %d", len(calls), len(dialed), callers)
	}
}

// nextGUID counts, unsynchronised: a server must not ask for two at once.
func nextGUID() func() string {
	n := 0
	return func() string {
		n++
		return fmt.Sprintf("00000000-0000-4000-8000-%012d", n)
	}
}

// FuzzServe: whatever is sent, the server answers, and what it says with 200 or
// 500 is SOAP.
func FuzzServe(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "testdata", "messages", "*.xml"))
	if err != nil {
		f.Fatal(err)
	}
	for i, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body, "text/xml; charset=utf-8", um.MessagesNS+"/Disconnect", "", byte(i))
	}
	for i, op := range um.Operations {
		body := envelope(inspect.SOAP11NS, `<`+op.Name+` xmlns="`+um.MessagesNS+`"/>`)
		f.Add(body, "text/xml", "", "identity", byte(i))
		f.Add(compress(f, body), "application/soap+xml", "\xff\x00", "gzip", byte(i))
	}
	f.Fuzz(func(t *testing.T, body []byte, contentType, action, encoding string, b byte) {
		path := []string{um.Path2007, um.PathEWS}[b&1]
		s := umserver.New(umserver.Options{
			SOAP12:            umserver.SOAP12(b >> 1 & 3),
			RequireSOAPAction: b&8 != 0,
			SchemaFault:       b&16 != 0,
			UnknownCall:       umserver.Outcome(b >> 5 & 1),
			RingPolls:         int(b>>6) - 1,
		})
		r := httptest.NewRequest("POST", path, bytes.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Content-Encoding", encoding)
		r.Header["SOAPAction"] = []string{action}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		switch w.Code {
		case 200, 500:
			m, err := inspect.Parse(w.Body.Bytes())
			if err != nil {
				t.Fatalf("HTTP %d, %v:\n%s", w.Code, err, w.Body)
			}
			if (m.Fault != nil) != (w.Code == 500) {
				t.Fatalf("HTTP %d with\n%s", w.Code, w.Body)
			}
		case 415:
		default:
			t.Fatalf("HTTP %d", w.Code)
		}
	})
}
