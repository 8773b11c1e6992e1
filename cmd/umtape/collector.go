package main

import "runtime"

// heapFloor is how much the collector is told is in use, in bytes, beside what
// is. It runs when the heap has doubled, and a recording lives in 5 MiB, of which
// each exchange drops 12 KiB: it ran 20 times a second for nothing, which was a
// tenth of the processor time of a recording. The memory is never touched, so
// the system never has to find it. A larger GOGC would do the same for
// a recording at rest and let one that holds long bodies grow by as many times.
const heapFloor = 16 << 20

// collectLess makes the collector run less often until it is taken back.
func collectLess() (back func()) {
	floor := make([]byte, heapFloor)
	return func() { runtime.KeepAlive(floor) }
}
