package web

import (
	"crypto/rand"
	"crypto/subtle"
	"net"
	"net/http"
	"strings"
	"sync"
)

// guard lets in whoever came by the link with the token, and nobody else: not other
// users of the machine, not pages of other sites that a browser has open, and not names
// that were made to lead here (DNS rebinding).
type guard struct {
	token  string // in the link, then in the cookie
	act    string // in the page, for what changes something; another site cannot read it
	cookie string // its name: cookies are shared by all ports of a host
	hosts  []string
}

// newGuard guards the page at addr, a loopback address with its port.
func newGuard(addr string) *guard {
	g := &guard{token: rand.Text(), act: rand.Text()}
	_, port, _ := net.SplitHostPort(addr)
	g.cookie = "umtape_" + port
	g.hosts = []string{addr, "127.0.0.1:" + port, "[::1]:" + port, "localhost:" + port}
	return g
}

// policy allows what the page is made of, from here, and nothing else.
var policy = sync.OnceValue(func() string {
	return "default-src 'none'; script-src 'self'; style-src '" + hashOf(made().style) + "'; img-src 'self'; connect-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
})

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request, next http.Handler) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy())
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if !g.isHost(r.Host) {
		refuse(w, http.StatusMisdirectedRequest, "this is umtape's page at "+g.hosts[0]+"; open the link that it printed")
		return
	}
	if token := r.URL.Query().Get("token"); token != "" && r.URL.Path == "/" && r.Method == http.MethodGet {
		if !equal(token, g.token) {
			refuse(w, http.StatusForbidden, "the link is of another run of umtape; open the one that it printed now")
			return
		}
		http.SetCookie(w, &http.Cookie{Name: g.cookie, Value: g.token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
		// Not a redirect: the browser would count it to whoever led here, and not send
		// the cookie.
		h.Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte("<!doctype html><html lang=\"en\"><meta http-equiv=\"refresh\" content=\"0;url=/\"><title>umtape</title><a href=\"/\">umtape</a>\n"))
		return
	}
	if site := r.Header.Get("Sec-Fetch-Site"); !g.isOrigin(r.Header.Get("Origin")) || r.URL.Path != "/" && site != "" && site != "same-origin" && site != "none" {
		refuse(w, http.StatusForbidden, "a page of another site may not ask for this")
		return
	}
	c, err := r.Cookie(g.cookie)
	if err != nil || !equal(c.Value, g.token) {
		refuse(w, http.StatusForbidden, "open the link that umtape printed: it has the token that lets you in")
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		if !equal(r.Header.Get("Umtape-Token"), g.act) {
			refuse(w, http.StatusForbidden, "reload the page: it is of another run of umtape")
			return
		}
	default:
		h.Set("Allow", "GET, HEAD, POST")
		refuse(w, http.StatusMethodNotAllowed, "there is only GET and POST here")
		return
	}
	next.ServeHTTP(w, r)
}

func (g *guard) isHost(host string) bool {
	for _, h := range g.hosts {
		if strings.EqualFold(host, h) {
			return true
		}
	}
	return false
}

// isOrigin reports whether a request may come from a page of that origin; "" is one
// that no page made, or a navigation.
func (g *guard) isOrigin(origin string) bool {
	host, ok := strings.CutPrefix(origin, "http://")
	return origin == "" || ok && g.isHost(host)
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	w.Write([]byte(why + "\n"))
}
