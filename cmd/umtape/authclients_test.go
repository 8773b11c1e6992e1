package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/Azure/go-ntlmssp"
)

// authAnswer is one answer as a client got it, challenges included.
type authAnswer struct {
	Status                  int
	User, Connection, Query string // what the server says of it
	Sent                    bool   // the request had an Authorization header when it reached the server
	Challenge               string // its WWW-Authenticate headers
}

func answerOf(status int, h http.Header) authAnswer {
	return authAnswer{status, h.Get("X-Served-To"), h.Get("X-Connection"), h.Get("X-Query"), h.Get("X-Credentials") == "sent", strings.Join(h.Values("Www-Authenticate"), ", ")}
}

// authSession is what one client does: n requests one after another, on one
// connection as long as that lasts.
type authSession struct {
	client int // its number
	user   authUser
	n      int
}

// authClient is a kind of client.
type authClient struct {
	name string
	legs int // challenges before its first answer

	// start makes ready a client for each session. They begin, all at once, when
	// the function it returns is called, which returns their answers by number.
	start startClients

	// offline is start for a replay, if that differs.
	offline startClients
}

type startClients func(context.Context, *authWay, []authSession) (begin func() (map[int][]authAnswer, error), err error)

// one has a single client do all of a session.
func (start startClients) one(ctx context.Context, w *authWay, s authSession) ([]authAnswer, error) {
	begin, err := start(ctx, w, []authSession{s})
	if err != nil {
		return nil, err
	}
	answers, err := begin()
	return answers[s.client], err
}

// The kinds of clients. The first message of curl --ntlm is one that
// gss-ntlmssp cannot decode: curl --ntlm meets `umtape replay --challenge ntlm`.
var (
	ntlmClients = []authClient{
		{name: "curl --negotiate", legs: 1, start: curlClients("negotiate")},
		{name: "requests-ntlm", legs: 2, start: pythonClients("HttpNtlmAuth(job['user'], job['password'])")},
		{name: "go-ntlmssp", legs: 2, start: goClients},
	}
	kerberosClients = []authClient{
		{name: "curl --negotiate", legs: 0, start: curlClients("negotiate")},
		// It checks the server's token, which no replay can make.
		{name: "requests-kerberos", legs: 1, start: pythonClients("HTTPKerberosAuth(mutual_authentication=REQUIRED)"),
			offline: pythonClients("HTTPKerberosAuth(mutual_authentication=OPTIONAL)")},
	}
)

// pace is how long a client waits after an answer, so that all are at work at
// the same time.
const pace = 40 * time.Millisecond

const soapFile = "../../testdata/messages/playonphone-request.xml"

// curlClients are curls, each with the user's password or ticket.
func curlClients(option string) startClients {
	return func(ctx context.Context, w *authWay, sessions []authSession) (func() (map[int][]authAnswer, error), error) {
		return atOnce(sessions, func(s authSession) ([]authAnswer, error) { return w.curl(ctx, s, option) }), nil
	}
}

// atOnce runs all sessions together.
func atOnce(sessions []authSession, run func(authSession) ([]authAnswer, error)) func() (map[int][]authAnswer, error) {
	return func() (map[int][]authAnswer, error) {
		var mu sync.Mutex // guards answers and failed
		var failed error
		answers := make(map[int][]authAnswer)
		var all sync.WaitGroup
		for _, s := range sessions {
			all.Go(func() {
				got, err := run(s)
				mu.Lock()
				defer mu.Unlock()
				answers[s.client] = got
				if err != nil {
					failed = errors.Join(failed, fmt.Errorf("client %d: %w", s.client, err))
				}
			})
		}
		all.Wait()
		return answers, failed
	}
}

// curl runs one curl for a session and returns all answers. Each of the options
// is a line of a curl configuration.
func (w *authWay) curl(ctx context.Context, s authSession, options ...string) ([]authAnswer, error) {
	dir := w.t.TempDir()
	var config strings.Builder
	for i := range s.n {
		if i > 0 {
			config.WriteString("next\n")
		}
		// The libraries of NTLM and Kerberos, not curl, read who the user is.
		fmt.Fprintf(&config, "url = %q\nsilent\nshow-error\nuser = \":\"\n%s\nnoproxy = \"\"\nsuppress-connect-headers\n", w.url(s.client, i), strings.Join(options, "\n"))
		fmt.Fprintf(&config, "cacert = %q\nheader = \"Content-Type: text/xml; charset=utf-8\"\nheader = \"SOAPAction: \\\"\\\"\"\n", w.ca.CertFile())
		fmt.Fprintf(&config, "data-binary = \"@%s\"\ndump-header = \"-\"\noutput = %q\nmax-time = 120\n", soapFile, filepath.Join(dir, strconv.Itoa(i)))
		if w.proxy != "" {
			fmt.Fprintf(&config, "proxy = %q\n", w.proxy)
		}
	}
	cmd := exec.CommandContext(ctx, "curl", "--disable", "--rate", fmt.Sprintf("%d/s", time.Second/pace), "--config", "-")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, w.server.all.Env, s.user.Env}
	cmd.Stdin = strings.NewReader(config.String())
	out, err := cmd.Output()
	if e, ok := err.(*exec.ExitError); ok {
		err = fmt.Errorf("curl: %w: %s", err, e.Stderr)
	}
	return parseHeaders(out), err
}

