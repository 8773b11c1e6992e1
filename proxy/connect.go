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
func (s *Server) connect(outer *clientConn, x *exchange) {
	if refused := s.refuseConnect(outer, x.request); refused != nil {
		x.refuse(refused)
		x.tell()
		return
	}
	target := x.request.URL.Host
	if s.config.Tunnel.has(target) {
		s.passBy(outer, x)
		return
	}
	hijacked, buffered, err := http.NewResponseController(x.ResponseWriter).Hijack()
	if err != nil {
		s.config.Logger.Warn("cannot take over the connection of a CONNECT", "error", err)
		return
	}
	tunnel := &clientConn{Conn: hijacked, raw: hijacked, server: s, target: target, number: outer.number}
	if !s.register(tunnel) {
		hijacked.Close()
		return
	}
	early, _ := buffered.Peek(buffered.Reader.Buffered()) // never fails; buffered is ours from now on
	if _, err = io.WriteString(hijacked, established); err == nil {
		err = tunnel.open(early)
	}
	if err != nil {
		tunnel.logOpenFailure(err)
		tunnel.Close()
		tunnel.leave()
		return
	}
	go s.attend(tunnel)
}

const established = "HTTP/1.1 200 Connection established\r\n\r\n"

// refuseConnect says why there is to be no tunnel.
func (s *Server) refuseConnect(outer *clientConn, r *http.Request) *refusal {
	if refused := s.admits(outer, r); refused != nil {
		return refused
	}
	target := r.URL.Host
	passBy := s.config.Tunnel.has(target)
	switch {
	case outer.target != "":
		return &refusal{http.StatusNotImplemented, "this is already a tunnel to " + outer.target + "; a tunnel inside a tunnel is not supported"}
	case !validTarget(target):
		return &refusal{http.StatusBadRequest, "CONNECT must name HOST:PORT"}
	case s.tls == nil && !passBy:
		return &refusal{http.StatusNotImplemented, noCA}
	case passBy && s.isSelf(r.URL.Hostname(), r.URL.Port()):
		return &refusal{http.StatusLoopDetected, selfText}
	}
	if refused := s.config.Ports.refuses(r.URL.Port()); refused != nil || passBy {
		return refused
	}
	if refused := s.notPermitted(r.URL.Hostname()); refused != nil {
		return &refusal{http.StatusForbidden, refused.Error() + "; " + refused.remedy()}
	}
	return nil
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
