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

// TestSecretHints: no name that the words say is secret goes without a hint.
func TestSecretHints(t *testing.T) {
	names := append([]string{"pass", "pw"}, secretTails...)
	for kind := range tokenKinds {
		names = append(names, kind+" token")
	}
	for _, n := range names {
		if n = strings.ReplaceAll(n, " ", "-"); !secretHint(n) || !secretName(n) {
			t.Errorf("%s: hint %v, secret %v", n, secretHint(n), secretName(n))
		}
	}
}

func BenchmarkRedactBody(b *testing.B) {
	body := []byte(message(b, "disconnect-request.xml"))
	h := http.Header{"Content-Type": {"text/xml"}}
	b.ReportAllocs()
	for b.Loop() {
		redactBody(body, h)
	}
}

func TestSecretNames(t *testing.T) {
	for _, name := range []string{
		"Password", "password", "PASSWORD", "NewPassword", "user_password", "Password2", "PasswordText", "UserPwd", "pwd", "Passcode", "PassCode",
		"Pin", "PIN", "NewPIN", "UserPin", "PinNumber", "ResetPIN", "Secret", "client_secret", "clientSecret", "Credentials", "token", "Token", "LoginToken",
		"access_token", "accessToken", "accesstoken", "refresh-token", "SecurityToken", "X-Auth-Token", "X-Api-Key", "apikey", "api_key", "ApiKeys",
		"Ocp-Apim-Subscription-Key", "X-Auth-Key", "X-Session-Id", "JSESSIONID", "X-WSSE", "X-OWA-CANARY", "private_key", "BinaryExchange", "X-User-Pwd",
		"pass", "userPass", "X-User-Pass", "pw", "otp", "PassKey", "AuthTicket", "LoginTicket", "Jwt", "authcode", "SecretKey", "ClientSecretKey", "PasswordOld",
		"password_confirmation", "NewPinConfirm", "X-Amz-Signature",
	} {
		if !secretName(name) {
			t.Errorf("%s is not taken for a secret", name)
		}
	}
	for _, name := range []string{
		"", "-", "User", "ChangePasswordResponse", "GetPasswordExpirationDate", "PasswordPolicy", "Secretary", "Pinned", "Shipping", "Spin",
		"ContinuationToken", "NextPageToken", "SyncToken", "SOAPAction", "CallId", "DialString", "entryId", "Key", "Monkey", "KeyId", "ResetPINResponse",
		"TokenType", "ItemId", "Persistent-Auth", "Content-Type", "ChangeKey", "SecurityTokenReference", "BoardingPass", "Passed", "Compass", "Option", "AccountKeyId",
	} {
		if secretName(name) {
			t.Errorf("%s is taken for a secret", name)
		}
	}
}

