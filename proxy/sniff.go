package proxy

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

const (
	tlsHandshakeRecord = 0x16 // the first byte of TLS, RFC 8446 §5.1
	sniffBytes         = 2048 // holds most ClientHellos, so that sniffing costs no further read
)

// errSilent is what sniff returns for a client that sent nothing in time, or
// went away before it did.
var errSilent = errors.New("no byte came")

// sniffedConn is a connection whose first bytes have been read and put back.
type sniffedConn struct {
	net.Conn
	ahead  []byte // read and not yet given out
	target string // "host:port" of the CONNECT; "" for none
}

// sniff waits for c's first byte for as long as given, unless early, which c
// delivered before, has it already.
func sniff(c net.Conn, early []byte, within time.Duration) (*sniffedConn, error) {
	if len(early) > 0 {
		return &sniffedConn{Conn: c, ahead: early}, nil
	}
	c.SetReadDeadline(time.Now().Add(within))
	b := make([]byte, sniffBytes)
	n, err := c.Read(b)
	if n == 0 {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, fmt.Errorf("%w for %v", errSilent, within)
		}
		return nil, fmt.Errorf("%w: %w", errSilent, err)
	}
	return &sniffedConn{Conn: c, ahead: b[:n]}, c.SetReadDeadline(time.Time{})
}

func (c *sniffedConn) startsTLS() bool { return c.ahead[0] == tlsHandshakeRecord }

func (c *sniffedConn) Read(p []byte) (int, error) {
	if len(c.ahead) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.ahead)
	c.ahead = c.ahead[n:]
	if len(c.ahead) == 0 {
		c.ahead = nil
	}
	return n, nil
}

func (c *sniffedConn) CloseWrite() error { return closeWrite(c.Conn) }

// certificateHost is the host to show a certificate for when the client named
// none in SNI, as it does for IP addresses.
func (c *sniffedConn) certificateHost() string {
	address := c.target
	if address == "" {
		address = c.LocalAddr().String()
	}
	return hostOf(address)
}

// hostOf is "host:port" without the port.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}
