package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/inspect/um/umserver"
	"github.com/umtape/umtape/proxy"
)

// listenFlag is --listen.
func listenFlag(cmd *cobra.Command, addr *string, fallback string) {
	cmd.Flags().StringVar(addr, "listen", fallback, "loopback `ADDRESS` to listen on; port 0 picks a free one and prints it")
}

// listen opens a loopback address, or says what is in the way.
func listen(addr string) (net.Listener, error) {
	if err := proxy.CheckListen(addr); err != nil {
		return nil, &misuseError{err: err}
	}
	ln, err := listenAt(addr)
	if err != nil {
		return nil, err
	}
	if err := proxy.CheckListener(ln); err != nil { // "localhost" can be anything
		return nil, errors.Join(err, ln.Close())
	}
	return ln, nil
}

func listenAt(addr string) (net.Listener, error) {
	network := "tcp"
	if at, err := netip.ParseAddrPort(addr); err == nil && at.Addr().Is4() {
		network = "tcp4" // or 0.0.0.0 would be IPv6's addresses as well
	}
	ln, err := net.Listen(network, addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, hint(fmt.Errorf("the address %s is in use", addr), "stop what uses it, or listen elsewhere: --listen 127.0.0.1:0 picks a free port")
	case errors.Is(err, syscall.EACCES):
		return nil, hint(fmt.Errorf("not allowed to listen on %s", addr), "use a port from 1024 up: --listen 127.0.0.1:0 picks a free one")
	case err != nil:
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	return ln, nil
}

// caFlag is --ca-dir.
func caFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "ca-dir", "", "`FOLDER` of the certificate authority (default: umtape in your configuration folder)")
}

// caDir resolves the value of --ca-dir.
func caDir(dir string) (string, error) {
	if dir != "" {
		return dir, nil
	}
	return proxy.DefaultCADir()
}

// openCA loads the certificate authority, and makes it at first use, which it
// says.
func (a *app) openCA(dir string) (*proxy.CA, error) {
	ca, made, err := a.loadOrMakeCA(dir)
	if made {
		a.say("made a certificate authority of your own: %s (`umtape ca show` says how clients trust it)", ca.CertFile())
	}
	return ca, err
}

func (a *app) loadOrMakeCA(dir string) (ca *proxy.CA, made bool, err error) {
	return a.initCA(dir, proxy.Permits{})
}

// initCA is loadOrMakeCA with what an authority is limited to if it is made.
func (a *app) initCA(dir string, permits proxy.Permits) (ca *proxy.CA, made bool, err error) {
	if dir, err = caDir(dir); err != nil {
		return nil, false, err
	}
	const certFile, keyFile = "ca.pem", "ca-key.pem"
	had, readErr := os.ReadFile(filepath.Join(dir, certFile))
	if _, err := os.Lstat(filepath.Join(dir, keyFile)); readErr == nil && errors.Is(err, os.ErrNotExist) {
		return nil, false, hint(fmt.Errorf("%s is there and its key %s is not", filepath.Join(dir, certFile), keyFile),
			"put the key back, or move %s away to have a new authority made, which clients must then trust", certFile)
	}
	ca, made, err = proxy.InitCA(dir, permits)
	if err != nil {
		return nil, false, inCADir(dir, err)
	}
	if readErr == nil && !bytes.Equal(had, ca.CertPEM()) {
		a.say("warning: %s was not the certificate of %s and was made again from it", ca.CertFile(), keyFile)
	}
	return ca, made, nil
}

// inCADir is err, which came of using dir, or what is wrong with dir itself.
func inCADir(dir string, err error) error {
	if info, look := os.Stat(dir); look == nil && !info.IsDir() {
		return hint(fmt.Errorf("%s is not a folder", dir), "--ca-dir names the folder that the certificate authority is in, or is to be made in")
	}
	return err
}

// logFlags say what is logged, and how.
type logFlags struct {
	format  string
	chosen  func() bool // --log-format was given; nil if there is no command line
	quiet   bool
	verbose bool
	calls   bool
	beside  bool // another program writes to the same place: less is said unasked
}

func (f *logFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.format, "log-format", "text", "`FORMAT` of log lines, text or json; asks for a line for each exchange, as -v does")
	f.chosen = func() bool { return cmd.Flags().Changed("log-format") }
	verbose := "log a line for each exchange (the default on a terminal), not only for those that went wrong"
	if f.beside {
		verbose = "say where umtape listens, and log a line for each exchange, not only for those that went wrong"
	}
	cmd.Flags().BoolVarP(&f.verbose, "verbose", "v", false, verbose)
	cmd.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "log errors only")
	cmd.Flags().BoolVar(&f.calls, "log-calls", false, "as -v, and with the call of each exchange: the GUID of its CallId, not the server that it names")
}

// watch is what tells of exchanges.
func (f *logFlags) watch(a *app) (*watch, error) {
	log, err := f.logger(a)
	return &watch{log: log, calls: f.calls, later: f.beside}, err
}

