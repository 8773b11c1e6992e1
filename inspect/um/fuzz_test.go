package um

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/umtape/umtape/inspect"
)

// FuzzCheck: an exchange of any two bodies is checked without a panic, what is found has
// its place inside of them, and its names are short.
func FuzzCheck(f *testing.F) {
	files, err := filepath.Glob("../../testdata/messages/*.xml")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for k, file := range files {
		request, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		response, err := os.ReadFile(files[(k+1)%len(files)])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(request, response, "Disconnect", "text/xml; charset=utf-8", 200)
	}
	f.Fuzz(func(t *testing.T, request, response []byte, action, contentType string, status int) {
		r := inspect.Read(inspect.Exchange{Method: "POST", URL: "https://um.test" + PathLegacy, Status: status, RequestBody: request, ResponseBody: response,
			RequestHeader:  http.Header{"Content-Type": {contentType}, "Soapaction": {MessagesNS + "/" + action}},
			ResponseHeader: http.Header{"Content-Type": {contentType}}})
		found := Check(r)
		for _, x := range found {
			body := request
			if x.Part == "response" {
				body = response
			}
			if x.Pos < 0 || x.Pos > len(body)+1 || x.Line < 0 || x.Column < 0 {
				t.Errorf("%s at %d, line %d, column %d of %d bytes", x.Rule.ID, x.Pos, x.Line, x.Column, len(body))
			}
			if len(x.Message) > 2000 {
				t.Errorf("%s says %d bytes", x.Rule.ID, len(x.Message))
			}
		}
		if step, ok := Step(r); ok {
			inspect.CallsOf([]inspect.Moment{{Step: step}, {Step: step}})
		}
		asked, answered, hasRequest, hasResponse := inspect.ShapeKeys(r, Service(r))
		var shapes inspect.Shapes
		if hasRequest {
			shapes.Add(asked, r.Request, inspect.ShapeIn{})
		}
		if hasResponse {
			shapes.Add(answered, r.Response, inspect.ShapeIn{})
		}
		contract := inspect.NewContract(shapes.Groups())
		if hasRequest {
			if broken := contract.CheckExcept(asked, r.Request, "request", nil); len(broken) > 0 {
				t.Errorf("a message breaks the contract made of it: %s", broken[0].Message)
			}
		}
	})
}
