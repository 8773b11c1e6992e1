package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
)

// callsMaker writes a cassette of calls, one exchange after the other.
type callsMaker struct {
	t  *testing.T
	w  *cassettes.Writer
	at time.Time
}

func makeCalls(t *testing.T, path string) *callsMaker {
	t.Helper()
	w, err := cassettes.Create(path, cassettes.HeaderMeta{}, cassettes.Refuse, cassettes.SyncNever)
	if err != nil {
		t.Fatal(err)
	}
	return &callsMaker{t: t, w: w, at: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}
}

// callID is the identifier of the nth call.
func callID(n int) string {
	return inspect.CallID{GUID: fmt.Sprintf("%08x-8a1e-4d37-9c55-1e7a0b9d24f6", n), Server: "um01.voice.example.net"}.Encode()
}

// say adds an exchange that came after a while; answer is what the Body of the response
// holds in the element named for the operation, or a whole fault.
func (m *callsMaker) say(after time.Duration, operation, request, answer string) {
	m.t.Helper()
	const envelope = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>%s</s:Body></s:Envelope>`
	const messages = `xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"`
	m.at = m.at.Add(after)
	i := &cassettes.Interaction{}
	i.Request.Method, i.Request.URL = "POST", "https://um.test/UnifiedMessaging/Service.asmx"
	i.Request.Headers = http.Header{"Content-Type": {"text/xml; charset=utf-8"}, "Soapaction": {`"http://schemas.microsoft.com/exchange/services/2006/messages/` + operation + `"`}}
	i.Request.Body = fmt.Sprintf(envelope, "<"+operation+" "+messages+">"+request+"</"+operation+">")
	i.Response.Headers, i.Response.Code = http.Header{"Content-Type": {"text/xml; charset=utf-8"}}, 200
	if strings.HasPrefix(answer, "<s:Fault") {
		i.Response.Code = 500
	} else {
		answer = "<" + operation + "Response " + messages + ">" + answer + "</" + operation + "Response>"
	}
	i.Response.Body = fmt.Sprintf(envelope, answer)
	i.Umtape.Arrived, i.Response.Duration, i.Umtape.Operation = m.at, 30*time.Millisecond, operation
	if err := m.w.Append(i); err != nil {
		m.t.Fatal(err)
	}
}

func (m *callsMaker) start(after time.Duration, call int) {
	m.say(after, "PlayOnPhone", "<entryId>AAAAADCnVXqfxOkOM1h9osfsETZb</entryId><DialString>5550142</DialString>", "<PlayOnPhoneResponse>"+callID(call)+"</PlayOnPhoneResponse>")
}

func (m *callsMaker) poll(after time.Duration, call int, state, cause string) {
	if cause != "" {
		cause = "<EventCause>" + cause + "</EventCause>"
	}
	m.say(after, "GetCallInfo", "<CallId>"+callID(call)+"</CallId>", "<GetCallInfoResponse><CallState>"+state+"</CallState>"+cause+"</GetCallInfoResponse>")
}

func (m *callsMaker) end(after time.Duration, call int) {
	m.say(after, "Disconnect", "<CallId>"+callID(call)+"</CallId>", "")
}

func (m *callsMaker) refuse(after time.Duration, call int) {
	m.say(after, "Disconnect", "<CallId>"+callID(call)+"</CallId>", `<s:Fault><faultcode xmlns:a="http://schemas.microsoft.com/exchange/services/2006/errors">a:InvalidCallIdException</faultcode><faultstring>no</faultstring><detail><m:ExceptionType xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages">InvalidCallIdException</m:ExceptionType></detail></s:Fault>`)
}

func (m *callsMaker) close() {
	m.t.Helper()
	if err := m.w.Close(); err != nil {
		m.t.Fatal(err)
	}
}

