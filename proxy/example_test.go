package proxy_test

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/umtape/umtape/proxy"
)

// A proxy that only passes on: a recorder would be put around the transport, a
// player in its place.
func Example() {
	um := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s, SOAPAction %s", r.Method, r.URL.Path, r.Header.Get("SOAPAction"))
	}))
	defer um.Close()

	upstream, err := proxy.NewUpstream(proxy.UpstreamConfig{})
	if err != nil {
		log.Fatal(err)
	}
	srv, err := proxy.New(proxy.Config{
		NewTransport: func() http.RoundTripper { return upstream.Transport() },
	})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go srv.Serve(ln)

	transport := &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: ln.Addr().String()})}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequest("POST", um.URL+"/EWS/UM2007Legacy.asmx", nil)
	if err != nil {
		log.Fatal(err)
	}
	r.Header.Set("SOAPAction", `"urn:Disconnect"`)
	resp, err := transport.RoundTrip(r)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Println(string(body), err)
	// Output: POST /EWS/UM2007Legacy.asmx, SOAPAction "urn:Disconnect" <nil>
}
