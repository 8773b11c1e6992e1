package proxy

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
)

// TestFidelity compares, byte for byte, what the server received with what the
// client sent and what the client received with what the server sent, over all
// four ways in. Client and server are bare sockets. A row lists the differences
// that it is allowed; one that is listed and does not occur fails as well, so
// that the lists stay true. -v prints the table.
func TestFidelity(t *testing.T) { testFidelity(t, fidelityWays(t, nil)) }

// Recording changes nothing of it.
func TestFidelityRecording(t *testing.T) {
	tape, recorder := record(t)
	h := fidelityWays(t, recorder.Wrap)
	h.recording = true
	testFidelity(t, h)
	// The last exchange may still be on its way to the tape.
	t.Cleanup(func() {
		if err := tape.Close(); err != nil {
			t.Error(err)
		}
		if kept := recorder.Captured().Interactions; kept < 4*len(fidelityRows) {
			t.Errorf("%d interactions kept of %d", kept, 4*len(fidelityRows))
		}
	})
}

func testFidelity(t *testing.T, ways *fidelityHarness) {
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "exchange\trequest\tanswer")
	for _, row := range fidelityRows {
		t.Run(row.name, func(t *testing.T) { row.run(t, ways) })
		fmt.Fprintf(table, "%s\t%s\t%s\n", row.name, listed(row.request), listed(row.response))
	}
	fmt.Fprintln(table, "\neach over: plain proxy, CONNECT, reverse, reverse over TLS; what may differ, and why:")
	fmt.Fprintln(table, "  -\tin all rows: an absolute target becomes its path (RFC 9112 §3.2.1), and with --reverse Host is that of the server's URL")
	for _, d := range differences {
		fmt.Fprintf(table, "  %s\t%s\n", d.id, d.why)
	}
	table.Flush()
	t.Logf("\n%s", out.String())
}

func listed(ids string) string {
	if ids == "" {
		return "same"
	}
	return ids
}

// message is an HTTP message as it was on the wire.
type message struct {
	first string
	lines []string // of the header, without line ends
	body  string   // with its framing
}

func (m message) String() string {
	return m.first + "\n" + strings.Join(m.lines, "\n") + "\n\n" + m.body
}

func (m message) wire() string {
	return m.first + "\r\n" + strings.Join(append(slices.Clone(m.lines), ""), "\r\n") + "\r\n" + m.body
}

