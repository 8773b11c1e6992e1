package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/proxy"
)

// authServers is what .ci/auth says of the servers that it started.
type authServers struct {
	CA      string // file of their certificate
	Tokens  string // file with a line for each request: its Authorization header, "-" if it had none
	Env     string // of clients, NAME=value
	Servers []*authServer

	Certificate struct{ URL, File string } // a server that wants the certificate in that file
}

// authServer is Apache with one way to log in. Its answers carry X-Served-To,
// who asked; X-Connection, the port that the asking connection came from;
// X-Query; and X-Credentials, if the request brought some.
type authServer struct {
	Name            string
	Plain, Secure   string // URLs
	Short           string // plain, but it ends a connection after five requests
	ConnectionBound bool   // who has logged in stays so while the connection lasts
	Users           []authUser
	Refused         authUser // knows a wrong password, or has a ticket for another key

	all *authServers
}

type authUser struct {
	Name     string // as the server says it
	Password string
	Env      string // how the libraries of NTLM and Kerberos find the user, NAME=value
}

func (s *authServer) kerberos() bool { return strings.HasPrefix(s.Name, "Kerberos") }

func (s *authServer) clients() []authClient {
	if s.kerberos() {
		return kerberosClients
	}
	return ntlmClients
}

// realServers are those that .ci/auth started; without it the test is skipped.
func realServers(t *testing.T) []*authServer {
	t.Helper()
	file := os.Getenv("UMTAPE_AUTH")
	if file == "" {
		t.Skip("needs real servers with NTLM and Kerberos, which this starts: bash .ci/auth")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all authServers
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	for _, s := range all.Servers {
		s.all = &all
	}
	return all.Servers
}

// show prints a table, and keeps it for .ci/auth to print.
func show(t *testing.T, table fmt.Stringer) {
	t.Helper()
	t.Logf("\n%s", table)
	file := os.Getenv("UMTAPE_AUTH_REPORT")
	if file == "" {
		return
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintf(f, "\n%s", table); err != nil {
		t.Fatal(err)
	}
}

// authWay is one of the ways in, with a recording or a replay that it leads to.
type authWay struct {
	t      *testing.T
	server *authServer
	target string // URL of what is recorded
	base   string // the URL that clients are given
	proxy  string // the URL of their proxy; "" if they talk to umtape as to the server
	addr   string // umtape's
	ca     *proxy.CA
	rec    *recording
	path   string // of the cassette
	tokens int64  // how long the file of tokens was

	challenges strings.Builder // what clients got in WWW-Authenticate
}

var authWays = []struct {
	name            string
	secure, reverse bool
}{{"proxy", false, false}, {"CONNECT", true, false}, {"reverse", false, true}, {"reverse TLS", true, true}}

func (s *authServer) record(t *testing.T, target string, reverse bool, f recordFlags) *authWay {
	t.Helper()
	w := &authWay{t: t, server: s, target: target, ca: testCA(t), path: filepath.Join(t.TempDir(), "calls.yaml")}
	f.listen, f.sync, f.log.format, f.maxBody = "127.0.0.1:0", "interval", "text", cassettes.DefaultMaxBody
	f.upstreamCA = []string{s.all.CA}
	if reverse {
		f.reverse = target
	}
	if info, err := os.Stat(s.all.Tokens); err == nil {
		w.tokens = info.Size()
	}
	a, stderr := testApp(t)
	plan, err := a.planRecording(f)
	if err != nil {
		t.Fatal(err)
	}
	if w.rec, err = a.startRecording(w.path, w.ca, plan); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("umtape said:\n%s", stderr)
		}
	})
	w.leadTo(w.rec.addr(), reverse)
	return w
}

// leadTo points the clients at umtape.
func (w *authWay) leadTo(addr string, reverse bool) {
	w.addr, w.base = addr, w.target
	if reverse {
		scheme, _, _ := strings.Cut(w.target, ":")
		w.base = scheme + "://localhost" + addr[strings.LastIndexByte(addr, ':'):] // the name that tickets are for
	} else {
		w.proxy = "http://" + addr
	}
}

