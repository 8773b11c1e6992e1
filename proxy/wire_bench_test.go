package proxy

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"
)

// BenchmarkWire compares whole processes: recording with the umtape binary over
// CONNECT and TLS, against bare goproxy, against the same proxy holding bodies
// but keeping nothing, all before one server, interleaved round by round. It
// prints ratios. Run it alone: bash .ci/bench
func BenchmarkWire(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Skip("reads what a process has used from /proc")
	}
	for b.Loop() {
		w := newWire(b)
		for _, conns := range []int{1, 8, 64} {
			w.exchanges(conns)
		}
		w.tunnels()
		w.memory()
	}
}

const (
	wireRounds = 7
	wireRound  = 1500 * time.Millisecond
)

const roleVariable = "UMTAPE_TEST_ROLE"

// play is the test binary in another role: a server, or a proxy to compare with.
// It says where it listens and ends with its standard input.
func play(role string) {
	ca, _, err := LoadOrCreateCA(os.Getenv(roleVariable + "_CA"))
	must(err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	fmt.Println("ready http://" + ln.Addr().String())
	switch role {
	case "server":
		answer, err := os.ReadFile("../testdata/messages/disconnect-response.xml")
		must(err)
		go http.Serve(ListenTLSOrPlain(ln, ca, nil), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "text/xml; charset=utf-8")
			w.Write(answer)
		}))
	case "goproxy":
		p := newBareGoproxy(ca, true)
		go http.Serve(ln, p)
	case "holding":
		u, err := NewUpstream(UpstreamConfig{Insecure: []string{"127.0.0.1"}})
		must(err)
		s, err := New(Config{CA: ca, NewTransport: func() http.RoundTripper { return holding{u.Transport()} }})
		must(err)
		go s.Serve(ln)
	}
	io.Copy(io.Discard, os.Stdin)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// holding has both bodies in memory, as a recorder must, and keeps nothing.
type holding struct{ *Transport }

func (h holding) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil {
			return nil, err
		}
		r = r.WithContext(r.Context())
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
		r.Body, _ = r.GetBody()
	}
	resp, err := h.Transport.RoundTrip(r)
	if err == nil {
		var b []byte
		b, err = io.ReadAll(resp.Body)
		resp.Body.Close()
		resp.Body = io.NopCloser(bytes.NewReader(b))
	}
	return resp, err
}

// wire is the processes of one comparison.
type wire struct {
	b       *testing.B
	roots   *x509.CertPool
	server  string
	proxies []*process // the first is what the others are compared with
}

// process is one proxy, and what was measured of it.
type process struct {
	name, addr string
	pid        int
	rate       []float64 // of each round
	p99        []float64
	cpu        []float64 // seconds a request
}

func newWire(b *testing.B) *wire {
	b.Helper()
	dir := b.TempDir()
	caDir := filepath.Join(dir, "ca")
	ca, _, err := LoadOrCreateCA(caDir)
	if err != nil {
		b.Fatal(err)
	}
	binary := filepath.Join(dir, "umtape")
	if out, err := exec.Command("go", "build", "-o", binary, "../cmd/umtape").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	role := func(name string) *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), roleVariable+"="+name, roleVariable+"_CA="+caDir)
		return cmd
	}
	w := &wire{b: b, roots: pool(ca)}
	w.server = strings.TrimPrefix(startProcess(b, "server", role("server")).addr, "http://")
	w.proxies = []*process{
		startProcess(b, "bare goproxy", role("goproxy")),
		startProcess(b, "holding bodies", role("holding")),
		startProcess(b, "umtape record", exec.Command(binary, "record", filepath.Join(dir, "calls.yaml"), "-q",
			"--listen", "127.0.0.1:0", "--ca-dir", caDir, "--insecure-upstream", "127.0.0.1")),
	}
	return w
}

var addressOf = regexp.MustCompile(`http://([0-9.]+:\d+)`)

