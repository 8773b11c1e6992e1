package captures

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// harSchema is the JSON schema of HAR 1.2, from npm by .ci/package.json.
func harSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	path := filepath.Join("..", "..", ".ci", "node_modules", "har-schema", "lib", "har.json")
	if _, err := os.Stat(path); err != nil {
		t.Skip("har-schema is not here: npm ci --prefix .ci")
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	schema, err := c.Compile(path)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// What is exported is HAR 1.2, of whatever exchange.
func TestHARSchema(t *testing.T) {
	schema := harSchema(t)
	for name, change := range map[string]func(x *Exchange){
		"as it is":         func(*Exchange) {},
		"no bodies":        func(x *Exchange) { x.RequestBody, x.ResponseBody = nil, nil },
		"not UTF-8":        func(x *Exchange) { x.RequestBody, x.ResponseBody = []byte("\xff\x00"), []byte("\xfe") },
		"no times":         func(x *Exchange) { x.Started, x.Took = time.Time{}, 0 },
		"another zone":     func(x *Exchange) { x.Started = x.Started.In(time.FixedZone("", 5400)) },
		"no answer":        func(x *Exchange) { x.Response, x.ResponseBody = nil, nil },
		"no headers":       func(x *Exchange) { x.Request.Header, x.Response.Header = nil, nil },
		"cut, with a note": func(x *Exchange) { x.RequestCut, x.ResponseCut, x.Note, x.AuthLegs = true, true, "note", 2 },
		"a query":          func(x *Exchange) { x.Request.URL.RawQuery = "a=b&c&=d&%zz=%zz&a=" },
		"a redirection": func(x *Exchange) {
			x.Response.StatusCode, x.Response.Status = 302, "302 Found"
			x.Response.Header.Set("Location", "/there")
		},
		"cookies": func(x *Exchange) {
			x.Request.Header.Set("Cookie", "a=b; c=d")
			x.Response.Header["Set-Cookie"] = []string{"a=b; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT; HttpOnly", "bad"}
		},
		"a chunked CONNECT": func(x *Exchange) {
			x.Request.Method, x.Request.TransferEncoding = http.MethodConnect, []string{"chunked"}
		},
		"no status text": func(x *Exchange) { x.Response.Status = "500" },
		"HTTP/1.0":       func(x *Exchange) { x.Request.Proto, x.Response.Proto = "HTTP/1.0", "HTTP/1.0" },
	} {
		t.Run(name, func(t *testing.T) {
			x := sample("https://um.example.com/a?b=c", []byte("<a/>"))
			change(x)
			var b bytes.Buffer
			w, err := NewHARWriter(&b, "1")
			for range 2 {
				if err == nil {
					err = w.Add(x, "comment")
				}
			}
			if err == nil {
				err = w.Close()
			}
			if err != nil {
				t.Fatal(err)
			}
			value, err := jsonschema.UnmarshalJSON(bytes.NewReader(b.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(value); err != nil {
				t.Errorf("%v\n%s", err, b.Bytes())
			}
			// And the schema is one: it wants what HAR 1.2 does.
			entry := value.(map[string]any)["log"].(map[string]any)["entries"].([]any)[0].(map[string]any)
			for _, required := range []string{"startedDateTime", "time", "request", "response", "cache", "timings"} {
				had := entry[required]
				delete(entry, required)
				if schema.Validate(value) == nil {
					t.Errorf("the schema takes an entry without %s", required)
				}
				entry[required] = had
			}
		})
	}
}
