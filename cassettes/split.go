package cassettes

import (
	"bytes"
	"fmt"
)

// A file in our encoder's layout is split by looking at lines only:
//
//	---                      the header, up to the line "interactions:"
//	version: 2
//	umtape:
//	    ...
//	interactions:
//	    - id: 0              a record: from here
//	      request: ...
//	        checksum: ...    to here
//	    - id: 1
//
// No line of a body or a header can look like the first or the last line of a
// record, since those are indented deeper.

// record is one interaction's lines in a file of ours.
type record struct {
	off, end int  // in the text split; end is after the checksum's line break
	sum      int  // where the line of the checksum starts; end if it has none
	line     int  // 1-based, of off
	intact   bool // the checksum fits
}

// layout is a file of ours, split.
type layout struct {
	header  int      // length of the header
	records []record // all but a torn one
	torn    *Torn    // Offset and Line in the text split
	strange bool     // there is something between or after the records that is neither blank nor a comment
	ragged  bool     // the text does not end in a line break
	line    int      // 1-based, where the splitting has got to
}

// headerLen returns the length of the header, or 0 if data does not start with
// one in our layout.
func headerLen(data []byte) int {
	if !bytes.HasPrefix(data, []byte(headerStart)) {
		return 0
	}
	at := bytes.Index(data, []byte("\n"+headerEnd))
	if at < 0 {
		return 0
	}
	return at + 1 + len(headerEnd)
}

// split finds the records of data, which must have LF line endings. It is nil
// if data does not start with a header in our layout.
func split(data []byte) *layout {
	l := &layout{header: headerLen(data)}
	if l.header == 0 {
		return nil
	}
	l.line = 1 + bytes.Count(data[:l.header], []byte("\n"))
	l.split(data, l.header, true)
	return l
}

// split adds the records of data from pos on, where a line starts, and returns
// how far it got: to the end if data is the last of the file, else to the first
// record that may not be there as a whole.
func (l *layout) split(data []byte, pos int, last bool) int {
	for pos < len(data) {
		next := nextRecord(data, pos) // == pos if a record starts here
		if next == len(data) && !last {
			return pos
		}
		if next > pos {
			l.gap(data, pos, next)
			l.line += bytes.Count(data[pos:next], []byte("\n"))
			pos = next
			continue
		}
		limit := nextRecord(data, pos+len(recordStart))
		if limit == len(data) && !last {
			return pos
		}
		r := oneRecord(data, pos, limit)
		r.line = l.line
		if r.sum == r.end && limit == len(data) {
			l.torn = &Torn{Offset: int64(pos), Line: l.line, Lost: int64(len(data) - pos),
				Why: fmt.Sprintf("interaction %s ends before its checksum", idText(data[pos:]))}
			return pos
		}
		l.records = append(l.records, r)
		l.line += bytes.Count(data[pos:r.end], []byte("\n"))
		pos = r.end
	}
	if last && l.torn == nil {
		l.ragged = data[len(data)-1] != '\n'
	}
	return pos
}

// gap judges the text between two records, or after the last.
func (l *layout) gap(data []byte, pos, next int) {
	text := data[pos:next]
	last := text[bytes.LastIndexByte(text, '\n')+1:] // the start of a line that was never ended
	if next == len(data) && (couldBeRecord(last) || bytes.IndexByte(text, 0) >= 0) &&
		onlyComments(text[:len(text)-len(last)], true) {
		l.torn = &Torn{Offset: int64(pos), Line: l.line, Lost: int64(len(text)),
			Why: "the file ends in the first line of an interaction"}
		return
	}
	if !onlyComments(text, false) {
		l.strange = true
	}
}

// couldBeRecord says whether line is how a record starts, cut short.
func couldBeRecord(line []byte) bool {
	line = bytes.TrimSuffix(line, []byte("\r")) // of a CRLF cut in two
	if len(line) == 0 {
		return false
	}
	if len(line) <= len(recordStart) {
		return bytes.HasPrefix([]byte(recordStart), line)
	}
	digits, ok := bytes.CutPrefix(line, []byte(recordStart))
	return ok && allDigits(digits)
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) {
			return false
		}
	}
	return len(b) > 0
}

// onlyComments says whether every line of text is blank or a comment; zeros,
// which a crash can leave in place of what was written, count as blank if
// allowed.
func onlyComments(text []byte, zeros bool) bool {
	for line := range bytes.Lines(text) {
		if zeros {
			line = bytes.Trim(line, "\x00")
		}
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' {
			return false
		}
	}
	return true
}

// nextRecord returns where the first record at or after pos starts, or
// len(data). A record starts at the start of a line.
func nextRecord(data []byte, pos int) int {
	for pos < len(data) {
		at := bytes.Index(data[pos:], []byte(recordStart))
		if at < 0 {
			return len(data)
		}
		at += pos
		digits, _, ended := bytes.Cut(data[at+len(recordStart):min(len(data), at+len(recordStart)+idRoom)], []byte("\n"))
		if data[at-1] == '\n' && ended && allDigits(digits) {
			return at
		}
		pos = at + 1
	}
	return len(data)
}

func idText(record []byte) string {
	digits, _, _ := bytes.Cut(record[len(recordStart):], []byte("\n"))
	return string(digits)
}

// oneRecord finds the end of the record at pos; the next one starts at limit.
func oneRecord(data []byte, pos, limit int) record {
	r := record{off: pos, end: limit, sum: limit}
	at := bytes.Index(data[pos:limit], []byte("\n"+checksumStart))
	if at < 0 {
		return r
	}
	sum := pos + at + 1
	value, _, ended := bytes.Cut(data[sum+len(checksumStart):limit], []byte("\n"))
	fits := string(value) == checksum(data[pos:sum])
	if !ended && !fits {
		return r // the line itself is cut
	}
	r.sum, r.intact = sum, fits
	r.end = sum + len(checksumStart) + len(value)
	if ended {
		r.end++
	}
	return r
}
