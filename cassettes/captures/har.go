package captures

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The parts of HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/) that are read
// and written. Fields that begin with an underscore are ours, as the specification
// allows.
type (
	harEntry struct {
		Started  string      `json:"startedDateTime"`
		Time     float64     `json:"time"`
		Request  harRequest  `json:"request"`
		Response harResponse `json:"response"`
		Cache    struct{}    `json:"cache"`
		Timings  harTimings  `json:"timings"`
		Comment  string      `json:"comment,omitempty"`
		Umtape   *harUmtape  `json:"_umtape,omitempty"`
	}
	harRequest struct {
		Method      string       `json:"method"`
		URL         string       `json:"url"`
		Version     string       `json:"httpVersion"`
		Cookies     []harPair    `json:"cookies"`
		Headers     []harPair    `json:"headers"`
		Query       []harPair    `json:"queryString"`
		PostData    *harPostData `json:"postData,omitempty"`
		HeadersSize int          `json:"headersSize"`
		BodySize    int          `json:"bodySize"`
	}
	harResponse struct {
		Status      int        `json:"status"`
		StatusText  string     `json:"statusText"`
		Version     string     `json:"httpVersion"`
		Cookies     []harPair  `json:"cookies"`
		Headers     []harPair  `json:"headers"`
		Content     harContent `json:"content"`
		Redirect    string     `json:"redirectURL"`
		HeadersSize int        `json:"headersSize"`
		BodySize    int        `json:"bodySize"`
	}
	harPair struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	harPostData struct {
		MimeType string    `json:"mimeType"`
		Params   []harPair `json:"params,omitempty"`
		Text     string    `json:"text"`
		Encoding string    `json:"_encoding,omitempty"` // HAR 1.2 has none for what is sent
		Comment  string    `json:"comment,omitempty"`
	}
	harContent struct {
		Size     int    `json:"size"`
		MimeType string `json:"mimeType"`
		Text     string `json:"text"`
		Encoding string `json:"encoding,omitempty"`
	}
	harTimings struct {
		Send    float64 `json:"send"`
		Wait    float64 `json:"wait"`
		Receive float64 `json:"receive"`
	}
	harUmtape struct {
		RequestEncoding  string `json:"requestEncoding,omitempty"`
		ResponseEncoding string `json:"responseEncoding,omitempty"`
		RequestCut       bool   `json:"requestCut,omitempty"`
		ResponseCut      bool   `json:"responseCut,omitempty"`
		AuthLegs         int    `json:"authLegs,omitempty"`
		Note             string `json:"note,omitempty"`
		NoTime           bool   `json:"startNotKnown,omitempty"`
	}
)

// The parts that are read. Programs differ in what they write for a number or for
// nothing, and what is not read may be anything.
type (
	harRead struct {
		Started harText   `json:"startedDateTime"`
		Time    harNumber `json:"time"`
		Request struct {
			Method   harText        `json:"method"`
			URL      harText        `json:"url"`
			Version  harText        `json:"httpVersion"`
			Headers  []harReadPair  `json:"headers"`
			PostData *harReadPosted `json:"postData"`
		} `json:"request"`
		Response struct {
			Status     harNumber     `json:"status"`
			StatusText harText       `json:"statusText"`
			Version    harText       `json:"httpVersion"`
			Headers    []harReadPair `json:"headers"`
			Content    struct {
				Size     harNumber `json:"size"`
				MimeType harText   `json:"mimeType"`
				Text     harText   `json:"text"`
				Encoding harText   `json:"encoding"`
			} `json:"content"`
		} `json:"response"`
		Timings struct {
			Wait harNumber `json:"wait"`
		} `json:"timings"`
		Umtape *harUmtape `json:"_umtape"`
	}
	harReadPosted struct {
		MimeType harText       `json:"mimeType"`
		Params   []harReadPair `json:"params"`
		Text     harText       `json:"text"`
		Encoding harText       `json:"_encoding"`
		Other    harText       `json:"encoding"` // others put it here
	}
	harReadPair struct {
		Name  harText `json:"name"`
		Value harText `json:"value"`
	}
	harText   string
	harNumber float64
)

var errNotHAR = errors.New("a value is not as HAR has it")

