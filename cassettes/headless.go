package cassettes

import (
	"bytes"
	"fmt"
	"regexp"
)

// A file of ours whose header a power loss has taken.

const headerZeros = "zeros stand where its header was, as a power loss can leave them"

// headerKept finds the lines of a header that say something by themselves.
var headerKept = regexp.MustCompile(`^    (?:recorded_by|profile|kept|confirmed): |^        - `)

// headerAgain is a file of ours that has a header again, of what is left of it, and what
// that stands in place of. lost is nil for a file whose header holds no zeros, or that has
// no whole record of ours.
func headerAgain(data []byte) (mended []byte, lost *Torn) {
	zero := bytes.IndexByte(data, 0)
	if zero < 0 {
		return nil, nil
	}
	text := bytes.TrimPrefix(data, bom)
	end := 0 // of the header, in data
	var kept []byte
	redact := false
	known := false // what the file begins with is a header's
	for line := range bytes.Lines(text) {
		plain := bytes.TrimRight(line, "\r\n")
		zeros := bytes.LastIndexByte(plain, 0) + 1
		if start, ok := bytes.CutPrefix(plain[zeros:], []byte(recordStart)); ok && allDigits(start) {
			end += zeros
			break
		}
		end += len(line)
		if string(plain)+"\n" == headerEnd {
			known = true
			break
		}
		if zeros > 0 || !headerKept.Match(plain) {
			continue
		}
		if item := plain[4] == ' '; item && !redact {
			kept = append(kept, "    redact:\n"...)
			redact = true
		} else if !item {
			redact = false
		}
		kept = append(append(kept, plain...), '\n')
	}
	end += len(data) - len(text)
	if zero >= end && known || zero > end || !holdsRecord(data[end:]) {
		return nil, nil
	}
	header := fmt.Appendf(nil, "%s    format: %d\n%s%s", headerStart, format, kept, headerEnd)
	if _, err := parseWhole("", header); err != nil {
		header = fmt.Appendf(nil, "%s    format: %d\n%s", headerStart, format, headerEnd)
	}
	if bytes.Contains(data[end:], []byte("\r\n")) {
		header = bytes.ReplaceAll(header, []byte("\n"), []byte("\r\n"))
	}
	return append(header, data[end:]...), &Torn{Offset: 0, Line: 1, Lost: int64(end), Why: headerZeros + "; which rules of redaction it named may not be known any more"}
}

func headerFault(path string) error {
	return &fault{kind: ErrDamaged, path: path, line: 1, what: headerZeros, next: fmt.Sprintf("`umtape recover %s` writes another, of what is left of it", path)}
}

// holdsRecord reports whether a record of ours that fits its checksum is in a file's end.
func holdsRecord(data []byte) bool {
	text := bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	text = append([]byte("\n"), text...)
	for pos := nextRecord(text, 1); pos < len(text); pos = nextRecord(text, pos+len(recordStart)) {
		if r := oneRecord(text, pos, nextRecord(text, pos+len(recordStart))); r.intact {
			return true
		}
	}
	return false
}
