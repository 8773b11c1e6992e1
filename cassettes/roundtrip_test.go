package cassettes

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"gopkg.in/dnaeon/go-vcr.v3/cassette"
	"gopkg.in/dnaeon/go-vcr.v3/recorder"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"github.com/umtape/umtape/inspect"
)

// What the file looks like is a promise: people review it, and go-vcr's users
// know the shape.
func TestLayout(t *testing.T) {
	path := tape(t)
	i := sample(t, 0)
	i.Umtape.Truncated, i.Umtape.Note = "response", "longer than 8 MiB: cut"
	write(t, path, i)
	want := `---
version: 2
umtape:
    format: 1
    recorded_by: umtape 0.1.0
    profile: um
    redact:
        - headers
        - ws-security
    kept: soap
interactions:
    - id: 0
      request:
        proto: HTTP/1.1
        proto_major: 1
        proto_minor: 1
        content_length: 388
        transfer_encoding: []
        trailer: {}
        host: um01.contoso.test
        remote_addr: "127.0.0.1:53412"
        request_uri: /EWS/UM2007Legacy.asmx
        body: |
BODY0        form: {}
        headers:
            Content-Type:
                - text/xml; charset=utf-8
            SOAPAction:
                - "\"http://schemas.microsoft.com/exchange/services/2006/messages/Disconnect\""
        url: https://um01.contoso.test/EWS/UM2007Legacy.asmx
        method: POST
      response:
        proto: HTTP/1.1
        proto_major: 1
        proto_minor: 1
        transfer_encoding: []
        trailer: {}
        content_length: 396
        uncompressed: false
        body: |
BODY1        headers:
            Content-Type:
                - text/xml; charset=utf-8
            Date:
                - Mon, 23 Nov 2026 10:15:00 GMT
            Set-Cookie:
                - a=1
                - b=2
        status: 200 OK
        code: 200
        duration: 12.345678ms
      umtape:
        arrived: 2026-11-23T10:15:00.123456Z
        operation: Disconnect
        call: MDlkZjllZGMtNGUyMy00NzA5LWJkYWYt00000000==
        truncated: response
        note: "longer than 8 MiB: cut"
        checksum: crc32c:`
	for n, body := range []string{i.Request.Body, i.Response.Body} {
		var b strings.Builder
		for line := range strings.Lines(body) {
			b.WriteString(bodyIndent + line)
		}
		want = strings.Replace(want, "BODY"+string(rune('0'+n)), b.String(), 1)
	}
	want = strings.Replace(want, "content_length: 388", "content_length: "+itoa(i.Request.ContentLength), 1)
	want = strings.Replace(want, "content_length: 396", "content_length: "+itoa(i.Response.ContentLength), 1)
	got := readAll(t, path)
	if len(got) != len(want)+9 || !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	equal(t, load(t, path).Interactions[0], i)
	if !strings.Contains(i.Response.Body, "?> \n") {
		t.Error("the sample has no line that ends in a space")
	}
}

func itoa(n int64) string { return string(appendInt(nil, "", n)[:len(appendInt(nil, "", n))-1]) }

// Every moment between two calls of Append the file is a cassette to go-vcr.
func TestStockGoVCRReadsEveryMoment(t *testing.T) {
	path := tape(t)
	w := create(t, path, Refuse)
	for n := range 4 {
		c := stock(t, path)
		if len(c.Interactions) != n || w.Count() != n || len(load(t, path).Interactions) != n {
			t.Fatalf("after %d: go-vcr sees %d, Count is %d", n, len(c.Interactions), w.Count())
		}
		if err := w.Ready(1000); err != nil {
			t.Fatal(err)
		}
		i := sample(t, n)
		add(t, w, i)
		if i.ID != n {
			t.Errorf("the ID is %d, want %d", i.ID, n)
		}
		sameAsStock(t, stock(t, path).Interactions[n], i)
	}
}

