package tapetest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/inspect/um/umserver"
)

func TestMain(m *testing.M) {
	os.Unsetenv(modeVariable) // these tests say themselves when they record
	os.Exit(m.Run())
}

// inner is a test inside a test, which may fail without the other.
type inner struct {
	testing.TB // the outer one
	name       string

	mu       sync.Mutex
	errors   []string
	logs     []string
	cleanups []func()
	over     bool
}

func (i *inner) Name() string      { return i.name }
func (i *inner) Helper()           {}
func (i *inner) Output() io.Writer { return io.Discard }
func (i *inner) Skipped() bool     { return false }

func (i *inner) Cleanup(f func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.cleanups = append(i.cleanups, f)
}

func (i *inner) say(list *[]string, text string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.over {
		i.TB.Errorf("%s has ended and hears: %s", i.name, text) // where testing panics
	}
	*list = append(*list, text)
}

func (i *inner) Errorf(format string, args ...any) { i.say(&i.errors, fmt.Sprintf(format, args...)) }
func (i *inner) Logf(format string, args ...any)   { i.say(&i.logs, fmt.Sprintf(format, args...)) }
func (i *inner) Fatal(args ...any)                 { i.say(&i.errors, fmt.Sprint(args...)); runtime.Goexit() }
func (i *inner) Fatalf(format string, args ...any) { i.Errorf(format, args...); runtime.Goexit() }

func (i *inner) Failed() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.errors) > 0
}

// test runs a test to its end, and returns what was told.
func test(t testing.TB, name string, f func(t testing.TB)) *inner {
	i := &inner{TB: t, name: name}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(i)
	}()
	<-done
	for len(i.cleanups) > 0 {
		last := i.cleanups[len(i.cleanups)-1]
		i.cleanups = i.cleanups[:len(i.cleanups)-1]
		last()
	}
	i.mu.Lock()
	i.over = true
	i.mu.Unlock()
	return i
}

// passes is test for one that must not fail.
func passes(t *testing.T, name string, f func(t testing.TB)) *inner {
	t.Helper()
	i := test(t, name, f)
	if i.Failed() {
		t.Errorf("%s: %q", name, i.errors)
	}
	return i
}

const (
	exampleService = "https://um.example.com/UnifiedMessaging/Service.asmx"
	exampleCall    = "YzFlZGIyNGQtNWQ1Yi00MTMxLTg3MTgtOTFkYmRiYWZhYThmQHVtMDEudm9pY2UuZXhhbXBsZS5uZXQ="
	otherCall      = "M2YwYzZiNTItOGExZS00ZDM3LTljNTUtMWU3YTBiOWQyNGY2QHVtMDEudm9pY2UuZXhhbXBsZS5uZXQ="
)

func disconnect(id string) string { return ask("Disconnect", "<CallId>"+id+"</CallId>") }

