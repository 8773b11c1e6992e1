package web

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// serve starts a page and returns it with a client that follows no redirects.
func serve(t *testing.T, c Config) (*Server, *http.Client) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if c.Book == nil {
		c.Book = NewBook()
	}
	s := Serve(ln, c)
	t.Cleanup(s.Close)
	return s, &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// ask sends a request; with is one of the functions below, or nil for none.
func ask(t *testing.T, s *Server, client *http.Client, method, path string, with ...func(*http.Request)) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, "http://"+s.addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range with {
		f(r)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func host(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }

// cookie has what the page's script has: the cookie, and the key.
func (s *Server) cookie(r *http.Request) {
	s.cookieAlone(r)
	r.Header.Set("Umtape-Key", s.guard.key)
}

func (s *Server) cookieAlone(r *http.Request) {
	r.AddCookie(&http.Cookie{Name: s.guard.name, Value: s.guard.cookie})
}

func TestWhoIsLetIn(t *testing.T) {
	s, client := serve(t, Config{Title: "calls.yaml"})
	_, port, _ := net.SplitHostPort(s.addr)
	for _, tt := range []struct {
		name   string
		method string
		path   string
		with   []func(*http.Request)
		want   int
	}{
		{"the page, with the cookie", "GET", "/", []func(*http.Request){s.cookie}, 200},
		{"by the name localhost", "GET", "/", []func(*http.Request){s.cookie, host("localhost:" + port)}, 200},
		{"the page's own requests", "GET", "/api/rows", []func(*http.Request){s.cookie, header("Sec-Fetch-Site", "same-origin")}, 200},
		{"without the cookie", "GET", "/", nil, 403},
		{"rows without the cookie", "GET", "/api/rows", nil, 403},
		{"the script without the cookie", "GET", "/script.js", nil, 403},
		{"another run's cookie", "GET", "/", []func(*http.Request){func(r *http.Request) {
			r.AddCookie(&http.Cookie{Name: s.guard.name, Value: "AAAAAAAAAAAAAAAAAAAAAAAAAA"})
		}}, 403},
		{"the cookie alone, which other ports are sent", "GET", "/api/rows", []func(*http.Request){s.cookieAlone}, 403},
		{"an exchange with that", "GET", "/api/exchange?n=0&reveal=1", []func(*http.Request){s.cookieAlone}, 403},
		{"events with that", "GET", "/api/events", []func(*http.Request){s.cookieAlone}, 403},
		{"rows with the key in the address", "GET", "/api/rows?key=" + s.guard.key, []func(*http.Request){s.cookieAlone}, 403},
		{"the key alone", "GET", "/api/rows", []func(*http.Request){header("Umtape-Key", s.guard.key)}, 403},
		{"the empty page, with the cookie alone", "GET", "/", []func(*http.Request){s.cookieAlone}, 200},
		{"the cookie in place of the key", "GET", "/api/rows", []func(*http.Request){s.cookieAlone, header("Umtape-Key", s.guard.cookie)}, 403},
		{"the cookie as a link", "GET", "/?token=" + s.guard.cookie, nil, 403},
		{"the key as a link", "GET", "/?token=" + s.guard.key, nil, 403},
		{"the link's token as a cookie", "GET", "/", []func(*http.Request){func(r *http.Request) {
			r.AddCookie(&http.Cookie{Name: s.guard.name, Value: s.guard.token})
		}}, 403},
		{"another run's link", "GET", "/?token=AAAAAAAAAAAAAAAAAAAAAAAAAA", nil, 403},
		{"the token elsewhere than in the link", "GET", "/api/rows?token=" + s.guard.token, nil, 403},
		{"a name made to lead here", "GET", "/", []func(*http.Request){s.cookie, host("evil.test:" + port)}, 421},
		{"that name with the token", "GET", "/?token=" + s.guard.token, []func(*http.Request){host("evil.test:" + port)}, 421},
		{"the address without its port", "GET", "/", []func(*http.Request){s.cookie, host("127.0.0.1")}, 421},
		{"a page of another site", "GET", "/api/rows", []func(*http.Request){s.cookie, header("Origin", "http://evil.test")}, 403},
		{"a page of another port", "GET", "/api/rows", []func(*http.Request){s.cookie, header("Origin", "http://127.0.0.1:1")}, 403},
		{"a page of no origin", "GET", "/api/rows", []func(*http.Request){s.cookie, header("Origin", "null")}, 403},
		{"an image on another site", "GET", "/api/rows", []func(*http.Request){s.cookie, header("Sec-Fetch-Site", "cross-site")}, 403},
		{"a sibling's page", "GET", "/api/rows", []func(*http.Request){s.cookie, header("Sec-Fetch-Site", "same-site")}, 403},
		{"POST without the key", "POST", "/api/rows", []func(*http.Request){s.cookieAlone}, 403},
		{"POST of the page without the key", "POST", "/", []func(*http.Request){s.cookieAlone}, 403},
		{"POST where there is none", "POST", "/api/rows", []func(*http.Request){s.cookie}, 405},
		{"export without the key", "POST", "/api/export?as=har", []func(*http.Request){s.cookieAlone, header("Origin", "http://"+s.addr)}, 403},
		{"export with the key in the address", "POST", "/api/export?as=har&key=" + s.guard.key, []func(*http.Request){s.cookieAlone}, 403},
		{"export from another site", "POST", "/api/export?as=har", []func(*http.Request){s.cookie, header("Origin", "http://evil.test")}, 403},
		{"export of nothing", "POST", "/api/export?as=har", []func(*http.Request){s.cookie}, 400},
		{"export by GET", "GET", "/api/export?as=har", []func(*http.Request){s.cookie}, 405},
		{"DELETE", "DELETE", "/api/rows", []func(*http.Request){s.cookie}, 405},
		{"out of the folder", "GET", "/..%2f..%2fetc%2fpasswd", []func(*http.Request){s.cookie}, 404},
		{"out of the folder, encoded twice", "GET", "/%252e%252e/doc.go", []func(*http.Request){s.cookie}, 404},
		{"the template", "GET", "/index.html", []func(*http.Request){s.cookie}, 404},
		{"the folder", "GET", "/page/", []func(*http.Request){s.cookie}, 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer, body := ask(t, s, client, tt.method, tt.path, tt.with...)
			if answer.StatusCode != tt.want {
				t.Errorf("%s %s: %d, want %d", tt.method, tt.path, answer.StatusCode, tt.want)
			}
			if answer.StatusCode != 200 && (strings.Contains(body, "calls.yaml") || strings.Contains(body, s.guard.token) || strings.Contains(body, s.guard.key) || strings.Contains(body, s.guard.cookie)) {
				t.Errorf("a refusal tells: %s", body)
			}
			h := answer.Header
			if !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'; style-src 'sha256-") ||
				h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cache-Control") != "no-store" {
				t.Errorf("headers that protect are missing: %v", h)
			}
		})
	}
}