// go-vcr's own recorder answers from our file.
func TestStockGoVCRReplays(t *testing.T) {
	path := tape(t)
	write(t, path, sample(t, 0), sample(t, 1))
	r, err := recorder.NewWithOptions(&recorder.Options{CassetteName: strings.TrimSuffix(path, ".yaml"), Mode: recorder.ModeReplayOnly, SkipRequestLatency: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Stop()
	want := sample(t, 1)
	r.SetMatcher(func(r *http.Request, i cassette.Request) bool {
		b, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(b))
		return string(b) == i.Body && r.URL.String() == i.URL
	})
	res, err := r.GetDefaultClient().Post(want.Request.URL, "text/xml; charset=utf-8", strings.NewReader(want.Request.Body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, _ := io.ReadAll(res.Body); string(b) != want.Response.Body || res.StatusCode != 200 {
		t.Errorf("go-vcr answered %d %q", res.StatusCode, b)
	}
}

// What go-vcr writes, we read, to the last byte; appending to it keeps it all,
// but for the credentials.
func TestReadsAndTakesOverGoVCRFiles(t *testing.T) {
	path := tape(t)
	c := cassette.New(strings.TrimSuffix(path, ".yaml"))
	for n := range 3 {
		i := sample(t, n).Interaction
		i.Request.Form = url.Values{"a": {"1", "2"}, "": {"y"}}
		i.Response.Body = []string{"plain", "\xff\xfe", "a \nb"}[n]
		c.AddInteraction(&i)
	}
	if err := c.Save(); err != nil {
		t.Fatal(err)
	}
	got := load(t, path)
	if !got.Foreign || got.Header.Version != 2 || got.Torn != nil {
		t.Errorf("header is %+v, foreign %v, torn %v", got.Header, got.Foreign, got.Torn)
	}
	lines := strings.Split(readAll(t, path), "\n")
	for n, i := range got.Interactions {
		sameAsStock(t, c.Interactions[n], i)
		if !strings.HasPrefix(lines[i.Line-1], "    - id:") || i.Edited {
			t.Errorf("line %d is %q, edited %v", i.Line, lines[i.Line-1], i.Edited)
		}
	}
	before := readAll(t, path)
	closed(t, create(t, path, Append))
	if readAll(t, path) != before {
		t.Error("a recording that captured nothing changed the file")
	}
	w := create(t, path, Append)
	add(t, w, sample(t, 3))
	closed(t, w)
	ours := load(t, path)
	if ours.Foreign || len(ours.Interactions) != 4 || len(stock(t, path).Interactions) != 4 {
		t.Fatalf("foreign %v, %d interactions", ours.Foreign, len(ours.Interactions))
	}
	for n, i := range got.Interactions {
		if cookie := ours.Interactions[n].Response.Headers["Set-Cookie"]; len(cookie) != 2 || cookie[0] != "a=REDACTED" {
			t.Errorf("%d: a cookie was taken over: %q", n, cookie)
		}
		equal(t, ours.Interactions[n], redactKept(i))
	}
}

// TestCutShortUnderUs: what another program cuts off is noticed before the next
// request is sent, and at the end.
func TestCutShortUnderUs(t *testing.T) {
	path := tape(t)
	w := create(t, path, Refuse)
	add(t, w, sample(t, 0))
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"Ready": w.Ready(10), "Append": w.Append(sample(t, 1)), "Close": w.Close()} {
		if err == nil || !strings.Contains(err.Error(), "cut short by another program") {
			t.Errorf("%s = %v", name, err)
		}
	}
}

// TestCheckFindsCredentials: a cassette made by something else that holds a
// credential is reported; one of ours has none.
func TestCheckFindsCredentials(t *testing.T) {
	where := map[string]inspect.Finding{
		"header": {Part: "request", Header: "Authorization"}, "response header": {Part: "response", Header: "Set-Cookie"},
		"body": {Part: "request", Pos: 1 + len("<Password>")}, "packed body": {Part: "response"},
	}
	for name, change := range map[string]func(i *Interaction){
		"header":          func(i *Interaction) { i.Request.Headers = http.Header{"authorization": {"Basic SECRET"}} },
		"response header": func(i *Interaction) { i.Response.Headers = http.Header{"Set-Cookie": {"a=SECRET"}} },
		"url":             func(i *Interaction) { i.Request.URL = "http://u:SECRET@um.example.com/" },
		"form":            func(i *Interaction) { i.Request.Form = url.Values{"password": {"SECRET"}} },
		"body":            func(i *Interaction) { i.Request.Body = "<Password>SECRET</Password>" },
		"packed body": func(i *Interaction) {
			i.Response.Headers = http.Header{"Content-Encoding": {"gzip"}}
			i.Response.Body = string(gzipped(t, "<Password>SECRET</Password>"))
		},
	} {
		i := said(0, service, "<a/>", "<b/>")
		change(i)
		before := *i
		found := Check(&Cassette{Interactions: []*Interaction{i}})
		if len(found) != 1 || found[0].Rule.ID != "TAPE03" {
			t.Fatalf("%s: %+v", name, found)
		}
		if got, want := found[0], where[name]; got.Part != want.Part || got.Header != want.Header || got.Pos != want.Pos {
			t.Errorf("%s: it is said to be at %+v", name, got)
		}
		clean := redactKept(i)
		if clean == i || redactKept(clean) != clean || i.Request.Body != before.Request.Body || i.Response.Body != before.Response.Body {
			t.Errorf("%s: redacted once more it changes, or the original has", name)
		}
	}
	i := said(0, service, message(t, "playonphone-request.xml"), message(t, "playonphone-response.xml"))
	i.Request.Headers["SOAPAction"] = []string{"x"}
	if found := Check(&Cassette{Interactions: []*Interaction{i}}); found != nil {
		t.Errorf("a clean one: %+v", found)
	}
}

// hostile are strings that YAML writers and readers get wrong.
var hostile = []string{
	"", " ", "\t", "\n", "\n\n", "\r", "\r\n", "\t<a/>", " <a/>", "\n<a/>", "\n\n <a/>",
	"<a/>", "<a/>\n", "<a/>\n\n", "<a/>\n\n\n", "<a/> ", "<a/> \n", "a\n ", "a\n \n", "a\n\t", "a\n\t\n", "a\n   \nb", "a\n\n\nb",
	"a\r\nb", "a\rb", "a\u0085b", "a\u2028b", "a\u2029b", "\ufeff<a/>", "a\ufeffb", "a\x00b", "a\x07", "\x7f", "\x1b[0m", "\u009f",
	"\xff\xfe", "a\xc3", "\xed\xa0\x80", "\ufffd", "\ufffe", "\uffff", "😀", "a\U0001F600b", "\U0010FFFF", "\u00a0", "\u200b", "\u202e abc", "é",
	"- a", "-", "---", "--- a", "...", "# x", "a # x", "a: b", "a:", ":", ": a", `"`, `"a"`, "'", "'a'", "|", "|-", ">", "{", "}", "[", "]", "{}", "[]", ",", "&a", "*a", "!a", "!!str a", "%", "%YAML 1.2", "@", "`", "?", "? a", "\\", "\\n",
	"true", "True", "yes", "Yes", "NO", "on", "Off", "y", "n", "null", "Null", "~", "<<", "=", ".", ".inf", "-.inf", ".nan", "NaN", "nan", "inf",
	"0", "1", "-1", "+1", "1.5", "1e3", "0x1f", "0o17", "017", "0b1", "1_000", "1:20", "12:30:45", "2026-11-23", "2026-11-23T10:15:00Z", "2026-11-23 10:15:00", "200 OK", "200 ", "200 1e3", "007",
	"    - id: 0", "a\n    - id: 7\n", "a\n        checksum: crc32c:00000000\n", "checksum: crc32c:00000000", "a\n---\nb", "a\n...\n", "a\n# b\n", "#a\nb", "interactions:\n",
	strings.Repeat("x", 600), strings.Repeat("long ", 300), strings.Repeat("é", 600),
}

// Every string comes back exactly, wherever it stands, from us and from go-vcr.
func TestHostileStringsRoundTrip(t *testing.T) {
	path := tape(t)
	var list []*Interaction
	for n, s := range hostile {
		i := sample(t, n)
		i.Request.Body, i.Response.Body = s, s
		i.Request.Host, i.Request.URL, i.Request.Method, i.Response.Status = s, s, s, s
		i.Request.Headers = http.Header{s: {s, s}, "Other": {"", s}}
		i.Request.Form = url.Values{s: {s}, "k" + s: nil}
		i.Response.Trailer = http.Header{s: {s}}
		i.Response.TransferEncoding = []string{s, s}
		i.Umtape.Operation, i.Umtape.Call, i.Umtape.RequestEncoding, i.Umtape.Note = s, s, s, s
		list = append(list, i)
	}
	write(t, path, list...)
	got, vcr := load(t, path), stock(t, path)
	if len(got.Interactions) != len(hostile) {
		t.Fatalf("%d of %d interactions", len(got.Interactions), len(hostile))
	}
	for n, i := range got.Interactions {
		equal(t, i, list[n])
		for k, v := range vcr.Interactions[n].Request.Form {
			if len(v) == 0 {
				vcr.Interactions[n].Request.Form[k] = nil
			}
		}
		sameAsStock(t, vcr.Interactions[n], list[n])
	}
	// To a reader that knows no types they are strings as well.
	var untyped struct {
		Interactions []struct{ Request, Response map[string]any }
	}
	if err := yaml.Unmarshal([]byte(readAll(t, path)), &untyped); err != nil {
		t.Fatal(err)
	}
	for n, i := range untyped.Interactions {
		for _, v := range []any{i.Request["body"], i.Request["host"], i.Response["status"], i.Response["body"]} {
			if v != hostile[n] {
				t.Errorf("%q is %#v to a reader without types", hostile[n], v)
			}
		}
	}
}

// The forms people read and review stay readable.
func TestForms(t *testing.T) {
	for _, tt := range []struct{ body, want string }{
		{"", `""`},
		{"<a/>", "|-\n  <a/>"},
		{"<a/>\n", "|\n  <a/>"},
		{"<a/>\n\n", "|+\n  <a/>\n"},
		{"<a>\n\n<b/> \n</a>", "|-\n  <a>\n\n  <b/> \n  </a>"},
		{"true", "|-\n  true"},
		{" a", `" a"`},
		{"\na\tb\r", `"\na\tb\r"`},
		{"é😀\u202e\U000E0001", `"é😀\u202e\U000e0001"`},
		{"\xff", "!!binary /w=="},
	} {
		if got := string(appendBody(nil, tt.body, "  ")); got != tt.want {
			t.Errorf("%q is written\n%s\nwant\n%s", tt.body, got, tt.want)
		}
	}
	for s, plain := range map[string]bool{"text/xml; charset=utf-8": true, "200 OK": true, "no": false, "Nope": true, "127.0.0.1": false, "a: b": false} {
		if got := plainSafe(s); got != plain {
			t.Errorf("plainSafe(%q) = %v", s, got)
		}
	}
}

func TestLargeBodyRoundTrips(t *testing.T) {
	path := tape(t)
	i := sample(t, 0)
	i.Request.Body = strings.Repeat("<a>0123456789</a>\n", 10<<20/18)
	i.Response.Body = string(bytes.Repeat([]byte{0xff, 0, 'a'}, 1<<18))
	write(t, path, i)
	equal(t, load(t, path).Interactions[0], i)
	sameAsStock(t, stock(t, path).Interactions[0], i)
}

func TestTimesRoundTrip(t *testing.T) {
	path := tape(t)
	a, b := sample(t, 0), sample(t, 0)
	a.Umtape.Arrived = time.Date(2026, 1, 2, 3, 4, 5, 999999999, time.FixedZone("", 3600))
	b.Umtape.Arrived = time.Time{}
	write(t, path, b, a)
	c := load(t, path)
	if got := c.Interactions[1].Umtape.Arrived; !got.Equal(time.Date(2026, 1, 2, 2, 4, 5, 999999000, time.UTC)) || got.Location() != time.UTC {
		t.Errorf("arrived %v", got)
	}
	if !c.Interactions[0].Umtape.Arrived.IsZero() {
		t.Error("a time nobody knows was made up")
	}
}

// drawBody makes bodies of the pieces that break YAML.
var drawBody = rapid.Custom(func(t *rapid.T) string {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{" ", "\t", "\n", "\r", "\u0085", "\u2028", "\ufeff", "\x00", "\xff", "-", "- ", ":", ": ", "#", " #", "\"", "'", "|", "{", "é", "😀", "<a>", "</a>", "    - id: 1\n", "        checksum: "}),
		rapid.StringN(0, 6, -1),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 4), func(b []byte) string { return string(b) }),
	)
	return strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "pieces"), "")
})

