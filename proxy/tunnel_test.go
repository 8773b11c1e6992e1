package proxy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

func hosts(t testing.TB, entries ...string) Hosts {
	t.Helper()
	h, err := ParseHosts(entries)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// passing is the Config of a proxy that passes loopback by.
func passing(t testing.TB) Config {
	u := insecureUpstream(t)
	return Config{
		Tunnel: hosts(t, "127.0.0.1", "localhost", "::1"), Dial: u.Dial,
		NewTransport: func() http.RoundTripper {
			t.Error("the transport was asked for")
			return u.Transport()
		},
	}
}

func TestParseHosts(t *testing.T) {
	h := hosts(t, "EX.test.", "one.test:8443", "*.Contoso.test", "*.p.test:444", "::1", "[fd00:0::1]:443", "10.0.0.1", "bücher.test")
	for target, want := range map[string]bool{
		"ex.test:443": true, "EX.TEST:1": true, "ex.test.:443": true, "a.ex.test:443": false, "xex.test:443": false,
		"one.test:8443": true, "one.test:443": false,
		"a.contoso.test:443": true, "a.B.contoso.test:1": true, "contoso.test:443": false, "xcontoso.test:443": false,
		"a.p.test:444": true, "a.p.test:443": false,
		"[::1]:443": true, "[0:0:0:0:0:0:0:1]:443": true, "[fd00::1]:443": true, "[fd00::1]:444": false,
		"10.0.0.1:443": true, "[::ffff:10.0.0.1]:443": true, "10.0.0.2:443": false,
		"xn--bcher-kva.test:443": true, "": false, ":443": false, "ex.test": true,
	} {
		if got := h.has(target); got != want {
			t.Errorf("has(%q) = %v, want %v", target, got, want)
		}
	}
	for _, entry := range []string{"", "*", "*.", "*.*.test", "a.*.test", "*.10.0.0.1", "*.::1", "https://ex.test", "ex.test:0", "ex.test:https", "a b", "ex..test", "ex.test/x"} {
		if _, err := ParseHosts([]string{entry}); err == nil || !strings.Contains(err.Error(), "want HOST") {
			t.Errorf("ParseHosts(%q): %v", entry, err)
		}
	}
}

// The client sees the server's own certificate, and HTTP/2 if both speak it.
func TestTunnelIsTheServersOwnTLS(t *testing.T) {
	upstream := serverTLS(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") })
	for name, ca := range map[string]*CA{"with_ca": sharedCA(t), "without": nil} {
		c := passing(t)
		c.CA = ca
		_, addr := start(t, c)
		client := via(t, addr, nil)
		roots := x509.NewCertPool()
		roots.AddCert(upstream.Certificate())
		client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
		resp, err := client.Get(upstream.URL)
		if got := body(t, resp, err); got != "ok" || !resp.TLS.PeerCertificates[0].Equal(upstream.Certificate()) {
			t.Errorf("%s: got %q from %v", name, got, resp.TLS.PeerCertificates[0].Subject)
		}
	}
}

// Bytes pass untouched, also those that come with the CONNECT, and each side may
// end before the other.
func TestTunnelPassesBytes(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	greeting, question, answer := []byte("220 speaks first\r\n"), make([]byte, 300<<10), make([]byte, 3<<20)
	rand.Read(question)
	rand.Read(answer)
	got := make(chan []byte, 1)
	var server sync.WaitGroup
	defer server.Wait()
	server.Go(func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(patience))
		c.Write(greeting)
		b, _ := io.ReadAll(c) // until the client ends its side
		got <- b
		c.Write(answer)
	})
	var logged logBuffer
	config := passing(t)
	config.Logger = logged.logger(slog.LevelDebug)
	s, addr := start(t, config)
	c := dial(t, addr)
	fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: h\r\n\r\n%s", ln.Addr(), question[:100])
	r := bufio.NewReader(c)
	if head := readHead(t, r, "HTTP/1.1 200 "); strings.Contains(head, "Content-Length") || strings.Contains(head, "chunked") {
		t.Errorf("header %q", head)
	}
	if b, err := r.Peek(len(greeting)); !bytes.Equal(b, greeting) {
		t.Errorf("greeting %q, %v", b, err)
	}
	c.Write(question[100:])
	if err := closeWrite(c); err != nil {
		t.Fatal(err)
	}
	if b := next(t, got); !bytes.Equal(b, question) {
		t.Errorf("the server got %d bytes, and not the %d that were sent", len(b), len(question))
	}
	if b, err := io.ReadAll(r); err != nil || !bytes.Equal(b, append(greeting, answer...)) {
		t.Errorf("the client got %d bytes, %v, and not the %d that were sent", len(b), err, len(greeting)+len(answer))
	}
	s.Close()
	if want := fmt.Sprintf("sent=%d received=%d", len(question), len(greeting)+len(answer)); !strings.Contains(logged.String(), want) {
		t.Errorf("log, want %s:\n%s", want, logged.String())
	}
}