// stop ends the recording and loads what it kept.
func (w *authWay) stop() *cassettes.Cassette {
	w.t.Helper()
	if err := w.rec.stop(io.Discard); err != nil {
		w.t.Fatal(err)
	}
	tape, err := cassettes.Load(w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	return tape
}

// replay is the same way in, to a replay of what was recorded.
func (w *authWay) replay(f replayFlags) *authWay {
	w.t.Helper()
	a, _ := testApp(w.t)
	f.listen, f.maxBody, f.log.format = "127.0.0.1:0", 1<<20, "text"
	play, err := a.startReplay([]string{w.path}, w.ca, f)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := play.stop(io.Discard); err != nil {
			w.t.Error(err)
		}
	})
	again := &authWay{t: w.t, server: w.server, target: w.target, ca: w.ca}
	again.leadTo(play.addr(), w.proxy == "")
	return again
}

// url is that of the nth request of a client; no two are the same.
func (w *authWay) url(client, n int) string {
	return fmt.Sprintf("%s/UnifiedMessaging/Service.asmx?client=%d&n=%d", w.base, client, n)
}

// upstreamConnections counts the open connections to the server: only umtape
// makes any.
func (w *authWay) upstreamConnections() int {
	var port, count int
	fmt.Sscan(w.target[strings.LastIndexByte(w.target, ':')+1:], &port)
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		table, err := os.ReadFile(file)
		if err != nil && file == "/proc/net/tcp" {
			w.t.Error(err) // not Fatal: this may be any goroutine
		}
		for line := range strings.Lines(string(table)) {
			f := strings.Fields(line) // number, local, remote, state: 01 established, 08 closed by the server only
			if len(f) > 3 && strings.HasSuffix(f[2], fmt.Sprintf(":%04X", port)) && (f[3] == "01" || f[3] == "08") {
				count++
			}
		}
	}
	return count
}

// awaitNone waits until no connection to the server is left, and returns how
// many are.
func (w *authWay) awaitNone() int {
	deadline := time.Now().Add(30 * time.Second)
	for {
		n := w.upstreamConnections()
		if n == 0 || time.Now().After(deadline) {
			return n
		}
		time.Sleep(5 * time.Millisecond) // the kernel gives no notice
	}
}

// secrets are what must not be in a cassette.
type secrets struct {
	tokens int               // how many tokens were exchanged
	words  []string          // passwords and names, and what every NTLM message looks like
	pieces map[string]string // pieces of tokens, each of pieceSize bytes, to what they are
}

const pieceSize = 24

// secrets are the tokens that clients have sent since the recording began, as the
// server logged them, and those that it sent to the clients of tally.
func (w *authWay) secrets() *secrets {
	w.t.Helper()
	f, err := os.Open(w.server.all.Tokens)
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Seek(w.tokens, io.SeekStart); err != nil {
		w.t.Fatal(err)
	}
	log, err := io.ReadAll(f)
	if err != nil {
		w.t.Fatal(err)
	}
	s := &secrets{pieces: make(map[string]string)}
	for _, u := range w.server.Users {
		s.words = append(s.words, u.Password)
	}
	if !w.server.kerberos() {
		// As it is, and in base64 at each of the three places it can begin at
		// inside something else, such as SPNEGO.
		s.words = append(s.words, "NTLMSSP", "TlRMTVNT", "TE1TU1AA", "VExNU1NQ")
	}
	names := make(map[string]bool)
	for word := range strings.FieldsFuncSeq(string(log)+w.challenges.String(), func(r rune) bool { return r == ' ' || r == ',' || r == '\n' }) {
		raw, err := base64.StdEncoding.DecodeString(word)
		if err != nil || len(raw) < pieceSize+3 { // the scheme, or "-"
			continue
		}
		s.tokens++
		for _, at := range []int{0, (len(raw) - pieceSize - 3) / 2, len(raw) - pieceSize - 3} {
			s.pieces[string(raw[at:at+pieceSize])] = "a token, raw"
			for skip := range 3 { // however it is aligned in what is around it
				s.pieces[base64.StdEncoding.EncodeToString(raw[at+skip:])[:pieceSize]] = "a token, in base64"
			}
		}
		for _, name := range namesOf(raw) {
			names[name] = true
		}
	}
	for name := range names {
		wide := wideBytes(name)
		s.words = append(s.words, name, string(wide))
		for skip := range 3 { // UTF-16 in base64; what is cut off could be joined to what is around
			b := base64.StdEncoding.EncodeToString(wide[skip:])
			s.words = append(s.words, b[:len(b)/4*4-4])
		}
	}
	if !w.server.kerberos() && !slices.Contains(s.words, "UMTAPEHIDDENDOM") {
		w.t.Errorf("the server's domain was not in any of %d tokens: %q", s.tokens, s.words)
	}
	return s
}

