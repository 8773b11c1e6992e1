//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// notRun are the commands of the pages that the test leaves out, by how they begin,
// and why.
var notRun = []struct{ begins, why string }{
	{"sudo ", "it changes what the whole machine trusts; trust_test.go runs the same on a tree of its own"},
	{"bash .ci/test", "it runs this test"},
	{"go install github.com/", "it fetches what is released; of the README the same is installed from the checkout"},
}

// TestDocs runs every command of the README and of the pages of help, as
// docBlock tells, each page in a folder and a home of its own. Instead of the world
// outside there is:
//
//   - um.example.com, a server of `umtape serve um`, which recordings reach because
//     they are given a proxy that leads there (docWorld)
//   - other free ports in place of 8088, 8090, 8091 and 9464, which are put back in what is
//     compared
//   - `npm test`, `pytest` and `make test`: suites of one test, which hangs up a call
func TestDocs(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs some hundred commands")
	}
	pages, err := docPages()
	if err != nil {
		t.Fatal(err)
	}
	world := newDocWorld(t)
	var log docLog
	t.Cleanup(func() { log.report(t) })
	for _, page := range pages {
		t.Run(page.name, func(t *testing.T) {
			t.Parallel()
			newDocSession(t, world, &log).play(page)
		})
	}
}

// docLog is what was run of all pages.
type docLog struct {
	mu   sync.Mutex
	ran  []string
	left []string
}

func (l *docLog) report(t *testing.T) {
	t.Logf("commands of the pages executed, %d:\n%s", len(l.ran), strings.Join(l.ran, "\n"))
	t.Logf("commands of the pages not executed, %d:\n%s", len(l.left), strings.Join(l.left, "\n"))
}

// docSession is one reader with one page.
type docSession struct {
	t       *testing.T
	world   *docWorld
	log     *docLog
	dir     string // the project
	home    string
	ports   map[string]string // of the pages, to those used
	servers []*docServer
}

type docServer struct {
	port   string // of the page
	cmd    *exec.Cmd
	out    lineBuffer
	seen   int // how much of it was compared
	exited chan struct{}
}

func newDocSession(t *testing.T, world *docWorld, log *docLog) *docSession {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &docSession{t: t, world: world, log: log, dir: filepath.Join(root, "project"), home: filepath.Join(root, "home"), ports: map[string]string{}}
	for _, dir := range []string{s.dir, s.home} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, port := range []string{"8088", "8090", "8091", "9464"} {
		s.ports[port] = unusedPort(t)
	}
	testdata, err := filepath.Abs("../../testdata")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(testdata, filepath.Join(s.dir, "testdata")); err != nil {
		t.Fatal(err)
	}
	request, err := os.ReadFile("../../testdata/messages/disconnect-request.xml")
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		filepath.Join(s.dir, "disconnect.xml"): string(request),
		filepath.Join(s.home, ".curlrc"):       "no-progress-meter\n", // as on a terminal
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, server := range s.servers {
			signalGroup(server.cmd, os.Kill)
			<-server.exited
		}
	})
	return s
}

var (
	portsMu   sync.Mutex
	portsUsed = map[int]bool{}
)

// unusedPort is a free port of four digits, as those of the pages have, which the
// system gives to nobody who asks for any.
func unusedPort(t *testing.T) string {
	portsMu.Lock()
	defer portsMu.Unlock()
	for range 1000 {
		port := 2000 + rand.IntN(7000)
		if portsUsed[port] {
			continue
		}
		if ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			ln.Close()
			portsUsed[port] = true
			return fmt.Sprint(port)
		}
	}
	t.Fatal("no port is free")
	return ""
}

