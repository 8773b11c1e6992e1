package proxy

import (
	"net/http"
	"strings"
)

// promiseSession tells the client of a plain proxy, with a challenge to log its
// connection in, that this one keeps connections apart. RFC 4559 §6 forbids
// clients to begin without that, and .NET's HttpClient does not. It is the one
// header that umtape adds; inside a tunnel, and to clients that take umtape for
// the server, there is no proxy to speak of.
func (x *exchange) promiseSession(h http.Header, status int) {
	const name = "Proxy-Support"
	if x.way != WayProxy || status != http.StatusUnauthorized || h[name] != nil {
		return
	}
	for _, v := range h["Www-Authenticate"] {
		for challenge := range strings.SplitSeq(v, ",") {
			scheme, _, _ := strings.Cut(strings.TrimSpace(challenge), " ")
			switch strings.ToLower(scheme) {
			case "negotiate", "ntlm", "kerberos":
				h[name] = []string{"Session-Based-Authentication"} // compared as it is written
				return
			}
		}
	}
}
