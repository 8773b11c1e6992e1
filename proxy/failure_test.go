package proxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// logBuffer is where a test's proxy logs to.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logBuffer) logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: level}))
}

// closedPort is an address nobody listens on.
func closedPort(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func TestServerDownIsAnHTTPAnswer(t *testing.T) {
	ca := sharedCA(t)
	_, addr := start(t, Config{CA: ca})
	down := closedPort(t)
	for _, tt := range []struct{ name, mediaType, action, wantType, code string }{
		{"soap11", "text/xml; charset=utf-8", `"urn:x"`, "text/xml; charset=utf-8", "faultcode>soap:Server<"},
		{"soap11_by_action", "application/octet-stream", `""`, "text/xml; charset=utf-8", "faultcode>soap:Server<"},
		{"soap12", `application/soap+xml; charset=utf-8; action="urn:x"`, "", "application/soap+xml; charset=utf-8", "Value>soap:Receiver<"},
		{"soap12_bad_parameter", `application/soap+xml; charset=`, "", "application/soap+xml; charset=utf-8", "Value>soap:Receiver<"},
		{"text", "application/json", "", "text/plain; charset=utf-8", ""},
	} {
		for _, scheme := range []string{"http", "https"} {
			t.Run(tt.name+"_"+scheme, func(t *testing.T) {
				client := via(t, addr, ca)
				for i := range 2 {
					r, err := http.NewRequest("POST", scheme+"://"+down+"/x", strings.NewReader("<a/>"))
					if err != nil {
						t.Fatal(err)
					}
					r.Header.Set("Content-Type", tt.mediaType)
					if tt.action != "" {
						r.Header.Set("SOAPAction", tt.action)
					}
					var reused bool
					r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
						GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }}))
					resp, err := client.Do(r)
					got := body(t, resp, err)
					if resp.StatusCode != 502 || resp.Header.Get("Content-Type") != tt.wantType || !strings.Contains(got, tt.code) ||
						!strings.Contains(got, down+" refused the connection: check that the server is running") {
						t.Errorf("%d %s\n%s", resp.StatusCode, resp.Header.Get("Content-Type"), got)
					}
					if resp.ContentLength != int64(len(got)) {
						t.Errorf("Content-Length %d, body %d", resp.ContentLength, len(got))
					}
					if tt.code != "" {
						if err := xml.Unmarshal([]byte(got), new(struct{ XMLName xml.Name })); err != nil {
							t.Errorf("the fault is not XML: %v", err)
						}
					}
					if i == 1 && !reused {
						t.Error("the client's connection did not survive the failure")
					}
				}
			})
		}
	}
}

func TestUntrustedCertificateSaysWhatToDo(t *testing.T) {
	ca := sharedCA(t)
	upstream := serverTLS(t, func(http.ResponseWriter, *http.Request) { t.Error("the request was sent") })
	u, err := NewUpstream(UpstreamConfig{})
	if err != nil {
		t.Fatal(err)
	}
	_, addr := start(t, Config{CA: ca, NewTransport: func() http.RoundTripper { return u.Transport() }})
	resp, err := via(t, addr, ca).Get(upstream.URL)
	got := body(t, resp, err)
	if want := "--upstream-ca FILE, or --insecure-upstream 127.0.0.1 "; resp.StatusCode != 502 || !strings.Contains(got, want) {
		t.Errorf("%d %q, want 502 and %q", resp.StatusCode, got, want)
	}
}

func TestExplain(t *testing.T) {
	r := &http.Request{URL: &url.URL{Scheme: "https", Host: "ex.test", Path: "/x"}}
	for _, tt := range []struct {
		err    error
		status int
		want   string
	}{
		{&net.DNSError{Err: "no such host", Name: "ex.test", IsNotFound: true}, 502, "unknown host ex.test: "},
		{&net.DNSError{Err: "server misbehaving", Name: "ex.test"}, 502, "could not be looked up"},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, 502, "ex.test:443 refused"},
		{&net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}, 502, "cannot be reached"},
		{&net.OpError{Op: "dial", Err: context.DeadlineExceeded}, 504, "did not take the connection in time"},
		{context.DeadlineExceeded, 504, "did not answer in time"},
		{io.EOF, 502, "closed the connection without an answer"},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, 502, "closed the connection without an answer"},
		{tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, 502, "does not speak TLS"},
		{&net.OpError{Op: "remote error", Err: tls.AlertError(40)}, 502, "broke off the TLS handshake"},
		{errors.New("tls: server selected unsupported protocol version 301"), 502, "no TLS version newer than 1.1"},
		{errors.New(`malformed HTTP response "SECRET"`), 502, "is not HTTP"},
		{errLoop, 508, "umtape itself"},
		{errors.New("<something else>"), 502, "something else"},
	} {
		status, text := explain(fmt.Errorf("wrapped: %w", tt.err), r)
		if status != tt.status || !strings.Contains(text, tt.want) || strings.Contains(text, "SECRET") {
			t.Errorf("explain(%v) = %d %q, want %d and %q", tt.err, status, text, tt.status, tt.want)
		}
	}
}

func TestFaultIsEscaped(t *testing.T) {
	for _, v := range []string{"text/xml", "application/soap+xml"} {
		x := &exchange{request: &http.Request{Header: http.Header{"Content-Type": {v}}}}
		b, _ := io.ReadAll(x.fault(502, `<a> & "TEXT" CODE`).Body)
		var fault struct {
			Text string `xml:"Body>Fault>faultstring"`
			Why  string `xml:"Body>Fault>Reason>Text"`
		}
		if err := xml.Unmarshal(b, &fault); err != nil || fault.Text+fault.Why != `<a> & "TEXT" CODE` {
			t.Errorf("%v: %q, %v", v, fault.Text+fault.Why, err)
		}
	}
}

