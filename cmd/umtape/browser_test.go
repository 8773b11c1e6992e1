package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/cassettes/captures"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/inspect/um/umserver"
	"github.com/umtape/umtape/inspect/web"
)

// shots is where the tests put pictures of what they saw, for people to look at.
const shots = "../../screenshots"

// browser is a tab of a headless Chromium. Whatever the page logs as an error, or asks
// anybody but umtape for, fails the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	ctx, _ := counting(t)
	return ctx
}

// counting is browser, and how often the page has asked for anything.
func counting(t *testing.T) (_ context.Context, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	if program == "" {
		t.Skip("no Chromium; apt-get install chromium")
	}
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.UserDataDir(t.TempDir()),
		chromedp.WSURLReadTimeout(time.Minute))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	tell := func(ev any) {
		switch ev := ev.(type) {
		case *runtime.EventExceptionThrown:
			what := ev.ExceptionDetails.Text
			if e := ev.ExceptionDetails.Exception; e != nil {
				what += " " + e.Description
			}
			t.Errorf("the page's script: %s", what)
		case *network.EventRequestWillBeSent:
			at := ev.Request.URL
			if strings.HasPrefix(at, "data:") {
				return // nobody is asked
			}
			if asked.Add(1); !strings.HasPrefix(at, "http://127.0.0.1:") && !strings.HasPrefix(at, "file:///") {
				t.Errorf("the page asks for %s", at)
			}
		}
	}
	do(t, ctx, chromedp.EmulateViewport(1280, 800))
	if err := chromedp.Listen(ctx, tell); err != nil {
		t.Fatal(err)
	}
	return ctx, asked
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// eval is the value of an expression, awaited if it is a promise.
func eval[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// until waits until an expression is true, on whatever page the browser goes to
// meanwhile.
func until(t *testing.T, ctx context.Context, expression string) {
	t.Helper()
	guarded := "(() => { try { return Boolean(" + expression + "); } catch { return false; } })()"
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		yes, err := chromedp.Run(ctx, chromedp.Evaluate[bool](guarded, chromedp.EvalAwaitPromise))
		switch {
		case err == nil && yes:
			return
		case err != nil && !strings.Contains(err.Error(), "navigated"):
			t.Fatal(err)
		case time.Now().After(end):
			t.Fatalf("it never came to %s:\n%s", expression, text(t, ctx, `document.body.innerText.slice(0, 3000)`))
		}
	}
}

func text(t *testing.T, ctx context.Context, expression string) string {
	t.Helper()
	return eval[string](t, ctx, expression)
}

func number(t *testing.T, ctx context.Context, expression string) float64 {
	t.Helper()
	return eval[float64](t, ctx, expression)
}

// script runs statements in the page.
func script(t *testing.T, ctx context.Context, statements string) {
	t.Helper()
	eval[bool](t, ctx, "(() => {"+statements+"; return true; })()")
}

