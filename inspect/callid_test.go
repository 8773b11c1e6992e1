package inspect

import (
	"fmt"
	"testing"
)

func TestDecodeCallID(t *testing.T) {
	const documented = "MDlkZjllZGMtNGUyMy00NzA5LWJkYWYtN2JlMjBjYjBhZTU2QGRmLWV1bS0wMS5leGNoYW5nZS5jb3JwLm1pY3Jvc29mdC5jb20="
	c, ok := DecodeCallID(documented)
	want := CallID{"09df9edc-4e23-4709-bdaf-7be20cb0ae56", "df-eum-01.exchange.corp.microsoft.com"}
	if !ok || c != want {
		t.Errorf("documented = %+v, %v; want %+v", c, ok, want)
	}
	if got := c.Encode(); got != documented {
		t.Errorf("Encode = %q", got)
	}
	for _, id := range []string{
		"",
		"OWVl4NWb3N29t", // EWS samples, abbreviated (section 3)
		"NDDY5uY29y9t",
		"ZWMtWYtMY29t",
		"42",
		"MDlkZjllZGM=",
		documented[:len(documented)-1],
		" " + documented,
	} {
		if c, ok := DecodeCallID(id); ok {
			t.Errorf("DecodeCallID(%q) = %+v", id, c)
		}
	}
}

func ExampleDecodeCallID() {
	c, ok := DecodeCallID("M2YwYzZiNTItOGExZS00ZDM3LTljNTUtMWU3YTBiOWQyNGY2QHVtMDEudm9pY2UuZXhhbXBsZS5uZXQ=")
	fmt.Println(c.GUID, c.Server, ok)
	// Output: 3f0c6b52-8a1e-4d37-9c55-1e7a0b9d24f6 um01.voice.example.net true
}

func TestShapes(t *testing.T) {
	for name, want := range map[string]string{
		"disconnect-response.xml":                    "DisconnectResponse",
		"disconnect-request.xml":                     "Disconnect{CallId:text}",
		"playonphone-request.xml":                    "PlayOnPhone{entryId:text DialString:integer}",
		"getcallinfo-response-connected.xml":         "GetCallInfoResponse{GetCallInfoResponse{CallState:text EventCause:text}}",
		"disconnect-fault-invalid-callid.xml":        "Fault(InvalidCallIdException)",
		"ews-disconnectphonecall-response-error.xml": "DisconnectPhoneCallResponse[@ResponseClass]{MessageText:text ResponseCode:text DescriptiveLinkKey:integer}",
	} {
		if got := ShapeOf(parse(t, string(sample(t, name)))); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	for body, want := range map[string]string{
		"":                                   "empty",
		"<a><b>1</b><b>2</b><c>true</c></a>": "a{b:integer* c:boolean}",
		`<a xmlns="urn:x"><b xmlns=""/></a>`: "a{{}b}",
		"<a><t>2026-11-23T10:00:00Z</t></a>": "a{t:dateTime}",
		"<a><t>1.5</t><t>x</t></a>":          "a{t:decimal t:text}",
	} {
		if got := ShapeOf(parse(t, envelope(body))); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	x := Exchange{Method: "POST", Status: 200, RequestBody: sample(b, "disconnect-request.xml"), ResponseBody: sample(b, "disconnect-response.xml")}
	b.ReportAllocs()
	for b.Loop() {
		Read(x).Request.AppendCanonical(nil, false)
	}
}

func BenchmarkParse(b *testing.B) {
	body := sample(b, "disconnect-request.xml")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(body); err != nil {
			b.Fatal(err)
		}
	}
}
