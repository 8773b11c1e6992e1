package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// lanesDrawn tells what is drawn of calls: of each its name, its marks and its bars, by
// their time in milliseconds since 10:00:00, as the axis has it.
const lanesDrawn = `(() => {
	const ticks = [...document.querySelectorAll('.tick')].slice(0, 2).map((t) => [t.getBoundingClientRect().left, new Date('2026-11-23T' + t.textContent + 'Z') - new Date('2026-11-23T10:00:00Z')]);
	const time = (px) => 10 * Math.round((ticks[0][1] + (px - ticks[0][0]) / (ticks[1][0] - ticks[0][0]) * (ticks[1][1] - ticks[0][1])) / 10);
	return [...document.querySelectorAll('.lane:not([hidden])')].sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top).map((lane) => [
		lane.querySelector('code').textContent.split('-')[0].replace(/^0+/, '') + ' ' + lane.querySelector('small').textContent,
		...[...lane.querySelectorAll('.moment')].map((m) => m.className.replace('moment ', '') + ' ' + time((m.getBoundingClientRect().left + m.getBoundingClientRect().right) / 2)),
		...[...lane.querySelectorAll('.span')].map((b) => b.className.replace('span ', '') + ' ' + time(b.getBoundingClientRect().left) + '-' + time(b.getBoundingClientRect().right) + ' ' + b.textContent),
	].join(', ')).join('\n');
})()`

