package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/inspect/um/umserver"
	"github.com/umtape/umtape/proxy"
)

// replayFlags are those of umtape replay.
type replayFlags struct {
	listen  string
	caDir   string
	base    string
	scheme  string
	repeat  repeatFlag
	ignore  selectorFlag
	any     selectorFlag
	headers []string
	latency latencyFlag
	faults  faultFlag
	seed    uint64
	noCache bool
	maxBody size
	metrics string
	ui      string
	access  accessFlags
	log     logFlags
	report  string // file for the report; "" for none
	misses  string // file for the report of misses; "" for none
	maxAge  age    // 0 for any
	tooOld  bool   // what is older is a failure
	strict  bool   // what was missed or not used is a failure
	onMiss  bool   // what is missed is recorded
	reverse string
	all     bool
	upstreamFlags
	who     access   // what access comes to
	numbers *metrics // what to count into; nil for nothing
	page    *livePage
}

func (a *app) replayCommand() *cobra.Command {
	f := replayFlags{maxBody: cassettes.DefaultMaxBody}
	cmd := &cobra.Command{
		Use:   "replay CASSETTE...",
		Short: "Answer requests from cassettes, offline",
		Long: `replay answers the requests of a cassette on the kind of listener that record
has: as HTTP and HTTPS proxy, and as the server itself for a client that is
pointed straight at it, over http or https. It opens no connection to anywhere,
unless --record-on-miss has it record what the cassette cannot answer.

A request is answered when method, path, query and what the SOAP Body says are
the same; prefixes, indentation, attribute order and the XML declaration do not
matter, nor do headers. The same request recorded several times is answered in
that order, then as --repeat says. Through a proxy the host counts too. --ignore,
--any and --match-header change what counts; a place in the Body is written
Disconnect/CallId, an attribute PhoneCallId/@Id. --latency has answers take their
time, --fault has something go wrong.

A cassette that is changed meanwhile is opened again, once it has been left alone for
a second; a file that comes into a folder as well. What cannot be opened is told, and
what was there before goes on. Beyond 16 MiB bodies stay in the files, and what was
found out about a cassette is kept in your cache folder, so that it opens at once the
next time (--no-cache).

Every answer carries Umtape-Interaction: FILE#ID. A request that nothing answers
gets HTTP 500 with a SOAP fault and Umtape-Miss, naming the nearest interaction
and where it differs. Ctrl-C ends the replay and prints what was answered,
missed and not used; --report FILE tells it to programs, and umtape prune, and with
--strict what was missed or not used is exit code 1. --miss-report FILE has a line
of JSON for each miss, written before the client has its answer: the nearest
interaction, every element that differs by its path (never its text), and the flags
that would let it match.

Misses and other failures are logged, one line each; -v logs every exchange, as
a terminal does. No line holds a body, a header but Host, a query or a token.`,
		Example: `  umtape replay calls.yaml
  umtape replay --strict --report report.json recorded/
  umtape replay --miss-report misses.jsonl calls.yaml
  umtape replay --latency recorded --fault Disconnect:503@1 --fault drop@5% calls.yaml
  curl --proxy http://127.0.0.1:8088 --cacert ~/.config/umtape/ca.pem \
       -H 'Content-Type: text/xml; charset=utf-8' --data-binary @disconnect.xml \
       https://um.example.com/UnifiedMessaging/Service.asmx
  curl -H 'Content-Type: text/xml; charset=utf-8' --data-binary @disconnect.xml \
       http://127.0.0.1:8088/UnifiedMessaging/Service.asmx`,
		Args: cassetteArgs(true),
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			if f.onMiss {
				if err := f.checkOnMiss(args); err != nil {
					return err
				}
				return a.record(cmd.Context(), args[0], f.recordMisses())
			}
			if name := f.upstreamFlags.given(cmd); name != "" {
				return misuse("--%s goes with --record-on-miss: a replay reaches no server", name)
			}
			return a.replay(cmd.Context(), args, f)
		}),
	}
	f.register(cmd, "127.0.0.1:8088")
	f.access.registerUsers(cmd)
	cmd.Flags().BoolVar(&f.onMiss, "record-on-miss", false, "forward what the cassette cannot answer, and record it there")
	cmd.Flags().StringVar(&f.reverse, "reverse", "", "with --record-on-miss, server `URL` for clients that talk to umtape directly")
	cmd.Flags().BoolVar(&f.all, "all", false, "with --record-on-miss, keep every exchange, not only SOAP")
	f.upstreamFlags.register(cmd)
	return cmd
}

