package cassettes

import (
	"net/http"
	"slices"
)

// proofHeaders are those in which a server that has let a client in proves that
// it is the server (RFC 4559 §4.1, RFC 9110 §11.6.3).
var proofHeaders = []string{"Www-Authenticate", "Proxy-Authenticate", "Authentication-Info", "Proxy-Authentication-Info"}

// dropProof takes a server's proof out of an answer that is no challenge. It was
// made for one client's handshake, and what stands for it on tape is no token: a
// client that logs in by Kerberos tries to read it, and fails. What a server
// says there without a token stays.
func dropProof(h http.Header) {
	for _, name := range proofHeaders {
		left := slices.DeleteFunc(h[name], func(v string) bool { return v == redacted || challenge.MatchString(v) })
		if len(left) == 0 {
			delete(h, name)
		} else {
			h[name] = left
		}
	}
}
