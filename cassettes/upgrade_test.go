package cassettes

import (
	"errors"
	"strings"
	"testing"

	"gopkg.in/dnaeon/go-vcr.v3/cassette"

	"github.com/umtape/umtape/inspect"
)

// TestUpgrade: of go-vcr's format version 1, however its line is written, and of no
// other version.
func TestUpgrade(t *testing.T) {
	const rest = "interactions:\n- request: {url: 'http://a.test/x', method: POST, body: 'version: 1'}\n  response: {code: 404, body: none, duration: \"\"}\n"
	for _, line := range []string{"version: 1", "---\nversion: 1", "version:  \"1\"  # of v2", "version: '1'\r"} {
		path := tape(t)
		put(t, path, line+"\n"+rest)
		e, err := OpenUpgrade(path, true)
		if err != nil {
			t.Errorf("%q: %v", line, err)
			continue
		}
		if !e.Upgrade(inspect.Profile{Name: "um"}) || !save(t, e) {
			t.Errorf("%q: not changed", line)
		}
		e.Close()
		c := load(t, path)
		i := c.Interactions[0]
		if c.Foreign || i.Edited || i.Request.Body != "version: 1" || i.Request.Proto != "HTTP/1.1" || i.Request.Host != "a.test" || i.Request.ContentLength != 10 ||
			i.Response.Status != "404 Not Found" || i.Response.ContentLength != 4 || !i.Umtape.Arrived.IsZero() {
			t.Errorf("%q: %+v", line, i)
		}
		if _, err := cassette.Load(strings.TrimSuffix(path, ".yaml")); err != nil {
			t.Errorf("stock go-vcr: %v", err)
		}
	}
	for _, line := range []string{"version: 0", "version: 3", "version: 11", "version: 1.5", "Version: 1"} {
		path := tape(t)
		put(t, path, line+"\n"+rest)
		if _, err := OpenUpgrade(path, false); !errors.Is(err, ErrVersion) && !errors.Is(err, ErrDamaged) {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// TestUpgradeOurs: what umtape recorded is left alone.
func TestUpgradeOurs(t *testing.T) {
	path := tape(t)
	write(t, path, sample(t, 0))
	e := edit(t, path)
	if e.Upgrade(inspect.Profile{}) || save(t, e) {
		t.Error("changed")
	}
}
