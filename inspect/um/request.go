package um

import (
	"fmt"
	"slices"
	"strings"

	"github.com/umtape/umtape/inspect"
)

func (c *checker) request() {
	c.envelope()
	c.action()
	c.url()
	c.headers()
	c.encodingStyle()
	p := c.m.Payload
	path := "Body/" + p.Name.Local
	c.children(path, p, c.op.Request, MessagesNS)
	if trim(c.m.Body.Value()) != "" {
		c.add(ruleText, "Body", c.m.Body, "the Body has text beside %s", c.op.Name)
	}
	switch text := trim(p.Value()); {
	case text == "":
	case c.op.Name == "IsUMEnabled" && len(p.Children) == 0 && (isBoolean(text) || isCapitalBoolean(text)):
		c.add(ruleValueLenient, path, p, "IsUMEnabled takes no content; one page describes it as a Boolean")
	default:
		c.add(ruleText, path, p, "%s has text, and takes none", c.op.Name)
	}
}

// envelope reports the namespace spelling of a message's operation and headers,
// and the SOAP version of a request.
func (c *checker) envelope() {
	p := c.m.Payload
	if _, https := inspect.Twin(p.Name.Space); https {
		text := "the namespace is spelled https://, as the documentation once had it; a real server refuses it"
		if c.part == "response" {
			text = "the namespace is spelled https://, as the documentation once had it; a real server answers http://"
		}
		c.add(c.https, "Body/"+p.Name.Local, p, "%s", text)
	}
	if c.m.Header != nil {
		for _, e := range c.m.Header.Children {
			if _, https := inspect.Twin(e.Name.Space); https {
				c.httpsSpelling("Header/"+name(e), e)
			}
		}
	}
	if c.m.Version == inspect.SOAP12 && c.part == "request" {
		c.add(ruleSOAP12, "Envelope", c.m.Envelope, "the envelope is SOAP 1.2; the protocol is SOAP 1.1 only")
	}
}

func (c *checker) httpsSpelling(path string, e *inspect.Element) {
	c.add(c.https, path, e, "the namespace of %s is spelled https://, as the documentation once had it", name(e))
}

// url checks that the operation is sent to where it is served.
func (c *checker) url() {
	p := c.m.Payload
	switch {
	case c.op.Protocol == Classic && hasPath(c.r.URL, PathEWS):
		c.add(ruleWrongURL, "Body/"+p.Name.Local, p, "%s is an operation of the classic service; the URL is that of EWS", c.op.Name)
	case c.op.Protocol == EWS && isClassicPath(c.r.URL):
		c.add(ruleWrongURL, "Body/"+p.Name.Local, p, "%s is an operation of EWS; the URL is that of the classic service", c.op.Name)
	}
}

// ewsHeaders are the headers that EWS is documented to take and to answer.
var ewsHeaders = []string{"RequestServerVersion", "ExchangeImpersonation", "MailboxCulture", "ServerVersionInfo"}

// headers checks the SOAP headers of a message; those of an answer of the classic
// service are not documented to be none.
func (c *checker) headers() {
	if c.m.Header == nil {
		return
	}
	for _, e := range c.m.Header.Children {
		path := "Header/" + name(e)
		space, _ := inspect.Twin(e.Name.Space)
		switch {
		case c.op.Protocol == EWS:
			if slices.Contains(ewsHeaders, e.Name.Local) && space != TypesNS {
				c.add(ruleHeaderSpace, path, e, "%s %s", name(e), where(e))
			}
			if v, _ := e.Attr("Version"); e.Name.Local == "RequestServerVersion" && strings.HasPrefix(v, "Exchange2007") {
				c.add(ruleOldVersion, path+"/@Version", e, "RequestServerVersion asks for Exchange 2007; %s came with Exchange 2010", c.op.Name)
			}
		case c.part == "response":
		case mustUnderstand(e, c.m):
			c.add(ruleMustUnderstand, path, e, "the header %s has mustUnderstand, and the classic service defines no headers", name(e))
		default:
			c.add(ruleClassicHeader, path, e, "the classic service defines no header, and so not %s", name(e))
		}
	}
}

// encodingStyle reports the attribute of SOAP 1.1 that says how values are encoded,
// on whatever holds the operation.
func (c *checker) encodingStyle() {
	for _, at := range []struct {
		path string
		e    *inspect.Element
	}{{"Envelope", c.m.Envelope}, {"Body", c.m.Body}, {"Body/" + c.m.Payload.Name.Local, c.m.Payload}} {
		for _, a := range at.e.Attrs {
			if a.Name.Local == "encodingStyle" && a.Name.Space == c.m.EnvelopeSpace && a.Value != "" {
				c.add(ruleEncodingStyle, at.path, at.e, "%s declares an encodingStyle; the protocol is document/literal", name(at.e))
			}
		}
	}
}

// mustUnderstand reports whether a header is marked as one not to be passed over.
func mustUnderstand(e *inspect.Element, m *inspect.Message) bool {
	for _, a := range e.Attrs {
		if a.Name.Local == "mustUnderstand" && a.Name.Space == m.EnvelopeSpace {
			return trim(a.Value) == "1" || trim(a.Value) == "true"
		}
	}
	return false
}

// action checks the SOAPAction as far as it is known which one is right: a
// documented one, of this operation or another, makes a mismatch an error.
func (c *checker) action() {
	action, op := c.r.Action, c.op
	if action == "" || action == op.Action() {
		return // absent and empty are both accepted (section 4.4)
	}
	twin, https := inspect.Twin(action)
	if https && twin == op.Action() {
		c.addAction(ruleActionHTTPS, "the SOAPAction is spelled https://")
		return
	}
	evidence := op.ActionKnown
	for _, other := range Operations {
		if other.Name != op.Name && other.Action() == twin {
			evidence = max(evidence, other.ActionKnown)
		}
	}
	const text = "the SOAPAction is %q; the Body asks for %s"
	switch evidence {
	case Documented:
		c.addAction(ruleAction, text, inspect.Shorten(action, 120), op.Name)
	case Inferred:
		c.addAction(ruleActionInferred, text, inspect.Shorten(action, 120), op.Name)
	}
}

// addAction adds a finding about the SOAPAction, where that is: SOAP 1.2 has it in
// the content type.
func (c *checker) addAction(rule inspect.Rule, format string, args ...any) {
	f := c.m.Find(rule, c.part, "", nil, fmt.Sprintf(format, args...))
	f.Header = "SOAPAction"
	if _, ok := c.r.RequestHeader["Soapaction"]; !ok && c.m.Version == inspect.SOAP12 {
		f.Header = "Content-Type"
	}
	c.append(f)
}
