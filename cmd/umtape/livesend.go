package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/Azure/go-ntlmssp"
	"golang.org/x/term"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/proxy"
)

// Credentials for validate --live. They belong on no command line.
const (
	envLiveUser     = "UMTAPE_LIVE_USER"
	envLivePassword = "UMTAPE_LIVE_PASSWORD"
)

// liveServer asks the server of --live, over one connection, as NTLM needs it.
type liveServer struct {
	user, password string
	transport      *proxy.Transport
	login          http.RoundTripper // transport, that answers challenges
	host           string
}

// openLive finds credentials. It opens no connection.
func (a *app) openLive(ctx context.Context, f liveFlags) (*liveServer, error) {
	u, err := liveURL(f.url)
	if err != nil {
		return nil, err
	}
	s := &liveServer{user: f.user, password: os.Getenv(envLivePassword), host: u.Host}
	if s.user == "" {
		s.user = os.Getenv(envLiveUser)
	}
	if s.user != "" && s.password == "" {
		if s.password, err = a.askPassword(ctx, s.user, u.Host); err != nil {
			return nil, err
		}
	}
	servers, err := f.upstream()
	if err != nil {
		return nil, err
	}
	s.transport = servers.Transport()
	// Basic shows the password to whoever listens.
	s.login = ntlmssp.Negotiator{RoundTripper: s.transport, AllowBasicAuth: u.Scheme == "https" || onLoopback(u)}
	return s, nil
}

func onLoopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// askPassword asks on the terminal, without echo, until ctx is done.
func (a *app) askPassword(ctx context.Context, user, host string) (string, error) {
	in, ok := a.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", misuse("no password for %s: set %s, or run this on a terminal, which asks", user, envLivePassword)
	}
	fd := int(in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("no password can be read: %w", err)
	}
	fmt.Fprintf(a.stderr, "umtape: password of %s at %s: ", report.Printable(user), report.Printable(host))
	defer fmt.Fprintln(a.stderr)
	var text []byte
	read := make(chan error, 1)
	go func() { // a terminal cannot be read with an end to it: if ctx is done first, this goes on until the process ends
		typed, err := term.ReadPassword(fd)
		text = typed
		read <- err
	}()
	select {
	case err = <-read:
	case <-ctx.Done():
		if err := term.Restore(fd, before); err != nil {
			return "", fmt.Errorf("the terminal does not show what is typed (`stty echo` mends that): %w", err)
		}
		return "", fmt.Errorf("no password was read: %w", context.Cause(ctx))
	}
	if err != nil {
		return "", fmt.Errorf("no password was read: %w", err)
	}
	return string(text), nil
}

// liveTimeout is how long one answer may take.
const liveTimeout = 2 * time.Minute

// noAnswer is the error of a server that is not there, or ends a connection without an
// answer, or in one.
type noAnswer struct{ name, why string }

func (n *noAnswer) Error() string { return "--live: " + n.name + ": no answer: " + n.why }

// ask sends a request once. A server that wants other credentials ends it all, since
// asking on could lock the account.
func (s *liveServer) ask(ctx context.Context, l *liveRequest) (*inspect.Reading, error) {
	ctx, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, l.Method, l.URL, bytes.NewReader(l.reading.RequestBody))
	if err != nil {
		return nil, fmt.Errorf("--live: %s cannot be sent as it was recorded", l.name()) // the error may quote
	}
	req.Header = liveHeader(l.reading.RequestHeader)
	if s.user != "" {
		req.SetBasicAuth(s.user, s.password) // the negotiator sends it only as the server asks for it
	}
	began := time.Now()
	resp, err := s.login.RoundTrip(req)
	switch {
	case err != nil && ctx.Err() == context.Canceled: // Ctrl-C
		return nil, fmt.Errorf("--live: %s: no answer: %w", l.name(), context.Cause(ctx))
	case err != nil:
		return nil, &noAnswer{l.name(), report.Printable(proxy.Explain(err, req))}
	}
	defer resp.Body.Close()
	took := time.Since(began)
	body, err := io.ReadAll(io.LimitReader(resp.Body, cassettes.DefaultMaxBody+1))
	switch {
	case err != nil && ctx.Err() == context.Canceled:
		return nil, fmt.Errorf("--live: %s: no answer: %w", l.name(), context.Cause(ctx))
	case err != nil && ctx.Err() != nil:
		return nil, &noAnswer{l.name(), fmt.Sprintf("that of %s did not end in %v: check the server's load and log", report.Printable(s.host), liveTimeout)}
	case err != nil:
		return nil, &noAnswer{l.name(), fmt.Sprintf("that of %s broke off", report.Printable(s.host))}
	case len(body) > cassettes.DefaultMaxBody:
		return nil, fmt.Errorf("--live: %s: the answer of %s is longer than %d bytes", l.name(), report.Printable(s.host), cassettes.DefaultMaxBody)
	case resp.StatusCode == http.StatusUnauthorized && s.user == "":
		return nil, hint(fmt.Errorf("--live: %s: %w", l.name(), errLiveRefused), "name a user: --live-user 'DOMAIN\\NAME', with the password in %s or asked for", envLivePassword)
	case resp.StatusCode == http.StatusUnauthorized:
		return nil, hint(fmt.Errorf("--live: %s: %w", l.name(), errLiveRefused), "is the password right? Nothing more was sent. NTLM and Basic are spoken, Basic only over https or on loopback")
	}
	x := l.reading.Exchange
	x.Status, x.ResponseHeader, x.ResponseBody, x.Took, x.Truncated = resp.StatusCode, resp.Header, body, took, false
	return inspect.Read(x), nil
}

func (s *liveServer) close() { s.transport.CloseIdleConnections() }
