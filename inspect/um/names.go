package um

// The namespaces of the protocol (protocol reference, section 2). The wire uses
// http:// only.
const (
	MessagesNS = "http://schemas.microsoft.com/exchange/services/2006/messages"
	TypesNS    = "http://schemas.microsoft.com/exchange/services/2006/types"
	ErrorsNS   = "http://schemas.microsoft.com/exchange/services/2006/errors"
)

// The paths at which Exchange serves the protocol; IIS compares them without
// regard to case (section 4.1).
const (
	Path2007   = "/UnifiedMessaging/Service.asmx" // Exchange 2007
	PathLegacy = "/EWS/UM2007Legacy.asmx"         // Exchange 2010 to 2016, the classic operations
	PathEWS    = "/EWS/Exchange.asmx"             // Exchange Web Services, the successors
)

// MaxCallID is the longest CallId, in characters, that [MS-OXWUMS] allows in a
// GetCallInfo (section 1.1).
const MaxCallID = 512