func (s *docSession) play(page docPage) {
	for _, b := range page.blocks {
		where := fmt.Sprintf("%s:%d", page.name, b.line)
		if b.needs != "" {
			if out, _, err := s.run(b.needs); err != nil {
				for _, c := range b.shells {
					s.note(&s.log.left, "%s: %s (%s is not here: %.200s)", page.name, c.shell, b.needs, strings.TrimSpace(out))
				}
				continue
			}
		}
		if b.kind == "file" {
			path := filepath.Join(s.dir, b.name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(s.there(b.text)), 0o600)); err != nil {
				s.t.Fatalf("%s: %v", where, err)
			}
		}
		for _, c := range b.shells {
			s.do(page.name, b.kind == "hidden", c)
		}
	}
	for len(s.servers) > 0 {
		if code := s.end(s.servers[0]); code != 0 {
			s.t.Errorf("%s: what ran at its end exits with %d", page.name, code)
		}
	}
}

func (s *docSession) note(list *[]string, format string, args ...any) {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	*list = append(*list, "  "+fmt.Sprintf(format, args...))
}

var isServer = regexp.MustCompile(`^(?:\w+=\S+ )*umtape (record|replay|serve um|ui)\b`)

// portOf is where a command listens unless told otherwise.
var portOf = map[string]string{"record": "8088", "replay": "8088", "serve um": "8090", "ui": "8091"}

func (s *docSession) do(page string, hidden bool, c docCommand) {
	where := fmt.Sprintf("%s:%d: %s", page, c.line, c.shell)
	for _, n := range notRun {
		if strings.HasPrefix(c.shell, n.begins) {
			s.note(&s.log.left, "%s: %s (%s)", page, c.shell, n.why)
			return
		}
	}
	if !hidden {
		s.note(&s.log.ran, "%s: %s", page, c.shell)
	}
	if strings.HasPrefix(c.shell, "^C") {
		if len(s.servers) == 0 {
			s.t.Fatalf("%s: nothing runs", where)
		}
		server := s.servers[len(s.servers)-1]
		if code := s.end(server); code != c.code() {
			s.t.Errorf("%s: exit code %d, not %d", where, code, c.code())
		}
		if said := s.back(server.out.String())[server.seen:]; c.shown != nil && !showsAs(c.shown, said) {
			s.t.Errorf("%s: prints\n%s\nnot\n%s", where, said, strings.Join(c.shown, "\n"))
		}
		return
	}
	if m := isServer.FindStringSubmatch(c.shell); m != nil && !strings.Contains(c.shell, "--help") {
		port := portOf[m[1]]
		for _, server := range s.servers { // it has the port
			if server.port == port {
				if code := s.end(server); code != 0 {
					s.t.Errorf("%s: what ran before it exits with %d:\n%s", where, code, server.out.String())
				}
				break
			}
		}
		if s.serve(where, port, c) {
			return
		}
	}
	out, code, err := s.run(c.shell)
	switch {
	case code != c.code():
		s.t.Errorf("%s: exit code %d (%v), not %d, and prints\n%s", where, code, err, c.code(), out)
	case c.shown != nil && !showsAs(c.shown, out):
		s.t.Errorf("%s: prints\n%s\nnot\n%s", where, out, strings.Join(c.shown, "\n"))
	}
}

var (
	records = regexp.MustCompile(`\bumtape (?:exec )?record\b`)
	listens = regexp.MustCompile(`\bumtape (record|replay|serve um|ui)\b`)
	runsGo  = regexp.MustCompile(`^go run \./cmd/umtape\b`)
	puts    = regexp.MustCompile(`^go install (\./cmd/umtape)\b`)
)

// here is a command of a page with this machine's ports, and the way into the world.
func (s *docSession) here(shell string) string {
	shell = runsGo.ReplaceAllString(shell, "umtape") // the same code, built once
	shell = puts.ReplaceAllString(shell, `go install -C "$$CHECKOUT" $1 && "$$HOME"/go/bin/umtape version >version`)
	if strings.Contains(shell, "--live ") {
		shell = strings.ReplaceAll(shell, "umtape validate", "umtape validate --upstream-proxy http://"+s.world.proxy)
	}
	if !strings.Contains(shell, "--upstream-proxy") && !strings.Contains(shell, "--resolve") {
		shell = records.ReplaceAllString(shell, "$0 --upstream-proxy http://"+s.world.proxy)
	}
	shell = listens.ReplaceAllStringFunc(shell, func(command string) string {
		port := portOf[strings.TrimPrefix(command, "umtape ")]
		return command + " --listen 127.0.0.1:" + port // what comes later counts
	})
	return s.there(shell)
}