// checkOnMiss says what makes no sense with --record-on-miss.
func (f *replayFlags) checkOnMiss(args []string) error {
	switch {
	case len(args) != 1:
		return misuse("--record-on-miss records to the cassette that is replayed; name one")
	case f.scheme != "":
		return misuse("--challenge asks clients for credentials that --record-on-miss would have to send on: give one of them")
	case f.report != "" || f.strict || f.misses != "":
		return misuse("--report, --miss-report and --strict are about misses, of which --record-on-miss leaves none")
	}
	if info, err := os.Stat(args[0]); err == nil && info.IsDir() {
		return misuse("--record-on-miss records to one cassette; %s is a folder", args[0])
	}
	u, err := reverseURL(f.reverse)
	if err == nil && u != nil {
		f.base = u.Path
	}
	return err
}

// register gives a command the flags of a replay; listen is the default of
// --listen.
func (f *replayFlags) register(cmd *cobra.Command, listen string) {
	listenFlag(cmd, &f.listen, listen)
	caFlag(cmd, &f.caDir)
	cmd.Flags().StringVar(&f.base, "base", "", "`PATH` put before that of clients which talk to umtape directly, if record --reverse had a URL with one")
	cmd.Flags().StringVar(&f.scheme, "challenge", "", "ask clients for credentials by this `SCHEME`, basic or ntlm, and accept what they send")
	cmd.Flags().Var(&f.repeat, "repeat", "what answers a request that comes more often than it was recorded: the `last` answer, all of them in a cycle, or fail")
	cmd.Flags().Var(&f.ignore, "ignore", "`PLACE` in the Body that does not count, such as CallId, Disconnect/CallId or PhoneCallId/@Id; may be repeated")
	cmd.Flags().Var(&f.any, "any", "`PLACE`, such as CallId, whose text may be any: what was recorded with another is answered with the caller's put in; may be repeated")
	cmd.Flags().StringSliceVar(&f.headers, "match-header", nil, "`NAME` of a request header whose value counts too; may be repeated")
	cmd.Flags().Var(&f.latency, "latency", "how long answers `TAKE`: recorded, x0.5 of that, or a time such as 50ms (default no time)")
	cmd.Flags().Var(&f.faults, "fault", "let something go wrong, [OPERATION:]`KIND`[@WHEN]: delay=2s, drop, reset, cut, a status such as 503, or InvalidCallIdException and the like; @3 for the third request, @2-4, @5+ or @10%; may be repeated")
	cmd.Flags().Uint64Var(&f.seed, "seed", 0, "`NUMBER` that repeats what went wrong by chance in another replay (default another one each time)")
	cmd.Flags().BoolVar(&f.noCache, "no-cache", false, "keep nothing about long cassettes in your cache folder, and use nothing that is there")
	cmd.Flags().Var(&f.maxBody, "max-body", "the longest request body that is read for matching")
	cmd.Flags().StringVar(&f.report, "report", "", "write what was used, used again, not used and missed to `FILE`, as JSON, at the end")
	cmd.Flags().StringVar(&f.misses, "miss-report", "", "write each miss to `FILE` as it happens, one line of JSON: the nearest interaction, every difference, the flags that would help")
	cmd.Flags().BoolVar(&f.strict, "strict", false, "fail at the end if a request was missed or an interaction not used")
	cmd.Flags().Var(&f.maxAge, "max-age", "warn of cassettes that hold what was recorded longer ago, such as 90d, 12h, 2w")
	cmd.Flags().BoolVar(&f.tooOld, "max-age-fail", false, "refuse what --max-age has something to warn of: at the start by failing, later by replaying what was there before")
	metricsFlag(cmd, &f.metrics)
	uiFlag(cmd, &f.ui)
	f.access.register(cmd)
	f.log.register(cmd)
}

// matching is what the flags say of which requests are the same.
func (f *replayFlags) matching() cassettes.Matching {
	return cassettes.Matching{MaxBody: int64(f.maxBody), Ignore: f.ignore.list, Any: f.any.list, Headers: f.headers}
}

