package cassettes

import (
	"net/http"

	"github.com/umtape/umtape/inspect"
)

// Exchange returns the interaction as package inspect reads it.
func (i *Interaction) Exchange() inspect.Exchange {
	return inspect.Exchange{
		Method:         i.Request.Method,
		URL:            i.Request.URL,
		RequestHeader:  canonicalHeader(i.Request.Headers),
		RequestBody:    []byte(i.Request.Body),
		Status:         i.Response.Code,
		ResponseHeader: canonicalHeader(i.Response.Headers),
		ResponseBody:   []byte(i.Response.Body),
		Started:        i.Umtape.Arrived,
		Took:           i.Response.Duration,
		Truncated:      i.Umtape.Truncated != "",
	}
}

// canonicalHeader returns a copy of h under canonical names, since cassettes of
// others may spell them freely.
func canonicalHeader(h http.Header) http.Header {
	out := make(http.Header, len(h))
	n := 0
	for _, values := range h {
		n += len(values)
	}
	all := make([]string, 0, n) // the values of all names
	for name, values := range h {
		name = http.CanonicalHeaderKey(name)
		if out[name] != nil || len(values) == 0 { // in another spelling, or nothing
			out[name] = append(out[name], values...)
			continue
		}
		from := len(all)
		all = append(all, values...)
		out[name] = all[from:len(all):len(all)]
	}
	return out
}
