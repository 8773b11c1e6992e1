package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/proxy"
)

// testApp is an app whose output the test can read.
func testApp(t *testing.T) (*app, *lineBuffer) {
	t.Helper()
	stderr := &lineBuffer{grew: make(chan struct{}, 1)}
	return &app{stdin: strings.NewReader(""), stdout: io.Discard, stderr: stderr}, stderr
}

func testCA(t *testing.T) *proxy.CA {
	t.Helper()
	ca, _, err := proxy.LoadOrCreateCA(filepath.Join(t.TempDir(), "ca"))
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// through returns a client that uses the proxy and trusts ca.
func through(t *testing.T, addr string, ca *proxy.CA) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate())
	transport := &http.Transport{
		Proxy:              http.ProxyURL(&url.URL{Scheme: "http", Host: addr}),
		TLSClientConfig:    &tls.Config{RootCAs: roots},
		DisableCompression: true,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// recordingOf starts a recording that trusts the test server's certificate.
func recordingOf(t *testing.T, a *app, ca *proxy.CA, server *httptest.Server, path string, f recordFlags) *recording {
	t.Helper()
	if server.TLS != nil {
		file := filepath.Join(t.TempDir(), "server.pem")
		if err := os.WriteFile(file, pemOf(server), 0o600); err != nil {
			t.Fatal(err)
		}
		f.upstreamCA = []string{file}
	}
	f.listen, f.sync, f.log.format = "127.0.0.1:0", "interval", cmp.Or(f.log.format, "text")
	if f.maxBody == 0 {
		f.maxBody = cassettes.DefaultMaxBody
	}
	plan, err := a.planRecording(f)
	if err != nil {
		t.Fatal(err)
	}
	s, err := a.startRecording(path, ca, plan)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func pemOf(server *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

// TestReplayNeverDials replays a cassette recorded from a server that is still
// there: hits and misses alike, nothing reaches it.
func TestReplayNeverDials(t *testing.T) {
	var mu sync.Mutex
	reached := 0
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		reached++
		w.Header().Set("Content-Type", "text/xml")
		io.WriteString(w, "<answer/>")
	}))
	defer server.Close()
	a, _ := testApp(t)
	ca := testCA(t)
	path := filepath.Join(t.TempDir(), "calls.yaml")
	rec := recordingOf(t, a, ca, server, path, recordFlags{all: true})
	send := func(client *http.Client, body string) (int, string) {
		resp, err := client.Post(server.URL+"/UnifiedMessaging/Service.asmx", "text/xml", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(got)
	}
	if status, got := send(through(t, rec.addr(), ca), "<a/>"); status != 200 || got != "<answer/>" {
		t.Fatalf("recording: %d %q", status, got)
	}
	if err := rec.stop(io.Discard); err != nil {
		t.Fatal(err)
	}
	before := reached

	play, err := a.startReplay([]string{path}, ca, replayFlags{listen: "127.0.0.1:0", maxBody: 1 << 20, log: logFlags{format: "text"}})
	if err != nil {
		t.Fatal(err)
	}
	client := through(t, play.addr(), ca)
	if status, got := send(client, "<a/>"); status != 200 || got != "<answer/>" {
		t.Errorf("replay: %d %q", status, got)
	}
	if status, _ := send(client, "<b/>"); status != 500 {
		t.Errorf("a miss: %d", status)
	}
	var report bytes.Buffer
	if err := play.stop(&report); err != nil {
		t.Fatal(err)
	}
	if got := report.String(); !strings.HasPrefix(got, "answered 1 request, missed 1, not used 0 interactions\n  missed: POST that is not SOAP: ") || strings.Count(got, "\n") != 2 {
		t.Errorf("report: %q", got)
	}
	if reached != before {
		t.Errorf("%d requests reached the server during the replay", reached-before)
	}
}

// filler is a body of n bytes.
type filler struct{ n int64 }

func (f *filler) Read(p []byte) (int, error) {
	if f.n == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), f.n) // p as it comes: what is in it does not matter
	f.n -= n
	return int(n), nil
}

