package umserver

import (
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/umtape/umtape/inspect/um"
)

// page is what a server that publishes its WSDL has for GET and HEAD, and its name
// for the log; ok is false if there is nothing at that address.
func (s *Server) page(q *request) (text, name string, ok bool) {
	if !s.options.WSDL || q.Method != http.MethodGet && q.Method != http.MethodHead {
		return "", "", false
	}
	for _, service := range []string{um.Path2007, um.PathLegacy} {
		switch {
		case strings.EqualFold(q.URL.Path, service) && asksForWSDL(q.URL):
			return um.WSDL(address(q)), "WSDL", true
		case strings.EqualFold(q.URL.Path, path.Dir(service)+"/"+um.SchemaFile):
			return um.Schema(), "schema", true
		}
	}
	return "", "", false
}

// asksForWSDL reports a query of ?wsdl, in any case, with or without a value.
func asksForWSDL(u *url.URL) bool {
	name, _, _ := strings.Cut(u.RawQuery, "&")
	name, _, _ = strings.Cut(name, "=")
	return strings.EqualFold(name, "wsdl")
}

// address is where the client found the service: a client that is made from the WSDL
// sends its requests there, and so the same way, through a proxy or not.
func address(q *request) string {
	u := url.URL{Scheme: "http", Host: q.Host, Path: q.URL.Path}
	if q.TLS != nil {
		u.Scheme = "https"
	}
	if local, ok := q.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && u.Host == "" { // HTTP/1.0
		u.Host = local.String()
	}
	return u.String()
}
