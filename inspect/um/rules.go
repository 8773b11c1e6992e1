package um

import "github.com/umtape/umtape/inspect"

// The rules of the UM profile. Their sources are sections of PROTOCOL.md, beside
// this file. The number of a rule never changes meaning; new ones go to the end
// of their ten. A fact that is documented in one place and inferred in another
// has two rules, since a rule has one severity.
var (
	ruleHTTPSRequest = inspect.Rule{ID: "UM001", Severity: inspect.Error, Summary: "the request's namespace is spelled https://",
		Reason: "Exchange compares namespaces as text: to it the operation does not exist, and it refuses the request",
		Source: "PROTOCOL.md 2 (documentation artefact; captured: Exchange refuses it)",
		Fix:    "use http://schemas.microsoft.com/exchange/services/2006/messages"}
	ruleHTTPSResponse = inspect.Rule{ID: "UM002", Severity: inspect.Warning, Summary: "the response's namespace is spelled https://",
		Reason: "real servers answer http:// only, so a client that works with this one may fail with them",
		Source: "PROTOCOL.md 2 (documentation artefact; real servers answer http:// only)",
		Fix:    "correct the stand-in that answers so"}
	ruleSOAP12 = inspect.Rule{ID: "UM003", Severity: inspect.Warning, Summary: "the envelope is SOAP 1.2; the protocol is SOAP 1.1",
		Reason: "an endpoint of SOAP 1.1 answers SOAP 1.2 with status 415, or as nobody has documented",
		Source: "PROTOCOL.md 5.5 (documented: 1.1 only; inferred: some servers answer 1.2)",
		Fix:    "send a SOAP 1.1 envelope as text/xml"}
	ruleUnknownOperation = inspect.Rule{ID: "UM004", Severity: inspect.Warning, Summary: "the operation is none of the UM web service's eleven",
		Reason: "the service refuses what it does not know with ErrorInvalidRequest",
		Source: "PROTOCOL.md 1.1 (documented)", Fix: "check the operation's name, or the URL"}
	ruleOperationName = inspect.Rule{ID: "UM005", Severity: inspect.Error, Summary: "the operation's name is spelled in another case",
		Reason: "names are case sensitive: to a server this is another operation, which does not exist",
		Source: "PROTOCOL.md 1.1 (documented: names are case sensitive)", Fix: "spell it as the protocol does"}
	ruleOperationSpace = inspect.Rule{ID: "UM006", Severity: inspect.Error, Summary: "the operation is not in the messages namespace",
		Reason: "the namespace is part of the name: to a server this is another operation, which does not exist",
		Source: "PROTOCOL.md 1.1 (documented)", Fix: "use http://schemas.microsoft.com/exchange/services/2006/messages"}
	ruleEmptyRequest = inspect.Rule{ID: "UM007", Severity: inspect.Error, Summary: "the request's Body is empty",
		Reason: "there is nothing to do, and the server answers with a fault",
		Source: "PROTOCOL.md 1.1 (documented: one request element)", Fix: "put the operation's element into the Body"}
	ruleManyRequests = inspect.Rule{ID: "UM008", Severity: inspect.Error, Summary: "the request's Body has more than one child",
		Reason: "an envelope asks for one operation: the rest is refused, or never done",
		Source: "PROTOCOL.md 1.1 (documented: the only child of Body)", Fix: "send one operation in one envelope"}
	ruleManyResponses = inspect.Rule{ID: "UM009", Severity: inspect.Warning, Summary: "the response's Body has more than one child",
		Reason: "a client reads the first and misses the rest",
		Source: "PROTOCOL.md 1.1 (inferred from requests)", Fix: "answer one element in one envelope"}

	ruleAction = inspect.Rule{ID: "UM010", Severity: inspect.Error, Summary: "the SOAPAction is not that of the operation in the Body",
		Reason: "a server that goes by the action refuses the request, or does something else than the Body says",
		Source: "PROTOCOL.md 1.1, 1.2 (documented actions), 4.4 (one per operation)", Fix: "send the operation's own action, or none"}
	ruleActionHTTPS = inspect.Rule{ID: "UM011", Severity: inspect.Warning, Summary: "the SOAPAction is spelled https://",
		Reason: "actions are compared as text, and no server knows this one",
		Source: "PROTOCOL.md 2 (documentation artefact)", Fix: "use the http:// spelling"}
	ruleActionInferred = inspect.Rule{ID: "UM012", Severity: inspect.Warning, Summary: "the SOAPAction is not the one inferred for the Body's operation",
		Reason: "the actions that are documented all follow one pattern, which this one does not",
		Source: "PROTOCOL.md 1.1 (inferred: the same pattern), 4.4", Fix: "send the operation's own action, or none"}
	ruleWrongURL = inspect.Rule{ID: "UM013", Severity: inspect.Warning, Summary: "the operation is not one of those that its URL serves",
		Reason: "each service refuses the other's operations as unknown",
		Source: "PROTOCOL.md 1.2, 4.1 (documented: the classic operations are tied to UMUrl; inferred: what follows)",
		Fix:    "send classic operations to UnifiedMessaging/Service.asmx or UM2007Legacy.asmx, those of EWS to Exchange.asmx"}

	ruleEncodingStyle = inspect.Rule{ID: "UM014", Severity: inspect.Warning, Summary: "the request declares an encodingStyle",
		Reason: "an endpoint of document/literal does not read the encoding that is promised",
		Source: "SOAP 1.1 §4.1.1; PROTOCOL.md 1.1 (documented: document/literal; inferred: what follows)",
		Fix:    "leave the attribute out, and what the encoding adds: xsi:type, href, arrays"}

	ruleMissing = inspect.Rule{ID: "UM020", Severity: inspect.Error, Summary: "a child element is missing",
		Reason: "a message without it does not match the schema, and a request is refused",
		Source: "PROTOCOL.md 1.1 (documented cardinality 1..1)", Fix: "send the element"}
	ruleExpected = inspect.Rule{ID: "UM021", Severity: inspect.Warning, Summary: "a child element that the reference calls required is missing",
		Reason: "what a server does without it is not documented",
		Source: "PROTOCOL.md 1.1 (inferred cardinality 1..1)", Fix: "send the element"}
	ruleRepeated = inspect.Rule{ID: "UM022", Severity: inspect.Error, Summary: "a child element is there more than once",
		Reason: "the schema has it once: the message is refused, or one of the two is never read",
		Source: "PROTOCOL.md 1.1 (documented cardinality 1..1), 1.2 (captured in the schema of EWS)", Fix: "send it once"}
	ruleUnknownChild = inspect.Rule{ID: "UM023", Severity: inspect.Error, Summary: "an element that the operation does not have",
		Reason: "the schema has no place for it, and a request with it is refused",
		Source: "PROTOCOL.md 1.1, 1.2 (documented content), 5.2 (documented: answered with ErrorInvalidRequest)", Fix: "leave it out"}
	ruleCasing = inspect.Rule{ID: "UM024", Severity: inspect.Error, Summary: "a child element's name is spelled in another case",
		Reason: "names are case sensitive: to the reader this is a stranger, and the right one is missing",
		Source: "PROTOCOL.md 1.1, 2 (documented: CallId and DialString start upper case, entryId and status lower case)", Fix: "spell it as the protocol does"}
	ruleChildSpace = inspect.Rule{ID: "UM025", Severity: inspect.Error, Summary: "a child element is not in the namespace of its parent",
		Reason: "the namespace is part of the name: to the reader this is a stranger, and the right one is missing",
		Source: `PROTOCOL.md 1.1 (documented: elementFormDefault="qualified")`, Fix: "declare the messages namespace as default, or give the element its prefix"}
	ruleOrder = inspect.Rule{ID: "UM026", Severity: inspect.Error, Summary: "child elements are out of order",
		Reason: "the schema is a sequence: what comes out of turn is refused or not found",
		Source: "PROTOCOL.md 1.1 (documented order), 1.2 (captured in the schema of EWS)", Fix: "send them in the order of the operation's table"}
	ruleSlip = inspect.Rule{ID: "UM027", Severity: inspect.Warning, Summary: "a name or namespace as one page of the documentation misspells it",
		Reason: "the schema, and with it a server, does not have it so",
		Source: "PROTOCOL.md 1.1, 3 (documented as a slip, to be tolerated and warned about)", Fix: "use the protocol's own spelling"}
	ruleRepeatedInferred = inspect.Rule{ID: "UM028", Severity: inspect.Warning, Summary: "a child element that should be there once is there more than once",
		Reason: "which of them counts is not documented",
		Source: "PROTOCOL.md 1.1 (inferred cardinality 1..1)", Fix: "send it once"}
	ruleText = inspect.Rule{ID: "UM029", Severity: inspect.Error, Summary: "text where only elements belong",
		Reason: "the schema has no place for it, and a request with it is refused",
		Source: "PROTOCOL.md 1.1, 5.2 (documented: answered with ErrorInvalidRequest)", Fix: "leave it out"}

	ruleEmptyCallID = inspect.Rule{ID: "UM030", Severity: inspect.Error, Summary: "the call identifier is empty",
		Reason: "no call has an empty identifier: a server answers that it is invalid",
		Source: "PROTOCOL.md 1.2, 3.2 (documented: InvalidCallIdException, ErrorInvalidPhoneCallId)", Fix: "send the identifier that PlayOnPhone returned"}
	ruleLongCallID = inspect.Rule{ID: "UM031", Severity: inspect.Error, Summary: "the CallId of a GetCallInfo is over 512 characters",
		Reason: "the specification makes 512 characters the limit",
		Source: "PROTOCOL.md 1.1 (documented)", Fix: "send the identifier as it was received"}
	ruleLongOther = inspect.Rule{ID: "UM032", Severity: inspect.Warning, Summary: "the call identifier is over 512 characters",
		Reason: "GetCallInfo, which takes the same identifiers, has 512 characters as its limit",
		Source: "PROTOCOL.md 3 (inferred from GetCallInfo)", Fix: "send the identifier as it was received"}
	ruleCallIDForm = inspect.Rule{ID: "UM033", Severity: inspect.Note, Summary: "the call identifier has another form than the published samples",
		Reason: "identifiers are opaque, so this may be right; no published one looks like it",
		Source: "PROTOCOL.md 3 (captured form; identifiers are opaque)", Fix: "none needed, if the server handed it out so"}
	ruleValue = inspect.Rule{ID: "UM034", Severity: inspect.Error, Summary: "a value is not of its type",
		Reason: "the other side cannot read it, or reads something else",
		Source: "PROTOCOL.md 1.1 and 3.1 (documented)", Fix: "use a value of the type's list"}
	ruleValueLenient = inspect.Rule{ID: "UM035", Severity: inspect.Warning, Summary: "a value as only some documents have it",
		Reason: "the schema's type and the examples have it otherwise, and so may the other side",
		Source: "PROTOCOL.md 1.1, 3 and 3.1 (documented as slips, to be tolerated and warned about)", Fix: "write it as the type and the examples have it"}
	ruleUnlistedCause = inspect.Rule{ID: "UM036", Severity: inspect.Warning, Summary: "an event cause that no document lists",
		Reason: "a client cannot know what it means",
		Source: "PROTOCOL.md 3.1 (the developer reference's list; the specification's page is unknown)", Fix: "none, if a server really answered it"}
	ruleEmptyNewID = inspect.Rule{ID: "UM037", Severity: inspect.Warning, Summary: "a call identifier is empty where no document says what follows",
		Reason: "without an identifier a call can neither be asked about nor ended",
		Source: "PROTOCOL.md 3 (inferred: every sample names a call), 1.2", Fix: "answer the call's identifier, and send it as received"}
	ruleEmptyItem = inspect.Rule{ID: "UM038", Severity: inspect.Warning, Summary: "the identifier of the item to play is empty",
		Reason: "there is nothing to play, and the server is expected to say so",
		Source: "PROTOCOL.md 1.1, 5.1 (inferred: InvalidObjectIdException)", Fix: "send the item's EntryID or ItemId"}
	ruleCauseHidden = inspect.Rule{ID: "UM039", Severity: inspect.Note, Summary: "a failure cause that EWS lists and is not expected to show",
		Reason: "the specification calls UserBusy the only one that can be reached",
		Source: "PROTOCOL.md 3.1 (documented for the EWS type)",
		Fix:    "none, if a server really answered it"}

	ruleFit = inspect.Rule{ID: "UM040", Severity: inspect.Error, Summary: "the response does not fit the request",
		Reason: "a client finds no answer in it",
		Source: "PROTOCOL.md 1.1 (documented: the operation's name and Response)", Fix: "check what answered: another operation, or another service"}
	ruleNotEmpty = inspect.Rule{ID: "UM041", Severity: inspect.Error, Summary: "a response that should be empty is not",
		Reason: "the operation returns nothing, so no client looks for more",
		Source: "PROTOCOL.md 1.1 (documented)", Fix: "answer the empty element"}
	ruleWrapper = inspect.Rule{ID: "UM042", Severity: inspect.Error, Summary: "the response lacks the inner element of its own name",
		Reason: "clients read the result from the inner element",
		Source: "PROTOCOL.md 1.1, 1 (documented in schema and examples: the doubled wrapper)", Fix: "nest the result in an element of the response's name"}
	ruleResponseClass = inspect.Rule{ID: "UM043", Severity: inspect.Error, Summary: "ResponseClass is missing, unknown, or Success with another code than NoError",
		Reason: "clients tell success from failure by it",
		Source: "PROTOCOL.md 1.2 (documented: required; Success means NoError)", Fix: "answer ResponseClass Success with NoError, or Error with its code"}
	ruleCauseEarly = inspect.Rule{ID: "UM044", Severity: inspect.Warning, Summary: "EventCause is given while the call is not Disconnected",
		Reason: "while a call goes on, nothing has ended it",
		Source: "PROTOCOL.md 3.1 (inferred)", Fix: "answer None until the call has ended"}
	ruleStateHidden = inspect.Rule{ID: "UM045", Severity: inspect.Note, Summary: "a call state that the type lists and this protocol is not expected to show",
		Reason: "the specification marks it as not applicable here, so no client needs to know it",
		Source: "PROTOCOL.md 3.1 (documented: only Connecting, Connected, Disconnected are observable)", Fix: "none, if a server really answered it"}
	ruleProperties = inspect.Rule{ID: "UM046", Severity: inspect.Warning, Summary: "the UM properties are not as the developer reference lists them",
		Reason: "a client may miss what it looks for",
		Source: "PROTOCOL.md 1.1, 7 (their type is not established)", Fix: "none, if a server really answered so"}
	ruleErrorNoError = inspect.Rule{ID: "UM047", Severity: inspect.Warning, Summary: "ResponseClass Error comes with ResponseCode NoError",
		Reason: "a client cannot tell whether it failed",
		Source: "PROTOCOL.md 1.2 (inferred: only Success is documented to mean NoError)", Fix: "answer the error's code, or Success"}
	ruleFrameChild = inspect.Rule{ID: "UM048", Severity: inspect.Warning, Summary: "an element that a response of EWS does not have",
		Reason: "a client that checks against the schema refuses the response",
		Source: "PROTOCOL.md 1.2 (captured in the schema of EWS; inferred: a later one may have more)",
		Fix:    "leave it out, unless a server really answered it"}
	ruleNoResult = inspect.Rule{ID: "UM049", Severity: inspect.Warning, Summary: "a success without what the operation returns",
		Reason: "a client finds no call in it, or no state",
		Source: "PROTOCOL.md 1.2 (inferred: the schema has it 0..1, for errors)",
		Fix:    "answer PhoneCallId or PhoneCallInformation"}

	ruleFaultUnexpected = inspect.Rule{ID: "UM050", Severity: inspect.Warning, Summary: "an exception that the operation does not raise",
		Reason: "request and response may not belong together",
		Source: "PROTOCOL.md 5.1 (documented per operation)", Fix: "check that request and response belong together"}
	ruleExceptionForm = inspect.Rule{ID: "UM051", Severity: inspect.Note, Summary: "ExceptionType in the rarer of its documented forms",
		Reason: "a client that insists on the other form does not recognise the fault",
		Source: "PROTOCOL.md 5.1 (documented in contradictory spellings)", Fix: "none needed: clients should match it by local name"}
	ruleFaultMismatch = inspect.Rule{ID: "UM052", Severity: inspect.Warning, Summary: "the fault's code and its detail name different errors",
		Reason: "clients differ in which they go by, and then in what they do",
		Source: "PROTOCOL.md 5.1, 5.2 (inferred: every documented and captured fault has one name in both)",
		Fix:    "answer the same name in both"}
	ruleExceptionSpace = inspect.Rule{ID: "UM053", Severity: inspect.Warning, Summary: "the code of a UM exception is not in the errors namespace",
		Reason: "a client that compares whole names does not recognise the exception",
		Source: "PROTOCOL.md 5.1 (documented, as what a server should do)",
		Fix:    "declare the code's prefix as http://schemas.microsoft.com/exchange/services/2006/errors"}
	ruleInvalidSpace = inspect.Rule{ID: "UM054", Severity: inspect.Error, Summary: "the code of an ErrorInvalidRequest is not in the types namespace",
		Reason: "a client that compares whole names does not recognise the fault",
		Source: "PROTOCOL.md 5.2 (documented and captured: types, not errors)",
		Fix:    "declare the code's prefix as http://schemas.microsoft.com/exchange/services/2006/types"}
	ruleNotRefused = inspect.Rule{ID: "UM055", Severity: inspect.Error, Summary: "a request without its CallId was answered with success",
		Reason: "a real server answers InvalidCallIdException, so a client tested here learns the wrong thing",
		Source: "PROTOCOL.md 1.1, 3.2 (documented: must be InvalidCallIdException)",
		Fix:    "answer the fault: check what stands in for the server"}
	ruleClassicFault = inspect.Rule{ID: "UM056", Severity: inspect.Warning, Summary: "an exception of the classic service answers an operation of EWS",
		Reason: "a client of EWS looks for ResponseClass and ResponseCode",
		Source: "PROTOCOL.md 1.2, 5.1 (documented: there errors are no faults; captured: ExceptionType marks the classic service)",
		Fix:    "answer status 200 with ResponseClass Error"}

	ruleClassicHeader = inspect.Rule{ID: "UM060", Severity: inspect.Note, Summary: "a SOAP header in a request to the classic service, which defines none",
		Reason: "a server passes over it, whatever the client expects of it",
		Source: "PROTOCOL.md 1.1 (documented: no SOAP headers defined)",
		Fix:    "leave it out, unless something between client and server needs it"}
	ruleMustUnderstand = inspect.Rule{ID: "UM061", Severity: inspect.Warning, Summary: "a SOAP header that the classic service would have to understand",
		Reason: "a server that does not know a header with mustUnderstand has to answer with a fault",
		Source: "SOAP 1.1 §4.2.3; PROTOCOL.md 1.1 (documented: no SOAP headers defined; inferred: it refuses them)",
		Fix:    "leave it out, or its mustUnderstand"}
	ruleHeaderSpace = inspect.Rule{ID: "UM062", Severity: inspect.Error, Summary: "a SOAP header of EWS is not in the types namespace",
		Reason: "the namespace is part of the name: to a server this is another header, which it does not know",
		Source: "PROTOCOL.md 1.2 (documented: RequestServerVersion, ExchangeImpersonation, MailboxCulture, ServerVersionInfo)",
		Fix:    "use http://schemas.microsoft.com/exchange/services/2006/types"}

	ruleOldVersion = inspect.Rule{ID: "UM063", Severity: inspect.Warning, Summary: "RequestServerVersion asks for a version of EWS without these operations",
		Reason: "a server that goes by it answers as Exchange 2007 would, which had no such operation",
		Source: "PROTOCOL.md 1.2, 4.2 (documented: Exchange 2010 and later; inferred: what follows)",
		Fix:    "ask for Exchange2010 or later"}

	ruleCameBack = inspect.Rule{ID: "UM070", Severity: inspect.Warning, Summary: "a call has another state after it was Disconnected",
		Reason: "nothing leaves Disconnected: interactions are missing or out of order, or a stand-in mixes calls up",
		Source: "PROTOCOL.md 3.1 (documented states; inferred as a rule)",
		Fix:    "check the order of the interactions, and what answered"}
	ruleNoStart = inspect.Rule{ID: "UM071", Severity: inspect.Note, Summary: "a call is used whose start is not in the cassettes",
		Reason: "the call began before the recording, or its identifier is not one that the server handed out",
		Source: "PROTOCOL.md 3.1 (documented: PlayOnPhone and PlayOnPhoneGreeting hand the identifier out)",
		Fix:    "none needed if the call began before the recording; else check where the client has the identifier from"}
	ruleUsedAfterEnd = inspect.Rule{ID: "UM072", Severity: inspect.Note, Summary: "a call is used after its end",
		Reason: "what a server answers then is not documented, so a client should not rely on it",
		Source: "PROTOCOL.md 3.1 (documented: Disconnect ends a call), 3.2 (what a server answers then is unknown)",
		Fix:    "none needed, unless the client relies on the answer"}
	ruleLeftOpen = inspect.Rule{ID: "UM073", Severity: inspect.Note, Summary: "a call is started and nothing in the cassettes shows its end",
		Reason: "the call may still be going on, unless the recording only stopped before its end",
		Source: "PROTOCOL.md 3.1 (documented: Disconnect ends a call, GetCallInfo shows that it has ended)",
		Fix:    "none needed if the recording ended first; else end the call, or poll until it is Disconnected"}

	ruleMore = inspect.Rule{ID: "UM090", Severity: inspect.Note, Summary: "a message has more findings than are listed",
		Reason: "a list of thousands would help nobody",
		Source: "umtape lists 100 of one message", Fix: "mend the first ones and check again"}
)

