package main

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPageExportsFromEachView has what is chosen in each view exported in each form, and
// reads it again by commands.
func TestPageExportsFromEachView(t *testing.T) {
	ctx := browser(t)
	path := sampleCalls(t)
	page := browsed(t, path)
	do(t, ctx, chromedp.Navigate(page.Link()))
	until(t, ctx, `document.documentElement.dataset.loaded === '15'`)
	script(t, ctx, `const make = URL.createObjectURL; URL.createObjectURL = (b) => { b.text().then((t) => { window.exported = t; }); return make(b); }`)
	operations := func(text string) string {
		t.Helper()
		var list struct{ Interactions []struct{ Operation string } }
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			t.Fatalf("%v: %.200s", err, text)
		}
		var said []string
		for _, i := range list.Interactions {
			said = append(said, i.Operation)
		}
		return strings.Join(said, " ")
	}
	for _, tt := range []struct{ name, address, choose, want string }{
		{"exchanges", "q=status:5xx", "", "Disconnect"},
		{"calls", "v=calls&only=open", "", "PlayOnPhone GetCallInfo"},
		{"shapes", "v=shapes&q=call:00000001", `[...document.querySelectorAll('.view-shapes .choose button')].find((b) => b.textContent.startsWith('PlayOnPhone response')).click()`, "PlayOnPhone"},
		{"findings", "v=findings&rule=UM071", "", "Disconnect Disconnect"},
		{"compare", "v=compare&a=" + url.QueryEscape(path+"#0") + "&b=" + url.QueryEscape(path+"#8"), "", "PlayOnPhone Disconnect"},
		{"traffic", "v=traffic&q=took:%3E1 op:PlayOnPhone", "", "PlayOnPhone PlayOnPhone PlayOnPhone"},
	} {
		script(t, ctx, `location.hash = '#`+tt.address+`'`)
		until(t, ctx, `document.querySelector('#views [aria-current]').textContent.toLowerCase() === '`+tt.name+`'`)
		if tt.choose != "" {
			until(t, ctx, `document.querySelector('.view-shapes .choose button')`)
			script(t, ctx, tt.choose)
		}
		number := strings.Count(tt.want, " ") + 1
		for _, as := range []string{"cassette", "har", "json"} {
			until(t, ctx, `(() => { document.getElementById('exports').close(); document.getElementById('export').click(); return document.getElementById('exports-what').textContent.match(/\d+/)[0] === '`+string(rune('0'+number))+`'; })()`)
			script(t, ctx, `window.exported = ''; document.querySelector('[data-as=`+as+`]').click()`)
			until(t, ctx, `window.exported !== '' && !document.getElementById('exports').open`)
			exported := text(t, ctx, `window.exported`)
			file := filepath.Join(t.TempDir(), "exported."+map[string]string{"cassette": "yaml", "har": "har", "json": "json"}[as])
			if err := os.WriteFile(file, []byte(exported), 0o600); err != nil {
				t.Fatal(err)
			}
			if as == "har" {
				imported := filepath.Join(t.TempDir(), "imported.yaml")
				runCommand(t, 0, "import", "-o", imported, file)
				file = imported
			}
			got := exported
			if as != "json" {
				runCommand(t, 0, "validate", "--rule", "UM020=note", file) // which one of them has
				got, _ = runCommand(t, 0, "inspect", "--json", file)
			}
			if got := operations(got); got != tt.want {
				t.Errorf("%s as %s: %s, not %s", tt.name, as, got, tt.want)
			}
		}
	}
}
