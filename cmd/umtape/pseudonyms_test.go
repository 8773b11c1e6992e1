//go:build unix

package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/umtape/umtape/inspect"
)

// The host is in the URL, in Host, in CONNECT and in the server's certificate.
const secretHost = "um-07.corp.fabrikam-planted.example"

// plantedSecrets are what must not be in any file, each in the place that it is named by.
var plantedSecrets = map[string]string{
	"url host":               "um-07",
	"domain":                 "fabrikam-planted",
	"url query":              "query-person",
	"url path":               "S-1-5-21-1111111111",
	"Basic user":             "basicuser77",
	"Basic password":         "basic-pass-9x",
	"bearer":                 "bearer-tok-55aa",
	"cookie":                 "cookieval-31",
	"set-cookie":             "setcookieval-32",
	"NTLM type 2 domain":     "NTDOM2",
	"NTLM type 2 computer":   "ntcomputer2",
	"NTLM type 3 user":       "ntuser3",
	"NTLM type 3 station":    "NTWORKST3",
	"front end":              "FE-EX2016",
	"back end":               "be-ex2016",
	"diagnostic info":        "diag-ex99",
	"anchor mailbox":         "anchor-person",
	"folded header":          "folded-person",
	"realm":                  "realm-host-5",
	"CallId host":            "callhost-12",
	"CallId GUID":            "09df9edc-4e23-4709-bdaf-7be20cb0ae56",
	"dial string":            "5550177",
	"dial string in a fault": "98431",
	"SIP URI":                "sip-person",
	"entry id":               "ENTRYIDSECRET",
	"WS-Security password":   "wsse-pass-88",
	"WS-Security user":       "wsse-person",
	"UPN":                    "upn-person",
	"SID":                    "3623811015",
	"account":                "acct-person",
	"legacy DN":              "dn-person",
	"number in groups":       "555-0188",
	"access numbers":         "7654321",
	"escaped address":        "escaped-person",
	"CDATA":                  "cdata-person",
	"base64 of a message":    "inner-person",
	"comment":                "comment-person",
	"UTF-16":                 "wide-person",
	"server's words":         "stack-host-8",
	"reason phrase":          "reason-person",
	"trailer":                "trailer-person",
	"Location":               "location-host-3",
	"own place":              "Subscriber Nobody",
	"own header":             "tenant-secret-4",
	"removed place":          "a note on nothing",
}

var (
	plantedCall  = base64.StdEncoding.EncodeToString([]byte("09df9edc-4e23-4709-bdaf-7be20cb0ae56@callhost-12.corp.fabrikam-planted.example"))
	plantedEntry = base64.StdEncoding.EncodeToString([]byte("\x00\x00\x00\x00ENTRYIDSECRET-ENTRYIDSECRET-ENTRYIDSECRET"))
)

const plantedRules = "pseudonym:\n  - Subscriber/Name\n  - header X-Tenant\nremove:\n  - Note\n"

func soapOf(header, body string) string {
	if header != "" {
		header = "<s:Header>" + header + "</s:Header>"
	}
	return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages">` + header + "<s:Body>" + body + "</s:Body></s:Envelope>"
}

// ntlmMessage is an NTLM message with names where type 2 or 3 have them.
func ntlmMessage(kind uint32, names map[int]string, info ...string) string {
	b := append([]byte("NTLMSSP\x00"), make([]byte, 64)...)
	binary.LittleEndian.PutUint32(b[8:], kind)
	binary.LittleEndian.PutUint32(b[20:], 1)
	put := func(at int, payload []byte) {
		binary.LittleEndian.PutUint16(b[at:], uint16(len(payload)))
		binary.LittleEndian.PutUint16(b[at+2:], uint16(len(payload)))
		binary.LittleEndian.PutUint32(b[at+4:], uint32(len(b)))
		b = append(b, payload...)
	}
	for at, name := range names {
		put(at, wideBytes(name))
	}
	if len(info) > 0 {
		var pairs []byte
		for n, name := range info {
			pairs = binary.LittleEndian.AppendUint16(pairs, uint16(n+1))
			pairs = binary.LittleEndian.AppendUint16(pairs, uint16(2*len(name)))
			pairs = append(pairs, wideBytes(name)...)
		}
		put(40, append(pairs, 0, 0, 0, 0))
	}
	return base64.StdEncoding.EncodeToString(b)
}

