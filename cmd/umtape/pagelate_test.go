package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
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
