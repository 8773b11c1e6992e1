package inspect

// Limits bound what one message may cost to read. The zero value of a field
// means its default.
type Limits struct {
	Bytes      int64 // size of the message; default 16 MiB
	Depth      int   // nested elements; default 64
	Tokens     int   // tags, texts, comments and instructions; default 1,000,000
	Attributes int   // on one element, namespace declarations counted; default 256
}

func (l Limits) withDefaults() Limits {
	if l.Bytes <= 0 {
		l.Bytes = 16 << 20
	}
	if l.Depth <= 0 {
		l.Depth = 64
	}
	if l.Tokens <= 0 {
		l.Tokens = 1_000_000
	}
	if l.Attributes <= 0 {
		l.Attributes = 256
	}
	return l
}
