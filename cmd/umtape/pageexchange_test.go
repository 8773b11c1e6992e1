package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/inspect/web"
)

// spokenTape is a cassette of n exchanges, sent to at.
func spokenTape(t *testing.T, at string, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "calls.yaml")
	w, err := cassettes.Create(path, cassettes.HeaderMeta{}, cassettes.Refuse, cassettes.SyncNever)
	if err != nil {
		t.Fatal(err)
	}
	for k := range n {
		i := &cassettes.Interaction{}
		i.Request.Method, i.Request.URL, i.Response.Code = "POST", at, 200
		i.Request.Headers = http.Header{"Content-Type": {"text/xml; charset=utf-8"}, "Soapaction": {`"urn:it's"`}, "Authorization": {"[redacted]"}}
		i.Response.Headers = http.Header{"Content-Type": {"text/xml"}}
		i.Request.Body = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetCallInfo xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"><CallId>it's &amp; 5550199</CallId></GetCallInfo></s:Body></s:Envelope>`
		i.Response.Body = "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\">\r\n <s:Body><GetCallInfoResponse xmlns=\"http://schemas.microsoft.com/exchange/services/2006/messages\"><GetCallInfoResponse><CallState>Disconnected</CallState><EventCause>None</EventCause></GetCallInfoResponse></GetCallInfoResponse></s:Body></s:Envelope>"
		if k == 1 {
			i.Response.Body = "\x00\xff\x01binary"
		}
		if err := w.Append(i); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// button presses one in what is shown of an exchange.
func button(t *testing.T, ctx context.Context, side, name string) {
	t.Helper()
	script(t, ctx, fmt.Sprintf(`[...document.querySelectorAll('#exchange [aria-label=%q] button')].find((b) => [%q, 'Copied'].includes(b.textContent)).click()`, side, name))
}

// TestPageOfOneExchange reads one, folds and copies it, and sends it again with curl.
func TestPageOfOneExchange(t *testing.T) {
	ctx := browser(t)
	var mu sync.Mutex
	var came []string
	um := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		came = append(came, r.Method+" "+r.RequestURI+" "+r.Header.Get("Soapaction")+" "+string(body))
	}))
	defer um.Close()
	path := spokenTape(t, um.URL+"/UnifiedMessaging/Service.asmx?a=b", 2)
	page := browsed(t, path)
	do(t, ctx, chromedp.Navigate(page.Link()))
	until(t, ctx, counted("2 exchanges"))
	script(t, ctx, `navigator.clipboard.writeText = async (text) => { window.copied = text; }`)
	press(t, ctx, "End", "Enter")
	until(t, ctx, `document.querySelectorAll('#exchange .xml').length === 2`)
	lines := `[...document.querySelectorAll('#exchange [aria-label="Response"] .line:not([hidden]) .text')].map((e) => e.textContent.trim()).join(' ')`
	whole := `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"> <s:Body> <GetCallInfoResponse xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"> <GetCallInfoResponse> <CallState>Disconnected</CallState> <EventCause>None</EventCause> </GetCallInfoResponse> </GetCallInfoResponse> </s:Body> </s:Envelope>`
	if got := text(t, ctx, lines); got != whole {
		t.Errorf("indented: %s", got)
	}

	// One element is folded by the keyboard, and all of them.
	script(t, ctx, `[...document.querySelectorAll('#exchange .fold')].find((b) => b.getAttribute('aria-label') === 'Fold <GetCallInfoResponse>').focus()`)
	press(t, ctx, "Enter")
	until(t, ctx, lines+`.includes('<GetCallInfoResponse> </GetCallInfoResponse>') && document.activeElement.getAttribute('aria-expanded') === 'false'`)
	press(t, ctx, "Enter")
	if got := text(t, ctx, lines); got != whole {
		t.Errorf("unfolded: %s", got)
	}
	button(t, ctx, "Response", "Fold")
	until(t, ctx, `!`+lines+`.includes('Disconnected')`)
	button(t, ctx, "Response", "Copy") // all of it, folded or not
	until(t, ctx, `window.copied.includes('<CallState>Disconnected</CallState>\n') && window.copied.startsWith('<s:Envelope')`)
	button(t, ctx, "Response", "Unfold")
	if got := text(t, ctx, lines); got != whole {
		t.Errorf("unfolded: %s", got)
	}
	button(t, ctx, "Response", "Raw")
	until(t, ctx, `document.querySelector('#exchange [aria-label="Response"] pre.raw').textContent.includes('<GetCallInfoResponse><CallState>Disconnected</CallState>')`)
	script(t, ctx, `window.copied = ''`)
	button(t, ctx, "Response", "Copy")
	until(t, ctx, `window.copied.includes('<GetCallInfoResponse><CallState>Disconnected</CallState>')`)
	if got := text(t, ctx, `[...document.querySelectorAll('#exchange [aria-label="Response"] [aria-pressed]')].map((b) => b.textContent + b.getAttribute('aria-pressed')).join()`); got != "Indentedfalse,Rawtrue" {
		t.Errorf("pressed is %s", got)
	}
	if got := text(t, ctx, `document.querySelector('#exchange .facts').textContent`); !strings.Contains(got, "Redacted") || !strings.Contains(got, "Authorization") {
		t.Errorf("what was redacted is not told: %s", got)
	}

	// What is hidden is not in what is copied, either.
	script(t, ctx, `document.querySelector('[aria-label="Copy as curl"]').click()`)
	until(t, ctx, `window.copied.startsWith('curl ')`)
	if got := text(t, ctx, `window.copied`); strings.Contains(got, "5550199") || !strings.Contains(got, "***") {
		t.Errorf("hidden: %s", got)
	}
	if _, err := exec.LookPath("curl"); err == nil {
		script(t, ctx, `document.getElementById('reveal').click()`)
		until(t, ctx, `document.querySelector('[aria-label="As curl"] pre')?.textContent.includes('5550199')`)
		script(t, ctx, `document.querySelector('[aria-label="Copy as curl"]').click()`)
		until(t, ctx, `window.copied.includes('5550199')`)
		if out, err := exec.Command("sh", "-c", text(t, ctx, `window.copied`)).CombinedOutput(); err != nil {
			t.Errorf("curl: %v %s", err, out)
		}
		mu.Lock()
		if len(came) != 1 || !strings.HasPrefix(came[0], `POST /UnifiedMessaging/Service.asmx?a=b "urn:it's" <s:Envelope`) || !strings.Contains(came[0], "<CallId>it's &amp; 5550199</CallId>") {
			t.Errorf("curl sent %q", came)
		}
		mu.Unlock()
	}

	until(t, ctx, `document.querySelector('[aria-label="Copy as curl"]').textContent === 'Copy'`) // twice pressed, and itself again
	script(t, ctx, `navigator.clipboard.writeText = async () => { throw new Error('no'); }`)
	script(t, ctx, `document.querySelector('[aria-label="Copy as curl"]').click()`)
	until(t, ctx, `document.querySelector('[aria-label="Copy as curl"]').textContent === 'The browser does not allow it'`)

	// All places of what is looked for are marked, two in a line as well.
	typeFilter(t, ctx, "text:envelope")
	until(t, ctx, counted("2 of 2 exchanges"))
	script(t, ctx, `document.querySelector('#row-0').click()`)
	until(t, ctx, `CSS.highlights.get('sought')?.size === 9`) // in curl's, too

	// A body that is no text is shown as bytes. What is opened is shown from its beginning.
	script(t, ctx, `document.getElementById('exchange').scrollTop = 200`)
	until(t, ctx, `document.getElementById('exchange').scrollTop > 0`)
	typeFilter(t, ctx, "")
	script(t, ctx, `document.getElementById('list').focus()`)
	press(t, ctx, "k")
	until(t, ctx, `document.querySelector('#exchange [aria-label="Response"] pre.raw')?.textContent.includes('00 ff 01 62 69 6e 61 72') && document.getElementById('exchange').scrollTop === 0`)
}

