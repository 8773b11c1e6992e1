package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/proxy"
)

// recordFlags are those of umtape record.
type recordFlags struct {
	listen     string
	caDir      string
	reverse    string
	appendTo   bool
	force      bool
	refresh    bool
	all        bool
	keepLegs   bool
	pseudonyms bool
	redact     string // file of rules; "" for none
	operations []string
	maxBody    size
	sync       string
	metrics    string
	ui         string
	access     accessFlags
	ports      portsFlag
	tunnel     []string
	mode       string
	upstreamFlags
	log  logFlags
	play *replayFlags // of what answers first, from the cassette; nil for nothing
}

func (a *app) recordCommand() *cobra.Command {
	f := recordFlags{maxBody: cassettes.DefaultMaxBody, ports: webPorts()}
	cmd := &cobra.Command{
		Use:   "record CASSETTE",
		Short: "Record traffic through a forwarding proxy to a cassette",
		Long: `record starts a forwarding proxy, on loopback unless told who else may use it. A
client that uses it as its HTTP and HTTPS proxy reaches its server as before,
and every SOAP exchange is appended to the cassette before the client has the
whole answer. Credentials are never written. Ctrl-C ends the recording and
prints what was captured.

With --pseudonyms nothing is written that names a person, a number or an internal
server either: one value becomes one other of the same form throughout the cassette,
by a key that is not kept, so that a call still fits together. A replay puts the
client's own values in again. Nothing can be added to such a cassette later.

An existing cassette is not touched unless you say --append or --force. With
--mode once it is replayed instead, and recorded if it is not there; with
new-episodes it answers what it can and what is new is recorded; all records
everything anew; none never records, and replays.

What goes as it did in the cassette that is replaced keeps its record, byte for
byte, when the recording ends, so that a diff shows what has changed and no
dates, ids and durations. The header then says when that was confirmed, which
counts for --max-age. --refresh replaces everything.

With --reverse URL, clients that cannot use a proxy talk to umtape as if it were
the server.

Exchanges that went wrong are logged, one line each; -v logs every one, as a
terminal does. No line holds a body, a header but Host, a query or a token.`,
		Example: `  umtape record calls.yaml
  curl --proxy http://127.0.0.1:8088 --cacert ~/.config/umtape/ca.pem \
       -H 'Content-Type: text/xml; charset=utf-8' --data-binary @disconnect.xml \
       https://um.example.com/UnifiedMessaging/Service.asmx
  umtape record --operation Disconnect,GetCallInfo --append calls.yaml
  umtape record --mode new-episodes calls.yaml
  umtape record --reverse https://um.example.com calls.yaml
  umtape record --listen 0.0.0.0:8088 --allow 10.1.2.0/24 calls.yaml
  umtape record --log-format json --metrics 127.0.0.1:9464 calls.yaml 2>umtape.log`,
		Args: cassetteArgs(false),
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			replay, err := f.decide(args[0])
			switch {
			case err != nil:
				return err
			case replay != nil:
				return a.replay(cmd.Context(), args, *replay)
			}
			return a.record(cmd.Context(), args[0], f)
		}),
	}
	f.register(cmd, "127.0.0.1:8088")
	f.access.registerUsers(cmd)
	return cmd
}

// register gives a command the flags of a recording; listen is the default of
// --listen.
func (f *recordFlags) register(cmd *cobra.Command, listen string) {
	listenFlag(cmd, &f.listen, listen)
	caFlag(cmd, &f.caDir)
	cmd.Flags().StringVar(&f.reverse, "reverse", "", "server `URL` for clients that talk to umtape directly instead of through a proxy setting")
	cmd.Flags().BoolVar(&f.appendTo, "append", false, "add to the cassette if it exists")
	cmd.Flags().BoolVar(&f.force, "force", false, "replace the cassette if it exists, once something is captured")
	cmd.Flags().BoolVar(&f.refresh, "refresh", false, "with --force or --mode all, replace the records of what goes as before, too")
	cmd.Flags().StringVar(&f.mode, "mode", "", "what is done with a cassette that is there: `WHAT` is once, new-episodes, all or none")
	cmd.Flags().BoolVar(&f.all, "all", false, "keep every exchange, not only SOAP")
	cmd.Flags().StringSliceVar(&f.operations, "operation", nil, "keep only these operations, such as `Disconnect,PlayOnPhone`")
	cmd.Flags().BoolVar(&f.keepLegs, "keep-auth-legs", false, "keep each challenge of an NTLM or Negotiate handshake as an interaction of its own")
	f.registerRedaction(cmd)
	f.upstreamFlags.register(cmd)
	cmd.Flags().Var(&f.maxBody, "max-body", "how much of a body is kept; a longer one is forwarded whole")
	cmd.Flags().StringVar(&f.sync, "sync", "interval", "`WHEN` the tape is forced to disk: always, interval (each second, and at the end) or never")
	metricsFlag(cmd, &f.metrics)
	uiFlag(cmd, &f.ui)
	f.access.register(cmd)
	cmd.Flags().Var(&f.ports, "connect-ports", "ports that clients may reach through the proxy, such as 443,8443,1024-65535")
	cmd.Flags().StringSliceVar(&f.tunnel, "tunnel", nil, "`HOST[:PORT]`, or *.SUFFIX, to which CONNECT passes untouched: TLS is the server's own, nothing is recorded; may be repeated")
	f.log.register(cmd)
}

