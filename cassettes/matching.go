package cassettes

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// Matching says when a recorded request is the same as one that is made: what has to
// be equal beside method, path, query and Body, and what need not be. The zero value
// works.
type Matching struct {
	// MaxBody is the longest request body that is read for matching, in bytes;
	// DefaultMaxBody if zero.
	MaxBody int64

	// Ignore are places in the Body that do not count.
	Ignore []inspect.Selector

	// Any are places in the Body whose text may be another than was recorded, when
	// nothing matches with it: the answer then is that to a request which differs
	// there alone, with the caller's own text put in. See any.go.
	Any []inspect.Selector

	// Headers are names of request headers whose values have to be equal too.
	Headers []string
}

// CheckMatchHeader says why a header cannot be one of Headers, nil if it can.
func CheckMatchHeader(name string) error {
	name = http.CanonicalHeaderKey(name)
	switch {
	case name == "Host":
		return errors.New("the host counts already, where the client names it")
	case name == "Authorization", name == "Proxy-Authorization", secretHeader(name):
		return fmt.Errorf("%s is a credential, which is not recorded", name)
	case !isToken(name):
		return fmt.Errorf("%q is no name of a header", name)
	}
	return nil
}

// isToken reports whether s is a token (RFC 9110 §5.6.2).
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", r)
	})
}

func (m Matching) maxBody() int64 {
	if m.MaxBody <= 0 {
		return DefaultMaxBody
	}
	return m.MaxBody
}

// ask reads a request as ask does, and leaves out what does not count.
func (m Matching) ask(method, rawURL string, h http.Header, body []byte) asked {
	a := ask(method, rawURL, h, redactBody(asUnderstood(body, h, m.maxBody()), h))
	a.message.Remove(m.Ignore)
	for _, name := range m.Headers {
		name = http.CanonicalHeaderKey(name)
		values := slices.Clone(h[name])
		for n, v := range values {
			values[n] = redactHeaderValue(name, v, secretHeader(name))
		}
		a.headers = append(a.headers, header{name, strings.Join(values, ", ")})
	}
	return a
}

// askedOf reads a recorded request. Redaction is applied again: it changes nothing in
// a cassette of ours, and makes those of others match.
func (m Matching) askedOf(i *Interaction) asked {
	return m.ask(i.Request.Method, redactURL(i.Request.URL), canonicalHeader(i.Request.Headers), []byte(i.Request.Body))
}

// text is what of the rules changes how a request is digested.
func (m Matching) text() string {
	var b strings.Builder
	for _, list := range [][]inspect.Selector{m.Ignore, m.Any} {
		for _, s := range list {
			b.WriteString(s.String() + "\n")
		}
		b.WriteString("\n")
	}
	for _, name := range m.Headers {
		b.WriteString(http.CanonicalHeaderKey(name) + "\n")
	}
	return b.String()
}