// UnmarshalJSON takes numbers and truth values as they are written, and null as "".
func (t *harText) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '"':
		return json.Unmarshal(data, (*string)(t))
	case '{', '[':
		return errNotHAR
	case 'n':
		*t = ""
	default:
		*t = harText(data)
	}
	return nil
}

// UnmarshalJSON takes numbers in quotes too, and what is none as 0.
func (n *harNumber) UnmarshalJSON(data []byte) error {
	f, err := strconv.ParseFloat(string(bytes.Trim(data, `"`)), 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		f = 0
	}
	*n = harNumber(f)
	return nil
}

// A HARWriter writes HAR 1.2, entry by entry.
type HARWriter struct {
	w     io.Writer
	wrote bool
}

// NewHARWriter begins a HAR file. version is that of the program that makes it.
func NewHARWriter(w io.Writer, version string) (*HARWriter, error) {
	v, err := json.Marshal(version)
	if err == nil {
		_, err = fmt.Fprintf(w, `{"log":{"version":"1.2","creator":{"name":"umtape","version":%s},"pages":[],"entries":[`, v)
	}
	return &HARWriter{w: w}, err
}

// Add writes an exchange. comment is for people.
func (h *HARWriter) Add(x *Exchange, comment string) error {
	e := entryOf(x)
	e.Comment = comment
	var b bytes.Buffer
	if h.wrote {
		b.WriteByte(',')
	}
	h.wrote = true
	b.WriteByte('\n')
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // people read it
	if err := enc.Encode(e); err != nil {
		return err
	}
	_, err := h.w.Write(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	return err
}

// Close ends the file.
func (h *HARWriter) Close() error {
	_, err := io.WriteString(h.w, "\n]}}\n")
	return err
}

func entryOf(x *Exchange) *harEntry {
	started := x.Started
	extra := harUmtape{x.RequestEncoding, x.ResponseEncoding, x.RequestCut, x.ResponseCut, x.AuthLegs, x.Note, started.IsZero()}
	if started.IsZero() {
		started = time.Unix(0, 0) // the field is required
	}
	ms := max(0, float64(x.Took)/float64(time.Millisecond))
	req, resp := x.Request, x.Response
	if resp == nil {
		resp = &http.Response{Proto: req.Proto} // status 0, as browsers tell of what failed
	}
	e := &harEntry{
		Started: started.UTC().Format("2006-01-02T15:04:05.000000Z07:00"),
		Time:    ms,
		Timings: harTimings{Wait: ms},
		Request: harRequest{
			Method: req.Method, URL: req.URL.String(), Version: req.Proto,
			Cookies: []harPair{}, Headers: pairs(req.Header, req.Host, req.TransferEncoding), Query: []harPair{},
			HeadersSize: -1, BodySize: len(x.RequestBody),
		},
		Response: harResponse{
			Status: resp.StatusCode, StatusText: strings.TrimSpace(strings.TrimPrefix(resp.Status, fmt.Sprint(resp.StatusCode))), Version: resp.Proto,
			Cookies: []harPair{}, Headers: pairs(resp.Header, "", resp.TransferEncoding),
			Content:  harContent{Size: len(x.ResponseBody), MimeType: mimeType(resp.Header)},
			Redirect: resp.Header.Get("Location"), HeadersSize: -1, BodySize: len(x.ResponseBody),
		},
	}
	for _, c := range req.Cookies() {
		e.Request.Cookies = append(e.Request.Cookies, harPair{c.Name, c.Value})
	}
	for _, c := range resp.Cookies() {
		e.Response.Cookies = append(e.Response.Cookies, harPair{c.Name, c.Value})
	}
	query := req.URL.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		for _, v := range query[name] {
			e.Request.Query = append(e.Request.Query, harPair{name, v})
		}
	}
	if len(x.RequestBody) > 0 {
		p := &harPostData{MimeType: mimeType(req.Header)}
		if p.Text, p.Encoding = asText(x.RequestBody); p.Encoding != "" {
			p.Comment = "text is base64, for which HAR 1.2 has no field here"
		}
		e.Request.PostData = p
	}
	e.Response.Content.Text, e.Response.Content.Encoding = asText(x.ResponseBody)
	if x.ResponseEncoding != "" {
		e.Response.BodySize = -1 // on the wire it was packed
	}
	if x.RequestEncoding != "" {
		e.Request.BodySize = -1
	}
	if extra != (harUmtape{}) {
		e.Umtape = &extra
	}
	return e
}