func ask(operation, children string) string {
	return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><` + operation + ` xmlns="` + um.MessagesNS + `">` + children + `</` + operation + `></s:Body></s:Envelope>`
}

// post returns the answer's status and body, and which interaction it came from.
func post(t testing.TB, client *http.Client, url, body string) (status int, answer, from string) {
	t.Helper()
	req, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatalf("%v", err)
	}
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	req.Header.Set("Authorization", "Basic c2VjcmV0OnNlY3JldA==")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return resp.StatusCode, string(b), resp.Header.Get(cassettes.HeaderInteraction)
}

// way is a way in: what it gives to a test is a client, and the server's URL for it.
type way struct {
	name  string
	start func(t testing.TB, o Tape, cassette, server string) (client *http.Client, url string)
}

var ways = []way{
	{"Client", func(t testing.TB, o Tape, cassette, server string) (*http.Client, string) {
		return o.Client(t, cassette), server
	}},
	{"Server", func(t testing.TB, o Tape, cassette, server string) (*http.Client, string) {
		o.Reverse = server
		return http.DefaultClient, o.Server(t, cassette)
	}},
	{"Proxy", func(t testing.TB, o Tape, cassette, server string) (*http.Client, string) {
		return o.Proxy(t, cassette).Client(), server
	}},
}

// Each way in answers from the cassette, in order, to each test anew; and what
// nothing answers fails the test with what it was and what to do.
func TestReplay(t *testing.T) {
	for _, w := range ways {
		hit := func(t testing.TB) {
			client, url := w.start(t, Tape{}, "testdata/hangup.yaml", "https://um.example.com")
			for _, want := range []string{"hangup.yaml#3", "hangup.yaml#4", "hangup.yaml#4"} {
				if status, answer, from := post(t, client, url+um.Path2007, disconnect(exampleCall)); from != want {
					t.Errorf("%d %s from %s, want %s", status, answer, from, want)
				}
			}
		}
		for range 2 {
			passes(t, "TestHit"+w.name, hit)
		}
		miss := test(t, "TestMiss/"+w.name, func(t testing.TB) {
			client, url := w.start(t, Tape{}, "testdata/hangup.yaml", "https://um.example.com")
			if status, answer, _ := post(t, client, url+um.Path2007, disconnect(otherCall)); status != 500 || !strings.Contains(answer, "Fault") {
				t.Errorf("%d %s", status, answer)
			}
		})
		want := "tapetest: no recorded interaction answers this Disconnect: nearest is hangup.yaml#3, which differs at Body/Disconnect/CallId: text differs; Tape.Any CallId or Tape.Ignore CallId would let it match\n" +
			"    record testdata/hangup.yaml anew with the server: UMTAPE_MODE=record go test -count=1 -run '^TestMiss$/^" + w.name + "$'"
		if len(miss.errors) != 1 || miss.errors[0] != want {
			t.Errorf("%s: a miss says %q", w.name, miss.errors)
		}
	}
	passes(t, "TestAnyCall", func(t testing.TB) {
		client := Tape{Any: []string{"CallId"}, Repeat: cassettes.RepeatFail}.Client(t, "testdata/hangup.yaml")
		if status, answer, from := post(t, client, "https://um.example.com"+um.Path2007, disconnect(otherCall)); from != "hangup.yaml#3" {
			t.Errorf("%d %s from %s", status, answer, from)
		}
	})
	wrong := test(t, "TestRules", func(t testing.TB) { Tape{Ignore: []string{"m:CallId"}}.Client(t, "testdata/hangup.yaml") })
	if len(wrong.errors) != 1 || !strings.Contains(wrong.errors[0], "has a prefix") {
		t.Errorf("a bad rule says %q", wrong.errors)
	}
	several := test(t, "TestMiss", func(t testing.TB) {
		post(t, Client(t, "testdata/hangup.yaml"), exampleService, ask("PlayOnPhone", "<entryId>BBBB</entryId><DialString>1</DialString>"))
	})
	if len(several.errors) != 1 || !strings.Contains(several.errors[0], "\n    Body/PlayOnPhone/entryId: text differs\n    Body/PlayOnPhone/DialString: text differs\n") {
		t.Errorf("a miss says %q", several.errors)
	}
}

// What a test asks in one way has been asked in the others.
func TestWaysOfOneTestTakeTurns(t *testing.T) {
	passes(t, "TestBoth", func(t testing.TB) {
		client, url := Client(t, "testdata/hangup.yaml"), Server(t, "./testdata/hangup.yaml")
		_, _, first := post(t, client, exampleService, disconnect(exampleCall))
		_, _, second := post(t, http.DefaultClient, url+um.Path2007, disconnect(exampleCall))
		if first != "hangup.yaml#3" || second != "hangup.yaml#4" {
			t.Errorf("%s, then %s", first, second)
		}
	})
}

// What one says of the cassette is not passed over because another came first.
func TestRulesOfOneTestAreOne(t *testing.T) {
	for _, o := range []Tape{{Any: []string{"CallId"}}, {Ignore: []string{"CallId"}}, {MatchHeaders: []string{"X"}}, {Repeat: cassettes.RepeatFail}, {All: true}} {
		i := test(t, "TestTwo", func(t testing.TB) {
			Client(t, "testdata/hangup.yaml")
			o.Client(t, "testdata/hangup.yaml")
		})
		if len(i.errors) != 1 || !strings.Contains(i.errors[0], "this test uses testdata/hangup.yaml already, with another Ignore") {
			t.Errorf("%+v: %q", o, i.errors)
		}
	}
	passes(t, "TestSame", func(t testing.TB) {
		any := []string{"CallId"}
		Tape{Any: any}.Client(t, "testdata/hangup.yaml")
		Tape{Any: any, Ignore: []string{}, Reverse: "https://um.example.com"}.Server(t, "testdata/hangup.yaml")
	})
}

// odd is a test of a type that cannot be the key of a map.
type odd struct {
	testing.TB
	_ []int
}

func TestAnyTB(t *testing.T) {
	passes(t, "TestOdd", func(t testing.TB) {
		client, url := Client(odd{TB: t}, "testdata/hangup.yaml"), Server(odd{TB: t}, "testdata/hangup.yaml")
		_, _, first := post(t, client, exampleService, disconnect(exampleCall))
		_, _, second := post(t, http.DefaultClient, url+um.Path2007, disconnect(exampleCall))
		if first != "hangup.yaml#3" || second != "hangup.yaml#4" {
			t.Errorf("%s, then %s", first, second)
		}
	})
}

func TestAllUsed(t *testing.T) {
	i := test(t, "TestAllUsed", func(t testing.TB) {
		client := Tape{AllUsed: true}.Client(t, "testdata/hangup.yaml")
		post(t, client, exampleService, disconnect(exampleCall))
	})
	if len(i.errors) != 1 || i.errors[0] != "tapetest: 4 of the interactions of testdata/hangup.yaml answered nothing: hangup.yaml#0, hangup.yaml#1, hangup.yaml#2, hangup.yaml#4" {
		t.Errorf("%q", i.errors)
	}
}

// Nobody is answered, and nobody told, after the test.
func TestAfterTheEnd(t *testing.T) {
	var client *http.Client
	var server string
	passes(t, "TestShort", func(t testing.TB) {
		client, server = Client(t, "testdata/hangup.yaml"), Server(t, "testdata/hangup.yaml")
	})
	if _, err := client.Post(exampleService, "text/xml", strings.NewReader(disconnect(otherCall))); err == nil || !strings.Contains(err.Error(), "the test TestShort has ended") {
		t.Errorf("%v", err)
	}
	if _, err := http.Get(server); err == nil {
		t.Error("the server still answers")
	}
}

// A request that has begun in the test and goes on after it is not told of.
func TestMissAfterTheEnd(t *testing.T) {
	body, rest := io.Pipe()
	answered := make(chan int, 1)
	passes(t, "TestShort", func(t testing.TB) {
		client := Client(t, "testdata/hangup.yaml")
		go func() {
			resp, err := client.Post(exampleService, "text/xml", body)
			if err != nil {
				answered <- 0
				return
			}
			resp.Body.Close()
			answered <- resp.StatusCode
		}()
		io.WriteString(rest, "<a>") // by now it has begun
	})
	rest.Close()
	if status := <-answered; status != 500 {
		t.Errorf("status %d", status)
	}
}

func TestWrongUse(t *testing.T) {
	for want, f := range map[string]func(t testing.TB){
		"there is no cassette testdata/TestX/a_b.yaml; record it with the server: UMTAPE_MODE=record go test -count=1 -run '^TestX$/^a_b$'": func(t testing.TB) { Client(t, "") },
		`Tape.Reverse "um.example.com" is not a URL such as https://um.example.com`:                                                         func(t testing.TB) { Tape{Reverse: "um.example.com"}.Server(t, "testdata/hangup.yaml") },
		"tapetest: example_test.go": func(t testing.TB) { Proxy(t, "example_test.go") },
	} {
		if i := test(t, "TestX/a_b", f); len(i.errors) != 1 || !strings.Contains(i.errors[0], want) {
			t.Errorf("%q, want %q", i.errors, want)
		}
	}
	t.Setenv(modeVariable, "both")
	if i := test(t, "TestX", func(t testing.TB) { Client(t, "testdata/hangup.yaml") }); len(i.errors) != 1 || !strings.Contains(i.errors[0], "UMTAPE_MODE=both is neither record nor replay") {
		t.Errorf("%q", i.errors)
	}
	t.Setenv(modeVariable, "record")
	if i := test(t, "TestX", func(t testing.TB) { Server(t, filepath.Join(t.TempDir(), "x.yaml")) }); len(i.errors) == 0 || !strings.Contains(i.errors[0], "Tape{Reverse:") {
		t.Errorf("%q", i.errors)
	}
}

