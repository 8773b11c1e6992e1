package um

import (
	"slices"
	"testing"

	"github.com/umtape/umtape/inspect"
)

// TestSensitivePlaces: what the table marks sensitive is a place of the profile.
func TestSensitivePlaces(t *testing.T) {
	for _, path := range [][]string{
		{"Disconnect", "CallId", ""}, {"PlayOnPhone", "DialString", ""}, {"PlayOnPhone", "ItemId", "Id"}, {"DisconnectPhoneCall", "PhoneCallId", "Id"},
		{"PlayOnPhoneGreetingResponse", "PlayOnPhoneGreetingResponse", ""}, {"SetPlayOnPhoneDialString", "dialString", ""},
	} {
		whole := append([]string{"Envelope", "Body"}, path[:2]...)
		if !slices.ContainsFunc(Profile().Sensitive, func(s inspect.Selector) bool { return s.Selects(whole, path[2]) }) {
			t.Errorf("%v is not sensitive", path)
		}
	}
	whole := []string{"Envelope", "Body", "IsUMEnabledResponse", "IsUMEnabledResponse"}
	if slices.ContainsFunc(Profile().Sensitive, func(s inspect.Selector) bool { return s.Selects(whole, "") }) {
		t.Error("a boolean is sensitive")
	}
}
