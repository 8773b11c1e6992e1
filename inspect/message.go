package inspect

// Version is the SOAP version of an envelope.
type Version int

const (
	SOAP11 Version = 11
	SOAP12 Version = 12
)

// String returns "1.1" or "1.2".
func (v Version) String() string {
	if v == SOAP12 {
		return "1.2"
	}
	return "1.1"
}

// Message is one SOAP envelope.
type Message struct {
	Version Version

	// EnvelopeSpace is the envelope's namespace as written; it differs from
	// SOAP11NS only in the documentation's https:// spelling.
	EnvelopeSpace string

	Envelope *Element
	Header   *Element // nil if there is none
	Body     *Element

	// Payload is the Body's first child, nil if the Body is empty. Its local
	// name is the operation of a request.
	Payload *Element

	// Fault is set when Payload is a SOAP fault.
	Fault *Fault

	text  string // decoded; what Element.Offset counts in
	start int    // where text is in the HTTP body; -1 if it is not, being decoded
	lines lineIndex

	rootType string // media type of the multipart's root part that held it; "" if none did
}

// Operation returns the local name of the Body's child, such as "Disconnect",
// or "" if the Body is empty.
func (m *Message) Operation() string {
	if m == nil || m.Payload == nil {
		return ""
	}
	return m.Payload.Name.Local
}

// Text returns the message as UTF-8 without a byte order mark, which is what
// Offset counts in.
func (m *Message) Text() string { return m.text }

// Place returns the 1-based line and column (in bytes) of an element's start
// tag in the message.
func (m *Message) Place(e *Element) (line, column int) {
	return m.lines.place(m.text, int(e.Offset))
}

// Parse reads one SOAP 1.1 or 1.2 envelope with the default [Limits]. body may
// be UTF-8 with or without a byte order mark, UTF-16, or in the encoding that
// its XML declaration names. The error is a *[SyntaxError] that wraps one of
// the Err values of this package.
func Parse(body []byte) (*Message, error) { return Limits{}.Parse(body) }

// Parse is [Parse] with these limits.
func (l Limits) Parse(body []byte) (*Message, error) { return l.parse(body, "") }

func (l Limits) parse(body []byte, charset string) (*Message, error) {
	root, text, start, err := parseTree(body, charset, l)
	if err != nil {
		return nil, err
	}
	m := &Message{Envelope: root, EnvelopeSpace: root.Name.Space, text: text, start: start}
	fail := func(e *Element, reason string) error {
		line, column := m.Place(e)
		return &SyntaxError{Line: line, Column: column, Err: ErrNotSOAP, Reason: reason}
	}
	if root.Name.Local != "Envelope" {
		return nil, fail(root, "the root element is not an Envelope")
	}
	switch space, _ := Twin(root.Name.Space); space {
	case SOAP11NS:
		m.Version = SOAP11
	case SOAP12NS:
		m.Version = SOAP12
	default:
		return nil, fail(root, "the Envelope is in no SOAP namespace")
	}
	for _, c := range root.Children {
		if c.Name.Space != root.Name.Space {
			continue
		}
		switch {
		case c.Name.Local == "Header" && m.Header == nil && m.Body == nil:
			m.Header = c
		case c.Name.Local == "Body" && m.Body == nil:
			m.Body = c
		case c.Name.Local == "Header", c.Name.Local == "Body":
			return nil, fail(c, "a "+c.Name.Local+" too many or out of order")
		}
	}
	if m.Body == nil {
		return nil, fail(root, "the Envelope has no Body")
	}
	if len(m.Body.Children) > 0 {
		m.Payload = m.Body.Children[0]
		m.Fault = readFault(m)
	}
	return m, nil
}