// registerRedaction gives a command the flags that say what is hidden beside
// credentials.
func (f *recordFlags) registerRedaction(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.pseudonyms, "pseudonyms", false, "keep CallIds, numbers, addresses, host names and SIDs as others of the same form, one for one")
	cmd.Flags().StringVar(&f.redact, "redact", "", "`FILE` with rules of your own: the YAML lists remove and pseudonym, of places such as Subscriber/Name or header X-Tenant")
}

func (a *app) record(ctx context.Context, path string, f recordFlags) error {
	s, err := a.openRecording(path, f)
	if err != nil {
		return err
	}
	a.say("recording to %s; proxy at http://%s", path, s.addr())
	if f.reverse != "" {
		a.say("clients that talk to it directly, http or https, are passed on to %s", f.reverse)
	}
	s.who.sayTo(a)
	if s.player != nil {
		a.say("what the cassette can answer is answered from it, as it was at the start; the rest is forwarded and recorded")
	}
	a.say("Ctrl-C ends the recording")
	a.tellReady()
	select {
	case <-ctx.Done():
	case err := <-s.served:
		s.served <- err // for stop
	}
	return s.stop(a.stdout)
}

// openRecording starts what the flags say. It is to be ended by stop.
func (a *app) openRecording(path string, f recordFlags) (*recording, error) {
	plan, err := a.planRecording(f)
	if err != nil {
		return nil, err
	}
	verdicts := cassettes.RecordVerdicts
	if f.play != nil {
		verdicts = slices.Concat(verdicts, cassettes.PlayVerdicts)
	}
	monitor, err := a.openMonitor(f.metrics, "record", verdicts)
	if err != nil {
		return nil, err
	}
	plan.watch.metrics = monitor.numbers()
	page, err := openPage(f.ui)
	if err != nil {
		monitor.close()
		return nil, err
	}
	plan.watch.page = page
	ca, err := a.openCA(f.caDir)
	if err != nil {
		page.close()
		monitor.close()
		return nil, err
	}
	s, err := a.startRecording(path, ca, plan)
	if err != nil {
		page.close()
		monitor.close()
		return nil, err
	}
	s.monitor, s.page = monitor, page
	trusted := shellQuote(ca.CertFile())
	if f.reverse != "" {
		trusted = ""
	}
	page.start(a, "record", titleOf([]string{path}), s.addr(), trusted)
	if monitor != nil {
		monitor.metrics.follow(s.server, ca)
		monitor.setReady(func() error { return s.tape.Ready(0) })
	}
	return s, nil
}

// recordPlan is what the flags of umtape record come to.
type recordPlan struct {
	listen  string
	access  access
	ports   proxy.Ports
	tunnel  proxy.Hosts
	mode    cassettes.OpenMode
	sync    cassettes.SyncPolicy
	header  cassettes.HeaderMeta
	options cassettes.RecordOptions
	watch   *watch
	reverse *url.URL
	servers *proxy.Upstream
	play    *replayFlags
}

// planRecording checks the flags. It creates nothing.
func (a *app) planRecording(f recordFlags) (*recordPlan, error) {
	p := &recordPlan{listen: f.listen, ports: f.ports.Ports, play: f.play}
	switch {
	case f.appendTo && f.force:
		return nil, misuse("--append keeps what is in the cassette and --force replaces it: give one of them")
	case f.refresh && !f.force:
		return nil, misuse("--refresh replaces records of what is there: give --force or --mode all with it")
	case f.all && len(f.operations) > 0:
		return nil, misuse("--all keeps everything and --operation only some: give one of them")
	case f.appendTo:
		p.mode = cassettes.Append
	case f.force && f.refresh:
		p.mode = cassettes.Replace
	case f.force:
		p.mode = cassettes.Renew
	}
	var err error
	if p.access, err = f.access.open(a); err != nil {
		return nil, err
	}
	if err := p.access.check(f.listen); err != nil {
		return nil, err
	}
	if p.tunnel, err = proxy.ParseHosts(f.tunnel); err != nil {
		return nil, misuse("--tunnel %w", err)
	}
	if p.options, p.header, err = recordOptions(f); err != nil {
		return nil, err
	}
	if p.watch, err = f.log.watch(a); err != nil {
		return nil, err
	}
	p.options.Logger, p.options.OnExchange = p.watch.log, note
	if p.sync, err = syncPolicy(f.sync); err != nil {
		return nil, err
	}
	if p.reverse, err = reverseURL(f.reverse); err != nil {
		return nil, err
	}
	p.servers, err = f.upstream()
	return p, err
}

