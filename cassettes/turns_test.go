package cassettes

import (
	"slices"
	"testing"
)

func TestTurns(t *testing.T) {
	c := &Cassette{Path: "c.yaml"}
	for n, said := range []struct {
		body      string
		code      int
		truncated string
	}{{"a", 401, ""}, {"a", 200, ""}, {"b", 200, ""}, {"a", 500, ""}, {"c", 200, "request"}, {"d", 401, ""}} {
		i := &Interaction{Umtape: Meta{Truncated: said.truncated}}
		i.ID, i.Request.Method, i.Request.URL, i.Request.Body, i.Response.Code = n, "POST", "http://h/", said.body, said.code
		c.Interactions = append(c.Interactions, i)
	}
	if got, want := c.Turns(), []int{0, 1, 1, 2, 0, 1}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