func (m message) value(name string) string {
	for _, line := range m.lines {
		if n, v, _ := strings.Cut(line, ":"); strings.EqualFold(n, name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// readMessage reads one message. The body of an answer that has no length ends
// with the connection, unless there is none.
func readMessage(r *bufio.Reader, answer, bodyless bool) (m message, err error) {
	line := func() (s string) {
		if err == nil {
			s, err = r.ReadString('\n')
		}
		return strings.TrimSuffix(s, "\r\n")
	}
	m.first = line()
	for l := line(); l != "" && err == nil; l = line() {
		m.lines = append(m.lines, l)
	}
	if err != nil || bodyless {
		return m, err
	}
	var body strings.Builder
	switch length := m.value("Content-Length"); {
	case strings.EqualFold(m.value("Transfer-Encoding"), "chunked"):
		for size := int64(-1); size != 0; {
			l := line()
			digits, _, _ := strings.Cut(l, ";")
			if size, err = strconv.ParseInt(digits, 16, 32); err != nil {
				return m, fmt.Errorf("chunk size %q", l)
			}
			body.WriteString(l + "\r\n")
			if size > 0 {
				if _, err = io.CopyN(&body, r, size+2); err != nil {
					return m, err
				}
			}
		}
		for {
			l := line()
			body.WriteString(l + "\r\n")
			if l == "" || err != nil {
				break
			}
		}
	case length != "":
		n, _ := strconv.ParseInt(length, 10, 64)
		_, err = io.CopyN(&body, r, n)
	case answer:
		_, err = io.Copy(&body, r)
	}
	m.body = body.String()
	return m, err
}

// difference is one way in which what arrives may differ from what was sent, and
// why. apply does to what was sent what the proxy does; with both it is done to
// what arrived too, for what has no one form.
type difference struct {
	id, why string
	apply   func(*message)
	both    bool
}

var differences = []difference{
	{"version", "each side of the proxy speaks the version of its own connection (RFC 9110 §2.5): HTTP/1.1 to the server, the client's own to the client",
		func(m *message) {
			m.first = strings.NewReplacer("HTTP/1.0 ", "HTTP/1.1 ").Replace(m.first)
			m.first = strings.TrimSuffix(m.first, "HTTP/1.0") + map[bool]string{true: "HTTP/1.1"}[strings.HasSuffix(m.first, "HTTP/1.0")]
		}, true},
	{"fold", "a value over several lines becomes one line (RFC 9112 §5.2)", func(m *message) {
		var lines []string
		for _, l := range m.lines {
			if n := len(lines) - 1; n >= 0 && strings.TrimLeft(l, " \t") != l {
				lines[n] = strings.TrimRight(lines[n], " \t") + " " + strings.TrimLeft(l, " \t")
			} else {
				lines = append(lines, l)
			}
		}
		m.lines = lines
	}, false},
	{"space", "white space around a value is not part of it (RFC 9110 §5.5), and belongs after a status (RFC 9112 §4)", func(m *message) {
		if len(m.first) == len("HTTP/1.1 200") && strings.HasPrefix(m.first, "HTTP/") {
			m.first += " "
		}
		for i, l := range m.lines {
			name, value, _ := strings.Cut(l, ":")
			m.lines[i] = name + ": " + strings.Trim(value, " \t")
		}
	}, false},
	{"hop", "headers of one connection end with it (RFC 9110 §7.6.1)", func(m *message) {
		drop := []string{"connection", "keep-alive", "proxy-connection", "proxy-authorization", "upgrade"}
		for _, l := range m.lines {
			if name, value, _ := strings.Cut(l, ":"); strings.EqualFold(name, "Connection") {
				for token := range strings.SplitSeq(value, ",") {
					if token = strings.ToLower(strings.TrimSpace(token)); token != "authorization" && token != "te" { // what makes the exchange another is kept
						drop = append(drop, token)
					}
				}
			}
		}
		m.lines = slices.DeleteFunc(m.lines, func(l string) bool {
			name, _, _ := strings.Cut(l, ":")
			return slices.Contains(drop, strings.ToLower(name))
		})
	}, false},
	{"session", "a plain proxy says with a challenge by NTLM or Negotiate that it keeps connections apart, or clients such as .NET's do not begin (RFC 4559 §6)", func(m *message) {
		m.lines = slices.DeleteFunc(m.lines, func(l string) bool { return l == "Proxy-Support: Session-Based-Authentication" })
	}, true},
	{"te", "TE says what the proxy takes; it takes trailers (RFC 9110 §10.1.4)", func(m *message) {
		for i, l := range m.lines {
			if strings.HasPrefix(l, "TE:") {
				m.lines[i] = "TE: trailers"
			}
		}
	}, false},
	{"announced", "a recorded request is read to its end before it is sent, so that a trailer which nobody announced can be", func(m *message) {
		_, trailer, _ := strings.Cut(m.body, "0\r\n")
		name, _, _ := strings.Cut(trailer, ":")
		m.lines = append(m.lines, "Trailer: "+name)
	}, false},
	{"names", "header names in their usual spelling, which means the same (RFC 9110 §5.1); SOAPAction in that one", func(m *message) {
		for i, l := range m.lines {
			if name, value, ok := strings.Cut(l, ":"); ok {
				if name = textproto.CanonicalMIMEHeaderKey(name); name == "Soapaction" {
					name = "SOAPAction"
				}
				m.lines[i] = name + ":" + value
			}
		}
	}, false},
	{"alive", "a client of HTTP/1.0 that asked for its connection to go on is told that it does (RFC 9112 §9.3)", func(m *message) { m.lines = append(m.lines, "Connection: keep-alive") }, false},
	{"close", "the client asked to close, and is told so (RFC 9112 §9.6)", func(m *message) { m.lines = append(m.lines, "Connection: close") }, false},
	{"pragma", "Pragma: no-cache alone is given as Cache-Control: no-cache too, which is what it means (RFC 9111 §5.4)", func(m *message) { m.lines = append(m.lines, "Cache-Control: no-cache") }, false},
	{"order", "headers of different names in another order, which means the same (RFC 9110 §5.3); those of one name keep theirs", func(m *message) {
		slices.SortStableFunc(m.lines, func(a, b string) int {
			an, _, _ := strings.Cut(a, ":")
			bn, _, _ := strings.Cut(b, ":")
			return strings.Compare(strings.ToLower(an), strings.ToLower(bn))
		})
	}, true},
	{"lengths", "a length is said once, and not beside chunks, which decide (RFC 9112 §6.3)", func(m *message) {
		seen := strings.EqualFold(m.value("Transfer-Encoding"), "chunked")
		m.lines = slices.DeleteFunc(m.lines, func(l string) bool {
			again := seen && strings.HasPrefix(l, "Content-Length:")
			seen = seen || strings.HasPrefix(l, "Content-Length:")
			return again
		})
	}, false},
	{"bodyless", "an answer that can have no body does not say how one would be framed (RFC 9110 §8.6, RFC 9112 §6.1)", func(m *message) {
		m.lines = slices.DeleteFunc(m.lines, func(l string) bool {
			return strings.HasPrefix(l, "Content-Length:") || strings.HasPrefix(l, "Transfer-Encoding:")
		})
	}, false},
	{"trailers", "trailers are announced in one line, and come in another order, which means the same (RFC 9110 §5.3)", func(m *message) {
		var names []string
		m.lines = slices.DeleteFunc(m.lines, func(l string) bool {
			list, found := strings.CutPrefix(l, "Trailer: ")
			if found {
				names = append(names, strings.Split(strings.ReplaceAll(list, " ", ""), ",")...)
			}
			return found
		})
		slices.Sort(names)
		m.lines = append(m.lines, "Trailer: "+strings.Join(names, ","))
		before, after, _ := strings.Cut(m.body, "\r\n0\r\n")
		fields := strings.Split(strings.TrimSuffix(after, "\r\n\r\n"), "\r\n")
		slices.Sort(fields)
		m.body = before + "\r\n0\r\n" + strings.Join(fields, "\r\n")
	}, true},
	{"chunks", "a body in chunks of other sizes, without extensions: those are one connection's (RFC 9112 §7.1)", func(m *message) {
		if !strings.EqualFold(m.value("Transfer-Encoding"), "chunked") {
			return
		}
		var whole strings.Builder
		rest := m.body
		for {
			line, after, _ := strings.Cut(rest, "\r\n")
			digits, _, _ := strings.Cut(line, ";")
			size, _ := strconv.ParseInt(digits, 16, 32)
			if rest = after; size == 0 {
				break
			}
			whole.WriteString(rest[:size])
			rest = rest[size+2:]
		}
		m.body = whole.String() + "|" + rest
	}, true},
	{"ends", "a body that ended with the server's connection comes in chunks, so that the client's can go on", func(m *message) {
		m.lines = append(m.lines, "Transfer-Encoding: chunked")
		m.body = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(m.body), m.body)
	}, false},
	{"plain", "a client of HTTP/1.0 knows no chunks: its body ends with its connection (RFC 9112 §6.1)", func(m *message) {
		m.lines = slices.DeleteFunc(m.lines, func(l string) bool { return l == "Transfer-Encoding: chunked" })
		m.body, _, _ = strings.Cut(m.body, "|")
	}, false},
}

// same compares what was sent with what arrived, with these differences allowed.
func same(sent, arrived message, allowed []string) bool {
	sent.lines, arrived.lines = slices.Clone(sent.lines), slices.Clone(arrived.lines)
	for _, d := range differences { // in their order, whatever the row's
		if slices.Contains(allowed, d.id) {
			d.apply(&sent)
			if d.both {
				d.apply(&arrived)
			}
		}
	}
	return sent.String() == arrived.String()
}

type fidelityWay struct {
	name   string
	dial   func(testing.TB) net.Conn
	to     string // before the path in a request line
	host   string // what the client says
	server string // what the server is to be told
}

type fidelityHarness struct {
	recording bool
	ways      []fidelityWay
	answers   chan string  // what the server says next
	got       chan message // what it received
}

// fidelityWays are ways to a server that answers what the test says next.
func fidelityWays(t testing.TB, wrap func(http.RoundTripper) http.RoundTripper) *fidelityHarness {
	h := &fidelityHarness{answers: make(chan string, 1), got: make(chan message, 4)}
	h.ways = waysTo(t, wrap, h.serve)
	return h
}

// waysTo starts a server of bare sockets, plain and over TLS, whose connections
// serve gets, and a proxy of each kind before it, whose transports wrap may wrap.
func waysTo(t testing.TB, wrap func(http.RoundTripper) http.RoundTripper, serve func(net.Conn)) []fidelityWay {
	ca := sharedCA(t)
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := ListenTLSOrPlain(raw, ca, nil)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			c.SetDeadline(time.Now().Add(patience))
			all.Go(func() { defer c.Close(); serve(c) })
		}
	})
	t.Cleanup(func() { ln.Close(); all.Wait() })
	server := raw.Addr().String()
	upstream := insecureUpstream(t)
	proxy := func(c Config) string {
		c.CA = ca
		c.NewTransport = func() http.RoundTripper { return upstream.Transport() }
		if wrap != nil {
			c.NewTransport = func() http.RoundTripper { return wrap(upstream.Transport()) }
		}
		_, addr := start(t, c)
		return addr
	}
	reverse := func(scheme string) string { return proxy(Config{Reverse: &url.URL{Scheme: scheme, Host: server}}) }
	forward := proxy(Config{})
	plain, secure := reverse("http"), reverse("https")
	return []fidelityWay{
		{"plain proxy", func(t testing.TB) net.Conn { return dial(t, forward) }, "http://" + server, server, server},
		{"CONNECT", func(t testing.TB) net.Conn { return tlsTunnel(t, forward, server, ca, "") }, "", "um.example.test", "um.example.test"},
		{"reverse", func(t testing.TB) net.Conn { return dial(t, plain) }, "", "umtape.example.test", server},
		{"reverse TLS", func(t testing.TB) net.Conn { return tlsOver(t, dial(t, secure), ca, "") }, "", "umtape.example.test", server},
	}
}

