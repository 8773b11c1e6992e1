//go:build unix

package main

import (
	"syscall"
	"testing"
	"time"
)

// processorUsed is what this process has used until now, which a busy machine does not
// add to.
func processorUsed(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
