package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/proxy"
)

// ntlmServer is the real NTLM server that .ci/ntlm starts: Apache with
// mod_auth_gssapi and gss-ntlmssp. Its answers carry X-Served-To, who asked;
// X-Connection, the port that the asking connection came from; and X-Query.
type ntlmServer struct {
	plain, secure string // URLs
	short         string // the same, but it ends a connection after five requests
	ca            string // file of the certificate
	users         []ntlmUser
}

type ntlmUser struct{ domain, name, password string }

func (u ntlmUser) String() string { return u.domain + `\` + u.name }

func realNTLM(t *testing.T) *ntlmServer {
	t.Helper()
	s := &ntlmServer{
		plain:  os.Getenv("UMTAPE_NTLM_URL"),
		secure: os.Getenv("UMTAPE_NTLM_TLS_URL"),
		short:  os.Getenv("UMTAPE_NTLM_SHORT_URL"),
		ca:     os.Getenv("UMTAPE_NTLM_CA"),
	}
	if s.plain == "" {
		t.Skip("needs a real NTLM server, which this starts: bash .ci/ntlm")
	}
	for line := range strings.SplitSeq(os.Getenv("UMTAPE_NTLM_USERS"), ",") {
		part := strings.Split(line, ":")
		if len(part) != 3 {
			t.Fatalf("UMTAPE_NTLM_USERS: %q is not DOMAIN:user:password", line)
		}
		s.users = append(s.users, ntlmUser{part[0], part[1], part[2]})
	}
	return s
}

// ntlmWay is one of the ways in, with a recording that it leads to.
type ntlmWay struct {
	t      *testing.T
	server string // what is recorded
	base   string // the URL that clients are given
	proxy  string // the URL of their proxy; "" if they talk to umtape as to the server
	ca     *proxy.CA
	rec    *recording
	path   string // of the cassette
}

var ntlmWays = []struct {
	name            string
	secure, reverse bool
}{{"proxy", false, false}, {"CONNECT", true, false}, {"reverse", false, true}, {"reverse TLS", true, true}}

func (s *ntlmServer) record(t *testing.T, server string, reverse bool, f recordFlags) *ntlmWay {
	t.Helper()
	w := &ntlmWay{t: t, server: server, base: server, ca: testCA(t), path: filepath.Join(t.TempDir(), "calls.yaml")}
	f.listen, f.sync, f.log.format, f.maxBody = "127.0.0.1:0", "interval", "text", cassettes.DefaultMaxBody
	f.upstreamCA = []string{s.ca}
	if reverse {
		f.reverse = server
	}
	a, stderr := testApp(t)
	plan, err := a.planRecording(f)
	if err != nil {
		t.Fatal(err)
	}
	if w.rec, err = a.startRecording(w.path, w.ca, plan); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("umtape said:\n%s", stderr)
		}
	})
	if reverse {
		scheme, _, _ := strings.Cut(server, ":")
		w.base = scheme + "://" + w.rec.addr()
	} else {
		w.proxy = "http://" + w.rec.addr()
	}
	return w
}

// stop ends the recording and loads what it kept.
func (w *ntlmWay) stop() *cassettes.Cassette {
	w.t.Helper()
	if err := w.rec.stop(io.Discard); err != nil {
		w.t.Fatal(err)
	}
	tape, err := cassettes.Load(w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	return tape
}

// url is that of the nth request of a client; no two are the same.
func (w *ntlmWay) url(client, n int) string {
	return fmt.Sprintf("%s/UnifiedMessaging/Service.asmx?client=%d&n=%d", w.base, client, n)
}

// ntlmAnswer is one answer as a client got it, challenges included.
type ntlmAnswer struct {
	Status                  int
	User, Connection, Query string
}

const soapFile = "../../testdata/messages/playonphone-request.xml"

// curl has one curl, which knows the user's password, make n requests one after
// another on one connection, and returns all answers.
func (w *ntlmWay) curl(ctx context.Context, option string, u ntlmUser, client, n int) ([]ntlmAnswer, error) {
	dir := w.t.TempDir()
	secret := filepath.Join(dir, "user") // gss-ntlmssp, not curl, reads who the user is
	if err := os.WriteFile(secret, fmt.Appendf(nil, "%s:%s:%s\n", u.domain, u.name, u.password), 0o600); err != nil {
		return nil, err
	}
	var config strings.Builder
	for i := range n {
		if i > 0 {
			config.WriteString("next\n")
		}
		fmt.Fprintf(&config, "url = %q\nsilent\nshow-error\n%s\nuser = \":\"\nnoproxy = \"\"\nsuppress-connect-headers\n", w.url(client, i), option)
		fmt.Fprintf(&config, "cacert = %q\nheader = \"Content-Type: text/xml; charset=utf-8\"\nheader = \"SOAPAction: \\\"\\\"\"\n", w.ca.CertFile())
		fmt.Fprintf(&config, "data-binary = \"@%s\"\ndump-header = \"-\"\noutput = %q\nmax-time = 60\n", soapFile, filepath.Join(dir, strconv.Itoa(i)))
		if w.proxy != "" {
			fmt.Fprintf(&config, "proxy = %q\n", w.proxy)
		}
	}
	cmd := exec.CommandContext(ctx, "curl", "--disable", "--rate", "25/s", "--config", "-")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "NTLM_USER_FILE=" + secret}
	cmd.Stdin = strings.NewReader(config.String())
	out, err := cmd.Output()
	if e, ok := err.(*exec.ExitError); ok {
		err = fmt.Errorf("curl: %w: %s", err, e.Stderr)
	}
	return parseHeaders(out), err
}

// parseHeaders reads what curl --dump-header wrote.
func parseHeaders(dump []byte) []ntlmAnswer {
	var answers []ntlmAnswer
	for head := range strings.SplitSeq(string(dump), "\r\n\r\n") {
		resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(head+"\r\n\r\n")), nil)
		if err != nil {
			continue // the end
		}
		answers = append(answers, ntlmAnswer{resp.StatusCode, resp.Header.Get("X-Served-To"), resp.Header.Get("X-Connection"), resp.Header.Get("X-Query")})
	}
	return answers
}

// ntlmPython runs clients of python3-requests-ntlm, each a thread with a
// connection of its own, in Debian's Python. They speak the scheme NTLM itself;
// the first message of curl --ntlm is one that gss-ntlmssp cannot decode.
const ntlmPython = `
import json, sys, threading, time
import requests
from requests_ntlm import HttpNtlmAuth

job = json.loads(sys.stdin.readline())
body = open(job["body"], "rb").read()
answers = {}

def run(client):
    s = requests.Session()
    s.trust_env = False
    s.verify = job["ca"]
    if job["proxy"]:
        s.proxies = {"http": job["proxy"], "https": job["proxy"]}
    s.auth = HttpNtlmAuth(client["user"], client["password"])
    got = answers[client["id"]] = []
    for n, url in enumerate(client["urls"]):
        if n:
            time.sleep(0.04)
        r = s.post(url, data=body, timeout=60, headers={"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'})
        for a in r.history + [r]:
            h = a.headers
            got.append({"Status": a.status_code, "User": h.get("X-Served-To", ""), "Connection": h.get("X-Connection", ""), "Query": h.get("X-Query", "")})
    s.close()

print("ready", flush=True)
sys.stdin.readline()
threads = [threading.Thread(target=run, args=(c,)) for c in job["clients"]]
for t in threads: t.start()
for t in threads: t.join()
print(json.dumps(answers))
`

type pythonClient struct {
	ID       int      `json:"id"`
	User     string   `json:"user"`
	Password string   `json:"password"`
	URLs     []string `json:"urls"`
}

// python starts the clients and returns when they are ready; they begin when
// the function it returns is called, which returns their answers.
func (w *ntlmWay) python(ctx context.Context, clients []pythonClient) (func() (map[int][]ntlmAnswer, error), error) {
	dir := w.t.TempDir()
	legacy := filepath.Join(dir, "openssl.cnf") // MD4, which NTLM is made of
	if err := os.WriteFile(legacy, []byte("openssl_conf = o\n[o]\nproviders = p\n[p]\ndefault = on\nlegacy = on\n[on]\nactivate = 1\n"), 0o600); err != nil {
		return nil, err
	}
	job, err := json.Marshal(map[string]any{"body": soapFile, "ca": w.ca.CertFile(), "proxy": w.proxy, "clients": clients})
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "/usr/bin/python3", "-c", ntlmPython)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "OPENSSL_CONF=" + legacy}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewReader(stdout)
	fmt.Fprintf(stdin, "%s\n", job)
	if line, err := lines.ReadString('\n'); line != "ready\n" {
		cmd.Wait()
		return nil, fmt.Errorf("python: %v: %s", err, &stderr)
	}
	return func() (map[int][]ntlmAnswer, error) {
		io.WriteString(stdin, "go\n")
		out, _ := io.ReadAll(lines)
		if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
			return nil, fmt.Errorf("python: %v: %s", err, &stderr)
		}
		var answers map[int][]ntlmAnswer
		return answers, json.Unmarshal(out, &answers)
	}, nil
}

// onePython is a single client of python's.
func (w *ntlmWay) onePython(ctx context.Context, u ntlmUser, client, n int) ([]ntlmAnswer, error) {
	c := pythonClient{ID: client, User: u.String(), Password: u.password}
	for i := range n {
		c.URLs = append(c.URLs, w.url(client, i))
	}
	begin, err := w.python(ctx, []pythonClient{c})
	if err != nil {
		return nil, err
	}
	answers, err := begin()
	return answers[client], err
}

// anonymous is a client of Go's that has no credentials; for the recording, or
// for a replay of it at another address.
func (w *ntlmWay) anonymous(addr string) *http.Client {
	roots := x509.NewCertPool()
	roots.AddCert(w.ca.Certificate())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableCompression: true}
	if w.proxy != "" {
		transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: addr})
	}
	w.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

func postSOAP(client *http.Client, url string) (*http.Response, string, error) {
	message, err := os.ReadFile(soapFile)
	if err != nil {
		return nil, "", err
	}
	req, err := http.NewRequest("POST", url, bytes.NewReader(message))
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	req.Header.Set("SOAPAction", `""`)
	resp, err := client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp, string(b), err
}

// upstreamConnections counts the open connections to the server: only umtape
// makes any.
func (w *ntlmWay) upstreamConnections() int {
	var port, count int
	fmt.Sscan(w.server[strings.LastIndexByte(w.server, ':')+1:], &port)
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		table, err := os.ReadFile(file)
		if err != nil && file == "/proc/net/tcp" {
			w.t.Error(err) // not Fatal: this may be any goroutine
		}
		for line := range strings.Lines(string(table)) {
			f := strings.Fields(line) // number, local, remote, state: 01 established, 08 closed by the server only
			if len(f) > 3 && strings.HasSuffix(f[2], fmt.Sprintf(":%04X", port)) && (f[3] == "01" || f[3] == "08") {
				count++
			}
		}
	}
	return count
}

// awaitNone waits until no connection to the server is left, and returns how
// many are.
func (w *ntlmWay) awaitNone() int {
	deadline := time.Now().Add(10 * time.Second)
	for {
		n := w.upstreamConnections()
		if n == 0 || time.Now().After(deadline) {
			return n
		}
		time.Sleep(5 * time.Millisecond) // the kernel gives no notice
	}
}

// tokens are what an NTLM message looks like: as it is, and in base64 at each
// of the three places it can begin at inside something else, such as SPNEGO.
func tokens() []string {
	const signature = "NTLMSSP\x00"
	found := []string{signature[:7], "TlRMTVNT"}
	for skip := 1; skip < 3; skip++ {
		b := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x00", skip) + signature))
		found = append(found, b[4:12]) // TE1TU1AA, VExNU1NQ: what is before and after makes no difference
	}
	return found
}

// checkSecrets searches a cassette for what must not be in it.
func (s *ntlmServer) checkSecrets(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	secrets := tokens()
	for _, u := range s.users {
		secrets = append(secrets, u.password)
	}
	for _, secret := range secrets {
		if n := bytes.Count(data, []byte(secret)); n > 0 {
			t.Errorf("the cassette holds %q, %d times", secret, n)
		}
	}
}

// TestNTLMExchange records one exchange that a real client and a real server
// begin with a handshake: one interaction, no token, and a client without
// credentials gets it from the replay.
func TestNTLMExchange(t *testing.T) {
	s := realNTLM(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	clients := []struct {
		name string
		legs int // challenges before the answer
		ask  func(*ntlmWay) ([]ntlmAnswer, error)
	}{
		{"curl --negotiate", 1, func(w *ntlmWay) ([]ntlmAnswer, error) { return w.curl(ctx, "negotiate", s.users[0], 0, 1) }},
		{"curl --anyauth", 2, func(w *ntlmWay) ([]ntlmAnswer, error) { return w.curl(ctx, "anyauth", s.users[1], 0, 1) }},
		{"requests-ntlm", 2, func(w *ntlmWay) ([]ntlmAnswer, error) { return w.onePython(ctx, s.users[2], 0, 1) }},
	}
	users := []string{s.users[0].String(), s.users[1].String(), s.users[2].String()}
	var table strings.Builder
	fmt.Fprintf(&table, "%-12s %-17s %-12s %-11s %s\n", "way in", "client", "saw", "on tape", "replayed to a client without credentials")
	for _, way := range ntlmWays {
		server := map[bool]string{false: s.plain, true: s.secure}[way.secure]
		for n, client := range clients {
			t.Run(way.name+"/"+client.name, func(t *testing.T) {
				w := s.record(t, server, way.reverse, recordFlags{})
				answers, err := client.ask(w)
				if err != nil {
					t.Fatal(err)
				}
				saw := statuses(answers)
				if last := answers[len(answers)-1]; len(answers) != client.legs+1 || last.Status != 200 || last.User != users[n] {
					t.Fatalf("the client saw %s, as %q", saw, last.User)
				}
				tape := w.stop()
				s.checkSecrets(t, w.path)
				if len(tape.Interactions) != 1 || tape.Interactions[0].Response.Code != 200 || tape.Interactions[0].Umtape.AuthLegs != client.legs {
					t.Fatalf("on tape: %s", kept(tape))
				}

				a, _ := testApp(t)
				play, err := a.startReplay([]string{w.path}, w.ca, replayFlags{listen: "127.0.0.1:0", maxBody: 1 << 20, log: logFlags{format: "text"}})
				if err != nil {
					t.Fatal(err)
				}
				target := strings.Replace(w.url(0, 0), w.rec.addr(), play.addr(), 1)
				resp, got, err := postSOAP(w.anonymous(play.addr()), target)
				if err != nil {
					t.Fatal(err)
				}
				if resp.StatusCode != 200 || got != tape.Interactions[0].Response.Body || !strings.Contains(got, "PlayOnPhoneResponse") {
					t.Errorf("replay: %d %v %q", resp.StatusCode, resp.Header, got)
				}
				if err := play.stop(io.Discard); err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&table, "%-12s %-17s %-12s %-11s %d\n", way.name, client.name, saw, kept(tape), resp.StatusCode)
			})
			t.Run(way.name+"/"+client.name+"/kept", func(t *testing.T) {
				w := s.record(t, server, way.reverse, recordFlags{keepLegs: true})
				answers, err := client.ask(w)
				if err != nil {
					t.Fatal(err)
				}
				tape := w.stop()
				s.checkSecrets(t, w.path)
				if len(tape.Interactions) != client.legs+1 {
					t.Errorf("the client saw %s; on tape: %s", statuses(answers), kept(tape))
				}
				redacted := 0
				for _, i := range tape.Interactions {
					for _, v := range slices.Concat(i.Request.Headers["Authorization"], i.Response.Headers["Www-Authenticate"]) {
						if scheme, token, _ := strings.Cut(v, " "); token != "" {
							redacted++
							if scheme != "NTLM" && scheme != "Negotiate" || len(token) > 40 {
								t.Errorf("a header is kept as %q", v)
							}
						}
					}
				}
				if redacted < 3 { // two messages of the client, one of the server
					t.Errorf("%d headers with a token were kept redacted", redacted)
				}
				fmt.Fprintf(&table, "%-12s %-17s %-12s %-11s --keep-auth-legs, %d tokens redacted\n", way.name, client.name, statuses(answers), kept(tape), redacted)
			})
		}
	}
	t.Logf("one exchange, recorded (status+folded challenges)\n%s", &table)
}

func statuses(answers []ntlmAnswer) string {
	var b strings.Builder
	for _, a := range answers {
		fmt.Fprintf(&b, "%d ", a.Status)
	}
	return strings.TrimSpace(b.String())
}

func kept(tape *cassettes.Cassette) string {
	var b strings.Builder
	for _, i := range tape.Interactions {
		fmt.Fprintf(&b, "%d", i.Response.Code)
		if i.Umtape.AuthLegs > 0 {
			fmt.Fprintf(&b, "+%d", i.Umtape.AuthLegs)
		}
		b.WriteByte(' ')
	}
	return strings.TrimSpace(b.String())
}

// TestNTLMIdentities has 64 clients of 4 users at work at once, 20 requests
// each, while others have no credentials or wrong ones: everybody gets their own
// answers, the upstream connections are nobody else's, and end with the clients'.
//
// On a busy machine a client can be challenged again in mid-session: net/http
// gives a connection up when its writer has not reported back 50 ms after the
// answer (maxWriteWaitBeforeConnReuse), and no setting changes that. It is a
// failure here until the pinned connection has a transport of its own.
func TestNTLMIdentities(t *testing.T) {
	s := realNTLM(t)
	const clients, requests, strangers, wrong = 64, 20, 4, 4
	var table strings.Builder
	fmt.Fprintf(&table, "%-12s %7s %8s %10s %10s %9s %5s %8s %9s %7s %6s %6s %6s\n", "way in", "clients", "answers", "challenges",
		"401 after", "another's", "conns", "at once", "anonymous", "served", "wrong", "served", "left")
	for _, way := range ntlmWays {
		t.Run(way.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			w := s.record(t, map[bool]string{false: s.plain, true: s.secure}[way.secure], way.reverse, recordFlags{})
			userOf := func(client int) ntlmUser { return s.users[client/2%len(s.users)] }

			// Clients with an odd number are python's.
			var jobs []pythonClient
			for c := 1; c < clients; c += 2 {
				job := pythonClient{ID: c, User: userOf(c).String(), Password: userOf(c).password}
				for i := range requests {
					job.URLs = append(job.URLs, w.url(c, i))
				}
				jobs = append(jobs, job)
			}
			begin, err := w.python(ctx, jobs)
			if err != nil {
				t.Fatal(err)
			}

			var mu sync.Mutex // guards answers and the counts
			answers := make(map[int][]ntlmAnswer)
			anonymous, served, refused, mistaken, peak := 0, 0, 0, 0, 0
			atWork, done := context.WithCancel(ctx)
			var loggedIn, others sync.WaitGroup
			loggedIn.Go(func() {
				got, err := begin()
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				for c, a := range got {
					answers[c] = a
				}
			})
			for c := 0; c < clients; c += 2 {
				loggedIn.Go(func() {
					got, err := w.curl(ctx, "negotiate", userOf(c), c, requests)
					if err != nil {
						t.Errorf("client %d: %v", c, err)
					}
					mu.Lock()
					defer mu.Unlock()
					answers[c] = got
				})
			}
			for c := range wrong {
				loggedIn.Go(func() {
					u := userOf(2 * c)
					u.password = "not the password"
					got, err := w.curl(ctx, "negotiate", u, clients+c, 5)
					if err != nil {
						t.Errorf("a client with a wrong password: %v", err)
					}
					mu.Lock()
					defer mu.Unlock()
					for _, a := range got {
						refused++
						if a.Status != 401 || a.User != "" {
							mistaken++
						}
					}
				})
			}
			for c := range strangers {
				others.Go(func() {
					client := w.anonymous(w.rec.addr())
					defer client.CloseIdleConnections()
					for n := 0; atWork.Err() == nil; n++ {
						if n%3 == 2 { // on a new connection now and then
							client.CloseIdleConnections()
						}
						resp, _, err := postSOAP(client, w.url(clients+wrong+c, n))
						if err != nil {
							t.Errorf("a client without credentials: %v", err)
							return
						}
						mu.Lock()
						anonymous++
						if resp.StatusCode != 401 || resp.Header.Get("X-Served-To") != "" {
							served++
						}
						mu.Unlock()
					}
				})
			}
			others.Go(func() {
				for tick := time.Tick(10 * time.Millisecond); ; {
					peak = max(peak, w.upstreamConnections())
					select {
					case <-tick:
					case <-atWork.Done():
						return
					}
				}
			})
			loggedIn.Wait()
			done()
			others.Wait()
			left := w.awaitNone()

			total, challenges, late, anothers := 0, 0, 0, 0
			connections := make(map[string]int) // upstream connection to the client it served
			for c := range clients {
				n, own, user := 0, fmt.Sprintf("client=%d&n=", c), userOf(c).String()
				for _, a := range answers[c] {
					if owner, known := connections[a.Connection]; known && owner != c {
						t.Errorf("upstream connection %s served clients %d and %d", a.Connection, owner, c)
					}
					connections[a.Connection] = c
					switch {
					case !strings.HasPrefix(a.Query, own), a.User != "" && a.User != user:
						anothers++
						t.Errorf("client %d of %s got %+v", c, user, a)
					case a.Status == 401 && n == 0:
						challenges++
					case a.Status == 401:
						late++
						t.Errorf("client %d was challenged after %d answers, on connection %s", c, n, a.Connection)
					case a.Status == 200 && a.User == user && a.Query == own+strconv.Itoa(n):
						n++
					}
				}
				total += n
				if n != requests {
					t.Errorf("client %d was not answered %d times in order: %s", c, requests, statuses(answers[c]))
				}
			}
			if late > 0 || served > 0 || mistaken > 0 || left > 0 {
				t.Errorf("401 after the handshake: %d; anonymous served: %d; wrong password served: %d; connections left: %d", late, served, mistaken, left)
			}
			if len(connections) != clients {
				t.Errorf("%d upstream connections for %d clients", len(connections), clients)
			}
			if anonymous == 0 || refused == 0 || peak < clients/2 {
				t.Errorf("too little happened at once to show anything: %d anonymous, %d refused, %d connections", anonymous, refused, peak)
			}
			fmt.Fprintf(&table, "%-12s %7d %8d %10d %10d %9d %5d %8d %9d %7d %6d %6d %6d\n", way.name, clients, total, challenges, late, anothers,
				len(connections), peak, anonymous, served, refused, mistaken, left)

			// The tape says the same.
			tape := w.stop()
			s.checkSecrets(t, w.path)
			onTape, legs, mixed := 0, 0, 0
			for _, i := range tape.Interactions {
				if i.Response.Code != 200 {
					continue
				}
				onTape++
				legs += i.Umtape.AuthLegs
				u, err := url.Parse(i.Request.URL)
				if err != nil {
					t.Fatal(err)
				}
				c, err := strconv.Atoi(u.Query().Get("client"))
				header := http.Header(i.Response.Headers)
				if err != nil || c >= clients || header.Get("X-Served-To") != userOf(c).String() || header.Get("X-Query") != u.RawQuery {
					if mixed++; mixed == 1 {
						t.Errorf("on tape, the answer to %s is that to %s of %s", u.RawQuery, header.Get("X-Query"), header.Get("X-Served-To"))
					}
				}
			}
			if onTape != total || legs != challenges+late || mixed > 0 {
				t.Errorf("on tape are %d answers with %d challenges, %d of them somebody else's; the clients got %d with %d", onTape, legs, mixed, total, challenges+late)
			}
		})
	}
	t.Logf("%d users, %d requests by each client on one connection\n%s", len(s.users), requests, &table)
}

// TestNTLMConnectionLost has the server end each connection after five requests:
// the client is challenged again, and is never somebody else.
func TestNTLMConnectionLost(t *testing.T) {
	s := realNTLM(t)
	if s.short == "" {
		t.Skip("UMTAPE_NTLM_SHORT_URL is not set")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const requests = 20
	for n, client := range []struct {
		name string
		ask  func(*ntlmWay) ([]ntlmAnswer, error)
	}{
		{"curl --negotiate", func(w *ntlmWay) ([]ntlmAnswer, error) { return w.curl(ctx, "negotiate", s.users[0], 0, requests) }},
		{"requests-ntlm", func(w *ntlmWay) ([]ntlmAnswer, error) { return w.onePython(ctx, s.users[1], 0, requests) }},
	} {
		t.Run(client.name, func(t *testing.T) {
			w := s.record(t, s.short, false, recordFlags{})
			// Another user is logged in all the while, on a connection of theirs.
			var other sync.WaitGroup
			var others []ntlmAnswer
			var otherErr error
			other.Go(func() { others, otherErr = w.curl(ctx, "negotiate", s.users[3], 1, requests) })
			answers, err := client.ask(w)
			other.Wait()
			if err != nil || otherErr != nil {
				t.Error(err, otherErr)
			}
			owner := make(map[string]string) // of each upstream connection
			check := func(u ntlmUser, answers []ntlmAnswer) {
				served, connection := 0, ""
				for _, a := range answers {
					if known := owner[a.Connection]; known != "" && known != u.String() {
						t.Errorf("connection %s is that of %s and of %s", a.Connection, known, u)
					}
					owner[a.Connection] = u.String()
					switch {
					case a.Status == 200 && a.User != u.String():
						t.Errorf("%s got an answer of %q", u, a.User)
					case a.Status == 200 && a.Connection != connection:
						t.Errorf("%s was served on connection %s without a challenge", u, a.Connection)
					case a.Status == 200:
						served++
					}
					connection = a.Connection
				}
				t.Logf("%s: %d of %d served: %s", u, served, requests, statuses(answers))
				if served != requests {
					t.Errorf("%s: %d answers for %d requests", u, served, requests)
				}
			}
			check(s.users[n], answers)
			check(s.users[3], others)
			if len(owner) < 2*requests/5 {
				t.Errorf("%d connections: the server ended too few to show anything", len(owner))
			}
			w.stop()
			s.checkSecrets(t, w.path)
		})
	}
}