// press presses keys as a keyboard does, so that the page can take one for itself.
func press(t *testing.T, ctx context.Context, keys ...string) {
	t.Helper()
	codes := map[string]int64{"Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38, "ArrowLeft": 37, "ArrowRight": 39, "End": 35, "Home": 36, "Tab": 9, "PageUp": 33, "PageDown": 34}
	for _, key := range keys {
		p := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: key, Text: key, WindowsVirtualKeyCode: codes[key]}
		switch {
		case key == "Enter":
			p.Text = "\r"
		case codes[key] != 0:
			p.Text = ""
		}
		_, err := chromedp.Call(ctx, input.DispatchKeyEvent, p)
		p.Type, p.Text = input.DispatchKeyEventTypeKeyUp, ""
		if err == nil {
			_, err = chromedp.Call(ctx, input.DispatchKeyEvent, p)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// looks are the sizes and themes that pictures are made in.
var looks = []struct {
	name          string
	width, height int64
}{{"360", 360, 740}, {"1280", 1280, 800}, {"3840", 3840, 2160}}

// picture keeps what is seen, at each size in both themes, and what axe-core finds.
func picture(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	if err := os.MkdirAll(shots, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, look := range looks {
		for _, theme := range []string{"light", "dark"} {
			colours(t, ctx, theme)
			do(t, ctx, chromedp.EmulateViewport(look.width, look.height), chromedp.Sleep(150*time.Millisecond))
			png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(shots, name+"-"+look.name+"-"+theme+".png")
			if err := os.WriteFile(file, png, 0o600); err != nil {
				t.Fatal(err)
			}
			if over := number(t, ctx, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
				t.Errorf("%s at %s: %v px wider than the window", name, look.name, over)
			}
			if look.width == 360 && theme == "light" || look.width == 1280 && theme == "dark" { // both layouts, both themes
				axe(t, ctx, name+" at "+look.name+", "+theme)
			}
		}
	}
	colours(t, ctx, "light")
	do(t, ctx, chromedp.EmulateViewport(1280, 800))
}

func colours(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	media(t, ctx, "prefers-color-scheme", name)
}

// media has the browser say that its user wants something.
func media(t *testing.T, ctx context.Context, feature, value string) {
	t.Helper()
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: feature, Value: value}},
	}); err != nil {
		t.Fatal(err)
	}
}

// axe has axe-core look for what keeps people out, by WCAG 2.2 A and AA.
func axe(t *testing.T, ctx context.Context, where string) {
	t.Helper()
	source, err := os.ReadFile("../../.ci/node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Logf("axe-core is not here (.ci/test installs it): nothing was checked for %s", where)
		return
	}
	type node struct{ HTML, Why string }
	type result struct {
		Violations []struct {
			ID, Help string
			Nodes    []node
		}
		Passes int
	}
	eval[bool](t, ctx, string(source)+";true")
	found := eval[result](t, ctx, `axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}).then(
		(r) => ({Violations: r.violations.map((v) => ({ID: v.id, Help: v.help, Nodes: v.nodes.map((n) => ({HTML: n.html, Why: n.failureSummary}))})), Passes: r.passes.length}))`)
	for _, v := range found.Violations {
		for _, n := range v.Nodes {
			t.Errorf("%s: axe %s: %s\n%s\n%s", where, v.ID, v.Help, n.HTML, n.Why)
		}
	}
	if found.Passes < 10 {
		t.Errorf("%s: axe had only %d rules to check", where, found.Passes)
	}
	t.Logf("%s: axe-core: %d rules of WCAG 2.2 A and AA, %d violations", where, found.Passes, len(found.Violations))
}

// browsed serves the page of cassettes until the test ends.
func browsed(t *testing.T, args ...string) *web.Server {
	t.Helper()
	a, _ := testApp(t)
	ln, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tapes, book := newPageTapes(), web.NewBook()
	server := web.Serve(ln, web.Config{Book: book, Tape: tapes, Check: um.Check, Title: titleOf(args), Version: version})
	ctx, cancel := context.WithCancel(context.Background())
	s := newShelfPage(a, args, tapes, book)
	for _, path := range args {
		if err := s.begin(ctx, path); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan struct{})
	go func() { defer close(done); s.follow(ctx) }()
	t.Cleanup(func() { cancel(); <-done; server.Close() })
	return server
}

// hostile is text that would be markup or script if anything took it for that, and turns
// the direction of what follows.
const hostile = `"><img src=x onerror=document.title='OWNED'><script>document.title='OWNED'</script>'${document.title='OWNED'}` + "\u202e"

