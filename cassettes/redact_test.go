package cassettes

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
)

func TestRedactHeader(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"Authorization", "Basic dXNlcjpTRUNSRVQ=", "Basic REDACTED"},
		{"authorization", "NTLM TlRMTVNTUAABAAAA", "NTLM REDACTED"},
		{"Authorization", "Bearer SECRET", "Bearer REDACTED"},
		{"Authorization", `Digest username="u", response="SECRET"`, "Digest REDACTED"},
		{"Authorization", "SECRET", "REDACTED"},
		{"Authorization", "Sec/ret SECRET", "REDACTED"},
		{"Proxy-Authorization", "Negotiate SECRET", "Negotiate REDACTED"},
		{"WWW-Authenticate", "NTLM TlRMTVNTUAACSECRET==", "NTLM REDACTED"},
		{"WWW-Authenticate", "Negotiate, NTLM", "Negotiate, NTLM"},
		{"WWW-Authenticate", "Negotiate SECRET=, NTLM", "Negotiate REDACTED, NTLM"},
		{"WWW-Authenticate", `Basic realm="mail.example.com"`, `Basic realm="mail.example.com"`},
		{"Cookie", "exchangecookie=SECRET; other=SECRET", "exchangecookie=REDACTED; other=REDACTED"},
		{"Cookie", "SECRET", "REDACTED"},
		{"Set-Cookie", "X-BackEndCookie=SECRET; expires=Thu; path=/EWS; secure; HttpOnly", "X-BackEndCookie=REDACTED; expires=Thu; path=/EWS; secure; HttpOnly"},
		{"X-Api-Key", "SECRET", "REDACTED"},
		{"X-Auth-Token", "SECRET", "REDACTED"},
		{"X-OWA-CANARY", "SECRET", "REDACTED"},
		{"X-My-Password", "SECRET", "REDACTED"},
		{"Authentication-Info", "SECRET", "REDACTED"},
		{"Referer", "https://u:SECRET@example.com/?token=SECRET&a=1", "https://REDACTED@example.com/?token=REDACTED&a=1"},
		{"Access-Control-Allow-Credentials", "true", "true"},
		{"Content-Type", "text/xml; charset=utf-8", "text/xml; charset=utf-8"},
		{"SOAPAction", `"urn:ResetPIN"`, `"urn:ResetPIN"`},
		{"Persistent-Auth", "true", "true"},
	} {
		h := redactHeader(http.Header{tt.name: {tt.value}})
		if got := h.Get(tt.name); got != tt.want {
			t.Errorf("%s: %s\n got %s\nwant %s", tt.name, tt.value, got, tt.want)
		}
	}
}

func TestRedactURL(t *testing.T) {
	for raw, want := range map[string]string{
		"https://um.example.com/EWS/a.asmx?b=%2f&c": "https://um.example.com/EWS/a.asmx?b=%2f&c",
		"https://user:SECRET@um.example.com/x":      "https://REDACTED@um.example.com/x",
		"/x?password=SECRET&y=1&Api_Key=SECRET":     "/x?password=REDACTED&y=1&Api_Key=REDACTED",
		"/x?sig=SECRET":                             "/x?sig=REDACTED",
		"/x?pass%77ord=SECRET":                      "/x?pass%77ord=REDACTED",
		"/x?token=":                                 "/x?token=",
	} {
		if got := redactURL(raw); got != want {
			t.Errorf("%s\n got %s\nwant %s", raw, got, want)
		}
	}
}

