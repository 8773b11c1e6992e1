package cassettes_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
)

// Where is the CallId of the first request?
func ExampleText_Places() {
	c, text, err := cassettes.LoadText("../testdata/rules/UM010/pass.yaml")
	if err != nil {
		log.Fatal(err)
	}
	at := strings.Index(c.Interactions[0].Request.Body, "<CallId>")
	places := text.Places(0, []inspect.Finding{
		{Part: "request", Pos: at + 1},
		{Part: "request", Header: "SOAPAction"},
		{Part: "response"},
	})
	for _, p := range places {
		fmt.Printf("%d:%d\n", p.Line, p.Column)
	}
	// Output:
	// 10:19
	// 18:19
	// 22:9
}
