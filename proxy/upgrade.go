package proxy

import (
	"errors"
	"io"
	"net/http"
)

// switchProtocols passes the server's 101 on and then bytes both ways until both
// sides have ended. Unlike goproxy it takes any protocol, lets one side end
// before the other, and closes the client's connection.
func (x *exchange) switchProtocols(resp *http.Response) *http.Response {
	upstream, ok := resp.Body.(io.ReadWriteCloser)
	if !ok || x.upgrade == "" {
		resp.Body.Close()
		return x.fail(errors.New("the server switched protocols although it was not asked to"))
	}
	defer upstream.Close()
	if x.body != nil && !x.body.settle(false, func() {}) {
		return x.fail(errors.New("the server switched protocols before it had the whole request"))
	}
	client, buffered, err := http.NewResponseController(x.ResponseWriter).Hijack()
	if err != nil {
		return x.fail(err)
	}
	defer client.Close()
	x.switched, x.status = true, resp.StatusCode
	if err := writeSwitch(client, resp); err != nil {
		x.clientErr = err
		return afterSwitch(resp)
	}
	early, _ := buffered.Peek(buffered.Reader.Buffered())
	_, x.bytes = x.conn.server.join(x.conn, &sniffedConn{Conn: client, ahead: early}, upstream)
	return afterSwitch(resp)
}

// afterSwitch leaves goproxy nothing to do.
func afterSwitch(resp *http.Response) *http.Response {
	return &http.Response{StatusCode: resp.StatusCode, Header: http.Header{}, Body: http.NoBody, Request: resp.Request}
}

func writeSwitch(w io.Writer, resp *http.Response) error {
	h := resp.Header.Clone()
	upgrade := h["Upgrade"]
	cleanHop(h)
	h["Connection"], h["Upgrade"] = []string{"Upgrade"}, upgrade
	// http.Response.Write would add a length and close the connection.
	if _, err := io.WriteString(w, "HTTP/1.1 101 Switching Protocols\r\n"); err != nil {
		return err
	}
	if err := h.Write(w); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\r\n")
	return err
}

// busyReader calls busy for whatever it reads.
type busyReader struct {
	io.Reader
	busy func()
}

func (b busyReader) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.busy()
	return n, err
}

// relay copies until src ends, and says so to dst: by half of a close if it can,
// by a whole one if it cannot or if either side failed.
func relay(dst io.WriteCloser, src io.ReadCloser, busy func()) int64 {
	n, err := copyIdle(dst, busyReader{src, busy})
	if err != nil || closeWrite(dst) != nil {
		dst.Close()
		src.Close()
	}
	return n
}

// copyIdle is io.Copy with a small buffer while little comes: most tunnels are
// idle most of the time, and there may be thousands.
func copyIdle(dst io.Writer, src io.Reader) (written int64, err error) {
	small := make([]byte, 1<<10)
	var large *copyBuffer // borrowed while more comes than fits
	defer func() {
		if large != nil {
			copyBuffers.Put(large)
		}
	}()
	for {
		buffer := small
		if large != nil {
			buffer = large[:]
		}
		n, err := src.Read(buffer)
		if n > 0 {
			w, err := dst.Write(buffer[:n])
			written += int64(w)
			if err != nil {
				return written, err
			}
		}
		switch {
		case err == io.EOF:
			return written, nil
		case err != nil:
			return written, err
		case large == nil && n == len(small):
			large = copyBuffers.Get().(*copyBuffer)
		case large != nil && n < len(large):
			copyBuffers.Put(large)
			large = nil
		}
	}
}