func pairs(h http.Header, host string, coding []string) []harPair {
	out := []harPair{}
	if host != "" {
		out = append(out, harPair{"Host", host})
	}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, v := range h[name] {
			out = append(out, harPair{name, v})
		}
	}
	if len(coding) > 0 {
		out = append(out, harPair{"Transfer-Encoding", strings.Join(coding, ", ")})
	}
	return out
}

func mimeType(h http.Header) string {
	if t := h.Get("Content-Type"); t != "" {
		return t
	}
	return "x-unknown"
}

// asText returns a body as JSON can hold it.
func asText(body []byte) (text, encoding string) {
	if utf8.Valid(body) && !bytes.ContainsFunc(body, func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' }) {
		return string(body), ""
	}
	return base64.StdEncoding.EncodeToString(body), "base64"
}

// ReadHAR reads HAR 1.1 and 1.2, also with parts missing, as browsers and proxies
// write it.
func ReadHAR(data []byte, keep func(*Exchange, error) error) error {
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, byteOrderMark)))
	if err := enter(dec, "log"); err != nil {
		return err
	}
	if err := enter(dec, "entries"); err != nil {
		return err
	}
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return errors.New("log.entries is not a list; export it again, as HAR 1.2")
	}
	for n := 0; dec.More(); n++ {
		var e harRead
		err := dec.Decode(&e)
		if typed := (*json.UnmarshalTypeError)(nil); err != nil && !errors.As(err, &typed) && !errors.Is(err, errNotHAR) {
			return fmt.Errorf("entry %d: %s", n, jsonFault(err, dec))
		}
		var x *Exchange
		if err != nil {
			err = errors.New(jsonFault(err, dec))
		} else if x, err = e.exchange(); err == nil {
			err = x.legal()
		}
		if err != nil {
			x, err = nil, fmt.Errorf("entry %d: %w", n, err)
		}
		if err := keep(x, err); err != nil {
			return fmt.Errorf("entry %d: %w", n, err)
		}
	}
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("after the last entry: %s", jsonFault(err, dec))
	}
	return nil
}

// enter goes to the value of a key of the object that comes next.
func enter(dec *json.Decoder, key string) error {
	if t, err := dec.Token(); err != nil {
		return errors.New(jsonFault(err, dec))
	} else if t != json.Delim('{') {
		return errors.New("not a HAR file: there is no object that holds " + key)
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return errors.New(jsonFault(err, dec))
		}
		if name == key {
			return nil
		}
		var skipped json.RawMessage
		if err := dec.Decode(&skipped); err != nil {
			return errors.New(jsonFault(err, dec))
		}
	}
	return errors.New("not a HAR file: it has no " + key)
}

// jsonFault tells what is wrong without quoting what is there.
func jsonFault(err error, dec *json.Decoder) string {
	var typed *json.UnmarshalTypeError
	switch {
	case errors.As(err, &typed):
		return fmt.Sprintf("%s is not as HAR has it", typed.Field)
	case errors.Is(err, errNotHAR):
		return err.Error()
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "the file ends too early; export it again"
	}
	return fmt.Sprintf("not JSON, near byte %d", dec.InputOffset())
}

