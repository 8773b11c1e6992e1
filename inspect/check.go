package inspect

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"unicode/utf8"
)

// The rules that hold for any SOAP service over HTTP, numbered without gaps. How
// many elements a Body holds is for a service to say (package um has rules).
var (
	ruleNotSOAP = Rule{"SOAP01", Error, "the request is not a SOAP envelope",
		"SOAP 1.1 §4, SOAP 1.2 part 1 §5; PROTOCOL.md 5.2 (documented: answered with a fault)",
		"send one well-formed Envelope with a Body, without a DOCTYPE"}
	ruleAnswerNotSOAP = Rule{"SOAP02", Error, "the response to a SOAP request is not a SOAP envelope",
		"SOAP 1.1 §6.2; PROTOCOL.md 4.3 (captured: 200 and 500 carry XML)",
		"check that the URL is the service itself and not a login or error page"}
	ruleEncoded = Rule{"SOAP03", Note, "a body is still in a Content-Encoding, so its message is not checked",
		"the header and the bytes say so; RFC 9110 §8.4", "record again, decoding the body"}
	ruleTooLong = Rule{"SOAP04", Note, "a message is too long to be read, so it is not checked",
		"umtape's own limits", "none needed"}
	ruleFaultStatus = Rule{"SOAP05", Error, "a SOAP fault came with a status other than 500",
		"SOAP 1.1 §6.2; PROTOCOL.md 5.6 (captured: Microsoft's client reads a fault only from status 500)",
		"answer a fault with 500 Internal Server Error; for SOAP 1.2, 400 is right as well"}
	ruleErrorStatus = Rule{"SOAP06", Error, "status 500 came without a SOAP fault",
		"SOAP 1.1 §6.2; PROTOCOL.md 4.3 (captured: success 200, fault 500)",
		"answer success with 200, or put a Fault into the Body"}
	ruleRequestType = Rule{"SOAP07", Warning, "the request's content type is not the one of its SOAP version",
		"SOAP 1.1 §6, RFC 3902; PROTOCOL.md 4.3 (captured), 5.6 (documented: 415)",
		"send text/xml; charset=utf-8 with SOAP 1.1, application/soap+xml with SOAP 1.2"}
	ruleAnswerType = Rule{"SOAP08", Warning, "the response's content type is not the one of its SOAP version",
		"SOAP 1.1 §6, RFC 3902; PROTOCOL.md 4.3 (captured)",
		"answer text/xml; charset=utf-8 with SOAP 1.1, application/soap+xml with SOAP 1.2"}
	ruleEnvelopeHTTPS = Rule{"SOAP09", Error, "the envelope's namespace is spelled https://",
		"PROTOCOL.md 2 (documented artefact; to a server it is not SOAP)",
		"use " + SOAP11NS}
	ruleUndeclared = Rule{"SOAP10", Warning, "the fault code has a prefix that is not declared",
		"SOAP 1.1 §4.4.1 (a QName); PROTOCOL.md 5.1 (documented in one example of the specification)",
		"declare the prefix; umtape compares the part after the colon"}
	ruleTruncated = Rule{"SOAP11", Warning, "a body is not whole, so its message is not checked",
		"the recording says so", "record again with a higher --max-body, or over a connection that does not break"}
)

// SOAPRules lists the rules that [CheckSOAP] may report, by id.
func SOAPRules() []Rule {
	return []Rule{ruleNotSOAP, ruleAnswerNotSOAP, ruleEncoded, ruleTooLong, ruleFaultStatus, ruleErrorStatus,
		ruleRequestType, ruleAnswerType, ruleEnvelopeHTTPS, ruleUndeclared, ruleTruncated}
}

// CheckSOAP lists what is wrong with an exchange by the rules of SOAP over
// HTTP, whatever the service. An exchange that is not SOAP has no findings.
func CheckSOAP(r *Reading) []Finding {
	if !r.IsSOAP() {
		return nil
	}
	var found []Finding
	if r.Truncated {
		found = append(found, Finding{Rule: ruleTruncated, Message: ruleTruncated.Summary})
	}
	found = append(found, checkRequest(r)...)
	return append(found, checkResponse(r)...)
}