// sampleCalls has a call of each kind: ended by the client, ended by the other side,
// left open, from nowhere, used after its end, and a refusal.
func sampleCalls(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "calls.yaml")
	m := makeCalls(t, path)
	const ms = time.Millisecond
	m.start(0, 1)
	m.poll(200*ms, 1, "Connecting", "None")
	m.poll(500*ms, 1, "Alerted", "None")
	m.start(300*ms, 2)
	m.poll(200*ms, 1, "Connected", "None")
	m.poll(100*ms, 2, "Connecting", "None")
	m.poll(900*ms, 1, "Connected", "None")
	m.poll(100*ms, 2, "Disconnected", "UserBusy")
	m.end(800*ms, 1)
	m.poll(100*ms, 1, "Disconnected", "None")
	m.start(200*ms, 3)
	m.poll(400*ms, 3, "Connected", "") // which has to have a cause
	m.end(300*ms, 4)
	m.refuse(300*ms, 5)
	m.end(200*ms, 1)
	m.close()
	return path
}

// sampleCallsSeen has the page of sampleCalls open.
func sampleCallsSeen(t *testing.T) context.Context {
	t.Helper()
	ctx := browser(t)
	page := browsed(t, sampleCalls(t))
	do(t, ctx, chromedp.Navigate(page.Link()))
	until(t, ctx, `document.documentElement.dataset.loaded === '15'`)
	return ctx
}

func TestPageOfCalls(t *testing.T) {
	ctx := sampleCallsSeen(t)
	lanes := func(n int) string {
		return fmt.Sprintf(`document.querySelectorAll('.lane:not([hidden])').length === %d`, n)
	}
	press(t, ctx, "2")
	until(t, ctx, `location.hash === '#v=calls' && `+lanes(5))
	if ends := text(t, ctx, `[...document.querySelectorAll('.moment.over')].map((m) => m.title).join()`); ends != "GetCallInfo, Disconnected, UserBusy, the end, 10:00:02.300, +1.30 s, took 30 ms" {
		t.Errorf("calls that a poll found ended: %s", ends)
	}
	picture(t, ctx, "calls")
	do(t, ctx, chromedp.EmulateViewport(360, 740))
	if top := number(t, ctx, `document.querySelector('main').getBoundingClientRect().top`); top > 740/4 {
		t.Errorf("at 360 px what stands above a view is %v px high", top)
	}
	do(t, ctx, chromedp.EmulateViewport(1280, 800))
	press(t, ctx, "ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight")
	until(t, ctx, `document.querySelector('.lane.active').textContent.includes('left open')`)
	if mark := text(t, ctx, `document.getElementById(document.querySelector('.lanes').getAttribute('aria-activedescendant')).getAttribute('aria-label')`); mark != "PlayOnPhone, handed out, 10:00:03.400, took 30 ms" {
		t.Errorf("the keys go to %q", mark)
	}
	press(t, ctx, "ArrowRight", "Enter")
	until(t, ctx, `document.querySelector('#exchange h2')?.textContent.includes('#11') && location.hash.includes('%2311')`)
	if n := number(t, ctx, `document.querySelectorAll('.moment.opened').length`); n != 1 {
		t.Errorf("%v marks are those of the exchange that is open", n)
	}
	press(t, ctx, "Escape", "z")
	until(t, ctx, `/&t=\d+_\d+$/.test(location.hash)`)
	press(t, ctx, "0")
	until(t, ctx, `location.hash === '#v=calls'`)
	server := `document.body.textContent.includes('um01.voice.example.net')`
	if eval[bool](t, ctx, server) {
		t.Error("the calls' server is shown unasked")
	}
	script(t, ctx, `document.getElementById('reveal').click()`)
	until(t, ctx, server)

	press(t, ctx, "s")
	until(t, ctx, `location.hash === '#v=calls&axis=start' && document.querySelector('.tick').textContent === '+0 s'`)
	press(t, ctx, "s")
	until(t, ctx, `location.hash === '#v=calls' && document.querySelector('.tick').textContent.startsWith('10:00:0')`)

	// What is chosen is in the address, and is what is exported.
	for which, named := range map[string]string{"": "5,4,3,2,1", "open": "3", "nowhere": "5,4", "refused": "5", "none": "", "back": ""} {
		script(t, ctx, `const s = document.getElementById('calls-which'); s.value = '`+which+`'; s.dispatchEvent(new Event('change'))`)
		list := `document.querySelector('.lanes').hidden ? '' : [...document.querySelectorAll('.lane:not([hidden]) code')].map((e) => Number(e.textContent.split('-')[0])).join()`
		if got := text(t, ctx, list); got != named {
			t.Errorf("calls that are %q: %s, not %s", which, got, named)
		}
	}
	script(t, ctx, `const s = document.getElementById('calls-which'); s.value = 'late'; s.dispatchEvent(new Event('change'))`)
	until(t, ctx, lanes(1))
	do(t, ctx, chromedp.Reload())
	until(t, ctx, lanes(1)+` && location.hash === '#v=calls&only=late'`)
	press(t, ctx, "e")
	until(t, ctx, `document.getElementById('exports-what').textContent.includes('8 exchanges')`)
	press(t, ctx, "Escape")
	script(t, ctx, `const f = document.getElementById('filter'); f.value = 'call:00000002'; f.dispatchEvent(new Event('input'))`)
	until(t, ctx, `document.querySelector('.view-calls .empty').textContent.includes('No call is like that')`)
	if !eval[bool](t, ctx, `(() => { document.querySelector('.view-calls .empty button').click(); return `+lanes(5)+` && document.getElementById('filter').value === ''; })()`) {
		t.Error("there are still not all calls")
	}
}