// mouse presses, moves and lets go at places of the window.
func mouse(t *testing.T, ctx context.Context, places ...[2]float64) {
	t.Helper()
	for n, at := range places {
		p := input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseMoved, X: at[0], Y: at[1], Button: input.MouseButtonLeft, Buttons: 1, ClickCount: 1}
		switch n {
		case 0:
			p.Type = input.DispatchMouseEventTypeMousePressed
		case len(places) - 1:
			p.Type = input.DispatchMouseEventTypeMouseReleased
		}
		if _, err := chromedp.Call(ctx, input.DispatchMouseEvent, p); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPageDrawsLanes(t *testing.T) {
	ctx := sampleCallsSeen(t)
	press(t, ctx, "2")
	until(t, ctx, `document.querySelectorAll('.lane:not([hidden])').length === 5`)
	want := `5 no known start, refused 4400, open -140-4400 
4 no known start, end 4100, open -140-4100 
3 left open; 400 ms, 1 poll, start 3400, poll 3800, unknown 3400-3800 , open 3800-4770 open
2 1.30 s, 2 polls every 1.00 s, start 1000, poll 1300, over 2300, unknown 1000-1300 , s0 1300-2300 Connecting
1 used after the end; 3.10 s, 5 polls every 750 ms, start 0, poll 200, poll 700, poll 1200, poll 2200, end 3100, poll 3200, end late 4600, unknown 0-200 , s0 200-700 , s1 700-1200 Alerted, s2 1200-3100 Connected`
	if got := text(t, ctx, lanesDrawn); got != want {
		t.Errorf("drawn is\n%s\nnot\n%s", got, want)
	}
	if legend := text(t, ctx, `[...document.querySelectorAll('.legend span')].map((s) => s.textContent).join()`); legend != "start,poll,end,found ended,refused or unanswered,state not known,Connecting,Alerted,Connected" {
		t.Errorf("the legend is %s", legend)
	}

	// A mark opens its exchange, a name zooms to its call.
	script(t, ctx, `document.querySelector('.moment.over').click()`)
	until(t, ctx, `document.querySelector('#exchange h2')?.textContent.includes('#7') && document.querySelector('.lane.active code').textContent.startsWith('00000002') && document.querySelector('.moment.opened.active.over')`)
	press(t, ctx, "Escape")
	window := `(location.hash.match(/t=(\d+)_(\d+)/) || []).slice(1).map((ms) => ms - Date.parse('2026-11-23T10:00:00Z')).join()`
	at := func(want string) {
		t.Helper()
		until(t, ctx, window+` === '`+want+`'`)
	}
	script(t, ctx, `document.querySelector('.lane.active .zoom-to').click()`)
	at("960,2370") // 40 ms, which are 3 %, on each side
	press(t, ctx, "+")
	at("1313,2018")
	press(t, ctx, "-")
	at("961,2371")
	key := func(key string) {
		t.Helper()
		script(t, ctx, `document.querySelector('.lanes').dispatchEvent(new KeyboardEvent('keydown', {key: '`+key+`', shiftKey: true, bubbles: true, cancelable: true}))`)
	}
	key("ArrowRight")
	at("1314,2724")
	key("ArrowLeft")
	at("962,2372")
	wheel := func(by int) {
		t.Helper()
		script(t, ctx, fmt.Sprintf(`const box = document.querySelector('.ticks').getBoundingClientRect(); document.querySelector('.lanes').dispatchEvent(new WheelEvent('wheel', {deltaY: %d, ctrlKey: true, clientX: box.left, bubbles: true, cancelable: true}))`, by))
	}
	wheel(1)
	at("962,2725") // what is under the pointer stays
	wheel(-1)
	at("962,2372")

	// Time is moved by a mouse.
	box := eval[[]float64](t, ctx, `(() => { const b = document.querySelector('.ticks').getBoundingClientRect(); return [b.left, b.width, document.querySelector('.lanes').getBoundingClientRect().bottom - 40]; })()`)
	mouse(t, ctx, [2]float64{box[0] + box[1]/2, box[2]}, [2]float64{box[0] + box[1]/2 + 2, box[2]}, [2]float64{box[0] + box[1]/2 + 2, box[2]})
	mouse(t, ctx, [2]float64{box[0] + box[1]/2, box[2]}, [2]float64{box[0] + box[1]/4, box[2]}, [2]float64{box[0], box[2]}, [2]float64{box[0], box[2]})
	at("1667,3077")
	press(t, ctx, "ArrowLeft", "ArrowLeft", "ArrowLeft") // to the lane, over the marks before
	until(t, ctx, `document.getElementById(document.querySelector('.lanes').getAttribute('aria-activedescendant')).className === 'lane-name'`)
	press(t, ctx, "ArrowRight") // where time goes along
	at("295,1705")
	press(t, ctx, "0")
	at("")

	// The exchange that is open is followed, and what is beside each other is one mark.
	script(t, ctx, `location.hash = '#v=calls&x=' + encodeURIComponent(document.querySelector('.title').textContent + '#13')`)
	until(t, ctx, `document.querySelector('.lane.active code').textContent.startsWith('00000005') && document.querySelector('.moment.opened.refused')`)
	press(t, ctx, "Escape")
	do(t, ctx, chromedp.EmulateViewport(360, 740))
	until(t, ctx, `document.querySelector('.lanes.narrow')`)
	if got := text(t, ctx, `[...document.querySelectorAll('.moment:has(.more)')].map((m) => m.className + ' ' + m.textContent + ' ' + m.title.slice(0, 11) + m.title.slice(m.title.indexOf(';'))).join('|')`); got !=
		"moment start 2 PlayOnPhone; one of 2 exchanges beside each other, zoom in to see them|moment end 2 Disconnect,; one of 2 exchanges beside each other, zoom in to see them" {
		t.Errorf("beside each other are %s", got)
	}
}

// TestPageGoesAlongLanes has more calls than a window holds.
func TestPageGoesAlongLanes(t *testing.T) {
	ctx := browser(t)
	path := t.TempDir() + "/many.yaml"
	m := makeCalls(t, path)
	for n := range 100 {
		m.start(1e9, n)
		m.end(1e8, n)
	}
	m.close()
	do(t, ctx, chromedp.Navigate(browsed(t, path).Link()))
	until(t, ctx, `document.documentElement.dataset.loaded === '200'`)
	press(t, ctx, "2")
	until(t, ctx, `document.querySelectorAll('.lane:not([hidden])').length > 5`)
	seen := `[...document.querySelectorAll('.lane.active')].map((l) => { const r = l.getBoundingClientRect(), g = document.querySelector('.lanes').getBoundingClientRect(); return l.querySelector('code').textContent.slice(0, 8) + (r.top >= g.top && r.bottom <= g.bottom + 1 ? '' : ' out of sight'); }).join()`
	go_ := func(key string, n int) {
		t.Helper()
		press(t, ctx, key)
		until(t, ctx, seen+fmt.Sprintf(` === '%08x'`, n))
	}
	go_("End", 0)
	go_("Home", 99)
	press(t, ctx, strings.Split(strings.Repeat("ArrowDown ", 29)+"ArrowDown", " ")...)
	until(t, ctx, seen+fmt.Sprintf(` === '%08x'`, 69))
	press(t, ctx, strings.Split(strings.Repeat("ArrowUp ", 24)+"ArrowUp", " ")...)
	until(t, ctx, seen+fmt.Sprintf(` === '%08x'`, 94))
	script(t, ctx, `document.querySelector('.lanes').scrollTop = 2000`)
	until(t, ctx, `document.querySelector('.lane:not([hidden]) .moment') && !document.querySelector('.lane.active:not([hidden])')`)
}
