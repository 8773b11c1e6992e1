package um

import "github.com/umtape/umtape/inspect"

// Protocol tells the classic UM web service from its successors in EWS.
type Protocol int

const (
	Classic Protocol = iota
	EWS
)

// Kind is the lexical kind of a field's text.
type Kind int

const (
	Text     Kind = iota
	Boolean       // xs:boolean: true, false, 1, 0
	Base64        // xs:base64Binary text
	CallID        // an opaque identifier of a call
	State         // UMCallState
	Cause         // UMEventCause
	Greeting      // NormalCustom or OofCustom

	FailureCause // the EWS twin of UMEventCause, which has one value more
	Integer      // xs:int
)

// Evidence says how well a fact of the protocol is known.
type Evidence int

const (
	Unknown Evidence = iota
	Inferred
	Documented
)

// Field is one child element of a request or of a response's inner element.
type Field struct {
	Name string
	Kind Kind

	// Required says that the specification states the cardinality 1..1; where
	// only the developer reference says "required" it is false and Expected is
	// true.
	Required bool
	Expected bool

	// Sensitive fields name a person, a number or an internal server.
	Sensitive bool

	// ID says that the value is an attribute Id of the element, as in EWS.
	ID bool
}

// Answer is what a successful response holds.
type Answer int

const (
	Empty    Answer = iota // the response element, empty
	Value                  // an element of the response's own name, holding text
	Fields                 // an element of the response's own name, holding fields
	Response               // EWS: a ResponseClass attribute and response message children
)

// Operation is one row of the protocol's tables (protocol reference, sections
// 1.1 and 1.2).
type Operation struct {
	Name     string
	Protocol Protocol

	// ActionKnown is how well it is known that Action is the operation's.
	ActionKnown Evidence

	Request  []Field
	Answer   Answer
	Response []Field // the children of the inner element, for Fields; the value itself, unnamed, for Value
	Faults   []string

	// Role is what the operation does in the life of a call (section 3.1).
	Role inspect.Role

	// SafeToResend is true for an operation that changes nothing and rings no
	// telephone (section 6, rule 6).
	SafeToResend bool
}

// Action is the operation's SOAPAction.
func (o Operation) Action() string { return MessagesNS + "/" + o.Name }

var (
	callID     = Field{Name: "CallId", Kind: CallID, Required: true, Sensitive: true}
	dialString = Field{Name: "DialString", Required: true, Sensitive: true}
	status     = Field{Name: "status", Kind: Boolean, Expected: true}
	phoneCall  = Field{Name: "PhoneCallId", Kind: CallID, Required: true, Sensitive: true, ID: true}
	newCallID  = []Field{{Kind: CallID, Expected: true, Sensitive: true}}
)

// responseMessage are the children that every response of EWS may have (section
// 1.2).
var responseMessage = []Field{{Name: "MessageText"}, {Name: "ResponseCode"}, {Name: "DescriptiveLinkKey", Kind: Integer}, {Name: "MessageXml"}}

// phoneCallInformation are the children of PhoneCallInformation, which are in
// [TypesNS] (section 1.2).
var phoneCallInformation = []Field{
	{Name: "PhoneCallState", Kind: State, Required: true}, {Name: "ConnectionFailureCause", Kind: FailureCause, Required: true},
	{Name: "SIPResponseText"}, {Name: "SIPResponseCode", Kind: Integer},
}

// Operations is the table of the protocol: the eleven classic operations and
// their three successors in EWS. Do not change it.
var Operations = []Operation{
	{Name: "Disconnect", Role: inspect.Ends, ActionKnown: Documented, Request: []Field{callID}, Answer: Empty, Faults: []string{"InvalidCallIdException"}},
	{Name: "GetCallInfo", Role: inspect.Polls, ActionKnown: Documented, Request: []Field{callID}, Answer: Fields, Response: []Field{
		{Name: "CallState", Kind: State, Required: true}, {Name: "EventCause", Kind: Cause, Required: true},
	}, Faults: []string{"InvalidCallIdException"}, SafeToResend: true},
	{Name: "PlayOnPhone", Role: inspect.Starts, ActionKnown: Documented, Request: []Field{{Name: "entryId", Kind: Base64, Required: true, Sensitive: true}, dialString},
		Answer: Value, Response: newCallID, Faults: []string{"InvalidObjectIdException", "DialingRulesException"}},
	{Name: "PlayOnPhoneGreeting", Role: inspect.Starts, ActionKnown: Documented, Request: []Field{
		{Name: "GreetingType", Kind: Greeting, Expected: true}, {Name: "DialString", Expected: true, Sensitive: true},
	}, Answer: Value, Response: newCallID, Faults: []string{"DialingRulesException"}},
	{Name: "GetUMProperties", ActionKnown: Inferred, Answer: Fields, Response: []Field{
		{Name: "OofStatus", Kind: Boolean, Expected: true}, {Name: "MissedCallNotificationEnabled", Kind: Boolean, Expected: true},
		{Name: "PlayOnPhoneDialString", Expected: true, Sensitive: true}, {Name: "TelephoneAccessNumbers", Expected: true, Sensitive: true},
		{Name: "TelephoneAccessFolderEmail", Kind: Base64, Expected: true, Sensitive: true},
	}, SafeToResend: true},
	{Name: "IsUMEnabled", ActionKnown: Inferred, Answer: Value, Response: []Field{{Kind: Boolean, Required: true}}, SafeToResend: true},
	{Name: "ResetPIN", ActionKnown: Documented, Answer: Empty},
	{Name: "SetMissedCallNotificationEnabled", ActionKnown: Inferred, Request: []Field{status}, Answer: Empty},
	{Name: "SetOofStatus", ActionKnown: Inferred, Request: []Field{status}, Answer: Empty},
	{Name: "SetPlayOnPhoneDialString", ActionKnown: Inferred, Request: []Field{{Name: "dialString", Expected: true, Sensitive: true}}, Answer: Empty},
	{Name: "SetTelephoneAccessFolderEmail", ActionKnown: Inferred, Request: []Field{{Name: "base64FolderId", Kind: Base64, Expected: true, Sensitive: true}}, Answer: Empty},

	{Name: "PlayOnPhone", Protocol: EWS, Role: inspect.Starts, Request: []Field{{Name: "ItemId", Required: true, Sensitive: true, ID: true}, dialString}, Answer: Response,
		Response: []Field{{Name: "PhoneCallId", Kind: CallID, Sensitive: true, ID: true}}},
	{Name: "GetPhoneCallInformation", Protocol: EWS, Role: inspect.Polls, ActionKnown: Documented, Request: []Field{phoneCall}, Answer: Response, SafeToResend: true,
		Response: []Field{{Name: "PhoneCallInformation"}}},
	{Name: "DisconnectPhoneCall", Protocol: EWS, Role: inspect.Ends, ActionKnown: Documented, Request: []Field{phoneCall}, Answer: Response},
}