// namesOf returns the names of the server that a CHALLENGE_MESSAGE of NTLM
// brings ([MS-NLMP] 2.2.1.2, 2.2.2.1), also one inside SPNEGO.
func namesOf(token []byte) []string {
	le := binary.LittleEndian
	at := bytes.Index(token, []byte("NTLMSSP\x00\x02\x00\x00\x00"))
	if at < 0 || len(token) < at+48 {
		return nil
	}
	message := token[at:]
	field := func(at int) []byte { // its length twice, and where it is
		size, offset := int(le.Uint16(message[at:])), int(le.Uint32(message[at+4:]))
		if len(message) < offset+size {
			return nil
		}
		return message[offset : offset+size]
	}
	names := []string{string(field(12))} // the domain
	if le.Uint32(message[20:])&1 != 0 {  // the flag that says how it is written
		names[0] = narrow(field(12))
	}
	for pairs := field(40); len(pairs) >= 4; {
		id, n := le.Uint16(pairs), int(le.Uint16(pairs[2:]))
		if len(pairs) < 4+n {
			break
		}
		if id >= 1 && id <= 5 { // computer, domain, tree
			names = append(names, narrow(pairs[4:4+n]))
		}
		pairs = pairs[4+n:]
	}
	return slices.DeleteFunc(names, func(s string) bool { return len(s) < 4 }) // which may be anywhere
}

func narrow(wide []byte) string {
	var units []uint16
	for ; len(wide) >= 2; wide = wide[2:] {
		units = append(units, binary.LittleEndian.Uint16(wide))
	}
	return string(utf16.Decode(units))
}

