package main

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/proxy"
)

// other is the label of what is not in a table: clients and servers make up
// names, and each label value is kept for ever.
const other = "other"

// knownFaults are the faults that the protocol documents (PROTOCOL.md, section 5)
// and the codes of SOAP 1.1 and 1.2 themselves.
var knownFaults = func() map[string]bool {
	known := map[string]bool{}
	for _, op := range um.Operations {
		for _, name := range op.Faults {
			known[name] = true
		}
	}
	for _, name := range []string{
		"ErrorInvalidRequest", "ErrorSchemaValidation",
		"Client", "Server", "VersionMismatch", "MustUnderstand", // SOAP 1.1 §4.4.1
		"Sender", "Receiver", "DataEncodingUnknown", // SOAP 1.2 part 1 §5.4.6
	} {
		known[name] = true
	}
	return known
}()

// knownFault is a fault's kind if it is in the table. Any other could be any text
// of a body.
func knownFault(kind string) string {
	if knownFaults[kind] {
		return kind
	}
	return other
}

// metrics are the counters and histograms of one recording or replay.
type metrics struct {
	registry *prometheus.Registry

	outcomes, operations, faults    counters
	misses, bytesIn, bytesOut       prometheus.Counter
	exchangeTime, upstreamTime, lag prometheus.Histogram // lag is the tape's
}

// counters are those of one metric by the value of its label. All are there from
// the start, so that a rate is right from the first event on.
type counters map[string]prometheus.Counter

func (c counters) add(label string) {
	counter, ok := c[label]
	if !ok {
		counter, ok = c[other]
	}
	if ok {
		counter.Inc()
	}
}

// timesOf are histogram bounds in seconds from, 2.5 from, 5 from, 10 from ... to.
func timesOf(from, to float64) []float64 {
	var bounds []float64
	for ; from <= to*1.001; from *= 10 {
		for _, factor := range []float64{1, 2.5, 5} {
			if b := from * factor; b <= to*1.001 {
				bounds = append(bounds, b)
			}
		}
	}
	return bounds
}

// newMetrics makes those of a mode, "record" or "replay".
func newMetrics(mode string, verdicts []cassettes.Verdict) *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		m.registry.MustRegister(c)
		return c
	}
	byLabel := func(label string, opts prometheus.CounterOpts, values []string) counters {
		vec := prometheus.NewCounterVec(opts, []string{label})
		m.registry.MustRegister(vec)
		c := counters{}
		for _, v := range values {
			c[v] = vec.WithLabelValues(v)
		}
		return c
	}
	histogram := func(name, help string, bounds []float64) prometheus.Histogram {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: bounds})
		m.registry.MustRegister(h)
		return h
	}

	outcomes := []string{string(cassettes.Challenged)}
	for _, o := range proxy.Outcomes {
		if o != proxy.Answered { // which is told more exactly by the verdicts
			outcomes = append(outcomes, string(o))
		}
	}
	for _, v := range verdicts {
		if v != cassettes.Unanswered { // which is one of the wire's, told why
			outcomes = append(outcomes, string(v))
		}
	}
	m.outcomes = byLabel("outcome", prometheus.CounterOpts{Name: "umtape_exchanges_total",
		Help: "Exchanges that have ended, by how.", ConstLabels: prometheus.Labels{"mode": mode}}, outcomes)
	operations := []string{other}
	for _, op := range um.Operations {
		operations = append(operations, op.Name)
	}
	m.operations = byLabel("operation", prometheus.CounterOpts{Name: "umtape_operations_total",
		Help: "Exchanges that were SOAP requests and got to the tape, by operation of the UM service and its EWS successors."}, operations)
	faults := []string{other}
	for name := range knownFaults {
		faults = append(faults, name)
	}
	m.faults = byLabel("code", prometheus.CounterOpts{Name: "umtape_faults_total",
		Help: "SOAP faults that the server answered with, or the cassette, by kind. Not those of umtape itself."}, faults)
	m.misses = counter("umtape_misses_total", "Requests that nothing in the cassettes answers.")
	m.bytesIn = counter("umtape_request_bytes_total", "Bytes of request bodies read from clients.")
	m.bytesOut = counter("umtape_response_bytes_total", "Bytes of response bodies given to clients.")
	m.exchangeTime = histogram("umtape_exchange_seconds", "Time from the end of a request's header until its answer had been given to the client.", timesOf(0.0001, 100))
	m.upstreamTime = histogram("umtape_upstream_seconds", "Time from sending a request to the server until the header of its answer.", timesOf(0.0001, 100))
	m.lag = histogram("umtape_tape_seconds", "Time an exchange spent on the cassette: reading, redacting and writing it, or finding the answer.", timesOf(0.00001, 10))

	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "umtape_build_info", Help: "Always 1; the labels say which umtape this is.",
		ConstLabels: prometheus.Labels{"version": version, "revision": build.commit, "goversion": runtime.Version()}})
	build.Set(1)
	m.registry.MustRegister(build)
	return m
}

// follow adds what server and ca count.
func (m *metrics) follow(server *proxy.Server, ca *proxy.CA) {
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "umtape_connections", Help: "Client connections that are open."},
			func() float64 { return float64(server.Stats().Connections) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "umtape_connections_total", Help: "Client connections that were accepted."},
			func() float64 { return float64(server.Stats().Accepted) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "umtape_certificates_minted_total", Help: "Certificates made for hosts that clients asked for."},
			func() float64 { return float64(ca.Minted()) }),
	)
}

// exchange counts one that has ended.
func (m *metrics) exchange(e proxy.Exchange, f *cassettes.Facts, outcome string) {
	m.outcomes.add(outcome)
	if f.Operation != "" {
		m.operations.add(f.Operation)
	}
	if f.Fault != "" {
		m.faults.add(f.Fault)
	}
	if f.Verdict == cassettes.Missed {
		m.misses.Inc()
	}
	m.bytesIn.Add(float64(e.RequestBytes))
	m.bytesOut.Add(float64(e.ResponseBytes))
	m.exchangeTime.Observe(e.Took.Seconds())
	if f.Upstream > 0 {
		m.upstreamTime.Observe(f.Upstream.Seconds())
	}
	if f.Tape > 0 {
		m.lag.Observe(f.Tape.Seconds())
	}
}
