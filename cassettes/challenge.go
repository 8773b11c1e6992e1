package cassettes

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"unicode/utf16"
)

// Scheme is what a replay asks clients for. It accepts whatever they answer.
type Scheme int

const (
	NoScheme Scheme = iota
	Basic           // RFC 7617: every request carries credentials
	NTLM            // [MS-NTHT]: two challenges, then the connection is logged in
)

// ParseScheme reads "", "basic" or "ntlm".
func ParseScheme(s string) (Scheme, error) {
	switch s {
	case "":
		return NoScheme, nil
	case "basic":
		return Basic, nil
	case "ntlm":
		return NTLM, nil
	}
	return NoScheme, fmt.Errorf("%q is neither basic nor ntlm", s)
}

// Challenge returns a RoundTripper for one client connection that asks for
// credentials as a server would, for clients that insist on being asked, and
// lets next answer then. No credential is looked at.
func Challenge(scheme Scheme, next http.RoundTripper) http.RoundTripper {
	if scheme == NoScheme {
		return next
	}
	return &challenger{scheme: scheme, next: next}
}

type challenger struct {
	scheme Scheme
	next   http.RoundTripper

	mu       sync.Mutex // guards loggedIn
	loggedIn bool       // NTLM: this connection has sent its last message
}

// RoundTrip answers 401 until the client has said what the scheme asks for.
func (c *challenger) RoundTrip(req *http.Request) (*http.Response, error) {
	ask := c.ask(req.Header.Get("Authorization"))
	if ask == "" {
		return c.next.RoundTrip(req)
	}
	defer closeBody(req)
	if req.Body != nil {
		if _, err := io.Copy(io.Discard, req.Body); err != nil { // a client still sending may not listen
			return nil, fmt.Errorf("reading the client's request: %w", err)
		}
	}
	return &http.Response{
		StatusCode: http.StatusUnauthorized, Status: "401 Unauthorized",
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:  http.Header{"Www-Authenticate": {ask}, "Content-Length": {"0"}},
		Body:    http.NoBody,
		Request: req,
	}, nil
}

// ask returns the challenge to send, "" if there is nothing more to ask.
func (c *challenger) ask(authorization string) string {
	scheme, token, _ := strings.Cut(strings.TrimSpace(authorization), " ")
	if c.scheme == Basic {
		if strings.EqualFold(scheme, "Basic") && token != "" {
			return ""
		}
		return `Basic realm="umtape"`
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !strings.EqualFold(scheme, "NTLM") {
		if c.loggedIn {
			return "" // after the handshake requests carry nothing (PROTOCOL.md, section 4.5)
		}
		return "NTLM"
	}
	switch ntlmType(token) {
	case 1:
		c.loggedIn = false
		return "NTLM " + base64.StdEncoding.EncodeToString(ntlmChallenge())
	case 3:
		c.loggedIn = true
		return ""
	}
	return "NTLM"
}

// CloseIdleConnections passes on.
func (c *challenger) CloseIdleConnections() {
	if n, ok := c.next.(interface{ CloseIdleConnections() }); ok {
		n.CloseIdleConnections()
	}
}

var ntlmSignature = []byte("NTLMSSP\x00")

// ntlmType is the type of an NTLM message in base64 ([MS-NLMP] 2.2.1), 0 if it
// is none.
func ntlmType(token string) uint32 {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(token))
	if err != nil || len(raw) < 12 || !bytes.HasPrefix(raw, ntlmSignature) {
		return 0
	}
	return binary.LittleEndian.Uint32(raw[8:])
}

// ntlmChallenge is a CHALLENGE_MESSAGE ([MS-NLMP] 2.2.1.2) of a server and a
// domain called UMTAPE. It is the same each time: nothing is verified with it.
func ntlmChallenge() []byte {
	const (
		unicode, target, ntlm, alwaysSign = 0x1, 0x4, 0x200, 0x8000
		domain, extended, info            = 0x10000, 0x80000, 0x800000
		header                            = 56 // up to and with the version
	)
	name := wideString("UMTAPE")
	var pairs []byte
	for _, id := range []uint16{2, 1, 4, 3} { // domain and computer, by NetBIOS and by DNS name
		pairs = binary.LittleEndian.AppendUint16(pairs, id)
		pairs = binary.LittleEndian.AppendUint16(pairs, uint16(len(name)))
		pairs = append(pairs, name...)
	}
	pairs = append(pairs, 0, 0, 0, 0)

	le := binary.LittleEndian
	b := append([]byte{}, ntlmSignature...)
	b = le.AppendUint32(b, 2)
	b = appendField(b, len(name), header)
	b = le.AppendUint32(b, unicode|target|ntlm|alwaysSign|domain|extended|info)
	b = append(b, "umtape!!"...) // the server's challenge
	b = le.AppendUint64(b, 0)
	b = appendField(b, len(pairs), header+len(name))
	b = le.AppendUint64(b, 0x0f00000000000006) // version 6.0, NTLM revision 15
	return append(append(b, name...), pairs...)
}

// appendField appends where a part of the payload is.
func appendField(b []byte, size, offset int) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(size))
	b = binary.LittleEndian.AppendUint16(b, uint16(size))
	return binary.LittleEndian.AppendUint32(b, uint32(offset))
}

func wideString(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}
