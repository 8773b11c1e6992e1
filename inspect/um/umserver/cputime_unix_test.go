//go:build unix

package umserver_test

import (
	"syscall"
	"testing"
	"time"
)

// cpuTime is what this process has used until now, which a busy machine does not
// add to.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
