package umserver_test

import (
	"strings"
	"testing"

	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/inspect/um/umserver"
)

const (
	item      = `<m:ItemId Id="AAMkAD" ChangeKey="CQAAAA"/>`
	ewsNumber = "<m:DialString>5550142</m:DialString>"
)

// information is what GetPhoneCallInformation says, "Connected None OK 200".
func (c *client) information(id string) string {
	c.Helper()
	m := c.ews("GetPhoneCallInformation", `<m:PhoneCallId Id="`+id+`"/>`).message(c)
	var words []string
	for _, e := range m.Payload.Child("PhoneCallInformation").Children {
		if e.Name.Space != um.TypesNS {
			c.Errorf("%s is in %s", e.Name.Local, e.Name.Space)
		}
		words = append(words, e.Value())
	}
	return strings.Join(words, " ")
}

func TestEWSCall(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options umserver.Options
		want    []string
	}{
		{"answered", umserver.Options{TalkPolls: 1}, []string{"Connecting None", "Connected None OK 200", "Disconnected None"}},
		{"busy", umserver.Options{Busy: []string{"555"}}, []string{"Connecting None", "Disconnected UserBusy Busy Here 486"}},
		// Of the failures only UserBusy is documented to be reachable.
		{"no_answer", umserver.Options{NoAnswer: []string{"555"}}, []string{"Connecting None", "Disconnected None"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := serve(t, tt.options)
			m := c.ews("PlayOnPhone", item+ewsNumber).message(t)
			id, _ := m.Payload.Child("PhoneCallId").Attr("Id")
			if id != sampleID {
				t.Fatalf("PhoneCallId is %q in %s", id, inspect.ShapeOf(m))
			}
			for i, want := range tt.want {
				if got := c.information(id); got != want {
					t.Errorf("question %d: %q, want %q", i+1, got, want)
				}
			}
		})
	}
}

func TestEWSAnswers(t *testing.T) {
	phoneCall := `<m:PhoneCallId Id="` + sampleID + `"/>`
	for _, tt := range []struct{ name, operation, children, want string }{
		{"play", "PlayOnPhone", item + ewsNumber, "NoError"},
		{"information", "GetPhoneCallInformation", phoneCall, "NoError"},
		{"disconnect", "DisconnectPhoneCall", phoneCall, "NoError"},
		{"denied", "PlayOnPhone", item + "<m:DialString>900</m:DialString>", "ErrorPhoneNumberNotDialable"},
		{"no_number", "PlayOnPhone", item + "<m:DialString/>", "ErrorInvalidPhoneNumber"},
		{"no_item", "PlayOnPhone", `<m:ItemId Id=""/>` + ewsNumber, "ErrorInvalidIdEmpty"},
		{"unknown", "GetPhoneCallInformation", `<m:PhoneCallId Id="` + unknownID + `"/>`, "ErrorInvalidPhoneCallId"},
		{"wrong", "GetPhoneCallInformation", `<m:PhoneCallId Id="NDDY5uY29y9t"/>`, "ErrorInvalidPhoneCallId"},
		{"empty", "DisconnectPhoneCall", `<m:PhoneCallId Id=""/>`, "ErrorInvalidPhoneCallId"},
		{"wrong", "DisconnectPhoneCall", `<m:PhoneCallId Id="OWVl4NWb3N29t"/>`, "ErrorInvalidPhoneCallId"},
	} {
		t.Run(tt.operation+"/"+tt.name, func(t *testing.T) {
			c := serve(t, umserver.Options{Deny: []string{"900"}})
			c.start("5550142")
			m := c.ews(tt.operation, tt.children).message(t)
			if m.Fault != nil {
				t.Fatalf("a fault: %s", m.Fault.Kind())
			}
			class, _ := m.Payload.Attr("ResponseClass")
			wantClass, first := "Error", "MessageText"
			if tt.want == "NoError" {
				wantClass, first = "Success", "ResponseCode"
			}
			if got := m.Payload.Child("ResponseCode").Value(); got != tt.want || class != wantClass {
				t.Errorf("ResponseClass %q, ResponseCode %q; want %q, %q", class, got, wantClass, tt.want)
			}
			if got := m.Payload.Children[0].Name.Local; got != first {
				t.Errorf("the response begins with %s, want %s", got, first)
			}
			if m.Header.Child("ServerVersionInfo") == nil {
				t.Error("no ServerVersionInfo")
			}
		})
	}
}

