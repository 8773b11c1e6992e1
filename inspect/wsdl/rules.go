package wsdl

import "github.com/umtape/umtape/inspect"

const byWSDL = "the WSDL of --wsdl"

func rule(number string, severity inspect.Severity, summary, reason, source, fix string) inspect.Rule {
	return inspect.Rule{ID: "WSDL" + number, Severity: severity, Summary: summary, Reason: reason, Source: source, Fix: fix}
}

const (
	badMessage = "a server that validates refuses it, and a client made from the WSDL cannot read it"
	makeFit    = "send what the WSDL says, or correct the WSDL if the server does it so"
)

var (
	ruleOperation = rule("01", inspect.Error, "no operation of the WSDL takes this request",
		"the server cannot map it to an operation", byWSDL+" (WSDL 1.1 §2.4, §3.5)", makeFit)
	ruleElsewhere = rule("02", inspect.Note, "the request is for another service, so it is not checked against the WSDL",
		"it is sent elsewhere than where the WSDL has its services, and none of them takes such an element", byWSDL, "none needed; check each service against its own WSDL")
	ruleAnswer = rule("03", inspect.Error, "the Body of the response is not what the operation answers",
		"a client made from the WSDL does not find its answer", byWSDL+" (WSDL 1.1 §2.4, §3.5; WS-I Basic Profile 1.1 R2729)", makeFit)
	ruleLacking = rule("04", inspect.Error, "an element is missing", badMessage, byWSDL+" (XML Schema part 1 §3.4.4)", makeFit)
	ruleStray   = rule("05", inspect.Error, "an element is where none, or another, is allowed", badMessage, byWSDL+" (XML Schema part 1 §3.4.4)", makeFit)
	ruleNoAttr  = rule("06", inspect.Error, "an attribute is missing", badMessage, byWSDL+" (XML Schema part 1 §3.4.4)", makeFit)
	ruleAttr    = rule("07", inspect.Error, "an attribute is not allowed here", badMessage, byWSDL+" (XML Schema part 1 §3.4.4)", makeFit)
	ruleValue   = rule("08", inspect.Error, "a value is not of its type", badMessage, byWSDL+" (XML Schema part 2)", makeFit)
	ruleType    = rule("09", inspect.Error, "xsi:type or xsi:nil is not allowed so, or an abstract type is used",
		badMessage, byWSDL+" (XML Schema part 1 §3.3.4)", "name a type that is derived from the declared one; say xsi:nil where the schema says nillable")
	ruleText   = rule("10", inspect.Error, "text is where only elements are allowed", badMessage, byWSDL+" (XML Schema part 1 §3.4.4)", makeFit)
	ruleAction = rule("11", inspect.Warning, "the SOAPAction is not the operation's",
		"servers that choose by it take the request for another operation", byWSDL+" (WSDL 1.1 §3.4)", "send the soapAction of the binding")
	ruleFault = rule("12", inspect.Note, "the fault's detail is none that the operation declares",
		"it is allowed, but a client made from the WSDL has no type for it", byWSDL+" (WSDL 1.1 §3.6; WS-I Basic Profile 1.1 R2742 allows it)", "declare the fault; one that every operation may give needs no declaration")
	ruleEncoded = rule("13", inspect.Note, "the operation is of use=\"encoded\", whose values are not checked",
		"what SOAP encoding makes of a schema is not what the schema says", "WSDL 1.1 §3.5; WS-I Basic Profile 1.1 R2706 forbids it", "none needed")
	ruleMore = rule("14", inspect.Note, "a message has more findings than are listed",
		"one mistake can make many", "umtape's own limits", "correct those that are listed first")
)

// Rules lists the rules that [Service.Check] may report, by id.
func Rules() []inspect.Rule {
	return []inspect.Rule{ruleOperation, ruleElsewhere, ruleAnswer, ruleLacking, ruleStray, ruleNoAttr, ruleAttr, ruleValue, ruleType, ruleText, ruleAction, ruleFault, ruleEncoded, ruleMore}
}
