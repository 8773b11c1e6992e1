package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/umtape/umtape/cassettes"
)

// ruleTapes are copies of cassettes that fail rules.
func ruleTapes(t *testing.T, rules ...string) (paths []string) {
	t.Helper()
	dir := t.TempDir()
	for _, rule := range rules {
		text, err := os.ReadFile("../../testdata/rules/" + rule + "/fail.yaml")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, rule+".yaml")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// typeFilter types into the filter.
func typeFilter(t *testing.T, ctx context.Context, text string) {
	t.Helper()
	script(t, ctx, `const f = document.getElementById('filter'); f.value = `+strconv.Quote(text)+`; f.dispatchEvent(new Event('input'))`)
}

func counted(text string) string {
	return `document.getElementById('count')?.textContent === ` + strconv.Quote(text)
}

// TestPageReadsBodies is a person who looks for what was said in them.
func TestPageReadsBodies(t *testing.T) {
	ctx := browser(t)
	page := browsed(t, ruleTapes(t, "UM070", "UM020", "UM033")...)
	do(t, ctx, chromedp.Navigate(page.Link()))
	until(t, ctx, counted("4 exchanges"))

	// Capital letters do not count, and the address shows the same again.
	typeFilter(t, ctx, `text:"call identifier ISN'T valid" op:Disconnect`)
	until(t, ctx, counted("1 of 4 exchanges"))
	do(t, ctx, chromedp.Reload())
	until(t, ctx, counted("1 of 4 exchanges"))
	script(t, ctx, `document.querySelector('.row').click()`)
	until(t, ctx, `[...CSS.highlights.get('sought')].map(String).join() === "call identifier isn't valid"`)
	script(t, ctx, `[...document.querySelectorAll('#exchange .side button')].filter((b) => b.textContent === 'Raw').forEach((b) => b.click())`)
	until(t, ctx, `[...CSS.highlights.get('sought')][0].startContainer.parentElement.tagName === 'PRE'`)
	press(t, ctx, "Escape")
	typeFilter(t, ctx, `-text:<callstate>`)
	until(t, ctx, counted("2 of 4 exchanges"))

	// What is hidden is found while it is shown, and not otherwise.
	typeFilter(t, ctx, `text:M2YwYzZiNTItOGExZS00`)
	until(t, ctx, `document.getElementById('empty').textContent.includes('Nothing fits the filter')`)
	script(t, ctx, `document.getElementById('reveal').click()`)
	until(t, ctx, counted("2 of 4 exchanges"))
	script(t, ctx, `document.getElementById('reveal').click()`)
	until(t, ctx, counted("0 of 4 exchanges"))
}

// TestPageShowsTraffic is a person who looks at how a recording went.
func TestPageShowsTraffic(t *testing.T) {
	ctx := browser(t)
	path := filepath.Join(t.TempDir(), "load.yaml")
	w, err := cassettes.Create(path, cassettes.HeaderMeta{}, cassettes.Refuse, cassettes.SyncNever)
	if err != nil {
		t.Fatal(err)
	}
	add := func(k int, operation string, took time.Duration, status int, answer string) {
		t.Helper()
		i := &cassettes.Interaction{}
		i.Request.Method, i.Request.URL = "POST", "https://um.test/UnifiedMessaging/Service.asmx"
		i.Request.Headers = http.Header{"Content-Type": {"text/xml"}}
		i.Response.Headers, i.Response.Code, i.Response.Duration = i.Request.Headers, status, took
		envelope := `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>%s</s:Body></s:Envelope>`
		i.Request.Body = fmt.Sprintf(envelope, `<`+operation+` xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"/>`)
		i.Response.Body = fmt.Sprintf(envelope, answer)
		i.Umtape.Arrived = time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC).Add(time.Duration(k) * 40 * time.Millisecond)
		if err := w.Append(i); err != nil {
			t.Fatal(err)
		}
	}
	for k := range 400 {
		answered := `<GetCallInfoResponse xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"/>`
		add(k, "GetCallInfo", time.Duration(5+k%40)*time.Millisecond, 200, answered)
		if k%10 == 0 {
			add(k, "Disconnect", 300*time.Millisecond, 500, `<s:Fault><faultcode>s:Client</faultcode><faultstring>x</faultstring><detail><ExceptionType>Busy</ExceptionType></detail></s:Fault>`)
		}
		if k%100 == 0 {
			add(k, "IsUMEnabled", 2*time.Second, 200, `<s:Fault><faultcode>s:Server</faultcode><faultstring>x</faultstring></s:Fault>`)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	page := browsed(t, path)
	do(t, ctx, chromedp.Navigate(page.Link()))
	until(t, ctx, counted("444 exchanges"))
	script(t, ctx, `[...document.querySelectorAll('#views a')].find((a) => a.textContent === 'Traffic').click()`)
	until(t, ctx, `document.querySelectorAll('.view-traffic svg').length === 3 && location.hash === '#v=traffic'`)
	for _, want := range []string{
		"Half of 444 exchanges took up to 27 ms, 95 % up to 300 ms, 99 % up to 300 ms, the longest 2.00 s.",
		"444 exchanges in 15.96 s, from 2026-11-01 10:00:00.000 on. The most in 500 ms",
		"400 answered (90.1 %), 44 fault or error (9.9 %).",
	} {
		if got := text(t, ctx, `[...document.querySelectorAll('.view-traffic .sum')].map((p) => p.textContent).join('\n')`); !strings.Contains(got, want) {
			t.Errorf("%s\ndoes not say %s", got, want)
		}
	}
	picture(t, ctx, "traffic")

	// All of it is text as well, which leads to the exchanges that it counts.
	script(t, ctx, `for (const d of document.querySelectorAll('.view-traffic details')) d.open = true`)
	until(t, ctx, `document.querySelectorAll('.view-traffic table').length === 4`)
	if n := number(t, ctx, `[...document.querySelectorAll('.view-traffic table')].filter((x) => x.caption.textContent.startsWith('Exchanges per')).flatMap((x) => [...x.querySelectorAll('td')]).reduce((sum, td) => sum + Number(td.textContent), 0)`); n != 444 {
		t.Errorf("the table of times has %v exchanges", n)
	}
	axe(t, ctx, "traffic-tables")
	lines := func(caption string) string {
		t.Helper()
		return text(t, ctx, `[...document.querySelectorAll('.view-traffic table')].find((x) => x.caption.textContent === '`+caption+`').tBodies[0].innerText.replaceAll('\t', ' ')`)
	}
	if got := lines("By operation"); got != "GetCallInfo 400 5.00 ms 24 ms 42 ms 44 ms 44 ms\nDisconnect 40 300 ms 300 ms 300 ms 300 ms 300 ms\nIsUMEnabled 4 2.00 s 2.00 s 2.00 s 2.00 s 2.00 s" {
		t.Errorf("by operation: %s", got)
	}
	if got := lines("By time"); got != "5.00 ms to 7.00 ms 20 0 0\n7.00 ms to 10 ms 30 0 0\n10 ms to 15 ms 50 0 0\n15 ms to 20 ms 50 0 0\n20 ms to 30 ms 100 0 0\n30 ms to 50 ms 150 0 0\n50 ms to 70 ms 0 0 0\n"+
		"70 ms to 100 ms 0 0 0\n100 ms to 150 ms 0 0 0\n150 ms to 200 ms 0 0 0\n200 ms to 300 ms 0 0 0\n300 ms to 500 ms 0 40 0\n500 ms to 700 ms 0 0 0\n700 ms to 1.00 s 0 0 0\n1.00 s to 1.50 s 0 0 0\n1.50 s to 2.00 s 0 0 0\n2.00 s to 3.00 s 0 4 0" {
		t.Errorf("by time: %s", got)
	}
	if got := text(t, ctx, `[...document.querySelectorAll('.view-traffic svg')].map((s) => [...s.querySelectorAll('text')].map((x) => x.textContent).join(' ')).join(' | ')`); got !=
		"answered fault or error 0 100 200 10 ms 30 ms 100 ms 300 ms 1.00 s exchanges | answered fault or error 0 10 20 10:00:00 10:00:05 10:00:10 10:00:15 exchanges per 500 ms | answered fault or error 200 400 (90.1 %) 500 Busy 40 (9.0 %) 200 Server 4 (0.9 %)" {
		t.Errorf("drawn is %s", got)
	}
	if got := text(t, ctx, `(() => { const bars = [...document.querySelectorAll('.view-traffic svg')[0].querySelectorAll('.c-bar')].slice(2).map((b) => b.height.baseVal.value), most = Math.max(...bars); return bars.map((h) => (150 * h / most).toFixed(0)).join(); })()`); got != "20,30,50,50,100,150,40,4" {
		t.Errorf("bars are %s high", got)
	}
	script(t, ctx, `[...document.querySelectorAll('.view-traffic table')].at(-1).querySelectorAll('a')[1].click()`)
	until(t, ctx, counted("40 of 444 exchanges"))
	if got := text(t, ctx, `document.getElementById('filter').value`); got != "status:500 fault:Busy" || eval[bool](t, ctx, `document.getElementById('exchanges').hidden`) {
		t.Errorf("the filter is %s", got)
	}

	// So do times.
	script(t, ctx, `[...document.querySelectorAll('#views a')].find((a) => a.textContent === 'Traffic').click()`)
	until(t, ctx, `document.querySelector('.view-traffic .sum').textContent.startsWith('Half of 40 exchanges')`)
	until(t, ctx, `[...document.querySelectorAll('.view-traffic table')].some((x) => x.caption.textContent === 'Exchanges per 500 ms')`)
	script(t, ctx, `[...document.querySelectorAll('.view-traffic table')].find((x) => x.caption.textContent.startsWith('Exchanges per')).querySelectorAll('a')[3].click()`)
	until(t, ctx, counted("1 of 444 exchanges"))
	if got := text(t, ctx, `document.getElementById('filter').value`); got != "status:500 fault:Busy time:>=2026-11-01T10:00:01.500 time:<2026-11-01T10:00:02.000" {
		t.Errorf("the filter is %s", got)
	}
	for filter, want := range map[string]string{"time:10:00:01": "27", "time:2026-11-01T10:00:15.9": "2", "time:2026-10": "0", "-time:>10:00:00": "29", "time:": "444", "time:<=10:00:00.04": "4"} {
		typeFilter(t, ctx, filter)
		if got := text(t, ctx, `document.getElementById('count').textContent`); got != want+" of 444 exchanges" {
			t.Errorf("%s: %s, not %s", filter, got, want)
		}
	}

	// The filter holds for the view, and what comes is in it.
	typeFilter(t, ctx, "op:Nothing")
	script(t, ctx, `[...document.querySelectorAll('#views a')].find((a) => a.textContent === 'Traffic').click()`)
	until(t, ctx, `document.querySelector('.view-traffic .nothing').textContent.includes('Nothing fits the filter')`)
	script(t, ctx, `document.querySelector('.view-traffic .nothing button').click()`)
	until(t, ctx, `document.querySelector('.view-traffic .sum').textContent.startsWith('Half of 444')`)
	if w, err = cassettes.Create(path, cassettes.HeaderMeta{}, cassettes.Append, cassettes.SyncNever); err != nil {
		t.Fatal(err)
	}
	add(400, "GetCallInfo", time.Minute, 200, "")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, `document.querySelector('.view-traffic .sum').textContent.includes('445 exchanges') && document.querySelector('.view-traffic .sum').textContent.includes('the longest 60.00 s')`)

	// As soon as that, too.
	if w, err = cassettes.Create(path, cassettes.HeaderMeta{}, cassettes.Append, cassettes.SyncNever); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, `(() => { const filter = document.getElementById('filter'), count = () => document.querySelector('.view-traffic .sum').textContent;
		filter.value = 'x'; filter.dispatchEvent(new Event('input')); filter.value = ''; filter.dispatchEvent(new Event('input')); return count().includes('445'); })()`) // it was drawn a moment ago
	add(401, "GetCallInfo", time.Hour, 200, "")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, `document.querySelector('.view-traffic .sum').textContent.includes('446 exchanges')`)
}

