package main

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/web"
)

func TestMissedRequestsHaveABound(t *testing.T) {
	var m missedRequests
	var read []func() (whole, masked web.Copy, ok bool)
	hold := func(size int) {
		i := &cassettes.Interaction{}
		i.Request.Method, i.Request.Body = "POST", strings.Repeat("x", size)
		read = append(read, m.keep(i))
	}
	for range maxMissed + 5 {
		hold(10)
	}
	if len(m.list) != maxMissed || m.size != 10*maxMissed {
		t.Errorf("%d short ones of %d bytes are held", len(m.list), m.size)
	}
	for n, want := range map[int]bool{0: false, 4: false, 5: true, maxMissed + 4: true} {
		if whole, _, ok := read[n](); ok != want || ok && string(whole.RequestBody) != "xxxxxxxxxx" {
			t.Errorf("number %d is held: %t, %q", n, ok, whole.RequestBody)
		}
	}
	hold(maxMissedSize - 20)
	if len(m.list) != 3 || m.size != maxMissedSize {
		t.Errorf("with a long one, %d of %d bytes are held", len(m.list), m.size)
	}
	hold(2 * maxMissedSize)
	if len(m.list) != 1 || m.list[0].Load() == nil {
		t.Errorf("with one that is longer than all, %d are held", len(m.list))
	}
	if _, _, ok := read[maxMissed+5](); ok {
		t.Error("what was let go is held")
	}
}

// TestPageOfAMissHidesWhatPseudonymsWould has a request that nothing answers, with what
// names somebody, and a password, which is never shown.
func TestPageOfAMissHidesWhatPseudonymsWould(t *testing.T) {
	path, secrets := secretTape(t)
	a, _ := testApp(t)
	s, err := a.openReplay([]string{path}, replayFlags{listen: "127.0.0.1:0", caDir: t.TempDir(), maxBody: 1 << 20, ui: "127.0.0.1:0", log: logFlags{format: "text"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(io.Discard) })
	envelope := `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><Password xmlns="urn:x">hunter2</Password></s:Header><s:Body>` +
		`<Disconnect xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"><Extra>plain</Extra><CallId x="zaphod@zaphod.test">` + secrets[0] + `9</CallId></Disconnect></s:Body></s:Envelope>`
	r, err := http.NewRequest(http.MethodPost, "http://"+s.addr()+"/UnifiedMessaging/Service.asmx?who=trillian@zaphod.test", bytes.NewReader([]byte(envelope)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Content-Type": {"text/xml"}, "Authorization": {"Bearer slartibartfast"}, "X-Anchormailbox": {"trillian@zaphod.test"}}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	v := visit(t, s.page.server)
	v.rows(1)
	masked, shown := v.get("/api/compare?miss=@0", 200), v.get("/api/compare?miss=@0&reveal=1", 200)
	for _, secret := range append(secrets, "hunter2") {
		if strings.Contains(strings.ToLower(masked), strings.ToLower(secret)) {
			t.Errorf("unasked it has %s: %s", secret, masked)
		}
	}
	for _, secret := range []string{"hunter2", "slartibartfast"} {
		if strings.Contains(shown, secret) {
			t.Errorf("a credential is shown: %s", shown)
		}
	}
	for text, want := range map[string]string{masked: `"what":"unexpected","before":null,"after":{"text":"plain","tag":5}`, shown: `"text":"` + secrets[0] + `9"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s\nwithout %s", text, want)
		}
	}
}
