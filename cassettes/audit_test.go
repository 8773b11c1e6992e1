package cassettes

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/andybalholm/brotli"
	"gopkg.in/dnaeon/go-vcr.v3/cassette"
)

// planted is an exchange with a secret in one place.
type planted struct {
	name  string
	place string // where audit has to say it is
	plant func(i *cassette.Interaction, secret string)
}

func inRequest(template string) func(*cassette.Interaction, string) {
	return func(i *cassette.Interaction, secret string) { i.Request.Body = fmt.Sprintf(template, secret) }
}

func inResponse(template string) func(*cassette.Interaction, string) {
	return func(i *cassette.Interaction, secret string) { i.Response.Body = fmt.Sprintf(template, secret) }
}

func inHeader(name, template string) func(*cassette.Interaction, string) {
	return func(i *cassette.Interaction, secret string) {
		i.Request.Headers[name] = []string{fmt.Sprintf(template, secret)}
	}
}

const bareEnvelope = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>%s</s:Header><s:Body>%s</s:Body></s:Envelope>`

func inSOAPHeader(xml string) string { return fmt.Sprintf(bareEnvelope, xml, "<Ping/>") }
func inSOAPBody(xml string) string   { return fmt.Sprintf(bareEnvelope, "", xml) }

// hiding places, as cassettes of other tools have them.
var hidingPlaces = []planted{
	{"basic", "header Authorization", func(i *cassette.Interaction, s string) {
		i.Request.Headers.Set("Authorization", "Basic "+base64Of("anna:"+s))
	}},
	{"bearer", "header Authorization", inHeader("Authorization", "Bearer %s")},
	{"spelled otherwise", "header Proxy-Authorization", inHeader("proxy-authorization", "Bearer %s")},
	{"type 3", "header Authorization", func(i *cassette.Interaction, s string) {
		i.Request.Headers.Set("Authorization", "NTLM "+base64Of(ntlm(3, s)))
	}},
	{"type 2", "header Www-Authenticate", func(i *cassette.Interaction, s string) {
		i.Response.Headers["WWW-Authenticate"] = []string{"Negotiate", "NTLM " + base64Of(ntlm(2, s))}
	}},
	{"type 2, folded", "header Www-Authenticate", func(i *cassette.Interaction, s string) {
		i.Response.Headers.Set("Www-Authenticate", "NTLM\r\n "+base64Of(ntlm(2, s)))
	}},
	{"type 3 in SPNEGO, under any name", "header X-Debug", func(i *cassette.Interaction, s string) {
		i.Request.Headers.Set("X-Debug", "sent Negotiate "+base64Of("\x60\x82\x01\x00\x06"+ntlm(3, s)))
	}},
	{"type 3 in a body", "Body/Trace", func(i *cassette.Interaction, s string) {
		i.Request.Body = inSOAPBody("<Trace>" + base64Of(ntlm(3, s)) + "</Trace>")
	}},
	{"type 3 in lines", "Body/Trace", func(i *cassette.Interaction, s string) {
		b := base64Of(ntlm(3, s))
		i.Request.Body = inSOAPBody("<Trace>\n" + b[:76] + "\n" + b[76:] + "\n</Trace>")
	}},
	{"cookie", "header Cookie", inHeader("Cookie", "exchangecookie=%s; lang=en")},
	{"set-cookie", "header Set-Cookie", func(i *cassette.Interaction, s string) {
		i.Response.Headers["Set-Cookie"] = []string{"lang=en", "X-BackEndCookie=" + s + "; path=/EWS; secure"}
	}},
	{"an API key", "header X-Api-Key", inHeader("X-Api-Key", "%s")},
	{"a connection string in a header", "header X-Backend", inHeader("X-Backend", "Server=db; User Id=sa; Password=%s; Encrypt=true")},
	{"in a URL", "url, parameter access_token", func(i *cassette.Interaction, s string) { i.Request.URL += "?access_token=" + s }},
	{"before a host", "url, user information", func(i *cassette.Interaction, s string) {
		i.Request.URL = strings.Replace(i.Request.URL, "://", "://anna:"+s+"@", 1)
	}},
	{"before a Host", "host", func(i *cassette.Interaction, s string) { i.Request.Host = "anna:" + s + "@um.example.com" }},
	{"a URL in a body", "Body/Notify", inRequest(inSOAPBody("<Notify>call https://anna:%s@hook.example.com/x back</Notify>"))},
	{"a Location", "header Location", func(i *cassette.Interaction, s string) {
		i.Response.Headers.Set("Location", "/cb#id_token="+s)
	}},
	{"WS-Security", "Header/Security/UsernameToken/Password", inRequest(inSOAPHeader(`<o:Security xmlns:o="urn:o"><o:UsernameToken><o:Username>anna</o:Username><o:Password Type="x#PasswordText">%s</o:Password></o:UsernameToken></o:Security>`))},
	{"a SAML assertion", "Header/Security/Assertion", inRequest(inSOAPHeader(`<o:Security xmlns:o="urn:o"><saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><saml:Subject>%s</saml:Subject></saml:Assertion></o:Security>`))},
	{"a security token", "Header/BinarySecurityToken", inRequest(inSOAPHeader(`<BinarySecurityToken>%s</BinarySecurityToken>`))},
	{"a PIN", "Body/SetPIN/NewPIN", inRequest(inSOAPBody("<SetPIN><NewPIN>%s</NewPIN></SetPIN>"))},
	{"an attribute", "Body/Login/@password", inRequest(inSOAPBody(`<Login user="anna" password="%s"/>`))},
	{"a comment in XML", "Body/comment()", inRequest(inSOAPBody(`<Login/><!-- password=%s -->`))},
	{"a message in CDATA", "Body/Run", inRequest(inSOAPBody(`<Run><![CDATA[<login><pwd>%s</pwd></login>]]></Run>`))},
	{"JSON in CDATA", "Body/Run", inRequest(inSOAPBody(`<Run><![CDATA[{"user": "anna", "password": "%s"}]]></Run>`))},
	{"a message as text", "Body/Run", inRequest(inSOAPBody(`<Run>&lt;Password&gt;%s&lt;/Password&gt;</Run>`))},
	{"a message in base64", "Body/Run", func(i *cassette.Interaction, s string) {
		i.Request.Body = inSOAPBody("<Run>" + base64Of("<login><Password>"+s+"</Password></login>") + "</Run>")
	}},
	{"the detail of a fault", "Body/Fault/detail/Trace", inResponse(inSOAPBody(`<s:Fault><faultcode>s:Server</faultcode><faultstring>no</faultstring><detail><Trace>at Login(user: anna, password: %s)</Trace></detail></s:Fault>`))},
	{"a connection string in a fault", "Body/Fault/faultstring", inResponse(inSOAPBody(`<s:Fault><faultcode>s:Server</faultcode><faultstring>cannot open "Server=db;Uid=sa;Pwd=%s;"</faultstring></s:Fault>`))},
	{"an answer that was packed", "Body/LoginResponse/AccessToken", func(i *cassette.Interaction, s string) {
		i.Response.Headers.Set("Content-Encoding", "gzip")
		i.Response.Body = string(packed(inSOAPBody("<LoginResponse><AccessToken>" + s + "</AccessToken></LoginResponse>")))
	}},
	{"a request that was packed", "Body/Login/Password", func(i *cassette.Interaction, s string) {
		i.Request.Headers.Set("Content-Encoding", "gzip")
		i.Request.Body = string(packed(inSOAPBody("<Login><Password>" + s + "</Password></Login>")))
	}},
	{"a chain of headers", "header X-Forwarded-Request", func(i *cassette.Interaction, s string) {
		i.Request.Headers["X-Forwarded-Request"] = []string{"a=1", "b=2;\r\n\tpassword=" + s}
	}},
	{"packed in silence", "Body/LoginResponse/AccessToken", func(i *cassette.Interaction, s string) {
		i.Response.Body = string(packed(inSOAPBody("<LoginResponse><AccessToken>" + s + "</AccessToken></LoginResponse>")))
	}},
	{"UTF-16", "Body/Login/Password", func(i *cassette.Interaction, s string) {
		i.Request.Body = "\xff\xfe" + wide(inSOAPBody("<Login><Password>"+s+"</Password></Login>"), false)
	}},
	{"a form", "form, field passwd", func(i *cassette.Interaction, s string) {
		i.Request.Headers.Set("Content-Type", "application/x-www-form-urlencoded")
		i.Request.Body, i.Request.Form = "user=anna&passwd="+s, url.Values{"user": {"anna"}, "passwd": {s}}
	}},
	{"a form with a message", "body, parameter wresult", func(i *cassette.Interaction, s string) {
		i.Request.Headers.Set("Content-Type", "application/x-www-form-urlencoded")
		i.Request.Body = "wa=x&wresult=" + url.QueryEscape("<t:BinarySecret>"+s+"</t:BinarySecret>")
	}},
	{"form data", "body, field pin", inRequest("--b\r\nContent-Disposition: form-data; name=\"pin\"\r\n\r\n%s\r\n--b--\r\n")},
	{"JSON", "body, member client_secret", inResponse(`{"user": "anna", "client_secret": "%s"}`)},
	{"JSON in JSON", "body, member payload", inResponse(`{"payload": "{\"password\": \"%s\"}"}`)},
	{"a header in JSON", "body, member authorization", inResponse(`{"headers": {"authorization": "%s"}}`)},
	{"a JSON Web Token", "Body/Ticket", func(i *cassette.Interaction, s string) {
		i.Response.Body = inSOAPBody("<Ticket>" + strings.TrimRight(base64Of(`{"alg":"none"}`), "=") + "." + strings.TrimRight(base64Of(`{"sub":"`+s+`"}`), "=") + ".c2ln</Ticket>")
	}},
	{"a private key", "Body/File", func(i *cassette.Interaction, s string) {
		i.Response.Body = inSOAPBody("<File>-----BEGIN RSA PRIVATE KEY-----\n" + base64Of("DER "+s) + "\n-----END RSA PRIVATE KEY-----\n</File>")
	}},
	{"a private key in base64", "body, member tls.key", func(i *cassette.Interaction, s string) {
		i.Response.Body = `{"tls.key": "` + base64Of("-----BEGIN PRIVATE KEY-----\n"+base64Of("DER "+s)+"\n-----END PRIVATE KEY-----\n") + `"}`
	}},
	{"basic credentials in a log", "body", func(i *cassette.Interaction, s string) {
		i.Response.Body = "> GET / HTTP/1.1\n> Authorization: Basic " + base64Of("anna:"+s) + "\n"
	}},
	{"a trailer", "trailer X-Auth-Token", func(i *cassette.Interaction, s string) {
		i.Response.Trailer = http.Header{"X-Auth-Token": {s}}
	}},
	{"a name beside a value", "Body/Set/Property/Value", inRequest(inSOAPBody("<Set><Property><Name>Password</Name><Value>%s</Value></Property></Set>"))},
	{"an undeclared prefix, never closed", "Body/Login/Password", inRequest(`<s:Envelope><s:Body><x:Login><x:Password>%s`)},
	{"a cookie in a log", "body", inResponse("> GET / HTTP/1.1\r\n> Cookie: lang=en; sid=%s\r\n> Accept: */*\r\n")},
	{"a set-cookie in a log", "body", inResponse("< HTTP/1.1 200 OK\n< set-cookie: sid=%s; path=/; secure\n")},
	{"a digest in a log", "body", inResponse("Authorization: Digest username=\"anna\", realm=\"a\", response=\"%s\"\n")},
	{"a digest in a fault", "Body/Fault/detail", inResponse(inSOAPBody(`<s:Fault><detail>Authorization: Digest username="anna", response="%s"</detail></s:Fault>`))},
	{"a cookie in JSON", "body, member raw", inResponse(`{"raw": "GET / HTTP/1.1\r\nCookie: sid=%s\r\n\r\n"}`)},
	{"a cookie of a part", "body", inRequest("--b\r\nContent-Type: application/http\r\nCookie: sid=%s\r\n\r\nx\r\n--b--\r\n")},
	{"an authorization of a part", "body", inRequest("--b\r\nContent-Type: application/http\r\nAuthorization: GoogleLogin auth=%s\r\n\r\nx\r\n--b--\r\n")},
	{"a header of an option", "body", inRequest("curl -H 'Cookie: sid=%s' https://um.example.com/")},
	{"sections", "body", inResponse("[db]\nuser = sa\npassword = %s\n")},
	{"a dictionary", "body", inResponse("{'user': 'anna', 'password': '%s'}")},
	{"a dictionary in a list", "body", inResponse("[{'user': 'anna', 'password': 'word'}, {'password': \"%s\"}]")},
	{"pairs in base64", "Body/Run", func(i *cassette.Interaction, s string) {
		i.Request.Body = inSOAPBody("<Run>" + base64Of("user=anna&password="+s) + "</Run>")
	}},
	{"a message in base64 in base64", "Body/Run", func(i *cassette.Interaction, s string) {
		i.Request.Body = inSOAPBody("<Run>" + base64Of(base64Of("<login><Password>"+s+"</Password></login>")) + "</Run>")
	}},
	{"a message in base64 after white space", "Body/Run", func(i *cassette.Interaction, s string) {
		i.Request.Body = inSOAPBody("<Run>\n  " + base64Of("\r\n  <login><Password>"+s+"</Password></login>") + "\n</Run>")
	}},
	{"a body in base64", "body", func(i *cassette.Interaction, s string) {
		i.Request.Body = base64Of("{\"password\": \"" + s + "\"}")
	}},
	{"a part in base64", "Body/Login/Password", func(i *cassette.Interaction, s string) {
		b := base64Of(inSOAPBody("<Login><Password>" + s + "</Password></Login>"))
		i.Request.Headers.Set("Content-Type", "multipart/related; boundary=b")
		i.Request.Body = "--b\r\nContent-Type: text/xml\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b[:76] + "\r\n" + b[76:152] + "\r\n" + b[152:] + "\r\n--b--\r\n"
	}},
	{"a part quoted", "body", func(i *cassette.Interaction, s string) {
		i.Request.Headers.Set("Content-Type", "multipart/related; boundary=b")
		i.Request.Body = "--b\r\nContent-Type: text/xml\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<Login><Password Type=3D=22x=22>" + s + "</Password></Lo=\r\ngin>\r\n--b--\r\n"
	}},
	{"deflated in silence", "Body/LoginResponse/AccessToken", func(i *cassette.Interaction, s string) {
		i.Response.Body = deflated(inSOAPBody("<LoginResponse><AccessToken>"+s+"</AccessToken></LoginResponse>"), true)
	}},
	{"deflated in silence, bare", "Body/LoginResponse/AccessToken", func(i *cassette.Interaction, s string) {
		i.Response.Body = deflated(inSOAPBody("<LoginResponse><AccessToken>"+s+"</AccessToken></LoginResponse>"), false)
	}},
	{"a name after its value", "body, member value", inResponse(`{"fields": [{"value": "%s", "name": "password"}, {"value": "b", "name": "a"}]}`)},
	{"a name after its value and more", "body, member value", inResponse(`{"value": "%s", "comment": {"name": "a"}, "name": "Authorization"}`)},
	{"pairs in a list", "body, member password", inResponse(`{"headers": [["Host", "a"], ["password", "%s"]]}`)},
	{"names and values in a list", "body, member Cookie", inResponse(`{"rawHeaders": ["Host", "a", "Cookie", "sid=%s"]}`)},
	{"a user of curl", "body", inResponse("$ curl -sS -u anna:%s https://um.example.com/\n")},
	{"an option", "body", inResponse("login --user anna --password %s --quiet\n")},
	{"an option of a fault", "Body/Fault/faultstring", inResponse(inSOAPBody(`<s:Fault><faultstring>exec: login --user anna --password &quot;%s&quot;: exit 1</faultstring></s:Fault>`))},
	{"a URL of Oracle's", "body", inResponse("jdbc:oracle:thin:scott/%s@//db.example.com:1521/x")},
	{"a URL of JDBC", "Body/Fault/faultstring", inResponse(inSOAPBody(`<s:Fault><faultstring>jdbc:sqlserver://db;user=sa;password=%s;encrypt=true</faultstring></s:Fault>`))},
	{"a URL of MySQL's", "body, member url", inResponse(`{"url": "jdbc:mysql://db/x?user=sa&password=%s"}`)},
	{"an entity of a password", "entity w", inRequest(`<!DOCTYPE a [<!ENTITY w "%s">]><a><Password>&w;</Password></a>`)},
	{"an entity of an entity", "entity v", inRequest(`<!DOCTYPE a [<!ENTITY v '%s'><!ENTITY w "&v;">]><a><Login password="&w;"/></a>`)},
	{"an entity by its name", "entity password", inRequest(`<!DOCTYPE a [<!ENTITY password "%s">]><a>&password;</a>`)},
	{"an entity with a message", "entity x", inRequest(`<!DOCTYPE a [<!ENTITY x "<Password>%s</Password>">]><a>&x;</a>`)},
	{"a default of an attribute", "attribute password", inRequest(`<!DOCTYPE a [<!ATTLIST Login user CDATA #IMPLIED password CDATA "%s">]><a><Login/></a>`)},
	{"a message in a header", "header X-Debug", inHeader("X-Debug", "<Login><Password>%s</Password></Login>")},
	{"pairs, escaped", "Body/State", inRequest(inSOAPBody("<State>user%%3Danna%%26password%%3D%s%%26x%%3D1</State>"))},
	{"pairs, escaped, in a header", "header X-State", inHeader("X-State", "user%%3Danna%%26password%%3D%s%%26x%%3D1")},
	{"pairs, escaped twice", "body, member state", inResponse(`{"state": "user%%253Danna%%2526password%%253D%s%%2526x%%253D1"}`)},
	{"a message, escaped", "Body/State", inRequest(inSOAPBody("<State>%%3CPassword%%3E%s%%3C%%2FPassword%%3E</State>"))},
	{"a token of forms", "header X-Csrf-Token", inHeader("X-CSRF-Token", "%s")},
	{"a token of Exchange", "header X-Commonaccesstoken", inHeader("X-CommonAccessToken", "%s")},
	{"a signature", "header X-Hub-Signature-256", inHeader("X-Hub-Signature-256", "sha256=%s")},
	{"another signature", "header X-Signature", inHeader("X-Signature", "%s")},
	{"auth in a URL", "url, parameter auth", func(i *cassette.Interaction, s string) { i.Request.URL += "?auth=" + s }},
	{"a SAML request", "url, parameter SAMLRequest", func(i *cassette.Interaction, s string) {
		i.Request.URL += "?SAMLRequest=" + url.QueryEscape(base64Of(deflated("<samlp:AuthnRequest>"+s+"</samlp:AuthnRequest>", false)))
	}},
	{"a SAML response", "url, parameter SAMLResponse", func(i *cassette.Interaction, s string) {
		i.Request.URL += "?SAMLResponse=" + url.QueryEscape(base64Of("<Response>"+s+"</Response>"))
	}},
	{"an option of a letter", "body", inResponse("$ mysql -u root -p%s shop < shop.sql\n")},
	{"an option of a letter, quoted", "Body/Fault/faultstring", inResponse(inSOAPBody(`<s:Fault><faultstring>exec: "/usr/bin/mysqldump" -h db -p'%s' shop: exit 1</faultstring></s:Fault>`))},
	{"an option of a letter, apart", "body", inResponse("$ sshpass -p %s ssh -p 22 anna@um.example.com\n")},
	{"an option of two letters", "body", inResponse("> plink.exe -ssh -pw \"%s\" anna@um.example.com\r\n")},
	{"an option after an option", "body", inResponse("keytool -list -storepass %s -keystore a.jks\n")},
	{"a login", "body", inResponse("docker login -u anna -p %s registry.example.com\n")},
	{"an option with a user", "body", inResponse("smbclient -U 'EXAMPLE\\anna%%%s' //files/um\n")},
	{"an option of OpenSSL", "body", inResponse("openssl rsa -in a.key -passin pass:%s\n")},
	{"an option of Windows", "body", inResponse("xfreerdp /u:anna /p:%s /v:um.example.com\n")},
	{"arguments in a list", "body, member sshpass", inResponse(`{"args": ["sshpass", "-p%s", "ssh", "-p", "22", "um.example.com"]}`)},
	{"an argument in a list", "body, member --password", inResponse(`{"args": ["login", "--quiet", "--password", "%s", "--user", "anna"]}`)},
	{"a parameter with a character set", "header X-Debug", inHeader("X-Debug", "form; password*=UTF-8''%s; x=1")},
	{"a field with a character set", "body, field password", inRequest("--b\r\nContent-Disposition: form-data; name*=UTF-8''p%%61ssword\r\n\r\n%s\r\n--b--\r\n")},
	{"a field in pieces", "body, field password", inRequest("--b\r\nContent-Disposition: form-data; name*0=\"pass\"; name*1=\"word\"\r\n\r\n%s\r\n--b--\r\n")},
	{"a field, folded", "body, field pin", inRequest("--b\r\nContent-Disposition: form-data;\r\n\tname=\"pin\"\r\nX-A: b\r\n\r\n%s\r\n--b--\r\n")},
	{"a field in an encoded word", "body, field password", inRequest("--b\r\nContent-Disposition: form-data; name=\"=?UTF-8?B?cGFzc3dvcmQ=?=\"\r\n\r\n%s\r\n--b--\r\n")},
	{"a field in percent-encoding", "body, field password", inRequest("--b\r\nContent-Disposition: form-data; name=\"pass%%77ord\"\r\n\r\n%s\r\n--b--\r\n")},
	{"a member with an escape", "body, member password", inResponse(`{"p\u0061ssword": "%s"}`)},
	{"a member with another escape", "body, member password", inResponse(`{"p\x61ssword": "%s"}`)},
	{"an escape in a log", "body", inResponse("login: p\\u0061ssword=%s\n")},
	{"a reference in a name", "Body/Set/Property/Value", inRequest(inSOAPBody("<Set><Property><Name>&#x70;assword</Name><Value>%s</Value></Property></Set>"))},
	{"a reference in an attribute", "Body/Set/Property/@value", inRequest(inSOAPBody(`<Set><Property name="pass&#119;ord" value="%s"/></Set>`))},
	{"a name in CDATA", "Body/Set/Property/Value", inRequest(inSOAPBody("<Set><Property><Name><![CDATA[Password]]></Name><Value><![CDATA[%s]]></Value></Property></Set>"))},
	{"a letter escaped", "Body/State", inRequest(inSOAPBody("<State>user%%3Danna%%26p%%61ssword%%3D%s</State>"))},
	{"a letter escaped twice", "body, member state", inResponse(`{"state": "p%%2561ssword%%253D%s%%2526x%%253D1"}`)},
	{"base64 in text", "Body/Log", func(i *cassette.Interaction, s string) {
		i.Request.Body = inSOAPBody("<Log>sent " + base64Of("<login><Password>"+s+"</Password></login>") + ", and waits</Log>")
	}},
	{"base64 in a URL of data", "body, member image", func(i *cassette.Interaction, s string) {
		i.Response.Body = `{"image": "data:text/xml;charset=utf-8;base64,` + base64Of("<svg><desc>password="+s+"</desc></svg>") + `"}`
	}},
	{"base64 in a header", "header X-Debug", func(i *cassette.Interaction, s string) {
		i.Request.Headers.Set("X-Debug", "state=("+base64Of(`{"user": "anna", "password": "`+s+`"}`)+")")
	}},
	{"bytes and text in base64", "Body/File", func(i *cassette.Interaction, s string) {
		i.Request.Body = inSOAPBody("<File>" + base64Of("\x00\x01\x00\xff\xfe\x80\x06user=anna;password="+s+";x\x00\x02\x00") + "</File>")
	}},
	{"bytes and a message in base64", "Body/File", func(i *cassette.Interaction, s string) {
		i.Request.Body = inSOAPBody("<File>" + base64Of("\x00\xff\x80<login><Password>"+s+"</Password></login>\x00\x02") + "</File>")
	}},
	{"bytes and text", "body", func(i *cassette.Interaction, s string) {
		i.Response.Body = "\x01\x00\x05\x00user=anna;password=" + s + ";\x00\x00"
	}},
	{"brotli in silence", "Body/LoginResponse/AccessToken", func(i *cassette.Interaction, s string) {
		i.Response.Body = brotlied(inSOAPBody("<LoginResponse><AccessToken>" + s + "</AccessToken></LoginResponse>"))
	}},
}

