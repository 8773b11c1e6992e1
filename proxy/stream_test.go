package proxy

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
)

func TestBytesArriveAsTheyAreSent(t *testing.T) {
	for _, length := range []string{"", "6"} { // chunked, and of known length
		step := make(chan struct{})
		upstream := server(t, func(w http.ResponseWriter, r *http.Request) {
			if length != "" {
				w.Header().Set("Content-Length", length)
			}
			for _, part := range []string{"abc", "def"} {
				io.WriteString(w, part)
				http.NewResponseController(w).Flush()
				<-step
			}
		})
		_, addr := start(t, Config{})
		resp, err := via(t, addr, nil).Get(upstream.URL)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"abc", "def"} {
			b := make([]byte, 3)
			if _, err := io.ReadFull(resp.Body, b); err != nil || string(b) != want {
				t.Errorf("got %q, %v; want %q", b, err, want)
			}
			step <- struct{}{} // the server goes on only after the client has read
		}
		resp.Body.Close()
	}
}

func TestHeaderArrivesBeforeStreamedBody(t *testing.T) {
	release := make(chan struct{})
	upstream := server(t, func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).Flush()
		<-release
	})
	_, addr := start(t, Config{})
	resp, err := via(t, addr, nil).Get(upstream.URL) // returns with the header
	close(release)
	body(t, resp, err)
}

func TestBigBodyInBoundedMemory(t *testing.T) {
	const size = 64 << 20
	block := make([]byte, 64<<10)
	for i := range block {
		block[i] = byte(i * 7)
	}
	upstream := server(t, func(w http.ResponseWriter, r *http.Request) {
		for range size / len(block) {
			w.Write(block)
		}
	})
	_, addr := start(t, Config{})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	resp, err := via(t, addr, nil).Get(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	hash := sha256.New()
	n, err := io.CopyBuffer(struct{ io.Writer }{hash}, struct{ io.Reader }{resp.Body}, make([]byte, 64<<10))
	if err != nil || n != size {
		t.Fatalf("read %d bytes, %v; want %d", n, err, size)
	}
	runtime.ReadMemStats(&after)
	// Everything that client, proxy and server allocated, not only what lived.
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 {
		t.Errorf("%d bytes allocated for %d of body", grown, size)
	}
	want := sha256.New()
	for range size / len(block) {
		want.Write(block)
	}
	if string(hash.Sum(nil)) != string(want.Sum(nil)) {
		t.Error("the body differs")
	}
}

func TestClientGoneCancelsUpstream(t *testing.T) {
	ca := sharedCA(t)
	for _, secure := range []bool{false, true} {
		began, ended := make(chan struct{}), make(chan struct{})
		wait := func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			close(began)
			<-r.Context().Done()
			close(ended)
		}
		upstream := server
		if secure {
			upstream = serverTLS
		}
		url := upstream(t, wait).URL
		_, addr := start(t, Config{CA: ca})
		ctx, cancel := context.WithCancel(context.Background())
		r, err := http.NewRequestWithContext(ctx, "POST", url, strings.NewReader("<a/>"))
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		client := via(t, addr, ca)
		go func() { _, err := client.Do(r); done <- err }()
		next(t, began)
		cancel()
		next(t, done)
		next(t, ended)
	}
}

func TestUpgrade(t *testing.T) {
	ca := sharedCA(t)
	for _, protocol := range []string{"websocket", "umtape-test"} {
		serve := func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Upgrade") != protocol || r.Header.Get("Connection") != "Upgrade" {
				t.Errorf("Upgrade %q, Connection %q", r.Header.Get("Upgrade"), r.Header.Get("Connection"))
			}
			c, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			// The first bytes come in the segment of the 101.
			fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\nX-A: 1\r\n\r\nhello ", protocol)
			io.Copy(c, rw) // until the client ends its side
			io.WriteString(c, " bye")
		}
		plain, secure := server(t, serve), serverTLS(t, serve)
		_, addr := start(t, Config{CA: ca})
		for name, c := range map[string]io.ReadWriter{
			"plain":   dial(t, addr),
			"connect": tlsTunnel(t, addr, secure.Listener.Addr().String(), ca, ""),
		} {
			fmt.Fprintf(c, "GET %s/ HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: %s\r\n\r\nearly", plain.URL, protocol)
			r := bufio.NewReader(c)
			head := readHead(t, r, "HTTP/1.1 101 Switching Protocols\r\n")
			if want := "Connection: Upgrade\r\nUpgrade: " + protocol + "\r\nX-A: 1\r\n"; !strings.Contains(head, want) || strings.Contains(head, "Date") {
				t.Errorf("%s: header %q", name, head)
			}
			io.WriteString(c, " and late")
			if err := closeWrite(c); err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(r)
			if got, want := string(b), "hello early and late bye"; err != nil || got != want {
				t.Errorf("%s over %s: got %q, %v; want %q", protocol, name, got, err, want)
			}
		}
	}
}

func TestUpgradeNotAskedForIsRefused(t *testing.T) {
	upstream := breakingServer(t, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
	_, addr := start(t, Config{})
	resp, err := via(t, addr, nil).Get("http://" + upstream + "/")
	if body(t, resp, err); resp.StatusCode != 502 {
		t.Errorf("status %d, want 502", resp.StatusCode)
	}
}
