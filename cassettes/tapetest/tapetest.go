// Package tapetest puts cassettes behind the tests of programs in Go that talk to
// Exchange Unified Messaging servers, or any other SOAP service.
//
//	func TestHangUp(t *testing.T) {
//		client := tapetest.Client(t, "testdata/hangup.yaml")
//		...
//	}
//
// There are three ways in: [Client] is an *http.Client, for code that takes one;
// [Server] is the URL of a server, for code that is told where to talk to;
// [Proxy] is a proxy, for code and for other programs that use one. All of them
// answer from the cassette and reach nobody. A request that nothing in the
// cassette answers fails the test, with what comes nearest and where it differs;
// the client gets HTTP 500 with a SOAP fault that says the same.
//
// # Recording
//
//	UMTAPE_MODE=record go test -count=1 -run '^TestHangUp$'
//
// does the same with the real server and writes the cassette anew (-count=1, as
// go test else repeats what it knows a recording to have printed). Credentials are
// redacted; look at what else there is before you commit it. Cassettes that the
// command umtape has recorded do as well, and umtape inspect and validate read
// those of this package.
//
// # Cassettes
//
// A path is that of a file, from the folder of the test. If it is "", the cassette
// is that of the test: testdata/TestHangUp.yaml, and for a subtest
// testdata/TestHangUp/unknown_call.yaml. What no file can be called on Windows, or
// in a Go module, is replaced in it.
//
// Tests may share a cassette, at the same time too. What one asks changes nothing
// for another: a request that is recorded several times is answered in that order
// for each of them. Within one test all clients, servers and proxies of a cassette
// take turns, and go by the same Ignore, Any, MatchHeaders, Repeat and All. Tests that record to the same cassette do so in one run of go test:
// the first begins it anew, the others add to it. Then none may ask what another is
// answered differently.
package tapetest

import (
	"net/http"
	"slices"
	"testing"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
)

// Tape says more than the functions of this package do, which are the methods of
// its zero value.
//
//	client := tapetest.Tape{AllUsed: true}.Client(t, "testdata/hangup.yaml")
type Tape struct {
	// AllUsed fails the test at its end if an interaction of the cassette has
	// answered nothing in it. Not for cassettes that tests share.
	AllUsed bool

	// Ignore are places in the Body that do not count when a request is compared
	// with those recorded, such as "CallId" or "Find/@Id"; Any are places whose text
	// may be any, what was recorded with another being answered with the caller's
	// put in. See [inspect.ParseSelector] for how they are written. MatchHeaders are
	// names of request headers that count as well.
	Ignore, Any, MatchHeaders []string

	// Repeat says what answers a request that comes more often than it was
	// recorded: the last answer, unless told otherwise.
	Repeat cassettes.Repeat

	// All records every exchange, not only SOAP.
	All bool

	// Reverse is the URL of the server that Server stands for, such as
	// "https://um.example.com" or "https://um.example.com/base". It must be given
	// to record with Server, and if it has a path, also to replay.
	Reverse string

	// Transport reaches the servers, when recording. If nil, Client has a copy of
	// http.DefaultTransport, and Server and Proxy have what umtape record has: one
	// connection to the server for each of a client's, as NTLM needs it.
	Transport http.RoundTripper
}

// session is what of the Tape is one for all that a test does with a cassette.
func (o Tape) session() Tape {
	return Tape{Ignore: slices.Concat(o.Ignore), Any: slices.Concat(o.Any), MatchHeaders: slices.Concat(o.MatchHeaders), Repeat: o.Repeat, All: o.All}
}

// matching is what the Tape says of which requests are the same.
func (o Tape) matching(t testing.TB) cassettes.Matching {
	t.Helper()
	places := func(texts []string) (list []inspect.Selector) {
		for _, text := range texts {
			place, err := inspect.ParseSelector(text)
			if err != nil {
				t.Fatalf("tapetest: %v", err)
			}
			list = append(list, place)
		}
		return list
	}
	return cassettes.Matching{Ignore: places(o.Ignore), Any: places(o.Any), Headers: o.MatchHeaders}
}

// Client returns a client whose requests are answered from the cassette, or
// recorded to it.
func Client(t testing.TB, cassette string) *http.Client {
	t.Helper()
	return Tape{}.Client(t, cassette)
}

// Server returns the URL, http://127.0.0.1:PORT, of a server that answers from the
// cassette. To record, see [Tape.Reverse].
func Server(t testing.TB, cassette string) string {
	t.Helper()
	return Tape{}.Server(t, cassette)
}

// Proxy returns a proxy that answers from the cassette for every host, over http
// and https, or records to it.
func Proxy(t testing.TB, cassette string) *ProxyServer {
	t.Helper()
	return Tape{}.Proxy(t, cassette)
}

// Client is the function [Client] with what the Tape says.
func (o Tape) Client(t testing.TB, cassette string) *http.Client {
	t.Helper()
	s := begin(t, cassette, o)
	next, end := s.transports(o, func() http.RoundTripper {
		if d, ok := http.DefaultTransport.(*http.Transport); ok {
			return d.Clone()
		}
		return http.DefaultTransport
	})
	transport := next()
	t.Cleanup(func() {
		closeIdle(transport)
		end()
	})
	return &http.Client{Transport: transport}
}
