package cassettes

import "reflect"

// redactKept returns an interaction as umtape would have kept it: its
// credentials redacted, its bodies unpacked where that takes reading them. The
// one given stays as it is; it is returned itself if it holds no credential.
func redactKept(i *Interaction) *Interaction {
	clean := *i
	request, response := canonicalHeader(i.Request.Headers), canonicalHeader(i.Response.Headers)
	clean.Request.Headers, clean.Response.Headers = redactHeader(request), redactHeader(response)
	clean.Request.Trailer, clean.Response.Trailer = redactHeader(i.Request.Trailer), redactHeader(i.Response.Trailer)
	clean.Request.URL = redactURL(i.Request.URL)
	clean.Request.RequestURI = redactURL(i.Request.RequestURI)
	clean.Request.Form = nil
	clean.Response.Status = redactURL(i.Response.Status)
	changed := !sameHeader(clean.Request.Headers, request) || !sameHeader(clean.Response.Headers, response) ||
		!sameHeader(clean.Request.Trailer, canonicalHeader(i.Request.Trailer)) || !sameHeader(clean.Response.Trailer, canonicalHeader(i.Response.Trailer)) ||
		clean.Request.URL != i.Request.URL || clean.Request.RequestURI != i.Request.RequestURI || clean.Response.Status != i.Response.Status
	for name, values := range i.Request.Form {
		if secretName(name) {
			changed = true
			continue
		}
		if clean.Request.Form == nil {
			clean.Request.Form = map[string][]string{}
		}
		clean.Request.Form[name] = values
	}
	body := func(kept *string, h map[string][]string, encoding *string, describe func(wire, kept int, encoding string)) {
		text := []byte(*kept)
		packed := contentEncoding(h)
		if packed != "" {
			text, _ = unpack(text, packed, DefaultMaxBody)
		}
		if out := redactBody(text, h); string(out) != string(text) {
			describe(len(*kept), len(out), packed)
			*kept, changed = string(out), true
			if packed != "" {
				*encoding = packed
			}
		}
	}
	body(&clean.Request.Body, request, &clean.Umtape.RequestEncoding, func(wire, kept int, encoding string) {
		describeBody(clean.Request.Headers, wire, kept, encoding)
		clean.Request.ContentLength = int64(kept)
	})
	body(&clean.Response.Body, response, &clean.Umtape.ResponseEncoding, func(wire, kept int, encoding string) {
		describeBody(clean.Response.Headers, wire, kept, encoding)
		clean.Response.ContentLength = int64(kept)
	})
	if !changed {
		return i
	}
	return &clean
}

func sameHeader(a, b map[string][]string) bool {
	return len(a) == 0 && len(b) == 0 || reflect.DeepEqual(a, b)
}