func TestSlowServerIs504(t *testing.T) {
	release := make(chan struct{})
	upstream := server(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	u, err := NewUpstream(UpstreamConfig{ResponseHeaderTimeout: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	_, addr := start(t, Config{NewTransport: func() http.RoundTripper { return u.Transport() }})
	resp, err := via(t, addr, nil).Get(upstream.URL)
	if got := body(t, resp, err); resp.StatusCode != 504 || !strings.Contains(got, "in time") {
		t.Errorf("%d %q", resp.StatusCode, got)
	}
}

func TestPanicsStayInTheirExchange(t *testing.T) {
	var logged logBuffer
	_, addr := start(t, Config{Logger: logged.logger(slog.LevelDebug), NewTransport: func() http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			resp := reply(r, 200, "ok")
			switch r.URL.Path {
			case "/panic":
				panic("SECRET")
			case "/body":
				resp.Body = panicBody{}
			case "/no-body":
				resp.Body, resp.Header, resp.ContentLength = nil, nil, 0
			case "/nothing":
				return nil, nil
			case "/abort":
				panic(http.ErrAbortHandler)
			case "/abort-error":
				return nil, fmt.Errorf("dropped on purpose: %w", http.ErrAbortHandler)
			}
			return resp, nil
		})
	}})
	client := via(t, addr, nil)
	for path, status := range map[string]int{"/panic": 500, "/nothing": 502, "/ok": 200, "/no-body": 200, "/body": 0, "/abort": 0, "/abort-error": 0} {
		resp, err := client.Get("http://host.test" + path)
		switch {
		case status == 0 && err == nil:
			b, err := io.ReadAll(resp.Body)
			if resp.Body.Close(); err == nil {
				t.Errorf("%s: got %d %q, want a cut connection", path, resp.StatusCode, b)
			}
		case status != 0:
			if body(t, resp, err); resp.StatusCode != status {
				t.Errorf("%s: got %d, want %d", path, resp.StatusCode, status)
			}
		}
	}
	if log := logged.String(); strings.Contains(log, "SECRET") || !strings.Contains(log, "panic while answering") {
		t.Errorf("log:\n%s", log)
	}
}

type panicBody struct{}

func (panicBody) Read([]byte) (int, error) { panic("SECRET") }
func (panicBody) Close() error             { return nil }

func TestNewTransportMayFail(t *testing.T) {
	for name, make := range map[string]func() http.RoundTripper{
		"nil":   func() http.RoundTripper { return nil },
		"panic": func() http.RoundTripper { panic("SECRET") },
	} {
		_, addr := start(t, Config{NewTransport: make})
		resp, err := via(t, addr, nil).Get("http://host.test/")
		if got := body(t, resp, err); resp.StatusCode < 500 || strings.Contains(got, "SECRET") {
			t.Errorf("%s: %d %q", name, resp.StatusCode, got)
		}
	}
}

// A body that breaks off must not look whole to the client.
func TestBrokenBodyIsCut(t *testing.T) {
	for _, head := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", // no last chunk
	} {
		var logged logBuffer
		upstream := breakingServer(t, head)
		_, addr := start(t, Config{Logger: logged.logger(slog.LevelWarn)})
		resp, err := via(t, addr, nil).Get("http://" + upstream + "/x?token=SECRET")
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err == nil || string(b) != "abc" {
			t.Errorf("got %q, %v; want abc and then an error", b, err)
		}
		if log := logged.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "broke off") || strings.Contains(log, "SECRET") {
			t.Errorf("log, want one line:\n%s", log)
		}
	}
}

// breakingServer answers with head and then closes the connection.
func breakingServer(t testing.TB, head string) string {
	return server(t, func(w http.ResponseWriter, r *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		io.WriteString(c, head)
	}).Listener.Addr().String()
}

func TestRequestsThatNameNoServer(t *testing.T) {
	_, addr := start(t, Config{})
	for mediaType, want := range map[string]string{"text/xml": "faultcode>soap:Client<", "application/soap+xml": "soap:Sender", "": "umtape is a proxy"} {
		resp, err := http.Post("http://"+addr+"/x", mediaType, strings.NewReader("<a/>"))
		if got := body(t, resp, err); resp.StatusCode != 421 || !strings.Contains(got, want) || !strings.Contains(got, "--reverse") {
			t.Errorf("%q: %d %q", mediaType, resp.StatusCode, got)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestRequestsToOurselvesEnd(t *testing.T) {
	_, addr := start(t, Config{})
	_, port, _ := net.SplitHostPort(addr)
	for _, host := range []string{addr, "localhost:" + port, "0.0.0.0:" + port} {
		got := ask(t, addr, "GET http://"+host+"/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 508 ") || !strings.Contains(got, "umtape itself") {
			t.Errorf("%s: %q", host, got)
		}
	}
}

// A name that leads back here is found out when it is dialled.
func TestLoopByNameEnds(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	u, err := NewUpstream(UpstreamConfig{Resolve: []string{"ex.test:" + port + ":127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	startOn(t, ln, Config{NewTransport: func() http.RoundTripper { return u.Transport() }})
	resp, err := via(t, ln.Addr().String(), nil).Get("http://ex.test:" + port + "/")
	if got := body(t, resp, err); resp.StatusCode != 508 {
		t.Errorf("%d %q", resp.StatusCode, got)
	}
}
