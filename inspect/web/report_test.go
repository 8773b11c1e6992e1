package web

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
)

// pretended are exchanges with a secret in them, that are on no cassette. A report asks
// for nothing but to read them.
type pretended struct{ Tape }

const markupInText = `"><img src=x onerror=alert(1)></script><SCRIPT>alert(1)</SCRIPT><!-- --><![CDATA[ </style>`

func (pretended) exchange(body string) Copy {
	return Copy{Entry: report.Entry{Reading: inspect.Read(inspect.Exchange{
		Method: "POST", URL: "http://a.test/" + markupInText, Status: 200, RequestBody: []byte(body + markupInText), ResponseBody: []byte(markupInText),
	}), Notes: []string{markupInText}}, Curl: markupInText}
}

func (p pretended) Read(string, int) (whole, masked Copy, err error) {
	return p.exchange("zaphod"), p.exchange("***"), nil
}

func reportOf(rows int) *Report {
	book := NewBook()
	for n := range rows {
		e := pretended{}.exchange("").Entry
		e.File, e.ID, e.Call = markupInText, n, markupInText
		book.Add(RowOf(e, nil))
	}
	return &Report{Config: Config{Book: book, Tape: pretended{}, Title: markupInText, Version: "1"}, Made: time.Date(2026, 11, 29, 20, 30, 0, 0, time.UTC),
		Summary: markupInText, Facts: []Fact{{"Cassettes", markupInText}}}
}

func TestReportIsOneFileWithItsOwnScriptOnly(t *testing.T) {
	var out bytes.Buffer
	if err := reportOf(3).Write(&out); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	element := regexp.MustCompile(`(?is)<(script|style)([^>]*)>(.*?)</(script|style)>`)
	policy := html.UnescapeString(regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(text)[1])
	data, code := 0, 0
	for _, m := range element.FindAllStringSubmatch(text, -1) {
		if strings.Contains(m[2], `type="application/json"`) {
			data++
			continue
		}
		if code++; !strings.Contains(policy, "'"+hashOf(m[3])+"'") {
			t.Errorf("the policy %s has no %s of a %s of %d bytes", policy, hashOf(m[3]), m[1], len(m[3]))
		}
	}
	if strings.Count(text, `data-load="of?call=0"`) != 1 || strings.Contains(text, `"of_call"`) {
		t.Error("the exchanges of a call are not told once")
	}
	if data < 1+1+2+1+3 || code != 2 {
		t.Errorf("%d elements of data, and %d of script and style", data, code)
	}
	if n := len(regexp.MustCompile(`(?i)<script|<style`).FindAllString(text, -1)); n != data+code {
		t.Errorf("%d elements begin, and %d are ours", n, data+code)
	}
	rest := element.ReplaceAllString(text, "")
	if m := regexp.MustCompile(`(?i) (src|href)="(/|http)[^"]*|url\(`).FindString(rest); m != "" {
		t.Errorf("it asks for %s", m)
	}
	bare := regexp.MustCompile(`"[^"]*"`).ReplaceAllString(rest, "")
	if m := regexp.MustCompile(`(?i)<img|<[a-z][^<>]* on\w+=`).FindString(bare); m != "" {
		t.Errorf("there is %s in the page", m)
	}
	if !strings.Contains(policy, "default-src 'none'; ") || !strings.Contains(policy, "require-trusted-types-for 'script'") {
		t.Errorf("the policy is %s", policy)
	}
	if strings.Contains(text, "zaphod") {
		t.Error("it has what is sensitive, unasked")
	}
	if strings.Count(rest, `<th scope="row">`) != 3 {
		t.Errorf("whoever has no script sees %d exchanges", strings.Count(rest, `<th scope="row">`))
	}
}

func TestReportWithWhatIsSensitive(t *testing.T) {
	var out bytes.Buffer
	r := reportOf(1)
	r.Reveal = true
	if err := r.Write(&out); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.Contains(text, "zaphod") || !strings.Contains(text, "shows what is sensitive") {
		t.Error("it has not what was asked for, or does not say that it has")
	}
}

func TestReportHasABound(t *testing.T) {
	var out bytes.Buffer
	r := reportOf(20)
	if err := r.Write(&out); err != nil {
		t.Fatal(err)
	}
	whole := out.Len()
	for _, tt := range []struct {
		limit int
		want  error
	}{{whole, nil}, {whole - 1, ErrReportTooLong}, {whole / 2, ErrReportTooLong}, {19 * minExchange, ErrReportTooLong}} {
		out.Reset()
		r.MaxBytes = tt.limit
		if err := r.Write(&out); !errors.Is(err, tt.want) || out.Len() > tt.limit {
			t.Errorf("with room for %d of %d: %d bytes, %v", tt.limit, whole, out.Len(), err)
		}
	}
}

// gone is a cassette that was deleted.
type gone struct{ pretended }

func (gone) Read(string, int) (whole, masked Copy, err error) {
	return whole, masked, fmt.Errorf("calls.yaml: no such file")
}

func TestReportOfWhatCannotBeRead(t *testing.T) {
	r := reportOf(1)
	r.Tape = gone{}
	if err := r.Write(io.Discard); err == nil || !strings.Contains(err.Error(), "calls.yaml: no such file") {
		t.Errorf("the error is %v", err)
	}
}
