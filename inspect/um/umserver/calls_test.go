package umserver_test

import (
	"slices"
	"testing"
	"time"

	"github.com/umtape/umtape/inspect/um/umserver"
)

func TestCallMovesOnWhenAskedAbout(t *testing.T) {
	const (
		rings = "Connecting None"
		talks = "Connected None"
		over  = "Disconnected None"
		busy  = "Disconnected UserBusy"
		nope  = "Disconnected NoAnswer"
	)
	for _, tt := range []struct {
		name    string
		options umserver.Options
		want    []string
	}{
		{"defaults", umserver.Options{}, []string{rings, talks, talks, talks, talks, talks, over, over}},
		{"polls", umserver.Options{RingPolls: 2, TalkPolls: 1}, []string{rings, rings, talks, over, over}},
		{"no_ringing", umserver.Options{RingPolls: -1, TalkPolls: 1}, []string{talks, over}},
		{"no_end", umserver.Options{TalkPolls: -1}, []string{rings, talks, talks, talks, talks, talks, talks, talks, talks}},
		{"busy", umserver.Options{Busy: []string{"1", "555"}}, []string{rings, busy, busy}},
		{"no_answer", umserver.Options{NoAnswer: []string{"5550142"}, RingPolls: 2}, []string{rings, rings, nope, nope}},
		{"busy_before_no_answer", umserver.Options{NoAnswer: []string{""}, Busy: []string{""}}, []string{rings, busy}},
		{"other_number_busy", umserver.Options{Busy: []string{"55501420"}}, []string{rings, talks}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := serve(t, tt.options)
			id := c.start("5550142")
			var got []string
			for range tt.want {
				got = append(got, c.state(id))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			last := c.Calls()[0]
			if s := last.State + " " + last.Cause; s != tt.want[len(tt.want)-1] {
				t.Errorf("Calls says %s", s)
			}
			if ended := last.State == "Disconnected"; ended != (last.EndedBy == "line") {
				t.Errorf("a call %s was ended by %q", last.State, last.EndedBy)
			}
		})
	}
}

func TestDisconnectEndsACall(t *testing.T) {
	for _, polls := range []int{0, 1, 2} {
		c := serve(t, umserver.Options{Busy: []string{"000"}})
		id := c.start("5550142")
		for range polls {
			c.state(id)
		}
		c.classic("Disconnect", "<CallId>"+id+"</CallId>").want(t, "DisconnectResponse")
		if got := c.state(id); got != "Disconnected None" {
			t.Errorf("after %d polls and Disconnect the call is %s", polls, got)
		}
		want := umserver.Call{ID: id, Operation: "PlayOnPhone", DialString: "5550142", State: "Disconnected", Cause: "None", EndedBy: "client"}
		if got := c.Calls(); len(got) != 1 || got[0] != want {
			t.Errorf("Calls() = %+v, want %+v", got, want)
		}
	}
}

func TestDisconnectWithoutALiveCall(t *testing.T) {
	const done, doneEWS, refusedEWS = "DisconnectResponse", "NoError", "ErrorInvalidPhoneCallId"
	for _, tt := range []struct {
		ended, unknown                                   umserver.Outcome
		wantEnded, wantEndedEWS, wantUnknown, wantUnkEWS string
	}{
		{umserver.Fault, umserver.Fault, badCallID, refusedEWS, badCallID, refusedEWS},
		{umserver.Success, umserver.Fault, done, doneEWS, badCallID, refusedEWS},
		{umserver.Fault, umserver.Success, badCallID, refusedEWS, done, doneEWS},
		{umserver.Success, umserver.Success, done, doneEWS, done, doneEWS},
	} {
		t.Run(tt.ended.String()+"_"+tt.unknown.String(), func(t *testing.T) {
			c := serve(t, umserver.Options{EndedCall: tt.ended, UnknownCall: tt.unknown})
			disconnect := func(id string) reply { return c.classic("Disconnect", "<CallId>"+id+"</CallId>") }
			disconnectEWS := func(id string) reply {
				return c.ews("DisconnectPhoneCall", `<m:PhoneCallId Id="`+id+`"/>`)
			}
			id := c.start("5550142")
			disconnect(id).want(t, done)
			for range 2 {
				disconnect(id).want(t, tt.wantEnded)
				disconnectEWS(id).want(t, tt.wantEndedEWS)
			}
			disconnect(unknownID).want(t, tt.wantUnknown)
			disconnectEWS(unknownID).want(t, tt.wantUnkEWS)
			disconnect("x").want(t, badCallID)
			disconnectEWS("x").want(t, refusedEWS)
			if by := c.Calls()[0].EndedBy; by != "client" {
				t.Errorf("ended by %q", by)
			}
		})
	}
}

func TestEndedCallIsForgotten(t *testing.T) {
	now := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	options := umserver.Options{ForgetEnded: time.Minute, EndedCall: umserver.Success, Now: func() time.Time { return now }}
	c := serve(t, options)
	id := c.start("5550142")
	now = now.Add(time.Hour) // a live call is not forgotten
	c.classic("Disconnect", "<CallId>"+id+"</CallId>").want(t, "DisconnectResponse")
	now = now.Add(time.Minute - 1)
	if got := c.state(id); got != "Disconnected None" {
		t.Errorf("just before: %s", got)
	}
	now = now.Add(1)
	if got := c.state(id); got != badCallID {
		t.Errorf("a minute after: %s", got)
	}
	c.classic("Disconnect", "<CallId>"+id+"</CallId>").want(t, badCallID) // unknown now, not ended

	options.ForgetEnded = -1
	c = serve(t, options)
	id = c.start("5550142")
	c.classic("Disconnect", "<CallId>"+id+"</CallId>").want(t, "DisconnectResponse")
	if got := c.state(id); got != badCallID {
		t.Errorf("at once: %s", got)
	}
}
