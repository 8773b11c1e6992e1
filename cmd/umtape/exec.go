package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/proxy/clientenv"
)

// What a command behind the tape has to know, in the help of both.
const execHelp = `

The command's standard streams and exit code are its own. Its environment has

  HTTP_PROXY, HTTPS_PROXY     umtape, in both cases of letters; NO_PROXY is what
                              --no-proxy says, or not there
  SSL_CERT_FILE, CURL_CA_BUNDLE, REQUESTS_CA_BUNDLE, GIT_SSL_CAINFO,
  NODE_EXTRA_CA_CERTS         umtape's authority, the system's roots, and what
                              they named before
  JAVA_TOOL_OPTIONS           the same for Java, after what was there before
  NODE_USE_ENV_PROXY, PERL_LWP_ENV_PROXY, PERL_LWP_SSL_CA_FILE,
  PHP_INI_SCAN_DIR, WGETRC    the same, in words of others
  UMTAPE_PROXY, UMTAPE_CA     for clients that are told in words of their own
  UMTAPE_URL                  %s

Some clients go by none of these. Go and Ruby use no proxy for localhost and
127.0.0.1: give them UMTAPE_URL, or another name for the server. The SoapClient
of PHP and Node.js before 24 (22.21) take a proxy as an argument only, aiohttp
of Python asks for trust_env=True. On macOS and Windows, Go and others trust
what the system trusts: umtape ca trust.

Signals are passed on, but not what a terminal sends to both, such as Ctrl-C.
The exit code is the command's, 128 and the signal's number if a signal ended
it, 127 if there is no such command, 126 if it cannot be run; else 1 if umtape
failed and 2 if this command line makes no sense.`

func (a *app) execCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "exec",
		Short: "Run a command behind the tape: what it says is recorded, or answered from cassettes",
		Long: `exec starts a recording or a replay on a free port, runs a command whose
environment points its HTTP clients there, and ends with the command.`,
		Args: cobra.ArbitraryArgs,
		RunE: a.begin(func(*cobra.Command, []string) error {
			return misuse("say which: umtape exec record CASSETTE -- COMMAND or umtape exec replay CASSETTE... -- COMMAND")
		}),
	}
	cmd.AddCommand(a.execRecordCommand(), a.execReplayCommand())
	return cmd
}

func (a *app) execRecordCommand() *cobra.Command {
	f := recordFlags{maxBody: cassettes.DefaultMaxBody, ports: webPorts(), log: logFlags{beside: true}}
	var direct []string
	cmd := &cobra.Command{
		Use:   "record CASSETTE -- COMMAND [ARGUMENT...]",
		Short: "Run a command and record what it says to servers",
		Long: `exec record runs a command whose requests reach their servers through umtape,
which records them as umtape record does, and prints to standard error what was
captured when the command has ended.` + fmt.Sprintf(execHelp, "with --reverse: where to talk to umtape as the server"),
		Example: `  umtape exec record calls.yaml -- npm test
  umtape exec record --mode once calls.yaml -- npm test
  umtape exec record --append --operation Disconnect calls.yaml -- ./client --hang-up
  umtape exec record --upstream-ca corp-ca.pem --force calls.yaml -- mvn verify
  umtape exec record --reverse https://um.example.com calls.yaml -- sh -c './client --server "$UMTAPE_URL"'`,
		Args: behindArgs(false),
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			c, err := findCommand(args[1:])
			if err != nil {
				return err
			}
			replay, err := f.decide(args[0])
			switch {
			case err != nil:
				return err
			case replay != nil:
				return a.execReplay(args[:1], c, direct, *replay)
			}
			return a.execRecord(args[0], c, direct, f)
		}),
	}
	f.register(cmd, "127.0.0.1:0")
	directFlag(cmd, &direct)
	return cmd
}

func (a *app) execReplayCommand() *cobra.Command {
	f := replayFlags{maxBody: cassettes.DefaultMaxBody, log: logFlags{beside: true}}
	var direct []string
	cmd := &cobra.Command{
		Use:   "replay CASSETTE... -- COMMAND [ARGUMENT...]",
		Short: "Run a command and answer it from cassettes, offline",
		Long: `exec replay runs a command whose requests are answered from cassettes, as umtape
replay does, and prints to standard error what was answered, missed and not used
when the command has ended. With --strict it fails if anything was missed or not
used.` + fmt.Sprintf(execHelp, "where to talk to umtape as the server"),
		Example: `  umtape exec replay calls.yaml -- npm test
  umtape exec replay --strict calls.yaml faults.yaml -- pytest -q
  umtape exec replay --no-proxy localhost calls.yaml -- go test ./...
  umtape exec replay calls.yaml -- sh -c './client --server "$UMTAPE_URL"'`,
		Args: behindArgs(true),
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			n := cmd.ArgsLenAtDash()
			c, err := findCommand(args[n:])
			if err != nil {
				return err
			}
			return a.execReplay(args[:n], c, direct, f)
		}),
	}
	f.register(cmd, "127.0.0.1:0")
	directFlag(cmd, &direct)
	return cmd
}

