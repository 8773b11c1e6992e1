package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/umtape/umtape/inspect/web"
)

// TestTwoPagesInOneBrowser has two pages in one browser, which sends the cookies of both
// to each, and to whatever else listens on this host; and then one of them in another run.
func TestTwoPagesInOneBrowser(t *testing.T) {
	ctx := browser(t)
	one, two := listed(t, bookOf("one.yaml")), listed(t, bookOf("two.yaml"))
	var mu sync.Mutex
	sent := ""
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Path == "/" {
			sent = r.Header.Get("Cookie")
			w.Header().Set("Content-Type", "text/html")
		}
		w.Write([]byte("<title>thief</title>"))
	}))
	defer thief.Close()
	base := func(s *web.Server) string { return strings.Split(s.Link(), "?")[0] }
	opened := func(at, file string) {
		t.Helper()
		do(t, ctx, chromedp.Navigate(at))
		until(t, ctx, `document.querySelector('.row .operation').textContent === '`+file+`'`)
	}
	opened(one.Link()+"#q=one", "one.yaml")
	if got := text(t, ctx, `location.href`); got != base(one)+"#q=one" {
		t.Errorf("the link leads to %s", got)
	}
	opened(two.Link(), "two.yaml")
	opened(base(one), "one.yaml")
	opened(base(two), "two.yaml")

	// Neither lets into the other, nor does what a third one is sent.
	do(t, ctx, chromedp.Navigate(thief.URL))
	until(t, ctx, `document.title === 'thief'`)
	mu.Lock()
	cookies := sent
	mu.Unlock()
	if strings.Count(cookies, "umtape_") != 2 {
		t.Fatalf("another port is sent %q: this test is of what is sent there", cookies)
	}
	if key := text(t, ctx, `String(localStorage.getItem('umtape-key'))`); key != "null" {
		t.Errorf("another port is told the key: %s", key)
	}
	for _, page := range []*web.Server{one, two} {
		for path, want := range map[string]int{"": 200, "api/rows": 403, "api/exchange?n=0&reveal=1": 403, "api/events": 403} {
			if got := asThief(t, base(page)+path, cookies); got != want {
				t.Errorf("with all cookies /%s answers %d, not %d", path, got, want)
			}
		}
	}
}

// TestPageOfAnotherRun has umtape ended and begun anew at the same address, while a tab
// is open.
func TestPageOfAnotherRun(t *testing.T) {
	ctx := browser(t)
	run := func(addr string) *web.Server {
		t.Helper()
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		s := web.Serve(ln, web.Config{Book: bookOf("a.yaml"), Tape: newPageTapes(), Title: "a.yaml"})
		t.Cleanup(s.Close)
		return s
	}
	first := run("127.0.0.1:0")
	base := strings.Split(first.Link(), "?")[0]
	do(t, ctx, chromedp.Navigate(first.Link()))
	until(t, ctx, counted("1 exchange"))
	first.Close()
	until(t, ctx, stateIs("umtape does not answer; it may have been ended"))
	lost(t, ctx)
	second := run(strings.TrimSuffix(strings.TrimPrefix(base, "http://"), "/"))
	until(t, ctx, stateIs("this page is of another run of umtape: open the link that it printed now"))
	lost(t, ctx)

	do(t, ctx, chromedp.Navigate(base))
	if got := text(t, ctx, `document.body.textContent`); !strings.Contains(got, "open the link that umtape printed") {
		t.Errorf("without the new link: %s", got)
	}
	do(t, ctx, chromedp.Navigate(first.Link()))
	if got := text(t, ctx, `document.body.textContent`); !strings.Contains(got, "the link is of another run of umtape; open the one that it printed now") {
		t.Errorf("with the old link: %s", got)
	}
	do(t, ctx, chromedp.Navigate(second.Link()+"#q=a.yaml"))
	until(t, ctx, counted("1 of 1 exchange"))

	// What a browser has lost, and the rest of what can be wrong, is told.
	script(t, ctx, `localStorage.clear()`)
	do(t, ctx, chromedp.Reload())
	until(t, ctx, stateIs("this page is of another run of umtape: open the link that it printed now"))
}

func lost(t *testing.T, ctx context.Context) {
	t.Helper()
	if !eval[bool](t, ctx, `document.getElementById('state').classList.contains('lost')`) {
		t.Error("it is not shown as wrong")
	}
}

func stateIs(text string) string {
	return `document.getElementById('state').textContent === '` + text + `'`
}

func asThief(t *testing.T, at, cookies string) int {
	t.Helper()
	r, err := http.NewRequest("GET", at, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", cookies)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

// bookOf has one exchange, which is named.
func bookOf(name string) *web.Book {
	b := web.NewBook()
	b.Add(web.Row{Operation: name, Status: 200})
	return b
}
