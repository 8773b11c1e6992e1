package proxy

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
)

const noCA = "umtape has no certificate authority here, so it cannot look into TLS; give it one to use https"

var errNoCA = errors.New(noCA)

// connect answers CONNECT and opens the tunnel as a client connection of its
// own whose requests all go to the CONNECT's target. goproxy would serve it with
// a loop that knows no timeouts, sends no 100 Continue, chooses the upstream by
// the inner Host header and loses bytes the client sent along with CONNECT.
func (s *Server) connect(outer *clientConn, w http.ResponseWriter, r *http.Request) {
	switch {
	case s.tls == nil:
		http.Error(w, noCA, http.StatusNotImplemented)
		return
	case outer.target != "":
		http.Error(w, "this is already a tunnel to "+outer.target+"; a tunnel inside a tunnel is not supported", http.StatusNotImplemented)
		return
	case !validTarget(r.URL.Host):
		http.Error(w, "CONNECT must name HOST:PORT", http.StatusBadRequest)
		return
	}
	if refused := s.notPermitted(r.URL.Hostname()); refused != nil {
		s.config.Logger.Warn("CONNECT refused", "client", r.RemoteAddr, "target", r.URL.Host, "reason", refused, "hint", refused.remedy())
		http.Error(w, refused.Error()+"; "+refused.remedy(), http.StatusForbidden)
		return
	}
	hijacked, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.config.Logger.Warn("cannot take over the connection of a CONNECT", "error", err)
		return
	}
	tunnel := &clientConn{Conn: hijacked, raw: hijacked, server: s, target: r.URL.Host}
	if !s.register(tunnel) {
		hijacked.Close()
		return
	}
	defer tunnel.leave()
	early, _ := buffered.Peek(buffered.Reader.Buffered()) // never fails; buffered is ours from now on
	if _, err = io.WriteString(hijacked, "HTTP/1.1 200 Connection established\r\n\r\n"); err == nil {
		err = tunnel.open(early)
	}
	if err != nil {
		tunnel.logOpenFailure(err)
		tunnel.Close()
		return
	}
	if !s.queue.put(tunnel) {
		tunnel.Close()
	}
}

// notPermitted is what stands against a tunnel to host. The client may go on to
// ask for another name, but most do not, and none is told why TLS failed.
func (s *Server) notPermitted(host string) *notPermittedError {
	var refused *notPermittedError
	errors.As(s.config.CA.CheckHost(host), &refused)
	return refused
}

func validTarget(hostport string) bool {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil || host == "" {
		return false
	}
	return validPort(port)
}

func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}