// Two names that differ in case alone are one file elsewhere.
func TestOneFileElsewhere(t *testing.T) {
	t.Setenv(modeVariable, "record")
	dir := t.TempDir()
	test(t, "TestX", func(t testing.TB) { Client(t, filepath.Join(dir, "upper.yaml")) })
	if i := test(t, "TestX", func(t testing.TB) { Client(t, filepath.Join(dir, "UPPER.yaml")) }); len(i.errors) != 1 || !strings.Contains(i.errors[0], "are one file on Windows and macOS") {
		t.Errorf("%q", i.errors)
	}
}

// umServer is a UM server that tells one call from the next.
func umServer(t *testing.T) *httptest.Server {
	server := httptest.NewServer(umserver.New(umserver.Options{}))
	t.Cleanup(server.Close)
	return server
}

// What is recorded in a way answers in it, when the server is gone.
func TestRecord(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, w := range ways {
		server := httptest.NewServer(umserver.New(umserver.Options{}))
		var answers [2][]string
		for n, mode := range []string{"record", "replay"} {
			t.Setenv(modeVariable, mode)
			passes(t, "TestRecord/by:"+w.name, func(t testing.TB) {
				client, url := w.start(t, Tape{AllUsed: true}, "", server.URL)
				for _, body := range []string{ask("PlayOnPhone", "<entryId>AAAAAA==</entryId><DialString>5550142</DialString>"), disconnect(otherCall)} {
					status, answer, _ := post(t, client, url+um.Path2007, body)
					answers[n] = append(answers[n], fmt.Sprint(status, " ", answer))
				}
			})
			server.Close()
		}
		if len(answers[0]) != 2 || strings.Join(answers[0], "\n") != strings.Join(answers[1], "\n") {
			t.Errorf("%s: recorded %q, replayed %q", w.name, answers[0], answers[1])
		}
		files, err := filepath.Glob("testdata/TestRecord/by_" + w.name + "-????????.yaml")
		if err != nil || len(files) != 1 {
			t.Fatalf("%s: %v, %v", w.name, files, err)
		}
		if data, err := os.ReadFile(files[0]); err != nil || bytes.Contains(data, []byte("c2VjcmV0")) {
			t.Errorf("%s: a secret is on tape, %v", w.name, err)
		}
	}
}

