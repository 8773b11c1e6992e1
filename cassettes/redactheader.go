package cassettes

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// redactHeader returns a copy of h with canonical names and without
// credentials: authorization schemes and cookie names stay, what follows them
// goes (PROTOCOL.md, section 4.5: an NTLM type 2 token names hosts as well).
func redactHeader(h http.Header) http.Header { return redactHeaderKnowing(h, nil) }

// redactHeaderKnowing is redactHeader that need not look at values which clean knows.
func redactHeaderKnowing(h http.Header, clean *cleanValues) http.Header {
	if len(h) == 0 {
		return http.Header{}
	}
	out := make(http.Header, len(h))
	n := 0
	for _, values := range h {
		n += len(values)
	}
	all := make([]string, 0, n) // the values of all names
	for name, values := range h {
		canonical := http.CanonicalHeaderKey(name)
		if out[canonical] != nil {
			return redactSpellings(h)
		}
		if len(values) == 0 {
			continue
		}
		from := len(all)
		for _, v := range values {
			all = append(all, clean.redact(canonical, v))
		}
		out[canonical] = all[from:len(all):len(all)]
	}
	return out
}

// redactSpellings is redactHeader for one that has a name in several spellings:
// their values are joined in the order of the bytes of the names.
func redactSpellings(h http.Header) http.Header {
	out := make(http.Header, len(h))
	for _, name := range slices.Sorted(maps.Keys(h)) {
		canonical := http.CanonicalHeaderKey(name)
		secret := secretHeader(canonical)
		for _, v := range h[name] {
			out[canonical] = append(out[canonical], redactHeaderValue(canonical, v, secret))
		}
	}
	return out
}

// secretHeader reports whether a header is a credential as a whole, by its name.
func secretHeader(name string) bool {
	if plainHeader(name) {
		return false
	}
	words := nameWords(name)
	return secretName(name) || slices.ContainsFunc(words, func(w string) bool { return secretHeaderWords[w] }) ||
		len(words) > 0 && strings.HasSuffix(words[len(words)-1], "signature") // a MAC of the message, RFC 9421 and others; in XML it may be a public one
}

// plainHeader reports whether a name has none of the parts that each secret name
// has; most have none. A digit may stand inside of a word, see nameWords.
func plainHeader(name string) bool {
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case isDigit(c):
			return false
		case c|0x20 == 'c' && len(name)-i >= len("cookie") && foldedASCII(name[i:], "cookie"):
			return false
		}
	}
	return !secretHint(name)
}

// redactHeaderValue returns a value as it is kept. secret says that the name is a
// credential's.
func redactHeaderValue(name, value string, secret bool) string {
	return redactForms(redactNamedHeader(name, value, secret), nil)
}

// redactNamedHeader redacts a value by what its name says that it is.
func redactNamedHeader(name, value string, secret bool) string {
	switch name {
	case "Authorization", "Proxy-Authorization":
		scheme, rest, ok := strings.Cut(strings.TrimSpace(value), " ")
		if !ok || rest == "" || !authSchemes[strings.ToLower(scheme)] {
			return redacted
		}
		return scheme + " " + redacted
	case "Www-Authenticate", "Proxy-Authenticate":
		return redactChallenges(value)
	case "Authentication-Info", "Proxy-Authentication-Info":
		return redacted
	case "Cookie":
		return redactCookies(value)
	case "Set-Cookie", "Set-Cookie2":
		end := outsideQuotes(value, ';')
		return redactCookies(value[:end]) + value[end:]
	}
	if name == "Persistent-Auth" || strings.HasPrefix(name, "Access-Control-") { // these speak of credentials and hold none
		return value
	}
	if secret {
		return redacted
	}
	if strings.IndexByte(value, '<') >= 0 {
		value = redactInner(value, 1, true)
	}
	switch {
	case strings.HasPrefix(strings.TrimSpace(value), "{"):
		return redactJSON(value)
	case strings.ContainsAny(value, "?#") || strings.Contains(value, "//"):
		return redactSpoken(redactURL(value))
	}
	return redactSpoken(redactEncoded(redactPairs(value, "&;, "), 1))
}

// secretHeaderWords make a header a credential wherever they stand in its name.
var secretHeaderWords = map[string]bool{"token": true, "authorization": true, "authentication": true, "auth": true, "cookie": true, "session": true, "pass": true}

// authSchemes are the names that may stay before a credential (IANA's registry
// of HTTP authentication schemes, and those seen with it). Any other word there
// may be part of a secret.
var authSchemes = map[string]bool{
	"basic": true, "bearer": true, "digest": true, "ntlm": true, "negotiate": true, "kerberos": true, "oauth": true, "hoba": true,
	"mutual": true, "vapid": true, "dpop": true, "gnap": true, "scram-sha-1": true, "scram-sha-256": true, "privatetoken": true,
	"aws4-hmac-sha256": true, "sharedkey": true, "wsse": true, "token": true, "apikey": true, "credssp": true,
}

// challenge finds a scheme with a token68 after it (RFC 9110 §11.2), as schemes
// of connection-bound authentication send (RFC 4559 §4). Parameters such as
// realm="..." are no tokens. A line may be folded.
var challenge = regexp.MustCompile(`\b([A-Za-z][A-Za-z0-9-]*)\s+[A-Za-z0-9+/._~-]+=*(\s*(?:,|$))`)

func redactChallenges(value string) string {
	var b strings.Builder
	done := 0
	for _, m := range challenge.FindAllStringSubmatchIndex(value, -1) {
		if strings.Count(value[:m[0]], `"`)%2 == 1 {
			continue // inside a realm
		}
		b.WriteString(value[done:m[3]] + " " + redacted)
		done = m[4]
	}
	return b.String() + value[done:]
}

// outsideQuotes returns where c first stands in s outside of double quotes, or
// len(s). For c the quote itself, where the first one stands.
func outsideQuotes(s string, c byte) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == c && !quoted:
			return i
		case s[i] == '"':
			quoted = !quoted
		}
	}
	return len(s)
}

func redactCookies(value string) string {
	var b strings.Builder
	for {
		end := outsideQuotes(value, ';')
		p := value[:end]
		name, _, found := strings.Cut(p, "=")
		switch {
		case found:
			b.WriteString(name + "=" + redacted)
		case strings.TrimSpace(p) != "":
			b.WriteString(redacted)
		}
		if end == len(value) {
			return b.String()
		}
		b.WriteByte(';')
		value = value[end+1:]
	}
}
