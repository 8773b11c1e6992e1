package inspect_test

import (
	"fmt"

	"github.com/umtape/umtape/inspect"
)

func message(body string) *inspect.Message {
	m, err := inspect.Parse([]byte(`<s:Envelope xmlns:s="` + inspect.SOAP11NS + `"><s:Body>` + body + `</s:Body></s:Envelope>`))
	if err != nil {
		panic(err)
	}
	return m
}

func ExampleDiffShapes() {
	before := inspect.ShapeOfMessage(message(`<Found><item id="1"><price>2.50</price></item></Found>`))
	after := inspect.ShapeOfMessage(message(`<Found><item id="A-1"><price>2</price><note>x</note></item></Found>`))
	for _, d := range inspect.DiffShapes(before, after) {
		fmt.Println(d)
	}
	// Output:
	// ~ Body/Found/item/@id: text, was integer
	// ~ Body/Found/item/price: integer, was decimal
	// + Body/Found/item/note (text)
}

func ExampleContract() {
	var seen inspect.Shapes
	key := inspect.ShapeKey{Operation: inspect.Name{Local: "Find"}, Response: true, Version: inspect.SOAP11}
	seen.Add(key, message(`<Found><item id="1"/></Found>`), inspect.ShapeIn{File: "calls.yaml", ID: 0})
	seen.Add(key, message(`<Found/>`), inspect.ShapeIn{File: "calls.yaml", ID: 1})

	contract := inspect.NewContract(seen.Groups())
	for _, f := range contract.Check(key, message(`<Found><item id="2"/><item/></Found>`), "response") {
		fmt.Println(f.Rule.ID, f.Path, f.Message)
	}
	// Output:
	// SHAPE03 Body/Found/item/@id @id is missing
	// SHAPE04 Body/Found/item item is there 2 times; the contract says 0..1
}

func ExampleCallsOf() {
	step := func(role inspect.Role, operation, state string) inspect.Step {
		return inspect.Step{Role: role, Operation: operation, Call: "42", State: state}
	}
	calls := inspect.CallsOf([]inspect.Moment{
		{ID: 0, Step: step(inspect.Starts, "PlayOnPhone", "")},
		{ID: 1, Step: step(inspect.Polls, "GetCallInfo", "Connected")},
		{ID: 2, Step: step(inspect.Ends, "Disconnect", "")},
		{ID: 3, Step: step(inspect.Ends, "Disconnect", "")},
	})
	for _, c := range calls {
		fmt.Println("started by interaction", c.Moments[c.Start].ID, "ended by", c.Moments[c.End].ID)
		for _, i := range c.Late {
			fmt.Println("used after its end by", c.Moments[i].ID)
		}
	}
	// Output:
	// started by interaction 0 ended by 2
	// used after its end by 3
}
