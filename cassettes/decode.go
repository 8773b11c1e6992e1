package cassettes

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"gopkg.in/dnaeon/go-vcr.v3/cassette"
	"gopkg.in/yaml.v3"
)

// interaction returns the interaction of n, which is the index-th of its file.
func (d *decoder) interaction(n *yaml.Node, index int) (*Interaction, error) {
	i := &Interaction{Line: d.base + n.Line}
	i.ID = index
	d.where = fmt.Sprintf("interaction %d", index)
	n, err := d.follow(n)
	if err != nil {
		return nil, err
	}
	if isNull(n) {
		return nil, d.fail(n, "there is nothing in it")
	}
	var request, response bool
	err = d.mapping(n, "it", func(key string, v *yaml.Node) (err error) {
		switch key {
		case "id":
			id, err := d.number(v, "id", 0, 1<<31-1)
			if err != nil {
				return err
			}
			i.ID = int(id)
			d.where = fmt.Sprintf("interaction %d", id)
		case "request":
			request = true
			return d.request(v, &i.Request)
		case "response":
			response = true
			return d.response(v, &i.Response)
		case "umtape":
			i.Umtape, err = d.meta(v)
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case !request:
		return nil, d.fail(n, "it has no request")
	case !response:
		return nil, d.fail(n, "it has no response")
	}
	return i, nil
}

func (d *decoder) request(n *yaml.Node, r *cassette.Request) error {
	r.Trailer, r.Form, r.Headers = http.Header{}, url.Values{}, http.Header{}
	return d.mapping(n, "request", func(key string, v *yaml.Node) (err error) {
		name := "request." + key
		switch key {
		case "proto":
			r.Proto, err = d.text(v, name)
		case "proto_major":
			r.ProtoMajor, err = d.small(v, name)
		case "proto_minor":
			r.ProtoMinor, err = d.small(v, name)
		case "content_length":
			r.ContentLength, err = d.number(v, name, -1, 1<<63-1)
		case "transfer_encoding":
			r.TransferEncoding, err = d.texts(v, name)
		case "trailer":
			r.Trailer, err = d.headers(v, name)
		case "host":
			r.Host, err = d.text(v, name)
		case "remote_addr":
			r.RemoteAddr, err = d.text(v, name)
		case "request_uri":
			r.RequestURI, err = d.text(v, name)
		case "body":
			r.Body, err = d.text(v, name)
		case "form":
			r.Form, err = d.headers(v, name)
		case "headers":
			r.Headers, err = d.headers(v, name)
		case "url":
			r.URL, err = d.text(v, name)
		case "method":
			r.Method, err = d.text(v, name)
		}
		return err
	})
}

func (d *decoder) response(n *yaml.Node, r *cassette.Response) error {
	r.Trailer, r.Headers = http.Header{}, http.Header{}
	at := n
	err := d.mapping(n, "response", func(key string, v *yaml.Node) (err error) {
		name := "response." + key
		switch key {
		case "proto":
			r.Proto, err = d.text(v, name)
		case "proto_major":
			r.ProtoMajor, err = d.small(v, name)
		case "proto_minor":
			r.ProtoMinor, err = d.small(v, name)
		case "transfer_encoding":
			r.TransferEncoding, err = d.texts(v, name)
		case "trailer":
			r.Trailer, err = d.headers(v, name)
		case "content_length":
			r.ContentLength, err = d.number(v, name, -1, 1<<63-1)
		case "uncompressed":
			r.Uncompressed, err = d.boolean(v, name)
		case "body":
			r.Body, err = d.text(v, name)
		case "headers":
			r.Headers, err = d.headers(v, name)
		case "status":
			r.Status, err = d.text(v, name)
		case "code":
			at = v
			r.Code, err = d.small(v, name)
		case "duration":
			r.Duration, err = d.duration(v, name)
		}
		return err
	})
	if err == nil && !validCode(r.Code) {
		err = d.fail(at, "response.code is %d, not an HTTP status", r.Code)
	}
	return err
}

// validCode says whether net/http can have read the status code. Zero is what
// a missing one would be.
func validCode(code int) bool { return code >= 1 && code <= 999 }

func validTruncated(s string) bool {
	return s == "" || s == "request" || s == "response" || s == "both"
}

// loadable returns why Load would refuse i, if it were written.
func loadable(i *Interaction) error {
	fits := func(n int) bool { return n >= 0 && n <= 1<<31-1 }
	switch {
	case !validCode(i.Response.Code):
		return fmt.Errorf("response.code is %d, not an HTTP status", i.Response.Code)
	case !validTruncated(i.Umtape.Truncated):
		return errors.New("umtape.truncated is not request, response or both")
	case i.Request.ContentLength < -1 || i.Response.ContentLength < -1,
		!fits(i.Request.ProtoMajor), !fits(i.Request.ProtoMinor), !fits(i.Response.ProtoMajor), !fits(i.Response.ProtoMinor):
		return errors.New("a content_length or proto number is out of range")
	}
	return nil
}

// small returns a number that fits an int everywhere and is not negative.
func (d *decoder) small(n *yaml.Node, name string) (int, error) {
	v, err := d.number(n, name, 0, 1<<31-1)
	return int(v), err
}

func (d *decoder) meta(n *yaml.Node) (m Meta, err error) {
	if n, err = d.follow(n); err != nil || isNull(n) {
		return m, err
	}
	err = d.mapping(n, "umtape", func(key string, v *yaml.Node) error {
		into := map[string]*string{
			"operation":         &m.Operation,
			"call":              &m.Call,
			"request_encoding":  &m.RequestEncoding,
			"response_encoding": &m.ResponseEncoding,
			"truncated":         &m.Truncated,
			"note":              &m.Note,
			"checksum":          &m.Checksum,
		}[key]
		if key == "auth_legs" {
			m.AuthLegs, err = d.small(v, "umtape.auth_legs")
			return err
		}
		if into == nil && key != "arrived" {
			return nil
		}
		s, err := d.text(v, "umtape."+key)
		if err != nil {
			return err
		}
		if into != nil {
			*into = s
		} else if s != "" {
			t, err := time.Parse(time.RFC3339Nano, s)
			if m.Arrived = microseconds(t); err != nil || m.Arrived.Year() < 0 || m.Arrived.Year() > 9999 {
				return d.fail(v, "umtape.arrived %s is not a time such as 2026-11-23T10:15:00.123456Z", quoteShort(s))
			}
		}
		if key == "truncated" && !validTruncated(s) {
			return d.fail(v, "umtape.truncated %s is not request, response or both", quoteShort(s))
		}
		return nil
	})
	return m, err
}

// headerMeta returns our part of the header.
func (d *decoder) headerMeta(n *yaml.Node) (HeaderMeta, error) {
	h := HeaderMeta{Format: format}
	n, err := d.follow(n)
	if err != nil || isNull(n) {
		return h, err
	}
	err = d.mapping(n, "umtape", func(key string, v *yaml.Node) (err error) {
		name := "umtape." + key
		switch key {
		case "format":
			h.Format, err = d.small(v, name)
		case "recorded_by":
			h.RecordedBy, err = d.text(v, name)
		case "profile":
			h.Profile, err = d.text(v, name)
		case "redact":
			h.Redact, err = d.texts(v, name)
		case "kept":
			h.Kept, err = d.text(v, name)
		case "confirmed":
			var s string
			if s, err = d.text(v, name); err != nil || s == "" {
				return err
			}
			t, bad := time.Parse(time.RFC3339, s)
			if h.Confirmed = t.UTC().Truncate(time.Second); bad != nil || h.Confirmed.Year() < 0 || h.Confirmed.Year() > 9999 {
				return d.fail(v, "umtape.confirmed %s is not a time such as 2026-11-23T10:15:00Z", quoteShort(s))
			}
		}
		return err
	})
	if err == nil && h.Format != format {
		err = &fault{kind: ErrVersion, path: d.path, line: d.base + n.Line,
			what: fmt.Sprintf("umtape.format is %d, and this umtape reads format %d", h.Format, format),
			next: "use the umtape that wrote it, or a later one"}
	}
	return h, err
}
