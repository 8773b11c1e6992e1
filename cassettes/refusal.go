package cassettes

import (
	"bytes"
	"fmt"
	"io"
	"net/http"

	"github.com/umtape/umtape/inspect"
)

// refusal is an answer of our own: a SOAP fault in the version of the request,
// or plain text when the request is not SOAP. detail is trusted XML for the
// fault's detail.
func refusal(req *http.Request, status int, reason, detail string) *http.Response {
	version, soap := inspect.VersionOf(req.Header)
	body, contentType := []byte(reason+"\n"), "text/plain; charset=utf-8"
	if soap {
		body = inspect.FaultText{Version: version, Reason: reason, Detail: detail}.Envelope()
		contentType = version.ContentType()
	}
	return ownAnswer(req, status, contentType, body)
}

func ownAnswer(req *http.Request, status int, contentType string, body []byte) *http.Response {
	return &http.Response{
		StatusCode: status, Status: fmt.Sprintf("%d %s", status, http.StatusText(status)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {contentType}},
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
		Request:       req,
	}
}
