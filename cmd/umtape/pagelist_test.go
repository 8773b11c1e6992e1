package main

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/web"
)

// listed serves the page of a book alone.
func listed(t *testing.T, book *web.Book) *web.Server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := web.Serve(ln, web.Config{Book: book, Tape: newPageTapes(), Title: "calls.yaml", Mode: "record", Proxy: "127.0.0.1:8088"})
	t.Cleanup(server.Close)
	return server
}

// TestPageLeavesOutTheOldest has more exchanges than the page holds, of which one that is
// left out is chosen, and one that is not is open.
func TestPageLeavesOutTheOldest(t *testing.T) {
	ctx := browser(t)
	book := web.NewBook()
	book.Most = 40
	add := func(from, to int) {
		for k := from; k < to; k++ {
			book.Add(web.Row{File: "a.yaml", ID: k, Began: time.Date(2026, 11, 1, 10, 0, k, 0, time.UTC), Operation: "Disconnect", Call: strconv.Itoa(k), Status: 200})
		}
	}
	add(0, 40)
	do(t, ctx, chromedp.Navigate(listed(t, book).Link()))
	until(t, ctx, counted("40 exchanges"))
	script(t, ctx, `document.querySelector('#row-35').click()`)
	until(t, ctx, `location.hash === '#x=a.yaml%2335'`)
	add(40, 41)
	until(t, ctx, counted("30 exchanges; 11 older ones are not on the page any more"))
	until(t, ctx, `document.querySelector('.row.active .call').textContent === 'call 25' && location.hash === '#x=a.yaml%2335'`)
	if got := text(t, ctx, `[...document.querySelectorAll('.row:not([hidden]) .time')].map((e) => e.textContent).sort().at(-1)`); got != "10:00:40.000" {
		t.Errorf("the newest is of %s", got)
	}
	script(t, ctx, `document.getElementById('list').focus()`)
	press(t, ctx, "End")
	until(t, ctx, `document.querySelector('.row.active .time').textContent === '10:00:11.000'`)
}

// mixed has rows that differ in all that a filter asks for.
func mixed(n int) *web.Book {
	b := web.NewBook()
	at := time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)
	for k := range n {
		call := inspect.CallID{GUID: fmt.Sprintf("3f0c%04x-8a1e-4d37-9c55-1e7a0b9d24f6", k/4), Server: "um01.example.net"}.Encode()
		r := web.Row{File: "calls.yaml", ID: k, Began: at.Add(time.Duration(k) * time.Second), Took: time.Duration(k%10) * 100 * time.Millisecond, Operation: "GetCallInfo", Call: call,
			Address: "127.0.0.1:4711", Client: "curl", Status: 200, Shape: "GetCallInfoResponse{CallState}", Outcome: "recorded"}
		switch k % 10 {
		case 0:
			r.Operation, r.Shape, r.File = "PlayOnPhone", "PlayOnPhoneResponse", "other.yaml"
		case 3:
			r.Operation, r.Status, r.Shape, r.Fault = "Disconnect", 500, "Fault(InvalidCallIdException)", "InvalidCallIdException"
			r.Errors = 2
		case 4:
			r.Operation, r.Status, r.Shape, r.Fault, r.Client = "Disconnect", 503, "Fault(ServerBusy)", "ServerBusy", "node"
		case 7:
			r.Outcome, r.File, r.ID, r.Shape, r.Status = "missed", "", 0, "", 0
		case 8:
			r.Outcome, r.Warnings = "replayed", 1
		case 9:
			r.Outcome, r.File, r.ID, r.Shape, r.Status = "unanswered", "", 0, "", 0
		}
		b.Add(r)
	}
	return b
}

