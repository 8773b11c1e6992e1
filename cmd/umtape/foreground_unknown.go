//go:build unix && !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package main

import "os"

// inFront takes a terminal that there is for one that sends what is typed.
func inFront() bool {
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	tty.Close()
	return true
}
