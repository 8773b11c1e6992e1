package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/umtape/umtape/cassettes"
)

// holdsBack has the page's first request for what begins like that wait until window.go
// is called. window.went says that it has its answer.
func holdsBack(t *testing.T, ctx context.Context, begins string) {
	t.Helper()
	script(t, ctx, `const fetched = window.fetch; let held = false; window.went = false; window.go = null;
		window.fetch = async (url, ...rest) => {
			if (held || !String(url).startsWith('`+begins+`')) return fetched(url, ...rest);
			held = true;
			await new Promise((go) => { window.go = go; });
			const answer = await fetched(url, ...rest);
			setTimeout(() => { window.went = true; }, 50);
			return answer;
		}`)
}

// TestPageOfLateAnswers has an answer come when something else was asked for meanwhile.
func TestPageOfLateAnswers(t *testing.T) {
	ctx := browser(t)
	path := sampleCalls(t)
	do(t, ctx, chromedp.Navigate(browsed(t, path).Link()))
	until(t, ctx, `document.documentElement.dataset.loaded === '15'`)
	holdsBack(t, ctx, "/api/shape?")
	press(t, ctx, "3")
	until(t, ctx, `window.go`)
	press(t, ctx, "j")
	shown := `document.querySelector('.view-shapes .detail h2').textContent`
	until(t, ctx, shown+`.startsWith('Disconnect response')`)
	script(t, ctx, `window.go()`)
	until(t, ctx, `window.went`)
	if got := text(t, ctx, shown); got != "Disconnect response 3 messages" {
		t.Errorf("the late answer is shown: %s", got)
	}

	holdsBack(t, ctx, "/api/compare?")
	compare := func(a, b string) {
		t.Helper()
		script(t, ctx, `location.hash = '#' + new URLSearchParams({v: 'compare', a: '`+path+`#`+a+`', b: '`+path+`#`+b+`'})`)
	}
	compare("0", "1")
	until(t, ctx, `window.go && document.querySelector('.result').getAttribute('aria-busy') === 'true'`)
	compare("2", "3")
	parties := `[...document.querySelectorAll('.parties button')].map((b) => b.textContent.split('#')[1]).join()`
	until(t, ctx, parties+` === '2,3' && !document.querySelector('.result').hasAttribute('aria-busy')`)
	script(t, ctx, `window.go()`)
	until(t, ctx, `window.went`)
	if got := text(t, ctx, parties); got != "2,3" {
		t.Errorf("the late answer is shown: %s", got)
	}

	// Of one cassette a number is enough.
	script(t, ctx, `document.getElementById('compare-a').value = '4'; document.getElementById('compare-b').value = ' #5'; document.querySelector('.view-compare form').requestSubmit()`)
	until(t, ctx, parties+` === '4,5'`)

	holdsBack(t, ctx, "/api/found?")
	script(t, ctx, `location.hash = '#v=findings&rule=UM071'`)
	until(t, ctx, `window.go`)
	script(t, ctx, `document.querySelector('.choose [data-key="UM073"]').click()`)
	places := `[...document.querySelectorAll('.places li')].map((li) => li.textContent.split(' ')[0]).join()`
	until(t, ctx, places+` === '#10'`)
	script(t, ctx, `window.go()`)
	until(t, ctx, `window.went`)
	if got := text(t, ctx, places); got != "#10" {
		t.Errorf("the late answer is shown: %s", got)
	}
}

// TestPageCountsFindings has an exchange that a rule finds more than once, and something
// that is about a cassette as a whole.
func TestPageCountsFindings(t *testing.T) {
	ctx := browser(t)
	path := filepath.Join(t.TempDir(), "torn.yaml")
	twice := dialled("+41445550102", "um.test", yes)
	twice.Request.Body = strings.Replace(twice.Request.Body, "<entryId>", "<x/><z/><entryId>", 1)
	writeTape(t, path, dialled("+41445550101", "um.test", yes), twice, dialled("+41445550104", "um.test", yes))
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, path, kept[:len(kept)-100])
	do(t, ctx, chromedp.Navigate(browsed(t, path).Link()))
	until(t, ctx, counted("2 exchanges"))
	press(t, ctx, "4")
	list := `[...document.querySelectorAll('.view-findings .choose button')].map((b) => b.dataset.key + ' ' + b.querySelector('.number').textContent).join() + ': ' + document.querySelector('.view-findings .count').textContent`
	until(t, ctx, list+` === 'TAPE01 1,UM023 4,UM034 2,UM042 2: 9 errors, 0 warnings, 0 notes'`)
	if about := text(t, ctx, `document.querySelector('.view-findings .places').textContent`); !strings.Contains(about, "torn.yaml the last interaction was not written to its end") {
		t.Errorf("of the cassette as a whole it is said: %s", about)
	}
	typeFilter(t, ctx, "id:1")
	until(t, ctx, list+` === 'UM023 3,UM034 1,UM042 1: 5 errors, 0 warnings, 0 notes'`)
	until(t, ctx, `document.querySelectorAll('.places li').length === 3 && document.querySelector('.detail h2 .where').textContent === '3 times'`)
}

