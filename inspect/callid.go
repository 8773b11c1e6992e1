package inspect

import (
	"encoding/base64"
	"strings"
)

// CallID is what a call identifier of the UM service says once decoded
// (protocol reference, section 3).
type CallID struct {
	GUID   string // lower-case, hyphenated
	Server string // the UM server's host name: internal, so mind where it is shown
}

// DecodeCallID decodes an identifier of the form that every published sample
// has: standard padded base64 of "<GUID>@<host name>". ok is false for any
// other form, which is no error: identifiers are opaque to clients.
func DecodeCallID(id string) (c CallID, ok bool) {
	// The decoder skips line breaks, which would make two identifiers one.
	if len(id) > 1024 || strings.ContainsAny(id, "\r\n") {
		return CallID{}, false
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(id)
	if err != nil {
		return CallID{}, false
	}
	guid, server, ok := strings.Cut(string(raw), "@")
	if !ok || !isGUID(guid) || !isHost(server) {
		return CallID{}, false
	}
	return CallID{GUID: strings.ToLower(guid), Server: server}, true
}

// Encode returns the identifier's form on the wire. It gives back what was
// decoded, but for the case of a GUID that was not in lower case.
func (c CallID) Encode() string {
	return base64.StdEncoding.EncodeToString([]byte(c.GUID + "@" + c.Server))
}

func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		hex := '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
		hyphen := i == 8 || i == 13 || i == 18 || i == 23
		if hyphen && c != '-' || !hyphen && !hex {
			return false
		}
	}
	return true
}

func isHost(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '-', c == '.', c == '_':
		default:
			return false
		}
	}
	return s != ""
}
