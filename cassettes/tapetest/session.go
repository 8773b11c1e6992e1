package tapetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/um"
)

// The variable that says whether tests record.
const modeVariable = "UMTAPE_MODE"

// session is what one test does with one cassette.
type session struct {
	t    testing.TB
	path string // as the test says it, or as it is called for the test

	options Tape // of it what concerns the cassette

	player *cassettes.Player // if it is replayed
	shared *recording        // if it is recorded
	unread atomic.Int64      // answers that are not on tape yet, as their bodies are neither read nor closed

	mu      sync.RWMutex // guards what follows
	over    bool         // the test has ended, and must hear of nothing any more
	allUsed bool
}

// sessions are those of tests that are running.
var sessions = struct {
	sync.Mutex
	of      map[sessionKey]*session
	spelled map[string]string // paths recorded to, by what they are without upper case
}{of: map[sessionKey]*session{}, spelled: map[string]string{}}

type sessionKey struct {
	test any    // the test; its name if it is of a type that cannot be compared
	path string // absolute
}

func keyOf(t testing.TB, path string) sessionKey {
	if reflect.ValueOf(t).Comparable() {
		return sessionKey{t, path}
	}
	return sessionKey{t.Name(), path}
}

// begin returns the test's session with a cassette, which ends with the test.
func begin(t testing.TB, cassette string, o Tape) *session {
	t.Helper()
	path := cmp.Or(cassette, cassetteOf(t.Name()))
	real, err := filepath.Abs(path)
	if err != nil {
		t.Fatalf("tapetest: %v", err)
	}
	sessions.Lock()
	defer sessions.Unlock()
	key := keyOf(t, real)
	s := sessions.of[key]
	if s == nil {
		s = &session{t: t, path: path}
		switch mode := os.Getenv(modeVariable); mode {
		case "", "replay":
			s.load(o)
		case "record":
			if other := cmp.Or(sessions.spelled[strings.ToLower(real)], real); other != real {
				t.Fatalf("tapetest: %s and %s are one file on Windows and macOS: name a cassette for one of the tests", other, real)
			}
			sessions.spelled[strings.ToLower(real)] = real
			s.record(real, o)
		default:
			t.Fatalf("tapetest: %s=%s is neither record nor replay", modeVariable, mode)
		}
		s.options = o.session()
		sessions.of[key] = s
		t.Cleanup(func() {
			t.Helper()
			sessions.Lock()
			delete(sessions.of, key)
			sessions.Unlock()
			s.end()
		})
	}
	if !reflect.DeepEqual(s.options, o.session()) {
		t.Fatalf("tapetest: this test uses %s already, with another Ignore, Any, MatchHeaders, Repeat or All; it is one for all its clients, servers and proxies", path)
	}
	if o.AllUsed {
		s.mu.Lock()
		s.allUsed = true
		s.mu.Unlock()
	}
	return s
}

// again is how the cassette is recorded anew.
func (s *session) again() string {
	parts := strings.Split(s.t.Name(), "/")
	for i := range parts {
		parts[i] = "^" + regexp.QuoteMeta(parts[i]) + "$"
	}
	return fmt.Sprintf("%s=record go test -count=1 -run '%s'", modeVariable, strings.Join(parts, "/"))
}

func (s *session) load(o Tape) {
	s.t.Helper()
	tape, err := cassettes.Load(s.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		s.t.Fatalf("tapetest: there is no cassette %s; record it with the server: %s", s.path, s.again())
	case err != nil:
		s.t.Fatalf("tapetest: %v", err)
	case tape.Torn != nil:
		s.t.Logf("tapetest: %s: line %d: the last interaction was not written to its end (%s) and is left out", s.path, tape.Torn.Line, tape.Torn.Why)
	}
	s.player = cassettes.NewPlayer(cassettes.PlayOptions{Match: o.matching(s.t), Repeat: o.Repeat, OnExchange: s.played}, tape)
}

// played hears of each exchange of a replay.
func (s *session) played(_ context.Context, f *cassettes.Facts) {
	what := cmp.Or(f.Operation, "request that is not SOAP")
	reason := ownWords.Replace(f.Reason)
	switch {
	case f.Verdict == cassettes.Missed:
		s.fail("no recorded interaction answers this %s: %s%s\n    record %s anew with the server: %s", what, reason, s.differences(f.Reason), s.path, s.again())
	case f.Reason != "":
		s.note("%s, answered by %s: %s", what, f.Interaction, reason)
	}
}

// ownWords says in words of this package what the command has flags for.
var ownWords = strings.NewReplacer("--any ", "Tape.Any ", "--ignore ", "Tape.Ignore ")

// differences lists where a request that was missed for that reason differs, if
// the reason is not all of it.
func (s *session) differences(reason string) string {
	var b strings.Builder
	for _, m := range s.player.Played().Misses {
		if m.Reason != reason || len(m.Differences) < 2 {
			continue
		}
		for _, d := range m.Differences {
			b.WriteString("\n    " + d.String())
		}
		break
	}
	return b.String()
}

func (s *session) record(real string, o Tape) {
	s.t.Helper()
	header := cassettes.HeaderMeta{RecordedBy: "umtape tapetest", Profile: um.Profile().Name, Redact: []string{cassettes.RedactCredentials}, Kept: "soap"}
	if o.All {
		header.Kept = "all"
	}
	var err error
	if s.shared, err = openRecording(real, s.path, s.t.Name(), header); err != nil {
		s.t.Fatalf("tapetest: %v", err)
	}
}

