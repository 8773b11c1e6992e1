package captures

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
)

// ReadRaw reads HTTP/1 messages as they are on the wire, a request and its response
// after each other, empty lines between them or not. scheme is that of URLs that do not
// say, http or https. A response that states no length goes on to the end of the file.
func ReadRaw(data []byte, scheme string, keep func(*Exchange, error) error) error {
	data = bytes.TrimPrefix(data, byteOrderMark)
	in := bytes.NewReader(data)
	r := bufio.NewReader(in)
	at := func() int { return len(data) - in.Len() - r.Buffered() }
	for n := 0; ; n++ {
		for {
			c, err := r.Peek(1)
			if err != nil {
				return nil // the end
			}
			if c[0] != '\r' && c[0] != '\n' {
				break
			}
			_, _ = r.Discard(1)
		}
		x, began := &Exchange{}, at()
		if err := readRequest(r, scheme, x); err != nil {
			return fmt.Errorf("byte %d: exchange %d: %w; write a request and its response after each other, as they are on the wire", began, n, err)
		}
		if x.Request.URL.Host == "" {
			return fmt.Errorf("byte %d: exchange %d: the request names no host; give it a Host header", began, n)
		}
		if x.RequestCut {
			return fmt.Errorf("byte %d: exchange %d: the body of the request is shorter than its header says, or its chunks are not whole", began, n)
		}
		began = at()
		if _, err := r.Peek(1); err == nil {
			for {
				c, err := r.Peek(1)
				if err != nil || c[0] != '\r' && c[0] != '\n' {
					break
				}
				_, _ = r.Discard(1)
			}
			if err := readResponse(r, x); err != nil {
				if statesNoLength(x) && x.Request.Method == http.MethodPost {
					return fmt.Errorf("byte %d: exchange %d: %w, nor is it the body of the request, which states no length; give it a Content-Length header", began, n, err)
				}
				return fmt.Errorf("byte %d: exchange %d: %w; write a request and its response after each other, as they are on the wire", began, n, err)
			}
		}
		if err := keep(x, nil); err != nil {
			return fmt.Errorf("exchange %d: %w", n, err)
		}
	}
}
