package main

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/umtape/umtape/cassettes"
)

func TestPageTextSearchIsInWhatIsShown(t *testing.T) {
	tape := func(name string, header cassettes.HeaderMeta) string {
		path := filepath.Join(t.TempDir(), name)
		w, err := cassettes.Create(path, header, cassettes.Refuse, cassettes.SyncNever)
		if err != nil {
			t.Fatal(err)
		}
		i := &cassettes.Interaction{}
		i.Request.Method, i.Request.URL = "POST", "https://um.test/UnifiedMessaging/Service.asmx"
		i.Request.Headers = http.Header{"Content-Type": {"text/xml"}}
		i.Response.Headers, i.Response.Code = i.Request.Headers, 200
		envelope := func(inner string) string {
			return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>` + inner + `</s:Body></s:Envelope>`
		}
		i.Request.Body = envelope(`<PlayOnPhone xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"><DialString>+41445550199</DialString></PlayOnPhone>`)
		i.Response.Body = envelope(`<PlayOnPhoneResponse xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"><CallId>call-4711</CallId></PlayOnPhoneResponse>`)
		if err := w.Append(i); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain := tape("plain.yaml", cassettes.HeaderMeta{})
	stoodIn := tape("pseudonyms.yaml", cassettes.HeaderMeta{Redact: veiled().Names()})
	tapes := newPageTapes()
	for _, tt := range []struct {
		path, text string
		reveal     bool
		want       bool
	}{
		{plain, "playonphone", false, true},
		{plain, "</callid></playonphoneresponse>", false, true},
		{plain, "nobody", false, false},
		{plain, "445550199", false, false},
		{plain, "445550199", true, true},
		{plain, "<dialstring>***", false, true},
		{plain, "<dialstring>***", true, false},
		{stoodIn, "445550199", false, true}, // a pseudonym, which anybody may see
	} {
		if got, err := tapes.Says(tt.path, 0, tt.text, tt.reveal); err != nil || got != tt.want {
			t.Errorf("%s says %q (shown: %v): %v, %v", filepath.Base(tt.path), tt.text, tt.reveal, got, err)
		}
	}
	if _, err := tapes.Says(plain, 7, "a", false); err == nil {
		t.Error("an interaction that is not there says nothing of it")
	}
}
