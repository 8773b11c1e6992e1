package cassettes

import (
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"
)

// ntlmMessage is an Authorization header with the head of an NTLM message.
func ntlmMessage(kind byte) string {
	return "NTLM " + base64.StdEncoding.EncodeToString([]byte("NTLMSSP\x00"+string(rune(kind))+"\x00\x00\x00rest"))
}

func TestChallengeNTLM(t *testing.T) {
	p := playerOf(said(0, service, "<a/>", "<answer/>"))
	c := Challenge(NTLM, p)
	for n, step := range []struct {
		authorization string
		status        int
		challenge     string
	}{
		{"", 401, "NTLM"},
		{"Basic abc", 401, "NTLM"},
		{"NTLM !", 401, "NTLM"},
		{ntlmMessage(1), 401, "NTLM TlRMTVNTUAACAAAA"},
		{ntlmMessage(3), 200, ""},
		{"", 200, ""},                                  // the connection is logged in
		{ntlmMessage(1), 401, "NTLM TlRMTVNTUAACAAAA"}, // as another user
		{"", 401, "NTLM"},
		{ntlmMessage(3), 200, ""},
	} {
		header := []string{"Content-Type", "text/xml"}
		if step.authorization != "" {
			header = append(header, "Authorization", step.authorization)
		}
		resp, body := post(t, c, service, "<a/>", header...)
		if got := resp.Header.Get("Www-Authenticate"); resp.StatusCode != step.status || !strings.HasPrefix(got, step.challenge) || (step.status == 200) != (body == "<answer/>") {
			t.Errorf("step %d: %d, %q, %q", n, resp.StatusCode, got, body)
		}
	}
	// Another connection is not logged in.
	if resp, _ := post(t, Challenge(NTLM, p), service, "<a/>"); resp.StatusCode != 401 {
		t.Errorf("another connection: %d", resp.StatusCode)
	}
}

func TestChallengeReadsTheRequest(t *testing.T) {
	body := &countingReader{left: 1 << 20}
	req, _ := http.NewRequest("POST", service, io.NopCloser(body))
	resp, err := Challenge(Basic, playerOf()).RoundTrip(req)
	if err != nil || resp.StatusCode != 401 || body.left != 0 {
		t.Errorf("%v, %v, %d bytes left", resp, err, body.left)
	}
}

func TestParseScheme(t *testing.T) {
	for s, want := range map[string]Scheme{"": NoScheme, "basic": Basic, "ntlm": NTLM} {
		if got, err := ParseScheme(s); got != want || err != nil {
			t.Errorf("ParseScheme(%q) = %v, %v", s, got, err)
		}
	}
	if _, err := ParseScheme("digest"); err == nil {
		t.Error("digest is taken")
	}
}
