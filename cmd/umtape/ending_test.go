//go:build unix

package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/umtape/umtape/cassettes"
)

// process is a running umtape, the program itself.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	addr   string
	stdout bytes.Buffer
	stderr lineBuffer
	exited chan struct{}
}

// startProcess runs umtape on a free port until the test ends.
func startProcess(t *testing.T, args ...string) *process {
	t.Helper()
	path, err := exec.LookPath("umtape") // testscript has put it there
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command(path, append(args, "--listen", "127.0.0.1:0")...), exited: make(chan struct{})}
	p.stderr.grew = make(chan struct{}, 1)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.cmd.Wait(); close(p.exited) }()
	t.Cleanup(func() { p.cmd.Process.Kill(); <-p.exited })
	deadline := time.After(30 * time.Second)
	for p.addr == "" {
		if m := listening.FindStringSubmatch(p.stderr.String()); m != nil {
			p.addr = m[1]
			break
		}
		select {
		case <-p.stderr.grew:
		case <-p.exited:
			t.Fatalf("it ended before it listened: %s", p.stderr.String())
		case <-deadline:
			t.Fatalf("it does not listen: %s", p.stderr.String())
		}
	}
	return p
}

// term sends a signal and waits until no new connection is taken.
func (p *process) term() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; {
		c, err := net.Dial("tcp", p.addr)
		if err != nil {
			return
		}
		c.Close()
		if time.Now().After(deadline) {
			p.t.Fatal("it still takes connections")
		}
	}
}

// ends waits for the process and checks its exit code.
func (p *process) ends(code int) {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(30 * time.Second):
		p.t.Fatalf("it does not end: %s", p.stderr.String())
	}
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Errorf("exit code %d, want %d: %s", got, code, p.stderr.String())
	}
}

// dial opens a connection and sends what is given.
func (p *process) dial(text string) net.Conn {
	p.t.Helper()
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(30 * time.Second))
	io.WriteString(c, text)
	return c
}

// slowServer answers /slow when it is let go, and everything else at once, with
// the request's body.
type slowServer struct {
	*httptest.Server
	arrived, goOn chan struct{}
	requests      atomic.Int64
}

func newSlowServer(t *testing.T) *slowServer {
	s := &slowServer{arrived: make(chan struct{}, 1), goOn: make(chan struct{})}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		b, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/slow" {
			s.arrived <- struct{}{}
			select {
			case <-s.goOn:
			case <-r.Context().Done():
				return
			}
		}
		w.Header().Set("Content-Type", "text/xml")
		w.Write(b)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *slowServer) post(path string) string {
	return fmt.Sprintf("POST %s%s HTTP/1.1\r\nHost: h\r\nContent-Type: text/xml\r\nContent-Length: 4\r\n\r\n<a/>", s.URL, path)
}

func readAnswer(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d %s", resp.StatusCode, b)
}

// loaded is how many interactions a cassette holds. It must need no recovery.
func loaded(t *testing.T, path string) []*cassettes.Interaction {
	t.Helper()
	tape, err := cassettes.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if tape.Torn != nil {
		t.Errorf("the cassette is torn: %v", tape.Torn)
	}
	return tape.Interactions
}

// Every kind of idle connection, whatever runs on them.
func idleOf(t *testing.T, p *process, caFile string, exchange string) map[string]net.Conn {
	t.Helper()
	kept := p.dial(exchange)
	readAnswer(t, bufio.NewReader(kept))
	tunnel := func() net.Conn {
		c := p.dial("CONNECT h.test:443 HTTP/1.1\r\nHost: h.test:443\r\n\r\n")
		if head, err := bufio.NewReaderSize(c, 16).ReadString('\n'); err != nil || !strings.Contains(head, " 200 ") {
			t.Fatalf("%q, %v", head, err)
		}
		return c
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	secure := tls.Client(p.dial(""), &tls.Config{RootCAs: roots, ServerName: "h.test"})
	if err := secure.Handshake(); err != nil {
		t.Fatal(err)
	}
	return map[string]net.Conn{
		"silent": p.dial(""), "kept alive": kept, "tunnel": tunnel(), "TLS": secure,
		"in the middle of a handshake": p.dial("\x16\x03\x01\x02\x00\x01"), "in the middle of a header": p.dial("GET http://h.test/ HTTP/1.1\r\nX: "),
	}
}

func TestSIGTERMFinishesWhatRuns(t *testing.T) {
	dir := t.TempDir()
	path, caDir := filepath.Join(dir, "calls.yaml"), filepath.Join(dir, "ca")
	server := newSlowServer(t)
	p := startProcess(t, "record", path, "--all", "--ca-dir", caDir)
	idle := idleOf(t, p, filepath.Join(caDir, "ca.pem"), server.post("/before"))
	running := p.dial(server.post("/slow"))
	<-server.arrived
	p.term() // which returns when a new client is refused
	for name, c := range idle {
		io.WriteString(c, server.post("/after")) // perhaps it finds the connection closed
		b, err := io.ReadAll(c)
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			t.Errorf("%s: the connection is still open; read %q", name, b)
		}
	}
	io.WriteString(running, server.post("/after")) // behind the one that runs
	select {
	case <-p.exited:
		t.Fatalf("it has ended while an exchange was running: %s", p.stderr.String())
	default:
	}
	close(server.goOn)
	r := bufio.NewReader(running)
	if got := readAnswer(t, r); got != "200 <a/>" {
		t.Errorf("the client got %q", got)
	}
	if rest, _ := io.ReadAll(r); len(rest) > 0 {
		t.Errorf("and then %q", rest)
	}
	p.ends(0)
	if n := server.requests.Load(); n != 2 {
		t.Errorf("the server got %d requests, want those before and the slow one", n)
	}
	if n := len(loaded(t, path)); n != 2 || !strings.HasPrefix(p.stdout.String(), "captured 2 interactions") {
		t.Errorf("%d interactions on tape; %s", n, p.stdout.String())
	}
}

