//go:build unix

package cassettes

import (
	"io/fs"
	"syscall"
)

// fileIdentity is what else tells one file from another, or from itself when it
// has been changed.
func fileIdentity(info fs.FileInfo) []uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return []uint64{uint64(s.Dev), uint64(s.Ino)}
	}
	return nil
}
