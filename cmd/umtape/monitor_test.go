package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/proxy"
)

// monitorOf serves m on loopback until the test ends.
func monitorOf(t *testing.T, m *monitor) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.start(ln)
	t.Cleanup(m.close)
	return ln.Addr().String()
}

func fetch(t *testing.T, method, url string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// TestMetricsAreAsPrometheusWantsThem: names, units and help, and no label for
// what others make up.
func TestMetricsAreAsPrometheusWantsThem(t *testing.T) {
	for mode, verdicts := range map[string][]cassettes.Verdict{"record": cassettes.RecordVerdicts, "replay": cassettes.PlayVerdicts} {
		m := newMetrics(mode, verdicts)
		server, err := proxy.New(proxy.Config{NewTransport: func() http.RoundTripper { return nil }})
		if err != nil {
			t.Fatal(err)
		}
		m.follow(server, testCA(t))
		addr := monitorOf(t, newMonitor(m))
		_, before := fetch(t, "GET", "http://"+addr+"/metrics")
		for n := range 1000 {
			name := fmt.Sprintf("Made%dUp", n)
			f := &cassettes.Facts{Operation: name, Fault: name, Verdict: cassettes.Verdict(name)}
			m.exchange(proxy.Exchange{Outcome: proxy.Answered, RequestBytes: 1, ResponseBytes: 2}, f, string(proxy.Failed))
		}
		status, after := fetch(t, "GET", "http://"+addr+"/metrics")
		problems, err := promlint.New(strings.NewReader(after)).Lint()
		if err != nil || status != 200 {
			t.Errorf("%d, %v", status, err)
		}
		for _, p := range problems {
			if strings.HasPrefix(p.Metric, "umtape_") {
				t.Errorf("%s: %s", p.Metric, p.Text)
			}
		}
		for _, want := range []string{
			`umtape_exchanges_total{mode="` + mode + `",outcome="failed"} 1000`,
			`umtape_operations_total{operation="other"} 1000`, `umtape_faults_total{code="other"} 1000`,
			`umtape_operations_total{operation="Disconnect"} 0`, `umtape_faults_total{code="InvalidCallIdException"} 0`,
			`umtape_request_bytes_total 1000`, `umtape_response_bytes_total 2000`, `umtape_misses_total 0`,
			`umtape_exchange_seconds_count 1000`, `umtape_upstream_seconds_count 0`, `umtape_tape_seconds_count 0`,
			`umtape_connections 0`, `umtape_connections_total 0`, `umtape_certificates_minted_total 0`,
		} {
			if !strings.Contains(after, "\n"+want+"\n") {
				t.Errorf("%s: no %s", mode, want)
			}
		}
		series := func(text string) int { return strings.Count(text, "\numtape_") }
		if series(before) != series(after) || series(before) < 50 {
			t.Errorf("%s: %d series of umtape at first, %d after made-up names", mode, series(before), series(after))
		}
		for _, want := range []string{"go_goroutines ", "process_start_time_seconds ", "umtape_build_info{"} {
			if !strings.Contains(after, want) {
				t.Errorf("no %s", want)
			}
		}
	}
}

// TestEachOutcomeHasItsCounter: none can end up nowhere.
func TestEachOutcomeHasItsCounter(t *testing.T) {
	for mode, verdicts := range map[string][]cassettes.Verdict{"record": cassettes.RecordVerdicts, "replay": cassettes.PlayVerdicts} {
		m := newMetrics(mode, verdicts)
		for _, o := range proxy.Outcomes {
			for _, v := range append([]cassettes.Verdict{""}, verdicts...) {
				if o == proxy.Answered && v == cassettes.Unanswered {
					continue // cannot be
				}
				if outcome := outcomeOf(proxy.Exchange{Outcome: o}, &cassettes.Facts{Verdict: v}); m.outcomes[outcome] == nil {
					t.Errorf("%s: %s, %s: no counter for %q", mode, o, v, outcome)
				}
			}
		}
	}
}

func TestMonitorAnswersOnlyWhatItIsFor(t *testing.T) {
	addr := monitorOf(t, newMonitor(newMetrics("record", nil)))
	for _, tt := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/healthz", 200, "ok\n"},
		{"HEAD", "/healthz", 200, ""},
		{"GET", "/readyz", 503, "starting\n"},
		{"POST", "/metrics", 405, "Method Not Allowed\n"},
		{"DELETE", "/readyz", 405, "Method Not Allowed\n"},
		{"GET", "/", 404, "404 page not found\n"},
		{"GET", "/debug/pprof/", 404, "404 page not found\n"},
	} {
		if status, body := fetch(t, tt.method, "http://"+addr+tt.path); status != tt.status || body != tt.body {
			t.Errorf("%s %s: %d %q, want %d %q", tt.method, tt.path, status, body, tt.status, tt.body)
		}
	}
	// A client that does not get to the end of its request does not stay.
	m := newMonitor(newMetrics("record", nil))
	m.server.ReadTimeout = 50 * time.Millisecond // or the test would take 5 s
	addr = monitorOf(t, m)
	for _, part := range []string{"", "GET /metrics HTTP/1.1\r\nX: ", "POST /metrics HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nx"} {
		sayTo(t, addr, part) // returns at the connection's end
	}
}

