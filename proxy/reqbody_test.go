package proxy

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// An answer may come before, during and after the request's body; whatever the
// framing of both, no byte of the body is ever taken for a request, and a
// connection that goes on answers the next request and no other.
func TestEarlyAnswerKeepsRequestsApart(t *testing.T) {
	const inner = "GET http://host.test/smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
	answers := map[string]string{
		"empty":   "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
		"length":  "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno",
		"chunked": "HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
	}
	for name, answer := range answers {
		for _, sent := range []string{"before", "during", "after"} {
			for _, framing := range []string{"length", "chunked"} {
				t.Run(name+"_"+sent+"_"+framing, func(t *testing.T) {
					upstream := earlyServer(t, answer)
					_, addr := start(t, Config{})
					head := fmt.Sprintf("POST http://%s/first HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", upstream, 3*len(inner))
					body := strings.Repeat(inner, 3)
					if framing == "chunked" {
						head = fmt.Sprintf("POST http://%s/first HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", upstream)
						body = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
					}
					c := dial(t, addr)
					early := map[string]int{"before": len(body), "during": len(inner) + 7, "after": 0}[sent]
					io.WriteString(c, head+body[:early])
					r := bufio.NewReader(c)
					first, err := http.ReadResponse(r, nil)
					if err != nil || first.StatusCode != 401 {
						t.Fatalf("first answer %v, %v", first, err)
					}
					io.Copy(io.Discard, first.Body)
					io.WriteString(c, body[early:])
					fmt.Fprintf(c, "GET http://%s/second HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", upstream)
					rest, err := io.ReadAll(r)
					if err != nil || strings.Count(string(rest), "HTTP/1.1 ") != 1 || !strings.HasSuffix(string(rest), "\r\n\r\nGET /second") {
						t.Errorf("after the first answer the client read %q, %v; want the second and the end", rest, err)
					}
				})
			}
		}
	}
}

// earlyServer answers POST when it has the header, and then reads the body; any
// other request with its own first line.
func earlyServer(t testing.TB, answer string) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { ln.Close(); wg.Wait() })
	serve := func(c net.Conn) {
		defer c.Close()
		c.SetDeadline(time.Now().Add(patience))
		for buffered := bufio.NewReader(c); ; {
			r, err := http.ReadRequest(buffered)
			if err != nil {
				return
			}
			if r.Method == "POST" {
				io.WriteString(c, answer)
				if _, err := io.Copy(io.Discard, r.Body); err != nil {
					return
				}
				continue
			}
			line := r.Method + " " + r.URL.Path
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(line), line)
		}
	}
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { serve(c) })
		}
	})
	return ln.Addr().String()
}

// A transport need not read the body: the connection lives on.
func TestUnreadBodyKeepsTheConnection(t *testing.T) {
	for name, newTransport := range map[string]func() http.RoundTripper{
		"answers": func() http.RoundTripper {
			return roundTrip(func(r *http.Request) (*http.Response, error) { return reply(r, 503, "ok"), nil })
		},
		"nil": func() http.RoundTripper { return nil },
		"reads_a_part": func() http.RoundTripper {
			return roundTrip(func(r *http.Request) (*http.Response, error) {
				r.Body.Read(make([]byte, 10))
				r.Body.Close()
				return reply(r, 503, "ok"), nil
			})
		},
	} {
		var logged logBuffer
		_, addr := start(t, Config{NewTransport: newTransport, Logger: logged.logger(slog.LevelDebug)})
		got := ask(t, addr, "POST http://h/ HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n"+strings.Repeat("x", 100000)+
			"GET http://h/2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		if strings.Count(got, "HTTP/1.1 50") != 2 || strings.Contains(got, "HTTP/1.1 400") || strings.Contains(logged.String(), "panic") {
			t.Errorf("%s: got %q, log\n%s", name, got, logged.String())
		}
	}
}

// A body too long to be read for nothing costs the connection, not the answer.
func TestHugeUnwantedBodyEndsTheConnectionAfterTheAnswer(t *testing.T) {
	for _, length := range []int64{2, -1} {
		_, addr := start(t, Config{NewTransport: func() http.RoundTripper {
			return roundTrip(func(r *http.Request) (*http.Response, error) {
				resp := reply(r, 413, "no")
				resp.ContentLength = length
				return resp, nil
			})
		}})
		c := dial(t, addr)
		fmt.Fprintf(c, "POST http://h/ HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", 64<<20)
		c.Write(make([]byte, 1<<20))
		r := bufio.NewReader(c)
		resp, err := http.ReadResponse(r, nil)
		if got := body(t, resp, err); resp.StatusCode != 413 || got != "no" {
			t.Errorf("%d %q", resp.StatusCode, got)
		}
		if rest, err := io.ReadAll(r); len(rest) != 0 || err != nil {
			t.Errorf("then %q, %v; want the end", rest, err)
		}
	}
}

// Whoever was not told to send its body is not waited for.
func TestUnaskedExpectedBodyIsNotAwaited(t *testing.T) {
	_, addr := start(t, Config{NewTransport: func() http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) { return reply(r, 417, "no"), nil })
	}})
	got := ask(t, addr, "POST http://h/ HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 417 ") || !strings.Contains(got, "Connection: close") || !strings.HasSuffix(got, "no") {
		t.Errorf("got %q", got)
	}
}

// What is wrong with the client's body is told to the client as its own fault,
// once, and the connection ends.
func TestBrokenRequestIsTheClientsFault(t *testing.T) {
	upstream := server(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	buffered := func() http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			if _, err := io.ReadAll(r.Body); err != nil {
				return nil, fmt.Errorf("reading the client's request: %w", err)
			}
			return reply(r, 200, "ok"), nil
		})
	}
	for name, newTransport := range map[string]func() http.RoundTripper{"buffered": buffered, "streamed": nil} {
		for _, tt := range []struct{ name, rest, want string }{
			{"bad_chunk", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nSECRET\r\n", "is damaged"},
			{"bad_first_chunk", "Transfer-Encoding: chunked\r\n\r\nSECRET\r\n", "is damaged"},
			{"short_chunked", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "broke off"},
			{"short_length", "Content-Length: 10\r\n\r\nabc", "broke off"},
		} {
			t.Run(name+"_"+tt.name, func(t *testing.T) {
				var logged logBuffer
				_, addr := start(t, Config{NewTransport: newTransport, Logger: logged.logger(slog.LevelDebug)})
				c := dial(t, addr)
				fmt.Fprintf(c, "POST %s/ HTTP/1.1\r\nHost: h\r\nContent-Type: text/xml\r\n%s", upstream.URL, tt.rest)
				closeWrite(c)
				got, err := io.ReadAll(c)
				if s := string(got); err != nil || strings.Count(s, "HTTP/1.1 ") != 1 || !strings.HasPrefix(s, "HTTP/1.1 400 ") ||
					!strings.Contains(s, "soap:Client<") || !strings.Contains(s, tt.want) || !strings.Contains(s, "Connection: close") {
					t.Errorf("got %q, %v; want one 400 that says %q", s, err, tt.want)
				}
				if log := logged.String(); strings.Contains(log+string(got), "SECRET") || strings.Contains(log, "no answer from the server") {
					t.Errorf("log:\n%s", log)
				}
			})
		}
	}
}
