// Package proxy is the wire of umtape: it stands between SOAP clients and
// Exchange Unified Messaging servers, passes requests and responses on
// unchanged, and shows each exchange to one [http.RoundTripper] made for each
// client connection. It does not know that recording exists.
//
//	ca, _, err := proxy.LoadOrCreateCA(dir)
//	upstream, err := proxy.NewUpstream(proxy.UpstreamConfig{})
//	srv, err := proxy.New(proxy.Config{
//		CA:           ca,
//		NewTransport: func() http.RoundTripper { return upstream.Transport() },
//	})
//	ln, err := net.Listen("tcp", "127.0.0.1:8088")
//	go srv.Serve(ln)
//	...
//	srv.Shutdown(ctx)
//
// One listener takes every way in:
//
//	POST http://host/path      forward proxy, plain HTTP
//	CONNECT host:443           forward proxy; the TLS inside is ended here, with a leaf of the CA
//	POST /path                 the client takes us for the server: Config.Reverse or Config.ServeOrigin
//	TLS, then POST /path       the same, over HTTPS
//
// A connection's way, and the file that tells each part:
//
//	accept → is the client one of ours (clients.go) → first byte: TLS or not (sniff.go)
//	then its requests, while they are plain (plain.go, plainloop.go, plainwriter.go) → from the first other one on: one http.Server (conn.go, server.go)
//	request → name and password (clients.go, users.go) → may it go to that port (ports.go)
//	CONNECT → hijack → first byte again → the same, target fixed (connect.go), or bytes both ways (tunnel.go)
//	request → where to (route.go) → headers of one hop removed (header.go) → goproxy → the connection's transport
//	request body → read to its end, or the connection ends (reqbody.go)
//	response → body as it arrives (exchange.go), or bytes both ways after 101 (upgrade.go)
//	failure → an HTTP answer, a SOAP fault for SOAP clients (failure.go, fault.go)
//	end of an exchange → told of once, however it ended (observe.go)
//
// Each client connection has its own transport because NTLM and Negotiate
// authenticate a connection and not a request: with a pool shared by clients,
// one user's requests are answered as another's.
package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Config says how a Server behaves. NewTransport must be given.
type Config struct {
	// NewTransport makes what answers the requests of one client connection:
	// a TCP connection, or the tunnel inside it after CONNECT. It is called at
	// most once for each, at its first request, and may be called from several
	// goroutines at once. When the client connection has ended and its last
	// exchange with it, CloseIdleConnections and Close are called if the value
	// has them.
	//
	// It need not read a request's body to the end. As with every RoundTripper it
	// closes the body, which may be after RoundTrip has returned and the answer's
	// was closed: until then the client connection is kept for it.
	//
	// The answer's header is the Server's from then on, to change as it likes.
	//
	// Requests reach it with an absolute URL, except that under ServeOrigin
	// URL.Host may be "". A nil value in Header["User-Agent"] says that the
	// client sent none and none is to be added. SOAPAction is kept under that
	// spelling, so Header.Get does not find it; use Header["SOAPAction"].
	// The length of an answer's body is its Content-Length header or
	// Response.ContentLength; a body of length -1 is sent in chunks, each as soon
	// as it is read. A header waits for the first bytes of its body to join it,
	// unless the body has a method Awaited() bool that says they may be long in
	// coming. An error becomes 502 or 504, a panic 500; [http.ErrAbortHandler], returned
	// or thrown, cuts the client's connection.
	NewTransport func() http.RoundTripper

	// CA signs the certificates shown to clients. If nil, CONNECT is answered
	// 501 and TLS on the listener is refused.
	CA *CA

	// Reverse is where requests in origin form ("POST /x") go: scheme, host and
	// a base path that is put before theirs. The Host header becomes its host,
	// since a server may choose the site by it. If nil, see ServeOrigin.
	Reverse *url.URL

	// ServeOrigin gives requests in origin form to the transport with
	// URL.Scheme "http" or "https", as the client spoke, and URL.Host "": the
	// client named no host. For replay. Not together with Reverse. If neither
	// is set such requests are answered 421.
	ServeOrigin bool

	// Allow are the networks whose clients are served, besides those of this
	// machine's loopback; the connections of others are closed as they come. If
	// nil, whoever reaches the listener is served. See [ParseNetwork].
	Allow []netip.Prefix

	// Users, if not nil, are asked for name and password by 407 when they use the
	// Server as a proxy. Requests in origin form, which cannot be asked, are then
	// taken from loopback and Allow only.
	Users *Users

	// Ports are those that requests in absolute form and CONNECT may be for,
	// others are answered 403. If nil, all.
	Ports Ports

	// Tunnel are hosts to which CONNECT is not intercepted: bytes pass untouched,
	// TLS is the server's own, and the transport sees nothing. Needs Dial. See
	// [ParseHosts].
	Tunnel Hosts

	// Dial connects to the hosts of Tunnel; see [Upstream.Dial]. The context is a
	// request's.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// OnExchange, if not nil, is told of each exchange at its end, once, however it
	// ended, by the goroutine that served it; it may be called by several at once
	// and must not keep the Exchange. A CONNECT is told of only if it is refused.
	OnExchange func(Exchange)

	// Logger gets what OnExchange would be told, if that is nil, as one line, at
	// Debug if all went well; and what concerns no exchange. Never a body, a header
	// value but Host's, a query or a token. If nil, nothing is logged.
	Logger *slog.Logger

	// Limits bound what one client can hold. The zero value is the defaults.
	Limits Limits
}

