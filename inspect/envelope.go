package inspect

import (
	"encoding/xml"
	"strings"
)

// FaultText is a fault to be written.
type FaultText struct {
	Version Version // SOAP11 if zero
	Client  bool    // the sender's mistake: soap:Client or Sender; else Server or Receiver
	Reason  string  // plain text
	Detail  string  // XML, trusted: the caller escapes; "" for none
}

// Envelope returns the fault as a SOAP envelope.
func (f FaultText) Envelope() []byte {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?>` + "\n")
	if f.Version == SOAP12 {
		code := "soap:Receiver"
		if f.Client {
			code = "soap:Sender"
		}
		b.WriteString(`<soap:Envelope xmlns:soap="` + SOAP12NS + `"><soap:Body><soap:Fault><soap:Code><soap:Value>` + code +
			`</soap:Value></soap:Code><soap:Reason><soap:Text xml:lang="en">` + Escape(f.Reason) + `</soap:Text></soap:Reason>`)
		if f.Detail != "" {
			b.WriteString(`<soap:Detail>` + f.Detail + `</soap:Detail>`)
		}
	} else {
		code := "soap:Server"
		if f.Client {
			code = "soap:Client"
		}
		b.WriteString(`<soap:Envelope xmlns:soap="` + SOAP11NS + `"><soap:Body><soap:Fault><faultcode>` + code +
			`</faultcode><faultstring xml:lang="en-US">` + Escape(f.Reason) + `</faultstring>`)
		if f.Detail != "" {
			b.WriteString(`<detail>` + f.Detail + `</detail>`)
		}
	}
	b.WriteString(`</soap:Fault></soap:Body></soap:Envelope>`)
	return []byte(b.String())
}

// ContentType is the media type in which a message of this version travels.
func (v Version) ContentType() string {
	if v == SOAP12 {
		return "application/soap+xml; charset=utf-8"
	}
	return "text/xml; charset=utf-8"
}

// Escape returns s as XML character data; what XML cannot hold becomes U+FFFD.
func Escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a strings.Builder does not fail
	return b.String()
}