// all reports whether every exchange is asked for.
func (f *logFlags) all() bool { return f.verbose || f.calls || f.chosen != nil && f.chosen() }

func (f *logFlags) logger(a *app) (*slog.Logger, error) {
	if f.quiet && f.verbose {
		return nil, misuse("--quiet logs less and --verbose more: give one of them")
	}
	options := &slog.HandlerOptions{Level: slog.LevelWarn}
	switch {
	case f.quiet:
		options.Level = slog.LevelError
	case f.all(), isTerminal(a.stderr) && !f.beside:
		options.Level = slog.LevelInfo
	}
	switch f.format {
	case "text":
		return slog.New(slog.NewTextHandler(a.stderr, options)), nil
	case "json":
		options.ReplaceAttr = inSeconds
		return slog.New(slog.NewJSONHandler(report.Escaping(a.stderr), options)), nil
	}
	return nil, misuse("--log-format %q is neither text nor json", f.format)
}

// inSeconds gives durations a unit, which are bare nanoseconds in slog's JSON.
func inSeconds(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		return slog.Float64(a.Key+"_seconds", a.Value.Duration().Seconds())
	}
	return a
}

// size is a number of bytes on the command line: 1048576, 512KiB, 16MiB, 1GiB.
type size int64

func (s *size) String() string {
	for _, u := range units {
		if n := int64(*s); n >= u.bytes && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(*s), 10)
}

func (s *size) Type() string { return "SIZE" }

var units = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

func (s *size) Set(text string) error {
	number, factor := text, int64(1)
	for _, u := range units {
		if n, ok := strings.CutSuffix(text, u.name); ok {
			number, factor = n, u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || n <= 0 || n > (1<<62)/factor {
		return errors.New("write it as 1048576, 512KiB, 16MiB or 1GiB")
	}
	*s = size(n * factor)
	return nil
}

// selectorFlag is the values of --ignore or --any.
type selectorFlag struct{ list []inspect.Selector }

func (f *selectorFlag) String() string { return "" }
func (f *selectorFlag) Type() string   { return "PLACE" }
func (f *selectorFlag) Set(s string) error {
	for text := range strings.SplitSeq(s, ",") {
		selector, err := inspect.ParseSelector(text)
		if err != nil {
			return err
		}
		f.list = append(f.list, selector)
	}
	return nil
}

// latencyFlag is the value of --latency.
type latencyFlag struct {
	cassettes.Latency
	text string
}

func (f *latencyFlag) String() string { return f.text }
func (f *latencyFlag) Type() string   { return "TIME" }
func (f *latencyFlag) Set(s string) (err error) {
	f.Latency, err = cassettes.ParseLatency(s)
	f.text = s
	return err
}

// faultFlag is the values of --fault.
type faultFlag struct{ list []*cassettes.Trouble }

func (f *faultFlag) String() string { return "" }
func (f *faultFlag) Type() string   { return "KIND" }
func (f *faultFlag) Set(s string) error {
	t, err := cassettes.ParseTrouble(s, func(name string) bool { return umserver.Exception(name, inspect.SOAP11) != nil })
	if err == nil {
		f.list = append(f.list, t)
	}
	return err
}

func (f *faultFlag) byChance() bool {
	return slices.ContainsFunc(f.list, (*cassettes.Trouble).ByChance)
}

// repeatFlag is the value of --repeat.
type repeatFlag struct{ cassettes.Repeat }

var repeatNames = []string{cassettes.RepeatLast: "last", cassettes.RepeatCycle: "cycle", cassettes.RepeatFail: "fail"}

func (r *repeatFlag) String() string { return repeatNames[r.Repeat] }
func (r *repeatFlag) Type() string   { return "WHAT" }
func (r *repeatFlag) Set(s string) error {
	n := slices.Index(repeatNames, s)
	if n < 0 {
		return errors.New("it is none of last, cycle, fail")
	}
	r.Repeat = cassettes.Repeat(n)
	return nil
}

// age is a time span on the command line, of days as a rule: 90d, 12h, 2w.
type age time.Duration

func (a *age) String() string {
	if *a == 0 {
		return ""
	}
	if d := time.Duration(*a); d%day != 0 {
		return d.String()
	}
	return strconv.FormatInt(int64(time.Duration(*a)/day), 10) + "d"
}

func (a *age) Type() string { return "AGE" }

const day = 24 * time.Hour

func (a *age) Set(text string) error {
	unit := time.Duration(0)
	number, found := strings.CutSuffix(text, "d")
	if unit = day; !found {
		number, found = strings.CutSuffix(text, "w")
		unit = 7 * day
	}
	if found {
		n, err := strconv.ParseFloat(number, 64)
		if err == nil && n > 0 && n < 1e5 { // some 270 years
			*a = age(n * float64(unit))
			return nil
		}
	} else if d, err := time.ParseDuration(text); err == nil && d > 0 {
		*a = age(d)
		return nil
	}
	return errors.New("write it as 90d, 12h or 2w")
}

// isTerminal reports whether w is a terminal.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull) // a character device too
	return err != nil || !os.SameFile(info, null)
}
