package inspect

import (
	"strings"

	"github.com/beevik/etree"
)

// Pretty returns an XML message indented for people, with its values as they
// are; white space between elements is all that differs. A body that is not XML
// comes back as [Text].
func Pretty(body []byte) string {
	_, text, err := parseTree(body, Limits{})
	if err != nil {
		return Text(body)
	}
	doc := etree.NewDocument()
	doc.ReadSettings.CharsetReader = passCharset
	doc.ReadSettings.PreserveCData = true
	if err := doc.ReadFromBytes(text); err != nil {
		return Text(body)
	}
	doc.Indent(2)
	out, err := doc.WriteToString()
	if err != nil {
		return Text(body)
	}
	return strings.TrimRight(out, "\n")
}
