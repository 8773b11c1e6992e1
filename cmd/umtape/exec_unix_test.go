//go:build unix

package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A command that tells which signals it gets, in the file got, one a line, and
// ends when told to.
const listener = `
for s in INT HUP QUIT USR1; do trap "echo $s >>got" $s; done
trap 'echo TERM >>got; exit 5' TERM
echo $$ >pid; echo ready >>got
i=0; while [ $i -lt 300 ] && ! [ -e end ]; do sleep 0.1; i=$((i+1)); done
`

// behind is a running umtape exec replay with the listener as its command.
type behind struct {
	t      *testing.T
	dir    string
	cmd    *exec.Cmd
	exited chan struct{}
}

// startBehind runs umtape exec as wrap says, "umtape" being where it goes.
func startBehind(t *testing.T, stdin io.Reader, wrap ...string) *behind {
	t.Helper()
	b := &behind{t: t, dir: t.TempDir(), exited: make(chan struct{})}
	for name, text := range map[string]string{"listener": listener, "empty.yaml": "---\nversion: 2\ninteractions: []\n"} {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(b.dir, "tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	const line = "umtape exec replay empty.yaml --ca-dir ca -- sh listener"
	if wrap == nil {
		wrap = strings.Fields(line)
	}
	for i := range wrap {
		wrap[i] = strings.ReplaceAll(wrap[i], "UMTAPE", line)
	}
	b.cmd = exec.Command(wrap[0], wrap[1:]...)
	stderr, err := os.Create(filepath.Join(b.dir, "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	b.cmd.Dir, b.cmd.Stdin, b.cmd.Stderr = b.dir, stdin, stderr
	b.cmd.Env = append(os.Environ(), "TMPDIR="+filepath.Join(b.dir, "tmp"), "SHELL=/bin/sh")
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { b.cmd.Wait(); close(b.exited) }()
	t.Cleanup(func() {
		b.cmd.Process.Kill()
		if pid, err := strconv.Atoi(strings.TrimSpace(b.read("pid"))); err == nil {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		<-b.exited
	})
	b.await("ready")
	return b
}

func (b *behind) read(name string) string {
	data, _ := os.ReadFile(filepath.Join(b.dir, name))
	return string(data)
}

// await waits until the command has told what is given, and nothing else since.
func (b *behind) await(lines ...string) {
	b.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		got := strings.Fields(b.read("got"))
		if strings.Join(got, " ") == strings.Join(lines, " ") {
			return
		}
		if time.Now().After(deadline) || len(got) > len(lines) {
			b.t.Fatalf("the command got %q, want %q\n%s", got, lines, b.read("stderr"))
		}
	}
}

func (b *behind) ends(code int) {
	b.t.Helper()
	select {
	case <-b.exited:
	case <-time.After(30 * time.Second):
		b.t.Fatal("it does not end")
	}
	if got := b.cmd.ProcessState.ExitCode(); got != code {
		b.t.Errorf("exit code %d, want %d: %s", got, code, b.read("stderr"))
	}
	if left, err := os.ReadDir(filepath.Join(b.dir, "tmp")); err != nil || len(left) > 0 {
		b.t.Errorf("left behind: %v, %v", left, err)
	}
}

// Signals sent to umtape reach the command, each once, and umtape ends with it.
func TestExecPassesSignalsOn(t *testing.T) {
	b := startBehind(t, nil)
	got := []string{"ready"}
	for _, s := range []struct {
		signal syscall.Signal
		name   string
	}{{syscall.SIGUSR1, "USR1"}, {syscall.SIGINT, "INT"}, {syscall.SIGHUP, "HUP"}, {syscall.SIGINT, "INT"}, {syscall.SIGQUIT, "QUIT"}, {syscall.SIGTERM, "TERM"}} {
		if err := b.cmd.Process.Signal(s.signal); err != nil {
			t.Fatal(err)
		}
		got = append(got, s.name)
		b.await(got...)
	}
	b.ends(5)
	if got := b.read("stderr"); !strings.Contains(got, "\numtape: answered 0 requests, missed 0, ") {
		t.Errorf("stderr: %s", got)
	}
}

// What is typed at a terminal reaches the command once, by the terminal, however
// often it is typed.
func TestExecLeavesCtrlCToTheTerminal(t *testing.T) {
	if _, err := exec.LookPath("script"); err != nil || runtime.GOOS != "linux" { // elsewhere it has other flags
		t.Skip("needs script, of util-linux, for a terminal")
	}
	r, keys, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer keys.Close()
	// exec, for a shell that waits would lead the session, be ended by what is
	// typed, and take the terminal from the command with it.
	b := startBehind(t, r, "script", "-qec", "exec UMTAPE", "/dev/null")
	keys.WriteString("\x03")
	b.await("ready", "INT")
	keys.WriteString("\x03")
	b.await("ready", "INT", "INT")
	keys.WriteString("\x1c")
	b.await("ready", "INT", "INT", "QUIT")
	if err := os.WriteFile(filepath.Join(b.dir, "end"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.ends(0)
	b.await("ready", "INT", "INT", "QUIT") // and no more has come meanwhile
}

// A command that nohup runs through umtape goes on after the terminal has gone,
// as it would without.
func TestExecKeepsIgnoredSignalsIgnored(t *testing.T) {
	b := startBehind(t, nil, "sh", "-c", "trap '' HUP; exec UMTAPE")
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGUSR1} {
		if err := b.cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	pid, err := strconv.Atoi(strings.TrimSpace(b.read("pid")))
	if err != nil {
		t.Fatal(err)
	}
	b.await("ready", "USR1")
	syscall.Kill(pid, syscall.SIGHUP)
	if err := b.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	b.await("ready", "USR1", "USR1")
	b.cmd.Process.Signal(syscall.SIGTERM)
	b.ends(5)
}
