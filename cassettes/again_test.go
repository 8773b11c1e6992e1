package cassettes_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/um"
)

// writeTape writes a cassette of n interactions.
func writeTape(t *testing.T, path string, n int) {
	t.Helper()
	w, err := cassettes.Create(path, cassettes.HeaderMeta{}, cassettes.Replace, cassettes.SyncNever)
	if err != nil {
		t.Fatal(err)
	}
	for k := range n {
		appendOne(t, w, k)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func appendOne(t *testing.T, w *cassettes.Writer, k int) {
	t.Helper()
	i := &cassettes.Interaction{}
	i.Request.Method, i.Request.URL, i.Request.Body = "POST", "http://a.test/", fmt.Sprintf("<a>%d</a>", k)
	i.Response.Code, i.Response.Body = 200, fmt.Sprintf("<b>%d</b>", k)
	if err := w.Append(i); err != nil {
		t.Fatal(err)
	}
}

func TestReadKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.yaml")
	writeTape(t, path, 5)
	var kept []cassettes.Kept
	if _, err := cassettes.Follow(path).First(func(i *cassettes.Interaction) error {
		kept = append(kept, i.Kept())
		return nil
	}, nil); err != nil {
		t.Fatal(err)
	}
	for n, k := range kept {
		i, err := cassettes.ReadKept(path, k)
		if err != nil || i.ID != n || i.Request.Body != fmt.Sprintf("<a>%d</a>", n) || i.Line == 0 {
			t.Errorf("%d: %+v, %v", n, i, err)
		}
	}

	// Another text of the same length, checksum left as it was.
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), "<a>3</a>", "<a>7</a>", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if i, err := cassettes.ReadKept(path, kept[3]); err == nil || !strings.Contains(err.Error(), "changed since it was read") {
		t.Errorf("one that was changed: %v, %v", i, err)
	}
	if _, err := cassettes.ReadKept(path, kept[2]); err != nil {
		t.Errorf("one that was not: %v", err)
	}
}

func TestFirstThenNext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.yaml")
	w, err := cassettes.Create(path, cassettes.HeaderMeta{}, cassettes.Refuse, cassettes.SyncNever)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	appendOne(t, w, 0)
	appendOne(t, w, 1)
	f, first := cassettes.Follow(path), 0
	if _, err := f.First(func(*cassettes.Interaction) error { first++; return nil }, nil); err != nil || first != 2 {
		t.Fatalf("first %d, %v", first, err)
	}
	if fresh, anew, err := f.Next(); len(fresh) != 0 || anew || err != nil {
		t.Errorf("nothing is new: %d %v %v", len(fresh), anew, err)
	}
	appendOne(t, w, 2)
	fresh, anew, err := f.Next()
	if len(fresh) != 1 || anew || err != nil {
		t.Fatalf("one is new: %d %v %v", len(fresh), anew, err)
	}
	whole, err := cassettes.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if fresh[0].Line != whole.Interactions[2].Line {
		t.Errorf("it is said to be at line %d and is at %d", fresh[0].Line, whole.Interactions[2].Line)
	}
	if i, err := cassettes.ReadKept(path, fresh[0].Kept()); err != nil || i.Request.Body != "<a>2</a>" {
		t.Errorf("read again: %+v, %v", i, err)
	}
}

func TestVeiled(t *testing.T) {
	const call = "M2YwYzZiNTItOGExZS00ZDM3LTljNTUtMWU3YTBiOWQyNGY2QHVtMDEudm9pY2UuZXhhbXBsZS5uZXQ="
	i := &cassettes.Interaction{}
	i.Request.Method, i.Request.URL = "POST", "https://mail.corp.example.net/UnifiedMessaging/Service.asmx"
	i.Request.Headers = map[string][]string{"X-Anchormailbox": {"anna@corp.example.net"}, "Content-Type": {"text/xml"}, "Authorization": {"Bearer zaphod"}}
	i.Request.Body = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><Disconnect xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"><CallId>` + call + `</CallId></Disconnect></s:Body></s:Envelope>`
	i.Response.Body = "no call " + call + " at um01.voice.example.net for anna@corp.example.net"
	i.Umtape.Call = call
	before := i.Fingerprint()
	v := cassettes.Pseudonyms(um.Profile()).Veiled(i)
	for _, secret := range []string{call, "um01", "anna", "corp.example", "zaphod"} {
		if all := fmt.Sprint(v.Request, v.Response, v.Umtape); strings.Contains(all, secret) {
			t.Errorf("%s is seen in %s", secret, all)
		}
	}
	if !strings.Contains(v.Request.Body, "<CallId>***</CallId>") || v.Request.Headers.Get("Content-Type") != "text/xml" {
		t.Errorf("more is hidden than was to be: %s %v", v.Request.Body, v.Request.Headers)
	}
	if i.Fingerprint() != before || i.Umtape.Call != call {
		t.Error("the interaction itself was changed")
	}
}

func TestVeiledText(t *testing.T) {
	r := cassettes.Pseudonyms(um.Profile())
	for _, tt := range []struct{ text, want string }{
		{"curl/8.5.0", "curl/8.5.0"},
		{"Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0.0.0", "Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0.0.0"},
		{"Dialler/1 (anna@corp.example.net)", "Dialler/1 (***)"},
		{"um.corp refused the connection: check it", "*** refused the connection: check it"},
		{"um.corp:8443 refused the connection: check it", "***:8443 refused the connection: check it"},
		{"the request to 10.1.2.3:443 failed", "the request to *** failed"},
		{"the request to 127.0.0.1:443 failed", "the request to 127.0.0.1:443 failed"},
		{"see https://mail.corp.example.net/owa for more", "see https://***/owa for more"},
		{"", ""},
	} {
		if got := r.VeiledText(tt.text, "um.corp", ""); got != tt.want {
			t.Errorf("VeiledText(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
	if got := (cassettes.Redaction{}).VeiledText("anna@corp.example.net", "anna"); got != "anna@corp.example.net" {
		t.Errorf("without rules: %q", got)
	}
}
