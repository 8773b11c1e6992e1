package inspect

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
)

func typed(contentType string) http.Header { return http.Header{"Content-Type": {contentType}} }

// related is a multipart/related body of a text and an envelope, in this order.
func related(root string) []byte {
	return []byte("--b\r\nContent-Type: text/plain\r\nContent-ID: <one>\r\n\r\nhello\r\n" +
		"--b\r\nContent-Type: application/xop+xml; charset=utf-8; type=\"text/xml\"\r\nContent-ID: <two>\r\n\r\n" + root + "\r\n--b--\r\n")
}

func TestRootPart(t *testing.T) {
	const start = `multipart/related; boundary=b; start="<two>"`
	for _, tt := range []struct {
		name, contentType string
		body              []byte
		want              string
		ok                bool
	}{
		{"named", start, related("<a/>"), "<a/>", true},
		{"named without brackets", `multipart/related; boundary=b; start=two`, related("<a/>"), "<a/>", true},
		{"first", `multipart/related; boundary="b"`, related("<a/>"), "hello", true},
		{"base64", `Multipart/Related; boundary=b`, []byte("--b\r\nContent-Transfer-Encoding: base64\r\n\r\nPGEv\r\nPg==\r\n--b--"), "<a/>", true},
		{"quoted-printable", `multipart/related; boundary=b`, []byte("--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<a b=3D\"1\"/>\r\n--b--"), `<a b="1"/>`, true},
		{"not there", `multipart/related; boundary=b; start="<three>"`, related("<a/>"), "", false},
		{"cut", start, related("<a/>")[:150], "", false},
		{"no boundary", `multipart/related`, related("<a/>"), "", false},
		{"another multipart", `multipart/form-data; boundary=b`, related("<a/>"), "", false},
		{"not multipart", "text/xml", []byte("<a/>"), "", false},
		{"too many parts", start, bytes.Repeat([]byte("--b\r\n\r\n\r\n"), 10_000), "", false},
	} {
		got, ok := RootPart(typed(tt.contentType), tt.body)
		if ok != tt.ok || ok && string(got) != tt.want {
			t.Errorf("%s: %q, %v", tt.name, got, ok)
		}
	}
}

// TestParseBody: a body is read as its header says.
func TestParseBody(t *testing.T) {
	latin := envelope("<a>caf\xe9</a>")
	for _, tt := range []struct {
		name, contentType string
		body              string
		want              string // the payload's text; "" if it cannot be read
	}{
		{"charset of the header", "text/xml; charset=iso-8859-1", latin, "café"},
		{"no charset", "text/xml", latin, ""},
		{"the XML's own encoding first", "text/xml; charset=iso-8859-1", `<?xml version="1.0" encoding="utf-8"?>` + envelope("<a>é</a>"), "é"},
		{"the byte order mark first", "text/xml; charset=iso-8859-1", "\xef\xbb\xbf" + envelope("<a>é</a>"), "é"},
		{"unknown charset", "text/xml; charset=x-klingon", envelope("<a>é</a>"), "é"},
		{"empty charset", "text/xml; charset=", envelope("<a>é</a>"), "é"},
		{"root part", `multipart/related; boundary=b; start="<two>"`, string(related(envelope("<a>x</a>"))), "x"},
		{"charset that none may use", "text/xml; charset=iso-2022-kr", envelope("<a>é</a>"), "é"},
	} {
		m, err := ParseBody(typed(tt.contentType), []byte(tt.body))
		got := ""
		if m != nil {
			got = m.Payload.Value()
		}
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
}

// TestWholeBodies: a body that is in memory is read whole, within reason.
func TestWholeBodies(t *testing.T) {
	for size, want := range map[int]int64{0: 16 << 20, 17 << 20: 17 << 20, 65 << 20: 64 << 20} {
		if got := limitsFor(make([]byte, size)).Bytes; got != want {
			t.Errorf("of %d bytes at most %d are read; want %d", size, got, want)
		}
	}
}

func ExampleRootPart() {
	header := http.Header{"Content-Type": {"multipart/related; boundary=frontier"}}
	root, ok := RootPart(header, []byte("--frontier\r\nContent-Type: text/xml\r\n\r\n<a/>\r\n--frontier--\r\n"))
	fmt.Println(string(root), ok)
	// Output: <a/> true
}