func wideBytes(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// checkSecrets searches the cassette for what client and server kept to
// themselves, and returns how many tokens that was.
func (w *authWay) checkSecrets() int {
	w.t.Helper()
	data, err := os.ReadFile(w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	s := w.secrets()
	if s.tokens == 0 {
		w.t.Error("no token was exchanged")
	}
	for _, word := range s.words {
		if n := bytes.Count(data, []byte(word)); n > 0 {
			w.t.Errorf("the cassette holds %q, %d times", word, n)
		}
	}
	found := make(map[string]int)
	for i := 0; i+pieceSize <= len(data); i++ {
		if what, ok := s.pieces[string(data[i:i+pieceSize])]; ok {
			found[what]++
		}
	}
	if len(found) > 0 {
		w.t.Errorf("the cassette holds pieces of tokens: %v", found)
	}
	return s.tokens
}

// validate runs umtape validate.
func (w *authWay) validate() {
	w.t.Helper()
	var out bytes.Buffer
	if code := run(w.t.Context(), []string{"validate", w.path}, strings.NewReader(""), &out, &out); code != exitDone {
		w.t.Errorf("umtape validate: exit %d\n%s", code, &out)
	}
}

// tally is what the answers of some clients come to.
type tally struct {
	served     int // 200, to the user who asked
	wrong      int // anything that is somebody else's
	challenges int // 401 before the first answer, or to a request without credentials if each needs some
	again      int // any other 401: on a connection that was logged in, or on the way to being so again
	bare       int // served without an Authorization header
}

func (n *tally) add(m tally) {
	n.served, n.wrong, n.challenges, n.again, n.bare = n.served+m.served, n.wrong+m.wrong, n.challenges+m.challenges, n.again+m.again, n.bare+m.bare
}

// tally reads what a client was answered. owner has the upstream connections of
// all clients, and gets this one's.
func (w *authWay) tally(u authUser, client int, answers []authAnswer, owner map[string]int) tally {
	var n tally
	loggedIn := make(map[string]bool) // by connection
	own := fmt.Sprintf("client=%d&n=", client)
	for _, a := range answers {
		if other, known := owner[a.Connection]; known && other != client {
			w.t.Errorf("upstream connection %s served clients %d and %d", a.Connection, other, client)
		}
		owner[a.Connection] = client
		fmt.Fprintln(&w.challenges, a.Challenge)
		known := a.Sent || loggedIn[a.Connection]
		switch {
		case !strings.HasPrefix(a.Query, own), a.User != "" && a.User != u.Name:
			n.wrong++
			w.t.Errorf("client %d, %s, got %+v", client, u.Name, a)
		case a.Status == 200 && (a.User == "" || !known):
			n.wrong++
			w.t.Errorf("client %d, %s, was served without having logged in on that connection: %+v", client, u.Name, a)
		case a.Status == 200 && a.Query == own+strconv.Itoa(n.served):
			n.served++
			loggedIn[a.Connection] = w.server.ConnectionBound
			if !a.Sent {
				n.bare++
			}
		case a.Status == 401 && loggedIn[a.Connection]:
			n.again++
			w.t.Errorf("client %d, %s, was challenged on a connection that it was logged in on: %+v", client, u.Name, a)
		case a.Status == 401 && (n.served == 0 || !w.server.ConnectionBound && !a.Sent):
			n.challenges++
		case a.Status == 401:
			n.again++
		default:
			w.t.Errorf("client %d, %s, got %+v after %d answers", client, u.Name, a, n.served)
		}
	}
	return n
}

func statuses(answers []authAnswer) string {
	var b strings.Builder
	for _, a := range answers {
		fmt.Fprintf(&b, "%d ", a.Status)
	}
	return strings.TrimSpace(b.String())
}

func kept(tape *cassettes.Cassette) string {
	var b strings.Builder
	for _, i := range tape.Interactions {
		fmt.Fprintf(&b, "%d", i.Response.Code)
		if i.Umtape.AuthLegs > 0 {
			fmt.Fprintf(&b, "+%d", i.Umtape.AuthLegs)
		}
		b.WriteByte(' ')
	}
	return strings.TrimSpace(b.String())
}

// TestAuthExchange records one exchange that a real client and a real server
// begin with a handshake: one interaction and no token; a client without
// credentials gets it from the replay, and so does the one that has some.
func TestAuthExchange(t *testing.T) {
	servers := realServers(t)
	var table strings.Builder
	fmt.Fprintf(&table, "one exchange; on tape: status+folded challenges\n%-23s %-12s %-18s %-12s %-8s %-22s %s\n",
		"mechanism", "way in", "client", "saw", "on tape", "replay: no credentials", "replay: the same client")
	for _, s := range servers {
		for _, way := range authWays {
			for n, kind := range s.clients() {
				t.Run(s.Name+"/"+way.name+"/"+kind.name, func(t *testing.T) {
					ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
					defer cancel()
					w := s.record(t, map[bool]string{false: s.Plain, true: s.Secure}[way.secure], way.reverse, recordFlags{})
					session := authSession{0, s.Users[n], 1}
					answers, err := kind.start.one(ctx, w, session)
					if err != nil {
						t.Fatal(err)
					}
					saw := statuses(answers)
					if got := w.tally(session.user, 0, answers, make(map[string]int)); got.served != 1 || got.challenges != kind.legs {
						t.Fatalf("the client saw %s: %+v", saw, got)
					}
					tape := w.stop()
					w.checkSecrets()
					w.validate()
					if len(tape.Interactions) != 1 || tape.Interactions[0].Response.Code != 200 || tape.Interactions[0].Umtape.AuthLegs != kind.legs {
						t.Fatalf("on tape: %s", kept(tape))
					}
					again := w.replay(replayFlags{})
					resp, got, err := postSOAP(ctx, again.anonymous(), again.url(0, 0))
					if err != nil {
						t.Fatal(err)
					}
					if resp.StatusCode != 200 || got != tape.Interactions[0].Response.Body || !strings.Contains(got, "PlayOnPhoneResponse") {
						t.Errorf("replay: %d %v %q", resp.StatusCode, resp.Header, got)
					}
					offline := kind.start
					if kind.offline != nil {
						offline = kind.offline
					}
					answers, err = offline.one(ctx, again, session)
					if err != nil || statuses(answers) != "200" {
						t.Errorf("the client with credentials saw %s of the replay: %v", statuses(answers), err)
					}
					fmt.Fprintf(&table, "%-23s %-12s %-18s %-12s %-8s %-22d %s\n", s.Name, way.name, kind.name, saw, kept(tape), resp.StatusCode, statuses(answers))
				})
			}
		}
	}
	show(t, &table)
}

// TestAuthKeptLegs records handshakes with --keep-auth-legs: each leg is there,
// each token is not.
func TestAuthKeptLegs(t *testing.T) {
	servers := realServers(t)
	var table strings.Builder
	fmt.Fprintf(&table, "one exchange with --keep-auth-legs\n%-23s %-18s %-12s %-12s %s\n", "mechanism", "client", "saw", "on tape", "tokens redacted")
	for _, s := range servers {
		for n, kind := range s.clients() {
			t.Run(s.Name+"/"+kind.name, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				w := s.record(t, s.Secure, false, recordFlags{keepLegs: true})
				answers, err := kind.start.one(ctx, w, authSession{0, s.Users[n], 1})
				if err != nil {
					t.Fatal(err)
				}
				tape := w.stop()
				w.tally(s.Users[n], 0, answers, make(map[string]int))
				sent := w.checkSecrets()
				w.validate()
				if len(answers) != kind.legs+1 || len(tape.Interactions) != len(answers) {
					t.Errorf("the client saw %s; on tape: %s", statuses(answers), kept(tape))
				}
				redacted := 0
				for _, i := range tape.Interactions {
					for _, v := range slices.Concat(i.Request.Headers["Authorization"], i.Response.Headers["Www-Authenticate"]) {
						if scheme, token, _ := strings.Cut(v, " "); token != "" {
							redacted++
							if scheme != "NTLM" && scheme != "Negotiate" || len(token) > 40 {
								t.Errorf("a header is kept as %q", v)
							}
						}
					}
				}
				if redacted < sent || sent < 2 { // a client's and a server's at least
					t.Errorf("%d tokens were sent, %d are on tape redacted", sent, redacted)
				}
				fmt.Fprintf(&table, "%-23s %-18s %-12s %-12s %d\n", s.Name, kind.name, statuses(answers), kept(tape), redacted)
			})
		}
	}
	show(t, &table)
}

// TestAuthIdentities has 64 clients of 4 users at work at once, 20 requests
// each, while others have no credentials or ones that are refused: everybody
// gets their own answers, nobody is challenged again, the upstream connections
// are nobody else's and end with the clients', and the tape says the same.
func TestAuthIdentities(t *testing.T) {
	servers := realServers(t)
	const clients, requests, strangers, refused = 64, 20, 4, 4
	var byClient, byWay strings.Builder
	row := func(s *authServer, way, kind string, clients, asked int, n tally, left int) {
		fmt.Fprintf(&byClient, "%-23s %-12s %-18s %7d %8d %7d %6d %10d %6d %8d %5d\n", s.Name, way, kind, clients, asked, n.served, n.wrong, n.challenges, n.again, n.bare, left)
	}
	fmt.Fprintf(&byClient, "%d clients of 4 users at once, %d requests each; others without credentials, or with refused ones\n%-23s %-12s %-18s %7s %8s %7s %6s %10s %6s %8s %5s\n", clients, requests,
		"mechanism", "way in", "client", "clients", "answers", "served", "wrong", "challenged", "401", "served", "left")
	fmt.Fprintf(&byClient, "%-23s %-12s %-18s %7s %8s %7s %6s %10s %6s %8s %5s\n", "", "", "", "", "", "", "user", "", "again", "bare", "open")
	fmt.Fprintf(&byWay, "the same runs\n%-23s %-12s %11s %8s %11s %12s %18s %14s\n", "mechanism", "way in", "connections", "at once", "on tape", "legs folded", "tokens looked for", "replayed bare")
	for _, s := range servers {
		for _, way := range authWays {
			t.Run(s.Name+"/"+way.name, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
				defer cancel()
				w := s.record(t, map[bool]string{false: s.Plain, true: s.Secure}[way.secure], way.reverse, recordFlags{})
				kinds := s.clients()
				userOf := func(client int) authUser { return s.Users[client/len(kinds)%len(s.Users)] }

				sessions := make([][]authSession, len(kinds))
				for c := range clients {
					k := c % len(kinds)
					sessions[k] = append(sessions[k], authSession{c, userOf(c), requests})
				}
				var begins []func() (map[int][]authAnswer, error)
				for k, kind := range kinds {
					begin, err := kind.start(ctx, w, sessions[k])
					if err != nil {
						t.Fatal(err)
					}
					begins = append(begins, begin)
				}
				var failing []authSession
				for c := range refused {
					failing = append(failing, authSession{clients + c, s.Refused, 5})
				}
				begin, err := curlClients("negotiate")(ctx, w, failing)
				if err != nil {
					t.Fatal(err)
				}
				begins = append(begins, begin)

				var mu sync.Mutex // guards answers, bare and peak
				answers := make(map[int][]authAnswer)
				var bare []authAnswer
				peak := 0
				atWork, done := context.WithCancel(ctx)
				var loggedIn, others sync.WaitGroup
				for _, begin := range begins {
					loggedIn.Go(func() {
						got, err := begin()
						if err != nil {
							t.Error(err)
						}
						mu.Lock()
						defer mu.Unlock()
						for c, a := range got {
							answers[c] = a
						}
					})
				}
				for c := range strangers {
					others.Go(func() {
						client := w.anonymous()
						defer client.CloseIdleConnections()
						for n := 0; n == 0 || atWork.Err() == nil; n++ {
							if n%3 == 2 { // on a new connection now and then
								client.CloseIdleConnections()
							}
							resp, _, err := postSOAP(ctx, client, w.url(clients+refused+c, n))
							if err != nil {
								t.Errorf("a client without credentials: %v", err)
								return
							}
							mu.Lock()
							bare = append(bare, answerOf(resp.StatusCode, resp.Header))
							mu.Unlock()
							select {
							case <-atWork.Done():
							case <-time.After(pace):
							}
						}
					})
				}
				others.Go(func() {
					for tick := time.Tick(10 * time.Millisecond); ; {
						peak = max(peak, w.upstreamConnections())
						select {
						case <-tick:
						case <-atWork.Done():
							return
						}
					}
				})
				loggedIn.Wait()
				done()
				others.Wait()
				left := w.awaitNone()

				// What the clients were told.
				var total tally
				owner := make(map[string]int)
				perKind := make([]tally, len(kinds))
				for c := range clients {
					n := w.tally(userOf(c), c, answers[c], owner)
					if n.served != requests {
						t.Errorf("client %d was answered %d times in order: %s", c, n.served, statuses(answers[c]))
					}
					// After the handshake a session needs no credentials, or in each request.
					legs, free := kinds[c%len(kinds)].legs, requests-1
					if !s.ConnectionBound {
						legs, free = legs*requests, 0
					}
					if n.challenges != legs || n.bare != free {
						t.Errorf("client %d, %s: %d challenges and %d answers without credentials, not %d and %d",
							c, kinds[c%len(kinds)].name, n.challenges, n.bare, legs, free)
					}
					perKind[c%len(kinds)].add(n)
					total.add(n)
				}
				for k, kind := range kinds {
					asked := 0
					for _, one := range sessions[k] {
						asked += len(answers[one.client])
					}
					row(s, way.name, kind.name, len(sessions[k]), asked, perKind[k], left)
				}
				var turnedAway []authAnswer
				for _, one := range failing {
					turnedAway = append(turnedAway, answers[one.client]...)
				}
				for _, out := range []struct {
					name    string
					clients int
					answers []authAnswer
				}{{"no credentials", strangers, bare}, {"refused ones", refused, turnedAway}} {
					var n tally
					for _, a := range out.answers {
						if a.Status == 401 && a.User == "" {
							n.challenges++
						} else {
							n.served++
							t.Errorf("a client with %s got %+v", out.name, a)
						}
					}
					if n.challenges == 0 {
						t.Errorf("no client with %s was answered", out.name)
					}
					row(s, way.name, out.name, out.clients, len(out.answers), n, left)
				}
				if total.again > 0 || left > 0 {
					t.Errorf("challenged again: %d; connections left: %d", total.again, left)
				}
				if len(owner) != clients {
					t.Errorf("%d upstream connections for %d clients", len(owner), clients)
				}
				if peak < clients/4 {
					t.Errorf("too little happened at once to show anything: %d connections", peak)
				}

				// The tape says the same.
				tape := w.stop()
				tokens := w.checkSecrets()
				w.validate()
				onTape, legs, mixed := 0, 0, 0
				seen := make(map[string]bool)
				for _, i := range tape.Interactions {
					if i.Response.Code != 200 {
						continue
					}
					onTape++
					legs += i.Umtape.AuthLegs
					u, err := url.Parse(i.Request.URL)
					if err != nil {
						t.Fatal(err)
					}
					c, err := strconv.Atoi(u.Query().Get("client"))
					header := http.Header(i.Response.Headers)
					if err != nil || c >= clients || seen[u.RawQuery] || header.Get("X-Served-To") != userOf(c).Name || header.Get("X-Query") != u.RawQuery {
						if mixed++; mixed == 1 {
							t.Errorf("on tape, the answer to %s is that to %s of %s", u.RawQuery, header.Get("X-Query"), header.Get("X-Served-To"))
						}
					}
					seen[u.RawQuery] = true
				}
				if onTape != total.served || legs != total.challenges+total.again || mixed > 0 {
					t.Errorf("on tape are %d answers with %d challenges, %d of them somebody else's; the clients got %d with %d", onTape, legs, mixed, total.served, total.challenges+total.again)
				}

				// And so does the replay, to a client without credentials.
				again := w.replay(replayFlags{})
				client := again.anonymous()
				replayed := 0
				for c := range clients {
					for n := range requests {
						resp, got, err := postSOAP(ctx, client, again.url(c, n))
						if err != nil {
							t.Fatal(err)
						}
						if a := answerOf(resp.StatusCode, resp.Header); a.Status != 200 || a.User != userOf(c).Name || a.Query != fmt.Sprintf("client=%d&n=%d", c, n) || !strings.Contains(got, "PlayOnPhoneResponse") {
							t.Fatalf("replay of request %d of client %d: %+v %s", n, c, a, got)
						}
						replayed++
					}
				}
				fmt.Fprintf(&byWay, "%-23s %-12s %11d %8d %11d %12d %18d %14d\n", s.Name, way.name, len(owner), peak, onTape, legs, tokens, replayed)
			})
		}
	}
	show(t, &byClient)
	show(t, &byWay)
}

