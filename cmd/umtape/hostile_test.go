package main

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	rtmetrics "runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"gopkg.in/dnaeon/go-vcr.v3/cassette"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/inspect/um"
)

// hostileBody is a body that is there to be hard to read.
type hostileBody struct {
	contentType string // text/xml if ""
	body        []byte
}

// hostileBodies are bodies of about n bytes each, by what is wrong with them.
func hostileBodies(n int) map[string]hostileBody {
	const open, end = `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>`, `</soap:Body></soap:Envelope>`
	const um = `xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"`
	// fill repeats what f gives until there is enough of it.
	fill := func(f func(k int) string) string {
		var b strings.Builder
		for k := 0; b.Len() < n; k++ {
			b.WriteString(f(k))
		}
		return b.String()
	}
	of := func(s string) string { return fill(func(int) string { return s }) }
	soap := func(inner string) string { return open + `<Disconnect ` + um + `>` + inner + `</Disconnect>` + end }
	utf16le := func(s string) []byte {
		var b []byte
		for _, u := range utf16.Encode([]rune(s)) {
			b = binary.LittleEndian.AppendUint16(b, u)
		}
		return b
	}
	declared := func(space int) string {
		return fill(func(k int) string { return fmt.Sprintf(` xmlns:p%d="urn:%d"`, k%space, k) })
	}
	texts := map[string]string{
		"entity bomb":                     `<!DOCTYPE a [<!ENTITY e0 "ha">` + fill(func(k int) string { return fmt.Sprintf(`<!ENTITY e%d "&e%d;&e%d;">`, k+1, k, k) }) + `]>` + soap("&e30;"),
		"one entity often":                `<!DOCTYPE a [<!ENTITY e "` + strings.Repeat("x", n/2) + `">]>` + soap(strings.Repeat("&e;", n/6)),
		"external entity":                 `<!DOCTYPE a SYSTEM "file:///etc/passwd" [<!ENTITY % p SYSTEM "http://127.0.0.1/">%p;]>` + soap(of(" ")),
		"DOCTYPE in lower case":           `<!doctype a []>` + soap(of("x")),
		"DOCTYPE in the Body":             soap(`<!DOCTYPE a>` + of("x")),
		"DOCTYPE never closed":            `<!DOCTYPE a [` + of("<!ELEMENT a (b)>"),
		"deep":                            soap(strings.Repeat("<a>", n/7) + strings.Repeat("</a>", n/7)),
		"deep and never closed":           open + of("<a>"),
		"only end tags":                   open + of("</a>"),
		"as deep as is read":              soap(fill(func(int) string { return strings.Repeat("<a>", 60) + strings.Repeat("</a>", 60) })),
		"attributes":                      soap(`<CallId` + fill(func(k int) string { return fmt.Sprintf(` a%d=""`, k) }) + `/>`),
		"attributes of many elements":     soap(fill(func(int) string { return "<a" + strings.Repeat(" b='1'", 1) + fill200() + "/>" })),
		"one attribute often":             soap(`<CallId` + of(` a=""`) + `/>`),
		"namespaces on one element":       open + `<Disconnect` + declared(1<<30) + `/>` + end,
		"one prefix declared often":       open + `<Disconnect` + declared(1) + `/>` + end,
		"namespaces at every depth":       open + fill(func(k int) string { return nest(k) }) + end,
		"prefixes from far above":         open + `<p0:Disconnect` + declare200() + `>` + fill(func(k int) string { return fmt.Sprintf("<p%d:a/>", k%200) }) + `</p0:Disconnect>` + end,
		"every child its namespace":       open + `<Disconnect ` + um + `>` + fill(func(k int) string { return fmt.Sprintf(`<a xmlns="urn:%d"/>`, k) }) + `</Disconnect>` + end,
		"undeclared prefixes":             soap(fill(func(k int) string { return fmt.Sprintf("<q%d:a/>", k) })),
		"text":                            soap("<CallId>" + of("x") + "</CallId>"),
		"references":                      soap("<CallId>" + of("&lt;&#x41;") + "</CallId>"),
		"bad references":                  soap("<CallId>" + of("&#0;&#xD800;&nothing;") + "</CallId>"),
		"CDATA":                           soap("<CallId>" + of("<![CDATA[x]]>") + "</CallId>"),
		"one CDATA never closed":          open + "<a><![CDATA[" + of("]] >"),
		"comments":                        soap(of("<!--x-->")),
		"a comment never closed":          open + "<!--" + of("- -"),
		"comments before the root":        of("<!-- - -->") + soap(""),
		"instructions":                    soap(of("<?a b?>")),
		"XML declarations":                of(`<?xml version="1.0"?>`) + soap(""),
		"spaces":                          of(" \n\t") + soap(of("\r\n ")) + of("\n"),
		"many roots":                      of(soap("")),
		"many Bodies":                     strings.TrimSuffix(open, "<soap:Body>") + of("<soap:Body/>") + "</soap:Envelope>",
		"many operations":                 open + of(`<Disconnect `+um+`><CallId>x</CallId></Disconnect>`) + end,
		"many headers":                    strings.TrimSuffix(open, "<soap:Body>") + "<soap:Header>" + fill(func(k int) string { return fmt.Sprintf(`<h%d soap:mustUnderstand="1"/>`, k) }) + `</soap:Header><soap:Body><Disconnect ` + um + `/>` + end,
		"many CallIds":                    soap(of("<CallId>x</CallId>")),
		"many strange children":           soap(fill(func(k int) string { return fmt.Sprintf("<c%d/>", k) })),
		"two kinds in turn":               soap(of("<a>1</a><b/>")),
		"tags and nothing else":           soap(of("<a/>")),
		"tags after a name that is odd":   soap("<é/>" + of("<a/>")),
		"texts after a name that is odd":  soap("<é/>" + of("<aaaaaaaaa>1</aaaaaaaaa>")),
		"asides after a name that is odd": soap("<é/>" + of("<!----><?a?>]\r")),
		"CDATA after a name that is odd":  soap("<é/>" + of("<![CDATA[]]>")),
		"attributes after an odd name":    soap("<é/>" + fill(func(int) string { return "<a" + fill200() + "/>" })),
		"names and nothing else":          soap(fill(func(k int) string { return fmt.Sprintf("<a%030d/>", k) })),
		"empty values of attributes":      soap(fill(func(int) string { return `<a b="" c="" d="" e="" f="" g=""/>` })),
		"ints":                            soap(of("<int>5</int>")),
		"line breaks in attributes":       soap(of("<a b='\n\t'/>")),
		"types that are declared far":     soap(fill(func(k int) string { return `<a xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="soap:x"/>` })),
		"a CallId in base64":              soap("<CallId>" + of("QUFB") + "</CallId>"),
		"a CallId on many lines":          soap("<CallId>" + of("QUFB\r\n") + "</CallId>"),
		"a name":                          soap("<" + of("n") + "/>"),
		"a prefix":                        soap("<" + of("p") + ":a/>"),
		"colons":                          soap("<" + of(":") + "/>"),
		"a namespace":                     open + `<a xmlns="` + of("u") + `"/>` + end,
		"an attribute value":              soap(`<a b="` + of("&quot;<'") + `"/>`),
		"quotes never closed":             open + `<a b="` + of("x"),
		"open brackets":                   open + of("<"),
		"half tags":                       open + of("<a b="),
		"bad UTF-8":                       soap("<CallId>" + of("\xff\xfe\xc0\x80\xed\xa0\x80") + "</CallId>"),
		"control characters":              soap("<CallId>" + of("\x00\x01\x1b[31m\u202e\ufffe") + "</CallId>"),
		"byte order marks":                of("\ufeff") + soap(""),
		"UTF-16 that is none":             `<?xml version="1.0" encoding="utf-16"?>` + soap("<CallId>"+of("x")+"</CallId>"),
		"an encoding nobody knows":        `<?xml version="1.0" encoding="x-` + strings.Repeat("y", 200) + `"?>` + soap(of("x")),
		"another encoding":                `<?xml version="1.0" encoding="iso-8859-1"?>` + soap("<CallId>"+of("\xe4\xa4")+"</CallId>"),
		"UTF-7":                           `<?xml version="1.0" encoding="utf-7"?>+ADw-` + soap(of("+ADw-")),
		"JSON":                            of(`{"a":[`),
		"nothing but zeros":               of("\x00"),
	}
	list := map[string]hostileBody{}
	for name, text := range texts {
		list[name] = hostileBody{body: []byte(text)}
	}
	half := soap("<CallId>" + strings.Repeat("x", n/2) + "</CallId>")
	list["UTF-16"] = hostileBody{body: append([]byte("\xff\xfe"), utf16le(half)...)}
	list["UTF-16 without a mark"] = hostileBody{body: utf16le(half)}
	list["UTF-16 of odd length"] = hostileBody{body: append([]byte("\xff\xfe"), utf16le(half)[1:]...)}
	list["UTF-16, half of pairs"] = hostileBody{body: append([]byte("\xfe\xff"), bytes.Repeat([]byte{0xd8, 0}, n/2)...)}
	part := "--b\r\nContent-Type: text/xml\r\n\r\n"
	const related = `multipart/related; boundary=b; type="text/xml"; start="<root>"`
	list["many parts"] = hostileBody{related, []byte(of(part) + soap("") + "\r\n--b--")}
	list["parts in parts"] = hostileBody{`multipart/related; boundary=b`, []byte(fill(func(k int) string {
		return fmt.Sprintf("--b\r\nContent-Type: multipart/related; boundary=b%d\r\n\r\n--b%d\r\n", k, k)
	}))}
	list["fields of a part"] = hostileBody{related, []byte("--b\r\n" + fill(func(k int) string { return fmt.Sprintf("X-%d: y\r\n", k) }) + "\r\n" + soap("") + "\r\n--b--")}
	list["dashes"] = hostileBody{related, []byte("--b\r\n\r\n" + of("\r\n--") + "\r\n--b--")}
	list["a part in base64"] = hostileBody{"multipart/related; boundary=b", []byte("--b\r\nContent-Type: text/xml\r\nContent-Transfer-Encoding: base64\r\n\r\n" + of("QUFB\r\n") + "\r\n--b--")}
	return list
}

