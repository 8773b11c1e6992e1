package umserver

import (
	"strings"

	"github.com/umtape/umtape/inspect/um"
)

// The UM exceptions (section 5.1) and their texts.
const (
	invalidCallID   = "InvalidCallIdException"
	invalidObjectID = "InvalidObjectIdException"
	dialingRules    = "DialingRulesException"
)

// classicHandlers carry out the eleven operations of the UM web service.
var classicHandlers = map[string]handler{
	"Disconnect":                       (*Server).disconnect,
	"GetCallInfo":                      (*Server).getCallInfo,
	"PlayOnPhone":                      (*Server).play,
	"PlayOnPhoneGreeting":              (*Server).play,
	"GetUMProperties":                  (*Server).getUMProperties,
	"IsUMEnabled":                      isUMEnabled,
	"ResetPIN":                         resetPIN,
	"SetMissedCallNotificationEnabled": set("status", "MissedCallNotificationEnabled"),
	"SetOofStatus":                     set("status", "OofStatus"),
	"SetPlayOnPhoneDialString":         set("dialString", "PlayOnPhoneDialString"),
	"SetTelephoneAccessFolderEmail":    set("base64FolderId", "TelephoneAccessFolderEmail"),
}

func (s *Server) disconnect(op um.Operation, a args) answer {
	why, done := s.hangUp(a["CallId"])
	if !done {
		return exception(invalidCallID, why)
	}
	return classicAnswer(op, "")
}

func (s *Server) getCallInfo(op um.Operation, a args) answer {
	c, ok := s.poll(a["CallId"])
	if !ok {
		return exception(invalidCallID, "no call known here")
	}
	return classicAnswer(op, fields(op.Response, map[string]string{"CallState": c.State, "EventCause": c.Cause}))
}

// play is PlayOnPhone and PlayOnPhoneGreeting. An EntryID is not looked up: any
// base64 stands for a message.
func (s *Server) play(op um.Operation, a args) answer {
	id, d := s.dial(op.Name, a["DialString"])
	switch d {
	case forbidden:
		return exception(dialingRules, "a denied number")
	case noNumber:
		return exception(dialingRules, "no number that can be dialed")
	}
	return classicAnswer(op, id)
}

func (s *Server) getUMProperties(op um.Operation, _ args) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return classicAnswer(op, fields(op.Response, s.user))
}

func isUMEnabled(_ *Server, op um.Operation, _ args) answer { return classicAnswer(op, "true") }

// resetPIN says that it was done; no PIN is kept and nothing is mailed.
func resetPIN(_ *Server, op um.Operation, _ args) answer { return classicAnswer(op, "") }

// set returns the handler of a setter: which argument becomes which property.
func set(arg, property string) handler {
	return func(s *Server, op um.Operation, a args) answer {
		v := a[arg]
		if op.Request[0].Kind == um.Boolean {
			v = canonicalBool(v)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.user[property] = strings.Clone(v)
		return classicAnswer(op, "")
	}
}

// classicAnswer is an operation's success. content goes into the second of the
// two elements of the response's name that a value-returning operation has
// (section 1.1); it is text for [um.Value] and XML for [um.Fields].
func classicAnswer(op um.Operation, content string) answer {
	name := op.Name + "Response"
	switch op.Answer {
	case um.Value:
		content = element(name, text(content))
	case um.Fields:
		content = element(name, content)
	}
	return answer{body: element(name+` xmlns="`+um.MessagesNS+`"`, content)}
}

// fields writes a row's fields with their values, in order.
func fields(list []um.Field, values map[string]string) string {
	var b strings.Builder
	for _, f := range list {
		b.WriteString(element(f.Name, text(values[f.Name])))
	}
	return b.String()
}
