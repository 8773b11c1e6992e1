package inspect

import (
	"strings"
	"testing"
)

func TestSelects(t *testing.T) {
	for _, tt := range []struct {
		selector, path, attr string
		want                 bool
	}{
		{"CallId", "Envelope/Body/Disconnect/CallId", "", true},
		{"CallId", "CallId", "", true},
		{"CallId", "Envelope/Body/CallId/Other", "", false},
		{"Disconnect/CallId", "Envelope/Body/GetCallInfo/CallId", "", false},
		{"Body/Disconnect/CallId", "Envelope/Body/Disconnect/CallId", "", true},
		{"Body/Disconnect/CallId", "Envelope/Header/Disconnect/CallId", "", false},
		{"Body/Disconnect/CallId", "Disconnect/CallId", "", false},
		{"Find/*", "Envelope/Body/Find/Any", "", true},
		{"ItemId/@Id", "Envelope/Body/Play/ItemId", "Id", true},
		{"ItemId/@Id", "Envelope/Body/Play/ItemId", "ChangeKey", false},
		{"ItemId/@*", "Envelope/Body/Play/ItemId", "ChangeKey", true},
		{"ItemId/@Id", "Envelope/Body/Play/ItemId", "", false},
		{"ItemId", "Envelope/Body/Play/ItemId", "Id", false},
	} {
		s, err := ParseSelector(tt.selector)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Selects(strings.Split(tt.path, "/"), tt.attr); got != tt.want {
			t.Errorf("%s selects %s @%s: %v, want %v", tt.selector, tt.path, tt.attr, got, tt.want)
		}
	}
}
