//go:build !linux

package cassettes

func (f osFile) reserve(off, size int64) error { return errNoReserve }
