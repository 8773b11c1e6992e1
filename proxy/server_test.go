package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestShutdownWaitsForRunningExchange(t *testing.T) {
	ca := sharedCA(t)
	for _, secure := range []bool{false, true} {
		began, release := make(chan struct{}), make(chan struct{})
		serve := func(w http.ResponseWriter, r *http.Request) {
			close(began)
			<-release
			io.WriteString(w, "whole")
		}
		up := server
		if secure {
			up = serverTLS
		}
		url := up(t, serve).URL
		s, addr := start(t, Config{CA: ca})
		// These must not hold Shutdown up: silent, idle in a tunnel, idle over TLS.
		idle := []net.Conn{dial(t, addr), tunnel(t, addr, "h.test:443"), tlsTunnel(t, addr, "127.0.0.1:443", ca, "")}
		got := make(chan string, 1)
		client := via(t, addr, ca)
		go func() {
			resp, err := client.Get(url)
			if err != nil {
				got <- err.Error()
				return
			}
			defer resp.Body.Close()
			b, _ := io.ReadAll(resp.Body)
			got <- string(b)
		}()
		next(t, began)
		down := make(chan error, 1)
		go func() { down <- s.Shutdown(deadline(t)) }()
		for _, c := range idle {
			io.ReadAll(c) // ends although the exchange still runs
		}
		select {
		case err := <-down:
			t.Errorf("Shutdown = %v while an exchange was running", err)
		default:
		}
		close(release)
		if b := next(t, got); b != "whole" {
			t.Errorf("client got %q", b)
		}
		if err := next(t, down); err != nil {
			t.Errorf("Shutdown = %v", err)
		}
		if _, err := net.Dial("tcp", addr); err == nil {
			t.Error("still listening")
		}
	}
}

// A request that comes when the server has begun to end is not forwarded, though
// its connection is still open.
func TestNoExchangeBeginsAfterShutdownHas(t *testing.T) {
	upstream, got := rawServer(t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	s, addr := start(t, Config{})
	c := dial(t, addr)
	r := bufio.NewReader(c)
	fmt.Fprintf(c, "GET http://%s/ HTTP/1.1\r\nHost: h\r\n\r\n", upstream)
	readHead(t, r, "HTTP/1.1 200 ")
	next(t, got)
	s.stop() // how Shutdown begins
	fmt.Fprintf(c, "GET http://%s/ HTTP/1.1\r\nHost: h\r\n\r\n", upstream)
	if b, _ := io.ReadAll(r); len(b) > 0 || len(got) > 0 {
		t.Errorf("the client got %q, the server %d requests more", b, len(got))
	}
}

func TestShutdownEndsUpgradedConnections(t *testing.T) {
	upstream := server(t, func(w http.ResponseWriter, r *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		io.Copy(io.Discard, rw)
	})
	s, addr := start(t, Config{})
	c := dial(t, addr)
	fmt.Fprintf(c, "GET %s/ HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", upstream.URL)
	r := bufio.NewReader(c)
	readHead(t, r, "HTTP/1.1 101 ")
	if err := s.Shutdown(deadline(t)); err != nil {
		t.Error(err)
	}
	io.Copy(io.Discard, r) // ends
}

func TestShutdownCutsWhatOutlastsItsContext(t *testing.T) {
	began := make(chan struct{})
	s, addr := start(t, Config{NewTransport: func() http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			close(began)
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
	}})
	failed := make(chan error, 1)
	client := via(t, addr, nil)
	go func() { _, err := client.Get("http://h.test/"); failed <- err }()
	next(t, began)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown = %v, want context.Canceled", err)
	}
	next(t, failed)
	if err := s.Close(); err != nil {
		t.Errorf("Close after Shutdown = %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second Close = %v", err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(ln); err != http.ErrServerClosed {
		t.Errorf("Serve after Close = %v", err)
	}
}

func TestCloseWhileClientsCome(t *testing.T) {
	ca := sharedCA(t)
	upstream := serverTLS(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") })
	s, addr := start(t, Config{CA: ca})
	var all sync.WaitGroup
	started := make(chan struct{}, 8)
	for range 8 {
		all.Go(func() {
			for i := 0; ; i++ {
				client := via(t, addr, ca)
				resp, err := client.Get(upstream.URL)
				client.CloseIdleConnections()
				if err != nil {
					return
				}
				resp.Body.Close()
				if i == 1 {
					started <- struct{}{}
				}
			}
		})
	}
	next(t, started)
	s.Close()
	all.Wait()
}

func TestListenTLSOrPlain(t *testing.T) {
	ca := sharedCA(t)
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := ListenTLSOrPlain(raw, ca, nil)
	addr := ln.Addr().String()
	srv := &http.Server{ErrorLog: quiet, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.TLS != nil)
	})}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	slow := dial(t, addr) // says nothing, and delays nobody
	half := dial(t, addr)
	half.Write([]byte{tlsHandshakeRecord})
	for name, c := range map[string]io.ReadWriter{"false": dial(t, addr), "true": tlsOver(t, dial(t, addr), ca, "um.contoso.test")} {
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if got := body(t, resp, err); got != name {
			t.Errorf("TLS seen: %s, want %s", got, name)
		}
	}
	srv.Close()
	if err := next(t, served); err != http.ErrServerClosed {
		t.Errorf("Serve = %v", err)
	}
	io.ReadAll(slow)
	io.ReadAll(half)
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close = %v", err)
	}
	if err := ln.Close(); err == nil {
		t.Log("second Close is harmless")
	}
}

