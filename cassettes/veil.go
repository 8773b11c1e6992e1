package cassettes

import (
	"net"
	"net/netip"
	"strings"
)

// Veil stands for what is not to be seen.
const Veil = "***"

// Veiled returns a copy of an interaction for people who may not see what the rules
// call sensitive: the same places that a recording would have put pseudonyms in have
// Veil. Credentials that another recorder has left are redacted.
func (r Redaction) Veiled(i *Interaction) *Interaction {
	h := newHider(r)
	if h == nil {
		return i
	}
	c := redactKept(i).unpackedCopy()
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

// VeiledText returns text of an exchange, such as a User-Agent or a reason, for the
// same people: what has a sensitive form, a server's address included, has Veil in its
// place, and so have names that are given because the text may hold them. Without Forms
// it is text as it is.
func (r Redaction) VeiledText(text string, names ...string) string {
	if !r.Forms {
		return text
	}
	veil := func(string) string { return Veil }
	w := rewriter{Redaction: r, gone: redacted, stand: veil, server: veil}
	for _, name := range names {
		if name != "" {
			w.own = append(w.own, name, Veil)
		}
	}
	words := strings.Split(w.free(text, 0), " ")
	for n, word := range words {
		bare := strings.TrimRight(word, ".,:;!?)")
		host, _, err := net.SplitHostPort(bare)
		if err != nil {
			host = bare
		}
		if ip, err := netip.ParseAddr(host); err == nil && !ip.IsLoopback() {
			words[n] = Veil + word[len(bare):]
		}
	}
	return strings.Join(words, " ")
}
