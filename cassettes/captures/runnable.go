package captures

import (
	"bytes"
	"errors"
	"fmt"
	"go/format"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// shellQuote makes one word of a POSIX shell of any bytes but NUL.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// maxArgument is how long a body may be that stands on a command line; Linux takes
// 128 KiB in one argument.
const maxArgument = 64 << 10

// ownFields are set anew by whoever sends a request.
var ownFields = []string{"Content-Length", "Transfer-Encoding", "Connection", "Proxy-Connection", "Keep-Alive", "Te", "Trailer", "Upgrade", "Host"}

// fields returns the fields of a request's header that are to be sent, in order.
func fields(x *Exchange) []harPair {
	var out []harPair
	if x.Request.Host != "" && x.Request.Host != x.Request.URL.Host {
		out = append(out, harPair{"Host", x.Request.Host})
	}
	for _, p := range pairs(x.Request.Header, "", nil) {
		if slices.Contains(ownFields, http.CanonicalHeaderKey(p.Name)) {
			continue
		}
		if p.Name == "Soapaction" {
			p.Name = "SOAPAction" // as servers spell it, some of which mind
		}
		out = append(out, p)
	}
	return out
}

var errField = errors.New("a field of its header or its method holds what no HTTP request can")

// check refuses what would not be sent as an HTTP request, but read as something
// else: whoever made the cassette may mean harm to whoever runs what is made of it.
// To curl a URL can be a file or any protocol there is.
func (x *Exchange) check() error {
	if u := x.Request.URL; u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("its URL is not one of http or https")
	}
	if !token.MatchString(x.Request.Method) {
		return errField
	}
	for _, p := range fields(x) {
		if !token.MatchString(p.Name) || broken(p.Value) {
			return errField
		}
	}
	return nil
}