// TestPageFilters tries all that a filter can say.
func TestPageFilters(t *testing.T) {
	ctx := browser(t)
	do(t, ctx, chromedp.Navigate(listed(t, mixed(100)).Link()))
	until(t, ctx, counted("100 exchanges"))
	for _, tt := range []struct {
		filter string
		want   int
	}{
		{"Disconnect", 20}, {"disconnect", 20}, {"op:Disconnect", 20}, {"operation:disc", 20}, {"-op:GetCallInfo", 30}, {"op:", 100},
		{"call:3f0c0002", 4}, {"3f0c0002", 4}, {"call:", 100}, {"-call:3f0c0002", 96},
		{"status:500", 10}, {"status:5xx", 20}, {"status:5", 20}, {"status:>=400", 20}, {"status:>500", 10}, {"status:<300", 80}, {"status:", 100}, {"503", 10}, {"-status:2xx", 40},
		{"shape:CallState", 50}, {"shape:Busy", 10},
		{"fault", 20}, {"-fault", 80}, {"fault:InvalidCallId", 10}, {"fault:", 20}, {"InvalidCallIdException", 10},
		{"miss", 10}, {"-miss", 90}, {"hit", 10}, {"-hit", 90}, {"outcome:unanswered", 10}, {"unanswered", 10},
		{"client:node", 10}, {"client:4711", 100}, {"node", 10}, {"file:other", 10}, {"file:calls.yaml", 70}, {"other.yaml", 10}, {"id:3", 1}, {"found", 20}, {"-found", 80},
		{"took:>800", 10}, {"took:<=100", 20}, {"took:<100", 10}, {"took:>=800", 20}, {"took:800", 10}, {"took:", 100},
		{"Disconnect status:503 -call:3f0c0001", 9}, {`"ServerBusy"`, 10}, {`op:"get`, 70}, {"4711 node", 10}, {"127.0.0.1:4711", 100}, {"nothing", 0}, {"", 100},
	} {
		typeFilter(t, ctx, tt.filter)
		want := fmt.Sprintf("%d of 100 exchanges", tt.want)
		if tt.filter == "" {
			want = "100 exchanges"
		}
		if got := text(t, ctx, `document.getElementById('count').textContent`); got != want {
			t.Errorf("%q: %s, not %s", tt.filter, got, want)
		}
		if got := text(t, ctx, `new URLSearchParams(location.hash.slice(1)).get('q') || ''`); got != tt.filter {
			t.Errorf("%q is in the address as %q", tt.filter, got)
		}
	}
	// What is wrong is told, and what was shown stays.
	typeFilter(t, ctx, "Disconnect")
	typeFilter(t, ctx, "took:soon")
	if got := text(t, ctx, `[document.getElementById('count').textContent, document.getElementById('count').className, document.getElementById('list').getAttribute('aria-rowcount')].join()`); got != "took: is for milliseconds, as in took:>500,count wrong,21" {
		t.Errorf("a filter that makes no sense: %s", got)
	}
	typeFilter(t, ctx, "took:>800")
	until(t, ctx, counted("10 of 100 exchanges")+` && !document.getElementById('count').classList.contains('wrong')`)

	// The same is seen by whoever is given the address, goes back, or clears the filter.
	script(t, ctx, `location.hash = '#q=status%3A500+fault%3AInvalid+id%3A3'`)
	until(t, ctx, counted("1 of 100 exchanges"))
	script(t, ctx, `history.back()`)
	until(t, ctx, counted("10 of 100 exchanges")+` && document.getElementById('filter').value === 'took:>800'`)
	script(t, ctx, `location.hash = '#q=fault%3ABusy'`)
	until(t, ctx, counted("10 of 100 exchanges")+` && document.getElementById('filter').value === 'fault:Busy'`)
	do(t, ctx, chromedp.Reload())
	until(t, ctx, counted("10 of 100 exchanges")+` && document.getElementById('filter').value === 'fault:Busy'`)
	typeFilter(t, ctx, "nothing")
	until(t, ctx, `document.getElementById('empty').textContent.includes('None of 100 exchanges has all of its words.')`)
	script(t, ctx, `document.querySelector('#empty button').click()`)
	until(t, ctx, counted("100 exchanges")+` && document.getElementById('empty').hidden && !location.hash`)
}

