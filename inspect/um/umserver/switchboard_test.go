package umserver

import (
	"fmt"
	"testing"

	"github.com/umtape/umtape/inspect"
)

func TestSwitchboardIsBounded(t *testing.T) {
	n := 0
	o := Options{NewGUID: func() string {
		n++
		return fmt.Sprintf("00000000-0000-4000-8000-%012d", n)
	}}.withDefaults()
	b := newSwitchboard(&o)
	ids := make([]string, 0, maxCalls)
	for range maxCalls {
		ids = append(ids, b.begin("PlayOnPhone", "5550142"))
	}
	b.hangUp(ids[7])
	b.hangUp(ids[3])

	// The calls that ended go first, in that order, then the oldest.
	for i, goes := range []int{7, 3, 0, 1} {
		b.begin("PlayOnPhone", "5550142")
		if _, s := b.find(ids[goes]); s != unknown {
			t.Errorf("call %d past the limit: call %d is still known", i+1, goes)
		}
		if got := len(b.list()); got != maxCalls || b.live.Len()+b.ended.Len() != maxCalls {
			t.Errorf("%d calls remembered, %d live, %d ended", got, b.live.Len(), b.ended.Len())
		}
	}
	if _, s := b.find(ids[2]); s != live {
		t.Error("call 2 is gone")
	}
}

// A GUID given out twice is the newer call's.
func TestRepeatedGUID(t *testing.T) {
	o := Options{NewGUID: func() string { return "00000000-0000-4000-8000-000000000001" }}.withDefaults()
	b := newSwitchboard(&o)
	b.begin("PlayOnPhone", "1")
	b.hangUp(b.begin("PlayOnPhone", "2"))
	b.begin("PlayOnPhone", "3")
	if got := b.list(); len(got) != 1 || got[0].DialString != "3" || got[0].State != connecting {
		t.Errorf("calls are %+v", got)
	}
}

func TestNewGUID(t *testing.T) {
	seen := make(map[string]bool)
	for range 100 {
		guid := newGUID()
		if _, ok := inspect.DecodeCallID(inspect.CallID{GUID: guid, Server: "x"}.Encode()); !ok || guid[14] != '4' || seen[guid] {
			t.Fatalf("GUID %q", guid)
		}
		seen[guid] = true
	}
}
