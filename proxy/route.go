package proxy

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// refusal is an answer of ours to a request that cannot be sent anywhere.
type refusal struct {
	status int
	text   string
}

// way is how r came in. It is asked before route changes r.
func (s *Server) way(c *clientConn, r *http.Request) Way {
	switch {
	case c.target != "", r.Method == http.MethodConnect:
		return WayConnect
	case r.URL.Scheme != "":
		return WayProxy
	case s.config.Reverse != nil:
		return WayReverse
	}
	return WayOrigin
}

// route makes r.URL absolute: it says where the request goes and what the
// transport sees. The Host header stays as it came, except with Reverse.
func (s *Server) route(c *clientConn, r *http.Request) *refusal {
	if most := s.config.Limits.HeaderFields; fields(r.Header) > most {
		return &refusal{http.StatusRequestHeaderFieldsTooLarge, "the request's header has more than " + strconv.Itoa(most) + " fields"}
	}
	r.URL.User = nil // deprecated in requests (RFC 9110 §4.2.4), and a credential
	scheme := "http"
	if c.secure {
		scheme = "https"
	}
	switch {
	case r.URL.Opaque != "":
		return &refusal{http.StatusBadRequest, "the request's URL has no // after its scheme: want " + scheme + "://HOST/PATH"}
	case r.URL.Port() != "" && !validPort(r.URL.Port()):
		return &refusal{http.StatusBadRequest, "the port of the request's URL is none: ports are numbers from 1 to 65535"}
	case c.target != "" && r.URL.Scheme != "" && r.URL.Scheme != "http" && r.URL.Scheme != "https":
		return &refusal{http.StatusBadRequest, "inside a tunnel umtape speaks http and https, and the request is for another scheme"}
	case c.target != "":
		// Whatever host the request names, the client asked for a tunnel to this one.
		r.URL.Scheme, r.URL.Host = scheme, withoutDefaultPort(c.target, scheme)
	case r.URL.Scheme == "":
		return s.routeOrigin(scheme, r)
	case r.URL.Scheme != "http" && r.URL.Scheme != "https":
		return &refusal{http.StatusNotImplemented, "umtape speaks http and https, not " + r.URL.Scheme}
	case r.URL.Host == "":
		return &refusal{http.StatusBadRequest, "the request's URL names no host"}
	}
	if !s.isSelf(r.URL.Hostname(), portOf(r.URL)) {
		return s.config.Ports.refuses(portOf(r.URL))
	}
	if s.config.Reverse != nil || s.config.ServeOrigin {
		return s.routeOrigin(scheme, r) // a client that has us both as its proxy and as its server
	}
	return &refusal{http.StatusLoopDetected, selfText}
}

const selfText = "the request is for umtape itself, which would send it to itself for ever: " +
	"set umtape as the client's proxy and the server's own address as its URL, or start it with --reverse URL of the server"

func (s *Server) routeOrigin(scheme string, r *http.Request) *refusal {
	switch base := s.config.Reverse; {
	case base != nil:
		r.URL.Scheme, r.URL.Host, r.Host = base.Scheme, base.Host, base.Host
		joinPath(r.URL, base)
	case s.config.ServeOrigin:
		r.URL.Scheme, r.URL.Host = scheme, ""
	default:
		return &refusal{http.StatusMisdirectedRequest, "umtape is a proxy and this request names no server: " +
			"set umtape as the client's HTTP and HTTPS proxy, or start it with --reverse URL of the server"}
	}
	return nil
}

// joinPath puts base's path, which does not end in a slash, before u's, both as
// they were escaped.
func joinPath(u, base *url.URL) {
	if base.Path == "" || u.Path == "*" {
		return
	}
	if base.RawPath != "" || u.RawPath != "" {
		u.RawPath = rawPath(base) + rawPath(u)
	}
	u.Path = base.Path + u.Path
}

// hostPort is where u's host listens.
func hostPort(u *url.URL) string { return net.JoinHostPort(u.Hostname(), portOf(u)) }

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	return defaultPort(u.Scheme)
}

func defaultPort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}

// withoutDefaultPort gives a URL's host in the form a client would write.
func withoutDefaultPort(hostport, scheme string) string {
	if host, found := strings.CutSuffix(hostport, ":"+defaultPort(scheme)); found {
		return host
	}
	return hostport
}

// isSelf reports whether host, a name or an IP address, and port are what the
// server listens on. Names other than localhost are not looked up: replay must
// not need the network. [Upstream] catches those when it dials.
func (s *Server) isSelf(host, port string) bool {
	for _, own := range *s.own.Load() {
		if port == own.port && own.isAt(host) {
			return true
		}
	}
	return false
}

// ownAddress is where the server listens.
type ownAddress struct {
	ip   netip.Addr
	port string
}

// ownAddressOf is false for listeners that are not of TCP.
func ownAddressOf(a net.Addr) (ownAddress, bool) {
	own, err := netip.ParseAddrPort(a.String())
	return ownAddress{own.Addr().Unmap().WithZone(""), strconv.Itoa(int(own.Port()))}, err == nil
}

func (own ownAddress) isAt(host string) bool {
	if isLocalhost(host) {
		return own.ip.IsLoopback() || own.ip.IsUnspecified()
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	ip = ip.Unmap().WithZone("")
	return ip == own.ip || ip.IsUnspecified() || own.ip.IsUnspecified() && isLocalIP(ip)
}

func isLocalhost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

func isLocalIP(ip netip.Addr) bool {
	if ip.IsLoopback() {
		return true
	}
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Unmap() == ip {
			return true
		}
	}
	return false
}

// fields is how many lines h has. A header of many short ones takes many times
// the memory of its text, and is copied on its way.
func fields(h http.Header) int {
	n := 0
	for _, values := range h {
		n += len(values)
	}
	return n
}
