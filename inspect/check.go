package inspect

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"unicode/utf8"
)

// The rules that hold for any SOAP service over HTTP, numbered without gaps. How
// many elements a Body holds is for a service to say (package um has rules).
var (
	ruleNotSOAP = Rule{ID: "SOAP01", Severity: Error, Summary: "the request is not a SOAP envelope",
		Reason: "a server cannot tell what is asked, and answers with a fault or not at all",
		Source: "SOAP 1.1 §4, SOAP 1.2 part 1 §5; PROTOCOL.md 5.2 (documented: answered with a fault)",
		Fix:    "send one well-formed Envelope with a Body, without a DOCTYPE"}
	ruleAnswerNotSOAP = Rule{ID: "SOAP02", Severity: Error, Summary: "the response to a SOAP request is not a SOAP envelope",
		Reason: "a SOAP client cannot read it: it is a login page, an error page or another service's",
		Source: "SOAP 1.1 §6.2; PROTOCOL.md 4.3 (captured: 200 and 500 carry XML)",
		Fix:    "check that the URL is the service itself and not a login or error page"}
	ruleEncoded = Rule{ID: "SOAP03", Severity: Note, Summary: "a body is still in a Content-Encoding, so its message is not checked",
		Reason: "nobody can review what is packed, and no other rule looks inside",
		Source: "the header and the bytes say so; RFC 9110 §8.4",
		Fix:    "record again, decoding the body"}
	ruleTooLong = Rule{ID: "SOAP04", Severity: Note, Summary: "a message is too long, or of too many tags, to be read, so it is not checked",
		Reason: "reading is bounded, so that no message takes all memory; it is forwarded, kept and replayed by its bytes nevertheless",
		Source: "umtape's own limits (umtape help limits)",
		Fix:    "none needed"}
	ruleFaultStatus = Rule{ID: "SOAP05", Severity: Error, Summary: "a SOAP fault came with a status other than 500",
		Reason: "clients look for a fault in a 500 only: Microsoft's reads none from another status",
		Source: "SOAP 1.1 §6.2; PROTOCOL.md 5.6 (captured: Microsoft's client reads a fault only from status 500)",
		Fix:    "answer a fault with 500 Internal Server Error; for SOAP 1.2, 400 is right as well"}
	ruleErrorStatus = Rule{ID: "SOAP06", Severity: Error, Summary: "status 500 came without a SOAP fault",
		Reason: "a client takes a 500 for a failure and looks for a fault that is not there",
		Source: "SOAP 1.1 §6.2; PROTOCOL.md 4.3 (captured: success 200, fault 500)",
		Fix:    "answer success with 200, or put a Fault into the Body"}
	ruleRequestType = Rule{ID: "SOAP07", Severity: Warning, Summary: "the request's content type is not the one of its SOAP version",
		Reason: "a server tells the SOAP version by it, and answers 415 to one it does not take",
		Source: "SOAP 1.1 §6, RFC 3902; PROTOCOL.md 4.3 (captured), 5.6 (documented: 415)",
		Fix:    "send text/xml; charset=utf-8 with SOAP 1.1, application/soap+xml with SOAP 1.2"}
	ruleAnswerType = Rule{ID: "SOAP08", Severity: Warning, Summary: "the response's content type is not the one of its SOAP version",
		Reason: "a client may refuse to read what does not say that it is SOAP of its version",
		Source: "SOAP 1.1 §6, RFC 3902; PROTOCOL.md 4.3 (captured)",
		Fix:    "answer text/xml; charset=utf-8 with SOAP 1.1, application/soap+xml with SOAP 1.2"}
	ruleEnvelopeHTTPS = Rule{ID: "SOAP09", Severity: Error, Summary: "the envelope's namespace is spelled https://",
		Reason: "namespaces are compared as text: this is none of SOAP's, so to a server it is no envelope",
		Source: "PROTOCOL.md 2 (documented artefact; to a server it is not SOAP)",
		Fix:    "use " + SOAP11NS}
	ruleUndeclared = Rule{ID: "SOAP10", Severity: Warning, Summary: "the fault code has a prefix that is not declared",
		Reason: "a client that resolves the code as a name finds none",
		Source: "SOAP 1.1 §4.4.1 (a QName); PROTOCOL.md 5.1 (documented in one example of the specification)",
		Fix:    "declare the prefix; umtape compares the part after the colon"}
	ruleTruncated = Rule{ID: "SOAP11", Severity: Warning, Summary: "a body is not whole, so its message is not checked",
		Reason: "a message that was cut can neither be checked nor replayed as it was",
		Source: "the recording says so",
		Fix:    "record again with a higher --max-body, or over a connection that does not break"}

	// SOAP12 is left out: it would read as the version.
	ruleFaultParts = Rule{ID: "SOAP13", Severity: Error, Summary: "a SOAP fault lacks its code or its reason",
		Reason: "clients tell faults apart by the code and show people the reason",
		Source: "SOAP 1.1 §4.4, SOAP 1.2 part 1 §5.4 (both must be there); PROTOCOL.md 5.1, 5.5 (documented)",
		Fix:    "answer faultcode and faultstring, in SOAP 1.2 Code and Reason"}
	ruleVersions = Rule{ID: "SOAP14", Severity: Warning, Summary: "the response is of another SOAP version than the request",
		Reason: "a client of one version does not read the other",
		Source: "SOAP 1.2 part 1 appendix A; PROTOCOL.md 5.5 (inferred; faults are captured to be so, and are let pass)",
		Fix:    "answer in the version of the request"}
	ruleMethod = Rule{ID: "SOAP15", Severity: Error, Summary: "the request is not a POST",
		Reason: "a server answers 405, or does not look at the body",
		Source: "SOAP 1.1 §6; PROTOCOL.md 4.3, 5.6 (captured: POST; 405 to another method)",
		Fix:    "send it with POST"}
	ruleFailedStatus = Rule{ID: "SOAP16", Severity: Warning, Summary: "a SOAP response without a fault came with a status that is no success",
		Reason: "a client goes by the status and does not read what was answered",
		Source: "SOAP 1.1 §6.2; PROTOCOL.md 4.3, 5.6 (inferred from captures: success is 200)",
		Fix:    "answer success with 200"}
	ruleCharset = Rule{ID: "SOAP17", Severity: Warning, Summary: "the content type and the XML declaration name different charsets",
		Reason: "readers differ in which they believe, and then in what the message says",
		Source: "RFC 7303 §3; PROTOCOL.md 4.3 (inferred: every capture has utf-8 in both)",
		Fix:    "name the charset that the bytes are in, in both"}
)

