package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/proxy"
)

// replayFlags are those of umtape replay.
type replayFlags struct {
	listen  string
	caDir   string
	base    string
	scheme  string
	maxBody size
	metrics string
	access  accessFlags
	log     logFlags
	who     access   // what access comes to
	numbers *metrics // what to count into; nil for nothing
}

func (a *app) replayCommand() *cobra.Command {
	f := replayFlags{maxBody: cassettes.DefaultMaxBody}
	cmd := &cobra.Command{
		Use:   "replay CASSETTE...",
		Short: "Answer requests from cassettes, offline",
		Long: `replay answers the requests of a cassette on the kind of listener that record
has: as HTTP and HTTPS proxy, and as the server itself for a client that is
pointed straight at it, over http or https. It opens no connection to anywhere.

A request is answered when method, path, query and what the SOAP Body says are
the same; prefixes, indentation, attribute order and the XML declaration do not
matter, nor do headers. The same request recorded several times is answered in
that order, then with the last answer again. Through a proxy the host counts too.

Every answer carries Umtape-Interaction: FILE#ID. A request that nothing answers
gets HTTP 500 with a SOAP fault and Umtape-Miss, naming the nearest interaction
and where it differs. Ctrl-C ends the replay and prints what was answered,
missed and not used.

Misses and other failures are logged, one line each; -v logs every exchange, as
a terminal does. No line holds a body, a header but Host, a query or a token.`,
		Example: `  umtape replay calls.yaml
  curl --proxy http://127.0.0.1:8088 --cacert ~/.config/umtape/ca.pem \
       -H 'Content-Type: text/xml; charset=utf-8' --data-binary @disconnect.xml \
       https://um.example.com/UnifiedMessaging/Service.asmx
  curl -H 'Content-Type: text/xml; charset=utf-8' --data-binary @disconnect.xml \
       http://127.0.0.1:8088/UnifiedMessaging/Service.asmx`,
		Args: cassetteArgs(true),
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			return a.replay(cmd.Context(), args, f)
		}),
	}
	listenFlag(cmd, &f.listen, "127.0.0.1:8088")
	caFlag(cmd, &f.caDir)
	cmd.Flags().StringVar(&f.base, "base", "", "`PATH` put before that of clients which talk to umtape directly, if record --reverse had a URL with one")
	cmd.Flags().StringVar(&f.scheme, "challenge", "", "ask clients for credentials by this `SCHEME`, basic or ntlm, and accept what they send")
	cmd.Flags().Var(&f.maxBody, "max-body", "the longest request body that is read for matching")
	metricsFlag(cmd, &f.metrics)
	f.access.register(cmd)
	f.log.register(cmd)
	return cmd
}

func (a *app) replay(ctx context.Context, paths []string, f replayFlags) error {
	var err error
	if f.who, err = f.access.open(a); err != nil {
		return err
	}
	if err := f.who.check(f.listen); err != nil {
		return err
	}
	if f.base != "" && (!strings.HasPrefix(f.base, "/") || strings.ContainsAny(f.base, "?# ")) {
		return misuse("--base %q is not a path such as /UnifiedMessaging", f.base)
	}
	if _, err := cassettes.ParseScheme(f.scheme); err != nil {
		return misuse("--challenge %w", err)
	}
	if _, err := f.log.logger(a); err != nil {
		return err
	}
	monitor, err := a.openMonitor(f.metrics, "replay", cassettes.PlayVerdicts)
	if err != nil {
		return err
	}
	defer monitor.close()
	f.numbers = monitor.numbers()
	ca, err := a.openCA(f.caDir)
	if err != nil {
		return err
	}
	s, err := a.startReplay(paths, ca, f)
	if err != nil {
		return err
	}
	if monitor != nil {
		monitor.metrics.follow(s.server, ca)
		monitor.setReady(func() error { return nil }) // the cassettes are loaded
	}
	if s.interactions == 0 {
		a.say("warning: there is nothing to replay: every request will be a miss")
	}
	a.say("replaying %s from %s; proxy and server at http://%s and https://%s", count(s.interactions, "interaction"), strings.Join(paths, ", "), s.addr(), s.addr())
	f.who.sayTo(a)
	a.say("nothing is forwarded; Ctrl-C ends the replay")
	select {
	case <-ctx.Done():
	case err := <-s.served:
		s.served <- err
	}
	monitor.stopping()
	return s.stop(a.stdout)
}