// there has a text say the ports that are used.
func (s *docSession) there(text string) string {
	for page, port := range s.ports {
		text = regexp.MustCompile(`\b`+page+`\b`).ReplaceAllString(text, port)
	}
	return text
}

// back has what was printed say what pages say.
func (s *docSession) back(text string) string {
	for page, port := range s.ports {
		text = regexp.MustCompile(`\b`+port+`\b`).ReplaceAllString(text, page)
	}
	text = strings.ReplaceAll(text, s.home, "/home/me")
	return strings.ReplaceAll(text, s.dir, "/home/me/project")
}

func (s *docSession) command(shell string) *exec.Cmd {
	cmd := exec.Command("sh", "-c", shell)
	cmd.Dir, cmd.WaitDelay = s.dir, 5*time.Second
	for _, v := range os.Environ() {
		switch name, _, _ := strings.Cut(v, "="); strings.ToUpper(name) {
		case "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "COLUMNS", "UMTAPE_MODE":
		default:
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "HOME="+s.home, "PATH="+s.world.path, "SSL_CERT_FILE="+s.world.roots, "TAPES="+s.world.tapes, "TZ=UTC", "LC_ALL=C.UTF-8", "NO_COLOR=1", "PAGER=cat")
	cmd.Env = append(cmd.Env, s.world.forGo...)
	ownGroup(cmd)
	return cmd
}

// run runs a command to its end. Its output and its errors come as a terminal shows them.
func (s *docSession) run(shell string) (out string, code int, err error) {
	cmd := s.command(s.here(shell))
	var b bytes.Buffer
	cmd.Stdout, cmd.Stderr = &b, &b
	if err := cmd.Start(); err != nil {
		return "", -1, err
	}
	late := time.AfterFunc(4*time.Minute, func() { signalGroup(cmd, os.Kill) })
	defer late.Stop()
	err = cmd.Wait()
	return s.back(b.String()), cmd.ProcessState.ExitCode(), err
}

// serve starts what goes on until it is interrupted. It is false if the command is
// not of that kind: it has ended, as it does when something is wrong.
func (s *docSession) serve(where, port string, c docCommand) bool {
	server := &docServer{port: port, exited: make(chan struct{})}
	server.out.grew = make(chan struct{}, 1)
	server.cmd = s.command(regexp.MustCompile(`\bumtape `).ReplaceAllString(s.here(c.shell), "exec umtape "))
	server.cmd.Stdout, server.cmd.Stderr = &server.out, &server.out
	if err := server.cmd.Start(); err != nil {
		s.t.Fatalf("%s: %v", where, err)
	}
	go func() { server.cmd.Wait(); close(server.exited) }()
	deadline := time.After(30 * time.Second)
	ready := regexp.MustCompile(`Ctrl-C ends (the|it)`)
	for {
		said := s.back(server.out.String())
		if ready.MatchString(said) {
			s.servers = append(s.servers, server)
			server.seen = len(said)
			if c.shown != nil {
				if _, ok := beginsAs(c.shown, said); !ok {
					s.t.Errorf("%s: prints\n%s\nnot\n%s", where, said, strings.Join(c.shown, "\n"))
				}
			}
			return true
		}
		select {
		case <-server.out.grew:
		case <-server.exited:
			if !ready.MatchString(server.out.String()) {
				return false // it is run again, to compare all of it
			}
		case <-deadline:
			signalGroup(server.cmd, os.Kill)
			s.t.Fatalf("%s: says\n%s", where, said)
		}
	}
}

// end interrupts a server and is its exit code.
func (s *docSession) end(server *docServer) int {
	for k, other := range s.servers {
		if other == server {
			s.servers = append(s.servers[:k:k], s.servers[k+1:]...)
		}
	}
	signalGroup(server.cmd, syscall.SIGINT)
	select {
	case <-server.exited:
	case <-time.After(30 * time.Second):
		signalGroup(server.cmd, os.Kill)
		<-server.exited
	}
	return server.cmd.ProcessState.ExitCode()
}
