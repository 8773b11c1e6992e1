package umserver_test

import (
	"context"
	"crypto/tls"
	"encoding/xml"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/inspect/um/umserver"
)

// A server that is told to publishes its WSDL, with the address that was asked, and
// the schema that it imports.
func TestWSDL(t *testing.T) {
	server := umserver.New(umserver.Options{WSDL: true})
	plain, secure := httptest.NewServer(server), httptest.NewTLSServer(server)
	defer plain.Close()
	defer secure.Close()
	client := secure.Client()
	client.Transport.(*http.Transport).TLSClientConfig.InsecureSkipVerify = true
	client.Transport.(*http.Transport).TLSClientConfig.MinVersion = tls.VersionTLS12
	for _, tt := range []struct {
		method, url, host string
		address           string // "" for the schema
		status            int
	}{
		{"GET", plain.URL + um.Path2007 + "?wsdl", "", plain.URL + um.Path2007, 200},
		{"GET", plain.URL + "/unifiedmessaging/SERVICE.asmx?WSDL", "um.example.com", "http://um.example.com/unifiedmessaging/SERVICE.asmx", 200},
		{"GET", secure.URL + um.PathLegacy + "?wsdl=1&x=2", "um.example.com:8443", "https://um.example.com:8443" + um.PathLegacy, 200},
		{"HEAD", plain.URL + um.Path2007 + "?wsdl", "", "", 200},
		{"GET", plain.URL + "/UnifiedMessaging/um.xsd", "", "", 200},
		{"GET", plain.URL + "/ews/UM.xsd", "", "", 200},
		{"GET", plain.URL + um.Path2007, "", "", 405},
		{"GET", plain.URL + um.Path2007 + "?wsdlx", "", "", 405},
		{"POST", plain.URL + um.Path2007 + "?wsdl", "", "", 415},
		{"GET", plain.URL + um.PathEWS + "?wsdl", "", "", 405},
		{"GET", plain.URL + "/um.xsd", "", "", 404},
	} {
		req, err := http.NewRequest(tt.method, tt.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if tt.host != "" {
			req.Host = tt.host
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != tt.status {
			t.Errorf("%s %s: %s, %v", tt.method, tt.url, resp.Status, err)
			continue
		}
		if tt.status != 200 {
			continue
		}
		want := um.WSDL(tt.address)
		switch {
		case tt.method == "HEAD":
			want = ""
		case tt.address == "":
			want = um.Schema()
		}
		if string(body) != want || resp.Header.Get("Content-Type") != "text/xml; charset=utf-8" || resp.ContentLength <= 0 {
			t.Errorf("%s %s: %d bytes of %s\n%.300s", tt.method, tt.url, resp.ContentLength, resp.Header.Get("Content-Type"), body)
		}
	}
}

// Whatever a client says its host is, the WSDL is XML, and one attribute holds it.
func TestWSDLOfStrangeHosts(t *testing.T) {
	server := umserver.New(umserver.Options{WSDL: true})
	local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8090}
	for host, want := range map[string]string{
		"":                            "http://127.0.0.1:8090" + um.Path2007,
		`a"/><x y="`:                  "",
		"a&b<c>":                      "",
		"um.example.com\x00":          "",
		"[::1]:80":                    "http://[::1]:80" + um.Path2007,
		"$1" + strings.Repeat("a", 9): "http://$1aaaaaaaaa" + um.Path2007,
	} {
		r := httptest.NewRequest("GET", um.Path2007+"?wsdl", nil)
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(local)))
		r.Host = host
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		var d struct {
			Address []struct {
				Location string `xml:"location,attr"`
			} `xml:"service>port>address"`
		}
		err := xml.Unmarshal(w.Body.Bytes(), &d)
		if err != nil || len(d.Address) != 1 || want != "" && d.Address[0].Location != want {
			t.Errorf("%q: %v, %+v", host, err, d)
		}
	}
}
