//go:build unix

package main

import (
	"os"
	"slices"
	"syscall"
)

// relayed are the signals that a command of exec gets as umtape gets them. Others
// do to each what they do.
var relayed = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGPIPE}

// ending are those that end a command which does not say otherwise.
var ending = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}

// typed are those that people type.
var typed = []os.Signal{syscall.SIGINT, syscall.SIGQUIT}

// reaches reports whether a signal reaches the command without our doing: a
// terminal sends what is typed to all processes in front, which are umtape and
// its command. Of SIGPIPE, which is about what umtape writes, the command is to
// learn by itself.
func reaches(s os.Signal) bool {
	return s == syscall.SIGPIPE || slices.Contains(typed, s) && inFront()
}

// numberOf is a signal's number, 0 if it has none.
func numberOf(s os.Signal) int {
	n, _ := s.(syscall.Signal)
	return int(n)
}

// killedBy is the signal that has ended a process, 0 if it ended by itself.
func killedBy(p *os.ProcessState) (number int, name string) {
	status, ok := p.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return 0, ""
	}
	return int(status.Signal()), status.Signal().String()
}

// errFormat: the system does not know how to run such a file.
var errFormat error = syscall.ENOEXEC
