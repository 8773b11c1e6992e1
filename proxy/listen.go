package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// maxOpening bounds the connections of ListenTLSOrPlain that are between accept
// and the end of their TLS handshake.
const maxOpening = 1024

// ListenTLSOrPlain makes one port speak both http and https: the connections it
// accepts are *[tls.Conn], handshake done, with a leaf of ca if the client began
// with TLS, and plain otherwise. A slow client delays nobody; one that says
// nothing or does not finish its handshake is dropped after the default
// [Limits]. failed, unless it is nil, is told of each handshake that a client did
// not finish, by several goroutines. Closing it closes ln and the connections not
// yet accepted.
func ListenTLSOrPlain(ln net.Listener, ca *CA, failed func(client net.Addr, err error)) net.Listener {
	l := &dualListener{failed: failed, Listener: ln, config: ca.TLSConfig(""), queue: newConnQueue(), slots: make(chan struct{}, maxOpening), opening: map[net.Conn]struct{}{}}
	l.ctx, l.fail = context.WithCancelCause(context.Background())
	return l
}

type dualListener struct {
	net.Listener
	config *tls.Config
	queue  *connQueue
	slots  chan struct{}
	failed func(net.Addr, error)

	ctx  context.Context // ends, with the cause, when the listener has failed or was closed
	fail context.CancelCauseFunc

	start sync.Once
	wg    sync.WaitGroup

	mu      sync.Mutex // guards what follows
	closed  bool
	opening map[net.Conn]struct{} // accepted from below and not yet from here
}

func (l *dualListener) Accept() (net.Conn, error) {
	l.mu.Lock()
	if !l.closed {
		l.start.Do(func() { l.wg.Go(l.acceptAll) })
	}
	l.mu.Unlock()
	c, err := l.queue.Accept()
	if err != nil {
		return nil, context.Cause(l.ctx)
	}
	return c, nil
}

func (l *dualListener) acceptAll() {
	for {
		select {
		case l.slots <- struct{}{}:
		case <-l.ctx.Done():
			return
		}
		c, err := l.Listener.Accept()
		if err != nil {
			l.fail(err)
			l.queue.Close()
			return
		}
		if !l.track(c) {
			c.Close()
			return
		}
		l.wg.Go(func() {
			defer func() { <-l.slots }()
			l.open(c)
		})
	}
}

func (l *dualListener) open(raw net.Conn) {
	defer l.untrack(raw)
	limits := Limits{}.withDefaults()
	sniffed, err := sniff(raw, nil, limits.FirstByte)
	if err != nil {
		raw.Close()
		return
	}
	c := net.Conn(sniffed)
	if sniffed.startsTLS() {
		if c, err = handshake(sniffed, l.config, limits.TLSHandshake); err != nil {
			if errors.Is(err, io.EOF) {
				err = errHandshakeEnded
			}
			if l.failed != nil && l.ctx.Err() == nil {
				l.failed(raw.RemoteAddr(), err)
			}
			return
		}
	}
	if !l.queue.put(c) {
		c.Close()
	}
}

func (l *dualListener) track(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.opening[c] = struct{}{}
	return true
}

func (l *dualListener) untrack(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.opening, c)
}

func (l *dualListener) Close() error {
	l.mu.Lock()
	l.closed = true
	l.fail(net.ErrClosed)
	err := l.Listener.Close()
	l.queue.Close()
	for c := range l.opening {
		c.Close()
	}
	l.mu.Unlock()
	l.wg.Wait()
	return err
}

// CheckListen refuses an address that others on the network could reach, since
// a proxy that anybody may use lends everybody its place in the network. It
// accepts "localhost:PORT" and loopback IP addresses.
func CheckListen(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port == "" {
		return fmt.Errorf("listen address %q: want HOST:PORT, such as 127.0.0.1:8088", addr)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("listen address %q: %q is no port, which is a number up to 65535", addr, port)
	}
	if strings.EqualFold(host, "localhost") {
		return nil
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.Unmap().IsLoopback() {
		return nil
	}
	reason := "is not known to be of this machine only"
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		reason = "means every network of this machine"
	}
	return &ExposedError{fmt.Sprintf("listen address %q %s, and whoever reaches it could use it: listen on 127.0.0.1:%s or [::1]:%s", addr, reason, port, port)}
}

// ExposedError is why CheckListen or CheckListener refuses an address that may be
// sound and that other machines could reach: with [Config.Allow] or [Config.Users]
// it can be used.
type ExposedError struct{ text string }

func (e *ExposedError) Error() string { return e.text }

// CheckListener is CheckListen for what came of it: a name that was looked up
// may have led elsewhere. Unix sockets are accepted.
func CheckListener(ln net.Listener) error {
	switch a := ln.Addr().(type) {
	case *net.UnixAddr:
		return nil
	case *net.TCPAddr:
		if a.IP.IsLoopback() {
			return nil
		}
	}
	return &ExposedError{fmt.Sprintf("the proxy would listen on %s, which is not known to be of this machine only, and whoever reaches it could use the proxy: listen on 127.0.0.1 or [::1]", ln.Addr())}
}

// outOfFiles reports whether Accept failed for want of file descriptors, which
// passes.
func outOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
