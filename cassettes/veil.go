package cassettes

// Veil stands for what is not to be seen.
const Veil = "***"

// Veiled returns a copy of an interaction for people who may not see what the rules
// call sensitive: the same places that a recording would have put pseudonyms in have
// Veil.
func (r Redaction) Veiled(i *Interaction) *Interaction {
	h := newHider(r)
	if h == nil {
		return i
	}
	c := i.unpackedCopy()
	h.peek(c.Request.Headers)
	h.peek(c.Response.Headers)
	own := h.learn(c)
	veil := func(string) string { return Veil }
	pairs := make([]string, 0, 2*len(own))
	for _, v := range own {
		pairs = append(pairs, v, Veil)
	}
	h.rewrite(c, rewriter{Redaction: r, gone: redacted, stand: veil, server: veil, own: pairs,
		known: func(word string) (string, bool) {
			_, known := h.names.lookUp(word)
			return Veil, known
		}})
	if c.Umtape.Call != "" {
		c.Umtape.Call = Veil
	}
	return c
}
