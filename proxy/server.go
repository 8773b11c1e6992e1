package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/elazarl/goproxy"
)

// Server is a running proxy. Its settings are fixed by [New].
type Server struct {
	config  Config
	goproxy *goproxy.ProxyHttpServer
	http    *http.Server
	queue   *connQueue    // hands sniffed connections and tunnels to http
	tls     *tls.Config   // nil without a CA
	slots   chan struct{} // one for each connection accepted and not yet ended

	crowding sync.Mutex    // held by the accept loop that makes room
	crowded  atomic.Bool   // it wants to know of connections that become idle
	waits    chan struct{} // by this

	ctx    context.Context // ends with Close: every exchange's context comes from it
	cancel context.CancelFunc
	start  sync.Once // starts http on queue

	turned turnedAway // connections refused by Config.Allow

	own atomic.Pointer[[]ownAddress] // of the listeners; replaced, never changed

	wg    sync.WaitGroup // accept loops, http, and each clientConn until it is released
	plain sync.WaitGroup // exchanges of plainLoops; none begins after closing, see beginPlain

	silent atomic.Uint64 // see Stats

	mu        sync.Mutex // guards what follows
	closing   bool
	listeners []net.Listener
	conns     map[*clientConn]struct{}
	open      int    // of those that are no tunnels
	accepted  uint64 // so many have been

	madeRoom    int       // connections closed to make room
	toldCrowded time.Time // when the log said so
}

func newServer(c Config) *Server {
	s := &Server{
		config: c,
		queue:  newConnQueue(),
		slots:  make(chan struct{}, c.Limits.Connections),
		waits:  make(chan struct{}, 1),
		conns:  make(map[*clientConn]struct{}),
	}
	s.own.Store(new([]ownAddress))
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if c.CA != nil {
		s.tls = c.CA.TLSConfig("")
	}
	s.goproxy = newGoproxy(s)
	s.http = &http.Server{
		Handler:                      http.HandlerFunc(s.serve),
		MaxHeaderBytes:               c.Limits.HeaderBytes,
		ReadHeaderTimeout:            c.Limits.ReadHeader,
		IdleTimeout:                  c.Limits.Idle,
		DisableGeneralOptionsHandler: true, // "OPTIONS *" is for the upstream
		ErrorLog:                     slog.NewLogLogger(c.Logger.Handler(), slog.LevelWarn),
		BaseContext:                  func(net.Listener) context.Context { return s.ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
		ConnState: func(c net.Conn, state http.ConnState) {
			c.(*clientConn).changed(state)
		},
	}
	return s
}

// Serve takes connections from ln until Shutdown or Close, and then returns
// [http.ErrServerClosed]; before that, whatever error ln gave. It closes ln. It
// may be called for several listeners at once.
func (s *Server) Serve(ln net.Listener) error {
	defer ln.Close()
	if !s.addListener(ln) {
		return http.ErrServerClosed
	}
	defer s.wg.Done()
	defer s.removeListener(ln)
	var pause time.Duration
	for {
		raw, err := ln.Accept()
		if err != nil {
			if s.isClosing() {
				return http.ErrServerClosed
			}
			if !outOfFiles(err) {
				return err
			}
			// Connections that end free some; the listener is sound.
			s.makeRoom()
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			s.config.Logger.Warn("cannot accept a connection, trying again: raise the limit on open files", "error", err, "in", pause)
			select {
			case <-time.After(pause):
			case <-s.queue.done:
			}
			continue
		}
		pause = 0
		if client := clientIP(raw.RemoteAddr()); !s.allows(client) {
			s.turnAway(raw, client)
			continue
		}
		if !s.takeSlot() {
			raw.Close()
			return http.ErrServerClosed
		}
		c := &clientConn{Conn: raw, raw: raw, server: s, slot: true}
		if !s.register(c) {
			raw.Close()
			<-s.slots
			return http.ErrServerClosed
		}
		go s.admit(c)
	}
}

// admit finds out whether the client speaks TLS, and serves its requests or has
// net/http do it.
func (s *Server) admit(c *clientConn) {
	if err := c.open(nil); err != nil {
		c.logOpenFailure(err)
		c.Close()
		c.leave() // entered by register
		return
	}
	s.attend(c)
}

// Shutdown stops accepting, waits until running exchanges have finished, then
// closes what is left: idle connections, tunnels, upgraded connections. If ctx
// ends first it cuts running exchanges too and returns ctx's error. Either way
// every goroutine of the server has ended when it returns, unless a transport
// does not heed its request's context. Not to be called from a transport.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop()
	s.kill(func(c *clientConn) bool { return c.unused() })
	s.closeIdle()
	err := s.http.Shutdown(ctx)
	if err == nil {
		err = s.endPlain(ctx)
	}
	if err != nil {
		s.cancel()
	}
	s.kill(func(*clientConn) bool { return true })
	s.cancel()
	s.wg.Wait()
	return err
}

