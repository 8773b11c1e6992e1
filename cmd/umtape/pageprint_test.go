package main

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestPageOnPaper prints the list and an exchange, of which the screen holds a part.
func TestPageOnPaper(t *testing.T) {
	ctx := sampleCallsSeen(t)
	paper := func(media string) {
		t.Helper()
		if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: media}); err != nil {
			t.Fatal(err)
		}
		event := "beforeprint"
		if media == "" {
			event = "afterprint"
		}
		script(t, ctx, `dispatchEvent(new Event('`+event+`'))`)
	}
	seen := func(what string) bool {
		return eval[bool](t, ctx, `document.querySelector('`+what+`').checkVisibility()`)
	}
	do(t, ctx, chromedp.EmulateViewport(800, 300))
	typeFilter(t, ctx, "call:00000001")
	until(t, ctx, counted("8 of 15 exchanges"))
	paper("print")
	rows := text(t, ctx, `[...document.querySelectorAll('.printed tbody tr')].map((r) => r.cells[0].textContent + ' ' + r.cells[2].textContent).join()`)
	if rows != "#14 Disconnect,#9 GetCallInfo,#8 Disconnect,#6 GetCallInfo,#4 GetCallInfo,#2 GetCallInfo,#1 GetCallInfo,#0 PlayOnPhone" {
		t.Errorf("on paper are %s", rows)
	}
	if last := text(t, ctx, `[...document.querySelectorAll('.printed tr')][6].innerText`); last != "#2\t2026-11-23 10:00:00.700\tGetCallInfo\t00000001-8a1e-4d37-9c55-1e7a0b9d24f6\t200\t30 ms\tGetCallInfoResponse{GetCallInfoResponse{CallState:text EventCause:text}}\t" {
		t.Errorf("one is %q", last)
	}
	if !seen(".printed") || seen("#list") || seen("#export") || !seen("#filter") {
		t.Error("what is for the screen is on paper, or the other way round")
	}
	if n := number(t, ctx, `document.documentElement.scrollHeight`); n <= 300 {
		t.Errorf("all of it is %v px high, of which a screen has 300", n)
	}
	paper("")
	if seen(".printed") || !seen("#list") {
		t.Error("what is for paper stays on the screen")
	}
	typeFilter(t, ctx, "call:00000003 found")
	until(t, ctx, counted("1 of 15 exchanges"))
	paper("print")
	if found := text(t, ctx, `[...document.querySelectorAll('.printed tbody tr')].map((r) => [...r.cells].at(-1).textContent).join()`); found != "1 error" {
		t.Errorf("found on paper is %q", found)
	}
	paper("")
	typeFilter(t, ctx, "call:00000001")
	until(t, ctx, counted("8 of 15 exchanges"))

	script(t, ctx, `document.querySelector('.row').click()`)
	until(t, ctx, `document.querySelectorAll('#exchange .side').length >= 2`)
	folded := `document.querySelectorAll('#exchange details:not([open])').length`
	was := number(t, ctx, folded)
	paper("print")
	if n := number(t, ctx, folded); n != 0 || was == 0 {
		t.Errorf("on paper %v of %v are folded", n, was)
	}
	if end := number(t, ctx, `document.querySelector('#exchange').lastElementChild.getBoundingClientRect().bottom + scrollY - document.documentElement.scrollHeight`); end > 0 || seen("#exchange .close") {
		t.Errorf("%v px of the exchange are cut off", end)
	}
	paper("")
	if n := number(t, ctx, folded); n != was {
		t.Errorf("after that %v are folded, not %v", n, was)
	}
}