func (e *harRead) exchange() (*Exchange, error) {
	u, err := url.Parse(string(e.Request.URL))
	if err != nil || e.Request.URL == "" {
		return nil, errors.New("request.url is not a URL")
	}
	if !slices.Contains([]string{"", "http", "https", "ws", "wss"}, strings.ToLower(u.Scheme)) { // browsers tell of data: and of their own
		return nil, errors.New("request.url is none of HTTP's")
	}
	if e.Request.Method == "" {
		return nil, errors.New("request.method is missing")
	}
	x := &Exchange{Request: &http.Request{Method: string(e.Request.Method), URL: u}}
	req := x.Request
	req.Proto, req.ProtoMajor, req.ProtoMinor = protocol(string(e.Request.Version))
	req.Header, req.Host, req.TransferEncoding = setHeader(headerOf(e.Request.Headers))
	if p := e.Request.PostData; p != nil {
		if x.RequestBody, err = bodyOf(string(p.Text), string(p.Encoding+p.Other)); err != nil {
			return nil, fmt.Errorf("request.postData: %w", err)
		}
		if p.Text == "" && len(p.Params) > 0 {
			for n, v := range p.Params {
				if n > 0 {
					x.RequestBody = append(x.RequestBody, '&')
				}
				x.RequestBody = append(x.RequestBody, url.QueryEscape(string(v.Name))+"="+url.QueryEscape(string(v.Value))...)
			}
		}
		if req.Header.Get("Content-Type") == "" && p.MimeType != "" && p.MimeType != "x-unknown" {
			req.Header.Set("Content-Type", string(p.MimeType))
		}
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700"} {
		if began, err := time.Parse(layout, string(e.Started)); err == nil {
			x.Started = began // else it is not known: one without a zone could be any
			break
		}
	}
	ms := float64(e.Timings.Wait)
	if ms <= 0 {
		ms = float64(e.Time)
	}
	if ms > 0 && ms < 1e12 {
		x.Took = time.Duration(ms*1e3+0.5) * time.Microsecond
	}
	if m := e.Umtape; m != nil {
		x.RequestEncoding, x.ResponseEncoding, x.RequestCut, x.ResponseCut = m.RequestEncoding, m.ResponseEncoding, m.RequestCut, m.ResponseCut
		x.AuthLegs, x.Note = m.AuthLegs, m.Note
		if m.NoTime {
			x.Started = time.Time{}
		}
	}
	a := &e.Response
	if a.Status <= 0 { // as browsers tell of what failed, or was still going on
		return x, nil
	}
	code := int(min(a.Status, 1e6))
	if code < 100 || code > 999 {
		return nil, errors.New("response.status is not an HTTP status")
	}
	resp := &http.Response{StatusCode: code, Status: strings.TrimSpace(fmt.Sprint(code, " ", a.StatusText)), Request: req}
	if a.StatusText == "" {
		resp.Status = strings.TrimSpace(fmt.Sprint(code, " ", http.StatusText(code)))
	}
	resp.Proto, resp.ProtoMajor, resp.ProtoMinor = protocol(string(a.Version))
	resp.Header, _, resp.TransferEncoding = setHeader(headerOf(a.Headers))
	if x.ResponseBody, err = bodyOf(string(a.Content.Text), string(a.Content.Encoding)); err != nil {
		return nil, fmt.Errorf("response.content: %w", err)
	}
	if resp.Header.Get("Content-Type") == "" && a.Content.MimeType != "" && a.Content.MimeType != "x-unknown" {
		resp.Header.Set("Content-Type", string(a.Content.MimeType))
	}
	if packed := resp.Header.Get("Content-Encoding"); packed != "" && !bytes.HasPrefix(x.ResponseBody, []byte("\x1f\x8b")) {
		// The text of content is without it, whatever the header goes on to say.
		x.ResponseEncoding = strings.ToLower(packed)
		resp.Header.Del("Content-Encoding")
		if resp.Header.Get("Content-Length") != "" {
			resp.Header.Set("Content-Length", fmt.Sprint(len(x.ResponseBody)))
		}
	}
	if x.ResponseBody == nil && a.Content.Size > 0 && e.Request.Method != http.MethodHead {
		x.ResponseCut, x.Note = true, "its body was not in the HAR file"
	}
	x.Response = resp
	return x, nil
}

func headerOf(list []harReadPair) http.Header {
	h := http.Header{}
	for _, p := range list {
		if p.Name != "" {
			// Firefox and Chrome join what came in several lines.
			h[string(p.Name)] = append(h[string(p.Name)], strings.Split(strings.ReplaceAll(string(p.Value), "\r\n", "\n"), "\n")...)
		}
	}
	return h
}

func bodyOf(text, encoding string) ([]byte, error) {
	switch {
	case text == "":
		return nil, nil
	case encoding == "":
		return []byte(text), nil
	case strings.EqualFold(encoding, "base64"):
		body, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, errors.New("its text is not base64, as its encoding says")
		}
		return body, nil
	}
	return nil, errors.New("its encoding is not base64, the one known")
}
