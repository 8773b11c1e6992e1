package proxy

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// ParseNetwork reads one of [Config.Allow]: "10.1.2.0/24", "fd00::/8", or one
// address. Bits beyond the length are cleared. Length 0 is refused: that is
// everybody.
func ParseNetwork(s string) (netip.Prefix, error) {
	const want = "want a network such as 10.1.2.0/24 or one address such as 10.1.2.3"
	p, err := netip.ParsePrefix(s)
	if err != nil {
		ip, err := netip.ParseAddr(s)
		if err != nil || ip.Zone() != "" {
			return netip.Prefix{}, errors.New(want)
		}
		ip = ip.Unmap()
		return netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return netip.Prefix{}, errors.New(want)
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	if p.Bits() == 0 {
		return netip.Prefix{}, errors.New("it holds every address, and the proxy would be everybody's: name the networks that clients are in")
	}
	return p.Masked(), nil
}

// clientIP is the address of a client, without zone, or the zero Addr for one
// that came by no network, such as a Unix socket.
func clientIP(a net.Addr) netip.Addr {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	ip, _ := netip.AddrFromSlice(t.IP)
	return ip.Unmap().WithZone("")
}

// clientAddr is clientIP with the port.
func clientAddr(a net.Addr) netip.AddrPort {
	if ip := clientIP(a); ip.IsValid() {
		return netip.AddrPortFrom(ip, uint16(a.(*net.TCPAddr).Port))
	}
	return netip.AddrPort{}
}

// isLocal reports whether a client is on this machine for sure.
func isLocal(client netip.Addr) bool { return !client.IsValid() || client.IsLoopback() }

// allows reports whether Config.Allow lets a client in.
func (s *Server) allows(client netip.Addr) bool {
	if s.config.Allow == nil || isLocal(client) {
		return true
	}
	for _, p := range s.config.Allow {
		if p.Contains(client) {
			return true
		}
	}
	return false
}

// turnAway closes a connection that a client outside of Config.Allow has opened.
func (s *Server) turnAway(c net.Conn, client netip.Addr) {
	defer c.Close()
	tell, untold := s.turned.note(client, time.Now())
	if untold > 0 {
		s.config.Logger.Warn("connections refused, of clients that --allow does not name", "more", untold)
	}
	if tell {
		s.config.Logger.Warn("connection refused", "client", client, "reason", "no --allow names this client's address")
	}
}

const (
	turnedEvery = time.Minute // how often an address is told of
	turnedMost  = 32          // how many are in that time
)

// turnedAway says which of the refused connections the log is to tell of: an
// address once a minute, and so many addresses, whatever comes.
type turnedAway struct {
	mu     sync.Mutex // guards what follows
	began  time.Time
	told   map[netip.Addr]bool
	untold int
}

// note takes one more. It gives how many were not told of in the minutes before,
// once.
func (t *turnedAway) note(client netip.Addr, now time.Time) (tell bool, untold int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.began) >= turnedEvery {
		untold = t.untold
		t.began, t.told, t.untold = now, make(map[netip.Addr]bool), 0
	}
	if t.told[client] || len(t.told) == turnedMost {
		t.untold++
		return false, untold
	}
	t.told[client] = true
	return true, untold
}

// admits says why a request is not to be served, if it comes from nobody who is
// known. It takes the proxy's credentials out of the request.
func (s *Server) admits(c *clientConn, r *http.Request) *refusal {
	credentials := r.Header["Proxy-Authorization"]
	delete(r.Header, "Proxy-Authorization")
	switch client := clientIP(c.RemoteAddr()); {
	case s.config.Users == nil, c.target != "": // a tunnel was admitted with its CONNECT
		return nil
	case r.Method != http.MethodConnect && r.URL.Scheme == "":
		// Sent to us as to a server. The 401 that would ask for a password is the
		// server's own, and 407 is for proxies.
		if isLocal(client) || s.config.Allow != nil {
			return nil
		}
		return &refusal{http.StatusForbidden, "umtape asks for the password of its clients, and one that takes it for the server cannot be asked: " +
			"set umtape as the client's proxy, or start it with --allow " + client.String()}
	default:
		return s.config.Users.admit(r.Context(), client, credentials)
	}
}

// challenge is what a client that shows no good credentials is asked for, RFC
// 7617.
const challenge = `Basic realm="umtape"`

var (
	noPassword = &refusal{http.StatusProxyAuthRequired, "umtape wants a user name and a password: give them to the client as those of its proxy, " +
		"as in http://USER:PASSWORD@HOST:PORT"}
	wrongPassword = &refusal{http.StatusProxyAuthRequired, "umtape does not know this user name with this password: check what the client has for its proxy, " +
		"and the file that --proxy-auth names"}
	tooManyPasswords = &refusal{http.StatusServiceUnavailable, "umtape has too many passwords to check: try again"}
)
