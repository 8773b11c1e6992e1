package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/umtape/umtape/cassettes"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"umtape": main, "post": postMain, "constant": constant})
}

// TestScripts runs the scripts that tell the commands. Beside testscript's own
// commands they have
//
//	start NAME umtape ...    run in the background until it says where it listens;
//	                         sets $NAME to its address, such as 127.0.0.1:40123,
//	                         and $NAME_metrics to that of --metrics; of a page,
//	                         $NAME_page to its address, $NAME_link to its link and
//	                         $NAME_key to the key that its script sends
//	end NAME [-KILL] [CODE] end it by SIGINT and wait; it must exit with CODE (0);
//	                         its output is in NAME.out and NAME.err
//	said NAME TEXT           wait until it has said TEXT on standard error
//	tape FILE N              write a cassette of N interactions
//	repeat FILE N TEXT       write TEXT N times, for bodies too large to ship
//
// $MESSAGES is the folder of sample messages, and the condition [netns] holds
// where a network of its own can be made, in which there is loopback only.
func TestScripts(t *testing.T) {
	messages, err := filepath.Abs("../../testdata/messages")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/scripts",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("MESSAGES", messages)
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "home", ".config"))
			env.Setenv("no_proxy", "")
			jobs := &jobs{running: map[string]*job{}}
			env.Values[jobsKey{}] = jobs
			env.Defer(jobs.killAll)
			return os.Mkdir(filepath.Join(env.WorkDir, "home"), 0o700)
		},
		Condition: func(name string) (bool, error) {
			if name != "netns" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			return exec.Command("unshare", "-rn", "ip", "link", "set", "lo", "up").Run() == nil, nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"start":  startCmd,
			"end":    endCmd,
			"repeat": repeatCmd,
			"said":   saidCmd,
			"tape":   tapeCmd,
		},
	})
}

type jobsKey struct{}

type jobs struct {
	mu      sync.Mutex
	running map[string]*job
}

type job struct {
	cmd    *exec.Cmd
	out    bytes.Buffer
	err    lineBuffer
	said   int // how much of err the script has waited for
	exited chan struct{}
}

func (j *jobs) killAll() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, job := range j.running {
		signalGroup(job.cmd, os.Kill)
		<-job.exited
	}
}

// lineBuffer keeps what is written and tells when it has grown.
type lineBuffer struct {
	mu   sync.Mutex
	text []byte
	grew chan struct{}
}

func (b *lineBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p...)
	select {
	case b.grew <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (b *lineBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.text)
}

var (
	listening = regexp.MustCompile(`(?:proxy|server) at http://([0-9a-f.:\[\]]+:\d+)`)
	measuring = regexp.MustCompile(`metrics at http://([0-9a-f.:\[\]]+:\d+)`) // said before the other
	paging    = regexp.MustCompile(`the page is at (http://([0-9a-f.:\[\]]+:\d+)/\S+)`)
)

func startCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start NAME COMMAND...")
	}
	j := &job{cmd: exec.Command(lookup(ts, args[1]), args[2:]...), exited: make(chan struct{})}
	j.err.grew = make(chan struct{}, 1)
	j.cmd.Dir = ts.Getenv("WORK")
	j.cmd.Env = environ(ts)
	j.cmd.Stdout, j.cmd.Stderr = &j.out, &j.err
	ownGroup(j.cmd)
	ts.Check(j.cmd.Start())
	go func() { j.cmd.Wait(); close(j.exited) }()
	all := ts.Value(jobsKey{}).(*jobs)
	all.mu.Lock()
	all.running[args[0]] = j
	all.mu.Unlock()

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		said := j.err.String()
		m := listening.FindStringSubmatch(said)
		if page := paging.FindStringSubmatch(said); page != nil {
			ts.Setenv(args[0]+"_page", page[2])
			ts.Setenv(args[0]+"_link", page[1])
			entered, err := http.Get(page[1])
			ts.Check(err)
			text, err := io.ReadAll(entered.Body)
			entered.Body.Close()
			ts.Check(err)
			ts.Setenv(args[0]+"_key", keyIn(string(text)))
			if m == nil && args[2] == "ui" {
				m = page[1:]
			}
		}
		if m != nil {
			ts.Setenv(args[0], strings.TrimPrefix(m[len(m)-1], "http://"))
			if m := measuring.FindStringSubmatch(said); m != nil {
				ts.Setenv(args[0]+"_metrics", m[1])
			}
			return
		}
		select {
		case <-j.err.grew:
		case <-j.exited:
			ts.Fatalf("%s ended before it listened:\n%s%s", args[1], &j.out, j.err.String())
		case <-ctx.Done():
			ts.Fatalf("%s does not listen:\n%s", args[1], j.err.String())
		}
	}
}