// hostileTape is a cassette of three such exchanges.
func hostileTape(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, `a"><img src=x onerror=document.title='OWNED'>.yaml`)
	w, err := cassettes.Create(path, cassettes.HeaderMeta{}, cassettes.Refuse, cassettes.SyncNever)
	if err != nil {
		t.Fatal(err)
	}
	escaped := `&quot;&gt;&lt;img src=x onerror=document.title='OWNED'&gt;&lt;script&gt;document.title='OWNED'&lt;/script&gt;`
	add := func(body, answer string) {
		i := &cassettes.Interaction{}
		i.Request.Method, i.Request.URL = "POST", "http://a.test/UnifiedMessaging/Service.asmx?"+hostile
		i.Request.Headers = http.Header{"Content-Type": {"text/xml"}, "X-Evil": {hostile}, "User-Agent": {hostile}, "Soapaction": {hostile}}
		i.Response.Headers = http.Header{"Content-Type": {"text/xml"}, "X-<img src=x onerror=document.title='OWNED'>": {hostile}}
		i.Request.Body, i.Response.Body, i.Response.Code = body, answer, 500
		i.Umtape.Call, i.Umtape.Note = hostile, hostile
		if err := w.Append(i); err != nil {
			t.Fatal(err)
		}
	}
	envelope := func(inner string) string {
		return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>` + inner + `</s:Body></s:Envelope>`
	}
	add(envelope(`<Disconnect xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"><CallId a="`+escaped+`">`+escaped+`</CallId></Disconnect>`),
		envelope(`<s:Fault><faultcode>s:Client</faultcode><faultstring>`+escaped+`</faultstring><detail><ExceptionType>`+escaped+`</ExceptionType></detail></s:Fault>`))
	add(envelope(`<img src="x" onerror="document.title='OWNED'"/><script>document.title='OWNED'</script>`), envelope(`<![CDATA[`+hostile+`]]><!--`+`<img src=x onerror=document.title=1>`+`-->`))
	add(hostile, "\x00\x01"+hostile)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPageTakesWhatCameForData has hostile text wherever the wire, and whoever names
// files, can put it.
func TestPageTakesWhatCameForData(t *testing.T) {
	ctx := browser(t)
	path := hostileTape(t)
	page := browsed(t, path)
	do(t, ctx, chromedp.Navigate(page.Link()))
	until(t, ctx, `document.documentElement.dataset.loaded === '3'`)
	for n := range 3 {
		script(t, ctx, `document.querySelector('#row-`+string(rune('0'+n))+`').click()`)
		until(t, ctx, `document.querySelectorAll('#exchange .side').length >= 2`)
		script(t, ctx, `for (const b of document.querySelectorAll('#exchange .side button')) if (b.textContent === 'Raw' || b.textContent === 'Bytes') b.click()`)
		script(t, ctx, `document.getElementById('reveal').click()`)
		do(t, ctx, chromedp.Sleep(200*time.Millisecond))
		if title := text(t, ctx, `document.title`); title == "OWNED" {
			t.Fatalf("script of exchange %d ran", n)
		}
		if found := number(t, ctx, `document.querySelectorAll('main img, main script, main [onerror], dialog img').length`); found > 0 {
			t.Errorf("exchange %d: %v elements were made of text", n, found)
		}
		if eval[bool](t, ctx, `document.querySelector('main').textContent.includes('\u202e')`) {
			t.Errorf("exchange %d: the direction of text is turned", n)
		}
		script(t, ctx, `document.querySelector('#exchange .close').click()`)
	}
	for n, drawn := range []string{".lane:not([hidden]) .lane-name", ".view-shapes .tree tr", ".view-findings .places li"} {
		press(t, ctx, strconv.Itoa(n+2))
		until(t, ctx, `document.querySelector('`+drawn+`')`)
		if title := text(t, ctx, `document.title`); title == "OWNED" {
			t.Fatalf("script of view %d ran", n+2)
		}
		if found := number(t, ctx, `document.querySelectorAll('main img, main script, main [onerror]').length`); found > 0 {
			t.Errorf("view %d: %v elements were made of text", n+2, found)
		}
		if eval[bool](t, ctx, `document.querySelector('main').outerHTML.includes('\u202e')`) {
			t.Errorf("view %d: the direction of text is turned", n+2)
		}
	}
	for _, view := range []string{"compare&a=%400&b=%401", "compare&a=%401&b=%402&all=1", "traffic"} {
		script(t, ctx, `location.hash = '#v=`+view+`'`)
		until(t, ctx, `document.querySelector('.view:not([hidden]) :is(.differing, .whole, svg)') !== null`)
		script(t, ctx, `for (const d of document.querySelectorAll('.view details')) d.open = true`)
		do(t, ctx, chromedp.Sleep(100*time.Millisecond))
		if title := text(t, ctx, `document.title`); title == "OWNED" {
			t.Fatalf("script ran in %s", view)
		}
		if found := number(t, ctx, `document.querySelectorAll('main img, main script, main [onerror]').length`); found > 0 {
			t.Errorf("%s: %v elements were made of text", view, found)
		}
		if eval[bool](t, ctx, `document.querySelector('main').outerHTML.includes('\u202e')`) {
			t.Errorf("%s: the direction of text is turned", view)
		}
	}
	// The page would refuse to make markup of text, even if its script tried to.
	if got := text(t, ctx, `(() => { try { document.createElement('p').innerHTML = '<b>x</b>'; return 'made'; } catch (e) { return e.name; } })()`); got != "TypeError" {
		t.Errorf("markup from text: %s", got)
	}
}