// tape reads as its functions say, where it has some.
type tape struct {
	*pageTapes
	says func(id int, text string) (bool, error)
	read func(id int)
}

func (t tape) Read(file string, id int) (whole, masked web.Copy, err error) {
	if t.read != nil {
		t.read(id)
	}
	return t.pageTapes.Read(file, id)
}

func (t tape) Says(file string, id int, text string, reveal bool) (bool, error) {
	return t.says(id, text)
}

// taped serves a page of n exchanges, read by a tape.
func taped(t *testing.T, n int, with tape) (*web.Server, *web.Book, string) {
	t.Helper()
	path := spokenTape(t, "https://um.test/", n)
	with.pageTapes = newPageTapes()
	book := web.NewBook()
	if _, err := with.first(path, func(i *cassettes.Interaction) error { book.Add(rowOf(path, i)); return nil }, nil); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := web.Serve(ln, web.Config{Book: book, Tape: with, Check: um.Check, Title: "calls.yaml"})
	t.Cleanup(s.Close)
	return s, book, path
}

// TestPageShowsWhatWasOpenedLast has the answer for one exchange come after that for the
// next one.
func TestPageShowsWhatWasOpenedLast(t *testing.T) {
	ctx := browser(t)
	slow := make(chan struct{})
	release := sync.OnceFunc(func() { close(slow) })
	t.Cleanup(release)
	page, _, _ := taped(t, 4, tape{read: func(id int) {
		if id == 3 {
			<-slow
		}
	}})
	do(t, ctx, chromedp.Navigate(page.Link()))
	until(t, ctx, counted("4 exchanges"))
	script(t, ctx, `const f = window.fetch; window.answered = ''; window.fetch = async (...a) => { const r = await f(...a); window.answered += a[0] + ' '; return r; }`)
	press(t, ctx, "j", "Enter", "j")
	until(t, ctx, `document.querySelector('#exchange h2')?.textContent.endsWith('#2')`)
	release()
	until(t, ctx, `window.answered.includes('n=3')`)
	do(t, ctx, chromedp.Sleep(50_000_000))
	if got := text(t, ctx, `document.querySelector('#exchange h2').textContent`); !strings.HasSuffix(got, "#2") {
		t.Errorf("shown is %s", got)
	}
}

