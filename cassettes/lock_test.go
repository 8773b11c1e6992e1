package cassettes

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// TestSecondProcess is not a test: run by another one, it is a process that
// records.
func TestSecondProcess(t *testing.T) {
	path := os.Getenv("TAPE_RECORD_TO")
	if path == "" {
		return
	}
	w, err := Create(path, HeaderMeta{}, Append)
	if err != nil {
		fmt.Println("error:", errors.Is(err, ErrLocked), err)
		return
	}
	fmt.Println("recording")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // until told, or killed
	fmt.Println(w.Close())
}

func second(path string) *exec.Cmd {
	exe, _ := os.Executable()
	cmd := exec.Command(exe, "-test.run=^TestSecondProcess$")
	cmd.Env = append(os.Environ(), "TAPE_RECORD_TO="+path)
	return cmd
}

func TestOneWriterInThisProcess(t *testing.T) {
	path := tape(t)
	w := create(t, path, Refuse)
	for _, mode := range []OpenMode{Refuse, Append, Replace} {
		_, err := Create(path, testHeader, mode)
		if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "another umtape is recording to it") {
			t.Errorf("mode %d: %v", mode, err)
		}
	}
	if _, err := Recover(path); !errors.Is(err, ErrLocked) {
		t.Errorf("Recover: %v", err)
	}
	add(t, w, sample(t, 0))
	closed(t, w)
	closed(t, create(t, path, Append))
}

func TestOneWriterAcrossProcesses(t *testing.T) {
	path := tape(t)
	w := create(t, path, Refuse)
	out, err := second(path).Output()
	if err != nil || !strings.HasPrefix(string(out), "error: true "+path) {
		t.Errorf("got %q, %v", out, err)
	}
	closed(t, w)

	// The other way round; killed, it leaves its lock's file and stops nobody.
	cmd := second(path)
	in, _ := cmd.StdinPipe()
	defer in.Close()
	stdout, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, _ := bufio.NewReader(stdout).ReadString('\n'); line != "recording\n" {
		t.Fatalf("got %q", line)
	}
	if _, err := Create(path, testHeader, Append); !errors.Is(err, ErrLocked) {
		t.Errorf("got %v", err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if _, err := os.Stat(path + ".lock"); err != nil {
		t.Error("the killed process left no lock's file: the test proves nothing")
	}
	w = create(t, path, Append)
	add(t, w, sample(t, 0))
	closed(t, w)
	if _, err := os.Stat(path + ".lock"); err == nil {
		t.Error("the lock's file is left")
	}
}

// Many that come and go: never two at once.
func TestLockRace(t *testing.T) {
	path := tape(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range 8 {
		wg.Go(func() {
			for got := 0; got < 50; {
				l, err := takeLock(path, path)
				if errors.Is(err, ErrLocked) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				got++
				if !mu.TryLock() {
					t.Error("two hold the lock")
					return
				}
				runtime.Gosched() // let the others try
				mu.Unlock()
				if err := l.release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