// parseHeaders reads what curl --dump-header wrote.
func parseHeaders(dump []byte) []authAnswer {
	var answers []authAnswer
	for head := range strings.SplitSeq(string(dump), "\r\n\r\n") {
		resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(head+"\r\n\r\n")), nil)
		if err != nil {
			continue // the end
		}
		answers = append(answers, answerOf(resp.StatusCode, resp.Header))
	}
	return answers
}

// pythonClients are clients of requests in Debian's Python, each a thread with a
// connection of its own; one process for each user, since tickets are found by
// the environment. auth is how a session logs in.
func pythonClients(auth string) startClients {
	return func(ctx context.Context, w *authWay, sessions []authSession) (func() (map[int][]authAnswer, error), error) {
		var users []authUser
		of := make(map[authUser][]authSession)
		for _, s := range sessions {
			if of[s.user] == nil {
				users = append(users, s.user)
			}
			of[s.user] = append(of[s.user], s)
		}
		var mu sync.Mutex // guards begins and failed
		var begins []func() (map[int][]authAnswer, error)
		var failed error
		var starting sync.WaitGroup
		for _, u := range users {
			starting.Go(func() {
				begin, err := w.python(ctx, auth, u, of[u])
				mu.Lock()
				defer mu.Unlock()
				begins, failed = append(begins, begin), errors.Join(failed, err)
			})
		}
		starting.Wait()
		if failed != nil {
			return nil, failed
		}
		return func() (map[int][]authAnswer, error) {
			answers := make(map[int][]authAnswer)
			var running sync.WaitGroup
			for _, begin := range begins {
				running.Go(func() {
					got, err := begin()
					mu.Lock()
					defer mu.Unlock()
					failed = errors.Join(failed, err)
					for c, a := range got {
						answers[c] = a
					}
				})
			}
			running.Wait()
			return answers, failed
		}, nil
	}
}

const pythonScript = `
import json, sys, threading, time
import requests
%s

job = json.loads(sys.stdin.readline())
body = open(job["body"], "rb").read()
answers = {}

def run(client, urls):
    s = requests.Session()
    s.trust_env = False
    s.verify = job["ca"]
    if job["proxy"]:
        s.proxies = {"http": job["proxy"], "https": job["proxy"]}
    s.auth = %s
    got = answers[client] = []
    for n, url in enumerate(urls):
        if n:
            time.sleep(job["pace"])
        r = s.post(url, data=body, timeout=120, headers={"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'})
        for a in r.history + [r]:
            h = a.headers
            got.append({"Status": a.status_code, "User": h.get("X-Served-To", ""), "Connection": h.get("X-Connection", ""),
                        "Query": h.get("X-Query", ""), "Sent": h.get("X-Credentials") == "sent",
                        "Challenge": h.get("WWW-Authenticate", "")})
    s.close()

print("ready", flush=True)
sys.stdin.readline()
threads = [threading.Thread(target=run, args=c) for c in job["clients"].items()]
for t in threads: t.start()
for t in threads: t.join()
print(json.dumps(answers))
`

// python starts the clients of one user and returns when they are ready.
func (w *authWay) python(ctx context.Context, auth string, u authUser, sessions []authSession) (func() (map[int][]authAnswer, error), error) {
	dir := w.t.TempDir()
	legacy := filepath.Join(dir, "openssl.cnf") // MD4, which NTLM is made of
	if err := os.WriteFile(legacy, []byte("openssl_conf = o\n[o]\nproviders = p\n[p]\ndefault = on\nlegacy = on\n[on]\nactivate = 1\n"), 0o600); err != nil {
		return nil, err
	}
	clients := make(map[int][]string)
	for _, s := range sessions {
		for i := range s.n {
			clients[s.client] = append(clients[s.client], w.url(s.client, i))
		}
	}
	job, err := json.Marshal(map[string]any{
		"body": soapFile, "ca": w.ca.CertFile(), "proxy": w.proxy, "pace": pace.Seconds(),
		"user": u.Name, "password": u.Password, "clients": clients,
	})
	if err != nil {
		return nil, err
	}
	module := "from requests_ntlm import HttpNtlmAuth"
	if strings.Contains(auth, "Kerberos") {
		module = "from requests_kerberos import HTTPKerberosAuth, OPTIONAL, REQUIRED"
	}
	cmd := exec.CommandContext(ctx, "/usr/bin/python3", "-c", fmt.Sprintf(pythonScript, module, auth))
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "OPENSSL_CONF=" + legacy, w.server.all.Env, u.Env}
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
	return func() (map[int][]authAnswer, error) {
		io.WriteString(stdin, "go\n")
		out, _ := io.ReadAll(lines)
		if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
			return nil, fmt.Errorf("python: %v: %s", err, &stderr)
		}
		var answers map[int][]authAnswer
		return answers, json.Unmarshal(out, &answers)
	}, nil
}

