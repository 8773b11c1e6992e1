package cassettes

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
)

func TestRedactForms(t *testing.T) {
	blob := base64Of(ntlm(3, "secret"))
	wrapped := base64Of("\x60\x82\x01" + ntlm(2, "secret"))
	odd := base64Of("\x60" + ntlm(2, "secret"))
	basic := base64Of("anna:secret")
	jwt := "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm5hIn0.c2ln"
	key := "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----"
	for _, tt := range []struct{ text, want string }{
		{"NTLM " + blob, "NTLM REDACTED"},
		{"<a>" + wrapped + "</a>", "<a>REDACTED</a>"},
		{"x " + odd + " y", "x REDACTED y"},
		{strings.ReplaceAll(strings.ReplaceAll(blob, "/", `\/`), "+", "%2B") + `"`, `REDACTED"`},
		{blob[:76] + "\r\n " + blob[76:] + "\r\nnext: line", "REDACTED\r\nnext: line"},
		{"raw NTLMSSP\x00\x03\x00\x00\x00more", "raw REDACTED"},
		{"Authorization: Basic " + basic, "Authorization: Basic REDACTED"},
		{"basic  " + basic + ", and", "basic  REDACTED, and"},
		{"Bearer 0123456789abcdef.x", "Bearer REDACTED"},
		{"token " + jwt + ".", "token REDACTED."},
		{key + " after", "REDACTED after"},
		{`{"key":"` + strings.ReplaceAll(key, "\n", `\n`) + `"}`, `{"key":"REDACTED"}`},
		{"set ghp_" + strings.Repeat("a1", 18) + ", AKIAIOSFODNN7EXAMPLE", "set REDACTED, REDACTED"},
		{"/xoxb-123456789012-abcdefghijkl", "/REDACTED"},
		{"<k>-----BEGIN PRIVATE KEY-----\nMHcC</k>", "<k>REDACTED</k>"},
		{base64Of(key), "REDACTED"},
		{"see ftp://anna:secret@host/x and http://b@c", "see ftp://REDACTED@host/x and http://REDACTED@c"},
		{"https://anna:sec@ret@host", "https://REDACTED@host"},
	} {
		got := redactForms(tt.text, nil)
		if got != tt.want {
			t.Errorf("%q:\n got %q\nwant %q", tt.text, got, tt.want)
		}
		if again := redactForms(got, nil); again != got {
			t.Errorf("%q: redacted again: %q", tt.text, again)
		}
		told := 0
		redactForms(tt.text, func(string, int) { told++ })
		if told == 0 {
			t.Errorf("%q: nobody was told", tt.text)
		}
	}
	for _, text := range []string{
		"MDlkZjllZGMtNGUyMy00NzA5LWJkYWYtN2JlMjBjYjBhZTU2QGRmLWV1bS0wMS5leGNoYW5nZS5jb3JwLm1pY3Jvc29mdC5jb20=", // a CallId
		"Basic realm=\"NTLM\"", "Basic authentication", "Basic", "Bearer of the token that expired", "bearer realm=\"x\"", "eyJ is how it begins", "NTLM, Negotiate", "ghp_short", "xAKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLES",
		"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", base64Of("-----BEGIN CERTIFICATE-----\nMIIB"),
		"http://host/path@x", "mailto:anna@example.com", "//[@id='x']", "sip:anna@example.com", "http://@host",
	} {
		if got := redactForms(text, nil); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestRedactSpoken(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"Server=db;User Id=sa;Password=se cret;x", "Server=db;User Id=sa;Password=REDACTED cret;x"},
		{`Password="se cret";x`, `Password="REDACTED";x`},
		{"logon failed for anna, password: hunter2", "logon failed for anna, password: REDACTED"},
		{"PIN: 1234", "PIN: REDACTED"},
		{"api_key = 'abc'", "api_key = 'REDACTED'"},
		{"newPassword=x", "newPassword=REDACTED"},
	} {
		if got := redactSpoken(tt.text); got != tt.want {
			t.Errorf("%q:\n got %q\nwant %q", tt.text, got, tt.want)
		}
	}
	for _, text := range []string{
		"Invalid password: too short", "password: 12", "the password is hunter2", "Spin: 1234", "ping=1", "password=", "password==", "Password=REDACTED", "hasPassword=true",
		"NextPageToken=abc123", "abcdefPin==", "AAAAPwd=", "password: //x1", "\x00password=x",
	} {
		if got := redactSpoken(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// TestRedactEncoded: what is base64 of a message is redacted in it, and comes out as
// base64; other base64 stays as it is.
func TestRedactEncoded(t *testing.T) {
	xml := http.Header{"Content-Type": {"text/xml"}}
	for plain, want := range map[string]string{
		"<a><Password>SECRET</Password></a>":          "<a><Password>REDACTED</Password></a>",
		`{"password": "SECRET"}`:                      `{"password": "REDACTED"}`,
		string(packed("<Pin>SECRET</Pin>")):           "<Pin>REDACTED</Pin>",
		"\xff\xfe" + wide("<Pin>SECRET</Pin>", false): "<Pin>REDACTED</Pin>",
	} {
		got := redactString("<a>"+base64Of(plain)+"</a>", xml)
		if got != "<a>"+base64Of(want)+"</a>" {
			t.Errorf("%q became %q", plain, got)
		}
		if again := redactString(got, xml); again != got {
			t.Errorf("again: %q", again)
		}
	}
	for _, text := range []string{"<a>" + base64Of("<a><b>no secret</b></a>") + "</a>", "<a>PasswordPasswordPassword</a>", "<a>" + base64Of("\x1f\x8bnot packed") + "</a>"} {
		if got := redactString(text, xml); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// TestRedactVerbatim: in a comment or a CDATA section nothing is escaped.
func TestRedactVerbatim(t *testing.T) {
	xml := http.Header{"Content-Type": {"text/xml"}}
	for text, want := range map[string]string{
		`<a><![CDATA[{"x": "<&>", "password": "SECRET"}]]></a>`: `<a><![CDATA[{"x": "<&>", "password": "REDACTED"}]]></a>`,
		`<!-- "a" & password=SECRET --><a/>`:                    `<!-- "a" & password=REDACTED --><a/>`,
		`<a>"a" &amp; password=SECRET</a>`:                      `<a>&#34;a&#34; &amp; password=REDACTED</a>`,
	} {
		if got := redactString(text, xml); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

// TestSpeaks: a text in which spokenForm is found is one that speaks.
func TestSpeaks(t *testing.T) {
	words := strings.Fields(`password pass word Pwd PASSCODE pass-phrase secret api_key api-key apikey access key PIN spin token access token keys : = %3A %253d " ' x é ſ - . ; , &`)
	random := rand.New(rand.NewPCG(4, 8))
	found := 0
	for range 20_000 {
		var b strings.Builder
		for range 1 + random.IntN(6) {
			b.WriteString(words[random.IntN(len(words))] + strings.Repeat(" ", random.IntN(2)))
		}
		text := b.String()
		if is := spokenForm.MatchString(text); is && !speaks(text) {
			t.Fatalf("%q", text)
		} else if is {
			found++
		}
	}
	if found < 1000 {
		t.Errorf("only %d of them are", found)
	}
	if speaks("no: a=b, pins: 100%") {
		t.Error("nothing is said there")
	}
}

// TestRedactLongTexts: in a text of any length a secret is found, wherever in it, and next
// to where a stretch of it ends.
func TestRedactLongTexts(t *testing.T) {
	words := strings.Repeat("the quick brown fox jumps over the lazy dog, and nobody knows why.\n", 1+2*maxSpoken/67)
	line := strings.ReplaceAll(words, "\n", " ")
	for _, said := range []string{"logon failed, password: hunter2.\n", "Server=db;Pwd=hunter2;", "mysql -phunter2 shop\n", "%3CPassword%3Ehunter2%3C%2FPassword%3E ", "p%61ssword%3Dhunter2 "} {
		for _, at := range []int{0, maxSpoken - 20, maxSpoken - 10, maxSpoken - 2, len(words)} {
			for _, around := range []string{words, line} {
				text := around[:at] + " " + said + around[at:]
				for _, in := range []string{"%", "<a>%</a>", `{"a":"%"}`} {
					body := strings.Replace(in, "%", strings.ReplaceAll(text, "\n", map[bool]string{true: "\\n", false: "\n"}[in[0] == '{']), 1)
					got := redactString(body, http.Header{})
					if strings.Contains(got, "hunter2") || strings.Count(got, "fox") != strings.Count(body, "fox") {
						i := max(strings.Index(got, "hunter2"), 40)
						t.Errorf("%q at %d in %s: %.100q", said, at, in, got[i-40:])
					}
				}
			}
		}
	}
}

// TestRedactTextIsLinear: long texts of what may be the start of a secret end within the
// test's time.
func TestRedactTextIsLinear(t *testing.T) {
	for _, unit := range []string{"TlRMTVNTUA", "TlRMTVNTUA ", "eyJ", "eyJaaaaaaaa.", "Basic ", "Bearer a", "-----BEGIN PRIVATE KEY", "-----BEGIN PRIVATE KEY-----", "://", "a://b@", "://@", "password:", "password=a ", "LS0tLS1CRUdJTi",
		"Cookie: a=b", "Cookie:", "authorization: ", "--password ", "curl -u a:", "curl -u 'a:", "jdbc:oracle:thin:a/", "%3C", "%253Ca", "pin%3D", "PHA+", "cGluPTEy", "%",
		"mysql -p", "mysql -p'", "sshpass -p ", "docker login ", "curl -u \"", "%70%61", "\\u0070", "&#112;", "pin ", "PHA+ ", "PHA+cGluPTEyMzQ1Njc4OTAxMjM0NTY3 ", "\x00password=1234", "\x00\xff", "Content-Disposition: form-data; name*0=a\r\n", "content-disposition:\r\n "} {
		text := strings.Repeat(unit, 256<<10/len(unit))
		for _, around := range []string{"%", "<a>%</a>", `{"a":"%"}`, "<a b='%'/>"} {
			redactString(strings.Replace(around, "%", text, 1), http.Header{})
		}
		redactHeader(http.Header{"X-A": {text}})
	}
}

func base64Of(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// ntlm is an NTLM message of a type, with a secret in its payload, in UTF-16 as
// [MS-NLMP] has names.
func ntlm(kind byte, secret string) string {
	return "NTLMSSP\x00" + string([]byte{kind, 0, 0, 0}) + strings.Repeat("\x00", 40) + wide(secret, false)
}

func packed(s string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.Bytes()
}
