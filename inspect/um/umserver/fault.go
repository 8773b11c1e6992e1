package umserver

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/um"
)

// fault is a SOAP fault before it is put into an envelope of either version.
type fault struct {
	space  string // of the code; "" for one of SOAP's own, which ASP.NET uses
	code   string
	reason string
	detail string // XML
	header string // XML, what the envelope's Header holds; "" for none
}

// invalid is the answer to a malformed or unrecognised request ([MS-OXWUMS]
// 2.2.2.1; section 5.2). EWS has been seen to put a header before it.
func (q *request) invalid(why string) answer {
	const code, reason = "ErrorInvalidRequest", "The request is invalid."
	f := &fault{space: um.TypesNS, code: code, reason: reason, detail: errorDetail(code, reason)}
	if q.protocol == um.EWS {
		f.header = element(`Action s:mustUnderstand="1" xmlns="http://schemas.microsoft.com/ws/2005/05/addressing/none"`, "*")
	}
	return answer{fault: f, code: code, why: why}
}

// schemaFault is what Exchange 2010 and later are seen to say to other EWS
// requests that do not fit their schema (section 5.3).
func schemaFault(m *inspect.Message, wrong *misfit) answer {
	const code, message = "ErrorSchemaValidation", "The request failed schema validation."
	violation := strings.ToUpper(wrong.what[:1]) + wrong.what[1:] + "."
	line, column := m.Place(wrong.at)
	return answer{code: code, why: wrong.what, fault: &fault{
		space: um.TypesNS, code: code, reason: strings.TrimSuffix(message, ".") + ": " + violation,
		detail: errorDetail(code, message) + element(`t:MessageXml xmlns:t="`+um.TypesNS+`"`,
			element("t:LineNumber", strconv.Itoa(line))+element("t:LinePosition", strconv.Itoa(column))+
				element("t:Violation", text(violation))),
	}}
}

func errorDetail(code, message string) string {
	const ns = ` xmlns:e="` + um.ErrorsNS + `"`
	return element("e:ResponseCode"+ns, code) + element("e:Message"+ns, message)
}

var exceptionTexts = map[string]string{
	invalidCallID:   "The call identifier isn't valid.",
	invalidObjectID: "The object identifier isn't valid.",
	dialingRules:    "Dialing restrictions are preventing the phone number that was entered from being dialed.",
}

// exception is a fault of the UM service (section 5.1).
func exception(name, why string) answer {
	return answer{code: name, why: why, fault: &fault{
		space: um.ErrorsNS, code: name, reason: exceptionTexts[name],
		detail: element(`m:ExceptionType xmlns:m="`+um.MessagesNS+`"`, name),
	}}
}

// Exception returns the fault by which the UM service says that name has happened,
// such as "InvalidCallIdException" (section 5.1), as an envelope, which travels with
// HTTP status 500; nil for a name that is not in the reference.
func Exception(name string, v inspect.Version) []byte {
	if exceptionTexts[name] == "" {
		return nil
	}
	return []byte(exception(name, "").envelope(um.Classic, v))
}

// aspNetFault is a fault of ASP.NET itself (section 5.4).
func aspNetFault(reason, why string) *answer {
	return &answer{code: "soap:Client", why: why, fault: &fault{code: "Client", reason: reason}}
}

// versionMismatch is the fault of SOAP 1.1 §4.4.1, which is in 1.1 whatever the
// request was in.
var versionMismatch = answer{code: "soap:VersionMismatch", why: "a SOAP 1.2 envelope", fault: &fault{
	code: "VersionMismatch", reason: "The envelope is not in the namespace " + inspect.SOAP11NS + ".",
}}

// xml returns the Fault element, with the envelope's prefix.
func (f *fault) xml(prefix string, v inspect.Version) string {
	p := prefix + ":"
	if v == inspect.SOAP12 {
		code := element(p+"Value", p+"Sender")
		if f.space != "" {
			code += element(p+"Subcode", element(p+`Value xmlns:a="`+f.space+`"`, "a:"+f.code))
		}
		return element(p+"Fault", element(p+"Code", code)+
			element(p+"Reason", element(p+`Text xml:lang="en-US"`, text(f.reason)))+
			element(p+"Detail", f.detail))
	}
	code, reason := element("faultcode", p+f.code), "faultstring"
	if f.space != "" {
		code, reason = element(`faultcode xmlns:a="`+f.space+`"`, "a:"+f.code), `faultstring xml:lang="en-US"`
	}
	return element(p+"Fault", code+element(reason, text(f.reason))+element("detail", f.detail))
}

// faultStatus is the HTTP status in which faults travel, in either version
// (sections 5.1 and 5.5).
const faultStatus = http.StatusInternalServerError