func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, text)
	z.Close()
	return b.String()
}

// plantedRequest is one request of the conversation and what answers it, as bytes.
type plantedRequest struct {
	name, target, header, body string
	status, answerHeader       string
	answer                     string
	trailer                    string
	contains                   string // what a replay's answer to the same client has to have in it
}

func plantedConversation() []plantedRequest {
	const service = "/UnifiedMessaging/Service.asmx"
	text := "Content-Type: text/xml; charset=utf-8\r\n"
	call := func(op, inside string) string { return soapOf("", "<m:"+op+">"+inside+"</m:"+op+">") }
	poll := func(state string) plantedRequest {
		return plantedRequest{name: "poll " + state, target: service, header: text, body: call("GetCallInfo", "<m:CallId>"+plantedCall+"</m:CallId>"),
			status: "200 OK", answerHeader: text, contains: state,
			answer: call("GetCallInfoResponse", "<m:GetCallInfoResponse><m:CallState>"+state+"</m:CallState><m:EventCause>None</m:EventCause></m:GetCallInfoResponse>")}
	}
	playBody := call("PlayOnPhone", "<m:entryId>"+plantedEntry+"</m:entryId><m:DialString>+1 425 5550177</m:DialString>")
	return []plantedRequest{
		{name: "leg 1", target: service, header: text + "Authorization: NTLM " + ntlmMessage(1, nil) + "\r\n", body: playBody,
			status: "401 Unauthorized", answerHeader: "WWW-Authenticate: NTLM " + ntlmMessage(2, map[int]string{12: "NTDOM2"}, "ntcomputer2", "NTDOM2", "ntcomputer2.corp.fabrikam-planted.example") + "\r\n"},
		{name: "play", target: service, header: text + "Authorization: NTLM " + ntlmMessage(3, map[int]string{28: "NTDOM2", 36: "ntuser3", 44: "NTWORKST3"}) + "\r\nCookie: exchangecookie=cookieval-31\r\n", body: playBody,
			status: "200 OK", answerHeader: text + "X-FEServer: FE-EX2016\r\nX-BEServer: be-ex2016.corp.fabrikam-planted.example\r\nX-DiagInfo: diag-ex99\r\nSet-Cookie: X-BackEndCookie=setcookieval-32; path=/EWS; secure\r\nVia: 1.1 FE-EX2016\r\n",
			answer: call("PlayOnPhoneResponse", "<m:PlayOnPhoneResponse>"+plantedCall+"</m:PlayOnPhoneResponse>"), contains: "PlayOnPhoneResponse"},
		poll("Connecting"),
		poll("Connected"),
		{name: "properties", target: service + "?user=query-person@fabrikam-planted.example&sid=S-1-5-21-1111111111-22-33-500",
			header: text + "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("FABRIKAM\\basicuser77:basic-pass-9x")) + "\r\nX-AnchorMailbox: anchor-person@fabrikam-planted.example\r\nX-Tenant: tenant-secret-4\r\nX-Comment: first line\r\n\tof folded-person@fabrikam-planted.example\r\n",
			body: soapOf(`<w:Security xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"><w:UsernameToken><w:Username>wsse-person@fabrikam-planted.example</w:Username><w:Password>wsse-pass-88</w:Password></w:UsernameToken></w:Security>`+
				`<t:ExchangeImpersonation xmlns:t="urn:t"><t:ConnectingSID><t:SID>S-1-5-21-3623811015-3361044348-30300820-1013</t:SID><t:PrincipalName>upn-person@fabrikam-planted.example</t:PrincipalName></t:ConnectingSID></t:ExchangeImpersonation>`,
				`<m:GetUMProperties><!-- for comment-person@fabrikam-planted.example --><m:For>escaped-person&#64;fabrikam-planted.example</m:For><m:Also><![CDATA[cdata-person@fabrikam-planted.example]]></m:Also><m:Subscriber><m:Name>Subscriber Nobody</m:Name></m:Subscriber><m:Note>a note on nothing</m:Note></m:GetUMProperties>`),
			status: "200 OK reason-person@fabrikam-planted.example", answerHeader: text + "Location: https://location-host-3.corp.fabrikam-planted.example/x\r\n",
			answer: call("GetUMPropertiesResponse", "<m:GetUMPropertiesResponse><m:OofStatus>true</m:OofStatus><m:PlayOnPhoneDialString>sip:sip-person@fabrikam-planted.example:5060;transport=tls</m:PlayOnPhoneDialString><m:TelephoneAccessNumbers>+49 30 7654321, +49 30 7654322</m:TelephoneAccessNumbers>"+
				"<m:Dn>/o=Fabrikam/ou=Exchange/cn=Recipients/cn=dn-person</m:Dn><m:By>FABRIKAM\\acct-person on FE-EX2016</m:By><m:Tell>call +1 (425) 555-0188 now</m:Tell><m:Inner>"+base64.StdEncoding.EncodeToString([]byte("<x><CallId>"+plantedCall+"</CallId>inner-person@fabrikam-planted.example</x>"))+"</m:Inner></m:GetUMPropertiesResponse>"),
			trailer: "X-Last: trailer-person@fabrikam-planted.example", contains: "OofStatus"},
		{name: "refused", target: service, header: text + "Authorization: Bearer bearer-tok-55aa-0123456789\r\n", body: call("PlayOnPhone", "<m:entryId>"+plantedEntry+"</m:entryId><m:DialString>98431</m:DialString>"),
			status: "500 Internal Server Error", answerHeader: text + "WWW-Authenticate: Digest realm=\"realm-host-5.fabrikam-planted.example\", nonce=\"abc\"\r\n",
			answer: soapOf("", `<s:Fault><faultcode>s:Server</faultcode><faultstring>98431 cannot be dialled by ntuser3 of NTDOM2</faultstring><detail><at>at https://stack-host-8.corp.fabrikam-planted.example/um/`+"\r\n"+`call `+plantedCall+` of ntcomputer2</at></detail></s:Fault>`), contains: ">98431 cannot be dialled"},
		{name: "wide", target: service, header: "Content-Type: text/xml; charset=utf-16\r\n", body: "\xff\xfe" + string(wideBytes(call("IsUMEnabled", "<m:Who>wide-person@fabrikam-planted.example</m:Who>"))),
			status: "200 OK", answerHeader: text, answer: call("IsUMEnabledResponse", "<m:IsUMEnabledResponse>true</m:IsUMEnabledResponse>"), contains: ">true<"},
		{name: "disconnect", target: service, header: text, body: call("Disconnect", "<m:CallId>"+plantedCall+"</m:CallId>"),
			status: "200 OK", answerHeader: text, answer: call("DisconnectResponse", ""), contains: "DisconnectResponse"},
	}
}

