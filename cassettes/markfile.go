package cassettes

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"time"
)

// The marks of a long cassette are kept in the user's cache folder, so that it
// opens at once the next time. The file is a copy of what Open finds out anyhow:
// whatever does not fit makes it worthless, and nothing else. Each record is
// checked again when it is read (Reel.read).
//
//	magic, matchingVersion, limit of bodies
//	identity of the cassette: size, time of change, digest of samples of it
//	number of marks, CRC-32C of them, the marks

const (
	marksMagic = "umtape marks 1\n"

	// matchingVersion changes whenever a request is digested in another way.
	matchingVersion = 2

	// marksKept is for how long the marks of a cassette are kept that nobody
	// opens.
	marksKept = 60 * 24 * time.Hour

	markSize = 40

	// settled is for how long a file has to have been left alone, since two
	// changes within one tick of the file system's clock look like one.
	settled = 2 * time.Second
)

// marksWorth is from how many interactions on marks are kept. Tests want fewer.
var marksWorth = 5000

// marksPath is where the marks of the cassette at path are kept.
func marksPath(dir, path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return "", err
	}
	name := sha256.Sum256([]byte(real))
	return filepath.Join(dir, hex.EncodeToString(name[:16])+".marks"), nil
}

// marksHead is the start of a file of marks for the cassette f.
func marksHead(f *os.File, options OpenOptions) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	b := []byte(marksMagic)
	for _, n := range []int64{matchingVersion, options.Match.maxBody(), info.Size(), info.ModTime().UnixNano()} {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	digest := sha256.New()
	device, number := fileNumber(info)
	digest.Write(fmt.Appendln(nil, device, number))
	digest.Write([]byte(options.Match.text()))
	const samples, each = 64, 4096
	block := make([]byte, each)
	for k := range int64(samples) {
		n, err := f.ReadAt(block, max(info.Size()-each, 0)*k/(samples-1))
		if err != nil && err != io.EOF {
			return nil, err
		}
		digest.Write(block[:n])
	}
	return digest.Sum(b), nil
}

// loadMarks fills r from what was kept of the cassette f; false if there is
// nothing that fits it.
func loadMarks(kept string, f *os.File, r *Reel, options OpenOptions) bool {
	data, err := os.ReadFile(kept)
	if err != nil {
		return false
	}
	head, err := marksHead(f, options)
	if err != nil {
		return false
	}
	rest, ok := bytes.CutPrefix(data, head)
	if !ok || len(rest) < 12 {
		return false
	}
	n, sum, body := binary.LittleEndian.Uint64(rest), binary.LittleEndian.Uint32(rest[8:]), rest[12:]
	if n != uint64(len(body))/markSize || len(body)%markSize != 0 || crc32.Checksum(body, castagnoli) != sum || n >= allHad {
		return false
	}
	if r.header, ok = headerOf(f, r.path); !ok {
		return false
	}
	if !RedactionOf(r.header.Umtape).None() {
		return false // values are no part of the marks
	}
	r.marks = make([]mark, n)
	for k := range r.marks {
		r.marks[k] = markFrom(body[k*markSize:])
	}
	now := time.Now()
	_ = os.Chtimes(kept, now, now) // it is in use
	return true
}

// headerOf reads the header of a cassette of ours.
func headerOf(f io.ReaderAt, path string) (Header, bool) {
	start := make([]byte, scanWindow)
	n, err := f.ReadAt(start, 0)
	if err != nil && err != io.EOF {
		return Header{}, false
	}
	end := headerLen(start[:n])
	if end == 0 {
		return Header{}, false
	}
	c, err := parseWhole(path, start[:end])
	if err != nil {
		return Header{}, false
	}
	return c.Header, true
}

// saveMarks keeps the marks of the cassette f, whose head was taken before it
// was read. It replaces the file at one stroke.
func saveMarks(kept string, head []byte, f *os.File, r *Reel, options OpenOptions) error {
	info, err := f.Stat()
	if err != nil || time.Since(info.ModTime()) < settled {
		return err
	}
	if again, err := marksHead(f, options); err != nil || !bytes.Equal(head, again) {
		return err // it was changed while it was read
	}
	dir := filepath.Dir(kept)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	b := make([]byte, 0, len(head)+12+len(r.marks)*markSize)
	b = append(b, head...)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(r.marks)))
	b = append(b, 0, 0, 0, 0)
	start := len(b)
	for k := range r.marks {
		b = r.marks[k].append(b)
	}
	binary.LittleEndian.PutUint32(b[start-4:], crc32.Checksum(b[start:], castagnoli))
	temp, err := os.CreateTemp(dir, ".marks-") // mode 0600
	if err != nil {
		return err
	}
	_, err = temp.Write(b)
	err = errors.Join(err, temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), kept)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	dropOldMarks(dir)
	return nil
}

// dropOldMarks removes what nobody has opened for long.
func dropOldMarks(dir string) {
	list, _ := filepath.Glob(filepath.Join(dir, "*.marks"))
	list2, _ := filepath.Glob(filepath.Join(dir, ".marks-*")) // left by a killed process
	for _, name := range append(list, list2...) {
		if info, err := os.Stat(name); err == nil && time.Since(info.ModTime()) > marksKept {
			_ = os.Remove(name)
		}
	}
}

func (m *mark) append(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint64(b, m.fold)
	b = le.AppendUint64(b, uint64(m.off))
	for _, n := range []uint32{m.size, m.sum, m.plain, m.host, m.op, uint32(m.flags)} {
		b = le.AppendUint32(b, n)
	}
	return b
}

func markFrom(b []byte) mark {
	le := binary.LittleEndian
	return mark{
		fold: le.Uint64(b), off: int64(le.Uint64(b[8:])), size: le.Uint32(b[16:]), sum: le.Uint32(b[20:]),
		plain: le.Uint32(b[24:]), host: le.Uint32(b[28:]), op: le.Uint32(b[32:]), flags: markFlags(le.Uint32(b[36:])),
	}
}