// recorded hears of each exchange of a recording.
func (s *session) recorded(_ context.Context, f *cassettes.Facts) {
	what := cmp.Or(f.Operation, "request")
	if f.Verdict != cassettes.Unanswered {
		s.unread.Add(-1)
	}
	switch f.Verdict {
	case cassettes.NotSent, cassettes.Lost:
		s.fail("%s: %s", what, f.Reason)
	case cassettes.Passed:
		s.note("an exchange that is not SOAP was not recorded; Tape.All records it")
	default:
		if f.Reason != "" {
			s.note("%s: %s", what, f.Reason)
		}
	}
}

// fail fails the test, unless it has ended.
func (s *session) fail(format string, args ...any) {
	s.tell(s.t.Errorf, format, args)
}

func (s *session) note(format string, args ...any) {
	s.tell(s.t.Logf, format, args)
}

func (s *session) tell(how func(string, ...any), format string, args []any) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.over {
		how("tapetest: "+format, args...)
	}
}

// end is that of the test.
func (s *session) end() {
	s.t.Helper()
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	if s.player != nil {
		if unused := s.player.Played().Unused; s.allUsed && len(unused) > 0 {
			s.t.Errorf("tapetest: %d of the interactions of %s answered nothing: %s", len(unused), s.path, strings.Join(unused[:min(len(unused), 20)], ", "))
		}
		return
	}
	kept, err := s.shared.leave()
	unread := s.unread.Load()
	switch {
	case err != nil:
		s.t.Errorf("tapetest: %v", err)
	case unread > 0:
		s.t.Errorf("tapetest: not recorded in %s: %d answers whose bodies the test neither read to the end nor closed", s.path, unread)
	case kept == 0 && !s.t.Failed() && !s.t.Skipped():
		s.t.Errorf("tapetest: nothing was recorded to %s: no server has answered SOAP that the test sent this way; Tape.All records what is not SOAP as well", s.path)
	case s.t.Failed():
		s.t.Logf("tapetest: the test has failed, and %s is what it has recorded all the same", s.path)
	}
}

// transports returns what makes the RoundTripper for each client connection, and
// what is to be called after the last has ended. reach makes what reaches the
// servers, when recording.
func (s *session) transports(o Tape, reach func() http.RoundTripper) (each func() http.RoundTripper, end func()) {
	if s.player != nil {
		return func() http.RoundTripper { return &guarded{s, s.player} }, func() {}
	}
	recorder := cassettes.NewRecorder(s.shared.tape, cassettes.RecordOptions{All: o.All, Profile: um.Profile(), OnExchange: s.recorded})
	each = func() http.RoundTripper {
		next := o.Transport
		if next == nil {
			next = reach()
		}
		return &guarded{s, recorder.Wrap(next)}
	}
	return each, func() {
		if c := recorder.Captured(); c.Interactions > 0 {
			s.note("recorded in %s: %d", s.path, c.Interactions)
		}
	}
}

// guarded lets no request by that comes when the test has ended.
type guarded struct {
	session *session
	next    http.RoundTripper
}

func (g *guarded) RoundTrip(req *http.Request) (*http.Response, error) {
	g.session.mu.RLock()
	over := g.session.over
	g.session.mu.RUnlock()
	if over {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, fmt.Errorf("tapetest: the test %s has ended", g.session.t.Name())
	}
	resp, err := g.next.RoundTrip(req)
	if err == nil {
		g.session.unread.Add(1) // of no interest in a replay
	}
	return resp, err
}

func (g *guarded) CloseIdleConnections() { closeIdle(g.next) }

func closeIdle(transport http.RoundTripper) {
	if c, ok := transport.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// recording is a cassette that tests of this process record to, or have recorded
// to.
type recording struct {
	tape  *cassettes.Writer // nil while nobody records
	users int
	tests []string // those that have recorded to it in this run of all tests
	wrote bool     // one of them has written something
}

// recordings are those of this process, by absolute path.
var recordings = struct {
	sync.Mutex
	of map[string]*recording
}{of: map[string]*recording{}}

// openRecording opens a cassette, whose absolute path is real, for a test: anew for the first, to go on with for
// others, and anew when they begin over, as under -count=2. Its folder is made.
func openRecording(real, path, test string, header cassettes.HeaderMeta) (*recording, error) {
	recordings.Lock()
	defer recordings.Unlock()
	r := recordings.of[real]
	if r == nil {
		r = &recording{}
		recordings.of[real] = r
	}
	if r.tape == nil {
		mode := cassettes.Append
		if slices.Contains(r.tests, test) {
			r.tests, r.wrote = nil, false
		}
		if !r.wrote {
			mode = cassettes.Renew
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		tape, err := cassettes.Create(path, header, mode)
		if err != nil {
			return nil, err
		}
		r.tape = tape
	}
	r.tests = append(r.tests, test)
	r.users++
	return r, nil
}

// leave ends a test's recording, and returns how many interactions the cassette
// has.
func (r *recording) leave() (kept int, err error) {
	recordings.Lock()
	defer recordings.Unlock()
	kept = r.tape.Count()
	r.wrote = r.wrote || kept > 0
	if r.users--; r.users == 0 {
		err = r.tape.Close()
		r.tape = nil
	}
	return kept, err
}
