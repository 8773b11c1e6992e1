package umserver

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/um"
)

const (
	xsiNS = "http://www.w3.org/2001/XMLSchema-instance"
	xsdNS = "http://www.w3.org/2001/XMLSchema"

	schemaNamespaces = ` xmlns:xsi="` + xsiNS + `" xmlns:xsd="` + xsdNS + `"`
)

// serverVersion is the header of an EWS response that is no fault: that of an
// Exchange 2016 whose answers were captured (section 1.2).
const serverVersion = `<h:ServerVersionInfo MajorVersion="15" MinorVersion="1" MajorBuildNumber="845" MinorBuildNumber="22" Version="V2016_10_10"` +
	` xmlns:h="` + um.TypesNS + `" xmlns="` + um.TypesNS + `"` + schemaNamespaces + ` />`

// answer is what the server says: the Body's element, a fault, a document that is
// no message, or a bare HTTP status.
type answer struct {
	body   string // XML; "" if one of the next three is set
	fault  *fault
	page   string // XML, sent as it is
	status int    // of HTTP, when there is no envelope
	code   string // what went wrong, in a word; "" for a success
	why    string // for the log: names no value of the message
}

// outcome is the answer in a line.
func (a answer) outcome() string {
	switch {
	case a.status != 0:
		return fmt.Sprintf("%d %s", a.status, http.StatusText(a.status))
	case a.code == "":
		return "done"
	}
	return a.code + ": " + a.why
}

// envelope puts an answer into the envelope that its server would use: "soap:"
// for ASP.NET, which is what the classic service runs on and whose own faults
// have no namespace; "s:" for WCF, for EWS and for the faults with a code.
func (a answer) envelope(p um.Protocol, v inspect.Version) string {
	envelopeNS := inspect.SOAP11NS
	if v == inspect.SOAP12 {
		envelopeNS = inspect.SOAP12NS
	}
	aspNet := p == um.Classic && a.fault == nil || a.fault != nil && a.fault.space == ""
	prefix, onEnvelope, onBody, header, body := "s", "", "", "", a.body
	switch {
	case aspNet:
		prefix, onEnvelope = "soap", schemaNamespaces
	case a.fault == nil:
		header, onBody = serverVersion, schemaNamespaces
	}
	if a.fault != nil {
		header, body = a.fault.header, a.fault.xml(prefix, v)
	}
	if header != "" {
		header = element(prefix+":Header", header)
	}
	return `<?xml version="1.0" encoding="utf-8"?>` +
		element(prefix+":Envelope xmlns:"+prefix+`="`+envelopeNS+`"`+onEnvelope, header+element(prefix+":Body"+onBody, body))
}

// element writes an element as .NET does. tag is its name, with attributes after
// a space if it has any; content is XML.
func element(tag, content string) string {
	if content == "" {
		return "<" + tag + " />"
	}
	name, _, _ := strings.Cut(tag, " ")
	return "<" + tag + ">" + content + "</" + name + ">"
}

// unquoted takes back what character data need not escape, as .NET does not.
var unquoted = strings.NewReplacer("&#39;", "'", "&#34;", `"`)

// text returns s as character data of an element.
func text(s string) string { return unquoted.Replace(inspect.Escape(s)) }

// write sends an answer with the headers that Exchange's newer versions put on
// every reply (section 4.6), those left out that name a host or a user.
func (s *Server) write(w http.ResponseWriter, q *request, a answer) {
	h := w.Header()
	h.Set("Cache-Control", "private")
	h.Set("Server", "Microsoft-IIS/10.0")
	h.Set("X-AspNet-Version", "4.0.30319")
	h.Set("X-Powered-By", "ASP.NET")
	status, body := a.status, ""
	switch {
	case status != 0:
		h.Set("Content-Type", "text/plain; charset=utf-8")
		body = plainText(status)
		if status == http.StatusMethodNotAllowed {
			h.Set("Allow", http.MethodPost)
		}
	case a.page != "":
		status, body = http.StatusOK, a.page
		h.Set("Content-Type", "text/xml; charset=utf-8")
	default:
		status, body = http.StatusOK, a.envelope(q.protocol, q.version)
		if a.fault != nil {
			status = faultStatus
		}
		h.Set("Content-Type", q.version.ContentType())
	}
	if s.options.Gzip {
		h.Set("Vary", "Accept-Encoding")
		if acceptsGzip(q.Header) {
			h.Set("Content-Encoding", "gzip")
			w.WriteHeader(status)
			z := gzip.NewWriter(w)
			io.WriteString(z, body) // a client that has gone needs no answer
			z.Close()
			return
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	io.WriteString(w, body) // as above
}

// plainText is the body of an answer without an envelope: what happened, then
// what to do.
func plainText(status int) string {
	hint := map[int]string{
		http.StatusNotFound:             "the service is at " + um.Path2007 + ", " + um.PathLegacy + " and " + um.PathEWS,
		http.StatusMethodNotAllowed:     "send a POST; the service has no page, and a WSDL only if it is told to publish one (umtape serve um --wsdl)",
		http.StatusUnsupportedMediaType: "send text/xml; charset=utf-8, plain or with Content-Encoding: gzip; SOAP 1.1 does not travel as application/soap+xml",
	}[status]
	return fmt.Sprintf("%d %s: %s\n", status, http.StatusText(status), hint)
}

// acceptsGzip reports whether a client lists gzip with a weight other than zero
// (RFC 9110 §12.5.3). A "*" may be answered uncompressed, and is.
func acceptsGzip(h http.Header) bool {
	for item := range strings.SplitSeq(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		coding, weight, _ := strings.Cut(item, ";")
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			_, q, weighted := strings.Cut(weight, "=")
			v, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
			return !weighted || err == nil && v > 0
		}
	}
	return false
}
