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
//
// A browser sends a cookie to whatever listens on a host, on all of its ports. So the
// cookie opens the empty page alone; what was said is told to whoever has the key as well,
// which is given once, by the link, and which the browser stores for this port.
type guard struct {
	token  string // in the link
	cookie string // value of the cookie
	key    string // in requests of the page's script
	name   string // of the cookie: two pages have two
	hosts  []string
}

// newGuard guards the page at addr, a loopback address with its port.
func newGuard(addr string) *guard {
	g := &guard{token: rand.Text(), cookie: rand.Text(), key: rand.Text()}
	_, port, _ := net.SplitHostPort(addr)
	g.name = "umtape_" + port
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
		http.SetCookie(w, &http.Cookie{Name: g.name, Value: g.cookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
		h.Set("Content-Type", "text/html; charset=utf-8")
		enter.Execute(w, g.key)
		return
	}
	if site := r.Header.Get("Sec-Fetch-Site"); !g.isOrigin(r.Header.Get("Origin")) || r.URL.Path != "/" && site != "" && site != "same-origin" && site != "none" {
		refuse(w, http.StatusForbidden, "a page of another site may not ask for this")
		return
	}
	c, err := r.Cookie(g.name)
	if err != nil || !equal(c.Value, g.cookie) {
		refuse(w, http.StatusForbidden, "open the link that umtape printed: it has the token that lets you in")
		return
	}
	if !g.isEmpty(r) && !equal(g.keyOf(r), g.key) {
		refuse(w, http.StatusForbidden, "this page is of another run of umtape, or the browser has lost its key: open the link that umtape printed")
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default:
		h.Set("Allow", "GET, HEAD, POST")
		refuse(w, http.StatusMethodNotAllowed, "there is only GET and POST here")
		return
	}
	next.ServeHTTP(w, r)
}

// isEmpty reports whether a request is for what has nothing of what was said.
func (g *guard) isEmpty(r *http.Request) bool {
	switch r.URL.Path {
	case "/", "/script.js", "/icon.svg", "/enter.js":
		return r.Method == http.MethodGet || r.Method == http.MethodHead
	}
	return false
}

// keyOf is the key that a request has. A browser sends no header of ours for events.
func (g *guard) keyOf(r *http.Request) string {
	if r.Method == http.MethodGet && r.URL.Path == "/api/events" {
		return r.URL.Query().Get("key")
	}
	return r.Header.Get("Umtape-Key")
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