// TestPageOfCassettes is a person who reads cassettes, by keyboard alone.
func TestPageOfCassettes(t *testing.T) {
	ctx := browser(t)
	page := browsed(t, ruleTapes(t, "UM070", "UM020", "UM033")...)
	do(t, ctx, chromedp.Navigate(page.Link()))
	until(t, ctx, `document.querySelectorAll('.row:not([hidden])').length > 3`)
	picture(t, ctx, "list")
	press(t, ctx, "/", "f", "o", "u", "n", "d")
	until(t, ctx, `document.getElementById('count').textContent === '1 of 4 exchanges'`)
	if hash := text(t, ctx, `location.hash`); hash != "#q=found" {
		t.Errorf("the address has %s", hash)
	}
	press(t, ctx, "Enter", "Enter")
	until(t, ctx, `document.querySelector('#exchange .findings') !== null && document.querySelector('.line.about') !== null`)
	if at := text(t, ctx, `document.querySelector('.line.about').textContent`); !strings.Contains(at, "Disconnect") || !strings.Contains(at, "UM020") {
		t.Errorf("the finding is at %s", at)
	}
	picture(t, ctx, "exchange")
	press(t, ctx, "?")
	until(t, ctx, `document.getElementById('keys').open`)
	picture(t, ctx, "help")
	press(t, ctx, "Escape")
	until(t, ctx, `!document.getElementById('keys').open`)
	press(t, ctx, "Escape")
	until(t, ctx, `document.getElementById('exchange').hidden`)

	// A call is followed from one exchange to another, and the address shows the same
	// view again.
	press(t, ctx, "/")
	do(t, ctx, chromedp.Sleep(50*time.Millisecond))
	script(t, ctx, `document.getElementById('filter').value = ''; document.getElementById('filter').dispatchEvent(new Event('input'))`)
	press(t, ctx, "Enter", "Home", "j", "j", "Enter")
	until(t, ctx, `document.querySelectorAll('#exchange .of-call li').length === 2`)
	secret := `document.body.textContent.includes('um01.voice.example.net')`
	if eval[bool](t, ctx, secret) {
		t.Error("the call's server is shown unasked")
	}
	script(t, ctx, `document.querySelector('#exchange .of-call button:not([aria-current])').click()`)
	until(t, ctx, `location.hash.includes('UM070.yaml%230') && document.querySelector('#exchange h2').textContent.includes('#0')`)
	do(t, ctx, chromedp.Reload())
	until(t, ctx, `document.querySelector('#exchange h2')?.textContent.includes('#0') === true`)
	script(t, ctx, `document.getElementById('reveal').click()`)
	until(t, ctx, secret)

	// Nothing fits.
	press(t, ctx, "Escape")
	script(t, ctx, `document.getElementById('filter').value = 'op:Nothing'; document.getElementById('filter').dispatchEvent(new Event('input'))`)
	until(t, ctx, `document.getElementById('empty').textContent.includes('Nothing fits the filter')`)
	picture(t, ctx, "nothing-fits")
}

