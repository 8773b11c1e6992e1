package proxy

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// servedByNetHTTP is reached with net/http's server alone.
func servedByNetHTTP(t *testing.T, c Config) net.Conn {
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.start.Do(func() { s.wg.Go(func() { s.http.Serve(s.queue) }) })
	t.Cleanup(func() { s.Close() })
	client, server := net.Pipe()
	t.Cleanup(func() { client.Close() })
	client.SetDeadline(time.Now().Add(time.Minute))
	conn := &clientConn{Conn: server, raw: server, server: s}
	if !s.register(conn) || !s.queue.put(conn) {
		t.Fatal("the server does not take the connection")
	}
	conn.leave()
	return client
}

// witness answers with what it is asked for and notes it.
type witness struct {
	mu  sync.Mutex
	saw strings.Builder
}

func (w *witness) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	w.mu.Lock()
	fmt.Fprintf(&w.saw, "%s %q host %q length %d %q body %q %v trailer %v", r.Method, r.URL, r.Host, r.ContentLength, r.TransferEncoding, body, err, r.Trailer)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(&w.saw, " %s=%q", name, r.Header[name])
	}
	w.saw.WriteString("\n")
	w.mu.Unlock()
	if err != nil {
		return nil, err
	}
	text := r.Method + " " + r.URL.Path + " " + string(body)
	resp := reply(r, 200, text)
	switch r.URL.RawQuery {
	case "none":
		resp = reply(r, 204, "")
	case "same":
		resp = reply(r, 304, "")
	case "unknown":
		resp.ContentLength = -1
	case "trailer":
		resp.ContentLength, resp.Trailer = -1, http.Header{"X-End": {"1"}}
	case "close":
		resp.Header.Set("Connection", "close")
	case "reason":
		resp.Status = "200 As You Like"
	case "bad":
		resp.StatusCode, resp.Header["X-A"] = 500, []string{"a", "", "\xff"}
	case "short":
		resp.ContentLength += 3
	}
	return resp, nil
}

// speaker makes requests, most of them sound.
type speaker struct{ *rand.Rand }

func (s speaker) of(list ...string) string { return list[s.IntN(len(list))] }

// odd is often usual, and one of the list now and then.
func (s speaker) odd(usual string, list ...string) string {
	if s.IntN(8) > 0 {
		return usual
	}
	return s.of(list...)
}

func (s speaker) request() string {
	end := s.odd("\r\n", "\r\n", "\n", "\r", "\r\r\n", "\n\r\n")
	body := s.of("", "", "ab", "\r\n\r\n", "GET /inner HTTP/1.1\r\nHost: h\r\n\r\n", strings.Repeat("x", 70000))
	if len(body) > 1000 && s.IntN(4) > 0 {
		body = "short"
	}
	var b strings.Builder
	b.WriteString(s.odd("", "\r\n", "\n", "\r", "\r\n\r\n", " ", "\x00"))
	b.WriteString(s.odd(s.of("GET", "POST", "HEAD", "OPTIONS", "PUT"), "get", "X-ODD", "P(ST", "", "CONNECT", "TRACE", "PRI", "POST\t", "G\x00T"))
	b.WriteString(s.odd(" ", "  ", "\t", ""))
	b.WriteString(s.odd(s.of("/", "/a", "/a|b%7C", "http://h/x", "/?unknown", "/?trailer", "/?close", "/?none", "/?same", "/?reason", "/?bad", "/?short"),
		"*", "", "//h//x", "http://u:p@other:8/x?q", "h:443", "/%zz", "/\xff\xfe", "/ x", "/a?b?c&d=%00", "/#f", "ftp://h/", "http:x", "?q", "/\x7f", "https://[::1]:1/x", "/..//./"))
	b.WriteString(s.odd(" HTTP/1.1", " HTTP/1.0", " HTTP/1.2", " HTTP/2.0", " http/1.1", "", " HTTP/1.1 ", "  HTTP/1.1", " HTTP/11", " HTTP/0.9"))
	b.WriteString(end)
	b.WriteString(s.odd("Host: h\r\n", "", "Host:\r\n", "Host: h\r\nHost: h\r\n", "host: H:80\r\n", "Host: h/x\r\n", "Host: a b\r\n", "Host: \xff\r\n", "Host:h,i\r\n", "Host: h@i\r\n", "Host: [::1]\r\n", "Host : h\r\n", "Host: 'h'\r\n"))
	for range s.IntN(4) {
		b.WriteString(s.odd(s.of("X-A: 1\r\n", "X-A: 2\r\n", "SOAPAction: \"a\"\r\n", "Connection: keep-alive\r\n", "Cookie: a=b\r\n", "x-odd:  v \t\r\n", "X-Empty:\r\n", "Content-Type: text/xml\r\n"),
			"X: a\r\n b\r\n", "X: a\nY: b\r\n", "X: a\rb\r\n", "X: \x00\r\n", "X: \xff\xfe\r\n", "X : a\r\n", ": a\r\n", "X\r\n", "X(: a\r\n", "\xff: a\r\n", " X: a\r\n", "\tX: a\r\n", "X:a:b\r\n", "X: \x7f\r\n", "X: \x0b\r\n",
			"Connection: close\r\n", "Connection: Keep-Alive, X-A\r\n", "Connection: x-a\r\n", "Connection:\r\n", "Connection: CLOSE\r\n", "Connection: keep-alive \r\n", "Proxy-Connection: close\r\n", "Keep-Alive: 3\r\n", "Te: trailers\r\n", "TE: x\r\n",
			"Upgrade: websocket\r\n", "Trailer: X-End\r\n", "trailer: x\r\n", "Trailer: Content-Length\r\n", "Proxy-Authorization: Basic eA==\r\n", "Authorization: NTLM eA==\r\n", "X-Long: "+strings.Repeat("y", s.IntN(3000))+"\r\n",
			"Transfer-Encoding: identity\r\n", "Transfer-Encoding: gzip\r\n", "Transfer-Encoding:\r\n", "Content-Length: 0\r\n", "Content-Length:\r\n", "Pragma: no-cache\r\n"))
	}
	switch s.IntN(10) {
	case 0:
		body = fmt.Sprintf("%x\r\n%s\r\n0\r\n%s\r\n", len(body), body, s.odd("", "X-End: 1\r\n"))
		if strings.HasPrefix(body, "0\r\n\r\n0") {
			body = "0\r\n\r\n"
		}
		b.WriteString(s.odd("Transfer-Encoding: chunked\r\n", "Transfer-Encoding: Chunked\r\n", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "Transfer-Encoding : chunked\r\n", "Transfer-Encoding:\x0bchunked\r\n", "Content-Length: 3\r\nTransfer-Encoding: xchunked\r\n"))
	case 1:
		n := strconv.Itoa(len(body))
		b.WriteString(s.of("Content-Length: +"+n+"\r\n", "Content-Length: 0x2\r\n", "Content-Length: -1\r\n", "Content-Length: "+n+"\r\nContent-Length: "+n+"\r\n", "Content-Length: "+n+", "+n+"\r\n",
			"Content-Length: 0"+n+"\r\n", "Content-Length: "+n+"\r\nContent-Length: 1\r\n", "Content-Length: 99999999999999999999\r\n", "content-length:"+n+"\t\r\n", "Content-Length: 1\r\n", "Content-Length: "+n+"7\r\n", "Content-Length : "+n+"\r\n", "Content-Length: "+n+"\r\nExpect: 100-continue\r\n"))
	default:
		if body != "" || s.IntN(2) == 0 {
			fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
		}
	}
	b.WriteString(end)
	b.WriteString(body)
	b.WriteString(s.odd("", "", "", "\r\n", "\n", "ab"))
	return b.String()
}