// Close stops accepting and cuts every connection and exchange. Every goroutine
// of the server has ended when it returns; see Shutdown. A second Close is
// harmless.
func (s *Server) Close() error {
	s.stop()
	s.cancel()
	s.kill(func(*clientConn) bool { return true })
	err := s.http.Close()
	s.wg.Wait()
	return err
}

func (s *Server) stop() {
	s.mu.Lock()
	s.closing = true
	listeners := slices.Clone(s.listeners)
	s.mu.Unlock()
	s.queue.Close() // from here on no exchange begins, see clientConn.enter
	for _, ln := range listeners {
		ln.Close()
	}
}

// kill closes the network side of the connections that which picks. Whoever
// reads from them then ends them properly.
func (s *Server) kill(which func(*clientConn) bool) {
	for _, c := range s.pick(which) {
		c.raw.Close()
	}
}

// closeIdle closes the connections that wait for another request, as net/http does
// with those it has.
func (s *Server) closeIdle() {
	for _, c := range s.pick(func(c *clientConn) bool { return c.ends() }) {
		c.Close()
	}
}

// pick returns the connections that which picks.
func (s *Server) pick(which func(*clientConn) bool) []*clientConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	conns := make([]*clientConn, 0, len(s.conns))
	for c := range s.conns {
		if which(c) {
			conns = append(conns, c)
		}
	}
	return conns
}

func (s *Server) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

func (s *Server) addListener(ln net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.listeners = append(s.listeners, ln)
	s.noteOwn()
	s.wg.Add(1)
	s.start.Do(func() {
		s.wg.Go(func() { s.http.Serve(s.queue) }) // always ErrServerClosed
	})
	return true
}

func (s *Server) removeListener(ln net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners = slices.DeleteFunc(s.listeners, func(l net.Listener) bool { return l == ln })
	s.noteOwn()
}

func (s *Server) noteOwn() {
	var own []ownAddress
	for _, ln := range s.listeners {
		if a, ok := ownAddressOf(ln.Addr()); ok {
			own = append(own, a)
		}
	}
	s.own.Store(&own)
}

// register makes c known to Shutdown and Close, and enters it for the caller.
// It is false when the server is closing.
func (s *Server) register(c *clientConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.wg.Add(1)
	s.conns[c] = struct{}{}
	c.busy = 1
	if c.slot {
		s.open++
		s.accepted++
		c.number = s.accepted
	}
	c.touch()
	return true
}

// unregister is called once for each registered c, when its last user left.
func (s *Server) unregister(c *clientConn) {
	s.mu.Lock()
	delete(s.conns, c)
	if c.slot {
		s.open--
	}
	s.mu.Unlock()
	if c.slot {
		<-s.slots
	}
	s.wg.Done()
}

// newGoproxy returns goproxy with everything that could reach the network on
// its own taken away: only a connection's transport may.
func newGoproxy(s *Server) *goproxy.ProxyHttpServer {
	p := goproxy.NewProxyHttpServer()
	p.Logger = goproxyLog{s.config.Logger}
	p.KeepAcceptEncoding = true // or the body reaches the client decoded
	p.KeepHeader = true         // what concerns one hop is removed by cleanRequest, which knows of more
	refuse := func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("proxy: goproxy tried to dial by itself")
	}
	p.Tr = &http.Transport{DialContext: refuse, DialTLSContext: refuse}
	p.ConnectDial = func(network, addr string) (net.Conn, error) { return refuse(nil, network, addr) }
	p.OnRequest().DoFunc(func(r *http.Request, ctx *goproxy.ProxyCtx) (*http.Request, *http.Response) {
		x := connOf(r.Context()).current
		x.prepare(r)
		ctx.RoundTripper = x
		return r, nil
	})
	p.OnResponse().DoFunc(func(resp *http.Response, ctx *goproxy.ProxyCtx) *http.Response {
		return connOf(ctx.Req.Context()).current.answer(resp, ctx.Error)
	})
	return p
}

// goproxyLog keeps goproxy off stderr.
type goproxyLog struct{ *slog.Logger }

func (l goproxyLog) Printf(format string, _ ...any) {
	// The arguments could quote an exchange.
	l.Debug("goproxy: " + format)
}
