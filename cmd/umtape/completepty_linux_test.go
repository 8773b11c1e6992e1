package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// startFiles are what shells read when they start, in a home: where, and what
// completion takes to be there.
var startFiles = map[string][2]string{
	"bash": {".bashrc", ". /usr/share/bash-completion/bash_completion\n"},
	"zsh":  {".zshrc", "autoload -U compinit; compinit -u\n"},
	"fish": {".config/fish/config.fish", ""},
}

// TestCompletionForGood: after the line that the help has for it, a shell completes
// from its next start on, as somebody who types finds it.
func TestCompletionForGood(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink(os.Args[0], filepath.Join(dir, "umtape")); err != nil { // TestMain makes it the command
		t.Skip(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "tapes"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tapes", "calls.yaml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var help bytes.Buffer
	run(t.Context(), []string{"completion", "--help"}, strings.NewReader(""), &help, io.Discard)
	_, forGood, _ := strings.Cut(help.String(), "For good")
	for shell, start := range startFiles {
		t.Run(shell, func(t *testing.T) {
			path, err := exec.LookPath(shell)
			if _, fails := os.Stat("/usr/share/bash-completion/bash_completion"); shell == "bash" && err == nil {
				err = fails
			}
			if err != nil {
				t.Skipf("%s cannot be tried: %v", shell, err)
			}
			line := regexp.MustCompile(`(?m)^  ` + shell + ` +(.*)$`).FindStringSubmatch(forGood)
			if line == nil {
				t.Fatalf("the help has no line for %s:\n%s", shell, &help)
			}
			home := filepath.Join(dir, shell)
			file := filepath.Join(home, start[0])
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(start[1]), 0o600); err != nil {
				t.Fatal(err)
			}
			env := []string{"HOME=" + home, "PATH=" + dir + ":" + os.Getenv("PATH"), "TERM=dumb", "LC_ALL=C.UTF-8"}
			install := exec.CommandContext(t.Context(), path, "-c", line[1])
			install.Env = env
			if out, err := install.CombinedOutput(); err != nil || len(out) > 0 {
				t.Fatalf("%s: %v\n%s", line[1], err, out)
			}

			keys, stdin := openTerminal(t)
			if err := unix.IoctlSetWinsize(int(keys.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 250}); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(path, "-i")
			cmd.Dir, cmd.Env = filepath.Join(dir, "tapes"), env
			cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdin, stdin
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			stdin.Close()
			shown := &lineBuffer{grew: make(chan struct{}, 1)}
			read := make(chan struct{})
			go func() { io.Copy(shown, keys); close(read) }()
			defer func() {
				syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
				cmd.Wait()
				<-read // it ends when nobody has the other end any more
			}()
			late := time.After(60 * time.Second)
			for _, step := range []struct{ typed, want string }{
				{"echo rea''dy\n", "ready"},
				{"umtape replay cal\t", "calls.yaml"},
				{"\x15umtape help UM09\t", "UM090"},
				{"\x15umtape validate --rule UM09\t", "UM090="},
			} {
				if _, err := io.WriteString(keys, step.typed); err != nil {
					t.Fatal(err)
				}
				for !strings.Contains(shown.String(), step.want) {
					select {
					case <-shown.grew:
					case <-late:
						t.Fatalf("%q shows no %s:\n%s", step.typed, step.want, shown)
					}
				}
			}
		})
	}
}