// pieces cuts what is sent; nil is a pause.
func (s speaker) pieces(all string) (list [][]byte) {
	for len(all) > 0 {
		n := len(all)
		if s.IntN(3) == 0 {
			n = 1 + s.IntN(len(all))
		}
		list = append(list, []byte(all[:n]))
		if all = all[n:]; s.IntN(100) == 0 {
			list = append(list, nil)
		}
	}
	return list
}

// sortedHead gives the lines of an answer's header an order.
func sortedHead(head string) string {
	lines := strings.Split(head, "\r\n")
	slices.Sort(lines[1:])
	return strings.Join(lines, "\r\n")
}

var answerHead = regexp.MustCompile(`(?s)HTTP/1\.[01] \d\d\d .*?\r\n\r\n`)

var dates = regexp.MustCompile(`Date: [A-Z][^\r]*GMT`)

// talk sends the pieces, then an end, and returns all that comes back.
func talk(c net.Conn, pieces [][]byte) string {
	go func() {
		for _, p := range pieces {
			if p == nil {
				time.Sleep(restTime + 10*time.Millisecond)
			}
			if _, err := c.Write(p); err != nil {
				return
			}
		}
	}()
	got, _ := io.ReadAll(c)
	text := dates.ReplaceAllString(string(bytes.ToValidUTF8(got, []byte("?"))), "Date: NOW")
	return answerHead.ReplaceAllStringFunc(text, sortedHead)
}

// Whatever a client sends, it and the server see what they would of net/http's server.
func TestPlainIsLikeNetHTTP(t *testing.T) {
	n, first := 300, uint64(1)
	if s := os.Getenv("UMTAPE_REQUESTS"); s != "" {
		n, _ = strconv.Atoi(s)
		first = uint64(time.Now().UnixNano())
	}
	var running sync.WaitGroup
	seeds := make(chan uint64)
	for range 16 {
		running.Go(func() {
			for seed := range seeds {
				s := speaker{rand.New(rand.NewPCG(seed, 0))}
				var all strings.Builder
				for range 1 + s.IntN(4) {
					all.WriteString(s.request())
				}
				const last = "GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
				pieces := s.pieces(all.String() + last)
				config := func(w *witness) Config {
					return Config{ServeOrigin: seed%2 == 0, NewTransport: func() http.RoundTripper { return w }, Limits: Limits{HeaderBytes: 2 << 10, ReadHeader: time.Second, BodyIdle: time.Second}}
				}
				mine, theirs := new(witness), new(witness)
				var got [2]string
				var both sync.WaitGroup
				both.Go(func() { got[0] = talk(reached(t, config(mine)), pieces) })
				both.Go(func() { got[1] = talk(servedByNetHTTP(t, config(theirs)), pieces) })
				both.Wait()
				if got[0] != got[1] || mine.saw.String() != theirs.saw.String() {
					t.Errorf("seed %d, sent\n%.3000q\ngot\n%.3000q\nwant\n%.3000q\nthe server saw\n%.3000s\nand would have seen\n%.3000s", seed, pieces, got[0], got[1], mine.saw.String(), theirs.saw.String())
				}
			}
		})
	}
	for seed := range uint64(n) {
		seeds <- first + seed
	}
	close(seeds)
	running.Wait()
}