// recordMonitored runs umtape record --metrics until stop is called or the test
// ends. said is what it said at its start; ended gets what it returned.
func recordMonitored(t *testing.T, path string) (said string, stop func(), ended <-chan error) {
	t.Helper()
	a, stderr := testApp(t)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	caDir, result := filepath.Join(t.TempDir(), "ca"), make(chan error, 1)
	go func() {
		result <- a.record(ctx, path, recordFlags{
			listen: "127.0.0.1:0", metrics: "127.0.0.1:0", caDir: caDir, sync: "never", maxBody: 1 << 20, log: logFlags{format: "text"},
		})
	}()
	waitFor(t, stderr, "Ctrl-C ends the recording")
	return stderr.String(), cancel, result
}

// TestReadiness: ready while it can record, not when the tape has failed, nor
// while the last exchange finishes; then the listener is gone.
func TestReadiness(t *testing.T) {
	arrived, goOn := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-goOn
		w.Header().Set("Content-Type", "text/xml")
		io.WriteString(w, disconnected)
	}))
	defer server.Close()
	path := filepath.Join(t.TempDir(), "calls.yaml")
	said, stop, ended := recordMonitored(t, path)
	proxyAddr, addr := listening.FindStringSubmatch(said)[1], measuring.FindStringSubmatch(said)[1]
	readyz := "http://" + addr + "/readyz"
	if status, body := fetch(t, "GET", readyz); status != 200 || body != "ok\n" {
		t.Errorf("recording: %d %q", status, body)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	client, err := net.Dial("tcp", proxyAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	io.WriteString(client, soapPost(server.URL+"/um", fmt.Sprintf(disconnectOf, "call")))
	<-arrived
	stop()
	// The listener of the proxy is closed first, so from here on it is stopping.
	for {
		c, err := net.Dial("tcp", proxyAddr)
		if err != nil {
			break
		}
		c.Close()
	}
	if status, body := fetch(t, "GET", readyz); status != 503 || body != "shutting down\n" {
		t.Errorf("shutting down: %d %q", status, body)
	}
	if status, body := fetch(t, "GET", "http://"+addr+"/healthz"); status != 200 || body != "ok\n" {
		t.Errorf("shutting down, health: %d %q", status, body)
	}
	close(goOn)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("tcp", addr); err == nil {
		c.Close()
		t.Error("the listener of --metrics outlives the recording")
	}
	if now, err := os.ReadFile(path); err != nil || len(now) <= len(whole) {
		t.Errorf("the last exchange is not on tape: %v", err)
	}
}

func TestNotReadyWhenTheTapeHasFailed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.yaml")
	said, stop, ended := recordMonitored(t, path)
	if err := os.Truncate(path, 10); err != nil {
		t.Fatal(err)
	}
	addr := measuring.FindStringSubmatch(said)[1]
	if status, body := fetch(t, "GET", "http://"+addr+"/readyz"); status != 503 || !strings.Contains(body, "calls.yaml: cut short by another program") {
		t.Errorf("%d %q", status, body)
	}
	stop()
	if err := <-ended; err != nil { // nothing was to be recorded, so nothing is lost
		t.Error(err)
	}
}
