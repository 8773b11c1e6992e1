package inspect

// Profile is what is known of one service, as data and small functions that
// other packages take without knowing the service.
type Profile struct {
	// Name identifies the profile in a cassette's header: "um".
	Name string

	// CallID returns the identifier of the call that a message belongs to,
	// verbatim, or "" if it carries none.
	CallID func(m *Message) string

	// Check lists what is wrong or odd with one exchange.
	Check func(r *Reading) []Finding

	// Sensitive are the places in messages whose text names a person, a number or an
	// internal server, and SensitiveHeaders the headers whose values do. A message is
	// searched as a whole, its Header included.
	Sensitive        []Selector
	SensitiveHeaders []string

	// Rules lists every rule that Check may report, by id.
	Rules []Rule
}

// CallOf returns the identifier of the call an exchange belongs to: the one in
// the request, else the one that the response hands out, else "".
func (p Profile) CallOf(request, response *Message) string {
	if p.CallID == nil {
		return ""
	}
	for _, m := range []*Message{request, response} {
		if m == nil {
			continue
		}
		if id := p.CallID(m); id != "" {
			return id
		}
	}
	return ""
}
