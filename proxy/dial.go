package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// connect opens a connection to the server at address, "host:port", for http or
// https.
func (u *Upstream) connect(ctx context.Context, scheme, address string) (*serverConn, error) {
	var (
		c     net.Conn
		proxy *upstreamProxy
		err   error
	)
	switch {
	case scheme == "https":
		c, err = u.dialTLS(ctx, address)
	case u.proxy != nil:
		proxy = u.proxy
		c, err = proxy.dial(ctx)
	default:
		c, err = u.dial(ctx, "tcp", address)
	}
	if err != nil {
		return nil, err
	}
	return newServerConn(c, u.config.ResponseHeaderTimeout, proxy), nil
}

// Dial opens a connection to address, "host:port", as for an https request but
// without TLS: to where Resolve says, or through Proxy.
func (u *Upstream) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if u.proxy != nil {
		return u.proxy.tunnel(ctx, address)
	}
	return u.dial(ctx, network, address)
}

var errLoop = errors.New("the server's address is the proxy's own")

// dial goes to address itself.
func (u *Upstream) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if elsewhere, ok := u.resolve[foldAddress(address)]; ok {
		address = elsewhere
	}
	d := net.Dialer{
		Timeout: u.config.DialTimeout,
		// Here the name has become an address, and nothing has been sent yet.
		ControlContext: func(ctx context.Context, _, resolved string, _ syscall.RawConn) error {
			host, port, err := net.SplitHostPort(resolved)
			if c := connOf(ctx); err == nil && c != nil && c.server.isSelf(host, port) {
				return errLoop
			}
			return nil
		},
	}
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &upstreamConn{Conn: c, idle: u.config.BodyIdleTimeout}, nil
}

func (u *Upstream) dialTLS(ctx context.Context, address string) (net.Conn, error) {
	host := hostOf(address)
	raw, err := u.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return u.secure(ctx, raw, serverName(ctx, host, address), address)
}

// secure does TLS over raw with the server at address, which is asked to be name.
func (u *Upstream) secure(ctx context.Context, raw net.Conn, name, address string) (net.Conn, error) {
	host := hostOf(address)
	config := u.tls.Clone()
	config.ServerName = name
	config.ClientSessionCache = sessionsOf{u.tls.ClientSessionCache, address}
	config.InsecureSkipVerify = u.insecure.has(host, address)
	if u.legacy.has(host, address) {
		allowLegacy(config)
	}
	u.showCertificate(config, host, address)
	ctx, cancel := context.WithTimeout(ctx, u.config.TLSHandshakeTimeout)
	defer cancel()
	c := tls.Client(raw, config)
	if err := c.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return c, nil
}

// sessionsOf are the sessions with one address. Another port of the same host may
// have been shown another certificate, and a session is resumed with the one that
// it began with.
type sessionsOf struct {
	tls.ClientSessionCache
	address string
}

func (s sessionsOf) Get(key string) (*tls.ClientSessionState, bool) {
	return s.ClientSessionCache.Get(s.address + " " + key)
}

func (s sessionsOf) Put(key string, state *tls.ClientSessionState) {
	s.ClientSessionCache.Put(s.address+" "+key, state)
}

// serverName is what the server is asked to be, and its certificate checked
// against: the host, except that inside a tunnel the client may have asked for
// another, as one that was given an IP address to connect to does.
func serverName(ctx context.Context, host, address string) string {
	if c := connOf(ctx); c != nil && c.target != "" && strings.EqualFold(c.target, address) {
		if c.asked != "" {
			return c.asked
		}
	}
	return strings.TrimSuffix(host, ".")
}

func allowLegacy(config *tls.Config) {
	config.MinVersion = tls.VersionTLS10
	for _, suite := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		config.CipherSuites = append(config.CipherSuites, suite.ID)
	}
	config.ClientSessionCache = nil // shared with hosts of the same name that are not to sink so low
}

// upstreamConn is a connection to a server that does not wait for ever for the
// server to read.
type upstreamConn struct {
	net.Conn
	idle  time.Duration
	until atomic.Pointer[time.Time] // as somebody has set it, crypto/tls before its farewell; nil for never
}

func (c *upstreamConn) Write(p []byte) (int, error) {
	d := time.Now().Add(c.idle)
	if t := c.until.Load(); t != nil && !t.IsZero() && t.Before(d) {
		d = *t
	}
	c.Conn.SetWriteDeadline(d)
	return c.Conn.Write(p)
}

func (c *upstreamConn) SetWriteDeadline(t time.Time) error {
	c.until.Store(&t)
	return c.Conn.SetWriteDeadline(t)
}

func (c *upstreamConn) SetDeadline(t time.Time) error {
	c.until.Store(&t)
	return c.Conn.SetDeadline(t)
}

func (c *upstreamConn) CloseWrite() error { return closeWrite(c.Conn) }

// parseResolve reads entries "HOST:PORT:ADDRESS" into "host:port" to
// "address:port".
func parseResolve(entries []string) (map[string]string, error) {
	to := make(map[string]string)
	for _, entry := range entries {
		at, address, ok := splitResolve(entry)
		if !ok {
			return nil, fmt.Errorf("resolve %q: want HOST:PORT:ADDRESS, such as um.example.com:443:192.0.2.7, an IPv6 address in brackets", entry)
		}
		to[foldAddress(at)] = address
	}
	return to, nil
}

func splitResolve(entry string) (at, address string, ok bool) {
	host, rest, _ := strings.Cut(entry, ":")
	if strings.HasPrefix(entry, "[") { // an IPv6 address
		var found bool
		if host, rest, found = strings.Cut(entry[1:], "]:"); !found {
			return "", "", false
		}
	}
	port, address, _ := strings.Cut(rest, ":")
	address = strings.TrimSuffix(strings.TrimPrefix(address, "["), "]")
	at = net.JoinHostPort(host, port)
	if !validTarget(at) || net.ParseIP(address) == nil && (address == "" || strings.ContainsAny(address, ":/ ")) {
		return "", "", false
	}
	return at, net.JoinHostPort(address, port), true
}

// foldAddress is "host:port" in the one spelling that addresses are compared in.
func foldAddress(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return net.JoinHostPort(plainHost(host), port)
}
