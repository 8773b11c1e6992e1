package cassettes

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/umtape/umtape/cassettes/captures"
	"github.com/umtape/umtape/inspect"
)

// Import makes an interaction of an exchange that another tool has captured, as a
// Recorder would have kept it: redacted, unpacked, with operation and call. wanted
// says whether the options keep it. x.Response must be set.
func Import(x *captures.Exchange, o RecordOptions) (i *Interaction, wanted bool) {
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	request, requestWhole := atMost(x.RequestBody, o.MaxBody)
	response, responseWhole := atMost(x.ResponseBody, o.MaxBody)
	e := &exchange{
		recording:      &recording{Recorder: &Recorder{options: o}},
		request:        x.Request,
		response:       x.Response,
		body:           keptBody{request, requestWhole && !x.RequestCut},
		arrived:        x.Started,
		requestHeader:  redactHeader(x.Request.Header),
		responseHeader: redactHeader(x.Response.Header),
	}
	if !e.arrived.IsZero() {
		e.arrived = e.arrived.UTC()
	}
	e.facts.Upstream = x.Took
	i, answer := e.interaction(response, responseWhole && !x.ResponseCut, x.Note)
	m := &i.Umtape
	m.AuthLegs = x.AuthLegs
	m.RequestEncoding, m.ResponseEncoding = cmp.Or(m.RequestEncoding, x.RequestEncoding), cmp.Or(m.ResponseEncoding, x.ResponseEncoding)
	if m.Truncated != "" {
		m.Note = cmp.Or(m.Note, "it was not whole where it was imported from, or longer than what is kept")
	}
	return i, e.wanted(i, answer.soap)
}

func atMost(body []byte, limit int64) ([]byte, bool) {
	if int64(len(body)) > limit {
		return body[:limit], false
	}
	return body, true
}

// Capture returns the interaction as other tools keep it. Credentials that another
// recorder has left in it are redacted.
func (i *Interaction) Capture() (*captures.Exchange, error) {
	i = redactKept(i)
	u, err := url.Parse(i.Request.URL)
	if err != nil {
		return nil, errors.New("the URL of its request cannot be read; put it right in the cassette")
	}
	q, p, m := &i.Request, &i.Response, &i.Umtape
	request := &http.Request{
		Method: cmp.Or(q.Method, http.MethodGet), URL: u, Host: cmp.Or(q.Host, u.Host),
		Proto: cmp.Or(q.Proto, "HTTP/1.1"), ProtoMajor: cmp.Or(q.ProtoMajor, 1), ProtoMinor: q.ProtoMinor,
		Header: canonicalHeader(q.Headers), TransferEncoding: q.TransferEncoding,
	}
	if q.Proto == "" {
		request.ProtoMinor = 1
	}
	response := &http.Response{
		Status: p.Status, StatusCode: p.Code,
		Proto: cmp.Or(p.Proto, "HTTP/1.1"), ProtoMajor: cmp.Or(p.ProtoMajor, 1), ProtoMinor: p.ProtoMinor,
		Header: canonicalHeader(p.Headers), TransferEncoding: p.TransferEncoding,
	}
	return &captures.Exchange{
		Request: request, RequestBody: []byte(q.Body), Response: response, ResponseBody: []byte(p.Body),
		Started: m.Arrived, Took: p.Duration, AuthLegs: m.AuthLegs, Note: m.Note,
		RequestEncoding: m.RequestEncoding, ResponseEncoding: m.ResponseEncoding,
		RequestCut:  m.Truncated == "request" || m.Truncated == "both",
		ResponseCut: m.Truncated == "response" || m.Truncated == "both",
	}, nil
}

// Add appends interactions, with the ids that follow.
func (e *Edit) Add(list ...*Interaction) {
	next := 0
	for _, r := range e.Records {
		next = max(next, r.ID+1)
	}
	for _, i := range list {
		i.ID = next
		next++
		e.Records = append(e.Records, Record{Interaction: i})
	}
}

// NewEdit returns a cassette without records that is to be saved with [Edit.SaveAs],
// for interactions of [Import].
func NewEdit(h HeaderMeta) *Edit {
	h.Format = format
	return &Edit{Cassette: &Cassette{Header: Header{Umtape: h}, rewrite: true}}
}

// Turns tells of each interaction, in the order of the cassette, to which of several
// requests that say the same a replay answers with it: 1 is the first. 0 is for one
// that never answers, such as a challenge before an answer.
func (c *Cassette) Turns() []int {
	marks := marks{}
	marks.add(hold(c, Matching{}).marks)
	x := newIndex(marks, RepeatLast)
	turns, had := make([]int, marks.len), map[key]int{}
	for n := range marks.len {
		k := marks.at(n).key()
		if f, ok := x.take(k, false); ok && !f.again {
			had[k]++
			turns[f.n] = had[k]
		}
	}
	return turns
}

// Redacted tells, in words, where something was redacted.
func (i *Interaction) Redacted() []string {
	i = redactKept(i)
	var places []string
	look := func(of, url, body string, h map[string][]string) {
		if strings.Contains(url, redacted) {
			places = append(places, of+" URL")
		}
		var names []string
		for name, values := range h {
			if strings.Contains(strings.Join(values, " "), redacted) {
				names = append(names, of+" header "+name)
			}
		}
		slices.Sort(names)
		places = append(places, names...)
		if strings.Contains(body, redacted) {
			places = append(places, of+" body")
		}
	}
	look("request", i.Request.URL, i.Request.Body, i.Request.Headers)
	look("response", "", i.Response.Body, i.Response.Headers)
	return places
}

// WriteFile puts a file in place at one stroke, mode 0600. One that is there is an
// error that wraps os.ErrExist, unless force is set, and then is replaced.
func WriteFile(path string, data []byte, force bool) error {
	return writeWhole(path, writes(data), force)
}

// IsSOAP reports whether an interaction is one that a [Recorder] keeps unless told
// otherwise.
func IsSOAP(i *Interaction) bool {
	x := inspect.Read(i.Exchange())
	return i.Umtape.Operation != "" || x.Request.Operation() != "" || x.Response != nil || inspect.ClaimsSOAP(canonicalHeader(i.Request.Headers))
}