// playOptions is what the flags say of how requests are answered.
func (f *replayFlags) playOptions() (cassettes.PlayOptions, error) {
	for _, name := range f.headers {
		if err := cassettes.CheckMatchHeader(name); err != nil {
			return cassettes.PlayOptions{}, misuse("--match-header %w", err)
		}
	}
	if f.base != "" && (!strings.HasPrefix(f.base, "/") || strings.ContainsAny(f.base, "?# ")) {
		return cassettes.PlayOptions{}, misuse("--base %q is not a path such as /UnifiedMessaging", f.base)
	}
	if f.seed == 0 {
		f.seed = rand.Uint64N(1e6) + 1
	}
	return cassettes.PlayOptions{
		Match: f.matching(), Base: strings.TrimSuffix(f.base, "/"), Repeat: f.repeat.Repeat, Latency: f.latency.Latency,
		Troubles: f.faults.list, Seed: f.seed, Fault: umserver.Exception,
	}, nil
}

func (a *app) replay(ctx context.Context, paths []string, f replayFlags) error {
	s, err := a.openReplay(paths, f)
	if err != nil {
		return err
	}
	a.say("replaying %s from %s; proxy and server at http://%s and https://%s", count(s.interactions, "interaction"), strings.Join(paths, ", "), s.addr(), s.addr())
	s.who.sayTo(a)
	a.say("nothing is forwarded; Ctrl-C ends the replay")
	a.tellReady()
	select {
	case <-ctx.Done():
	case err := <-s.served:
		s.served <- err
	}
	err = s.stop(a.stdout)
	if what := wanting(s.player.Played()); f.strict && what != "" {
		err = errors.Join(err, fmt.Errorf("--strict: %s", what))
	}
	return err
}

// openReplay starts what the flags say. It is to be ended by stop.
func (a *app) openReplay(paths []string, f replayFlags) (*replaying, error) {
	var err error
	if f.who, err = f.access.open(a); err != nil {
		return nil, err
	}
	if err := f.who.check(f.listen); err != nil {
		return nil, err
	}
	if _, err := f.playOptions(); err != nil { // which also settles the seed
		return nil, err
	}
	if _, err := cassettes.ParseScheme(f.scheme); err != nil {
		return nil, misuse("--challenge %w", err)
	}
	if _, err := f.log.logger(a); err != nil {
		return nil, err
	}
	if err := reportable(f.report); err != nil {
		return nil, err
	}
	if f.report != "" && (filepath.Clean(f.report) == filepath.Clean(f.misses) || oneFile(f.report, f.misses)) {
		return nil, misuse("--report and --miss-report name the same file")
	}
	if f.tooOld && f.maxAge == 0 {
		return nil, misuse("--max-age-fail goes with --max-age")
	}
	monitor, err := a.openMonitor(f.metrics, "replay", cassettes.PlayVerdicts)
	if err != nil {
		return nil, err
	}
	f.numbers = monitor.numbers()
	if f.page, err = openPage(f.ui); err != nil {
		monitor.close()
		return nil, err
	}
	s, err := a.startReplay(paths, nil, f)
	if err != nil {
		f.page.close()
		monitor.close()
		return nil, err
	}
	s.monitor, s.page = monitor, f.page
	s.page.start(a, "replay", titleOf(paths), s.addr(), "")
	if monitor != nil {
		monitor.metrics.follow(s.server, s.ca)
		monitor.setReady(func() error { return nil }) // the cassettes are loaded
	}
	if f.faults.byChance() {
		a.say("what goes wrong by chance is repeated by --seed %d", f.seed)
	}
	if s.interactions == 0 {
		a.say("warning: there is nothing to replay: every request will be a miss")
	}
	return s, nil
}

// checkAge warns of cassettes that are older than they may be, or makes an error of
// the first.
func (a *app) checkAge(reels []*cassettes.Reel, f replayFlags) error {
	if f.maxAge == 0 {
		return nil
	}
	for _, r := range reels {
		switch old := r.Aged(); {
		case old.Old > 0 && f.tooOld:
			return hint(fmt.Errorf("%s: older than --max-age %s: %s", r.Path(), f.maxAge.String(), old.String()), "record it again: umtape record --force %s", r.Path())
		case old.Old > 0:
			a.say("warning: %s: older than --max-age %s: %s; record it again", r.Path(), f.maxAge.String(), old.String())
		case old.Unknown > 0:
			a.say("warning: %s: --max-age %s: of %s it is not known when they were recorded", r.Path(), f.maxAge.String(), count(old.Unknown, "interaction"))
		}
	}
	return nil
}