// replaying is a running umtape replay.
type replaying struct {
	app          *app
	player       *cassettes.Player
	interactions int
	server       *proxy.Server
	listener     net.Listener
	served       chan error
}

func (a *app) startReplay(paths []string, ca *proxy.CA, f replayFlags) (*replaying, error) {
	watch, err := f.log.watch(a)
	if err != nil {
		return nil, err
	}
	watch.metrics = f.numbers
	scheme, err := cassettes.ParseScheme(f.scheme)
	if err != nil {
		return nil, misuse("--challenge %w", err)
	}
	s := &replaying{app: a, served: make(chan error, 1)}
	var tapes []*cassettes.Cassette
	for _, path := range paths {
		tape, err := a.load(path)
		if err != nil {
			return nil, err
		}
		tapes = append(tapes, tape)
		s.interactions += len(tape.Interactions)
	}
	s.player = cassettes.NewPlayer(cassettes.PlayOptions{MaxBody: int64(f.maxBody), Base: strings.TrimSuffix(f.base, "/"), OnExchange: note, Logger: watch.log}, tapes...)
	if s.server, err = proxy.New(proxy.Config{
		NewTransport: func() http.RoundTripper { return cassettes.Challenge(scheme, s.player) },
		CA:           ca,
		ServeOrigin:  true,
		OnExchange:   watch.exchange,
		Logger:       watch.log,
		Allow:        f.who.allow,
		Users:        f.who.users,
	}); err != nil {
		return nil, err
	}
	if s.listener, err = f.who.listen(f.listen); err != nil {
		return nil, err
	}
	go func() { s.served <- s.server.Serve(s.listener) }()
	return s, nil
}

// load reads a cassette and warns of a torn tail.
func (a *app) load(path string) (*cassettes.Cassette, error) {
	loaded := a.waiting("loading " + report.Printable(path))
	tape, err := cassettes.Load(path)
	loaded()
	if err != nil {
		return nil, loadHint(err, path)
	}
	a.warnTorn(tape)
	return tape, nil
}

func (a *app) warnTorn(tape *cassettes.Cassette) {
	if t := tape.Torn; t != nil {
		a.say("warning: %s: line %d: the last interaction was not written to its end (%s) and is left out; `umtape recover %s` cuts it off", tape.Path, t.Line, t.Why, tape.Path)
	}
}

// loadHint adds to an error of Load what the error cannot know.
func loadHint(err error, path string) error {
	if errors.Is(err, os.ErrNotExist) {
		return hint(err, "name a cassette that is there, or make this one: umtape record %s", path)
	}
	return err
}

func (s *replaying) addr() string { return s.listener.Addr().String() }

// stop ends the replay and writes the report to w.
func (s *replaying) stop(w io.Writer) error {
	err := s.app.endServing(s.server.Shutdown)
	if served := <-s.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return errors.Join(err, writePlayed(w, s.player.Played()))
}

// maxListed is how many unused interactions are named.
const maxListed = 20

func writePlayed(w io.Writer, p cassettes.Played) error {
	var b strings.Builder
	fmt.Fprintf(&b, "answered %s, missed %d, not used %s\n", count(p.Answered, "request"), p.Missed, count(len(p.Unused), "interaction"))
	for i, name := range p.Unused {
		if i == maxListed {
			fmt.Fprintf(&b, "  and %d more\n", len(p.Unused)-maxListed)
			break
		}
		fmt.Fprintf(&b, "  not used: %s\n", name)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
