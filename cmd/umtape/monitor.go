package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/proxy"
)

// metricsFlag is --metrics.
func metricsFlag(cmd *cobra.Command, addr *string) {
	cmd.Flags().StringVar(addr, "metrics", "", "loopback `ADDRESS` to serve /metrics (Prometheus), /healthz and /readyz on; port 0 picks a free one and prints it")
}

// monitor serves --metrics: what happens, in numbers, and whether umtape is well.
// All methods but those of its making work on nil, which is a monitor that nobody
// asked for.
type monitor struct {
	metrics *metrics
	server  *http.Server
	served  chan struct{} // closed when server has ended
	ready   atomic.Pointer[func() error]
}

var (
	errStarting = errors.New("starting")
	errStopping = errors.New("shutting down")
)

// openMonitor serves on addr, not ready yet; nil if addr is "".
func (a *app) openMonitor(addr, mode string, verdicts []cassettes.Verdict) (*monitor, error) {
	if addr == "" {
		return nil, nil
	}
	if err := proxy.CheckListen(addr); err != nil {
		return nil, &misuseError{err: fmt.Errorf("--metrics: %w", err)}
	}
	ln, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, hint(fmt.Errorf("--metrics: the address %s is in use", addr), "stop what uses it, or give another: --metrics 127.0.0.1:0 picks a free port")
	case errors.Is(err, syscall.EACCES):
		return nil, hint(fmt.Errorf("--metrics: not allowed to listen on %s", addr), "use a port from 1024 up: --metrics 127.0.0.1:0 picks a free one")
	case err != nil:
		return nil, fmt.Errorf("--metrics: listen on %s: %w", addr, err)
	}
	if err := proxy.CheckListener(ln); err != nil {
		return nil, errors.Join(fmt.Errorf("--metrics: %w", err), ln.Close())
	}
	m := newMonitor(newMetrics(mode, verdicts))
	m.start(ln)
	a.say("metrics at http://%s/metrics; health at /healthz and /readyz", ln.Addr())
	return m, nil
}

func newMonitor(numbers *metrics) *monitor {
	m := &monitor{metrics: numbers, served: make(chan struct{})}
	m.setReady(func() error { return errStarting })
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(numbers.registry, promhttp.HandlerOpts{
		Registry: numbers.registry, MaxRequestsInFlight: 4, Timeout: 10 * time.Second,
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answerHealth(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answerHealth(w, (*m.ready.Load())()) })
	m.server = &http.Server{
		Handler:        mux,
		ReadTimeout:    5 * time.Second, // header and body; none of the answers looks at a body
		WriteTimeout:   15 * time.Second,
		IdleTimeout:    2 * time.Minute, // longer than what scrapers leave between two scrapes
		MaxHeaderBytes: 16 << 10,
	}
	return m
}

func answerHealth(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, oneLine(err))
		return
	}
	fmt.Fprintln(w, "ok")
}

func (m *monitor) start(ln net.Listener) {
	go func() {
		defer close(m.served)
		m.server.Serve(ln) // until close; nobody could be told of an error but by the scraper's own
	}()
}

// numbers is what to count into; nil for nothing.
func (m *monitor) numbers() *metrics {
	if m == nil {
		return nil
	}
	return m.metrics
}

// setReady says what /readyz asks from now on: an error is why umtape cannot do
// its work.
func (m *monitor) setReady(ready func() error) {
	if m != nil {
		m.ready.Store(&ready)
	}
}

// stopping makes /readyz say so, while running exchanges finish.
func (m *monitor) stopping() { m.setReady(func() error { return errStopping }) }

func (m *monitor) close() {
	if m != nil {
		m.server.Close()
		<-m.served
	}
}
