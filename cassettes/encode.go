package cassettes

import (
	"hash/crc32"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"gopkg.in/dnaeon/go-vcr.v3/cassette"
)

// The layout of the file is that of go-vcr v3's own writer, with our keys
// added. Our reader depends on the exact text of the lines named here.
const (
	headerStart    = "---\nversion: 2\numtape:\n"
	headerEnd      = "interactions:\n"
	recordStart    = "    - id: " // digits and a line break follow
	checksumStart  = "        checksum: "
	checksumPrefix = "crc32c:"

	// bodyIndent is deeper than recordStart, so no line of a body can be
	// mistaken for the start of a record.
	bodyIndent = "            "

	// format is the version of our part of the file.
	format = 1

	arrivedLayout = "2006-01-02T15:04:05.000000Z"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendHeader appends everything that stands before the first record. With
// nothing after it the file is a cassette without interactions, to go-vcr too.
func appendHeader(b []byte, h HeaderMeta) []byte {
	b = append(b, headerStart...)
	b = appendInt(b, "    format: ", format)
	b = appendOptional(b, "    recorded_by: ", h.RecordedBy)
	b = appendOptional(b, "    profile: ", h.Profile)
	if len(h.Redact) > 0 {
		b = append(b, "    redact:\n"...)
		for _, name := range h.Redact {
			b = appendText(b, "        - ", name)
		}
	}
	b = appendOptional(b, "    kept: ", h.Kept)
	if !h.Confirmed.IsZero() {
		b = appendConfirmed(b, h.Confirmed)
	}
	return append(b, headerEnd...)
}

func appendConfirmed(b []byte, t time.Time) []byte {
	b = append(b, "    confirmed: "...)
	return append(t.UTC().AppendFormat(b, time.RFC3339), '\n')
}

// idRoom is space for the longest line "    - id: N\n".
const idRoom = 32

// appendRecord appends i as a record with the given id and its checksum, and
// returns the checksum as well.
func appendRecord(b []byte, i *Interaction, id int) ([]byte, string) {
	start := len(b)
	b = appendInt(b, recordStart, int64(id))
	b = appendRest(b, i)
	sum := checksum(b[start:])
	return appendChecksum(b, sum), sum
}

// appendChecksum appends the last line of a record.
func appendChecksum(b []byte, sum string) []byte {
	b = append(b, checksumStart...)
	b = append(b, sum...)
	return append(b, '\n')
}

// checksum returns the checksum of a record's bytes, its last line left out.
func checksum(record []byte) string {
	var text [len(checksumPrefix) + 8]byte
	copy(text[:], checksumPrefix)
	sum := crc32.Checksum(record, castagnoli)
	for n := 0; n < 8; n++ {
		text[len(checksumPrefix)+n] = hexDigits[sum>>(28-4*n)&0xf]
	}
	return string(text[:])
}

// appendRest appends the lines of a record between the id and the checksum.
func appendRest(b []byte, i *Interaction) []byte {
	b = append(b, "      request:\n"...)
	b = appendRequest(b, &i.Request)
	b = append(b, "      response:\n"...)
	b = appendResponse(b, &i.Response)
	b = append(b, "      umtape:\n"...)
	return appendMeta(b, &i.Umtape)
}

func appendRequest(b []byte, r *cassette.Request) []byte {
	b = appendText(b, "        proto: ", r.Proto)
	b = appendInt(b, "        proto_major: ", int64(r.ProtoMajor))
	b = appendInt(b, "        proto_minor: ", int64(r.ProtoMinor))
	b = appendInt(b, "        content_length: ", r.ContentLength)
	b = appendList(b, "        transfer_encoding:", "            - ", r.TransferEncoding)
	b = appendMap(b, "        trailer:", r.Trailer)
	b = appendText(b, "        host: ", r.Host)
	b = appendText(b, "        remote_addr: ", r.RemoteAddr)
	b = appendText(b, "        request_uri: ", r.RequestURI)
	b = append(b, "        body: "...)
	b = appendBody(b, r.Body, bodyIndent)
	b = append(b, '\n')
	b = appendMap(b, "        form:", http.Header(r.Form))
	b = appendMap(b, "        headers:", r.Headers)
	b = appendText(b, "        url: ", r.URL)
	return appendText(b, "        method: ", r.Method)
}

func appendResponse(b []byte, r *cassette.Response) []byte {
	b = appendText(b, "        proto: ", r.Proto)
	b = appendInt(b, "        proto_major: ", int64(r.ProtoMajor))
	b = appendInt(b, "        proto_minor: ", int64(r.ProtoMinor))
	b = appendList(b, "        transfer_encoding:", "            - ", r.TransferEncoding)
	b = appendMap(b, "        trailer:", r.Trailer)
	b = appendInt(b, "        content_length: ", r.ContentLength)
	b = append(b, "        uncompressed: "...)
	b = strconv.AppendBool(b, r.Uncompressed)
	b = append(b, "\n        body: "...)
	b = appendBody(b, r.Body, bodyIndent)
	b = append(b, '\n')
	b = appendMap(b, "        headers:", r.Headers)
	b = appendText(b, "        status: ", r.Status)
	b = appendInt(b, "        code: ", int64(r.Code))
	b = append(b, "        duration: "...)
	b = append(b, r.Duration.String()...) // digits and units: always safe unquoted
	return append(b, '\n')
}

func appendMeta(b []byte, m *Meta) []byte {
	// A time whose year has not four digits cannot be written as a timestamp.
	if t := m.Arrived.UTC(); !t.IsZero() && t.Year() >= 0 && t.Year() <= 9999 {
		b = append(b, "        arrived: "...)
		b = t.AppendFormat(b, arrivedLayout)
		b = append(b, '\n')
	}
	b = appendOptional(b, "        operation: ", m.Operation)
	b = appendOptional(b, "        call: ", m.Call)
	if m.AuthLegs > 0 {
		b = appendInt(b, "        auth_legs: ", int64(m.AuthLegs))
	}
	b = appendOptional(b, "        request_encoding: ", m.RequestEncoding)
	b = appendOptional(b, "        response_encoding: ", m.ResponseEncoding)
	b = appendOptional(b, "        truncated: ", m.Truncated)
	return appendOptional(b, "        note: ", m.Note)
}

// appendText appends a line: a key and a string.
func appendText(b []byte, key, s string) []byte {
	b = append(b, key...)
	b = appendString(b, s)
	return append(b, '\n')
}

// appendOptional is appendText for a line that is left out when s is "".
func appendOptional(b []byte, key, s string) []byte {
	if s == "" {
		return b
	}
	return appendText(b, key, s)
}

func appendInt(b []byte, key string, n int64) []byte {
	b = append(b, key...)
	b = strconv.AppendInt(b, n, 10)
	return append(b, '\n')
}

func appendList(b []byte, key, item string, list []string) []byte {
	b = append(b, key...)
	if len(list) == 0 {
		return append(b, " []\n"...)
	}
	b = append(b, '\n')
	for _, s := range list {
		b = appendText(b, item, s)
	}
	return b
}

// longKey is how long a key may be written to stand before its colon. YAML
// allows 1024 characters there and yaml.v3 stops reading the file at a longer
// one; such a key needs the explicit form with a question mark.
const longKey = 512

var namePool = sync.Pool{New: func() any { return new([]string) }}

// appendMap appends a map of lists, sorted by name, values in their order.
func appendMap(b []byte, key string, m http.Header) []byte {
	b = append(b, key...)
	if len(m) == 0 {
		return append(b, " {}\n"...)
	}
	b = append(b, '\n')
	pooled := namePool.Get().(*[]string)
	names := (*pooled)[:0]
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b = append(b, bodyIndent...)
		start := len(b)
		b = appendString(b, name)
		if len(b)-start > longKey && utf8.RuneCount(b[start:]) > longKey {
			b = append(b[:start], "? "...)
			b = appendString(b, name)
			b = append(b, "\n            "...)
		}
		b = appendList(b, ":", "                - ", m[name])
	}
	clear(names)
	*pooled = names
	namePool.Put(pooled)
	return b
}

// microseconds returns t as the file keeps it.
func microseconds(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}
