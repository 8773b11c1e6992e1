package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/umtape/umtape/cassettes"
)

// passwordServer asks for a password by Basic, and answers to any.
type passwordServer struct {
	*httptest.Server
	mu   sync.Mutex
	sent []string // "" for none
}

func startPasswordServer(t *testing.T, path string) *passwordServer {
	t.Helper()
	tape, err := cassettes.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &passwordServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, ok := r.BasicAuth()
		s.mu.Lock()
		s.sent = append(s.sent, password)
		s.mu.Unlock()
		if !ok {
			w.Header().Set("WWW-Authenticate", `Basic realm="um"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		io.WriteString(w, tape.Interactions[0].Response.Body)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *passwordServer) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sent)
}

// openTerminal makes a terminal: what is written to keys is typed, what is read from it
// is shown, and programs have the other end. Both are closed when the test ends.
func openTerminal(t *testing.T) (keys, stdin *os.File) {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { keys.Close() })
	fd := int(keys.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Skip(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Skip(err)
	}
	stdin, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { stdin.Close() })
	return keys, stdin
}

// askedOnTerminal runs umtape on a terminal of its own, and types once that shows nothing
// any more.
func askedOnTerminal(t *testing.T, typed string, args ...string) (code int, said, shown string) {
	t.Helper()
	terminal, stdin := openTerminal(t)
	fd := int(terminal.Fd())
	shows := func() bool {
		state, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		return state.Lflag&unix.ECHO != 0
	}
	if !shows() {
		t.Fatal("a new terminal does not show what is typed")
	}
	out := &lineBuffer{grew: make(chan struct{}, 1)}
	cmd := exec.Command(os.Args[0])
	cmd.Args = append([]string{"umtape"}, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true} // so that Ctrl-C is one
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "UMTAPE_LIVE_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	for until := time.Now().Add(30 * time.Second); shows(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			cmd.Process.Kill()
			<-ended
			t.Fatalf("it does not ask for a password: %s", out)
		}
	}
	if _, err := io.WriteString(terminal, typed); err != nil {
		t.Error(err)
	}
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		cmd.Process.Kill()
		<-ended
		t.Errorf("it does not end")
	}
	if !shows() {
		t.Error("the terminal does not show what is typed any more")
	}
	waiting, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
	if err != nil {
		t.Fatal(err)
	}
	echo := make([]byte, waiting)
	if _, err := io.ReadFull(terminal, echo); err != nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), string(echo)
}

// TestLivePassword: the password of validate --live is asked for on the terminal, which
// does not show it, and is sent as it was typed.
func TestLivePassword(t *testing.T) {
	path := ruleFile(t, "UM042", "pass")
	s := startPasswordServer(t, path)
	const password = "a pass: w\u00f6rd"
	code, said, shown := askedOnTerminal(t, password+"\n", "validate", "--live", s.URL, "--live-user", `VOICE\alice`, path)
	if code != exitDone || !strings.Contains(said, `umtape: password of VOICE\alice at 127.0.0.1:`) || !strings.Contains(said, "2 requests sent") {
		t.Errorf("exit code %d: %s", code, said)
	}
	if strings.Contains(said+shown, "pass:") {
		t.Errorf("it shows the password: %q %q", said, shown)
	}
	if got := strings.Join(s.asked(), "|"); !strings.HasSuffix(got, password+"|"+password) && !strings.HasSuffix(got, password+"||"+password) {
		t.Errorf("sent: %q", got)
	}
}

// TestLivePasswordInterrupted: Ctrl-C ends it while it asks, with the terminal as it was,
// and nothing is sent.
func TestLivePasswordInterrupted(t *testing.T) {
	path := ruleFile(t, "UM042", "pass")
	s := startPasswordServer(t, path)
	code, said, shown := askedOnTerminal(t, "half a pass\x03", "validate", "--live", s.URL, "--live-user", "alice", path)
	if code != exitFailed || !strings.Contains(said, "error: no password was read: interrupt") || strings.Contains(said+shown, "half") {
		t.Errorf("exit code %d: %s%s", code, said, shown)
	}
	if sent := s.asked(); len(sent) > 0 {
		t.Errorf("sent: %q", sent)
	}
}
