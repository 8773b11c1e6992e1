package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/chromedp/chromedp"
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