// TestPageListByKeyboard goes through a long list by keys alone.
func TestPageListByKeyboard(t *testing.T) {
	ctx := browser(t)
	book := mixed(500)
	do(t, ctx, chromedp.Navigate(listed(t, book).Link()))
	until(t, ctx, counted("500 exchanges"))
	at := `document.querySelector('.row.active')?.dataset.n`
	is := func(n int) {
		t.Helper()
		until(t, ctx, fmt.Sprintf(`%s === '%d'`, at, n))
		// It is seen, and a screen reader is told the same.
		if got := text(t, ctx, `(() => { const r = document.querySelector('.row.active'), l = document.getElementById('list'), a = r.getBoundingClientRect(), b = l.getBoundingClientRect();
			return [a.top >= b.top && a.bottom <= b.bottom, l.getAttribute('aria-activedescendant') === r.id, r.getAttribute('aria-selected'), r.getAttribute('aria-rowindex'),
				document.querySelectorAll('[aria-selected=true]').length, l.getAttribute('aria-rowcount')].join(); })()`); got != fmt.Sprintf("true,true,true,%d,1,501", 501-n) {
			t.Errorf("at %d: %s", n, got)
		}
	}
	if got := text(t, ctx, `document.activeElement.id`); got != "list" {
		t.Errorf("at first %s has the focus", got)
	}
	press(t, ctx, "PageDown") // there is none to go on from
	is(499)
	press(t, ctx, "j", "j", "ArrowDown", "k", "ArrowUp")
	is(498)
	page := int(number(t, ctx, `Math.floor((document.getElementById('list').clientHeight - 32) / 32) - 1`))
	press(t, ctx, "PageDown", "PageDown")
	is(498 - 2*page)
	press(t, ctx, "PageUp")
	is(498 - page)
	press(t, ctx, "End")
	is(0)
	press(t, ctx, "j")
	is(0)
	typeFilter(t, ctx, "GetCallInfo") // begins with the newest
	until(t, ctx, counted("350 of 500 exchanges")+` && document.getElementById('list').scrollTop === 0`)
	typeFilter(t, ctx, "")
	press(t, ctx, "Home")
	is(499)
	press(t, ctx, "k")
	is(499)
	press(t, ctx, "PageDown", "/")
	until(t, ctx, `document.activeElement.id === 'filter'`)
	press(t, ctx, "j", "ArrowDown") // what is typed there is text
	until(t, ctx, counted("0 of 500 exchanges")+` && document.activeElement.id === 'list'`)
	press(t, ctx, "/")
	until(t, ctx, `document.activeElement.id === 'filter' && getSelection().toString() === 'j'`) // to be typed over
	press(t, ctx, "f", "a", "u", "l", "t", "Enter")
	until(t, ctx, counted("100 of 500 exchanges")+` && document.activeElement.id === 'list'`)
	until(t, ctx, at+` === '494' && document.getElementById('list').scrollTop === 0`) // the newest of them
	press(t, ctx, "/", "Escape")
	until(t, ctx, `document.activeElement.id === 'list'`)

	// With an exchange open j goes to the next one, and the address with it; back leads to
	// the one before.
	press(t, ctx, "Enter")
	until(t, ctx, `document.activeElement.id === 'exchange' && location.hash.endsWith('x=calls.yaml%23494')`)
	press(t, ctx, "j")
	until(t, ctx, `location.hash.endsWith('x=calls.yaml%23493')`)
	script(t, ctx, `history.back()`)
	until(t, ctx, `location.hash.endsWith('x=calls.yaml%23494') && `+at+` === '494'`)
	press(t, ctx, "Escape")
	until(t, ctx, `document.getElementById('exchange').hidden && document.activeElement.id === 'list' && location.hash === '#q=fault'`)
	script(t, ctx, `history.back()`)
	until(t, ctx, `!document.getElementById('exchange').hidden && document.querySelector('#exchange h2').textContent.length > 0`)
	script(t, ctx, `history.forward()`)
	until(t, ctx, `document.getElementById('exchange').hidden`)

	// Keys of others are left to them, and those of one character can be turned off.
	for _, modifier := range []string{"ctrlKey", "metaKey", "altKey"} {
		script(t, ctx, `document.getElementById('list').dispatchEvent(new KeyboardEvent('keydown', {key: 'j', bubbles: true, `+modifier+`: true}))`)
	}
	until(t, ctx, at+` === '494'`)
	press(t, ctx, "?")
	until(t, ctx, `document.getElementById('keys').open`)
	press(t, ctx, "j") // of the dialog
	until(t, ctx, at+` === '494'`)
	script(t, ctx, `document.getElementById('theme').click(); document.getElementById('letters').click()`)
	press(t, ctx, "Escape")
	until(t, ctx, `!document.getElementById('keys').open`)
	press(t, ctx, "j", "p", "ArrowDown")
	until(t, ctx, at+` === '493'`)
	do(t, ctx, chromedp.Reload())
	until(t, ctx, counted("100 of 500 exchanges"))
	if got := text(t, ctx, `[document.getElementById('letters').checked, document.documentElement.dataset.theme, document.getElementById('theme').textContent].join()`); got != "false,light,Theme: light" {
		t.Errorf("what was chosen is forgotten: %s", got)
	}
	script(t, ctx, `document.getElementById('theme').click()`)
	if got := text(t, ctx, `getComputedStyle(document.documentElement).colorScheme`); got != "dark" {
		t.Errorf("the theme is %s", got)
	}
	script(t, ctx, `document.getElementById('theme').click()`)
	if got := text(t, ctx, `getComputedStyle(document.documentElement).colorScheme + document.getElementById('theme').textContent`); got != "light darkTheme: system" {
		t.Errorf("the theme is %s", got)
	}
	script(t, ctx, `document.getElementById('letters').click()`)
	typeFilter(t, ctx, "")
	press(t, ctx, "2")
	until(t, ctx, `location.hash.includes('v=calls') && document.getElementById('exchanges').hidden`)
	until(t, ctx, `document.querySelector('.view-calls').contains(document.activeElement)`)
	press(t, ctx, "1")
	until(t, ctx, `!location.hash.includes('v=') && document.querySelector('#views [aria-current]').textContent === 'Exchanges' && document.activeElement.id === 'list'`)
}

