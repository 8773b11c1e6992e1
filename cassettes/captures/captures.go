// Package captures reads and writes what other tools keep of HTTP traffic: HAR 1.2,
// flow files of mitmproxy, archives of Fiddler (SAZ), and messages as they are on the
// wire. It knows nothing of SOAP, and redacts nothing.
//
// A reader calls keep with each exchange, in the order of the file, or with why one of
// them cannot be read, and goes on. It ends with the first error of keep, or with what
// is wrong with the file. Errors name the place in it, never what stands there.
package captures

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Exchange is one request and its response. The bodies of Request and Response are
// unset; they are in RequestBody and ResponseBody, without transfer coding.
type Exchange struct {
	Request      *http.Request
	RequestBody  []byte
	Response     *http.Response // nil if the request got no answer
	ResponseBody []byte

	Started time.Time     // when the request began; zero if that is not known
	Took    time.Duration // until the response's header; zero if that is not known

	// The Content-Encoding that a body had on the wire, if it is without it here, and
	// the header says nothing of it any more.
	RequestEncoding, ResponseEncoding string

	RequestCut, ResponseCut bool // the body is not whole

	AuthLegs int
	Note     string
}

// Format is a kind of file.
type Format string

const (
	HAR       Format = "har"
	Mitmproxy Format = "mitmproxy"
	SAZ       Format = "saz"
	Raw       Format = "raw"
	Cassette  Format = "go-vcr" // which package cassettes reads
)

// Formats lists them all.
var Formats = []Format{HAR, Mitmproxy, SAZ, Raw, Cassette}

var (
	byteOrderMark = []byte("\xef\xbb\xbf")
	requestLine   = regexp.MustCompile(`^[!-~]+ [!-~]+ HTTP/[0-9.]+\r?\n`)
	tnetstring    = regexp.MustCompile(`^[0-9]{1,10}:`)
	cassetteStart = regexp.MustCompile(`(?m)^["'{ ]*(interactions|version)["']? *:`)
	harStart      = regexp.MustCompile(`^\s*\{\s*"log"\s*:`)
)

// Detect tells the format of a file by how it begins; "" if it is none of them.
func Detect(data []byte) Format {
	data = bytes.TrimPrefix(data[:min(len(data), 4096)], byteOrderMark)
	switch {
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return SAZ
	case tnetstring.Match(data):
		return Mitmproxy
	case requestLine.Match(bytes.TrimLeft(data, "\r\n")):
		return Raw
	case harStart.Match(data):
		return HAR
	case cassetteStart.Match(data):
		return Cassette
	}
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return HAR
	}
	return ""
}

// message reads the rest of a message: its body. What breaks off is cut.
func readBody(r io.Reader) (body []byte, cut bool) {
	body, err := io.ReadAll(r)
	return body, err != nil
}

// readRequest reads one request as it is on the wire. scheme is that of a URL that does
// not say.
func readRequest(r *bufio.Reader, scheme string, x *Exchange) error {
	req, err := http.ReadRequest(r)
	if err != nil {
		return fmt.Errorf("not an HTTP request")
	}
	x.RequestBody, x.RequestCut = readBody(req.Body)
	req.Body = nil
	if req.URL.Host == "" {
		req.URL.Host = req.Host
	}
	if req.URL.Scheme == "" {
		req.URL.Scheme = scheme
	}
	if req.Method == http.MethodConnect {
		req.URL.Scheme = ""
	}
	req.RequestURI = ""
	x.Request = req
	return nil
}

// statesNoLength reports whether a request's header says nothing of a body: on the wire
// it has none then.
func statesNoLength(x *Exchange) bool {
	return x.Request.Header.Get("Content-Length") == "" && len(x.Request.TransferEncoding) == 0
}

// readResponse reads the answer to x.Request, after those of status 1xx.
func readResponse(r *bufio.Reader, x *Exchange) error {
	for {
		resp, err := http.ReadResponse(r, x.Request)
		if err != nil {
			return fmt.Errorf("not an HTTP response")
		}
		if resp.StatusCode/100 == 1 && resp.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		if resp.StatusCode == http.StatusSwitchingProtocols || x.Request.Method == http.MethodConnect && resp.StatusCode/100 == 2 {
			resp.Body = nil // what follows is no HTTP
		} else {
			x.ResponseBody, x.ResponseCut = readBody(resp.Body)
			resp.Body = nil
		}
		x.Response = resp
		return nil
	}
}

// setHeader takes the fields that HTTP/2 and net/http keep elsewhere out of a header:
// the pseudo-headers, Host and Transfer-Encoding.
func setHeader(h http.Header) (clean http.Header, host string, coding []string) {
	clean = http.Header{}
	for name, values := range h {
		switch {
		case strings.EqualFold(name, ":authority"):
			host = values[0]
		case strings.HasPrefix(name, ":"):
		case strings.EqualFold(name, "Host"):
			host = values[0]
		case strings.EqualFold(name, "Transfer-Encoding"):
			if strings.EqualFold(strings.TrimSpace(values[len(values)-1]), "chunked") {
				coding = []string{"chunked"}
			}
		default:
			name = http.CanonicalHeaderKey(name)
			clean[name] = append(clean[name], values...)
		}
	}
	return clean, host, coding
}

// legal says why a message is none that HTTP can have sent, so that nobody who is told
// of it later takes a part of it for more than that.
func (x *Exchange) legal() error {
	bad := func(h http.Header) bool {
		for name, values := range h {
			if !token.MatchString(name) || slices.ContainsFunc(values, broken) {
				return true
			}
		}
		return false
	}
	switch q, p := x.Request, x.Response; {
	case !token.MatchString(q.Method):
		return errors.New("its method is none that HTTP can have")
	case broken(q.Host) || bad(q.Header):
		return errors.New("the header of its request is none that HTTP can have")
	case p != nil && (broken(p.Status) || bad(p.Header)):
		return errors.New("the header of its response is none that HTTP can have")
	}
	return nil
}

// broken reports whether a text would end the line that it stands in.
func broken(s string) bool { return strings.ContainsAny(s, "\r\n\x00") }

// protocol parses HTTP/1.0 and HTTP/1.1; later ones, in whatever spelling, are told as
// HTTP/1.1, which says the same without pseudo-headers.
func protocol(s string) (proto string, major, minor int) {
	if strings.EqualFold(strings.TrimSpace(s), "HTTP/1.0") {
		return "HTTP/1.0", 1, 0
	}
	return "HTTP/1.1", 1, 1
}
