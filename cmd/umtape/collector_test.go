package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"testing"
)

// TestCollectLess: the collector waits for as much more garbage as is promised,
// and no longer than that.
func TestCollectLess(t *testing.T) {
	next := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.NextGC)
	}
	before := next()
	back := collectLess(recordingFloor)
	during := next()
	back()
	after := next()
	if more := during - before; more < recordingFloor || more > 3*recordingFloor {
		t.Errorf("the collector runs at %d bytes, before at %d: want about %d more", during, before, 2*recordingFloor)
	}
	if after-before > recordingFloor {
		t.Errorf("taken back, the collector runs at %d bytes, before at %d", after, before)
	}
}

// TestCollectReplay: a replay of little has the collector run less often than usual, one
// of much more often, and afterwards all is as it was, as it is throughout for somebody
// with a GOGC of their own.
func TestCollectReplay(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(usualPercent))
	t.Setenv("GOGC", "")
	os.Unsetenv("GOGC")
	percent := func() int {
		p := debug.SetGCPercent(usualPercent)
		debug.SetGCPercent(p)
		return p
	}
	much := make([]byte, 8*replayGarbage)
	runtime.GC()
	back := collectReplay()
	if got := percent(); got < 5 || got > 13 {
		t.Errorf("of much: %d percent", got)
	}
	back()
	if got := percent(); got != usualPercent {
		t.Errorf("taken back: %d percent", got)
	}
	t.Setenv("GOGC", "100")
	defer collectReplay()()
	if got := percent(); got != usualPercent {
		t.Errorf("of the user's own 100: %d percent", got)
	}
	runtime.KeepAlive(much)
}
