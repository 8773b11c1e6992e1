package inspect

import (
	"net/http"
	"net/url"
	"path"
	"strings"
)

// AsksForDescription reports whether a request is for the WSDL of a service, or for a
// schema that a WSDL is made of, by the addresses under which servers have these:
// FILE.wsdl, FILE.xsd, ?wsdl, ?singleWsdl, ?xsd=NAME. Clients that are made from a
// WSDL fetch them each time they start.
func AsksForDescription(method string, u *url.URL) bool {
	if method != http.MethodGet && method != http.MethodHead {
		return false
	}
	switch strings.ToLower(path.Ext(u.Path)) {
	case ".wsdl", ".xsd":
		return true
	}
	for part := range strings.SplitSeq(u.RawQuery, "&") {
		name, _, _ := strings.Cut(part, "=")
		switch strings.ToLower(name) {
		case "wsdl", "wsdl2", "singlewsdl", "xsd":
			return true
		}
	}
	return false
}
