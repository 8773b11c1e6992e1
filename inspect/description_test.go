package inspect

import (
	"net/url"
	"testing"
)

func TestAsksForDescription(t *testing.T) {
	for _, tt := range []struct {
		method, url string
		want        bool
	}{
		{"GET", "/UnifiedMessaging/Service.asmx?wsdl", true},
		{"HEAD", "/UnifiedMessaging/Service.asmx?WSDL", true},
		{"GET", "/Service.svc?singleWsdl", true},
		{"GET", "/Service.svc?xsd=xsd0", true},
		{"GET", "/Service.svc?wsdl=wsdl0&x=1", true},
		{"GET", "/index.php?service=um&wsdl", true},
		{"GET", "/EWS/Services.wsdl", true},
		{"GET", "/EWS/types.XSD?v=2", true},
		{"POST", "/UnifiedMessaging/Service.asmx?wsdl", false},
		{"GET", "/UnifiedMessaging/Service.asmx", false},
		{"GET", "/a?q=wsdl", false},
		{"GET", "/a?wsdlx", false},
		{"GET", "/wsdl", false},
		{"GET", "/a.xsdx", false},
	} {
		u, err := url.Parse("https://um.example.com" + tt.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := AsksForDescription(tt.method, u); got != tt.want {
			t.Errorf("%s %s: %t", tt.method, tt.url, got)
		}
	}
}
