package cassettes

// Selection returns a cassette of some interactions of others, in that order, redacted
// as a recording is. The interactions given stay as they are.
func Selection(h HeaderMeta, list []*Interaction) *Edit {
	clean := make([]*Interaction, len(list))
	for n, i := range list {
		c := *redactKept(i)
		clean[n] = &c
	}
	e := NewEdit(h)
	e.Add(clean...)
	return e
}

// Bytes is the cassette as it would be saved.
func (e *Edit) Bytes() []byte { return e.bytes(true) }