// TestPageListSaysWhatHappened looks at what a row tells.
func TestPageListSaysWhatHappened(t *testing.T) {
	ctx := browser(t)
	do(t, ctx, chromedp.Navigate(listed(t, mixed(10)).Link()))
	until(t, ctx, counted("10 exchanges"))
	for n, want := range map[int]string{
		0: "10:00:00.000|PlayOnPhone|3f0c0000-8a1e-4d37-9c55-1e7a0b9d24f6|200|-|PlayOnPhoneResponse|127.0.0.1:4711 curl|",
		3: "10:00:03.000|Disconnect|3f0c0000-8a1e-4d37-9c55-1e7a0b9d24f6|500!|300 ms|Fault(InvalidCallIdException)!|127.0.0.1:4711 curl|2 errors!",
		4: "10:00:04.000|Disconnect|3f0c0001-8a1e-4d37-9c55-1e7a0b9d24f6|503!|400 ms|Fault(ServerBusy)!|127.0.0.1:4711 node|",
		7: "10:00:07.000|GetCallInfo|3f0c0001-8a1e-4d37-9c55-1e7a0b9d24f6|-|700 ms|missed!|127.0.0.1:4711 curl|",
		8: "10:00:08.000|GetCallInfo|3f0c0002-8a1e-4d37-9c55-1e7a0b9d24f6|200|800 ms|hit GetCallInfoResponse{CallState}|127.0.0.1:4711 curl|1 odd",
		9: "10:00:09.000|GetCallInfo|3f0c0002-8a1e-4d37-9c55-1e7a0b9d24f6|-|900 ms|unanswered!|127.0.0.1:4711 curl|",
	} {
		if got := text(t, ctx, fmt.Sprintf(`[...document.querySelectorAll('#row-%d > *')].map((e) => e.textContent + (e.matches('.bad') || e.querySelector('.bad') ? '!' : '')).join('|')`, n)); got != want {
			t.Errorf("row %d is %s\nnot %s", n, got, want)
		}
	}
}

// TestPageOpensWhatIsOnNoCassette has a miss open, which has no name, and the page loaded
// again.
func TestPageOpensWhatIsOnNoCassette(t *testing.T) {
	ctx := browser(t)
	do(t, ctx, chromedp.Navigate(listed(t, mixed(10)).Link()))
	until(t, ctx, counted("10 exchanges"))
	script(t, ctx, `document.querySelector('#row-7').click()`)
	shown := `document.querySelector('#exchange .facts')?.textContent.includes('Outcomemissed') === true && location.hash === '#x=%407'`
	until(t, ctx, shown)
	do(t, ctx, chromedp.Reload())
	until(t, ctx, shown)
	// It is compared with what is nearest; what got no answer, with nothing.
	compares := `[...document.querySelectorAll('#exchange > header button')].map((b) => b.textContent).join()`
	until(t, ctx, compares+` === 'Compare with the nearest,Close'`)
	script(t, ctx, `document.querySelector('#row-9').click()`)
	until(t, ctx, compares+` === 'Close'`)
	script(t, ctx, `document.querySelector('#exchange .close').click()`)
	until(t, ctx, `document.getElementById('exchange').hidden`)
	had := number(t, ctx, `history.length`)
	press(t, ctx, "Escape") // closes nothing
	if n := number(t, ctx, `history.length`); n != had {
		t.Errorf("the browser goes back to %v pages, not %v", n, had)
	}
}