// Limits bound what one client can hold. A zero field means its default.
type Limits struct {
	HeaderBytes  int           // of one request's header; default 1 MiB; over it the client gets 431
	HeaderFields int           // in one request's header; default 1000; over it the client gets 431
	ReadHeader   time.Duration // from a request's first byte to the end of its header; default 30 s
	Idle         time.Duration // between two requests of a connection; default 3 min
	BodyIdle     time.Duration // between two parts of a body, from the client, to it, or from the server; default 2 min
	BodyRate     int           // bytes a second, on average, of a request's body that takes longer than BodyIdle to come; default 100
	UpgradeIdle  time.Duration // of a connection after 101 and of one of Config.Tunnel, both ways; default 1 h
	FirstByte    time.Duration // from accept, or from the answer to CONNECT, to the first byte; default 30 s
	TLSHandshake time.Duration // default 15 s
	Connections  int           // open at once; default 4096, or half of the open files allowed if that is less. For more, those idle for longest are closed
}

func (l Limits) withDefaults() Limits {
	setInt := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	setTime := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	setInt(&l.HeaderBytes, 1<<20)
	setInt(&l.HeaderFields, 1000)
	setInt(&l.BodyRate, 100)
	setInt(&l.Connections, defaultConnections())
	setTime(&l.ReadHeader, 30*time.Second)
	setTime(&l.Idle, 3*time.Minute)
	setTime(&l.BodyIdle, 2*time.Minute)
	setTime(&l.UpgradeIdle, time.Hour)
	setTime(&l.FirstByte, 30*time.Second)
	setTime(&l.TLSHandshake, 15*time.Second)
	return l
}

// New checks c and returns a Server that is ready to Serve. It starts nothing.
func New(c Config) (*Server, error) {
	if c.NewTransport == nil {
		return nil, errors.New("proxy: Config.NewTransport must be given")
	}
	if c.Reverse != nil {
		if c.ServeOrigin {
			return nil, errors.New("proxy: Reverse and ServeOrigin exclude each other: one sends origin-form requests on, the other answers them here")
		}
		reverse, err := checkReverse(c.Reverse)
		if err != nil {
			return nil, err
		}
		c.Reverse = reverse
	}
	if !c.Tunnel.none() && c.Dial == nil {
		return nil, errors.New("proxy: Config.Tunnel needs Dial: nothing else connects to its hosts")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Limits = c.Limits.withDefaults()
	return newServer(c), nil
}

// checkReverse returns a copy of u that is fit to send requests to.
func checkReverse(u *url.URL) (*url.URL, error) {
	const want = "want http://HOST[:PORT][/BASE] or https://HOST[:PORT][/BASE]"
	switch {
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", u.Opaque != "":
		return nil, fmt.Errorf("reverse URL %s: %s", u.Redacted(), want)
	case u.User != nil:
		return nil, fmt.Errorf("reverse URL %s: it holds a user name; clients authenticate themselves: %s", u.Redacted(), want)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, fmt.Errorf("reverse URL %s: it holds a query or a fragment: %s", u.Redacted(), want)
	}
	c := *u
	c.Path, c.RawPath = strings.TrimSuffix(c.Path, "/"), strings.TrimSuffix(c.RawPath, "/")
	return &c, nil
}
