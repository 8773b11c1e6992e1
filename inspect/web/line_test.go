package web

import (
	"fmt"
	"reflect"
	"runtime"
	"testing"
	"time"

	"github.com/umtape/umtape/inspect/um"
)

func TestARowIsAsItWasPut(t *testing.T) {
	b := NewBook()
	miss := &Miss{Distance: 3}
	rows := []Row{
		{},
		{File: "a.yaml", ID: 7, Began: callTime.Add(123456789), Took: time.Second, Operation: "Disconnect", Call: aCall(1), Address: "127.0.0.1:5", Client: "curl",
			Status: 500, Shape: "Fault", Fault: "InvalidCallId", Outcome: "recorded", Reason: "why", Veiled: "***", Nearest: "a.yaml#1", Errors: 1, Warnings: 2, Miss: miss},
		{Began: time.Date(9999, 1, 1, 0, 0, 0, 1, time.UTC), ID: 1 << 40, Call: "call"},
		{Began: time.Unix(0, 0).UTC(), Address: "[::1]:7"},
	}
	b.Add(rows...)
	check := func(n int, want Row) {
		t.Helper()
		if got, ok := b.row(n); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("row %d is %+v, not %+v", n, got, want)
		}
	}
	for n, want := range rows {
		check(n, want)
	}
	// What stays when a cassette is replaced is as it was, under another number.
	b.Replace("", []Row{{Address: "[::1]:8", Call: "other"}})
	check(0, rows[1])
	check(1, Row{Address: "[::1]:8", Call: "other"})
	if c := b.columns(0, 0); len(c.Calls) != 2 || c.Calls[0] != "00000001-8a1e-4d37-9c55-1e7a0b9d24f6" || c.Calls[1] != "call 2" || c.Client.Texts[1] != "[::1]:8" {
		t.Errorf("the page is given %+v", c)
	}
}

func TestABookHoldsTheLastRows(t *testing.T) {
	s, tape := paged(t)
	s.Book.Most = 8
	for k := range 9 {
		e := polled("a.yaml", k, k, "Connected")
		if k == 0 {
			e = ended("a.yaml", k, k)
		}
		tape[Place{"a.yaml", k}] = e
		r := RowOf(e, um.Check(e.Reading))
		r.Outcome = "replayed"
		s.Book.Add(r)
	}
	c := got[columns](t, s, "/api/rows", 200)
	if c.Anew != 1 || c.Total != 6 || c.ID[0] != 3 || len(c.Calls) != 6 || c.Calls[0] != "00000003-8a1e-4d37-9c55-1e7a0b9d24f6" {
		t.Errorf("rows %+v", c)
	}
	if state, _ := s.Book.state(); state.Older != 3 || state.Total != 6 {
		t.Errorf("told is %+v", state)
	}
	// The views are about what is left.
	if calls := got[callsJSON](t, s, "/api/calls", 200); len(calls.Size) != 6 {
		t.Errorf("calls %+v", calls)
	}
	groups := got[groupsJSON](t, s, "/api/shapes", 200).Groups
	if len(groups) != 2 || groups[0].Count != 6 || len(groups[0].Variants[0].Rows) != 6 || groups[0].Variants[0].Name != "a.yaml#3" {
		t.Errorf("shapes %+v", groups)
	}
	if x := got[exchangeJSON](t, s, "/api/exchange?n=0", 200); x.ID != 3 || x.Call != c.Calls[0] {
		t.Errorf("the first is %+v", x)
	}
	// What was left out may answer again.
	r := RowOf(tape[Place{"a.yaml", 1}], nil)
	r.Outcome = "replayed"
	s.Book.Add(r)
	if groups := got[groupsJSON](t, s, "/api/shapes", 200).Groups; groups[0].Count != 7 {
		t.Errorf("then shapes are %+v", groups)
	}
}

// TestRowsTakeLittleMemory measures a book of calls of five exchanges.
func TestRowsTakeLittleMemory(t *testing.T) {
	const many = 5_000
	least := uint64(1 << 40)
	for range 3 {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		b := NewBook()
		for k := range many {
			e := polled("a.yaml", k, k/5, "Connected")
			r := RowOf(e, nil)
			r.Address, r.Outcome = fmt.Sprintf("127.0.0.1:%d", 1024+k/5%60000), "recorded"
			b.Add(r)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		least = min(least, (after.HeapAlloc-before.HeapAlloc)/many)
		runtime.KeepAlive(b)
	}
	t.Logf("%d bytes a row", least)
	if least > 400 {
		t.Errorf("a row takes %d bytes", least)
	}
}

func TestADigestIsForgotten(t *testing.T) {
	s, _ := paged(t, started("a.yaml", 0, 1))
	d := s.Book.digested()
	if s.Book.digested() != d {
		t.Error("it is made again for the same rows")
	}
	if s.Book.forgets(); s.Book.digest != nil || !s.Book.forget.Stop() {
		t.Error("it is held on")
	}
}
