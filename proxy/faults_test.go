package proxy

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
)

// faultLimit is each limit on time in these tests.
const faultLimit = time.Second

// A fault is something a client or a server does to the proxy. While it lasts a
// well-behaved client must get every answer right. Each offender must be rid of
// by the limit named (and patience, for the machine), the process must not grow by
// more than memory, and the log must not have more than one line for an offender.
type fault struct {
	name   string
	limit  string                   // which ends it, and is short if it is one on time; "" for at once
	n      int                      // offenders at the same time; 1 if 0
	got    string                   // what each offender, or the client of an offending server, gets
	log    string                   // in the line of the log; "" if there is none
	memory int64                    // MiB, test and offenders included; 24 if 0
	do     func(f *faultRig) string // one offender; returns what it got
}

func TestFaults(t *testing.T) {
	var rows []string
	for _, f := range append(clientFaults(), serverFaults()...) {
		t.Run(strings.ReplaceAll(f.name, " ", "_"), func(t *testing.T) {
			rows = append(rows, f.run(t))
		})
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "fault\tat once\tthe client got\tby (limits: %v)\ttook\tmemory\tgood client\tlog line\n", faultLimit)
	for _, row := range rows {
		fmt.Fprintln(w, row)
	}
	w.Flush()
	t.Logf("limits here are short so that the test is; see Limits and UpstreamConfig for the real ones\n%s", table.String())
}

func (f fault) run(t *testing.T) string {
	r := newFaultRig(t, f.limit)
	n, bound := max(f.n, 1), f.memory
	if bound == 0 {
		bound = 24
	}
	good := r.goodClient()
	grown := watchMemory()
	began := time.Now()
	results := make(chan string, n)
	for range n {
		go func() { results <- f.do(r) }()
	}
	var got string
	for range n {
		select {
		case got = <-results:
		case <-time.After(4*faultLimit + 3*patience):
			t.Fatal("it did not end")
		}
		if got != f.got {
			t.Errorf("the client got %q, want %q", got, f.got)
		}
	}
	took := time.Since(began)
	memory := grown()
	exchanges := good()
	r.server.Close() // and its last lines are in the log
	if memory > bound<<20 {
		t.Errorf("memory grew by %d KiB, want at most %d MiB", memory>>10, bound)
	}
	var lines []string
	for line := range strings.Lines(r.log.String()) {
		if !strings.Contains(line, "/good") { // where the well-behaved client was late, see goodClient
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	if len(lines) > n {
		t.Errorf("%d lines in the log for %d offenders:\n%s", len(lines), n, r.log.String())
	}
	if f.log != "" && (len(lines) == 0 || !strings.Contains(lines[0], f.log)) {
		t.Errorf("log %q, want %q", lines, f.log)
	}
	line := "-"
	if len(lines) > 0 {
		line = fmt.Sprintf("%d × %q", len(lines), f.log)
	}
	return fmt.Sprintf("%s\t%d\t%s\t%s\t%.1fs\t%.1f of %d MiB\t%d right\t%s", f.name, n, got, f.limit, took.Seconds(),
		float64(max(memory, 0))/(1<<20), bound, exchanges, line)
}

// faultRig is a proxy with limits on time of its own and a good server behind it.
type faultRig struct {
	t             *testing.T
	server        *Server
	addr          string
	ca            *CA
	plain, secure *httptest.Server
	log           logBuffer
}

// newFaultRig makes the limits on time that are named short and all others long,
// so that on a busy machine none ends what another one should.
func newFaultRig(t *testing.T, named string) *faultRig {
	limit := func(name string) time.Duration {
		if slices.Contains(strings.FieldsFunc(named, func(r rune) bool { return r == ',' || r == ' ' }), name) {
			return faultLimit
		}
		return 10 * patience
	}
	return newFaultRigWith(t, Limits{
		ReadHeader: limit("ReadHeader"), Idle: 2 * limit("Idle"), BodyIdle: limit("BodyIdle"), BodyRate: 1000, UpgradeIdle: limit("UpgradeIdle"),
		FirstByte: limit("FirstByte"), TLSHandshake: limit("TLSHandshake"),
	}, UpstreamConfig{
		DialTimeout: limit("DialTimeout"), TLSHandshakeTimeout: limit("TLSHandshakeTimeout"),
		ResponseHeaderTimeout: limit("ResponseHeaderTimeout"), BodyIdleTimeout: limit("BodyIdleTimeout"),
	})
}

func newFaultRigWith(t *testing.T, limits Limits, upstream UpstreamConfig) *faultRig {
	r := &faultRig{t: t, ca: sharedCA(t)}
	echo := func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err == nil {
			fmt.Fprintf(w, "%s %s", r.URL.Path, b)
		}
	}
	r.plain, r.secure = server(t, echo), serverTLS(t, echo)
	upstream.Insecure = []string{"127.0.0.1"}
	u, err := NewUpstream(upstream)
	if err != nil {
		t.Fatal(err)
	}
	r.server, r.addr = start(t, Config{
		CA:           r.ca,
		Logger:       r.log.logger(slog.LevelWarn),
		Limits:       limits,
		NewTransport: func() http.RoundTripper { return panicky{u.Transport()} },
	})
	return r
}

// panicky is a transport with a fault of ours.
type panicky struct{ http.RoundTripper }

func (p panicky) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/panic" {
		panic("SECRET")
	}
	resp, err := p.RoundTripper.RoundTrip(r)
	if r.URL.Path == "/panic-in-body" && resp != nil {
		resp.Body.Close()
		resp.Body = panicBody{}
	}
	return resp, err
}