// recordedBy has tests record to one cassette, one after another or all at once,
// and returns the CallIds of the interactions that are in it then.
func recordedBy(t *testing.T, server, path string, atOnce bool, tests ...string) []string {
	t.Helper()
	var all sync.WaitGroup
	for _, name := range tests {
		one := func() {
			passes(t, name, func(t testing.TB) { post(t, Client(t, path), server+um.Path2007, disconnect(name)) })
		}
		if atOnce {
			all.Go(one)
		} else {
			one()
		}
	}
	all.Wait()
	tape, err := cassettes.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	var calls []string
	for _, i := range tape.Interactions {
		calls = append(calls, i.Umtape.Call)
	}
	return calls
}

// Tests that record to one cassette add to it; when they begin over, so does it.
func TestTestsShareACassette(t *testing.T) {
	t.Setenv(modeVariable, "record")
	server, path := umServer(t), filepath.Join(t.TempDir(), "shared.yaml")
	for round := range 3 {
		if got := recordedBy(t, server.URL, path, false, "TestA", "TestB", "TestC"); strings.Join(got, " ") != "TestA TestB TestC" {
			t.Errorf("round %d: %q", round, got)
		}
	}
	var many []string
	for n := range 20 {
		many = append(many, fmt.Sprint("TestMany/", n))
	}
	path = filepath.Join(t.TempDir(), "many.yaml")
	if got := recordedBy(t, server.URL, path, true, many...); len(got) != len(many) {
		t.Errorf("%d interactions of %d tests: %q", len(got), len(many), got)
	}
	t.Setenv(modeVariable, "replay")
	var all sync.WaitGroup
	for _, name := range many {
		all.Go(func() {
			passes(t, name, func(t testing.TB) {
				post(t, Client(t, path), server.URL+um.Path2007, disconnect(name))
				post(t, Proxy(t, path).Client(), server.URL+um.Path2007, disconnect(name))
			})
		})
	}
	all.Wait()
}

