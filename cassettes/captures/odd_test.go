package captures

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// read collects what a reader finds: exchanges, and why others cannot be read.
func read(t *testing.T, reader func(keep func(*Exchange, error) error) error) (got []*Exchange, unread []string) {
	t.Helper()
	err := reader(func(x *Exchange, err error) error {
		if err != nil {
			unread = append(unread, err.Error())
		} else {
			got = append(got, x)
		}
		return nil
	})
	if err != nil {
		t.Errorf("the file is not read: %v", err)
	}
	return got, unread
}

// What one program or the other writes otherwise than HAR has it is read if it says
// what is meant, and else left out: the other entries are read anyway.
func TestHAROddEntries(t *testing.T) {
	const response = `"response":{"status":200,"headers":[]}`
	request := func(more string) string {
		return `{"request":{"method":"POST","url":"http://h/"` + more + `},` + response + `}`
	}
	for entry, want := range map[string]string{
		request(``): "",
		request(`,"bodySize":10.5,"headersSize":"x","cookies":{},"queryString":[{"name":"a","value":1}]`):  "",
		request(`,"headers":[{"name":"A","value":5},{"name":"B","value":null},{"name":"C","value":true}]`): "",
		request(`,"postData":null`): "",
		`{"cache":[],"time":"12.5","timings":null,"startedDateTime":"yesterday","comment":5,` + request(``)[1:]: "",
		`{"request":{"method":"GET","url":"http://h/"},"response":{"status":200.0}}`:                            "",
		`{"request":{"method":"GET","url":"http://h/"},"response":{"status":"200"}}`:                            "",
		`{"request":{"method":"GET","url":"http://h/"},"response":{"status":-1}}`:                               "no answer",
		`{"request":{"method":"GET","url":"http://h/"},"response":null}`:                                        "no answer",
		`{"request":{"method":"GET","url":"http://h/"}}`:                                                        "no answer",
		`{"request":{"method":"GET","url":"http://h/"},"response":{"status":1000}}`:                             "entry 1: response.status is not an HTTP status",
		`{"request":{"method":"GET","url":"http://h/%zz"}}`:                                                     "entry 1: request.url is not a URL",
		`{"request":{"url":"http://h/"}}`:                                                                       "entry 1: request.method is missing",
		`{"request":{"method":"GET /evil HTTP/1.1\r\n\r\nPOST","url":"http://h/"}}`:                             "entry 1: its method is none that HTTP can have",
		request(`,"headers":[{"name":"A","value":"b\rC: d"}]`):                                                  "entry 1: the header of its request is none that HTTP can have",
		request(`,"headers":[{"name":"Host","value":"a\u0000"}]`):                                               "entry 1: the header of its request is none that HTTP can have",
		request(`,"headers":[{"name":"A B","value":"c"}]`):                                                      "entry 1: the header of its request is none that HTTP can have",
		request(`,"headers":[{"name":"A","value":{}}]`):                                                         "entry 1: a value is not as HAR has it",
		request(`,"headers":5`): "entry 1: request.headers is not as HAR has it",
		request(`,"postData":{"mimeType":"a\r\nB: c","text":"x"}`):                                                            "entry 1: the header of its request is none that HTTP can have",
		`{"request":{"method":"GET","url":"http://h/"},"response":{"status":200,"statusText":"OK\r\nSet-Cookie: a=b"}}`:       "entry 1: the header of its response is none that HTTP can have",
		`{"request":{"method":"GET","url":"http://h/"},"response":{"status":200,"content":{"text":"!","encoding":"base64"}}}`: "entry 1: response.content: its text is not base64, as its encoding says",
		`{"request":{"method":"GET","url":"data:text/plain,x"},` + response + `}`:                                             "entry 1: request.url is none of HTTP's",
		`{"request":{"method":"GET","url":"wss://h/"},"_webSocketMessages":[{"type":"send","data":"x"}],` + response + `}`:    "",
		`5`: "entry 1: ",
	} {
		file := `{"log":{"entries":[` + request(``) + `,` + entry + `,` + request(``) + `]}}`
		got, unread := read(t, func(keep func(*Exchange, error) error) error { return ReadHAR([]byte(file), keep) })
		switch {
		case want == "" && (len(got) != 3 || len(unread) > 0 || got[1].Response == nil || got[1].Response.StatusCode != 200),
			want == "no answer" && (len(got) != 3 || len(unread) > 0 || got[1].Response != nil),
			strings.HasPrefix(want, "entry") && (len(got) != 2 || len(unread) != 1 || !strings.HasPrefix(unread[0], want)):
			t.Errorf("%s: %d read, not read: %q, want %q", entry, len(got), unread, want)
		}
	}
	got, _ := read(t, func(keep func(*Exchange, error) error) error {
		return ReadHAR([]byte(`{"log":{"entries":[`+request(`,"headers":[{"name":"A","value":5},{"name":"B","value":"x\r\ny"}],"postData":{"params":[{"name":"z","value":"1 &"},{"name":"a","value":null}]}`)+`]}}`), keep)
	})
	if len(got) != 1 || got[0].Request.Header.Get("A") != "5" || len(got[0].Request.Header["B"]) != 2 || string(got[0].RequestBody) != "z=1+%26&a=" {
		t.Errorf("%+v", got)
	}
}