// recording is a running umtape record.
type recording struct {
	app            *app
	path           string
	ca             *proxy.CA
	who            access
	monitor        *monitor // nil if nobody asked for it
	page           *livePage
	collectAsUsual func()
	tape           *cassettes.Writer
	recorder       *cassettes.Recorder
	player         *cassettes.Player // what answers first; nil for nothing
	server         *proxy.Server
	listener       net.Listener
	served         chan error // what Serve returned
}

// startRecording opens the port and the cassette before anything is served, so
// that nothing is forwarded which cannot be kept.
func (a *app) startRecording(path string, ca *proxy.CA, p *recordPlan) (*recording, error) {
	ln, err := p.access.listen(p.listen)
	if err != nil {
		return nil, err
	}
	s := &recording{app: a, path: path, ca: ca, who: p.access, listener: ln, served: make(chan error, 1), collectAsUsual: collectLess(recordingFloor)}
	if s.server, err = proxy.New(proxy.Config{
		NewTransport: func() http.RoundTripper {
			record := s.recorder.Wrap(p.servers.Transport())
			if s.player != nil {
				return s.player.Otherwise(record)
			}
			return record
		},
		CA:         ca,
		Reverse:    p.reverse,
		OnExchange: p.watch.exchange,
		Logger:     p.watch.log,
		Allow:      p.access.allow,
		Users:      p.access.users,
		Ports:      p.ports,
		Tunnel:     p.tunnel,
		Dial:       p.servers.Dial,
	}); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	if p.play != nil {
		if err := s.openPlayer(p); err != nil {
			ln.Close()
			return nil, err
		}
	}
	tape, err := cassettes.Create(path, p.header, p.mode, p.sync)
	if err != nil {
		ln.Close()
		return nil, err
	}
	if err := sameRules(path, tape, p); err != nil {
		return nil, errors.Join(err, ln.Close(), tape.Close())
	}
	s.tape, s.recorder = tape, cassettes.NewRecorder(tape, p.options)
	p.watch.shown = s.recorder.Shown
	if had := tape.Header().Kept; had != "" && had != p.header.Kept {
		a.say("warning: %s says that it keeps %q; now %q is kept as well", path, had, p.header.Kept)
	}
	if t := tape.Torn(); t != nil {
		a.say("warning: %s: line %d: the last interaction was not written to its end (%s); its %d bytes were moved to %s.torn", path, t.Line, t.Why, t.Lost, path)
	}
	go func() { s.served <- s.server.Serve(ln) }()
	return s, nil
}

// sameRules refuses to add to a cassette what it would hide in another way. Pseudonyms
// cannot be added to: their key is gone, and one value would have two.
func sameRules(path string, tape *cassettes.Writer, p *recordPlan) error {
	if p.mode != cassettes.Append {
		return nil
	}
	was := cassettes.RedactionOf(tape.Header())
	switch {
	case was.Pseudonymous() && tape.Count() > 0:
		return hint(fmt.Errorf("%s: holds pseudonyms, and the key that they were made with was not kept, so that nothing can be added that fits them", path),
			"record to a file beside it; umtape replay takes several")
	case !was.SameAs(p.options.Redaction):
		return hint(fmt.Errorf("%s: hides other things than --pseudonyms and --redact say now", path), "record to another file, or with the rules that its header has")
	}
	return nil
}

// redaction is what the flags say that is to be hidden.
func (f *recordFlags) redaction() (r cassettes.Redaction, err error) {
	if f.redact != "" {
		text, err := os.ReadFile(f.redact)
		if err != nil {
			return r, misuse("--redact: %w", err)
		}
		if r, err = cassettes.ReadRedaction(text); err != nil {
			return r, misuse("--redact: %s: %w", f.redact, err)
		}
	}
	if f.pseudonyms {
		r = cassettes.Pseudonyms(um.Profile()).And(r)
	}
	return r, nil
}