// TestPageShowsWhatIsKnownOfTraffic has exchanges without a time, and without a duration.
func TestPageShowsWhatIsKnownOfTraffic(t *testing.T) {
	ctx := browser(t)
	path := filepath.Join(t.TempDir(), "some.yaml")
	known, untimed, unknown := dialled("+41445550101", "um.test", yes), dialled("+41445550102", "um.test", yes), dialled("+41445550103", "um.test", yes)
	known.Response.Duration, untimed.Response.Duration = 20*time.Millisecond, 30*time.Millisecond
	untimed.Umtape.Arrived, unknown.Umtape.Arrived = time.Time{}, time.Time{}
	unknown.Response.Code, unknown.Response.Body = 404, ""
	writeTape(t, path, known, untimed, unknown)
	page := browsed(t, path)
	do(t, ctx, chromedp.Navigate(page.Link()+"#v=traffic"))
	until(t, ctx, counted("3 exchanges"))
	script(t, ctx, `location.hash = '#v=traffic'`)
	sums := func(want string) {
		t.Helper()
		until(t, ctx, `[...document.querySelectorAll('.view-traffic .sum')].map((p) => p.textContent).join(' | ') === `+strconv.Quote(want))
	}
	sums("Half of 2 exchanges took up to 20 ms, 95 % up to 30 ms, 99 % up to 30 ms, the longest 30 ms. Of 1 it is not known. | " +
		"1 exchange in a moment, from 2026-11-01 10:00:00.000 on. The most in 1 ms, 1, from 2026-11-01 10:00:00.000 on. Of 2 it is not known when. | " +
		"2 answered (66.7 %), 1 fault or error (33.3 %).")
	if got := text(t, ctx, `[...document.querySelectorAll('.view-traffic svg')].at(-1).textContent`); got != "answeredfault or error2002 (66.7 %)4041 (33.3 %)" {
		t.Errorf("the answers are drawn as %s", got)
	}
	typeFilter(t, ctx, "status:404")
	sums("Of none is it known. | Of none it is known when it was. | 1 fault or error (100 %).")

	// Times are told as finely as they are counted.
	for after, want := range map[time.Duration]string{
		3 * time.Second: "2 exchanges in 3.00 s, from 2026-11-01 10:00:00.000 on. The most in 100 ms, 1, from 2026-11-01 10:00:00.000 on.",
		time.Minute:     "2 exchanges in 60.00 s, from 2026-11-01 10:00:00 on. The most in 2 seconds, 1, from 2026-11-01 10:00:00 on.",
		time.Hour:       "2 exchanges in 60 minutes, from 2026-11-01 10:00 on. The most in 2 minutes, 1, from 2026-11-01 10:00 on.",
		50 * time.Hour:  "2 exchanges in 2.1 days, from 2026-11-01 10:00 on. The most in an hour, 1, from 2026-11-01 10:00 on.",
	} {
		path := filepath.Join(t.TempDir(), "later.yaml")
		later := dialled("+41445550102", "um.test", yes)
		later.Umtape.Arrived = known.Umtape.Arrived.Add(after)
		writeTape(t, path, known, later)
		do(t, ctx, chromedp.Navigate(browsed(t, path).Link()))
		until(t, ctx, counted("2 exchanges"))
		script(t, ctx, `location.hash = '#v=traffic'`)
		until(t, ctx, `document.querySelectorAll('.view-traffic .sum')[1]?.textContent.startsWith('2 exchanges')`)
		if got := text(t, ctx, `document.querySelectorAll('.view-traffic .sum')[1].textContent`); got != want {
			t.Errorf("after %v: %s, not %s", after, got, want)
		}
	}
}

