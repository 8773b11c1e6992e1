package web

import (
	"context"
	"embed"
	"encoding/json"
	"html/template"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/umtape/umtape/inspect"
)

// Config says what a page shows.
type Config struct {
	Book *Book
	Tape Tape

	// Check lists what is wrong or odd with an exchange; nil for nothing.
	Check func(*inspect.Reading) []inspect.Finding

	// SomeOfCalls says that of calls not all exchanges are here, so that nothing is said
	// of how they went.
	SomeOfCalls bool

	Title   string // what is shown, such as "calls.yaml"
	Mode    string // "record", "replay", or "" for cassettes
	Proxy   string // address that clients talk to while exchanges happen; "" for none
	CA      string // file that has clients trust Proxy, fit for a shell; "" if they take it for the server
	Version string // the program's
}

// Server serves the page.
type Server struct {
	Config
	guard  *guard
	addr   string
	mux    *http.ServeMux
	server *http.Server
	ctx    context.Context
	end    context.CancelFunc
	served chan struct{}

	searching chan struct{} // holds one while somebody searches
	comparing chan struct{} // and while somebody compares cassettes
}

//go:embed page
var files embed.FS

var enter = template.Must(template.ParseFS(files, "page/enter/enter.html"))

var index = template.Must(template.ParseFS(files, "page/index.html"))

// Serve serves on a loopback listener until Close.
func Serve(ln net.Listener, c Config) *Server {
	s := newServer(ln.Addr().String(), c)
	go func() {
		defer close(s.served)
		s.server.Serve(ln) // until Close
	}()
	return s
}

func newServer(addr string, c Config) *Server {
	s := &Server{Config: c, addr: addr, guard: newGuard(addr), mux: http.NewServeMux(), served: make(chan struct{})}
	s.searching, s.comparing = make(chan struct{}, 1), make(chan struct{}, 1)
	s.ctx, s.end = context.WithCancel(context.Background())
	s.mux.HandleFunc("GET /{$}", s.page)
	s.mux.HandleFunc("GET /script.js", asset("text/javascript; charset=utf-8", made().script))
	s.mux.HandleFunc("GET /enter.js", asset("text/javascript; charset=utf-8", made().enter))
	s.mux.HandleFunc("GET /icon.svg", asset("image/svg+xml", made().icon))
	s.mux.HandleFunc("GET /api/rows", s.rows)
	s.mux.HandleFunc("GET /api/events", s.events)
	s.mux.HandleFunc("GET /api/exchange", s.exchange)
	s.mux.HandleFunc("GET /api/search", s.search)
	s.mux.HandleFunc("GET /api/compare", s.compare)
	s.mux.HandleFunc("GET /api/diff", s.compareCassettes)
	s.mux.HandleFunc("GET /api/calls", s.calls)
	s.mux.HandleFunc("GET /api/shapes", s.shapes)
	s.mux.HandleFunc("GET /api/shape", s.shape)
	s.mux.HandleFunc("GET /api/findings", s.rules)
	s.mux.HandleFunc("GET /api/found", s.found)
	s.mux.HandleFunc("POST /api/export", s.export)
	s.server = &http.Server{
		Handler:           s,
		ReadTimeout:       10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		BaseContext:       func(net.Listener) context.Context { return s.ctx },
		ReadHeaderTimeout: 5 * time.Second,
	}
	return s
}

// parts are what the page is made of beside its HTML. The style goes into that, so that
// the page is drawn without waiting for anything else, and the script is one file for
// the same reason.
type parts struct{ script, style, icon, enter string }

var made = sync.OnceValue(func() (p parts) {
	assets, err := fs.Sub(files, "page")
	if err == nil {
		p.script, err = bundle(assets, "app.js")
	}
	for name, text := range map[string]*string{"style.css": &p.style, "icon.svg": &p.icon, "enter/enter.js": &p.enter} {
		if err == nil {
			var b []byte
			b, err = fs.ReadFile(assets, name)
			*text = string(b)
		}
	}
	if err != nil {
		panic(err) // they are embedded, and a test makes them
	}
	return p
})

// asset serves a text as it is.
func asset(kind, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		io.WriteString(w, text)
	}
}

// Link opens the page: it has the token.
func (s *Server) Link() string { return "http://" + s.addr + "/?token=" + s.guard.token }

// Close ends the page, and returns when all is done.
func (s *Server) Close() {
	s.end()
	s.server.Close()
	<-s.served
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.guard.ServeHTTP(w, r, s.mux) }

func (s *Server) page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	index.Execute(w, pageData{Title: s.Title, Mode: s.Mode, Proxy: s.Proxy, CA: s.CA, Style: template.CSS(made().style)})
}

// pageData is what the template is given.
type pageData struct {
	Title, Mode, Proxy, CA string
	Style                  template.CSS
	Report                 *reportPage // nil for a page that is served
}

func (s *Server) rows(w http.ResponseWriter, r *http.Request) {
	from, calls := number(r, "from"), number(r, "calls")
	writeJSON(w, s.Book.columns(from, calls))
}

// number is a number of the query; 0 if there is none.
func number(r *http.Request, name string) int {
	n, _ := strconv.Atoi(r.URL.Query().Get(name))
	return n
}

// writeJSON escapes what could end a script element or be taken for markup, as
// package json does.
func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

// fail tells the page's script what went wrong.
func fail(w http.ResponseWriter, status int, what string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(struct {
		Error string `json:"error"`
	}{what})
}
