package cassettes

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// versionOne is the line by which go-vcr v1 and v2 name their format, which is that of
// v3 without some of its fields.
var versionOne = regexp.MustCompile(`(?m)^(\s*["']?version["']?[ \t]*:[ \t]*)["']?1["']?([ \t\r]*(?:,[ \t\r]*)?(?:#.*)?)$`)

// parseAny is parse for cassettes of go-vcr v1 and v2 too.
func parseAny(path string, data []byte) (*Cassette, error) {
	c, err := parse(path, data)
	if err == nil || !errors.Is(err, ErrVersion) {
		return c, err
	}
	at := versionOne.FindSubmatchIndex(data)
	if at == nil {
		return nil, err
	}
	lifted := append(append(append(data[:0:0], data[:at[3]]...), '2'), data[at[4]:]...)
	c, errLifted := parse(path, lifted)
	if errLifted != nil {
		return nil, errLifted
	}
	return c, nil
}

// OpenUpgrade is [OpenEdit], or with write unset [ReadEdit], for a cassette of any
// version of go-vcr's format.
func OpenUpgrade(path string, write bool) (*Edit, error) { return openEdit(path, write, parseAny) }

// Upgrade gives the records of a cassette that umtape did not write what records of
// umtape's have: protocol and lengths, operation and call. It reports whether the file
// is in another layout than umtape's, or of another tool. When something was recorded
// is not made up.
func (e *Edit) Upgrade(profile inspect.Profile) bool {
	if e.Foreign {
		for n, r := range e.Records {
			i := *r.Interaction
			complete(&i, profile)
			e.Records[n] = r.Changed(&i)
		}
		e.Renumber()
		e.Header.Umtape.Profile = profile.Name
	}
	return e.rewrite
}

func complete(i *Interaction, profile inspect.Profile) {
	x := inspect.Read(i.Exchange())
	i.Umtape.Operation = cmp.Or(i.Umtape.Operation, x.Request.Operation())
	i.Umtape.Call = cmp.Or(i.Umtape.Call, profile.CallOf(x.Request, x.Response))
	if q := &i.Request; q.Proto == "" {
		q.Proto, q.ProtoMajor, q.ProtoMinor = "HTTP/1.1", 1, 1
		if q.ContentLength == 0 {
			q.ContentLength = int64(len(q.Body))
		}
		if u, err := url.Parse(q.URL); err == nil {
			q.Host = cmp.Or(q.Host, u.Host)
		}
	}
	q := &i.Response
	if q.Proto == "" {
		q.Proto, q.ProtoMajor, q.ProtoMinor = "HTTP/1.1", 1, 1
		if q.ContentLength == 0 {
			q.ContentLength = int64(len(q.Body))
		}
	}
	if q.Status == "" {
		q.Status = strings.TrimSpace(fmt.Sprint(q.Code, " ", http.StatusText(q.Code)))
	}
}