// TestPseudonymsLeaveNoSecret records a conversation that has secrets in every place
// where one can hide, by the program itself, and searches what it wrote. Then it
// replays the conversation to the client that made it.
func TestPseudonymsLeaveNoSecret(t *testing.T) {
	conversation := plantedConversation()
	answers := make(chan plantedRequest, len(conversation))
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		a := <-answers
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		packed := zipped(a.answer)
		fmt.Fprintf(rw, "HTTP/1.1 %s\r\n%sContent-Encoding: gzip\r\nX-Folded: a\r\n folded-person@fabrikam-planted.example\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: X-Last\r\n\r\n%x\r\n%s\r\n0\r\n", a.status, a.answerHeader, len(packed), packed)
		if a.trailer != "" {
			io.WriteString(rw, a.trailer+"\r\n")
		}
		io.WriteString(rw, "\r\n")
		rw.Flush()
	}))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	rules := filepath.Join(t.TempDir(), "rules.yaml") // what it says is no secret, but it is not umtape's
	if err := os.WriteFile(rules, []byte(plantedRules), 0o600); err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(dir, "ca")
	tape := filepath.Join(dir, "calls.yaml")
	rec := startProcess(t, "record", tape, "--pseudonyms", "--redact", rules, "--ca-dir", ca, "-v", "--log-calls",
		"--insecure-upstream", secretHost, "--connect-ports", port, "--resolve", secretHost+":"+port+":127.0.0.1")
	client := tunnelTo(t, rec.addr, secretHost+":"+port, ca)
	for _, q := range conversation {
		answers <- q
		if status, got, _ := client.send(q, zipped); !strings.HasPrefix(q.status, fmt.Sprint(status)) || got != q.answer {
			t.Errorf("%s: recording answered %d %q", q.name, status, got)
		}
	}
	rec.term()
	rec.ends(0)
	if err := os.WriteFile(filepath.Join(dir, "record.log"), []byte(rec.stdout.String()+rec.stderr.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(rec.stdout.String(), "captured 7 interactions") {
		t.Errorf("the recording says %s", rec.stdout.String())
	}

	for _, way := range []string{"by the ids it has", "by the ids it gets"} {
		play := startProcess(t, "replay", tape, "--ca-dir", ca, "--strict")
		client := tunnelTo(t, play.addr, secretHost+":"+port, ca)
		id := plantedCall
		for _, q := range conversation {
			if strings.HasPrefix(q.name, "leg") {
				continue // folded
			}
			q.body = strings.ReplaceAll(q.body, plantedCall, id)
			status, got, h := client.send(q, func(s string) string { return s })
			if !strings.HasPrefix(q.status, fmt.Sprint(status)) || !strings.Contains(got, q.contains) || h.Get("Umtape-Miss") != "" {
				t.Errorf("%s, %s: replay answered %d %q %v", way, q.name, status, got, h)
			}
			if m := regexp.MustCompile(`<m:PlayOnPhoneResponse>([^<]+)<`).FindStringSubmatch(got); m != nil {
				if c, ok := inspect.DecodeCallID(m[1]); !ok || !strings.HasSuffix(c.Server, ".invalid") {
					t.Errorf("the CallId handed out has lost its form: %q", m[1])
				}
				if way == "by the ids it gets" {
					id = m[1]
				}
			}
		}
		play.term()
		play.ends(0)
	}
	searchFiles(t, dir, plantedSecrets)
}

// tunnel is one client connection through CONNECT.
type tunnel struct {
	t    *testing.T
	host string
	conn net.Conn
	r    *bufio.Reader
	open func() net.Conn
}

func tunnelTo(t *testing.T, proxy, host, ca string) *tunnel {
	pem, err := os.ReadFile(filepath.Join(ca, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	name, _, _ := net.SplitHostPort(host)
	return &tunnel{t: t, host: host, open: func() net.Conn {
		c, err := net.Dial("tcp", proxy)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(30 * time.Second))
		fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", host, host)
		resp, err := http.ReadResponse(bufio.NewReaderSize(c, 16), nil)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("CONNECT: %v %v", resp, err)
		}
		return tls.Client(c, &tls.Config{RootCAs: roots, ServerName: name})
	}}
}

// send sends a request as its bytes and returns what answers it, unpacked.
func (c *tunnel) send(q plantedRequest, pack func(string) string) (status int, body string, h http.Header) {
	c.t.Helper()
	if c.conn == nil {
		c.conn = c.open()
		c.r = bufio.NewReader(c.conn)
	}
	sent, encoding := pack(q.body), ""
	if sent != q.body {
		encoding = "Content-Encoding: gzip\r\n"
	}
	fmt.Fprintf(c.conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n%s%s\r\n%s", q.target, c.host, len(sent), encoding, q.header, sent)
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatalf("%s: %v", q.name, err)
	}
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("%s: %v", q.name, err)
	}
	if resp.Close {
		c.conn.Close()
		c.conn = nil
	}
	if resp.Header.Get("Content-Encoding") == "gzip" {
		got = []byte(unzipped(got))
	}
	return resp.StatusCode, string(got), resp.Header
}

