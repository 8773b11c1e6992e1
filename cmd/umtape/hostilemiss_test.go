package main

import (
	"bytes"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"testing"

	"gopkg.in/dnaeon/go-vcr.v3/cassette"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/um"
)

// TestHostileMissInMemory: explaining why a request is not the one that is recorded takes no
// more than 10 times both of them, and 8 MiB, in memory.
func TestHostileMissInMemory(t *testing.T) {
	bodies := hostileBodies(256 << 10)
	for _, name := range []string{"tags and nothing else", "ints", "as deep as is read", "attributes of many elements", "many CallIds", "text", "many strange children", "another encoding"} {
		recorded := bodies[name].body
		// Asked is the same in another order, so that no list of children has an end in common.
		asked := bytes.Replace(recorded, []byte(`messages">`), []byte(`messages"><other/>`), 1)
		asked = bytes.Replace(asked, []byte(`</Disconnect>`), []byte(`<other/></Disconnect>`), 1)
		path := filepath.Join(t.TempDir(), "hostile.yaml")
		w, err := cassettes.Create(path, cassettes.HeaderMeta{RecordedBy: "umtape test", Profile: "um"}, cassettes.Refuse, cassettes.SyncNever)
		if err != nil {
			t.Fatal(err)
		}
		header := http.Header{"Content-Type": {"text/xml"}}
		i := &cassettes.Interaction{}
		i.Request = cassette.Request{Method: "POST", URL: "http://um.test" + um.PathLegacy, Host: "um.test", Headers: header, Body: string(recorded)}
		i.Response = cassette.Response{Code: 200, Headers: header, Body: "<ok/>"}
		if err := w.Append(i); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		reel, err := cassettes.Open(path, cassettes.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer reel.Close()
		player := cassettes.PlayReels(cassettes.PlayOptions{}, reel)
		miss := ""
		ask := func() {
			req, err := http.NewRequest("POST", i.Request.URL, bytes.NewReader(asked))
			if err != nil {
				t.Fatal(err)
			}
			req.Header = header.Clone()
			resp, err := player.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			miss = resp.Header.Get(cassettes.HeaderMiss)
		}
		var took []uint64
		bound := 10*uint64(len(asked)+len(recorded)) + 8<<20
		for range 5 {
			took = append(took, held(ask))
			if slices.Min(took) <= bound {
				break
			}
		}
		t.Logf("%s: %.1f times both: %s", name, float64(slices.Min(took))/float64(len(asked)+len(recorded)), miss)
		if slices.Min(took) > bound || miss == "" {
			t.Errorf("%s: %d KiB in memory for twice %d; %q", name, slices.Min(took)>>10, len(asked)>>10, miss)
		}
	}
}