// TestAuthConnectionLost has the server end each connection after five requests:
// the client is challenged again, and is never somebody else.
func TestAuthConnectionLost(t *testing.T) {
	const requests = 20
	servers := realServers(t)
	var table strings.Builder
	fmt.Fprintf(&table, "the server ends each connection after five requests\n%-23s %-12s %-18s %7s %6s %12s %s\n", "mechanism", "way in", "client", "served", "wrong", "connections", "what the client saw")
	for _, s := range servers {
		if !s.ConnectionBound {
			continue // there is no session to lose
		}
		for n, kind := range s.clients() {
			way := authWays[n%2*2] // proxy or reverse
			t.Run(s.Name+"/"+kind.name, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				w := s.record(t, s.Short, way.reverse, recordFlags{})
				// Another user is logged in all the while, on connections of theirs.
				session, beside := authSession{0, s.Users[n], requests}, authSession{1, s.Users[3], requests}
				var other sync.WaitGroup
				var others []authAnswer
				var otherErr error
				other.Go(func() { others, otherErr = w.curl(ctx, beside, "negotiate") })
				answers, err := kind.start.one(ctx, w, session)
				other.Wait()
				if err != nil || otherErr != nil {
					t.Error(err, otherErr)
				}
				owner := make(map[string]int)
				got := w.tally(session.user, session.client, answers, owner)
				connections := len(owner)
				gotBeside := w.tally(beside.user, beside.client, others, owner)
				if got.served != requests || gotBeside.served != requests {
					t.Errorf("%d and %d answers for %d requests: %s; %s", got.served, gotBeside.served, requests, statuses(answers), statuses(others))
				}
				if connections < requests/5 || len(owner) < 2*requests/5 {
					t.Errorf("%d connections: the server ended too few to show anything", len(owner))
				}
				if kind.legs > 0 && got.again == 0 {
					t.Errorf("the client was not challenged again: %s", statuses(answers))
				}
				w.stop()
				w.checkSecrets()
				w.validate()
				fmt.Fprintf(&table, "%-23s %-12s %-18s %7d %6d %12d %s\n", s.Name, way.name, kind.name, got.served, got.wrong, connections, statuses(answers))
			})
		}
	}
	show(t, &table)
}

