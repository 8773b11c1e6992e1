package um

import "github.com/umtape/umtape/inspect"

// UnknownCall reports whether an answer only says that the server does not know the
// call that it was asked about, or not any more (sections 1.1, 1.2).
func UnknownCall(r *inspect.Reading) bool {
	if r.Response == nil || IDOf(r.Request) == "" {
		return false
	}
	if f := r.Response.Fault; f != nil {
		return f.Kind() == "InvalidCallIdException"
	}
	return r.Response.Payload.Child("ResponseCode").Value() == "ErrorInvalidPhoneCallId"
}
