package proxy

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// upstreamProxy is the proxy that leads to the servers: http:// requests are
// sent to it in absolute form, for others it opens a tunnel (RFC 9110 §9.3.6).
type upstreamProxy struct {
	upstream      *Upstream
	url           *url.URL
	address       string // "host:port"
	authorization string // the header's value; "" for none
}

// newUpstreamProxy is nil if there is none.
func newUpstreamProxy(u *Upstream) (*upstreamProxy, error) {
	proxy, auth, file := u.config.Proxy, u.config.ProxyAuth, u.config.ProxyAuthFile
	const noURL = "credentials for an upstream proxy are given, and no upstream proxy: give its URL with --upstream-proxy"
	switch {
	case proxy == nil && (auth != "" || file != ""):
		return nil, errors.New(noURL)
	case proxy == nil:
		return nil, nil
	case proxy.User != nil:
		return nil, errors.New("upstream proxy: the URL holds a user name, and others can read it in the list of processes: put user:password into a file (--upstream-proxy-auth FILE) or UMTAPE_UPSTREAM_PROXY_AUTH")
	case proxy.Scheme != "http" && proxy.Scheme != "https", proxy.Hostname() == "", proxy.Opaque != "",
		proxy.Path != "" && proxy.Path != "/", proxy.RawQuery != "", proxy.Fragment != "", proxy.Port() != "" && !validPort(proxy.Port()):
		// Not quoted: what is no such URL may hold a password anywhere.
		return nil, errors.New("upstream proxy: the URL is not of the form http://HOST:PORT or https://HOST:PORT")
	}
	p := &upstreamProxy{upstream: u, url: proxy, address: hostPort(proxy)}
	for at := range u.resolve {
		if at != foldAddress(p.address) {
			return nil, fmt.Errorf("--resolve says where %s is, and the upstream proxy looks up the names of servers itself: give one of --resolve and --upstream-proxy", at)
		}
	}
	where := "the credentials for the upstream proxy"
	if file != "" {
		data, err := readPrivate(file, "the password", "")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		where = file
		auth, _, _ = strings.Cut(string(data), "\n")
		auth = strings.TrimSuffix(auth, "\r")
	}
	if auth == "" && file == "" {
		return p, nil
	}
	if user, _, ok := strings.Cut(auth, ":"); !ok || user == "" || strings.ContainsAny(auth, "\r\n\x00") {
		return nil, fmt.Errorf("%s: want one line, user:password", where)
	}
	p.authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(auth)) // RFC 7617
	return p, nil
}

// dial connects to the proxy itself.
func (p *upstreamProxy) dial(ctx context.Context) (net.Conn, error) {
	u := p.upstream
	c, err := u.dial(ctx, "tcp", p.address)
	if err == nil && p.url.Scheme == "https" {
		c, err = u.secure(ctx, c, strings.TrimSuffix(p.url.Hostname(), "."), p.address)
	}
	if err != nil {
		return nil, &proxyFailure{p, err}
	}
	return c, nil
}

// tunnel has the proxy connect to address.
func (p *upstreamProxy) tunnel(ctx context.Context, address string) (net.Conn, error) {
	c, err := p.dial(ctx)
	if err != nil {
		return nil, err
	}
	within := p.upstream.config.DialTimeout
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Now()) })
	ahead, err := p.ask(c, address)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		c.Close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if _, refused := errors.AsType[*proxyRefusal](err); refused {
			return nil, err
		}
		return nil, &proxyFailure{p, err}
	}
	if len(ahead) > 0 {
		return &sniffedConn{Conn: c, ahead: ahead}, nil
	}
	return c, nil
}

// ask does the CONNECT and returns what the server behind has sent already.
func (p *upstreamProxy) ask(c net.Conn, address string) (ahead []byte, err error) {
	if unfit(address) {
		return nil, errors.New("the server's address has characters that HTTP does not allow there")
	}
	request := "CONNECT " + address + " HTTP/1.1\r\nHost: " + address + "\r\n"
	if p.authorization != "" {
		request += "Proxy-Authorization: " + p.authorization + "\r\n"
	}
	if _, err := io.WriteString(c, request+"\r\n"); err != nil {
		return nil, err
	}
	r := bufio.NewReader(&limitedConn{Conn: c, left: maxProxyAnswer})
	var resp *http.Response
	for resp == nil || resp.StatusCode/100 == 1 && resp.StatusCode != http.StatusSwitchingProtocols {
		if resp, err = http.ReadResponse(r, &http.Request{Method: http.MethodConnect}); err != nil {
			return nil, err
		}
	}
	if resp.StatusCode/100 != 2 {
		return nil, &proxyRefusal{p, address, resp.StatusCode}
	}
	ahead, _ = r.Peek(r.Buffered())
	return ahead, nil
}

// maxProxyAnswer bounds what a proxy answers to CONNECT, without its body.
const maxProxyAnswer = 64 << 10

// proxyFailure is what went wrong on the way to the upstream proxy.
type proxyFailure struct {
	proxy *upstreamProxy
	err   error
}

func (e *proxyFailure) Error() string {
	return "upstream proxy " + e.proxy.address + ": " + e.err.Error()
}
func (e *proxyFailure) Unwrap() error { return e.err }

// proxyRefusal is an upstream proxy's answer other than what was asked for.
type proxyRefusal struct {
	proxy   *upstreamProxy
	address string // of the server
	status  int
}

func (e *proxyRefusal) Error() string {
	return fmt.Sprintf("upstream proxy %s answered %d", e.proxy.address, e.status)
}

// explain says what to do.
func (e *proxyRefusal) explain() string {
	p := e.proxy.address
	switch {
	case e.status != http.StatusProxyAuthRequired:
		return fmt.Sprintf("the upstream proxy %s refused to connect to %s (it answered %d): check its rules and log", p, e.address, e.status)
	case e.proxy.authorization == "":
		return fmt.Sprintf("the upstream proxy %s wants credentials: give user:password with --upstream-proxy-auth FILE or in UMTAPE_UPSTREAM_PROXY_AUTH", p)
	}
	return fmt.Sprintf("the upstream proxy %s did not accept the credentials: check user and password, and that it takes Basic authentication", p)
}