// TestPageTellsHowASearchGoes has a search that takes its time, finds what cannot be read,
// is given up for another one, and is ended with umtape.
func TestPageTellsHowASearchGoes(t *testing.T) {
	ctx := browser(t)
	step, stop := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(stop) })
	var mu sync.Mutex
	looked := map[string]int{}
	page, book, path := taped(t, 8, tape{says: func(id int, text string) (bool, error) {
		mu.Lock()
		looked[text]++
		mu.Unlock()
		select {
		case <-step:
		case <-stop:
		}
		if id == 6 {
			return false, errors.New("it is gone")
		}
		return id%2 == 1, nil
	}})
	let := func(n int) {
		t.Helper()
		for range n {
			step <- struct{}{}
		}
	}
	do(t, ctx, chromedp.Navigate(page.Link()))
	until(t, ctx, counted("8 exchanges"))
	typeFilter(t, ctx, "text:a")
	until(t, ctx, `document.getElementById('count').textContent === '0 of 8 exchanges; 0 % searched' && document.getElementById('empty').textContent.includes('Looking into bodies')`)
	let(4)
	do(t, ctx, chromedp.Sleep(250_000_000)) // a piece takes 200 ms
	let(1)
	// 7, 6, 5, 4 and 3 were looked at.
	until(t, ctx, counted("3 of 8 exchanges; 62 % searched; 1 cannot be read now"))
	// What was not looked at yet does not say it, nor does it not say it.
	typeFilter(t, ctx, "-text:a")
	until(t, ctx, counted("2 of 8 exchanges; 62 % searched; 1 cannot be read now"))
	let(3)
	until(t, ctx, counted("4 of 8 exchanges; 1 cannot be read now"))
	typeFilter(t, ctx, "text:a")
	until(t, ctx, counted("4 of 8 exchanges; 1 cannot be read now")) // it is known
	typeFilter(t, ctx, "text:a text:b")
	until(t, ctx, counted("0 of 8 exchanges; 50 % searched; 1 cannot be read now"))
	let(8)
	until(t, ctx, counted("4 of 8 exchanges; 1 cannot be read now"))
	typeFilter(t, ctx, "")
	until(t, ctx, counted("8 exchanges"))

	// What nobody looks for any more is given up.
	typeFilter(t, ctx, "text:c")
	for begun := false; !begun; {
		do(t, ctx, chromedp.Sleep(20_000_000))
		mu.Lock()
		begun = looked["c"] > 0
		mu.Unlock()
	}
	typeFilter(t, ctx, "text:d")
	until(t, ctx, counted("0 of 8 exchanges; 0 % searched"))
	do(t, ctx, chromedp.Sleep(200_000_000))
	go func() {
		for {
			select {
			case step <- struct{}{}:
			case <-stop:
				return
			}
		}
	}()
	until(t, ctx, counted("4 of 8 exchanges; 1 cannot be read now"))
	mu.Lock()
	if looked["c"] > 2 || looked["d"] != 8 {
		t.Errorf("looked at: %v", looked)
	}
	mu.Unlock()

	// What is shown now is looked at again.
	script(t, ctx, `document.getElementById('reveal').click()`)
	until(t, ctx, counted("4 of 8 exchanges; 1 cannot be read now"))
	// What comes is looked at as well, and a search that was ended goes on then.
	again := web.Row{File: path, ID: 1, Operation: "GetCallInfo", Outcome: "replayed"}
	book.Add(again)
	until(t, ctx, counted("5 of 9 exchanges; 1 cannot be read now"))
	script(t, ctx, `const f = window.fetch; window.fetch = (...a) => { window.fetch = f; return Promise.reject(new TypeError('gone')); }`)
	typeFilter(t, ctx, "text:f")
	until(t, ctx, `document.getElementById('count').textContent.startsWith('0 of 9 exchanges; the search was ended: ')`)
	book.Add(again)
	until(t, ctx, counted("6 of 10 exchanges; 1 cannot be read now"))
	page.Close()
	typeFilter(t, ctx, "text:e")
	until(t, ctx, `document.getElementById('count').textContent === '0 of 10 exchanges; the search was ended: umtape does not answer; it may have been ended. Start it again and open the link that it prints.'`)
	// What is opened tells the same.
	typeFilter(t, ctx, "")
	until(t, ctx, counted("10 exchanges"))
	script(t, ctx, `document.querySelector('.row').click()`)
	until(t, ctx, `document.querySelector('#exchange .problem')?.textContent.startsWith('umtape does not answer')`)
}