// TestAuthNameOfTicket shows which names a client may be given for umtape in
// place of the server: a ticket is for the name that the client was given.
func TestAuthNameOfTicket(t *testing.T) {
	for _, s := range realServers(t) {
		if !s.kerberos() || !s.ConnectionBound {
			continue
		}
		for _, way := range authWays[2:] {
			for _, tt := range []struct {
				host, want string
			}{
				{"um.umtape.test", "200"}, // the server's own
				{"localhost", "200"},      // another that there are tickets for
				{"elsewhere.test", "401"}, // nobody's
			} {
				t.Run(way.name+"/"+tt.host, func(t *testing.T) {
					ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
					defer cancel()
					target := strings.Replace(map[bool]string{false: s.Plain, true: s.Secure}[way.secure], "localhost", "um.umtape.test", 1)
					_, port, _ := strings.Cut(target, "umtape.test:")
					w := s.record(t, target, true, recordFlags{upstreamFlags: upstreamFlags{resolve: []string{"um.umtape.test:" + port + ":127.0.0.1"}}})
					base, err := url.Parse(w.base)
					if err != nil {
						t.Fatal(err)
					}
					w.base = base.Scheme + "://" + tt.host + ":" + base.Port()
					answers, err := w.curl(ctx, authSession{0, s.Users[0], 1}, "negotiate", fmt.Sprintf("resolve = %q", tt.host+":"+base.Port()+":127.0.0.1"))
					if err != nil || statuses(answers) != tt.want {
						t.Errorf("the client saw %q: %v", statuses(answers), err)
					}
					w.stop()
				})
			}
		}
	}
}