func checkRequest(r *Reading) []Finding {
	if r.Request == nil {
		if r.Truncated {
			return nil
		}
		if errors.Is(r.RequestErr, ErrEmpty) && (r.Status == http.StatusUnauthorized || r.Status == http.StatusProxyAuthRequired) {
			return nil // a step of NTLM, whose body comes once the client is known
		}
		return []Finding{unreadable(ruleNotSOAP, "request", r.RequestHeader, r.RequestBody, r.RequestErr)}
	}
	found := checkEnvelope(r.Request, "request")
	return append(found, checkType(ruleRequestType, r.Request, "request", r.RequestHeader)...)
}

func checkResponse(r *Reading) []Finding {
	if r.Response == nil {
		if r.Truncated || r.Status != http.StatusOK && r.Status != http.StatusInternalServerError {
			return nil // HTML and empty bodies are usual there
		}
		return []Finding{unreadable(ruleAnswerNotSOAP, "response", r.ResponseHeader, r.ResponseBody, r.ResponseErr)}
	}
	m := r.Response
	found := checkEnvelope(m, "response")
	switch f := m.Fault; {
	case f == nil && r.Status == http.StatusInternalServerError:
		found = append(found, m.Find(ruleErrorStatus, "response", "Body", m.Body, ruleErrorStatus.Summary))
	case f != nil:
		if ok := r.Status == 500 || m.Version == SOAP12 && r.Status == 400; !ok {
			found = append(found, m.Find(ruleFaultStatus, "response", "Body/Fault", m.Payload, fmt.Sprintf("a SOAP fault came with status %d", r.Status)))
		}
		if !f.Resolved && f.Code.Local != "" {
			path, code := "Body/Fault/faultcode", m.Payload.Child("faultcode")
			if m.Version == SOAP12 {
				path, code = "Body/Fault/Code/Value", m.Payload.Child("Code").Child("Value")
			}
			found = append(found, m.Find(ruleUndeclared, "response", path, code, ruleUndeclared.Summary))
		}
	}
	return append(found, checkType(ruleAnswerType, m, "response", r.ResponseHeader)...)
}

func checkEnvelope(m *Message, part string) []Finding {
	var found []Finding
	if _, https := Twin(m.EnvelopeSpace); https {
		found = append(found, m.Find(ruleEnvelopeHTTPS, part, "Envelope", m.Envelope, ruleEnvelopeHTTPS.Summary+": a server does not take it for SOAP"))
	}
	return found
}

func checkType(rule Rule, m *Message, part string, h http.Header) []Finding {
	got, want, of := mediaType(h), "text/xml", part
	if m.Version == SOAP12 {
		want = "application/soap+xml"
	}
	if m.rootType != "" {
		got, of = m.rootType, part+"'s root part"
		if slices.Contains([]string{"text/xml", "application/soap+xml"}, got) {
			return nil
		}
	}
	if got == want || got == "application/xop+xml" {
		return nil
	}
	text := fmt.Sprintf("the %s has no content type; SOAP %s travels as %s", of, m.Version, want)
	if got != "" {
		text = fmt.Sprintf("the %s's content type is %q; SOAP %s travels as %s", of, Shorten(got, 60), m.Version, want)
	}
	return []Finding{{Rule: rule, Part: part, Message: text}}
}

// Find makes a finding about element e of the message; e may be nil.
func (m *Message) Find(rule Rule, part, path string, e *Element, text string) Finding {
	f := Finding{Rule: rule, Part: part, Path: path, Message: text}
	if e != nil {
		f.Line, f.Column = m.Place(e)
	}
	return f
}

// unreadable makes the finding about a body that is no message: that of rule,
// unless there is an innocent reason.
func unreadable(rule Rule, part string, h http.Header, body []byte, err error) Finding {
	switch {
	case errors.Is(err, errTooLong):
		return Finding{Rule: ruleTooLong, Part: part, Message: "the " + part + " is not read: " + err.Error()}
	case isEncoded(h) && !utf8.Valid(body): // else the recorder has decoded it
		return Finding{Rule: ruleEncoded, Part: part, Message: "the " + part + " is not read: it is still in its Content-Encoding"}
	}
	f := Finding{Rule: rule, Part: part, Message: "the " + part + " is not a SOAP envelope: " + err.Error()}
	var at *SyntaxError
	if errors.As(err, &at) {
		f.Line, f.Column = at.Line, at.Column
	}
	return f
}
