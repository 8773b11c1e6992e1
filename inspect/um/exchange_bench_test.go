package um

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/beevik/etree"

	"github.com/umtape/umtape/inspect"
)

// BenchmarkExchange compares what one exchange takes to be read, canonicalised and
// checked with what etree takes to parse its two messages and do nothing with them,
// interleaved round by round. It prints times and ratios. Run it alone: bash .ci/bench.
func BenchmarkExchange(b *testing.B) {
	body := func(name string) []byte {
		text, err := os.ReadFile("../../testdata/messages/" + name)
		if err != nil {
			b.Fatal(err)
		}
		return text
	}
	disconnect := body("disconnect-request.xml")
	odd := func(text []byte) []byte { // no longer for the quick reader
		return []byte(strings.Replace(string(text), "<soap:Body>", "<soap:Body><?odd?>", 1))
	}
	comments := func(text []byte) []byte { return []byte(strings.ReplaceAll(string(text), "><", "><!-- odd --><")) }
	poll := []byte(strings.ReplaceAll(string(disconnect), "Disconnect", "GetCallInfo"))
	for b.Loop() {
		var out strings.Builder
		table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
		fmt.Fprint(table, "exchange\tread, canonicalised, checked\tetree parses alone\tratio\n")
		for _, x := range []struct {
			name, operation   string
			request, response []byte
		}{
			{"Disconnect", "Disconnect", disconnect, body("disconnect-response.xml")},
			{"GetCallInfo", "GetCallInfo", poll, body("getcallinfo-response-connected.xml")},
			{"Disconnect, a fault", "Disconnect", disconnect, body("disconnect-fault-invalid-callid.xml")},
			{"Disconnect with comments", "Disconnect", comments(disconnect), comments(body("disconnect-response.xml"))},
			{"Disconnect with instructions", "Disconnect", odd(disconnect), odd(body("disconnect-response.xml"))},
		} {
			exchange := inspect.Exchange{Method: "POST", URL: "https://um01.contoso.test" + PathLegacy, Status: 200,
				RequestHeader:  http.Header{"Content-Type": {"text/xml; charset=utf-8"}, "Soapaction": {`"` + MessagesNS + "/" + x.operation + `"`}},
				ResponseHeader: http.Header{"Content-Type": {"text/xml; charset=utf-8"}},
				RequestBody:    x.request, ResponseBody: x.response}
			var key []byte
			ours := func() {
				r := inspect.Read(exchange)
				key = r.Request.AppendCanonical(key[:0], true)
				key = r.Response.AppendCanonical(key, true)
				if Check(r); r.Operation != x.operation || len(key) == 0 {
					b.Fatal("not read")
				}
			}
			theirs := func() {
				for _, text := range [][]byte{x.request, x.response} {
					if err := etree.NewDocument().ReadFromBytes(text); err != nil {
						b.Fatal(err)
					}
				}
			}
			var took [2][]time.Duration
			for range 15 {
				for k, f := range []func(){ours, theirs} {
					const times = 400
					start := time.Now()
					for range times {
						f()
					}
					took[k] = append(took[k], time.Since(start)/times)
				}
			}
			a, c := middle(took[0]), middle(took[1])
			fmt.Fprintf(table, "%s\t%v\t%v\t%.2f\n", x.name, a.Round(100*time.Nanosecond), c.Round(100*time.Nanosecond), float64(a)/float64(c))
		}
		table.Flush()
		b.Logf("\n%s", out.String())
	}
}

func middle[T cmp.Ordered](list []T) T {
	slices.Sort(list)
	return list[len(list)/2]
}