func startProcess(b *testing.B, name string, cmd *exec.Cmd) *process {
	b.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	r, out, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); cmd.Process.Signal(os.Interrupt); cmd.Wait(); r.Close() })
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if found := addressOf.FindStringSubmatch(lines.Text()); found != nil {
			go func() { // what it says from now on is about what goes wrong
				for lines.Scan() {
					fmt.Fprintf(os.Stderr, "%s: %s\n", name, lines.Text())
				}
			}()
			return &process{name: name, addr: found[1], pid: cmd.Process.Pid}
		}
	}
	b.Fatalf("%s did not say where it listens", name)
	return nil
}

// used is the processor time that a process has used.
func (p *process) used(b *testing.B) time.Duration {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+2:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * (time.Second / 100) // USER_HZ
}

// resident is the memory that a process holds, in MiB.
func (p *process) resident(b *testing.B) float64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
	if err != nil {
		b.Fatal(err)
	}
	_, after, _ := strings.Cut(string(data), "VmRSS:")
	n, _ := strconv.Atoi(strings.Fields(after)[0])
	return float64(n) / 1024
}

// wireClient is a client connection that costs little: requests are written and
// answers read without a library.
type wireClient struct {
	c       *tls.Conn
	raw     net.Conn
	r       *bufio.Reader
	request []byte
	id      []byte // the part of request that is another each time
}

// asked is how many requests have been made: each is about another call.
var asked atomic.Int64

func (w *wire) dial(addr string) (*wireClient, error) {
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(raw, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", w.server, w.server)
	for seen, one := []byte(nil), make([]byte, 1); !bytes.HasSuffix(seen, []byte("\r\n\r\n")); seen = append(seen, one...) {
		if _, err := raw.Read(one); err != nil {
			raw.Close()
			return nil, err
		}
	}
	c := tls.Client(raw, &tls.Config{RootCAs: w.roots, ServerName: "127.0.0.1"})
	if err := c.Handshake(); err != nil {
		raw.Close()
		return nil, err
	}
	const mark = "0000000000"
	body := `<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>` +
		`<Disconnect xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"><CallId>MDk3N2Y1NTEtNmM5Zi00MmYyLWIxYmItOTVjYzE2NDZlZDBkQHVtMDEudm9pY2UuZXhhbXBsZS5uZXQ` +
		mark + `</CallId></Disconnect></soap:Body></soap:Envelope>`
	head := fmt.Sprintf("POST /UnifiedMessaging/Service.asmx HTTP/1.1\r\nHost: %s\r\nUser-Agent: wire\r\nContent-Type: text/xml; charset=utf-8\r\n"+
		"SOAPAction: \"http://schemas.microsoft.com/exchange/services/2006/messages/Disconnect\"\r\nContent-Length: %d\r\n\r\n", w.server, len(body))
	x := &wireClient{c: c, raw: raw, r: bufio.NewReader(c), request: []byte(head + body)}
	at := bytes.Index(x.request, []byte(mark))
	x.id = x.request[at : at+len(mark)]
	return x, nil
}

func (x *wireClient) exchange() error {
	copy(x.id, fmt.Sprintf("%010d", asked.Add(1)))
	if _, err := x.c.Write(x.request); err != nil {
		return err
	}
	length := -1
	for first := true; ; first = false {
		line, err := x.r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
			return fmt.Errorf("answer %q", line)
		}
		if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length, _ = strconv.Atoi(string(bytes.TrimSpace(v)))
		}
		if len(line) == 2 {
			break
		}
	}
	if length < 0 {
		return fmt.Errorf("an answer without a length")
	}
	_, err := x.r.Discard(length)
	return err
}

func (x *wireClient) close() { x.c.Close() }

