package main

import (
	"runtime"
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