func fill200() (s string) {
	for k := range 200 {
		s += fmt.Sprintf(" c%d='1'", k)
	}
	return s
}

func declare200() (s string) {
	for k := range 200 {
		s += fmt.Sprintf(` xmlns:p%d="urn:%d"`, k, k)
	}
	return s
}

// nest is elements as deep as is read, each with namespaces of its own, and each name
// in one that was declared outermost.
func nest(k int) string {
	var b strings.Builder
	for d := range 60 {
		fmt.Fprintf(&b, `<p0:a xmlns:p%d="urn:%d" xmlns:q%d="urn:%d:%d">`, d, d, d, d, k)
	}
	return b.String() + strings.Repeat("</p0:a>", 60)
}

// hostileReadings are the ways in which a message is read. Each is given a body, alone or with
// what was made of it.
var hostileReadings = []struct {
	name string
	read func(r *inspect.Reading, body []byte)
}{
	{"read", func(r *inspect.Reading, _ []byte) { *r = *inspect.Read(r.Exchange) }},
	{"canonical", func(r *inspect.Reading, _ []byte) {
		if r.Request != nil {
			r.Request.AppendCanonical(nil, true)
		}
	}},
	{"check", func(r *inspect.Reading, _ []byte) { um.Check(r) }},
	{"step", func(r *inspect.Reading, _ []byte) {
		if s, ok := um.Step(r); ok {
			inspect.CallsOf([]inspect.Moment{{Step: s}})
		}
	}},
	{"shapes", func(r *inspect.Reading, _ []byte) {
		if r.Request == nil {
			return
		}
		var list inspect.Shapes
		key, _, _, _ := inspect.ShapeKeys(r, "")
		list.Add(key, r.Request, inspect.ShapeIn{})
		list.Groups()
	}},
	{"pretty", func(_ *inspect.Reading, body []byte) { inspect.Pretty(body) }},
	{"text", func(_ *inspect.Reading, body []byte) { inspect.Text(body) }},
	{"compare", func(r *inspect.Reading, _ []byte) {
		if r.Request != nil {
			inspect.Compare(r.Request, r.Request, 10)
		}
	}},
	{"distance", func(r *inspect.Reading, _ []byte) {
		if r.Request != nil {
			inspect.Distance(r.Request, r.Request)
		}
	}},
	{"full", func(r *inspect.Reading, _ []byte) {
		report.Full(io.Discard, report.Entry{Reading: r}, false, report.Look{Width: 80})
	}},
}