func unzipped(b []byte) string {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return ""
	}
	text, _ := io.ReadAll(z)
	return string(text)
}

// searchFiles searches every file of a folder for secrets, as it is and decoded.
func searchFiles(t *testing.T, dir string, secrets map[string]string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, text := range readings(string(data), 3) {
			lower := strings.ToLower(text)
			for place, secret := range secrets {
				if i := strings.Index(lower, strings.ToLower(secret)); i >= 0 {
					t.Errorf("%s has the %s: %q", filepath.Base(path), place, text[max(0, i-40):min(len(text), i+60)])
				}
			}
		}
		return nil
	})
	if err != nil || files < 3 {
		t.Errorf("searched %d files, %v", files, err)
	}
}

var base64Run = regexp.MustCompile(`[A-Za-z0-9+/_-]{12,}={0,2}`)

// readings are a text and what it can be decoded to.
func readings(text string, depth int) []string {
	list := []string{text}
	if depth == 0 {
		return list
	}
	add := func(other string) {
		if other != "" && other != text {
			list = append(list, readings(other, depth-1)...)
		}
	}
	if plain, err := url.QueryUnescape(text); err == nil && len(text) < 1<<16 {
		add(plain)
	}
	if strings.Contains(text, "%") && len(text) < 1<<20 {
		add(regexp.MustCompile(`%[0-9A-Fa-f]{2}`).ReplaceAllStringFunc(text, func(s string) string { p, _ := url.PathUnescape(s); return p }))
	}
	if strings.Contains(text, "&") {
		add(html.UnescapeString(text))
	}
	if strings.Contains(text, "\x00") {
		add(strings.ReplaceAll(text, "\x00", ""))
	}
	if i := strings.Index(text, "\x1f\x8b"); i >= 0 {
		add(unzipped([]byte(text[i:])))
	}
	for _, run := range base64Run.FindAllString(text, -1) {
		run = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(run), "=")
		for skip := range 4 {
			if skip < len(run) {
				if raw, err := base64.RawStdEncoding.DecodeString(run[skip:][:(len(run)-skip)/4*4]); err == nil && depth > 1 {
					list = append(list, string(raw))
					if bytes.IndexByte(raw, 0) >= 0 {
						list = append(list, strings.ReplaceAll(string(raw), "\x00", ""))
					}
					if bytes.HasPrefix(raw, []byte("\x1f\x8b")) {
						list = append(list, unzipped(raw))
					}
				}
			}
		}
	}
	return list
}

// TestSearchFindsWhatIsHidden shows that the search of the test above can find.
func TestSearchFindsWhatIsHidden(t *testing.T) {
	const secret = "planted-77"
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for name, text := range map[string]string{
		"plain": "x " + secret, "base64": b64("a@" + secret), "gzip": zipped("is " + secret), "base64 of gzip": b64(zipped(secret)),
		"percent": "a=%70lanted-77&b=%zz", "escaped": "&#112;lanted-77", "wide": string(wideBytes(secret)), "wide in base64": "NTLM " + b64("xy"+string(wideBytes(secret))),
	} {
		found := false
		for _, r := range readings(text, 3) {
			found = found || strings.Contains(r, secret)
		}
		if !found {
			t.Errorf("%s: not found", name)
		}
	}
}
