package proxy

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// bodyLength is how long r's body is, as [http.Request] says it; -1 if unknown.
func bodyLength(r *http.Request) int64 {
	switch {
	case r.Body == nil || r.Body == http.NoBody:
		return 0
	case r.ContentLength != 0:
		return r.ContentLength
	}
	return -1
}

// bodyError is that of a request whose body could not be read: not the server's.
type bodyError struct{ error }

func (e *bodyError) Unwrap() error { return e.error }

// writtenElsewhere are headers that do not stand among the others.
var writtenElsewhere = map[string]bool{"Host": true, "User-Agent": true, "Content-Length": true, "Transfer-Encoding": true, "Trailer": true}

// send writes r (RFC 9112) and closes its body. What there is of a body is sent
// before more of it is waited for.
func (c *serverConn) send(r *http.Request) error {
	defer closeBody(r)
	length := bodyLength(r)
	if err := c.sendHeader(r, length); err != nil {
		return err
	}
	var err error
	switch {
	case length == 0:
	case length > 0 && length <= shortRequest && r.GetBody != nil:
		err = copyInline(c.w, r.Body, length)
	case length > 0:
		err = c.sendBody(r.Body, length)
	default:
		err = c.sendChunks(r)
	}
	if err != nil {
		return err
	}
	return c.w.Flush()
}

func (c *serverConn) sendHeader(r *http.Request, length int64) error {
	target, err := requestTarget(r, c.proxy != nil)
	if err != nil {
		return err
	}
	host := cmp.Or(r.Host, r.URL.Host)
	method := cmp.Or(r.Method, http.MethodGet)
	if unfit(method) || unfit(host) || unfit(target) {
		return errors.New("the request's method, host or path has characters that HTTP does not allow there")
	}
	w := c.w
	w.WriteString(method)
	w.WriteByte(' ')
	w.WriteString(target)
	w.WriteString(" HTTP/1.1\r\nHost: ")
	w.WriteString(host)
	w.WriteString("\r\n")
	h := r.Header
	writeLines(w, h, "User-Agent")
	if c.proxy != nil && c.proxy.authorization != "" {
		writeLine(w, "Proxy-Authorization", c.proxy.authorization)
	}
	if r.Close && h["Connection"] == nil {
		writeLine(w, "Connection", "close")
	}
	switch {
	case length > 0:
		writeLine(w, "Content-Length", strconv.FormatInt(length, 10))
	case length < 0:
		writeLine(w, "Transfer-Encoding", "chunked")
		if len(r.Trailer) > 0 {
			writeLine(w, "Trailer", strings.Join(sortedNames(r.Trailer), ","))
		}
	case h["Content-Length"] != nil: // the client has said that there is none
		writeLine(w, "Content-Length", "0")
	}
	if err := h.WriteSubset(w, writtenElsewhere); err != nil {
		return err
	}
	_, err = w.WriteString("\r\n")
	return err
}

func writeLines(w *bufio.Writer, h http.Header, name string) {
	for _, value := range h[name] {
		writeLine(w, name, value)
	}
}

// inOneLine keeps a value from becoming two lines.
var inOneLine = strings.NewReplacer("\r", " ", "\n", " ")

func writeLine(w *bufio.Writer, name, value string) {
	w.WriteString(name)
	w.WriteString(": ")
	inOneLine.WriteString(w, value)
	w.WriteString("\r\n")
}

func sortedNames(h http.Header) []string {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// unfit reports whether s would break a request line or a Host line.
func unfit(s string) bool {
	return s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

// requestTarget is what stands between method and version (RFC 9112 §3.2): the
// path as the client wrote it, where url.URL would escape what it thinks should
// be. /a|b and /a%7Cb may be two things to a server.
func requestTarget(r *http.Request, absolute bool) (string, error) {
	u := r.URL
	if u.Opaque != "" {
		return "", errors.New("the request's URL has no // after its scheme")
	}
	query := u.ForceQuery || u.RawQuery != ""
	target := cmp.Or(rawPath(u), "/")
	if r.Method == http.MethodOptions && (u.Path == "" || u.Path == "*") && !query {
		target = "*" // RFC 9112 §3.2.4, of all of the server
	}
	if absolute {
		if target == "*" {
			target = ""
		}
		target = u.Scheme + "://" + u.Host + target
	}
	if query {
		target += "?" + u.RawQuery
	}
	return target, nil
}

// rawPath is u's path as it was parsed, unless Path has been changed since.
func rawPath(u *url.URL) string {
	path, err := url.PathUnescape(u.RawPath)
	if err == nil && path == u.Path && !strings.Contains(u.RawPath, " ") { // of --reverse; no client can write one
		return cmp.Or(u.RawPath, u.EscapedPath())
	}
	return u.EscapedPath()
}

// copyInline puts a short body, which is in memory, behind its header.
func copyInline(w *bufio.Writer, body io.Reader, length int64) error {
	n, err := io.CopyN(w, body, length)
	if n < length && (err == nil || err == io.EOF) {
		return &bodyError{io.ErrUnexpectedEOF}
	}
	return err
}

func (c *serverConn) sendBody(body io.Reader, length int64) error {
	buffer := copyBuffers.Get().(*copyBuffer)
	defer copyBuffers.Put(buffer)
	if err := c.w.Flush(); err != nil {
		return err
	}
	for left := length; left > 0; {
		n, err := body.Read(buffer[:min(left, int64(len(buffer)))])
		left -= int64(n)
		if _, werr := c.out.Write(buffer[:n]); werr != nil {
			return werr
		}
		switch {
		case left == 0:
		case err == io.EOF:
			return &bodyError{io.ErrUnexpectedEOF}
		case err != nil:
			return &bodyError{err}
		}
	}
	// So that who gave the body knows that it was read to its end.
	if n, err := body.Read(buffer[:1]); n > 0 || err != nil && err != io.EOF {
		return &bodyError{cmp.Or(ignoreEOF(err), errLongBody)}
	}
	return nil
}

var errLongBody = errors.New("the request's body is longer than its length says")

func ignoreEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// sendChunks sends each part of the body as a chunk of its own, as it comes.
func (c *serverConn) sendChunks(r *http.Request) error {
	buffer := copyBuffers.Get().(*copyBuffer)
	defer copyBuffers.Put(buffer)
	for {
		if err := c.w.Flush(); err != nil {
			return err
		}
		n, err := r.Body.Read(buffer[:])
		if n > 0 {
			fmt.Fprintf(c.w, "%x\r\n", n)
			c.w.Write(buffer[:n])
			c.w.WriteString("\r\n")
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return &bodyError{err}
		}
	}
	c.w.WriteString("0\r\n")
	// Filled by now. What is no trailer's to say (RFC 9110 §6.5.1) is left out.
	if err := r.Trailer.WriteSubset(c.w, writtenElsewhere); err != nil {
		return err
	}
	_, err := c.w.WriteString("\r\n")
	return err
}
