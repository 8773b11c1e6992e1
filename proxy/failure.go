package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// fail turns err, from the transport, into an answer. A client cannot tell a cut
// connection from a broken network; this tells it, and the log, what happened,
// where, and what to do next.
func (x *exchange) fail(err error) *http.Response {
	if errors.Is(err, http.ErrAbortHandler) {
		if errors.Is(err, syscall.ECONNRESET) {
			reset(x.conn) // the transport wants it to look like that
		}
		panic(http.ErrAbortHandler)
	}
	x.ours = true
	status, text := explain(err, x.request)
	broken := x.body.broken()
	if x.request.Context().Err() != nil {
		broken = x.body.brokenOff()
	}
	switch {
	case errors.Is(err, errPanic):
		status = http.StatusInternalServerError
	case broken != nil:
		status, text = bodyFault(broken)
	}
	switch {
	case x.outcome == Panicked: // noted already
	case x.request.Context().Err() != nil && !errors.Is(broken, os.ErrDeadlineExceeded): // of which net/http thinks the same
		x.outcome, x.reason = Gone, x.whyGone()
	case broken != nil:
		x.outcome, x.reason = Refused, text
	default:
		x.outcome, x.reason = Failed, text
	}
	resp := x.fault(status, text)
	x.length = []string{strconv.FormatInt(resp.ContentLength, 10)}
	x.bytes = resp.ContentLength
	return resp
}

// Explain says in plain words why a [Transport] did not answer r, and what to do next.
// The text quotes nothing that server or client sent but the address.
func Explain(err error, r *http.Request) string {
	_, text := explain(err, r)
	return text
}

// explain says in plain words why r was not answered. The text quotes nothing
// that server or client sent but the address.
func explain(err error, r *http.Request) (status int, text string) {
	where := hostPort(r.URL)
	host := r.URL.Hostname()
	if r.URL.Host == "" {
		where, host = "the server", "the server"
	}
	if refusal, ok := errors.AsType[*proxyRefusal](err); ok {
		return http.StatusBadGateway, refusal.explain()
	}
	if failure, ok := errors.AsType[*proxyFailure](err); ok {
		where, host, err = "the upstream proxy "+failure.proxy.address, failure.proxy.url.Hostname(), failure.err
	}
	var (
		dns       *net.DNSError
		op        *net.OpError
		timeout   net.Error
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		unchecked *tls.CertificateVerificationError
		record    tls.RecordHeaderError
	)
	trust := fmt.Sprintf("add its CA with --upstream-ca FILE, or --insecure-upstream %s for this host only", host)
	isTimeout := errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
	status = http.StatusBadGateway
	switch {
	case errors.Is(err, errPanic):
		text = err.Error()
	case errors.Is(err, errLoop):
		status, text = http.StatusLoopDetected, selfText
	case errors.As(err, &dns) && dns.IsNotFound:
		text = fmt.Sprintf("unknown host %s: check the spelling, and that this machine can look it up, or say where it is with --resolve HOST:PORT:ADDRESS", host)
	case errors.As(err, &dns):
		text = fmt.Sprintf("the name %s could not be looked up: check this machine's DNS and network, or say where it is with --resolve HOST:PORT:ADDRESS", host)
	case errors.Is(err, syscall.ECONNREFUSED), strings.Contains(err.Error(), "actively refused"): // Windows has its own number
		text = fmt.Sprintf("%s refused the connection: check that the server is running and that the port is right", where)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		text = fmt.Sprintf("%s cannot be reached from this machine: check the network, a VPN, the address, or use --upstream-proxy URL if only a proxy leads there", where)
	case isTimeout && errors.As(err, &op) && op.Op == "dial":
		status, text = http.StatusGatewayTimeout, fmt.Sprintf("%s did not take the connection in time: check that the server is running and that no firewall is between, or use --upstream-proxy URL if only a proxy leads there", where)
	case isTimeout:
		status, text = http.StatusGatewayTimeout, fmt.Sprintf("%s took the connection but did not answer in time: check the server's load and log", where)
	case errors.As(err, &authority):
		text = fmt.Sprintf("the certificate of %s is not trusted by this machine: %s", where, trust)
	case errors.As(err, &name):
		text = fmt.Sprintf("the certificate of %s is for other names: use a name it is for, or --insecure-upstream %s for this host only", where, host)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		text = fmt.Sprintf("the certificate of %s has expired or is not valid yet: renew it, check this machine's clock, or use --insecure-upstream %s for this host only", where, host)
	case errors.As(err, &unchecked):
		text = fmt.Sprintf("the certificate of %s could not be verified (%v): %s", where, unchecked.Err, trust)
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &record):
		text = fmt.Sprintf("%s does not speak TLS: use http:// for this port, or the port that has https", where)
	case errors.As(err, &op) && op.Op == "remote error": // how crypto/tls gives an alert
		text = explainAlert(op.Err.Error(), where, host)
	case strings.Contains(err.Error(), "unsupported protocol version"):
		text = fmt.Sprintf("%s offers no TLS version newer than 1.1, which is refused as unsafe: let the server use TLS 1.2, or use --legacy-tls %s for this host only", where, host)
	case strings.Contains(err.Error(), "tls: no renegotiation"):
		text = fmt.Sprintf("%s wants to begin TLS anew in the middle of a connection more than once, which is refused: let it ask for the client certificate in the first handshake", where)
	case isReset(err):
		text = fmt.Sprintf("%s closed the connection without an answer: check the server's log, and send the request again", where)
	case strings.Contains(err.Error(), `malformed HTTP response "\x15\x03`): // an alert, RFC 8446 §5.1
		text = fmt.Sprintf("%s speaks TLS: use https:// for this port", where)
	case strings.Contains(err.Error(), "malformed"), errors.Is(err, errUnasked):
		text = fmt.Sprintf("the answer of %s is not HTTP: check that the port is the web service's", where) // the error quotes it
	default:
		text = fmt.Sprintf("the request to %s failed: %s", where, ownWords(err))
	}
	return status, text
}

// explainAlert says what a server's TLS alert (RFC 8446 §6.2) asks for.
func explainAlert(alert, where, host string) string {
	switch {
	case strings.Contains(alert, "certificate required"):
		return fmt.Sprintf("%s wants a client certificate: give it one with --client-cert FILE", where)
	case strings.Contains(alert, "certificate"), strings.Contains(alert, "access denied"):
		return fmt.Sprintf("%s did not accept the client certificate (%s): check that it is the right one, that it is valid, and that those above it are in the file of --client-cert", where, alert)
	case strings.Contains(alert, "protocol version"):
		return fmt.Sprintf("%s knows no TLS version from 1.2 up (%s): use --legacy-tls %s for this host only", where, alert, host)
	}
	return fmt.Sprintf("%s broke off the TLS handshake (%s): it may want a client certificate, for which use --client-cert FILE, or an older TLS version, for which use --legacy-tls %s", where, alert, host)
}

// ownWords is err's text unless it could quote what a server sent, which net/http
// does between quotation marks.
func ownWords(err error) string {
	text := err.Error()
	if strings.Contains(text, `"`) || strings.Contains(text, "transport connection broken") {
		return "what the server sent is not HTTP, or it ended too soon"
	}
	return text
}

func isReset(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		strings.Contains(err.Error(), "server closed idle connection") ||
		strings.Contains(err.Error(), "forcibly closed") // Windows
}
