package umserver

import (
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/um"
)

// ewsHandlers carry out the three successors in Exchange Web Services.
var ewsHandlers = map[string]handler{
	"PlayOnPhone":             (*Server).ewsPlay,
	"GetPhoneCallInformation": (*Server).getPhoneCallInformation,
	"DisconnectPhoneCall":     (*Server).disconnectPhoneCall,
}

// ewsPlay starts a call. The item is not looked up: any Id stands for a message.
func (s *Server) ewsPlay(op um.Operation, a args) answer {
	if a["ItemId"] == "" {
		return ewsError(op, "ErrorInvalidIdEmpty", "The Id is empty.", "an empty ItemId")
	}
	id, d := s.dial(op.Name, a["DialString"])
	switch d {
	case forbidden:
		return ewsError(op, "ErrorPhoneNumberNotDialable", "The phone number can't be dialed.", "a denied number")
	case noNumber:
		return ewsError(op, "ErrorInvalidPhoneNumber", "The phone number isn't valid.", "no number that can be dialed")
	}
	return ewsAnswer(op, element(`m:PhoneCallId Id="`+inspect.Escape(id)+`"`, ""))
}

func (s *Server) getPhoneCallInformation(op um.Operation, a args) answer {
	c, ok := s.poll(a["PhoneCallId"])
	if !ok {
		return invalidPhoneCallID(op, "no call known here")
	}
	cause := c.Cause
	if cause != userBusy {
		// Of the failures only UserBusy is documented to be reachable here;
		// None is for an unknown reason too (section 3.1).
		cause = none
	}
	content := element("t:PhoneCallState", c.State) + element("t:ConnectionFailureCause", cause)
	switch {
	case c.State == connected:
		content += element("t:SIPResponseText", "OK") + element("t:SIPResponseCode", "200")
	case cause == userBusy:
		content += element("t:SIPResponseText", "Busy Here") + element("t:SIPResponseCode", "486") // RFC 3261 §21.4.24
	}
	return ewsAnswer(op, element("m:PhoneCallInformation", content))
}

func (s *Server) disconnectPhoneCall(op um.Operation, a args) answer {
	why, done := s.hangUp(a["PhoneCallId"])
	if !done {
		return invalidPhoneCallID(op, why)
	}
	return ewsAnswer(op, "")
}

func invalidPhoneCallID(op um.Operation, why string) answer {
	return ewsError(op, "ErrorInvalidPhoneCallId", "The phone call ID isn't valid.", why)
}

// ewsAnswer is an operation's success; content is XML, with the prefixes m and t
// declared.
func ewsAnswer(op um.Operation, content string) answer {
	return answer{body: ewsResponse(op, "Success", element("m:ResponseCode", "NoError")+content)}
}

// ewsError is an error as EWS reports it: not a fault, and with HTTP 200
// (section 1.2).
func ewsError(op um.Operation, code, message, why string) answer {
	content := element("m:MessageText", message) + element("m:ResponseCode", code) + element("m:DescriptiveLinkKey", "0")
	return answer{body: ewsResponse(op, "Error", content), code: code, why: why}
}

func ewsResponse(op um.Operation, class, content string) string {
	return element(`m:`+op.Name+`Response ResponseClass="`+class+`" xmlns:m="`+um.MessagesNS+`" xmlns:t="`+um.TypesNS+`"`, content)
}
