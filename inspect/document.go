package inspect

// Document is an XML document that need not be SOAP, read with the care that messages
// are read with.
type Document struct {
	Root *Element

	text  string
	lines lineIndex
}

// ParseDocument reads a document. The error is a *[SyntaxError].
func (l Limits) ParseDocument(text []byte) (*Document, error) {
	root, decoded, _, err := parseTree(text, "", l)
	if err != nil {
		return nil, err
	}
	return &Document{Root: root, text: decoded}, nil
}

// Place returns the 1-based line and column (in bytes) of an element's start tag.
func (d *Document) Place(e *Element) (line, column int) {
	return d.lines.place(d.text, int(e.Offset))
}