// serve takes one request, answers, and ends the connection if the answer's end
// is that.
func (h *fidelityHarness) serve(c net.Conn) {
	r := bufio.NewReader(c)
	for {
		m, err := readMessage(r, false, false)
		if err != nil {
			return
		}
		answer := <-h.answers
		h.got <- m
		io.WriteString(c, answer)
		head, _, _ := strings.Cut(answer, "\r\n\r\n")
		if !strings.Contains(head, "Content-Length") && !strings.Contains(head, "chunked") && !strings.Contains(head, " 204 ") && !strings.Contains(head, " 304 ") {
			return
		}
	}
}

type fidelityRow struct {
	name     string
	sends    string // TO and HOST stand for what the way in wants there
	request  string // differences allowed
	recorded string // and these, when recording
	answer   string // "" for one of no interest
	response string // differences allowed
}

func (row fidelityRow) run(t *testing.T, h *fidelityHarness) {
	answer := row.answer
	if answer == "" {
		answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	}
	requestIDs, responseIDs := strings.Fields(row.request), strings.Fields(row.response)
	if h.recording {
		requestIDs = append(requestIDs, strings.Fields(row.recorded)...)
	}
	needed := map[string]bool{}
	note := func(side string, sent, arrived message, ids []string) {
		for _, id := range ids {
			without := slices.DeleteFunc(slices.Clone(ids), func(s string) bool { return s == id })
			if !same(sent, arrived, without) {
				needed[side+" "+id] = true
			}
		}
	}
	for _, way := range h.ways {
		send := strings.NewReplacer("TO", way.to, "HOST", way.host).Replace(row.sends)
		if strings.HasPrefix(row.sends, "OPTIONS *") && way.to != "" {
			send = strings.Replace(send, "*", way.to, 1) // RFC 9112 §3.2.4
		}
		sent, err := readMessage(bufio.NewReader(strings.NewReader(send)), false, false)
		if err != nil {
			t.Fatalf("the row's request: %v", err)
		}
		// What the request line and Host say is another thing on each side.
		sent.first = strings.Replace(sent.first, " "+way.to, " ", 1)
		if strings.HasPrefix(row.sends, "OPTIONS *") {
			sent.first = "OPTIONS * HTTP/1.1"
		}
		for i, l := range sent.lines {
			if strings.HasPrefix(l, "Host:") {
				sent.lines[i] = strings.Replace(l, way.host, way.server, 1)
			}
		}
		c := way.dial(t)
		h.answers <- answer
		io.WriteString(c, send)
		arrived := next(t, h.got)
		if !same(sent, arrived, requestIDs) {
			t.Errorf("%s: the client sent\n%.2000q\nand the server received\n%.2000q", way.name, sent.wire(), arrived.wire())
		}
		note("request", sent, arrived, requestIDs)

		r := bufio.NewReader(c)
		for rest := answer; rest != ""; {
			want, err := readAnswer(bufio.NewReader(strings.NewReader(rest)), row.sends)
			if err != nil {
				t.Fatalf("the row's answer: %v", err)
			}
			rest = rest[len(want.wire()):]
			got, err := readAnswer(r, row.sends)
			if err != nil {
				t.Fatalf("%s: the answer: %v after %.2000q", way.name, err, got.wire())
			}
			if !same(want, got, responseIDs) {
				t.Errorf("%s: the server sent\n%.2000q\nand the client received\n%.2000q", way.name, want.wire(), got.wire())
			}
			note("answer", want, got, responseIDs)
		}
	}
	for side, ids := range map[string][]string{"request": requestIDs, "answer": responseIDs} {
		for _, id := range ids {
			if !needed[side+" "+id] {
				t.Errorf("the %s is allowed to differ by %q and does not: take it off the list", side, id)
			}
		}
	}
}

