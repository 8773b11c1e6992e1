package cassettes

import (
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRedactLeaves: what only looks like a credential stays byte for byte, alone, in an
// element, in an attribute, in a member and in a header.
func TestRedactLeaves(t *testing.T) {
	for _, name := range []string{"um.wsdl", "um.xsd"} {
		text, err := os.ReadFile(filepath.Join("..", "inspect", "um", name))
		if err != nil {
			t.Fatal(err)
		}
		if got := redactString(string(text), http.Header{}); got != string(text) {
			t.Errorf("%s became\n%s", name, got)
		}
	}

	const callID = "MDlkZjllZGMtNGUyMy00NzA5LWJkYWYtN2JlMjBjYjBhZTU2QGRmLWV1bS0wMS5leGNoYW5nZS5jb3JwLm1pY3Jvc29mdC5jb20="
	for _, text := range []string{
		callID, base64.StdEncoding.EncodeToString([]byte(callID)), " " + callID + "\r\n",
		"AAMkADY3YjQ1ZjM0LTQ3ZjQtNDQ5Yi1hMjRkLTJkYzQ1YjM0MmQ0MgBGAAAAAAD=", "0123456789abcdef0123456789abcdef", "PasswordPasswordPassword",
		base64.StdEncoding.EncodeToString([]byte("a picture: \x00\x01\x02 pin=")), base64.StdEncoding.EncodeToString([]byte("x=1&y=2")),
		base64.StdEncoding.EncodeToString([]byte("<a><b>c</b></a>")), base64.StdEncoding.EncodeToString([]byte("x\x9cnot deflated")),
		"the --password option is missing", "use --password PASSWORD", "usage: login --password [WORD] [--token FILE]", "--password", "a -u b:c", "see curl's -u option: it", "curl -u anna https://a.test/",
		"well-known --token --pin", "sign-in with PIN - and more", "jdbc:oracle:thin:@db:1521/x", "jdbc:mysql://db/x?user=sa",
		"Cookie: none", "Cookies: are required", "the Cookie header: see below", "Authorization: denied", "Authorization: Basic authentication is required", "Authorization: Negotiate", "authorization: Bearer REDACTED",
		"user%3Danna%26x%3D1", "100%3F", "a%3Db", "password%3D", "hasPassword%3Dtrue", "%3Ca%3Eb%3C%2Fa%3E", "%7Bx%7D",
		"mkdir -p /tmp/x", "docker run -p 8080:80 nginx", "mysql -u root -p shop", "mysqldump -P3306 -h db shop", "mysql -p$PW", "mysql -pPASSWORD", "sshpass -e ssh -p 22 a", "sshpass -f pw.txt ssh -p 22 a",
		"sshpass -p REDACTED ssh -p 22 a", "sshpass -p is missing", "install mysql and use the -proxy option", "curl -u anna https://a.test/x:y", "openssl rsa -passin env:PW", "plink -P 22 a", "tar -pxvf a.tar", "7z x a.7z -aoa",
		"the smbclient -U anna command", "put http -a before it", "name*=UTF-8''report.txt", "100%41", "%70%61%73%73", "C:\\x61bc",
		"see https://a.test/AAMkADY3YjQ1ZjM0LTQ3ZjQtNDQ5Yi1hMjRk/x", "urn:uuid:0D9F9EDC-4E23-4709-BDAF-7BE20CB0AE56 and more", "id " + callID + " ended", "see " + base64.StdEncoding.EncodeToString([]byte("key=1 of the many that there are, code=de")) + " there", "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4",
		base64.StdEncoding.EncodeToString([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR of a picture, with pins and a password in it\x00\xff")),
		"[db]", "[password]", "['password']", "[x] token", "{password}",
		"2026-11-29T10:00:00Z", "urn:uuid:0d9f9edc-4e23-4709-bdaf-7be20cb0ae56", "tel:+14255550100;ext=1",
	} {
		for _, around := range []string{"%", "<a>%</a>", `<a b="%"/>`, `{"a":"%"}`, `["%"]`, "--b\r\nContent-Type: text/plain\r\n\r\n%\r\n--b--"} {
			body := strings.Replace(around, "%", strings.ReplaceAll(text, "\r\n", " "), 1)
			switch {
			case strings.Contains(text, "<") && around[0] != '%': // markup
			case strings.Contains(text, "\"") && around != "%":
			default:
				if got := redactString(body, http.Header{}); got != body {
					t.Errorf("%q became %q", body, got)
				}
			}
		}
		if got := redactHeaderValue("X-A", text, secretHeader("X-A")); got != text {
			t.Errorf("a header: %q became %q", text, got)
		}
	}
	for _, body := range []string{
		`{"required": ["user", "password"], "order": [["password", "token"]]}`, `["Cookie", "Authorization"]`, `{"allow": ["Authorization", "Content-Type"]}`,
		`{"value": "x", "name": "user"}`, `{"value": null, "name": "password"}`, `{"a": {"value": "x"}, "name": "user", "fields": [{"name": "password"}]}`, `[{"value": "x"}, {"name": "password"}]`,
		`{"name": "password", "label": "x"}`, `{"enum": ["pin", "pass"]}`,
		`<!DOCTYPE a [<!ENTITY v "1"><!ATTLIST a b CDATA "c" pin CDATA #IMPLIED>]><a>&v;</a>`, `<!DOCTYPE html><p>&amp; the password</p>`, `<!DOCTYPE a SYSTEM "a.dtd"><a/>`,
		`{"args": ["ssh", "-p", "22", "a"], "more": ["mysql", "-p", "shop"], "need": ["--password", "--token", "is required"]}`, `["docker", "run", "-p", "80:80"]`, `["sshpass", "-e", "ssh", "-p", "22"]`,
		"--b\r\nContent-Disposition: form-data; name*=UTF-8''r%61port\r\n\r\nx\r\n--b--", "--b\r\nContent-Disposition: attachment; filename*=UTF-8''password.txt\r\n\r\nx\r\n--b--",
		"<a><Name><![CDATA[user]]></Name><Value><![CDATA[x]]></Value></a>", `<a name="us&#101;r" value="x"/>`, "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR the password is in here\x00\xff",
		brotlied("<a><b>no secret</b></a>"), brotlied("<a><Password>x</Password></a>")[1:], strings.Repeat("pin it, and pass the salt: now\n", 4000),
		"x\x9cno deflated text at all", "\xef\xbf\xbd\xef\xbf\xbd", "[a]\nb=c\n", "[db]\npassword=\nuser=anna1\n", "pin:\n12ab!\n", "; [a]\r\n",
		"--b\r\nContent-Transfer-Encoding: base64\r\n\r\n" + callID + "\r\n--b--", "--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=3Ca=3E\r\n--b--",
	} {
		if got := redactString(body, http.Header{}); got != body {
			t.Errorf("%q became %q", body, got)
		}
	}
	for name, value := range map[string]string{"Signature-Input": "sig1=()", "X-Signature-Algorithm": "rsa", "Link": "<https://a.test/?b>; rel=next", "Via": "1.1 a (b <c>)", "Www-Authenticate": "Negotiate"} {
		if got := redactHeaderValue(name, value, secretHeader(name)); got != value {
			t.Errorf("%s: %q became %q", name, value, got)
		}
	}
	for _, raw := range []string{"/a?auth=basic", "/a?auth=none&b", "/a?Auth=NTLM", "/a?author=anna", "/a?samlrequestid=1"} {
		if got := redactURL(raw); got != raw {
			t.Errorf("%s became %s", raw, got)
		}
	}
	files, err := filepath.Glob("../testdata/messages/*.xml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d messages, %v", len(files), err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(strings.ToLower(name), "pin-re") { // these have one
			continue
		}
		if got := redactString(string(text), http.Header{"Content-Type": {"text/xml"}}); got != string(text) {
			t.Errorf("%s was changed", name)
		}
	}
}
