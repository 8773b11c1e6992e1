package cassettes

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// Hide applies rules to every interaction, as a recording would have, and puts them
// into the header. It returns how many interactions it changed. The error says that
// there are pseudonyms already, which would become pseudonyms of pseudonyms that a
// replay could not tell from those it knows.
func (e *Edit) Hide(r Redaction) (changed int, err error) {
	h := newHider(r)
	if h == nil {
		return 0, nil
	}
	had := RedactionOf(e.Header.Umtape)
	if had.Pseudonymous() {
		return 0, fmt.Errorf("%s: holds pseudonyms already; scrub the recording that it was made of, if there is one", e.Path)
	}
	own := make([][]string, len(e.Records))
	copies := make([]*Interaction, len(e.Records))
	for n, rec := range e.Records {
		copies[n] = rec.Interaction.unpackedCopy()
		own[n] = h.learn(copies[n])
	}
	for n, rec := range e.Records {
		i := copies[n]
		h.write(i, own[n])
		if i.sameAs(rec.Interaction) {
			continue
		}
		e.Records[n] = rec.Changed(i)
		changed++
	}
	for _, name := range had.And(r).Names() {
		if !slices.Contains(e.Header.Umtape.Redact, name) {
			e.Header.Umtape.Redact = append(slices.Clone(e.Header.Umtape.Redact), name)
		}
	}
	return changed, nil
}

// unpackedCopy is an interaction that can be changed, with its bodies as text.
func (i *Interaction) unpackedCopy() *Interaction {
	c := *i
	c.Request.Headers, c.Response.Headers = canonicalHeader(i.Request.Headers), canonicalHeader(i.Response.Headers)
	c.Request.Trailer, c.Response.Trailer = i.Request.Trailer.Clone(), i.Response.Trailer.Clone()
	c.Request.Form = maps.Clone(i.Request.Form)
	for name, values := range c.Request.Form {
		c.Request.Form[name] = slices.Clone(values)
	}
	body := func(body *string, header http.Header, length *int64, encoding *string) {
		if text, packed, whole := keptText(*body, header); packed != "" && whole {
			describeBody(header, len(*body), len(text), packed)
			*body, *length, *encoding = text, int64(len(text)), packed
		}
	}
	body(&c.Request.Body, c.Request.Headers, &c.Request.ContentLength, &c.Umtape.RequestEncoding)
	body(&c.Response.Body, c.Response.Headers, &c.Response.ContentLength, &c.Umtape.ResponseEncoding)
	return &c
}

// sameAs reports whether a cassette would hold both alike.
func (i *Interaction) sameAs(other *Interaction) bool {
	return string(appendRest(nil, i)) == string(appendRest(nil, other))
}