func TestSecondSIGTERMEndsAtOnce(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "calls.yaml")
	server := newSlowServer(t)
	p := startProcess(t, "record", path, "--all", "--ca-dir", filepath.Join(dir, "ca"))
	c := p.dial(server.post("/before"))
	if got := readAnswer(t, bufio.NewReader(c)); got != "200 <a/>" {
		t.Fatal(got)
	}
	running := p.dial(server.post("/slow"))
	<-server.arrived
	p.term()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.ends(1)
	if b, _ := io.ReadAll(running); strings.HasPrefix(string(b), "HTTP/1.1 200") {
		t.Errorf("the client got %q", b)
	}
	if n := len(loaded(t, path)); n != 1 {
		t.Errorf("%d interactions on tape, want the one that was answered", n)
	}
	if got := p.stderr.String(); !strings.Contains(got, "umtape: error: a signal has ended it at once") {
		t.Errorf("stderr: %s", got)
	}
	if got := p.stdout.String(); !strings.HasPrefix(got, "captured 1 interaction in ") {
		t.Errorf("stdout: %s", got)
	}
}

// What a client has had whole is on tape, whenever the signals come.
func TestSignalsLoseNothingThatWasAnswered(t *testing.T) {
	for _, signals := range []int{1, 2, 3} {
		dir := t.TempDir()
		path := filepath.Join(dir, "calls.yaml")
		server := newSlowServer(t)
		p := startProcess(t, "record", path, "--all", "--ca-dir", filepath.Join(dir, "ca"))
		var mu sync.Mutex
		answered := map[string]bool{}
		var clients sync.WaitGroup
		many := make(chan struct{}, 1<<20)
		for n := range 8 {
			client := through(t, p.addr, testCA(t))
			clients.Go(func() {
				for i := 0; ; i++ {
					text := fmt.Sprintf("<a>%d.%d</a>", n, i)
					resp, err := client.Post(server.URL+"/x", "text/xml", strings.NewReader(text))
					if err != nil {
						return
					}
					b, err := io.ReadAll(resp.Body)
					resp.Body.Close()
					if err != nil || string(b) != text {
						return
					}
					mu.Lock()
					answered[text] = true
					mu.Unlock()
					many <- struct{}{}
				}
			})
		}
		for range 200 {
			<-many
		}
		for range signals {
			p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
		}
		<-p.exited
		clients.Wait()
		kept := map[string]bool{}
		for _, i := range loaded(t, path) {
			kept[string(i.Response.Body)] = true
		}
		for text := range answered {
			if !kept[text] {
				t.Errorf("%d signals: %s was answered and is not on tape", signals, text)
			}
		}
		if code := p.cmd.ProcessState.ExitCode(); signals == 1 && code != 0 {
			t.Errorf("exit code %d: %s", code, p.stderr.String())
		}
		t.Logf("%d signals: %d answered, %d kept, exit code %d", signals, len(answered), len(kept), p.cmd.ProcessState.ExitCode())
	}
}

func TestSIGTERMEndsReplayAndServer(t *testing.T) {
	dir := t.TempDir()
	path, caDir := filepath.Join(dir, "calls.yaml"), filepath.Join(dir, "ca")
	server := newSlowServer(t)
	p := startProcess(t, "record", path, "--all", "--ca-dir", caDir)
	c := p.dial(server.post("/x"))
	readAnswer(t, bufio.NewReader(c))
	p.term()
	p.ends(0)

	// Who waits for this rest is told so.
	stalled := strings.Replace(server.post("/x"), "\r\n\r\n<a/>", "\r\nExpect: 100-continue\r\n\r\n<a", 1)
	t.Run("replay", func(t *testing.T) {
		p := startProcess(t, "replay", path, "--ca-dir", caDir)
		idle := idleOf(t, p, filepath.Join(caDir, "ca.pem"), server.post("/x"))
		p.term()
		for _, c := range idle {
			io.ReadAll(c)
		}
		p.ends(0)
		if got := p.stdout.String(); got != "answered 1 request, missed 0, not used 0 interactions\n" {
			t.Errorf("stdout: %s", got)
		}
	})
	t.Run("replay_twice", func(t *testing.T) {
		p := startProcess(t, "replay", path, "--ca-dir", caDir)
		for range 2 {
			readAnswer(t, bufio.NewReader(p.dial(server.post("/x"))))
		}
		if head, err := bufio.NewReader(p.dial(stalled)).ReadString('\n'); head != "HTTP/1.1 100 Continue\r\n" {
			t.Fatalf("%q, %v", head, err)
		}
		p.term()
		p.cmd.Process.Signal(syscall.SIGTERM)
		p.ends(1)
		if got := p.stdout.String(); !strings.HasPrefix(got, "answered 2 requests, ") {
			t.Errorf("stdout: %s", got)
		}
	})
	t.Run("serve_um", func(t *testing.T) {
		p := startProcess(t, "serve", "um", "--ca-dir", caDir)
		for _, text := range []string{"", "GET / HT", "\x16\x03"} {
			p.dial(text)
		}
		readAnswer(t, bufio.NewReader(p.dial("GET / HTTP/1.1\r\nHost: h\r\n\r\n")))
		p.term()
		p.ends(0)
	})
}