// SOAPRules lists the rules that [CheckSOAP] may report, by id.
func SOAPRules() []Rule {
	return []Rule{ruleNotSOAP, ruleAnswerNotSOAP, ruleEncoded, ruleTooLong, ruleFaultStatus, ruleErrorStatus,
		ruleRequestType, ruleAnswerType, ruleEnvelopeHTTPS, ruleUndeclared, ruleTruncated,
		ruleFaultParts, ruleVersions, ruleMethod, ruleFailedStatus, ruleCharset}
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
	if m := r.Method; m != http.MethodPost && m != "M-POST" && m != "" { // M-POST: RFC 2774, which SOAP 1.1 allows
		found = append(found, r.Request.Find(ruleMethod, "request", "Envelope", r.Request.Envelope, fmt.Sprintf("the request is a %s; SOAP travels by POST", Shorten(m, 20))))
	}
	found = append(found, checkType(ruleRequestType, r.Request, "request", r.RequestHeader)...)
	return append(found, checkCharset(r.Request, "request", r.RequestHeader, r.RequestBody)...)
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
	case f == nil && (r.Status < 200 || r.Status > 299):
		found = append(found, m.Find(ruleFailedStatus, "response", "Body", m.Body, fmt.Sprintf("a SOAP response without a fault came with status %d", r.Status)))
	case f != nil:
		if ok := r.Status == 500 || m.Version == SOAP12 && r.Status == 400; !ok {
			found = append(found, m.Find(ruleFaultStatus, "response", "Body/Fault", m.Payload, fmt.Sprintf("a SOAP fault came with status %d", r.Status)))
		}
		found = append(found, checkFaultParts(m)...)
		if !f.Resolved && f.Code.Local != "" {
			path, code := "Body/Fault/faultcode", m.Payload.Child("faultcode")
			if m.Version == SOAP12 {
				path, code = "Body/Fault/Code/Value", m.Payload.Child("Code").Child("Value")
			}
			found = append(found, m.Find(ruleUndeclared, "response", path, code, ruleUndeclared.Summary))
		}
	}
	if r.Request != nil && r.Request.Version != m.Version && m.Fault == nil {
		found = append(found, m.Find(ruleVersions, "response", "Envelope", m.Envelope, fmt.Sprintf("the response is SOAP %s; the request is SOAP %s", m.Version, r.Request.Version)))
	}
	found = append(found, checkType(ruleAnswerType, m, "response", r.ResponseHeader)...)
	return append(found, checkCharset(m, "response", r.ResponseHeader, r.ResponseBody)...)
}

func checkFaultParts(m *Message) []Finding {
	parts := []string{"faultcode", "faultstring"}
	if m.Version == SOAP12 {
		parts = []string{"Code", "Reason"}
	}
	var found []Finding
	for _, part := range parts {
		if m.Payload.Child(part) == nil {
			found = append(found, m.Find(ruleFaultParts, "response", "Body/Fault/"+part, m.Payload, "the fault has no "+part))
		}
	}
	return found
}

// checkCharset compares what the header and the message say of its encoding. A
// header without charset leaves it to the message, and a part of a multipart is
// not looked into.
func checkCharset(m *Message, part string, h http.Header, body []byte) []Finding {
	told, declared := charsetOf(h), declaredEncoding(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if told == "" || declared == "" || m.rootType != "" || sameCharset(told, declared) {
		return nil
	}
	text := fmt.Sprintf("the %s's content type says %q, its XML declaration %q", part, Shorten(told, 40), Shorten(declared, 40))
	return []Finding{{Rule: ruleCharset, Part: part, Header: "Content-Type", Message: text}}
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
	return []Finding{{Rule: rule, Part: part, Header: "Content-Type", Message: text}}
}

// Spot is the place of element e of the message; e may be nil.
func (m *Message) Spot(part, path string, e *Element) Spot {
	f := m.Find(Rule{}, part, path, e, "")
	return Spot{Part: f.Part, Path: f.Path, Line: f.Line, Column: f.Column, Pos: f.Pos}
}

// Find makes a finding about element e of the message; e may be nil.
func (m *Message) Find(rule Rule, part, path string, e *Element, text string) Finding {
	f := Finding{Rule: rule, Part: part, Path: path, Message: text}
	if e != nil {
		f.Line, f.Column = m.Place(e)
		if m.start >= 0 {
			f.Pos = m.start + int(e.Offset) + 1
		}
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
		f.Pos = posOf(h, body, at.Line, at.Column)
	}
	return f
}
