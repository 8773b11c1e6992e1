package inspect

// Limits bound what one message may cost to read. The zero value of a field
// means its default. Besides, what would take more than 7 times its size and 2 MiB
// as a tree is not read, so that all that is made of a message stays within 10
// times its size and 4 MiB: as an element takes some 120 bytes, that is for
// messages of the shortest tags, whose elements have less than 17 bytes each.
type Limits struct {
	Bytes      int64 // size of the message; default 16 MiB
	Depth      int   // nested elements; default 64
	Tokens     int   // tags, texts, comments and instructions; default 4,000,000
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
		l.Tokens = 4_000_000
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