// TestPageViewsTellWhatIsWrong has no answer come, and another one when it is asked again.
func TestPageViewsTellWhatIsWrong(t *testing.T) {
	ctx := sampleCallsSeen(t)
	script(t, ctx, `const fetched = window.fetch; window.fetch = async (url, ...rest) => (window.broken ? new Response('{"error":"the disk is gone"}', {status: 500}) : fetched(url, ...rest))`)
	for _, view := range []string{"calls", "shapes", "findings"} {
		said := `document.querySelector('.view-` + view + ` .count')`
		script(t, ctx, `window.broken = true; location.hash = '#v=`+view+`'`)
		until(t, ctx, said+`.textContent === 'the disk is gone' && `+said+`.classList.contains('wrong')`)
		script(t, ctx, `window.broken = false; document.getElementById('reveal').click(); document.getElementById('pause').click(); document.getElementById('pause').click()`)
		if view != "calls" { // which alone has more if what is sensitive is shown
			continue
		}
		until(t, ctx, `/^5 calls/.test(`+said+`.textContent) && !`+said+`.classList.contains('wrong')`)
	}
	script(t, ctx, `window.broken = true; location.hash = '#v=traffic'`)
	until(t, ctx, `document.querySelectorAll('.view-traffic svg').length === 3`)
	script(t, ctx, `location.hash = '#v=compare&a=%400&b=%401'`)
	until(t, ctx, `document.querySelector('.result .bad')?.textContent === 'the disk is gone' && !document.querySelector('.result').hasAttribute('aria-busy')`)

	// What is chosen is shown from its beginning.
	script(t, ctx, `window.broken = false`)
	do(t, ctx, chromedp.Reload(), chromedp.EmulateViewport(700, 300))
	for view, first := range map[string]string{"shapes": "PlayOnPhone response", "findings": "note UM073"} {
		script(t, ctx, `location.hash = '#v=`+view+`'`)
		until(t, ctx, `document.querySelector('.view-`+view+` .detail h2')`)
		script(t, ctx, `document.querySelector('.view-`+view+` .detail').scrollTop = 50`)
		script(t, ctx, `[...document.querySelectorAll('.view-`+view+` .choose button')].at(-1).click()`)
		until(t, ctx, `document.querySelector('.view-`+view+` .detail h2').textContent.startsWith('`+first+`')`)
		if top := number(t, ctx, `document.querySelector('.view-`+view+` .detail').scrollTop`); top != 0 {
			t.Errorf("%s is shown from %v px on", first, top)
		}
	}
}

// TestPageOfFindingsThatGrow has more of a rule come while its places are looked at.
func TestPageOfFindingsThatGrow(t *testing.T) {
	ctx := browser(t)
	path := filepath.Join(t.TempDir(), "calls.yaml")
	m := makeCalls(t, path)
	m.start(0, 1)
	m.end(time.Second, 1)
	m.close()
	do(t, ctx, chromedp.Navigate(browsed(t, path).Link()))
	until(t, ctx, `Number(document.documentElement.dataset.loaded) > 0`)
	script(t, ctx, `location.hash = '#v=findings'`)
	empty := `document.querySelector('.view-findings .empty').innerText`
	until(t, ctx, empty+`.startsWith('Nothing was found')`)
	later := m.at
	add := func(i *cassettes.Interaction) {
		t.Helper()
		later = later.Add(time.Second)
		i.Umtape.Arrived = later
		w, err := cassettes.Create(path, cassettes.HeaderMeta{}, cassettes.Append, cassettes.SyncNever)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Append(i); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	add(dialled("+41445550101", "um.test", yes))
	until(t, ctx, `document.querySelectorAll('.view-findings .places li').length === 1`)
	if where := text(t, ctx, `document.querySelector('.view-findings .places').innerText`); where != "#2 CallId is no child of PlayOnPhoneResponse\nPlayOnPhone, response, Body/PlayOnPhoneResponse/CallId" {
		t.Errorf("it is at %s", where)
	}
	if got := text(t, ctx, `document.querySelector('.view-findings .detail h2').innerText + ' ' + document.querySelector('.view-findings .facts').innerText.split('\n').map((l) => l.trim()).filter(Boolean).slice(0, 3).join(' ')`); !strings.HasPrefix(got, "error UM023 1 time Why the schema has no place for it") {
		t.Errorf("the rule is told as %s", got)
	}
	script(t, ctx, `window.was = document.querySelector('.view-findings .places li')`)
	add(dialled("+41445550102", "um.test", yes))
	until(t, ctx, `document.querySelectorAll('.view-findings .places li').length === 2 && document.querySelector('.view-findings .detail h2').innerText.includes('2 times')`)
	if !eval[bool](t, ctx, `document.querySelector('.view-findings .places li') === window.was`) {
		t.Error("what was looked at was drawn anew")
	}

	// Nothing fits, and all is shown again.
	typeFilter(t, ctx, "op:Disconnect")
	until(t, ctx, empty+`.startsWith('Nothing like that was found')`)
	script(t, ctx, `document.querySelector('.view-findings .empty button').click()`)
	until(t, ctx, `document.querySelectorAll('.view-findings .places li').length === 2 && document.getElementById('filter').value === ''`)
	script(t, ctx, `const s = document.getElementById('findings-severity'); s.value = 'note'; s.dispatchEvent(new Event('change'))`)
	until(t, ctx, empty+`.startsWith('Nothing like that was found')`)
	script(t, ctx, `document.querySelector('.view-findings .empty button').click()`)
	until(t, ctx, `document.querySelectorAll('.view-findings .places li').length === 2 && !location.hash.includes('severity')`)
	script(t, ctx, `window.fetch = async () => new Response('{"error":"the disk is gone"}', {status: 500}); document.querySelector('.choose [data-key="UM034"]').click()`)
	until(t, ctx, `document.querySelector('.view-findings .places').innerText.trim() === 'the disk is gone'`)
}
