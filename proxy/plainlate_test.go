package proxy

import (
	"bufio"
	"io"
	"net/http"
	"testing"
	"time"
)

// Old clients send an empty line after a body, which may come with it, after it, or
// with the next request, in one piece or two.
func TestEmptyLineAfterBody(t *testing.T) {
	const request = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab"
	for name, pieces := range map[string][]string{
		"with it":               {request + "\r\n", request},
		"after it":              {request, "\r\n", request},
		"with the next":         {request, "\r\n" + request},
		"in two pieces":         {request + "\r", "\n" + request},
		"byte by byte":          {request, "\r", "\n", request},
		"with one that is none": {request, "\r\nPOST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"},
		"and a late rest":       {request, "\r\nPO", "", request[2:]},
	} {
		c := reached(t, Config{ServeOrigin: true, NewTransport: echoing})
		in := bufio.NewReader(c)
		go func() {
			for _, piece := range pieces {
				if piece == "" {
					time.Sleep(2 * restTime)
				}
				io.WriteString(c, piece)
			}
		}()
		for n := range 2 {
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatalf("%s: answer %d: %v", name, n, err)
			}
			if got, err := io.ReadAll(resp.Body); string(got) != "<POST /x ab>" || err != nil {
				t.Errorf("%s: answer %d: %d %q, %v", name, n, resp.StatusCode, got, err)
			}
		}
	}
}
