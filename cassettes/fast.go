package cassettes

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gopkg.in/dnaeon/go-vcr.v3/cassette"
)

// Reading back what our encoder wrote, many times faster than a YAML parser
// can. The reader takes the encoder's exact spelling and nothing else: at the
// first byte it would not have written the record goes to the YAML parser, so
// what comes out is the same either way (FuzzFastReader).

// fastReader reads records, one after the other.
type fastReader struct {
	b    []byte // what is left of the record
	bad  bool   // it is not the encoder's spelling
	seen map[string]string
	once bool // it reads one record only, so that sharing costs more than it saves
}

// maxSeen bounds how many strings are shared between interactions: the same
// headers come in each of them.
const maxSeen = 4096

// read returns the interaction of a record, ok being false if it is not in the
// encoder's spelling.
func (f *fastReader) read(record []byte) (i *Interaction, ok bool) {
	f.b, f.bad = record, false
	i = new(Interaction)
	i.ID = f.small(recordStart)
	f.must("      request:\n")
	f.request(&i.Request)
	f.answer(i)
	return i, !f.bad
}

// readAnswer is read for a record that was read before, maybe by the YAML parser: it
// is the answer that has to be in the encoder's spelling. The request is left out.
func (f *fastReader) readAnswer(record []byte) (i *Interaction, ok bool) {
	at := bytes.Index(record, []byte("\n"+responseStart)) // what the request says is indented deeper
	if at < 0 {
		return nil, false
	}
	i = new(Interaction)
	f.b, f.bad, f.once = record, false, true
	i.ID = f.small(recordStart)
	f.b = record[at+1:]
	f.answer(i)
	return i, !f.bad
}

const responseStart = "      response:\n"

func (f *fastReader) answer(i *Interaction) {
	f.must(responseStart)
	f.response(&i.Response)
	f.must("      umtape:\n")
	f.meta(&i.Umtape)
	f.bad = f.bad || len(f.b) > 0 || !validCode(i.Response.Code)
}

func (f *fastReader) request(r *cassette.Request) {
	r.Proto = f.text("        proto: ")
	r.ProtoMajor = f.small("        proto_major: ")
	r.ProtoMinor = f.small("        proto_minor: ")
	r.ContentLength = f.number("        content_length: ")
	r.TransferEncoding = f.list("        transfer_encoding:", "            - ")
	r.Trailer = f.headers("        trailer:")
	r.Host = f.text("        host: ")
	r.RemoteAddr = f.text("        remote_addr: ")
	r.RequestURI = f.text("        request_uri: ")
	r.Body = f.body("        body: ")
	r.Form = url.Values(f.headers("        form:"))
	r.Headers = f.headers("        headers:")
	r.URL = f.text("        url: ")
	r.Method = f.text("        method: ")
}

func (f *fastReader) response(r *cassette.Response) {
	r.Proto = f.text("        proto: ")
	r.ProtoMajor = f.small("        proto_major: ")
	r.ProtoMinor = f.small("        proto_minor: ")
	r.TransferEncoding = f.list("        transfer_encoding:", "            - ")
	r.Trailer = f.headers("        trailer:")
	r.ContentLength = f.number("        content_length: ")
	if r.Uncompressed = f.has("        uncompressed: true\n"); !r.Uncompressed {
		f.must("        uncompressed: false\n")
	}
	r.Body = f.body("        body: ")
	r.Headers = f.headers("        headers:")
	r.Status = f.text("        status: ")
	r.Code = f.small("        code: ")
	f.must("        duration: ")
	took := string(f.line())
	var err error
	r.Duration, err = time.ParseDuration(took)
	f.bad = f.bad || err != nil || r.Duration.String() != took
}

