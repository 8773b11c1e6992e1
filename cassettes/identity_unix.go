//go:build unix

package cassettes

import (
	"os"
	"syscall"
)

// names is how many names a file has; 0 for one that was deleted.
func names(info os.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Nlink)
	}
	return 1
}

// fileNumber is by what the system knows a file.
func fileNumber(info os.FileInfo) (device, number uint64) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Dev), uint64(s.Ino)
	}
	return 0, 0
}
