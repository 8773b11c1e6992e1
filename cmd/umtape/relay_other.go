//go:build !unix

package main

import (
	"errors"
	"os"
	"syscall"
)

// relayed are the signals that must not end umtape before its command.
var relayed = []os.Signal{os.Interrupt, syscall.SIGTERM}

var ending = relayed

// reaches reports that a signal reaches the command without our doing: a console
// tells all its processes, and there is no other way to tell one.
func reaches(os.Signal) bool { return true }

func numberOf(s os.Signal) int {
	n, _ := s.(syscall.Signal)
	return int(n)
}

// killedBy says nothing: here a process that is ended has an exit code.
func killedBy(*os.ProcessState) (number int, name string) { return 0, "" }

// errFormat is none that could come.
var errFormat = errors.New("unknown format")