// Rules lists every rule that [Check] and [CheckCalls] may report, the general SOAP
// rules first.
func Rules() []inspect.Rule {
	return append(inspect.SOAPRules(),
		ruleHTTPSRequest, ruleHTTPSResponse, ruleSOAP12, ruleUnknownOperation, ruleOperationName, ruleOperationSpace,
		ruleEmptyRequest, ruleManyRequests, ruleManyResponses,
		ruleAction, ruleActionHTTPS, ruleActionInferred, ruleWrongURL, ruleEncodingStyle,
		ruleMissing, ruleExpected, ruleRepeated, ruleUnknownChild, ruleCasing, ruleChildSpace, ruleOrder, ruleSlip,
		ruleRepeatedInferred, ruleText,
		ruleEmptyCallID, ruleLongCallID, ruleLongOther, ruleCallIDForm, ruleValue, ruleValueLenient,
		ruleUnlistedCause, ruleEmptyNewID, ruleEmptyItem, ruleCauseHidden,
		ruleFit, ruleNotEmpty, ruleWrapper, ruleResponseClass, ruleCauseEarly, ruleStateHidden,
		ruleProperties, ruleErrorNoError, ruleFrameChild, ruleNoResult,
		ruleFaultUnexpected, ruleExceptionForm, ruleFaultMismatch, ruleExceptionSpace, ruleInvalidSpace, ruleNotRefused, ruleClassicFault,
		ruleClassicHeader, ruleMustUnderstand, ruleHeaderSpace, ruleOldVersion,
		ruleCameBack, ruleNoStart, ruleUsedAfterEnd, ruleLeftOpen,
		ruleMore)
}