func readAnswer(r *bufio.Reader, request string) (message, error) {
	first, err := r.Peek(len("HTTP/1.1 200"))
	if err != nil {
		return message{}, err
	}
	code := string(first[len("HTTP/1.1 "):])
	return readMessage(r, true, strings.HasPrefix(request, "HEAD ") || code == "204" || code == "304" || code < "200")
}

func packed(encoding, text string) string {
	var b bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&b)
	if encoding == "deflate" {
		w, _ = flate.NewWriter(&b, flate.BestCompression)
	}
	io.WriteString(w, text)
	w.Close()
	return b.String()
}

// sized is a request or an answer with a body of that length.
func sized(head, body string) string {
	return fmt.Sprintf("%s\r\nContent-Length: %d\r\n\r\n%s", head, len(body), body)
}

const (
	disconnectXML = `<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>` +
		`<Disconnect xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"><CallId>eA==</CallId></Disconnect></soap:Body></soap:Envelope>`
	postTo = "POST TO/UnifiedMessaging/Service.asmx HTTP/1.1\r\nHost: HOST"
	getTo  = "GET TO/ HTTP/1.1\r\nHost: HOST\r\n\r\n"
	okHead = "HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8"
	action = "\r\nSOAPAction: \"http://schemas.microsoft.com/exchange/services/2006/messages/Disconnect\""
)