// TestHostileBodies: whatever is read, nothing panics, and what is allocated in all, a
// measure of the work that does not depend on the machine, grows with the input and no
// faster.
func TestHostileBodies(t *testing.T) {
	const n = 64 << 10
	small, large := hostileBodies(n), hostileBodies(2*n)
	for name, x := range small {
		took := [2]map[string]uint64{{}, {}}
		for k, body := range [][]byte{x.body, large[name].body} {
			r := hostileReading(x.contentType, body)
			for _, way := range hostileReadings {
				took[k][way.name] = allocated(func() { way.read(r, body) })
			}
		}
		for _, way := range hostileReadings {
			if a, b := took[0][way.name], took[1][way.name]; float64(b) > 2.6*float64(a)+256<<10 { // so much the collector may allocate beside
				t.Errorf("%s, %s: %d KiB allocated, and %d for an input twice as long", name, way.name, a>>10, b>>10)
			}
		}
	}
}

// TestHostileBodiesInMemory: all that is in memory at a time of a body that is read in any
// way stays within 10 times its size and 4 MiB, and, by processor time, what is four times
// as long takes not much more than four times as long.
//
// UMTAPE_HOSTILE=16 tries bodies of up to 16 MiB.
func TestHostileBodiesInMemory(t *testing.T) {
	sizes := []int{64 << 10, 256 << 10}
	most, _ := strconv.Atoi(os.Getenv("UMTAPE_HOSTILE"))
	for n := 1; n <= most; n *= 4 {
		sizes = append(sizes, n<<20)
	}
	took := map[string]time.Duration{} // at the size before
	for _, n := range sizes {
		bodies := hostileBodies(n)
		dir := t.TempDir() // or what is in memory would be the bodies
		types := map[string]string{}
		for name, x := range bodies {
			types[name] = x.contentType
			if err := os.WriteFile(filepath.Join(dir, name), x.body, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		bodies = nil
		var worst []string
		for _, name := range slices.Sorted(maps.Keys(types)) {
			body, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			var r *inspect.Reading
			read := func() {
				r = hostileReading(types[name], body)
				for _, way := range hostileReadings {
					way.read(r, body)
				}
			}
			// What is made while the collector runs counts as in use, however soon it is
			// let go; so the least of a few measurements is nearest to the truth.
			if n > sizes[0] {
				most, bound := held(read), 10*uint64(len(body))+4<<20
				for range 4 {
					if most <= bound {
						break
					}
					r = nil
					most = min(most, held(read))
				}
				if most > bound {
					t.Errorf("%s: %d KiB in memory for %d", name, most>>10, len(body)>>10)
				}
				worst = append(worst, fmt.Sprintf("%5.1f times the input: %s (%v)", float64(most)/float64(len(body)), name, inspect.Why(r.RequestErr)))
				r = nil
			}
			least := processorTime(t, read)
			for range 4 {
				if before := took[name]; before == 0 || least < 8*before+20*time.Millisecond {
					break
				}
				least = min(least, processorTime(t, read))
			}
			if before := took[name]; before > 0 && least >= 8*before+20*time.Millisecond {
				t.Errorf("%s: %v, and %v for a quarter of it", name, least, before)
			}
			took[name] = least
		}
		slices.Sort(worst)
		t.Logf("%d KiB:\n%s", n>>10, strings.Join(worst[max(0, len(worst)-8):], "\n"))
	}
}

func hostileReading(contentType string, body []byte) *inspect.Reading {
	return &inspect.Reading{Exchange: inspect.Exchange{Method: "POST", URL: "http://um.test" + um.PathLegacy, Status: 200,
		RequestHeader: http.Header{"Content-Type": {cmp.Or(contentType, "text/xml")}, "Soapaction": {`""`}}, RequestBody: body}}
}

// processorTime is what f takes of processors, the collector's part included.
func processorTime(t *testing.T, f func()) time.Duration {
	began := processorUsed(t)
	f()
	return processorUsed(t) - began
}

// allocated is how many bytes f allocates in all.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// held is how many bytes are in use at a time at most while f runs, and when it has
// ended, as far as the collector tells.
func held(f func()) (most uint64) {
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	runtime.GC()
	live := []rtmetrics.Sample{{Name: "/gc/heap/live:bytes"}}
	rtmetrics.Read(live)
	before := live[0].Value.Uint64()
	end, told := make(chan struct{}), make(chan uint64)
	go func() {
		most := before
		for {
			rtmetrics.Read(live)
			most = max(most, live[0].Value.Uint64())
			select {
			case <-end:
				told <- most - before
				return
			default:
				time.Sleep(200 * time.Microsecond) // which allocates nothing, as time.After does
			}
		}
	}()
	f()
	runtime.GC() // what f leaves counts as well
	close(end)
	return <-told
}

// TestMessagesTruncatedAnywhere: the messages of testdata, cut at every byte, read as
// what they are, or not at all.
func TestMessagesTruncatedAnywhere(t *testing.T) {
	files, err := filepath.Glob("../../testdata/messages/*.xml")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		whole := len(bytes.TrimRight(text, " \r\n"))
		for cut := range text {
			r := &inspect.Reading{Exchange: inspect.Exchange{Method: "POST", URL: "http://um.test" + um.PathLegacy, Status: 200,
				RequestHeader: http.Header{"Content-Type": {"text/xml"}, "Soapaction": {`""`}}, RequestBody: text[:cut], ResponseBody: text[cut:]}}
			for _, way := range hostileReadings {
				way.read(r, text[:cut])
			}
			if (r.Request != nil) != (cut >= whole) {
				t.Errorf("%s cut at %d of %d: %v", filepath.Base(file), cut, whole, r.RequestErr)
			}
		}
	}
}

// TestHostileCassette: the commands that read cassettes take one of such bodies, and a
// replay explains why another is not in it.
func TestHostileCassette(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hostile.yaml")
	w, err := cassettes.Create(path, cassettes.HeaderMeta{RecordedBy: "umtape test", Profile: "um"}, cassettes.Refuse, cassettes.SyncNever)
	if err != nil {
		t.Fatal(err)
	}
	bodies := hostileBodies(4 << 10)
	n := 0
	for name, x := range bodies {
		header := http.Header{"Content-Type": {cmp.Or(x.contentType, "text/xml")}}
		i := &cassettes.Interaction{Umtape: cassettes.Meta{Arrived: time.Date(2026, 11, 23, 10, 15, n, 0, time.UTC), Note: name}}
		i.Request = cassette.Request{Method: "POST", URL: "http://um.test" + um.PathLegacy, Host: "um.test", Headers: header, Body: string(x.body)}
		i.Response = cassette.Response{Code: 200, Headers: header, Body: string(x.body)}
		if err := w.Append(i); err != nil {
			t.Fatal(err)
		}
		n++
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	commands := []string{"validate", "validate --json", "validate --sarif -", "validate --junit -", "validate --github",
		"inspect", "inspect --wide", "inspect --json", "inspect --calls", "inspect --timeline", "inspect --shapes", "inspect --shapes --json", "inspect --faults", "audit"}
	for id := range n {
		commands = append(commands, fmt.Sprint("inspect --id ", id))
	}
	for _, args := range commands {
		var stdout, stderr strings.Builder
		code := run(t.Context(), append(strings.Fields(args), path), strings.NewReader(""), &stdout, &stderr)
		if code > 1 || strings.Contains(stderr.String(), "error: ") {
			t.Errorf("%s: exit %d: %s", args, code, stderr.String())
		}
		if len(args) < len("inspect --id 9") && strings.ContainsAny(stdout.String(), "\x00\x1b\u202e") {
			t.Errorf("%s prints control characters", args)
		}
	}
	p := cassettes.PlayOptions{}
	reel, err := cassettes.Open(path, cassettes.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer reel.Close()
	player := cassettes.PlayReels(p, reel)
	for name, x := range bodies {
		for _, body := range [][]byte{x.body, bytes.ReplaceAll(x.body, []byte("Disconnect"), []byte("GetCallInfo")), append([]byte("<!-- other -->"), x.body...), x.body[:len(x.body)/2]} {
			req, err := http.NewRequest("POST", "http://um.test"+um.PathLegacy, bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", cmp.Or(x.contentType, "text/xml"))
			req.Header.Set("SOAPAction", `""`)
			resp, err := player.RoundTrip(req)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			answer, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != 200 && resp.StatusCode != 500 {
				t.Errorf("%s: %d, %v", name, resp.StatusCode, err)
			}
			if miss := resp.Header.Get(cassettes.HeaderMiss); len(miss) > 2000 || miss != "" && len(answer) > 16<<10 {
				t.Errorf("%s: a miss of %d bytes, explained in %d", name, len(miss), len(answer))
			}
		}
	}
}