// TestPageWhilePaused has exchanges come while the list is paused, and filtered.
func TestPageWhilePaused(t *testing.T) {
	ctx := browser(t)
	book := mixed(10)
	do(t, ctx, chromedp.Navigate(listed(t, book).Link()))
	until(t, ctx, counted("10 exchanges"))
	script(t, ctx, `document.getElementById('pause').click()`)
	add := func(n int) {
		for range n {
			book.Add(web.Row{Operation: "Disconnect", Status: 200})
		}
	}
	add(3)
	until(t, ctx, stateIs("paused; 3 new"))
	typeFilter(t, ctx, "Disconnect")
	until(t, ctx, counted("2 of 10 exchanges")+` && `+stateIs("paused; 3 new"))
	add(2)
	until(t, ctx, stateIs("paused; 5 new"))
	if got := text(t, ctx, `[document.getElementById('pause').textContent, document.getElementById('pause').getAttribute('aria-pressed'), document.getElementById('count').textContent].join()`); got != "Go on,true,2 of 10 exchanges" {
		t.Errorf("paused: %s", got)
	}
	press(t, ctx, "p")
	until(t, ctx, counted("7 of 15 exchanges")+` && document.getElementById('pause').textContent === 'Pause'`)
	book.Add(web.Row{Operation: "Disconnect", Status: 200, Call: "another"})
	until(t, ctx, counted("8 of 16 exchanges")+` && /^0\.[1-9] a second$/.test(document.getElementById('state').textContent)`)
	do(t, ctx, chromedp.Sleep(1_200_000_000)) // it is told for ten seconds
	if got := text(t, ctx, `document.getElementById('state').textContent`); !strings.HasSuffix(got, " a second") {
		t.Errorf("a second later the rate is %s", got)
	}
	until(t, ctx, `document.querySelector('#row-15 .call').textContent === 'call 4'`)
	if got := text(t, ctx, `document.getElementById('count').getAttribute('aria-live')`); got != "off" {
		t.Errorf("each of them is told aloud: %s", got)
	}
	typeFilter(t, ctx, "fault")
	if got := text(t, ctx, `document.getElementById('count').getAttribute('aria-live')`); got != "polite" {
		t.Errorf("what a filter finds is told aloud: %s", got)
	}

	// A cassette that has as many exchanges as the one before is another one.
	typeFilter(t, ctx, "")
	rows := make([]web.Row, 16)
	for n := range rows {
		rows[n].Operation = "PlayOnPhoneGreeting"
	}
	for _, file := range []string{"calls.yaml", "other.yaml", ""} {
		book.Replace(file, nil)
	}
	book.Replace("", rows)
	until(t, ctx, `[...document.querySelectorAll('.row:not([hidden]) .operation')].map((e) => e.textContent).join('') === 'PlayOnPhoneGreeting'.repeat(16)`)
}
