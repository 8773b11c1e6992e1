package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"testing"
)

// An answer that comes before the end of its request's body and has a trailer,
// announced or not, is one answer, and leaves the connection in step.
func TestEarlyAnswerWithTrailer(t *testing.T) {
	const end = "2\r\nno\r\n0\r\nX-Sum: 9\r\n\r\n"
	for _, head := range []string{
		"HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 401 Unauthorized\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		serve := func(c net.Conn) {
			r := bufio.NewReader(c)
			readHead(t, r, "POST /first ")
			expect(t, r, "bo")
			io.WriteString(c, head+end)
			expect(t, r, "dy")
			readHead(t, r, "GET /second ")
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
		// Not recording, which reads a request to its end before it sends it.
		for _, way := range waysTo(t, nil, serve) {
			c := way.dial(t)
			fmt.Fprintf(c, "POST %s/first HTTP/1.1\r\nHost: %s\r\nContent-Length: 4\r\n\r\nbo", way.to, way.host)
			expect(t, c, head)
			fmt.Fprintf(c, "dyGET %s/second HTTP/1.1\r\nHost: %s\r\n\r\n", way.to, way.host)
			expect(t, c, end+"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	}
}