// replaying is a running umtape replay.
type replaying struct {
	app          *app
	ca           *proxy.CA
	who          access
	monitor      *monitor // nil if nobody asked for it
	page         *livePage
	player       *cassettes.Player
	shelf        *shelf
	endFollowing func() // ends what looks after the shelf
	interactions int    // at the start
	report       string // file for the report; "" for none
	misses       *missReport
	server       *proxy.Server
	listener     net.Listener
	served       chan error

	collectAsUsual func()
}

func (a *app) startReplay(paths []string, ca *proxy.CA, f replayFlags) (*replaying, error) {
	watch, err := f.log.watch(a)
	if err != nil {
		return nil, err
	}
	watch.metrics, watch.page = f.numbers, f.page
	scheme, err := cassettes.ParseScheme(f.scheme)
	if err != nil {
		return nil, misuse("--challenge %w", err)
	}
	s := &replaying{app: a, who: f.who, report: f.report, served: make(chan error, 1)}
	if s.shelf, err = a.openShelf(paths, f); err != nil {
		return nil, err
	}
	if err := errors.Join(spare("report", f.report, s.shelf.paths()), spare("miss-report", f.misses, s.shelf.paths())); err != nil {
		return nil, err
	}
	s.interactions = s.shelf.interactions()
	if len(f.any.list) > 0 && s.interactions > 0 && !slices.ContainsFunc(s.shelf.reels, (*cassettes.Reel).HasAny) {
		a.say("warning: --any %s: no recorded request has such a place, so it changes nothing", report.Printable(inspect.Shorten(fmt.Sprint(f.any.list[0]), maxShownOperation)))
	}
	if ca == nil { // only now: a replay of nothing is to leave nothing behind
		if ca, err = a.openCA(f.caDir); err != nil {
			return nil, err
		}
	}
	s.ca = ca
	options, err := f.playOptions()
	if err != nil {
		return nil, err
	}
	options.OnExchange, options.Logger, options.KeepMissed = note, watch.log, f.page != nil
	if f.misses != "" {
		options.OnMiss = func(m cassettes.MissReport) { s.misses.add(m) }
	}
	s.player = cassettes.PlayReels(options, s.shelf.reels...)
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
	if s.misses, err = openMissReport(f.misses); err != nil {
		return nil, errors.Join(err, s.listener.Close())
	}
	s.endFollowing = s.shelf.following(s.player)
	s.collectAsUsual = collectReplay()
	go func() { s.served <- s.server.Serve(s.listener) }()
	return s, nil
}

func (s *replaying) addr() string { return s.listener.Addr().String() }

// stop ends the replay, writes what it has done to w, and to the file for it.
func (s *replaying) stop(w io.Writer) error {
	defer s.monitor.close()
	defer s.page.close()
	defer s.collectAsUsual()
	s.endFollowing()
	s.monitor.stopping()
	err := s.app.endServing(s.server.Shutdown)
	if served := <-s.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	played := s.player.Played()
	err = errors.Join(err, writePlayed(w, played), s.misses.close())
	if s.report != "" {
		uses, errUses := s.player.Uses()
		err = errors.Join(err, errUses, writeReport(s.report, playedToJSON(s.shelf.reels, played, uses)))
	}
	return err
}

// maxListed is how many unused interactions are named.
const maxListed = 20

// wanting is what is amiss with a replay that was to answer everything, and to
// use everything; "" if nothing is.
func wanting(p cassettes.Played) string {
	var what []string
	if p.Missed > 0 {
		what = append(what, count(p.Missed, "request")+" missed")
	}
	if n := len(p.Unused); n > 0 {
		what = append(what, count(n, "interaction")+" not used")
	}
	return strings.Join(what, ", ")
}

func writePlayed(w io.Writer, p cassettes.Played) error {
	var b strings.Builder
	fmt.Fprintf(&b, "answered %s, missed %d, not used %s\n", count(p.Answered, "request"), p.Missed, count(len(p.Unused), "interaction"))
	if p.Troubled > 0 {
		fmt.Fprintf(&b, "  went wrong on demand: %d\n", p.Troubled)
	}
	others := p.Missed
	for _, m := range p.Misses {
		times := ""
		if m.Times > 1 {
			times = fmt.Sprintf(" (%d times)", m.Times)
		}
		others -= m.Times
		fmt.Fprintf(&b, "  missed%s: %s: %s\n", times, report.Printable(inspect.Shorten(m.Operation, maxShownOperation)), report.Printable(inspect.Shorten(m.Reason, maxShownReason)))
	}
	if others > 0 {
		fmt.Fprintf(&b, "  and missed %d more, of other kinds; --report and --miss-report have them\n", others)
	}
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
