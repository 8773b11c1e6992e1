package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync"
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
	var both sync.WaitGroup
	both.Go(func() { relay(upstream, &sniffedConn{Conn: client, ahead: early}) })
	x.bytes = relay(client, upstream)
	both.Wait()
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

// relay copies until src ends, and says so to dst: by half of a close if it can,
// by a whole one if it cannot or if either side failed.
func relay(dst io.WriteCloser, src io.ReadCloser) int64 {
	n, err := io.Copy(dst, struct{ io.Reader }{src})
	if err != nil || closeWrite(dst) != nil {
		dst.Close()
		src.Close()
	}
	return n
}