func TestRedactHeader(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"Authorization", "Basic dXNlcjpTRUNSRVQ=", "Basic REDACTED"},
		{"authorization", "NTLM TlRMTVNTUAABAAAA", "NTLM REDACTED"},
		{"Authorization", "Bearer SECRET", "Bearer REDACTED"},
		{"Authorization", `Digest username="u", response="SECRET"`, "Digest REDACTED"},
		{"Authorization", "SECRET", "REDACTED"},
		{"Authorization", "SECRET rest", "REDACTED"},
		{"Proxy-Authorization", "Negotiate SECRET", "Negotiate REDACTED"},
		{"WWW-Authenticate", "NTLM TlRMTVNTUAACSECRET==", "NTLM REDACTED"},
		{"WWW-Authenticate", "CredSSP SECRET", "CredSSP REDACTED"},
		{"WWW-Authenticate", "Negotiate\r\n SECRET=", "Negotiate REDACTED"},
		{"WWW-Authenticate", "Negotiate, NTLM", "Negotiate, NTLM"},
		{"WWW-Authenticate", "Negotiate SECRET=, NTLM", "Negotiate REDACTED, NTLM"},
		{"WWW-Authenticate", `Basic realm="NTLM login, NTLM x"`, `Basic realm="NTLM login, NTLM x"`},
		{"WWW-Authenticate", `Digest nonce="abc", qop="auth"`, `Digest nonce="abc", qop="auth"`},
		{"Cookie", "exchangecookie=SECRET; other=SECRET", "exchangecookie=REDACTED; other=REDACTED"},
		{"Cookie", `a="x;SECRET"; b=1`, "a=REDACTED; b=REDACTED"},
		{"Cookie", "SECRET", "REDACTED"},
		{"Set-Cookie", "X-BackEndCookie=SECRET; expires=Thu; path=/EWS; secure; HttpOnly", "X-BackEndCookie=REDACTED; expires=Thu; path=/EWS; secure; HttpOnly"},
		{"Set-Cookie", `a="x;SECRET"; path=/`, "a=REDACTED; path=/"},
		{"X-Api-Key", "SECRET", "REDACTED"},
		{"X-Forwarded-Authorization", "SECRET", "REDACTED"},
		{"X-My-Cookie-2", "SECRET", "REDACTED"},
		{"X-Auth", "SECRET", "REDACTED"},
		{"X-MS-Token-AAD", "SECRET", "REDACTED"},
		{"X-Session", "SECRET", "REDACTED"},
		{"X-Config", `{"password":"SECRET"}`, `{"password":"REDACTED"}`},
		{"X-Params", "user=u&password=SECRET", "user=u&password=REDACTED"},
		{"Authentication-Info", "SECRET", "REDACTED"},
		{"Referer", "https://u:SECRET@example.com/?token=SECRET&a=1", "https://REDACTED@example.com/?token=REDACTED&a=1"},
		{"Location", "https://example.com/cb#access_token=SECRET&state=1", "https://example.com/cb#access_token=REDACTED&state=1"},
		{"X-Original-Url", "/x?password=SECRET", "/x?password=REDACTED"},
		{"Link", "<https://u:SECRET@example.com/>; rel=next", "<https://REDACTED@example.com/>; rel=next"},
		{"Access-Control-Allow-Credentials", "true", "true"},
		{"Content-Type", "text/xml; charset=utf-8", "text/xml; charset=utf-8"},
		{"Content-Type", `application/soap+xml; charset=utf-8; action="http://x/y"`, `application/soap+xml; charset=utf-8; action="http://x/y"`},
		{"SOAPAction", `"http://schemas.microsoft.com/exchange/services/2006/messages/ResetPIN"`, `"http://schemas.microsoft.com/exchange/services/2006/messages/ResetPIN"`},
		{"Persistent-Auth", "true", "true"},
		{"User-Agent", "Mozilla/5.0 (X11; Linux) a=b", "Mozilla/5.0 (X11; Linux) a=b"},
	} {
		h := redactHeader(http.Header{tt.name: {tt.value}})
		if got := h.Get(tt.name); got != tt.want {
			t.Errorf("%s: %s\n got %s\nwant %s", tt.name, tt.value, got, tt.want)
		}
	}
	if got := redactHeader(http.Header{"SOAPAction": {"b"}, "Soapaction": {"a"}, "User-Agent": nil}); strings.Join(got["Soapaction"], "") != "ba" || len(got) != 1 {
		t.Errorf("two spellings of a name: %v", got)
	}
}

