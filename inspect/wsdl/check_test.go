package wsdl

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/umtape/umtape/inspect"
)

func service(t testing.TB, name string) *Service {
	t.Helper()
	s, _, err := Load("../../testdata/wsdl/"+name+"/"+name+".wsdl", "")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// exchangeOf is one of two Bodies in SOAP 1.1.
func exchangeOf(url, action, request, response string) *inspect.Reading {
	in := func(body string) []byte {
		return []byte(`<s:Envelope xmlns:s="` + inspect.SOAP11NS + `" xmlns:xsi="` + xsiNS + `" xmlns:r="urn:example:rates"><s:Body>` + body + `</s:Body></s:Envelope>`)
	}
	header := http.Header{"Content-Type": {"text/xml; charset=utf-8"}, "Soapaction": {`"` + action + `"`}}
	e := inspect.Exchange{Method: "POST", URL: url, Status: 200, RequestBody: in(request), ResponseBody: in(response), RequestHeader: header, ResponseHeader: header}
	if strings.Contains(response, "Fault") {
		e.Status = 500
	}
	return inspect.Read(e)
}

// foundIn are the findings of an exchange, such as "WSDL04 Body/r:rates/limit".
func foundIn(s *Service, r *inspect.Reading) (list []string) {
	for _, f := range s.Check(r, nil) {
		part := ""
		if f.Part == "response" {
			part = "response "
		}
		list = append(list, f.Rule.ID+" "+part+f.Path+f.Header)
	}
	return list
}

const (
	rightRates  = `<r:rates><base>EUR</base><limit>2</limit></r:rates>`
	rightAnswer = `<r:ratesResponse><rates><rate><currency>USD</currency><value>1.08</value><day>2026-11-24</day></rate><rate><currency>GBP</currency><value>.86</value></rate></rates></r:ratesResponse>`
)

// TestRPC: messages of a service in rpc/literal style. The wrapper is in the namespace
// of the binding and called as the operation, what is in it is in none (WS-I Basic
// Profile 1.1 R2729, R2735), in the order of the parts.
func TestRPC(t *testing.T) {
	s := service(t, "rates")
	for _, tt := range []struct {
		name, action, request, response string
		want                            []string
	}{
		{"right", "rates", rightRates, rightAnswer, nil},
		{"right_without_rates", "rates", rightRates, `<r:ratesResponse><rates/></r:ratesResponse>`, nil},
		{"right_store", "store", `<r:store><rate><currency>USD</currency><value>1</value></rate></r:store>`, `<r:storeResponse/>`, nil},
		{"right_other_prefix", "rates", `<x:rates xmlns:x="urn:example:rates"><base/><limit> 2 </limit></x:rates>`, rightAnswer, nil},
		{"right_fault", "rates", rightRates, `<s:Fault><faultcode>s:Server</faultcode><faultstring>no</faultstring></s:Fault>`, nil},

		{"part_missing", "rates", `<r:rates><base>EUR</base></r:rates>`, rightAnswer, []string{"WSDL04 Body/rates/limit"}},
		{"parts_in_wrong_order", "rates", `<r:rates><limit>2</limit><base>EUR</base></r:rates>`, rightAnswer, []string{"WSDL04 Body/rates/base"}},
		{"part_in_a_namespace", "rates", `<r:rates><r:base>EUR</r:base><limit>2</limit></r:rates>`, rightAnswer, []string{"WSDL04 Body/rates/base"}},
		{"part_twice", "rates", `<r:rates><base>EUR</base><limit>2</limit><limit>2</limit></r:rates>`, rightAnswer, []string{"WSDL05 Body/rates/limit"}},
		{"part_unknown", "rates", `<r:rates><base>EUR</base><limit>2</limit><of>x</of></r:rates>`, rightAnswer, []string{"WSDL05 Body/rates/of"}},
		{"value", "rates", `<r:rates><base>EUR</base><limit>two</limit></r:rates>`, rightAnswer, []string{"WSDL08 Body/rates/limit"}},
		{"nil", "rates", `<r:rates><base xsi:nil="true"/><limit>2</limit></r:rates>`, rightAnswer, []string{"WSDL09 Body/rates/base"}}, // R2211
		{"text", "rates", `<r:rates>for<base>EUR</base><limit>2</limit></r:rates>`, rightAnswer, []string{"WSDL10 Body/rates"}},
		{"attribute", "rates", `<r:rates x="1"><base>EUR</base><limit>2</limit></r:rates>`, rightAnswer, []string{"WSDL07 Body/rates/@x"}},
		{"two_calls", "rates", rightRates + rightRates, rightAnswer, []string{"WSDL05 Body/rates"}},
		{"wrapper_in_no_namespace", "rates", `<rates><base>EUR</base><limit>2</limit></rates>`, rightAnswer, []string{"WSDL01 Body/rates"}},
		{"operation_unknown", "rates", `<r:prices/>`, rightAnswer, []string{"WSDL01 Body/prices"}},
		{"other_action", "store", rightRates, rightAnswer, []string{"WSDL11 SOAPAction"}},

		{"answer_called_as_the_request", "rates", rightRates, strings.ReplaceAll(rightAnswer, "ratesResponse", "rates"), []string{"WSDL03 response Body/rates"}},
		{"answer_of_another", "rates", rightRates, `<r:storeResponse/>`, []string{"WSDL03 response Body/storeResponse"}},
		{"answer_empty", "rates", rightRates, ``, []string{"WSDL03 response Body"}},
		{"answer_without_its_part", "rates", rightRates, `<r:ratesResponse/>`, []string{"WSDL04 response Body/ratesResponse/rates"}},
		{"answer_part_by_another_name", "rates", rightRates, `<r:ratesResponse><return/></r:ratesResponse>`, []string{"WSDL04 response Body/ratesResponse/rates"}},
		{"answer_deep", "rates", rightRates, `<r:ratesResponse><rates><rate><currency>USD</currency><value>1,08</value></rate></rates></r:ratesResponse>`, []string{"WSDL08 response Body/ratesResponse/rates/rate/value"}},
		{"answer_deep_namespace", "rates", rightRates, `<r:ratesResponse><rates><r:rate><currency>USD</currency><value>1</value></r:rate></rates></r:ratesResponse>`, []string{"WSDL05 response Body/ratesResponse/rates/rate"}},
		{"answer_where_there_is_none", "store", `<r:store><rate><currency>USD</currency><value>1</value></rate></r:store>`, `<r:storeResponse><done>1</done></r:storeResponse>`, []string{"WSDL05 response Body/storeResponse/done"}},
		{"answer_nil", "rates", rightRates, `<r:ratesResponse><rates xsi:nil="1"/></r:ratesResponse>`, []string{"WSDL09 response Body/ratesResponse/rates"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := foundIn(s, exchangeOf("http://rates.example/rates", "urn:example:rates#"+tt.action, tt.request, tt.response))
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// TestDocument: the same for document/literal style, with a header, a fault and another
// service's messages.
func TestDocument(t *testing.T) {
	s := service(t, "countries")
	const (
		ask    = `<GetCountry xmlns="urn:example:countries:data" level="full"><code>FR</code></GetCountry>`
		answer = `<GetCountryResponse xmlns="urn:example:countries:data"><place xsi:type="Country"><name>France</name><population>68</population></place></GetCountryResponse>`
		fault  = `<s:Fault><faultcode>s:Client</faultcode><faultstring>no</faultstring><detail>DETAIL</detail></s:Fault>`
	)
	for _, tt := range []struct {
		name, url, request, response string
		want                         []string
	}{
		{"right", "/soap/countries", ask, answer, nil},
		{"right_nil", "/soap/countries", ask, `<GetCountryResponse xmlns="urn:example:countries:data"><place xsi:nil="1" xsi:type="Country"/></GetCountryResponse>`, nil},
		{"right_fault", "/soap/countries", ask, strings.Replace(fault, "DETAIL", `<NoSuchCountry xmlns="urn:example:countries:data"><code>FR</code></NoSuchCountry>`, 1), nil},
		{"fault_not_declared", "/soap/countries", ask, strings.Replace(fault, "DETAIL", `<Oops/>`, 1), []string{"WSDL12 response Body/Fault/detail/Oops"}},
		{"fault_not_as_declared", "/soap/countries", ask, strings.Replace(fault, "DETAIL", `<NoSuchCountry xmlns="urn:example:countries:data"/>`, 1), []string{"WSDL04 response Body/Fault/detail/NoSuchCountry/code"}},
		{"abstract", "/soap/countries", ask, strings.Replace(answer, ` xsi:type="Country"`, "", 1), []string{"WSDL09 response Body/GetCountryResponse/place"}},
		{"two_bodies", "/soap/countries", ask + ask, answer, []string{"WSDL05 Body/GetCountry"}},
		{"no_body", "/soap/countries", ask, "", []string{"WSDL03 response Body"}},
		{"elsewhere", "/other", `<Sum xmlns="http://calc.example/"/>`, `<x/>`, []string{"WSDL02 Body/Sum"}},
		{"not_elsewhere", "/soap/countries", `<Sum xmlns="http://calc.example/"/>`, `<x/>`, []string{"WSDL01 Body/Sum"}},
		{"encoded", "/soap/old", `<c:CountCountries xmlns:c="urn:example:countries"><from>x</from></c:CountCountries>`, `<x/>`, []string{"WSDL13 Body/CountCountries"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			action := "urn:example:countries/GetCountry"
			if tt.name == "encoded" {
				action = ""
			}
			got := foundIn(s, exchangeOf("http://countries.example"+tt.url, action, tt.request, tt.response))
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	found := s.Check(exchangeOf("http://countries.example/soap/countries", "urn:example:countries/GetCountry", ask, ""), map[string]bool{"WSDL03": true})
	if len(found) > 0 {
		t.Errorf("found though it is off: %v", found)
	}
}
