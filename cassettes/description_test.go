package cassettes

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/umtape/umtape/inspect/um"
)

// The WSDL that a client fetches is kept with what it then says, whatever else is
// kept and whatever the answer, so that a replay has it too.
func TestDescriptionsAreKept(t *testing.T) {
	files := map[string]string{"/Service.asmx?wsdl": um.WSDL("https://um.corp.fabrikam.example/Service.asmx"), "/um.xsd": um.Schema()}
	url, _ := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		text, ok := files[r.URL.RequestURI()]
		if !ok {
			http.Error(w, "there is none", http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Content-Type", "text/xml")
		io.WriteString(w, text)
	})
	requests := []struct {
		method, target string
		status         int
	}{{"GET", "/Service.asmx?wsdl", 200}, {"GET", "/um.xsd", 200}, {"HEAD", "/um.xsd", 200}, {"GET", "/Other.asmx?WSDL", 405}}
	for _, o := range []RecordOptions{{}, {Operations: []string{"Disconnect"}}} {
		path := tape(t)
		var log bytes.Buffer
		o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
		rt, rec, w := recorderTo(t, path, o)
		for _, r := range requests {
			resp := roundTrip(t, rt, r.method, url+r.target, "")
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		resp := roundTrip(t, rt, "GET", url+"/page.html", "")
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		closed(t, w)
		if c := rec.Captured(); c.Interactions != len(requests) || c.Passed != 1 || log.Len() > 0 {
			t.Errorf("%v: captured %+v, and said %s", o.Operations, c, &log)
		}
		player := NewPlayer(PlayOptions{}, load(t, path))
		for _, r := range requests {
			resp := roundTrip(t, player, r.method, url+r.target, "")
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != r.status || resp.Header.Get(HeaderInteraction) == "" {
				t.Errorf("%s %s: %s, %v", r.method, r.target, resp.Status, err)
			}
			if r.method == "GET" && r.status == 200 && string(body) != files[r.target] {
				t.Errorf("%s is not what was served", r.target)
			}
		}
	}
}

// Under pseudonyms a WSDL names no server, and keeps what makes it one.
func TestDescriptionUnderPseudonyms(t *testing.T) {
	url, _ := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		text := um.WSDL("https://um.corp.fabrikam.example/Service.asmx")
		io.WriteString(w, strings.Replace(text, `schemaLocation="`, `schemaLocation="https://um.corp.fabrikam.example/`, 1))
	})
	path := tape(t)
	rt, _, w := recorderTo(t, path, RecordOptions{Redaction: Redaction{Forms: true}})
	resp := roundTrip(t, rt, "GET", url+"/Service.asmx?wsdl", "")
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	closed(t, w)
	kept := load(t, path).Interactions[0].Response.Body
	if strings.Contains(kept, "fabrikam") || strings.Count(kept, ".invalid/") != 2 {
		t.Errorf("kept %d bytes, of pseudonyms %d", len(kept), strings.Count(kept, ".invalid/"))
	}
	for _, name := range []string{`transport="http://schemas.xmlsoap.org/soap/http"`, `soapAction="` + um.MessagesNS + `/Disconnect"`, `targetNamespace="` + um.MessagesNS + `"`, `import namespace="` + um.MessagesNS + `"`} {
		if !strings.Contains(kept, name) {
			t.Errorf("it has no %s any more", name)
		}
	}
	if data, err := os.ReadFile(path); err != nil || bytes.Contains(data, []byte("fabrikam")) {
		t.Errorf("the cassette names the server: %v", err)
	}
}
