package cassettes

import (
	"bytes"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// RedactCredentials is the name of the rule set that is always applied, as kept
// in a cassette's header.
const RedactCredentials = "credentials"

// redacted stands where a secret was. It is the same for every secret, so that
// nothing can be told from it.
const redacted = "REDACTED"

// secretWords are parts of names (of headers, elements, parameters; lower case,
// without punctuation) whose value is a credential.
var secretWords = []string{
	"password", "passwd", "passphrase", "secret", "credential", "apikey", "accesskey", "privatekey",
	"accesstoken", "refreshtoken", "idtoken", "authtoken", "sessiontoken", "securitytoken", "csrftoken", "xsrftoken",
	"bearertoken", "canary",
}

// secretNames are names that are secret only as a whole.
var secretNames = map[string]bool{
	"pwd": true, "pin": true, "newpin": true, "oldpin": true, "token": true, "sessionid": true,
	"assertion": true, "samlresponse": true, "clientassertion": true, "encryptedassertion": true,
}

// secretParameters are names that are secret in a URL or a form only: the
// signature of a signed URL is a key to it.
var secretParameters = map[string]bool{"sig": true, "signature": true, "xamzsignature": true, "ticket": true}

// plainName is a name without case and punctuation: X-Api-Key is xapikey.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + ('a' - 'A')
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		}
		return -1
	}, name)
}

func secretName(name string) bool {
	n := plainName(name)
	if secretNames[n] {
		return true
	}
	for _, w := range secretWords {
		if strings.Contains(n, w) {
			return true
		}
	}
	return false
}

// redactHeader returns a copy of h with canonical names and without
// credentials: authorization schemes and cookie names stay, what follows them
// goes (protocol reference, section 4.5: a type 2 token names hosts as well).
func redactHeader(h http.Header) http.Header {
	out := make(http.Header, len(h))
	for name, values := range h {
		if len(values) == 0 {
			continue
		}
		canonical := http.CanonicalHeaderKey(name)
		for _, v := range values {
			out[canonical] = append(out[canonical], redactHeaderValue(canonical, v))
		}
	}
	return out
}

func redactHeaderValue(name, value string) string {
	switch name {
	case "Authorization", "Proxy-Authorization":
		scheme, rest, ok := strings.Cut(strings.TrimSpace(value), " ")
		if !ok || rest == "" || !isScheme(scheme) {
			return redacted
		}
		return scheme + " " + redacted
	case "Www-Authenticate", "Proxy-Authenticate":
		return challengeToken.ReplaceAllString(value, "${1} "+redacted)
	case "Authentication-Info", "Proxy-Authentication-Info":
		return redacted
	case "Cookie":
		return redactCookies(value)
	case "Set-Cookie", "Set-Cookie2":
		first, attributes, found := strings.Cut(value, ";")
		first = redactCookies(first)
		if found {
			return first + ";" + attributes
		}
		return first
	case "Referer", "Location", "Content-Location":
		return redactURL(value)
	}
	n := plainName(name)
	if strings.HasPrefix(n, "accesscontrol") { // CORS speaks of credentials and holds none
		return value
	}
	if secretName(name) || strings.HasSuffix(n, "token") || strings.Contains(n, "authorization") || strings.Contains(n, "cookie") {
		return redacted
	}
	return value
}

// challengeToken finds a scheme of connection-bound authentication with a token
// after it (RFC 4559 §4). Parameters such as realm="..." are not tokens.
var challengeToken = regexp.MustCompile(`(?i)\b(NTLM|Negotiate|Kerberos)[ \t]+[A-Za-z0-9+/._~-]+=*`)

func isScheme(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; !(c|0x20 >= 'a' && c|0x20 <= 'z') && !(c >= '0' && c <= '9') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= 20
}

func redactCookies(value string) string {
	parts := strings.Split(value, ";")
	for i, p := range parts {
		name, _, found := strings.Cut(p, "=")
		switch {
		case found:
			parts[i] = name + "=" + redacted
		case strings.TrimSpace(p) != "":
			parts[i] = redacted
		}
	}
	return strings.Join(parts, ";")
}

// redactURL takes a password and secret query parameters out of a URL and
// leaves the rest as it was written.
func redactURL(raw string) string {
	if u, err := url.Parse(raw); err == nil && u.User != nil {
		before, after, _ := strings.Cut(raw, "://")
		if at := strings.IndexByte(after, '@'); at >= 0 {
			raw = before + "://" + redacted + after[at:]
		}
	}
	head, query, found := strings.Cut(raw, "?")
	if !found {
		return raw
	}
	return head + "?" + redactForm(query)
}

// redactForm redacts name=value pairs joined by "&", without touching the rest.
func redactForm(form string) string {
	pairs := strings.Split(form, "&")
	for i, p := range pairs {
		name, value, found := strings.Cut(p, "=")
		if decoded, err := url.QueryUnescape(name); err == nil && found && value != "" && (secretName(decoded) || secretParameters[plainName(decoded)]) {
			pairs[i] = name + "=" + redacted
		}
	}
	return strings.Join(pairs, "&")
}

// redactBody takes credentials out of a body of text: elements and attributes
// of XML, well-formed or not, members of JSON objects, fields of forms. The rest
// stays as it is, byte for byte.
func redactBody(body []byte, h http.Header) []byte {
	media, _, _ := strings.Cut(strings.ToLower(h.Get("Content-Type")), ";")
	switch trimmed := bytes.TrimLeft(body, " \t\r\n\xef\xbb\xbf"); {
	case bytes.HasPrefix(trimmed, []byte("<")):
		return redactXML(body)
	case bytes.HasPrefix(trimmed, []byte("{")), bytes.HasPrefix(trimmed, []byte("[")):
		return redactJSON(body)
	case strings.TrimSpace(media) == "application/x-www-form-urlencoded":
		return []byte(redactForm(string(body)))
	case bytes.Contains(body, []byte("<")): // multipart, or text before an envelope
		return redactXML(body)
	}
	return body
}

var jsonMember = regexp.MustCompile(`"((?:[^"\\]|\\.){1,64})"(\s*:\s*)"(?:[^"\\]|\\.)*"?`)

func redactJSON(body []byte) []byte {
	return jsonMember.ReplaceAllFunc(body, func(m []byte) []byte {
		g := jsonMember.FindSubmatch(m)
		if !secretName(string(g[1])) {
			return m
		}
		return []byte(`"` + string(g[1]) + `"` + string(g[2]) + `"` + redacted + `"`)
	})
}
