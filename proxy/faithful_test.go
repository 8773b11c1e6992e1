package proxy

import (
	"bufio"
	"bytes"
	"compress/gzip"
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

func TestRequestReachesServerAsSent(t *testing.T) {
	upstream, got := rawServer(t, "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")
	_, addr := start(t, Config{})
	for _, tt := range []struct{ name, send, want string }{
		{"soap",
			"POST http://" + upstream + "/EWS/UM2007Legacy.asmx HTTP/1.1\r\nHost: " + upstream + "\r\n" +
				"SOAPAction: \"urn:Disconnect\"\r\nContent-Type: text/xml; charset=\"utf-8\"\r\nContent-Length: 4\r\n" +
				"Authorization: NTLM dG9rZW4=\r\nCookie: a=1; b=2\r\nX-Twice: 1\r\nX-Twice: 2\r\n" +
				"Accept-Encoding: gzip, br\r\nConnection: close\r\n\r\n<a/>",
			"POST /EWS/UM2007Legacy.asmx HTTP/1.1\r\nHost: " + upstream + "\r\nContent-Length: 4\r\n" +
				"Accept-Encoding: gzip, br\r\nAuthorization: NTLM dG9rZW4=\r\nContent-Type: text/xml; charset=\"utf-8\"\r\n" +
				"Cookie: a=1; b=2\r\nSOAPAction: \"urn:Disconnect\"\r\nX-Twice: 1\r\nX-Twice: 2\r\n\r\n<a/>"},
		{"nothing_added",
			"GET http://" + upstream + " HTTP/1.1\r\nHost: " + upstream + "\r\nConnection: close\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: " + upstream + "\r\n\r\n"},
		{"hop_by_hop",
			"GET http://" + upstream + "/ HTTP/1.1\r\nHost: " + upstream + "\r\nProxy-Authorization: Basic c2VjcmV0\r\n" +
				"proxy-connection: keep-alive\r\nKeep-Alive: 300\r\nX-Hop: 1\r\nAuthorization: Basic eA==\r\nTE: trailers, deflate\r\n" +
				"User-Agent: .NET/2.0\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\nConnection: close, x-hop, Authorization, Upgrade, HTTP2-Settings\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: " + upstream + "\r\nUser-Agent: .NET/2.0\r\nAuthorization: Basic eA==\r\nTe: trailers\r\n\r\n"},
		{"raw_path_and_query",
			"GET http://" + upstream + "/a%2fb/../c//d;x=1/%E4?a=%2f&&b=;c=a+b&d= HTTP/1.1\r\nHost: " + upstream + "\r\nConnection: close\r\n\r\n",
			"GET /a%2fb/../c//d;x=1/%E4?a=%2f&&b=;c=a+b&d= HTTP/1.1\r\nHost: " + upstream + "\r\n\r\n"},
		{"chunked_with_trailer",
			"POST http://" + upstream + "/ HTTP/1.1\r\nHost: " + upstream + "\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\nConnection: close\r\n\r\n" +
				"5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n",
			"POST / HTTP/1.1\r\nHost: " + upstream + "\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n"},
		{"userinfo_dropped",
			"GET http://user:secret@" + upstream + "/ HTTP/1.1\r\nHost: " + upstream + "\r\nConnection: close\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: " + upstream + "\r\n\r\n"},
		{"http_1_0",
			"POST http://" + upstream + "/ HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi",
			"POST / HTTP/1.1\r\nHost: " + upstream + "\r\nContent-Length: 2\r\n\r\nhi"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ask(t, addr, tt.send)
			if got := next(t, got); got != tt.want {
				t.Errorf("server received\n%q\nwant\n%q", got, tt.want)
			}
		})
	}
}

