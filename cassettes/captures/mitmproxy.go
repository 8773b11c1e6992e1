package captures

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ReadMitmproxy reads flow files of mitmproxy, which are a tnetstring for each flow.
// Flows that are not HTTP are passed over.
func ReadMitmproxy(data []byte, keep func(*Exchange, error) error) error {
	all := len(data)
	for n := 0; len(data) > 0; n++ {
		at := all - len(data)
		left := maxValues
		v, rest, err := readTnetstring(data, 0, &left)
		if err != nil {
			return fmt.Errorf("byte %d: flow %d: %w; save it again with mitmproxy", at, n, err)
		}
		data = rest
		flow, ok := v.(map[string]any)
		if !ok {
			return fmt.Errorf("byte %d: flow %d: not a flow of mitmproxy", at, n)
		}
		if kind, ok := flow["type"]; ok && word(kind) != "http" {
			continue
		}
		x, err := exchangeOf(flow)
		if err == nil {
			err = x.legal()
		}
		if err != nil {
			x, err = nil, fmt.Errorf("byte %d: flow %d: %w", at, n, err)
		}
		if err := keep(x, err); err != nil {
			return fmt.Errorf("flow %d: %w", n, err)
		}
	}
	return nil
}

func exchangeOf(flow map[string]any) (*Exchange, error) {
	q, ok := flow["request"].(map[string]any)
	if !ok {
		return nil, errors.New("it has no request")
	}
	x := &Exchange{Request: &http.Request{Method: word(q["method"])}}
	req := x.Request
	var err error
	if req.Header, req.Host, req.TransferEncoding, err = flowHeader(q["headers"]); err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	scheme, port := word(q["scheme"]), number(q["port"])
	host := word(q["host"])
	if req.Host == "" {
		req.Host = word(q["authority"])
	}
	if host == "" {
		host = req.Host
	} else if port != 0 && !(scheme == "http" && port == 80 || scheme == "https" && port == 443) {
		host = net.JoinHostPort(host, strconv.Itoa(int(port)))
	} else if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	path := word(q["path"])
	if req.Method == http.MethodConnect {
		scheme, path = "", ""
		req.URL = &url.URL{Host: host}
	} else if req.URL, err = url.Parse(scheme + "://" + host + path); err != nil {
		return nil, errors.New("the URL of its request cannot be read")
	}
	if req.Host == "" {
		req.Host = host
	}
	req.Proto, req.ProtoMajor, req.ProtoMinor = protocol(word(q["http_version"]))
	x.RequestBody, x.RequestCut = content(q)
	began := number(q["timestamp_start"])
	x.Started = moment(began)
	p, ok := flow["response"].(map[string]any)
	if !ok {
		return x, nil
	}
	code := p["status_code"]
	if code == nil {
		code = p["code"] // before version 0.14
	}
	status := int(number(code))
	if status < 100 || status > 999 {
		return nil, errors.New("its response has no status")
	}
	reason := word(p["reason"])
	if reason == "" {
		reason = http.StatusText(status)
	}
	resp := &http.Response{StatusCode: status, Status: strings.TrimSpace(fmt.Sprint(status, " ", reason)), Request: req}
	resp.Proto, resp.ProtoMajor, resp.ProtoMinor = protocol(word(p["http_version"]))
	if resp.Header, _, resp.TransferEncoding, err = flowHeader(p["headers"]); err != nil {
		return nil, fmt.Errorf("response: %w", err)
	}
	x.ResponseBody, x.ResponseCut = content(p)
	if took := number(p["timestamp_start"]) - began; took > 0 && took < 1e6 && began > 0 {
		x.Took = time.Duration(took*1e6) * time.Microsecond
	}
	x.Response = resp
	return x, nil
}

// content is a message's body, as it was sent but for transfer coding. There is none
// if mitmproxy streamed it.
func content(m map[string]any) (body []byte, cut bool) {
	body, _ = m["content"].([]byte)
	return body, m["content"] == nil
}

func flowHeader(v any) (h http.Header, host string, coding []string, err error) {
	list, ok := v.([]any)
	if !ok {
		return nil, "", nil, errors.New("its headers are not a list")
	}
	raw := http.Header{}
	for _, f := range list {
		pair, ok := f.([]any)
		if !ok || len(pair) != 2 {
			return nil, "", nil, errors.New("its headers are not pairs")
		}
		raw[word(pair[0])] = append(raw[word(pair[0])], word(pair[1]))
	}
	h, host, coding = setHeader(raw)
	return h, host, coding, nil
}

func moment(seconds float64) time.Time {
	if seconds <= 0 || seconds > 253402300799 || math.IsNaN(seconds) {
		return time.Time{}
	}
	return time.UnixMicro(int64(seconds * 1e6)).UTC()
}

func word(v any) string {
	b, _ := v.([]byte)
	return string(b)
}

func number(v any) float64 {
	f, _ := v.(float64)
	return f
}

// maxDepth is how deep values may be in each other.
const maxDepth = 64

// maxValues is how many values a flow may have: three bytes make one, which takes
// many times as many in memory.
const maxValues = 1 << 20

var errTnetstring = errors.New("not a whole tnetstring")

// readTnetstring reads one value (https://tnetstrings.info, with mitmproxy's ; for text):
// []byte, float64, bool, nil, []any or map[string]any.
func readTnetstring(data []byte, depth int, left *int) (v any, rest []byte, err error) {
	colon := bytes.IndexByte(data[:min(len(data), 12)], ':')
	*left--
	if colon < 1 || depth > maxDepth || *left < 0 {
		return nil, nil, errTnetstring
	}
	size, err := strconv.ParseUint(string(data[:colon]), 10, 63)
	data = data[colon+1:]
	if err != nil || size >= uint64(len(data)) { // a type follows
		return nil, nil, errTnetstring
	}
	payload, kind, rest := data[:size], data[size], data[size+1:]
	switch kind {
	case ',', ';':
		return payload, rest, nil
	case '#', '^':
		f, err := strconv.ParseFloat(string(payload), 64)
		if err != nil {
			return nil, nil, errTnetstring
		}
		return f, rest, nil
	case '!':
		return string(payload) == "true", rest, nil
	case '~':
		return nil, rest, nil
	case ']':
		list := []any{}
		for len(payload) > 0 {
			if v, payload, err = readTnetstring(payload, depth+1, left); err != nil {
				return nil, nil, err
			}
			list = append(list, v)
		}
		return list, rest, nil
	case '}':
		m := map[string]any{}
		for len(payload) > 0 {
			var key any
			if key, payload, err = readTnetstring(payload, depth+1, left); err != nil {
				return nil, nil, err
			}
			if v, payload, err = readTnetstring(payload, depth+1, left); err != nil {
				return nil, nil, err
			}
			m[word(key)] = v
		}
		return m, rest, nil
	}
	return nil, nil, errTnetstring
}
