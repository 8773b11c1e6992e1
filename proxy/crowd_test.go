//go:build unix

package proxy

import (
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// allowFiles raises the limit on open files as far as it may, and returns it.
func allowFiles(t testing.TB, want int) int {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Skip(err)
	}
	raised := limit
	raised.Cur, raised.Max = max(limit.Cur, uint64(want)), max(limit.Max, uint64(want)) // as root
	if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) != nil {
		raised.Cur, raised.Max = limit.Max, limit.Max
		syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised)
	}
	return openFiles()
}

// crowd opens n connections with open, eight at a time, and returns them.
func crowd(n int, open func(i int) net.Conn) []net.Conn {
	conns := make([]net.Conn, n)
	var opened atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := int(opened.Add(1)) - 1; i < n; i = int(opened.Add(1)) - 1 {
				conns[i] = open(i)
			}
		})
	}
	wg.Wait()
	return conns
}

func closeAll(conns []net.Conn) {
	for _, c := range conns {
		if c != nil {
			c.(*net.TCPConn).SetLinger(0) // no port is left waiting
			c.Close()
		}
	}
}

// TestTenThousandIdleTunnels opens more tunnels than are taken at once, and as
// many as are told to be: other clients are served all the while, and an idle
// tunnel costs little.
func TestTenThousandIdleTunnels(t *testing.T) {
	// Both ends are here, so that where all are held each costs two files.
	files := allowFiles(t, 21_000)
	kept := Limits{}.withDefaults().Connections
	many, all := max(min(10_000, files-kept-1000), 1), max(min(10_000, (files-1000)/2), 1)
	if many < 10_000 || all < 10_000 {
		t.Logf("only %d files may be open", files)
	}
	for _, tt := range []struct {
		name   string
		tunnel string // what is inside
		n      int
		limits Limits
		bytes  int64 // for each connection that is held, both ends
	}{
		{"more_than_the_default_limit", "nothing", many, Limits{}, 64 << 10},
		{"all_of_them_held", "nothing", all, Limits{Connections: all + 500}, 32 << 10},
		{"TLS_and_an_exchange_in_each", "TLS", min(all, 1000), Limits{}, 192 << 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.limits.FirstByte, tt.limits.Idle, tt.limits.ReadHeader, tt.limits.TLSHandshake = time.Hour, time.Hour, time.Hour, time.Hour
			r := newFaultRigWith(t, tt.limits, UpstreamConfig{
				DialTimeout: time.Hour, TLSHandshakeTimeout: time.Hour, ResponseHeaderTimeout: time.Hour, BodyIdleTimeout: time.Hour,
			})
			good := r.goodClient()
			grown := watchMemory()
			began := time.Now()
			tunnels := crowd(tt.n, func(i int) net.Conn {
				if t.Failed() {
					return nil // those that follow would wait as long
				}
				c := r.tunnel(r.secure.Listener.Addr().String())
				if tt.tunnel == "TLS" {
					if got := askOver(tls.Client(c, &tls.Config{RootCAs: pool(r.ca), ServerName: "127.0.0.1"}), "/"); got != "200" {
						t.Errorf("in a tunnel: %s", got)
					}
				}
				return c
			})
			defer closeAll(tunnels)
			opened := time.Since(began)
			held := len(r.server.slots)
			memory, exchanges := grown(), good()
			if limit := r.server.config.Limits.Connections; held > limit || tt.n < limit-500 && held < tt.n {
				t.Errorf("%d connections are held of %d, the limit is %d", held, tt.n, limit)
			}
			// The exchanges of the good client, and the collector's slack, are in it.
			if each := (memory - 24<<20) / int64(held); each > tt.bytes {
				t.Errorf("%d KiB for each connection, want at most %d", each>>10, tt.bytes>>10)
			}
			// The line is written once a minute.
			if n := strings.Count(r.log.String(), "\n"); n > 1+int(time.Since(began).Minutes()) {
				t.Errorf("%d lines in the log:\n%s", n, r.log.String())
			}
			t.Logf("%d tunnels with %s in them, opened in %.1f s: %d held, memory %.0f MiB, %.1f KiB each with the test's ends; good client: %d right; log: %q",
				tt.n, tt.tunnel, opened.Seconds(), held, float64(memory)/(1<<20), float64(memory)/float64(held)/1024, exchanges, r.log.String())
		})
	}
}

// TestConnectsToRandomNames gives a tunnel with TLS to a great many hosts that do
// not exist, 2000 or UMTAPE_CONNECTS: as many certificates, of which few are kept.
func TestConnectsToRandomNames(t *testing.T) {
	n := 2000
	if s := os.Getenv("UMTAPE_CONNECTS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	ca, _, err := LoadOrCreateCA(filepath.Join(t.TempDir(), "ca"))
	if err != nil {
		t.Fatal(err)
	}
	var minted atomic.Int64
	ca.minted = func(string) { minted.Add(1) }
	r := &faultRig{t: t, ca: ca}
	echo := func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s", r.URL.Path, b)
	}
	r.plain, r.secure = server(t, echo), serverTLS(t, echo)
	r.server, r.addr = start(t, Config{CA: ca, Logger: r.log.logger(slog.LevelWarn)})
	good := r.goodClient()
	grown := watchMemory()
	began := time.Now()
	crowd(n, func(i int) net.Conn {
		name := fmt.Sprintf("h%d.nowhere.test", i)
		c := r.tunnel(name + ":443")
		inside := tls.Client(c, &tls.Config{InsecureSkipVerify: true, ServerName: name})
		if err := inside.Handshake(); err != nil {
			t.Error(err)
		} else if got := inside.ConnectionState().PeerCertificates[0].Subject.CommonName; got != name {
			t.Errorf("certificate for %s, want %s", got, name)
		}
		closeAll([]net.Conn{c})
		return nil
	})
	took := time.Since(began)
	memory, exchanges := grown(), good()
	const bound = 64 << 20
	if memory > bound {
		t.Errorf("memory grew by %d MiB, want at most %d", memory>>20, bound>>20)
	}
	if kept := ca.leaves.Len(); kept > leavesKept {
		t.Errorf("%d certificates are kept, want at most %d", kept, leavesKept)
	}
	if got := minted.Load(); got < int64(n) || got > int64(n)+int64(exchanges) {
		t.Errorf("%d certificates were made for %d names", got, n)
	}
	t.Logf("%d CONNECTs to random names in %.1f s: %d certificates made, %d kept, memory %.1f of %d MiB; good client: %d right; log: %q",
		n, took.Seconds(), minted.Load(), ca.leaves.Len(), float64(memory)/(1<<20), bound>>20, exchanges, r.log.String())
}