// 5 000 bodies, headers and keys through both readers.
func TestRandomBodiesRoundTrip(t *testing.T) {
	path := tape(t)
	var list []*Interaction
	base := tiny(0)
	for n := range 25 {
		list = list[:0]
		for k := range 100 {
			s := drawBody.Example(n*200 + 2*k)
			i := *base
			i.Request.Body, i.Response.Body, i.Umtape.Note = s, drawBody.Example(n*200+2*k+1), s
			i.Request.Headers = http.Header{s: {s}}
			list = append(list, &i)
		}
		w := createOn(t, quickDisk{}, path, Replace)
		add(t, w, list...)
		closed(t, w)
		got, vcr := load(t, path), stock(t, path)
		for k, i := range got.Interactions {
			equal(t, i, list[k])
			sameAsStock(t, vcr.Interactions[k], list[k])
		}
		if t.Failed() || len(got.Interactions) != 100 {
			t.FailNow()
		}
	}
}

func FuzzBody(f *testing.F) {
	for _, s := range hostile {
		f.Add(s, s)
	}
	base := sample(f, 0)
	path := tape(f)
	f.Fuzz(func(t *testing.T, a, b string) {
		i := *base
		i.Request.Body, i.Response.Body = a, b
		i.Request.URL, i.Umtape.Call = b, b
		i.Request.Headers = http.Header{a: {b}, b: {a}}
		text, _ := appendRecord(appendHeader(nil, testHeader), &i, 0)
		c, err := parse(path, text)
		if err != nil || len(c.Interactions) != 1 {
			t.Fatalf("%v\n%s", err, text)
		}
		equal(t, c.Interactions[0], &i)
		var vcr cassette.Cassette
		if err := yaml.Unmarshal(text, &vcr); err != nil {
			t.Fatal(err)
		}
		sameAsStock(t, vcr.Interactions[0], &i)
	})
}

func TestChecksumIsCRC32COfTheRecord(t *testing.T) {
	if got := checksum([]byte("123456789")); got != "crc32c:e3069283" {
		t.Errorf("got %s", got)
	}
}
