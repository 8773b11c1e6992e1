package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/web"
)

// pageAsker asks a page for data, as its script does.
func pageAsker(t *testing.T, page *web.Server) func(path string, into any) (status int, body string) {
	t.Helper()
	v := visit(t, page)
	return func(path string, into any) (int, string) {
		t.Helper()
		r, err := http.NewRequest(http.MethodGet, v.base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Umtape-Key", v.key)
		answer, err := v.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		if into != nil {
			if err := json.Unmarshal(body, into); err != nil {
				t.Fatalf("%s: %v: %s", path, err, body)
			}
		}
		return answer.StatusCode, string(body)
	}
}

// dialled is a PlayOnPhone that was answered.
func dialled(number, host, answer string) *cassettes.Interaction {
	i := &cassettes.Interaction{}
	i.Request.Method, i.Request.URL = "POST", "https://"+host+"/UnifiedMessaging/Service.asmx"
	i.Request.Headers = http.Header{"Content-Type": {"text/xml"}}
	i.Response.Headers, i.Response.Code = http.Header{"Content-Type": {"text/xml"}, "Server": {"Microsoft-IIS/" + number[:2]}}, 200
	envelope := `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>%s</s:Body></s:Envelope>`
	ns := `xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"`
	i.Request.Body = fmt.Sprintf(envelope, `<PlayOnPhone `+ns+`><entryId>7</entryId><DialString>`+number+`</DialString></PlayOnPhone>`)
	i.Response.Body = fmt.Sprintf(envelope, answer)
	i.Umtape.Arrived = time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)
	return i
}

func writeTape(t *testing.T, path string, list ...*cassettes.Interaction) {
	t.Helper()
	w, err := cassettes.Create(path, cassettes.HeaderMeta{}, cassettes.Refuse, cassettes.SyncNever)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range list {
		if err := w.Append(i); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

const (
	yes = `<PlayOnPhoneResponse xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"><CallId>1</CallId></PlayOnPhoneResponse>`
	no  = `<PlayOnPhoneResponse xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"><Busy/><CallId>2</CallId></PlayOnPhoneResponse>`
)

type compared struct {
	Before, After *struct {
		N         int
		Name      string
		Operation string
		Request   struct{ Pretty string }
	}
	Differences []struct {
		Part, Path, What string
		Before, After    *struct {
			Text     string
			Elements int
			Tag      int
		}
	}
}

func (c compared) String() string {
	var b strings.Builder
	for _, d := range c.Differences {
		fmt.Fprintf(&b, "%s %s: %s", d.Part, d.Path, d.What)
		for _, v := range []*struct {
			Text     string
			Elements int
			Tag      int
		}{d.Before, d.After} {
			if v == nil {
				b.WriteString(" -")
			} else {
				fmt.Fprintf(&b, " %q", v.Text)
				if v.Tag >= 0 {
					fmt.Fprintf(&b, "@%d", v.Tag)
				}
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestPageComparesTwoExchanges(t *testing.T) {
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one.yaml"), filepath.Join(dir, "two #.yaml")
	writeTape(t, one, dialled("+41445550101", "um1.corp.example.net", yes), dialled("+41445550101", "um1.corp.example.net", yes))
	writeTape(t, two, dialled("+52445550102", "um2.corp.example.net", no))
	ask := pageAsker(t, browsed(t, one, two))
	path := func(before, after string, more ...string) string {
		return "/api/compare?" + url.Values{"before": {before}, "after": {after}}.Encode() + strings.Join(more, "")
	}

	var masked compared
	_, body := ask(path(one+"#0", two+"#0"), &masked)
	want := `request host: differs "***" "***"
request Body/PlayOnPhone/DialString: text differs "***"@4 "***"@4
response header Server: value differs "Microsoft-IIS/+4" "Microsoft-IIS/+5"
response Body/PlayOnPhoneResponse/Busy: added - ""@3
response Body/PlayOnPhoneResponse/CallId: text differs "***"@3 "***"@4
`
	if got := masked.String(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if strings.Contains(body, "555") || strings.Contains(body, "corp.example") {
		t.Errorf("what is hidden is not: %s", body)
	}
	if masked.Before.Name != one+"#0" || masked.After.N != 2 || !strings.Contains(masked.After.Request.Pretty, "\n") {
		t.Errorf("beside each other: %s", body)
	}

	var shown compared
	ask(path(one+"#0", "@2", "&reveal=1"), &shown)
	for _, want := range []string{
		`request host: https://um1.corp.example.net became https://um2.corp.example.net "um1.corp.example.net" "um2.corp.example.net"`,
		`request Body/PlayOnPhone/DialString: text differs "+41445550101"@4 "+52445550102"@4`,
	} {
		if got := shown.String(); !strings.Contains(got, want) {
			t.Errorf("%s\nwithout %s", got, want)
		}
	}
	var same compared
	if ask(path(one+"#0", one+"#1"), &same); len(same.Differences) != 0 {
		t.Errorf("equal ones differ: %s", same)
	}
	for _, tt := range []struct{ path, want string }{
		{path("", ""), "name two exchanges"},
		{path(one+"#0", "/etc/passwd#0"), "is not on this page"},
		{path(one+"#0", one+"#7"), "is not on this page"},
		{path("@0", "@99"), "no such exchange"},
		{"/api/compare?miss=@0", "is no miss"},
		{"/api/diff?before=" + url.QueryEscape(one) + "&after=/etc/passwd", "is no cassette of this page"},
		{"/api/diff", "is no cassette of this page"},
	} {
		if status, body := ask(tt.path, nil); status < 400 || !strings.Contains(body, tt.want) {
			t.Errorf("%s: %d %s", tt.path, status, body)
		}
	}
}

func TestPageComparesCassettes(t *testing.T) {
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one.yaml"), filepath.Join(dir, "two.yaml")
	writeTape(t, one, dialled("+41445550101", "um1.corp.example.net", yes), dialled("+41445550103", "um1.corp.example.net", yes))
	writeTape(t, two, dialled("+41445550103", "um1.corp.example.net", yes), dialled("+41445550101", "um2.corp.example.net", yes), dialled("+41445550104", "um1.corp.example.net", no))
	page := browsed(t, one, two)
	ask := pageAsker(t, page)
	at := "/api/diff?" + url.Values{"before": {one}, "after": {two}}.Encode()
	var got diffJSON
	_, body := ask(at, &got)
	if got.Same != 1 || got.Changed != 1 || got.Added != 1 || got.Changes[0].Differences[0].What != "differs" || got.Changes[0].After.Interaction != two+"#1" {
		t.Errorf("%s", body)
	}
	if strings.Contains(body, "corp.example") {
		t.Errorf("what is hidden is not: %s", body)
	}
	if _, body := ask(at+"&reveal=1", nil); !strings.Contains(body, "https://um1.corp.example.net became https://um2.corp.example.net") {
		t.Errorf("what is shown is hidden: %s", body)
	}
}
