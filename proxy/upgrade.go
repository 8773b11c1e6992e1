package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
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
	idle := x.conn.server.config.Limits.UpgradeIdle
	alarm := time.AfterFunc(idle, func() { client.Close(); upstream.Close() })
	defer alarm.Stop()
	x.conn.switched.Store(true)
	x.conn.waits()
	busy := func() { alarm.Reset(idle); x.conn.touch() }
	var both sync.WaitGroup
	both.Go(func() { relay(upstream, &sniffedConn{Conn: client, ahead: early}, busy) })
	x.bytes = relay(client, upstream, busy)
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
	n, err := io.Copy(dst, busyReader{src, busy})
	if err != nil || closeWrite(dst) != nil {
		dst.Close()
		src.Close()
	}
	return n
}