// brotlied is RFC 7932.
func brotlied(s string) string {
	var b bytes.Buffer
	w := brotli.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

// deflated is RFC 1950, or bare RFC 1951.
func deflated(s string, framed bool) string {
	var b bytes.Buffer
	var w io.WriteCloser
	if framed {
		w = zlib.NewWriter(&b)
	} else {
		w, _ = flate.NewWriter(&b, flate.DefaultCompression)
	}
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

// hiding is the n-th exchange, with a secret where hidingPlaces says; the one after
// them has none.
func hiding(n int, secret string) *Interaction {
	i := &Interaction{}
	i.Request = cassette.Request{Method: "POST", URL: fmt.Sprintf("https://um.example.com/%d", n), Headers: http.Header{"Content-Type": {"text/xml"}}, Body: inSOAPBody("<Ping/>")}
	i.Response = cassette.Response{Code: 200, Status: "200 OK", Headers: http.Header{"Content-Type": {"text/xml"}}, Body: inSOAPBody("<PingResponse/>")}
	if n < len(hidingPlaces) {
		hidingPlaces[n].plant(&i.Interaction, secret)
	}
	return i
}

// plantAll writes a cassette with stock go-vcr, a secret in each interaction.
func plantAll(t *testing.T, path string) (secrets []string) {
	t.Helper()
	tape := cassette.New(strings.TrimSuffix(path, ".yaml"))
	for n := range len(hidingPlaces) + 1 {
		secrets = append(secrets, fmt.Sprintf("hunter%02dcorrect-horse", n))
		tape.AddInteraction(&hiding(n, secrets[n]).Interaction)
	}
	if err := tape.Save(); err != nil {
		t.Fatal(err)
	}
	return secrets[:len(hidingPlaces)]
}

// holds looks for a secret in text, and in what text holds: base64, gzip, UTF-16,
// percent-encoding, hexadecimal.
func holds(text, secret string, depth int) bool {
	if strings.Contains(text, secret) || strings.Contains(text, wide(secret, false)) || strings.Contains(text, hex.EncodeToString([]byte(secret))) {
		return true
	}
	if depth == 0 {
		return false
	}
	if plain, err := url.QueryUnescape(text); err == nil && plain != text && holds(plain, secret, depth-1) {
		return true
	}
	for _, encoding := range []string{"gzip", "deflate", "br"} {
		if utf8.ValidString(text) {
			break
		}
		if plain, _ := unpack([]byte(text), encoding, 1<<20); len(plain) > 0 && holds(string(plain), secret, depth-1) {
			return true
		}
	}
	joined := regexp.MustCompile(`\s`).ReplaceAllString(text, "")
	for _, t := range []string{text, joined} {
		for _, run := range regexp.MustCompile(`[A-Za-z0-9+/_-]{12,}`).FindAllString(t, -1) {
			for skip := range min(4, len(run)) {
				cut := run[skip:]
				cut = cut[:len(cut)/4*4]
				if plain, ok := fromBase64(cut); ok && holds(string(plain), secret, depth-1) {
					return true
				}
			}
		}
	}
	return false
}

func interactionHolds(i *Interaction, secret string) bool {
	secret = secret[:len(secret)-4] // base64 in a group of its own may be cut
	all := fmt.Sprintf("%+v\n%+v\n%+v", i.Request, i.Response, i.Umtape)
	return holds(all, secret, 2) || holds(i.Request.Body, secret, 3) || holds(i.Response.Body, secret, 3)
}

// TestPlantedSecrets: audit finds each secret and says where, scrub takes each out, and
// the clients that send them are answered all the same.
func TestPlantedSecrets(t *testing.T) {
	path := tape(t)
	secrets := plantAll(t, path)
	before := load(t, path)
	for n, s := range secrets {
		if !interactionHolds(before.Interactions[n], s) {
			t.Fatalf("%s: the test does not see the secret that it planted", hidingPlaces[n].name)
		}
	}

	audited, err := Audit(path)
	if err != nil {
		t.Fatal(err)
	}
	told := map[int][]string{}
	lines := strings.Split(readAll(t, path), "\n")
	for _, s := range audited.Secrets {
		told[s.Interaction] = append(told[s.Interaction], s.Place)
		if s.Line < before.Interactions[s.Interaction].Line || s.Line > len(lines) {
			t.Errorf("%s: line %d", hidingPlaces[s.Interaction].name, s.Line)
		}
		if all := fmt.Sprint(s); holds(all, secrets[s.Interaction], 1) {
			t.Errorf("audit shows the secret: %s", all)
		}
	}
	for n, p := range hidingPlaces {
		if !strings.Contains(strings.Join(told[n], "|"), p.place) {
			t.Errorf("%s: told %q, not %s", p.name, told[n], p.place)
		}
	}
	if clean := len(hidingPlaces); told[clean] != nil {
		t.Errorf("found where none is: %q", told[clean])
	}

	e := edit(t, path)
	if _, err := e.Scrub(); err != nil {
		t.Fatal(err)
	}
	save(t, e)
	e.Close()
	data := readAll(t, path)
	after := load(t, path)
	for n, s := range secrets {
		if strings.Contains(data, s) || interactionHolds(after.Interactions[n], s) {
			t.Errorf("%s: still there\n%s", hidingPlaces[n].name, after.Interactions[n].Request.Body+after.Interactions[n].Response.Body)
		}
	}
	if again, err := Audit(path); err != nil || len(again.Secrets) > 0 {
		t.Errorf("audit after scrub: %v, %v", again.Secrets, err)
	}
	e = edit(t, path)
	if found, err := e.Scrub(); err != nil || len(found) > 0 || save(t, e) {
		t.Errorf("scrubbed again: %v, %v", found, err)
	}

	p := NewPlayer(PlayOptions{}, after)
	for n := range len(hidingPlaces) + 1 {
		for _, secret := range []string{"hunter99correct-horse", "another-secret-altogether-99"} {
			resp := send(t, p, hiding(n, secret))
			if got, want := resp.Header.Get(HeaderInteraction), fmt.Sprintf("calls.yaml#%d", n); got != want {
				t.Errorf("interaction %d: answered by %q, %s", n, got, resp.Header.Get(HeaderMiss))
			}
		}
	}
}

// TestPlantedSecretsAreNotRecorded: what a recording leaves in its folder, while it runs and
// after, holds none of them, and each client got what the server said.
func TestPlantedSecretsAreNotRecorded(t *testing.T) {
	path := tape(t)
	const secret = "hunter77correct-horse"
	n := 0
	_, recorder, w := recorderTo(t, path, RecordOptions{All: true})
	rt := recorder.Wrap(answering(func(r *http.Request) *http.Response {
		got := hiding(n, secret).Response
		return &http.Response{StatusCode: got.Code, Status: got.Status, Header: got.Headers, Body: io.NopCloser(strings.NewReader(got.Body)), ContentLength: int64(len(got.Body)), Trailer: got.Trailer, Request: r}
	}))
	clean := func(when string) {
		t.Helper()
		list := load(t, path).Interactions
		if len(list) != len(hidingPlaces)+1 {
			t.Fatalf("%s: %d interactions", when, len(list))
		}
		for n, i := range list {
			if interactionHolds(i, secret) {
				t.Errorf("%s, %s: kept\n%+v\n%+v", when, hidingPlaces[n].name, i.Request, i.Response)
			}
		}
		files, err := os.ReadDir(filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if holds(readAll(t, filepath.Join(filepath.Dir(path), f.Name())), secret[:len(secret)-4], 1) {
				t.Errorf("%s: %s holds the secret", when, f.Name())
			}
		}
	}
	for n = range len(hidingPlaces) + 1 {
		resp := send(t, rt, hiding(n, secret))
		got, err := io.ReadAll(resp.Body)
		if err != nil || string(got) != hiding(n, secret).Response.Body {
			t.Errorf("%s: the client got %q, %v", hidingPlaces[n].name, got, err)
		}
		resp.Body.Close()
	}
	clean("recording")
	closed(t, w)
	clean("recorded")
}

func cookieless(t *testing.T, n int) *Interaction {
	i := sample(t, n)
	i.Response.Headers.Del("Set-Cookie")
	return i
}

// TestAuditSeesTheFile: comments, keys of nobody's and what is around the interactions.
func TestAuditSeesTheFile(t *testing.T) {
	path := tape(t)
	write(t, path, cookieless(t, 0), cookieless(t, 1))
	ours := readAll(t, path)
	theirs := "# token: hunter2secret\nversion: 2\nx-auth: {password: hunter2secret}\ninteractions:\n- id: 0\n  request: {url: 'https://a.test/', method: GET} # pwd=hunter2secret\n  response: {code: 200, secret: hunter2secret}\n  notes: [Basic " + base64Of("a:hunter2secret") + "]\n"
	for name, tt := range map[string]struct {
		data string
		want string
	}{
		"a comment between ours":   {strings.Replace(ours, "    - id: 1\n", "    # password=hunter2secret\n    - id: 1\n", 1), "comment"},
		"half a tag in a comment":  {strings.Replace(ours, "    - id: 1\n", "    # <Password>hunter2secret\n    - id: 1\n", 1), "comment"},
		"a comment after ours":     {ours + "# password=hunter2secret\n", "comment"},
		"a comment in one of ours": {strings.Replace(ours, "      response:\n", "      # password=hunter2secret\n      response:\n", 1), "comment"},
		"a key in one of ours":     {strings.Replace(ours, "      response:\n", "      password: hunter2secret\n      response:\n", 1), "key password"},
		"a file of others":         {theirs, "comment|comment|key notes|key password|key secret"},
	} {
		t.Run(name, func(t *testing.T) {
			put(t, path, tt.data)
			a, err := Audit(path)
			if err != nil {
				t.Fatal(err)
			}
			var places []string
			for _, s := range a.Secrets {
				places = append(places, s.Place)
				if line := strings.Split(tt.data, "\n")[s.Line-1]; !strings.Contains(line, "hunter2secret") && !strings.Contains(line, "Basic") && !strings.Contains(line, "id:") && !strings.Contains(line, "response:") && !strings.Contains(line, "version") {
					t.Errorf("%s: line %d is %q", s.Place, s.Line, line)
				}
			}
			slices.Sort(places)
			if got := strings.Join(places, "|"); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			e := edit(t, path)
			if _, err := e.Scrub(); err != nil {
				t.Fatal(err)
			}
			n := len(e.Interactions)
			save(t, e)
			e.Close()
			if after := load(t, path).Interactions; len(after) != n {
				t.Errorf("%d interactions, then %d", n, len(after))
			}
			if after := readAll(t, path); strings.Contains(after, "hunter2secret") || strings.Contains(after, base64Of("a:hunter2secret")) {
				t.Errorf("still there:\n%s", after)
			}
			if a, err := Audit(path); err != nil || len(a.Secrets) > 0 {
				t.Errorf("after: %v, %v", a.Secrets, err)
			}
		})
	}
}

// TestAuditInPieces: in pieces of any size it finds what is found in the whole, in the same
// places, and hands on every interaction.
func TestAuditInPieces(t *testing.T) {
	path := tape(t)
	var list []*Interaction
	for n := range 12 {
		list = append(list, hiding(n, fmt.Sprintf("hunter%02dcorrect-horse", n)))
	}
	write(t, path, list...)
	text := readAll(t, path)
	comment := func(before string) string {
		return strings.Replace(text, before, "    # password=hunter2secret\n    # and more\n"+before, 1)
	}
	files := map[string]string{
		"whole": text, "a comment first": comment("    - id: 0\n"), "a comment between": comment("    - id: 7\n"),
		"long comments":         strings.ReplaceAll(text, "    - id: ", "    # token=hunter2secret\n"+strings.Repeat("    # line\n", 200)+"    - id: "),
		"a comment at the end":  text + "# pwd=hunter2secret\n",
		"a comment in one":      strings.Replace(text, "      response:\n", "      # password=hunter2secret\n      response:\n", 1),
		"edited":                strings.Replace(text, "200 OK", "200 OK https://a:b@c", 3),
		"torn":                  text[:strings.LastIndex(text, "      response:")] + "        # pin=1234\n",
		"of others, at the end": text + "more: {password: hunter2secret}\n",
		"version 1":             "version: 1\ninteractions:\n- request: {url: 'https://a:b@c/', method: GET}\n  response: {code: 200}\n",
	}
	for name, text := range files {
		put(t, path, text)
		e, err := OpenUpgrade(path, false)
		if err != nil {
			t.Fatal(err)
		}
		found, unread := e.search()
		for _, chunk := range []int{1 << 20, 20000, 3000, 500, 64} {
			var ids []int
			a, err := auditEach(path, chunk, func(i *Interaction) int { return i.ID }, func(first int, made []int) { ids = append(ids[:first], made...) }, nil)
			if err != nil {
				t.Fatalf("%s in %d: %v", name, chunk, err)
			}
			if !slices.Equal(a.Secrets, found) || !slices.Equal(a.Unread, unread) || a.Searched != len(e.Interactions) || len(ids) != len(e.Interactions) || fmt.Sprint(a.Torn) != fmt.Sprint(e.Torn) {
				t.Errorf("%s in %d: %d interactions, %d told\n got %v\nwant %v\nunread %v, %v; torn %v, %v", name, chunk, a.Searched, len(ids), a.Secrets, found, a.Unread, unread, a.Torn, e.Torn)
			}
		}
	}
}

// TestAuditPlaceholders: what stands in for a secret is none.
func TestAuditPlaceholders(t *testing.T) {
	path := tape(t)
	for _, value := range []string{"REDACTED", "[REDACTED]", "Basic [FILTERED]", "Bearer <redacted>", "***", "xxxxxxxx", "NTLM ***"} {
		put(t, path, "version: 2\ninteractions:\n- request: {url: 'https://a.test/', headers: {Authorization: ['"+value+"']}, body: '{\"password\": \""+value+"\"}'}\n  response: {code: 200}\n")
		if a, err := Audit(path); err != nil || len(a.Secrets) > 0 {
			t.Errorf("%s: %v, %v", value, a.Secrets, err)
		}
	}
}

// TestScrubSaysSo: the header of what was scrubbed has the rule, once.
func TestScrubSaysSo(t *testing.T) {
	path := tape(t)
	write(t, path, cookieless(t, 0))
	for range 2 {
		e := edit(t, path)
		if _, err := e.Scrub(); err != nil {
			t.Fatal(err)
		}
		save(t, e)
		e.Close()
		if got, want := load(t, path).Header.Umtape.Redact, append(slices.Clone(testHeader.Redact), RedactCredentials); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestScrubTruncates: a packed body that holds a credential and cannot be unpacked to its
// end is kept as far as it can, and says so; others stay as they are.
func TestScrubTruncates(t *testing.T) {
	whole := func(element string) string {
		return string(packed("<a><" + element + ">hunter2</" + element + "></a>"))
	}
	cut := func(element string) string { s := whole(element); return s[:len(s)-9] }
	for _, tt := range []struct {
		request, response, want string
	}{
		{cut("Pin"), "<a/>", "request"}, {"<a/>", cut("Pin"), "response"}, {cut("Pin"), cut("Pin"), "both"},
		{whole("Pin"), whole("Pin"), ""}, {cut("Name"), cut("Name"), ""},
	} {
		i := cookieless(t, 0)
		i.Request.Body, i.Response.Body = tt.request, tt.response
		for _, of := range []struct {
			body string
			h    http.Header
		}{{tt.request, i.Request.Headers}, {tt.response, i.Response.Headers}} {
			if strings.HasPrefix(of.body, "\x1f\x8b") {
				of.h.Set("Content-Encoding", "gzip")
			}
		}
		clean := redactKept(i)
		if clean.Umtape.Truncated != tt.want || (clean.Umtape.Note != "") != (tt.want != "") {
			t.Errorf("truncated %q, note %q; want %q", clean.Umtape.Truncated, clean.Umtape.Note, tt.want)
		}
		if (tt.request == cut("Name")) != (clean == i) {
			t.Error("it is another, and was to stay")
		}
		if clean != i && holds(clean.Request.Body+clean.Response.Body, "hunter2", 2) {
			t.Errorf("kept: %q, %q", clean.Request.Body, clean.Response.Body)
		}
	}
}

// TestScrubTorn: a torn end with a secret is not passed off as clean.
func TestScrubTorn(t *testing.T) {
	path := tape(t)
	write(t, path, cookieless(t, 0), cookieless(t, 1))
	whole := readAll(t, path)
	at := strings.LastIndex(whole, "        headers:\n")
	torn := whole[:at] + "        headers:\n            Authorization:\n                - Basic " + base64Of("anna:hunter2secret") + "\n"
	put(t, path, torn)
	if a, err := Audit(path); err != nil || len(a.Secrets) != 1 || a.Torn == nil || a.Secrets[0].Kind != kindBasic {
		t.Errorf("audit: %+v, %v", a, err)
	}
	e := edit(t, path)
	if _, err := e.Scrub(); err == nil || !strings.Contains(err.Error(), "umtape recover") {
		t.Errorf("scrub: %v", err)
	}
	put(t, path, whole[:at])
	e.Close()
	e = edit(t, path)
	if found, err := e.Scrub(); err != nil || len(found) > 0 {
		t.Errorf("without a secret: %v, %v", found, err)
	}
	save(t, e)
	if after := readAll(t, path); !strings.HasSuffix(after, whole[len(whole)/2:at]) {
		t.Error("the torn end did not stay")
	}
}

// editOf is OpenUpgrade for a file's text.
func editOf(file string) (e *Edit, err error) {
	e = &Edit{data: []byte(file)}
	if e.Cassette, err = parseAny("calls.yaml", e.data); err == nil {
		e.cut()
	}
	return e, err
}

// FuzzScrub: whatever the file, what scrub leaves is a cassette in which audit finds
// nothing, that scrub leaves alone, and that holds as many interactions as before.
func FuzzScrub(f *testing.F) {
	f.Add("version: 2\ninteractions:\n- request: {url: 'https://a:b@c/?token=x', headers: {Cookie: [a=b, c]}, body: '<Password>x</Password>', form: {pin: ['1']}}\n  response: {code: 200, body: '{\"pwd\": 1}'}\n")
	f.Add("---\nversion: 2\numtape:\n    format: 1\ninteractions:\n    # password=x\n    - id: 0\n      request: {body: \"Basic YTpiYmJi\"} # pwd=1\n      response: {code: 200, secret: x}\n      umtape:\n        checksum: edited\n    - id: 1\n      request: {}\n      response: {code: 1}\n      umtape:\n        note: pin=1\n        checksum: edited\n")
	f.Add("---\nversion: 2\numtape:\n    format: 1\ninteractions:\n    # <Password>x\n    - id: 0\n      request: {}\n      response: {code: 1}\n      umtape:\n        checksum: edited\n    # pin=\n    # x\n")
	f.Add("---\nversion: 1\numtape:\ninteractions:\n#<Pass>\n    - id: 0\n")
	f.Add("version: 1\ninteractions:\n- request: {headers: {Content-Encoding: [gzip], X-A: ['NTLM TlRMTVNTUAAD']}, body: \"\\x1f\\x8b\"}\n  response: {code: 200, status: 'https://a:b@c', headers: {Www-Authenticate: [\"NTLM\\r\\n TlRMTVNTUAAC\"]}}\n")
	f.Fuzz(func(t *testing.T, file string) {
		e, err := editOf(file)
		if err != nil {
			return
		}
		if _, err := e.Scrub(); err != nil {
			return // a torn end
		}
		clean := string(e.bytes(true))
		again, err := editOf(clean)
		if err != nil {
			t.Fatalf("what scrub wrote cannot be read: %v\n%s", err, clean)
		}
		if len(again.Interactions) != len(e.Interactions) {
			t.Fatalf("%d interactions, then %d", len(e.Interactions), len(again.Interactions))
		}
		found, err := again.Scrub()
		if err != nil || len(found) > 0 {
			t.Fatalf("again: %+v, %v\n%s", found, err, clean)
		}
		if out := string(again.bytes(true)); out != clean {
			t.Fatalf("written anew:\n%q\nthen\n%q", clean, out)
		}
	})
}
