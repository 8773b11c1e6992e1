package inspect

// Limits bound what one message may cost to read. The zero value of a field
// means its default. What is in memory of a message is a few times its size, up to 10
// times where it is mostly text or usual elements; one that is nothing but the shortest
// tags takes about 45 times its size, which Tokens bounds.
type Limits struct {
	Bytes      int64 // size of the message; default 16 MiB
	Depth      int   // nested elements; default 64
	Tokens     int   // tags, texts, comments and instructions; default 1,000,000
	Attributes int   // on one element, namespace declarations counted; default 256
	Name       int   // bytes in one name with its prefix, or in one namespace URI; default 4096
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
	if l.Name <= 0 {
		l.Name = 4096
	}
	return l
}

// maxWhole is the longest message that [ParseBody] reads: its bytes are in
// memory already, so the default of [Limits] would save nothing.
const maxWhole = 64 << 20

// limitsFor are the limits for a body that is there as a whole.
func limitsFor(body []byte) Limits {
	l := Limits{}.withDefaults()
	l.Bytes = max(l.Bytes, min(int64(len(body)), maxWhole))
	return l
}
