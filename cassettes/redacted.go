package cassettes

import (
	"reflect"
	"strings"
)

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
	clean.Request.Host = redactHost(i.Request.Host)
	clean.Umtape.Note = redactValue(i.Umtape.Note, 1)
	changed := !sameHeader(clean.Request.Headers, request) || !sameHeader(clean.Response.Headers, response) ||
		!sameHeader(clean.Request.Trailer, canonicalHeader(i.Request.Trailer)) || !sameHeader(clean.Response.Trailer, canonicalHeader(i.Response.Trailer)) ||
		clean.Request.URL != i.Request.URL || clean.Request.RequestURI != i.Request.RequestURI || clean.Response.Status != i.Response.Status ||
		clean.Request.Host != i.Request.Host || clean.Umtape.Note != i.Umtape.Note
	for name, values := range i.Request.Form {
		if clean.Request.Form == nil {
			clean.Request.Form = map[string][]string{}
		}
		kept := make([]string, len(values))
		for n, v := range values {
			kept[n] = redactField(name, v)
			changed = changed || kept[n] != v
		}
		clean.Request.Form[name] = kept
	}
	whole := [2]bool{true, true} // request, response
	body := func(kept *string, h map[string][]string, encoding *string, whole *bool, describe func(wire, kept int, encoding string)) {
		text, packed, all := keptText(*kept, h)
		if out := redactString(text, h); out != text {
			describe(len(*kept), len(out), packed)
			*kept, *whole, changed = out, all, true
			if packed != "" {
				*encoding = packed
			}
		}
	}
	body(&clean.Request.Body, request, &clean.Umtape.RequestEncoding, &whole[0], func(wire, kept int, encoding string) {
		describeBody(clean.Request.Headers, wire, kept, encoding)
		clean.Request.ContentLength = int64(kept)
	})
	body(&clean.Response.Body, response, &clean.Umtape.ResponseEncoding, &whole[1], func(wire, kept int, encoding string) {
		describeBody(clean.Response.Headers, wire, kept, encoding)
		clean.Response.ContentLength = int64(kept)
	})
	if !changed {
		return i
	}
	if clean.Umtape.Truncated == "" && (!whole[0] || !whole[1]) {
		clean.Umtape.Truncated = truncated(whole[0], whole[1])
		clean.Umtape.Note = "it could not be unpacked to its end to be redacted; what could is kept"
	}
	return &clean
}

// keptText is a body of a cassette as redaction reads it: unpacked if it can be, and
// whether that is all of it. What was kept unpacked under a header that still says
// otherwise, as some recorders do, is itself.
func keptText(body string, h map[string][]string) (text, packed string, whole bool) {
	packed = contentEncoding(h)
	if packed == "" || body == "" {
		return body, "", true
	}
	b, whole := unpack([]byte(body), packed, DefaultMaxBody)
	if len(b) == 0 {
		return body, "", true
	}
	return string(b), packed, whole
}

// redactField returns the value of a form's field as it is kept.
func redactField(name, value string) string {
	if value == "" {
		return value
	}
	if secretName(name) || secretParameter(name, value) {
		return redacted
	}
	return redactValue(value, 1)
}

// redactHost takes user and password out of a host. There are none in a good one.
func redactHost(host string) string {
	if at := strings.LastIndexByte(host, '@'); at >= 0 && host[:at] != redacted {
		return redacted + host[at:]
	}
	return host
}

func sameHeader(a, b map[string][]string) bool {
	return len(a) == 0 && len(b) == 0 || reflect.DeepEqual(a, b)
}
