package cassettes

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// Otherwise returns a RoundTripper that answers from the cassettes what they can
// answer, and has next answer everything else: with a [Recorder] before it, that is how
// new episodes are added to a cassette. Nothing is a miss then. It serves one client
// connection, as next does.
func (p *Player) Otherwise(next http.RoundTripper) http.RoundTripper {
	return &otherwise{p, next}
}

type otherwise struct {
	player *Player
	next   http.RoundTripper
}

func (o *otherwise) RoundTrip(req *http.Request) (*http.Response, error) {
	limit := o.player.options.Match.maxBody()
	if req.Body == nil || req.Body == http.NoBody {
		return o.player.answer(req, nil, false, func() (*http.Response, error) { return o.next.RoundTrip(req) })
	}
	body, err := readUpTo(req.Body, limit+1, req.ContentLength)
	if err != nil {
		closeBody(req)
		return nil, fmt.Errorf("reading the client's request: %w", err)
	}
	over := int64(len(body)) > limit
	passed := false
	resp, err := o.player.answer(req, body, over, func() (*http.Response, error) {
		passed = true
		again := req.WithContext(req.Context()) // a copy whose body may be replaced
		if over {
			again.Body = readCloser{io.MultiReader(bytes.NewReader(body), req.Body), req.Body}
		} else {
			whole := &wholeBody{Closer: req.Body}
			whole.Reset(body)
			again.Body = whole
			again.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		}
		return o.next.RoundTrip(again)
	})
	if !passed {
		closeBody(req)
	}
	return resp, err
}

// CloseIdleConnections closes those of what is behind.
func (o *otherwise) CloseIdleConnections() {
	if c, ok := o.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