// goodClient makes exchanges until the function it returns is called, which tells
// how many there were: over one kept connection with TLS in a tunnel, and over a
// new connection each time. An exchange that fails after one of the limits has
// passed is made again until patience ends: on a busy machine the client itself
// can be late, and then it is rightly treated as the offenders are.
func (r *faultRig) goodClient() (stop func() int) {
	kept, fresh := via(r.t, r.addr, r.ca), via(r.t, r.addr, r.ca)
	fresh.Transport.(*http.Transport).DisableKeepAlives = true
	done, count := make(chan struct{}), make(chan int)
	once := func(c *http.Client, url, text string) error {
		resp, err := c.Post(url+"/good", "text/plain", strings.NewReader(text))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if b, err := io.ReadAll(resp.Body); resp.StatusCode != 200 || string(b) != "/good "+text || err != nil {
			return fmt.Errorf("%d %q, %v", resp.StatusCode, b, err)
		}
		return nil
	}
	exchange := func(c *http.Client, url string, i int) {
		for first := time.Now(); ; {
			began := time.Now()
			err := once(c, url, fmt.Sprintf("exchange %d", i))
			if err == nil {
				return
			}
			if time.Since(began) < faultLimit || time.Since(first) > patience {
				r.t.Errorf("the well-behaved client: %v", err)
				return
			}
		}
	}
	go func() {
		i := 0
		for ended := false; !ended; i++ { // once more after the end
			select {
			case <-done:
				ended = true
			case <-time.After(10 * time.Millisecond):
			}
			exchange(kept, r.secure.URL, i)
			exchange(fresh, r.plain.URL, i)
		}
		count <- 2 * i
	}()
	return func() int { close(done); return <-count }
}

// watchMemory looks at the heap and the stacks until the function it returns is
// called, which gives the most they have grown by.
func watchMemory() (stop func() int64) {
	runtime.GC()
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	now := func() int64 {
		metrics.Read(samples)
		return int64(samples[0].Value.Uint64() + samples[1].Value.Uint64())
	}
	before := now()
	most, done, result := before, make(chan struct{}), make(chan int64)
	go func() {
		for {
			most = max(most, now())
			select {
			case <-done:
				result <- most - before
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() int64 { close(done); return <-result }
}

// dial gives a connection that no test waits on longer than it should.
func (r *faultRig) dial() net.Conn {
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Error(err)
		runtime.Goexit()
	}
	c.SetDeadline(time.Now().Add(2*faultLimit + patience))
	return c
}

// tunnel does CONNECT.
func (r *faultRig) tunnel(target string) net.Conn {
	c := r.dial()
	fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, target)
	head := make([]byte, len(established))
	if _, err := io.ReadFull(c, head); err != nil || string(head) != established {
		r.t.Errorf("CONNECT: %q, %v", head, err)
	}
	return c
}

func (r *faultRig) tlsTunnel() net.Conn {
	c := tls.Client(r.tunnel(r.secure.Listener.Addr().String()), &tls.Config{RootCAs: pool(r.ca), ServerName: "127.0.0.1"})
	if err := c.Handshake(); err != nil {
		r.t.Error(err)
	}
	return c
}

var anyStatus = regexp.MustCompile(`HTTP/1\.1 (\d{3}) `)

// end reads what the proxy has to say until it closes the connection.
func end(c net.Conn) string {
	defer c.Close()
	b, err := io.ReadAll(io.LimitReader(c, 1<<20))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Sprintf("%q and no end", b)
	}
	got := ""
	for _, status := range anyStatus.FindAllStringSubmatch(string(b), -1) {
		got += status[1] + ", "
	}
	if got == "" && len(b) > 0 {
		return fmt.Sprintf("%q", b)
	}
	return got + "closed"
}