func recordOptions(f recordFlags) (cassettes.RecordOptions, cassettes.HeaderMeta, error) {
	for _, name := range f.operations {
		if name == "" {
			return cassettes.RecordOptions{}, cassettes.HeaderMeta{}, misuse("--operation has an empty name")
		}
		for _, op := range um.Operations {
			if strings.EqualFold(name, op.Name) && name != op.Name {
				return cassettes.RecordOptions{}, cassettes.HeaderMeta{}, misuse("--operation %s: the protocol spells it %s", name, op.Name)
			}
		}
	}
	redaction, err := f.redaction()
	if err != nil {
		return cassettes.RecordOptions{}, cassettes.HeaderMeta{}, err
	}
	options := cassettes.RecordOptions{
		Redaction: redaction,
		All:       f.all, Operations: f.operations, KeepAuthLegs: f.keepLegs, MaxBody: int64(f.maxBody), Profile: um.Profile(),
	}
	header := cassettes.HeaderMeta{
		RecordedBy: "umtape " + version, Profile: options.Profile.Name,
		Redact: redaction.Names(), Kept: "soap",
	}
	switch {
	case f.all:
		header.Kept = "all"
	case len(f.operations) > 0:
		header.Kept = strings.Join(f.operations, ",")
	}
	return options, header, nil
}

func syncPolicy(s string) (cassettes.SyncPolicy, error) {
	switch s {
	case "always":
		return cassettes.SyncAlways, nil
	case "interval":
		return cassettes.SyncInterval, nil
	case "never":
		return cassettes.SyncNever, nil
	}
	return 0, misuse("--sync %q is none of always, interval, never", s)
}

func reverseURL(s string) (*url.URL, error) {
	if s == "" {
		return nil, nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, misuse("--reverse %q is not a URL such as https://um.example.com", s)
	}
	return u, nil
}

func (s *recording) addr() string { return s.listener.Addr().String() }

// stop ends the recording: no new requests, running ones finished and on tape,
// the cassette closed, the summary written to w.
func (s *recording) stop(w io.Writer) error {
	defer s.monitor.close()
	defer s.collectAsUsual()
	s.monitor.stopping()
	defer s.page.close()
	shutdown := s.app.endServing(s.server.Shutdown)
	served := <-s.served
	if errors.Is(served, http.ErrServerClosed) {
		served = nil
	}
	closed := s.tape.Close()
	c := s.recorder.Captured()
	_, gone := os.Lstat(s.path)
	written := writeCaptured(w, s.path, os.IsNotExist(gone), c, s.tape.Renewed().Same)
	if s.player != nil {
		written = errors.Join(written, writePlayed(w, s.player.Played()))
	}
	if err := errors.Join(served, shutdown, closed, written); err != nil {
		return err
	}
	if n := c.Refused + c.Lost; n > 0 {
		return hint(fmt.Errorf("%s: the tape could not be written for %s: %d not sent, %d sent and not recorded", s.path, count(n, "exchange"), c.Refused, c.Lost),
			"the log lines say why: mend that, and have the client ask again")
	}
	return nil
}

// writeCaptured prints what a recording has captured, of which so many interactions went
// as in the cassette that it replaced.
func writeCaptured(w io.Writer, path string, none bool, c cassettes.Captured, same int) error {
	var b strings.Builder
	if c.Interactions == 0 {
		fmt.Fprintf(&b, "captured nothing; %s\n", map[bool]string{true: "no cassette was written", false: path + " is as it was"}[none])
	} else {
		fmt.Fprintf(&b, "captured %s in %s\n", count(c.Interactions, "interaction"), path)
		var ops []string
		for _, name := range slices.Sorted(maps.Keys(c.Operations)) {
			shown := report.Printable(name)
			if name == "" {
				shown = "(not a SOAP request)"
			}
			ops = append(ops, fmt.Sprintf("%s %d", shown, c.Operations[name]))
		}
		fmt.Fprintf(&b, "  operations: %s\n  calls: %d\n  faults: %d\n", strings.Join(ops, ", "), c.Calls, c.Faults)
	}
	if same > 0 {
		fmt.Fprintf(&b, "  as before: %d\n", same)
	}
	if c.Passed > 0 {
		fmt.Fprintf(&b, "  forwarded without recording: %d\n", c.Passed)
	}
	if c.Failed > 0 {
		fmt.Fprintf(&b, "  not answered by the server: %d\n", c.Failed)
	}
	if c.Abandoned > 0 {
		fmt.Fprintf(&b, "  given up by the client before the answer: %d\n", c.Abandoned)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