// TestPageComparesAMiss is a person who asks why a replay did not answer.
func TestPageComparesAMiss(t *testing.T) {
	ctx := browser(t)
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one.yaml"), filepath.Join(dir, "two.yaml")
	writeTape(t, one, dialled("+41445550101", "um.corp.example.net", yes))
	second := dialled("+41445550102", "um.corp.example.net", no)
	second.Response.Headers.Set("Date", "Sun, 01 Nov 2026 10:00:00 GMT")
	writeTape(t, two, second)
	a, _ := testApp(t)
	s, err := a.openReplay([]string{one, two}, replayFlags{listen: "127.0.0.1:0", maxBody: 1 << 20, ui: "127.0.0.1:0", caDir: t.TempDir(), log: logFlags{format: "text"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(io.Discard) })
	do(t, ctx, chromedp.Navigate(s.page.server.Link()))
	until(t, ctx, `document.getElementById('empty').textContent.includes('Nothing has been said yet')`)
	call := func(number string) {
		t.Helper()
		i := dialled(number, "um.corp.example.net", "")
		answer, err := http.Post("http://"+s.addr()+"/UnifiedMessaging/Service.asmx", "text/xml", strings.NewReader(i.Request.Body))
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
	call("+41445550101")
	call("+41445550102")
	call("+41445550199")
	until(t, ctx, counted("3 exchanges"))

	// A miss that is opened shows what was asked; nothing was answered by a server.
	press(t, ctx, "j", "Enter")
	until(t, ctx, `document.querySelector('#exchange .side')`)
	if got := text(t, ctx, `[...document.querySelectorAll('#exchange .side')].map((s) => s.getAttribute('aria-label')).join()`); got != "Request" {
		t.Errorf("of a miss are shown %s", got)
	}
	if got := text(t, ctx, `document.querySelector('#exchange').innerText`); !strings.Contains(got, "DialString") || strings.Contains(got, "555") {
		t.Errorf("the miss, opened: %s", got)
	}
	press(t, ctx, "Escape")

	// It is compared with what is nearest to it, whose number is hidden until it is
	// asked for. The rule that would let it match can be copied.
	press(t, ctx, "c")
	until(t, ctx, `location.hash.startsWith('#v=compare&m=%402') && document.querySelectorAll('.place').length === 1`)
	if got := text(t, ctx, `document.querySelector('.result').innerText`); !strings.Contains(got, "Body/PlayOnPhone/DialString") || !strings.Contains(got, "***") ||
		strings.Contains(got, "555") || !strings.Contains(got, "--any DialString") || !strings.Contains(got, "one.yaml#0") {
		t.Errorf("the miss: %s", got)
	}
	script(t, ctx, `document.getElementById('reveal').click()`)
	until(t, ctx, `[...document.querySelectorAll('.place dl > div')].map((d) => d.textContent).join() === 'Nearest+41445550101,Miss+41445550199'`)
	script(t, ctx, `[...document.querySelectorAll('.result button')].find((b) => b.textContent === 'All elements').click()`)
	until(t, ctx, `[...document.querySelectorAll('.whole .about')].map((e) => e.textContent.trim()).join() === '<DialString>+41445550101</DialString>DialString: text differs,<DialString>+41445550199</DialString>DialString: text differs'`)
	if got := text(t, ctx, `[...document.querySelectorAll('.whole h3')].map((h) => h.textContent).join()`); got != "Nearest: request,Miss: request" {
		t.Errorf("beside each other are %s", got)
	}
	script(t, ctx, `document.getElementById('reveal').click()`)
	until(t, ctx, `document.querySelectorAll('.whole .about .veil').length === 2`)
	picture(t, ctx, "compare-miss")
	do(t, ctx, chromedp.EmulateViewport(360, 740))
	until(t, ctx, `document.querySelector('.result').getBoundingClientRect().top < 740 / 3`)
	script(t, ctx, `document.querySelector('.asking summary').click()`)
	until(t, ctx, `document.querySelector('#compare-a').checkVisibility()`)
	do(t, ctx, chromedp.EmulateViewport(1280, 800))
	until(t, ctx, `!document.querySelector('.asking summary').checkVisibility() && document.querySelector('#compare-a').checkVisibility()`)

	// Traffic has the miss in a pattern of its own.
	script(t, ctx, `[...document.querySelectorAll('#views a')].find((a) => a.textContent === 'Traffic').click()`)
	until(t, ctx, `document.querySelector('.view-traffic .c-bar.none') && [...document.querySelectorAll('.view-traffic .sum')].at(-1).textContent.startsWith('2 answered (66.7 %), 1 missed')`)

	// Two exchanges are chosen by keys, one after the other.
	script(t, ctx, `[...document.querySelectorAll('#views a')].find((a) => a.textContent === 'Exchanges').click()`)
	until(t, ctx, `!document.getElementById('exchanges').hidden`)
	script(t, ctx, `document.getElementById('list').focus()`)
	press(t, ctx, "End", "c")
	until(t, ctx, `document.getElementById('chosen').textContent.includes('one.yaml#0')`)
	press(t, ctx, "k", "Enter")
	until(t, ctx, `[...document.querySelectorAll('#exchange button')].some((b) => b.textContent.startsWith('Compare with') && b.textContent.endsWith('one.yaml#0'))`)
	press(t, ctx, "c")
	until(t, ctx, `document.querySelectorAll('.place').length === 3 && document.getElementById('chosen').hidden`)
	press(t, ctx, "Escape")
	press(t, ctx, "j", "j")
	if got := text(t, ctx, `document.activeElement.querySelector('.path')?.textContent || document.activeElement.outerHTML`); got != "Body/PlayOnPhoneResponse/Busy" {
		t.Errorf("j went to %s", got)
	}
	picture(t, ctx, "compare")
	for _, want := range []string{"They differ in 3 places.", "Body/PlayOnPhoneResponse/Busy added", "text differs"} {
		if got := text(t, ctx, `document.querySelector('.result').innerText`); !strings.Contains(got, want) {
			t.Errorf("%s\nwithout %s", got, want)
		}
	}
	script(t, ctx, `[...document.querySelectorAll('.result button')].find((b) => b.textContent === 'All elements').click()`)
	until(t, ctx, `[...document.querySelectorAll('.whole .about .mark')].map((m) => m.textContent).join() === 'DialString: text differs,DialString: text differs,CallId: text differs,Busy: added,CallId: text differs'`)
	picture(t, ctx, "compare-all")
	do(t, ctx, chromedp.Reload())
	until(t, ctx, `document.querySelectorAll('.whole .about').length === 5`)

	press(t, ctx, "e")
	until(t, ctx, `document.getElementById('exports-what').textContent.includes(' 2 exchanges,')`)
	press(t, ctx, "Escape")
	script(t, ctx, `document.getElementById('compare-h').click()`)
	until(t, ctx, `document.querySelector('.result .sum').textContent === 'They differ in 4 places.' && location.hash.includes('&h=1')`)
	script(t, ctx, `document.getElementById('compare-h').click()`)
	until(t, ctx, `document.querySelector('.result .sum').textContent === 'They differ in 3 places.' && !location.hash.includes('h=1')`)
	script(t, ctx, `[...document.querySelectorAll('.view-compare button')].find((b) => b.textContent === 'Swap').click()`)
	until(t, ctx, `document.getElementById('compare-a').value.endsWith('two.yaml#0') && document.querySelector('.parties dd button').textContent.endsWith('two.yaml#0')`)

	// And two cassettes.
	script(t, ctx, `document.querySelector('.view-compare form[aria-label="Two cassettes"]').requestSubmit()`)
	until(t, ctx, `document.querySelectorAll('.changes > li').length === 1 && document.querySelector('.result .sum').textContent.startsWith('0 interactions the same, 1 changed, 0 removed, 0 added')`)
	axe(t, ctx, "compare-cassettes")
	script(t, ctx, `[...document.querySelectorAll('.changes button')].find((b) => b.textContent === 'Side by side').click()`)
	until(t, ctx, `document.querySelectorAll('.whole .about').length === 5`)

	// What cannot be compared says why.
	script(t, ctx, `document.getElementById('compare-b').value = 'three.yaml#7'; document.querySelector('.view-compare form').requestSubmit()`)
	until(t, ctx, `document.querySelector('.result').textContent.includes('three.yaml#7 is not on this page')`)
}