// ask sends a request for url, with a body that is SOAP, and says what came of it.
func (r *faultRig) ask(url string) string {
	c := r.dial()
	defer c.Close()
	return askOver(c, url)
}

func askOver(c net.Conn, url string) string {
	fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: h\r\nContent-Type: text/xml\r\nSOAPAction: \"\"\r\nContent-Length: 4\r\n\r\n<a/>", url)
	buffered := bufio.NewReader(c)
	resp, err := http.ReadResponse(buffered, nil)
	for err == nil && resp.StatusCode < 200 && resp.StatusCode != http.StatusSwitchingProtocols { // passed on as it came
		resp, err = http.ReadResponse(buffered, nil)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "no answer"
	}
	if err != nil {
		return "closed"
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	got := fmt.Sprint(resp.StatusCode)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return got + " and no end of its body"
	case err != nil:
		return fmt.Sprintf("%s, cut after %d bytes", got, len(b))
	case bytes.Contains(b, []byte("soap:Fault>")):
		got += " SOAP fault"
	}
	if resp.Close {
		got += ", closed"
	}
	return got
}

// trickle writes a byte now and then until the connection has ended.
func trickle(c net.Conn, text string) string {
	done := make(chan string, 1)
	go func() { done <- end(c) }()
	for i := 0; ; i++ {
		select {
		case got := <-done:
			return got
		case <-time.After(faultLimit / 10):
			c.Write([]byte{text[i%len(text)]})
		}
	}
}

// flood writes without end while it reads. It says how far it came, in MiB, if
// that is more than the buffers of sockets can hold.
func flood(c net.Conn, begin string, block []byte, total int) string {
	done := make(chan string, 1)
	go func() { done <- end(c) }()
	io.WriteString(c, begin)
	sent := 0
	for sent < total {
		n, err := c.Write(block)
		sent += n
		if err != nil {
			break
		}
	}
	got := <-done
	if sent > 24<<20 {
		got += fmt.Sprintf(" after %d MiB", sent>>20)
	}
	return got
}

