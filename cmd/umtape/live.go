package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/inspect/um"
)

// liveFlags are those of validate --live, which asks a server what a cassette has
// recorded, and compares.
type liveFlags struct {
	url    string
	resend []string
	dryRun bool
	user   string
	upstreamFlags
}

func (f *liveFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.url, "live", "", "ask the server at `URL` again what is safe to ask, and compare its answers by shape; without a path, at the recorded one")
	cmd.Flags().StringSliceVar(&f.resend, "resend", nil, "with --live, `OPERATIONS` to send too, once, though they may change something or ring a telephone")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "with --live, list what would be sent and send nothing")
	cmd.Flags().StringVar(&f.user, "live-user", "", "with --live, `NAME` to log in as (NTLM, Basic), also from "+envLiveUser+"; the password is asked for, or in "+envLivePassword)
	f.upstreamFlags.register(cmd)
}

// check says what makes no sense, before anything is read.
func (f *liveFlags) check(cmd *cobra.Command) error {
	if f.url == "" {
		for _, name := range []string{"live", "resend", "dry-run", "live-user"} {
			if cmd.Flags().Changed(name) && name != "live" {
				return misuse("--%s goes with --live", name)
			}
		}
		if name := f.upstreamFlags.given(cmd); name != "" {
			return misuse("--%s goes with --live: without it no server is reached", name)
		}
		if cmd.Flags().Changed("live") {
			return misuse("--live names no URL")
		}
		return nil
	}
	if _, err := liveURL(f.url); err != nil {
		return err
	}
	for _, name := range f.resend {
		for _, op := range um.Operations {
			if strings.EqualFold(name, op.Name) && name != op.Name {
				return misuse("--resend %s: the protocol spells it %s", name, op.Name)
			}
		}
	}
	return nil
}

func liveURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Fragment != "" || u.User != nil {
		return nil, misuse("--live takes a URL such as https://um.example.com, without a user") // it may hold a password
	}
	return u, nil
}

// liveRequest is a recorded request that may be sent again.
type liveRequest struct {
	Cassette  string `json:"cassette"`
	ID        int    `json:"interaction"`
	Operation string `json:"operation"`
	Method    string `json:"method,omitempty"`
	URL       string `json:"url,omitempty"`
	Times     int    `json:"times"`            // how often it is sent; 0 for not at all
	Reason    string `json:"reason,omitempty"` // why it is not

	reading *inspect.Reading
	group   inspect.ShapeKey
}

func (l *liveRequest) name() string { return fmt.Sprintf("%s#%d", report.Printable(l.Cassette), l.ID) }

// liveAsked is how often what is safe is asked: what differs between two answers to
// the same request is no drift.
const liveAsked = 2

// livePlan is what is to be sent, and the shapes of what was recorded.
type livePlan struct {
	requests []*liveRequest
	shapes   map[inspect.ShapeKey]*inspect.Shape
}

// plan reads the cassettes. One that cannot be read is left out, for validate tells
// of it.
func (f *liveFlags) plan(paths []string) livePlan {
	p := livePlan{shapes: map[inspect.ShapeKey]*inspect.Shape{}}
	server, _ := liveURL(f.url)
	seen := map[string]bool{}
	for _, path := range paths {
		tape, err := cassettes.Load(path)
		if err != nil {
			continue
		}
		pseudonyms := cassettes.RedactionOf(tape.Header.Umtape).Pseudonymous()
		for _, i := range tape.Interactions {
			r := entry(path, i).Reading
			l := &liveRequest{Cassette: path, ID: i.ID, Operation: r.Operation, reading: r}
			var hasResponse bool
			if _, l.group, _, hasResponse = inspect.ShapeKeys(r, um.Service(r)); hasResponse {
				s := inspect.ShapeOfMessage(r.Response)
				if known := p.shapes[l.group]; known != nil {
					known.Merge(s)
				} else {
					p.shapes[l.group] = s
				}
			}
			if r.Request == nil {
				continue // nobody knows what it does
			}
			l.Times, l.Reason = f.times(r, pseudonyms)
			if l.Times > 0 {
				l.Method, l.URL = r.Method, liveTarget(server, r.URL)
				key := fmt.Sprint(l.Method, " ", l.URL, " ", r.Action, " ", string(r.Request.AppendCanonical(nil, false)))
				if seen[key] {
					continue
				}
				seen[key] = true
			}
			p.requests = append(p.requests, l)
		}
	}
	return p
}

// times is how often a request is sent, and why if not at all.
func (f *liveFlags) times(r *inspect.Reading, pseudonyms bool) (n int, reason string) {
	op, known := um.Find(r.Request)
	switch {
	case known && op.SafeToResend:
		n = liveAsked
	case slices.Contains(f.resend, r.Operation):
		n = 1 // what it does, it does once
	case known:
		return 0, "it may change something or ring a telephone: --resend " + r.Operation + " sends it"
	default:
		return 0, "nobody knows whether it is safe: --resend " + r.Operation + " sends it"
	}
	switch {
	case pseudonyms:
		return 0, "it was recorded under pseudonyms, which mean nothing to a server"
	case r.Truncated:
		return 0, "it was not recorded whole"
	case bytes.Contains(r.RequestBody, []byte("REDACTED")), strings.Contains(r.URL, "REDACTED"):
		return 0, "a part of it was redacted"
	}
	return n, ""
}

// liveTarget is where a request goes: to the path of server if it has one, else to the
// recorded path and query.
func liveTarget(server *url.URL, recorded string) string {
	u := *server
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		return u.String()
	}
	if was, err := url.Parse(recorded); err == nil {
		u.Path, u.RawPath, u.RawQuery = was.Path, was.RawPath, was.RawQuery
	}
	return u.String()
}