func TestListenTLSOrPlainGivesTheListenersError(t *testing.T) {
	broken := errors.New("broken")
	ln := ListenTLSOrPlain(brokenListener{broken}, sharedCA(t), nil)
	if _, err := ln.Accept(); err != broken {
		t.Errorf("Accept = %v, want %v", err, broken)
	}
	ln.Close()
}

type brokenListener struct{ err error }

func (l brokenListener) Accept() (net.Conn, error) { return nil, l.err }
func (l brokenListener) Close() error              { return nil }
func (l brokenListener) Addr() net.Addr            { return queueAddr{} }

// goproxy's built-in authority has a private key that everybody has; these are
// the ways to it.
func TestGoproxysOwnAuthorityIsNotUsed(t *testing.T) {
	banned := map[string]bool{"GoproxyCa": true, "MitmConnect": true, "OkConnect": true, "AlwaysMitm": true,
		"HTTPMitmConnect": true, "RejectConnect": true, "AlwaysReject": true}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && banned[id.Name] {
				t.Errorf("%s: %s", fset.Position(id.Pos()), id.Name)
			}
			return true
		})
	}
}

func TestLogHoldsNoSecrets(t *testing.T) {
	ca := sharedCA(t)
	var logged logBuffer
	upstream := serverTLS(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", "NTLM SECRET")
		io.WriteString(w, "SECRET")
	})
	_, addr := start(t, Config{CA: ca, Logger: logged.logger(slog.LevelDebug)})
	for _, url := range []string{upstream.URL, "http://" + closedPort(t)} {
		r, err := http.NewRequest("POST", url+"/EWS/UM.asmx?SECRET=1", strings.NewReader("SECRET"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Basic SECRET")
		r.Header.Set("Proxy-Authorization", "Basic SECRET")
		resp, err := via(t, addr, ca).Do(r)
		body(t, resp, err)
	}
	log := logged.String() // a line is written before net/http sends the end of a short body
	if strings.Contains(log, "SECRET") || !strings.Contains(log, "/EWS/UM.asmx status=200 outcome=answered request_bytes=6 response_bytes=6 ") || !strings.Contains(log, "status=502") {
		t.Errorf("log:\n%s", log)
	}
}