// target is the URL as a line can hold it: a query keeps what it was read with.
func (x *Exchange) target() string {
	var b strings.Builder
	for _, c := range []byte(x.Request.URL.String()) {
		if c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

var token = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

// Curl returns a command line of a POSIX shell that sends the request with curl.
func Curl(x *Exchange) (string, error) {
	if err := x.check(); err != nil {
		return "", err
	}
	var b strings.Builder
	inArgument := len(x.RequestBody) <= maxArgument && isText(x.RequestBody)
	if !inArgument {
		b.WriteString("printf ")
		b.WriteString(printfFormat(x.RequestBody))
		b.WriteString(" |\n")
	}
	b.WriteString("curl -sS --globoff --path-as-is")
	switch m := x.Request.Method; {
	case m == http.MethodHead:
		b.WriteString(" --head")
	case len(x.RequestBody) > 0 && m == http.MethodPost, len(x.RequestBody) == 0 && m == http.MethodGet:
	default:
		b.WriteString(" -X " + shellQuote(m))
	}
	sent := map[string]bool{}
	for _, p := range fields(x) {
		sent[http.CanonicalHeaderKey(p.Name)] = true
		if strings.TrimSpace(p.Value) == "" {
			b.WriteString(" \\\n  -H " + shellQuote(p.Name+";")) // curl's way to send one without a value
			continue
		}
		b.WriteString(" \\\n  -H " + shellQuote(p.Name+": "+p.Value))
	}
	without := []string{"User-Agent", "Accept"} // which curl adds unless told not to
	if len(x.RequestBody) > 0 {
		without = append(without, "Content-Type", "Expect")
	}
	for _, name := range without {
		if !sent[name] {
			b.WriteString(" \\\n  -H " + shellQuote(name+":"))
		}
	}
	switch {
	case !inArgument:
		b.WriteString(" \\\n  --data-binary @-")
	case len(x.RequestBody) > 0:
		b.WriteString(" \\\n  --data-raw " + shellQuote(string(x.RequestBody)))
	}
	b.WriteString(" \\\n  --url " + shellQuote(x.target()) + "\n")
	return b.String(), nil
}

// isText reports whether bytes can stand in a script, and be read there.
func isText(b []byte) bool {
	return utf8.Valid(b) && !bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' || r == 0x7f })
}

// printfFormat is an argument for which printf(1) of POSIX writes these bytes.
func printfFormat(body []byte) string {
	b := make([]byte, 0, len(body)*2)
	b = append(b, '\'')
	for _, c := range body {
		switch {
		case c == '%':
			b = append(b, "%%"...)
		case c == '\\':
			b = append(b, `\\`...)
		case c == '\n':
			b = append(b, `\n`...)
		case c < ' ' || c >= 0x7f || c == '\'':
			b = fmt.Appendf(b, `\%03o`, c)
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '\''))
}

// special are lines that the editors which run .http files take for something else
// than a body: the next request, a script, tests, a file to send in its place. White space is
// that of JavaScript. Of what begins with < only tags, comments and instructions pass.
var special = regexp.MustCompile("(?m)^[\\s\\p{Z}\\x{feff}]*(###|>|```|<([^\\pL_:/!?]|$))")

// variable is where they put the value of a variable, or what an expression of theirs
// comes to: of the environment, say.
const variable = "{{"

// HTTPFile returns the request in the syntax of .http files, which editors run. title
// is one line.
func HTTPFile(x *Exchange, title string) (string, error) {
	if err := x.check(); err != nil {
		return "", err
	}
	body := string(x.RequestBody)
	switch {
	case !isText(bytes.ReplaceAll(x.RequestBody, []byte("\r\n"), []byte("\n"))):
		return "", errors.New("its body is not text, which a .http file cannot hold; --curl can")
	case special.MatchString(body) || strings.Contains(body, variable):
		return "", errors.New("its body has a line that .http files mean something else by, or {{ for a variable; --curl takes it")
	}
	target := x.target()
	if strings.Contains(target, variable) || slices.ContainsFunc(fields(x), func(p harPair) bool { return strings.Contains(p.Value, variable) }) {
		return "", errors.New("its URL or its header has {{, which .http files mean a variable by; --curl takes it")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n%s %s HTTP/1.1\n", title, x.Request.Method, target)
	for _, p := range fields(x) {
		fmt.Fprintf(&b, "%s: %s\n", p.Name, p.Value)
	}
	if body != "" {
		b.WriteString("\n" + strings.TrimRight(body, "\r\n") + "\n")
	}
	return b.String(), nil
}

// GoTestFile is the beginning of a file of tests that GoTest's functions follow.
const GoTestFile = `package calls_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/umtape/umtape/cassettes/tapetest"
)
`

// GoTest returns a test function that sends the request to the cassette, or with
// UMTAPE_MODE=record to the server, and looks at the answer's status. name is an
// identifier's end, such as Disconnect_0; kind is the operation, "" for none; the
// answer is that to the nth such request, from 1 on.
func GoTest(x *Exchange, name, cassette, kind string, nth int) (string, error) {
	if err := x.check(); err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\nfunc Test%s(t *testing.T) {\n\tclient := tapetest.Client(t, %q)\n", name, cassette)
	if x.Response.StatusCode/100 == 3 {
		b.WriteString("\tclient.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }\n")
	}
	if nth > 1 {
		fmt.Fprintf(&b, "\tvar status int\n\tvar body []byte\n\tfor range %d { // the answer is that to the last of so many\n", nth)
	}
	fmt.Fprintf(&b, `	req, err := http.NewRequestWithContext(t.Context(), %q, %q, strings.NewReader(%s))
	if err != nil {
		t.Fatal(err)
	}
`, x.Request.Method, x.Request.URL.String(), goString(string(x.RequestBody)))
	for _, p := range fields(x) {
		if p.Name == "Host" {
			fmt.Fprintf(&b, "\treq.Host = %q\n", p.Value)
			continue
		}
		fmt.Fprintf(&b, "\treq.Header.Add(%q, %q)\n", p.Name, p.Value)
	}
	b.WriteString(`	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
`)
	if nth > 1 {
		b.WriteString(`	body, err = io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	status = resp.StatusCode
	}
`)
	} else {
		b.WriteString(`	defer resp.Body.Close()
	status := resp.StatusCode
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
`)
	}
	fmt.Fprintf(&b, "\tif status != %d {\n\t\tt.Errorf(\"status %%d, want %[1]d: %%s\", status, body)\n\t}\n", x.Response.StatusCode)
	if kind != "" {
		fmt.Fprintf(&b, "\tif want := %q; !strings.Contains(string(body), want) {\n\t\tt.Errorf(\"the answer has no %%s: %%s\", want, body)\n\t}\n", kind)
	}
	b.WriteString("}\n")
	made, err := format.Source([]byte(b.String()))
	return string(made), err
}

// goString writes a string so that it can be read.
func goString(s string) string {
	if strconv.CanBackquote(strings.ReplaceAll(s, "\n", "")) {
		return "`" + s + "`"
	}
	return strconv.Quote(s)
}