// TestGigabyteBody sends 1 GiB through a recording and to a replay: forwarded
// whole and kept truncated, refused with a miss, and memory stays bounded.
func TestGigabyteBody(t *testing.T) {
	const size, bound = 1 << 30, 128 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	defer func() {
		runtime.ReadMemStats(&after)
		if grown := after.Sys - before.Sys; grown > bound {
			t.Errorf("memory grew by %d MiB", grown>>20)
		}
	}()
	var received int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		received, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/xml")
		io.WriteString(w, "<answer/>")
	}))
	defer server.Close()
	a, _ := testApp(t)
	ca := testCA(t)
	path := filepath.Join(t.TempDir(), "calls.yaml")
	rec := recordingOf(t, a, ca, server, path, recordFlags{maxBody: 1 << 20})
	send := func(addr string) *http.Response {
		req, err := http.NewRequest("POST", server.URL+"/UnifiedMessaging/Service.asmx", &filler{size})
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = size
		req.Header.Set("Content-Type", "text/xml")
		req.Header.Set("SOAPAction", `""`)
		resp, err := through(t, addr, ca).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		return resp
	}
	if resp := send(rec.addr()); resp.StatusCode != 200 || received != size {
		t.Errorf("recording: status %d, the server received %d bytes", resp.StatusCode, received)
	}
	if err := rec.stop(io.Discard); err != nil {
		t.Fatal(err)
	}
	tape, err := cassettes.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(tape.Interactions) != 1 || tape.Interactions[0].Umtape.Truncated != "request" || len(tape.Interactions[0].Request.Body) != 1<<20 {
		t.Errorf("kept %d interactions", len(tape.Interactions))
	}
	found, err := checkOne(path, path)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found.All() {
		if f.Rule.ID == "SOAP01" {
			t.Error("a truncated request is reported as malformed")
		}
	}

	play, err := a.startReplay([]string{path}, ca, replayFlags{listen: "127.0.0.1:0", maxBody: 1 << 20, log: logFlags{format: "text"}})
	if err != nil {
		t.Fatal(err)
	}
	if resp := send(play.addr()); resp.StatusCode != 500 || !strings.Contains(resp.Header.Get(cassettes.HeaderMiss), "longer than") {
		t.Errorf("replay: %d %v", resp.StatusCode, resp.Header)
	}
	if err := play.stop(io.Discard); err != nil {
		t.Fatal(err)
	}
}

// TestStopFinishesRunningExchanges ends a recording while an answer is on its
// way: the client gets it, and it is on tape.
func TestStopFinishesRunningExchanges(t *testing.T) {
	arrived, goOn := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-goOn
		w.Header().Set("Content-Type", "text/xml")
		io.WriteString(w, "<answer/>")
	}))
	defer server.Close()
	a, _ := testApp(t)
	ca := testCA(t)
	path := filepath.Join(t.TempDir(), "calls.yaml")
	rec := recordingOf(t, a, ca, server, path, recordFlags{all: true})
	answer := make(chan string, 1)
	go func() {
		resp, err := through(t, rec.addr(), ca).Post(server.URL, "text/xml", strings.NewReader("<a/>"))
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		answer <- string(b)
	}()
	<-arrived
	stopped := make(chan error, 1)
	go func() { stopped <- rec.stop(io.Discard) }()
	for { // until it takes no more connections, which is when it has begun to stop
		c, err := net.Dial("tcp", rec.addr())
		if err != nil {
			break
		}
		c.Close()
	}
	close(goOn)
	if got := <-answer; got != "<answer/>" {
		t.Errorf("the client got %q", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if tape, err := cassettes.Load(path); err != nil || len(tape.Interactions) != 1 {
		t.Errorf("%v, %v", tape, err)
	}
}

// TestRecordRunsUntilInterrupted drives the command as main does.
func TestRecordRunsUntilInterrupted(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	stderr := &lineBuffer{grew: make(chan struct{}, 1)}
	var stdout bytes.Buffer
	code := make(chan int)
	go func() {
		code <- run(ctx, []string{"record", filepath.Join(dir, "calls.yaml"), "--listen", "127.0.0.1:0", "--ca-dir", filepath.Join(dir, "ca")}, strings.NewReader(""), &stdout, stderr)
	}()
	deadline := time.After(20 * time.Second)
	for !listening.MatchString(stderr.String()) {
		select {
		case <-stderr.grew:
		case <-deadline:
			t.Fatalf("it does not listen: %s", stderr)
		}
	}
	cancel()
	if got := <-code; got != exitDone || stdout.String() != "captured nothing; no cassette was written\n" {
		t.Errorf("exit %d, %q", got, stdout.String())
	}
}