func TestPageOfShapes(t *testing.T) {
	ctx := sampleCallsSeen(t)
	press(t, ctx, "3")
	until(t, ctx, `document.querySelectorAll('.view-shapes .tree tbody tr').length === 3`)
	press(t, ctx, "j", "j", "j", "j")
	until(t, ctx, `document.querySelectorAll('.view-shapes .variants > li').length === 2`)
	if differs := text(t, ctx, `document.querySelector('.differences').textContent`); differs != "− Body/GetCallInfoResponse/GetCallInfoResponse/EventCause (text) is missing" {
		t.Errorf("the structure that one answer has differs: %s", differs)
	}
	if said := text(t, ctx, `[...document.querySelectorAll('.variants > li > p:first-child')].map((p) => p.textContent).join('|')`); said != "7 messages, as most have it|1 message differs:" {
		t.Errorf("the structures are %s", said)
	}
	if varies := text(t, ctx, `[...document.querySelectorAll('.tree .varies')].map((r) => r.textContent).join('|')`); varies != "EventCause0..1textin 7 of 8 messages" {
		t.Errorf("what varies is %s", varies)
	}
	script(t, ctx, `[...document.querySelectorAll('.variants button')].find((b) => b.textContent === 'Side by side with most').click()`)
	until(t, ctx, `document.querySelectorAll('.view-shapes .tree').length === 2`)
	if differs := text(t, ctx, `[...document.querySelectorAll('.tree')][1].querySelector('.varies').textContent`); differs != "EventCause1 textnot thereonly in the first" {
		t.Errorf("side by side: %s", differs)
	}
	picture(t, ctx, "shapes")
	script(t, ctx, `[...document.querySelectorAll('.variants .chips button')].find((b) => b.textContent === '#11').click()`)
	until(t, ctx, `document.querySelector('#exchange h2')?.textContent.includes('#11')`)

	// One structure alone is shown, and is what is exported; the filter holds here too.
	press(t, ctx, "Escape")
	script(t, ctx, `[...document.querySelectorAll('.variants button')].filter((b) => b.textContent === 'Only these')[1].click()`)
	alone := `document.querySelector('.variants .chosen .chips').textContent === '#11' && document.querySelector('.detail h3').textContent === 'The structure of 1 message'`
	until(t, ctx, alone)
	do(t, ctx, chromedp.Reload())
	until(t, ctx, alone+` && document.querySelectorAll('.view-shapes .tree').length === 2`)
	press(t, ctx, "e")
	until(t, ctx, `document.getElementById('exports-what').textContent.includes(' 1 exchange,')`)
	press(t, ctx, "Escape")
	pressed := `[...document.querySelectorAll('.variants button[aria-pressed]')].map((b) => b.getAttribute('aria-pressed')).join()`
	until(t, ctx, pressed+` === 'false,true'`)
	script(t, ctx, `[...document.querySelectorAll('.variants button[aria-pressed]')][1].click()`)
	until(t, ctx, pressed+` === 'false,false' && document.querySelector('.detail h3').textContent === 'All of them together'`)
	said := `document.querySelector('.view-shapes .bar .count').textContent`
	if got := text(t, ctx, said); got != "7 kinds of message, 1 of more than one structure" {
		t.Errorf("there are %s", got)
	}
	typeFilter(t, ctx, "call:00000003")
	until(t, ctx, said+` === '4 kinds of message' && document.querySelector('.detail h2 .where').textContent === '1 message'`)
	typeFilter(t, ctx, "op:Nothing")
	until(t, ctx, `document.querySelector('.view-shapes .empty').innerText.startsWith('Nothing fits the filter')`)
	script(t, ctx, `document.querySelector('.view-shapes .empty button').click()`)
	until(t, ctx, said+` === '7 kinds of message, 1 of more than one structure'`)

	// A namespace is told where it is another one.
	until(t, ctx, `document.querySelector('.detail p code').textContent + '|' + [...document.querySelector('.detail .tree').tBodies[0].rows].map((r) => r.cells[0].textContent).join('|') ===
		'http://schemas.microsoft.com/exchange/services/2006/messages|Body|GetCallInfoResponse http://schemas.microsoft.com/exchange/services/2006/messages|GetCallInfoResponse|CallState|EventCause'`)

	// Keys of one character can be turned off, for whoever's device types them unmeant.
	script(t, ctx, `document.getElementById('letters').click()`)
	press(t, ctx, "2", "j", "Home")
	if v := text(t, ctx, `document.querySelector('#views [aria-current]').textContent`); v != "Shapes" {
		t.Errorf("2 leads to %s", v)
	}
}