func (f *fastReader) meta(m *Meta) {
	if f.has("        arrived: ") {
		t, err := time.Parse(arrivedLayout, string(f.line()))
		m.Arrived = t
		f.bad = f.bad || err != nil
	}
	m.Operation = f.optional("        operation: ")
	m.Call = f.optional("        call: ")
	if f.has("        auth_legs: ") {
		m.AuthLegs = f.small("")
		f.bad = f.bad || m.AuthLegs == 0
	}
	m.RequestEncoding = f.optional("        request_encoding: ")
	m.ResponseEncoding = f.optional("        response_encoding: ")
	m.Truncated = f.optional("        truncated: ")
	f.bad = f.bad || !validTruncated(m.Truncated)
	m.Note = f.optional("        note: ")
	f.must(checksumStart)
	m.Checksum = string(f.line())
	digits, ok := strings.CutPrefix(m.Checksum, checksumPrefix)
	f.bad = f.bad || !ok || len(digits) != 8 || strings.Trim(digits, hexDigits) != ""
}

// has takes s if it comes next.
func (f *fastReader) has(s string) bool {
	if len(f.b) < len(s) || string(f.b[:len(s)]) != s {
		return false
	}
	f.b = f.b[len(s):]
	return true
}

func (f *fastReader) must(s string) {
	if !f.has(s) {
		f.bad = true
	}
}

// line takes the rest of the line.
func (f *fastReader) line() []byte {
	n := bytes.IndexByte(f.b, '\n')
	if n < 0 {
		f.bad = true
		return nil
	}
	line := f.b[:n]
	f.b = f.b[n+1:]
	return line
}

func (f *fastReader) number(key string) int64 {
	f.must(key)
	digits := f.line()
	n, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil || n < -1 || digits[0] == '+' || digits[0] == '0' && len(digits) > 1 || digits[0] == '-' && n == 0 || n == -1 && len(digits) > 2 {
		f.bad = true
	}
	return n
}

func (f *fastReader) small(key string) int {
	n := f.number(key)
	if n < 0 || n > 1<<31-1 {
		f.bad = true
		return 0
	}
	return int(n)
}

func (f *fastReader) optional(key string) string {
	if !f.has(key) {
		return ""
	}
	return f.scalar(f.line())
}

func (f *fastReader) text(key string) string {
	f.must(key)
	return f.scalar(f.line())
}

// scalar returns what a scalar on one line stands for.
func (f *fastReader) scalar(b []byte) string {
	if len(b) == 0 {
		f.bad = true
		return ""
	}
	if b[0] == '"' {
		s, rest := f.quoted(b)
		f.bad = f.bad || len(rest) > 0
		return s
	}
	if encoded, ok := bytes.CutPrefix(b, []byte("!!binary ")); ok {
		text, err := base64.StdEncoding.AppendDecode(nil, encoded)
		f.bad = f.bad || err != nil || len(text) == 0 || bytes.IndexByte(encoded, '\r') >= 0
		return string(text)
	}
	s := f.shared(b)
	f.bad = f.bad || !plainSafe(s)
	return s
}

