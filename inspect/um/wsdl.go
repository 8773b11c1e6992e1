package um

import (
	_ "embed"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// What tools that make clients read of the classic service. No Exchange publishes
// them (section 1.1); they are written from the reference and say no more than that.
var (
	//go:embed um.wsdl
	wsdl string
	//go:embed um.xsd
	schema string
)

// SchemaFile is the name by which the WSDL imports the schema, from beside itself.
const SchemaFile = "um.xsd"

// location is what um.wsdl has as the service's address.
const location = "http://localhost" + Path2007

// WSDL describes the classic service at an address in WSDL 1.1, document/literal.
func WSDL(address string) string {
	return strings.Replace(wsdl, `location="`+location+`"`, `location="`+inspect.Escape(address)+`"`, 1)
}

// Schema is the XML Schema of the classic service's messages.
func Schema() string { return schema }
