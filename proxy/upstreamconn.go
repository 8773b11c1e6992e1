package proxy

import (
	"cmp"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Transport is an [http.Transport] that sends a request's path as the client
// wrote it, where http.Transport would escape what it thinks should be: /a|b and
// /a%7Cb may be two things to a server.
type Transport struct{ *http.Transport }

// RoundTrip takes the path from URL.RawPath if it is one of URL.Path.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	path := rawPath(r.URL)
	// With two slashes http.Transport would put the scheme before it.
	if path == r.URL.EscapedPath() || strings.HasPrefix(path, "//") || !strings.HasPrefix(path, "/") {
		return t.Transport.RoundTrip(r)
	}
	raw, u := r.WithContext(r.Context()), *r.URL
	u.Opaque = path
	raw.URL = &u
	resp, err := t.Transport.RoundTrip(raw)
	if resp != nil {
		resp.Request = r
	}
	return resp, err
}

// rawPath is u's path as it was parsed, unless Path has been changed since.
func rawPath(u *url.URL) string {
	path, err := url.PathUnescape(u.RawPath)
	if err == nil && path == u.Path && !strings.Contains(u.RawPath, " ") { // of --reverse; no client can write one
		return cmp.Or(u.RawPath, u.EscapedPath())
	}
	return u.EscapedPath()
}

// upstreamConn is a connection to a server that does not wait for ever for the
// server to read.
type upstreamConn struct {
	net.Conn
	idle time.Duration
}

func (c *upstreamConn) Write(p []byte) (int, error) {
	c.SetWriteDeadline(time.Now().Add(c.idle))
	return c.Conn.Write(p)
}

func (c *upstreamConn) CloseWrite() error { return closeWrite(c.Conn) }
