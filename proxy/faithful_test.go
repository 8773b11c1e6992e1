package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// ask sends raw bytes and gives all that came back until the connection ended.
func ask(t testing.TB, addr, request string) string {
	t.Helper()
	c := dial(t, addr)
	io.WriteString(c, request)
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("after %q: %v", b, err)
	}
	return string(b)
}

// A user name in a URL is the client's own business.
func TestUserInfoIsDropped(t *testing.T) {
	upstream, got := rawServer(t, "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")
	_, addr := start(t, Config{})
	ask(t, addr, "GET http://user:secret@"+upstream+"/ HTTP/1.1\r\nHost: "+upstream+"\r\nConnection: close\r\n\r\n")
	if got, want := next(t, got), "GET / HTTP/1.1\r\nHost: "+upstream+"\r\n\r\n"; got != want {
		t.Errorf("the server received %q, want %q", got, want)
	}
}

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	h := fidelityWays(t, nil)
	for _, way := range h.ways {
		c := way.dial(t)
		var all strings.Builder
		for i := range 3 {
			fmt.Fprintf(&all, "POST %s/%d HTTP/1.1\r\nHost: %s\r\nContent-Length: 1\r\n\r\n%d", way.to, i, way.host, i)
		}
		io.WriteString(c, all.String())
		r := bufio.NewReader(c)
		for i := range 3 {
			text := fmt.Sprint(i)
			h.answers <- "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + text
			if m := next(t, h.got); m.first != "POST /"+text+" HTTP/1.1" || m.body != text {
				t.Errorf("%s: the server received %q with %q, want request %d", way.name, m.first, m.body, i)
			}
			if m, err := readAnswer(r, "POST"); err != nil || m.body != text {
				t.Errorf("%s: answer %d is %q, %v", way.name, i, m.body, err)
			}
		}
	}
}

// NTLM does not work over HTTP/2. Who speaks it unasked is told so in HTTP/1.1;
// ALPN has the others choose that themselves.
func TestHTTP2UnaskedIsRefused(t *testing.T) {
	_, addr := start(t, Config{ServeOrigin: true})
	got := ask(t, addr, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	if status, _, _ := strings.Cut(got, "\r\n"); !strings.HasPrefix(status, "HTTP/1.1 4") && !strings.HasPrefix(status, "HTTP/1.1 5") || strings.Count(got, "HTTP/1.1") != 1 {
		t.Errorf("got %q, want one refusal", got)
	}
}

// An early 401 to a large body must not cost the upstream connection, or NTLM
// could never finish.
func TestEarlyAnswerLeavesUploadWhole(t *testing.T) {
	const size = 4 << 20
	answered := make(chan struct{})
	read := make(chan int64, 1)
	upstream := server(t, func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		w.WriteHeader(401)
		http.NewResponseController(w).Flush()
		close(answered)
		n, _ := io.Copy(io.Discard, r.Body)
		read <- n
	})
	_, addr := start(t, Config{})
	c := dial(t, addr)
	fmt.Fprintf(c, "POST %s/ HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", upstream.URL, size)
	r := bufio.NewReader(c)
	readHead(t, r, "HTTP/1.1 401 ")
	<-answered
	if _, err := c.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	if got := next(t, read); got != size {
		t.Errorf("the server read %d bytes, want %d", got, size)
	}
}