func TestRedactBody(t *testing.T) {
	xml := http.Header{"Content-Type": {"text/xml"}}
	for _, tt := range []struct {
		name       string
		header     http.Header
		body, want string
	}{
		{"nothing", xml, "<a  x='1'>\r\n<b/></a >", "<a  x='1'>\r\n<b/></a >"},
		{"password", xml, "<a><wsse:Password Type=\"x#PasswordText\">SECRET</wsse:Password></a>", "<a><wsse:Password Type=\"x#PasswordText\">REDACTED</wsse:Password></a>"},
		{"no prefix", xml, "<Password>SECRET</Password>", "<Password>REDACTED</Password>"},
		{"cdata", xml, "<Password><![CDATA[SECRET</x>]]></Password>", "<Password>REDACTED</Password>"},
		{"children", xml, "<saml:Assertion><x>SECRET</x></saml:Assertion><y/>", "<saml:Assertion>REDACTED</saml:Assertion><y/>"},
		{"nested", xml, "<Password>a<Password>SECRET</Password>SECRET</Password><y/>", "<Password>REDACTED</Password><y/>"},
		{"twice", xml, "<Pin>1234</Pin><a/><NewPin>5678</NewPin>", "<Pin>REDACTED</Pin><a/><NewPin>REDACTED</NewPin>"},
		{"empty", xml, "<Password/><Password></Password>", "<Password/><Password></Password>"},
		{"never closed", xml, "<a><Password>SECRET", "<a><Password>REDACTED"},
		{"tag cut", xml, "<a><Password", "<a><Password"},
		{"attribute", xml, `<u name="n" password = 'SEC"RET' x="1"/>`, `<u name="n" password = 'REDACTED' x="1"/>`},
		{"attribute with >", xml, `<u password="a>SECRET">x</u>`, `<u password="REDACTED">x</u>`},
		{"attribute cut", xml, `<u password="SECRET`, `<u password="REDACTED`},
		{"comment", xml, "<!-- <Password>SECRET</Password> --><a/>", "<!-- <Password>REDACTED</Password> --><a/>"},
		{"token", xml, "<wsse:BinarySecurityToken>SECRET</wsse:BinarySecurityToken>", "<wsse:BinarySecurityToken>REDACTED</wsse:BinarySecurityToken>"},
		{"ResetPIN is no PIN", xml, "<ResetPIN>x</ResetPIN>", "<ResetPIN>x</ResetPIN>"},
		{"longer name", xml, "<Pinned>x</Pinned>", "<Pinned>x</Pinned>"},
		{"json", http.Header{}, `{"user": "u", "password" : "SEC\"RET", "n": 1}`, `{"user": "u", "password" : "REDACTED", "n": 1}`},
		{"form", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, "user=u&password=SECRET", "user=u&password=REDACTED"},
		{"xml in multipart", http.Header{"Content-Type": {"multipart/related; boundary=b"}}, "--b\r\n\r\n<Password>SECRET</Password>\r\n--b--", "--b\r\n\r\n<Password>REDACTED</Password>\r\n--b--"},
		{"text", http.Header{"Content-Type": {"text/plain"}}, "password=x", "password=x"},
	} {
		if got := string(redactBody([]byte(tt.body), tt.header)); got != tt.want {
			t.Errorf("%s: %s\n got %s\nwant %s", tt.name, tt.body, got, tt.want)
		}
	}
}

// TestSecretsNeverReachTheDisk sends one secret in every place this part knows
// and looks for it in the file's bytes, as it is and in base64.
func TestSecretsNeverReachTheDisk(t *testing.T) {
	const secret = "hunter2-correct-horse"
	url, _ := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if user, password, _ := r.BasicAuth(); user != "alice" || password != secret || !bytes.Contains(body, []byte(secret)) {
			t.Errorf("the server did not get the live request: %q, %q, %q", user, password, body)
		}
		w.Header().Set("Content-Type", "text/xml")
		w.Header().Set("Set-Cookie", "session="+secret+"; path=/")
		w.Header().Set("WWW-Authenticate", "NTLM "+base64.StdEncoding.EncodeToString([]byte(secret)))
		w.Header().Set("Location", "/x?access_token="+secret)
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(gzipped(t, "<a><AccessToken>"+secret+"</AccessToken></a>"))
	})
	path := tape(t)
	rt, _, w := recorderTo(t, path, RecordOptions{All: true})
	body := `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><wsse:Security xmlns:wsse="urn:w"><wsse:UsernameToken><wsse:Password>` +
		secret + `</wsse:Password></wsse:UsernameToken></wsse:Security></s:Header><s:Body><Login><Password>` + secret + `</Password></Login></s:Body></s:Envelope>`
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("alice:"+secret))
	post(t, rt, url+"/login?token="+secret, body, "Content-Type", "text/xml", "Authorization", basic, "Cookie", "a="+secret)

	onDisk := func() {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret)), basic[len("Basic "):], base64.StdEncoding.EncodeToString([]byte("alice:" + secret))[:20]} {
			if bytes.Contains(b, []byte(s)) {
				t.Errorf("the file holds %q", s)
			}
		}
	}
	onDisk()
	closed(t, w)
	onDisk()

	// Redaction does not break replay: the same request, secrets and all, is
	// answered, and so is one with other secrets.
	p := NewPlayer(PlayOptions{}, load(t, path))
	for _, s := range []string{secret, "other"} {
		resp, _ := post(t, p, url+"/login?token="+s, strings.ReplaceAll(body, secret, s), "Content-Type", "text/xml")
		if resp.Header.Get(HeaderInteraction) == "" {
			t.Errorf("a miss: %s", resp.Header.Get(HeaderMiss))
		}
	}
}

func FuzzRedactXML(f *testing.F) {
	f.Add([]byte("<a><Password x='1'>s</Password></a>"))
	f.Add([]byte("<Password><![CDATA[x]]><Password/></Password"))
	f.Add([]byte("<u password='"))
	f.Fuzz(func(t *testing.T, body []byte) {
		once := redactXML(body)
		if again := redactXML(bytes.Clone(once)); !bytes.Equal(once, again) {
			t.Fatalf("redacting twice differs:\n%q\n%q", once, again)
		}
	})
}
