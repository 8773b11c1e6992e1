package main

import (
	"os"
	"runtime"
	"runtime/debug"
	rtmetrics "runtime/metrics"
)

// How much the collector is told is in use, in bytes, however little is. It runs when the
// heap has doubled, and a recording lives in 5 MiB, of which each exchange drops 12 KiB,
// a replay of few interactions in 2: it ran 20 times a second for nothing, which was
// a tenth of the processor time. The memory is never touched, so the system never has to
// find it. A larger GOGC would do the same at rest and let one that holds long bodies
// grow by as many times.
const (
	recordingFloor = 16 << 20 // beside what is in use
	replayFloor    = 9 << 20  // with what is in use: a replay of many interactions has no need of it
)

// collectLess makes the collector run less often until it is taken back: as if floor
// bytes more were in use.
func collectLess(floor int) (back func()) {
	if floor <= 0 {
		return func() {}
	}
	ballast := make([]byte, floor)
	return func() { runtime.KeepAlive(ballast) }
}

// A replay of very many interactions lives in 70 bytes for each, which have no pointers in
// them and cost the collector nothing: it need not wait until as much again is garbage.
const (
	replayGarbage = 8 << 20 // bytes
	usualPercent  = 100     // of a Go program, see [debug.SetGCPercent]
)

// collectReplay suits the collector to a replay, once the cassettes are open, until it is
// taken back. A GOGC of the user's own stands.
func collectReplay() (back func()) {
	if _, chosen := os.LookupEnv("GOGC"); chosen {
		return func() {}
	}
	live := inUse()
	if live <= replayGarbage {
		return collectLess(replayFloor - live)
	}
	before := debug.SetGCPercent(max(usualPercent*replayGarbage/live, 5))
	return func() { debug.SetGCPercent(before) }
}

// inUse is how many bytes of the heap were, when the collector ran last.
func inUse() int {
	live := []rtmetrics.Sample{{Name: "/gc/heap/live:bytes"}}
	rtmetrics.Read(live)
	return int(live[0].Value.Uint64())
}