// TestChallengeMeetsClients has real clients of NTLM log in to a replay that
// asks for it, by all ways in: once, then they need no credentials.
func TestChallengeMeetsClients(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.Header().Set("X-Query", r.URL.RawQuery)
		io.WriteString(w, "<answer/>")
	}))
	defer server.Close()
	secure := httptest.NewTLSServer(server.Config.Handler)
	defer secure.Close()
	ca := filepath.Join(t.TempDir(), "server.pem")
	if err := os.WriteFile(ca, pemOf(secure), 0o600); err != nil {
		t.Fatal(err)
	}
	const requests = 3
	alice := authUser{Name: `CONTOSO\alice`, Password: "secret", Env: "NTLM_USER_FILE="}
	s := &authServer{all: &authServers{CA: ca, Env: "KRB5_CONFIG=/dev/null"}}
	for _, way := range authWays {
		for _, kind := range []struct {
			name, saw string
			start     startClients
			command   string
		}{
			{"go-ntlmssp", "401 401 200 200 200", goClients, ""},
			{"curl --ntlm", "401 200 200 200", curlClients("ntlm\nuser = \"CONTOSO\\\\alice:secret\""), "curl"},
		} {
			t.Run(way.name+"/"+kind.name, func(t *testing.T) {
				if kind.command != "" {
					if _, err := exec.LookPath(kind.command); err != nil {
						t.Skip(kind.command + " is not installed")
					}
				}
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				w := s.record(t, map[bool]string{false: server.URL, true: secure.URL}[way.secure], way.reverse, recordFlags{all: true})
				client := w.anonymous()
				for n := range requests {
					if _, _, err := postSOAP(ctx, client, w.url(0, n)); err != nil {
						t.Fatal(err)
					}
				}
				client.CloseIdleConnections()
				w.stop()
				again := w.replay(replayFlags{scheme: "ntlm"})
				answers, err := kind.start.one(ctx, again, authSession{0, alice, requests})
				if err != nil || statuses(answers) != kind.saw {
					t.Fatalf("the client saw %s, not %s: %v", statuses(answers), kind.saw, err)
				}
				for n, a := range answers[len(answers)-requests:] {
					if want := fmt.Sprintf("client=0&n=%d", n); a.Query != want {
						t.Errorf("answer %d is that to %q", n, a.Query)
					}
				}
			})
		}
	}
}
