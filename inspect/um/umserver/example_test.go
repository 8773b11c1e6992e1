package umserver_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/inspect/um/umserver"
)

func Example() {
	server := httptest.NewServer(umserver.New(umserver.Options{}))
	defer server.Close()

	send := func(operation string) *inspect.Message {
		body := `<s:Envelope xmlns:s="` + inspect.SOAP11NS + `"><s:Body>` + operation + `</s:Body></s:Envelope>`
		resp, err := http.Post(server.URL+um.Path2007, "text/xml; charset=utf-8", strings.NewReader(body))
		if err != nil {
			panic(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			panic(err)
		}
		m, err := inspect.Parse(answer)
		if err != nil {
			panic(err)
		}
		return m
	}

	const ns = ` xmlns="` + um.MessagesNS + `"`
	played := send(`<PlayOnPhone` + ns + `><entryId>AAAAAA==</entryId><DialString>5550142</DialString></PlayOnPhone>`)
	id := played.Payload.Child("PlayOnPhoneResponse").Value()

	for range 2 {
		info := send(`<GetCallInfo` + ns + `><CallId>` + id + `</CallId></GetCallInfo>`)
		fmt.Println(info.Payload.Child("GetCallInfoResponse").Child("CallState").Value())
	}
	fmt.Println(inspect.ShapeOf(send(`<Disconnect` + ns + `><CallId>` + id + `</CallId></Disconnect>`)))
	fmt.Println(inspect.ShapeOf(send(`<Disconnect` + ns + `><CallId>` + id + `</CallId></Disconnect>`)))
	// Output:
	// Connecting
	// Connected
	// DisconnectResponse
	// Fault(InvalidCallIdException)
}

func ExampleNew() {
	server := umserver.New(umserver.Options{
		EndedCall: umserver.Success, // a second Disconnect is fine
		Busy:      []string{"5550199"},
		NewGUID:   func() string { return "3f0c6b52-8a1e-4d37-9c55-1e7a0b9d24f6" },
		Logf:      func(format string, args ...any) { fmt.Printf(format+"\n", args...) },
	})

	r := httptest.NewRequest("POST", um.PathLegacy, strings.NewReader(`<s:Envelope xmlns:s="`+inspect.SOAP11NS+`"><s:Body>`+
		`<PlayOnPhoneGreeting xmlns="`+um.MessagesNS+`"><GreetingType>OofCustom</GreetingType><DialString>5550199</DialString>`+
		`</PlayOnPhoneGreeting></s:Body></s:Envelope>`))
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	server.ServeHTTP(httptest.NewRecorder(), r)

	for _, call := range server.Calls() {
		id, _ := inspect.DecodeCallID(call.ID)
		fmt.Println(id.GUID, id.Server, call.DialString, call.State)
	}
	// Output:
	// PlayOnPhoneGreeting: done
	// 3f0c6b52-8a1e-4d37-9c55-1e7a0b9d24f6 um01.voice.example.net 5550199 Connecting
}

func ExampleParseOutcome() {
	o, err := umserver.ParseOutcome("success")
	fmt.Println(o, err)
	_, err = umserver.ParseOutcome("maybe")
	fmt.Println(err)
	// Output:
	// success <nil>
	// "maybe" is none of fault, success
}

func ExampleParseSOAP12() {
	_, err := umserver.ParseSOAP12("1.2")
	fmt.Println(err)
	// Output:
	// "1.2" is none of refuse, accept, fault
}
