package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPageForEverybody is the page as people set up their browsers: enlarged, with colours
// of their own, without movement, and without a mouse.
func TestPageForEverybody(t *testing.T) {
	ctx := browser(t)
	page := browsed(t, ruleTapes(t, "UM070", "UM020", "UM033")...)
	do(t, ctx, chromedp.Navigate(page.Link()))
	until(t, ctx, counted("4 exchanges"))

	// A window of 1280 pixels enlarged twice and four times.
	for _, size := range [][2]int64{{640, 400}, {320, 256}} {
		do(t, ctx, chromedp.EmulateViewport(size[0], size[1]))
		until(t, ctx, `document.querySelector('.row').clientHeight === 55`) // two lines of text
		for _, open := range []bool{false, true} {
			if open {
				press(t, ctx, "Home", "Enter")
				until(t, ctx, `document.querySelector('#exchange .xml') !== null`)
			}
			if over := number(t, ctx, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
				t.Errorf("at %d an exchange open %t: %v pixels wider than the window", size[0], open, over)
			}
			if high := number(t, ctx, `Math.max(document.getElementById('list').clientHeight, document.getElementById('exchange').clientHeight)`); high < 90 {
				t.Errorf("at %d an exchange open %t: %v pixels are left", size[0], open, high)
			}
		}
		press(t, ctx, "Escape")
		until(t, ctx, `document.getElementById('exchange').hidden`)
	}
	do(t, ctx, chromedp.EmulateViewport(1280, 800))

	moves := `getComputedStyle(document.getElementById('state'), '::before').animationName`
	media(t, ctx, "prefers-reduced-motion", "reduce")
	if got := text(t, ctx, moves); got != "none" {
		t.Errorf("%s moves", got)
	}
	media(t, ctx, "prefers-reduced-motion", "no-preference")
	if got := text(t, ctx, moves); got != "pulse" {
		t.Errorf("%s moves", got)
	}

	// In colours of the system's, which row, view and form of a body is chosen is seen.
	media(t, ctx, "forced-colors", "active")
	press(t, ctx, "Home", "Enter")
	until(t, ctx, `document.querySelector('#exchange .xml') !== null`)
	if got := text(t, ctx, `(() => {
		const of = (s) => getComputedStyle(document.querySelector(s));
		return [of('.row.active').outlineStyle, of('.views a[aria-current]').borderBottomColor !== of('.views a:not([aria-current])').borderBottomColor,
			of('#exchange [aria-pressed=true]').backgroundColor !== of('#exchange [aria-pressed=false]').backgroundColor].join(); })()`); got != "solid,true,true" {
		t.Errorf("in the system's colours: %s", got)
	}
	if png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot()); err != nil || os.WriteFile(filepath.Join(shots, "system-colours.png"), png, 0o600) != nil {
		t.Errorf("no picture: %v", err)
	}
	media(t, ctx, "forced-colors", "none")

	// All that can be done is reached by Tab, and seen to be.
	var reached []string
	for range 50 {
		press(t, ctx, "Tab")
		got := strings.Split(text(t, ctx, `(() => { const e = document.activeElement, s = getComputedStyle(e), a = e.getBoundingClientRect(); return [e.id || e.getAttribute('aria-label') || e.textContent || e.tagName, s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2, e === document.body, a.width > 0 && a.bottom > 0 && a.top < innerHeight].join('|'); })()`), "|")
		if got[2] == "true" { // from the last to the first
			continue
		}
		if got[1] != "true" || got[3] != "true" {
			t.Errorf("the focus is not seen at %s: outline %s, on the screen %s", got[0], got[1], got[3])
		}
		reached = append(reached, got[0])
	}
	for _, want := range []string{"pause", "reveal", "export", "help", "Calls", "Traffic", "filter", "list", "Compare", "Close", "Fold <s:Body>", "Indented", "Raw", "Fold", "Copy request", "Response body", "Copy as curl"} {
		if !slices.Contains(reached, want) {
			t.Errorf("%s is not reached by Tab", want)
		}
	}
}