// shared returns b as a string, the same one for the same b if it is short.
func (f *fastReader) shared(b []byte) string {
	if len(b) > 128 || f.once {
		return string(b)
	}
	if s, ok := f.seen[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(f.seen) < maxSeen {
		if f.seen == nil {
			f.seen = map[string]string{}
		}
		f.seen[s] = s
	}
	return s
}

// escapeDigits is how many hexadecimal digits follow a letter.
var escapeDigits = [256]int{'x': 2, 'u': 4, 'U': 8}

var escapeBytes = [256]byte{'"': '"', '\\': '\\', 'n': '\n', 'r': '\r', 't': '\t'}

// quoted returns what the double-quoted scalar at the start of b stands for,
// and what follows it.
func (f *fastReader) quoted(b []byte) (s string, rest []byte) {
	b = b[1:]
	simple := 0
	for simple < len(b) && b[simple] >= 0x20 && b[simple] < 0x7f && b[simple] != '"' && b[simple] != '\\' {
		simple++
	}
	if simple < len(b) && b[simple] == '"' {
		return f.shared(b[:simple]), b[simple+1:]
	}
	out := append(make([]byte, 0, len(b)), b[:simple]...)
	b = b[simple:]
	for len(b) > 0 {
		switch c := b[0]; {
		case c == '"':
			return f.shared(out), b[1:]
		case c != '\\':
			r, n := utf8.DecodeRune(b)
			f.bad = f.bad || !visible(r)
			out, b = append(out, b[:n]...), b[n:]
		case len(b) < 2:
			b = nil
		case escapeBytes[b[1]] != 0:
			out, b = append(out, escapeBytes[b[1]]), b[2:]
		default:
			n := escapeDigits[b[1]]
			if n == 0 || len(b) < 2+n {
				f.bad = true
				return "", nil
			}
			r, err := strconv.ParseUint(string(b[2:2+n]), 16, 32)
			f.bad = f.bad || err != nil || !utf8.ValidRune(rune(r))
			out, b = utf8.AppendRune(out, rune(r)), b[2+n:]
		}
	}
	f.bad = true
	return "", nil
}

func (f *fastReader) body(key string) string {
	f.must(key)
	if len(f.b) == 0 || f.b[0] != '|' {
		return f.scalar(f.line())
	}
	style := f.line()
	// The lines are those that start with the indent, and empty ones.
	end := 0
	for {
		if end < len(f.b) && f.b[end] == '\n' {
			end++
			continue
		}
		if !bytes.HasPrefix(f.b[end:], []byte(bodyIndent)) {
			break
		}
		n := bytes.IndexByte(f.b[end:], '\n')
		if n < 0 {
			f.bad = true
			return ""
		}
		if n == len(bodyIndent) {
			f.bad = true // the encoder leaves empty lines empty
		}
		end += n + 1
	}
	var text strings.Builder
	text.Grow(end)
	for block := f.b[:end]; len(block) > 0; {
		n := bytes.IndexByte(block, '\n') + 1
		text.Write(block[min(len(bodyIndent), n-1):n])
		block = block[n:]
	}
	f.b = f.b[end:]
	s := text.String()
	lastEmpty := strings.HasSuffix(s, "\n\n")
	switch string(style) {
	case "|-":
		s = strings.TrimSuffix(s, "\n")
		f.bad = f.bad || lastEmpty
	case "|":
		f.bad = f.bad || lastEmpty
	case "|+":
		f.bad = f.bad || !lastEmpty
	default:
		f.bad = true
	}
	f.bad = f.bad || !literalSafe(s)
	return s
}

// list takes a list of strings, nil if it is empty.
func (f *fastReader) list(key, item string) []string {
	f.must(key)
	if f.has(" []\n") {
		return nil
	}
	f.must("\n")
	var list []string
	for f.has(item) {
		list = append(list, f.scalar(f.line()))
	}
	f.bad = f.bad || len(list) == 0
	return list
}

func (f *fastReader) headers(key string) http.Header {
	f.must(key)
	m := http.Header{}
	if f.has(" {}\n") {
		return m
	}
	f.must("\n")
	for f.has(bodyIndent) {
		name := f.name()
		if _, twice := m[name]; twice {
			f.bad = true
		}
		m[name] = f.list(":", "                - ")
		if f.bad {
			return m
		}
	}
	f.bad = f.bad || len(m) == 0
	return m
}

// name takes a key of a map and leaves the colon after it. The long form with
// a question mark is left to the YAML parser.
func (f *fastReader) name() string {
	if len(f.b) > 0 && f.b[0] == '"' {
		line, _, _ := bytes.Cut(f.b, []byte("\n"))
		s, rest := f.quoted(line)
		n := len(line) - len(rest)
		f.bad = f.bad || utf8.RuneCount(line[:n]) > longKey
		f.b = f.b[n:]
		return s
	}
	n := bytes.IndexByte(f.b, '\n')
	if n < 0 {
		f.bad = true
		return ""
	}
	line := bytes.TrimSuffix(f.b[:n], []byte(" []"))
	line = bytes.TrimSuffix(line, []byte(":"))
	f.b = f.b[len(line):]
	s := f.shared(line)
	f.bad = f.bad || !plainSafe(s)
	return s
}