func clientFaults() []fault {
	const absolute = "http://h.invalid/"
	var hello bytes.Buffer // the beginning of a ClientHello
	hello.Write([]byte{tlsHandshakeRecord, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3})
	line := []byte("X-Header: " + strings.Repeat("x", 1000) + "\r\n")
	fields := strings.Repeat("a:\r\n", 100_000)
	return []fault{
		{name: "silent connection", n: 64, limit: "FirstByte", got: "closed",
			do: func(r *faultRig) string { return end(r.dial()) }},
		{name: "silent tunnel", n: 64, limit: "FirstByte", got: "closed",
			do: func(r *faultRig) string { return end(r.tunnel("h.test:443")) }},
		{name: "connection that is reset", n: 64, got: "gone",
			do: func(r *faultRig) string {
				c := r.dial()
				c.(*net.TCPConn).SetLinger(0)
				c.Close()
				return "gone"
			}},
		{name: "header a byte at a time", n: 64, limit: "ReadHeader", got: "closed",
			do: func(r *faultRig) string {
				c := r.dial()
				io.WriteString(c, "GET "+absolute+" HTTP/1.1\r\nX-Slow: ")
				return trickle(c, "slow")
			}},
		{name: "header a byte at a time, in a tunnel with TLS", n: 16, limit: "ReadHeader", got: "400, closed",
			do: func(r *faultRig) string { return trickle(r.tlsTunnel(), "GET / HTTP/1.1 ") }},
		{name: "second request a byte at a time", n: 16, limit: "ReadHeader", got: "200, 400, closed",
			do: func(r *faultRig) string {
				c := r.dial()
				fmt.Fprintf(c, "GET %s/ HTTP/1.1\r\nHost: h\r\n\r\nGET / HT", r.plain.URL)
				return trickle(c, "TP")
			}},
		{name: "silence after a request", n: 64, limit: "Idle (twice as long)", got: "200, closed",
			do: func(r *faultRig) string {
				c := r.dial()
				fmt.Fprintf(c, "GET %s/ HTTP/1.1\r\nHost: h\r\n\r\n", r.plain.URL)
				return end(c)
			}},
		{name: "handshake that stalls", n: 64, limit: "TLSHandshake", got: "closed", log: "TLS with the client failed",
			do: func(r *faultRig) string {
				c := r.dial()
				c.Write(hello.Bytes())
				return end(c)
			}},
		{name: "handshake a byte at a time, in a tunnel", n: 64, limit: "TLSHandshake", got: "closed", log: "TLS with the client failed",
			do: func(r *faultRig) string {
				c := r.tunnel("h.test:443")
				c.Write(hello.Bytes())
				return trickle(c, "x")
			}},
		{name: "body that stalls", n: 16, limit: "BodyIdle", got: "408, closed", log: "body did not come in time",
			do: func(r *faultRig) string {
				c := r.dial()
				fmt.Fprintf(c, "POST %s/ HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc", r.plain.URL)
				return end(c)
			}},
		{name: "chunked body that stalls", n: 16, limit: "BodyIdle", got: "408, closed", log: "body did not come in time",
			do: func(r *faultRig) string {
				c := r.tlsTunnel()
				io.WriteString(c, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n9\r\n")
				return end(c)
			}},
		{name: "body a byte at a time", n: 16, limit: "BodyIdle, BodyRate", got: "408, closed", log: "body did not come in time",
			do: func(r *faultRig) string {
				c := r.dial()
				fmt.Fprintf(c, "POST %s/ HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n", r.plain.URL)
				return trickle(c, "x")
			}},
		{name: "answer that is not read", n: 4, limit: "BodyIdle", got: "the server's connection ended", memory: 48,
			do: func(r *faultRig) string {
				gone := make(chan struct{})
				s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					defer close(gone)
					for block := make([]byte, 1<<20); ; {
						if _, err := w.Write(block); err != nil {
							return
						}
					}
				}))
				defer s.Close()
				c := r.dial()
				defer c.Close()
				fmt.Fprintf(c, "GET %s/ HTTP/1.1\r\nHost: h\r\n\r\n", s.URL)
				select {
				case <-gone:
					return "the server's connection ended"
				case <-time.After(2*faultLimit + patience):
					return "the server is held"
				}
			}},
		{name: "200 MiB of header", n: 2, got: "431, closed", memory: 48,
			do: func(r *faultRig) string { return flood(r.dial(), "GET "+absolute+" HTTP/1.1\r\n", line, 200<<20) }},
		{name: "200 MiB of header in one line", n: 2, got: "431, closed", memory: 48,
			do: func(r *faultRig) string {
				return flood(r.dial(), "GET "+absolute+" HTTP/1.1\r\nX: ", bytes.Repeat([]byte("x"), 32<<10), 200<<20)
			}},
		{name: "200 MiB of header in a tunnel with TLS", n: 2, got: "431, closed", memory: 48,
			do: func(r *faultRig) string { return flood(r.tlsTunnel(), "GET / HTTP/1.1\r\n", line, 200<<20) }},
		{name: "200 MiB of request line", n: 2, got: "431, closed", memory: 48,
			do: func(r *faultRig) string { return flood(r.dial(), "", bytes.Repeat([]byte("x"), 32<<10), 200<<20) }},
		{name: "header of 100 000 fields", n: 2, got: "431", log: "more than 1000 fields", memory: 48,
			do: func(r *faultRig) string { return askFields(r.dial(), fields) }},
		{name: "ClientHello in the segment of CONNECT", got: "200",
			do: func(r *faultRig) string {
				target := r.secure.Listener.Addr().String()
				c := tls.Client(&earlyConn{Conn: r.dial(), head: fmt.Sprintf("CONNECT %s HTTP/1.1\r\nHost: x\r\n\r\n", target)},
					&tls.Config{RootCAs: pool(r.ca), ServerName: "127.0.0.1"})
				defer c.Close()
				return askOver(c, "/")
			}},
		{name: "garbage", n: 16, got: "400, closed",
			do: func(r *faultRig) string {
				c := r.dial()
				io.WriteString(c, "\x00\x01\x02 SECRET\r\n\r\n")
				return end(c)
			}},
		{name: "panic of ours", n: 4, got: "500 SOAP fault", log: "panic while answering",
			do: func(r *faultRig) string { return r.ask(r.plain.URL + "/panic") }},
		{name: "panic of ours in a body", n: 4, got: "closed", log: "panic while answering",
			do: func(r *faultRig) string { return r.ask(r.plain.URL + "/panic-in-body") }},
	}
}

