package inspect

import "strings"

// Namespaces of SOAP envelopes (SOAP 1.1 §3, SOAP 1.2 part 1 §5.1) and of
// schema instance attributes.
const (
	SOAP11NS = "http://schemas.xmlsoap.org/soap/envelope/"
	SOAP12NS = "http://www.w3.org/2003/05/soap-envelope"
	xsiNS    = "http://www.w3.org/2001/XMLSchema-instance"
	xmlNS    = "http://www.w3.org/XML/1998/namespace"
	xmlnsNS  = "http://www.w3.org/2000/xmlns/"
)

// twinPrefixes are the namespace families that Microsoft's documentation
// published with an https:// spelling between 2020 and 2024; the wire uses
// http:// only (protocol reference, section 2).
var twinPrefixes = []string{
	"https://schemas.microsoft.com/exchange/",
	"https://schemas.microsoft.com/ws/",
	"https://schemas.xmlsoap.org/soap/",
}

// Twin returns the http:// spelling of a namespace that the documentation also
// published as https://, and whether uri was such an https:// spelling. Any
// other uri comes back unchanged.
func Twin(uri string) (canonical string, wasHTTPS bool) {
	for _, p := range twinPrefixes {
		if strings.HasPrefix(uri, p) {
			return "http" + strings.TrimPrefix(uri, "https"), true
		}
	}
	return uri, false
}
