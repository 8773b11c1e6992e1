package captures

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// The parts of a HAR entry that are told otherwise than on the wire.
func TestHARParts(t *testing.T) {
	file := `{"log":{"entries":[
{"request":{"method":"POST","url":"http://h/","httpVersion":"h2","headers":[{"name":":authority","value":"other"},{"name":":path","value":"/x"}]},
 "response":{"status":200,"httpVersion":"HTTP/1.0","headers":[],"content":{"size":5,"mimeType":"text/xml"}}},
{"request":{"method":"CONNECT","url":"https://h:443/","headers":[]},"response":{"status":200}}]}}`
	got, _ := read(t, func(keep func(*Exchange, error) error) error { return ReadHAR([]byte(file), keep) })
	if len(got) != 2 {
		t.Fatalf("%d exchanges", len(got))
	}
	q, p := got[0].Request, got[0].Response
	if len(q.Header) != 0 || q.Host != "other" || q.Proto != "HTTP/1.1" || p.Proto != "HTTP/1.0" || p.ProtoMinor != 0 {
		t.Errorf("%+v %+v", q, p)
	}
	if p.Header.Get("Content-Type") != "text/xml" || !got[0].ResponseCut || got[0].RequestCut {
		t.Errorf("%v, cut: %t", p.Header, got[0].ResponseCut)
	}
	var b bytes.Buffer
	w, err := NewHARWriter(&b, "1")
	if err == nil {
		x := sample("http://h/", []byte("<a/>"))
		x.RequestEncoding, x.ResponseEncoding = "gzip", "gzip"
		err = w.Add(x, "")
	}
	if text := b.String(); err != nil || !strings.Contains(text, `<a/>`) || strings.Count(text, `"bodySize":-1`) != 2 {
		t.Errorf("%v: %s", err, text)
	}
}

func TestMitmproxyParts(t *testing.T) {
	flow := func(host, more, status, content string) string {
		q := tnet("method", ';') + tnet("GET", ',') + tnet("scheme", ';') + tnet("https", ',') + tnet("host", ';') + tnet(host, ';') + tnet("port", ';') + tnet("443", '#') + tnet("path", ';') + tnet("/", ',') + tnet("headers", ';') + "0:]" + more
		p := tnet(status, ';') + tnet("200", '#') + tnet("headers", ';') + "0:]" + content
		return tnet(tnet("request", ';')+tnet(q, '}')+tnet("response", ';')+tnet(p, '}'), '}')
	}
	file := flow("::1", tnet("timestamp_start", ';')+tnet("9e99", '^'), "code", tnet("content", ';')+"0:,") + flow("h", "", "status_code", tnet("content", ';')+"0:~")
	got, unread := read(t, func(keep func(*Exchange, error) error) error { return ReadMitmproxy([]byte(file), keep) })
	if len(got) != 2 || len(unread) > 0 {
		t.Fatalf("%d, %q", len(got), unread)
	}
	if x := got[0]; x.Request.URL.String() != "https://[::1]/" || !x.Started.IsZero() || x.ResponseCut || x.Response.StatusCode != 200 {
		t.Errorf("%s, started %v, cut: %t", x.Request.URL, x.Started, x.ResponseCut)
	}
	if !got[1].ResponseCut {
		t.Error("a body that was not stored is said to be whole")
	}
}

func TestRawPlaces(t *testing.T) {
	const connect = "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"
	const get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
	got, _ := read(t, func(keep func(*Exchange, error) error) error { return ReadRaw([]byte(connect+get), "https", keep) })
	if len(got) != 2 || got[0].Request.URL.Scheme != "" || got[1].Request.URL.String() != "https://h/a" {
		t.Errorf("%d exchanges", len(got))
	}
	for text, want := range map[string]string{
		"GET /a HTTP/1.1\r\n\r\n": "the request names no host",
		"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nshort":                              "shorter than its header says",
		"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n":            "its chunks are not whole",
		"GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\nHTTP/1.1 204 x\r\n\r\n": "not an HTTP response; write",
		"POST /a HTTP/1.1\r\nHost: h\r\n\r\n<a/>\r\nHTTP/1.1 204 x\r\n\r\n":                          "byte 84: exchange 1: not an HTTP response, nor is it the body of the request, which states no length; give it a Content-Length header",
	} {
		err := ReadRaw([]byte(get+text), "http", func(*Exchange, error) error { return nil })
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "exchange 1") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// An archive of a few kilobytes does not become gigabytes.
func TestSAZBomb(t *testing.T) {
	const limit = 2*maxMessage + 1<<10
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	request := fmt.Sprintf("POST http://h/ HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", 4*maxMessage)
	zeros := make([]byte, 1<<20)
	for n := range 3 {
		w, err := z.Create(fmt.Sprintf("raw/%d_c.txt", n))
		if err == nil {
			_, err = w.Write([]byte(request))
		}
		for range maxMessage / len(zeros) {
			if err == nil {
				_, err = w.Write(zeros)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	w, err := z.Create("raw/0_m.xml")
	if err == nil {
		_, err = w.Write([]byte(`<Session><SessionTimers ClientBeginRequest="2026-11-23T10:00:02Z" ServerBeginResponse="2026-11-23T10:00:01Z"/></Session>`))
	}
	if err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	count, first := 0, true
	err = ReadSAZ(b.Bytes(), limit, func(x *Exchange, err error) error {
		if err != nil || !x.RequestCut || len(x.RequestBody) > maxMessage {
			t.Errorf("%v", err)
		}
		if first && (x.Took != 0 || x.Started.Before(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))) {
			t.Errorf("began %v, took %v", x.Started, x.Took)
		}
		count, first = count+1, false
		return nil
	})
	if !errors.Is(err, ErrUnpacked) || !strings.HasPrefix(err.Error(), "raw/2_c.txt: ") || count != 2 {
		t.Errorf("%d messages, %v", count, err)
	}
}
