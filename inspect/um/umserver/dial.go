package umserver

// dialing is what the server says to a dial string.
type dialing int

const (
	dialed    dialing = iota
	forbidden         // by Options.Deny
	noNumber          // empty, or longer than any number
)

// dial starts a call for an operation.
func (s *Server) dial(operation, dialString string) (id string, d dialing) {
	switch {
	case dialString == "" || len(dialString) > maxDialString:
		return "", noNumber
	case hasPrefix(dialString, s.options.Deny):
		return "", forbidden
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls.begin(operation, dialString), dialed
}

// hangUp ends a call and says whether that counts as done.
func (s *Server) hangUp(id string) (why string, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.calls.hangUp(id) {
	case live:
		return "", true
	case over:
		return "the call has ended", s.options.EndedCall == Success
	case unknown:
		return "an unknown call", s.options.UnknownCall == Success
	}
	return "no identifier of a call", false
}

func (s *Server) poll(id string) (Call, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls.poll(id)
}