// utf16LE is text with a byte order mark.
func utf16LE(text string) string {
	b := []byte("\xff\xfe")
	for _, c := range text {
		b = append(b, byte(c), byte(c>>8))
	}
	return string(b)
}

var manyHeaders = func() string {
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, "\r\nX-H%04d: %d", i, i)
	}
	return b.String()
}()

const mtom = "--b\r\nContent-Type: application/xop+xml; charset=utf-8; type=\"text/xml\"\r\nContent-ID: <root>\r\n\r\n<a/>\r\n" +
	"--b\r\nContent-Type: image/x\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <x>\r\n\r\n\x00\x01\xff\r\n--b--\r\n"

var fidelityRows = []fidelityRow{
	// Requests.
	{name: "nothing is added", sends: getTo},
	{name: "a SOAP request", sends: sized(postTo+"\r\nUser-Agent: a", disconnectXML), request: ""},
	{name: "as .NET writes it", sends: sized("POST TO/UnifiedMessaging/Service.asmx HTTP/1.1\r\nUser-Agent: Mozilla/4.0 (compatible; MSIE 6.0; MS Web Services Client Protocol 2.0.50727)\r\n"+
		"Content-Type: text/xml; charset=utf-8"+action+"\r\nHost: HOST\r\nConnection: Keep-Alive", disconnectXML), request: "order hop"},
	{name: "names in lower case", sends: sized("POST TO/x HTTP/1.1\r\nHost: HOST\r\nuser-agent: a\r\nsoapaction: \"\"\r\ncontent-type: text/xml", "<a/>"), request: "names order"},
	{name: "SOAPAction without quotes, empty, in capitals", sends: "POST TO/x HTTP/1.1\r\nHost: HOST\r\nContent-Length: 4\r\nSOAPACTION: urn:a\r\nSOAPAction: \r\n\r\n<a/>", request: "names"},
	{name: "double and odd headers", sends: "GET TO/ HTTP/1.1\r\nHost: HOST\r\nAccept: a\r\nAccept: b\r\nAccept-Encoding: gzip, br;q=0.1\r\nContent-Type: no/type; ;;=\r\nCookie: a=1; b=\"2\"\r\nCookie: c\r\nDate: yesterday\r\nX-8bit: \xe4\xf6\r\nX-Empty: \r\nX-Tab: a\tb\r\nX-Under_score: 1\r\n\r\n"},
	{name: "odd names", sends: "GET TO/ HTTP/1.1\r\nHost: HOST\r\nX-A: 1\r\nx-a: 2\r\nx_under_score: 3\r\n!#$%&'*+.^`|~9: 4\r\n\r\n", request: "names order"},
	{name: "what proxies like to add or take", sends: "GET TO/ HTTP/1.1\r\nHost: HOST\r\nForwarded: for=a\r\nIf-Modified-Since: x\r\nMax-Forwards: 0\r\nRange: bytes=0-1\r\nVia: 1.0 a\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"},
	{name: "Pragma: no-cache", sends: "GET TO/ HTTP/1.1\r\nHost: HOST\r\nPragma: no-cache\r\n\r\n", request: "pragma order",
		answer: sized("HTTP/1.1 200 OK\r\nPragma: no-cache", ""), response: "pragma order"},
	{name: "authorization of Windows", sends: "GET TO/ HTTP/1.1\r\nHost: HOST\r\nAuthorization: NTLM TlRMTVNTUAABAAAA\r\nConnection: keep-alive, Authorization\r\nProxy-Authorization: Basic eDp5\r\n\r\n", request: "hop"},
	{name: "headers of one connection", sends: "GET TO/ HTTP/1.1\r\nHost: HOST\r\nConnection: X-Hop\r\nKeep-Alive: 300\r\nProxy-Connection: keep-alive\r\nUpgrade: h2c\r\nX-Hop: 1\r\n\r\n", request: "hop"},
	{name: "TE", sends: "GET TO/ HTTP/1.1\r\nHost: HOST\r\nConnection: TE\r\nTE: trailers, deflate;q=0.5\r\n\r\n", request: "hop te names"},
	{name: "white space around values", sends: "GET TO/ HTTP/1.1\r\nHost: HOST\r\nX-A:1\r\nX-B: \t2 \t\r\n\r\n", request: "space"},
	{name: "a value over two lines", sends: "GET TO/ HTTP/1.1\r\nHost: HOST\r\nX-A: 1\r\n \t2\r\nX-B: 3\r\n\r\n", request: "fold"},
	{name: "1 000 headers", sends: "GET TO/ HTTP/1.1\r\nHost: HOST" + manyHeaders + "\r\n\r\n"},
	{name: "a header of 60 KiB", sends: "GET TO/ HTTP/1.1\r\nHost: HOST\r\nX-Long: " + strings.Repeat("x", 60<<10) + "\r\n\r\n"},
	{name: "raw path and query", sends: "GET TO/a%2fb/../c//d;x=1/%E4%7c|\"<>{}^`'()!$@:,*~/./?a=%2f&&b=;c=a+b&d=|%zz?#x HTTP/1.1\r\nHost: HOST\r\n\r\n"},
	{name: "a path beyond ASCII", sends: "GET TO/\xc3\xa4/\xe4?\xf6 HTTP/1.1\r\nHost: HOST\r\n\r\n"},
	{name: "a path of 64 KiB", sends: "GET TO/" + strings.Repeat("a", 64<<10) + " HTTP/1.1\r\nHost: HOST\r\n\r\n"},
	{name: "a method in lower case", sends: "get TO/ HTTP/1.1\r\nHost: HOST\r\n\r\n"},
	{name: "an empty query", sends: "GET TO/? HTTP/1.1\r\nHost: HOST\r\n\r\n"},
	{name: "two slashes", sends: "GET TO//a//b HTTP/1.1\r\nHost: HOST\r\n\r\n"},
	{name: "OPTIONS *", sends: "OPTIONS * HTTP/1.1\r\nHost: HOST\r\n\r\n"},
	{name: "a method of its own", sends: sized("M-SEARCH TO/x HTTP/1.1\r\nHost: HOST", "x")},
	{name: "GET with a body", sends: sized("GET TO/x HTTP/1.1\r\nHost: HOST", "x")},
	{name: "POST of nothing", sends: sized(postTo, "")},
	{name: "POST without a length", sends: postTo + "\r\n\r\n"},
	{name: "HTTP/1.0", sends: sized("POST TO/x HTTP/1.0\r\nHost: HOST", "x"), request: "version",
		answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", response: "version chunks plain"},
	{name: "HTTP/1.0 that goes on", sends: "GET TO/ HTTP/1.0\r\nHost: HOST\r\nConnection: keep-alive\r\n\r\n", request: "version hop", response: "version alive"},
	{name: "HTTP/1.0 on both sides", sends: "GET TO/ HTTP/1.0\r\nHost: HOST\r\n\r\n", request: "version", answer: "HTTP/1.0 200 OK\r\n\r\nabc"},
	{name: "Connection: close and chunks", sends: "GET TO/ HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n", request: "hop",
		answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", response: "close order"},
	{name: "Connection: close", sends: sized("POST TO/x HTTP/1.1\r\nHost: HOST\r\nConnection: close", "x"), request: "hop", response: "close"},
	{name: "in chunks with a trailer", sends: postTo + "\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5;ext=1\r\n<a/> \r\n1\r\n \r\n0\r\nX-Sum: 7\r\n\r\n", request: "chunks"},
	{name: "a trailer that was not announced", sends: postTo + "\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 7\r\n\r\n", recorded: "announced"},
	{name: "in chunks with two trailers", sends: postTo + "\r\nTransfer-Encoding: chunked\r\nTrailer: X-B, X-A\r\n\r\n4\r\n<a/>\r\n0\r\nX-B: 7\r\nX-A: 1\r\n\r\n", request: "trailers"},
	{name: "in chunks with a length", sends: postTo + "\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n<a/>\r\n0\r\n\r\n", request: "lengths"},
	{name: "a length said twice", sends: postTo + "\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\n<a/>", request: "lengths"},
	{name: "in chunks, none", sends: postTo + "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{name: "gzip", sends: sized(postTo+"\r\nContent-Encoding: gzip", packed("gzip", disconnectXML)), request: "order"},
	{name: "deflate", sends: sized(postTo+"\r\nContent-Encoding: deflate", packed("deflate", disconnectXML)), request: "order"},
	{name: "a coding that is none", sends: sized(postTo+"\r\nContent-Encoding: br", "\x0b<a/>"), request: "order"},
	{name: "a byte order mark", sends: sized(postTo+"\r\nContent-Type: text/xml", "\xef\xbb\xbf"+disconnectXML), request: "order"},
	{name: "UTF-16", sends: sized(postTo+"\r\nContent-Type: text/xml; charset=utf-16", utf16LE(disconnectXML)), request: "order"},
	{name: "latin-1", sends: sized(postTo+"\r\nContent-Type: text/xml; charset=iso-8859-1", "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><a>\xe4</a>"), request: "order"},
	{name: "MTOM", sends: sized(postTo+"\r\nContent-Type: multipart/related; type=\"application/xop+xml\"; start=\"<root>\"; boundary=b; start-info=\"text/xml\"\r\nMIME-Version: 1.0", mtom), request: "order names"},
	{name: "no XML at all", sends: sized(postTo, "\x00\x01\r\n\r\n0\r\n\r\n\xff")},

	// Answers.
	{name: "an answer without a date or a type", sends: getTo, answer: sized("HTTP/1.1 200 OK", "<html><a/>")},
	{name: "an answer of IIS", sends: getTo, answer: sized("HTTP/1.1 200 OK\r\nCache-Control: private\r\nContent-Type: text/xml; charset=utf-8\r\nServer: Microsoft-IIS/7.5\r\nX-AspNet-Version: 2.0.50727\r\n"+
		"Set-Cookie: exchangecookie=1; path=/\r\nSet-Cookie: X-BackEndCookie=2; path=/EWS\r\nX-Powered-By: ASP.NET\r\nDate: Tue, 24 Nov 2009 08:00:00 GMT", disconnectXML), response: "names order"},
	{name: "names and spaces in an answer", sends: getTo, answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx-feserver:A \r\n\r\nok", response: "names space"},
	{name: "double and odd headers in an answer", sends: getTo, answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: \r\nContent-Type: a/b\r\nDate: never\r\nDate: now\r\nServer: \xe4\r\nSet-Cookie: b\r\nSet-Cookie: a\r\nX-Empty: \r\n\r\nok"},
	{name: "an answer's value over two lines", sends: getTo, answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\n \t2\r\n\r\nok", response: "fold"},
	{name: "an answer's header of 60 KiB", sends: getTo, answer: "HTTP/1.1 200 A long reason " + strings.Repeat("r", 8<<10) + "\r\nContent-Length: 2\r\nX-Long: " + strings.Repeat("y", 60<<10) + "\r\n\r\nok"},
	{name: "407", sends: getTo, answer: "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\nok"},
	{name: "headers of the server's connection", sends: getTo, answer: "HTTP/1.1 200 OK\r\nConnection: Keep-Alive, X-Hop\r\nContent-Length: 2\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\nX-Hop: 1\r\n\r\nok", response: "hop"},
	{name: "the server closes", sends: getTo, answer: "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", response: "hop"},
	{name: "401 with two challenges and HTML", sends: getTo, answer: sized("HTTP/1.1 401 Unauthorized\r\nContent-Type: text/html\r\nWWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM", "<html>no</html>"), response: "names order session"},
	{name: "302", sends: getTo, answer: sized("HTTP/1.1 302 Found\r\nLocation: https://x/owa/auth/logon.aspx?url=https://y/&reason=0", ""), response: "order"},
	{name: "a reason of its own", sends: getTo, answer: sized("HTTP/1.1 456 Account is locked, see https://unlock.example.test/ now", "")},
	{name: "a reason beyond ASCII", sends: getTo, answer: "HTTP/1.1 200  d\xe9j\xe0  vu \r\nContent-Length: 2\r\n\r\nok"},
	{name: "a status of its own, in chunks", sends: getTo, answer: "HTTP/1.1 999 x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"},
	{name: "no reason nor its space", sends: getTo, answer: "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", response: "space"},
	{name: "no reason", sends: getTo, answer: "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok"},
	{name: "500 with a fault", sends: getTo, answer: sized("HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/xml; charset=utf-8", "<fault/>"), response: "order"},
	{name: "HEAD", sends: "HEAD TO/ HTTP/1.1\r\nHost: HOST\r\n\r\n", answer: "HTTP/1.1 200 OK\r\nContent-Length: 42\r\nContent-Type: text/xml\r\n\r\n"},
	{name: "204", sends: getTo, answer: "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n"},
	{name: "304", sends: getTo, answer: "HTTP/1.1 304 Not Modified\r\nEtag: \"x\"\r\n\r\n"},
	{name: "204 with a length", sends: getTo, answer: sized("HTTP/1.1 204 No Content", ""), response: "bodyless"},
	{name: "304 with a length", sends: getTo, answer: "HTTP/1.1 304 Not Modified\r\nContent-Length: 42\r\n\r\n", response: "bodyless"},
	{name: "205", sends: getTo, answer: sized("HTTP/1.1 205 Reset Content", "")},
	{name: "HEAD in chunks", sends: "HEAD TO/ HTTP/1.1\r\nHost: HOST\r\n\r\n", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", response: "bodyless"},
	{name: "HEAD without a length", sends: "HEAD TO/ HTTP/1.1\r\nHost: HOST\r\n\r\n", answer: "HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\n"},
	{name: "an empty answer", sends: getTo, answer: sized("HTTP/1.1 200 OK", "")},
	{name: "an answer in chunks", sends: getTo, answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", response: "chunks"},
	{name: "an answer in chunks, none", sends: getTo, answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{name: "an answer with a trailer", sends: getTo, answer: "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n"},
	{name: "an answer with a trailer unannounced", sends: getTo, answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n"},
	{name: "an answer with two trailers", sends: getTo, answer: "HTTP/1.1 200 OK\r\nTrailer: X-B\r\nTrailer: X-A\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-B: 9\r\nX-A: 1\r\n\r\n", response: "trailers"},
	{name: "an answer in chunks with a length", sends: getTo, answer: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", response: "lengths"},
	{name: "401 that ends with the connection", sends: getTo, answer: "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Type: text/html\r\n\r\n<html>", response: "hop ends"},
	{name: "an answer that ends with the connection", sends: getTo, answer: "HTTP/1.1 200 OK\r\n\r\nabc", response: "ends"},
	{name: "an answer of HTTP/1.0", sends: getTo, answer: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", response: "version"},
	{name: "102 and 103 before the answer", sends: getTo, answer: "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
	{name: "a gzip answer", sends: getTo, answer: sized(okHead+"\r\nContent-Encoding: gzip\r\nVary: Accept-Encoding", packed("gzip", disconnectXML)), response: "order"},
	{name: "a deflate answer", sends: getTo, answer: sized(okHead+"\r\nContent-Encoding: deflate", packed("deflate", disconnectXML)), response: "order"},
	{name: "a UTF-16 answer", sends: getTo, answer: sized("HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-16", utf16LE(disconnectXML)), response: "order"},
	{name: "an MTOM answer", sends: getTo, answer: sized("HTTP/1.1 200 OK\r\nContent-Type: multipart/related; boundary=b; type=\"application/xop+xml\"", mtom), response: "order"},
	{name: "an answer of 1 MiB", sends: getTo, answer: sized("HTTP/1.1 200 OK", strings.Repeat("0123456789abcdef", 1<<16))},
	{name: "1 000 headers in an answer", sends: getTo, answer: "HTTP/1.1 200 OK\r\nContent-Length: 0" + manyHeaders + "\r\n\r\n"},
}

// The server may say in an answer how it ended, and the client's connection goes
// on whatever that was: two requests on one connection.
func TestAnswersAreFramedForTheNextRequest(t *testing.T) {
	h := fidelityWays(t, nil)
	for _, row := range fidelityRows {
		if row.answer == "" || strings.Contains(row.sends, "HTTP/1.0") || strings.Contains(row.sends, "Connection: close") {
			continue
		}
		way := h.ways[0]
		send := strings.NewReplacer("TO", way.to, "HOST", way.host).Replace(row.sends)
		c := way.dial(t)
		r := bufio.NewReader(c)
		for range 2 {
			h.answers <- row.answer
			io.WriteString(c, send)
			next(t, h.got)
			for range strings.Count(row.answer, "HTTP/1.") {
				if _, err := readAnswer(r, row.sends); err != nil {
					t.Fatalf("%s: %v", row.name, err)
				}
			}
		}
	}
}