func TestResponseReachesClientAsSent(t *testing.T) {
	const chunked = "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
	for _, tt := range []struct{ name, method, send, want string }{
		{"nothing_added", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<a/>\n",
			"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<a/>\n"},
		{"headers", "POST", "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\nDate: Thu, 01 Jan 2009 00:00:00 GMT\r\n" +
			"Persistent-Auth: true\r\nServer: Microsoft-IIS/7.0\r\nContent-Type: text/html\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n",
			"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nContent-Type: text/html\r\nDate: Thu, 01 Jan 2009 00:00:00 GMT\r\nPersistent-Auth: true\r\n" +
				"Server: Microsoft-IIS/7.0\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nWww-Authenticate: Negotiate\r\nWww-Authenticate: NTLM\r\n\r\n"},
		{"hop_by_hop", "GET", "HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: close\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nok",
			"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
		{"server_closes_its_connection", "GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
		{"chunked", "GET", "HTTP/1.1 200 OK\r\n" + chunked, "HTTP/1.1 200 OK\r\n" + chunked},
		{"chunked_empty", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{"trailers", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n",
			"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n"},
		{"until_eof", "GET", "HTTP/1.0 200 OK\r\n\r\nabc", "HTTP/1.1 200 OK\r\n" + chunked},
		{"head", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n"},
		{"no_content", "GET", "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n", "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n"},
		{"not_modified", "GET", "HTTP/1.1 304 Not Modified\r\nEtag: \"x\"\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nEtag: \"x\"\r\n\r\n"},
		{"informational", "GET", "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
		{"empty", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			upstream, got := rawServer(t, tt.send)
			_, addr := start(t, Config{})
			c := dial(t, addr)
			// Twice, and then the end: the answers must be framed so that a client
			// on a kept connection finds where each begins.
			request := fmt.Sprintf("%s http://%s/ HTTP/1.1\r\nHost: %[2]s\r\n\r\n", tt.method, upstream)
			io.WriteString(c, request)
			first := make([]byte, len(tt.want))
			if _, err := io.ReadFull(c, first); err != nil || string(first) != tt.want {
				t.Fatalf("client received %v\n%q\nwant\n%q", err, first, tt.want)
			}
			io.WriteString(c, strings.Replace(request, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1))
			rest, err := io.ReadAll(c)
			want := strings.Replace(tt.want, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)
			if h, b, ok := strings.Cut(tt.want, "Transfer-Encoding"); ok { // net/http writes it after Connection
				want = h + "Connection: close\r\nTransfer-Encoding" + b
			}
			if err != nil || string(rest) != want {
				t.Errorf("client then received %v\n%q\nwant\n%q", err, rest, want)
			}
			next(t, got)
			next(t, got)
		})
	}
}

func TestHTTP10ClientGetsBodyUntilEOF(t *testing.T) {
	upstream, _ := rawServer(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
	_, addr := start(t, Config{})
	if got, want := ask(t, addr, "GET http://"+upstream+"/ HTTP/1.0\r\n\r\n"), "HTTP/1.0 200 OK\r\n\r\nabc"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestGzipIsLeftAlone(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	io.WriteString(z, strings.Repeat("<a/>", 100))
	z.Close()
	for _, accept := range []string{"gzip", ""} {
		upstream := serverTLS(t, func(w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("Accept-Encoding"); got != accept {
				t.Errorf("Accept-Encoding %q, want %q", got, accept)
			}
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(packed.Bytes())
		})
		ca := sharedCA(t)
		_, addr := start(t, Config{CA: ca})
		req, err := http.NewRequest("GET", upstream.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		if accept != "" {
			req.Header.Set("Accept-Encoding", accept)
		}
		resp, err := via(t, addr, ca).Do(req)
		if got := body(t, resp, err); got != packed.String() || resp.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("got %d bytes, Content-Encoding %q; want %d bytes of gzip", len(got), resp.Header.Get("Content-Encoding"), packed.Len())
		}
	}
}

// .NET waits 350 ms for the 100 before it sends a body without.
func TestContinueIsSentAtOnce(t *testing.T) {
	ca := sharedCA(t)
	upstream := serverTLS(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	plain := server(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	_, addr := start(t, Config{CA: ca})
	for name, c := range map[string]io.ReadWriter{
		"connect": tlsTunnel(t, addr, upstream.Listener.Addr().String(), ca, ""),
		"plain":   dial(t, addr),
	} {
		fmt.Fprintf(c, "POST http://%s/ HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n", plain.Listener.Addr())
		r := bufio.NewReader(c)
		readHead(t, r, "HTTP/1.1 100 Continue") // no body before it
		io.WriteString(c, "<a/>")
		resp, err := http.ReadResponse(r, nil)
		if got := body(t, resp, err); got != "<a/>" {
			t.Errorf("%s: got %q", name, got)
		}
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
