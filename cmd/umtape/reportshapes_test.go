package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// variedTape has a kind of message in several structures.
func variedTape(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "varied.yaml")
	m := makeCalls(t, path)
	for n, answer := range []string{
		"<b>1</b><c/>", "<b>1</b><c/>", "<b>x</b><a/>", "<a/><b>2</b>", "<b>1</b><b>2</b><d x='1'/>", "<c/><d y='true'>text</d><e><f/><g>1.5</g></e>", "<e><g>2</g><f/></e>",
	} {
		m.say(time.Second, "GetCallInfo", "<CallId>"+callID(n)+"</CallId>", answer)
	}
	m.end(time.Second, 1)
	m.close()
	return path
}

// TestReportMakesShapesAsThePageDoes has the script put together what umtape does for a
// page that is served: every two and three of the structures, and each beside each.
func TestReportMakesShapesAsThePageDoes(t *testing.T) {
	ctx := browser(t)
	page := browsed(t, variedTape(t))
	do(t, ctx, chromedp.Navigate(page.Link()))
	until(t, ctx, `document.documentElement.dataset.loaded === '8'`)
	found := eval[[]string](t, ctx, `(async () => {
		const {merge, beside} = module_shapetree, {load} = module_load, wrong = [];
		const g = (await load('shapes')).groups.find((g) => g.name === 'GetCallInfo response');
		const ask = (...names) => load('shape', [['key', g.key], ...names.map((name) => ['variant', name])]);
		const trees = await Promise.all(g.variants.map(async ({name}, n) => [n, (await ask(name)).parts]));
		// The order of members does not count, nor what is not there, nor in which they are if it is in all.
		const say = (parts, all) => JSON.stringify(parts.map((p) => [p.name, p.attr || false, p.ns || '', p.occurs, ...(all.length ? [p.values || '', p.any_order || false, p.optional || false,
			p.in && p.in.filter((n) => all.includes(n)).length < all.length ? p.in.filter((n) => all.includes(n)) : 'all'] : [p.a || null, p.b || null, p.same || false]), JSON.parse(say(p.parts || [], all))]));
		const same = (what, got, want, all = []) => { if (say(got, all) !== say(want, all)) wrong.push(what + ': ' + say(got, all) + ', not ' + say(want, all)); };
		let n = 0;
		for (const one of trees.keys()) for (const two of trees.keys()) for (const three of trees.keys()) {
			if (one > two || two > three) continue;
			const some = [...new Set([one, two, three])];
			same('merged ' + some, merge(some.map((k) => trees[k])), (await ask(...some.map((k) => g.variants[k].name))).parts, some);
			n++;
		}
		for (const one of trees.keys()) for (const two of trees.keys()) {
			const want = await load('shape', {key: g.key, a: g.variants[one].name, other: g.key, b: g.variants[two].name}), got = beside(trees[one][1], trees[two][1]);
			same('beside ' + [one, two], got.parts, want.parts);
			if (one === two && got.differences.length) wrong.push(one + ' differs from itself');
			n++;
		}
		return [g.variants.length + ' structures, ' + n + ' comparisons', ...wrong];
	})()`)
	if found[0] != "6 structures, 92 comparisons" {
		t.Errorf("there are %s", found[0])
	}
	for _, wrong := range found[1:] {
		t.Error(wrong)
	}
}

// TestReportHasShapesOfWhatIsChosen filters a report, and puts beside each other what
// was not made beforehand.
func TestReportHasShapesOfWhatIsChosen(t *testing.T) {
	ctx := browser(t)
	target := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(target, []byte(inspected(t, variedTape(t))), 0o600); err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.Navigate("file://"+target+"#v=shapes"))
	until(t, ctx, `document.querySelectorAll('.view-shapes .choose button').length === 4`)
	script(t, ctx, `[...document.querySelectorAll('.choose button')].find((b) => b.textContent.startsWith('GetCallInfo response')).click()`)
	until(t, ctx, `document.querySelectorAll('.variants > li').length === 6`)
	typeFilter(t, ctx, "-id:0 -id:1 -id:5 -id:6")
	rows := `[...document.querySelectorAll('.detail .tree')].at(0).innerText`
	until(t, ctx, `document.querySelectorAll('.variants > li').length === 3 && `+rows+`.includes('in 2 of 3 messages')`)
	if got := text(t, ctx, `[...document.querySelectorAll('.tree tbody tr')].map((r) => [...r.cells].map((c) => c.textContent.split(' http')[0]).join(' ').trim()).join('|')`); got !=
		"Body 1|GetCallInfoResponse 1  its elements in any order|b 1..2 integer|text|d 0..1 empty in 1 of 3 messages|@x 1 integer|a 0..1 empty in 2 of 3 messages" {
		t.Errorf("together they are %s", got)
	}
	// Of one kind, and of two.
	choose := func(which, option string) {
		t.Helper()
		script(t, ctx, `const s = document.getElementById('`+which+`'); s.value = [...s.options].find((o) => o.textContent.startsWith('`+option+` ')).value; s.dispatchEvent(new Event('change'))`)
	}
	for second, differing := range map[string]float64{"#3": 1, "#2": 0, "#7": 5} {
		choose("shapes-a", "#2")
		choose("shapes-b", second)
		until(t, ctx, `document.querySelectorAll('.detail .tree').length === 2 && document.querySelectorAll('.tree thead')[1].textContent.includes('`+second+`')`)
		if n := number(t, ctx, `[...document.querySelectorAll('.tree')][1].querySelectorAll('.varies').length`); n != differing {
			t.Errorf("%s differs at %v places: %s", second, n, text(t, ctx, `[...document.querySelectorAll('.tree')][1].innerText`))
		}
	}
	problem := `document.querySelector('.view-shapes .problem')`
	if wrong := shownText(t, ctx, problem); wrong != "" {
		t.Error(wrong)
	}
	script(t, ctx, `location.hash += '9'`) // of b or other, which is in the address last
	until(t, ctx, problem+`.textContent === 'There is no such shape; choose another one.'`)
}
