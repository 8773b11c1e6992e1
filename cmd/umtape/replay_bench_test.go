package main

import (
	"bufio"
	"bytes"
	"context"
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
	"testing"
	"text/tabwriter"
	"time"

	"github.com/umtape/umtape/cassettes"
)

// constant is a bare net/http server that answers everything alike, to compare a
// replay with.
func constant() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println("server at http://" + ln.Addr().String())
	answer := []byte(`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><DisconnectResponse xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"/></s:Body></s:Envelope>`)
	go http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.Write(answer)
	}))
	io.Copy(io.Discard, os.Stdin)
}

// BenchmarkReplayWire compares whole processes: umtape replay of cassettes of several
// sizes, as origin server over plain HTTP, with a bare net/http server; interleaved
// round by round. It prints ratios, and what a process holds in memory. Run it alone:
// bash .ci/bench. UMTAPE_SCALE=1000000 adds a cassette of that size.
func BenchmarkReplayWire(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Skip("reads what a process holds from /proc")
	}
	for b.Loop() {
		dir := b.TempDir()
		sizes := []int{1, 1000, 100_000}
		if n, err := strconv.Atoi(os.Getenv("UMTAPE_SCALE")); err == nil {
			sizes = append(sizes, n)
		}
		rivals := []*rival{startRival(b, dir, "net/http, constant", 1, "constant")}
		for _, n := range sizes {
			path := filepath.Join(dir, fmt.Sprintf("%d.yaml", n))
			if err := disconnects(path, n); err != nil {
				b.Fatal(err)
			}
			rivals = append(rivals, startRival(b, dir, fmt.Sprintf("umtape replay, %d", n), n, "umtape", "replay", path, "-q", "--no-cache", "--listen", "127.0.0.1:0", "--ca-dir", filepath.Join(dir, "ca")))
		}
		for _, otherwise := range []bool{false, true} {
			for n := range 8 {
				for k := range rivals {
					r := rivals[(n+k)%len(rivals)]
					if rate := r.round(b, otherwise, 700*time.Millisecond); n > 0 { // the first one warms
						r.rate = append(r.rate, rate)
					}
				}
			}
			var out strings.Builder
			table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
			fmt.Fprintf(table, "%s\ta second\tratio\tMiB\n", map[bool]string{false: "requests as recorded", true: "requests written otherwise"}[otherwise])
			for _, r := range rivals {
				fmt.Fprintf(table, "%s\t%.0f\t%.2f\t%.1f\n", r.name, middle(r.rate), middle(r.rate)/middle(rivals[0].rate), r.resident(b))
			}
			for _, r := range rivals {
				r.rate = nil
			}
			table.Flush()
			b.Logf("\n%s", out.String())
		}
	}
}

type rival struct {
	name, addr string
	pid        int
	calls      int // how many different calls it knows
	rate       []float64
}

func startRival(b *testing.B, dir, name string, calls int, args ...string) *rival {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Args = args
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CACHE_HOME="+dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	w.Close()
	b.Cleanup(func() { in.Close(); cmd.Process.Signal(os.Interrupt); cmd.Wait(); r.Close() })
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if m := regexp.MustCompile(`http://([0-9.]+:\d+)`).FindStringSubmatch(lines.Text()); m != nil {
			go io.Copy(io.Discard, r)
			return &rival{name: name, addr: m[1], pid: cmd.Process.Pid, calls: calls}
		}
	}
	b.Fatalf("%s does not listen", name)
	return nil
}

const disconnectFrom = `<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>` +
	`<Disconnect xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"><CallId>MDk3N2Y1NTEtNmM5Zi00MmYyLWIxYmItOTVjYzE2NDZlZDBkQHVtMDEudm9pY2UuZXhhbXBsZS5uZXQ%010d</CallId></Disconnect></soap:Body></soap:Envelope>`

// disconnects writes a cassette of n of them.
func disconnects(path string, n int) error {
	w, err := cassettes.Create(path, cassettes.HeaderMeta{}, cassettes.Refuse, cassettes.SyncNever)
	if err != nil {
		return err
	}
	for k := range n {
		i := &cassettes.Interaction{}
		i.Request.Method, i.Request.URL, i.Request.Body = "POST", "https://um.example.com/UnifiedMessaging/Service.asmx", fmt.Sprintf(disconnectFrom, k)
		i.Request.Headers = http.Header{"Content-Type": {"text/xml; charset=utf-8"}}
		i.Response.Code, i.Response.Status = 200, "200 OK"
		i.Response.Body = `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><DisconnectResponse xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"/></soap:Body></soap:Envelope>`
		i.Response.Headers = http.Header{"Content-Type": {"text/xml; charset=utf-8"}, "Date": {"Tue, 24 Nov 2026 10:00:00 GMT"}}
		if err := w.Append(i); err != nil {
			return err
		}
	}
	return w.Close()
}

// round has 8 connections ask as fast as they can, each time about another call.
func (r *rival) round(b *testing.B, otherwise bool, within time.Duration) float64 {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	var all sync.WaitGroup
	var mu sync.Mutex
	total := 0
	for c := range 8 {
		conn, err := net.Dial("tcp", r.addr)
		if err != nil {
			b.Fatal(err)
		}
		all.Go(func() {
			defer conn.Close()
			in := bufio.NewReader(conn)
			body := fmt.Sprintf(disconnectFrom, 0)
			if otherwise {
				body = strings.NewReplacer("soap:", "s:", "xmlns:soap", "xmlns:s", "><", ">\n<").Replace(body)
			}
			request := []byte(fmt.Sprintf("POST /UnifiedMessaging/Service.asmx HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
			id := request[bytes.Index(request, []byte("0000000000")):][:10]
			n := 0
			for k := c * r.calls / 8; ctx.Err() == nil; k, n = k+7919, n+1 {
				copy(id, fmt.Sprintf("%010d", k%r.calls))
				if _, err := conn.Write(request); err != nil {
					b.Error(err)
					return
				}
				length := 0
				for first := true; ; first = false {
					line, err := in.ReadSlice('\n')
					if err != nil || first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
						b.Errorf("%s: %q, %v", r.name, line, err)
						return
					}
					if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
						length, _ = strconv.Atoi(string(bytes.TrimSpace(v)))
					}
					if len(line) == 2 {
						break
					}
				}
				if _, err := in.Discard(length); err != nil || length == 0 {
					b.Error(length, err)
					return
				}
			}
			mu.Lock()
			total += n
			mu.Unlock()
		})
	}
	all.Wait()
	return float64(total) / within.Seconds()
}

// resident is the memory that a process holds, in MiB.
func (r *rival) resident(b *testing.B) float64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.pid))
	if err != nil {
		b.Fatal(err)
	}
	_, after, _ := strings.Cut(string(data), "VmRSS:")
	n, _ := strconv.Atoi(strings.Fields(after)[0])
	return float64(n) / 1024
}

func middle(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
