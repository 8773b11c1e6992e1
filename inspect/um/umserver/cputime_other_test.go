//go:build !unix

package umserver_test

import (
	"testing"
	"time"
)

var began = time.Now()

func cpuTime(*testing.T) time.Duration { return time.Since(began) }