// What does not fit the schema gets the fault of [MS-OXWUMS] 2.2.2.1, or with
// SchemaFault that of other EWS operations; what is no operation at all has no
// schema to be checked against.
func TestEWSMalformed(t *testing.T) {
	schema := "ErrorSchemaValidation"
	for _, tt := range []struct{ name, operation, children, wantWithOption string }{
		{"no_id", "DisconnectPhoneCall", "<m:PhoneCallId/>", schema},
		{"no_child", "DisconnectPhoneCall", "", schema},
		{"classic_child", "DisconnectPhoneCall", "<m:CallId>" + sampleID + "</m:CallId>", schema},
		{"twice", "DisconnectPhoneCall", strings.Repeat(`<m:PhoneCallId Id="x"/>`, 2), schema},
		{"text", "GetPhoneCallInformation", `<m:PhoneCallId Id="x">x</m:PhoneCallId>`, schema},
		{"change_key_only", "PlayOnPhone", `<m:ItemId ChangeKey="x"/>` + ewsNumber, schema},
		{"unknown_attribute", "PlayOnPhone", `<m:ItemId Id="x" Key="x"/>` + ewsNumber, schema},
		{"classic_content", "PlayOnPhone", "<m:entryId>AAAA</m:entryId>" + ewsNumber, schema},
		{"wrong_order", "PlayOnPhone", ewsNumber + item, schema},
		{"classic_operation", "Disconnect", "<m:CallId>" + sampleID + "</m:CallId>", malformed},
		{"other_operation", "GetFolder", "", malformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for option, want := range map[bool]string{false: malformed, true: tt.wantWithOption} {
				m := serve(t, umserver.Options{SchemaFault: option}).ews(tt.operation, tt.children).message(t)
				if m.Fault == nil || m.Fault.Kind() != want {
					t.Fatalf("SchemaFault %t: %s, want %s", option, inspect.ShapeOf(m), want)
				}
				if m.Header.Child("ServerVersionInfo") != nil {
					t.Error("a fault with ServerVersionInfo")
				}
			}
		})
	}
}

func TestSchemaFaultSaysWhere(t *testing.T) {
	c := serve(t, umserver.Options{SchemaFault: true})
	f := c.ews("DisconnectPhoneCall", "\n  <m:PhoneCallId/>").message(t).Fault
	const violation = "The required attribute 'Id' is missing."
	if f.Code != (inspect.Name{Space: um.TypesNS, Local: "ErrorSchemaValidation"}) || f.Reason != "The request failed schema validation: "+violation {
		t.Errorf("fault %+v", f)
	}
	x := f.Detail.Child("MessageXml")
	for name, want := range map[string]string{"LineNumber": "2", "LinePosition": "3", "Violation": violation} {
		if got := x.Child(name).Value(); got != want || x.Child(name).Name.Space != um.TypesNS {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// The two protocols show one user's calls.
func TestProtocolsShareCalls(t *testing.T) {
	c := serve(t, umserver.Options{})
	id := c.start("5550142")
	if got := c.information(id); got != "Connecting None" {
		t.Errorf("EWS says %s", got)
	}
	if got := c.state(id); got != "Connected None" {
		t.Errorf("then the classic service says %s", got)
	}
	c.ews("DisconnectPhoneCall", `<m:PhoneCallId Id="`+id+`"/>`).want(t, "NoError")
	if got := c.state(id); got != "Disconnected None" {
		t.Errorf("at last %s", got)
	}
}
