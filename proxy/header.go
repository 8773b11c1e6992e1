package proxy

import (
	"net/http"
	"net/textproto"
	"strings"
)

// endToEnd are headers that stay even when a Connection header names them:
// without them an exchange is another one, and the authentication schemes of
// Windows, which belong to a connection, are written in them.
var endToEnd = map[string]bool{
	"Authorization":       true,
	"Www-Authenticate":    true,
	"Authentication-Info": true,
	"Persistent-Auth":     true,
	"Cookie":              true,
	"Set-Cookie":          true,
	"Content-Type":        true,
	"Content-Length":      true,
	"Content-Encoding":    true,
	"Expect":              true,
	"Soapaction":          true,
	"Trailer":             true,
}

// cleanRequest takes from h what concerns only the client's connection to us
// (RFC 9110 §7.6.1) and returns the protocol the client asks to switch to, "" if
// none. Everything else stays as it came.
func cleanRequest(h http.Header) (upgrade string) {
	if connectionHas(h, "Upgrade") {
		upgrade = withoutH2C(h["Upgrade"])
	}
	cleanHop(h)
	if upgrade == "" {
		delete(h, "Upgrade")
	} else {
		h["Upgrade"] = []string{upgrade}
	}
	delete(h, "Proxy-Authorization")
	if te := h["Te"]; te != nil {
		delete(h, "Te")
		if hasToken(te, "trailers") {
			h["Te"] = []string{"trailers"}
		}
	}
	// A nil value keeps http.Transport from adding its own.
	if _, sent := h["User-Agent"]; !sent {
		h["User-Agent"] = nil
	}
	// Some SOAP stacks look for this spelling only.
	if action, sent := h["Soapaction"]; sent {
		delete(h, "Soapaction")
		h["SOAPAction"] = action
	}
	return upgrade
}

// withoutH2C joins a list of protocols. NTLM does not work over HTTP/2, and a
// server may ignore Upgrade, so the client copes.
func withoutH2C(lines []string) string {
	var kept []string
	for item := range strings.SplitSeq(strings.Join(lines, ", "), ",") {
		item = strings.TrimSpace(item)
		if item != "" && !strings.HasPrefix(strings.ToLower(item), "h2c") {
			kept = append(kept, item)
		}
	}
	return strings.Join(kept, ", ")
}

// cleanResponse takes from h what concerns only our connection to the server. A
// server's "Connection: close" is among it: it says that our connection to the
// server ends, and the next request opens another. The client's own connection
// is sound, and closing it would make a client start over that need not.
func cleanResponse(h http.Header, status int) {
	cleanHop(h)
	if status != http.StatusUpgradeRequired {
		delete(h, "Upgrade")
	}
	bare(h)
}

// bare keeps net/http from adding a date or sniffing a type, by a nil value.
func bare(h http.Header) {
	for _, name := range [...]string{"Date", "Content-Type"} {
		if _, sent := h[name]; !sent {
			h[name] = nil
		}
	}
}

func cleanHop(h http.Header) {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			name = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name))
			if !endToEnd[name] && name != "Upgrade" && name != "Te" {
				delete(h, name)
			}
		}
	}
	delete(h, "Connection")
	delete(h, "Keep-Alive")
	delete(h, "Proxy-Connection")
}

func connectionHas(h http.Header, token string) bool { return hasToken(h["Connection"], token) }

// hasToken reports whether a comma-separated list, over several lines, has token
// in any case. Parameters after a semicolon do not count.
func hasToken(lines []string, token string) bool {
	for _, line := range lines {
		for item := range strings.SplitSeq(line, ",") {
			item, _, _ = strings.Cut(item, ";")
			if strings.EqualFold(strings.TrimSpace(item), token) {
				return true
			}
		}
	}
	return false
}
