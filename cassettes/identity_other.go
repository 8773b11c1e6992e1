//go:build !unix

package cassettes

import "os"

// fileNumber is by what the system knows a file: nothing that is had cheaply.
func fileNumber(os.FileInfo) (device, number uint64) { return 0, 0 }

// names is how many names a file has: an open one is not deleted here.
func names(os.FileInfo) uint64 { return 1 }