// A client may end its side together with its CONNECT.
func TestTunnelOfAClientThatEndsAtOnce(t *testing.T) {
	upstream := server(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") })
	_, addr := start(t, passing(t))
	c := dial(t, addr)
	fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", upstream.Listener.Addr())
	if err := closeWrite(c); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(b), "HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 ") {
		t.Errorf("got %q, %v", b, err)
	}
}

// What keeps a tunnel from coming to be is the answer to CONNECT, and the
// connection can be used again.
func TestTunnelFailures(t *testing.T) {
	timeout := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
	}
	for _, tt := range []struct {
		name, target string
		dial         func(context.Context, string, string) (net.Conn, error)
		want, text   string
	}{
		{"refused", closedPort(t), nil, "HTTP/1.1 502 ", "refused the connection: check that the server is running"},
		{"timeout", "127.0.0.1:443", timeout, "HTTP/1.1 504 ", "did not take the connection in time"},
		{"unknown_host", "127.0.0.1:443", func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.DNSError{IsNotFound: true}
		}, "HTTP/1.1 502 ", "unknown host"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var logged logBuffer
			config := passing(t)
			config.Logger = logged.logger(slog.LevelWarn)
			if tt.dial != nil {
				config.Dial = tt.dial
			}
			_, addr := start(t, config)
			c := dial(t, addr)
			r := bufio.NewReader(c)
			for range 2 {
				fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: h\r\n\r\n", tt.target)
				resp, err := http.ReadResponse(r, &http.Request{Method: "GET"}) // with the body
				if got := body(t, resp, err); !strings.HasPrefix("HTTP/1.1 "+resp.Status, tt.want) || !strings.Contains(got, tt.text) {
					t.Errorf("%s %q, want %s %s", resp.Status, got, tt.want, tt.text)
				}
			}
			if log := logged.String(); strings.Count(log, "\n") != 2 || !strings.Contains(log, tt.text) {
				t.Errorf("log, want a line each:\n%s", log)
			}
		})
	}
}

func TestTunnelNeedsDial(t *testing.T) {
	if _, err := New(Config{NewTransport: insecureTransport(t), Tunnel: hosts(t, "ex.test")}); err == nil {
		t.Error("accepted")
	}
}

func TestIdleTunnelEnds(t *testing.T) {
	upstream := silentServer(t, "")
	config := passing(t)
	config.Limits.UpgradeIdle = 50 * time.Millisecond
	_, addr := start(t, config)
	io.Copy(io.Discard, tunnel(t, addr, upstream)) // ends
}

func TestShutdownEndsTunnels(t *testing.T) {
	upstream := silentServer(t, "")
	s, addr := start(t, passing(t))
	c := tunnel(t, addr, upstream)
	if err := s.Shutdown(deadline(t)); err != nil {
		t.Error(err)
	}
	io.Copy(io.Discard, c) // ends
}

