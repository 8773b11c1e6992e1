package inspect

import (
	"mime"
	"net/http"
	"slices"
	"strings"
)

// actionHeader is how Go spells SOAPAction.
const actionHeader = "Soapaction"

// SOAPAction returns the action a request names, unquoted, and whether it names
// one at all: the SOAPAction header of SOAP 1.1 (§6.1.1), else the action
// parameter of SOAP 1.2's application/soap+xml (RFC 3902). Header names match in
// any spelling, since SOAPAction is often sent and kept uncanonicalised; of two
// spellings the first in the order of their bytes counts.
func SOAPAction(h http.Header) (action string, ok bool) {
	for _, name := range actionNames(h) {
		if values := h[name]; len(values) > 0 {
			return strings.Trim(strings.TrimSpace(values[0]), `"`), true
		}
	}
	if _, params, err := mime.ParseMediaType(h.Get("Content-Type")); err == nil {
		action, ok = params["action"]
	}
	return action, ok
}

// actionNames returns the spellings of SOAPAction in h, sorted.
func actionNames(h http.Header) []string {
	var names []string
	for name := range h {
		if isAction(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func isAction(name string) bool { return strings.EqualFold(name, actionHeader) }

// hasAction reports whether h has SOAPAction in any spelling.
func hasAction(h http.Header) bool {
	if _, usual := h[actionHeader]; usual {
		return true
	}
	for name := range h {
		if isAction(name) {
			return true
		}
	}
	return false
}

// ClaimsSOAP reports whether a request's header says that its body is a SOAP
// message: by SOAPAction, or by the content type application/soap+xml. A type
// of text/xml alone claims XML, not SOAP.
func ClaimsSOAP(h http.Header) bool {
	return hasAction(h) || mediaType(h) == "application/soap+xml"
}

// VersionOf tells from a request's header which version of SOAP it speaks; ok is
// false if it seems to speak none.
func VersionOf(h http.Header) (v Version, ok bool) {
	if mediaType(h) == "application/soap+xml" {
		return SOAP12, true
	}
	return SOAP11, ClaimsSOAP(h) || IsXMLType(h)
}

// IsXMLType reports whether the header's content type is one in which XML
// messages travel.
func IsXMLType(h http.Header) bool {
	t := mediaType(h)
	return t == "text/xml" || t == "application/xml" || strings.HasSuffix(t, "+xml")
}

// mediaType returns the lower-case media type, lenient about its parameters:
// servers send "text/xml; charset=" and the type is still meant.
func mediaType(h http.Header) string {
	t, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// charsetOf returns the charset parameter of the content type, "" if there is
// none that can be read.
func charsetOf(h http.Header) string {
	contentType := h.Get("Content-Type")
	switch contentType { // those most often seen, without being taken apart
	case "text/xml; charset=utf-8", "text/xml; charset=\"utf-8\"", "text/xml;charset=utf-8", "application/soap+xml; charset=utf-8":
		return "utf-8"
	case "text/xml; charset=UTF-8", "text/xml;charset=UTF-8", "text/xml; charset=\"UTF-8\"":
		return "UTF-8"
	case "", "text/xml", "application/soap+xml":
		return ""
	}
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return ""
	}
	return params["charset"]
}

// isEncoded reports whether the header names a Content-Encoding. It may still
// name one that a recorder has taken off.
func isEncoded(h http.Header) bool {
	for _, v := range h.Values("Content-Encoding") {
		if v = strings.TrimSpace(v); v != "" && !strings.EqualFold(v, "identity") {
			return true
		}
	}
	return false
}