func TestRedactURL(t *testing.T) {
	for raw, want := range map[string]string{
		"https://um.example.com/EWS/a.asmx?b=%2f&c":                        "https://um.example.com/EWS/a.asmx?b=%2f&c",
		"https://user:SECRET@um.example.com/x":                             "https://REDACTED@um.example.com/x",
		"https://user:SEC@RET@um.example.com/x":                            "https://REDACTED@um.example.com/x",
		"https://user:SECRET@um.example.com/%zz":                           "https://REDACTED@um.example.com/%zz",
		"//user:SECRET@um.example.com/":                                    "//REDACTED@um.example.com/",
		"/x?password=SECRET&y=1&Api_Key=SECRET":                            "/x?password=REDACTED&y=1&Api_Key=REDACTED",
		"/x?a=1;password=SECRET":                                           "/x?a=1;password=REDACTED",
		"/x?sig=SECRET":                                                    "/x?sig=REDACTED",
		"/x?pass%77ord=SECRET":                                             "/x?pass%77ord=REDACTED",
		"/x?token=":                                                        "/x?token=",
		"/svc;jsessionid=SECRET?a=1":                                       "/svc;jsessionid=REDACTED?a=1",
		"/cb?code=SECRETSECRETSECRETSECRET&state=1":                        "/cb?code=REDACTED&state=1",
		"/countries?code=de&key=1":                                         "/countries?code=de&key=1",
		"/x?wresult=%3Csaml%3AAssertion%3ESECRET%3C%2Fsaml%3AAssertion%3E": "/x?wresult=%3Csaml%3AAssertion%3EREDACTED%3C%2Fsaml%3AAssertion%3E",
		"/a@b//c@d/e":                                                      "/a@b//REDACTED@d/e",
	} {
		if got := redactURL(raw); got != want {
			t.Errorf("%s\n got %s\nwant %s", raw, got, want)
		}
	}
}

func wide(s string, big bool) string {
	var b []byte
	for _, r := range s {
		if big {
			b = append(b, byte(r>>8), byte(r))
		} else {
			b = append(b, byte(r), byte(r>>8))
		}
	}
	return string(b)
}