func directFlag(cmd *cobra.Command, direct *[]string) {
	cmd.Flags().StringSliceVar(direct, "no-proxy", nil, "`HOST` that the command reaches without umtape, such as localhost: its NO_PROXY; may be repeated")
}

// behindArgs asks for cassettes, -- and a command.
func behindArgs(many bool) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		n := cmd.ArgsLenAtDash()
		switch {
		case n < 0 && len(args) == 0:
			return fmt.Errorf("name a cassette and a command, such as `%s calls.yaml -- npm test`", cmd.CommandPath())
		case n < 0:
			return fmt.Errorf("put -- between the cassette and the command, such as `%s calls.yaml -- npm test`", cmd.CommandPath())
		case n == 0:
			return fmt.Errorf("name a cassette before --, such as `%s calls.yaml -- npm test`", cmd.CommandPath())
		case n == len(args):
			return fmt.Errorf("no command stands behind --, such as `%s calls.yaml -- npm test`", cmd.CommandPath())
		}
		return cassetteArgs(many)(cmd, args[:n])
	}
}

func (a *app) execRecord(path string, c *exec.Cmd, direct []string, f recordFlags) error {
	signals := takeSignals()
	defer signals.leave()
	s, err := a.openRecording(path, f)
	if err != nil {
		return err
	}
	setup := clientenv.Setup{Proxy: "http://" + reachable(s.listener), CA: s.ca, Direct: direct}
	if f.reverse != "" {
		setup.Origin = setup.Proxy
	}
	if f.proxy == "" && proxySet() {
		a.say("warning: a proxy is set in the environment: the command gets umtape in its place, and umtape reaches servers without it; --upstream-proxy URL names one")
	}
	if f.log.all() {
		a.say("recording to %s; proxy at %s", path, setup.Proxy)
	}
	r := a.runBehind(c, setup, signals)
	err = s.stop(a.reportTo(r))
	a.sayNobodyCame(r, s.server, "record")
	return r.result(err)
}

func (a *app) execReplay(paths []string, c *exec.Cmd, direct []string, f replayFlags) error {
	signals := takeSignals()
	defer signals.leave()
	s, err := a.openReplay(paths, f)
	if err != nil {
		return recordFirst(err, paths, c)
	}
	setup := clientenv.Setup{Proxy: "http://" + reachable(s.listener), CA: s.ca, Direct: direct}
	setup.Origin = setup.Proxy
	if f.log.all() {
		a.say("replaying %s from %s; proxy and server at %s", count(s.interactions, "interaction"), strings.Join(paths, ", "), setup.Proxy)
	}
	r := a.runBehind(c, setup, signals)
	err = s.stop(a.reportTo(r))
	a.sayNobodyCame(r, s.server, "replay")
	if what := wanting(s.player.Played()); err == nil && f.strict && r.began() && what != "" {
		err = fmt.Errorf("--strict: %s", what)
	}
	return r.result(err)
}

// recordFirst says how a cassette that is not there is made: by the same command.
func recordFirst(err error, paths []string, c *exec.Cmd) error {
	if len(paths) != 1 || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, is := os.Lstat(paths[0]); !errors.Is(is, fs.ErrNotExist) {
		return err
	}
	command := shellQuote(report.Printable(c.Args[0]))
	if len(c.Args) > 1 {
		command += " ..." // a password may be among them
	}
	var hinted *hintedError
	if errors.As(err, &hinted) {
		err = hinted.err
	}
	return hint(err, "name a cassette that is there, or make this one where the server is reached: umtape exec record %s -- %s", shellQuote(report.Printable(paths[0])), command)
}

// proxySet reports whether the environment names a proxy.
func proxySet() bool {
	return slices.ContainsFunc([]string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"}, func(name string) bool { return os.Getenv(name) != "" })
}

// reachable is where this machine reaches a listener.
func reachable(ln net.Listener) string {
	at, err := netip.ParseAddrPort(ln.Addr().String())
	if err != nil || !at.Addr().IsUnspecified() {
		return ln.Addr().String()
	}
	loopback := netip.MustParseAddr("127.0.0.1")
	if at.Addr().Is6() {
		loopback = netip.IPv6Loopback()
	}
	return netip.AddrPortFrom(loopback, at.Port()).String()
}
