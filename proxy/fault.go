package proxy

import (
	"bytes"
	"encoding/xml"
	"io"
	"mime"
	"net/http"
	"strings"
)

// soapVersion is 0 for a request that is not SOAP.
type soapVersion int

const (
	notSOAP soapVersion = iota
	soap11
	soap12
)

// soapVersionOf tells SOAP 1.2 by its media type (SOAP 1.2 part 2, §7.1.4) and
// SOAP 1.1 by text/xml or a SOAPAction header (SOAP 1.1 §6).
func soapVersionOf(contentType string, action bool) soapVersion {
	// ParseMediaType gives the type even if parameters after it are malformed, as
	// Content-Type lines of old stacks are.
	media, _, _ := mime.ParseMediaType(contentType)
	if media == "" {
		media, _, _ = strings.Cut(contentType, ";")
		media = strings.ToLower(strings.TrimSpace(media))
	}
	switch media {
	case "application/soap+xml":
		return soap12
	case "text/xml":
		return soap11
	}
	if action {
		return soap11
	}
	return notSOAP
}

const (
	fault11 = `<?xml version="1.0" encoding="utf-8"?>` +
		`<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault>` +
		`<faultcode>soap:CODE</faultcode><faultstring>TEXT</faultstring>` +
		`</soap:Fault></soap:Body></soap:Envelope>`
	fault12 = `<?xml version="1.0" encoding="utf-8"?>` +
		`<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"><soap:Body><soap:Fault>` +
		`<soap:Code><soap:Value>soap:CODE</soap:Value></soap:Code>` +
		`<soap:Reason><soap:Text xml:lang="en">TEXT</soap:Text></soap:Reason>` +
		`</soap:Fault></soap:Body></soap:Envelope>`
)

// fault is an answer of ours: a SOAP fault in the version of the request, or
// plain text. The status says whose fault it is.
func (x *exchange) fault(status int, text string) *http.Response {
	theirs := status < 500
	mediaType, body := "text/plain; charset=utf-8", text+"\n"
	switch soapVersionOf(x.request.Header.Get("Content-Type"), x.action) {
	case soap11:
		mediaType = "text/xml; charset=utf-8"
		body = fillFault(fault11, theirs, "Client", "Server", text)
	case soap12:
		mediaType = "application/soap+xml; charset=utf-8"
		body = fillFault(fault12, theirs, "Sender", "Receiver", text)
	}
	return &http.Response{
		StatusCode:    status,
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        http.Header{"Content-Type": {mediaType}},
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)),
		Request:       x.request,
	}
}

func fillFault(template string, theirs bool, client, server, text string) string {
	code := server
	if theirs {
		code = client
	}
	var escaped bytes.Buffer
	xml.EscapeText(&escaped, []byte(text))
	return strings.NewReplacer("CODE", code, "TEXT", escaped.String()).Replace(template)
}

// refuse answers a request that goes nowhere.
func (x *exchange) refuse(r *refusal) {
	x.outcome, x.reason, x.asking = Refused, r.text, r == noPassword
	x.write(x.fault(r.status, r.text))
}

// write sends an answer of ours past goproxy.
func (x *exchange) write(resp *http.Response) {
	x.ours = true
	h := x.Header()
	clear(h)
	h["Content-Type"] = resp.Header["Content-Type"]
	if resp.StatusCode == http.StatusProxyAuthRequired {
		h["Proxy-Authenticate"] = []string{challenge}
	}
	x.WriteHeader(resp.StatusCode)
	x.bytes, x.clientErr = io.Copy(x.ResponseWriter, resp.Body)
}
