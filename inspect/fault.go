package inspect

import "strings"

// Fault is a SOAP fault of either version (SOAP 1.1 §4.4, SOAP 1.2 part 1 §5.4).
type Fault struct {
	Code     Name   // faultcode, or Code/Value; Space is "" if its prefix is not declared
	Prefix   string // of the code as written
	Resolved bool   // false when the code has a prefix that is not declared
	Subcode  Name   // SOAP 1.2 Code/Subcode/Value
	Reason   string // faultstring, or the first Reason/Text
	Actor    string // faultactor, or Role
	Detail   *Element
}

func readFault(m *Message) *Fault {
	p := m.Payload
	if p.Name.Local != "Fault" || p.Name.Space != m.EnvelopeSpace {
		return nil
	}
	f := &Fault{}
	code := p.Child("faultcode")
	if m.Version == SOAP12 {
		code = p.Child("Code").Child("Value")
		if sub := p.Child("Code").Child("Subcode").Child("Value"); sub != nil {
			f.Subcode, _, _ = sub.ResolveQName(sub.Value())
		}
		f.Reason = p.Child("Reason").Child("Text").Value()
		f.Actor = p.Child("Role").Value()
		f.Detail = p.Child("Detail")
	} else {
		f.Reason = p.Child("faultstring").Value()
		f.Actor = p.Child("faultactor").Value()
		f.Detail = p.Child("detail")
	}
	if code != nil {
		f.Code, f.Prefix, f.Resolved = code.ResolveQName(code.Value())
	}
	return f
}

// Kind names what went wrong in one word: the detail's ExceptionType (the UM
// service), else its ResponseCode (EWS), else the code's local part, subcode
// first (protocol reference, section 5.1). A prefix inside the text is dropped,
// since the specification writes it both ways.
func (f *Fault) Kind() string {
	for _, e := range []string{"ExceptionType", "ResponseCode"} {
		if v := trim(f.Detail.Child(e).Value()); v != "" {
			return v[strings.LastIndexByte(v, ':')+1:]
		}
	}
	if f.Subcode.Local != "" {
		return f.Subcode.Local
	}
	return f.Code.Local
}