// TestPageOfACassetteThatChanges has a cassette replaced and deleted while one of its
// exchanges is open.
func TestPageOfACassetteThatChanges(t *testing.T) {
	ctx := browser(t)
	path := filepath.Join(t.TempDir(), "calls.yaml")
	put := func(rule string) {
		t.Helper()
		text, err := os.ReadFile("../../testdata/rules/" + rule + ".yaml")
		if err == nil {
			err = putFile(path, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	put("UM070/fail") // two
	page := browsed(t, path)
	do(t, ctx, chromedp.Navigate(page.Link()))
	until(t, ctx, `document.documentElement.dataset.loaded === '2'`)
	press(t, ctx, "p", "j", "Enter")
	until(t, ctx, `document.querySelector('#exchange h2')?.textContent.includes('#1')`)
	was := text(t, ctx, `document.querySelector('#exchange h2').textContent`)
	put("UM072/fail") // three others
	until(t, ctx, `document.querySelector('#exchange h2').textContent !== `+strconv.Quote(was))
	if now := text(t, ctx, `document.querySelector('#exchange h2').textContent`); !strings.Contains(now, "#1") {
		t.Errorf("%s was open, and now it is %s", was, now)
	}
	put("UM020/fail") // one
	until(t, ctx, `document.querySelector('#exchange h2').textContent === 'It is not there' && document.querySelectorAll('.row:not([hidden])').length === 1`)
	script(t, ctx, `document.querySelector('#exchange .close').click()`)
	until(t, ctx, `document.getElementById('exchange').hidden && !location.hash`)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, `!document.getElementById('wrong').hidden && document.getElementById('wrong').textContent.includes('calls.yaml')`)
	picture(t, ctx, "deleted")
	put("UM070/fail")
	until(t, ctx, `document.getElementById('wrong').hidden && document.querySelectorAll('.row:not([hidden])').length === 2`)

	// A filter is words, whatever they are.
	for _, filter := range []string{"constructor:x", "took:x", "__proto__:", "\"", "-"} {
		script(t, ctx, `document.getElementById('filter').value = `+strconv.Quote(filter)+`; document.getElementById('filter').dispatchEvent(new Event('input'))`)
	}
	script(t, ctx, `document.getElementById('filter').value = ''; document.getElementById('filter').dispatchEvent(new Event('input'))`)
	until(t, ctx, `document.getElementById('count').textContent === '2 exchanges'`)

	// What was found in the bodies of one cassette says nothing of another one's.
	typeFilter(t, ctx, "text:identifier")
	until(t, ctx, counted("0 of 2 exchanges"))
	put("UM020/fail")
	until(t, ctx, counted("1 of 1 exchange"))
}

// TestPageOfARecording has calls made while the page is open.
func TestPageOfARecording(t *testing.T) {
	ctx := browser(t)
	ca := testCA(t)
	um, err := startUM("127.0.0.1:0", ca, umserver.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { um.stop() })
	a, _ := testApp(t)
	f := recordFlags{listen: "127.0.0.1:0", sync: "interval", maxBody: cassettes.DefaultMaxBody, ports: webPorts(), ui: "127.0.0.1:0",
		caDir: t.TempDir(), reverse: "http://" + um.addr(), log: logFlags{format: "text"}}
	s, err := a.openRecording(filepath.Join(t.TempDir(), "new.yaml"), f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(io.Discard) })
	do(t, ctx, chromedp.Navigate(s.page.server.Link()))
	until(t, ctx, `document.getElementById('empty').textContent.includes('as if it were the server:curl ')`)
	picture(t, ctx, "nothing-yet")

	body, err := os.ReadFile("../../testdata/messages/disconnect-request.xml")
	if err != nil {
		t.Fatal(err)
	}
	hangUp := func() {
		answer, err := http.Post("http://"+s.addr()+"/UnifiedMessaging/Service.asmx", "text/xml; charset=utf-8", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
	rows := func(n int) string {
		return fmt.Sprintf(`document.querySelectorAll('.row:not([hidden])').length === %d`, n)
	}
	hangUp()
	until(t, ctx, rows(1))
	if row := text(t, ctx, `document.querySelector('.row').textContent`); !strings.Contains(row, "Disconnect") || !strings.Contains(row, "InvalidCallId") || !strings.Contains(row, "500") {
		t.Errorf("the row is %s", row)
	}
	press(t, ctx, "j", "Enter")
	until(t, ctx, `document.querySelectorAll('#exchange .side').length >= 2 && document.querySelector('#exchange .veil') !== null`)
	press(t, ctx, "p")
	hangUp()
	hangUp()
	until(t, ctx, `document.getElementById('state').textContent === 'paused; 2 new'`)
	if !eval[bool](t, ctx, rows(1)) {
		t.Error("the list goes on while it is paused")
	}
	press(t, ctx, "p")
	until(t, ctx, rows(3))
	until(t, ctx, `/^0\.[1-9] a second$/.test(document.getElementById('state').textContent)`)

	// What is looked at stays where it is while more comes above it.
	for range 60 {
		hangUp()
	}
	until(t, ctx, `document.documentElement.dataset.loaded === '63'`)
	press(t, ctx, "Escape")
	script(t, ctx, `document.getElementById('list').scrollTop = 640`)
	do(t, ctx, chromedp.Sleep(100*time.Millisecond))
	top := `[...document.querySelectorAll('.row:not([hidden])')].map((r) => [r.getBoundingClientRect().top, r.dataset.n]).filter(([y]) => y > 200).sort((a, b) => a[0] - b[0])[0].join(' ')`
	before := text(t, ctx, top)
	for range 5 {
		hangUp()
	}
	until(t, ctx, `document.documentElement.dataset.loaded === '68'`)
	if after := text(t, ctx, top); after != before {
		t.Errorf("the row that was looked at, %s, made place for %s", before, after)
	}

	// They are one call, whose lane goes on as they come.
	press(t, ctx, "2")
	onLane := `[...document.querySelectorAll('.lane:not([hidden]) .moment')].reduce((n, m) => n + Number(m.textContent || 1), 0)`
	until(t, ctx, onLane+` === 68`)
	hangUp()
	until(t, ctx, onLane+` === 69`)
	script(t, ctx, `window.same = true`)
	press(t, ctx, "1")
	until(t, ctx, `!document.getElementById('exchanges').hidden`)
	if !eval[bool](t, ctx, `window.same === true`) {
		t.Error("the list is another page")
	}

	// What is exported is what the list shows, with pseudonyms unless more is shown.
	press(t, ctx, "e")
	until(t, ctx, `document.getElementById('exports').open`)
	picture(t, ctx, "export")
	script(t, ctx, `const make = URL.createObjectURL; URL.createObjectURL = (b) => { b.text().then((t) => { window.exported = t; }); return make(b); }`)
	call := inspect.CallID{GUID: "3f0c6b52-8a1e-4d37-9c55-1e7a0b9d24f6", Server: "um01.voice.example.net"}.Encode()
	exported := func(as string) string {
		t.Helper()
		script(t, ctx, `window.exported = ''; if (!document.getElementById('exports').open) document.getElementById('export').click(); document.querySelector('[data-as=`+as+`]').click()`)
		until(t, ctx, `window.exported !== '' && !document.getElementById('exports').open`)
		return text(t, ctx, `window.exported`)
	}
	again := filepath.Join(t.TempDir(), "again.yaml")
	if err := os.WriteFile(again, []byte(exported("cassette")), 0o600); err != nil {
		t.Fatal(err)
	}
	tape, err := cassettes.Load(again)
	if err != nil {
		t.Fatal(err)
	}
	if len(tape.Interactions) != 69 || tape.Torn != nil || tape.Interactions[0].Edited || !cassettes.RedactionOf(tape.Header.Umtape).Forms {
		t.Errorf("the exported cassette has %d interactions, torn %v, header %v", len(tape.Interactions), tape.Torn, tape.Header)
	}
	if !strings.Contains(string(body), call) {
		t.Fatal("the sample has another CallId")
	}
	for _, as := range []string{"cassette", "har", "json"} {
		if strings.Contains(exported(as), call) {
			t.Errorf("%s has a CallId that was not shown", as)
		}
	}
	script(t, ctx, `document.getElementById('reveal').click()`)
	n := 0
	har := exported("har")
	if err := captures.ReadHAR([]byte(har), func(_ *captures.Exchange, err error) error { n++; return err }); err != nil || n != 69 || !strings.Contains(har, call) {
		t.Errorf("the HAR has %d exchanges, %v", n, err)
	}
	var list struct{ Interactions []struct{ Operation string } }
	if err := json.Unmarshal([]byte(exported("json")), &list); err != nil || len(list.Interactions) != 69 || list.Interactions[0].Operation != "Disconnect" {
		t.Errorf("the JSON has %d interactions, %v", len(list.Interactions), err)
	}
}

// TestPageOfMany has 100 000 interactions. Times are told, not asserted: machines
// differ.
func TestPageOfMany(t *testing.T) {
	const many = 100_000
	ctx := browser(t)
	path := filepath.Join(t.TempDir(), "many.yaml")
	w, err := cassettes.Create(path, cassettes.HeaderMeta{}, cassettes.Refuse, cassettes.SyncNever)
	if err != nil {
		t.Fatal(err)
	}
	withOnes := 0 // calls with 00001 in their GUID
	operations := []string{"PlayOnPhone", "GetCallInfo", "GetCallInfo", "GetCallInfo", "Disconnect"}
	for k := range many {
		i := &cassettes.Interaction{}
		guid := fmt.Sprintf("%08x-0000-4000-8000-000000000000", k/5)
		if strings.Contains(guid, "00001") {
			withOnes++
		}
		call := inspect.CallID{GUID: guid, Server: "um01.voice.example.net"}.Encode()
		op := operations[k%5]
		envelope := `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><%s xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"><CallId>%s</CallId></%[1]s></s:Body></s:Envelope>`
		i.Request.Method, i.Request.URL, i.Request.Body = "POST", "https://um.test/UnifiedMessaging/Service.asmx", fmt.Sprintf(envelope, op, call)
		i.Request.Headers = http.Header{"Content-Type": {"text/xml"}}
		i.Response.Headers, i.Response.Body, i.Response.Code = i.Request.Headers, fmt.Sprintf(envelope, op+"Response", call), 200
		i.Umtape.Arrived, i.Response.Duration = time.Date(2026, 11, 1, 10, 0, 0, k*1e6, time.UTC), time.Duration(k%500)*time.Millisecond
		i.Umtape.Call, i.Umtape.Operation = call, op
		if err := w.Append(i); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	page := browsed(t, path)
	t.Logf("read and checked %d interactions in %v", many, time.Since(began).Round(time.Millisecond))
	do(t, ctx, chromedp.Navigate(page.Link()))
	until(t, ctx, `document.documentElement.dataset.loaded === '100000'`)
	t.Logf("first paint after %.0f ms, all rows in the page after %.0f ms", number(t, ctx, `performance.getEntriesByName('first-contentful-paint')[0].startTime`), number(t, ctx, `performance.now()`))
	filter := func(f string, want int) {
		t.Helper()
		ms := number(t, ctx, `(() => { const f = document.getElementById('filter'); f.value = `+strconv.Quote(f)+`; const t = performance.now(); f.dispatchEvent(new Event('input')); return performance.now() - t; })()`)
		shown := number(t, ctx, `Number(document.getElementById('list').getAttribute('aria-rowcount')) - 1`)
		t.Logf("filter %-28q %6.0f rows in %5.1f ms", f, shown, ms)
		if shown != float64(want) {
			t.Errorf("filter %q shows %v rows, not %d", f, shown, want)
		}
	}
	for range 2 { // not compiled the first time
		filter("Disconnect", 20_000)
		filter("op:GetCallInfo status:2xx", 60_000)
		filter("call:0000abc", 5)
		filter("-op:GetCallInfo took:>400", 39*many/500)
		filter("00001", withOnes)
		filter("", many)
	}
	began = time.Now()
	script(t, ctx, `document.getElementById('filter').value = 'text:0000abc'; document.getElementById('filter').dispatchEvent(new Event('input')); document.getElementById('reveal').click()`)
	until(t, ctx, `document.getElementById('count').textContent === '0 of 100,000 exchanges'`)
	t.Logf("searched the bodies of %d interactions in %v, in pieces of 200 ms", many, time.Since(began).Round(time.Millisecond))
	filter("", many)
	script(t, ctx, `location.hash = '#v=traffic'`)
	until(t, ctx, `document.querySelectorAll('.view-traffic svg').length === 3`)
	t.Logf("traffic of all of them drawn in %.0f ms", number(t, ctx, `Number(document.querySelector('.figures').dataset.drawn)`))
	script(t, ctx, `location.hash = ''`)
	until(t, ctx, `!document.getElementById('exchanges').hidden`)
	scrolled(t, ctx, "list", 15000)
	if n := number(t, ctx, `document.querySelectorAll('.row').length`); n > 100 {
		t.Errorf("%v elements for what a window holds", n)
	}
	press(t, ctx, "End")
	until(t, ctx, `document.querySelector('.row.active')?.dataset.n === '0'`)
	press(t, ctx, "Enter")
	until(t, ctx, `document.querySelectorAll('#exchange .of-call li').length === 5`)

	// The other views draw what is seen of all that, too.
	press(t, ctx, "Escape")
	for n, drawn := range []string{".lane:not([hidden]) .moment", ".view-shapes .tree tr", ".view-findings .places li"} {
		key := strconv.Itoa(n + 2)
		began := time.Now()
		press(t, ctx, key)
		until(t, ctx, `document.querySelector('`+drawn+`')`)
		took := time.Since(began)
		n := number(t, ctx, `document.querySelectorAll('*').length`)
		t.Logf("%s after %v, with %v elements", text(t, ctx, `document.querySelector('#views [aria-current]').textContent`), took.Round(time.Millisecond), n)
		if n > 5000 {
			t.Errorf("%v elements for what a window holds", n)
		}
		if key == "2" {
			scrolled(t, ctx, "lanes", 5000)
		}
	}
	until(t, ctx, `document.querySelector('.more-places').textContent.startsWith('More places: ')`)
	had := number(t, ctx, `document.querySelectorAll('.places li').length`)
	script(t, ctx, `document.querySelector('.more-places').click()`)
	until(t, ctx, fmt.Sprintf(`document.querySelectorAll('.places li').length === %v`, 2*had)) // all of them are alike
}

// scrolled tells how long frames are while something is scrolled.
func scrolled(t *testing.T, ctx context.Context, class string, by int) {
	t.Helper()
	frames := eval[[]float64](t, ctx, fmt.Sprintf(`new Promise((done) => {
		const list = document.querySelector('.%s'), frames = [];
		let last = performance.now();
		const step = () => {
			const now = performance.now();
			frames.push(now - last);
			last = now;
			list.scrollTop += %d;
			if (frames.length < 120) requestAnimationFrame(step); else done(frames.slice(1).sort((a, b) => a - b));
		};
		requestAnimationFrame(step);
	})`, class, by))
	t.Logf("scrolled .%s by %d pixels a frame: median %.1f ms, 95th percentile %.1f ms a frame", class, by, frames[len(frames)/2], frames[len(frames)*95/100])
}