// Neither does a server that does not take the connection hold it up.
func TestShutdownEndsTunnelsThatDial(t *testing.T) {
	dialling := make(chan struct{})
	config := passing(t)
	config.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		close(dialling)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	s, addr := start(t, config)
	c := dial(t, addr)
	io.WriteString(c, "CONNECT 127.0.0.1:443 HTTP/1.1\r\nHost: h\r\n\r\n")
	next(t, dialling)
	if err := s.Shutdown(deadline(t)); err != nil {
		t.Error(err)
	}
	if b, _ := io.ReadAll(c); !strings.HasPrefix(string(b), "HTTP/1.1 503 ") {
		t.Errorf("got %q", b)
	}
}

// A client that trusts its server's certificate only, and says so by an alert or
// by going away, is told of in the log with what to do.
func TestPinningClientIsToldOf(t *testing.T) {
	for _, alert := range []bool{true, false} {
		logged := make(logLines, 4)
		config := passing(t)
		config.CA, config.Logger = sharedCA(t), slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelWarn}))
		s, addr := start(t, config)
		c := tunnel(t, addr, "um.contoso.test:443")
		if alert {
			if err := tls.Client(c, &tls.Config{ServerName: "um.contoso.test", RootCAs: x509.NewCertPool()}).Handshake(); err == nil {
				t.Fatal("trusted")
			}
		} else {
			var hello bytes.Buffer
			tls.Client(writeOnly{&hello}, &tls.Config{ServerName: "um.contoso.test"}).Handshake()
			c.Write(hello.Bytes())
			if _, err := io.ReadFull(c, make([]byte, 100)); err != nil { // of the certificate's record
				t.Fatal(err)
			}
			closeWrite(c)
		}
		log := next(t, logged)
		s.Close()
		if len(logged) > 0 || !strings.Contains(log, "--tunnel um.contoso.test:443") || !strings.Contains(log, "does not trust umtape's CA") {
			t.Errorf("alert %v: log\n%s", alert, log)
		}
	}
}

// logLines gets each line of a log.
type logLines chan string

func (l logLines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// writeOnly is a connection on which nothing comes.
type writeOnly struct{ io.Writer }

func (writeOnly) Read([]byte) (int, error)         { return 0, errors.New("nothing comes") }
func (writeOnly) Close() error                     { return nil }
func (writeOnly) LocalAddr() net.Addr              { return queueAddr{} }
func (writeOnly) RemoteAddr() net.Addr             { return queueAddr{} }
func (writeOnly) SetDeadline(time.Time) error      { return nil }
func (writeOnly) SetReadDeadline(time.Time) error  { return nil }
func (writeOnly) SetWriteDeadline(time.Time) error { return nil }

// An idle connection keeps no large buffer, however much has passed before.
func TestCopyIdle(t *testing.T) {
	want := make([]byte, 200<<10)
	rand.Read(want)
	sizes := []int{1, 1000, 1, 5 << 10, 40 << 10, 32 << 10, 1023, 100 << 10}
	var chunks [][]byte
	for rest := want; len(rest) > 0; {
		n := min(len(rest), sizes[len(chunks)%len(sizes)])
		chunks, rest = append(chunks, rest[:n]), rest[n:]
	}
	src := &chunkReader{chunks: chunks}
	var got bytes.Buffer
	n, err := copyIdle(&got, src)
	if err != nil || n != int64(len(want)) || !bytes.Equal(got.Bytes(), want) {
		t.Errorf("copied %d of %d, %v", n, len(want), err)
	}
	if src.waitedWithLarge > 0 {
		t.Errorf("%d times it waited with a large buffer", src.waitedWithLarge)
	}
}

// chunkReader gives one chunk as a socket does: what there is, and then it waits.
type chunkReader struct {
	chunks          [][]byte
	begun           bool // within a chunk, so that a read does not wait
	waitedWithLarge int
}

func (r *chunkReader) Read(p []byte) (int, error) {
	if len(r.chunks) == 0 {
		return 0, io.EOF
	}
	if !r.begun && len(p) > 1<<10 {
		r.waitedWithLarge++
	}
	n := copy(p, r.chunks[0])
	r.chunks[0] = r.chunks[0][n:]
	r.begun = len(r.chunks[0]) > 0
	if !r.begun {
		r.chunks = r.chunks[1:]
	}
	return n, nil
}
