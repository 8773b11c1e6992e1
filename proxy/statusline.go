package proxy

import (
	"bytes"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// statusLine is one whose reason phrase net/http would not write. Servers say
// things there that are nowhere else, as the address where a locked account is
// unlocked.
type statusLine struct{ code, reason string }

// ownStatusLine is nil if resp has none of its own.
func ownStatusLine(resp *http.Response) *statusLine {
	code := strconv.Itoa(resp.StatusCode)
	reason, ok := strings.CutPrefix(resp.Status, code)
	reason = strings.TrimPrefix(reason, " ")
	if !ok || reason == http.StatusText(resp.StatusCode) || strings.ContainsFunc(reason, isControl) {
		return nil
	}
	return &statusLine{code, reason}
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

const (
	codeAt   = len("HTTP/1.1 ")
	reasonAt = len("HTTP/1.1 200 ")
)

// isOf reports whether p begins with a status line of this code.
func (s *statusLine) isOf(p []byte) bool {
	return len(p) > reasonAt && bytes.HasPrefix(p, []byte("HTTP/1.")) && string(p[codeAt:reasonAt-1]) == s.code && bytes.Contains(p, []byte("\r\n"))
}

// write writes p with the line in place of its own.
func (s *statusLine) write(c net.Conn, p []byte) (int, error) {
	end := bytes.Index(p, []byte("\r\n"))
	out := make([]byte, 0, len(p)+len(s.reason))
	out = append(append(append(out, p[:reasonAt]...), s.reason...), p[end:]...)
	n, err := c.Write(out)
	if err == nil {
		return len(p), nil
	}
	return min(n, len(p)-1), err
}
