package cassettes

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"testing"
)

func TestTextsAreAsPeopleReadThem(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte("<a>Zürich</a>"))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	i := &Interaction{}
	i.Request.Body = "\xff\xfe<\x00a\x00/\x00>\x00" // UTF-16
	i.Response.Body, i.Response.Headers = packed.String(), http.Header{"content-encoding": {"gzip"}}
	if request, response := i.Texts(); request != "<a/>" || response != "<a>Zürich</a>" {
		t.Errorf("%q, %q", request, response)
	}
	i.Response.Body, i.Response.Headers = "caf\xe9", nil
	if _, response := i.Texts(); response != "caf\ufffd" {
		t.Errorf("%q", response)
	}
}