func TestRedactBody(t *testing.T) {
	xml := http.Header{"Content-Type": {"text/xml"}}
	none := http.Header{}
	for _, tt := range []struct {
		name       string
		header     http.Header
		body, want string
	}{
		{"nothing", xml, "<a  x='1'>\r\n<b/></a >", "<a  x='1'>\r\n<b/></a >"},
		{"password", xml, "<a><wsse:Password Type=\"x#PasswordText\">SECRET</wsse:Password></a>", "<a><wsse:Password Type=\"x#PasswordText\">REDACTED</wsse:Password></a>"},
		{"no prefix", xml, "<Password>SECRET</Password>", "<Password>REDACTED</Password>"},
		{"cdata", xml, "<Password><![CDATA[SECRET</Password>SECRET]]></Password><b/>", "<Password><![CDATA[REDACTED]]></Password><b/>"},
		{"comment inside", xml, "<Password><!-- </Password> SECRET -->SECRET</Password><b/>", "<Password><!--REDACTED-->REDACTED</Password><b/>"},
		{"an assertion", xml, "<saml:Assertion a='SECRET'><x>SECRET</x></saml:Assertion><y>1</y>", "<saml:Assertion a='SECRET'>REDACTED</saml:Assertion><y>1</y>"},
		{"assertions nested", xml, "<Assertion xmlns='urn:oasis:names:tc:SAML:2.0:assertion'>a<Assertion>SECRET</Assertion>SECRET</Assertion><y/>", "<Assertion xmlns='urn:oasis:names:tc:SAML:2.0:assertion'>REDACTED</Assertion><y/>"},
		{"another assertion", xml, "<TestReport><Assertion><Name>x</Name></Assertion></TestReport>", "<TestReport><Assertion><Name>x</Name></Assertion></TestReport>"},
		{"an assertion's namespace around it", xml, "<r xmlns:a='urn:oasis:names:tc:SAML:2.0:assertion'><a:Assertion><x>SECRET</x></a:Assertion><y>1</y></r>", "<r xmlns:a='urn:oasis:names:tc:SAML:2.0:assertion'><a:Assertion>REDACTED</a:Assertion><y>1</y></r>"},
		{"a salt", xml, "<Salt>5</Salt><wsse:UsernameToken><w:Salt>SECRET</w:Salt></wsse:UsernameToken>", "<Salt>5</Salt><wsse:UsernameToken><w:Salt>REDACTED</w:Salt></wsse:UsernameToken>"},
		{"a setting that is a sentence", none, "[a]\nsee = look at https://x.test/?password=SECRET as it+was 100%25\nb = 1\n", "[a]\nsee = look at https://x.test/?password=REDACTED as it+was 100%25\nb = 1\n"},
		{"a setting with an escape in it", none, "[a]\nsee = look at password%253DSECRET\n", "[a]\nsee = look at password%253DREDACTED\n"},
		{"an escaped pair in escaped quotes", xml, "<a>password%3D%22SECRET%22</a><a>pin%3D%22%22</a><a>pwd%253D%2527SECRET%2527%2526x</a>", "<a>password%3D%22REDACTED%22</a><a>pin%3D%22%22</a><a>pwd%253D%2527REDACTED%2527%2526x</a>"},
		{"JSON as encodeURI writes it", none, `%7B%22password%22:%22SECRET%22%7D`, `%7B%22password%22%3A%22REDACTED%22%7D`},
		{"JSON as encodeURI writes it, in an element", xml, `<a>see %7B%22password%22:%22SECRET%22%7D</a>`, `<a>see %7B%22password%22%3A%22REDACTED%22%7D</a>`},
		{"a field for a password", none, `<input value="SECRET" name="f1" type="password"><input name="f2" type="text" value="u">`, `<input value="REDACTED" name="f1" type="password"><input name="f2" type="text" value="u">`},
		{"booleans", xml, "<HasPassword>true</HasPassword><a needsPin='false'/><Pin>no</Pin>", "<HasPassword>true</HasPassword><a needsPin='false'/><Pin>no</Pin>"},
		{"a nonce", xml, "<Nonce>5</Nonce><wsse:UsernameToken><wsse:Nonce>SECRET</wsse:Nonce></wsse:UsernameToken>", "<Nonce>5</Nonce><wsse:UsernameToken><wsse:Nonce>REDACTED</wsse:Nonce></wsse:UsernameToken>"},
		{"a map", xml, "<item><key xsi:type='x'>password</key><value xsi:type='x'>SECRET</value></item><item><key>a</key><value>b</value></item>", "<item><key xsi:type='x'>password</key><value xsi:type='x'>REDACTED</value></item><item><key>a</key><value>b</value></item>"},
		{"a property", xml, "<Property><Name>Password</Name><Value>SECRET</Value></Property>", "<Property><Name>Password</Name><Value>REDACTED</Value></Property>"},
		{"a property backwards", xml, "<Property><Value>SECRET</Value><Name>Password</Name></Property>", "<Property><Value>REDACTED</Value><Name>Password</Name></Property>"},
		{"a value inside", xml, "<Password><Value>SECRET</Value></Password>", "<Password><Value>REDACTED</Value></Password>"},
		{"a reference", xml, `<password href="#id0"/><a/><multiRef id="id0">SECRET</multiRef><multiRef id="id1">x</multiRef>`, `<password href="#id0"/><a/><multiRef id="id0">REDACTED</multiRef><multiRef id="id1">x</multiRef>`},
		{"a URL", xml, "<u>https://u:SECRET@h/?token=SECRET&amp;a=1</u>", "<u>https://REDACTED@h/?token=REDACTED&amp;a=1</u>"},
		{"json as text", xml, `<u>{"password": "SECRET"}</u>`, "<u>{&#34;password&#34;: &#34;REDACTED&#34;}</u>"},
		{"a message in an attribute", xml, `<u data="&lt;Password&gt;SECRET&lt;/Password&gt;"/>`, `<u data="&lt;Password&gt;REDACTED&lt;/Password&gt;"/>`},
		{"a namespace is no URL to change", xml, `<u xmlns="http://a@b/" xsi:schemaLocation="urn:x http://x/y.xsd"/>`, `<u xmlns="http://a@b/" xsi:schemaLocation="urn:x http://x/y.xsd"/>`},
		{"form with a tag in it", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, "password=SECRET&x=<b", "password=REDACTED&x=<b"},
		{"form that begins as json", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, "{x}=1&password=SECRET", "{x}=1&password=REDACTED"},
		{"json pairs", none, `[{"name": "password", "value": "SECRET"}, {"name": "a", "value": "b"}]`, `[{"name": "password", "value": "REDACTED"}, {"name": "a", "value": "b"}]`},
		{"json headers", none, `{"Authorization": "SECRET", "Cookie": "SECRET"}`, `{"Authorization": "REDACTED", "Cookie": "REDACTED"}`},
		{"json behind a guard", none, ")]}',\n{\"password\": \"SECRET\"}", ")]}',\n{\"password\": \"REDACTED\"}"},
		{"an operation of that name", xml, "<ChangePassword><user>alice</user><newPassword>SECRET</newPassword></ChangePassword>", "<ChangePassword><user>alice</user><newPassword>REDACTED</newPassword></ChangePassword>"},
		{"text beside children", xml, "<Password>SECRET<hint>dog</hint>SECRET</Password>", "<Password>REDACTED<hint>dog</hint>REDACTED</Password>"},
		{"no secret", xml, "<m:GetPasswordExpirationDate><m:MailboxSmtpAddress>alice</m:MailboxSmtpAddress></m:GetPasswordExpirationDate>", "<m:GetPasswordExpirationDate><m:MailboxSmtpAddress>alice</m:MailboxSmtpAddress></m:GetPasswordExpirationDate>"},
		{"twice", xml, "<Pin>1234</Pin><a/><NewPin>5678</NewPin>", "<Pin>REDACTED</Pin><a/><NewPin>REDACTED</NewPin>"},
		{"empty", xml, "<Password/><Password></Password><b>1</b>", "<Password/><Password></Password><b>1</b>"},
		{"never closed", xml, "<a><Password>SECRET", "<a><Password>REDACTED"},
		{"tag cut", xml, "<a><Password", "<a><Password"},
		{"attribute", xml, `<u name="n" password = 'SEC"RET' x="1"/>`, `<u name="n" password = 'REDACTED' x="1"/>`},
		{"attribute with >", xml, `<u password="a>SECRET">x</u>`, `<u password="REDACTED">x</u>`},
		{"attribute cut", xml, `<u password="SECRET`, `<u password="REDACTED`},
		{"attribute without quotes", xml, `<input password=SECRET name=x>`, `<input password=REDACTED name=x>`},
		{"a namespace of that prefix", xml, `<a xmlns:pin="urn:1" xmlns:token='urn:2'><pin:x>1</pin:x></a>`, `<a xmlns:pin="urn:1" xmlns:token='urn:2'><pin:x>1</pin:x></a>`},
		{"named by an attribute", xml, `<add key="password" value="SECRET"/><Property Name="Password">SECRET</Property><add key="x" value="y"/>`, `<add key="password" value="REDACTED"/><Property Name="Password">REDACTED</Property><add key="x" value="y"/>`},
		{"comment", xml, "<!-- <Password>SECRET</Password> --><a/>", "<!-- <Password>REDACTED</Password> --><a/>"},
		{"comment with half a tag", xml, "<a><!-- <Password> goes here --><b>x</b></a>", "<a><!-- <Password>REDACTED--><b>x</b></a>"},
		{"a message in CDATA", xml, "<arg><![CDATA[<login><Password>SECRET</Password></login>]]></arg>", "<arg><![CDATA[<login><Password>REDACTED</Password></login>]]></arg>"},
		{"a message as text", xml, "<arg>&lt;Password&gt;SECRET&lt;/Password&gt;</arg>", "<arg>&lt;Password&gt;REDACTED&lt;/Password&gt;</arg>"},
		{"escaped text without secrets", xml, "<arg>1 &lt; 2 &#38; 3</arg>", "<arg>1 &lt; 2 &#38; 3</arg>"},
		{"token", xml, "<wsse:BinarySecurityToken>SECRET</wsse:BinarySecurityToken>", "<wsse:BinarySecurityToken>REDACTED</wsse:BinarySecurityToken>"},
		{"a request for a token", xml, "<t:RequestSecurityToken><t:TokenType>urn:x</t:TokenType></t:RequestSecurityToken>", "<t:RequestSecurityToken><t:TokenType>urn:x</t:TokenType></t:RequestSecurityToken>"},
		{"in an end tag", xml, "<a></<Password>SECRET</Password>", "<a></<Password>REDACTED</Password>"},
		{"longer name", xml, "<Pinned>x</Pinned>", "<Pinned>x</Pinned>"},
		{"html", xml, `<form><input name="password" value="SECRET"><input name="user" value="u"></form>`, `<form><input name="password" value="REDACTED"><input name="user" value="u"></form>`},
		{"json", none, `{"user": "u", "password" : "SEC\"RET", "n": 1}`, `{"user": "u", "password" : "REDACTED", "n": 1}`},
		{"json number", none, `{"pin": 1234, "n": 1}`, `{"pin": "REDACTED", "n": 1}`},
		{"json array", none, `{"secrets": ["SECRET", {"a": "]"}], "n": [1]}`, `{"secrets": "REDACTED", "n": [1]}`},
		{"json escaped name", none, `{"pass\u0077ord": "SECRET"}`, `{"pass\u0077ord": "REDACTED"}`},
		{"json nested", none, `[{"a": {"Password": "SECRET"}}]`, `[{"a": {"Password": "REDACTED"}}]`},
		{"json with xml", none, `{"m": "<Password>SECRET</Password>"}`, `{"m": "\u003cPassword\u003eREDACTED\u003c/Password\u003e"}`},
		{"json null", none, `{"password": null, "pin": ""}`, `{"password": null, "pin": ""}`},
		{"json cut", none, `{"password": "SECRET`, `{"password": "REDACTED"`},
		{"form", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, "user=u&password=SECRET&x=1", "user=u&password=REDACTED&x=1"},
		{"form of another type", http.Header{"Content-Type": {"text/plain"}}, "user=u&password=SECRET", "user=u&password=REDACTED"},
		{"form data", http.Header{"Content-Type": {"multipart/form-data; boundary=b"}}, "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nSECRET\r\n--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n--b--", "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nREDACTED\r\n--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n--b--"},
		{"xml in multipart", http.Header{"Content-Type": {"multipart/related; boundary=b"}}, "--b\r\n\r\n<Password>SECRET</Password>\r\n--b--", "--b\r\n\r\n<Password>REDACTED</Password>\r\n--b--"},
		{"utf-16", xml, "\xff\xfe" + wide("<Password>SECRET</Password>", false), "<Password>REDACTED</Password>"},
		{"utf-16 without a mark", xml, wide("<Password>SECRET</Password>", true), "<Password>REDACTED</Password>"},
		{"utf-16 cut", xml, wide("<Password>SECRET", false) + "x", "<Password>REDACTED"},
		{"utf-16 json", none, wide(`{"password": "SECRET"}`, false), `{"password": "REDACTED"}`},
		{"utf-16 without secrets", xml, "\xff\xfe" + wide("<a/>", false), "\xff\xfe" + wide("<a/>", false)},
		{"nearly utf-16", xml, "<\x00s\x00", "<\x00s\x00"},
		{"nearly utf-16, marked", xml, "\xff\xfe<\x00<", "\xff\xfe<\x00<"},
		{"packed in silence", xml, string(gzipped(t, "<Password>SECRET</Password>")), "<Password>REDACTED</Password>"},
		{"text", http.Header{"Content-Type": {"text/plain"}}, "the password is here: x", "the password is here: x"},
		{"binary", none, "\x00\x01password=x", "\x00\x01password=x"},
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

// TestRedactIsLinear reads hostile bodies of 512 KiB; at quadratic cost none of
// them would end within the test's time.
func TestRedactIsLinear(t *testing.T) {
	for _, unit := range []string{"<!--", "<![CDATA[", "<Assertion>", "<Password>", "<a b='", "</a>", "<a>", "&lt;", "&amp;", "<", "\"", "[", "{\"a\":", "a=b&", "//@", "Content-Disposition: form-data; name=a\r\n\r\n",
		"Content-Transfer-Encoding: base64\r\n\r\n", " --b\nContent-Transfer-Encoding: quoted-printable\n\n", "{\"value\":", "{\"value\":1,\"name\":\"pin\",\"x\":", "[[\"pin\",\"", "<!ENTITY ", "<!ENTITY a \"&a;", "<!ENTITY a '&b;'>", "<!ATTLIST ", "<!ATTLIST a pin CDATA '", "[a]\n"} {
		body := []byte(strings.Repeat(unit, 512<<10/len(unit)))
		for _, prefix := range []string{"<a>", "[", ""} {
			redactBody(append([]byte(prefix), body...), http.Header{"Content-Type": {"multipart/form-data; boundary=b"}})
		}
	}
}

// TestPackedBodiesHideNothing: what cannot be unpacked to its end is kept as far
// as it could, and never as the bytes that came.
func TestPackedBodiesHideNothing(t *testing.T) {
	secret := "<a><Password>hunter2-correct-horse</Password>" + strings.Repeat("<b>0123456789</b>", 200) + "</a>"
	packed := gzipped(t, secret)
	for name, tt := range map[string]struct{ encoding, body string }{
		"too long":         {"gzip", string(packed)},
		"broken off":       {"gzip", string(packed[:len(packed)-9])},
		"not what it says": {"br", string(packed)},
		"unknown":          {"zstd", string(packed)},
		"twice":            {"gzip, identity, gzip", string(gzipped(t, string(packed)))},
		"trailing bytes":   {"gzip", string(packed) + "hunter2-correct-horse"},
	} {
		url, _ := upstream(t, func(w http.ResponseWriter, r *http.Request) {
			if got, _ := io.ReadAll(r.Body); string(got) != tt.body {
				t.Errorf("%s: the server did not get the request's bytes", name)
			}
			w.Header().Set("Content-Encoding", tt.encoding)
			io.WriteString(w, tt.body)
		})
		path := tape(t)
		rt, _, w := recorderTo(t, path, RecordOptions{All: true, MaxBody: 1000})
		if _, got := post(t, rt, url, tt.body, "Content-Type", "text/xml", "Content-Encoding", tt.encoding); got != tt.body {
			t.Errorf("%s: the client did not get the response's bytes", name)
		}
		closed(t, w)
		i := load(t, path).Interactions[0]
		for _, body := range []string{i.Request.Body, i.Response.Body} {
			if strings.Contains(body, "hunter2") || strings.HasPrefix(body, "\x1f\x8b") || len(body) > 1000 {
				t.Errorf("%s: kept %q", name, body)
			}
		}
		if i.Umtape.Truncated != "both" || i.Umtape.Note == "" || i.Response.Headers.Get("Content-Encoding") != "" {
			t.Errorf("%s: kept %+v, %v", name, i.Umtape, i.Response.Headers)
		}
	}
}

// FuzzRedactBody plants a password in whatever the fuzzer makes around it.
func FuzzRedactBody(f *testing.F) {
	for _, s := range []string{"<a>|</a>", "<a><![CDATA[|]]></a>", "<\x00s\x00|", "\xff\xfe<\x00|", "{\"a\": 1, \"b\": [|]}", "a=1&b=|", "<!-- | -->", "<u a='|", "\x1f\x8b|"} {
		f.Add(s, "text/xml")
	}
	f.Fuzz(func(t *testing.T, around, contentType string) {
		before, after, _ := strings.Cut(around, "|")
		h := http.Header{"Content-Type": {contentType}}
		body := []byte(before + "<Password>hunter2-correct-horse</Password>" + after)
		once := redactBody(body, h)
		if again := redactBody(bytes.Clone(once), h); !bytes.Equal(once, again) {
			t.Fatalf("redacting twice differs:\n%q\n%q", once, again)
		}
		// In text with a tag at its start and no quote, comment or section open
		// before it, the password is found.
		if strings.HasPrefix(before, "<a>") && !strings.ContainsAny(before, "'\"!?=") && strings.Count(before, "<") == strings.Count(before, ">") && bytes.Contains(once, []byte("hunter2")) {
			t.Fatalf("kept: %q", once)
		}
	})
}
