package cassettes

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

// teed returns the response with a body that keeps a copy of what is read
// through it, and appends the interaction before the end of it is seen.
func (x *exchange) teed() (*http.Response, error) {
	resp := x.response
	switch {
	case resp.StatusCode == http.StatusSwitchingProtocols:
		// The body is the connection itself from here on.
		if err := x.keep(nil, false, "switched to another protocol"); err != nil {
			resp.Body.Close()
			return tapeLoss(x.request, err), nil
		}
		return resp, nil
	case !hasBody(x.request, resp):
		if err := x.keep(nil, true, ""); err != nil {
			resp.Body.Close()
			return tapeLoss(x.request, err), nil
		}
		return resp, nil
	}
	// In place, not in a copy: net/http puts trailers into this very response.
	x.tee.from, x.tee.left = resp.Body, resp.ContentLength
	resp.Body = &x.tee
	return resp, nil
}

// hasBody reports whether bytes may follow the response's header (RFC 9112
// §6.3). If none can, its header already is the whole answer.
func hasBody(req *http.Request, resp *http.Response) bool {
	return req.Method != http.MethodHead && resp.StatusCode != http.StatusNoContent &&
		resp.StatusCode != http.StatusNotModified && resp.ContentLength != 0 && resp.Body != nil
}

// teeBody is the body of a response on its way to the client. It keeps at most
// the limit; it delivers everything.
type teeBody struct {
	x    *exchange
	from io.ReadCloser
	left int64 // bytes still to come by Content-Length; negative if not stated

	mu   sync.Mutex // Close may come from another goroutine than Read
	copy []byte
	over bool // more than the limit has passed
	done bool // the exchange is on tape, or has failed to get there
	err  error
}

// Read passes bytes on. When they are the last ones, by Content-Length or by
// the end of the stream, the exchange is appended to the tape before they are
// returned.
func (b *teeBody) Read(p []byte) (int, error) {
	// Held while the server is read from: Close unblocks that first.
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done {
		if b.err != nil {
			return 0, b.err
		}
		return b.from.Read(p)
	}
	n, err := b.from.Read(p)
	b.keep(p[:n])
	if b.left >= 0 {
		b.left -= int64(n)
	}
	switch {
	case err == io.EOF || b.left == 0:
		if ferr := b.finish(""); ferr != nil {
			return 0, ferr
		}
	case err != nil:
		note := "the server's answer broke off"
		if b.x.request.Context().Err() != nil {
			note = "the client went away"
		}
		if ferr := b.finish(note); ferr != nil {
			return 0, ferr
		}
		b.err = err
	}
	return n, err
}

// Len passes on how much of the body is in memory and all that is to come; it is
// negative if more may have to be waited for.
func (b *teeBody) Len() int {
	if held, ok := b.from.(interface{ Len() int }); ok {
		return held.Len()
	}
	return -1
}

// Awaited passes on what the body of the server says of itself: whether the next
// Read may have to wait. A proxy does not hold the header back for such a body.
func (b *teeBody) Awaited() bool {
	a, ok := b.from.(interface{ Awaited() bool })
	return ok && a.Awaited()
}

func (b *teeBody) keep(p []byte) {
	room := b.x.options.MaxBody - int64(len(b.copy))
	if int64(len(p)) > room {
		b.over = true
		p = p[:max(room, 0)]
	}
	if b.copy == nil && len(p) > 0 {
		b.copy = make([]byte, 0, max(min(b.left, b.x.options.MaxBody, maxAhead), int64(len(p))))
	}
	b.copy = append(b.copy, p...)
}

// finish appends the exchange, once. note says why the body is not whole.
func (b *teeBody) finish(note string) error {
	if b.done {
		return b.err
	}
	b.done = true
	whole := note == "" && !b.over
	if b.over && note == "" {
		note = longBody
	}
	b.err = b.x.keep(b.copy, whole, note)
	b.copy = nil
	return b.err
}

// longBody is why a body is not kept whole when it came whole.
const longBody = "longer than what is kept of a body"

// Close ends the exchange: one whose body was not read to its end is kept
// truncated, since the server has acted on it all the same.
func (b *teeBody) Close() error {
	err := b.from.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done {
		return err
	}
	return errors.Join(err, b.finish("the client went away"))
}

// tapeLoss is the answer when an exchange has happened and could not be kept.
func tapeLoss(req *http.Request, err error) *http.Response {
	return refusal(req, http.StatusServiceUnavailable, "umtape sent this request and the server answered it, but the exchange could not be recorded: "+err.Error(), "")
}
