package proxy

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Hosts are servers. The zero value is none.
type Hosts struct {
	exact    hostSet
	suffixes hostSet // of "*.suffix"
}

// ParseHosts reads entries of the forms "host", for all its ports, "host:port",
// "*.suffix" and "*.suffix:port", for all names below, suffix itself not among
// them.
func ParseHosts(entries []string) (Hosts, error) {
	var h Hosts
	for _, entry := range entries {
		set, rest := &h.exact, entry
		if suffix, ok := strings.CutPrefix(entry, "*."); ok {
			set, rest = &h.suffixes, suffix
		}
		key, err := hostKey(rest)
		if err == nil {
			key, err = leafKey(key)
		}
		if err != nil || set == &h.suffixes && net.ParseIP(hostOf(key)) != nil {
			return Hosts{}, fmt.Errorf("%q: want HOST, HOST:PORT, *.SUFFIX or *.SUFFIX:PORT", entry)
		}
		if *set == nil {
			*set = make(hostSet)
		}
		(*set)[key] = true
	}
	return h, nil
}

// leafKey spells the host of a key of hostSet as the certificates do, so that
// it does not matter how an IPv6 address or a name with umlauts is written.
func leafKey(key string) (string, error) {
	host, port, err := net.SplitHostPort(key)
	if err != nil {
		return hostOfLeaf(key)
	}
	host, err = hostOfLeaf(host)
	return net.JoinHostPort(host, port), err
}

func (h Hosts) none() bool { return len(h.exact) == 0 && len(h.suffixes) == 0 }

// has takes the "host:port" of a CONNECT.
func (h Hosts) has(target string) bool {
	if h.none() {
		return false
	}
	host, err := hostOfLeaf(hostOf(target))
	if err != nil {
		return false
	}
	if h.exact.has(host, target) {
		return true
	}
	for rest := host; ; {
		_, parent, ok := strings.Cut(rest, ".")
		if !ok {
			return false
		}
		if h.suffixes.has(parent, target) {
			return true
		}
		rest = parent
	}
}

// passBy connects the client to the CONNECT's target and copies bytes both ways,
// whatever they are, until both sides have ended. The client is told that there
// is a tunnel when there is one.
func (s *Server) passBy(outer *clientConn, x *exchange) {
	target := x.request.URL.Host
	upstream, err := s.dialTarget(x.request)
	if err != nil {
		if s.isClosing() {
			x.refuse(&refusal{http.StatusServiceUnavailable, "umtape is ending"})
		} else {
			x.write(x.fail(err))
		}
		x.tell()
		return
	}
	client, buffered, err := http.NewResponseController(x.ResponseWriter).Hijack()
	if err != nil {
		upstream.Close()
		s.config.Logger.Warn("cannot take over the connection of a CONNECT", "error", err)
		return
	}
	early, _ := buffered.Peek(buffered.Reader.Buffered()) // never fails; buffered is ours from now on
	early = slices.Clone(early)                           // or the whole buffer would stay as long as the tunnel
	if _, err := io.WriteString(client, established); err != nil || !outer.enter() {
		upstream.Close()
		client.Close()
		return
	}
	// Not in the handler, whose return frees what net/http has of the connection.
	go func() {
		defer outer.leave()
		sent, received := s.join(outer, &sniffedConn{Conn: client, ahead: early}, upstream)
		s.config.Logger.Debug("tunnel", "client", client.RemoteAddr().String(), "target", target, "sent", sent, "received", received, "took", time.Since(x.began))
	}()
}

// dialTarget goes on when the client has ended its side, which it may after it
// sent all it has, and ends when the server does.
func (s *Server) dialTarget(r *http.Request) (net.Conn, error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	var watch sync.WaitGroup
	defer watch.Wait()
	defer cancel()
	watch.Go(func() {
		select {
		case <-s.queue.done:
			cancel()
		case <-ctx.Done():
		}
	})
	return s.config.Dial(ctx, "tcp", r.URL.Host)
}

// join copies between the two until both have ended or nothing came from either
// for Limits.UpgradeIdle, and closes them. It gives how much each has sent. The
// client is that of conn, which may be closed to make room while nothing comes.
func (s *Server) join(conn *clientConn, client, upstream io.ReadWriteCloser) (sent, received int64) {
	defer upstream.Close()
	defer client.Close()
	idle := s.config.Limits.UpgradeIdle
	alarm := time.AfterFunc(idle, func() { client.Close(); upstream.Close() })
	defer alarm.Stop()
	conn.switched.Store(true)
	conn.waits()
	busy := func() { alarm.Reset(idle); conn.touch() }
	var both sync.WaitGroup
	both.Go(func() { sent = relay(upstream, client, busy) })
	received = relay(client, upstream, busy)
	both.Wait()
	return sent, received
}
