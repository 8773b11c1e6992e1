package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/umtape/umtape/cassettes"
)

// inspected is what umtape inspect --html - writes.
func inspected(t *testing.T, args ...string) string {
	t.Helper()
	made, _ := runCommand(t, 0, append([]string{"inspect", "--html", "-"}, args...)...)
	return made
}

func TestPageReportHidesWhatPseudonymsWould(t *testing.T) {
	path, secrets := secretTape(t)
	made := inspected(t, path)
	for _, secret := range secrets {
		if at := strings.Index(strings.ToLower(made), strings.ToLower(secret)); at >= 0 {
			t.Errorf("the report has %s: ...%s...", secret, made[max(0, at-60):min(len(made), at+60)])
		}
	}
	if !strings.Contains(inspected(t, "--show-sensitive", path), ".voice.zaphod.test") {
		t.Error("what was asked for is not in the report")
	}
	// A call that was asked for by an identifier of another form is not told either.
	if made := inspected(t, "--call", secrets[0], path); strings.Contains(made, secrets[0]) || !strings.Contains(made, "--call 3f0c6b52-8a1e-4d37-9c55-1e7a0b9d24f6") {
		t.Error("the call that was asked for is told by its server")
	}
}

// TestPageReportTooLong has more on a cassette than a report holds.
func TestPageReportTooLong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.yaml")
	put(t, path, tapeText(t, cassettes.HeaderMeta{}, "um.test", 500))
	target := filepath.Join(filepath.Dir(path), "report.html")
	a, _ := testApp(t)
	i := &inspection{app: a, html: target, maxReport: 1 << 20}
	err := i.writeHTML(t.Context(), []string{path}, []string{path})
	var hinted *hintedError
	if !errors.As(err, &hinted) || !strings.Contains(err.Error(), "the report of 500 interactions would be longer than 1 MiB") || !strings.Contains(hinted.hint, "--operation") {
		t.Errorf("the error is %v", err)
	}
	if _, err := os.Lstat(target); err == nil {
		t.Error("there is part of a report")
	}
}

// TestReportOfSomeOfACall says nothing of calls of which it has not all: that a start
// was not chosen is not that there was none.
func TestReportOfSomeOfACall(t *testing.T) {
	path := sampleCalls(t)
	whole := inspected(t, path)
	if !strings.Contains(whole, "<summary>15 interactions, 5 calls, 1 failed, 1 error, 5 notes</summary>") || !strings.Contains(whole, `"id":"UM071"`) {
		t.Error("of the whole cassette it does not count what validate finds")
	}
	if one := inspected(t, "--call", "00000002", path); !strings.Contains(one, "<summary>3 interactions, 1 call</summary>") || !strings.Contains(one, `"role":"start"`) {
		t.Error("a call that was chosen is not whole")
	}
	ctx := browser(t)
	for _, flags := range [][]string{{"--operation", "Disconnect"}, {"--faults"}} {
		made := inspected(t, append(flags, path)...)
		if strings.Contains(made, "UM07") || strings.Contains(made, `"role":`) {
			t.Errorf("%v: something is said of calls", flags)
		}
		target := filepath.Join(t.TempDir(), "report.html")
		if err := os.WriteFile(target, []byte(made), 0o600); err != nil {
			t.Fatal(err)
		}
		do(t, ctx, chromedp.Navigate("file://"+target+"#v=calls"))
		until(t, ctx, `document.querySelector('.view-calls .empty').innerText.includes('Calls are not in this report')`)
	}
}

