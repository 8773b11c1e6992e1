package um

import (
	"slices"

	"github.com/umtape/umtape/inspect"
)

// besideOperations are sensitive places that no row of [Operations] has: what SOAP
// headers of Exchange say of a user (section 1.2), and the rest of an item's
// identifier.
var besideOperations = []string{
	"ItemId/@ChangeKey", "ConnectingSID/PrincipalName", "ConnectingSID/SID", "ConnectingSID/PrimarySmtpAddress", "ConnectingSID/SmtpAddress",
	"Mailbox/EmailAddress", "Mailbox/Name",
}

// sensitiveHeaders name servers or users (section 4.6).
var sensitiveHeaders = []string{
	"X-FEServer", "X-BEServer", "X-TargetBEServer", "X-CalculatedBETarget", "X-CalculatedFETarget", "X-DiagInfo", "X-AnchorMailbox",
	"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Server", "X-Real-IP", "Via", "Host",
}

// sensitive lists the places of the fields that the table marks sensitive, those of
// a response's own value included, and besideOperations.
func sensitive() []inspect.Selector {
	var list []inspect.Selector
	add := func(place string) {
		s, err := inspect.ParseSelector(place)
		if err != nil {
			panic(err) // the table has a name that is none
		}
		if !slices.ContainsFunc(list, func(had inspect.Selector) bool { return had.String() == place }) {
			list = append(list, s)
		}
	}
	for _, op := range Operations {
		for _, f := range op.Request {
			if f.Sensitive {
				add(f.place(f.Name))
			}
		}
		for _, f := range op.Response {
			switch {
			case !f.Sensitive:
			case op.Answer == Value:
				add(op.Name + "Response")
			default:
				add(f.place(f.Name))
			}
		}
	}
	for _, place := range besideOperations {
		add(place)
	}
	return list
}

// place is where the field's text is, in an element of that name.
func (f Field) place(name string) string {
	if f.ID {
		return name + "/@Id"
	}
	return name
}