// round keeps conns connections busy for as long as given.
func (w *wire) round(p *process, conns int, within time.Duration) (took []time.Duration) {
	var all sync.WaitGroup
	var mu sync.Mutex
	for range conns {
		x, err := w.dial(p.addr)
		if err != nil {
			w.b.Fatalf("%s: %v", p.name, err)
		}
		if err := x.exchange(); err != nil { // opens the connection to the server
			w.b.Fatalf("%s: %v", p.name, err)
		}
		all.Go(func() {
			defer x.close()
			var mine []time.Duration
			for began, now := time.Now(), time.Now(); now.Sub(began) < within; {
				if err := x.exchange(); err != nil {
					w.b.Errorf("%s: %v", p.name, err)
					return
				}
				after := time.Now()
				mine = append(mine, after.Sub(now))
				now = after
			}
			mu.Lock()
			took = append(took, mine...)
			mu.Unlock()
		})
	}
	all.Wait()
	return took
}

func (w *wire) exchanges(conns int) {
	for _, p := range w.proxies {
		p.rate, p.p99, p.cpu = nil, nil, nil
		w.round(p, conns, wireRound/4) // warm
	}
	for n := range wireRounds {
		for i := range w.proxies {
			p := w.proxies[(n+i)%len(w.proxies)]
			before := p.used(w.b)
			took := w.round(p, conns, wireRound)
			if len(took) == 0 {
				w.b.Fatalf("%s: no exchange at all", p.name)
			}
			slices.Sort(took)
			p.cpu = append(p.cpu, (p.used(w.b)-before).Seconds()/float64(len(took)))
			p.rate = append(p.rate, float64(len(took))/wireRound.Seconds())
			p.p99 = append(p.p99, took[len(took)*99/100].Seconds())
		}
	}
	w.print(fmt.Sprintf("exchanges, %d connections", conns))
}

func (w *wire) tunnels() {
	for _, p := range w.proxies {
		p.rate, p.p99, p.cpu = nil, nil, nil
	}
	for n := range wireRounds {
		for i := range w.proxies {
			p := w.proxies[(n+i)%len(w.proxies)]
			before, began, made := p.used(w.b), time.Now(), 0
			var took []time.Duration
			for time.Since(began) < wireRound {
				start := time.Now()
				x, err := w.dial(p.addr)
				if err == nil {
					err = x.exchange()
				}
				if err != nil {
					w.b.Fatalf("%s: %v", p.name, err)
				}
				x.close()
				took = append(took, time.Since(start))
				made++
			}
			slices.Sort(took)
			p.cpu = append(p.cpu, (p.used(w.b)-before).Seconds()/float64(made))
			p.rate = append(p.rate, float64(made)/time.Since(began).Seconds())
			p.p99 = append(p.p99, took[len(took)*99/100].Seconds())
		}
	}
	w.print("new tunnels, each with one exchange (goproxy pools its connections to the server, umtape must not)")
}

func (w *wire) memory() {
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "memory\tMiB before\tafter 50 000 more exchanges")
	for _, p := range w.proxies {
		before := p.resident(w.b)
		for done := 0; done < 50_000; {
			done += len(w.round(p, 8, wireRound))
		}
		fmt.Fprintf(table, "%s\t%.1f\t%.1f\n", p.name, before, p.resident(w.b))
	}
	table.Flush()
	w.b.Logf("\n%s", out.String())
}

// print compares medians with those of the first.
func (w *wire) print(title string) {
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "%s\ta second\tratio\tp99\tratio\tCPU each\tratio\n", title)
	first := w.proxies[0]
	for _, p := range w.proxies {
		fmt.Fprintf(table, "%s\t%.0f\t%.2f\t%.0f µs\t%.2f\t%.1f µs\t%.2f\n", p.name,
			median(p.rate), median(p.rate)/median(first.rate),
			median(p.p99)*1e6, median(p.p99)/median(first.p99),
			median(p.cpu)*1e6, median(p.cpu)/median(first.cpu))
	}
	table.Flush()
	w.b.Logf("\n%s", out.String())
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
