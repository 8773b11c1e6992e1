package cassettes

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"

	"gopkg.in/dnaeon/go-vcr.v3/cassette"

	"github.com/umtape/umtape/inspect"
)

// interaction makes what is kept out of copies; the live exchange stays as it
// is. It returns what the response says, too.
func (x *exchange) interaction(respBody []byte, whole bool, note string) (*Interaction, reading) {
	req, resp, limit := x.request, x.response, x.options.MaxBody
	i := &Interaction{}
	sent := plainText(x.body.body, x.body.whole, x.requestHeader, limit)
	got := plainText(respBody, whole, x.responseHeader, limit)

	i.Umtape = Meta{
		Arrived:         x.arrived,
		RequestEncoding: sent.encoding, ResponseEncoding: got.encoding,
		Truncated: truncated(sent.whole, got.whole),
		Note:      cmp.Or(note, sent.note, got.note),
	}
	request := x.read(sent.text, x.requestHeader)
	x.requestErr = request.problem
	x.unread = !sent.whole || errors.Is(request.problem, inspect.ErrTooLarge)
	x.maybeSOAP = x.unread && (len(sent.text) == 0 || looksSOAP(sent.text))
	// A response is read always: whether it is a fault is counted, and only it
	// knows the id of a new call.
	response := x.read(got.text, x.responseHeader)
	i.Umtape.Operation, i.Umtape.Call = request.operation, cmp.Or(request.call, response.call)
	describeBody(x.requestHeader, len(x.body.body), len(request.text), sent.encoding)
	describeBody(x.responseHeader, len(respBody), len(response.text), got.encoding)

	i.Request = cassette.Request{
		Proto: cmp.Or(req.Proto, "HTTP/1.1"), ProtoMajor: cmp.Or(req.ProtoMajor, 1), ProtoMinor: req.ProtoMinor,
		ContentLength:    int64(len(request.text)),
		TransferEncoding: req.TransferEncoding,
		Trailer:          keptTrailer(req.Trailer),
		Host:             redactHost(hostOf(req)),
		Body:             request.text,
		Headers:          x.requestHeader,
		URL:              redactURL(req.URL.String()),
		Method:           req.Method,
	}
	i.Response = cassette.Response{
		Proto: resp.Proto, ProtoMajor: resp.ProtoMajor, ProtoMinor: resp.ProtoMinor,
		TransferEncoding: resp.TransferEncoding,
		Trailer:          keptTrailer(resp.Trailer),
		ContentLength:    int64(len(response.text)),
		Body:             response.text,
		Headers:          x.responseHeader,
		Status:           redactURL(resp.Status), // some carry a URL (PROTOCOL.md, section 5.6)
		Code:             resp.StatusCode,
		Duration:         x.facts.Upstream,
	}
	if x.hider != nil {
		x.hider.hide(i)
	}
	return i, response
}

// textOf returns a body as a string, that of the message if it is the same.
func textOf(body []byte, m *inspect.Message) string {
	if m != nil {
		if s := m.Text(); s == string(body) {
			return s
		}
	}
	return string(body)
}

// keptTrailer is redactHeader for what is mostly not there.
func keptTrailer(h http.Header) http.Header {
	if len(h) == 0 {
		return nil
	}
	return redactHeader(h)
}

// describeBody makes a kept header fit the kept body: one that was unpacked has
// no encoding any more, and a length that was stated is that of what is kept,
// unless it is that of a body which never came, as in the answer to HEAD.
func describeBody(h http.Header, wire, kept int, encoding string) {
	if encoding != "" {
		h.Del("Content-Encoding")
	}
	if h.Get("Content-Length") != "" && (encoding != "" || wire != kept) {
		h.Set("Content-Length", fmt.Sprint(kept))
	}
}

func hostOf(req *http.Request) string {
	if req.Host != "" {
		return req.Host
	}
	return req.URL.Host
}

func truncated(request, response bool) string {
	switch {
	case !request && !response:
		return "both"
	case !request:
		return "request"
	case !response:
		return "response"
	}
	return ""
}