// TestPageHoldsMoreThanABrowserShows has so many rows that no element is high enough.
func TestPageHoldsMoreThanABrowserShows(t *testing.T) {
	const many = 250_000 // 56 pixels each
	ctx := browser(t)
	do(t, ctx, chromedp.EmulateViewport(360, 740))
	book := web.NewBook()
	rows := make([]web.Row, many)
	for k := range rows {
		rows[k] = web.Row{Operation: "Disconnect", Status: 200, Took: time.Duration(k) * time.Millisecond}
	}
	book.Add(rows...)
	do(t, ctx, chromedp.Navigate(listed(t, book).Link()))
	until(t, ctx, counted("250,000 exchanges"))
	if high := number(t, ctx, `document.getElementById('rows').clientHeight`); high > 15e6 {
		t.Errorf("%v pixels, which not all browsers show", high)
	}
	seen := func(n int) string {
		return fmt.Sprintf(`(() => { const b = document.getElementById('list').getBoundingClientRect(), a = document.getElementById('row-%d')?.getBoundingClientRect(); return a && a.top >= b.top - 4 && a.bottom <= b.bottom + 4; })()`, n)
	}
	press(t, ctx, "End")
	until(t, ctx, seen(0))
	for range 20 {
		press(t, ctx, "k")
	}
	until(t, ctx, seen(20))
	press(t, ctx, "PageUp", "PageUp")
	until(t, ctx, `!`+seen(20)+` && document.querySelector('.row.active') !== null`)
	n := int(number(t, ctx, `Number(document.querySelector('.row.active').dataset.n)`))
	until(t, ctx, seen(n))
	book.Add(rows[:500]...)
	until(t, ctx, counted("250,500 exchanges"))
	until(t, ctx, seen(n))
	script(t, ctx, `document.getElementById('list').scrollTop = 1e9`)
	until(t, ctx, seen(0))
	press(t, ctx, "Home")
	until(t, ctx, seen(250_499))
}

// TestPageEmpty has nothing to show yet, or nothing at all.
func TestPageEmpty(t *testing.T) {
	ctx := browser(t)
	serve := func(c web.Config) {
		t.Helper()
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := web.Serve(ln, c)
		t.Cleanup(s.Close)
		do(t, ctx, chromedp.Navigate(s.Link()))
	}
	says := func(want string) {
		t.Helper()
		until(t, ctx, `!document.getElementById('empty').hidden`)
		if got := text(t, ctx, `document.getElementById('empty').textContent`); !strings.Contains(got, want) {
			t.Errorf("%s\ndoes not say %s", got, want)
		}
	}
	book := web.NewBook()
	book.Reading(true)
	serve(web.Config{Book: book, Tape: newPageTapes(), Title: "calls.yaml"})
	until(t, ctx, stateIs("reading"))
	if !eval[bool](t, ctx, `document.getElementById('empty').hidden`) {
		t.Error("a cassette that is being read is called empty")
	}
	book.Reading(false)
	until(t, ctx, stateIs("following"))
	says("The cassette is emptyWhat is recorded to it appears here. To record:umtape record --append CASSETTE")
	book.Add(web.Row{Operation: "Disconnect"})
	until(t, ctx, counted("1 exchange")+` && document.getElementById('empty').hidden`)

	serve(web.Config{Book: web.NewBook(), Tape: newPageTapes(), Title: "calls.yaml", Mode: "record", Proxy: "127.0.0.1:8088", CA: "/home/it\\'s/ca.pem"})
	until(t, ctx, stateIs("live"))
	says("Point a client at the proxy:curl --proxy http://127.0.0.1:8088 --cacert /home/it\\'s/ca.pem ")
}

// TestPageHiddenTab is a tab that nobody looks at, which asks for nothing until somebody
// does.
func TestPageHiddenTab(t *testing.T) {
	ctx := browser(t)
	book := mixed(3)
	do(t, ctx, chromedp.Navigate(listed(t, book).Link()))
	until(t, ctx, counted("3 exchanges"))
	look := func(hidden bool) {
		t.Helper()
		script(t, ctx, fmt.Sprintf(`Object.defineProperty(document, 'hidden', {value: %t, configurable: true}); document.dispatchEvent(new Event('visibilitychange'))`, hidden))
	}
	look(true)
	book.Add(web.Row{Operation: "Disconnect"})
	do(t, ctx, chromedp.Sleep(300*time.Millisecond))
	if got := text(t, ctx, `document.getElementById('count').textContent`); got != "3 exchanges" {
		t.Errorf("nobody looks, and it shows %s", got)
	}
	look(false)
	until(t, ctx, counted("4 exchanges"))
}