func askFields(c net.Conn, fields string) string {
	defer c.Close()
	fmt.Fprintf(c, "GET http://h.invalid/ HTTP/1.1\r\nHost: h\r\n%s\r\n", fields)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	return fmt.Sprint(resp.StatusCode)
}

// hostile is a server that does to each connection what is given, after it has
// read a request's header if asked to, and closes it.
func hostile(t testing.TB, read bool, do func(c net.Conn)) (url string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { ln.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(2*faultLimit + patience))
				if read {
					http.ReadRequest(bufio.NewReader(c))
				}
				do(c)
			})
		}
	})
	return "http://" + ln.Addr().String() + "/"
}

// eitherFailure makes one of 502 and 504.
func eitherFailure(got string) string {
	return strings.NewReplacer("502", "50x", "504", "50x").Replace(got)
}

// untilClosed waits for the proxy to give up.
func untilClosed(c net.Conn) { io.Copy(io.Discard, c) }

func serverFaults() []fault {
	say := func(text string) func(c net.Conn) { return func(c net.Conn) { io.WriteString(c, text) } }
	reset := func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }
	drip := func(c net.Conn, text string) {
		for {
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
			time.Sleep(faultLimit / 10) // that is what it does
		}
	}
	pour := func(c net.Conn, text string) {
		for {
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
		}
	}
	const ok = "HTTP/1.1 200 OK\r\n"
	askHostile := func(read bool, do func(c net.Conn)) func(r *faultRig) string {
		return func(r *faultRig) string { return r.ask(hostile(r.t, read, do)) }
	}
	const slow, cut, long, odd = "did not answer in time", "broke off", "longer than 1024 KiB", "not HTTP"
	return []fault{
		{name: "server accepts and says nothing", n: 16, limit: "ResponseHeaderTimeout", got: "504 SOAP fault", log: slow, do: askHostile(true, untilClosed)},
		{name: "server never reads", n: 4, limit: "BodyIdleTimeout", got: "504", log: slow, memory: 64, do: func(r *faultRig) string {
			hold := make(chan struct{})
			defer close(hold)
			url := hostile(r.t, false, func(net.Conn) { <-hold })
			c := r.dial()
			defer c.Close()
			const size = 32 << 20 // more than the buffers of sockets
			fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", url, size)
			go func() {
				for block := make([]byte, 1<<20); ; {
					if _, err := c.Write(block); err != nil {
						return
					}
				}
			}()
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				return err.Error()
			}
			defer resp.Body.Close()
			return fmt.Sprint(resp.StatusCode)
		}},
		{name: "server header a byte at a time", n: 16, limit: "ResponseHeaderTimeout", got: "504 SOAP fault", log: slow,
			do: askHostile(true, func(c net.Conn) { io.WriteString(c, ok+"X-Slow: "); drip(c, "x") })},
		{name: "server says 1xx now and then, no answer", n: 4, limit: "ResponseHeaderTimeout", got: "504 SOAP fault", log: slow,
			do: askHostile(true, func(c net.Conn) { drip(c, "HTTP/1.1 102 Processing\r\n\r\n") })},
		{name: "endless 1xx", n: 2, limit: "1000", got: "502 SOAP fault", log: "interim answers", memory: 48,
			do: askHostile(true, func(c net.Conn) { pour(c, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n") })},
		{name: "endless header", n: 2, limit: "1 MiB", got: "502 SOAP fault", log: long, memory: 48,
			do: askHostile(true, func(c net.Conn) {
				io.WriteString(c, ok)
				pour(c, strings.Repeat("X-Header: "+strings.Repeat("x", 1000)+"\r\n", 16))
			})},
		{name: "garbage from the server", n: 16, got: "502 SOAP fault", log: odd, do: askHostile(true, say("SECRET\r\n\r\n"))},
		{name: "server closes before the answer", n: 16, got: "502 SOAP fault", log: "closed the connection without an answer", do: askHostile(true, say(""))},
		{name: "server resets before the answer", n: 16, got: "502 SOAP fault", log: "closed the connection without an answer", do: askHostile(true, reset)},
		{name: "server closes at once, 50 times", got: "502 SOAP fault", log: "reason=", n: 50, do: askHostile(false, say(""))},
		{name: "server resets in its header", n: 16, got: "502 SOAP fault", log: "reason=",
			do: askHostile(true, func(c net.Conn) { io.WriteString(c, ok+"Content-Le"); reset(c) })},
		{name: "server stalls in its body", n: 16, limit: "BodyIdle", got: "200, cut after 3 bytes", log: cut,
			do: askHostile(true, func(c net.Conn) { io.WriteString(c, ok+"Content-Length: 10\r\n\r\nabc"); untilClosed(c) })},
		{name: "server stalls in a chunk", n: 16, limit: "BodyIdle", got: "200, cut after 3 bytes", log: cut,
			do: askHostile(true, func(c net.Conn) {
				io.WriteString(c, ok+"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n9\r\n")
				untilClosed(c)
			})},
		{name: "server sends less than its length", n: 16, got: "200, cut after 3 bytes", log: cut, do: askHostile(true, say(ok+"Content-Length: 10\r\n\r\nabc"))},
		{name: "server leaves its last chunk out", n: 16, got: "200, cut after 3 bytes", log: cut,
			do: askHostile(true, say(ok+"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"))},
		{name: "server resets in its body", n: 16, got: "200, cut", log: cut, do: func(r *faultRig) string {
			got := r.ask(hostile(r.t, true, func(c net.Conn) { io.WriteString(c, ok+"Content-Length: 10\r\n\r\nabc"); reset(c) }))
			got, _, _ = strings.Cut(got, " after") // what a reset leaves of the body is the network's to say
			return got
		}},
		{name: "server sends more than its length", n: 4, got: "200, 200", do: func(r *faultRig) string {
			// What is too much looks like the answer to the next request.
			url := hostile(r.t, false, func(c net.Conn) {
				for buffered := bufio.NewReader(c); ; {
					q, err := http.ReadRequest(buffered)
					if err != nil {
						return
					}
					io.Copy(io.Discard, q.Body)
					io.WriteString(c, ok+"Content-Length: 2\r\n\r\nok"+"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\nevil")
				}
			})
			c := r.dial()
			defer c.Close()
			return askOver(c, url) + ", " + askOver(c, url)
		}},
		{name: "server with two lengths", n: 16, got: "502 SOAP fault", log: odd, do: askHostile(true, say(ok+"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"))},
		{name: "server with a bad chunk", n: 16, got: "200, cut after 0 bytes", log: cut, do: askHostile(true, say(ok+"Transfer-Encoding: chunked\r\n\r\nSECRET\r\n"))},
		{name: "server stalls in its handshake", n: 16, limit: "TLSHandshakeTimeout", got: "504 SOAP fault", log: "in time", do: func(r *faultRig) string {
			url := hostile(r.t, false, untilClosed)
			c := tls.Client(r.tunnel(strings.Trim(strings.TrimPrefix(url, "http:"), "/")), &tls.Config{RootCAs: pool(r.ca), ServerName: "127.0.0.1"})
			defer c.Close()
			return askOver(c, "/")
		}},
		{name: "server refuses", n: 16, got: "502 SOAP fault", log: "refused the connection", do: func(r *faultRig) string { return r.ask("http://" + closedPort(r.t) + "/") }},
		{name: "unknown host", n: 4, limit: "DialTimeout", got: "50x SOAP fault", log: "nobody.invalid", do: func(r *faultRig) string {
			return eitherFailure(r.ask("http://nobody.invalid/")) // the name server may not answer
		}},
	}
}