// goClients are clients of github.com/Azure/go-ntlmssp.
func goClients(ctx context.Context, w *authWay, sessions []authSession) (func() (map[int][]authAnswer, error), error) {
	return atOnce(sessions, func(s authSession) ([]authAnswer, error) {
		wire := &oneConnection{ctx: ctx, w: w}
		defer wire.close()
		client := ntlmssp.Negotiator{RoundTripper: wire}
		for i := range s.n {
			if i > 0 {
				select {
				case <-ctx.Done():
				case <-time.After(pace):
				}
			}
			req, err := newSOAP(ctx, w.url(s.client, i))
			if err != nil {
				return wire.seen, err
			}
			req.SetBasicAuth(s.user.Name, s.user.Password)
			resp, err := client.RoundTrip(req)
			if err != nil {
				return wire.seen, err
			}
			resp.Body.Close()
		}
		return wire.seen, wire.failed
	}), nil
}

// oneConnection is a RoundTripper of a single connection, which it replaces only
// if it was told that it ends. net/http's own gives up a healthy one when the
// machine is busy (maxWriteWaitBeforeConnReuse), and here that would look like
// umtape's doing.
type oneConnection struct {
	ctx    context.Context
	w      *authWay
	conn   net.Conn
	r      *bufio.Reader
	seen   []authAnswer
	failed error // the first failure; Negotiator keeps it to itself
}

func (c *oneConnection) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.roundTrip(req)
	if c.failed == nil {
		c.failed = err
	}
	return resp, err
}

func (c *oneConnection) roundTrip(req *http.Request) (*http.Response, error) {
	if c.conn == nil {
		var err error
		if c.conn, err = c.w.dial(c.ctx); err != nil {
			return nil, err
		}
		c.r = bufio.NewReader(c.conn)
	}
	write := req.Write
	if c.w.proxy != "" && req.URL.Scheme == "http" {
		write = req.WriteProxy
	}
	if err := write(c.conn); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(c.r, req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	c.seen = append(c.seen, answerOf(resp.StatusCode, resp.Header))
	if resp.Close {
		c.close()
	}
	return resp, nil
}

func (c *oneConnection) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// dial connects to umtape as its clients do, up to where requests are written.
func (w *authWay) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", w.addr)
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		conn.SetDeadline(deadline)
	}
	target, err := url.Parse(w.base)
	if err != nil || target.Scheme == "http" {
		return conn, err
	}
	if w.proxy != "" {
		fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", target.Host, target.Host)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil) // nothing follows before we speak
		if err != nil || resp.StatusCode != 200 {
			conn.Close()
			return nil, fmt.Errorf("CONNECT: %v %v", resp, err)
		}
	}
	secure := tls.Client(conn, &tls.Config{RootCAs: w.roots(), ServerName: target.Hostname()})
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

func (w *authWay) roots() *x509.CertPool {
	roots := x509.NewCertPool()
	roots.AddCert(w.ca.Certificate())
	return roots
}

// anonymous is a client of Go's that has no credentials.
func (w *authWay) anonymous() *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.roots()}, DisableCompression: true}
	if w.proxy != "" {
		proxy, err := url.Parse(w.proxy)
		if err != nil {
			w.t.Fatal(err)
		}
		transport.Proxy = http.ProxyURL(proxy)
	}
	w.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 2 * time.Minute}
}

func newSOAP(ctx context.Context, url string) (*http.Request, error) {
	message, err := os.ReadFile(soapFile)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, "POST", url, bytes.NewReader(message))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	req.Header.Set("SOAPAction", `""`)
	return req, nil
}

func postSOAP(ctx context.Context, client *http.Client, url string) (*http.Response, string, error) {
	req, err := newSOAP(ctx, url)
	if err != nil {
		return nil, "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp, string(b), err
}