func tnet(payload string, kind byte) string {
	return fmt.Sprintf("%d:%s%c", len(payload), payload, kind)
}

func TestMitmproxyOddFlows(t *testing.T) {
	flow := func(path, method string) string {
		header := tnet(tnet(tnet("A", ',')+tnet("b", ','), ']'), ']')
		return tnet(tnet("request", ';')+tnet(tnet("method", ';')+tnet(method, ',')+tnet("scheme", ';')+tnet("http", ',')+tnet("host", ';')+tnet("h", ';')+tnet("port", ';')+tnet("80", '#')+tnet("path", ';')+tnet(path, ',')+tnet("headers", ';')+header, '}'), '}')
	}
	file := flow("/1", "GET") + flow("/%zz", "GET") + flow("/3", "GET /x\r\n") + tnet(tnet("type", ';')+tnet("tcp", ';'), '}') + flow("/5", "GET")
	got, unread := read(t, func(keep func(*Exchange, error) error) error { return ReadMitmproxy([]byte(file), keep) })
	if len(got) != 2 || got[1].Request.URL.Path != "/5" || len(unread) != 2 || !strings.Contains(unread[0], "flow 1: the URL of its request") || !strings.Contains(unread[1], "flow 2: its method") {
		t.Errorf("%d, %q", len(got), unread)
	}
	// Three bytes make a value; memory is not for as many as there can be.
	many := tnet(tnet("a", ',')+tnet(strings.Repeat("0:}", maxValues), ']'), '}')
	if err := ReadMitmproxy([]byte(many), func(*Exchange, error) error { return nil }); err == nil || !strings.Contains(err.Error(), "byte 0: flow 0") {
		t.Errorf("%v", err)
	}
}

func TestSAZOddSessions(t *testing.T) {
	const request, response = "POST http://h/ HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb"
	long := "HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", maxMessage)
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range [][2]string{
		{"raw/1_c.txt", request}, {"raw/1_s.txt", response},
		{"raw/2_c.txt", ""}, // it was cut off
		{"raw/3_c.txt", request}, {"raw/3_s.txt", "HTTP/1.1 0 \r\n\r\n"},
		{"raw/4_c.txt", request}, {"raw/4_s.txt", "something else"},
		{"raw/5_c.txt", strings.Replace(request, "HTTP/1.1", "HTTP/2", 1)}, {"raw/5_s.txt", strings.Replace(response, "HTTP/1.1", "HTTP/2", 1)},
		{"raw/6_c.txt", request}, {"raw/6_s.txt", long},
		{"../../raw/7_c.txt", request},
		{"raw/8_c.txt", "POST http://h/ HTTP/2\r\nHost: h\r\n\r\nall of it"},
	} {
		w, err := z.Create(f[0])
		if err == nil {
			_, err = w.Write([]byte(f[1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	got, unread := read(t, func(keep func(*Exchange, error) error) error { return ReadSAZ(b.Bytes(), 64<<20, keep) })
	if len(unread) != 2 || unread[0] != "raw/2_c.txt: not an HTTP request" || unread[1] != "raw/4_s.txt: not an HTTP response" {
		t.Errorf("%q", unread)
	}
	if len(got) != 5 || string(got[4].RequestBody) != "all of it" || got[1].Response != nil || got[2].Response == nil || string(got[2].ResponseBody) != "b" {
		t.Fatalf("%+v", got)
	}
	if x := got[3]; !x.ResponseCut || x.RequestCut || len(x.ResponseBody) < maxMessage-100 || got[0].ResponseCut {
		t.Errorf("%d bytes of a long answer, cut: %t", len(x.ResponseBody), x.ResponseCut)
	}
}
