package cassettes

import (
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/umtape/umtape/inspect"
)

// sharedAnswer is an interaction whose answer is the same for all requests. Its
// methods may be called by several goroutines at once, and of nil.
type sharedAnswer struct {
	interaction *Interaction
	header      http.Header // of the answer with its body; not to be changed. nil if each request gets one of its own

	once  sync.Once
	fault string // see faultOf
}

// share makes an answer ready for many requests.
func share(i *Interaction, name string) *sharedAnswer {
	a := &sharedAnswer{interaction: i}
	if len(i.Response.Trailer) == 0 {
		a.header = i.response(&http.Request{Method: http.MethodPost}, name).Header
	}
	return a
}

// response is Interaction.response, nil if that has to make the answer.
func (a *sharedAnswer) response(req *http.Request) *http.Response {
	if a == nil || a.header == nil || !bodyAllowed(req.Method, a.interaction.Response.Code) {
		return nil
	}
	r := &a.interaction.Response
	return &http.Response{
		StatusCode: r.Code, Status: r.Status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        a.header.Clone(),
		Body:          bodyOf(r.Body),
		ContentLength: int64(len(r.Body)),
		Request:       req,
	}
}

// faultOf is Facts.Fault of i's answer, which is a's if that is not nil.
func (a *sharedAnswer) faultOf(i *Interaction, limit int64) string {
	if a == nil {
		return faultOf(i, limit)
	}
	a.once.Do(func() { a.fault = faultOf(i, limit) })
	return a.fault
}

func faultOf(i *Interaction, limit int64) string {
	r := &i.Response
	if !strings.Contains(r.Body, "Fault") && isText([]byte(r.Body)) && r.Headers["Content-Encoding"] == nil {
		return "" // it is none
	}
	h := canonicalHeader(r.Headers)
	m, _ := inspect.ParseBody(h, asUnderstood([]byte(r.Body), h, limit))
	return faultKind(m)
}

// heldBody is the body of an answer that is in memory.
type heldBody struct{ strings.Reader }

func bodyOf(text string) *heldBody {
	b := &heldBody{}
	b.Reset(text)
	return b
}

func (*heldBody) Close() error { return nil }

// hopHeaders belong to one connection (RFC 9110 §7.6.1) and were the
// recording's.
var hopHeaders = []string{"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Transfer-Encoding", "Upgrade"}

// response builds the answer from copies: cassettes are shared by all requests.
func (i *Interaction) response(req *http.Request, name string) *http.Response {
	h := canonicalHeader(i.Response.Headers)
	for _, name := range hopHeaders {
		delete(h, name)
	}
	if !i.challenge() {
		dropProof(h)
	}
	h[HeaderInteraction] = []string{name}
	resp := &http.Response{
		StatusCode: i.Response.Code, Status: i.Response.Status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        h,
		Body:          bodyOf(i.Response.Body),
		ContentLength: int64(len(i.Response.Body)),
		Request:       req,
	}
	switch {
	case !bodyAllowed(req.Method, resp.StatusCode):
		// The recorded length is that of the body which GET would have had.
		resp.Body, resp.ContentLength = http.NoBody, 0
		if n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64); err == nil {
			resp.ContentLength = n
		}
	case len(i.Response.Trailer) > 0:
		resp.Trailer = i.Response.Trailer.Clone()
		resp.ContentLength = -1 // trailers travel with chunks
		h.Del("Content-Length")
	default:
		h["Content-Length"] = []string{strconv.Itoa(len(i.Response.Body))}
	}
	return resp
}
