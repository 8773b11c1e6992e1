package main

import (
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

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
