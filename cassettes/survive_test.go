package cassettes

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	yaml4 "go.yaml.in/yaml/v4"
	"gopkg.in/dnaeon/go-vcr.v3/cassette"
	vcr4 "gopkg.in/dnaeon/go-vcr.v4/pkg/cassette"
)

// count returns how often a test is to try: what the variable says, or n.
func count(t testing.TB, variable string, n int) int {
	t.Helper()
	if s := os.Getenv(variable); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatalf("%s: %v", variable, err)
		}
	}
	return n
}

// stock4 loads with go-vcr v4, whose parser of YAML is another one.
func stock4(t testing.TB, path string) *vcr4.Cassette {
	t.Helper()
	c, err := vcr4.Load(strings.TrimSuffix(path, ".yaml"))
	if err != nil {
		t.Fatalf("go-vcr v4 cannot load it: %v", err)
	}
	return c
}

// asStock3 is what go-vcr v4 loaded, as v3 has it.
func asStock3(i *vcr4.Interaction) *cassette.Interaction {
	return &cassette.Interaction{ID: i.ID, Request: cassette.Request(i.Request), Response: cassette.Response(i.Response)}
}

// hostilePieces is what bodies are put together from.
var hostilePieces = []string{
	" ", "  ", "\t", "\n", "\n\n", "\r", "\r\n", "\ufeff", "\x00", "\x01", "\x1b", "\x7f", "\u0085", "\u00a0", "\u2028", "\u2029",
	"\ud7ff", "\ue000", "\ufffd", "\ufffe", "\uffff", "\U0010ffff", "\xff", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "é", "😀",
	"-", "- ", "---\n", "...\n", ":", ": ", "#", " # ", "? ", "|", ">", "|2-\n", "{", "}", "[", "]", ",", "&a ", "*a", "!!binary ", "!!str", "%YAML 1.1\n", "@", "`",
	"\"", "'", "\\", "\\x", "~", "null", "true", "no", "1e3", "0x1", ".nan", "<<", "=", "2026-11-23", "12:30:45",
	"a", "<a>", "</a>", "<?xml version=\"1.0\"?>", "    - id: 1\n", "        checksum: crc32c:00000000\n", "interactions:\n", "version: 2\n", "umtape:\n",
}

// text is a string that writers and readers of YAML may get wrong, the same for
// the same r. messages are real ones to be spoiled.
func hostileText(r *rand.Rand, messages []string) string {
	var b strings.Builder
	pieces := func(n int) {
		for range r.IntN(n) {
			b.WriteString(hostilePieces[r.IntN(len(hostilePieces))])
		}
	}
	switch r.IntN(6) {
	case 0: // any bytes
		for range r.IntN(40) {
			b.WriteByte(byte(r.IntN(256)))
		}
	case 1: // any characters
		for range r.IntN(20) {
			b.WriteRune(rune(r.IntN(0x110000)))
		}
	case 2: // known to be hard, with something before and after
		pieces(3)
		b.WriteString(hostile[r.IntN(len(hostile))])
		pieces(3)
	case 3: // a message with something in it that does not belong there
		m := messages[r.IntN(len(messages))]
		at := r.IntN(len(m) + 1)
		b.WriteString(m[:at])
		pieces(4)
		b.WriteString(m[at:])
	case 4: // long lines, which writers fold
		for range 1 + r.IntN(4) {
			b.WriteString(strings.Repeat(hostilePieces[r.IntN(len(hostilePieces))]+"x", r.IntN(200)))
			pieces(2)
		}
	default:
		pieces(14)
	}
	return b.String()
}

// hostileInteraction has such text wherever the file has strings.
func hostileInteraction(r *rand.Rand, messages []string) *Interaction {
	text := func() string { return hostileText(r, messages) }
	i := tiny(0)
	i.Request.Body, i.Response.Body = text(), text()
	// Where a message does not belong a piece of one is enough.
	short := func() string { s := text(); return s[:min(len(s), 100)] }
	i.Request.URL, i.Request.Host, i.Request.RequestURI, i.Response.Status = short(), short(), short(), short()
	i.Request.Headers = http.Header{short(): {short(), short()}, "Content-Type": {short()}}
	i.Response.Headers = http.Header{short(): {short()}}
	i.Request.Trailer, i.Response.Trailer = http.Header{short(): {short()}}, http.Header{short(): {short(), ""}}
	i.Umtape.Note, i.Umtape.Call = short(), short()
	return i
}

func someMessages(t testing.TB) []string {
	return []string{message(t, "documented-disconnect-request.xml"), message(t, "documented-disconnect-response.xml"), message(t, "disconnect-fault-invalid-callid.xml")}
}

// TestEveryByteSurvives: whatever is recorded comes back to the last byte, from
// Load, from Open, and from stock go-vcr v3 and v4. UMTAPE_CASES says how many
// interactions are tried, each with two bodies and 15 other strings; UMTAPE_SEED
// has others tried.
func TestEveryByteSurvives(t *testing.T) {
	const perFile = 500
	cases, seed := count(t, "UMTAPE_CASES", 2000), count(t, "UMTAPE_SEED", 1)
	messages := someMessages(t)
	path := tape(t)
	var bytes int64
	for from := 0; from < cases; from += perFile {
		list := make([]*Interaction, min(perFile, cases-from))
		for n := range list {
			list[n] = hostileInteraction(rand.New(rand.NewPCG(uint64(seed), uint64(from+n))), messages)
		}
		w := createOn(t, quickDisk{}, path, Replace)
		add(t, w, list...)
		closed(t, w)
		bytes += survives(t, path, list)
		if t.Failed() {
			t.Fatalf("seed %d, among the %d from %d on", seed, len(list), from)
		}
	}
	t.Logf("%d interactions, %d MiB of cassettes: none altered, none that cannot be loaded", cases, bytes>>20)
}