func TestLinkSetsACookieThatOtherSitesCannotUse(t *testing.T) {
	s, client := serve(t, Config{})
	link, err := url.Parse(s.Link())
	if err != nil {
		t.Fatal(err)
	}
	answer, body := ask(t, s, client, "GET", link.RequestURI())
	if answer.StatusCode != 200 || len(answer.Cookies()) != 1 {
		t.Fatalf("%d with %d cookies", answer.StatusCode, len(answer.Cookies()))
	}
	c := answer.Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Domain != "" || c.Value != s.guard.cookie || c.Expires.Unix() > 0 {
		t.Errorf("cookie %v", c)
	}
	if strings.Contains(body, s.guard.token) || !strings.Contains(body, s.guard.key) {
		t.Errorf("the link opens %s", body)
	}
	if answer, _ := ask(t, s, client, "GET", "/", func(r *http.Request) { r.AddCookie(c) }); answer.StatusCode != 200 {
		t.Errorf("with the cookie: %d", answer.StatusCode)
	}
}

func TestEachPageHasTokensOfItsOwn(t *testing.T) {
	a, _ := serve(t, Config{})
	b, _ := serve(t, Config{})
	secrets := map[string]bool{}
	for _, secret := range []string{a.guard.token, a.guard.cookie, a.guard.key, b.guard.token, b.guard.cookie, b.guard.key} {
		if len(secret) < 26 || secrets[secret] {
			t.Errorf("%s is short, or of two", secret)
		}
		secrets[secret] = true
	}
	if a.guard.name == b.guard.name {
		t.Error("two pages share a cookie's name, and the second would log the first one out")
	}
}

func TestNoMarkupInThePage(t *testing.T) {
	s, client := serve(t, Config{Title: `</title><script>alert(1)</script>"onload=x.yaml`})
	_, body := ask(t, s, client, "GET", "/", s.cookie)
	if strings.Contains(body, "<script>") || strings.Contains(body, `"onload`) {
		t.Errorf("the title is markup:\n%s", body)
	}
	if strings.Contains(body, "style=") || strings.Count(body, "<script") != 1 {
		t.Error("the page has an inline style or a second script, which its policy forbids")
	}
}

// TestEveryPathIsGuarded asks for all that there is as whoever must not have it.
func TestEveryPathIsGuarded(t *testing.T) {
	s, client := serve(t, Config{})
	for _, path := range []string{"/", "/script.js", "/enter.js", "/icon.svg", "/api/rows", "/api/events?key=" + s.guard.key, "/api/exchange?n=0", "/api/search?text=a", "/api/compare",
		"/api/diff", "/api/calls", "/api/shapes", "/api/shape", "/api/findings", "/api/found", "/api/export?as=har", "/nothing", "//api/rows", "/api/../api/rows"} {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			for _, tt := range []struct {
				who  string
				with []func(*http.Request)
				want int
			}{
				{"nobody", nil, 403},
				{"without the cookie", []func(*http.Request){header("Umtape-Key", s.guard.key)}, 403},
				{"by another name", []func(*http.Request){s.cookie, host("evil.test")}, 421},
				{"from another site", []func(*http.Request){s.cookie, header("Origin", "https://evil.test")}, 403},
			} {
				if answer, _ := ask(t, s, client, method, path, tt.with...); answer.StatusCode != tt.want {
					t.Errorf("%s %s, %s: %d", method, path, tt.who, answer.StatusCode)
				}
			}
			if answer, _ := ask(t, s, client, method, strings.ReplaceAll(path, s.guard.key, "x"), s.cookieAlone); answer.StatusCode != 403 && (method == "POST" || !slices.Contains([]string{"/", "/script.js", "/enter.js", "/icon.svg"}, path)) {
				t.Errorf("%s %s, with the cookie alone: %d", method, path, answer.StatusCode)
			}
		}
	}
}
