package cassettes

import (
	"net/http"
	"sync"

	"github.com/umtape/umtape/inspect"
)

// legs holds back the challenges of one client connection: the 401 or 407
// answers that come before the real one, to requests that are the same but for
// their credentials. NTLM and Negotiate take two of them (PROTOCOL.md, section
// 4.5). They fold into the exchange that ends them.
type legs struct {
	mu   sync.Mutex // guards held
	held []*Interaction
}

// maxLegs bounds how many challenges are held; a client that is refused again
// and again is no handshake.
const maxLegs = 8

// fold takes the next interaction of the connection. It returns those that are to
// be kept before it, oldest first, and whether it is to be kept now.
func (l *legs) fold(i *Interaction) (before []*Interaction, now bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.held) > 0 && !sameRequest(l.held[0], i) || len(l.held) == maxLegs {
		before = l.release()
	}
	if challenged(i) {
		l.held = append(l.held, i)
		return before, false
	}
	i.Umtape.AuthLegs = len(l.held)
	l.held = nil
	return before, true
}

// end returns what is still held when the connection ends: a handshake that came
// to nothing is kept as its last challenge.
func (l *legs) end() []*Interaction {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.release()
}

func (l *legs) release() []*Interaction {
	if len(l.held) == 0 {
		return nil
	}
	last := l.held[len(l.held)-1]
	last.Umtape.AuthLegs = len(l.held) - 1
	l.held = nil
	return []*Interaction{last}
}

// challenged reports whether an answer asks for credentials.
func challenged(i *Interaction) bool {
	h := http.Header(i.Response.Headers)
	switch i.Response.Code {
	case http.StatusUnauthorized:
		return h.Get("Www-Authenticate") != ""
	case http.StatusProxyAuthRequired:
		return h.Get("Proxy-Authenticate") != ""
	}
	return false
}

// sameRequest reports whether b may be a with other credentials. The first leg
// often leaves the body out.
func sameRequest(a, b *Interaction) bool {
	return a.Request.Method == b.Request.Method && a.Request.URL == b.Request.URL &&
		(a.Request.Body == "" || b.Request.Body == "" || a.Request.Body == b.Request.Body)
}

// isFault reports whether the answer is a SOAP fault.
func isFault(i *Interaction) bool {
	m, err := inspect.ParseBody(i.Response.Headers, []byte(i.Response.Body))
	return err == nil && m.Fault != nil
}