// lookup finds a program on the script's PATH, where testscript put ours.
func lookup(ts *testscript.TestScript, name string) string {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if p := filepath.Join(dir, name); isFile(p) {
			return p
		}
	}
	ts.Fatalf("%s is not on the PATH", name)
	return ""
}

func isFile(p string) bool {
	info, err := os.Stat(p)
	return err == nil && info.Mode().IsRegular()
}

func environ(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "WORK", "GOCOVERDIR"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}

func endCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: end NAME [-KILL] [CODE]")
	}
	all := ts.Value(jobsKey{}).(*jobs)
	all.mu.Lock()
	j := all.running[args[0]]
	delete(all.running, args[0])
	all.mu.Unlock()
	if j == nil {
		ts.Fatalf("%s is not running", args[0])
	}
	signal, want := os.Signal(syscall.SIGINT), "0"
	for _, a := range args[1:] {
		if a == "-KILL" {
			signal, want = os.Kill, "-1"
		} else {
			want = a
		}
	}
	ts.Check(signalGroup(j.cmd, signal))
	select {
	case <-j.exited:
	case <-time.After(30 * time.Second):
		j.cmd.Process.Kill()
		ts.Fatalf("%s did not end:\n%s", args[0], j.err.String())
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".out"), j.out.Bytes(), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".err"), []byte(j.err.String()), 0o600))
	ts.Logf("[%s]\n%s%s", args[0], &j.out, j.err.String())
	if got := fmt.Sprint(j.cmd.ProcessState.ExitCode()); got != want {
		ts.Fatalf("%s ended with exit code %s, not %s", args[0], got, want)
	}
}

// saidCmd waits until what was started has said something on standard error, after
// what was waited for before.
func saidCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: said NAME TEXT")
	}
	all := ts.Value(jobsKey{}).(*jobs)
	all.mu.Lock()
	j := all.running[args[0]]
	all.mu.Unlock()
	if j == nil {
		ts.Fatalf("%s is not running", args[0])
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		said := j.err.String()
		if at := strings.Index(said[j.said:], args[1]); at >= 0 {
			j.said += at + len(args[1])
			return
		}
		select {
		case <-j.err.grew:
		case <-ctx.Done():
			ts.Fatalf("%s did not say %q but\n%s", args[0], args[1], said[j.said:])
		}
	}
}

// tapeCmd writes a cassette of N interactions, which ask for <a>0</a> and so on and
// are answered 0 and so on.
func tapeCmd(ts *testscript.TestScript, neg bool, args []string) {
	n := 0
	if len(args) == 2 {
		n, _ = strconv.Atoi(args[1])
	}
	if neg || n == 0 {
		ts.Fatalf("usage: tape FILE N")
	}
	w, err := cassettes.Create(ts.MkAbs(args[0]), cassettes.HeaderMeta{}, cassettes.Refuse, cassettes.SyncNever)
	ts.Check(err)
	for k := range n {
		i := &cassettes.Interaction{}
		i.Request.Method, i.Request.URL, i.Request.Body = "POST", "http://a.test/", fmt.Sprintf("<a>%d</a>", k)
		i.Response.Code, i.Response.Status, i.Response.Body = 200, "200 OK", fmt.Sprintf("%d\n", k)
		ts.Check(w.Append(i))
	}
	ts.Check(w.Close())
}

func repeatCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: repeat FILE N TEXT")
	}
	n := 0
	if _, err := fmt.Sscan(args[1], &n); err != nil {
		ts.Fatalf("%q is not a number", args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Repeat(args[2], n)), 0o600))
}