// TestPageReportFromAFile opens a report of hostile exchanges as whoever gets it with a
// ticket does, and uses it.
func TestPageReportFromAFile(t *testing.T) {
	ctx, asked := counting(t)
	hostile := hostileTape(t)
	for _, flags := range [][]string{{}, {"--show-sensitive"}} {
		target := filepath.Join(t.TempDir(), "report.html")
		made := inspected(t, append(flags, hostile, "../../testdata/rules/UM070/fail.yaml", "../../testdata/rules/UM020/fail.yaml")...)
		if err := os.WriteFile(target, []byte(made), 0o600); err != nil {
			t.Fatal(err)
		}
		asked.Store(0)
		do(t, ctx, chromedp.Navigate("file://"+target))
		until(t, ctx, `document.documentElement.dataset.loaded === '6'`)
		if len(flags) == 0 {
			script(t, ctx, `document.querySelector('.about').open = true`)
			picture(t, ctx, "report")
			script(t, ctx, `document.querySelector('.about').open = false`)
		}
		for n := range 6 {
			script(t, ctx, `document.querySelector('#row-`+string(rune('0'+n))+`').click()`)
			until(t, ctx, `document.querySelectorAll('#exchange .side').length >= 2 || document.querySelector('#exchange .problem') !== null`)
			if problem := shownText(t, ctx, `document.querySelector('#exchange .problem')`); n >= 3 && problem != "" {
				t.Errorf("exchange %d: %s", n, problem)
			}
			script(t, ctx, `for (const b of document.querySelectorAll('#exchange .side button')) if (b.textContent === 'Raw' || b.textContent === 'Bytes') b.click()`)
			script(t, ctx, `document.querySelector('#exchange .close').click()`)
		}
		for v, has := range map[string]string{"calls": "3f0c6b52", "shapes": "Disconnect", "findings": "UM020", "traffic": "answers"} {
			script(t, ctx, `location.hash = '#v=`+v+`'`)
			until(t, ctx, fmt.Sprintf(`document.querySelector('.view-%s:not([hidden])')?.textContent.includes(%q)`, v, has))
			if wrong := shownText(t, ctx, `document.querySelector('.view:not([hidden]) .problem, .view:not([hidden]) .wrong')`); wrong != "" {
				t.Errorf("%s: %s", v, wrong)
			}
		}
		if wrong := text(t, ctx, `(async () => {
			location.hash = '#v=findings';
			const wrong = [], wait = () => new Promise((done) => setTimeout(done));
			await wait();
			for (const {dataset: {key}} of [...document.querySelectorAll('.choose button')]) {
				const b = [...document.querySelectorAll('.view-findings .choose button')].find((b) => b.dataset.key === key);
				if (!b) continue; // a kind of message
				b.click();
				await wait();
				const found = document.querySelectorAll('.places li').length;
				if (found !== Number(b.querySelector('.number').textContent)) wrong.push(key + ' has ' + found + ' places');
			}
			return wrong.join();
		})()`); wrong != "" {
			t.Errorf("not as many as are counted: %s", wrong)
		}
		script(t, ctx, `location.hash = '#x=' + encodeURIComponent('../../testdata/rules/UM070/fail.yaml#0')`)
		until(t, ctx, `document.querySelectorAll('#exchange .of-call li').length === 2`)
		press(t, ctx, "/", "f", "o", "u", "n", "d")
		until(t, ctx, `/^[1-5] of 6 exchanges$/.test(document.getElementById('count').textContent)`)
		typeFilter(t, ctx, "text:GetCallInfoRESPONSE -text:nothing")
		until(t, ctx, counted("2 of 6 exchanges"))
		do(t, ctx, chromedp.Sleep(200*time.Millisecond))
		if title := text(t, ctx, `document.title`); title == "OWNED" {
			t.Error("script from the wire ran")
		}
		if found := number(t, ctx, `document.querySelectorAll('main img, main script, main [onerror], dialog img, header img').length`); found > 0 {
			t.Errorf("%v elements were made of text", found)
		}
		if n := asked.Load(); n != 1 {
			t.Errorf("%d requests, one of which was for the file", n)
		}
		shown := eval[bool](t, ctx, `[...document.querySelectorAll('script[data-load]')].some((e) => e.textContent.includes('um01.voice.example.net'))`)
		if shown != (len(flags) > 0) {
			t.Errorf("with %v the server of a call is in it: %t", flags, shown)
		}
	}
}

// TestPageReportWithoutScript has a browser that runs none.
func TestPageReportWithoutScript(t *testing.T) {
	ctx := browser(t)
	target := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(target, []byte(inspected(t, hostileTape(t), "../../testdata/rules/UM070/fail.yaml")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.Navigate("file://"+target))
	until(t, ctx, `document.querySelectorAll('.noscript tbody tr').length === 5 && document.querySelector('.noscript table').checkVisibility() && !document.getElementById('filter').checkVisibility()`)
	if err := os.MkdirAll(shots, 0o700); err != nil {
		t.Fatal(err)
	}
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(shots, "report-without-script.png"), png, 0o600); err != nil {
		t.Fatal(err)
	}
}

// shownText is the text of an element, "" if there is none or it is hidden.
func shownText(t *testing.T, ctx context.Context, element string) string {
	t.Helper()
	return text(t, ctx, `(() => { const e = `+element+`; return e?.checkVisibility() ? e.textContent : ''; })()`)
}