// A place leads into its exchange, at the element, and so does the address.
func TestPageOfFindings(t *testing.T) {
	ctx := sampleCallsSeen(t)
	press(t, ctx, "4")
	until(t, ctx, `document.querySelectorAll('.view-findings .places li').length > 0`)
	picture(t, ctx, "findings")
	reached := `document.querySelector('#exchange .line.reached')?.textContent`
	script(t, ctx, `document.querySelector('.places button').click()`)
	until(t, ctx, reached+`.includes('UM020: GetCallInfoResponse has no EventCause')`)
	do(t, ctx, chromedp.Reload())
	until(t, ctx, reached+`.includes('UM020: GetCallInfoResponse has no EventCause')`)
	press(t, ctx, "Escape")
	script(t, ctx, `document.querySelector('.choose [data-key="UM071"]').click()`)
	press(t, ctx, "e")
	until(t, ctx, `document.getElementById('exports-what').textContent.includes(' 2 exchanges,')`)
	press(t, ctx, "Escape")
	script(t, ctx, `const s = document.getElementById('findings-severity'); s.value = 'error'; s.dispatchEvent(new Event('change'))`)
	rules := `[...document.querySelectorAll('.choose button')].map((b) => b.dataset.key).join()`
	only := rules + ` === 'UM020' && document.querySelector('.detail h2').textContent.includes('UM020')`
	until(t, ctx, only)
	do(t, ctx, chromedp.Reload())
	until(t, ctx, only+` && document.getElementById('findings-severity').value === 'error'`)
	script(t, ctx, `const s = document.getElementById('findings-severity'); s.value = ''; s.dispatchEvent(new Event('change'))`)
	press(t, ctx, "End")
	until(t, ctx, `document.querySelector('.view-findings .detail h2').textContent.includes('UM073') && document.querySelector('.places button')`)
	script(t, ctx, `document.querySelector('.places button').click()`)
	until(t, ctx, reached+`.includes('UM073: PlayOnPhone starts a call that nothing in the cassettes ends')`)
}