// A recording that comes to nothing says so, and leaves the cassette.
func TestRecordsNothing(t *testing.T) {
	t.Setenv(modeVariable, "record")
	server := umServer(t)
	path := filepath.Join(t.TempDir(), "calls.yaml")
	passes(t, "TestGood", func(t testing.TB) { post(t, Client(t, path), server.URL+um.Path2007, disconnect(otherCall)) })
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		i := test(t, "TestGood", func(t testing.TB) {
			resp, err := Client(t, path).Get(server.URL)
			if err == nil {
				resp.Body.Close()
			}
		})
		if len(i.errors) != 1 || !strings.HasPrefix(i.errors[0], "tapetest: nothing was recorded to ") {
			t.Errorf("%q", i.errors)
		}
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the cassette has become %s, %v", after, err)
	}
	passes(t, "TestAll", func(t testing.TB) {
		resp, err := Tape{All: true}.Client(t, path+".all").Get(server.URL)
		if err == nil {
			resp.Body.Close()
		}
	})
}

// An answer that nobody has read is not on tape, and the test is told so.
func TestRecordsWhatIsRead(t *testing.T) {
	t.Setenv(modeVariable, "record")
	server := umServer(t)
	path := filepath.Join(t.TempDir(), "calls.yaml")
	i := test(t, "TestUnread", func(t testing.TB) {
		client := Client(t, path)
		post(t, client, server.URL+um.Path2007, disconnect(otherCall))
		if _, err := client.Post(server.URL+um.Path2007, "text/xml", strings.NewReader(disconnect(exampleCall))); err != nil {
			t.Errorf("%v", err)
		}
	})
	if len(i.errors) != 1 || !strings.HasPrefix(i.errors[0], "tapetest: not recorded in ") {
		t.Errorf("%q", i.errors)
	}
}

// Another program uses the proxy by its environment.
func TestEnviron(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("needs curl")
	}
	passes(t, "TestCurl", func(t testing.TB) {
		p := Tape{}.Proxy(t, "testdata/hangup.yaml")
		cmd := exec.Command("curl", "-sS", "-i", "-H", "Content-Type: text/xml", "-d", disconnect(exampleCall), exampleService)
		cmd.Env = p.Environ()
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "hangup.yaml#3") {
			t.Errorf("%v: %s", err, out)
		}
	})
}

// A server's path counts in replays too.
func TestReverseWithAPath(t *testing.T) {
	passes(t, "TestPath", func(t testing.TB) {
		u := Tape{Reverse: "https://um.example.com/UnifiedMessaging/"}.Server(t, "testdata/hangup.yaml")
		if _, _, from := post(t, http.DefaultClient, u+"/Service.asmx", disconnect(exampleCall)); from != "hangup.yaml#3" {
			t.Errorf("answered from %q", from)
		}
	})
	var got *url.URL
	b := below{"/a%2Fb", roundTrip(func(r *http.Request) { got = r.URL })}
	req := httptest.NewRequest("GET", "/c%20d?e=f", nil)
	req.URL.Host = ""
	b.RoundTrip(req)
	if got.RequestURI() != "/a%2Fb/c%20d?e=f" || got.Host != "" {
		t.Errorf("%s", got)
	}
}

type roundTrip func(*http.Request)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { f(r); return nil, nil }