// survives compares what four readers say is in the file, and returns its size.
func survives(t *testing.T, path string, want []*Interaction) int64 {
	t.Helper()
	ours, v3, v4 := load(t, path), stock(t, path), stock4(t, path)
	if len(ours.Interactions) != len(want) || len(v3.Interactions) != len(want) || len(v4.Interactions) != len(want) {
		t.Fatalf("%d interactions written, %d loaded, %d by go-vcr v3, %d by v4", len(want), len(ours.Interactions), len(v3.Interactions), len(v4.Interactions))
	}
	for n, i := range want {
		equal(t, ours.Interactions[n], i)
		sameAsStock(t, v3.Interactions[n], i)
		sameAsStock(t, asStock3(v4.Interactions[n]), i)
		if t.Failed() {
			t.Fatalf("interaction %d of the file", n)
		}
	}
	r := open(t, path, OpenOptions{})
	defer r.Close()
	asLoaded(t, "opened", r, ours)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// TestLongBodiesSurvive: 10 MiB in each form that a body has in the file; of the
// forms that take parsers of YAML long, that much only when UMTAPE_CASES is set.
func TestLongBodiesSurvive(t *testing.T) {
	path := tape(t)
	for name, piece := range map[string]string{
		"lines": "<a>0123456789</a>\n", "one line": "<a>0123456789</a>", "quoted": "\t\r\n<a>é</a>", "binary": "\xff\x00a", "spaces": " ",
		"line breaks": "\n", "blanks before lines": "  \n x\n",
	} {
		t.Run(name, func(t *testing.T) {
			size := 1 << 20
			if name == "lines" || os.Getenv("UMTAPE_CASES") != "" {
				size = 10 << 20
			}
			i := sample(t, 0)
			i.Request.Body = strings.Repeat(piece, size/len(piece)+1)
			i.Response.Body = "<a>" + i.Request.Body
			write(t, path, i)
			survives(t, path, []*Interaction{i})
		})
	}
}

// stockWriters are how go-vcr, v3 and v4, saves and loads interactions.
var stockWriters = map[string]struct {
	save func(name string, list []*Interaction) error
	load func(name string) ([]*cassette.Interaction, error)
}{
	"v3": {
		func(name string, list []*Interaction) error {
			c := cassette.New(name)
			for _, i := range list {
				c.AddInteraction(&i.Interaction)
			}
			return c.Save()
		},
		func(name string) ([]*cassette.Interaction, error) {
			c, err := cassette.Load(name)
			if err != nil {
				return nil, err
			}
			return c.Interactions, nil
		},
	},
	"v4": {
		func(name string, list []*Interaction) error {
			c := vcr4.New(name)
			c.MarshalFunc = yaml4.Marshal // as its recorder does
			for _, i := range list {
				c.AddInteraction(&vcr4.Interaction{Request: vcr4.Request(i.Request), Response: vcr4.Response(i.Response)})
			}
			return c.Save()
		},
		func(name string) (list []*cassette.Interaction, err error) {
			c, err := vcr4.Load(name)
			if err != nil {
				return nil, err
			}
			for _, i := range c.Interactions {
				list = append(list, asStock3(i))
			}
			return list, nil
		},
	},
}

// filled makes no difference between what is empty and what is left out, as v4
// does with some fields.
func filled(i *cassette.Interaction) {
	for _, h := range []*http.Header{&i.Request.Headers, &i.Request.Trailer, &i.Response.Headers, &i.Response.Trailer} {
		if *h == nil {
			*h = http.Header{}
		}
	}
	if i.Request.Form == nil {
		i.Request.Form = url.Values{}
	}
}

// TestStockFilesLoad: a file by stock go-vcr means to us what it does to go-vcr.
// What go-vcr itself cannot load again, or loads altered, is counted and told.
func TestStockFilesLoad(t *testing.T) {
	cases, seed := count(t, "UMTAPE_CASES", 2000)/4, count(t, "UMTAPE_SEED", 1)
	messages := someMessages(t)
	for version, vcr := range stockWriters {
		t.Run(version, func(t *testing.T) {
			path := tape(t)
			name := strings.TrimSuffix(path, ".yaml")
			refused, altered := 0, 0
			for n := range cases {
				i := hostileInteraction(rand.New(rand.NewPCG(uint64(seed), uint64(n))), messages)
				if err := vcr.save(name, []*Interaction{i}); err != nil {
					t.Fatal(err)
				}
				want, err := vcr.load(name)
				c, ourErr := Load(path)
				if err != nil {
					refused++
					if ourErr != nil && !strings.HasPrefix(ourErr.Error(), path+": ") {
						t.Errorf("case %d: %v", n, ourErr)
					}
					continue
				}
				if ourErr != nil {
					t.Fatalf("case %d: go-vcr loads it, we do not: %v\n%s", n, ourErr, readAll(t, path))
				}
				if fmt.Sprint(want[0].Request.Body, want[0].Response.Body) != fmt.Sprint(i.Request.Body, i.Response.Body) {
					altered++
				}
				filled(want[0])
				filled(&c.Interactions[0].Interaction)
				sameAsStock(t, want[0], c.Interactions[0])
				if t.Failed() {
					t.Fatalf("case %d", n)
				}
			}
			t.Logf("%d files by go-vcr %s: we load what it loads, as it does. %d it cannot load again itself, %d with other bodies", cases, version, refused, altered)
		})
	}
}