// live sends what may be sent and returns what has changed, by cassette and ID. With
// --dry-run it prints the plan instead.
func (a *app) live(ctx context.Context, paths []string, f validateFlags) (map[string]map[int][]inspect.Finding, error) {
	p := f.live.plan(paths)
	for _, name := range f.live.resend {
		if !slices.ContainsFunc(p.requests, func(l *liveRequest) bool { return l.Operation == name }) {
			a.say("warning: --resend %s: there is no such request in what was named", report.Printable(name))
		}
	}
	if f.live.dryRun {
		return nil, a.writeLivePlan(p, f.asJSON)
	}
	send := slices.DeleteFunc(slices.Clone(p.requests), func(l *liveRequest) bool { return l.Times == 0 })
	if len(send) == 0 {
		a.say("warning: nothing is sent to the server: %s", whyNot(p.requests))
		return nil, nil
	}
	s, err := a.openLive(ctx, f.live)
	if err != nil {
		return nil, err
	}
	defer s.close()
	found := map[string]map[int][]inspect.Finding{}
	sent, silent := 0, 0
	for n, l := range send {
		if silent == maxSilent {
			a.say("warning: the server gave no answer %d times in a row: %s left that it was not asked", silent, count(len(send)-n, "interaction"))
			send = send[:n]
			break
		}
		answers, times, err := s.askAgain(ctx, l)
		var none *noAnswer
		if err != nil && (!errors.As(err, &none) || sent+times == 1) { // a server that is not there at all has not changed
			return nil, err
		}
		sent += times
		if found[l.Cassette] == nil {
			found[l.Cassette] = map[int][]inspect.Finding{}
		}
		if none != nil {
			silent++
			found[l.Cassette][l.ID] = []inspect.Finding{inspect.NoAnswer(l.reading, none.why)}
			continue
		}
		silent = 0
		if kinds := kindsOf(answers); len(kinds) > 1 {
			a.say("warning: --live: %s: the answers were of %d kinds, of which one is compared: %s", l.name(), len(kinds), strings.Join(kinds, "; "))
		}
		found[l.Cassette][l.ID] = inspect.CheckDrift(l.reading, p.shapes[l.group], answers, um.UnknownCall)
	}
	a.say("%s sent for %s; %s", count(sent, "request"), count(len(send), "interaction"), whyNot(p.requests))
	return found, nil
}

// maxSilent is how often in a row a server may give no answer.
const maxSilent = 3

// askAgain sends a request as often as it is to be sent, or until there is no answer,
// and tells how often that was.
func (s *liveServer) askAgain(ctx context.Context, l *liveRequest) (answers []*inspect.Reading, times int, err error) {
	for range l.Times {
		times++
		r, err := s.ask(ctx, l)
		if err != nil {
			return nil, times, err
		}
		answers = append(answers, r)
	}
	return answers, times, nil
}

// kindsOf are the kinds of answers, each once, in words.
func kindsOf(answers []*inspect.Reading) (kinds []string) {
	for _, r := range answers {
		if kind := report.Printable(inspect.AnswerKind(r)); !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// whyNot counts what is not sent, by operation.
func whyNot(list []*liveRequest) string {
	counts := map[string]int{}
	n := 0
	for _, l := range list {
		if l.Times == 0 {
			counts[l.Operation]++
			n++
		}
	}
	if n == 0 {
		return "nothing was left out"
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		names = append(names, fmt.Sprintf("%s %d", report.Printable(inspect.Shorten(name, maxShownOperation)), counts[name]))
	}
	return fmt.Sprintf("left out: %s (--dry-run says why)", strings.Join(names, ", "))
}

// writeLivePlan prints what would be sent.
func (a *app) writeLivePlan(p livePlan, asJSON bool) error {
	if asJSON {
		if p.requests == nil {
			p.requests = []*liveRequest{}
		}
		return report.JSON(a.stdout, map[string]any{"requests": p.requests})
	}
	var b strings.Builder
	send, times := 0, 0
	for _, l := range p.requests {
		op := report.Printable(inspect.Shorten(l.Operation, maxShownOperation))
		if l.Times == 0 {
			fmt.Fprintf(&b, "would not send %s %s: %s\n", l.name(), op, report.Printable(l.Reason))
			continue
		}
		how := "twice"
		if l.Times == 1 {
			how = "once"
		}
		send, times = send+1, times+l.Times
		fmt.Fprintf(&b, "would send %s %s, %s: %s %s\n", l.name(), op, how, report.Printable(l.Method), report.Printable(l.URL))
	}
	fmt.Fprintf(&b, "would send %s for %s, and leave out %d; nothing was sent\n", count(times, "request"), count(send, "interaction"), len(p.requests)-send)
	_, err := io.WriteString(a.stdout, b.String())
	return err
}

// notSent are the headers of a recorded request that are the connection's, the
// client's identity, or made anew.
var notSent = []string{"Accept-Encoding", "Authorization", "Connection", "Content-Encoding", "Content-Length", "Cookie", "Expect", "Host", "Keep-Alive",
	"Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// liveHeader is what of a recorded request's header is sent again.
func liveHeader(recorded http.Header) http.Header {
	h := http.Header{}
	for name, values := range recorded {
		name = http.CanonicalHeaderKey(name)
		if slices.Contains(notSent, name) || slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, "REDACTED") }) {
			continue
		}
		h[name] = slices.Clone(values)
	}
	return h
}

var errLiveRefused = errors.New("the server refuses who asks (401)")
